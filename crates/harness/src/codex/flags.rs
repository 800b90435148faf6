//! How `codex` is called.

use std::path::Path;

use windlass_types::{Failure, Harness};

use crate::login::{self, Login};
use crate::prepare::Call;
use crate::{Invocation, RunRequest, Session, Settings, Stdin, program};

/// Its folder below the home; it has to exist.
const DIR: &str = ".codex";
/// Where requests go when nothing else is said.
const BASE_URL: &str = "https://api.openai.com/v1";

pub(crate) fn invocation(request: &RunRequest, settings: &Settings) -> Result<Invocation, Failure> {
    let found = program::find(Harness::Codex, "codex", settings)?;
    let mut call = Call::new(request, settings)?;
    let until = settings.clock.now().plus_ms(i64::try_from(request.timeout_secs.saturating_mul(1000)).unwrap_or(i64::MAX));
    let login = login::require(Harness::Codex, &request.user, &call.env, until)?;
    let dir = call.on_disk(call.home.dir(DIR))?;
    match &login {
        Login::File(file) => {
            call.on_disk(dir.link("auth.json", &file.path))?;
            call.login(file);
        }
        Login::Variable(_) => call.on_disk(dir.remove("auth.json"))?,
    }
    // What an earlier run may have left there for this one: settings, hooks and variables that run things.
    for name in ["config.toml", "hooks.json", ".env"] {
        call.on_disk(dir.remove(name))?;
    }
    let thread = match &request.session {
        Session::Resume { .. } => request.session_uuid().map(|id| id.to_string()).filter(|id| thread_exists(&request.home, id)),
        Session::New { .. } => None,
    };

    call.words(found.args);
    call.arg("exec");
    if thread.is_some() {
        call.arg("resume");
    }
    call.args(["--json", "--skip-git-repo-check", "--disable", "unbounded_connection_retries"]);
    if let Some(model) = request.model(settings) {
        call.args(["-m", model]);
    }
    for quiet in ["analytics.enabled", "check_for_update_on_startup", "features.plugins", "features.apps", "features.remote_plugin"] {
        call.args(["-c".to_owned(), format!("{quiet}=false")]);
    }
    // A login shell has /etc/profile's PATH in place of ours; a snapshot of the shell would put the key on the disk.
    call.args(["-c", "allow_login_shell=false", "-c", "features.shell_snapshot=false"]);
    let base_url = call.env.get("OPENAI_BASE_URL").cloned();
    if let Some(provider) = provider(&login, base_url.as_deref(), settings.api_timeout_secs) {
        call.args([
            "-c".to_owned(),
            "model_provider=\"windlass\"".to_owned(),
            "-c".to_owned(),
            format!("model_providers.windlass={provider}"),
        ]);
    }
    // Its own sandbox cannot be made inside ours.
    if request.read_only && !request.sandboxed {
        // The flag for it is not one of `resume`'s; the setting is.
        call.args(["-c", "sandbox_mode=\"read-only\""]);
    } else {
        call.arg("--dangerously-bypass-approvals-and-sandbox");
    }
    call.args(thread);
    // The prompt comes on standard input: it may be longer than an argument.
    call.arg("-");
    call.set("CODEX_HOME", request.home.join(DIR).display().to_string());
    Ok(call.end(found.program, Stdin::Text(request.whole_prompt())))
}

/// A provider of our own: only such a one has its retries bounded and its key in a variable. A login file without a base
/// URL of its own stays with the built-in provider, which knows where that login is good for.
///
/// A stream is not retried: after a 429 codex would sleep as long as the provider says, without a word.
fn provider(login: &Login, base_url: Option<&str>, timeout_secs: u64) -> Option<String> {
    let key = match (login, base_url) {
        (Login::Variable(name), _) => format!("env_key={}", quoted(name)),
        (Login::File(_), Some(_)) => "requires_openai_auth=true".to_owned(),
        (Login::File(_), None) => return None,
    };
    Some(format!(
        "{{name=\"windlass\",base_url={},{key},wire_api=\"responses\",request_max_retries=1,stream_max_retries=0,stream_idle_timeout_ms={}}}",
        quoted(base_url.unwrap_or(BASE_URL)),
        timeout_secs.saturating_mul(1000)
    ))
}

fn quoted(text: &str) -> String {
    // A JSON string is a TOML basic string.
    serde_json::Value::from(text).to_string()
}

/// Whether the thread was kept: `sessions/YYYY/MM/DD/rollout-<time>-<id>.jsonl`.
fn thread_exists(home: &Path, id: &str) -> bool {
    fn any(dir: &Path, depth: u32, ending: &str) -> bool {
        let Ok(entries) = std::fs::read_dir(dir) else { return false };
        entries.flatten().any(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => depth > 0 && any(&entry.path(), depth - 1, ending),
            Ok(kind) => kind.is_file() && entry.file_name().to_string_lossy().ends_with(ending),
            Err(_) => false,
        })
    }
    any(&home.join(DIR).join("sessions"), 3, &format!("-{id}.jsonl"))
}
