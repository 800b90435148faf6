//! The binary as its users see it: outputs, exit codes, files.

mod access;
mod backup;
mod bad_input;
mod configuration;
mod daemon;
mod environment;
mod full_disk;
mod hooks;
mod housekeeping;
mod initialise;
mod logs;
mod looks;
mod metrics;
mod packaging;
mod pool;
mod reference;
mod revoked;
mod running;
mod scanning;
mod service_manager;
mod stopping;
mod terminal;
mod traces;
mod without_daemon;
