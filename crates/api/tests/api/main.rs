//! The API from outside, over real sockets: what it answers, and what it refuses.

mod agents;
mod bounds;
mod document;
mod hosts;
mod metrics;
mod routes;
mod start;
mod stream;
mod support;
mod tokens;
