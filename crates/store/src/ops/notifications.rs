//! Notifications: what each channel was told of and is to be told of, once each time that it happens.
//!
//! **Invariant:** of one thing there is at most one current row for each channel, so however often it is seen it is told once; when it
//! is over and happens again there is another row. What was over before it was sent leaves none.

use std::collections::BTreeMap;

use windlass_types::{Notification, NotificationKind, Timestamp, Told};

use crate::error::Result;
use crate::sql::{Work, json, values};
use crate::store::Store;

/// Nothing waits so long: what is due later than in this time, in milliseconds, was made before a clock was set back.
const FAR_MS: i64 = 2 * 3_600_000;
/// The most that one transaction deletes.
const ROWS_MAX: i64 = 500;
/// The most current notifications that are read at once.
const CURRENT_MAX: i64 = 100_000;

/// Something that a channel is to be told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewNotification {
    /// Which channel.
    pub channel: String,
    /// What it is about: the same for as long as it is the same thing.
    pub key: String,
    /// What kind.
    pub kind: NotificationKind,
    /// What it says.
    pub told: Told,
    /// How long it has to be so before it is told, in milliseconds.
    pub settle_ms: i64,
}

/// One that was, or is to be, told and is still so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownNotification {
    /// Its id.
    pub id: String,
    /// Its channel.
    pub channel: String,
    /// What it is about.
    pub key: String,
}

/// One that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueNotification {
    /// Its id.
    pub id: String,
    /// What it is about, for a receiver that was told before.
    pub key: String,
    /// What kind.
    pub kind: NotificationKind,
    /// What it says.
    pub told: Told,
    /// How often it was sent in vain.
    pub tries: u32,
}

/// What became of sending one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotificationEnd {
    /// It was taken.
    Sent,
    /// It was not: why, and in how many milliseconds it is sent again.
    Again(String, i64),
    /// It was not, and is not sent again: why.
    Failed(String),
}

/// How sending by a channel went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChannelRecord {
    /// When something was last taken.
    pub last_sent_at: Option<Timestamp>,
    /// Why the last try failed; nothing when it was taken.
    pub last_error: Option<String>,
}

fn note(w: &mut Work<'_>, new: &[NewNotification], over: &[String]) -> Result<()> {
    let now = w.now()?;
    for id in over {
        w.execute("DELETE FROM notifications WHERE id = $1 AND state = 'due'", values![id])?;
        w.execute("UPDATE notifications SET over_at = $2 WHERE id = $1 AND over_at IS NULL", values![id, now])?;
    }
    let mut waits: BTreeMap<&str, Option<Timestamp>> = BTreeMap::new();
    for one in new {
        let last = "SELECT occurrence, over_at FROM notifications WHERE channel = $1 AND key = $2 ORDER BY occurrence DESC LIMIT 1";
        let occurrence: i64 = match w.first(last, values![&one.channel, &one.key])? {
            Some(mut row) => {
                let (occurrence, over): (i64, _) = (row.int()?, row.opt_time()?);
                if over.is_none() {
                    continue;
                }
                occurrence + 1
            }
            None => 1,
        };
        if !waits.contains_key(one.channel.as_str()) {
            // What comes while a channel is not reached waits with the rest.
            let sql = "SELECT MAX(due_at) FROM notifications WHERE channel = $1 AND state = 'due' AND tries > 0";
            let wait = w.first(sql, values![&one.channel])?.map_or(Ok(None), |mut row| row.opt_time())?;
            let wait = wait.filter(|at| *at <= now.plus_ms(FAR_MS));
            waits.insert(&one.channel, wait);
        }
        let due = waits.get(one.channel.as_str()).copied().flatten().unwrap_or(now).max(now.plus_ms(one.settle_ms));
        w.execute(
            "INSERT INTO notifications (id, channel, key, occurrence, kind, told, state, tries, at, due_at) \
             VALUES ($1, $2, $3, $4, $5, $6, 'due', 0, $7, $8) ON CONFLICT DO NOTHING",
            values![w.ids.uuid().to_string(), &one.channel, &one.key, occurrence, one.kind.as_str(), json(&one.told)?, now, due,],
        )?;
    }
    Ok(())
}

fn due(w: &mut Work<'_>, channel: &str, pause_ms: i64, limit: u32) -> Result<(Vec<DueNotification>, Option<i64>)> {
    let now = w.now()?;
    let next = "SELECT MIN(due_at) FROM notifications WHERE channel = $1 AND state = 'due'";
    let Some(next) = w.first(next, values![channel])?.map_or(Ok(None), |mut row| row.opt_time())? else { return Ok((Vec::new(), None)) };
    // What was sent in a future that a clock set back has undone holds nobody up.
    let free_at = last_sent(w, channel)?.map_or(now, |at| at.min(now).plus_ms(pause_ms));
    // So is what was to be sent again.
    let far = now.plus_ms(FAR_MS);
    let next = if next > far { now } else { next }.max(free_at);
    if next > now {
        return Ok((Vec::new(), Some(next.since_ms(now))));
    }
    let rows = w.query(
        "SELECT id, key, kind, told, tries FROM notifications WHERE channel = $1 AND state = 'due' AND (due_at <= $2 OR due_at > $3) \
         ORDER BY at, id LIMIT $4",
        values![channel, now, far, limit],
    )?;
    let due = rows
        .into_iter()
        .map(|mut r| Ok(DueNotification { id: r.text()?, key: r.text()?, kind: r.word()?, told: r.json()?, tries: r.int()? }));
    Ok((due.collect::<Result<_>>()?, None))
}

fn ended(w: &mut Work<'_>, ends: &[(String, NotificationEnd)]) -> Result<()> {
    let now = w.now()?;
    for (id, end) in ends {
        let (state, due_at, problem) = match end {
            NotificationEnd::Sent => ("sent", None, None),
            NotificationEnd::Again(why, wait_ms) => ("due", Some(now.plus_ms(*wait_ms)), Some(why)),
            NotificationEnd::Failed(why) => ("failed", None, Some(why)),
        };
        w.execute(
            "UPDATE notifications SET state = $2, due_at = $3, problem = $4, tried_at = $5, tries = tries + 1 WHERE id = $1 AND state = 'due'",
            values![id, state, due_at, problem, now],
        )?;
    }
    Ok(())
}

fn last_sent(w: &mut Work<'_>, channel: &str) -> Result<Option<Timestamp>> {
    let sql = "SELECT MAX(tried_at) FROM notifications WHERE channel = $1 AND state = 'sent'";
    w.first(sql, values![channel])?.map_or(Ok(None), |mut row| row.opt_time())
}

fn record(w: &mut Work<'_>, channel: &str) -> Result<ChannelRecord> {
    let sql = "SELECT problem FROM notifications WHERE channel = $1 AND tried_at IS NOT NULL ORDER BY tried_at DESC, id DESC LIMIT 1";
    let last_error = w.first(sql, values![channel])?.map_or(Ok(None), |mut row| row.opt_text())?;
    Ok(ChannelRecord { last_sent_at: last_sent(w, channel)?, last_error })
}

fn recent(w: &mut Work<'_>, limit: u32) -> Result<Vec<Notification>> {
    let sql = "SELECT id, at, channel, kind, told, state, tries, problem FROM notifications ORDER BY at DESC, id DESC LIMIT $1";
    w.query(sql, values![limit])?
        .into_iter()
        .map(|mut r| {
            let (id, at, channel, kind, told): (_, _, _, _, Told) = (r.text()?, r.time()?, r.text()?, r.word()?, r.json()?);
            Ok(Notification {
                id,
                at,
                channel,
                kind,
                title: told.title,
                state: r.word()?,
                tries: r.int()?,
                error: r.opt_text()?,
                assignment_id: told.assignment_id,
                job_id: told.job_id,
            })
        })
        .collect()
}

impl Store {
    /// What channels were, or are to be, told of that was still so at the last look.
    pub async fn current_notifications(&self) -> Result<Vec<KnownNotification>> {
        self.read(|w| {
            let sql = "SELECT id, channel, key FROM notifications WHERE over_at IS NULL ORDER BY id LIMIT $1";
            let rows = w.query(sql, values![CURRENT_MAX])?;
            rows.into_iter().map(|mut r| Ok(KnownNotification { id: r.text()?, channel: r.text()?, key: r.text()? })).collect()
        })
        .await
    }

    /// Remembers what there is to tell that was not yet told, and that these, by their ids, are no longer so: what of them was not sent
    /// is not sent any more.
    pub async fn note_notifications(&self, new: Vec<NewNotification>, over: Vec<String>) -> Result<()> {
        self.promise(move |w| note(w, &new, &over)).await
    }

    /// What is due by a channel, the longest first, no sooner than `pause_ms` after its last message; where nothing is, in how many
    /// milliseconds something will be.
    pub async fn due_notifications(&self, channel: String, pause_ms: i64, limit: u32) -> Result<(Vec<DueNotification>, Option<i64>)> {
        self.read(move |w| due(w, &channel, pause_ms, limit)).await
    }

    /// Remembers what became of sending these, by their ids.
    pub async fn notifications_ended(&self, ends: Vec<(String, NotificationEnd)>) -> Result<()> {
        self.promise(move |w| ended(w, &ends)).await
    }

    /// How sending by a channel went.
    pub async fn channel_record(&self, channel: String) -> Result<ChannelRecord> {
        self.read(move |w| record(w, &channel)).await
    }

    /// What was told lately, or is to be, the newest first.
    pub async fn recent_notifications(&self, limit: u32) -> Result<Vec<Notification>> {
        self.read(move |w| recent(w, limit)).await
    }

    /// How many notifications [`Store::prune_notifications`] would delete.
    pub async fn notifications_before(&self, before: Timestamp) -> Result<u64> {
        self.read(move |w| {
            w.first("SELECT COUNT(*) FROM notifications WHERE over_at < $1", values![before])?.map_or(Ok(0), |mut row| row.int())
        })
        .await
    }

    /// Deletes some of the notifications about what was over before `before`; how many. 0 when there is nothing left to delete.
    pub async fn prune_notifications(&self, before: Timestamp) -> Result<u64> {
        self.ride(move |w| {
            let old = "DELETE FROM notifications WHERE id IN (SELECT id FROM notifications WHERE over_at < $1 ORDER BY id LIMIT $2)";
            w.execute(old, values![before, ROWS_MAX])
        })
        .await
    }
}
