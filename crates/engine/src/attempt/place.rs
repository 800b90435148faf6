//! Where an agent runs, and the whole of its environment.
//!
//! **Invariant:** nothing of the daemon's own environment reaches an agent but what is on the allow-list.

use std::collections::BTreeMap;
use std::path::PathBuf;

use windlass_types::{Failure, FailureKind};
use windlass_workspace::workspaces::Workspace;

use super::{Attempt, Stop};

impl Attempt {
    /// Where the agent runs and what is its HOME.
    pub(super) fn place(&self, workspace: Option<&Workspace>) -> Result<Place, Stop> {
        if let Some(workspace) = workspace {
            return Ok(Place { tree: workspace.path.clone(), home: workspace.home.clone(), tmp: workspace.tmp.clone() });
        }
        let scratch = self.engine.workspaces.prepare_scratch(&self.claimed.assignment.project, &self.claimed.assignment.id)?;
        Ok(Place { tree: scratch.path, home: scratch.home, tmp: scratch.tmp })
    }

    /// The environment of the attempt's programs: an allow-list and their place.
    pub(super) fn environment(&self, place: &Place) -> Result<BTreeMap<String, String>, Stop> {
        let config = &self.engine.config;
        let mut env = config.env_pass.clone();
        let bin = place.home.join(".windlass").join("bin");
        link_self(&bin, &config.windlass_exe)
            .map_err(|e| Failure::new(FailureKind::DiskFull, format!("the folder {} could not be made: {e}", bin.display())))?;
        let path = env.get("PATH").cloned().unwrap_or_else(|| config.harness.search_path.clone());
        env.insert("PATH".to_owned(), format!("{}:{path}", bin.display()));
        env.insert("HOME".to_owned(), place.home.display().to_string());
        env.insert("TMPDIR".to_owned(), place.tmp.display().to_string());
        let assignment = &self.claimed.assignment;
        for (name, value) in [
            ("WINDLASS_PROJECT", assignment.project.clone()),
            ("WINDLASS_ASSIGNMENT_ID", assignment.id.to_string()),
            ("WINDLASS_JOB_ID", self.claimed.job.id.to_string()),
            ("WINDLASS_ATTEMPT", self.token().to_string()),
            ("WINDLASS_ATTEMPT_NUMBER", self.claimed.attempt.number.to_string()),
            ("WINDLASS_STATUS_FILE", place.home.join(".windlass").join("status.json").display().to_string()),
        ] {
            env.insert(name.to_owned(), value);
        }
        Ok(env)
    }

    /// What the agent gets beyond that: the way to speak to Windlass, with a token scoped to this attempt.
    pub(super) fn way_back(&self, token: String) -> [(String, String); 2] {
        [("WINDLASS_URL".to_owned(), self.engine.config.agent_url.clone()), ("WINDLASS_TOKEN".to_owned(), token)]
    }

    /// What a pm job's agent may want to know without reading its prompt.
    pub(super) fn script_env(&self, workspace: Option<&Workspace>) -> BTreeMap<String, String> {
        let mut env = BTreeMap::new();
        if let Some(reviewed) = self.claimed.job.reviews {
            env.insert("WINDLASS_REVIEWED_JOB".to_owned(), reviewed.to_string());
        }
        if workspace.is_some()
            && let Some(head) = &self.claimed.assignment.head_commit
        {
            env.insert("WINDLASS_HEAD_COMMIT".to_owned(), head.clone());
        }
        env
    }
}

/// Where an agent runs.
pub(super) struct Place {
    pub(super) tree: PathBuf,
    pub(super) home: PathBuf,
    pub(super) tmp: PathBuf,
}

fn make_private(dir: &std::path::Path) -> std::io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// Puts `windlass` on the agent's PATH.
fn link_self(bin: &std::path::Path, exe: &std::path::Path) -> std::io::Result<()> {
    make_private(bin)?;
    let link = bin.join("windlass");
    if std::fs::read_link(&link).is_ok_and(|to| to == exe) {
        return Ok(());
    }
    let _ = std::fs::remove_file(&link);
    std::os::unix::fs::symlink(exe, link)
}
