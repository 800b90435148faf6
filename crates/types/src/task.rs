//! Tasks: what a file of a shared directory asks for, and what became of it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{AssignmentId, Timestamp};

/// Names that are devices on some file systems, with or without an extension.
const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];

/// Whether a text can be a task's id, and so the name of a file in shared directories on any file system.
pub fn is_valid_task_id(id: &str) -> bool {
    if !crate::is_valid_name(id) || id.ends_with('.') {
        return false;
    }
    let stem = id.split('.').next().unwrap_or_default().to_ascii_lowercase();
    let numbered = stem.strip_prefix("com").or_else(|| stem.strip_prefix("lpt"));
    !DEVICES.contains(&stem.as_str()) && !numbered.is_some_and(|n| n.len() == 1 && n != "0" && n.bytes().all(|b| b.is_ascii_digit()))
}

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TaskStatus {
    /// Taken; its result is not on disk yet.
    Live,
    /// Its result is on disk.
    Done,
}

impl TaskStatus {
    /// Every status.
    pub const ALL: [Self; 2] = [Self::Live, Self::Done];

    /// The word for it everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Done => "done",
        }
    }
}

crate::text_enum!(TaskStatus, "task status");

/// A failed try that an outside executor told of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TaskTry {
    /// Which try, from 1 up.
    pub attempt: u32,
    /// When it was told.
    pub at: Timestamp,
    /// What is known of it.
    pub error: String,
}

/// A task as the store keeps it, from when it is taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Task {
    /// What it was taken as, once: directory, inode, change time and content.
    pub key: String,
    /// The worker whose directory it was in.
    pub worker: String,
    /// Its own id.
    pub task_id: String,
    /// The file's name in that directory; `None` when it came through a pipe.
    pub file: Option<String>,
    /// The content's SHA-256, in hex digits.
    pub content: String,
    /// The task as it was written.
    pub body: String,
    /// The assignment made of it; `None` when an outside executor does the work.
    pub assignment_id: Option<AssignmentId>,
    /// Where it stands.
    pub status: TaskStatus,
    /// What names the last word of an outside executor that is counted, or that was there before the task was.
    pub told: Option<String>,
    /// Tries of an outside executor that failed.
    pub tries: Vec<TaskTry>,
    /// When its file is written anew for an outside executor.
    pub due_at: Option<Timestamp>,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// When its result was on disk.
    pub ended_at: Option<Timestamp>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_id_that_could_leave_its_directory_or_name_a_device_is_refused() {
        let long = "a".repeat(129);
        for id in ["../../etc/cron.d/x", "/abs", "..", "", ".", "a/b", "a\\b", "a\0b", "CON", "con.json", "Lpt1", "-rf", "a.", "é", &long]
        {
            assert!(!is_valid_task_id(id), "{id:?}");
        }
        for id in ["test-001", "a", "A_b.c-9", "console", "com0", "comx", &long[..128]] {
            assert!(is_valid_task_id(id), "{id:?}");
        }
    }

    proptest! {
        #[test]
        fn a_valid_id_is_one_plain_component_of_a_path(id in ".{0,140}") {
            if is_valid_task_id(&id) {
                prop_assert_eq!(std::path::Path::new(&id).components().count(), 1);
                prop_assert!(id.is_ascii() && !id.starts_with(['.', '-']) && id.len() <= 128);
            }
        }
    }
}
