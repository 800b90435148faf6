//! A fake GitHub on 127.0.0.1: repositories with branches, pull requests, comments, checks, statuses and reviews, behind a token.
//!
//! It answers the part of the REST API that `windlass-delivery` uses, in the shapes that GitHub describes (a test of that crate validates
//! both sides of every call against GitHub's own description, see [`description`]), records what it is asked, and fails when it is told to:
//! see [`Fault`]. Start at [`FakeGitHub::start`].

mod answer;
mod description;
mod fault;
mod log;
mod page;
mod routes;
mod serve;
mod server;
mod shape;
mod world;

pub use answer::{Answer, Content};
pub use description::description;
pub use fault::Fault;
pub use log::Exchange;
pub use server::FakeGitHub;
pub use world::{NewReview, ReviewState};
