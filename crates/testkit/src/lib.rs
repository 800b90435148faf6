//! What Windlass's tests stand on: real parts where a real part can run, and stand-ins that can be scripted.
//!
//! * [`model`]: a model server on the loopback that three real agent CLIs can be pointed at;
//! * [`cli`]: those CLIs, pinned and installed from npm;
//! * [`postgres`]: a throwaway PostgreSQL, a database per test;
//! * [`repo`]: temporary git repositories;
//! * [`witness`] and [`process`]: what really ran, seen from outside the engine;
//! * [`wait`]: waiting for a condition that has no event.
//!
//! Helpers here panic with a clear message where going on would only hide what is wrong: their callers are tests.
//! A part that is not installed is skipped loudly, see [`skip`].

pub mod cli;
pub mod model;
pub mod postgres;
pub mod process;
pub mod repo;
pub mod skip;
pub mod wait;
pub mod witness;
