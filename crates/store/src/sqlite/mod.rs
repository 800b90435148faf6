//! SQLite: one thread writes, two read, and nothing is awake while nothing is asked.

mod aside;
pub(crate) mod connection;
mod reader;
mod writer;

use std::sync::Arc;
use std::thread;

use crate::error::{Result, StoreError};
use crate::figures::Figures;
use crate::queue::{Announcer, Numbered, Queue};
use crate::store::{Backend, OpenOptions, begin_boot};

pub(crate) use aside::{in_new_file, optimize, quick_check, read_aside, to_replace};
use connection::{Connection, Place};

const READERS: usize = 2;

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<thread::JoinHandle<()>> {
    thread::Builder::new()
        .name(name.to_owned())
        .spawn(run)
        .map_err(|e| StoreError::Unavailable(format!("no thread could be started for it: {e}")))
}

/// Opens the database and starts its threads.
pub(crate) fn open(options: &OpenOptions) -> Result<Backend> {
    connection::check_version()?;
    let place = Place::new(&options.url, options.clock.clone())?;
    place.refuse_links()?;
    let mut first = Connection::open_to_write(&place)?;
    let (generation, last) = first.in_transaction(|tx| begin_boot(tx, &options.ids))?;
    let announcer = Announcer::new();
    announcer.hear(Numbered::at(last));
    let (writes, write_queue) = Queue::new();
    let (reads, read_queue) = Queue::new();
    let mut threads = Vec::with_capacity(1 + READERS);
    let figures = Arc::new(Figures::new());
    let writer = writer::Writer::new(place.clone(), first, options.ids.clone(), generation, announcer.clone(), Arc::clone(&figures));
    threads.push(spawn("store-writer", move || writer.run(&write_queue))?);
    let read_queue = Arc::new(std::sync::Mutex::new(read_queue));
    for _ in 0..READERS {
        let (place, ids, queue) = (place.clone(), options.ids.clone(), Arc::clone(&read_queue));
        threads.push(spawn("store-reader", move || reader::run(&place, &ids, generation, &queue))?);
    }
    Ok(Backend { writes: Arc::new(writes), reads: Arc::new(reads), announcer, figures, generation, threads })
}
