//! Requests that arrive one to three times, late and out of order: one effect, the same answer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use serde_json::{Value, json};

use super::bed::{Backend, Bed, on_both_databases};
use super::client::Client;
use super::load::Mix;
use super::schedule::Schedule;

/// Each of them one to three times, in any order.
fn repeated<T: Clone>(schedule: &Schedule, all: &[T]) -> Vec<T> {
    let mut drawn: Vec<(f64, T)> =
        all.iter().flat_map(|one| (0..=schedule.below(3)).map(|_| (schedule.fraction(), one.clone())).collect::<Vec<_>>()).collect();
    drawn.sort_by(|a, b| a.0.total_cmp(&b.0));
    drawn.into_iter().map(|(_, one)| one).collect()
}

/// What an answer says that must be the same every time.
fn essence(body: &Value) -> (String, Vec<String>) {
    let id = |value: &Value| value["id"].as_str().unwrap().to_owned();
    (id(&body["assignment"]), body["jobs"].as_array().unwrap().iter().map(id).collect())
}

fn requests_are_repeated(row: &'static str, backend: Backend) {
    let Some(mut bed) = Bed::new(row, backend, 1) else { return };
    bed.start_all();
    let data = bed.nodes[0].data.clone();
    while bed.schedule.goes_on() {
        let bodies: Vec<Value> = (0..10).map(|_| bed.load.assignment(&bed.schedule, Mix::LIGHT)).collect();
        let answers = Mutex::new(BTreeMap::<String, Vec<Value>>::new());
        let (load, answers) = (&bed.load, &answers);
        // Three senders at once, each with its own order.
        std::thread::scope(|scope| {
            for stream in 1..=3 {
                let all = repeated(&bed.schedule.fork(stream), &bodies);
                let client = Client::of(&data);
                scope.spawn(move || {
                    for body in all {
                        let answer = client.post("/assignments", &body).unwrap();
                        assert!(load.acknowledged(&body, &answer).is_some(), "{answer:?}");
                        answers.lock().unwrap().entry(body["key"].to_string()).or_default().push(answer.body);
                    }
                });
            }
        });
        let client = Client::of(&data);
        let mut made = Vec::new();
        for (key, all) in answers.lock().unwrap().iter() {
            let different: BTreeSet<_> = all.iter().map(essence).collect();
            assert_eq!(different.len(), 1, "key {key} was answered differently: {all:#?}");
            assert!(all.iter().filter(|answer| answer["created"] == true).count() <= 1, "key {key} was made twice");
            made.extend(different);
        }
        // A cancel that comes again changes nothing more, and says the same.
        for (id, _) in repeated(&bed.schedule, &made[..made.len() / 3]) {
            let answer = client.post(&format!("/assignments/{id}/cancel"), &json!({})).unwrap();
            if answer.is_success() {
                assert_eq!(answer.body["status"], "cancelled");
                bed.load.told().cancelled.push(id.parse().unwrap());
            } else {
                assert_eq!(answer.status, 409, "only what is complete cannot be cancelled: {answer:?}");
            }
        }
        // So does a pause, and its end.
        for path in repeated(&bed.schedule, &["/pause"]).iter().chain(&repeated(&bed.schedule, &["/resume"])) {
            assert!(client.post(path, &json!({})).unwrap().is_success());
        }
    }
    bed.assert_every_promise_was_kept();
}

on_both_databases!(requests_are_repeated:
    a_request_that_is_repeated_has_one_effect_on_sqlite,
    a_request_that_is_repeated_has_one_effect_on_postgres);
