//! One suite for both databases: what every operation promises.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod database;
mod life;
mod support;
