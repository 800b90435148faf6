//! What is new, read and written out once for everybody who listens.
//!
//! One task follows the store while somebody listens, and hands out what is new in batches, at most one every [`PAUSE`]. A batch is
//! written out once, and all who want all of it are sent the same bytes. The newest batches are kept, so that who is a little behind
//! takes them from here; who is further behind reads the store by itself, and so costs nobody else anything.

use std::collections::VecDeque;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use windlass_engine::Engine;
use windlass_store::EventFilter;
use windlass_types::Event;

/// How long news is gathered, after some was handed out.
const PAUSE: Duration = Duration::from_millis(100);
/// How many events are read at once.
const READ_MAX: u32 = 500;
/// How many bytes of batches are kept.
const KEPT_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How often other nodes' events are looked for; this node's are told at once.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// An event, written out.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) event: Event,
    pub(crate) bytes: Bytes,
}

impl Frame {
    pub(crate) fn new(event: Event) -> Self {
        Self { bytes: Bytes::from(written(&event)), event }
    }
}

/// An event as a message of a stream.
fn written(event: &Event) -> String {
    let data = serde_json::to_string(event).unwrap_or_default();
    format!("id: {}\nevent: {}\ndata: {data}\n\n", event.seq, event.kind.as_str())
}

/// All that happened after one number and up to another.
#[derive(Debug)]
pub(crate) struct Batch {
    /// It holds what is later than this.
    pub(crate) after: i64,
    /// It holds everything up to this.
    pub(crate) last: i64,
    pub(crate) frames: Vec<Frame>,
    /// All of them, one behind the other.
    pub(crate) bytes: Bytes,
}

/// What is new, for all who listen.
#[derive(Debug)]
pub(crate) struct Live {
    kept: RwLock<VecDeque<Arc<Batch>>>,
    /// The last number that was handed out; 0 until the first listener came.
    newest: watch::Sender<i64>,
    /// Who listens holds one of these.
    listeners: watch::Sender<()>,
    somebody: Notify,
    task: OnceLock<()>,
}

impl Default for Live {
    fn default() -> Self {
        Self {
            kept: RwLock::default(),
            newest: watch::Sender::new(0),
            listeners: watch::Sender::new(()),
            somebody: Notify::new(),
            task: OnceLock::new(),
        }
    }
}

/// One who listens, for as long as this is held.
#[derive(Debug)]
pub(crate) struct Listening {
    live: Arc<Live>,
    newest: watch::Receiver<i64>,
    _one: watch::Receiver<()>,
}

/// What there is after a number.
pub(crate) enum After {
    /// These batches, in order.
    Batches(Vec<Arc<Batch>>),
    /// What follows it is no longer kept here, or was before anybody listened: the store has it.
    InStore,
}

impl Listening {
    /// What is kept after that number.
    pub(crate) fn after(&mut self, seq: i64) -> After {
        self.newest.borrow_and_update();
        let kept = self.live.kept.read().unwrap_or_else(PoisonError::into_inner);
        match kept.front() {
            Some(first) if first.after <= seq => After::Batches(kept.iter().filter(|batch| batch.last > seq).cloned().collect()),
            _ => After::InStore,
        }
    }

    /// Waits until there is more.
    pub(crate) async fn changed(&mut self) {
        // The sender lives as long as this does.
        let _ = self.newest.changed().await;
    }
}

impl Live {
    /// One more who listens. The first begins the reading.
    pub(crate) fn listen(self: &Arc<Self>, engine: &Engine, closing: &CancellationToken) -> Listening {
        let listening = Listening { live: Arc::clone(self), newest: self.newest.subscribe(), _one: self.listeners.subscribe() };
        self.task.get_or_init(|| {
            let (live, engine, closing) = (Arc::clone(self), engine.clone(), closing.clone());
            tokio::spawn(async move { closing.run_until_cancelled(live.follow(engine)).await });
        });
        self.somebody.notify_one();
        listening
    }

    async fn follow(&self, engine: Engine) {
        loop {
            while self.listeners.receiver_count() == 0 {
                self.somebody.notified().await;
            }
            if let Err(error) = self.follow_while_heard(&engine).await {
                tracing::warn!(%error, "The live events could not be read, and are read anew");
                tokio::time::sleep(LOOK_EVERY).await;
            }
            // Who comes next begins at what is new then.
            self.kept.write().unwrap_or_else(PoisonError::into_inner).clear();
        }
    }

    async fn follow_while_heard(&self, engine: &Engine) -> Result<(), windlass_store::StoreError> {
        // Taken before the newest number is read, so that nothing falls between.
        let mut changes = engine.subscribe();
        let mut cursor = engine.store().last_seq().await?;
        // From here on there is nothing to be missed: what is not in a batch is in the store.
        self.hand_out(Batch { after: cursor, last: cursor, frames: Vec::new(), bytes: Bytes::new() });
        let mut told_at = Instant::now();
        while self.listeners.receiver_count() > 0 {
            if *changes.borrow_and_update() <= cursor {
                tokio::select! {
                    biased;
                    changed = changes.changed() => if changed.is_err() { return Ok(()) },
                    () = tokio::time::sleep(LOOK_EVERY) => if !engine.store().is_postgres() {
                        continue;
                    }
                }
            }
            tokio::time::sleep_until(told_at + PAUSE).await;
            let seen = *changes.borrow_and_update();
            let events = engine.store().events_after(cursor, EventFilter::default(), READ_MAX).await?;
            let is_all = events.len() < READ_MAX as usize;
            let read = events.last().map_or(cursor, |event| event.seq);
            // Numbers are told after their commit, so there is nothing else up to what was seen before the reading.
            let last = if is_all { read.max(seen) } else { read };
            if last > cursor {
                told_at = Instant::now();
                for event in &events {
                    engine.observe_delivery(event);
                }
                let frames: Vec<Frame> = events.into_iter().map(Frame::new).collect();
                let mut bytes = BytesMut::with_capacity(frames.iter().map(|frame| frame.bytes.len()).sum());
                for frame in &frames {
                    bytes.extend_from_slice(&frame.bytes);
                }
                self.hand_out(Batch { after: cursor, last, frames, bytes: bytes.freeze() });
                cursor = last;
            }
        }
        Ok(())
    }

    fn hand_out(&self, batch: Batch) {
        let last = batch.last;
        {
            let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
            kept.push_back(Arc::new(batch));
            let mut bytes: usize = kept.iter().map(|batch| batch.bytes.len()).sum();
            while bytes > KEPT_BYTES_MAX && kept.len() > 1 {
                bytes -= kept.pop_front().map_or(0, |batch| batch.bytes.len());
            }
        }
        self.newest.send_replace(last);
    }
}
