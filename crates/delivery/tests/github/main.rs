//! The client against the fake GitHub: what it asks, what it makes of the answers, and what it does when there are none.

mod checks;
mod comments;
mod description;
mod failures;
mod place;
mod pull_requests;
mod reviews;
mod support;
