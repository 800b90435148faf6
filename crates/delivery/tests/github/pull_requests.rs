//! One pull request for a branch, whatever happens on the way.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Barrier;
use windlass_delivery::{ForgeProblem, Proposal, PullRequestState};
use windlass_testkit::forge::{Answer, Content, Fault};
use windlass_types::FailureClass;

use crate::support::{BRANCH, PROPOSAL, REPOSITORY, fake, forge, hasty_forge, methods, proposed, sha};

#[tokio::test]
async fn a_branch_gets_one_pull_request_however_often_it_is_wanted() {
    let fake = fake();
    let forge = forge(&fake);
    let first = proposed(&forge).await;
    assert_eq!((first.number, first.state, first.head_sha.as_str(), first.base.as_str()), (1, PullRequestState::Open, &*sha('b'), "main"));
    assert_eq!((first.title.as_str(), first.body.as_str()), ("Fix it", "It is fixed.\n"));
    let again = Proposal { title: "Another", body: "Another", ..PROPOSAL };
    assert_eq!(forge.ensure_pull_request(&again).await.unwrap(), first);
    assert_eq!(methods(&fake), ["GET", "POST", "GET"]);
    assert_eq!(fake.calls()[0].query[1], ("head".to_owned(), format!("acme:{BRANCH}")));
}

#[tokio::test]
async fn an_answer_that_was_lost_is_looked_for_and_not_repeated() {
    for fault in [
        Fault::HangUpAfterWork,
        Fault::AfterWork(Answer::error(502, "Server Error")),
        Fault::AfterWork(Answer::error(500, "Server Error")),
        Fault::AfterWork(Answer::of(201, Content::Broken)),
        Fault::AfterWork(Answer::of(200, Content::Text("<html>".to_owned()))),
    ] {
        let fake = fake();
        fake.fail_next("POST", "/pulls", fault.clone());
        assert_eq!(proposed(&forge(&fake)).await.number, 1, "{fault:?}");
        assert_eq!(methods(&fake), ["GET", "POST", "GET"], "{fault:?}");
        assert_eq!(fake.open_pulls(REPOSITORY).len(), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn an_answer_that_comes_too_late_is_looked_for() {
    let fake = fake();
    fake.fail_next("POST", "/pulls", Fault::Slow(Duration::from_mins(1)));
    assert_eq!(proposed(&hasty_forge(&fake, Duration::from_secs(3))).await.number, 1);
    assert_eq!(methods(&fake), ["GET", "POST", "GET"]);
}

#[tokio::test]
async fn a_crash_after_the_work_leaves_one_pull_request_that_the_next_life_finds() {
    let fake = fake();
    fake.fail_next("POST", "/pulls", Fault::HangUpAfterWork);
    // The first look finds none; the one after the lost answer does not get through.
    fake.fail_next("GET", "/pulls", Fault::Slow(Duration::ZERO));
    fake.fail_next("GET", "/pulls", Fault::HangUp);
    let error = forge(&fake).ensure_pull_request(&PROPOSAL).await.unwrap_err();
    assert!(matches!(error.problem, ForgeProblem::Unavailable(_)), "{error}");
    assert_eq!(proposed(&forge(&fake)).await.number, 1);
    assert_eq!(methods(&fake), ["GET", "POST", "GET", "GET"]);
    assert_eq!(fake.open_pulls(REPOSITORY).len(), 1);
}

#[tokio::test]
async fn what_was_not_done_is_an_error_and_done_by_the_next_call() {
    for fault in [Fault::HangUp, Fault::Instead(Answer::error(503, "Service Unavailable"))] {
        let fake = fake();
        let forge = forge(&fake);
        fake.fail_next("POST", "/pulls", fault);
        let error = forge.ensure_pull_request(&PROPOSAL).await.unwrap_err();
        assert!(matches!(error.problem, ForgeProblem::Unavailable(_)), "{error}");
        assert_eq!(methods(&fake), ["GET", "POST", "GET"], "looked for, and not sent again");
        assert_eq!(proposed(&forge).await.number, 1);
    }
}

#[tokio::test]
async fn one_that_is_said_to_exist_and_cannot_be_seen_yet_is_no_final_failure() {
    let exists = || Fault::Instead(Answer::already_exists("acme", BRANCH));
    let fake = fake();
    fake.fail_next("POST", "/pulls", exists());
    let error = forge(&fake).ensure_pull_request(&PROPOSAL).await.unwrap_err();
    assert_eq!(error.class(), FailureClass::Transient, "{error}");
    // And where looking fails, that is the failure.
    fake.fail_next("POST", "/pulls", exists());
    fake.fail_next("GET", "/pulls", Fault::Slow(Duration::ZERO));
    fake.fail_next("GET", "/pulls", Fault::Instead(Answer::secondary_limit(429, None)));
    let error = forge(&fake).ensure_pull_request(&PROPOSAL).await.unwrap_err();
    assert_eq!(error.class(), FailureClass::Parked, "{error}");
}

#[tokio::test]
async fn two_at_once_get_the_same_pull_request() {
    let fake = fake();
    let both = Arc::new(Barrier::new(2));
    // Both have seen that there is none before either may open one.
    fake.fail_next("GET", "/pulls", Fault::Together(Arc::clone(&both)));
    fake.fail_next("GET", "/pulls", Fault::Together(both));
    let (one, other) = (forge(&fake), forge(&fake));
    let (one, other) = tokio::join!(proposed(&one), proposed(&other));
    assert_eq!(one, other);
    assert_eq!(fake.open_pulls(REPOSITORY).len(), 1);
    assert_eq!(fake.calls().iter().filter(|call| call.status == Some(422)).count(), 1);
}

#[tokio::test]
async fn one_that_was_closed_or_merged_is_over_and_another_is_opened() {
    let fake = fake();
    let forge = forge(&fake);
    let first = proposed(&forge).await.number;
    fake.close(REPOSITORY, first);
    let second = proposed(&forge).await.number;
    fake.merge(REPOSITORY, second);
    let third = proposed(&forge).await.number;
    assert_eq!([first, second, third], [1, 2, 3]);
    let mut states = Vec::new();
    for number in [first, second, third] {
        states.push(forge.pull_request(number).await.unwrap().state);
    }
    assert_eq!(states, [PullRequestState::Closed, PullRequestState::Merged, PullRequestState::Open]);
}

#[tokio::test]
async fn another_branchs_pull_request_is_never_taken_for_ours() {
    let fake = fake();
    let forge = forge(&fake);
    fake.push(REPOSITORY, "other", &sha('c'));
    fake.push(REPOSITORY, "release", &sha('d'));
    let other = forge.ensure_pull_request(&Proposal { head: "other", ..PROPOSAL }).await.unwrap();
    forge.ensure_pull_request(&Proposal { base: "release", ..PROPOSAL }).await.unwrap();
    assert_eq!(forge.find_pull_request(BRANCH, "main").await, Ok(None));
    // A server that ignores the filter, and one that gives a fork's.
    let all = fake.calls().iter().find(|call| call.status == Some(201)).map(|call| call.answer.clone()).unwrap();
    fake.fail_next("GET", "/pulls", Fault::Instead(Answer::json(200, serde_json::json!([all]))));
    assert_eq!(forge.find_pull_request(BRANCH, "main").await, Ok(None));
    let mut fork = all;
    fork["head"]["ref"] = BRANCH.into();
    fork["head"]["repo"]["id"] = 4711.into();
    for repo in [fork["head"]["repo"].clone(), serde_json::Value::Null] {
        fork["head"]["repo"] = repo;
        fake.fail_next("GET", "/pulls", Fault::Instead(Answer::json(200, serde_json::json!([fork]))));
        assert_eq!(forge.find_pull_request(BRANCH, "main").await, Ok(None));
    }
    assert_eq!(other.number, 1);
}

#[tokio::test]
async fn the_text_is_changed_where_it_differs_and_only_there() {
    let fake = fake();
    let forge = forge(&fake);
    let first = proposed(&forge).await;
    let before = fake.calls().len();
    assert_eq!(forge.update_text(&first, "Fix\n it ", "It is fixed.\r\n\n").await.unwrap(), first, "the same to a reader");
    assert_eq!(fake.calls().len(), before);
    let second = forge.update_text(&first, "Fix it well", "It is fixed.").await.unwrap();
    assert_eq!((second.title.as_str(), second.body.as_str()), ("Fix it well", "It is fixed.\n"));
    assert_eq!(fake.calls().last().unwrap().body, serde_json::json!({"title": "Fix it well"}));
    let third = forge.update_text(&second, "Fix it well", "").await.unwrap();
    assert_eq!((third.title.as_str(), third.body.as_str()), ("Fix it well", ""));
    assert_eq!(fake.open_pulls(REPOSITORY), [(1, "Fix it well".to_owned(), String::new())]);
    let error = forge.update_text(&third, " \n", "x").await.unwrap_err();
    assert!(matches!(error.problem, ForgeProblem::Invalid(_)), "{error}");
}

#[tokio::test]
async fn the_state_of_a_pull_request_is_what_the_forge_says_now() {
    let fake = fake();
    let forge = forge(&fake);
    let number = proposed(&forge).await.number;
    let mut seen = Vec::new();
    for (mergeable, digit) in [(None, 'c'), (Some(true), 'd'), (Some(false), 'e')] {
        fake.set_mergeable(REPOSITORY, number, mergeable);
        fake.push(REPOSITORY, BRANCH, &sha(digit));
        let now = forge.pull_request(number).await.unwrap();
        seen.push((now.mergeable, now.head_sha));
    }
    assert_eq!(seen, [(None, sha('c')), (Some(true), sha('d')), (Some(false), sha('e'))]);
}

#[tokio::test]
async fn hostile_text_passes_as_data_and_not_as_anything_else() {
    let fake = fake();
    let forge = forge(&fake);
    let body =
        "\"}, {\"state\": \"closed\"}\n<img src=x onerror=alert(1)> @everyone fixes #1 ::set-output x=y ```\u{202e}\u{0}\u{1b}[31m\r\n$(x)";
    let title = "Fix\r\nBcc: x@example.invalid\u{0} \u{1b}]0;x\u{7} <b>\"&per_page=1#";
    let made = forge.ensure_pull_request(&Proposal { title, body, ..PROPOSAL }).await.unwrap();
    assert_eq!(made.title, "Fix Bcc: x@example.invalid ]0;x <b>\"&per_page=1#");
    let kept = "\"}, {\"state\": \"closed\"}\n<img src=x onerror=alert(1)> @everyone fixes #1 ::set-output x=y ```\u{202e}[31m\n$(x)";
    assert_eq!(made.body, kept);
    assert_eq!(fake.open_pulls(REPOSITORY), [(1, made.title.clone(), made.body.clone())]);
    // The same from the other side.
    let mut wire = fake.calls().pop().unwrap().answer;
    for (field, bad) in [("html_url", "javascript:alert(1)"), ("state", "strange")] {
        let good = std::mem::replace(&mut wire[field], bad.into());
        fake.fail_next("GET", "/pulls/1", Fault::Instead(Answer::json(200, wire.clone())));
        let error = forge.pull_request(1).await.unwrap_err();
        assert!(matches!(error.problem, ForgeProblem::BadAnswer(_)), "{error}");
        wire[field] = good;
    }
    wire["head"]["sha"] = "../../etc".into();
    fake.fail_next("GET", "/pulls/1", Fault::Instead(Answer::json(200, wire)));
    assert!(matches!(forge.pull_request(1).await.unwrap_err().problem, ForgeProblem::BadAnswer(_)));
}

#[tokio::test]
async fn a_branchs_name_stays_one_part_of_the_query() {
    let fake = fake();
    let branch = "a&state=all#x+y=ü@{%2F}";
    fake.push(REPOSITORY, branch, &sha('c'));
    let made = forge(&fake).ensure_pull_request(&Proposal { head: branch, ..PROPOSAL }).await.unwrap();
    assert_eq!(forge(&fake).find_pull_request(branch, "main").await.unwrap(), Some(made));
    let wanted = ("head".to_owned(), format!("acme:{branch}"));
    assert_eq!(fake.calls().last().unwrap().query[1], wanted);
}

#[tokio::test]
async fn more_open_pull_requests_than_are_read_are_not_taken_for_none() {
    let fake = fake();
    let endless = Answer::json(200, serde_json::json!([])).header("link", "<http://x/?page=2>; rel=\"next\"");
    for _ in 0..10 {
        fake.fail_next("GET", "/pulls", Fault::Instead(endless.clone()));
    }
    let error = forge(&fake).ensure_pull_request(&PROPOSAL).await.unwrap_err();
    assert!(matches!(error.problem, ForgeProblem::TooMuch { .. }), "{error}");
    assert_eq!(methods(&fake), ["GET"; 10]);
}
