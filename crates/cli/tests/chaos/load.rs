//! The work of a row: assignments of one to three jobs that succeed, stumble or fail, and what their clients were told.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};
use windlass_testkit::invariants::Acknowledged;
use windlass_types::AssignmentId;

use super::client::{Answer, Client};
use super::schedule::Schedule;

/// What clients have sent and were told.
#[derive(Default)]
pub(crate) struct Told {
    /// By key: what was sent, acknowledged or not.
    pub(crate) sent: BTreeMap<String, Value>,
    pub(crate) acknowledged: Vec<Acknowledged>,
    pub(crate) cancelled: Vec<AssignmentId>,
}

/// All clients together.
pub(crate) struct Load {
    told: Mutex<Told>,
    witness: PathBuf,
}

/// What share of the work runs processes.
#[derive(Clone, Copy)]
pub(crate) struct Mix {
    pub(crate) processes: f64,
    pub(crate) cancels: f64,
}

impl Mix {
    pub(crate) const NORMAL: Self = Self { processes: 0.5, cancels: 0.1 };
    /// Without processes: many more assignments in the same time.
    pub(crate) const LIGHT: Self = Self { processes: 0.0, cancels: 0.05 };
}

impl Load {
    pub(crate) fn new(witness: &Path) -> Self {
        Self { told: Mutex::default(), witness: witness.to_owned() }
    }

    pub(crate) fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What one job plays.
    fn script(&self, schedule: &Schedule, mix: Mix) -> String {
        let witness = format!("{{ witness = {:?} }}", self.witness.display().to_string());
        let ms = schedule.below(400);
        if !schedule.chance(mix.processes) {
            return "[[turn]]\nprocess = false\nsteps = [{ say = \"done\" }]".to_owned();
        }
        match schedule.below(10) {
            0 => format!(
                "[[turn]]\nattempt = 1\nsteps = [{witness}, {{ api_error = \"try again\" }}]\n[[turn]]\nsteps = [{witness}, {{ say = \"done\" }}]"
            ),
            1 => format!("[[turn]]\nsteps = [{witness}, {{ fail = \"it cannot be done\" }}]"),
            2 => format!("[[turn]]\nsteps = [{witness}, {{ background = \"sleep 60\" }}, {{ sleep_ms = {ms} }}, {{ say = \"done\" }}]"),
            _ => format!("[[turn]]\nsteps = [{witness}, {{ sleep_ms = {ms} }}, {{ say = \"done\" }}]"),
        }
    }

    /// A new assignment under a new key.
    pub(crate) fn assignment(&self, schedule: &Schedule, mix: Mix) -> Value {
        let key = format!("{:x}-{}", schedule.seed, self.told().sent.len());
        let jobs: Vec<Value> = (0..=schedule.below(3))
            .map(|_| json!({ "type": "plan", "harness": "simulated", "script": self.script(schedule, mix) }))
            .collect();
        let body = json!({ "north_star": "survive", "project": "scratch", "key": key, "policy": { "review": false }, "jobs": jobs });
        self.told().sent.insert(key, body.clone());
        body
    }

    /// Sends it, and remembers what was answered.
    pub(crate) fn send(&self, client: &Client, body: &Value) -> Option<AssignmentId> {
        let answer = client.post("/assignments", body)?;
        self.acknowledged(body, &answer)
    }

    pub(crate) fn acknowledged(&self, body: &Value, answer: &Answer) -> Option<AssignmentId> {
        if !answer.is_success() {
            return None;
        }
        let assignment = answer.body["assignment"]["id"].as_str()?.parse().ok()?;
        let key = body["key"].as_str()?.to_owned();
        self.told().acknowledged.push(Acknowledged { key, assignment });
        Some(assignment)
    }

    /// Calls one off, and remembers if that was taken.
    pub(crate) fn cancel(&self, client: &Client, id: AssignmentId) {
        if client.post(&format!("/assignments/{id}/cancel"), &json!({})).is_some_and(|a| a.is_success()) {
            self.told().cancelled.push(id);
        }
    }

    /// One client, until the schedule ends: sends, sends again, calls off.
    pub(crate) fn run(&self, clients: &[Client], schedule: &Schedule, mix: Mix, goes_on: impl Fn() -> bool) {
        while goes_on() {
            let client = schedule.pick(clients);
            let body = self.assignment(schedule, mix);
            let id = self.send(client, &body);
            // Who got no answer asks again; who got one may ask again all the same.
            if id.is_none() || schedule.chance(0.1) {
                self.send(schedule.pick(clients), &body);
            }
            if let Some(id) = id.filter(|_| schedule.chance(mix.cancels)) {
                schedule.pause(0..100);
                self.cancel(schedule.pick(clients), id);
            }
            schedule.pause(10..120);
        }
    }

    /// Sends again whatever was never acknowledged.
    pub(crate) fn settle_up(&self, client: &Client) {
        let open: Vec<Value> = {
            let told = self.told();
            told.sent.iter().filter(|(key, _)| !told.acknowledged.iter().any(|a| a.key == **key)).map(|(_, body)| body.clone()).collect()
        };
        for body in open {
            let answer = client.post("/assignments", &body);
            let id = answer.as_ref().and_then(|answer| self.acknowledged(&body, answer));
            assert!(id.is_some(), "an open submission is not taken after the fault: {answer:?}");
        }
    }
}
