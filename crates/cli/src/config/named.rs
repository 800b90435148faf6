//! What the file names: workers and projects.

use std::path::PathBuf;

use windlass_intake::FilesMode;
use windlass_types::{BreakerPolicy, Harness, ProjectSettings, RetryPolicy, is_valid_name};

use super::check;
use super::layers::Layers;
use super::raw::{RawFile, RawProject, RawWorker};
use crate::failure::{CliError, Result};

/// A named worker.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct WorkerSettings {
    pub(crate) name: String,
    pub(crate) max_concurrent_tasks: u32,
    pub(crate) harness: Option<Harness>,
    pub(crate) program: Option<String>,
    pub(crate) task_timeout_secs: Option<u64>,
    pub(crate) retry: RetryPolicy,
    pub(crate) breaker: BreakerPolicy,
    /// Who does the work of its task files, if not said for all.
    pub(crate) mode: Option<FilesMode>,
    /// The project of its tasks that name none.
    pub(crate) project: Option<String>,
    /// What its agents are told before each task.
    pub(crate) prompt: Option<PathBuf>,
    /// Whether a pm job judges its tasks' work.
    pub(crate) review: bool,
}

/// What a worker does where it does not say.
pub(super) struct Usual {
    pub(super) max_concurrent: Option<u32>,
    pub(super) default_concurrent: u32,
    pub(super) retry: RetryPolicy,
    pub(super) breaker: BreakerPolicy,
}

/// A project that the file names.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ProjectEntry {
    pub(crate) name: String,
    pub(crate) repo: Option<String>,
    pub(crate) default_branch: Option<String>,
    pub(crate) settings: ProjectSettings,
}

pub(super) fn workers(
    l: &mut Layers<'_>,
    raw: &RawFile,
    worker_name: Option<String>,
    names: Vec<String>,
    usual: &Usual,
) -> Result<Vec<WorkerSettings>> {
    let mut all = vec!["default".to_owned()];
    for name in raw.worker.keys().cloned().chain(worker_name).chain(names) {
        if !is_valid_name(&name) {
            return Err(CliError::usage(format!("{name:?} cannot be a worker's name"))
                .hint("a name is a letter or digit and then letters, digits, dots, dashes and underscores"));
        }
        if !all.contains(&name) {
            all.push(name);
        }
    }
    let none = RawWorker::default();
    let mut workers = Vec::new();
    for name in all {
        let w = raw.worker.get(&name).unwrap_or(&none);
        let limit = if name == "default" {
            usual.default_concurrent
        } else {
            let key = format!("worker.{name}.max_concurrent_tasks");
            l.pick(&key, &[], None, w.max_concurrent_tasks, usual.max_concurrent.unwrap_or(3))?
        };
        // None at all: a worker that rests.
        check::range(&format!("worker.{name}.max_concurrent_tasks"), limit, 0, 10_000)?;
        if let Some(secs) = l.given(&format!("worker.{name}.task_timeout"), &[], None, w.task_timeout)? {
            check::range(&format!("worker.{name}.task_timeout"), secs, 1, 7 * 24 * 3600)?;
        }
        l.given(&format!("worker.{name}.harness"), &[], None, w.harness.map(|h| h.as_str().to_owned()))?;
        l.given(&format!("worker.{name}.program"), &[], None, w.program.clone())?;
        let (retry, breaker) = patience(l, &name, w, usual)?;
        let prompt = l.given(&format!("worker.{name}.prompt"), &[], None, w.prompt.clone())?;
        let prompt = prompt.map(|path| super::settings::absolute(&path)).transpose()?;
        let review = l.pick(&format!("worker.{name}.review"), &[], None, w.review, false)?;
        let mode = l.given(&format!("worker.{name}.mode"), &[], None, w.mode)?;
        let project = l.given(&format!("worker.{name}.project"), &[], None, w.project.clone())?;
        workers.push(WorkerSettings {
            name,
            max_concurrent_tasks: limit,
            harness: w.harness,
            program: w.program.clone(),
            task_timeout_secs: w.task_timeout,
            retry,
            breaker,
            mode,
            project,
            prompt,
            review,
        });
    }
    Ok(workers)
}

/// What a project's tables hold; of what nobody wrote there is too much to list.
fn show_nested(l: &mut Layers<'_>, name: &str, p: &RawProject) -> Result<()> {
    let key = |rest: &str| format!("project.{name}.{rest}");
    let numbers = [
        ("max_iterations", p.max_iterations.map(u64::from)),
        ("max_concurrent", p.max_concurrent.map(u64::from)),
        ("task_timeout", p.task_timeout),
        ("budget.runs", p.budget.runs.map(u64::from)),
        ("budget.secs", p.budget.secs),
        ("budget.tokens", p.budget.tokens),
    ];
    for (rest, value) in numbers.into_iter().filter(|(_, value)| value.is_some()) {
        l.given(&key(rest), &[], None, value)?;
    }
    if p.budget.usd.is_some() {
        l.given(&key("budget.usd"), &[], None, p.budget.usd)?;
    }
    if p.sandbox.is_some() {
        l.given(&key("sandbox"), &[], None, p.sandbox)?;
    }
    if p.network.is_some() {
        l.given(&key("network"), &[], None, p.network)?;
    }
    if !p.network_allow.is_empty() {
        super::sandbox::hosts(l, &key("network_allow"), &p.network_allow)?;
    }
    if p.limits.limits() != windlass_types::SandboxLimits::default() {
        super::sandbox::limits(l, &key("limits"), p.limits)?;
    }
    if p.setup.is_some() {
        l.given(&key("setup"), &[], None, p.setup.clone())?;
    }
    if p.propose {
        l.given(&key("propose"), &[], None, Some(true))?;
    }
    if let Some(guard) = p.guard {
        l.given(&key("guard"), &[], None, serde_json::to_value(guard).ok().and_then(|word| word.as_str().map(str::to_owned)))?;
    }
    if !p.guarded_paths.is_empty() {
        l.given(&key("guarded_paths"), &[], None, Some(p.guarded_paths.clone()))?;
    }
    if let Some(repository) = &p.forge_repository {
        l.given(&key("forge_repository"), &[], None, Some(repository.clone()))?;
        check::forge_repository(&key("forge_repository"), repository)?;
    }
    if let Some(on_clash) = p.on_clash {
        l.given(&key("on_clash"), &[], None, Some(on_clash.as_str().to_owned()))?;
    }
    let harnesses = p.harness_defaults.iter().map(|(of, harness)| ("harness_defaults", of, harness.as_str().to_owned()));
    let models = p.models.iter().map(|(of, model)| ("models", of, model.clone()));
    let templates = p.templates.iter().map(|(of, text)| ("templates", of, text.clone()));
    for (table, of, value) in harnesses.chain(models).chain(templates) {
        l.given(&key(&format!("{table}.{of}")), &[], None, Some(value))?;
    }
    Ok(())
}

/// How a worker's failures are tried again, and when they open a breaker.
fn patience(l: &mut Layers<'_>, name: &str, w: &RawWorker, usual: &Usual) -> Result<(RetryPolicy, BreakerPolicy)> {
    let table = format!("worker.{name}.");
    let key = |key: &str| format!("{table}{key}");
    let max_retries = l.given(&key("max_retries"), &[], None, w.max_retries)?.unwrap_or(usual.retry.max_retries);
    let backoff = l.given(&key("retry_backoff"), &[], None, w.retry_backoff)?.unwrap_or(usual.retry.backoff);
    let usual_delay_secs = usual.retry.initial_delay_ms as f64 / 1000.0;
    let initial = l.given(&key("initial_retry_delay"), &[], None, w.initial_retry_delay)?.unwrap_or(usual_delay_secs);
    let own = check::retry(&table, max_retries, backoff, initial)?;
    let retry = RetryPolicy { max_retries: own.max_retries, backoff: own.backoff, initial_delay_ms: own.initial_delay_ms, ..usual.retry };
    let threshold = l.given(&key("circuit_breaker_threshold"), &[], None, w.circuit_breaker_threshold)?.unwrap_or(usual.breaker.threshold);
    let open_secs = l.given(&key("circuit_breaker_timeout"), &[], None, w.circuit_breaker_timeout)?.unwrap_or(usual.breaker.open_ms / 1000);
    Ok((retry, check::breaker(&table, threshold, open_secs)?))
}

pub(super) fn projects(l: &mut Layers<'_>, raw: &RawFile) -> Result<Vec<ProjectEntry>> {
    let mut projects = Vec::new();
    for (name, p) in &raw.project {
        if !is_valid_name(name) {
            return Err(CliError::usage(format!("[project.{name}]: {name:?} cannot be a project's name"))
                .hint("a name is a letter or digit and then letters, digits, dots, dashes and underscores"));
        }
        for job_type in p.harness_defaults.keys() {
            check::job_type(&format!("project.{name}.harness_defaults"), job_type)?;
        }
        l.given(&format!("project.{name}.repo"), &[], None, p.repo.clone())?;
        l.given(&format!("project.{name}.default_branch"), &[], None, p.default_branch.clone())?;
        l.given(&format!("project.{name}.verify"), &[], None, p.verify.clone())?;
        show_nested(l, name, p)?;
        projects.push(ProjectEntry {
            name: name.clone(),
            repo: p.repo.clone(),
            default_branch: p.default_branch.clone(),
            settings: p.settings(),
        });
    }
    Ok(projects)
}
