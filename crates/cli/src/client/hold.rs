//! What holds a waiting job, as the daemon knows it.

use serde_json::Value;
use windlass_types::{Hold, Job, JobStatus};

use super::Client;

/// How many waiting jobs of a list are asked about one by one.
const ASKED_MAX: usize = 50;

/// Asks about the jobs of one list.
#[derive(Debug, Default)]
pub(crate) struct Holds {
    asked: usize,
}

impl Holds {
    /// What holds it, if it waits. Far down a list nobody is asked.
    pub(crate) async fn of(&mut self, client: &Client, job: &Job) -> Option<Hold> {
        if job.status != JobStatus::Queued || self.asked >= ASKED_MAX {
            return None;
        }
        self.asked += 1;
        let explained: Value = client.get(&format!("/api/v1/jobs/{}/explain", job.id), &[]).await.ok()?;
        serde_json::from_value(explained.get("hold")?.clone()).ok()
    }
}
