//! Who may call: the token, its file, and guesses at it.

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use reqwest::{Method, StatusCode};
use serde_json::Value;
use windlass_api::{ApiToken, load_or_create_token, openapi_json};
use windlass_types::JobType;

use crate::support::{Api, Database, answer};

/// Every documented route, with ids put in.
pub(crate) fn routes() -> Vec<(Method, String)> {
    let document: Value = serde_json::from_str(&openapi_json()).expect("JSON");
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().expect("paths") {
        let id = match path {
            path if path.contains("/assignments/") => "asg_00000000000070008000000000000000",
            path if path.contains("/jobs/") => "job_00000000000070008000000000000000",
            path if path.contains("/attempts/") => "att_00000000000070008000000000000000",
            _ => "scratch",
        };
        let path = path.replace("{id}", id).replace("{name}", id).replace("{harness}", "claude");
        for method in item.as_object().expect("methods").keys() {
            routes.push((method.to_uppercase().parse().expect("a method"), path.clone()));
        }
    }
    assert!(routes.len() > 25, "{routes:?}");
    routes
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).expect("a file").permissions().mode() & 0o777
}

#[tokio::test]
async fn no_route_but_health_ready_and_the_page_answers_without_a_token() {
    let api = Api::start(Database::Sqlite).await;
    for (method, path) in routes() {
        for token in [None, Some("wrong"), Some("")] {
            let mut request = api.bare(method.clone(), &path).header("Content-Type", "application/json").body("{}");
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            let (status, body) = answer(request).await;
            if path == "/health" || path == "/ready" {
                assert_eq!(status, StatusCode::OK, "{path}");
            } else if path == "/api/v1/session" && method == Method::POST {
                assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "nothing to sign in with: {body}");
            } else {
                assert!(matches!(status, StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS), "{method} {path}: {status}");
                assert_eq!(body["status"], status.as_u16(), "{method} {path}: {body}");
            }
        }
    }
    let (status, _) = answer(api.bare(Method::GET, "/api/v1/nowhere")).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_in_the_query_opens_nothing() {
    let api = Api::start(Database::Sqlite).await;
    for name in ["token", "access_token", "authorization"] {
        let (status, _) = answer(api.bare(Method::GET, &format!("/api/v1/assignments?{name}={}", api.token.secret()))).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED, "{name}");
    }
}

#[tokio::test]
async fn only_one_bearer_header_with_the_whole_token_opens() {
    let api = Api::start(Database::Sqlite).await;
    let secret = api.token.secret();
    let statuses = [
        (format!("Bearer {secret}"), 200),
        (format!("bearer {secret}"), 200),
        (secret.to_owned(), 401),
        (format!("Basic {secret}"), 401),
        (format!("Bearer {}", &secret[..63]), 401),
        (format!("Bearer {secret}0"), 401),
        (format!("Bearer {}", secret.to_uppercase()), 401),
    ];
    for (value, wanted) in statuses {
        let response = api.bare(Method::GET, "/api/v1/status").header("Authorization", &value).send().await.expect("an answer");
        let wanted = if value.ends_with(&secret.to_uppercase()) && secret == secret.to_uppercase() { 200 } else { wanted };
        assert_eq!(response.status().as_u16(), wanted, "{}", value.len());
        assert_eq!(response.headers().contains_key("www-authenticate"), wanted == 401);
    }
    let (host, right) = (format!("127.0.0.1:{}", api.port), format!("Bearer {secret}"));
    let two = [("Host", host.as_str()), ("Authorization", right.as_str()), ("Authorization", "Bearer other")];
    assert_eq!(api.raw_with("GET", "/api/v1/status", &two).await.status, 401);
}

#[tokio::test]
async fn a_thousand_wrong_tokens_are_limited_while_a_person_and_an_agent_are_served() {
    let api = Api::start(Database::Sqlite).await;
    let place = api.agent(JobType::Implement).await;
    let mut limited = 0;
    for n in 0..1000 {
        let response = api.with(&format!("wrong-{n}"), Method::GET, "/api/v1/status").send().await.expect("an answer");
        match response.status() {
            StatusCode::UNAUTHORIZED => {}
            StatusCode::TOO_MANY_REQUESTS => {
                assert!(response.headers().contains_key("retry-after"));
                limited += 1;
            }
            other => panic!("{other}"),
        }
        if n % 100 == 99 {
            assert_eq!(api.get("/api/v1/status").await.0, StatusCode::OK);
            let agent = api.with(&place.token, Method::GET, "/api/v1/agent").send().await.expect("an answer");
            assert_eq!(agent.status(), StatusCode::OK);
        }
    }
    assert!(limited > 800, "{limited}");
}

#[test]
fn the_first_start_makes_a_token_that_only_its_owner_can_read_and_the_next_finds_it() {
    let dir = tempfile::tempdir().expect("a directory");
    let data = dir.path().join("data/windlass");
    let token = load_or_create_token(&data).expect("a token");
    assert_eq!(mode(&data.join("token")), 0o600);
    assert_eq!(mode(&data), 0o700);
    assert_eq!(load_or_create_token(&data).expect("a token").secret(), token.secret());
    assert!(token.secret().len() == 64 && !format!("{token:?}").contains(token.secret()));
    assert_eq!(std::fs::read_dir(&data).expect("a folder").count(), 1, "nothing is left beside it");
}

#[test]
fn a_token_file_that_others_can_read_is_closed_to_them() {
    let dir = tempfile::tempdir().expect("a directory");
    let token = load_or_create_token(dir.path()).expect("a token");
    let path = dir.path().join("token");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("a mode");
    assert_eq!(load_or_create_token(dir.path()).expect("a token").secret(), token.secret());
    assert_eq!(mode(&path), 0o600);
}

#[test]
fn a_token_file_that_is_a_link_a_folder_or_holds_no_token_is_refused_and_left_alone() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("token");
    let elsewhere = dir.path().join("elsewhere");
    std::fs::write(&elsewhere, "x".repeat(64)).expect("a file");
    symlink(&elsewhere, &path).expect("a link");
    assert!(load_or_create_token(dir.path()).is_err());
    std::fs::remove_file(&path).expect("removed");
    std::fs::create_dir(&path).expect("a folder");
    assert!(load_or_create_token(dir.path()).is_err());
    std::fs::remove_dir(&path).expect("removed");
    for text in ["", "short", "white space in the middle of a long enough token"] {
        std::fs::write(&path, text).expect("a file");
        let error = load_or_create_token(dir.path()).expect_err("no token");
        assert!(error.to_string().contains("delete it"), "{error}");
        assert_eq!(std::fs::read_to_string(&path).expect("a file"), text);
    }
}

#[test]
fn many_first_starts_at_once_agree_on_one_token() {
    let dir = tempfile::tempdir().expect("a directory");
    let tokens: Vec<String> = std::thread::scope(|scope| {
        let starts: Vec<_> =
            (0..8).map(|_| scope.spawn(|| load_or_create_token(dir.path()).expect("a token").secret().to_owned())).collect();
        starts.into_iter().map(|start| start.join().expect("a start")).collect()
    });
    assert!(tokens.iter().all(|token| *token == tokens[0]));
}

#[test]
fn a_token_that_could_be_guessed_is_not_taken() {
    assert!(ApiToken::parse("secret").is_err());
    assert!(ApiToken::parse(&"é".repeat(40)).is_err());
    assert!(ApiToken::parse(&format!("  {}\n", "k".repeat(32))).is_ok());
}
