//! Which agent runs a job.

use std::collections::BTreeMap;

use windlass_types::{Harness, JobSpec, JobType, Policy, ProjectSettings};

/// The agent that runs a job: the job's own, else its assignment's for the type, else the worker's, else the project's for the type,
/// else the node's for the type, else `claude`.
pub fn resolve_harness(
    spec: &JobSpec,
    policy: &Policy,
    worker: Option<Harness>,
    settings: &ProjectSettings,
    node_defaults: &BTreeMap<String, Harness>,
) -> Harness {
    named_harness(spec, policy).unwrap_or_else(|| unnamed_harness(spec.job_type, worker, settings, node_defaults))
}

/// The agent that the job or its assignment names.
pub(crate) fn named_harness(spec: &JobSpec, policy: &Policy) -> Option<Harness> {
    spec.harness.or_else(|| by_type(&policy.harness_defaults, spec.job_type))
}

/// The agent for a job that names none.
pub(crate) fn unnamed_harness(
    job_type: JobType,
    worker: Option<Harness>,
    settings: &ProjectSettings,
    node_defaults: &BTreeMap<String, Harness>,
) -> Harness {
    worker.or_else(|| by_type(&settings.harness_defaults, job_type)).or_else(|| by_type(node_defaults, job_type)).unwrap_or(Harness::Claude)
}

fn by_type(defaults: &BTreeMap<String, Harness>, job_type: JobType) -> Option<Harness> {
    defaults.get(job_type.as_str()).or_else(|| defaults.get("default")).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn defaults(name: &str, harness: Harness) -> BTreeMap<String, Harness> {
        BTreeMap::from([(name.to_owned(), harness)])
    }

    #[test]
    fn the_nearest_wish_counts_and_a_type_counts_before_the_default() {
        let spec = JobSpec { harness: Some(Harness::Codex), ..JobSpec::default() };
        let policy = Policy { harness_defaults: defaults("implement", Harness::Gemini), ..Policy::default() };
        let settings = ProjectSettings { harness_defaults: defaults("default", Harness::Command), ..ProjectSettings::default() };
        let node = defaults("default", Harness::Simulated);
        let plain = JobSpec::default();
        let none = Policy::default();
        let bare = ProjectSettings::default();
        assert_eq!(resolve_harness(&spec, &policy, Some(Harness::Claude), &settings, &node), Harness::Codex);
        assert_eq!(resolve_harness(&plain, &policy, Some(Harness::Claude), &settings, &node), Harness::Gemini);
        assert_eq!(resolve_harness(&plain, &none, Some(Harness::Codex), &settings, &node), Harness::Codex);
        assert_eq!(resolve_harness(&plain, &none, None, &settings, &node), Harness::Command);
        assert_eq!(resolve_harness(&plain, &none, None, &bare, &node), Harness::Simulated);
        assert_eq!(resolve_harness(&plain, &none, None, &bare, &BTreeMap::new()), Harness::Claude);
    }
}
