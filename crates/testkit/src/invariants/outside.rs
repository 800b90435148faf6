//! What was seen from outside: the answers clients got, and what agents wrote down.

use std::collections::{HashMap, HashSet};

use windlass_types::{AssignmentStatus, Attempt, Timestamp};

use super::{History, Invariant, Violation};

/// A store tells whole milliseconds, and writes the end of an attempt a moment before it is committed.
const ROUNDING_NS: u64 = 2_000_000;

pub(super) fn promises(history: &History) -> Vec<Violation> {
    let rows: HashMap<_, _> = history.assignments.iter().map(|a| (a.id, a)).collect();
    let mut found = Vec::new();
    let mut by_key = HashMap::new();
    let mut by_assignment = HashMap::new();
    for told in &history.acknowledged {
        if !rows.contains_key(&told.assignment) {
            let what = format!("{} (key {:?}) was acknowledged and is not there", told.assignment, told.key);
            found.push(Violation::of(Invariant::Promises, what));
        }
        let first = *by_key.entry(told.key.as_str()).or_insert(told.assignment);
        if first != told.assignment {
            found.push(Violation::of(Invariant::Keys, format!("key {:?} made {first} and {}", told.key, told.assignment)));
        }
        let key = *by_assignment.entry(told.assignment).or_insert(told.key.as_str());
        if key != told.key {
            found.push(Violation::of(Invariant::Keys, format!("{} answers to keys {key:?} and {:?}", told.assignment, told.key)));
        }
    }
    for id in &history.cancelled {
        match rows.get(id).map(|a| a.status) {
            Some(AssignmentStatus::Cancelled) => {}
            Some(status) => found.push(Violation::of(Invariant::Promises, format!("{id} was cancelled, was told so, and is {status}"))),
            None => found.push(Violation::of(Invariant::Promises, format!("{id} was cancelled and is not there"))),
        }
    }
    found
}

pub(super) fn witnesses(history: &History) -> Vec<Violation> {
    let mut attempts: HashMap<(String, String), &Attempt> = HashMap::new();
    for attempt in &history.attempts {
        attempts.insert((attempt.job_id.to_string(), attempt.token.to_string()), attempt);
    }
    let mut found = Vec::new();
    let mut accused = HashSet::new();
    for line in &history.witnessed {
        let who = format!("{:?} of {} under token {} at {}", line.event, line.job, line.token, line.at_ns);
        if !line.alone && accused.insert((&line.job, &line.token)) {
            found.push(Violation::of(Invariant::Alone, format!("{who}: another agent of its assignment lived")));
        }
        let Some(attempt) = attempts.get(&(line.job.clone(), line.token.clone())) else {
            if !history.circumstances.power_was_lost {
                found.push(Violation::of(Invariant::Witnesses, format!("{who}: no such attempt was ever made")));
            }
            continue;
        };
        if history.circumstances.clock_was_set {
            continue;
        }
        let began = ns(attempt.started_at).saturating_sub(ROUNDING_NS);
        let ended = attempt.ended_at.map_or(u64::MAX, |at| ns(at).saturating_add(ROUNDING_NS));
        if line.at_ns < began || line.at_ns > ended {
            let what = format!("{who}: its attempt lasted from {} to {:?}", attempt.started_at, attempt.ended_at);
            found.push(Violation::of(Invariant::Witnesses, what));
        }
    }
    found
}

fn ns(at: Timestamp) -> u64 {
    u64::try_from(at.0).unwrap_or(0).saturating_mul(1_000_000)
}
