//! A thread that carries out operations over its connection.

use std::sync::mpsc::Receiver;
use std::sync::{Arc, Mutex, PoisonError};

use windlass_types::Ids;

use super::connection::{Connection, Server};
use crate::error::Result;
use crate::figures::Figures;
use crate::queue::{Announcer, Durability, Envelope, Numbered};
use crate::sql::Work;

/// How often a transaction is run that meets others.
const TRIES: u32 = 4;

const WRITE: &str = "BEGIN";
/// A read sees one moment of the database, also over several statements.
const READ: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

pub(super) struct Worker {
    pub(super) server: Server,
    pub(super) connection: Option<Connection>,
    pub(super) ids: Ids,
    pub(super) generation: i64,
    pub(super) announcer: Announcer,
    pub(super) figures: Arc<Figures>,
}

impl Worker {
    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self, queue: &Mutex<Receiver<Envelope>>) {
        loop {
            // One worker waits in the queue, the others for their turn to.
            let received = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(mut envelope) = received else { break };
            let outcome = self.carry_out(&mut envelope);
            if self.connection.as_ref().is_some_and(Connection::is_spent) {
                self.connection = None;
            }
            envelope.message.reply(outcome.map(|numbered| self.announcer.announce(numbered)));
        }
    }

    fn carry_out(&mut self, envelope: &mut Envelope) -> Result<Numbered> {
        let mut tries = 1;
        loop {
            let connection = begun(&self.server, &mut self.connection, if envelope.durability == Durability::Read { READ } else { WRITE })?;
            let outcome = connection.finish(|tx| {
                let mut work = Work::new(tx, &self.ids, self.generation);
                envelope.message.run(&mut work).and_then(|()| work.finish())
            });
            if outcome.is_ok() && envelope.durability != Durability::Read {
                self.figures.committed(connection.commit_took, 1);
            }
            // Only what was rolled back is run again: of a commit without an answer nobody knows whether it happened.
            if outcome.is_ok() || tries >= TRIES || !connection.run_again || connection.is_spent() {
                return outcome;
            }
            tries += 1;
        }
    }
}

/// A connection with an open transaction: the one there is, or a new one if that was cut meanwhile.
fn begun<'a>(server: &Server, kept: &'a mut Option<Connection>, begin: &str) -> Result<&'a mut Connection> {
    if let Some(connection) = kept.take()
        && !connection.is_spent()
    {
        let mut connection = connection;
        if connection.begin(begin).is_ok() {
            return Ok(kept.insert(connection));
        }
    }
    let mut connection = Connection::connect(server)?;
    connection.begin(begin)?;
    Ok(kept.insert(connection))
}
