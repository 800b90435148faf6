//! PostgreSQL: a few threads with a connection each; one transaction per operation, row locks where rows are decided on.

mod aside;
mod connection;
mod tls;
mod wake;
mod wire;
mod worker;

use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use windlass_types::Ids;

use crate::error::{Result, StoreError};
use crate::figures::Figures;
use crate::queue::{Announcer, Numbered, Queue};
use crate::store::{Backend, OpenOptions, begin_boot};

pub(crate) use aside::{read_aside, write_aside};
use connection::{Connection, Server};
pub(crate) use wake::Outbox;

/// How many connections a node keeps. They serve reads and writes alike.
const CONNECTIONS: usize = 4;

/// A change of the schema waits no longer for a lock than this. PostgreSQL looks for deadlocks after a second: it is the change that steps
/// back from one, not the work of a node that is older.
const BOOT: &str = "BEGIN; SET LOCAL lock_timeout = '500ms'";
/// How long a change of the schema is tried beside nodes that work.
const BOOT_PATIENCE: Duration = Duration::from_mins(1);

/// Connects, makes the schema if need be, and starts the threads.
pub(crate) fn open(options: &OpenOptions) -> Result<Backend> {
    let server = Server::parse(&options.url)?;
    let mut first = Connection::connect(&server)?;
    first.check_version()?;
    let (generation, last) = booted(&mut first, &options.ids)?;
    let outbox = Arc::new(Outbox::default());
    let announcer = Announcer::to_others(Arc::clone(&outbox));
    announcer.hear(Numbered::at(last));
    let (queue, receiver) = Queue::new();
    let queue = Arc::new(queue);
    let receiver = Arc::new(Mutex::new(receiver));
    let mut connection = Some(first);
    let figures = Arc::new(Figures::new());
    let mut threads = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        let worker = worker::Worker {
            server: server.clone(),
            connection: connection.take(),
            ids: options.ids.clone(),
            generation,
            announcer: announcer.clone(),
            figures: Arc::clone(&figures),
        };
        let receiver = Arc::clone(&receiver);
        let thread = thread::Builder::new()
            .name("store-postgres".to_owned())
            .spawn(move || worker.run(&receiver))
            .map_err(|e| StoreError::Unavailable(format!("no thread could be started for it: {e}")))?;
        threads.push(thread);
    }
    threads.push(wake::notify(server.clone(), Arc::clone(&outbox))?);
    // Not waited for at the end: it may hang on a dead connection, and has nothing to finish.
    drop(wake::listen(server, outbox, announcer.clone())?);
    Ok(Backend { writes: Arc::clone(&queue), reads: queue, announcer, figures, generation, threads })
}

/// Brings the schema up to date and begins a boot; again while it meets the transactions of other nodes.
#[expect(clippy::disallowed_methods, reason = "a thread of its own; nothing tells when the transactions of other nodes are over")]
fn booted(connection: &mut Connection, ids: &Ids) -> Result<(i64, i64)> {
    let until = Instant::now() + BOOT_PATIENCE;
    loop {
        let outcome = connection.in_transaction(BOOT, |tx| begin_boot(tx, ids));
        if outcome.is_ok() || !connection.run_again || connection.is_spent() || Instant::now() >= until {
            return outcome;
        }
        // Not in step with those that it met.
        thread::sleep(Duration::from_millis(20).mul_f64(1.0 + 9.0 * ids.fraction()));
    }
}
