//! Duties: what one node at a time does for all of them (intake, housekeeping, monitors).
//!
//! **Invariant:** a duty's work is dropped before its lease can end, so that no two nodes do it at once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use windlass_store::HeldDuty;
use windlass_types::Role;

use crate::engine::Engine;

/// A holding of a duty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Holding {
    generation: i64,
    /// When the lease surely still lasts, by this machine's monotonic clock; `None` where nobody else can have it.
    until: Option<Instant>,
}

#[derive(Debug)]
struct Wanted {
    name: &'static str,
    holding: watch::Sender<Option<Holding>>,
}

/// The duties that this node wants, and those that it holds.
#[derive(Debug, Default)]
pub(crate) struct Duties {
    wanted: Mutex<Vec<Wanted>>,
    /// There is one more.
    pub(crate) changed: Notify,
}

impl Duties {
    fn lock(&self) -> MutexGuard<'_, Vec<Wanted>> {
        self.wanted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn want(&self, name: &'static str, holding: Option<Holding>) -> watch::Receiver<Option<Holding>> {
        let (sender, receiver) = watch::channel(holding);
        self.lock().push(Wanted { name, holding: sender });
        self.changed.notify_one();
        receiver
    }

    /// The names of all.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.lock().iter().map(|duty| duty.name).collect()
    }

    /// The names of all, and whether this node holds them now.
    pub(crate) fn held_now(&self) -> Vec<(&'static str, bool)> {
        self.lock().iter().map(|duty| (duty.name, duty.holding.borrow().is_some_and(|held| is_live(held, Duration::ZERO)))).collect()
    }

    /// Takes over what the store has given, for as long as it surely lasts.
    pub(crate) fn held(&self, held: &[HeldDuty], until: Instant) {
        for wanted in self.lock().iter() {
            let holding = held.iter().find(|duty| duty.name == wanted.name);
            wanted.holding.send_replace(holding.map(|duty| Holding { generation: duty.generation, until: Some(until) }));
        }
    }
}

impl Engine {
    /// Does `work` on one of the nodes that have the role at a time: it is started when this node gains the duty `name`, and dropped at its next `await` when the
    /// node loses it or stops. It is given the duty's generation, which is higher for every later holder. Work that returns is started
    /// again when the duty is gained anew. On SQLite the duty is always held.
    pub fn duty<W, F>(&self, role: Role, name: &'static str, mut work: W)
    where
        W: FnMut(i64) -> F + Send + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let inner = Arc::clone(&self.inner);
        if !inner.config.roles.contains(&role) {
            return;
        }
        let alone = (!inner.store.is_postgres()).then(|| Holding { generation: inner.store.generation(), until: None });
        let mut holding = inner.duties.want(name, alone);
        // Room for what is dropped to end.
        let margin = Duration::from_millis(inner.config.lease_ms.unsigned_abs() / 6);
        let background = inner.background.clone();
        self.inner.background_tasks.spawn(background.run_until_cancelled_owned(async move {
            loop {
                let Ok(generation) = holding.wait_for(Option::is_some).await.map(|held| held.map_or(0, |held| held.generation)) else {
                    return;
                };
                tracing::info!(duty = name, generation, "this node has the duty {name} now");
                let mut watched = holding.clone();
                let work = work(generation);
                tokio::select! {
                    biased;
                    () = async { work.await; std::future::pending().await } => {}
                    () = lost(&mut watched, generation, margin) => tracing::info!(duty = name, generation, "this node no longer has the duty {name}"),
                }
                // One that is only late would be gained again under the same generation.
                if holding.wait_for(|held| held.is_none_or(|held| held.generation != generation || is_live(held, margin))).await.is_err() {
                    return;
                }
            }
        }));
    }
}

fn is_live(holding: Holding, margin: Duration) -> bool {
    holding.until.is_none_or(|until| Instant::now() + margin < until)
}

/// Waits until this holding is over, or nearly.
async fn lost(holding: &mut watch::Receiver<Option<Holding>>, generation: i64, margin: Duration) {
    loop {
        let until = match *holding.borrow_and_update() {
            Some(held) if held.generation == generation && is_live(held, margin) => held.until,
            _ => return,
        };
        let end = async {
            match until {
                Some(until) => tokio::time::sleep_until(until.checked_sub(margin).unwrap_or(until)).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = end => {}
            changed = holding.changed() => if changed.is_err() { return },
        }
    }
}
