//! One attempt at a job: a journal of stages, each safe to repeat.
//!
//! `prepare → prompt → run → verify (back to run, at most max_iterations) → scan → commit → push → propose`, then settle.
//!
//! **Invariant:** every write names the attempt's token; once one is refused as stale, nothing more is written.
//! **Invariant:** whether the work is good is decided here by what the engine ran itself, never by the agent's words.
//!
//! Start at [`carry_out`].

mod child;
mod clash;
mod deliver;
mod earlier;
mod feed;
mod gate;
mod gateway;
mod guarded;
mod in_process;
mod journal;
mod kept;
mod operation;
mod place;
mod prompt;
mod propose;
mod run;
mod sandbox;
mod scan;
mod spending;
mod stop;
mod verdict;

use deliver::Delivered;
use earlier::Done;
use feed::Feed;
use journal::Journal;
pub(crate) use kept::transcript_path;
pub(crate) use operation::builtin_operation_template;
pub(crate) use prompt::{builtin_template, fence};
pub(crate) use scan::scanner;
pub(crate) use stop::{Stop, cancelled};
pub(crate) use verdict::check_at_once as check_verdict_at_once;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::task::Poll;

use futures_util::FutureExt as _;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::Instant;
use windlass_store::{Claimed, SettleRequest, StoreError};
use windlass_types::{AttemptResult, Effect, Failure, FailureKind, Harness, JobId, JobType, Token, Usage, Verdict, is_loop, without_noise};
use windlass_workspace::workspaces::{Changes, Workspace};

use crate::engine::Inner;
use crate::failpoint;
use crate::lease::Control;
use crate::observe::StageClock;
use crate::recover;
use crate::settings::Effective;

/// The most changed files that are compared with locks.
const TOUCHED_MAX: usize = 1000;

/// What an attempt that passed every gate leaves.
#[derive(Debug, Default)]
pub(crate) struct Work {
    output: Option<String>,
    commit: Option<String>,
    verdict: Option<Verdict>,
}

/// One attempt under way.
pub(crate) struct Attempt {
    pub(crate) engine: Arc<Inner>,
    pub(crate) claimed: Claimed,
    pub(crate) control: watch::Receiver<Control>,
    pub(crate) deadline: watch::Receiver<Instant>,
    pub(crate) began: Instant,
    /// What this attempt's runs have used so far; `None` once a run ended without telling.
    pub(crate) used: Option<Usage>,
    pub(crate) agent_started: bool,
    /// What the agent that runs now has told of its usage so far: all that is known of it when it is cut off.
    pub(crate) told: Option<Usage>,
    pub(crate) output: Option<String>,
    journal: Journal,
    feed: Feed,
    merges: clash::Merges,
    clock: StageClock,
    /// With which code the agent of this round exited.
    pub(crate) exit_code: Option<i32>,
}

/// Carries the attempt out and settles it. Never fails: what goes wrong is settled, or left to recovery.
pub(crate) async fn carry_out(engine: Arc<Inner>, claimed: Claimed, control: watch::Receiver<Control>, deadline: watch::Receiver<Instant>) {
    let job_id = claimed.job.id;
    let token = claimed.token;
    let mut attempt = Attempt {
        engine: Arc::clone(&engine),
        claimed,
        control,
        deadline,
        began: Instant::now(),
        used: Some(Usage::default()),
        agent_started: false,
        told: None,
        output: None,
        journal: Journal::default(),
        feed: Feed::default(),
        merges: clash::Merges::default(),
        clock: StageClock::default(),
        exit_code: None,
    };
    // Whatever happens, the slot is free afterwards, and the lease is renewed no longer.
    let _leaving = Leaving { engine: Arc::clone(&engine), job_id, token };
    let driven = {
        let drive = std::pin::pin!(AssertUnwindSafe(attempt.drive()).catch_unwind());
        engine.given_up.run_until_cancelled(drive).await
    };
    let outcome = match driven {
        Some(Ok(outcome)) => outcome,
        // A fault of our own is this attempt's: what it started is ended, and a person is told.
        Some(Err(fault)) => {
            recover::end_orphan(&engine, &attempt.claimed.job, &attempt.claimed.attempt).await;
            let said = fault.downcast_ref::<String>().map(String::as_str).or_else(|| fault.downcast_ref::<&str>().copied());
            let text = format!("a fault in Windlass itself broke the attempt off: {}", said.unwrap_or("it says nothing"));
            Err(Failure::new(FailureKind::Internal, text).hint("please report it with the daemon's log; then retry the job").into())
        }
        // What was dropped with it ends: its git call, and its launcher, which nobody may be given this job beside.
        None => {
            recover::end_orphan(&engine, &attempt.claimed.job, &attempt.claimed.attempt).await;
            Err(Stop::HandBack)
        }
    };
    failpoint::hit("settle.before");
    attempt.settle(outcome).await;
    failpoint::hit("settle.after");
    engine.forget_agent_token(attempt.claimed.attempt.id);
}

/// Gives an attempt's place on this node back when it is dropped.
struct Leaving {
    engine: Arc<Inner>,
    job_id: JobId,
    token: Token,
}

impl Drop for Leaving {
    fn drop(&mut self) {
        self.engine.leases.leave(self.job_id, self.token);
        self.engine.slot_freed.notify_one();
    }
}

impl Attempt {
    pub(crate) fn token(&self) -> Token {
        self.claimed.token
    }

    async fn drive(&mut self) -> Result<Work, Stop> {
        // For the fault suite: what a fault of our own costs.
        assert!(
            !(cfg!(debug_assertions) && std::env::var_os("WINDLASS_FAULT").is_some_and(|fault| fault == "attempt_panics")),
            "a fault was asked for"
        );
        // Before anything of it is here.
        self.sandbox_level()?;
        let done = self.read_earlier().await?;
        let mut effective = Effective::of(&self.engine.config, self.engine.worker(&self.claimed.job.worker).as_ref(), &self.claimed);
        let workspace = self.stage_prepare(&mut effective).await?;
        if self.claimed.job.spec.job_type == JobType::Pm {
            return self.judge(&effective, workspace.as_ref(), done).await;
        }
        self.work(&effective, workspace.as_ref(), done).await
    }

    async fn work(&mut self, effective: &Effective, workspace: Option<&Workspace>, done: Done) -> Result<Work, Stop> {
        let job_type = self.claimed.job.spec.job_type;
        let may_change = job_type.may_change();
        let mut feedback = done.feedback;
        let first = done.iteration;
        let mut session = done.session;
        let mut follows_up = done.follows_up;
        let mut ran = done.ran;
        let mut secret_told = done.secret_told;
        self.merges = done.merges;
        for iteration in first.. {
            let text = match ran.take() {
                Some(text) => text,
                None => {
                    let prompt =
                        self.stage_prompt(effective, workspace, iteration, feedback.as_deref(), session.is_some(), follows_up).await?;
                    follows_up = false;
                    let (text, new_session) = self.stage_run(effective, workspace, iteration, prompt, session.take()).await?;
                    session = new_session;
                    text
                }
            };
            self.output = Some(text.clone());
            let changes = self.changes_left(workspace, may_change).await?;
            if !may_change {
                return Ok(Work { output: Some(text), ..Work::default() });
            }
            let nothing = windlass_harness::nothing_to_change(&text).map(str::to_owned);
            let verified = if done.verified && iteration == first {
                gate::Verified::Passed
            } else {
                self.stage_verify(effective, workspace, iteration).await?
            };
            if let (Some(workspace), Some(changes), gate::Verified::Passed) = (workspace, &changes, &verified) {
                self.tell_left_out(workspace, changes).await?;
            }
            let refusal = match verified {
                gate::Verified::Failed { output, summary } => Some((FailureKind::VerifyFailed, summary, output)),
                gate::Verified::Passed | gate::Verified::NoCheck => match &changes {
                    Some(changes) if job_type.must_change() && changes.files.is_empty() && nothing.is_none() && !self.committed_before(workspace).await? => Some((
                        FailureKind::NoChange,
                        "the agent says it is done, and nothing has changed".to_owned(),
                        "Nothing in the working tree has changed. If there is really nothing to change, say so in a line that begins with NOTHING_TO_CHANGE: and give the reason."
                            .to_owned(),
                    )),
                    _ => None,
                },
            };
            let Some((kind, summary, output)) = refusal else {
                let delivered = match (workspace, &changes) {
                    (Some(workspace), Some(changes)) => self.deliver(effective, workspace, &changes.tree, &text, iteration).await?,
                    _ => Delivered::Done(None),
                };
                match delivered {
                    Delivered::Done(commit) => return Ok(Work { output: Some(text), commit, verdict: None }),
                    Delivered::Clashes(told) => feedback = Some(told),
                    Delivered::Refused(refusal) if secret_told => return Err(refusal.failure().into()),
                    // One chance, also after the last round of the check.
                    Delivered::Refused(refusal) => {
                        feedback = Some(refusal.told());
                        secret_told = true;
                    }
                }
                continue;
            };
            self.refuse_loops(iteration, changes.as_ref(), kind, &output, &summary).await?;
            // A merge is more work than was asked for: it has rounds of its own.
            if iteration >= effective.max_iterations.saturating_add(self.merges.rounds) {
                let failure = Failure::new(kind, format!("{summary} (after {iteration} of {} rounds)", effective.max_iterations)).hint(
                    if kind == FailureKind::NoChange {
                        "read what it says with `windlass logs`, then retry the job with other words"
                    } else {
                        "read the check's output with `windlass logs`, then retry the job with other words, or change the check"
                    },
                );
                return Err(failure.into());
            }
            feedback = Some(output);
        }
        Err(Failure::new(FailureKind::Internal, "the rounds of an attempt ran out of numbers").into())
    }

    /// The same change failing the same check in the same way as before is a loop: stop and say so.
    async fn refuse_loops(
        &self,
        iteration: u32,
        changes: Option<&Changes>,
        kind: FailureKind,
        output: &str,
        summary: &str,
    ) -> Result<(), Stop> {
        let effect = Effect {
            job_id: self.claimed.job.id,
            iteration,
            diff_hash: changes.map(|c| c.diff_hash.clone()).unwrap_or_default(),
            check_hash: crate::hash::hex(without_noise(output).as_bytes()),
        };
        let earlier = self.engine.store.effects(self.claimed.assignment.id).await?;
        if is_loop(&earlier, &effect) {
            if kind == FailureKind::NoChange {
                let failure = Failure::new(kind, format!("{summary} (it was told so, and said it again)"))
                    .hint("retry the job with other words or another agent");
                return Err(failure.into());
            }
            let failure = Failure::new(
                FailureKind::Loop,
                format!(
                    "the agent goes in a circle: the same change (diff {}) fails in the same way as before: {summary}",
                    &effect.diff_hash[..effect.diff_hash.len().min(12)]
                ),
            )
            .hint("retry the job with other words or another agent, or mend what the check complains of");
            return Err(failure.into());
        }
        self.engine.store.add_effect(self.claimed.job.id, self.token(), self.claimed.assignment.id, effect).await?;
        Ok(())
    }

    /// Whether an attempt that was lost had committed this job's work already.
    async fn committed_before(&self, workspace: Option<&Workspace>) -> Result<bool, Stop> {
        match workspace {
            Some(workspace) => Ok(self.engine.workspaces.commit_with(workspace, &deliver::trailers(&self.claimed.job)).await?.is_some()),
            None => Ok(false),
        }
    }

    /// What the agent left in the workspace; the leavings of a job that may change nothing are thrown away.
    async fn changes_left(&self, workspace: Option<&Workspace>, may_change: bool) -> Result<Option<Changes>, Stop> {
        let Some(workspace) = workspace else { return Ok(None) };
        let workspaces = &self.engine.workspaces;
        let moved = workspaces.audit_refs(workspace).await?;
        if !moved.is_empty() {
            let refs: Vec<String> = moved.iter().take(50).map(|m| m.name.clone()).collect();
            self.notice(
                json!({"what": "refs_moved", "text": "the agent moved refs that are not its own; they are not pushed", "refs": refs}),
            )
            .await?;
        }
        let changes = workspaces.changes(workspace).await?;
        if let Some(failure) = sandbox::cut_short(&workspace.path, &changes, self.sandbox_limits().max_file_size) {
            return Err(failure.into());
        }
        if !may_change && !changes.files.is_empty() {
            let files: Vec<&str> = changes.files.iter().take(50).map(|f| f.path.as_str()).collect();
            self.notice(json!({"what": "changes_dropped", "text": format!("a {} job may change nothing: its changes were thrown away", self.claimed.job.spec.job_type), "files": files}))
                .await?;
            workspaces.reset(workspace).await?;
        }
        // What a merge brings, the agent did not touch.
        if self.claimed.locks && may_change && !changes.files.is_empty() && workspaces.merging(workspace)?.is_none() {
            let files = changes.files.iter().take(TOUCHED_MAX).map(|f| f.path.clone()).collect();
            self.engine.store.touch_files(self.claimed.job.id, self.token(), self.claimed.attempt.id, files).await?;
        }
        Ok(Some(changes))
    }

    /// What the check saw and the commit has not: people are told, for the branch may be red without it.
    async fn tell_left_out(&self, workspace: &Workspace, changes: &Changes) -> Result<(), Stop> {
        let mut files = self.engine.workspaces.left_out(workspace, changes).await?;
        if files.is_empty() {
            return Ok(());
        }
        files.truncate(50);
        let text = "the check saw files that are not committed (a repository inside the tree, or ignored since this change); the branch is without them";
        self.notice(json!({"what": "left_out", "text": text, "files": files})).await
    }

    pub(crate) async fn notice(&self, data: Value) -> Result<(), Stop> {
        Ok(self.engine.store.notice(self.claimed.job.id, self.token(), self.claimed.attempt.id, data).await?)
    }

    /// A write of this attempt to a store that may be away for a while: a lost connection costs no work as long as the lease lasts. Whether
    /// a try without an answer happened is not known, so the write must be one that can be repeated.
    pub(crate) async fn patiently<T, F>(&self, mut write: impl FnMut() -> F) -> Result<T, Stop>
    where
        F: Future<Output = Result<T, StoreError>>,
    {
        let mut control = self.control.clone();
        let mut wait = std::time::Duration::from_millis(50);
        loop {
            let written = tokio::select! {
                biased;
                written = write() => written,
                _ = control.wait_for(|control| *control == Control::Lost) => return Err(Stop::Lost),
            };
            match written {
                Err(StoreError::Unavailable(why)) if *control.borrow() != Control::HandBack => {
                    tracing::warn!(job.id = %self.claimed.job.id, "the store did not take a step's record ({why}); trying again");
                }
                written => return Ok(written?),
            }
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(std::time::Duration::from_secs(1));
        }
    }

    /// Stops between stages when told to from outside.
    pub(crate) fn check_control(&self) -> Result<(), Stop> {
        match *self.control.borrow() {
            Control::Run => Ok(()),
            Control::Cancel => Err(cancelled()),
            Control::Lost => Err(Stop::Lost),
            Control::HandBack => Err(Stop::HandBack),
        }
    }

    async fn settle(&self, outcome: Result<Work, Stop>) {
        let job = &self.claimed.job;
        let (result, work) = match outcome {
            Ok(work) => (AttemptResult::Succeeded, work),
            Err(Stop::Failed(failure)) => (AttemptResult::Failed(failure), Work { output: self.output.clone(), ..Work::default() }),
            Err(Stop::HandBack) => (AttemptResult::HandedBack, Work::default()),
            Err(Stop::Lost) => {
                tracing::warn!(job.id = %job.id, token = %self.token(), "lost the lease of {}: its agent is stopped and nothing more is written", job.id);
                return;
            }
        };
        let park_harness = match &result {
            AttemptResult::Failed(f) if f.kind == FailureKind::RateLimited && self.claimed.harness != Harness::Command => {
                f.retry_at.map(|at| (self.claimed.harness, at, f.message.clone()))
            }
            _ => None,
        };
        let request = SettleRequest {
            job_id: job.id,
            token: self.token(),
            attempt_id: self.claimed.attempt.id,
            result,
            output: work.output,
            commit: work.commit,
            usage: self.used,
            wall_ms: u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX),
            agent_started: self.agent_started,
            verdict: work.verdict,
            retry: self.engine.config.retry_of(&job.worker),
            jitter: self.engine.config.ids.fraction(),
            backend: self.engine.config.backend(self.claimed.harness),
            breaker: self.engine.config.breaker_of(&job.worker),
            park_harness,
            stages: self.journal.notes(),
            news: self.feed.rest(),
        };
        // A store that cannot be written for a while (full disk, lost connection) must not cost the result: the lease is
        // kept by heartbeats where it can be, and the settlement is offered until it is taken or refused as stale.
        let mut wait = std::time::Duration::from_millis(50);
        loop {
            let mut settling = std::pin::pin!(self.engine.settle(job, &self.claimed.attempt, request.clone()));
            // Once it is on its way the slot is free: the claim of another job stands behind it in the store's queue.
            let settled = match std::future::poll_fn(|cx| Poll::Ready(settling.as_mut().poll(cx))).await {
                Poll::Ready(settled) => settled,
                Poll::Pending => {
                    self.engine.leases.settling(job.id, self.token());
                    self.engine.slot_freed.notify_one();
                    settling.await
                }
            };
            match settled {
                Ok(settled) => {
                    tracing::info!(job.id = %job.id, status = %settled.job.status, "job {} ({}) is {}", job.id, job.spec.job_type, settled.job.status);
                    return;
                }
                Err(StoreError::Stale { .. } | StoreError::NotFound { .. }) => {
                    tracing::warn!(job.id = %job.id, token = %self.token(), "the result of {} came after its lease was lost and changes nothing", job.id);
                    return;
                }
                Err(e) => {
                    if *self.control.borrow() == Control::Lost {
                        tracing::error!(job.id = %job.id, error = %e, "the result of {} could not be recorded while its lease lasted; the job will be rescued", job.id);
                        return;
                    }
                    tracing::warn!(job.id = %job.id, error = %e, "could not record the result of {}; trying again", job.id);
                    self.engine.storage_failed(&e);
                    tokio::time::sleep(wait).await;
                    wait = (wait * 2).min(std::time::Duration::from_secs(5));
                }
            }
        }
    }
}
