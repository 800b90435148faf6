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
use tokio::time::Instant;
use windlass_store::{NotificationEnd, StoreError};
use windlass_types::{Role, count};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::failpoint;
use crate::outbound::{Next, Problem, TRIES_MAX, rounds, wait_ms};

pub use channel::{Channel, ChannelKind, NotifyConfig, PageUrl};
pub use view::{NotificationChannel, Notifications};

const DUTY: &str = "notifications";
/// The most that one message to people tells of, or counts.
const BUNDLE_MAX: u32 = 1_000;
/// The most that one message to a program holds; what else there is comes in further ones.
const POSTED_MAX: u32 = 50;
/// How long what happens is gathered, at least: what happens at one moment is told in one message.
const GATHER: Duration = Duration::from_millis(500);
/// How much longer than a look takes the next one is away: looking costs a tenth of a database's time at most, however much happens.
const APART: u32 = 9;
/// The shortest time between two messages by one channel, in milliseconds.
const PAUSE_MS: i64 = 10_000;

/// Takes part in the duty, where there is anybody to tell.
pub(crate) fn take_part(engine: &Engine) {
    if engine.inner.config.notify.channels.is_empty() {
        return;
    }
    let own = engine.clone();
    engine.duty(Role::Worker, DUTY, move |_generation| {
        let engine = own.clone();
        async move {
            // Before that, nobody knows what an earlier life has left.
            engine.recovered().await;
            rounds(DUTY, engine.inner.store.subscribe_ready(), || round(&engine)).await;
        }
    });
}

/// Looks for what there is to tell, and tells what is due.
async fn round(engine: &Engine) -> Result<Next, EngineError> {
    // Whoever runs one assignment in a terminal sees what becomes of it.
    if engine.inner.works_on_one() {
        return Ok(Next { due_ms: None, rest: GATHER });
    }
    let began = Instant::now();
    look::look(engine).await?;
    let rest = GATHER.max(began.elapsed() * APART);
    let told = join_all(engine.inner.config.notify.channels.iter().map(|channel| tell(engine, channel))).await;
    let mut due_ms = None;
    for channel in told {
        due_ms = [due_ms, channel?].into_iter().flatten().min();
    }
    Ok(Next { due_ms, rest })
}

/// Tells by one channel what is due, and remembers what became of it; gives in how many milliseconds something is due again.
async fn tell(engine: &Engine, channel: &Channel) -> Result<Option<i64>, StoreError> {
    let inner = &engine.inner;
    let most = if channel.kind() == ChannelKind::Webhook { POSTED_MAX } else { BUNDLE_MAX };
    let (due, next) = inner.store.due_notifications(channel.name.clone(), PAUSE_MS, most).await?;
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
            tracing::warn!(
                channel = channel.name,
                why = problem.why(),
                "{} could not be told by {}",
                count(given_up, "notification"),
                channel.name
            );
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
