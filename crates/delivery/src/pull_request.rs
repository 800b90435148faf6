//! Pull requests: one for a branch, whatever crashed before.

use hyper::Method;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use windlass_types::PullRequestState;

use crate::error::{ForgeError, ForgeProblem};
use crate::forge::{Call, Forge, MAX_LISTED, encoded};
use crate::text;

const NEEDS: &str = "the permission Pull requests: write";

/// A pull request that is wanted: a branch that was pushed to the repository, into another one of it.
#[derive(Debug, Clone, Copy)]
pub struct Proposal<'a> {
    /// The branch with the work.
    pub head: &'a str,
    /// The branch that it is to be merged into.
    pub base: &'a str,
    /// The title. Sent as one line, cut to 250 characters.
    pub title: &'a str,
    /// The description, in Markdown: put texts of strangers through [`crate::verbatim`]. Sent cut to 65,000 characters.
    pub body: &'a str,
}

/// A pull request as the forge tells of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// Its number in the repository.
    pub number: u64,
    /// Where people see it.
    pub url: String,
    /// Its title, on one line.
    pub title: String,
    /// Its description.
    pub body: String,
    /// What became of it.
    pub state: PullRequestState,
    /// The commit at the head of its branch.
    pub head_sha: String,
    /// The branch that it is to be merged into.
    pub base: String,
    /// Whether it can be merged without a conflict; `None` while the forge does not know it, as in a list or soon after a push.
    pub mergeable: Option<bool>,
}

/// A pull request on the wire.
#[derive(Deserialize)]
struct Wire {
    number: u64,
    html_url: String,
    title: String,
    body: Option<String>,
    state: String,
    merged_at: Option<String>,
    head: End,
    base: End,
    #[serde(default)]
    mergeable: Option<bool>,
}

/// One end of a pull request.
#[derive(Deserialize)]
struct End {
    #[serde(rename = "ref")]
    branch: String,
    sha: String,
    /// Missing where the fork is gone.
    repo: Option<Repo>,
}

#[derive(Deserialize, PartialEq)]
struct Repo {
    id: u64,
}

impl Wire {
    /// Whether it is open, from this branch into that one of the same repository. What the forge was asked for is not always what it gives.
    fn is_of(&self, head: &str, base: &str) -> bool {
        let same_repository = self.head.repo.is_some() && self.head.repo == self.base.repo;
        self.state == "open" && self.head.branch == head && self.base.branch == base && same_repository
    }

    fn read(self) -> Result<PullRequest, ForgeProblem> {
        let bad = |what: &str| ForgeProblem::BadAnswer(format!("a pull request without {what}"));
        let state = match (self.merged_at.is_some(), self.state.as_str()) {
            (true, _) => PullRequestState::Merged,
            (false, "open") => PullRequestState::Open,
            (false, "closed") => PullRequestState::Closed,
            _ => return Err(bad("a known state")),
        };
        if !text::is_sha(&self.head.sha) {
            return Err(bad("a commit"));
        }
        Ok(PullRequest {
            number: self.number,
            url: text::link(&self.html_url).ok_or_else(|| bad("an address"))?,
            title: text::line(&self.title, 1000),
            body: text::prose(self.body.as_deref().unwrap_or_default(), 1 << 20),
            state,
            head_sha: self.head.sha,
            base: text::line(&self.base.branch, 1000),
            mergeable: self.mergeable,
        })
    }
}

impl Forge {
    /// The open pull request from branch `head` into branch `base`. One that was closed or merged is over, and none.
    pub async fn find_pull_request(&self, head: &str, base: &str) -> Result<Option<PullRequest>, ForgeError> {
        let call = Call {
            doing: format!("look for the pull request of {head} into {base} in {}", self.shown()),
            needs: NEEDS,
            path: "/pulls".to_owned(),
            query: format!("state=open&head={}:{}&base={}", encoded(&self.owner), encoded(head), encoded(base)),
        };
        let (pages, all) = self.pages::<Vec<Wire>>(&call).await?;
        match pages.into_iter().flatten().find(|found| found.is_of(head, base)) {
            Some(found) => found.read().map(Some).map_err(|problem| call.failed(problem)),
            None if all => Ok(None),
            None => Err(call.failed(ForgeProblem::TooMuch { what: "open pull requests", limit: MAX_LISTED })),
        }
    }

    /// Opens a pull request. Not safe to repeat by itself: see [`Forge::ensure_pull_request`].
    async fn create_pull_request(&self, wanted: &Proposal<'_>) -> Result<PullRequest, ForgeError> {
        let call = Call {
            doing: format!("open a pull request of {} into {} in {}", wanted.head, wanted.base, self.shown()),
            needs: NEEDS,
            path: "/pulls".to_owned(),
            query: String::new(),
        };
        let title = text::title(wanted.title);
        if title.is_empty() {
            return Err(call.failed(ForgeProblem::Invalid("its title is empty")));
        }
        let body = json!({"title": title, "body": text::body(wanted.body), "head": wanted.head, "base": wanted.base});
        let made: Wire = self.send(Method::POST, &call, &body).await?;
        made.read().map_err(|problem| call.failed(problem))
    }

    /// The one open pull request of a branch: found, or opened with this title and body.
    ///
    /// Where it could not be told whether it was opened (no answer, or somebody else was faster), it is looked for once more. An error
    /// leaves at most one behind, which the next call finds. The text of one that was there is left alone.
    pub async fn ensure_pull_request(&self, wanted: &Proposal<'_>) -> Result<PullRequest, ForgeError> {
        if let Some(found) = self.find_pull_request(wanted.head, wanted.base).await? {
            return Ok(found);
        }
        match self.create_pull_request(wanted).await {
            Err(error) if error.may_be_done() => match self.find_pull_request(wanted.head, wanted.base).await? {
                Some(found) => Ok(found),
                // A list may lag behind: the next call may see it.
                None if error.says_it_exists() => {
                    let problem = ForgeProblem::Unavailable("it says that there is one, and shows none".to_owned());
                    Err(ForgeError { problem, ..error })
                }
                None => Err(error),
            },
            made => made,
        }
    }

    /// Gives a pull request this title and body where it has others.
    pub async fn update_text(&self, known: &PullRequest, title: &str, body: &str) -> Result<PullRequest, ForgeError> {
        let (title, body) = (text::title(title), text::body(body));
        let call = self.call_about(known.number, "change the text of");
        let mut change = Map::new();
        if title != known.title {
            if title.is_empty() {
                return Err(call.failed(ForgeProblem::Invalid("its title is empty")));
            }
            change.insert("title".to_owned(), title.into());
        }
        if !text::same_body(&body, &known.body) {
            change.insert("body".to_owned(), body.into());
        }
        if change.is_empty() {
            return Ok(known.clone());
        }
        let changed: Wire = self.send(Method::PATCH, &call, &Value::Object(change)).await?;
        changed.read().map_err(|problem| call.failed(problem))
    }

    /// A pull request as it is now.
    pub async fn pull_request(&self, number: u64) -> Result<PullRequest, ForgeError> {
        let call = self.call_about(number, "read");
        let wire: Wire = self.get(&call).await?;
        wire.read().map_err(|problem| call.failed(problem))
    }

    fn call_about(&self, number: u64, doing: &str) -> Call {
        Call {
            doing: format!("{doing} pull request {number} in {}", self.shown()),
            needs: NEEDS,
            path: format!("/pulls/{number}"),
            query: String::new(),
        }
    }
}
