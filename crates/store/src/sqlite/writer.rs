//! The writer: what has queued up, and what comes while it is carried out, becomes one transaction, answered after the commit.
//!
//! A savepoint for each message would copy every page that it touches, so a group runs without any. Only when a message fails after
//! it has written is all of it rolled back and run again, each message then in a savepoint of its own.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use windlass_types::Ids;

use super::connection::{Connection, Place};
use crate::error::{Result, StoreError};
use crate::figures::Figures;
use crate::queue::{Announcer, Durability, Envelope, Numbered};
use crate::sql::Work;

/// The most messages of one transaction.
const GROUP_MAX: usize = 512;
/// How long messages that come while a group is carried out may join it.
const JOIN_FOR: Duration = Duration::from_millis(10);
/// The longest the log may grow, in pages, before it is folded into the database. Not left to SQLite, which keeps a failure to itself.
const LOG_PAGES_MAX: i64 = 8000;
/// How many groups are written between two looks at the log.
const LOOK_EVERY: usize = 16;
/// How long nothing has to be written before the log is folded into the database.
const IDLE: Duration = Duration::from_secs(2);

pub(super) struct Writer {
    place: Place,
    connection: Option<Connection>,
    ids: Ids,
    generation: i64,
    announcer: Announcer,
    figures: Arc<Figures>,
}

impl Writer {
    pub(super) fn new(
        place: Place,
        connection: Connection,
        ids: Ids,
        generation: i64,
        announcer: Announcer,
        figures: Arc<Figures>,
    ) -> Self {
        Self { place, connection: Some(connection), ids, generation, announcer, figures }
    }

    /// Works until the queue is closed and empty.
    pub(super) fn run(mut self, queue: &Receiver<Envelope>) {
        let mut written = false;
        let mut unseen = 0;
        loop {
            let first = if written {
                match queue.recv_timeout(IDLE) {
                    Ok(first) => first,
                    Err(RecvTimeoutError::Timeout) => {
                        self.checkpoint();
                        written = false;
                        continue;
                    }
                    Err(RecvTimeoutError::Disconnected) => break,
                }
            } else {
                // No timer while nothing was written: an idle store uses no processor time.
                match queue.recv() {
                    Ok(first) => first,
                    Err(_) => break,
                }
            };
            let waiting: Vec<Envelope> = std::iter::once(first).chain(queue.try_iter().take(GROUP_MAX - 1)).collect();
            unseen += 1;
            self.write(waiting, queue);
            written = true;
            if unseen >= LOOK_EVERY {
                unseen = 0;
                if self.connection.as_ref().and_then(|c| c.log_pages().ok()).is_some_and(|pages| pages >= LOG_PAGES_MAX) {
                    self.checkpoint();
                }
            }
        }
        self.checkpoint();
    }

    fn checkpoint(&mut self) {
        if let Some(connection) = &mut self.connection
            && let Err(e) = connection.command("PRAGMA wal_checkpoint(PASSIVE)")
        {
            // It may be its sync that failed: what is written from now on must not stand behind what that has lost.
            self.connection = None;
            tracing::warn!(error = %e, "could not fold the log into the database; it is tried again before the next write");
        }
    }

    fn write(&mut self, mut group: Vec<Envelope>, queue: &Receiver<Envelope>) {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => match Connection::open_to_write(&self.place) {
                Ok(connection) => none.insert(connection),
                Err(e) => {
                    refuse(group, &e);
                    return;
                }
            },
        };
        let mut transaction = Transaction { connection, ids: &self.ids, generation: self.generation, figures: &self.figures };
        let ran = transaction.carry_out(&mut group, queue);
        match ran {
            Ok((outcomes, numbered)) => {
                self.announcer.announce(numbered);
                for (mut envelope, outcome) in group.into_iter().zip(outcomes) {
                    envelope.message.reply(outcome);
                }
            }
            Err(e) => {
                // Nothing of it is acknowledged. The connection is not trusted a second time: after a failed fsync a repeated one
                // says that all is well.
                connection.in_doubt = true;
                tracing::error!(error = %e, messages = group.len(), "a group of writes failed");
                refuse(group, &e);
            }
        }
        if self.connection.as_ref().is_some_and(|connection| connection.in_doubt) {
            self.connection = None;
        }
    }
}

/// The message with this index of a group that began then; where it has none, what waits in the queue joins it.
fn next<'a>(group: &'a mut Vec<Envelope>, index: usize, queue: &Receiver<Envelope>, began: Instant) -> Option<&'a mut Envelope> {
    if index == group.len()
        && index < GROUP_MAX
        && began.elapsed() < JOIN_FOR
        && let Ok(envelope) = queue.try_recv()
    {
        group.push(envelope);
    }
    group.get_mut(index)
}

fn refuse(group: Vec<Envelope>, e: &StoreError) {
    for mut envelope in group {
        envelope.message.reply(Err(e.clone()));
    }
}

/// What became of each message, and the highest event numbers.
type Ran = (Vec<Result<()>>, Numbered);

/// One group's transaction.
struct Transaction<'a> {
    connection: &'a mut Connection,
    ids: &'a Ids,
    generation: i64,
    figures: &'a Figures,
}

impl Transaction<'_> {
    /// Runs a group, and what is sent while it runs. An error is the whole group's; a message's own is among the outcomes.
    fn carry_out(&mut self, group: &mut Vec<Envelope>, queue: &Receiver<Envelope>) -> Result<Ran> {
        self.connection.command("BEGIN IMMEDIATE")?;
        let ran = self.run(group, queue).and_then(|ran| self.commit(group).map(|()| ran));
        if ran.is_err() && self.connection.is_open() {
            self.connection.command("ROLLBACK")?;
        }
        ran
    }

    fn commit(&mut self, group: &[Envelope]) -> Result<()> {
        let began = Instant::now();
        self.connection.command("COMMIT")?;
        if group.iter().any(|envelope| envelope.durability == Durability::Promise) {
            self.connection.sync()?;
        }
        self.figures.committed(began.elapsed(), group.len());
        Ok(())
    }

    fn run(&mut self, group: &mut Vec<Envelope>, queue: &Receiver<Envelope>) -> Result<Ran> {
        if let Some(ran) = self.run_together(group, queue)? {
            return Ok(ran);
        }
        self.connection.command("ROLLBACK")?;
        self.connection.command("BEGIN IMMEDIATE")?;
        self.run_apart(group, queue)
    }

    /// Runs the messages one after the other, and those that come meanwhile; `None` when one that failed had written, so that all has to
    /// be undone.
    fn run_together(&mut self, group: &mut Vec<Envelope>, queue: &Receiver<Envelope>) -> Result<Option<Ran>> {
        let mut outcomes = Vec::with_capacity(group.len());
        let mut numbered = Numbered::default();
        let began = Instant::now();
        while let Some(envelope) = next(group, outcomes.len(), queue, began) {
            self.connection.has_written = false;
            let outcome = self.run_one(envelope, numbered);
            if outcome.is_err() {
                self.check_trust(&outcome)?;
                if self.connection.has_written {
                    return Ok(None);
                }
            }
            outcomes.push(outcome.map(|events| numbered = numbered.and(events)));
        }
        Ok(Some((outcomes, numbered)))
    }

    /// Runs each message in a savepoint of its own.
    fn run_apart(&mut self, group: &mut Vec<Envelope>, queue: &Receiver<Envelope>) -> Result<Ran> {
        let mut outcomes = Vec::with_capacity(group.len());
        let mut numbered = Numbered::default();
        let began = Instant::now();
        while let Some(envelope) = next(group, outcomes.len(), queue, began) {
            self.connection.command("SAVEPOINT message")?;
            let outcome = self.run_one(envelope, numbered);
            if outcome.is_err() {
                self.check_trust(&outcome)?;
                self.connection.command("ROLLBACK TO message")?;
            }
            outcomes.push(outcome.map(|events| numbered = numbered.and(events)));
            self.connection.command("RELEASE message")?;
        }
        Ok((outcomes, numbered))
    }

    fn run_one(&mut self, envelope: &mut Envelope, before: Numbered) -> Result<Numbered> {
        // Within the transaction nobody else gives numbers.
        let last_seq = (before.last > 0).then_some(before.last);
        let mut work = Work::new(self.connection, self.ids, self.generation).after_seq(last_seq);
        envelope.message.run(&mut work).and_then(|()| work.finish())
    }

    /// Gives a message's error on when the transaction, or trust in the connection, is gone and with it what the others wrote.
    fn check_trust<T>(&self, outcome: &Result<T>) -> Result<()> {
        match outcome {
            Err(e) if self.connection.in_doubt || !self.connection.is_open() => Err(e.clone()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use windlass_types::{Clock, Timestamp};

    use super::*;
    use crate::queue::Queue;
    use crate::sql::{Tx, values};
    use crate::store::begin_boot;

    fn writer(dir: &tempfile::TempDir) -> Writer {
        let clock = Clock::manual(Timestamp(1));
        let place = Place::new(&dir.path().join("windlass.db").display().to_string(), clock.clone()).expect("a place");
        let ids = Ids::seeded(clock, 1);
        let mut connection = Connection::open_to_write(&place).expect("opened");
        let (generation, _) = connection.in_transaction(|tx| begin_boot(tx, &ids)).expect("begun");
        Writer::new(place, connection, ids, generation, Announcer::new(), Arc::new(Figures::new()))
    }

    /// Writes one group of operations of these durabilities; the first `bad` of them fail.
    async fn write(writer: &mut Writer, group: &[Durability], bad: usize) -> Vec<Result<()>> {
        let (queue, waiting) = Queue::new();
        let calls = group.iter().enumerate().map(|(index, &durability)| {
            queue.call(durability, move |w| {
                w.execute("UPDATE control SET value = value + 1 WHERE name = 'probe'", &[])?;
                if index < bad { Err(StoreError::Conflict("no".to_owned())) } else { Ok(()) }
            })
        });
        let mut calls = std::pin::pin!(futures_util::future::join_all(calls));
        assert!(futures_util::poll!(&mut calls).is_pending());
        writer.write(vec![waiting.recv().expect("a message")], &waiting);
        calls.await
    }

    fn number(writer: &mut Writer, sql: &str) -> i64 {
        let rows = writer.connection.as_mut().expect("a connection").query(sql, values![]).expect("read");
        rows.into_iter().next().and_then(|mut row| row.int().ok()).expect("a number")
    }

    #[tokio::test]
    async fn a_group_with_a_promise_waits_for_the_disk_and_one_without_does_not() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut writer = writer(&dir);
        for (group, waits) in [
            (&[Durability::Ride][..], 0),
            (&[Durability::Ride, Durability::Promise], 1),
            (&[Durability::Ride, Durability::Ride], 0),
            (&[Durability::Promise, Durability::Promise], 1),
        ] {
            let syncs = |writer: &Writer| writer.connection.as_ref().expect("a connection").syncs;
            let before = syncs(&writer);
            assert!(write(&mut writer, group, 0).await.iter().all(Result::is_ok));
            assert_eq!(syncs(&writer) - before, waits, "{group:?}");
        }
    }

    #[tokio::test]
    async fn a_refused_message_leaves_no_trace_in_the_group() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut writer = writer(&dir);
        let outcomes = write(&mut writer, &[Durability::Promise; 5], 2).await;
        assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 3);
        assert_eq!(
            (writer.figures.commit_micros().counts.iter().sum::<u64>(), writer.figures.commit_operations().sum),
            (1, 5),
            "one commit of five"
        );
        assert_eq!(number(&mut writer, "SELECT value FROM control WHERE name = 'probe'"), 3);
    }

    #[tokio::test]
    async fn a_connection_in_doubt_is_opened_anew() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut writer = writer(&dir);
        writer.connection.as_mut().expect("a connection").command("BEGIN IMMEDIATE").expect("begun");
        // As after a fault: the group finds a transaction open, fails whole, and the next one has a new connection.
        assert!(write(&mut writer, &[Durability::Promise], 0).await.iter().all(Result::is_err));
        assert!(writer.connection.is_none());
        assert!(write(&mut writer, &[Durability::Promise; 2], 0).await.iter().all(Result::is_ok));
        assert_eq!(number(&mut writer, "SELECT value FROM control WHERE name = 'probe'"), 2);
    }

    #[tokio::test]
    async fn an_operation_that_panics_takes_nobody_with_it() {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let mut writer = writer(&dir);
        let (queue, waiting) = Queue::new();
        let faulty = queue.call(Durability::Promise, |w| -> Result<()> {
            w.execute("UPDATE control SET value = 99 WHERE name = 'probe'", &[])?;
            panic!("a fault")
        });
        let good = queue.call(Durability::Promise, |w| w.execute("UPDATE control SET value = value + 1 WHERE name = 'probe'", &[]));
        let mut both = std::pin::pin!(futures_util::future::join(faulty, good));
        assert!(futures_util::poll!(&mut both).is_pending());
        writer.write(vec![waiting.recv().expect("a message")], &waiting);
        let (faulty, good) = both.await;
        assert!(matches!(faulty, Err(StoreError::Internal(_))));
        assert_eq!(good, Ok(1));
        assert_eq!(number(&mut writer, "SELECT value FROM control WHERE name = 'probe'"), 1);
    }
}
