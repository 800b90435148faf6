//! For simulations: a launcher whose machine is the caller's. What the engine orders comes out as messages, in their order.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use tokio::sync::{Notify, oneshot, watch};

use super::error::LaunchError;
use super::spec::{Exited, JOB_MARKER, LaunchSpec};

/// What the engine asks of the machine.
#[derive(Debug)]
pub enum Order {
    /// Make a launcher ready. Nothing runs yet.
    Spawn {
        /// The launcher's pid.
        pid: u32,
        /// What it will start.
        spec: Box<LaunchSpec>,
        /// Where its end is told.
        exited: watch::Sender<Option<Exited>>,
    },
    /// Start the program.
    Go(u32),
    /// The job's lease surely lasts so much longer.
    Lease(u32, Duration),
    /// End the program: politely, and after the grace by force.
    Stop(u32, Duration),
    /// The lifeline is cut: end everything at once.
    Cut(u32),
    /// End what is left of a job, then say how much that was.
    Sweep(String, oneshot::Sender<usize>),
}

/// The engine's end of a machine.
#[derive(Debug, Clone)]
pub struct Host {
    orders: Sender<Order>,
    sent: Arc<Notify>,
    next_pid: Arc<AtomicU32>,
}

impl Host {
    /// A machine; each order rings `sent`, and pids rise from `first_pid`.
    pub fn new(sent: Arc<Notify>, first_pid: u32) -> (Self, Receiver<Order>) {
        let (orders, given) = channel();
        (Self { orders, sent, next_pid: Arc::new(AtomicU32::new(first_pid)) }, given)
    }

    fn order(&self, order: Order) {
        // When nobody plays the machine any more, its processes are gone too.
        let _ = self.orders.send(order);
        self.sent.notify_one();
    }

    pub(super) fn spawn(&self, spec: LaunchSpec) -> (Played, Option<String>) {
        let pid = self.next_pid.fetch_add(1, Ordering::Relaxed);
        let (exited, seen) = watch::channel(None);
        let marker = spec.env.get(JOB_MARKER).cloned();
        self.order(Order::Spawn { pid, spec: Box::new(spec), exited });
        (Played { host: self.clone(), pid, exited: seen }, marker)
    }

    pub(super) async fn sweep(&self, job: &str) -> usize {
        let (ended, count) = oneshot::channel();
        self.order(Order::Sweep(job.to_owned(), ended));
        count.await.unwrap_or(0)
    }
}

/// A process on a played machine.
#[derive(Debug, Clone)]
pub(super) struct Played {
    host: Host,
    pub(super) pid: u32,
    exited: watch::Receiver<Option<Exited>>,
}

impl Played {
    pub(super) fn go(&self) {
        self.host.order(Order::Go(self.pid));
    }

    pub(super) fn stop(&self, grace: Duration) {
        self.host.order(Order::Stop(self.pid, grace));
    }

    pub(super) fn renew(&self, left: Duration) {
        self.host.order(Order::Lease(self.pid, left));
    }

    pub(super) fn cut(&self) {
        self.host.order(Order::Cut(self.pid));
    }

    pub(super) async fn wait(&mut self) -> Result<Exited, LaunchError> {
        match self.exited.wait_for(Option::is_some).await {
            Ok(exited) => exited.ok_or(LaunchError::LauncherLost { swept: 0 }),
            Err(_) => Err(LaunchError::LauncherLost { swept: 0 }),
        }
    }
}
