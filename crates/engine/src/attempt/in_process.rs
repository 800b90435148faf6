//! The simulated agent: run inside this process where nothing needs a child, and told this job's facts.

use std::task::Poll;

use windlass_types::{Harness, RunEnd};

use super::child::{cut_failure_now, told};
use super::{Attempt, Stop};

impl Attempt {
    /// Runs a simulated agent inside this process: for jobs that only measure or demonstrate the engine.
    pub(super) async fn run_in_process(&mut self, script: &str, iteration: u32) -> Result<(String, Option<String>), Stop> {
        let nth = self.nth().await?;
        let script = self.fill_script(script).await?;
        self.agent_started = true;
        let mut control = self.control.clone();
        let job_type = self.claimed.job.spec.job_type.as_str().to_owned();
        let run = windlass_harness::simulated::in_process(&script, &job_type, nth, iteration, self.engine.config.clock.now());
        tokio::pin!(run);
        let end = match std::future::poll_fn(|cx| Poll::Ready(run.as_mut().poll(cx))).await {
            Poll::Ready(end) => end,
            Poll::Pending => {
                self.write_journal().await?;
                tokio::select! {
                    biased;
                    control = told(&mut control) => return Err(cut_failure_now(control)),
                    end = run => end,
                }
            }
        };
        match end {
            RunEnd::Finished { text, usage } => {
                self.add_usage(usage);
                self.check_budget()?;
                Ok((text, None))
            }
            RunEnd::Failed { failure, usage } => {
                self.add_usage(usage);
                Err(failure.into())
            }
        }
    }

    /// Which job of its type in the line this one is, from 1 up.
    pub(super) async fn nth(&self) -> Result<u32, Stop> {
        // Only a script asks.
        if self.claimed.harness != Harness::Simulated {
            return Ok(1);
        }
        let line = self.line_before().await?;
        let job_type = self.claimed.job.spec.job_type;
        Ok(line.iter().filter(|j| j.spec.job_type == job_type).count() as u32 + 1)
    }

    /// Puts this job's facts into a simulated agent's script, so that its verdicts can name real evidence.
    pub(super) async fn fill_script(&self, script: &str) -> Result<String, Stop> {
        if !script.contains("${") {
            return Ok(script.to_owned());
        }
        let line = self.engine.store.line(self.claimed.job.assignment_id).await?;
        let last_commit_job = line.iter().rev().find(|j| j.commit.is_some()).map(|j| j.id.to_string()).unwrap_or_default();
        let head = self.claimed.assignment.head_commit.clone().unwrap_or_default();
        let reviewed = self.claimed.job.reviews.map(|id| id.to_string()).unwrap_or_default();
        Ok(script
            .replace("${head_commit}", &head)
            .replace("${reviewed_job}", &reviewed)
            .replace("${last_commit_job}", &last_commit_job)
            .replace("${job}", &self.claimed.job.id.to_string()))
    }
}
