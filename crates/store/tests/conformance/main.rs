//! One suite for both databases: what every operation promises.

mod attempts;
mod backup;
mod breakers;
mod claims;
mod crash;
mod database;
mod disk;
mod events;
mod files;
mod findings;
mod guard;
mod holds;
mod later;
mod life;
mod lists;
mod load;
mod nodes;
mod people;
mod projects;
mod races;
mod retention;
mod submit;
mod support;
mod tasks;
mod verdicts;
mod walk;
