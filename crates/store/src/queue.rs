//! Operations on their way to the threads that run them: a bounded queue of messages with an answer each.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

use crate::error::{Result, StoreError};
use crate::postgres::Outbox;
use crate::sql::Work;

/// How many operations may wait.
const QUEUE_MAX: usize = 4096;

/// What an acknowledgement says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// A promise to somebody: on disk before the answer, whatever happens to the machine.
    Promise,
    /// Survives a crash of the process; after a power cut its worker is gone too.
    Ride,
    /// Changes nothing.
    Read,
}

/// An operation with a place for its result and a way back.
pub(crate) trait Message: Send {
    /// Runs it in an open transaction. May be run again after a rollback.
    fn run(&mut self, w: &mut Work<'_>) -> Result<()>;
    /// Answers it, once: with the result if it was committed.
    fn reply(&mut self, outcome: Result<()>);
    /// Its closure's path, for the history of a simulation.
    #[cfg(feature = "simulation")]
    fn name(&self) -> &'static str;
}

struct Request<F, T> {
    op: F,
    result: Option<T>,
    reply: Option<oneshot::Sender<Result<T>>>,
}

impl<F, T> Message for Request<F, T>
where
    F: FnMut(&mut Work<'_>) -> Result<T> + Send,
    T: Send,
{
    fn run(&mut self, w: &mut Work<'_>) -> Result<()> {
        // A fault in one operation is that operation's: it is rolled back, and the thread that everybody needs lives on.
        let ran = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| (self.op)(w)));
        self.result = Some(ran.unwrap_or_else(|_| Err(StoreError::Internal("an operation panicked".to_owned())))?);
        Ok(())
    }

    fn reply(&mut self, outcome: Result<()>) {
        let result = self.result.take().ok_or_else(|| StoreError::Internal("an operation was answered before it ran".to_owned()));
        if let Some(reply) = self.reply.take() {
            // When nobody waits any more, the operation stands all the same.
            drop(reply.send(outcome.and(result)));
        }
    }

    #[cfg(feature = "simulation")]
    fn name(&self) -> &'static str {
        std::any::type_name::<F>()
    }
}

/// A message in the queue, holding its place.
pub(crate) struct Envelope {
    pub(crate) message: Box<dyn Message>,
    pub(crate) durability: Durability,
    _place: OwnedSemaphorePermit,
}

/// The sending end.
#[derive(Debug)]
pub(crate) struct Queue {
    places: Arc<Semaphore>,
    sender: Mutex<Option<mpsc::Sender<Envelope>>>,
    /// Told of each operation that is sent, by a simulation that is the thread at the other end.
    #[cfg(feature = "simulation")]
    pub(crate) sent: Arc<tokio::sync::Notify>,
}

fn closed() -> StoreError {
    StoreError::Unavailable("the store is closed".to_owned())
}

impl Queue {
    pub(crate) fn new() -> (Self, mpsc::Receiver<Envelope>) {
        let (sender, receiver) = mpsc::channel();
        let queue = Self {
            places: Arc::new(Semaphore::new(QUEUE_MAX)),
            sender: Mutex::new(Some(sender)),
            #[cfg(feature = "simulation")]
            sent: Arc::default(),
        };
        (queue, receiver)
    }

    /// Sends an operation and waits for its answer.
    pub(crate) async fn call<T, F>(&self, durability: Durability, op: F) -> Result<T>
    where
        F: FnMut(&mut Work<'_>) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(|_| closed())?;
        let (reply, answer) = oneshot::channel();
        let message = Box::new(Request { op, result: None, reply: Some(reply) });
        self.sender
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .ok_or_else(closed)?
            .send(Envelope { message, durability, _place: place })
            .map_err(|_| closed())?;
        #[cfg(feature = "simulation")]
        self.sent.notify_one();
        answer.await.map_err(|_| StoreError::Unavailable("the store's thread ended before it answered".to_owned()))?
    }

    /// How many operations are sent and not answered.
    pub(crate) fn len(&self) -> usize {
        QUEUE_MAX - self.places.available_permits()
    }

    /// Takes no more; what waits is still carried out.
    pub(crate) fn close(&self) {
        self.sender.lock().unwrap_or_else(PoisonError::into_inner).take();
    }
}

/// Tells this process what was committed, and where there are others, them too.
#[derive(Debug, Clone)]
pub(crate) struct Announcer {
    /// The highest event number.
    pub(crate) all: watch::Sender<i64>,
    /// The highest number of an event after which a waiting job may be free to run.
    pub(crate) ready: watch::Sender<i64>,
    /// The highest number of an event about a callback.
    pub(crate) callbacks: watch::Sender<i64>,
    /// How often another node has given a duty back.
    pub(crate) handovers: watch::Sender<u64>,
    lost_wakeups: Arc<AtomicU64>,
    outbox: Option<Arc<Outbox>>,
}

impl Announcer {
    /// For the only process on a database.
    pub(crate) fn new() -> Self {
        Self {
            all: watch::Sender::new(0),
            ready: watch::Sender::new(0),
            callbacks: watch::Sender::new(0),
            handovers: watch::Sender::new(0),
            lost_wakeups: Arc::default(),
            outbox: None,
        }
    }

    /// For one of several.
    pub(crate) fn to_others(outbox: Arc<Outbox>) -> Self {
        Self { outbox: Some(outbox), ..Self::new() }
    }

    /// This process has committed something.
    pub(crate) fn announce(&self, numbered: Numbered) {
        self.hear(numbered);
        if let Some(outbox) = &self.outbox
            && numbered.last > 0
        {
            outbox.events();
        }
    }

    /// Somebody has committed something.
    pub(crate) fn hear(&self, numbered: Numbered) {
        for (sender, seq) in [(&self.all, numbered.last), (&self.ready, numbered.last_ready), (&self.callbacks, numbered.last_callback)] {
            sender.send_if_modified(|highest| {
                let higher = seq > *highest;
                if higher {
                    *highest = seq;
                }
                higher
            });
        }
    }

    /// The highest event number announced so far.
    pub(crate) fn last(&self) -> i64 {
        *self.all.borrow()
    }

    /// Whether anybody waits for what is announced.
    pub(crate) fn has_readers(&self) -> bool {
        self.all.receiver_count() + self.ready.receiver_count() + self.callbacks.receiver_count() > 0
    }

    /// This process has given a duty back.
    pub(crate) fn announce_handover(&self) {
        if let Some(outbox) = &self.outbox {
            outbox.handover();
        }
    }

    /// Another process has given a duty back, or may have.
    pub(crate) fn hear_handover(&self) {
        self.handovers.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Something was committed elsewhere and not announced from there.
    pub(crate) fn count_lost_wakeup(&self) {
        self.lost_wakeups.fetch_add(1, Ordering::Relaxed);
    }

    /// How often that was so.
    pub(crate) fn lost_wakeups(&self) -> u64 {
        self.lost_wakeups.load(Ordering::Relaxed)
    }

    /// Ends what is told to others.
    pub(crate) fn close(&self) {
        if let Some(outbox) = &self.outbox {
            outbox.close();
        }
    }
}

/// The highest event numbers that an operation left; 0 for none.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Numbered {
    pub(crate) last: i64,
    pub(crate) last_ready: i64,
    pub(crate) last_callback: i64,
}

impl Numbered {
    /// What is there when a store is opened: its readers begin behind it.
    pub(crate) fn at(last: i64) -> Self {
        Self { last, last_ready: last, last_callback: last }
    }

    pub(crate) fn and(self, later: Self) -> Self {
        Self {
            last: self.last.max(later.last),
            last_ready: self.last_ready.max(later.last_ready),
            last_callback: self.last_callback.max(later.last_callback),
        }
    }
}
