//! Jobs that are poison: they end by a limit or as dead letters, their neighbours go on, and the daemon stays small.

use std::time::Duration;

use serde_json::{Value, json};
use windlass_types::{Job, JobStatus};

use super::bed::{Backend, Bed, on_both_databases};
use super::load::Mix;
use super::schedule::eventually;

/// The most memory that a debug build may ever have needed, in KiB.
const MEMORY_MAX_KIB: u64 = 200 * 1024;

/// What each of them plays, every time.
const POISON: [(&str, &str); 6] = [
    // Takes more memory than it is given, and dies of it.
    ("hungry", r#"{ run = "ulimit -v 200000; tail /dev/zero" }, { crash = true }"#),
    ("forking", r#"{ run = "i=0; while [ $i -lt 100 ]; do setsid sleep 300 & i=$((i+1)); done" }, { stall = true }"#),
    ("flooding", "{ flood_mib = 32 }, { stall = true }"),
    ("deaf", "{ ignore_sigterm = true }, { stall = true }"),
    ("chatty", r#"{ run = "head -c 30000000 /dev/zero | tr '\\0' x" }, { garbage = true }, { crash = true }"#),
    ("silent", "{ stall = true }"),
];

fn submit(bed: &Bed, key: &str, job: &Value) {
    let body = json!({ "north_star": key, "project": "scratch", "key": key, "policy": { "review": false }, "jobs": [job] });
    bed.load.told().sent.insert(key.to_owned(), body.clone());
    assert!(bed.load.send(&bed.client(0), &body).is_some());
}

fn poison_among_neighbours(row: &'static str, backend: Backend) {
    let Some(mut bed) = Bed::new(row, backend, 1) else { return };
    let settings = bed.nodes[0].data.join("windlass.toml");
    let text = std::fs::read_to_string(&settings).unwrap().replace("grace = 2", "grace = 2\noutput_max_bytes = 8000000");
    std::fs::write(&settings, text).unwrap();
    bed.start_all();
    for (name, steps) in POISON {
        // A crash happens once in a session and turn: each attempt has a turn of its own.
        let script = format!("[[turn]]\nattempt = 1\nsteps = [{steps}]\n[[turn]]\nsteps = [{steps}]");
        submit(&bed, name, &json!({ "type": "plan", "harness": "simulated", "script": script, "timeout_secs": 3, "max_retries": 1 }));
    }
    for number in 0..20 {
        let script = "[[turn]]\nsteps = [{ sleep_ms = 50 }, { say = \"done\" }]";
        submit(&bed, &format!("neighbour-{number}"), &json!({ "type": "plan", "harness": "simulated", "script": script }));
    }
    let history = bed.come_to_rest();
    let of = |key: &str| -> &Job {
        let assignment = history.assignments.iter().find(|a| a.north_star == key).unwrap();
        history.jobs.iter().find(|job| job.assignment_id == assignment.id).unwrap()
    };
    for (name, _) in POISON {
        let job = of(name);
        assert!(matches!(job.status, JobStatus::Dead | JobStatus::Failed), "{name} is {}: {job:#?}", job.status);
    }
    for number in 0..20 {
        let job = of(&format!("neighbour-{number}"));
        assert_eq!((job.status, job.failures, job.rescues), (JobStatus::Succeeded, 0, 0), "{job:#?}");
    }
    let status = std::fs::read_to_string(format!("/proc/{}/status", bed.nodes[0].pid())).unwrap();
    let peak =
        status.lines().find_map(|l| l.strip_prefix("VmHWM:")).and_then(|l| l.trim().strip_suffix(" kB")?.parse::<u64>().ok()).unwrap();
    println!("{row}: the daemon needed {peak} KiB at most");
    assert!(peak < MEMORY_MAX_KIB, "{peak} KiB");
    bed.assert_every_promise_was_kept();
}

on_both_databases!(poison_among_neighbours:
    poison_ends_by_its_limits_and_harms_no_neighbour_on_sqlite,
    poison_ends_by_its_limits_and_harms_no_neighbour_on_postgres);

/// Whenever it runs, its worker dies.
fn a_job_that_takes_its_worker_down(row: &'static str, backend: Backend) {
    let Some(mut bed) = Bed::new(row, backend, 1) else { return };
    let settings = bed.nodes[0].data.join("windlass.toml");
    let text = std::fs::read_to_string(&settings).unwrap().replace("max_rescues = 100000", "max_rescues = 2");
    std::fs::write(&settings, text).unwrap();
    bed.start_all();
    let script = format!("[[turn]]\nsteps = [{{ witness = {:?} }}, {{ stall = true }}]", bed.witness().display().to_string());
    submit(&bed, "deadly", &json!({ "type": "plan", "harness": "simulated", "script": script }));
    for life in 1..=3 {
        eventually("the poison runs", Duration::from_mins(1), || {
            (windlass_testkit::witness::read(bed.witness()).len() == life).then_some(())
        });
        bed.nodes[0].kill();
        assert!(bed.nodes[0].start());
    }
    let body = bed.load.assignment(&bed.schedule, Mix::LIGHT);
    assert!(bed.load.send(&bed.client(0), &body).is_some());
    let history = bed.come_to_rest();
    let dead: Vec<&Job> = history.jobs.iter().filter(|job| job.status == JobStatus::Dead).collect();
    assert_eq!(dead.len(), 1, "{:#?}", history.jobs);
    assert_eq!((dead[0].rescues, dead[0].failures), (3, 0));
    bed.assert_every_promise_was_kept();
}

on_both_databases!(a_job_that_takes_its_worker_down:
    a_job_that_takes_its_worker_down_is_dead_after_its_rescues_on_sqlite,
    a_job_that_takes_its_worker_down_is_dead_after_its_rescues_on_postgres);
