//! How the simulated agent is called: this program, with a hidden verb.

use uuid::Uuid;
use windlass_types::{Failure, FailureKind};

use super::{Script, VERB, state};
use crate::prepare::Call;
use crate::{Invocation, RunRequest, Settings, Stdin};

pub(crate) fn invocation(request: &RunRequest, settings: &Settings) -> Result<Invocation, Failure> {
    let bad = |what: &str, hint: &str| Failure::new(FailureKind::BadConfiguration, what).hint(hint);
    let script = request.script.as_deref().ok_or_else(|| bad("harness simulated has no script", "give --script FILE.toml"))?;
    Script::parse(script)?;
    if !settings.windlass_exe.is_absolute() {
        return Err(bad("the path of the windlass program itself is not known", "start windlass by its absolute path"));
    }
    let mut call = Call::new(request, settings)?;
    let dir = call.on_disk(call.home.dir(".windlass").and_then(|d| d.dir("simulated")))?;
    call.on_disk(dir.write("script.toml", script.as_bytes()))?;
    let id = request.session_uuid().unwrap_or(Uuid::nil()).to_string();
    let folder = request.home.join(".windlass").join("simulated");
    let resume = state::file(&folder, &id).is_file();
    call.args([VERB, "--script-file"]);
    call.arg(folder.join("script.toml").display().to_string());
    call.args(["--job-type", &request.job_type]);
    call.args(["--nth".to_owned(), request.nth.to_string(), "--iteration".to_owned(), request.iteration.to_string()]);
    call.args(["--session-id", &id]);
    if resume {
        call.arg("--resume");
    }
    Ok(call.end(settings.windlass_exe.clone(), Stdin::Null))
}
