//! Who calls: a person by the data directory's token, or an agent by a token scoped to its own assignment.
//!
//! **Invariant:** every route needs a token unless it is named in [`OPEN`]; every route is for people unless it is
//! registered among those of [`crate::router`] that agents may call.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::header::{self, HeaderMap};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use windlass_engine::AgentIdentity;
use windlass_types::AssignmentId;

use crate::problem::{Answer, Problem};
use crate::server::Peer;
use crate::state::App;

/// The routes that need no token.
const OPEN: [&str; 4] = ["/", "/page.css", "/health", "/ready"];

/// Who calls.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    /// Somebody with the data directory's token.
    Person,
    /// An agent inside a job.
    Agent(Arc<AgentIdentity>),
}

impl Caller {
    /// Refuses an agent that looks beyond its own assignment.
    pub(crate) fn may_see(&self, assignment: AssignmentId) -> Answer<()> {
        match self {
            Self::Agent(agent) if agent.assignment_id != assignment => Err(beyond()),
            _ => Ok(()),
        }
    }

    /// Hides from an agent whether something beyond its own assignment exists.
    pub(crate) fn hide(&self, problem: Problem) -> Problem {
        match self {
            Self::Agent(_) if problem.status() == axum::http::StatusCode::NOT_FOUND => beyond(),
            _ => problem,
        }
    }
}

fn beyond() -> Problem {
    Problem::forbidden("an agent's token opens its own assignment only")
}

impl FromRequestParts<App> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Answer<Self> {
        parts.extensions.get::<Self>().cloned().ok_or_else(|| Problem::unauthorized("no token was checked"))
    }
}

/// The agent that calls; people are refused.
#[derive(Debug, Clone)]
pub(crate) struct Agent(pub(crate) Arc<AgentIdentity>);

impl FromRequestParts<App> for Agent {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Answer<Self> {
        match Caller::from_request_parts(parts, app).await? {
            Caller::Agent(agent) => Ok(Self(agent)),
            Caller::Person => Err(Problem::forbidden("only an agent inside a job can call this")
                .hint("it is called with the token in the agent's own environment")),
        }
    }
}

/// Lets a request on only with a known token, and notes who it is.
pub(crate) async fn authenticate(State(app): State<App>, mut request: Request, next: Next) -> Response {
    if OPEN.contains(&request.uri().path()) {
        return next.run(request).await;
    }
    let peer = request.extensions().get::<Peer>().copied().unwrap_or(Peer::Unknown);
    match caller(&app, peer, request.headers()).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

/// Keeps agents off the routes of people.
pub(crate) async fn people_only(caller: Caller, request: Request, next: Next) -> Response {
    match caller {
        Caller::Person => next.run(request).await,
        Caller::Agent(agent) => {
            tracing::warn!(job = %agent.job.id, method = %request.method(), path = request.uri().path(), "Refused an agent a route of people");
            beyond().into_response()
        }
    }
}

async fn caller(app: &App, peer: Peer, headers: &HeaderMap) -> Answer<Caller> {
    let token = bearer(headers)?;
    // First of all, so that nobody else's wrong tokens keep the right one out.
    if peer != Peer::AgentSocket && app.token.matches(token) {
        return app.engine().map(|_| Caller::Person);
    }
    let engine = app.engine()?;
    let is_limited = app.limiter.is_limited(peer);
    // A guesser's look-ups go one at a time; an agent that calls meanwhile waits its turn and is served.
    let _turn = if is_limited { Some(app.limiter.turns.acquire().await) } else { None };
    if let Some(agent) = engine.agent(token).await? {
        return Ok(Caller::Agent(Arc::new(agent)));
    }
    if app.limiter.count_wrong(peer) {
        return Err(Problem::too_many("too many wrong tokens").retry_after(REFILL.as_secs().max(1) as u32));
    }
    Err(unknown("the token that was sent is none that this daemon knows"))
}

/// The token that was sent, whoever's it is.
pub(crate) fn bearer(headers: &HeaderMap) -> Answer<&str> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let value = match (given.next(), given.next()) {
        (Some(value), None) => value,
        (None, _) => return Err(unknown("no token was sent")),
        (Some(_), Some(_)) => return Err(unknown("more than one token was sent")),
    };
    value
        .to_str()
        .ok()
        .and_then(|value| value.split_once(' '))
        .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
        .map(|(_, token)| token.trim())
        .filter(|token| !token.is_empty() && token.len() <= 512)
        .ok_or_else(|| unknown("what was sent is no bearer token"))
}

fn unknown(what: &str) -> Problem {
    Problem::unauthorized(what).hint("send `Authorization: Bearer TOKEN`; the token is in the file `token` of the data directory")
}

const BURST: u32 = 20;
const REFILL: Duration = Duration::from_secs(1);
const PEERS_MAX: usize = 4096;

/// Counts wrong tokens by peer: a few at once, then one a second.
#[derive(Debug)]
pub(crate) struct Limiter {
    wrong: Mutex<HashMap<Peer, Bucket>>,
    turns: Semaphore,
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: u32,
    at: Instant,
}

impl Bucket {
    fn refilled(self, now: Instant) -> Self {
        let refills = now.duration_since(self.at).as_secs() / REFILL.as_secs();
        if refills == 0 {
            return self;
        }
        Self { left: self.left.saturating_add(u32::try_from(refills).unwrap_or(BURST)).min(BURST), at: now }
    }
}

impl Default for Limiter {
    fn default() -> Self {
        Self { wrong: Mutex::default(), turns: Semaphore::new(1) }
    }
}

impl Limiter {
    fn is_limited(&self, peer: Peer) -> bool {
        let wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        wrong.get(&peer).is_some_and(|bucket| bucket.refilled(Instant::now()).left == 0)
    }

    /// Counts one more wrong token; whether it was one too many.
    fn count_wrong(&self, peer: Peer) -> bool {
        let now = Instant::now();
        let mut wrong = self.wrong.lock().unwrap_or_else(PoisonError::into_inner);
        if wrong.len() >= PEERS_MAX && !wrong.contains_key(&peer) {
            // Who has been quiet long enough to be full again is forgotten; if nobody was, newcomers share nothing and wait.
            wrong.retain(|_, bucket| bucket.refilled(now).left < BURST);
            if wrong.len() >= PEERS_MAX {
                return true;
            }
        }
        let bucket = wrong.entry(peer).or_insert(Bucket { left: BURST, at: now });
        *bucket = bucket.refilled(now);
        if bucket.left == 0 {
            return true;
        }
        bucket.left -= 1;
        if bucket.left == 0 {
            tracing::warn!(peer = %peer, "Too many wrong tokens: limited to one a second");
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn wrong_tokens_are_limited_by_peer_and_forgiven_with_time() {
        let limiter = Limiter::default();
        let (guesser, other) = (Peer::Address([10, 0, 0, 1].into()), Peer::Address([10, 0, 0, 2].into()));
        let limited = (0..1000).filter(|_| limiter.count_wrong(guesser)).count();
        assert_eq!(limited, 1000 - BURST as usize);
        assert!(limiter.is_limited(guesser) && !limiter.is_limited(other));
        assert!(!limiter.count_wrong(other));
        tokio::time::advance(REFILL).await;
        assert!(!limiter.is_limited(guesser));
        assert!(!limiter.count_wrong(guesser));
        assert!(limiter.count_wrong(guesser));
    }

    #[tokio::test(start_paused = true)]
    async fn however_many_peers_guess_only_so_many_are_remembered() {
        let limiter = Limiter::default();
        for n in 0..10_000u32 {
            limiter.count_wrong(Peer::Address(std::net::Ipv4Addr::from(n).into()));
        }
        assert!(limiter.wrong.lock().expect("lock").len() <= PEERS_MAX);
    }
}
