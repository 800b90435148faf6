//! Who calls: the owner by the data directory's token, a person or program by a session or token of their own, or an agent by a token
//! scoped to its own assignment.
//!
//! **Invariant:** every route needs one of them unless [`is_open`] names it; every route is for people unless it is
//! registered among those of [`crate::router`] that agents may call.

mod cookie;
mod limiter;
mod password;
mod secret;

use std::sync::Arc;

use axum::extract::{FromRequestParts, Request, State};
use axum::http::Method;
use axum::http::header::{self, HeaderMap};
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use windlass_engine::AgentIdentity;
use windlass_store::Lasting;
use windlass_types::{AssignmentId, Credential, CredentialKind, Level, Scope, Timestamp};

use crate::problem::{Answer, Problem};
use crate::server::{Answering, Peer};
use crate::state::App;

pub(crate) use cookie::{Cookie, cookie_name};
pub(crate) use limiter::Limiter;
pub(crate) use password::Hasher;
pub(crate) use secret::{Secret, is_ours, of_owner, sha256};

/// How long a browser stays signed in, however much it is used, in seconds.
pub(crate) const SESSION_SECS: u64 = 90 * 24 * 3600;
/// How long a browser that is not used stays signed in, in seconds.
pub(crate) const SESSION_UNUSED_SECS: u64 = 14 * 24 * 3600;
/// The header that the page sends its half of a session in. Browsers send a host's cookies to all of its ports, so whatever else is served
/// there sees the cookie; what a page keeps for itself, none but it does.
pub(crate) const PAGE_KEY: &str = "x-windlass-page-key";
/// How seldom the use of a secret is written down, in milliseconds.
const TOUCH_EVERY_MS: i64 = 60_000;

/// Who calls.
#[derive(Debug, Clone)]
pub(crate) enum Caller {
    /// A person, or a program that one gave a token.
    Person(Arc<Person>),
    /// An agent inside a job.
    Agent(Arc<AgentIdentity>),
}

/// A person, or a program that one gave a token.
#[derive(Debug)]
pub(crate) struct Person {
    /// What the audit log and events call them.
    pub(crate) name: String,
    /// How they are known: `owner`, `token` or `session`.
    pub(crate) via: &'static str,
    /// What they may do.
    pub(crate) scope: Scope,
    /// The one assignment that they may see, where the scope says so.
    pub(crate) assignment: Option<AssignmentId>,
    /// What they showed; none, for the owner.
    pub(crate) credential: Option<Credential>,
}

impl Person {
    /// Whoever has the data directory's token.
    fn owner() -> Self {
        Self { name: "person".to_owned(), via: "owner", scope: Scope::Admin, assignment: None, credential: None }
    }

    /// Whom a session or a token stands for.
    pub(crate) fn of(credential: Credential) -> Self {
        let (name, via) = match credential.kind {
            CredentialKind::Token => (format!("token {}", credential.name), "token"),
            CredentialKind::Session | CredentialKind::LoginCode => (credential.name.clone(), "session"),
        };
        Self { name, via, scope: credential.scope, assignment: credential.assignment_id, credential: Some(credential) }
    }
}

impl Caller {
    /// Refuses who looks beyond the one assignment that they may see.
    pub(crate) fn may_see(&self, assignment: AssignmentId) -> Answer<()> {
        match self.only_assignment() {
            Some(own) if own != assignment => Err(beyond()),
            _ => Ok(()),
        }
    }

    /// Refuses agents, people who may only look, and who looks beyond the one assignment that they may see.
    pub(crate) fn may_operate(&self, assignment: AssignmentId) -> Answer<()> {
        self.may_see(assignment)?;
        match self {
            Self::Person(person) => need(person, Level::Operate),
            Self::Agent(_) => Err(Problem::forbidden("an agent looks at its assignment, and changes nothing of it but by its work")),
        }
    }

    /// Refuses people who may only look, or only at one assignment.
    pub(crate) fn may_tell(&self) -> Answer<()> {
        match self {
            Self::Person(person) if person.assignment.is_some() => Err(beyond()),
            Self::Person(person) => need(person, Level::Operate),
            Self::Agent(_) => Ok(()),
        }
    }

    /// The one assignment that they may see, if there is one.
    pub(crate) fn only_assignment(&self) -> Option<AssignmentId> {
        match self {
            Self::Person(person) => person.assignment,
            Self::Agent(agent) => Some(agent.assignment_id),
        }
    }

    /// Hides whether something beyond the one assignment exists.
    pub(crate) fn hide(&self, problem: Problem) -> Problem {
        if self.only_assignment().is_some() && problem.status() == axum::http::StatusCode::NOT_FOUND { beyond() } else { problem }
    }

    /// Who the events and the audit log say did it.
    pub(crate) fn by(&self) -> String {
        match self {
            Self::Person(person) => person.name.clone(),
            Self::Agent(agent) => format!("agent {}", agent.job.id),
        }
    }

    /// How they are known.
    pub(crate) fn via(&self) -> &'static str {
        match self {
            Self::Person(person) => person.via,
            Self::Agent(_) => "agent",
        }
    }
}

fn beyond() -> Problem {
    Problem::forbidden("this token opens one assignment only")
}

fn need(person: &Person, level: Level) -> Answer<()> {
    if person.scope.level() >= level {
        return Ok(());
    }
    let (wanted, role) = match level {
        Level::Read => ("read", "viewer"),
        Level::Operate => ("operate", "operator"),
        Level::Admin => ("admin", "admin"),
    };
    Err(Problem::forbidden(format!("{} may not do this: it needs the scope {wanted} (role {role})", person.name))
        .hint("an admin gives roles (`windlass users set NAME --role ROLE`) and tokens (`windlass tokens create NAME --scope SCOPE`)"))
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
            Caller::Person(_) => Err(Problem::forbidden("only an agent inside a job can call this")
                .hint("it is called with the token in the agent's own environment")),
        }
    }
}

/// Whether a request needs nobody to be known: probes, signing in, and the page, which holds nothing of anybody's work.
fn is_open(method: &Method, path: &str) -> bool {
    if *method == Method::GET || *method == Method::HEAD {
        return matches!(path, "/health" | "/ready") || crate::page::is_of_the_page(path);
    }
    *method == Method::POST && path == "/api/v1/session"
}

/// Lets a request on only with a known token or session, and notes who it is.
pub(crate) async fn authenticate(State(app): State<App>, mut request: Request, next: Next) -> Response {
    if is_open(request.method(), request.uri().path()) {
        return next.run(request).await;
    }
    let peer = request.extensions().get::<Peer>().copied().unwrap_or(Peer::Unknown);
    match caller(&app, peer, request.method(), request.headers()).await {
        Ok(caller) => {
            if let (Caller::Person(_), Some(answering)) = (&caller, request.extensions().get::<Arc<Answering>>()) {
                answering.keep();
            }
            request.extensions_mut().insert(caller.clone());
            let mut response = next.run(request).await;
            // For the audit log, which is written outside of this.
            response.extensions_mut().insert(caller);
            response
        }
        Err(problem) => problem.into_response(),
    }
}

/// Keeps agents and tokens of one assignment off the routes of people, and people who may only look off what changes something.
pub(crate) async fn people_only(caller: Caller, request: Request, next: Next) -> Response {
    let level = if request.method() == Method::GET || request.method() == Method::HEAD { Level::Read } else { Level::Operate };
    only(level, caller, request, next).await
}

/// Keeps everybody but admins off the routes that decide who may do what, what is trusted and what is kept.
pub(crate) async fn admins_only(caller: Caller, request: Request, next: Next) -> Response {
    only(Level::Admin, caller, request, next).await
}

async fn only(level: Level, caller: Caller, request: Request, next: Next) -> Response {
    let may = match &caller {
        Caller::Person(person) if person.assignment.is_none() => need(person, level),
        _ => Err(beyond()),
    };
    match may {
        Ok(()) => next.run(request).await,
        Err(problem) => {
            tracing::warn!(who = %caller.by(), method = %request.method(), path = request.uri().path(), "Refused somebody what they may not do");
            problem.into_response()
        }
    }
}

async fn caller(app: &App, peer: Peer, method: &Method, headers: &HeaderMap) -> Answer<Caller> {
    if !headers.contains_key(header::AUTHORIZATION)
        && peer != Peer::AgentSocket
        && let [first, others @ ..] = Cookie::read(headers, &app.cookie).as_slice()
    {
        check_same_site(method, headers)?;
        let mut found = by_session(app, first, headers).await;
        // Whatever else is served at this host may set cookies of this name: only the one that the page's key belongs to counts.
        for cookie in others {
            if found.is_ok() {
                break;
            }
            found = by_session(app, cookie, headers).await;
        }
        return found;
    }
    by_token(app, peer, bearer(headers)?).await
}

/// What a browser says of who made it send a request with its cookie. Host and Origin were checked before.
fn check_same_site(method: &Method, headers: &HeaderMap) -> Answer<()> {
    let foreign = || Problem::forbidden("a signed-in browser is served for this server's own page only");
    let site = headers.get("sec-fetch-site").map(|site| site.to_str().unwrap_or_default());
    if site.is_some_and(|site| !matches!(site, "same-origin" | "none")) {
        return Err(foreign());
    }
    let changes = *method != Method::GET && *method != Method::HEAD;
    if changes && !headers.contains_key(header::ORIGIN) {
        return Err(foreign());
    }
    Ok(())
}

async fn by_session(app: &App, cookie: &str, headers: &HeaderMap) -> Answer<Caller> {
    let page_key = headers.get(PAGE_KEY).and_then(|key| key.to_str().ok()).unwrap_or_default();
    let (store, halves) = (app.engine()?.store(), secret::sha256_of_halves(cookie, page_key));
    let mut found = store.credential(halves.clone()).await?.filter(|found| found.user.is_some());
    if found.is_none() {
        found = store.credential(of_owner(&halves, &app.token)).await?;
    }
    let Some(session) = found.filter(|found| found.kind == CredentialKind::Session) else {
        return Err(Problem::unauthorized("the session is over").hint("sign in again; `windlass open` prints a link that does it"));
    };
    touch(app, &session, Some(Lasting { unused_secs: SESSION_UNUSED_SECS, whole_secs: SESSION_SECS }));
    Ok(Caller::Person(Arc::new(Person::of(session))))
}

pub(crate) async fn by_token(app: &App, peer: Peer, token: &str) -> Answer<Caller> {
    // First of all, so that nobody else's wrong tokens keep the right one out.
    if peer != Peer::AgentSocket && app.token.matches(token) {
        return app.engine().map(|_| Caller::Person(Arc::new(Person::owner())));
    }
    let engine = app.engine()?;
    let is_limited = app.limiter.is_limited(&peer);
    // A guesser's look-ups go one at a time; an agent that calls meanwhile waits its turn and is served.
    let _turn = if is_limited { Some(app.limiter.turns.acquire().await) } else { None };
    if is_ours(token) {
        let found = engine.store().credential(sha256(token)).await?;
        if let Some(credential) = found.filter(|found| found.kind == CredentialKind::Token && peer != Peer::AgentSocket) {
            touch(app, &credential, None);
            return Ok(Caller::Person(Arc::new(Person::of(credential))));
        }
    } else if let Some(agent) = engine.agent(token).await? {
        return Ok(Caller::Agent(Arc::new(agent)));
    }
    if app.limiter.count_wrong(&peer) {
        return Err(Problem::too_many("too many wrong tokens").retry_after(limiter::REFILL.as_secs().max(1) as u32));
    }
    Err(unknown("the token that was sent is none that this daemon knows"))
}

/// Writes down now and then that a secret was used, beside the answer.
fn touch(app: &App, credential: &Credential, lasting: Option<Lasting>) {
    let Ok(engine) = app.engine() else { return };
    let now = engine.now();
    if credential.last_used_at.is_some_and(|at: Timestamp| now.0.saturating_sub(at.0) < TOUCH_EVERY_MS) {
        return;
    }
    let (store, id) = (engine.store().clone(), credential.id);
    app.beside.spawn(async move {
        if let Err(error) = store.touch_credential(id, lasting).await {
            tracing::warn!(%error, "The use of a token could not be written down");
        }
    });
}

/// The token that was sent, whoever's it is.
pub(crate) fn bearer(headers: &HeaderMap) -> Answer<&str> {
    let mut given = headers.get_all(header::AUTHORIZATION).iter();
    let value = match (given.next(), given.next()) {
        (Some(value), None) => value,
        (None, _) => return Err(unknown("nobody is signed in, and no token was sent")),
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
    Problem::unauthorized(what).hint("send `Authorization: Bearer TOKEN`; the owner's token is in the file `token` of the data directory")
}
