//! Named tokens for programs: made, listed and revoked by admins.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use windlass_store::NewCredential;
use windlass_types::{AssignmentId, Credential, CredentialId, CredentialKind, Scope, Timestamp, is_valid_name};

use crate::audit::Note;
use crate::auth::{Caller, Secret};
use crate::extract::{Asked, Path, Sent, id, page_size};
use crate::problem::{Answer, Problem};
use crate::state::App;

/// A token, without its secret.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ApiToken)]
pub(crate) struct TokenView {
    /// Its id.
    id: CredentialId,
    /// Its name.
    name: String,
    /// What it opens.
    scope: Scope,
    /// The one assignment that it opens, where the scope says so.
    assignment_id: Option<AssignmentId>,
    /// Who made it.
    created_by: String,
    /// When it was made.
    created_at: Timestamp,
    /// When it ends by itself.
    expires_at: Option<Timestamp>,
    /// When it was last used, to within a minute.
    last_used_at: Option<Timestamp>,
    /// When somebody ended it.
    revoked_at: Option<Timestamp>,
}

impl From<Credential> for TokenView {
    fn from(token: Credential) -> Self {
        Self {
            id: token.id,
            name: token.name,
            scope: token.scope,
            assignment_id: token.assignment_id,
            created_by: token.created_by,
            created_at: token.created_at,
            expires_at: token.expires_at,
            last_used_at: token.last_used_at,
            revoked_at: token.revoked_at,
        }
    }
}

/// A page of tokens, the newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct TokenPage {
    /// The tokens.
    items: Vec<TokenView>,
    /// Asks for the next page; null on the last.
    next_cursor: Option<String>,
}

/// A token that is to be.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewToken {
    /// Its name: a letter or digit, then at most 127 of `A-Z a-z 0-9 . _ -`.
    name: String,
    /// What it opens.
    scope: Scope,
    /// The one assignment that it opens, with scope `assignment`.
    #[serde(default)]
    assignment_id: Option<AssignmentId>,
    /// How long it lasts, in seconds; until it is revoked, when it is not given.
    #[serde(default)]
    #[schema(minimum = 1)]
    expires_in_secs: Option<u64>,
}

/// A token that was just made, with its secret, which is shown this once.
#[derive(Serialize, ToSchema)]
pub(crate) struct MadeToken {
    /// The secret: `Authorization: Bearer SECRET`.
    secret: String,
    /// The token.
    #[serde(flatten)]
    token: TokenView,
}

/// Which tokens.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct TokensAsked {
    /// Where the last page ended.
    cursor: Option<String>,
    /// At most so many; 50 by default, at most 500.
    limit: Option<u32>,
}

/// Lists the tokens, the newest first, revoked ones too for as long as they are kept.
#[utoipa::path(get, path = "/api/v1/tokens", operation_id = "list_tokens", tag = "access", params(TokensAsked), responses((status = 200, body = TokenPage), Problem))]
pub(crate) async fn list(State(app): State<App>, Asked(asked): Asked<TokensAsked>) -> Answer<Json<TokenPage>> {
    let page = app.engine()?.store().tokens(asked.cursor, page_size(asked.limit)).await?;
    Ok(Json(TokenPage { items: page.items.into_iter().map(Into::into).collect(), next_cursor: page.next_cursor }))
}

/// Makes a token and shows its secret, this once.
#[utoipa::path(post, path = "/api/v1/tokens", operation_id = "create_token", tag = "access", request_body = NewToken, responses((status = 201, body = MadeToken), Problem))]
pub(crate) async fn create(
    State(app): State<App>,
    caller: Caller,
    Sent(wanted): Sent<NewToken>,
) -> Answer<(StatusCode, Extension<Note>, Json<MadeToken>)> {
    if !is_valid_name(&wanted.name) {
        return Err(
            Problem::invalid("that is no name for a token").hint("a name is a letter or digit, then at most 127 of A-Z a-z 0-9 . _ -")
        );
    }
    if (wanted.scope == Scope::Assignment) != wanted.assignment_id.is_some() {
        return Err(Problem::invalid("the scope assignment names an assignment, and no other scope does"));
    }
    if wanted.expires_in_secs == Some(0) {
        return Err(Problem::invalid("a token lasts at least a second"));
    }
    let secret = Secret::new(CredentialKind::Token)?;
    let new = NewCredential {
        kind: CredentialKind::Token,
        sha256: secret.sha256(),
        name: wanted.name,
        scope: wanted.scope,
        assignment_id: wanted.assignment_id,
        user: None,
        created_by: caller.by(),
        lasts_secs: wanted.expires_in_secs,
    };
    let token = app.engine()?.store().add_credential(new).await?;
    let about = Note::About(token.name.clone());
    Ok((StatusCode::CREATED, Extension(about), Json(MadeToken { secret: secret.as_str().to_owned(), token: token.into() })))
}

/// Ends a token: it opens nothing from now on.
#[utoipa::path(delete, path = "/api/v1/tokens/{id}", operation_id = "revoke_token", tag = "access", params(("id" = String, Path, description = "the token")),
    responses((status = 200, body = TokenView), Problem))]
pub(crate) async fn revoke(State(app): State<App>, Path(path): Path<String>) -> Answer<(Extension<Note>, Json<TokenView>)> {
    let token = app.engine()?.store().revoke_token(id(&path)?).await?;
    app.somebody_is_out();
    Ok((Extension(Note::About(token.name.clone())), Json(token.into())))
}
