//! What must hold of every history: the invariants that all fault tests share, and that nothing of a submission is missing.

use std::collections::BTreeSet;

use windlass_testkit::invariants::{self, Acknowledged, Circumstances, History};
use windlass_testkit::witness::Line;
use windlass_types::JobId;

use super::client::Told;

/// The promises that were broken, by what the clients were told and the machines have witnessed.
pub(crate) fn check(told: &Told, witnessed: Vec<Line>) -> Vec<String> {
    let acknowledged =
        told.acknowledged.iter().map(|(key, assignment, _)| Acknowledged { key: key.clone(), assignment: *assignment }).collect();
    let history = History {
        events: told.events.clone(),
        assignments: told.assignments.clone(),
        jobs: told.jobs.clone(),
        attempts: told.attempts.clone(),
        acknowledged,
        cancelled: told.cancelled.clone(),
        witnessed,
        circumstances: Circumstances { at_rest: true, ..Circumstances::default() },
    };
    let mut broken: Vec<String> = invariants::check(&history).iter().map(ToString::to_string).collect();
    for (key, assignment, jobs) in &told.acknowledged {
        let there: BTreeSet<JobId> = told.jobs.iter().filter(|job| job.assignment_id == *assignment).map(|job| job.id).collect();
        if there != jobs.iter().copied().collect() {
            broken.push(format!("the submission {key} was acknowledged with {} jobs and has {}", jobs.len(), there.len()));
        }
    }
    if told.assignments.len() != told.wanted {
        broken.push(format!("{} assignments for {} keys", told.assignments.len(), told.wanted));
    }
    broken
}
