//! Who may do what: users with passwords, and secrets that stand for somebody.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{AssignmentId, CredentialId, Timestamp};

/// How much a caller may do; each level includes those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Look.
    Read,
    /// Give work, stop it, decide about it.
    Operate,
    /// Decide who may do what, what is trusted and what is kept.
    Admin,
}

/// What an API token opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Everything can be looked at.
    Read,
    /// Work can be given, stopped and decided about.
    Operate,
    /// Everything.
    Admin,
    /// One assignment can be looked at and operated.
    Assignment,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 4] = [Self::Read, Self::Operate, Self::Admin, Self::Assignment];

    /// The word for it everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Operate => "operate",
            Self::Admin => "admin",
            Self::Assignment => "assignment",
        }
    }

    /// How much it allows, within what it opens.
    pub const fn level(self) -> Level {
        match self {
            Self::Read => Level::Read,
            Self::Operate | Self::Assignment => Level::Operate,
            Self::Admin => Level::Admin,
        }
    }
}

crate::text_enum!(Scope, "scope");

/// What a user may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum UserRole {
    /// Look at everything.
    Viewer,
    /// Give work, stop it, decide about it.
    Operator,
    /// Everything, users and tokens too.
    Admin,
}

impl UserRole {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Operator, Self::Admin];

    /// The word for it everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// What it opens.
    pub const fn scope(self) -> Scope {
        match self {
            Self::Viewer => Scope::Read,
            Self::Operator => Scope::Operate,
            Self::Admin => Scope::Admin,
        }
    }
}

crate::text_enum!(UserRole, "user role");

/// Somebody with a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    /// The name: what [`crate::is_valid_name`] takes.
    pub name: String,
    /// What they may do.
    pub role: UserRole,
    /// Whether they are kept out.
    pub disabled: bool,
    /// When they were made.
    pub created_at: Timestamp,
    /// When they last signed in.
    pub last_login_at: Option<Timestamp>,
}

/// What kind of secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CredentialKind {
    /// A named token for a program.
    Token,
    /// A signed-in browser.
    Session,
    /// Makes one session, once.
    LoginCode,
}

impl CredentialKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Token, Self::Session, Self::LoginCode];

    /// The word for it everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Token => "token",
            Self::Session => "session",
            Self::LoginCode => "login_code",
        }
    }
}

crate::text_enum!(CredentialKind, "credential kind");

/// A secret that stands for somebody, as it is kept: by its hash, which is not part of this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// Its id.
    pub id: CredentialId,
    /// What kind.
    pub kind: CredentialKind,
    /// Its name, or that of whom it stands for.
    pub name: String,
    /// What it opens. Of a user's session it is always what the user's role opens now.
    pub scope: Scope,
    /// The one assignment that it opens, where the scope says so.
    pub assignment_id: Option<AssignmentId>,
    /// The user whose session it is, if it is one's.
    pub user: Option<String>,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to within a minute.
    pub last_used_at: Option<Timestamp>,
    /// When somebody ended it.
    pub revoked_at: Option<Timestamp>,
}

/// One line of the audit log: who did, or tried, what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// Its id: sorts by time.
    pub id: String,
    /// When.
    pub at: Timestamp,
    /// Who: a user, a token's name, `person` for the data directory's token, an agent's job, or `nobody`.
    pub who: String,
    /// How they were known: `owner`, `token`, `session`, `agent`, or `none`.
    pub via: String,
    /// What: the operation's id in the API's document.
    pub action: String,
    /// The HTTP method; empty of a restore that is done.
    pub method: String,
    /// The path, without its query; of a restore that is done, the backup's folder and the moment that it shows.
    pub path: String,
    /// The HTTP status of the answer.
    pub status: u16,
    /// Where the request came from.
    pub peer: String,
}
