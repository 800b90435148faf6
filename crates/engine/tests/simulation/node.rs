//! One life of a simulated process: a runtime of its own whose clock stands until it is moved.
//!
//! Dropping it is a crash: every task ends where it waits.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use windlass_engine::{Engine, EngineConfig};
use windlass_store::Store;
use windlass_store::simulation::Wire;
use windlass_types::{Clock, Ids, NodeId, Timestamp};
use windlass_workspace::launch::Launcher;
use windlass_workspace::launch::simulated::{Host, Order};

use super::plan::LEASE_MS;

pub(crate) struct Life {
    runtime: Runtime,
    engine: Option<Engine>,
    pub(crate) wire: Wire,
    pub(crate) orders: Receiver<Order>,
    sent: Arc<Notify>,
    clock: Clock,
    skew_ms: i64,
    /// Where its own time began.
    began: Instant,
    began_ms: i64,
    /// How far it has come.
    pub(crate) at_ms: i64,
}

/// How a node's life begins.
pub(crate) struct Born<'a> {
    pub(crate) number: usize,
    pub(crate) dir: &'a Path,
    pub(crate) ids: Ids,
    pub(crate) clock: Clock,
    /// How far its clock is off.
    pub(crate) skew_ms: i64,
    pub(crate) now: i64,
}

/// Simulated time as the store tells it.
pub(crate) const EPOCH: i64 = 1_800_000_000_000;

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime")
}

impl Life {
    /// A node begins.
    pub(crate) fn node(born: Born<'_>, store: Store, wire: Wire) -> Self {
        let Born { number, dir, ids, clock, skew_ms, now } = born;
        let runtime = runtime();
        let sent = wire.sent();
        let (host, orders) = Host::new(Arc::clone(&sent), 100_000 * (number as u32 + 1) + (now / 10) as u32 % 100_000);
        let mut config = EngineConfig::new(dir.join(format!("node{number}")), "/bin/true".into());
        config.workspace_root = dir.join("workspaces");
        config.lease_ms = LEASE_MS;
        // It knows itself again after a restart.
        config.node = Some(NodeId::from_uuid(uuid::Uuid::from_u128(number as u128 + 1)));
        config.clock = clock.clone();
        config.ids = ids;
        config.harness.search_path = std::env::var("PATH").unwrap_or_else(|_| config.harness.search_path.clone());
        let began = runtime.block_on(async { Instant::now() });
        let engine = {
            let _inside = runtime.enter();
            Engine::start_on(config, store, Launcher::simulated(host)).expect("an engine starts")
        };
        Self { runtime, engine: Some(engine), wire, orders, sent, clock, skew_ms, began, began_ms: now, at_ms: now }
    }

    /// A client, that only asks.
    pub(crate) fn client(clock: Clock, wire: Wire) -> Self {
        let runtime = runtime();
        let sent = wire.sent();
        let (_, orders) = Host::new(Arc::clone(&sent), 0);
        let began = runtime.block_on(async { Instant::now() });
        Self { runtime, engine: None, wire, orders, sent, clock, skew_ms: 0, began, began_ms: 0, at_ms: 0 }
    }

    /// Adds a task of the process.
    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(task);
    }

    /// Lets it run until it says something, or until then.
    pub(crate) fn run(&mut self, until: i64) {
        self.clock.advance_ms(EPOCH + self.at_ms + self.skew_ms - self.clock.now().0);
        let left = Duration::from_millis((until - self.at_ms).max(0).unsigned_abs());
        let (sent, began) = (Arc::clone(&self.sent), self.began);
        let passed = self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = sent.notified() => {}
                () = sleep(left) => {}
            }
            began.elapsed()
        });
        self.at_ms = self.began_ms + i64::try_from(passed.as_millis()).unwrap_or(i64::MAX);
    }

    /// Goes on after it stood still until `now`: its timers find that it is late.
    pub(crate) fn wake_late(&mut self, now: i64) {
        let late = Duration::from_millis((now - self.at_ms).max(0).unsigned_abs());
        self.runtime.block_on(async { tokio::time::advance(late).await });
        self.at_ms = now;
    }

    /// Dies, and leaves what it had ordered last: above all, that its lifelines are cut.
    pub(crate) fn crash(self) -> (Wire, Receiver<Order>) {
        let Self { runtime, engine, wire, orders, .. } = self;
        drop(engine);
        drop(runtime);
        (wire, orders)
    }
}

/// A clock and ids for a life.
pub(crate) fn sources(seed: u64, now: i64) -> (Clock, Ids) {
    let clock = Clock::manual(Timestamp(EPOCH + now));
    (clock.clone(), Ids::seeded(clock, seed))
}
