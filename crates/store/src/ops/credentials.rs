//! Secrets that stand for somebody: kept by their hashes, looked up by them, and worth nothing once they ended.

use windlass_types::{Credential, CredentialId, CredentialKind, Scope, Timestamp, UserRole};

use super::page::{Conditions, Page, bounded, page, parse_cursor};
use crate::error::{Result, StoreError};
use crate::sql::{Row, Value, Work, values};
use crate::store::Store;

/// The most tokens that there may be: a page of them is all that anybody can look after.
const TOKENS_MAX: i64 = 1000;

/// The most sessions that one user, or the owner, has open at once.
const SESSIONS_MAX: i64 = 100;

/// What a caller of [`Store::add_credential`] decides; the store adds id and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewCredential {
    /// What kind.
    pub kind: CredentialKind,
    /// The hash of the secret, in hex digits.
    pub sha256: String,
    /// Its name, or that of whom it stands for.
    pub name: String,
    /// What it opens.
    pub scope: Scope,
    /// The one assignment that it opens, where the scope says so.
    pub assignment_id: Option<windlass_types::AssignmentId>,
    /// The user whose session it is.
    pub user: Option<String>,
    /// Who makes it.
    pub created_by: String,
    /// How long it lasts, in seconds; for ever, when `None`.
    pub lasts_secs: Option<u64>,
}

/// How long a sign-in lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lasting {
    /// After each use, in seconds.
    pub unused_secs: u64,
    /// However much it is used, after it was made, in seconds.
    pub whole_secs: u64,
}

/// Seconds as the database adds them to a time.
fn ms(secs: u64) -> i64 {
    i64::try_from(secs).unwrap_or(i64::MAX / 1000).saturating_mul(1000)
}

const COLUMNS: &str = "c.id, c.kind, c.name, c.scope, c.assignment_id, c.user_name, c.created_by, c.created_at, c.expires_at, \
    c.last_used_at, c.revoked_at, u.role, u.disabled";
const TABLES: &str = "credentials c LEFT JOIN users u ON u.name = c.user_name";

/// A credential and whether its user is kept out.
fn row(mut r: Row) -> Result<(Credential, bool)> {
    let r = &mut r;
    let mut credential = Credential {
        id: r.word()?,
        kind: r.word()?,
        name: r.text()?,
        scope: r.word()?,
        assignment_id: r.opt_word()?,
        user: r.opt_text()?,
        created_by: r.text()?,
        created_at: r.time()?,
        expires_at: r.opt_time()?,
        last_used_at: r.opt_time()?,
        revoked_at: r.opt_time()?,
    };
    if let Some(role) = r.opt_word::<UserRole>()? {
        // A role that was taken away counts at once; a link that opens less than its user may opens less.
        if role.scope().level() < credential.scope.level() {
            credential.scope = role.scope();
        }
        return Ok((credential, r.flag()?));
    }
    Ok((credential, false))
}

/// What ended by now opens nothing.
fn is_live(credential: &Credential, is_kept_out: bool, now: Timestamp) -> bool {
    !is_kept_out && credential.revoked_at.is_none() && credential.expires_at.is_none_or(|at| at > now)
}

fn live(w: &mut Work<'_>, sha256: &str) -> Result<Option<Credential>> {
    let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE c.sha256 = $1");
    let Some(found) = w.first(&sql, values![sha256])? else { return Ok(None) };
    let (credential, is_kept_out) = row(found)?;
    let now = w.now()?;
    Ok(is_live(&credential, is_kept_out, now).then_some(credential))
}

fn add(w: &mut Work<'_>, new: &NewCredential) -> Result<Credential> {
    if new.kind == CredentialKind::Token {
        let found = w.first(
            "SELECT COUNT(*), COALESCE(SUM(CASE WHEN name = $1 AND revoked_at IS NULL THEN 1 ELSE 0 END), 0) FROM credentials WHERE kind = 'token'",
            values![&new.name],
        )?;
        let (count, same): (i64, i64) = match found {
            Some(mut row) => (row.int()?, row.int()?),
            None => (0, 0),
        };
        if same > 0 {
            return Err(StoreError::Conflict(format!(
                "there is a token named {:?} already: revoke it first, or choose another name",
                new.name
            )));
        }
        if count >= TOKENS_MAX {
            return Err(StoreError::Conflict(format!("there are {count} tokens, which is the bound: revoked ones go after a time")));
        }
    }
    if let Some(assignment) = new.assignment_id {
        super::rows::assignment(w, assignment)?;
    }
    if let Some(user) = &new.user
        && w.first("SELECT name FROM users WHERE name = $1", values![user])?.is_none()
    {
        return Err(StoreError::not_found("user", user));
    }
    if new.kind == CredentialKind::Session {
        make_room(w, &new.name)?;
    }
    let now = w.now()?;
    let expires_at = new.lasts_secs.map(|secs| Timestamp(now.0.saturating_add(ms(secs))));
    let credential = Credential {
        id: w.ids.credential(),
        kind: new.kind,
        name: new.name.clone(),
        scope: new.scope,
        assignment_id: new.assignment_id,
        user: new.user.clone(),
        created_by: new.created_by.clone(),
        created_at: now,
        expires_at,
        last_used_at: None,
        revoked_at: None,
    };
    w.execute(
        "INSERT INTO credentials (id, kind, sha256, name, scope, assignment_id, user_name, created_by, created_at, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        values![
            credential.id,
            new.kind.as_str(),
            &new.sha256,
            &new.name,
            new.scope.as_str(),
            new.assignment_id,
            new.user.as_ref(),
            &new.created_by,
            now,
            expires_at,
        ],
    )?;
    Ok(credential)
}

/// Ends those of somebody's sessions that were used longest ago, so that one more stays within the bound.
fn make_room(w: &mut Work<'_>, name: &str) -> Result<()> {
    let longest_ago = "DELETE FROM credentials WHERE id IN (SELECT id FROM credentials WHERE kind = 'session' AND name = $1 \
        ORDER BY COALESCE(last_used_at, created_at) DESC, id DESC LIMIT 1000000 OFFSET $2)";
    w.execute(longest_ago, values![name, SESSIONS_MAX - 1]).map(drop)
}

/// Takes a login code away; only who takes it has it.
fn take_code(w: &mut Work<'_>, sha256: &str) -> Result<Option<Credential>> {
    let Some(credential) = live(w, sha256)?.filter(|found| found.kind == CredentialKind::LoginCode) else { return Ok(None) };
    // On PostgreSQL two may have read it: one deletes it.
    let taken = w.execute("DELETE FROM credentials WHERE id = $1", values![credential.id])?;
    Ok((taken == 1).then_some(credential))
}

fn tokens(w: &mut Work<'_>, cursor: Option<&str>, limit: u32) -> Result<Page<Credential>> {
    let limit = bounded(limit);
    let mut c = Conditions::default();
    c.and("c.kind = 'token'", []);
    c.and_if("c.id < ?", parse_cursor::<CredentialId>(cursor)?);
    let size = c.push(Value::from(limit + 1));
    let sql = format!("SELECT {COLUMNS} FROM {TABLES}{} ORDER BY c.id DESC LIMIT {size}", c.text());
    let found = w.query(&sql, &c.params)?.into_iter().map(|found| Ok(row(found)?.0)).collect::<Result<_>>()?;
    Ok(page(found, limit, |token: &Credential| token.id.to_string()))
}

fn revoke(w: &mut Work<'_>, id: CredentialId) -> Result<Credential> {
    let sql = format!("SELECT {COLUMNS} FROM {TABLES} WHERE c.id = $1 AND c.kind = 'token'");
    let (mut token, _) = row(w.first(&sql, values![id])?.ok_or_else(|| StoreError::not_found("token", id))?)?;
    if token.revoked_at.is_none() {
        let now = w.now()?;
        w.execute("UPDATE credentials SET revoked_at = $2 WHERE id = $1", values![id, now])?;
        token.revoked_at = Some(now);
    }
    Ok(token)
}

/// Picks the sign-ins that last: all, or with `of` those of one's own that this one may know of.
fn of_sign_ins(c: &mut Conditions, of: Option<CredentialId>, now: Timestamp) {
    c.and("c.kind = 'session'", []);
    c.and("c.expires_at > ?", [now.into()]);
    if let Some(own) = of {
        // One that somebody was lent opens less than those of whoever lent it, and learns of none of them.
        let same = "EXISTS (SELECT 1 FROM credentials own WHERE own.id = ? AND own.user_name = c.user_name \
            AND (own.scope = 'admin' OR own.scope = c.scope OR c.scope = 'read'))";
        c.and(&format!("(c.id = ? OR {same})"), [own.into(), own.into()]);
    }
}

fn sign_ins(w: &mut Work<'_>, of: Option<CredentialId>, cursor: Option<&str>, limit: u32) -> Result<Page<Credential>> {
    let limit = bounded(limit);
    let mut c = Conditions::default();
    of_sign_ins(&mut c, of, w.now()?);
    c.and_if("c.id < ?", parse_cursor::<CredentialId>(cursor)?);
    let size = c.push(Value::from(limit + 1));
    let sql = format!("SELECT {COLUMNS} FROM {TABLES}{} ORDER BY c.id DESC LIMIT {size}", c.text());
    let found = w.query(&sql, &c.params)?.into_iter().map(|found| Ok(row(found)?.0)).collect::<Result<_>>()?;
    Ok(page(found, limit, |sign_in: &Credential| sign_in.id.to_string()))
}

fn end_sign_in(w: &mut Work<'_>, id: CredentialId, of: Option<CredentialId>) -> Result<Credential> {
    let mut c = Conditions::default();
    of_sign_ins(&mut c, of, w.now()?);
    c.and("c.id = ?", [id.into()]);
    let sql = format!("SELECT {COLUMNS} FROM {TABLES}{}", c.text());
    let (sign_in, _) = row(w.first(&sql, &c.params)?.ok_or_else(|| StoreError::not_found("sign-in", id))?)?;
    w.execute("DELETE FROM credentials WHERE id = $1", values![id])?;
    Ok(sign_in)
}

impl Store {
    /// Keeps a secret by its hash. A token's name is its own among those that are not revoked; one session too many of somebody ends the one
    /// that was used longest ago.
    pub async fn add_credential(&self, new: NewCredential) -> Result<Credential> {
        self.promise(move |w| add(w, &new)).await
    }

    /// Whom the secret with this hash stands for, while it does.
    pub async fn credential(&self, sha256: String) -> Result<Option<Credential>> {
        self.read(move |w| live(w, &sha256)).await
    }

    /// Whether this one still opens what it opened.
    pub async fn credential_lasts(&self, id: CredentialId) -> Result<bool> {
        self.read(move |w| {
            let Some(found) = w.first(&format!("SELECT {COLUMNS} FROM {TABLES} WHERE c.id = $1"), values![id])? else { return Ok(false) };
            let (credential, is_kept_out) = row(found)?;
            Ok(is_live(&credential, is_kept_out, w.now()?))
        })
        .await
    }

    /// Takes the login code with this hash away, so that nobody takes it again.
    pub async fn take_login_code(&self, sha256: String) -> Result<Option<Credential>> {
        self.promise(move |w| take_code(w, &sha256)).await
    }

    /// Remembers that it was used now; with `lasting`, it lasts so long from now on.
    pub async fn touch_credential(&self, id: CredentialId, lasting: Option<Lasting>) -> Result<()> {
        self.ride(move |w| {
            let now = w.now()?;
            let Some(lasting) = lasting else {
                return w.execute("UPDATE credentials SET last_used_at = $2 WHERE id = $1", values![id, now]).map(drop);
            };
            let unused = now.0.saturating_add(ms(lasting.unused_secs));
            let sql = "UPDATE credentials SET last_used_at = $2, \
                expires_at = CASE WHEN $3 < created_at + $4 THEN $3 ELSE created_at + $4 END WHERE id = $1";
            w.execute(sql, values![id, now, unused, ms(lasting.whole_secs)]).map(drop)
        })
        .await
    }

    /// Every token, the newest first, revoked ones too for as long as they are kept.
    pub async fn tokens(&self, cursor: Option<String>, limit: u32) -> Result<Page<Credential>> {
        self.read(move |w| tokens(w, cursor.as_deref(), limit)).await
    }

    /// Ends a token.
    pub async fn revoke_token(&self, id: CredentialId) -> Result<Credential> {
        self.promise(move |w| revoke(w, id)).await
    }

    /// The sign-ins that last, the newest first: everybody's, or with `of` what this one of them may know of, which are those of the same user that
    /// open no more than it does.
    pub async fn sign_ins(&self, of: Option<CredentialId>, cursor: Option<String>, limit: u32) -> Result<Page<Credential>> {
        self.read(move |w| sign_ins(w, of, cursor.as_deref(), limit)).await
    }

    /// Ends a sign-in that lasts, of those that [`Store::sign_ins`] lists with the same `of`.
    pub async fn end_sign_in(&self, id: CredentialId, of: Option<CredentialId>) -> Result<Credential> {
        self.promise(move |w| end_sign_in(w, id, of)).await
    }

    /// Ends a browser's session.
    pub async fn end_session(&self, id: CredentialId) -> Result<()> {
        self.promise(move |w| w.execute("DELETE FROM credentials WHERE id = $1 AND kind = 'session'", values![id]).map(drop)).await
    }

    /// How many [`Store::prune_credentials`] would forget.
    pub async fn credentials_before(&self, before: Timestamp) -> Result<u64> {
        self.read(move |w| {
            let counted = "SELECT COUNT(*) FROM credentials WHERE expires_at < $1 OR revoked_at < $1";
            w.first(counted, values![before])?.map_or(Ok(0), |mut row| row.int())
        })
        .await
    }

    /// Forgets what ended before `before`; how many.
    pub async fn prune_credentials(&self, before: Timestamp) -> Result<u64> {
        self.ride(move |w| w.execute("DELETE FROM credentials WHERE expires_at < $1 OR revoked_at < $1", values![before])).await
    }
}
