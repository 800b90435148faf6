//! The API from outside, over real sockets: what it answers, and what it refuses.
//!
//! What is read from the store or written to it runs on both databases; connections, hosts, tokens and bounds know none.

mod access;
mod agents;
mod bounds;
mod document;
mod hosts;
mod metrics;
mod operations;
mod routes;
mod sessions;
mod sign_ins;
mod start;
mod stream;
mod support;
mod tokens;
mod work;
