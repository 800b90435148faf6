//! Nodes: the `windlass` processes that share a database.

use serde::{Deserialize, Serialize};

use crate::{Timestamp, text_enum};

/// What a node does of everything that `windlass up` does in one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Claims jobs and runs their agents.
    Worker,
    /// Serves people and programs over HTTP.
    Api,
    /// Takes task files from the shared directory.
    Intake,
}

impl Role {
    /// All of them: what `windlass up` does.
    pub const ALL: [Self; 3] = [Self::Worker, Self::Api, Self::Intake];

    /// Its word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Worker => "worker",
            Self::Api => "api",
            Self::Intake => "intake",
        }
    }
}

text_enum!(Role, "role");

/// A worker of a node: how many jobs it may run at once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct NodeWorker {
    /// Its name.
    pub name: String,
    /// How many jobs it may run at once.
    pub slots: u32,
}

/// What a node tells the others of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    /// Its id.
    pub node: String,
    /// The machine's name.
    pub host: String,
    /// Its process.
    pub pid: u32,
    /// The version of its binary.
    pub version: String,
    /// What it does.
    pub roles: Vec<Role>,
    /// Its workers; none without the role.
    pub workers: Vec<NodeWorker>,
    /// When it started, by its own clock.
    pub started_at: Timestamp,
}

/// A node as the others see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Node {
    /// Its id.
    pub id: String,
    /// The machine's name.
    pub host: String,
    /// Its process on that machine.
    pub pid: u32,
    /// The version of its binary.
    pub version: String,
    /// What it does, in the words of its own version.
    pub roles: Vec<String>,
    /// Its workers.
    pub workers: Vec<NodeWorker>,
    /// How many jobs run on it.
    pub running: u32,
    /// The duties that it holds.
    pub duties: Vec<String>,
    /// When it started, by its own clock.
    pub started_at: Timestamp,
    /// When it was last heard of, by the store's clock.
    pub seen_at: Timestamp,
    /// Whether it was not heard of for longer than its lease: its jobs and duties have passed, or pass, to others.
    pub gone: bool,
}
