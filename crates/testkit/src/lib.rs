//! What Windlass's tests stand on: real parts where a real part can run, and stand-ins that can be scripted.
//!
//! * [`model`]: a model server on the loopback that three real agent CLIs can be pointed at;
//! * [`forge`]: a fake GitHub on the loopback;
//! * [`cli`]: those CLIs, pinned and installed from npm;
//! * [`mcp`]: a client of the Model Context Protocol, of the official SDKs;
//! * [`postgres`]: a throwaway PostgreSQL, a database per test;
//! * [`repo`]: temporary git repositories;
//! * [`witness`] and [`process`]: what really ran, seen from outside the engine;
//! * [`disk`] and [`proxy`]: a disk, a clock and a connection that can fail;
//! * [`invariants`]: what must hold of every history, checked in one place;
//! * [`mail`]: a mail server that keeps what it takes;
//! * [`folder`]: a folder that is gone with its test;
//! * [`wait`]: waiting for a condition that has no event.
//!
//! Helpers here panic with a clear message where going on would only hide what is wrong: their callers are tests.
//! A part that is not installed is skipped loudly, see [`skip`].

pub mod cli;
pub mod disk;
pub mod folder;
pub mod forge;
pub mod invariants;
pub mod mail;
pub mod mcp;
pub mod model;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod repo;
pub mod skip;
pub mod wait;
pub mod witness;
