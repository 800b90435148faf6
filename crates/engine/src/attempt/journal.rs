//! The journal of an attempt's stages, as it writes it: at once what lasts, together what is over in no time.
//!
//! A stage that takes time is noted before it starts and after it ends, so that the next attempt can go on from there. A stage that
//! is over in no time (a prompt, a run inside this process) is noted with the next that takes time, or with the settlement.

use serde_json::{Value, json};
use tokio::time::Instant;
use windlass_store::{StageEnd, StageNote};
use windlass_types::{Stage, StageStatus};

use super::{Attempt, Stop};
use crate::failpoint;

/// The stages so far: how many, and what of them is not written yet.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    last: i64,
    open: Vec<Open>,
    /// Nothing that takes time stands between the end of the run and the settlement.
    pub(super) settles_soon: bool,
}

/// A stage that is not, or not wholly, written.
#[derive(Debug)]
struct Open {
    number: i64,
    stage: Stage,
    iteration: u32,
    began: Instant,
    is_begin_written: bool,
    ended: Option<(StageStatus, Value, Instant)>,
}

fn ms_since(at: Instant) -> i64 {
    i64::try_from(at.elapsed().as_millis()).unwrap_or(i64::MAX)
}

impl Journal {
    fn begin(&mut self, stage: Stage, iteration: u32) -> i64 {
        self.last += 1;
        self.open.push(Open { number: self.last, stage, iteration, began: Instant::now(), is_begin_written: false, ended: None });
        self.last
    }

    /// Ends a stage; whether its end has to be written at once, since its beginning was.
    fn end(&mut self, number: i64, status: StageStatus, detail: Value) -> bool {
        let Some(open) = self.open.iter_mut().find(|open| open.number == number) else { return false };
        open.ended = Some((status, detail, Instant::now()));
        open.is_begin_written && !self.settles_soon
    }

    /// What is not written yet.
    pub(super) fn notes(&self) -> Vec<StageNote> {
        let unwritten = self.open.iter().filter(|open| !open.is_begin_written || open.ended.is_some());
        let note = |open: &Open| StageNote {
            number: open.number,
            stage: open.stage,
            iteration: open.iteration,
            began_ms_ago: (!open.is_begin_written).then(|| ms_since(open.began)),
            ended: open.ended.as_ref().map(|(status, detail, at)| StageEnd {
                status: *status,
                ms_ago: ms_since(*at),
                detail: detail.clone(),
            }),
        };
        unwritten.map(note).collect()
    }

    fn written(&mut self) {
        self.open.retain(|open| open.ended.is_none());
        for open in &mut self.open {
            open.is_begin_written = true;
        }
    }
}

impl Attempt {
    /// Begins a stage that may be over in no time.
    pub(crate) fn stage_begun(&mut self, stage: Stage, iteration: u32) -> Result<i64, Stop> {
        failpoint::hit(&format!("{stage}.before"));
        self.check_control()?;
        let number = self.journal.begin(stage, iteration);
        self.clock.begin(number, iteration, self.engine.config.clock.now());
        Ok(number)
    }

    /// Begins a stage that takes time.
    pub(crate) async fn stage_started(&mut self, stage: Stage, iteration: u32) -> Result<i64, Stop> {
        let number = self.stage_begun(stage, iteration)?;
        self.write_journal().await?;
        failpoint::hit(&format!("{stage}.started"));
        Ok(number)
    }

    /// Writes what happened since the journal was last written.
    pub(crate) async fn write_journal(&mut self) -> Result<(), Stop> {
        if self.journal.notes().is_empty() { Ok(()) } else { self.write_journal_and(None).await }
    }

    /// The secret of the attempt's agent, known to the store by its hash with the same write.
    pub(super) async fn write_journal_and_agent_token(&mut self) -> Result<String, Stop> {
        let attempt = self.claimed.attempt.id;
        if let Some(known) = self.engine.agent_token(attempt) {
            self.write_journal().await?;
            return Ok(known);
        }
        let secret = format!("wla_{}", self.engine.config.ids.secret());
        self.write_journal_and(Some(crate::hash::hex(secret.as_bytes()))).await?;
        self.engine.remember_agent_token(attempt, secret.clone());
        Ok(secret)
    }

    async fn write_journal_and(&mut self, agent_token_sha256: Option<String>) -> Result<(), Stop> {
        let (store, job, token, attempt) = (&self.engine.store, self.claimed.job.id, self.token(), self.claimed.attempt.id);
        let notes = self.journal.notes();
        self.patiently(|| store.note_stages(job, token, attempt, notes.clone(), agent_token_sha256.clone())).await?;
        self.journal.written();
        Ok(())
    }

    pub(crate) async fn stage_ended(&mut self, stage: Stage, number: i64, status: StageStatus, detail: Value) -> Result<(), Stop> {
        failpoint::hit(&format!("{stage}.ending"));
        if self.journal.end(number, status, detail) {
            self.write_journal().await?;
        }
        if let Some(ended) = self.clock.end(number, stage, status) {
            self.engine.observe_stage(&self.claimed, &ended);
        }
        failpoint::hit(&format!("{stage}.ended"));
        Ok(())
    }

    /// Ends a stage by what its body gave.
    pub(crate) async fn stage_result<T>(&mut self, stage: Stage, number: i64, result: Result<(T, Value), Stop>) -> Result<T, Stop> {
        match result {
            Ok((value, detail)) => {
                self.stage_ended(stage, number, StageStatus::Passed, detail).await?;
                Ok(value)
            }
            Err(Stop::Failed(failure)) => {
                let exit_code = self.exit_code.filter(|_| stage == Stage::Run);
                self.stage_ended(stage, number, StageStatus::Failed, json!({"failure": failure, "exit_code": exit_code})).await?;
                Err(Stop::Failed(failure))
            }
            Err(stop) => Err(stop),
        }
    }
}
