//! The daemon's client: finds it, speaks HTTP with it, and turns its refusals into exit codes and hints.

mod dead_letter;
pub(crate) mod find;
pub(crate) mod hold;
mod list;
pub(crate) mod resolve;
pub(crate) mod sse;

use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::failure::{CliError, Exit, Result};
use find::Place;

/// The longest answer that is read: far above any page, so that a strange server cannot fill the memory.
const ANSWER_MAX: usize = 512 * 1024 * 1024;

/// A connection to one daemon.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: String,
    shown: String,
    token: Option<String>,
}

impl Client {
    pub(crate) fn new(place: &Place) -> Result<Self> {
        let mut builder = reqwest::Client::builder()
            .connect_timeout(Duration::from_secs(5))
            // A proxy for the internet must not see the daemon's token.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none());
        let base = if let Some(path) = place.url.strip_prefix("unix:") {
            builder = builder.unix_socket(std::path::PathBuf::from(path));
            "http://localhost".to_owned()
        } else if place.url.starts_with("http://") {
            place.url.trim_end_matches('/').to_owned()
        } else {
            return Err(CliError::usage(format!("{:?} is no address of a daemon", place.url)).hint("give http://HOST:PORT or unix:PATH"));
        };
        let http = builder.build().map_err(|e| CliError::fault(format!("could not set up the HTTP client: {e}")))?;
        Ok(Self { http, base, shown: place.url.clone(), token: place.token.clone() })
    }

    /// Where it connects to.
    pub(crate) fn url(&self) -> &str {
        &self.shown
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.base));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// Whether a daemon answers here.
    pub(crate) async fn is_up(&self) -> bool {
        let answer = self.request(Method::GET, "/health").timeout(Duration::from_secs(3)).send().await;
        answer.is_ok_and(|a| a.status().is_success())
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str, query: &[(&str, String)]) -> Result<T> {
        let request = self.request(Method::GET, path).query(query).timeout(Duration::from_mins(1));
        read(self.send(request).await?).await
    }

    pub(crate) async fn send_json<T: DeserializeOwned>(&self, method: Method, path: &str, body: &impl Serialize) -> Result<T> {
        let request = self.request(method, path).json(body).timeout(Duration::from_mins(1));
        read(self.send(request).await?).await
    }

    pub(crate) async fn post<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        self.send_json(Method::POST, path, body).await
    }

    pub(crate) async fn delete<T: DeserializeOwned>(&self, path: &str) -> Result<T> {
        // Whatever changes something is sent as JSON, with nothing to say too.
        self.send_json(Method::DELETE, path, &serde_json::json!({})).await
    }

    /// The same for what may take as long as it takes, such as a backup.
    pub(crate) async fn post_patiently<T: DeserializeOwned>(&self, path: &str, body: &impl Serialize) -> Result<T> {
        let request = self.request(Method::POST, path).json(body).timeout(Duration::from_hours(12));
        read(self.send(request).await?).await
    }

    /// What the daemon answers, refusals too: the status and the body.
    pub(crate) async fn ask(&self, method: Method, target: &str, body: Option<&Value>) -> Result<(u16, Vec<u8>)> {
        let mut request = self.request(method, target).header("accept", "application/json").timeout(Duration::from_mins(1));
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await.map_err(|e| self.unreachable(&e))?;
        Ok((response.status().as_u16(), bytes(response).await?))
    }

    /// A stream of events that lasts until it is dropped.
    pub(crate) async fn stream(&self, path: &str, query: &[(&str, String)], last_id: Option<i64>) -> Result<Response> {
        let mut request = self.request(Method::GET, path).query(query).header("accept", "text/event-stream");
        if let Some(id) = last_id {
            request = request.header("last-event-id", id.to_string());
        }
        self.send(request).await
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response> {
        let response = request.send().await.map_err(|e| self.unreachable(&e))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        let body = bytes(response).await.unwrap_or_default();
        Err(refusal(status, &body, self.token.is_some()))
    }

    fn unreachable(&self, e: &reqwest::Error) -> CliError {
        if e.is_timeout() && !e.is_connect() {
            return CliError::fault(format!("the daemon at {} did not answer in time", self.shown));
        }
        CliError::new(Exit::NoDaemon, format!("no daemon answers at {}", self.shown)).hint("start one with `windlass up`")
    }
}

async fn bytes(response: Response) -> Result<Vec<u8>> {
    use futures_util::StreamExt as _;
    let mut all = Vec::new();
    let mut chunks = response.bytes_stream();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|e| CliError::fault(format!("the daemon's answer broke off: {e}")))?;
        if all.len() + chunk.len() > ANSWER_MAX {
            return Err(CliError::fault(format!("the daemon's answer is longer than {ANSWER_MAX} bytes")));
        }
        all.extend_from_slice(&chunk);
    }
    Ok(all)
}

async fn read<T: DeserializeOwned>(response: Response) -> Result<T> {
    let body = bytes(response).await?;
    // Some answers are empty (202, 204): `null` reads as `()` and `Value`.
    let body = if body.is_empty() { b"null".as_slice() } else { body.as_slice() };
    serde_json::from_slice(body).map_err(|e| {
        CliError::fault(format!("the daemon's answer could not be understood: {e}"))
            .hint("daemon and client may be of different versions: see `windlass status` and `windlass --version`")
    })
}

/// A problem document as an error.
fn refusal(status: StatusCode, body: &[u8], had_token: bool) -> CliError {
    let problem: Value = serde_json::from_slice(body).unwrap_or(Value::Null);
    let text = |key: &str| problem.get(key).and_then(Value::as_str).filter(|t| !t.is_empty()).map(str::to_owned);
    let message = text("detail").or_else(|| text("title")).unwrap_or_else(|| format!("the daemon answered {status}"));
    let exit = if status.is_server_error() { Exit::Fault } else { Exit::Usage };
    let hint = match status {
        StatusCode::UNAUTHORIZED if had_token => {
            Some("the token is not this daemon's: check WINDLASS_TOKEN and WINDLASS_DATA_DIR".to_owned())
        }
        StatusCode::UNAUTHORIZED => Some("set WINDLASS_TOKEN, or WINDLASS_DATA_DIR to the daemon's data directory".to_owned()),
        _ => None,
    };
    CliError::new(exit, message).maybe_hint(hint.or_else(|| text("hint")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_document_becomes_an_error_with_its_hint() {
        let body = br#"{"title":"Not Found","status":404,"detail":"no job job_1","hint":"see `windlass jobs`"}"#;
        let e = refusal(StatusCode::NOT_FOUND, body, true);
        assert_eq!((e.exit, e.message.as_str(), e.hint.as_deref()), (Exit::Usage, "no job job_1", Some("see `windlass jobs`")));
        assert_eq!(refusal(StatusCode::BAD_GATEWAY, b"<html>", true).exit, Exit::Fault);
    }

    #[test]
    fn an_address_of_another_kind_is_refused() {
        let place = Place { url: "https://example.org".to_owned(), token: None };
        assert_eq!(Client::new(&place).err().map(|e| e.exit), Some(Exit::Usage));
    }
}
