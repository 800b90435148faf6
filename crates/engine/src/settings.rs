//! The settings one job runs by: the nearest of job, assignment, worker, project and node that says anything.

use std::collections::BTreeMap;

use windlass_store::Claimed;
use windlass_types::ProjectSettings;

use crate::config::{EngineConfig, WorkerConfig};

/// What one attempt runs by.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Effective {
    pub(crate) verify: Option<String>,
    pub(crate) setup: Option<String>,
    pub(crate) max_iterations: u32,
    pub(crate) timeout_secs: u64,
    pub(crate) idle_timeout_secs: u64,
    pub(crate) model: Option<String>,
    pub(crate) program: Option<String>,
    pub(crate) script: Option<String>,
    pub(crate) templates: BTreeMap<String, String>,
}

impl Effective {
    /// Before the repository's own settings are known.
    pub(crate) fn of(config: &EngineConfig, worker: Option<&WorkerConfig>, claimed: &Claimed) -> Self {
        let (spec, policy, project) = (&claimed.job.spec, &claimed.assignment.policy, &claimed.project.settings);
        Self {
            verify: policy.verify.clone().or_else(|| project.verify.clone()),
            setup: project.setup.clone(),
            max_iterations: policy.max_iterations.or(project.max_iterations).unwrap_or(config.max_iterations).clamp(1, 100),
            timeout_secs: spec
                .timeout_secs
                .or(worker.and_then(|w| w.task_timeout_secs))
                .or(project.timeout_secs)
                .unwrap_or(config.timeout_secs)
                .max(1),
            idle_timeout_secs: spec.idle_timeout_secs.unwrap_or(config.idle_timeout_secs).max(1),
            model: spec.model.clone().or_else(|| project.models.get(claimed.harness.as_str()).cloned()),
            program: spec.program.clone().or_else(|| policy.program.clone()).or_else(|| worker.and_then(|w| w.program.clone())),
            script: spec.script.clone().or_else(|| policy.script.clone()),
            templates: project.templates.clone(),
        }
    }

    /// Adds what the repository's own file says, where nothing nearer does. Limits count as they are, commands and templates only when
    /// trusted.
    pub(crate) fn add_repository(&mut self, file: &ProjectSettings, trusted: bool, worker: Option<&WorkerConfig>, claimed: &Claimed) {
        let (policy, project) = (&claimed.assignment.policy, &claimed.project.settings);
        if policy.max_iterations.or(project.max_iterations).is_none()
            && let Some(rounds) = file.max_iterations
        {
            self.max_iterations = rounds.clamp(1, 100);
        }
        let worker = worker.and_then(|w| w.task_timeout_secs);
        if claimed.job.spec.timeout_secs.or(worker).or(project.timeout_secs).is_none()
            && let Some(secs) = file.timeout_secs
        {
            self.timeout_secs = secs.max(1);
        }
        if trusted {
            self.verify = self.verify.take().or_else(|| file.verify.clone());
            self.setup = self.setup.take().or_else(|| file.setup.clone());
            for (name, text) in &file.templates {
                self.templates.entry(name.clone()).or_insert_with(|| text.clone());
            }
        }
    }
}
