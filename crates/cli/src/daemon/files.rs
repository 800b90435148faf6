//! From settings to the intake of task files.

use windlass_engine::{Engine, WorkerConfig};
use windlass_intake::{FileWorker, FilesConfig, IntakeDuty};
use windlass_types::{Clock, Ids, Role};

use crate::config::Settings;
use crate::config::files::FilesSettings;
use crate::config::named::WorkerSettings;

/// Takes part in the intake, where a shared directory is named and this node has the role.
pub(super) fn start(settings: &Settings, engine: &Engine, clock: &Clock, ids: &Ids) -> Option<IntakeDuty> {
    let files = settings.files.as_ref()?;
    let config = config(settings, files);
    if !settings.roles.contains(&Role::Intake) {
        return Some(IntakeDuty::without_role(&config));
    }
    Some(IntakeDuty::start(engine, config, clock.clone(), ids.clone()))
}

fn config(settings: &Settings, files: &FilesSettings) -> FilesConfig {
    // The default worker is always there; its directory is made only by who wants it.
    let named = settings.workers.iter().filter(|worker| worker.name != "default");
    FilesConfig {
        root: files.root.clone(),
        task_dir: files.task_dir.clone(),
        trigger_dir: files.trigger_dir.clone(),
        result_dir: files.result_dir.clone(),
        heartbeat_dir: files.heartbeat_dir.clone(),
        dlq_dir: files.dlq_dir.clone(),
        pipe_dir: files.pipe_dir.clone(),
        prompts_dir: files.prompts_dir.clone(),
        workers: named.map(|worker| file_worker(worker, settings, files)).collect(),
        found: found(settings, files),
        heartbeat_interval_secs: files.heartbeat_interval_secs,
        keep_done_secs: settings.retention.finished_secs,
    }
}

fn file_worker(worker: &WorkerSettings, settings: &Settings, files: &FilesSettings) -> FileWorker {
    FileWorker {
        name: worker.name.clone(),
        mode: worker.mode.unwrap_or(files.mode),
        project: worker.project.clone().or_else(|| files.project.clone()),
        harness: worker.harness,
        max_concurrent_tasks: worker.max_concurrent_tasks,
        prompt: worker.prompt.clone(),
        review: worker.review,
        retry: worker.retry,
        timeout_secs: worker.task_timeout_secs.unwrap_or(settings.timeout_secs),
    }
}

/// A worker whose directory was found has the defaults.
fn found(settings: &Settings, files: &FilesSettings) -> (FileWorker, WorkerConfig) {
    let file = FileWorker {
        name: String::new(),
        mode: files.mode,
        project: files.project.clone(),
        harness: None,
        max_concurrent_tasks: settings.found_concurrent,
        prompt: None,
        review: false,
        retry: settings.retry,
        timeout_secs: settings.timeout_secs,
    };
    let engine = WorkerConfig {
        name: String::new(),
        max_concurrent_tasks: settings.found_concurrent,
        harness: None,
        program: None,
        task_timeout_secs: None,
        retry: None,
        breaker: None,
    };
    (file, engine)
}
