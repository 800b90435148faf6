//! Sign-ins: the browsers that people are signed in with, each of which can be ended from another.

use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use windlass_types::{Credential, CredentialId, Level, Scope, Timestamp};

use crate::auth::Caller;
use crate::extract::{Asked, Path, id, page_size};
use crate::problem::{Answer, Problem};
use crate::state::App;

/// A browser that somebody is signed in with.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SignInEntry)]
pub(crate) struct SignInView {
    /// Its id.
    id: CredentialId,
    /// What the audit log and events call whoever is signed in.
    name: String,
    /// What they may do there: `read`, `operate` or `admin`.
    scope: Scope,
    /// The user that is signed in; null for the owner.
    user: Option<String>,
    /// Since when.
    created_at: Timestamp,
    /// When it was last used, to within a minute.
    last_used_at: Option<Timestamp>,
    /// When it ends by itself, unless it is used before.
    expires_at: Option<Timestamp>,
    /// Whether it is the one that asks.
    current: bool,
}

impl SignInView {
    fn of(sign_in: Credential, own: Option<CredentialId>) -> Self {
        Self {
            current: own == Some(sign_in.id),
            id: sign_in.id,
            name: sign_in.name,
            scope: sign_in.scope,
            user: sign_in.user,
            created_at: sign_in.created_at,
            last_used_at: sign_in.last_used_at,
            expires_at: sign_in.expires_at,
        }
    }
}

/// A page of sign-ins, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct SignInPage {
    /// The sign-ins.
    items: Vec<SignInView>,
    /// Asks for the next page; null on the last.
    next_cursor: Option<String>,
}

/// Which sign-ins.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct SignInsAsked {
    /// Where the last page ended.
    cursor: Option<String>,
    /// At most so many; 50 by default, at most 500.
    limit: Option<u32>,
}

/// What a caller showed, and whether their own sign-ins are all that they may know of.
struct Asker {
    own: Option<CredentialId>,
    is_admin: bool,
}

impl Asker {
    fn of(caller: &Caller) -> Answer<Self> {
        match caller {
            Caller::Person(person) if person.assignment.is_none() => {
                Ok(Self { own: person.credential.as_ref().map(|credential| credential.id), is_admin: person.scope.level() == Level::Admin })
            }
            Caller::Person(_) => Err(Problem::forbidden("this token opens one assignment only")),
            Caller::Agent(_) => Err(Problem::forbidden("an agent is not signed in, and ends nobody's sign-in")),
        }
    }

    /// Whose sign-ins they may know of; everybody's, when it is `None`.
    fn of_whom(&self) -> Option<CredentialId> {
        // Who shows no credential is the owner, an admin.
        if self.is_admin { None } else { self.own }
    }
}

/// Lists who is signed in, the newest first: everybody for admins, for others their own.
#[utoipa::path(get, path = "/api/v1/sign-ins", operation_id = "list_sign_ins", tag = "access", params(SignInsAsked),
    responses((status = 200, body = SignInPage), Problem))]
pub(crate) async fn list(State(app): State<App>, caller: Caller, Asked(asked): Asked<SignInsAsked>) -> Answer<Json<SignInPage>> {
    let asker = Asker::of(&caller)?;
    let page = app.engine()?.store().sign_ins(asker.of_whom(), asked.cursor, page_size(asked.limit)).await?;
    let items = page.items.into_iter().map(|sign_in| SignInView::of(sign_in, asker.own)).collect();
    Ok(Json(SignInPage { items, next_cursor: page.next_cursor }))
}

/// Ends a sign-in: that browser is signed out, and its streams end. Admins end anybody's, others their own.
#[utoipa::path(delete, path = "/api/v1/sign-ins/{id}", operation_id = "end_sign_in", tag = "access",
    params(("id" = String, Path, description = "the sign-in")), responses((status = 200, body = SignInView), Problem))]
pub(crate) async fn end(State(app): State<App>, caller: Caller, Path(path): Path<String>) -> Answer<Json<SignInView>> {
    let asker = Asker::of(&caller)?;
    let ended = app.engine()?.store().end_sign_in(id(&path)?, asker.of_whom()).await?;
    app.somebody_is_out();
    Ok(Json(SignInView::of(ended, asker.own)))
}
