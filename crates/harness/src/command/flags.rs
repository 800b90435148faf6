//! How a command is called.

use windlass_types::{Failure, FailureKind, Harness};

use crate::prepare::Call;
use crate::{Invocation, RunRequest, Settings, Stdin, program};

pub(crate) fn invocation(request: &RunRequest, settings: &Settings) -> Result<Invocation, Failure> {
    let configured = settings.of(Harness::Command).and_then(|h| h.program.as_deref());
    let Some(line) = request.program.as_deref().or(configured) else {
        return Err(Failure::new(FailureKind::BadConfiguration, "harness command has no program")
            .hint("give --program \"CMD ARG…\", or set `program` under `[harness.command]`"));
    };
    let found = program::find_line(line, &settings.search_path, "the program of harness command")?;
    let mut call = Call::new(request, settings)?;
    let prompt = request.whole_prompt();
    let dir = call.on_disk(call.home.dir(".windlass"))?;
    call.on_disk(dir.write("prompt.md", prompt.as_bytes()))?;
    call.set("WINDLASS_PROMPT_FILE", request.home.join(".windlass").join("prompt.md").display().to_string());
    call.set("WINDLASS_JOB_TYPE", request.job_type.clone());
    call.set("WINDLASS_READ_ONLY", if request.read_only { "1" } else { "0" });
    call.words(found.args);
    Ok(call.end(found.program, Stdin::Text(prompt)))
}
