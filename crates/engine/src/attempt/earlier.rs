//! What earlier attempts of a job left to go on from: a session, a round, a check that passed.

use windlass_types::{AttemptStatus, JobId, Stage, StageRecord, StageStatus};

use super::stop::Stop;
use super::{Attempt, clash, transcript_path};

/// What an earlier attempt of this job already did, so that this one goes on from there.
#[derive(Debug)]
pub(crate) struct Done {
    /// The agent's session, if it can be resumed.
    pub(super) session: Option<String>,
    /// That session is an earlier job's, to which this one is a follow-up.
    pub(super) follows_up: bool,
    /// The round to go on with.
    pub(super) iteration: u32,
    /// That round's run ended well, with this final text.
    pub(super) ran: Option<String>,
    /// That round's check passed.
    pub(super) verified: bool,
    /// What the round before was refused with.
    pub(super) feedback: Option<String>,
    /// A round was refused for a secret: there was the one chance to take it out.
    pub(super) secret_told: bool,
    /// The merges that the agent was given.
    pub(super) merges: clash::Merges,
}

impl Done {
    /// Reads the journal of a lost attempt.
    fn from_journal(session: Option<String>, journal: &[StageRecord]) -> Self {
        let of = |stage: Stage, iteration: u32| journal.iter().rev().find(move |s| s.stage == stage && s.iteration == iteration);
        let refused = |stage: Stage, iteration: u32| {
            let failed = of(stage, iteration).filter(|s| s.status == StageStatus::Failed);
            failed.and_then(|s| s.detail["output"].as_str()).map(str::to_owned)
        };
        let merges = clash::Merges::from_journal(journal);
        let last = |iteration: u32| refused(Stage::Clash, iteration).or_else(|| refused(Stage::Scan, iteration));
        let refusal = |iteration: u32| last(iteration).or_else(|| refused(Stage::Verify, iteration));
        let secret_told = journal.iter().any(|s| refused(Stage::Scan, s.iteration).is_some());
        let mut iteration =
            journal.iter().filter(|s| matches!(s.stage, Stage::Run | Stage::Prompt)).map(|s| s.iteration).max().unwrap_or(1);
        if let Some(output) = refusal(iteration) {
            iteration += 1;
            return Self { session, follows_up: false, iteration, ran: None, verified: false, feedback: Some(output), secret_told, merges };
        }
        let ran = of(Stage::Run, iteration)
            .filter(|s| s.status == StageStatus::Passed)
            .map(|s| s.detail["text"].as_str().unwrap_or_default().to_owned());
        let verified = ran.is_some() && of(Stage::Verify, iteration).is_some_and(|s| s.status == StageStatus::Passed);
        let feedback = iteration.checked_sub(1).and_then(refusal);
        Self { session, follows_up: false, iteration, ran, verified, feedback, secret_told, merges }
    }
}

impl Attempt {
    /// What earlier attempts of this job left to go on from.
    pub(super) async fn read_earlier(&self) -> Result<Done, Stop> {
        // A session belongs to one agent: an attempt with another starts anew.
        let harness = self.claimed.harness;
        // So do its session, its tree and its journal to the machine it ran on, which has its transcript.
        let was_here = |a: &windlass_types::Attempt| {
            !self.engine.store.is_postgres() || transcript_path(&self.engine, self.claimed.job.assignment_id, a.id).exists()
        };
        // One that was asked something else has nothing to go on from.
        let fresh_after = self.claimed.job.spec.fresh_after.unwrap_or(0);
        let earlier = || self.claimed.earlier.iter().rev().take_while(|a| a.number > fresh_after);
        let session = earlier().filter(|a| a.harness == harness && was_here(a)).find_map(|a| a.session_id.clone());
        // A lost attempt is gone on from in the middle, and one whose work had passed but for its delivery. Any other that failed is done
        // again from the run.
        for attempt in earlier().take_while(|a| a.status != AttemptStatus::Succeeded && was_here(a)) {
            let journal = self.engine.store.journal(attempt.id).await?;
            if attempt.status == AttemptStatus::Failed && !self.only_undelivered(&journal) {
                break;
            }
            if journal.iter().any(|s| matches!(s.stage, Stage::Run | Stage::Prompt)) {
                return Ok(Done::from_journal(session, &journal));
            }
        }
        let followed = match (&session, self.claimed.job.spec.resumes) {
            (None, Some(job)) => self.session_of(job).await?,
            _ => None,
        };
        Ok(Done {
            follows_up: followed.is_some(),
            session: session.or(followed),
            iteration: 1,
            ran: None,
            verified: false,
            feedback: None,
            secret_told: false,
            merges: clash::Merges::default(),
        })
    }

    /// The last session of an earlier job, where its agent is this one's and its files are here.
    async fn session_of(&self, job: JobId) -> Result<Option<String>, Stop> {
        let mut attempts = self.engine.store.attempts(job).await?;
        attempts.retain(|a| {
            let is_here = !self.engine.store.is_postgres() || transcript_path(&self.engine, a.assignment_id, a.id).exists();
            a.assignment_id == self.claimed.job.assignment_id && a.harness == self.claimed.harness && is_here
        });
        Ok(attempts.into_iter().rev().find_map(|a| a.session_id))
    }

    /// Whether all that a failed attempt wants for is its delivery: the push or the proposal failed, or a person has let through since what
    /// its commit was held for.
    fn only_undelivered(&self, journal: &[StageRecord]) -> bool {
        let Some(last) = journal.last().filter(|s| s.status == StageStatus::Failed) else { return false };
        match last.stage {
            Stage::Push | Stage::Propose => true,
            Stage::Commit => {
                let digest = last.detail["digest"].as_str();
                digest.is_some_and(|digest| self.claimed.assignment.policy.approved_changes.iter().any(|approved| approved == digest))
            }
            _ => false,
        }
    }
}
