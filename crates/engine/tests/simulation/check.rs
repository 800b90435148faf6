//! What must hold of every history.

use std::collections::{BTreeMap, BTreeSet};

use windlass_types::{AttemptId, EventKind, JobId, JobStatus};

use super::client::Told;

/// The promises that were broken.
pub(crate) fn check(told: &Told) -> Vec<String> {
    let mut broken = Vec::new();
    for (key, assignment, jobs) in &told.acknowledged {
        let there: BTreeSet<JobId> = told.jobs.iter().filter(|job| job.assignment_id == *assignment).map(|job| job.id).collect();
        if there != jobs.iter().copied().collect() {
            broken.push(format!("the submission {key} was acknowledged with {} jobs and has {}", jobs.len(), there.len()));
        }
    }
    if told.assignments.len() != told.wanted {
        broken.push(format!("{} assignments for {} keys", told.assignments.len(), told.wanted));
    }
    for (event, number) in told.events.iter().zip(1..) {
        if event.seq != number {
            broken.push(format!("event {} comes where {number} should", event.seq));
            break;
        }
    }
    let mut ended: BTreeSet<AttemptId> = BTreeSet::new();
    let mut status: BTreeMap<JobId, String> = BTreeMap::new();
    for event in &told.events {
        let (Some(job), word) = (event.job_id, event.data["status"].as_str().unwrap_or_default()) else { continue };
        match event.kind {
            EventKind::JobInserted => drop(status.insert(job, word.to_owned())),
            EventKind::JobStatus => {
                let was = status.insert(job, word.to_owned()).unwrap_or_default();
                if event.data["from"].as_str().is_some_and(|from| from != was) {
                    broken.push(format!("{job} went from {} and was {was} (event {})", event.data["from"], event.seq));
                }
            }
            EventKind::AttemptEnded => {
                if let Some(attempt) = event.attempt_id
                    && !ended.insert(attempt)
                {
                    broken.push(format!("{attempt} of {job} was settled twice (event {})", event.seq));
                }
            }
            _ => {}
        }
    }
    for job in &told.jobs {
        if status.get(&job.id).map(String::as_str) != Some(job.status.as_str()) {
            broken.push(format!("{} is {} and its events say {:?}", job.id, job.status, status.get(&job.id)));
        }
        let tokens: Vec<_> = told.attempts.iter().filter(|a| a.job_id == job.id).map(|a| a.token).collect();
        if !tokens.is_sorted_by(|a, b| a.epoch < b.epoch) {
            broken.push(format!("the tokens of {} do not rise", job.id));
        }
        if job.status == JobStatus::Running {
            broken.push(format!("{} still runs", job.id));
        }
    }
    for assignment in &told.assignments {
        if told.cancelled.contains(&assignment.id) && assignment.status != windlass_types::AssignmentStatus::Cancelled {
            broken.push(format!("{} was cancelled and is {}", assignment.id, assignment.status));
        }
    }
    broken
}
