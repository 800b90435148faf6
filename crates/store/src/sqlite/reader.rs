//! A reader: each operation sees one moment of the database.

use std::sync::mpsc::Receiver;
use std::sync::{Mutex, PoisonError};

use windlass_types::Ids;

use super::connection::{Connection, Place};
use crate::error::Result;
use crate::queue::Envelope;
use crate::sql::Work;

/// Works until the queue is closed and empty.
pub(super) fn run(place: &Place, ids: &Ids, generation: i64, queue: &Mutex<Receiver<Envelope>>) {
    let mut connection = None;
    loop {
        // One reader waits in the queue, the other for its turn to.
        let received = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(mut envelope) = received else { break };
        let outcome = read(&mut connection, place, ids, generation, &mut envelope);
        if connection.as_ref().is_some_and(|connection: &Connection| connection.in_doubt || connection.is_open()) {
            connection = None;
        }
        envelope.message.reply(outcome);
    }
}

fn read(connection: &mut Option<Connection>, place: &Place, ids: &Ids, generation: i64, envelope: &mut Envelope) -> Result<()> {
    let connection = match connection {
        Some(connection) => connection,
        none => none.insert(Connection::open_to_read(place)?),
    };
    connection.command("BEGIN")?;
    let outcome = envelope.message.run(&mut Work::new(connection, ids, generation));
    connection.command("COMMIT")?;
    outcome
}
