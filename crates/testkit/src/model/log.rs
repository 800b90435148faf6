//! What was asked of the model: every request, and a way to wait for one.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;

use super::request::Wire;

/// How long a wait lasts before the test that waits is failed.
const DEADLINE: Duration = Duration::from_mins(1);

/// A request as it came.
#[derive(Debug, Clone)]
pub struct LoggedRequest {
    /// Its number among all requests, from 1.
    pub number: usize,
    /// The HTTP method.
    pub method: String,
    /// Path and query.
    pub path: String,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Which API it speaks, where that can be told.
    pub wire: Option<Wire>,
    /// Whether it comes from an agent's main loop.
    pub main_loop: bool,
    /// Which turn of the script answers it, counted from 0; `None` for side requests and when the script is spent.
    pub turn: Option<usize>,
    /// The body; `null` when it is not JSON.
    pub body: Value,
    /// Instructions and the whole conversation, as text.
    pub text: String,
    /// What came since the model last spoke (a prompt, tool results), as text.
    pub newest: String,
    /// How it ended.
    pub outcome: Outcome,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is still being answered.
    Open,
    /// It was answered in full: by a reply, an error, or a stream that ended in order.
    Answered,
    /// The connection went before the answer was complete: the client left, or the script broke it.
    Broken,
}

/// All requests so far, shared by the server and those who look.
#[derive(Debug, Clone)]
pub(super) struct RequestLog {
    entries: Arc<Mutex<Vec<LoggedRequest>>>,
    changed: watch::Sender<()>,
}

/// A request that is being answered. Dropped without [`OpenRequest::answered`], it is [`Outcome::Broken`].
pub(super) struct OpenRequest {
    log: RequestLog,
    index: usize,
    outcome: Outcome,
}

impl LoggedRequest {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
}

impl RequestLog {
    pub(super) fn new() -> Self {
        Self { entries: Arc::default(), changed: watch::Sender::new(()) }
    }

    /// Takes a request in, numbering it.
    pub(super) fn add(&self, mut request: LoggedRequest) -> OpenRequest {
        let index = {
            let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
            request.number = entries.len() + 1;
            request.outcome = Outcome::Open;
            entries.push(request);
            entries.len() - 1
        };
        self.changed.send_replace(());
        OpenRequest { log: self.clone(), index, outcome: Outcome::Broken }
    }

    pub(super) fn all(&self) -> Vec<LoggedRequest> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Waits, however long, until `enough` finds what it wants among the requests.
    pub(super) async fn find<T>(&self, mut enough: impl FnMut(&[LoggedRequest]) -> Option<T>) -> T {
        let mut changed = self.changed.subscribe();
        loop {
            changed.borrow_and_update();
            if let Some(found) = enough(&self.all()) {
                return found;
            }
            if changed.changed().await.is_err() {
                // The log itself holds a sender, so this cannot be; waiting on is harmless.
                std::future::pending::<()>().await;
            }
        }
    }

    /// Waits as [`RequestLog::find`] does, and fails the test after a minute.
    pub(super) async fn wait<T>(&self, what: &str, enough: impl FnMut(&[LoggedRequest]) -> Option<T>) -> T {
        let found = tokio::time::timeout(DEADLINE, self.find(enough)).await;
        found.unwrap_or_else(|_| panic!("waited {DEADLINE:?} for {what}; requests so far: {}", self.summary()))
    }

    fn summary(&self) -> String {
        let lines = self
            .all()
            .into_iter()
            .map(|r| format!("\n  {} {} {} main_loop={} turn={:?} {:?}", r.number, r.method, r.path, r.main_loop, r.turn, r.outcome));
        lines.collect()
    }
}

impl OpenRequest {
    /// Its number among all requests.
    pub(super) fn number(&self) -> usize {
        self.index + 1
    }

    /// Notes that the answer is complete; the request ends when this value is dropped.
    pub(super) fn answered(&mut self) {
        self.outcome = Outcome::Answered;
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        if let Some(entry) = self.log.entries.lock().unwrap_or_else(PoisonError::into_inner).get_mut(self.index) {
            entry.outcome = self.outcome;
        }
        self.log.changed.send_replace(());
    }
}
