//! Forges: where a branch becomes a pull request. GitHub and GitHub Enterprise.
//!
//! [`ForgeServer`] is one server and the token for it; [`forge_of`] is a [`Forge`], one repository there, or nothing where an address
//! is a plain remote. A [`Forge`] has one pull request of a branch opened ([`Forge::ensure_pull_request`]), keeps its text
//! ([`Forge::update_text`]), comments once ([`Forge::comment_once`]) and tells what came of it: [`Forge::pull_request`],
//! [`Forge::checks`], [`Forge::reviews`].
//!
//! **Invariant:** every operation looks before it acts and may be repeated after any failure, a lost answer included.
//! **Invariant:** nothing is tried again here and nothing waits: a [`ForgeError`] says what class of failure it is and, of a rate limit,
//! until when. The engine decides.
//! **Invariant:** the token goes to the configured base address and nowhere else, and is taken out of everything that comes back.
//! **Invariant:** what a forge says is data of strangers: bounded in bytes, pages and time, without control characters, never followed.
//!
//! It stands beside `workspace`, which pushes the branch, and knows neither git nor jobs. The client is hyper's with this
//! workspace's TLS and not reqwest: reqwest with TLS but no provider of its own panics in every program that builds a plain client.

mod address;
mod answer;
mod checks;
mod comment;
mod error;
mod forge;
mod http;
mod pull_request;
mod review;
mod server;
mod text;
mod token;

pub use checks::{Checks, FailedCheck, MAX_FAILED_CHECKS};
pub use error::{ForgeError, ForgeProblem};
pub use forge::{Forge, forge_of};
pub use pull_request::{Proposal, PullRequest};
pub use review::{Association, MAX_COMMENT_BYTES, Review, ReviewComment, ReviewMark, ReviewState, Reviews};
pub use server::{ForgeConfig, ForgeServer, GITHUB};
pub use text::verbatim;
pub use windlass_types::{ChecksVerdict, PullRequestState};
