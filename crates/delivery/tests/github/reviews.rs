//! Reviews as plain data.

use windlass_delivery::{Association, MAX_COMMENT_BYTES, Review, ReviewState, Reviews};
use windlass_testkit::forge::{FakeGitHub, NewReview, ReviewState as Written};

use crate::support::{REPOSITORY, fake, forge, proposed};

/// A fake with a pull request.
async fn with_pull_request() -> FakeGitHub {
    let fake = fake();
    proposed(&forge(&fake)).await;
    fake
}

async fn read(fake: &FakeGitHub, since: Option<&Review>) -> Reviews {
    forge(fake).reviews(1, since.map(Review::mark)).await.unwrap()
}

fn at(minute: u32) -> String {
    format!("2026-02-01T10:{minute:02}:00Z")
}

fn bodies(reviews: &Reviews) -> Vec<&str> {
    reviews.items.iter().map(|review| review.body.as_str()).collect()
}

#[tokio::test]
async fn a_review_has_its_author_their_standing_and_its_comments() {
    let fake = with_pull_request().await;
    let id = fake.review(REPOSITORY, 1, NewReview::of("ada", Written::ChangesRequested, "Not yet.", &at(1)));
    let first = fake.review_comment(REPOSITORY, 1, id, "src/lib.rs", Some(7), "Off by one.");
    let second = fake.review_comment(REPOSITORY, 1, id, "src/gone.rs", None, "Why?");
    let gone = NewReview { author: None, association: "NONE".to_owned(), ..NewReview::of("", Written::Approved, "", &at(2)) };
    fake.review(REPOSITORY, 1, gone);
    let Reviews { items, complete } = read(&fake, None).await;
    let [review, ghost] = items.as_slice() else { panic!("{items:?}") };
    assert!(complete);
    assert_eq!((review.id, review.author.as_str(), review.association), (id, "ada", Association::Collaborator));
    assert_eq!((review.state, review.body.as_str()), (ReviewState::ChangesRequested, "Not yet."));
    assert_eq!(review.submitted_at.to_string(), "2026-02-01T10:01:00.000Z");
    let comments: Vec<_> = review.comments.iter().map(|c| (c.id, c.author.as_str(), c.path.as_str(), c.line, c.body.as_str())).collect();
    assert_eq!(comments, [(first, "ada", "src/lib.rs", Some(7), "Off by one."), (second, "ada", "src/gone.rs", None, "Why?")]);
    assert_eq!((ghost.author.as_str(), ghost.association, ghost.state), ("ghost", Association::Stranger, ReviewState::Approved));
}

#[tokio::test]
async fn only_what_was_submitted_after_the_given_one_comes() {
    let fake = with_pull_request().await;
    for (minute, body) in [(1, "one"), (2, "two"), (3, "three")] {
        let id = fake.review(REPOSITORY, 1, NewReview::of("ada", Written::Commented, body, &at(minute)));
        fake.review_comment(REPOSITORY, 1, id, "a", Some(1), body);
    }
    let all = read(&fake, None).await;
    assert_eq!(bodies(&all), ["one", "two", "three"]);
    let later = read(&fake, Some(&all.items[0])).await;
    assert_eq!(bodies(&later), ["two", "three"]);
    assert!(later.items.iter().all(|review| review.comments.len() == 1 && review.comments[0].body == review.body));
    assert_eq!(read(&fake, all.items.last()).await, Reviews { items: vec![], complete: true });
}

#[tokio::test]
async fn a_review_that_was_begun_earlier_and_submitted_later_is_not_missed() {
    let fake = with_pull_request().await;
    let draft = NewReview { submitted_at: None, ..NewReview::of("ada", Written::Pending, "", "") };
    let slow = fake.review(REPOSITORY, 1, draft);
    fake.review_comment(REPOSITORY, 1, slow, "a", Some(1), "Written first.");
    let quick = fake.review(REPOSITORY, 1, NewReview::of("bob", Written::Approved, "quick", &at(1)));
    let first = read(&fake, None).await;
    assert_eq!(bodies(&first), ["quick"], "a draft is its author's alone");
    fake.submit(REPOSITORY, 1, slow, NewReview::of("ada", Written::ChangesRequested, "slow", &at(2)));
    let second = read(&fake, first.items.last()).await;
    assert!(slow < quick && bodies(&second) == ["slow"], "{second:?}");
    assert_eq!(second.items[0].comments[0].body, "Written first.");
}

#[tokio::test]
async fn what_strangers_write_is_bounded_and_their_standing_is_told() {
    let fake = with_pull_request().await;
    let long = format!("\u{1b}[2J{}", "ä".repeat(MAX_COMMENT_BYTES));
    for (minute, (word, _)) in ASSOCIATIONS.iter().enumerate() {
        let new = NewReview::of("a\u{7}b", Written::Dismissed, &long, &at(minute as u32));
        let id = fake.review(REPOSITORY, 1, NewReview { association: (*word).to_owned(), ..new });
        fake.review_comment(REPOSITORY, 1, id, "a\n../b\u{0}", Some(1), &long);
    }
    let reviews = read(&fake, None).await;
    let standing: Vec<Association> = reviews.items.iter().map(|review| review.association).collect();
    assert_eq!(standing, ASSOCIATIONS.map(|(_, association)| association));
    for review in &reviews.items {
        let comment = &review.comments[0];
        assert_eq!((review.author.as_str(), comment.path.as_str()), ("a b", "a ../b"));
        for body in [&review.body, &comment.body] {
            assert!(body.starts_with("[2Jä") && body.len() < MAX_COMMENT_BYTES + 40 && body.ends_with(" bytes more]"), "{body}");
        }
    }
}

const ASSOCIATIONS: [(&str, Association); 9] = [
    ("OWNER", Association::Owner),
    ("MEMBER", Association::Member),
    ("COLLABORATOR", Association::Collaborator),
    ("CONTRIBUTOR", Association::Contributor),
    ("FIRST_TIMER", Association::Stranger),
    ("FIRST_TIME_CONTRIBUTOR", Association::Stranger),
    ("MANNEQUIN", Association::Stranger),
    ("NONE", Association::Stranger),
    ("A_WORD_OF_TOMORROW", Association::Stranger),
];

#[tokio::test]
async fn more_than_is_read_is_said_to_be_more() {
    let fake = with_pull_request().await;
    let id = fake.review(REPOSITORY, 1, NewReview::of("ada", Written::Commented, "one", &at(1)));
    for n in 0..1001 {
        fake.review_comment(REPOSITORY, 1, id, "a", Some(1), &format!("comment {n}"));
    }
    let reviews = read(&fake, None).await;
    let comments = &reviews.items[0].comments;
    assert_eq!((reviews.complete, comments.len(), comments[0].body.as_str()), (false, 1000, "comment 1"), "the newest are kept");
}
