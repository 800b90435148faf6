//! One repository on a forge, and how it is asked.

use bytes::Bytes;
use hyper::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::address::Place;
use crate::error::{ForgeError, ForgeProblem};
use crate::http::Answer;
use crate::server::ForgeServer;

/// How many things a page holds; the most that GitHub gives.
const PAGE: usize = 100;
/// How many pages of one list are read.
const MAX_PAGES: usize = 10;
/// How many things of one list are read.
pub(crate) const MAX_LISTED: usize = PAGE * MAX_PAGES;
/// What stays as it is in a part of an address.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A repository on a forge. Clones share the connections of their server.
#[derive(Debug, Clone)]
pub struct Forge {
    server: ForgeServer,
    pub(crate) owner: String,
    pub(crate) name: String,
}

/// The repository that an address names on this server; `None` where the address is of another host or no forge's at all.
///
/// Hosts are compared without their ports: git and the API may be reached by different ones.
pub fn forge_of(address: &str, server: &ForgeServer) -> Option<Forge> {
    let place = Place::of(address).filter(|place| place.host == server.git_host)?;
    Some(Forge { server: server.clone(), owner: place.owner, name: place.name })
}

impl ForgeServer {
    /// A repository there by its name, `OWNER/NAME`; `None` where that names none.
    pub fn repository(&self, name: &str) -> Option<Forge> {
        let (owner, name) = name.split_once('/').filter(|_| windlass_types::is_forge_repository(name))?;
        Some(Forge { server: self.clone(), owner: owner.to_owned(), name: name.to_owned() })
    }
}

/// One call: what it is for, by which permission, and where.
pub(crate) struct Call {
    /// What is to be done, as it follows on "could not".
    pub(crate) doing: String,
    /// The permission that the token needs.
    pub(crate) needs: &'static str,
    /// The path behind `/repos/OWNER/NAME`.
    pub(crate) path: String,
    /// The query, without `?` and page; empty for none.
    pub(crate) query: String,
}

impl Call {
    /// The same call's failure.
    pub(crate) fn failed(&self, problem: ForgeProblem) -> ForgeError {
        ForgeError { doing: self.doing.clone(), problem }
    }
}

impl Forge {
    /// Its name there: `OWNER/NAME`.
    pub fn repository(&self) -> String {
        format!("{}/{}", self.owner, self.name)
    }

    /// Whose repository on which server, as a person reads it: `o/r on github.com`.
    pub(crate) fn shown(&self) -> String {
        format!("{}/{} on {}", self.owner, self.name, self.server.git_host)
    }

    pub(crate) async fn get<T: DeserializeOwned>(&self, call: &Call) -> Result<T, ForgeError> {
        let answer = self.ask(&Method::GET, call, "", None).await?;
        self.data(call, &answer)
    }

    /// Sends `body` and reads the answer.
    pub(crate) async fn send<T: DeserializeOwned>(&self, method: Method, call: &Call, body: &Value) -> Result<T, ForgeError> {
        let answer = self.ask(&method, call, "", Some(Bytes::from(body.to_string()))).await?;
        self.data(call, &answer)
    }

    /// The pages of a list in order, and whether these are all: no more than [`MAX_PAGES`] are read.
    pub(crate) async fn pages<T: DeserializeOwned>(&self, call: &Call) -> Result<(Vec<T>, bool), ForgeError> {
        let mut pages = Vec::new();
        for page in 1..=MAX_PAGES {
            let answer = self.ask(&Method::GET, call, &format!("per_page={PAGE}&page={page}"), None).await?;
            pages.push(self.data(call, &answer)?);
            if !answer.has_next() {
                return Ok((pages, true));
            }
        }
        Ok((pages, false))
    }

    async fn ask(&self, method: &Method, call: &Call, page: &str, body: Option<Bytes>) -> Result<Answer, ForgeError> {
        let mut target = format!("/repos/{}/{}{}", self.owner, self.name, call.path);
        for (part, separator) in [call.query.as_str(), page].into_iter().filter(|part| !part.is_empty()).zip(['?', '&']) {
            target.push(separator);
            target.push_str(part);
        }
        self.server.http.send(method, &target, body).await.map_err(|problem| call.failed(problem))
    }

    fn data<T: DeserializeOwned>(&self, call: &Call, answer: &Answer) -> Result<T, ForgeError> {
        answer.data(self.server.http.token(), self.server.clock.now(), call.needs).map_err(|problem| call.failed(problem))
    }
}

/// A text as a part of a path or a query.
pub(crate) fn encoded(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}
