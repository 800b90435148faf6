//! A client of a daemon that may be gone at any moment: every call may fail, and says no more than that.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use tokio::runtime::Runtime;

/// Longer than a daemon that lives takes to answer, and short enough to give one up that does not.
const PATIENCE: Duration = Duration::from_secs(5);

/// An answer.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }
}

/// Speaks with whichever daemon serves a data directory now.
pub(crate) struct Client {
    data: PathBuf,
    http: reqwest::Client,
    runtime: Runtime,
}

impl Client {
    pub(crate) fn of(data: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        // A connection that an earlier daemon closed would fail the next call for no fault of its own.
        let http = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).timeout(PATIENCE).build().unwrap();
        Self { data: data.to_owned(), http, runtime }
    }

    /// Sends a request; `None` when nobody answered, whatever became of it.
    pub(crate) fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Option<Answer> {
        let mut request = self.request(method, &format!("/api/v1{path}"))?.header("accept", "application/json");
        if let Some(body) = body {
            request = request.json(body);
        }
        self.runtime.block_on(async {
            let answer = request.send().await.ok()?;
            let status = answer.status().as_u16();
            Some(Answer { status, body: answer.json().await.ok()? })
        })
    }

    fn request(&self, method: Method, path: &str) -> Option<reqwest::RequestBuilder> {
        let endpoint: Value = serde_json::from_slice(&std::fs::read(self.data.join("endpoint.json")).ok()?).ok()?;
        let token = std::fs::read_to_string(self.data.join("token")).ok()?;
        Some(self.http.request(method, format!("{}{path}", endpoint["url"].as_str()?)).bearer_auth(token.trim()))
    }

    /// What stands at a path beside the API.
    pub(crate) fn text(&self, path: &str) -> Option<String> {
        let request = self.request(Method::GET, path)?;
        self.runtime.block_on(async { request.send().await.ok()?.error_for_status().ok()?.text().await.ok() })
    }

    pub(crate) fn get(&self, path: &str) -> Option<Value> {
        self.send(Method::GET, path, None).filter(Answer::is_success).map(|a| a.body)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Option<Answer> {
        self.send(Method::POST, path, Some(body))
    }

    /// Every item of a list that comes in pages; `None` when a page could not be had.
    pub(crate) fn all(&self, path: &str, cursor: &str) -> Option<Vec<Value>> {
        let mut items = Vec::new();
        let mut next = String::new();
        loop {
            let page = self.get(&format!("{path}?limit=500{next}"))?;
            items.extend(page["items"].as_array()?.iter().cloned());
            match page["next_cursor"].as_str() {
                Some(place) => next = format!("&{cursor}={place}"),
                None => return Some(items),
            }
        }
    }
}
