//! An attempt's journal: what its worker notes of its stages, several at once where nothing lasted in between.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use windlass_types::{AttemptId, EventKind, Job, JobId, Stage, StageRecord, StageStatus, Timestamp, Token};

use super::attempts::leave_event;
use super::guard;
use crate::error::{Result, StoreError};
use crate::sql::{Row, Work, values};
use crate::store::Store;

/// What happened to a stage since its last note: it began, it ended, or both.
#[derive(Debug, Clone, PartialEq)]
pub struct StageNote {
    /// Its number in the attempt's journal, from 1 up.
    pub number: i64,
    /// Which stage.
    pub stage: Stage,
    /// The round.
    pub iteration: u32,
    /// How long ago it began, in milliseconds; `None` when that was noted before.
    pub began_ms_ago: Option<i64>,
    /// How it ended, if it did.
    pub ended: Option<StageEnd>,
}

/// How a stage ended.
#[derive(Debug, Clone, PartialEq)]
pub struct StageEnd {
    /// How.
    pub status: StageStatus,
    /// How long ago, in milliseconds.
    pub ms_ago: i64,
    /// What it left.
    pub detail: Json,
}

fn stage_row(mut r: Row) -> Result<StageRecord> {
    let r = &mut r;
    Ok(StageRecord {
        attempt_id: r.word()?,
        number: r.int()?,
        stage: r.word()?,
        iteration: r.int()?,
        status: r.word()?,
        started_at: r.time()?,
        ended_at: r.opt_time()?,
        detail: r.json()?,
    })
}

/// Writes the notes of a running attempt; who calls has checked its token.
fn write(w: &mut Work<'_>, job: &Job, attempt: AttemptId, notes: &[StageNote]) -> Result<()> {
    for note in notes {
        write_row(w, attempt, note)?;
        leave_events(w, job, attempt, note);
    }
    Ok(())
}

/// Writes the last notes of an attempt. Stages that are noted whole are given back, to be kept in the attempt's row: a row for each would
/// cost most of a short job.
pub(crate) fn write_last(w: &mut Work<'_>, job: &Job, attempt: AttemptId, notes: &[StageNote]) -> Result<Vec<StageRecord>> {
    let mut whole = Vec::new();
    for note in notes {
        match (note.began_ms_ago, &note.ended) {
            (Some(_), Some(_)) => whole.push(record(w, attempt, note)?),
            _ => write_row(w, attempt, note)?,
        }
        leave_events(w, job, attempt, note);
    }
    Ok(whole)
}

/// A note as the journal shows it.
fn record(w: &mut Work<'_>, attempt_id: AttemptId, note: &StageNote) -> Result<StageRecord> {
    let now = w.now()?;
    let ago = |ms: i64| Timestamp(now.0.saturating_sub(ms.max(0)));
    Ok(StageRecord {
        attempt_id,
        number: note.number,
        stage: note.stage,
        iteration: note.iteration,
        status: note.ended.as_ref().map_or(StageStatus::Running, |end| end.status),
        started_at: ago(note.began_ms_ago.unwrap_or(0)),
        ended_at: note.ended.as_ref().map(|end| ago(end.ms_ago)),
        detail: note.ended.as_ref().map_or_else(|| json!({}), |end| end.detail.clone()),
    })
}

fn write_row(w: &mut Work<'_>, attempt: AttemptId, note: &StageNote) -> Result<()> {
    let r = record(w, attempt, note)?;
    if note.began_ms_ago.is_some() {
        w.execute(
            // A note whose answer was lost comes again, with more.
            "INSERT INTO stages (attempt_id, number, stage, iteration, status, started_at, ended_at, detail) \
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (attempt_id, number) DO UPDATE \
             SET status = excluded.status, ended_at = excluded.ended_at, detail = excluded.detail",
            values![attempt, r.number, r.stage.as_str(), r.iteration, r.status.as_str(), r.started_at, r.ended_at, r.detail.to_string()],
        )?;
        return Ok(());
    }
    let changed = w.execute(
        "UPDATE stages SET status = $3, ended_at = $4, detail = $5 WHERE attempt_id = $1 AND number = $2",
        values![attempt, r.number, r.status.as_str(), r.ended_at, r.detail.to_string()],
    )?;
    if changed == 0 {
        return Err(StoreError::not_found("stage", format!("{attempt} {}", note.number)));
    }
    Ok(())
}

fn leave_events(w: &mut Work<'_>, job: &Job, attempt: AttemptId, note: &StageNote) {
    let data = json!({ "number": note.number, "stage": note.stage.as_str(), "iteration": note.iteration });
    if note.began_ms_ago.is_some() {
        leave_event(w, EventKind::StageStarted, job, attempt, data.clone());
    }
    if let Some(end) = &note.ended {
        leave_event(w, EventKind::StageEnded, job, attempt, ended_data(data, end));
    }
}

/// An attempt's stages, in order: those of its own row count before those of the table, which may be from a note that was told twice.
pub(crate) fn stages_of(w: &mut Work<'_>, id: AttemptId) -> Result<Vec<StageRecord>> {
    let rows = w.query(
        "SELECT attempt_id, number, stage, iteration, status, started_at, ended_at, detail FROM stages \
         WHERE attempt_id = $1 ORDER BY number LIMIT 10000",
        values![id],
    )?;
    let mut stages = BTreeMap::new();
    for row in rows {
        let stage = stage_row(row)?;
        stages.insert(stage.number, stage);
    }
    if let Some(mut row) = w.first("SELECT stages FROM attempts WHERE id = $1", values![id])? {
        let last: Vec<StageRecord> = row.opt_json()?.unwrap_or_default();
        stages.extend(last.into_iter().map(|stage| (stage.number, stage)));
    }
    Ok(stages.into_values().collect())
}

fn ended_data(mut data: Json, end: &StageEnd) -> Json {
    data["status"] = Json::from(end.status.as_str());
    if let Some(summary) = summary(&end.detail) {
        data["summary"] = Json::String(summary);
    }
    if end.status == StageStatus::Failed
        && let Some(output) = end.detail.get("output").and_then(Json::as_str)
    {
        data["output"] = Json::String(tail(output));
    }
    data
}

/// The end of what a failed stage printed: mostly it says why.
fn tail(output: &str) -> String {
    let mut lines: Vec<&str> = output.lines().rev().filter(|line| !line.trim().is_empty()).take(12).collect();
    lines.reverse();
    lines.iter().map(|line| line.chars().take(300).collect::<String>()).collect::<Vec<_>>().join("\n")
}

/// What a stage left, in a few words, so that whoever follows the events need not look the stage up.
fn summary(detail: &Json) -> Option<String> {
    let text = ["/summary", "/ref", "/commit", "/failure/message"].iter().find_map(|path| detail.pointer(path)?.as_str())?;
    Some(text.chars().take(300).collect())
}

impl Store {
    /// An attempt's stages, in order.
    pub async fn journal(&self, id: AttemptId) -> Result<Vec<StageRecord>> {
        self.read(move |w| stages_of(w, id)).await
    }

    /// Notes what happened to the stages of a running attempt; with it the hash of the secret that its agent is given, if it gets one.
    pub async fn note_stages(
        &self,
        id: JobId,
        token: Token,
        attempt: AttemptId,
        notes: Vec<StageNote>,
        agent_token_sha256: Option<String>,
    ) -> Result<()> {
        self.ride(move |w| {
            let row = guard::attempt(w, id, token, attempt)?;
            if let Some(hash) = &agent_token_sha256 {
                w.execute("UPDATE attempts SET agent_token_sha256 = $2 WHERE id = $1", values![attempt, hash])?;
            }
            write(w, &row.job, attempt, &notes)
        })
        .await
    }
}
