//! Users: people with a password of their own.

use windlass_types::{User, UserRole};

use crate::error::{Result, StoreError};
use crate::sql::{Row, Work, values};
use crate::store::Store;

/// The most users that there may be.
const USERS_MAX: i64 = 1000;

/// What to change of a user; `None` leaves it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserChange {
    /// What they may do.
    pub role: Option<UserRole>,
    /// The hash of a new password. It ends their sessions.
    pub password_hash: Option<String>,
    /// Whether they are kept out. It ends their sessions.
    pub disabled: Option<bool>,
}

fn row(mut r: Row) -> Result<(User, String)> {
    let r = &mut r;
    let user = User { name: r.text()?, role: r.word()?, disabled: r.flag()?, created_at: r.time()?, last_login_at: r.opt_time()? };
    Ok((user, r.text()?))
}

const COLUMNS: &str = "name, role, disabled, created_at, last_login_at, password_hash";

fn find(w: &mut Work<'_>, name: &str) -> Result<Option<(User, String)>> {
    w.first(&format!("SELECT {COLUMNS} FROM users WHERE name = $1"), values![name])?.map(row).transpose()
}

fn found(w: &mut Work<'_>, name: &str) -> Result<User> {
    find(w, name)?.map(|(user, _)| user).ok_or_else(|| StoreError::not_found("user", name))
}

fn add(w: &mut Work<'_>, name: &str, role: UserRole, password_hash: &str) -> Result<User> {
    if find(w, name)?.is_some() {
        return Err(StoreError::Conflict(format!("there is a user {name:?} already")));
    }
    let count: i64 = w.first("SELECT COUNT(*) FROM users", &[])?.map_or(Ok(0), |mut row| row.int())?;
    if count >= USERS_MAX {
        return Err(StoreError::Conflict(format!("there are {count} users, which is the bound")));
    }
    let now = w.now()?;
    w.execute(
        "INSERT INTO users (name, role, disabled, created_at, password_hash) VALUES ($1, $2, FALSE, $3, $4)",
        values![name, role.as_str(), now, password_hash],
    )?;
    found(w, name)
}

fn end_sessions(w: &mut Work<'_>, name: &str) -> Result<()> {
    w.execute("DELETE FROM credentials WHERE user_name = $1", values![name]).map(drop)
}

fn change(w: &mut Work<'_>, name: &str, change: &UserChange) -> Result<User> {
    let mut user = found(w, name)?;
    user.role = change.role.unwrap_or(user.role);
    user.disabled = change.disabled.unwrap_or(user.disabled);
    w.execute("UPDATE users SET role = $2, disabled = $3 WHERE name = $1", values![name, user.role.as_str(), user.disabled])?;
    if let Some(hash) = &change.password_hash {
        w.execute("UPDATE users SET password_hash = $2 WHERE name = $1", values![name, hash])?;
    }
    if change.password_hash.is_some() || change.disabled == Some(true) {
        end_sessions(w, name)?;
    }
    Ok(user)
}

impl Store {
    /// Every user, by name.
    pub async fn users(&self) -> Result<Vec<User>> {
        self.read(|w| {
            let sql = format!("SELECT {COLUMNS} FROM users ORDER BY name LIMIT {USERS_MAX}");
            w.query(&sql, &[])?.into_iter().map(|found| Ok(row(found)?.0)).collect()
        })
        .await
    }

    /// A user and the hash of their password.
    pub async fn user_with_password(&self, name: String) -> Result<Option<(User, String)>> {
        self.read(move |w| find(w, &name)).await
    }

    /// Makes a user.
    pub async fn add_user(&self, name: String, role: UserRole, password_hash: String) -> Result<User> {
        self.promise(move |w| add(w, &name, role, &password_hash)).await
    }

    /// Changes a user.
    pub async fn change_user(&self, name: String, wanted: UserChange) -> Result<User> {
        self.promise(move |w| change(w, &name, &wanted)).await
    }

    /// Removes a user and ends their sessions.
    pub async fn remove_user(&self, name: String) -> Result<()> {
        self.promise(move |w| {
            found(w, &name)?;
            end_sessions(w, &name)?;
            w.execute("DELETE FROM users WHERE name = $1", values![&name]).map(drop)
        })
        .await
    }

    /// Remembers that a user signed in now.
    pub async fn user_signed_in(&self, name: String) -> Result<()> {
        self.ride(move |w| {
            let now = w.now()?;
            w.execute("UPDATE users SET last_login_at = $2 WHERE name = $1", values![&name, now]).map(drop)
        })
        .await
    }
}
