//! Wake-ups between nodes: after a commit one connection notifies, on another one this node listens.
//!
//! A notification carries nothing: what there is to know is read from the events. One that is lost (a cut connection, a node that dies
//! between its commit and the notification) is made up for by a look after every reconnect and by a slow look behind.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::connection::{Connection, Server};
use crate::error::{Result, StoreError};
use crate::queue::{Announcer, Numbered};
use crate::sql::{Tx as _, may_hold_callback, may_hold_ready, values};

const EVENTS: &str = "windlass_events";
const HANDOVER: &str = "windlass_handover";

/// The look behind the wake-ups, while something happens and when nothing does.
const LOOK_SOON: Duration = Duration::from_secs(1);
const LOOK_IDLE: Duration = Duration::from_secs(5);
/// How long after the last event something still happens.
const BUSY_FOR: Duration = Duration::from_secs(10);
/// The pauses before a lost connection is made again.
const RETRY_MIN: Duration = Duration::from_millis(100);
const RETRY_MAX: Duration = Duration::from_secs(5);

/// What is to be told to the other nodes; however much piles up while a notification is under way, one more tells it.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    state: Mutex<Pending>,
    wake: Condvar,
}

#[derive(Debug, Default, Clone, Copy)]
struct Pending {
    events: bool,
    handover: bool,
    closed: bool,
    /// The server's number of the notifying connection: what comes from there is known here already.
    own: i32,
}

impl Outbox {
    fn change(&self, change: impl FnOnce(&mut Pending)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.wake.notify_one();
    }

    /// Events were committed.
    pub(crate) fn events(&self) {
        self.change(|pending| pending.events = true);
    }

    /// A duty was given back.
    pub(crate) fn handover(&self) {
        self.change(|pending| pending.handover = true);
    }

    /// Nothing more will come.
    pub(crate) fn close(&self) {
        self.change(|pending| pending.closed = true);
    }

    fn peek(&self) -> Pending {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for something to tell.
    fn take(&self) -> Pending {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while !(state.events || state.handover || state.closed) {
            state = self.wake.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        let taken = *state;
        (state.events, state.handover) = (false, false);
        taken
    }

    /// Waits a while before the next try, unless the store is closed.
    fn pause(&self, pause: Duration) {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        drop(self.wake.wait_timeout_while(state, pause, |state| !state.closed));
    }
}

fn thread(name: &str, run: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>> {
    let spawned = std::thread::Builder::new().name(name.to_owned()).spawn(run);
    spawned.map_err(|e| StoreError::Unavailable(format!("no thread could be started for it: {e}")))
}

/// For the fault suite: debug builds can be told to lose every notification.
fn drops_every_one() -> bool {
    cfg!(debug_assertions) && std::env::var_os("WINDLASS_FAULT").is_some_and(|fault| fault == "drop_notify")
}

/// Starts to tell the other nodes; the thread ends when the outbox is closed.
pub(super) fn notify(server: Server, outbox: Arc<Outbox>) -> Result<JoinHandle<()>> {
    let drop_all = drops_every_one();
    thread("store-notify", move || {
        let mut connection: Option<Connection> = None;
        let mut pause = RETRY_MIN;
        loop {
            let pending = outbox.take();
            // The last one tells this node's own listener that it is over.
            let told = if drop_all { Ok(()) } else { tell(&server, &mut connection, &outbox, pending) };
            if let Err(e) = told {
                connection = None;
                if pending.closed {
                    return;
                }
                tracing::warn!(error = %e, "the other nodes could not be told of changes; trying again");
                outbox
                    .change(|again| (again.events, again.handover) = (again.events || pending.events, again.handover || pending.handover));
                outbox.pause(pause);
                pause = (pause * 2).min(RETRY_MAX);
                continue;
            }
            if pending.closed {
                return;
            }
            pause = RETRY_MIN;
        }
    })
}

fn tell(server: &Server, connection: &mut Option<Connection>, outbox: &Outbox, pending: Pending) -> Result<()> {
    let connection = match connection {
        Some(connection) => connection,
        none => {
            let mut new = Connection::connect(server)?;
            // A notification need not survive the server.
            new.batch("SET synchronous_commit = off")?;
            let own = new.query("SELECT CAST(pg_backend_pid() AS BIGINT)", &[])?.into_iter().next();
            let own = own.map_or(Ok(0), |mut row| row.int())?;
            outbox.change(|pending| pending.own = own);
            none.insert(new)
        }
    };
    if pending.events || pending.closed {
        connection.batch(&format!("NOTIFY {EVENTS}"))?;
    }
    if pending.handover {
        connection.batch(&format!("NOTIFY {HANDOVER}"))?;
    }
    Ok(())
}

/// Starts to hear the other nodes. The thread ends by itself some time after the outbox is closed.
pub(super) fn listen(server: Server, outbox: Arc<Outbox>, announcer: Announcer) -> Result<JoinHandle<()>> {
    thread("store-listen", move || {
        let mut listener = Listener { announcer, outbox, suspect: None, last_event: Instant::now() };
        let mut pause = RETRY_MIN;
        while !listener.outbox.peek().closed {
            let began = Instant::now();
            let Err(e) = listener.run(&server) else { return };
            if began.elapsed() > RETRY_MAX {
                pause = RETRY_MIN;
            }
            tracing::warn!(error = %e, "this node does not hear the others' changes; connecting again");
            listener.outbox.pause(pause);
            pause = (pause * 2).min(RETRY_MAX);
        }
    })
}

struct Listener {
    announcer: Announcer,
    outbox: Arc<Outbox>,
    /// The look behind found something, whose notification may still be on its way.
    suspect: Option<Instant>,
    last_event: Instant,
}

impl Listener {
    /// Hears over one connection until it is lost or the store is closed.
    fn run(&mut self, server: &Server) -> Result<()> {
        let mut connection = Connection::connect(server)?;
        connection.batch(&format!("LISTEN {EVENTS}; LISTEN {HANDOVER}"))?;
        // What happened while nobody listened.
        self.look(&mut connection)?;
        self.announcer.hear_handover();
        let mut looked = Instant::now();
        loop {
            let every = if self.last_event.elapsed() < BUSY_FOR { LOOK_SOON } else { LOOK_IDLE };
            let heard = connection.wait_for_notification(every.saturating_sub(looked.elapsed()))?;
            let outbox = self.outbox.peek();
            if outbox.closed {
                return Ok(());
            }
            match heard {
                Some((_, pid)) if pid == outbox.own => continue,
                Some((channel, _)) if channel == HANDOVER => self.announcer.hear_handover(),
                Some(_) => {
                    self.suspect = None;
                    self.look(&mut connection)?;
                }
                None => {
                    // What was found a look ago had time to be announced.
                    if self.suspect.take().is_some() {
                        self.announcer.count_lost_wakeup();
                    }
                    if self.announcer.has_readers() && self.look(&mut connection)? {
                        self.suspect = Some(Instant::now());
                    }
                }
            }
            looked = Instant::now();
        }
    }

    /// Looks for events that this node has not announced to its readers; whether there were any.
    fn look(&mut self, connection: &mut Connection) -> Result<bool> {
        let known = self.announcer.last();
        let found = connection.query(
            &format!(
                "SELECT MAX(seq), MAX(CASE WHEN {} THEN seq END), MAX(CASE WHEN {} THEN seq END) FROM events WHERE seq > $1",
                may_hold_ready(),
                may_hold_callback()
            ),
            values![known],
        )?;
        let Some(mut row) = found.into_iter().next() else { return Ok(false) };
        let mut highest = || row.opt_int().map(Option::unwrap_or_default);
        let (last, last_ready, last_callback) = (highest()?, highest()?, highest()?);
        self.announcer.hear(Numbered { last, last_ready, last_callback });
        if last > known {
            self.last_event = Instant::now();
        }
        Ok(last > known)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_piles_up_while_a_notification_is_under_way_is_told_by_one_more() {
        let outbox = Outbox::default();
        for _ in 0..1000 {
            outbox.events();
        }
        assert!(outbox.take().events);
        outbox.close();
        let last = outbox.take();
        assert!(last.closed && !last.events);
    }
}
