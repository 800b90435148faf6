//! How an agent would log in: by a variable, or by the user's own login file, which is linked and never copied.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;
use windlass_types::{Failure, FailureKind, Harness, Timestamp};

use crate::UserFiles;
use crate::outcome::login_hint;

/// No login file is longer.
const FILE_MAX: u64 = 1024 * 1024;

/// A way to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Login {
    /// A variable that is set.
    Variable(&'static str),
    /// A login file.
    File(LoginFile),
}

/// What is known of a login file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LoginFile {
    pub(crate) path: PathBuf,
    /// When its token ends.
    pub(crate) expires_at: Option<Timestamp>,
    /// Whether the agent can renew it by itself, and then writes the new one back.
    pub(crate) renewable: bool,
}

/// Variables that are a login by themselves, the first one first.
const fn login_variables(harness: Harness) -> &'static [&'static str] {
    match harness {
        Harness::Claude => &[
            "ANTHROPIC_API_KEY",
            "ANTHROPIC_AUTH_TOKEN",
            "CLAUDE_CODE_OAUTH_TOKEN",
            "CLAUDE_CODE_USE_BEDROCK",
            "CLAUDE_CODE_USE_VERTEX",
            "CLAUDE_CODE_USE_FOUNDRY",
        ],
        Harness::Codex => &["CODEX_API_KEY", "OPENAI_API_KEY"],
        Harness::Gemini => &["GEMINI_API_KEY", "GOOGLE_API_KEY", "GOOGLE_GENAI_USE_VERTEXAI"],
        Harness::Command | Harness::Simulated => &[],
    }
}

/// The name of the file in the agent's own folder that holds the login.
pub(crate) const fn file_name(harness: Harness) -> Option<&'static str> {
    match harness {
        Harness::Claude => Some(".credentials.json"),
        Harness::Codex => Some("auth.json"),
        Harness::Gemini => Some("oauth_creds.json"),
        Harness::Command | Harness::Simulated => None,
    }
}

/// How the agent would log in; a variable goes before the file.
pub(crate) fn find(harness: Harness, user: &UserFiles, env: &BTreeMap<String, String>) -> Option<Login> {
    let set = |name: &str| env.get(name).or_else(|| user.env.get(name)).is_some_and(|v| !v.is_empty());
    if let Some(name) = login_variables(harness).iter().find(|name| set(name)) {
        return Some(Login::Variable(name));
    }
    let path = user.login_dir(harness)?.join(file_name(harness)?);
    let value = read(&path)?;
    Some(Login::File(describe(harness, path, &value)))
}

/// As [`find`], for a run: a login that is missing or ends before the run must is a failure that says what to do.
pub(crate) fn require(harness: Harness, user: &UserFiles, env: &BTreeMap<String, String>, until: Timestamp) -> Result<Login, Failure> {
    let missing = |what: String| Failure::new(FailureKind::NotLoggedIn, what).hint(login_hint(harness));
    let login = find(harness, user, env).ok_or_else(|| missing(format!("{harness} has neither a key nor a login file")))?;
    if let Login::File(file) = &login
        && let Some(at) = file.ends_before(until)
    {
        return Err(missing(format!(
            "the login of {harness} in {} ends at {at}, before the run must end, and cannot renew itself",
            file.path.display()
        )));
    }
    Ok(login)
}

impl LoginFile {
    /// When it ends, if that is before `until` and for good.
    pub(crate) fn ends_before(&self, until: Timestamp) -> Option<Timestamp> {
        self.expires_at.filter(|at| !self.renewable && *at < until)
    }
}

fn describe(harness: Harness, path: PathBuf, value: &Value) -> LoginFile {
    let has = |v: &Value| v.as_str().is_some_and(|s| !s.is_empty());
    let (expires_at, renewable) = match harness {
        Harness::Claude => {
            let login = &value["claudeAiOauth"];
            (login["expiresAt"].as_i64().map(Timestamp), has(&login["refreshToken"]))
        }
        Harness::Codex if has(&value["OPENAI_API_KEY"]) => (None, false),
        Harness::Codex => {
            let tokens = &value["tokens"];
            (tokens["access_token"].as_str().and_then(jwt_expiry), has(&tokens["refresh_token"]))
        }
        _ => (value["expiry_date"].as_i64().map(Timestamp), has(&value["refresh_token"])),
    };
    LoginFile { path, expires_at, renewable }
}

/// The `exp` of a JSON web token. Its signature is the provider's business.
fn jwt_expiry(token: &str) -> Option<Timestamp> {
    let claims = URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let claims: Value = serde_json::from_slice(&claims).ok()?;
    claims["exp"].as_i64()?.checked_mul(1000).map(Timestamp)
}

fn read(path: &Path) -> Option<Value> {
    let mut bytes = Vec::new();
    std::fs::File::open(path).ok()?.take(FILE_MAX).read_to_end(&mut bytes).ok()?;
    serde_json::from_slice::<Value>(&bytes).ok().filter(Value::is_object)
}

/// The secrets in all login files, by a name for each.
pub(crate) fn tokens(user: &UserFiles) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for harness in Harness::ALL {
        let Some(path) = user.login_dir(harness).zip(file_name(harness)).map(|(dir, name)| dir.join(name)) else { continue };
        if let Some(value) = read(&path) {
            collect(harness, &value, 0, &mut found);
        }
    }
    found
}

fn collect(harness: Harness, value: &Value, depth: u32, found: &mut Vec<(String, String)>) {
    const NAMES: [&str; 6] = ["accesstoken", "refreshtoken", "idtoken", "apikey", "openaiapikey", "clientsecret"];
    let Value::Object(fields) = value else { return };
    for (name, field) in fields {
        let plain: String = name.chars().filter(|c| *c != '_').collect::<String>().to_ascii_lowercase();
        match field {
            Value::String(text) if NAMES.contains(&plain.as_str()) => found.push((format!("{harness}-{name}"), text.clone())),
            Value::Object(_) if depth < 8 => collect(harness, field, depth + 1, found),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with_file(harness: Harness, content: &Value) -> (tempfile::TempDir, UserFiles) {
        let dir = tempfile::tempdir().unwrap();
        let user = UserFiles { home: Some(dir.path().to_owned()), ..UserFiles::default() };
        let login = user.login_dir(harness).unwrap();
        std::fs::create_dir_all(&login).unwrap();
        std::fs::write(login.join(file_name(harness).unwrap()), content.to_string()).unwrap();
        (dir, user)
    }

    fn kind(harness: Harness, content: &Value, until: i64) -> Option<FailureKind> {
        let (_dir, user) = with_file(harness, content);
        require(harness, &user, &BTreeMap::new(), Timestamp(until)).err().map(|f| f.kind)
    }

    #[test]
    fn a_login_that_ends_during_the_run_and_cannot_renew_itself_is_refused() {
        let jwt = format!("x.{}.y", URL_SAFE_NO_PAD.encode(r#"{"exp":1}"#));
        for (harness, ending, renewable) in [
            (
                Harness::Claude,
                json!({"claudeAiOauth": {"accessToken": "a", "expiresAt": 1000}}),
                json!({"claudeAiOauth": {"expiresAt": 1000, "refreshToken": "r"}}),
            ),
            (Harness::Codex, json!({"tokens": {"access_token": jwt}}), json!({"tokens": {"access_token": jwt, "refresh_token": "r"}})),
            (Harness::Gemini, json!({"access_token": "a", "expiry_date": 1000}), json!({"expiry_date": 1000, "refresh_token": "r"})),
        ] {
            assert_eq!(kind(harness, &ending, 1001), Some(FailureKind::NotLoggedIn), "{harness}");
            assert_eq!(kind(harness, &ending, 1000), None, "{harness}");
            assert_eq!(kind(harness, &renewable, 1001), None, "{harness}");
        }
    }

    #[test]
    fn a_variable_goes_before_the_file_and_nothing_at_all_is_said_with_a_hint() {
        let (_dir, mut user) = with_file(Harness::Claude, &json!({}));
        user.env.insert("ANTHROPIC_API_KEY".to_owned(), "k".to_owned());
        assert_eq!(find(Harness::Claude, &user, &BTreeMap::new()), Some(Login::Variable("ANTHROPIC_API_KEY")));
        let failure = require(Harness::Codex, &UserFiles::default(), &BTreeMap::new(), Timestamp(0)).unwrap_err();
        assert_eq!(failure.kind, FailureKind::NotLoggedIn);
        assert!(failure.hint.unwrap().contains("OPENAI_API_KEY"));
    }

    #[test]
    fn the_tokens_of_login_files_are_known_as_secrets() {
        let (_dir, mut user) = with_file(Harness::Codex, &json!({"tokens": {"refresh_token": "rrrrrr", "account_id": "x"}}));
        user.env.insert("GEMINI_API_KEY".to_owned(), "kkkkkk".to_owned());
        user.env.insert("OPENAI_BASE_URL".to_owned(), "http://x".to_owned());
        let mut secrets = user.secrets();
        secrets.sort();
        assert_eq!(secrets, [("GEMINI_API_KEY".to_owned(), "kkkkkk".to_owned()), ("codex-refresh_token".to_owned(), "rrrrrr".to_owned())]);
    }
}
