//! Every class of failure, and what no failure may give away.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::time::Duration;

use windlass_delivery::{ForgeConfig, ForgeError, ForgeProblem, ForgeServer, forge_of};
use windlass_testkit::forge::{Answer, Content, FakeGitHub, Fault};
use windlass_types::{Clock, FailureClass};

use crate::support::{BRANCH, NOW, PROPOSAL, REPOSITORY, fake, forge, forge_with, hasty_forge, methods, sha, shown};

async fn failure(fake: &FakeGitHub, fault: Fault) -> ForgeError {
    fake.fail_next("GET", "/pulls", fault);
    forge(fake).find_pull_request(BRANCH, "main").await.unwrap_err()
}

#[tokio::test]
async fn a_wrong_token_is_configuration() {
    let fake = fake();
    let error = forge_with(&fake, &ForgeConfig::new(fake.url(), "another-token")).ensure_pull_request(&PROPOSAL).await.unwrap_err();
    assert_eq!(error.problem, ForgeProblem::Unauthorized { words: "Bad credentials".to_owned() });
    assert_eq!(error.class(), FailureClass::Configuration);
    assert!(error.hint().unwrap().contains("expired") && error.to_string().contains("look for the pull request"), "{error}");
    assert!(!shown(&error).contains("another-token"));
    assert_eq!(methods(&fake), ["GET"]);
}

#[tokio::test]
async fn a_missing_permission_is_configuration_and_named() {
    let fake = fake();
    let words = "Resource not accessible by personal access token";
    let refusal = Answer::error(403, words).header("x-accepted-github-permissions", "pull_requests=write");
    fake.fail_next("POST", "/pulls", Fault::Instead(refusal));
    let error = forge(&fake).ensure_pull_request(&PROPOSAL).await.unwrap_err();
    assert_eq!((error.class(), methods(&fake)), (FailureClass::Configuration, vec!["GET".to_owned(), "POST".to_owned()]));
    assert!(error.to_string().contains(words) && error.hint().unwrap().contains("pull_requests=write"), "{}", shown(&error));
}

#[tokio::test]
async fn a_repository_that_is_not_seen_is_configuration() {
    let fake = fake();
    let server = ForgeServer::new(&ForgeConfig::new(fake.url(), fake.token()), Clock::manual(NOW)).unwrap();
    let forge = forge_of(&fake.address("acme/other"), &server).unwrap();
    let error = forge.checks(&sha('b')).await.unwrap_err();
    assert!(matches!(error.problem, ForgeProblem::NotFound { .. }), "{error}");
    assert_eq!(error.class(), FailureClass::Configuration);
    assert!(error.to_string().contains("acme/other") && error.hint().unwrap().contains("Checks: read"), "{}", shown(&error));
}

#[tokio::test]
async fn a_refused_content_is_permanent_in_the_forges_words() {
    let fake = fake();
    fake.push(REPOSITORY, "same", &sha('a'));
    let same = windlass_delivery::Proposal { head: "same", ..PROPOSAL };
    let missing = windlass_delivery::Proposal { head: "missing", ..PROPOSAL };
    for (wanted, words) in [(same, "No commits between main and same"), (missing, "head is invalid")] {
        let error = forge(&fake).ensure_pull_request(&wanted).await.unwrap_err();
        assert_eq!(error.problem, ForgeProblem::Refused { status: 422, words: format!("Validation Failed: {words}") });
        assert_eq!(error.class(), FailureClass::Permanent);
    }
}

#[tokio::test]
async fn a_rate_limit_parks_until_its_end_and_nothing_is_tried_again() {
    for (answer, seconds) in [
        (Answer::primary_limit(NOW.0 / 1000 + 90), 90),
        (Answer::secondary_limit(403, Some(30)), 30),
        (Answer::secondary_limit(429, Some(30)), 30),
        (Answer::secondary_limit(403, None), 60),
        (Answer::secondary_limit(429, None), 60),
    ] {
        let fake = fake();
        fake.fail_next("POST", "/pulls", Fault::Instead(answer));
        let error = forge(&fake).ensure_pull_request(&PROPOSAL).await.unwrap_err();
        let until = NOW.plus_ms(seconds * 1000);
        assert_eq!((error.class(), error.retry_at()), (FailureClass::Parked, Some(until)), "{error}");
        assert_eq!(methods(&fake), ["GET", "POST"]);
    }
}

#[tokio::test]
async fn a_forge_that_cannot_answer_is_transient() {
    let fake = fake();
    for fault in [
        Fault::HangUp,
        Fault::HangUpAfterWork,
        Fault::Instead(Answer::error(500, "Server Error")),
        Fault::Instead(Answer::of(502, Content::Text("<html>Bad Gateway</html>".to_owned()))),
        Fault::Instead(Answer::error(503, "Service Unavailable")),
        Fault::Instead(Answer::of(200, Content::Broken)),
    ] {
        let error = failure(&fake, fault.clone()).await;
        assert!(matches!(error.problem, ForgeProblem::Unavailable(_)), "{fault:?} {error}");
        assert_eq!(error.class(), FailureClass::Transient);
    }
    assert_eq!(methods(&fake), ["GET"; 6], "nothing is tried again here");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_transient() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/api/v3", listener.local_addr().unwrap());
    drop(listener);
    let server = ForgeServer::new(&ForgeConfig::new(url, "a-token-0123"), Clock::manual(NOW)).unwrap();
    let error = forge_of("https://127.0.0.1/o/r", &server).unwrap().pull_request(1).await.unwrap_err();
    assert!(matches!(&error.problem, ForgeProblem::Unavailable(why) if why.starts_with("no connection")), "{error}");
    assert!(!shown(&error).contains("a-token-0123"));
}

#[tokio::test]
async fn a_server_that_never_answers_is_left_in_time() {
    let fake = fake();
    fake.fail_next("GET", "/pulls/1", Fault::Silence);
    let forge = hasty_forge(&fake, Duration::from_millis(300));
    let error = tokio::time::timeout(Duration::from_mins(1), forge.pull_request(1)).await.expect("it waits for ever").unwrap_err();
    assert!(matches!(&error.problem, ForgeProblem::Unavailable(why) if why.contains("300ms")), "{error}");
}

#[tokio::test]
async fn an_answer_that_is_too_long_is_cut_and_one_that_is_no_api_is_said_to_be_none() {
    let fake = fake();
    for (answer, words) in [
        (Answer::of(200, Content::Huge), "longer than 16777216 bytes"),
        (Answer::of(200, Content::Text("<html>Sign in</html>".to_owned())), "expected value"),
        (Answer::json(200, serde_json::json!({"number": "no list"})), "invalid type"),
    ] {
        let error = failure(&fake, Fault::Instead(answer)).await;
        assert!(matches!(&error.problem, ForgeProblem::BadAnswer(why) if why.contains(words)), "{error}");
        assert!(error.hint().unwrap().contains("/api/v3"));
    }
}

#[tokio::test]
async fn json_of_a_hundred_thousand_depths_is_an_error() {
    let fake = fake();
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for status in [200, 422] {
        let error = failure(&fake, Fault::Instead(Answer::of(status, Content::Text(deep.clone())))).await;
        assert!(shown(&error).len() < 2000, "{error}");
    }
}

#[tokio::test]
async fn another_host_is_never_followed_and_gets_no_token() {
    let fake = fake();
    let thief = FakeGitHub::start();
    thief.push(REPOSITORY, "main", &sha('a'));
    for status in [301, 302, 303, 307, 308] {
        for to in [
            format!("{}/repos/{REPOSITORY}/pulls", thief.url()),
            format!("{}@127.0.0.1:{}/", fake.url().trim_end_matches("/api/v3"), thief.port()),
            format!("{}.evil.invalid/", fake.url()),
            format!("//127.0.0.1:{}/api/v3/", thief.port()),
            format!("http://localhost:{}/api/v3/repos/{REPOSITORY}/pulls", fake.port()),
        ] {
            let error = failure(&fake, Fault::Instead(Answer::redirect(status, &to))).await;
            assert_eq!(error.problem, ForgeProblem::Redirected { status }, "{to}");
            assert_eq!(error.class(), FailureClass::Configuration);
            fake.fail_next("POST", "/pulls", Fault::Instead(Answer::redirect(status, &to)));
            let error = forge(&fake).ensure_pull_request(&PROPOSAL).await.unwrap_err();
            assert_eq!(error.problem, ForgeProblem::Redirected { status }, "{to}");
        }
    }
    assert!(thief.calls().is_empty());
}

#[tokio::test]
async fn a_repository_that_was_renamed_is_found_on_the_same_server() {
    let fake = fake();
    let moved = |status| Fault::Instead(Answer::redirect(status, &format!("{}/repos/{REPOSITORY}/pulls", fake.url())));
    let server = ForgeServer::new(&ForgeConfig::new(fake.url(), fake.token()), Clock::manual(NOW)).unwrap();
    let forge = forge_of(&fake.address("acme/old-name"), &server).unwrap();
    for (method, status) in [("GET", 301), ("POST", 307)] {
        fake.fail_next(method, "/old-name/pulls", moved(status));
    }
    assert_eq!(forge.ensure_pull_request(&PROPOSAL).await.unwrap().number, 1);
    assert_eq!(methods(&fake), ["GET", "GET", "POST", "POST"]);

    fake.fail_next("POST", "/old-name/pulls", moved(301));
    fake.fail_next("GET", "/old-name/pulls", Fault::Instead(Answer::json(200, serde_json::json!([]))));
    let error = forge.ensure_pull_request(&PROPOSAL).await.unwrap_err();
    assert_eq!(error.problem, ForgeProblem::Redirected { status: 301 }, "what changes something is not sent on as something else");
}

#[tokio::test]
async fn a_server_that_sends_from_place_to_place_is_left() {
    let fake = fake();
    for _ in 0..10 {
        fake.fail_next("GET", "/pulls", Fault::Instead(Answer::redirect(302, &format!("{}/repos/{REPOSITORY}/pulls", fake.url()))));
    }
    let error = forge(&fake).find_pull_request(BRANCH, "main").await.unwrap_err();
    assert!(matches!(error.problem, ForgeProblem::BadAnswer(_)), "{error}");
    assert_eq!(fake.calls().len(), 4);
}

#[tokio::test]
async fn no_error_and_no_data_shows_the_token() {
    let fake = fake();
    let forge = forge(&fake);
    let told = format!("you sent Authorization: Bearer {}", fake.token());
    let escaped = fake.token().replace('o', "\\u006f");
    for status in [200, 400, 401, 403, 404, 422, 429, 500] {
        let plain = Answer::error(status, &told).header("x-accepted-github-permissions", fake.token());
        let sly = Answer::of(status, Content::Text(format!("{{\"message\": \"{escaped}\", \"number\": \"{escaped}\"}}")));
        for answer in [plain, sly] {
            fake.fail_next("GET", "/pulls/1", Fault::Instead(answer));
            let error = forge.pull_request(1).await.unwrap_err();
            assert!(!shown(&error).contains(fake.token()), "{}", shown(&error));
        }
    }
    let made = forge.ensure_pull_request(&PROPOSAL).await.unwrap();
    let known = forge.update_text(&made, fake.token(), &told).await.unwrap();
    assert!(!format!("{known:?}").contains(fake.token()) && fake.open_pulls(REPOSITORY)[0].1 == fake.token());
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_transient() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/api/v3", listener.local_addr().unwrap());
    let answering = std::thread::spawn(move || {
        let mut stream = listener.accept().unwrap().0;
        let _ = stream.read(&mut [0; 4096]).unwrap();
        stream.write_all(b"SSH-2.0-OpenSSH_9.2\r\n\r\n").unwrap();
    });
    let server = ForgeServer::new(&ForgeConfig::new(url, "a-token-0123"), Clock::manual(NOW)).unwrap();
    let error = forge_of("https://127.0.0.1/o/r", &server).unwrap().pull_request(1).await.unwrap_err();
    assert_eq!(error.class(), FailureClass::Transient, "{error}");
    answering.join().unwrap();
}
