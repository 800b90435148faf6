//! What the service manager is told: systemd, or whatever else set `NOTIFY_SOCKET`.
//!
//! **Invariant:** the watchdog is fed only after the dispatcher has gone round and the store has answered.

use std::time::Duration;

use sd_notify::NotifyState;
use tokio::task::JoinHandle;
use windlass_engine::Engine;

/// How long the start may still take, each time it is said that it goes on.
const START_MORE: Duration = Duration::from_mins(1);

/// How long handing back, closing connections and the last writes may take, after the grace.
const STOP_MARGIN: Duration = Duration::from_secs(30);

/// Tells that the start takes its time, then how the engine does, until it is told of the stop.
pub(crate) struct Service {
    task: Option<JoinHandle<()>>,
}

impl Service {
    /// Tells nothing where nobody listens.
    pub(crate) fn starting() -> Self {
        let listened = std::env::var_os("NOTIFY_SOCKET").is_some();
        Self { task: listened.then(|| tokio::spawn(start_goes_on("starting"))) }
    }

    /// The daemon serves: it is ready once the engine has recovered.
    pub(crate) fn serving(&mut self, engine: &Engine, url: &str) {
        if let Some(task) = &mut self.task {
            task.abort();
            *task = tokio::spawn(watch(engine.clone(), format!("serving on {url}")));
        }
    }

    /// The engine goes away for a while and comes back in this process, over a restored backup.
    pub(crate) fn restoring(&mut self) {
        if let Some(task) = &mut self.task {
            task.abort();
            *task = tokio::spawn(restore_goes_on());
        }
    }

    /// The daemon stops, and gives what runs this long.
    pub(crate) fn stopping(&mut self, grace: Duration) {
        if let Some(task) = self.task.take() {
            task.abort();
            let micros = u32::try_from((grace + STOP_MARGIN).as_micros()).unwrap_or(u32::MAX);
            tell(&[NotifyState::Stopping, NotifyState::Status("stopping: waiting for what runs"), NotifyState::ExtendTimeoutUsec(micros)]);
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

fn tell(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!(%error, "the service manager could not be told how the daemon does");
    }
}

/// A full disk or many orphans make a start long: as long as this process turns, it is given more time.
async fn start_goes_on(status: &str) {
    let micros = u32::try_from(START_MORE.as_micros()).unwrap_or(u32::MAX);
    loop {
        tell(&[NotifyState::Status(status), NotifyState::ExtendTimeoutUsec(micros)]);
        tokio::time::sleep(START_MORE / 3).await;
    }
}

/// There is no engine to ask meanwhile: that this process turns has to do.
async fn restore_goes_on() {
    let every = sd_notify::watchdog_enabled().map_or(START_MORE, |time| time / 3);
    loop {
        tell(&[NotifyState::Status("restoring a backup"), NotifyState::Watchdog]);
        tokio::time::sleep(every).await;
    }
}

async fn watch(engine: Engine, place: String) {
    tokio::select! {
        () = engine.recovered() => {}
        () = start_goes_on("looking after what the last process left") => {}
    }
    tell(&[NotifyState::Ready, NotifyState::Status(&place)]);
    // Thrice within the time, so that one late look is no death.
    let Some(every) = sd_notify::watchdog_enabled().map(|time| time / 3) else { return };
    let mut last = String::new();
    loop {
        match engine.is_alive(every).await {
            Ok(()) => {
                let status = status(&engine, &place);
                if status == last {
                    tell(&[NotifyState::Watchdog]);
                } else {
                    tell(&[NotifyState::Watchdog, NotifyState::Status(&status)]);
                    last = status;
                }
            }
            Err(reason) => tracing::error!("the watchdog is not fed: {reason}"),
        }
        tokio::time::sleep(every).await;
    }
}

fn status(engine: &Engine, place: &str) -> String {
    match engine.storage_problem() {
        Some(problem) => format!("{place}; takes no work: {problem}"),
        None => format!("{place}; {} running", engine.running()),
    }
}
