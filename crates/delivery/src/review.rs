//! Reviews of a pull request, as plain data for the engine to judge.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use windlass_types::Timestamp;

use crate::error::{ForgeError, ForgeProblem};
use crate::forge::{Call, Forge};
use crate::text;

/// The longest body of a review or a comment, in bytes; what is longer is cut and says so.
pub const MAX_COMMENT_BYTES: usize = 4096;
/// The longest path, in characters.
const MAX_PATH_CHARS: usize = 1000;
/// The longest name of an author, in characters.
const MAX_AUTHOR_CHARS: usize = 100;

/// Reviews in the order in which they were submitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reviews {
    /// The reviews.
    pub items: Vec<Review>,
    /// Whether these are all, with all comments: of reviews the first 1000 of a pull request are read, of comments the last 1000.
    pub complete: bool,
}

/// A review: what somebody says of the whole, and of single lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// Its id.
    pub id: u64,
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// Who wrote it.
    pub author: String,
    /// What they are to the repository: whether to listen to them.
    pub association: Association,
    /// What they decided.
    pub state: ReviewState,
    /// What they say of the whole, cut to [`MAX_COMMENT_BYTES`]. Hostile text.
    pub body: String,
    /// What they say of single lines, in the order in which it was written.
    pub comments: Vec<ReviewComment>,
}

/// What a review says of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewComment {
    /// Its id.
    pub id: u64,
    /// Who wrote it.
    pub author: String,
    /// What they are to the repository.
    pub association: Association,
    /// The file, as the forge names it. Hostile text: not a path to open.
    pub path: String,
    /// The last line that it is about; `None` where it is about the whole file or that line is no longer there.
    pub line: Option<u32>,
    /// What it says, cut to [`MAX_COMMENT_BYTES`]. Hostile text.
    pub body: String,
}

/// The last review that was seen. Not its id alone: a review that was begun earlier may be submitted later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ReviewMark {
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// Its id.
    pub id: u64,
}

/// What a reviewer decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReviewState {
    /// It may be merged.
    Approved,
    /// It may not, as it is.
    ChangesRequested,
    /// Nothing.
    Commented,
    /// What they had decided no longer counts.
    Dismissed,
}

/// What an author is to the repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Association {
    /// They own it.
    Owner,
    /// They belong to the organisation that owns it.
    Member,
    /// They were invited to it.
    Collaborator,
    /// A commit of theirs is in it; they have no rights.
    Contributor,
    /// Nothing, or nothing that is known here.
    Stranger,
}

/// A review on the wire.
#[derive(Deserialize)]
struct WireReview {
    id: u64,
    user: Option<User>,
    body: Option<String>,
    state: String,
    submitted_at: Option<String>,
    author_association: String,
}

/// A comment on the wire.
#[derive(Deserialize)]
struct WireComment {
    id: u64,
    pull_request_review_id: Option<u64>,
    user: Option<User>,
    body: Option<String>,
    path: String,
    #[serde(default)]
    line: Option<u32>,
    author_association: String,
}

#[derive(Deserialize)]
struct User {
    login: String,
}

impl Review {
    /// What [`Forge::reviews`] wants to hear, to go on behind this one.
    pub const fn mark(&self) -> ReviewMark {
        ReviewMark { submitted_at: self.submitted_at, id: self.id }
    }
}

impl Association {
    fn of(word: &str) -> Self {
        match word {
            "OWNER" => Self::Owner,
            "MEMBER" => Self::Member,
            "COLLABORATOR" => Self::Collaborator,
            "CONTRIBUTOR" => Self::Contributor,
            _ => Self::Stranger,
        }
    }
}

impl WireReview {
    /// `None` for one that is not submitted: only its author sees it.
    fn read(self) -> Result<Option<Review>, ForgeProblem> {
        let state = match self.state.as_str() {
            "PENDING" => return Ok(None),
            "APPROVED" => ReviewState::Approved,
            "CHANGES_REQUESTED" => ReviewState::ChangesRequested,
            "DISMISSED" => ReviewState::Dismissed,
            _ => ReviewState::Commented,
        };
        let submitted_at = self.submitted_at.as_deref().unwrap_or_default().parse();
        Ok(Some(Review {
            id: self.id,
            submitted_at: submitted_at.map_err(|_| ForgeProblem::BadAnswer("a review without a time".to_owned()))?,
            author: author(self.user),
            association: Association::of(&self.author_association),
            state,
            body: said(self.body),
            comments: Vec::new(),
        }))
    }
}

fn author(user: Option<User>) -> String {
    // GitHub's own name for one who is gone.
    user.map_or_else(|| "ghost".to_owned(), |user| text::line(&user.login, MAX_AUTHOR_CHARS))
}

fn said(body: Option<String>) -> String {
    text::prose(&body.unwrap_or_default(), MAX_COMMENT_BYTES)
}

impl Forge {
    /// The reviews of a pull request that were submitted after `since`, or all of them, each with its comments.
    ///
    /// A single comment on a line is a review of its own to GitHub. What is written in the conversation below is no review.
    pub async fn reviews(&self, pull_request: u64, since: Option<ReviewMark>) -> Result<Reviews, ForgeError> {
        let call = |what: &str, query: &str| Call {
            doing: format!("read the reviews of pull request {pull_request} in {}", self.shown()),
            needs: "the permission Pull requests: read",
            path: format!("/pulls/{pull_request}/{what}"),
            query: query.to_owned(),
        };
        let reviews = call("reviews", "");
        let (pages, all_reviews) = self.pages::<Vec<WireReview>>(&reviews).await?;
        // By their marks, which sorts them and takes one that stands on two pages once.
        let mut items = BTreeMap::new();
        for wire in pages.into_iter().flatten() {
            let review = wire.read().map_err(|problem| reviews.failed(problem))?;
            if let Some(review) = review.filter(|review| since.is_none_or(|mark| review.mark() > mark)) {
                items.insert(review.mark(), review);
            }
        }
        if items.is_empty() {
            return Ok(Reviews { items: Vec::new(), complete: all_reviews });
        }
        // By their review and not by their own time or id, which are those of the draft. The newest first: they are the likelier ones.
        let (pages, all_comments) = self.pages::<Vec<WireComment>>(&call("comments", "sort=created&direction=desc")).await?;
        let comments: BTreeMap<u64, WireComment> = pages.into_iter().flatten().map(|comment| (comment.id, comment)).collect();
        let mut by_review: BTreeMap<u64, &mut Review> = items.values_mut().map(|review| (review.id, review)).collect();
        for comment in comments.into_values() {
            if let Some(review) = comment.pull_request_review_id.and_then(|id| by_review.get_mut(&id)) {
                review.comments.push(ReviewComment {
                    id: comment.id,
                    author: author(comment.user),
                    association: Association::of(&comment.author_association),
                    path: text::line(&comment.path, MAX_PATH_CHARS),
                    line: comment.line,
                    body: said(comment.body),
                });
            }
        }
        Ok(Reviews { items: items.into_values().collect(), complete: all_reviews && all_comments })
    }
}
