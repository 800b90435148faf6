//! The server: takes calls, fails those that it is told to, and answers the others.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use percent_encoding::percent_decode_str;
use serde_json::Value;
use tokio::net::TcpListener;

use super::answer::{Answer, SentBody};
use super::fault::{Fault, Kept};
use super::log::Exchange;
use super::routes::{self, Asked};
use super::world::World;

/// The path under which a GitHub of one's own has its API.
pub(super) const BASE_PATH: &str = "/api/v3";
/// The token that it accepts.
pub(super) const TOKEN: &str = "token-of-the-fake-forge-0123456789";

/// What the server and the test share.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// The address under which it is reached.
    pub(super) base: String,
    pub(super) world: Mutex<World>,
    pub(super) faults: Mutex<Vec<Kept>>,
    pub(super) log: Mutex<Vec<Exchange>>,
}

/// The connection is closed instead of an answer.
#[derive(Debug, thiserror::Error)]
#[error("the fake hangs up")]
struct HangUp;

pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Serves every connection until it is dropped.
pub(super) async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        let shared = Arc::clone(&shared);
        let service = service_fn(move |request| take(Arc::clone(&shared), request));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// Takes a call in, and sends what comes of it.
async fn take(shared: Arc<Shared>, request: Request<Incoming>) -> Result<Response<SentBody>, HangUp> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| HangUp)?.to_bytes();
    let path = parts.uri.path().strip_prefix(BASE_PATH).unwrap_or(parts.uri.path()).to_owned();
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let pairs = parts.uri.query().unwrap_or_default().split('&').filter_map(|pair| pair.split_once('='));
    let query: Vec<(String, String)> = pairs.map(|(name, value)| (decoded(name), decoded(value))).collect();
    let headers: Vec<(String, String)> =
        parts.headers.iter().map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())).collect();
    let method = parts.method.to_string();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let call = Exchange {
        method: method.clone(),
        path: path.clone(),
        query: query.clone(),
        headers,
        body: body.clone(),
        status: None,
        answer: Value::Null,
    };
    let allowed = (call.header("authorization") == Some(&format!("Bearer {TOKEN}")), call.header("user-agent").is_some());
    let number = {
        let mut log = locked(&shared.log);
        log.push(call);
        log.len() - 1
    };
    let fault = {
        let mut faults = locked(&shared.faults);
        let found = faults.iter().position(|kept| kept.is_for(&method, &path));
        found.map(|at| faults.remove(at).fault)
    };
    let asked = Asked { base: shared.base.clone(), method, path, query, body };
    let work = || match allowed {
        (true, true) => routes::answer(&mut locked(&shared.world), &asked),
        (false, true) => Answer::error(401, "Bad credentials"),
        (_, false) => {
            Answer::error(403, "Request forbidden by administrative rules. Please make sure your request has a User-Agent header")
        }
    };
    let answer = match fault {
        None => work(),
        Some(Fault::Instead(answer)) => answer,
        Some(Fault::AfterWork(answer)) => {
            work();
            answer
        }
        Some(Fault::HangUp) => return Err(HangUp),
        Some(Fault::HangUpAfterWork) => {
            work();
            return Err(HangUp);
        }
        Some(Fault::Silence) => std::future::pending().await,
        Some(Fault::Slow(time)) => {
            let answer = work();
            tokio::time::sleep(time).await;
            answer
        }
        Some(Fault::Together(barrier)) => {
            let answer = work();
            barrier.wait().await;
            answer
        }
    };
    if let Some(call) = locked(&shared.log).get_mut(number) {
        (call.status, call.answer) = (Some(answer.status), answer.recorded());
    }
    Ok(answer.into_response())
}
