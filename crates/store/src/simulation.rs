//! For simulations: one database in memory that several stores share, and the network to it in the caller's hands.
//!
//! The operations are the real ones, in SQLite's SQL. Their store behaves as over PostgreSQL: other nodes have the database too, and
//! an operation's answer may be lost after its commit.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use tokio::sync::Notify;
use windlass_types::{Clock, Ids};

use crate::error::{Result, StoreError};
use crate::figures::Figures;
use crate::queue::{Announcer, Envelope, Numbered, Queue};
use crate::sql::Work;
use crate::sqlite::connection::Connection;
use crate::store::{Backend, OpenOptions, Store, begin_boot};

/// The database.
pub struct Database {
    connection: Connection,
    clock: Clock,
}

/// What becomes of an operation's transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It is committed.
    Commit,
    /// It is rolled back, and acknowledged all the same: what no database may do.
    Forget,
}

impl Database {
    /// An empty one; `clock` is the store's time for everybody.
    pub fn new(clock: Clock) -> Result<Self> {
        Ok(Self { connection: Connection::in_memory(clock.clone())?, clock })
    }

    /// Begins the life of a process on it.
    pub fn connect(&mut self, ids: &Ids) -> Result<(Store, Wire)> {
        let (generation, last) = self.connection.in_transaction(|tx| begin_boot(tx, ids))?;
        let announcer = Announcer::new();
        announcer.announce(Numbered::at(last));
        let (queue, requests) = Queue::new();
        let queue = Arc::new(queue);
        let wire = Wire {
            requests,
            sent: Arc::clone(&queue.sent),
            announcer: announcer.clone(),
            ids: ids.clone(),
            generation,
            _open: Arc::clone(&queue),
        };
        let backend = Backend {
            writes: Arc::clone(&queue),
            reads: queue,
            announcer,
            figures: Arc::new(Figures::new()),
            generation,
            threads: Vec::new(),
        };
        let options = OpenOptions { url: "sqlite::memory:".to_owned(), clock: self.clock.clone(), ids: ids.clone() };
        Ok((Store::over(backend, true, options), wire))
    }

    /// Carries an operation out, as often as the network delivers it; whether it could be, and the event numbers that it left.
    pub fn carry_out(&mut self, request: &mut Request, end: End) -> bool {
        let outcome = self.transaction(request, end);
        let done = outcome.is_ok();
        request.outcome = Some(outcome);
        done
    }

    fn transaction(&mut self, request: &mut Request, end: End) -> Result<Numbered> {
        self.connection.command("BEGIN IMMEDIATE")?;
        let outcome = {
            let mut work = Work::new(&mut self.connection, &request.ids, request.generation);
            request.envelope.message.run(&mut work).and_then(|()| work.finish())
        };
        self.connection.command(if outcome.is_ok() && end == End::Commit { "COMMIT" } else { "ROLLBACK" })?;
        outcome
    }
}

/// The database's end of one process's connection.
pub struct Wire {
    requests: Receiver<Envelope>,
    sent: Arc<Notify>,
    announcer: Announcer,
    ids: Ids,
    generation: i64,
    // The channel stays open when the process has dropped its store: a message on its way arrives all the same.
    _open: Arc<Queue>,
}

impl Wire {
    /// The operations sent since the last look.
    pub fn take(&self) -> Vec<Request> {
        self.requests
            .try_iter()
            .map(|envelope| Request { envelope, ids: self.ids.clone(), generation: self.generation, outcome: None })
            .collect()
    }

    /// Told of each operation that is sent.
    pub fn sent(&self) -> Arc<Notify> {
        Arc::clone(&self.sent)
    }

    /// Wakes the process up, as another one's commit does.
    pub fn wake(&self, heard: Heard) {
        self.announcer.announce(heard.0);
    }
}

/// What a wake-up says: how far the event numbers have come.
#[derive(Debug, Clone, Copy)]
pub struct Heard(Numbered);

/// An operation on its way.
pub struct Request {
    envelope: Envelope,
    ids: Ids,
    generation: i64,
    outcome: Option<Result<Numbered>>,
}

impl Request {
    /// The method of [`Store`] that sent it.
    pub fn name(&self) -> &'static str {
        let name = self.envelope.message.name();
        name.split("::").take_while(|word| !word.starts_with("{{")).last().unwrap_or(name)
    }

    /// What the operation left for others to hear, if it was carried out and left any.
    pub fn heard(&self) -> Option<Heard> {
        match self.outcome {
            Some(Ok(numbered)) if numbered.last > 0 => Some(Heard(numbered)),
            _ => None,
        }
    }

    /// Gives the answer to whoever waits for it. A copy may arrive all the same, later.
    pub fn answer(&mut self) {
        let outcome = self.outcome.take().unwrap_or_else(|| Err(StoreError::Unavailable("it was never asked".to_owned())));
        self.envelope.message.reply(outcome.map(drop));
    }

    /// Gives an error in place of the answer: the network has lost the request, or the answer, or is only late.
    pub fn lose(&mut self) {
        self.envelope.message.reply(Err(StoreError::Unavailable("the connection was lost".to_owned())));
    }
}
