//! The server: takes requests, finds the turn that answers them, and answers.

use std::hash::{BuildHasher, RandomState};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::log::{LoggedRequest, OpenRequest, Outcome, RequestLog};
use super::request::{Asked, ModelRequest, Wire, understand, value_for_schema};
use super::script::{Ending, HttpError, ModelScript, SPENT, StreamError, Turn};
use super::{anthropic, frames, gemini, openai};

/// Longer requests are refused: no agent comes near.
const BODY_BYTES_MAX: usize = 64 << 20;

/// A scripted model, listening on 127.0.0.1 until it is dropped. Dropping it breaks every open request.
///
/// It runs on a thread of its own, so tests with and without a runtime can use it.
#[derive(Debug)]
pub struct ScriptedModel {
    address: SocketAddr,
    log: RequestLog,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

/// What the handler needs.
struct Model {
    script: ModelScript,
    /// How often each turn has answered.
    used: Mutex<Vec<u32>>,
    log: RequestLog,
    /// Makes ids unlike those of another server whose conversation is resumed here.
    id: String,
}

impl ScriptedModel {
    /// Starts on a free port.
    pub fn start(script: ModelScript) -> Self {
        Self::start_on(script, 0).unwrap_or_else(|e| panic!("no scripted model: {e:#}"))
    }

    /// Starts on a port of 127.0.0.1; 0 means any free one.
    pub fn start_on(script: ModelScript, port: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).with_context(|| format!("cannot listen on port {port} of 127.0.0.1"))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let log = RequestLog::new();
        let id = format!("{:08x}", RandomState::new().hash_one(address) & 0xffff_ffff);
        let used = Mutex::new(vec![0; script.turns.len()]);
        let app = Router::new().fallback(answer).with_state(Arc::new(Model { script, used, log: log.clone(), id }));
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let thread = std::thread::Builder::new().name("scripted-model".into()).spawn(move || {
            runtime.block_on(async move {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                tokio::select! {
                    _ = axum::serve(listener, app) => {}
                    () = stopped.cancelled() => {}
                }
            });
            // Dropping the runtime here drops the connections, those that hang included.
        })?;
        Ok(Self { address, log, stop, thread: Some(thread) })
    }

    /// `http://127.0.0.1:PORT`: the base URL for Claude Code and Gemini CLI. Codex wants `/v1` after it.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Every request so far.
    pub fn requests(&self) -> Vec<LoggedRequest> {
        self.log.all()
    }

    /// The requests of main loops so far.
    pub fn main_loop_requests(&self) -> Vec<LoggedRequest> {
        main_loop(&self.log.all())
    }

    /// Waits until `n` main-loop requests have come, and gives the `n`th. Fails the test after a minute.
    pub async fn wait_for_request(&self, n: usize) -> LoggedRequest {
        self.log.wait(&format!("main-loop request {n}"), |all| main_loop(all).into_iter().nth(n.saturating_sub(1))).await
    }

    /// Waits until a request (of any kind) comes, or has come, that `wanted` accepts. Fails the test after a minute.
    pub async fn wait_for(&self, wanted: impl Fn(&LoggedRequest) -> bool) -> LoggedRequest {
        self.log.wait("a wanted request", |all| all.iter().find(|r| wanted(r)).cloned()).await
    }

    /// Waits, however long, for the request of this number (counted from 1, of any kind).
    pub async fn request_number(&self, number: usize) -> LoggedRequest {
        self.log.find(|all| all.get(number.saturating_sub(1)).cloned()).await
    }

    /// Waits until no request is open any more, as when the agent that hung on one is gone. Fails the test after a minute.
    pub async fn wait_until_idle(&self) {
        self.log.wait("the end of every request", |all| all.iter().all(|r| r.outcome != Outcome::Open).then_some(())).await;
    }
}

impl Drop for ScriptedModel {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic of the server's thread was printed by that thread.
            let _ = thread.join();
        }
    }
}

fn main_loop(all: &[LoggedRequest]) -> Vec<LoggedRequest> {
    all.iter().filter(|r| r.main_loop).cloned().collect()
}

/// Answers one request.
async fn answer(State(model): State<Arc<Model>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(bytes) = axum::body::to_bytes(body, BODY_BYTES_MAX).await else {
        return plain(StatusCode::PAYLOAD_TOO_LARGE, "the request's body is too long or was broken off");
    };
    let body: Value = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
    let asked = understand(parts.method.as_str(), parts.uri.path(), &body);
    let mut entry = LoggedRequest {
        number: 0,
        method: parts.method.to_string(),
        path: parts.uri.to_string(),
        headers: parts.headers.iter().map(|(n, v)| (n.to_string(), String::from_utf8_lossy(v.as_bytes()).into_owned())).collect(),
        wire: None,
        main_loop: false,
        turn: None,
        body,
        text: String::new(),
        newest: String::new(),
        outcome: Outcome::Open,
    };
    match asked {
        Asked::Probe => model.log.add(entry).reply(StatusCode::OK, "text/plain", String::new()),
        Asked::Fixed(wire, value) => {
            entry.wire = Some(wire);
            model.log.add(entry).reply(StatusCode::OK, "application/json", value.to_string())
        }
        Asked::Unknown => {
            let body = json!({"error": {"message": "the scripted model does not know this address", "type": "not_found_error"}});
            model.log.add(entry).reply(StatusCode::NOT_FOUND, "application/json", body.to_string())
        }
        Asked::Model(request) => {
            let (turn, index) = model.turn_for(&request);
            entry.wire = request.wire;
            entry.main_loop = request.main_loop;
            entry.turn = index;
            entry.text.clone_from(&request.said.all);
            entry.newest.clone_from(&request.said.newest);
            let open = model.log.add(entry);
            let id = format!("{}{:04}", model.id, open.number());
            play(&request, &turn, &id, open).await
        }
    }
}

impl Model {
    /// The turn that answers a request, with its place in the script. A main-loop request uses it up.
    fn turn_for(&self, request: &ModelRequest) -> (Turn, Option<usize>) {
        if !request.main_loop && !self.script.without_tools {
            let answer = request.schema.as_ref().map_or_else(|| "ok".to_owned(), |schema| value_for_schema(schema).to_string());
            return (Turn::text(answer), None);
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        for (index, (turn, used)) in self.script.turns.iter().zip(used.iter_mut()).enumerate() {
            let fits = turn.matches.as_ref().is_none_or(|m| request.said.all.contains(m))
                && turn.match_last.as_ref().is_none_or(|m| request.said.newest.contains(m));
            if fits && turn.times.allows(*used) {
                *used += 1;
                return (turn.clone(), Some(index));
            }
        }
        (Turn::text(SPENT), None)
    }
}

/// Plays a turn on the wire that asks.
async fn play(request: &ModelRequest, turn: &Turn, id: &str, open: OpenRequest) -> Response {
    if turn.delay_ms > 0 {
        tokio::time::sleep(Duration::from_millis(turn.delay_ms)).await;
    }
    if turn.end == Ending::Hang {
        match frames::never().await {}
    }
    let wire = request.wire.unwrap_or(Wire::Anthropic);
    if let Some(error) = &turn.error {
        return error_response(error, wire, id, open);
    }
    if let Some(error) = &turn.stream_error {
        return event_stream(failing_stream(wire, error, id), Ending::Complete, open);
    }
    let to_the_end = turn.end == Ending::Complete;
    if request.stream {
        let frames = match wire {
            Wire::Anthropic => anthropic::stream(request, turn, id, to_the_end),
            Wire::OpenAi => openai::stream(request, turn, id, to_the_end),
            Wire::Gemini => gemini::stream(request, turn, id, to_the_end),
        };
        return event_stream(frames, turn.end, open);
    }
    let whole = match wire {
        Wire::Anthropic => anthropic::whole(request, turn, id),
        Wire::OpenAi => openai::whole(request, turn, id),
        Wire::Gemini => gemini::whole(request, turn, id),
    };
    let mut text = whole.to_string();
    if !to_the_end {
        // JSON is ASCII here wherever the script is; a cut inside a character is as broken as any other.
        let half = text.len() / 2;
        text.truncate((0..=half).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0));
    }
    respond(StatusCode::OK, "application/json", frames::body(vec![Bytes::from(text)], turn.end, open))
}

fn failing_stream(wire: Wire, error: &StreamError, id: &str) -> Vec<Bytes> {
    match wire {
        Wire::Anthropic => anthropic::failing_stream(error),
        Wire::OpenAi => openai::failing_stream(error, id),
        Wire::Gemini => gemini::failing_stream(error),
    }
}

fn error_response(error: &HttpError, wire: Wire, id: &str, open: OpenRequest) -> Response {
    let usual = match wire {
        Wire::Anthropic => anthropic::error(error, id),
        Wire::OpenAi => openai::error(error),
        Wire::Gemini => gemini::error(error),
    };
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = open.reply(status, "application/json", error.body_or(usual));
    for (name, value) in &error.headers {
        if let (Ok(name), Ok(value)) = (header::HeaderName::try_from(name.as_str()), header::HeaderValue::try_from(value.as_str())) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn event_stream(frames: Vec<Bytes>, end: Ending, open: OpenRequest) -> Response {
    respond(StatusCode::OK, "text/event-stream", frames::body(frames, end, open))
}

impl OpenRequest {
    /// Answers in full.
    fn reply(mut self, status: StatusCode, kind: &'static str, body: String) -> Response {
        self.answered();
        respond(status, kind, Body::from(body))
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    respond(status, "text/plain", Body::from(text))
}

fn respond(status: StatusCode, kind: &'static str, body: Body) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(kind));
    response
}
