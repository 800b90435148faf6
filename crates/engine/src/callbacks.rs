//! Callbacks: the services that asked for operations are told of their end, by signed messages, until they take them.
//!
//! A callback is a row that the end itself wrote, so no crash loses one; it is sent at least once, each time with the same id and body.

use std::fmt;
use std::time::Duration;

use futures_util::StreamExt as _;
use serde::Serialize;
use windlass_store::{CallbackEnd, DueCallback, StoreError};
use windlass_types::{OperationResult, Role, Timestamp};

use crate::engine::{Engine, Inner};
use crate::failpoint;
use crate::outbound::{Allowed, Message, Next, Problem, TRIES_MAX, address, post, rounds, wait_ms};

const DUTY: &str = "callbacks";
/// How many are sent in one round, and how many of them at once.
const ROUND_MAX: u32 = 64;
const AT_ONCE: usize = 8;

/// Who may be told, and how it is signed.
#[derive(Clone, Default)]
pub struct CallbackConfig {
    /// Receivers, as HOST:PORT, that need not be on the public internet.
    pub allow: Vec<String>,
    /// What messages are signed with whose request brings no secret.
    pub secret: Option<String>,
}

impl fmt::Debug for CallbackConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallbackConfig").field("allow", &self.allow).field("has_secret", &self.secret.is_some()).finish()
    }
}

/// What a receiver reads.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    event: String,
    delivery_id: &'a str,
    timestamp: Timestamp,
    #[serde(flatten)]
    result: OperationResult,
}

/// Takes part in the duty.
pub(crate) fn take_part(engine: &Engine) {
    let own = engine.clone();
    engine.duty(Role::Worker, DUTY, move |_generation| {
        let engine = own.clone();
        async move { rounds(DUTY, engine.inner.store.subscribe_callbacks(), || round(&engine)).await }
    });
}

/// Sends what is due now.
async fn round(engine: &Engine) -> Result<Next, StoreError> {
    let store = &engine.inner.store;
    loop {
        let (due, next) = store.due_callbacks(ROUND_MAX).await?;
        if due.is_empty() {
            return Ok(Next { due_ms: next, rest: Duration::ZERO });
        }
        let mut sent = futures_util::stream::iter(due).map(|callback| one(engine, callback)).buffer_unordered(AT_ONCE);
        while let Some(done) = sent.next().await {
            done?;
        }
    }
}

/// Sends one and remembers what became of it.
async fn one(engine: &Engine, callback: DueCallback) -> Result<(), StoreError> {
    let inner = &engine.inner;
    failpoint::hit("callback.due");
    let told = match message(engine, &callback).await {
        Ok(Some((event, body))) => deliver(inner, &callback, &event, body).await.map(|()| CallbackEnd::Delivered),
        Ok(None) => Ok(CallbackEnd::TakenBack),
        Err(e) => Err(Problem::Later(e.to_string())),
    };
    let end = match told {
        Ok(end) => end,
        Err(Problem::Never(why)) => CallbackEnd::GivenUp(why),
        Err(Problem::Later(why)) if callback.tries + 1 >= TRIES_MAX => CallbackEnd::GivenUp(format!("{why} (after {TRIES_MAX} tries)")),
        Err(Problem::Later(why)) => CallbackEnd::Again(why, wait_ms(callback.tries, inner.config.ids.fraction())),
    };
    failpoint::hit("callback.sent");
    match &end {
        CallbackEnd::GivenUp(why) => {
            tracing::warn!(assignment.id = %callback.assignment, delivery = callback.delivery, why, "nobody could be told of the end of {}", callback.assignment);
        }
        CallbackEnd::Again(why, wait_ms) => {
            tracing::info!(assignment.id = %callback.assignment, delivery = callback.delivery, why, wait_ms, "a callback is sent again later");
        }
        CallbackEnd::Delivered | CallbackEnd::TakenBack => {}
    }
    inner.store.callback_sent(callback.assignment, callback.number, end).await
}

/// The event and the body; nothing when the operation went on before anybody was told.
async fn message(engine: &Engine, callback: &DueCallback) -> Result<Option<(String, String)>, StoreError> {
    if let Some(body) = &callback.body {
        let read: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
        return Ok(Some((read["event"].as_str().unwrap_or_default().to_owned(), body.clone())));
    }
    let store = &engine.inner.store;
    let operation = store.operation(callback.assignment).await?;
    if !operation.status().is_over() {
        return Ok(None);
    }
    let internal = |e: String| StoreError::Internal(format!("the result of {} could not be put together: {e}", callback.assignment));
    let result = engine.result_of(&operation).await.map_err(|e| internal(e.message))?;
    let event = format!("operation.{}", result.status);
    let body = Body { event: event.clone(), delivery_id: &callback.delivery, timestamp: callback.created_at, result };
    let body = serde_json::to_string(&body).map_err(|e| internal(e.to_string()))?;
    store.callback_body(callback.assignment, callback.number, body.clone()).await?;
    Ok(Some((event, body)))
}

async fn deliver(inner: &Inner, callback: &DueCallback, event: &str, body: String) -> Result<(), Problem> {
    let config = &inner.config.callbacks;
    let secret = callback.secret.as_deref().or(config.secret.as_deref());
    let secret = secret.ok_or_else(|| Problem::Later("the daemon has no secret to sign with any more".to_owned()))?;
    let to = address(&callback.url).map_err(|why| Problem::Never(format!("its address {why}")))?;
    let message = Message::Signed { event, delivery: &callback.delivery, timestamp: callback.created_at.to_string(), body, secret };
    post(&to, Allowed { table: "callbacks", places: &config.allow }, message).await
}
