//! Dead letters as people name them: by the job, its assignment, or the task file's id.

use std::collections::BTreeMap;

use windlass_types::{AssignmentId, JobId, JobStatus};

use super::Client;
use super::resolve::Named;
use crate::failure::{CliError, Exit, Result};
use crate::wire::{AssignmentDetail, DeadLetter};

/// How many dead letters a task is looked for in.
const LETTERS_MAX: usize = 1000;

impl Client {
    /// The dead letter that `text` names. A job is taken as it is, dead or not: the daemon says what is wrong with it.
    pub(crate) async fn dead_letter_id(&self, text: &str) -> Result<JobId> {
        let dead = match self.any_id(text).await {
            Ok(Named::Job(id)) => return Ok(id),
            Ok(Named::Assignment(id)) => self.dead_of(id).await?,
            Ok(Named::Attempt(_)) => return Err(CliError::usage(format!("{text} is an attempt")).hint("give its job's id")),
            Err(no_id) if no_id.exit == Exit::Usage => match self.dead_of_task(text).await? {
                none if none.is_empty() => return Err(no_id),
                found => found,
            },
            Err(e) => return Err(e),
        };
        match dead.as_slice() {
            [id] => Ok(*id),
            [] => Err(CliError::usage(format!("{text} has no dead letter")).hint("see `windlass dead-letters`")),
            many => {
                let shown: Vec<_> = many.iter().take(10).map(ToString::to_string).collect();
                Err(CliError::usage(format!("{text} has {} dead letters: {}", many.len(), shown.join(", "))).hint("give one of them"))
            }
        }
    }

    async fn assignment_detail(&self, id: AssignmentId) -> Result<AssignmentDetail> {
        self.get(&format!("/api/v1/assignments/{id}"), &[]).await
    }

    async fn dead_of(&self, id: AssignmentId) -> Result<Vec<JobId>> {
        let detail = self.assignment_detail(id).await?;
        Ok(detail.jobs.iter().filter(|job| job.status == JobStatus::Dead).map(|job| job.id).collect())
    }

    async fn dead_of_task(&self, task_id: &str) -> Result<Vec<JobId>> {
        let mut of: BTreeMap<AssignmentId, Vec<JobId>> = BTreeMap::new();
        for item in self.list("/api/v1/dead-letters", &[], None, LETTERS_MAX).await?.items {
            if let Ok(letter) = serde_json::from_value::<DeadLetter>(item) {
                of.entry(letter.assignment_id).or_default().push(letter.id);
            }
        }
        let mut found = Vec::new();
        for (id, jobs) in of {
            if self.assignment_detail(id).await?.task.is_some_and(|task| task.task_id == task_id) {
                found.extend(jobs);
            }
        }
        Ok(found)
    }
}
