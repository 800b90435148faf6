//! Signing in and out, and who one is.

use axum::Extension;
use axum::Json;
use axum::extract::State;
use axum::http::header::{self, HeaderMap};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use windlass_store::{NewCredential, StoreError};
use windlass_types::{AssignmentId, Credential, CredentialKind, Scope, Timestamp};

use crate::auth::{Caller, Cookie, SESSION_UNUSED_SECS, Secret, by_token, of_owner, sha256};
use crate::extract::{MaybeSent, Sent};
use crate::problem::{Answer, Problem};
use crate::server::Peer;
use crate::state::App;

/// How long a login link is good, in seconds.
const LINK_SECS: u64 = 300;

/// Who one is, and what one may do.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    /// What the audit log and events call them.
    name: String,
    /// `owner` (the data directory's token), `token`, `session` or `agent`.
    via: &'static str,
    /// What they may do: `read`, `operate`, `admin`, or `assignment` for one alone.
    scope: Scope,
    /// The one assignment that they may see, if there is one.
    assignment_id: Option<AssignmentId>,
    /// When that ends by itself.
    expires_at: Option<Timestamp>,
    /// The user that is signed in, if it is one with a password.
    user: Option<String>,
}

impl From<&Caller> for Me {
    fn from(caller: &Caller) -> Self {
        let credential = match caller {
            Caller::Person(person) => person.credential.as_ref(),
            Caller::Agent(_) => None,
        };
        Self {
            name: caller.by(),
            via: caller.via(),
            scope: match caller {
                Caller::Person(person) => person.scope,
                Caller::Agent(_) => Scope::Assignment,
            },
            assignment_id: caller.only_assignment(),
            expires_at: credential.and_then(|credential| credential.expires_at),
            user: credential.and_then(|credential| credential.user.clone()),
        }
    }
}

/// Who signed in, and what their browser needs from then on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignedIn {
    #[serde(flatten)]
    me: Me,
    /// The page's half of the session: the header `X-Windlass-Page-Key` of each request that comes with the cookie, which is the other half.
    page_key: String,
}

/// What one signs in with: a code, a token, or a name and a password.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignIn {
    /// The code of a login link. It is worth nothing afterwards.
    #[serde(default)]
    code: Option<String>,
    /// The data directory's token.
    #[serde(default)]
    token: Option<String>,
    /// A user's name.
    #[serde(default)]
    name: Option<String>,
    /// That user's password.
    #[serde(default)]
    password: Option<String>,
}

/// A link that signs in once.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LoginLink {
    /// The path and fragment to put behind the server's address.
    path: String,
    /// Until when it is good.
    expires_at: Option<Timestamp>,
}

/// How a login link is made.
#[derive(Debug, Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct NewLoginLink {
    /// What it opens; what the caller may do, when it is not given.
    scope: Option<Scope>,
}

/// Says who one is.
#[utoipa::path(get, path = "/api/v1/me", operation_id = "show_me", tag = "access", responses((status = 200, body = Me), Problem))]
pub(crate) async fn me(caller: Caller) -> Json<Me> {
    Json(Me::from(&caller))
}

/// Signs a browser in: sets its cookie, and gives its page the key that the cookie is worth nothing without.
#[utoipa::path(post, path = "/api/v1/session", operation_id = "sign_in", tag = "access", security(()), request_body = SignIn,
    responses((status = 200, description = "signed in; the answer sets the cookie", body = SignedIn), Problem))]
pub(crate) async fn sign_in(
    State(app): State<App>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    Sent(given): Sent<SignIn>,
) -> Answer<Response> {
    if peer == Peer::AgentSocket {
        return Err(Problem::forbidden("nobody signs in over the agents' socket"));
    }
    let session = match given {
        SignIn { code: Some(code), token: None, name: None, password: None } => by_code(&app, peer, &code).await?,
        SignIn { code: None, token: Some(token), name: None, password: None } => with_token(&app, peer, &token).await?,
        SignIn { code: None, token: None, name: Some(name), password: Some(password) } => with_password(&app, peer, name, password).await?,
        _ => return Err(Problem::invalid("either a code, a token, or a name and a password is wanted")),
    };
    let (secret, page_key) = (Secret::new(CredentialKind::Session)?, Secret::new(CredentialKind::Session)?);
    let session = NewCredential { sha256: kept(&app, session.user.as_deref(), secret.sha256_with(&page_key)), ..session };
    let made = app.engine()?.store().add_credential(session).await.map_err(|e| match e {
        // Removed while the password was looked at.
        StoreError::NotFound { .. } => Problem::unauthorized("name or password is wrong"),
        e => e.into(),
    })?;
    let caller = Caller::Person(std::sync::Arc::new(crate::auth::Person::of(made)));
    let mut response = Json(SignedIn { me: Me::from(&caller), page_key: page_key.as_str().to_owned() }).into_response();
    if let Some(cookie) = Cookie::set(&app.cookie, secret.as_str(), Cookie::is_over_tls(&headers)) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    response.extensions_mut().insert(caller);
    Ok(response)
}

/// What the store keeps of a secret: the owner's ends with the owner's token, a user's with the user.
fn kept(app: &App, user: Option<&str>, hash: String) -> String {
    if user.is_some() { hash } else { of_owner(&hash, &app.token) }
}

/// A session that stands for whoever this is, its secret yet to come.
fn session(name: String, scope: Scope, of: Option<&Credential>) -> NewCredential {
    NewCredential {
        kind: CredentialKind::Session,
        sha256: String::new(),
        created_by: name.clone(),
        name,
        scope,
        assignment_id: of.and_then(|of| of.assignment_id),
        user: of.and_then(|of| of.user.clone()),
        lasts_secs: Some(SESSION_UNUSED_SECS),
    }
}

async fn by_code(app: &App, peer: Peer, code: &str) -> Answer<NewCredential> {
    let (store, hash) = (app.engine()?.store(), sha256(code));
    let mut taken = store.take_login_code(hash.clone()).await?.filter(|taken| taken.user.is_some());
    if taken.is_none() {
        taken = store.take_login_code(of_owner(&hash, &app.token)).await?;
    }
    if let Some(taken) = taken {
        return Ok(session(taken.name.clone(), taken.scope, Some(&taken)));
    }
    wrong(app, peer, "the login link was used before, or is too old", "`windlass open` prints a new one")
}

async fn with_token(app: &App, peer: Peer, token: &str) -> Answer<NewCredential> {
    match by_token(app, peer, token.trim()).await? {
        Caller::Person(person) if person.credential.is_none() => Ok(session(person.name.clone(), person.scope, None)),
        // A session would outlive the token that somebody revokes.
        Caller::Person(_) => {
            Err(Problem::forbidden("an API token is for programs, and signs nobody in").hint("`windlass open` prints a link that does"))
        }
        Caller::Agent(_) => Err(Problem::forbidden("an agent's token signs nobody in")),
    }
}

async fn with_password(app: &App, peer: Peer, name: String, password: String) -> Answer<NewCredential> {
    // Counted before it is looked at, which takes its time: many at once are not looked at together.
    if app.limiter.count_wrong(&peer) {
        return Err(Problem::too_many("too many wrong passwords").retry_after(1));
    }
    let store = app.engine()?.store();
    let known = store.user_with_password(name.clone()).await?;
    let (user, hash) = known.map_or((None, None), |(user, hash)| (Some(user), Some(hash)));
    let is_right = app.hasher.is_right(password, hash).await?;
    let Some(user) = user.filter(|user| is_right && !user.disabled) else {
        return Err(Problem::unauthorized("name or password is wrong")
            .hint("an admin can set a new one: `windlass users set NAME --password-stdin`"));
    };
    app.limiter.forgive(&peer);
    store.user_signed_in(name).await?;
    // As much as the role says, whatever it says from now on.
    let mut session = session(user.name.clone(), Scope::Admin, None);
    session.user = Some(user.name);
    Ok(session)
}

fn wrong<T>(app: &App, peer: Peer, what: &str, hint: &str) -> Answer<T> {
    if app.limiter.count_wrong(&peer) {
        return Err(Problem::too_many("too many wrong attempts to sign in").retry_after(1));
    }
    Err(Problem::unauthorized(what).hint(hint))
}

/// Signs the browser out: its session is over everywhere.
#[utoipa::path(delete, path = "/api/v1/session", operation_id = "sign_out", tag = "access", responses((status = 204, description = "signed out"), Problem))]
pub(crate) async fn sign_out(State(app): State<App>, caller: Caller, headers: HeaderMap) -> Answer<Response> {
    if let Caller::Person(person) = &caller
        && let Some(credential) = person.credential.as_ref().filter(|credential| credential.kind == CredentialKind::Session)
    {
        app.engine()?.store().end_session(credential.id).await?;
        app.somebody_is_out();
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    if let Some(cookie) = Cookie::remove(&app.cookie, Cookie::is_over_tls(&headers)) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    // What the browser has kept of this server's answers goes too.
    response.headers_mut().insert("clear-site-data", HeaderValue::from_static("\"cache\""));
    Ok(response)
}

/// Makes a link that signs one browser in, once, within five minutes.
#[utoipa::path(post, path = "/api/v1/login-links", operation_id = "make_login_link", tag = "access", request_body = NewLoginLink,
    responses((status = 201, body = LoginLink), Problem))]
pub(crate) async fn login_link(
    State(app): State<App>,
    caller: Caller,
    MaybeSent(wanted): MaybeSent<NewLoginLink>,
) -> Answer<(StatusCode, Json<LoginLink>)> {
    let Caller::Person(person) = &caller else { return Err(Problem::forbidden("an agent signs nobody in")) };
    // A session would outlive the token that somebody revokes.
    if person.credential.as_ref().is_some_and(|credential| credential.kind == CredentialKind::Token) {
        return Err(Problem::forbidden("an API token is for programs, and signs nobody in")
            .hint("`windlass open` with the data directory's token does, and so does whoever is signed in"));
    }
    let scope = wanted.scope.unwrap_or(person.scope);
    if scope == Scope::Assignment {
        return Err(Problem::invalid("a login link opens read, operate or admin"));
    }
    let secret = Secret::new(CredentialKind::LoginCode)?;
    let user = person.credential.as_ref().and_then(|credential| credential.user.clone());
    let new = NewCredential {
        kind: CredentialKind::LoginCode,
        sha256: kept(&app, user.as_deref(), secret.sha256()),
        name: person.name.clone(),
        scope,
        assignment_id: None,
        user,
        created_by: person.name.clone(),
        lasts_secs: Some(LINK_SECS),
    };
    let made = app.engine()?.store().add_credential(new).await?;
    // In the fragment: browsers send it to nobody, so that it stands in no log.
    let path = format!("/login#{}", secret.as_str());
    Ok((StatusCode::CREATED, Json(LoginLink { path, expires_at: made.expires_at })))
}
