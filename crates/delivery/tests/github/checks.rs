//! Check runs and statuses as one verdict.

use windlass_delivery::{Checks, ChecksVerdict, FailedCheck, ForgeProblem, MAX_FAILED_CHECKS};
use windlass_testkit::forge::{Answer, FakeGitHub, Fault};

use crate::support::{REPOSITORY, fake, forge, sha};

async fn verdict(fake: &FakeGitHub) -> Checks {
    forge(fake).checks(&sha('b')).await.unwrap()
}

#[tokio::test]
async fn green_needs_every_check_run_and_every_status() {
    use ChecksVerdict::{Failure, Pending, Success, Unreported};
    for (runs, statuses, want) in [
        (vec![], vec![], Unreported),
        (vec![Some("success")], vec![], Success),
        (vec![], vec!["success"], Success),
        (vec![Some("success"), Some("neutral"), Some("skipped")], vec!["success"], Success),
        (vec![Some("success"), None], vec!["success"], Pending),
        (vec![Some("success")], vec!["pending"], Pending),
        (vec![Some("success")], vec!["a-word-of-tomorrow"], Pending),
        (vec![Some("failure")], vec!["success"], Failure),
        (vec![Some("success")], vec!["failure"], Failure),
        (vec![Some("success")], vec!["error"], Failure),
        (vec![Some("failure"), None], vec!["pending"], Failure),
        (vec![Some("cancelled")], vec![], Failure),
        (vec![Some("timed_out")], vec![], Failure),
        (vec![Some("action_required")], vec![], Failure),
        (vec![Some("stale")], vec![], Failure),
        (vec![Some("a-word-of-tomorrow")], vec![], Failure),
    ] {
        let fake = fake();
        for (n, conclusion) in runs.iter().enumerate() {
            fake.check_run(REPOSITORY, &sha('b'), &format!("run {n}"), *conclusion);
        }
        for (n, state) in statuses.iter().enumerate() {
            fake.status(REPOSITORY, &sha('b'), &format!("status {n}"), state);
        }
        // Another commit's checks say nothing of this one.
        fake.check_run(REPOSITORY, &sha('c'), "other", Some("failure"));
        fake.status(REPOSITORY, &sha('c'), "other", "failure");
        let checks = verdict(&fake).await;
        assert_eq!((checks.verdict, checks.total), (want, runs.len() + statuses.len()), "{runs:?} {statuses:?}");
        assert_eq!(checks.failed.is_empty(), want != Failure);
    }
}

#[tokio::test]
async fn what_failed_is_named_with_its_link() {
    let fake = fake();
    fake.check_run(REPOSITORY, &sha('b'), "test\u{1b}[31m / unit\n<b>", Some("timed_out"));
    fake.check_run(REPOSITORY, &sha('b'), "fine", Some("success"));
    fake.check_run(REPOSITORY, &sha('b'), "running", None);
    fake.status(REPOSITORY, &sha('b'), "deploy", "error");
    let checks = verdict(&fake).await;
    assert_eq!((checks.total, checks.pending), (4, 1));
    let [run, status] = checks.failed.as_slice() else { panic!("{checks:?}") };
    assert_eq!((run.name.as_str(), run.conclusion.as_str()), ("test [31m / unit <b>", "timed_out"));
    assert!(run.link.as_ref().unwrap().starts_with("https://forge.example/acme/anvil/runs/"), "{run:?}");
    assert_eq!((status.name.as_str(), status.conclusion.as_str()), ("deploy", "error"));
    assert!(status.link.as_ref().unwrap().starts_with("https://ci.example/status/"), "{status:?}");
}

#[tokio::test]
async fn a_link_that_is_none_is_left_out() {
    let fake = fake();
    let run = |html_url: &str, details_url: &str| serde_json::json!({"name": "n", "status": "completed", "conclusion": "failure", "html_url": html_url, "details_url": details_url});
    for (html_url, details_url, want) in
        [("javascript:alert(1)", "https://ci.example/1", Some("https://ci.example/1")), ("javascript:alert(1)", "file:///etc/passwd", None)]
    {
        let page = serde_json::json!({"total_count": 1, "check_runs": [run(html_url, details_url)]});
        fake.fail_next("GET", "/check-runs", Fault::Instead(Answer::json(200, page)));
        let failed = FailedCheck { name: "n".into(), conclusion: "failure".into(), link: want.map(str::to_owned) };
        assert_eq!(verdict(&fake).await.failed, [failed]);
    }
}

#[tokio::test]
async fn all_pages_count_and_the_list_of_the_failed_is_bounded() {
    let fake = fake();
    for n in 0..250 {
        fake.check_run(REPOSITORY, &sha('b'), &format!("run {n}"), Some("success"));
    }
    assert_eq!((verdict(&fake).await.verdict, verdict(&fake).await.total), (ChecksVerdict::Success, 250));
    for n in 0..100 {
        fake.check_run(REPOSITORY, &sha('b'), &format!("run {n}"), Some("failure"));
    }
    let checks = verdict(&fake).await;
    assert_eq!((checks.verdict, checks.failed.len()), (ChecksVerdict::Failure, MAX_FAILED_CHECKS));
}

#[tokio::test]
async fn checks_that_were_not_all_read_are_never_green() {
    let fake = fake();
    for n in 0..1001 {
        fake.check_run(REPOSITORY, &sha('b'), &format!("run {n}"), Some("success"));
    }
    let error = forge(&fake).checks(&sha('b')).await.unwrap_err();
    assert!(matches!(error.problem, ForgeProblem::TooMuch { .. }), "{error}");
}

#[tokio::test]
async fn a_commit_is_named_by_its_whole_hash() {
    let fake = fake();
    for bad in ["", "main", "../../user", "heads/main", "abc", &"g".repeat(40), &format!("{}/", sha('a'))] {
        let error = forge(&fake).checks(bad).await.unwrap_err();
        assert!(matches!(error.problem, ForgeProblem::Invalid(_)), "{bad:?} {error}");
    }
    assert!(fake.calls().is_empty());
}
