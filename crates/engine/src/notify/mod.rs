//! Notifications: people are told what needs them by mail, by webhook or in a chat, once each time that it happens.
//!
//! What needs them is what the inbox shows. A look finds what is new in it and remembers that for each channel that wants it, in a row that
//! a later look, a start anew or another node finds again; what is no longer so and was not sent yet is forgotten. All that is due by a
//! channel at one moment goes in one message. It is sent at least once: a kill between the sending and its remembering sends it
//! again, under the same delivery id as long as it tells the same.

mod channel;
mod look;
mod mail;
mod send;
mod view;
mod words;

use std::time::Duration;

use futures_util::future::join_all;
use windlass_store::{NotificationEnd, StoreError};
use windlass_types::Role;

use crate::engine::Engine;
use crate::error::EngineError;
use crate::failpoint;
use crate::outbound::{Problem, TRIES_MAX, wait_ms};

pub use channel::{Channel, ChannelKind, NotifyConfig, PageUrl};
pub use view::{NotificationChannel, Notifications};

const DUTY: &str = "notifications";
/// The most that one message tells of, or counts.
const BUNDLE_MAX: u32 = 1_000;
/// How long to wait after a wake-up: what happens at one moment is told in one message.
const GATHER: Duration = Duration::from_millis(500);
/// The shortest time between two messages by one channel, in milliseconds.
const PAUSE_MS: i64 = 10_000;
/// The longest time between two looks, should a wake-up be lost or nothing tell of the change.
const QUIET: Duration = Duration::from_secs(30);
/// The pause after the store could not be used.
const STORE_PAUSE: Duration = Duration::from_secs(5);

/// Takes part in the duty, where there is anybody to tell.
pub(crate) fn take_part(engine: &Engine) {
    if engine.inner.config.notify.channels.is_empty() {
        return;
    }
    let own = engine.clone();
    engine.duty(Role::Worker, DUTY, move |_generation| {
        let engine = own.clone();
        async move { run(&engine).await }
    });
}

/// Looks and tells, until the duty is lost.
async fn run(engine: &Engine) {
    let mut changes = engine.inner.store.subscribe_ready();
    // Before that, nobody knows what an earlier life has left.
    engine.recovered().await;
    loop {
        changes.borrow_and_update();
        let wait = match round(engine).await {
            Ok(Some(next_ms)) => Duration::from_millis(u64::try_from(next_ms).unwrap_or(0)).min(QUIET),
            Ok(None) => QUIET,
            Err(e) => {
                tracing::warn!(error = %e, "notifications wait: the store could not be used");
                STORE_PAUSE
            }
        };
        tokio::select! {
            biased;
            () = tokio::time::sleep(wait) => {}
            changed = changes.changed() => if changed.is_err() { return },
        }
        tokio::time::sleep(GATHER).await;
    }
}

/// Tells what is due now; gives in how many milliseconds something is.
async fn round(engine: &Engine) -> Result<Option<i64>, EngineError> {
    // Whoever runs one assignment in a terminal sees what becomes of it.
    if engine.inner.works_on_one() {
        return Ok(None);
    }
    look::look(engine).await?;
    let told = join_all(engine.inner.config.notify.channels.iter().map(|channel| tell(engine, channel))).await;
    let mut next = None;
    for channel in told {
        next = [next, channel?].into_iter().flatten().min();
    }
    Ok(next)
}

/// Tells by one channel what is due, and remembers what became of it; gives in how many milliseconds something is due again.
async fn tell(engine: &Engine, channel: &Channel) -> Result<Option<i64>, StoreError> {
    let inner = &engine.inner;
    let (due, next) = inner.store.due_notifications(channel.name.clone(), PAUSE_MS, BUNDLE_MAX).await?;
    if due.is_empty() {
        return Ok(next);
    }
    failpoint::hit("notification.due");
    let sent = send::send(inner, channel, &due).await;
    failpoint::hit("notification.sent");
    let tries = due.iter().map(|one| one.tries).max().unwrap_or(0);
    let wait = wait_ms(tries, inner.config.ids.fraction());
    let end = |tries: u32| match &sent {
        Ok(()) => NotificationEnd::Sent,
        Err(Problem::Never(why)) => NotificationEnd::Failed(why.clone()),
        Err(Problem::Later(why)) if tries + 1 >= TRIES_MAX => NotificationEnd::Failed(format!("{why} (after {TRIES_MAX} tries)")),
        Err(Problem::Later(why)) => NotificationEnd::Again(why.clone(), wait),
    };
    let ends: Vec<_> = due.iter().map(|one| (one.id.clone(), end(one.tries))).collect();
    if let Err(problem) = &sent {
        let given_up = ends.iter().filter(|(_, end)| matches!(end, NotificationEnd::Failed(_))).count();
        if given_up > 0 {
            tracing::warn!(channel = channel.name, why = problem.why(), "{given_up} notification(s) could not be told by {}", channel.name);
        }
        if given_up < ends.len() {
            tracing::info!(
                channel = channel.name,
                why = problem.why(),
                wait_ms = wait,
                "notifications by {} are sent again later",
                channel.name
            );
        }
    }
    inner.store.notifications_ended(ends).await?;
    Ok(Some(if sent.is_ok() { PAUSE_MS } else { wait }))
}
