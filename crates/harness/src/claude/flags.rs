//! How `claude` is called.

use std::path::Path;

use windlass_types::{Failure, Harness, Micros};

use crate::login::{self, Login};
use crate::prepare::Call;
use crate::{Invocation, RunRequest, Settings, Stdin, program};

/// Its folder below the home.
const DIR: &str = ".claude";

/// What a job that only looks may do: read, look at git, and speak to Windlass.
const READ_ONLY_TOOLS: &[&str] = &[
    "Read",
    "Grep",
    "Glob",
    "Bash(windlass *)",
    "Bash(git log *)",
    "Bash(git diff *)",
    "Bash(git show *)",
    "Bash(git status *)",
    "Bash(git status)",
    "Bash(git grep *)",
    "Bash(git ls-files *)",
    "Bash(git blame *)",
    "Bash(ls *)",
    "Bash(ls)",
    "Bash(cat *)",
    "Bash(head *)",
    "Bash(tail *)",
    "Bash(wc *)",
    "Bash(grep *)",
    "Bash(rg *)",
];

pub(crate) fn invocation(request: &RunRequest, settings: &Settings) -> Result<Invocation, Failure> {
    let found = program::find(Harness::Claude, "claude", settings)?;
    let mut call = Call::new(request, settings)?;
    let until = settings.clock.now().plus_ms(i64::try_from(request.timeout_secs.saturating_mul(1000)).unwrap_or(i64::MAX));
    let login = login::require(Harness::Claude, &request.user, &call.env, until)?;
    let dir = call.on_disk(call.home.dir(DIR))?;
    match &login {
        Login::File(file) => {
            call.on_disk(dir.link(".credentials.json", &file.path))?;
            call.login(file);
        }
        Login::Variable(_) => call.on_disk(dir.remove(".credentials.json"))?,
    }
    // What an earlier run may have left there for this one.
    call.on_disk(dir.remove("settings.json"))?;

    call.words(found.args);
    // The prompt comes on standard input: it may be longer than an argument, and begin with a dash.
    call.args(["-p", "--output-format", "stream-json", "--verbose"]);
    if let Some(model) = request.model(settings) {
        call.args(["--model", model]);
    }
    if let Some(id) = request.session_uuid() {
        let flag = if session_exists(&request.home, &request.cwd, &id.to_string()) { "--resume" } else { "--session-id" };
        call.args([flag.to_owned(), id.to_string()]);
    }
    if let Some(turns) = request.max_turns {
        call.args(["--max-turns".to_owned(), turns.to_string()]);
    }
    if let Some(limit) = request.cost_limit_micros {
        call.args(["--max-budget-usd".to_owned(), dollars(limit)]);
    }
    if let Some(system) = &request.system_prompt {
        call.args(["--append-system-prompt", system]);
    }
    // A repository's own hooks and servers are commands that nobody has trusted.
    call.args(["--strict-mcp-config", "--settings", r#"{"disableAllHooks":true}"#]);
    if request.read_only {
        call.args(["--permission-mode", "default", "--allowedTools"]);
        call.args(READ_ONLY_TOOLS.iter().copied());
    } else {
        call.arg("--dangerously-skip-permissions");
        // As root it asks whether that is meant; the agent works in a clone of its own.
        if settings.running_as_root || request.sandboxed {
            call.set("IS_SANDBOX", "1");
        }
    }

    call.set("CLAUDE_CONFIG_DIR", request.home.join(DIR).display().to_string());
    for quiet in ["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "DISABLE_AUTOUPDATER", "DISABLE_TELEMETRY", "DISABLE_ERROR_REPORTING"] {
        call.set(quiet, "1");
    }
    // Windlass tries again itself, and remembers that it does.
    call.set("CLAUDE_CODE_MAX_RETRIES", "2");
    call.set("API_TIMEOUT_MS", settings.api_timeout_secs.saturating_mul(1000).to_string());
    Ok(call.end(found.program, Stdin::Text(request.prompt.clone())))
}

/// Whether the session was begun in this folder: only then can it be resumed, and only else can its id be used.
fn session_exists(home: &Path, cwd: &Path, id: &str) -> bool {
    let project: String = cwd.to_string_lossy().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    home.join(DIR).join("projects").join(project).join(format!("{id}.jsonl")).is_file()
}

fn dollars(limit: Micros) -> String {
    let micros = limit.0.max(1);
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_written_exactly() {
        assert_eq!(dollars(Micros(2_000_000)), "2.000000");
        assert_eq!(dollars(Micros(1)), "0.000001");
        assert_eq!(dollars(Micros(-5)), "0.000001");
    }
}
