//! Users: people of a team, each with a password and a role.

use axum::extract::State;
use axum::http::StatusCode;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use windlass_store::UserChange;
use windlass_types::{User, UserRole, is_valid_name};

use crate::audit::Note;
use crate::auth::Caller;
use crate::extract::{Path, Sent};
use crate::problem::{Answer, Problem};
use crate::state::App;

/// What events and the audit log call others than users: the owner of the data directory, whom nobody knows, agents, programs, Windlass.
const OTHERS: [&str; 9] = ["agent", "configuration", "nobody", "owner", "person", "pm", "system", "token", "windlass"];

/// All users.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct UserList {
    /// The users, by name.
    items: Vec<User>,
    /// Always null: the list is whole.
    next_cursor: Option<String>,
}

/// A user that is to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewUser {
    /// The name: a letter or digit, then at most 127 of `A-Z a-z 0-9 . _ -`.
    name: String,
    /// What they may do.
    role: UserRole,
    /// The password, of 10 to 200 characters.
    #[schema(min_length = 10, max_length = 200)]
    password: String,
}

/// What to change of a user; what is missing stays.
#[derive(Default, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct ChangeUser {
    /// What they may do.
    role: Option<UserRole>,
    /// A new password, of 10 to 200 characters. It ends their sessions.
    #[schema(min_length = 10, max_length = 200)]
    password: Option<String>,
    /// Whether they are kept out. It ends their sessions.
    disabled: Option<bool>,
}

/// Lists the users.
#[utoipa::path(get, path = "/api/v1/users", operation_id = "list_users", tag = "access", responses((status = 200, body = UserList), Problem))]
pub(crate) async fn list(State(app): State<App>) -> Answer<Json<UserList>> {
    Ok(Json(UserList { items: app.engine()?.store().users().await?, next_cursor: None }))
}

/// Makes a user.
#[utoipa::path(post, path = "/api/v1/users", operation_id = "create_user", tag = "access", request_body = NewUser, responses((status = 201, body = User), Problem))]
pub(crate) async fn create(State(app): State<App>, Sent(wanted): Sent<NewUser>) -> Answer<(StatusCode, Extension<Note>, Json<User>)> {
    if !is_valid_name(&wanted.name) {
        return Err(
            Problem::invalid("that is no name for a user").hint("a name is a letter or digit, then at most 127 of A-Z a-z 0-9 . _ -")
        );
    }
    if OTHERS.iter().any(|other| other.eq_ignore_ascii_case(&wanted.name)) {
        return Err(Problem::invalid(format!(
            "a user cannot be named {}: events and the audit log call others than users so",
            wanted.name
        ))
        .hint("choose another name"));
    }
    let hash = app.hasher.hash(wanted.password).await?;
    let about = Note::About(wanted.name.clone());
    let made = app.engine()?.store().add_user(wanted.name, wanted.role, hash).await?;
    Ok((StatusCode::CREATED, Extension(about), Json(made)))
}

/// Changes a user's role or password, or keeps them out.
#[utoipa::path(patch, path = "/api/v1/users/{name}", operation_id = "update_user", tag = "access", params(("name" = String, Path, description = "the user")),
    request_body = ChangeUser, responses((status = 200, body = User), Problem))]
pub(crate) async fn change(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
    Sent(wanted): Sent<ChangeUser>,
) -> Answer<Json<User>> {
    if wanted.disabled == Some(true) || wanted.role.is_some_and(|role| role != UserRole::Admin) {
        not_oneself(&caller, &name)?;
    }
    let password_hash = match wanted.password {
        Some(password) => Some(app.hasher.hash(password).await?),
        None => None,
    };
    let change = UserChange { role: wanted.role, password_hash, disabled: wanted.disabled };
    let user = app.engine()?.store().change_user(name, change).await?;
    app.somebody_is_out();
    Ok(Json(user))
}

/// Removes a user and ends their sessions.
#[utoipa::path(delete, path = "/api/v1/users/{name}", operation_id = "remove_user", tag = "access", params(("name" = String, Path, description = "the user")),
    responses((status = 204, description = "removed"), Problem))]
pub(crate) async fn remove(State(app): State<App>, caller: Caller, Path(name): Path<String>) -> Answer<StatusCode> {
    not_oneself(&caller, &name)?;
    app.engine()?.store().remove_user(name).await?;
    app.somebody_is_out();
    Ok(StatusCode::NO_CONTENT)
}

/// A slip must not lock the one out who makes it.
fn not_oneself(caller: &Caller, name: &str) -> Answer<()> {
    match caller {
        Caller::Person(person) if person.credential.as_ref().and_then(|credential| credential.user.as_deref()) == Some(name) => {
            Err(Problem::conflict("one does not keep oneself out").hint("let another admin do it"))
        }
        _ => Ok(()),
    }
}
