//! A comment is made once.

use windlass_delivery::ForgeProblem;
use windlass_testkit::forge::{Answer, Fault};

use crate::support::{REPOSITORY, fake, forge, methods, proposed};

#[tokio::test]
async fn a_comment_with_a_key_is_made_once() {
    let fake = fake();
    let forge = forge(&fake);
    let number = proposed(&forge).await.number;
    assert_eq!(forge.comment_once(number, "att_1", "The check passes.").await, Ok(true));
    assert_eq!(forge.comment_once(number, "att_1", "The check passes, still.").await, Ok(false));
    assert_eq!(forge.comment_once(number, "att_12", "Another.").await, Ok(true), "one key is not another's beginning");
    assert_eq!(forge.comment_once(number, "att_2", "A third.").await, Ok(true));
    let comments = fake.comments(REPOSITORY, number);
    assert_eq!(comments.len(), 3);
    assert_eq!(comments[0], "<!-- windlass att_1 -->\nThe check passes.");
}

#[tokio::test]
async fn a_comment_whose_answer_was_lost_is_not_made_again() {
    for fault in [Fault::HangUpAfterWork, Fault::AfterWork(Answer::error(502, "Server Error"))] {
        let fake = fake();
        let forge = forge(&fake);
        let number = proposed(&forge).await.number;
        fake.fail_next("POST", "/comments", fault);
        let error = forge.comment_once(number, "k", "x").await.unwrap_err();
        assert!(matches!(error.problem, ForgeProblem::Unavailable(_)), "{error}");
        assert_eq!(forge.comment_once(number, "k", "x").await, Ok(false));
        assert_eq!(fake.comments(REPOSITORY, number).len(), 1);
    }
}

#[tokio::test]
async fn a_key_that_is_only_quoted_is_not_a_comments_key() {
    let fake = fake();
    let forge = forge(&fake);
    let number = proposed(&forge).await.number;
    fake.comment(REPOSITORY, number, "somebody", "> <!-- windlass k -->");
    assert_eq!(forge.comment_once(number, "other", "<!-- windlass k -->").await, Ok(true));
    assert_eq!(forge.comment_once(number, "k", "x").await, Ok(true));
}

#[tokio::test]
async fn a_comment_is_looked_for_on_every_page() {
    let fake = fake();
    let forge = forge(&fake);
    let number = proposed(&forge).await.number;
    for n in 0..100 {
        fake.comment(REPOSITORY, number, "somebody", &format!("comment {n}"));
    }
    assert_eq!(forge.comment_once(number, "k", "x").await, Ok(true));
    assert_eq!(forge.comment_once(number, "k", "x").await, Ok(false));
    assert_eq!(methods(&fake), ["GET", "POST", "GET", "POST", "GET", "GET"]);
    for n in 0..1000 {
        fake.comment(REPOSITORY, number, "somebody", &format!("comment {n}"));
    }
    let error = forge.comment_once(number, "another", "x").await.unwrap_err();
    assert!(matches!(error.problem, ForgeProblem::TooMuch { .. }), "{error}");
}

#[tokio::test]
async fn a_key_that_could_end_its_marker_is_refused() {
    let fake = fake();
    let forge = forge(&fake);
    for key in ["", "a b", "a-->", "a--b", "a\n", "ä", &"x".repeat(101)] {
        let error = forge.comment_once(1, key, "x").await.unwrap_err();
        assert!(matches!(error.problem, ForgeProblem::Invalid(_)), "{key:?} {error}");
    }
    assert!(fake.calls().is_empty());
}
