//! Whether the configured command is there. Most name theirs with the job.

use windlass_types::{Harness, Probe, Problem};

use crate::probe::empty;
use crate::{Settings, program};

pub(crate) fn probe(settings: &Settings) -> Probe {
    let mut probe = empty(Harness::Command);
    if let Some(line) = settings.of(Harness::Command).and_then(|h| h.program.as_deref()) {
        match program::find_line(line, &settings.search_path, "the program of harness command") {
            Ok(found) => probe.path = Some(found.program.display().to_string()),
            Err(failure) => probe.problems.push(Problem { what: failure.message, hint: failure.hint.unwrap_or_default() }),
        }
    }
    probe
}
