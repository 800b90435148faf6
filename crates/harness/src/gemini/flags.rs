//! How `gemini` is called.

use serde_json::json;
use windlass_types::{Failure, Harness};

use super::session::{self, Kept};
use crate::login::{self, Login};
use crate::prepare::Call;
use crate::{Invocation, RunRequest, Settings, Stdin, program};

/// Its folder below the home.
const DIR: &str = ".gemini";
/// Without a model it asks another model before each turn which to use.
const MODEL: &str = "gemini-2.5-pro";

/// Commands that a job that only looks may run.
const READ_ONLY_COMMANDS: &[&str] =
    &["windlass", "git log", "git diff", "git show", "git status", "git grep", "git blame", "ls", "cat", "head", "tail", "wc", "grep"];

/// Whose login it is.
const ACCOUNTS: &str = "google_accounts.json";

pub(crate) fn invocation(request: &RunRequest, settings: &Settings) -> Result<Invocation, Failure> {
    super::untrusted::refuse_commands(&request.cwd)?;
    let found = program::find(Harness::Gemini, "gemini", settings)?;
    let mut call = Call::new(request, settings)?;
    let until = settings.clock.now().plus_ms(i64::try_from(request.timeout_secs.saturating_mul(1000)).unwrap_or(i64::MAX));
    let login = login::require(Harness::Gemini, &request.user, &call.env, until)?;
    let dir = call.on_disk(call.home.dir(DIR))?;
    let auth = match &login {
        Login::Variable("GEMINI_API_KEY") => "gemini-api-key",
        Login::Variable(_) => "vertex-ai",
        Login::File(_) => "oauth-personal",
    };
    if let Login::File(file) = &login {
        call.login(file);
        call.reads(file.path.with_file_name(ACCOUNTS));
    }
    for name in ["oauth_creds.json", ACCOUNTS] {
        match &login {
            Login::File(file) if file.path.with_file_name(name).is_file() => {
                call.on_disk(dir.link(name, &file.path.with_file_name(name)))?;
            }
            _ => call.on_disk(dir.remove(name))?,
        }
    }
    let mut file = json!({
        "security": {"auth": {"selectedType": auth}},
        "privacy": {"usageStatisticsEnabled": false},
        // Windlass tries again itself, and remembers that it does; gemini would sleep through a limit of minutes.
        "general": {"enableAutoUpdate": false, "enableAutoUpdateNotification": false, "maxAttempts": 1},
        "telemetry": {"enabled": false},
        "hooksConfig": {"enabled": false},
        "advanced": {"ignoreLocalEnv": true},
    });
    if let Some(turns) = request.max_turns {
        file["model"] = json!({"maxSessionTurns": turns});
    }
    if request.read_only {
        let allowed: Vec<String> = READ_ONLY_COMMANDS.iter().map(|c| format!("run_shell_command({c})")).collect();
        file["tools"] = json!({"allowed": allowed});
    }
    // What an earlier run may have left there for this one.
    call.on_disk(dir.remove(".env"))?;
    call.on_disk(dir.write("settings.json", file.to_string().as_bytes()))?;

    call.words(found.args);
    call.args(["--output-format", "stream-json", "--approval-mode", if request.read_only { "default" } else { "yolo" }]);
    call.args(["-m", request.model(settings).unwrap_or(MODEL)]);
    // A repository's own servers are commands that nobody has trusted: none of them has this name.
    call.args(["--allowed-mcp-server-names".to_owned(), no_server(request)]);
    if let Some(id) = request.session_uuid() {
        let id = id.to_string();
        match session::kept(&request.home.join(DIR), &id) {
            Kept::Conversation => call.args(["--resume".to_owned(), id]),
            Kept::Nothing => call.args(["--session-id".to_owned(), id]),
            // It takes an id of its own then, and says which.
            Kept::Empty => {}
        }
    }
    call.set("GEMINI_CLI_HOME", request.home.display().to_string());
    // One process instead of two: the second swallows the signals sent to the first.
    call.set("GEMINI_CLI_NO_RELAUNCH", "true");
    call.set("GEMINI_CLI_TRUST_WORKSPACE", "true");
    call.set("GEMINI_TELEMETRY_ENABLED", "false");
    // The prompt comes on standard input: it may be longer than an argument, and begin with a dash.
    Ok(call.end(found.program, Stdin::Text(request.whole_prompt())))
}

/// A list of allowed servers that is empty allows all: this one is a name that no repository can know.
fn no_server(request: &RunRequest) -> String {
    format!("none-{}", request.session_uuid().unwrap_or_default().simple())
}
