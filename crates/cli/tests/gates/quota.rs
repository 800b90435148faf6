//! A provider's quota: the work waits until the reset, costs no retry, and holds nobody else up.

use windlass_testkit::repo::TempRepo;

use crate::bench::{Bench, assert_blocked, id};

#[test]
fn a_job_that_meets_a_quota_waits_until_the_reset_and_then_goes_on_by_itself() {
    let bench = Bench::with(TempRepo::failing_check(), "max_concurrent_tasks = 1\n", "");
    let a = bench.simulated(
        r#"[[turn]]
        steps = [{ quota = { retry_after_secs = 4 } }, { write = { path = "answer.txt", content = "42\n" } }, { say = "Done." }]"#,
        &["--verify", "./check.sh", "--no-review"],
    );
    let hold = bench.until_held(&a, 0, "parked");
    let until = hold["until"].as_str().expect("it says until when").to_owned();
    assert!(hold["reason"].as_str().unwrap().contains("quota"), "{hold:#}");
    let parked = &bench.jobs(&a)[0];
    assert_eq!(parked["status"], "queued");
    assert_eq!((&parked["failures"], &parked["parks"], &parked["attempts"]), (&0.into(), &1.into(), &1.into()), "{parked:#}");
    assert_eq!(bench.assignment(&a)["status"], "active", "nobody has to do anything");

    // The only slot is free meanwhile: work for another agent runs.
    let other = bench.command("echo 42 > answer.txt", &["--verify", "./check.sh"]);
    let other = bench.ended(&other);
    assert_eq!(other["status"], "complete", "{other:#}");
    let started = other["jobs"][0]["started_at"].as_str().unwrap().to_owned();
    assert!(started < until, "it did not wait for the quota: {started} / {until}");

    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    let job = bench.job(&id(&done["jobs"][0]));
    assert_eq!((&job["failures"], &job["attempts"]), (&0.into(), &2.into()), "{job:#}");
    let second = job["attempts_list"][1]["started_at"].as_str().unwrap();
    assert!(second >= until.as_str(), "not before the reset: {second} / {until}");
}

#[test]
fn a_quota_parks_its_agent_for_everybody_until_it_is_over_or_a_person_lifts_it() {
    let bench = Bench::new();
    let script = r#"
        [[turn]]
        type = "plan"
        steps = [{ quota = { retry_after_secs = 3600 } }]
        [[turn]]
        steps = [{ write = { path = "answer.txt", content = "42\n" } }, { say = "Done." }]"#;
    let first = bench.simulated(script, &["--type", "plan", "--no-review"]);
    bench.until_held(&first, 0, "parked");
    let second = bench.simulated(script, &["--no-review"]);
    let hold = bench.until_held(&second, 0, "harness_parked");
    assert!(hold["until"].is_string(), "{hold:#}");
    let parks = bench.ok(&["status"])["harness_parks"].clone();
    assert_eq!(parks[0]["harness"], "simulated", "{parks:#}");

    bench.ok(&["unpark", "simulated"]);
    assert_eq!(bench.ended(&second)["status"], "complete");
    assert_eq!(bench.jobs(&second)[0]["attempts"], 1, "it was not tried in vain while the agent was parked");
}

#[test]
fn a_quota_met_again_and_again_ends_as_a_dead_letter_and_not_in_an_endless_wait() {
    let bench = Bench::with(TempRepo::failing_check(), "", "max_parks = 2\ndefault_park = 0\n");
    let a = bench.simulated(
        r"[[turn]]
        steps = [{ quota = {} }, { quota = {} }, { quota = {} }, { quota = {} }]",
        &["--no-review"],
    );
    let done = bench.ended(&a);
    assert_blocked(&done, "rate_limited");
    let job = &done["jobs"][0];
    assert_eq!((&job["status"], &job["parks"], &job["failures"]), (&"dead".into(), &3.into(), &0.into()), "{job:#}");
}
