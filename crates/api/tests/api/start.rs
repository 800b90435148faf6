//! Coming up, and going down.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use windlass_api::{ApiConfig, ApiError, ApiToken, Limits, bind};

use crate::support::{Api, Database, Listener, answer, limits, loopback};

fn config(listen: std::net::SocketAddr, hosts: &[&str], dir: &std::path::Path) -> ApiConfig {
    ApiConfig {
        listen,
        allowed_hosts: hosts.iter().map(|&host| host.to_owned()).collect(),
        data_dir: dir.to_path_buf(),
        token: ApiToken::random().expect("a token"),
        agent_socket: None,
        settings: Vec::new(),
        metrics: true,
    }
}

#[tokio::test]
async fn before_there_is_an_engine_health_answers_and_everything_else_says_that_it_is_starting() {
    let api = Api::without_engine(Database::Sqlite, limits()).await;
    assert_eq!(api.get("/health").await, (StatusCode::OK, serde_json::json!({"status": "ok"})));
    assert_eq!(api.get("/ready").await, (StatusCode::SERVICE_UNAVAILABLE, serde_json::json!({"status": "recovering"})));
    assert_eq!(answer(api.bare(Method::GET, "/")).await.0, StatusCode::OK);
    for path in ["/api/v1/status", "/api/v1/events", "/metrics"] {
        let (status, problem) = api.get(path).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(problem["hint"].as_str().is_some_and(|hint| hint.contains("/ready")), "{problem}");
        assert_eq!(answer(api.bare(Method::GET, path)).await.0, StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn a_database_that_cannot_be_written_is_told_as_such_until_there_is_an_engine() {
    let api = Api::without_engine(Database::Sqlite, limits()).await;
    api.bound.cannot_start("the disk is full".to_owned());
    let told = serde_json::json!({"status": "storage", "reason": "the disk is full"});
    assert_eq!(api.get("/ready").await, (StatusCode::SERVICE_UNAVAILABLE, told));
    assert!(api.get("/api/v1/status").await.1.to_string().contains("the disk is full"));
    api.attach_engine().await;
    assert_ne!(api.get("/ready").await.1["status"], "storage");
    assert_eq!(api.get("/api/v1/status").await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_port_that_is_taken_is_named_with_what_to_do() {
    let dir = tempfile::tempdir().expect("a directory");
    let first = bind(config(loopback(0), &[], dir.path())).await.expect("bound");
    let taken = first.local_addr();
    let error = bind(config(taken, &[], dir.path())).await.expect_err("taken");
    assert!(matches!(error, ApiError::PortTaken { listen } if listen == taken));
    let text = error.to_string();
    assert!(text.contains(&taken.port().to_string()) && text.contains("--listen"), "{text}");
}

#[tokio::test]
async fn an_address_that_others_can_reach_is_refused_unless_hosts_are_named() {
    let dir = tempfile::tempdir().expect("a directory");
    for listen in ["0.0.0.0:0", "[::]:0", "192.0.2.1:3001", "[::ffff:192.0.2.1]:3001"] {
        let error = bind(config(listen.parse().expect("an address"), &[], dir.path())).await.expect_err("refused");
        assert!(matches!(error, ApiError::NotLoopback { .. }), "{error}");
        assert!(error.to_string().contains("other machines"), "{error}");
    }
    // With hosts named it goes on to listen, which fails here for another reason.
    let error =
        bind(config("192.0.2.1:0".parse().expect("an address"), &["windlass.example"], dir.path())).await.expect_err("no such address");
    assert!(matches!(error, ApiError::Listen { .. }), "{error}");
    let error = bind(config(loopback(0), &["*"], dir.path())).await.expect_err("refused");
    assert!(matches!(error, ApiError::BadHost { .. }), "{error}");
}

#[tokio::test]
async fn a_configured_host_is_answered() {
    let dir = tempfile::tempdir().expect("a directory");
    let bound = bind(config(loopback(0), &["windlass.example"], dir.path())).await.expect("bound");
    let url = format!("http://{}/health", bound.local_addr());
    let client = reqwest::Client::builder().no_proxy().build().expect("a client");
    for (host, wanted) in [("windlass.example", 200), ("WINDLASS.example", 200), ("windlass.example.evil.test", 403), ("evil.test", 403)] {
        let response = client.get(&url).header("Host", host).send().await.expect("an answer");
        assert_eq!(response.status().as_u16(), wanted, "{host}");
    }
}

#[tokio::test]
async fn stopping_ends_streams_and_frees_the_port_and_the_socket() {
    let api = Api::start_with(Database::Sqlite, Limits { shutdown_grace: Duration::from_secs(30), ..limits() }).await;
    let mut listener = Listener::open(api.request(Method::GET, "/api/v1/events")).await;
    let address = api.bound.local_addr();
    let before = tokio::time::Instant::now();
    api.bound.shutdown().await;
    assert!(before.elapsed() < Duration::from_secs(20), "the stream was not waited for");
    while listener.message().await.is_some() {}
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    assert!(!api.socket.exists());
}

#[tokio::test]
async fn a_socket_left_by_a_dead_process_is_replaced_and_one_in_use_or_another_file_is_not() {
    let dir = tempfile::tempdir().expect("a directory");
    let path = dir.path().join("agent.sock");
    let with_socket = || ApiConfig { agent_socket: Some(path.clone()), ..config(loopback(0), &[], dir.path()) };
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a dead socket"));
    let bound = bind(with_socket()).await.expect("bound");
    let error = bind(with_socket()).await.expect_err("in use");
    assert!(matches!(error, ApiError::AgentSocket { .. }), "{error}");
    assert!(path.exists(), "the refused one leaves the other's socket alone");
    bound.shutdown().await;
    std::fs::write(&path, "precious").expect("a file");
    assert!(bind(with_socket()).await.is_err());
    assert_eq!(std::fs::read_to_string(&path).expect("a file"), "precious");
}
