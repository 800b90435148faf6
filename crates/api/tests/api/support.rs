//! An API over a store and an engine that runs nothing, and ways to call it.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};
use windlass_api::{ApiConfig, ApiToken, Bound, Limits, bind_with_limits};
use windlass_engine::{Engine, EngineConfig, Isolation};
use windlass_store::{NodeFacts, OpenOptions, SettleRequest, Store, Submission, WorkerSlots};
use windlass_testkit::postgres::{TestDatabase, TestPostgres};
use windlass_types::{
    AssignmentId, AttemptId, AttemptResult, Backend, BreakerPolicy, Budget, Clock, Harness, Ids, JobId, JobSpec, JobType, Policy,
    RetryPolicy, Slots, Token,
};

/// Longer than anything here takes, however busy the machine is.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Api {
    pub(crate) port: u16,
    pub(crate) url: String,
    pub(crate) token: ApiToken,
    pub(crate) client: reqwest::Client,
    pub(crate) bound: Bound,
    pub(crate) store: Store,
    pub(crate) socket: PathBuf,
    pub(crate) dir: tempfile::TempDir,
    _database: Database,
}

/// What the store is kept in.
pub(crate) enum Database {
    Sqlite,
    Postgres(TestDatabase),
}

impl Database {
    /// Nothing, said loudly, where no PostgreSQL can run.
    pub(crate) async fn postgres() -> Option<Self> {
        TestPostgres::database().await.map(Self::Postgres)
    }
}

/// Runs each test on both databases.
macro_rules! on_both {
    ($(async fn $name:ident($database:ident: Database) $body:block)*) => {$(
        mod $name {
            use super::*;

            async fn check($database: Database) $body

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                check(Database::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                if let Some(database) = Database::postgres().await {
                    check(database).await;
                }
            }
        }
    )*};
}
pub(crate) use on_both;

/// A job under way, and the token of the agent in it.
pub(crate) struct Place {
    pub(crate) token: String,
    pub(crate) assignment: AssignmentId,
    pub(crate) job: JobId,
    pub(crate) attempt: AttemptId,
    pub(crate) lease: Token,
}

/// Bounds as usual, but times short enough to wait for.
pub(crate) fn limits() -> Limits {
    Limits { heartbeat: Duration::from_millis(200), ..Limits::default() }
}

pub(crate) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

impl Api {
    pub(crate) async fn start(database: Database) -> Self {
        Self::start_with(database, limits()).await
    }

    pub(crate) async fn start_with(database: Database, limits: Limits) -> Self {
        let api = Self::without_engine(database, limits).await;
        api.attach_engine().await;
        api
    }

    pub(crate) async fn attach_engine(&self) {
        // No worker: nothing is ever claimed, except by a test.
        let mut config = EngineConfig::new(self.dir.path().to_path_buf(), PathBuf::from("/bin/false"));
        config.workers.clear();
        config.isolation = Isolation::Level(windlass_types::SandboxLevel::Off);
        let engine = Engine::start(config, self.store.clone()).await.expect("an engine");
        self.bound.attach(engine);
    }

    pub(crate) async fn without_engine(database: Database, limits: Limits) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let clock = Clock::system();
        let url = match &database {
            Database::Sqlite => dir.path().join("windlass.db").display().to_string(),
            Database::Postgres(database) => database.url().to_owned(),
        };
        let store = Store::open(OpenOptions { url, ids: Ids::random(clock.clone()), clock }).await.expect("a store");
        Self::over(store, ApiToken::random().expect("a token"), dir, database, limits).await
    }

    /// Another daemon on the same database, with this token. It ends before this one does.
    pub(crate) async fn another(&self, token: ApiToken) -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let api = Self::over(self.store.clone(), token, dir, Database::Sqlite, limits()).await;
        api.attach_engine().await;
        api
    }

    async fn over(store: Store, token: ApiToken, dir: tempfile::TempDir, database: Database, limits: Limits) -> Self {
        let socket = dir.path().join("agent.sock");
        let config = ApiConfig {
            listen: loopback(0),
            allowed_hosts: Vec::new(),
            data_dir: dir.path().to_path_buf(),
            token: token.clone(),
            agent_socket: Some(socket.clone()),
            metrics: true,
            settings: Vec::new(),
        };
        let bound = bind_with_limits(config, limits).await.expect("an API");
        let port = bound.local_addr().port();
        let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build().expect("a client");
        Self { port, url: format!("http://127.0.0.1:{port}"), token, client, bound, store, socket, dir, _database: database }
    }

    /// A request without a token.
    pub(crate) fn bare(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub(crate) fn with(&self, token: &str, method: Method, path: &str) -> RequestBuilder {
        self.bare(method, path).bearer_auth(token)
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.with(self.token.secret(), method, path)
    }

    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.request(Method::GET, path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        answer(self.request(Method::POST, path).json(body)).await
    }

    /// Makes an assignment with one job; gives its id.
    pub(crate) async fn run(&self, goal: &str) -> String {
        let (status, body) = self.post("/api/v1/assignments/run", &json!({ "goal": goal })).await;
        assert_eq!(status, StatusCode::CREATED, "{body}");
        body["assignment"]["id"].as_str().expect("an id").to_owned()
    }

    /// A job of this type, claimed, with an agent in it.
    pub(crate) async fn agent(&self, job_type: JobType) -> Place {
        self.agent_on("another", job_type).await
    }

    /// The engine's node, once it looks after nothing of an earlier life any more.
    pub(crate) async fn node(&self) -> String {
        while self.get("/ready").await.0 != StatusCode::OK {
            tokio::task::yield_now().await;
        }
        self.get("/api/v1/status").await.1["node"].as_str().expect("a node").to_owned()
    }

    /// The same on this node.
    pub(crate) async fn agent_on(&self, node: &str, job_type: JobType) -> Place {
        let spec = JobSpec { job_type, ..JobSpec::default() };
        let submission = Submission {
            key: None,
            project: "scratch".to_owned(),
            north_star: "a goal".to_owned(),
            source: "test".to_owned(),
            policy: Policy::default(),
            budget: Budget::default(),
            node_budget: Budget::default(),
            priority: 0,
            base_branch: None,
            jobs: vec![spec],
            by: "test".to_owned(),
        };
        let made = self.store.submit(vec![submission]).await.expect("submitted").remove(0);
        let facts = NodeFacts {
            node: node.to_owned(),
            workers: vec![WorkerSlots { name: "default".to_owned(), slots: Slots { running: 0, limit: 100 }, harness: None }],
            harness_defaults: BTreeMap::new(),
            accounts: BTreeMap::new(),
            storage: None,
            only_assignment: Some(made.assignment.id),
        };
        let claimed = self.store.claim(facts, 3_600_000).await.expect("a claim").expect("a job");
        let token = format!("wla_{}", made.assignment.id);
        let hash = Sha256::digest(token.as_bytes()).iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"));
        self.store.note_stages(claimed.job.id, claimed.token, claimed.attempt.id, Vec::new(), Some(hash)).await.expect("a token");
        Place { token, assignment: made.assignment.id, job: claimed.job.id, attempt: claimed.attempt.id, lease: claimed.token }
    }

    /// Ends a job under way, with success.
    pub(crate) async fn settle(&self, place: &Place) {
        let request = SettleRequest {
            job_id: place.job,
            token: place.lease,
            attempt_id: place.attempt,
            result: AttemptResult::Succeeded,
            output: None,
            commit: None,
            usage: None,
            wall_ms: 1,
            agent_started: true,
            verdict: None,
            retry: RetryPolicy::default(),
            jitter: 0.0,
            backend: Backend::of(Harness::Claude),
            breaker: BreakerPolicy::default(),
            park_harness: None,
            stages: Vec::new(),
            news: Some(windlass_store::AgentNews::default()),
        };
        self.store.settle(request).await.expect("settled");
    }

    /// A stream, as soon as the bound of streams allows one more.
    pub(crate) async fn stream_when_free(&self) -> reqwest::Response {
        let until = tokio::time::Instant::now() + PATIENCE;
        loop {
            let response = self.request(Method::GET, "/api/v1/events").send().await.expect("an answer");
            if response.status() == StatusCode::OK {
                return response;
            }
            assert!(tokio::time::Instant::now() < until, "no place becomes free");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Sends these bytes over a connection of their own; gives all that comes back until it is closed.
    pub(crate) async fn raw(&self, request: &str) -> String {
        exchange(TcpStream::connect(loopback(self.port)).await.expect("a connection"), request).await
    }

    /// A request in bytes with these headers, to be closed after the answer.
    pub(crate) async fn raw_with(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Raw {
        Raw::parse(&self.raw(&request_text(method, path, headers, "")).await)
    }

    /// The same over the agents' socket.
    pub(crate) async fn over_socket(&self, method: &str, path: &str, token: &str, body: &str) -> Raw {
        let length = body.len().to_string();
        let bearer = format!("Bearer {token}");
        let headers = [("Authorization", bearer.as_str()), ("Content-Type", "application/json"), ("Content-Length", length.as_str())];
        let io = UnixStream::connect(&self.socket).await.expect("a connection");
        Raw::parse(&exchange(io, &request_text(method, path, &headers, body)).await)
    }
}

fn request_text(method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> String {
    let head = format!("{method} {path} HTTP/1.1\r\n");
    let head = headers.iter().fold(head, |head, (name, value)| format!("{head}{name}: {value}\r\n"));
    format!("{head}Connection: close\r\n\r\n{body}")
}

async fn exchange(mut io: impl AsyncRead + AsyncWrite + Unpin, request: &str) -> String {
    io.write_all(request.as_bytes()).await.expect("sent");
    let mut text = Vec::new();
    tokio::time::timeout(PATIENCE, io.read_to_end(&mut text)).await.expect("an end").expect("an answer");
    String::from_utf8_lossy(&text).into_owned()
}

/// An answer, taken apart.
pub(crate) struct Raw {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Raw {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
        let status = head.split(' ').nth(1).and_then(|word| word.parse().ok()).unwrap_or(0);
        Self { status, head: head.to_ascii_lowercase(), body: body.to_owned() }
    }
}

pub(crate) async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.expect("an answer");
    let status = response.status();
    let text = response.text().await.expect("a body");
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

/// A client of an event stream.
pub(crate) struct Listener {
    response: reqwest::Response,
    text: String,
}

/// A message of an event stream.
#[derive(Debug, Default, Clone)]
pub(crate) struct Told {
    pub(crate) id: Option<i64>,
    pub(crate) kind: String,
    pub(crate) data: Value,
}

impl Listener {
    pub(crate) async fn open(request: RequestBuilder) -> Self {
        let response = request.header("Accept", "text/event-stream").send().await.expect("a stream");
        assert_eq!(response.status(), StatusCode::OK, "{:?}", response.text().await);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, text: String::new() }
    }

    /// The next message, comments and bare ids included; `None` at the end.
    pub(crate) async fn message(&mut self) -> Option<Told> {
        loop {
            if let Some(end) = self.text.find("\n\n") {
                let message: String = self.text.drain(..end + 2).collect();
                let mut told = Told::default();
                for line in message.lines() {
                    match line.split_once(':').map(|(field, value)| (field, value.trim())) {
                        Some(("id", id)) => told.id = id.parse().ok(),
                        Some(("event", kind)) => kind.clone_into(&mut told.kind),
                        Some(("data", data)) => told.data = serde_json::from_str(data).expect("JSON"),
                        _ => {}
                    }
                }
                return Some(told);
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await.expect("news").ok()??;
            self.text.push_str(std::str::from_utf8(&chunk).expect("text"));
        }
    }

    /// The next event.
    pub(crate) async fn event(&mut self) -> Option<Told> {
        loop {
            let told = self.message().await?;
            if !told.kind.is_empty() {
                return Some(told);
            }
        }
    }
}
