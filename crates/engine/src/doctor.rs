//! What is installed, logged in and missing on this machine, and what to do about it.

use std::collections::{BTreeMap, BTreeSet};

use windlass_types::{Harness, Problem, SandboxLevel, SandboxMode};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::request::{Doctor, DoctorCheck, HarnessLook};

impl Engine {
    /// Looks at everything work needs.
    pub async fn doctor(&self) -> Result<Doctor, EngineError> {
        let config = &self.inner.config;
        let used = self.used_harnesses().await?;
        let mut harnesses = Vec::new();
        for harness in Harness::ALL {
            let probe = windlass_harness::probe(harness, &config.harness, &config.user).await;
            harnesses.push(HarnessLook { probe, used: used.contains(&harness) });
        }
        let mut checks = Vec::new();
        checks.push(match self.inner.workspaces.git_version().await {
            Ok(version) => check("git", version, None),
            Err(e) => check("git", "not found".to_owned(), Some(problem(&e.to_string(), "install git 2.40 or later"))),
        });
        checks.push(sandbox_check(self.inner.launcher.level(), config.sandbox.mode));
        checks.push(match self.inner.store.check().await {
            Ok(()) => {
                check("store", if self.inner.store.is_postgres() { "postgres, writable" } else { "sqlite, writable" }.to_owned(), None)
            }
            Err(e) => check(
                "store",
                "cannot be written".to_owned(),
                Some(problem(&e.to_string(), "free some disk space or mend the permissions; work goes on by itself")),
            ),
        });
        checks.push(match rustix::fs::statvfs(&config.data_dir) {
            Ok(stat) => {
                let free = stat.f_bavail.saturating_mul(stat.f_frsize);
                let found = format!("{} MiB free in {}", free / (1024 * 1024), config.data_dir.display());
                check("disk", found, (free < 1024 * 1024 * 1024).then(|| problem("less than 1 GiB is free", "free some disk space")))
            }
            Err(e) => check("disk", "unknown".to_owned(), Some(problem(&e.to_string(), "see that the data directory is there"))),
        });
        if self.inner.store.paused().await? {
            let paused = problem("nothing new is begun while everything is paused", "windlass resume, once it may go on");
            checks.push(check("paused", "everything is paused".to_owned(), Some(paused)));
        }
        checks.extend(self.duties_check().await?);
        checks.extend(self.health().await?);
        let held = self.breakers_not_closed().await?;
        let found: Vec<String> = held.iter().map(|b| format!("{} is {}", b.id, b.status)).collect();
        let found = if found.is_empty() { "all closed".to_owned() } else { found.join(", ") };
        let stopped = || problem("agents whose backend fails get no jobs", "see `windlass breakers`; they are tried again by themselves");
        checks.push(check("breakers", found, (!held.is_empty()).then(stopped)));
        Ok(Doctor { harnesses, checks })
    }

    /// The agents that something is configured to run on this node.
    pub(crate) async fn used_harnesses(&self) -> Result<BTreeSet<Harness>, EngineError> {
        let config = &self.inner.config;
        let projects = self.inner.store.projects().await?;
        let named = projects.iter().flat_map(|project| project.settings.harness_defaults.values().copied());
        Ok(used_harnesses(
            self.inner.workers().iter().map(|w| w.harness),
            &config.harness_defaults,
            named.chain(config.harness.harness.keys().copied()),
        ))
    }

    /// Who does what one node does for all. On SQLite this one does.
    async fn duties_check(&self) -> Result<Option<DoctorCheck>, EngineError> {
        if !self.inner.store.is_postgres() {
            return Ok(None);
        }
        let nodes = self.nodes().await?;
        let alive = || nodes.iter().filter(|node| !node.gone);
        let holder = |duty: &str| alive().find(|node| node.duties.iter().any(|held| held == duty)).map(|node| node.host.as_str());
        // A node that may take task files may have none configured: then nobody has the duty, and nobody misses it.
        let found = ["housekeeping", "intake"].map(|duty| format!("{duty}: {}", holder(duty).unwrap_or("no node")));
        let wanted = self.inner.duties.names();
        let idle = wanted.into_iter().find(|duty| holder(duty).is_none());
        let idle = idle.map(|duty| {
            let wrong = format!("no node has the duty {duty}");
            problem(&wrong, "it is taken within a lease of the last holder's end; if it is not, see that the nodes reach the database")
        });
        Ok(Some(check("duties", found.join(", "), idle)))
    }
}

/// The agents that something is configured to run: workers, each by its own word or the default; the defaults of job types; and what
/// else is `named`, by projects and by tables of their own. None, where there is no worker.
pub fn used_harnesses(
    workers: impl IntoIterator<Item = Option<Harness>>,
    defaults: &BTreeMap<String, Harness>,
    named: impl IntoIterator<Item = Harness>,
) -> BTreeSet<Harness> {
    let usual = defaults.get("default").copied().unwrap_or(Harness::Claude);
    let mut used: BTreeSet<Harness> = workers.into_iter().map(|own| own.unwrap_or(usual)).collect();
    if !used.is_empty() {
        used.extend(defaults.values().copied().chain(named));
    }
    used
}

/// What keeps agents apart on this machine, and what that is worth.
pub fn sandbox_check(level: SandboxLevel, mode: SandboxMode) -> DoctorCheck {
    let install = "install bubblewrap and permit unprivileged user namespaces";
    let mut found = format!("{level}, mode {mode}");
    let wrong = match level {
        SandboxLevel::Bubblewrap => None,
        SandboxLevel::Landlock => {
            let gaps = windlass_workspace::launch::landlock_gaps().unwrap_or_default().join(", ");
            found = format!("{found}; not kept from agents: {gaps}");
            (mode == SandboxMode::Require)
                .then(|| problem("no project's work runs: bubblewrap is required and does not work here", install))
        }
        SandboxLevel::Rlimits | SandboxLevel::Off => {
            Some(problem("agents do not run in a sandbox: they can read the daemon's token, so tokens are no boundary", install))
        }
    };
    check("isolation", found, wrong)
}

pub(crate) fn check(name: &str, found: String, problem: Option<Problem>) -> DoctorCheck {
    DoctorCheck { name: name.to_owned(), found, problem }
}

pub(crate) fn problem(what: &str, hint: &str) -> Problem {
    Problem { what: what.to_owned(), hint: hint.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_is_used_that_a_worker_a_default_or_a_name_leads_to() {
        let used = |workers: &[Option<Harness>], defaults: &[(&str, Harness)], named: &[Harness]| {
            let defaults = defaults.iter().map(|(of, harness)| ((*of).to_owned(), *harness)).collect();
            used_harnesses(workers.iter().copied(), &defaults, named.iter().copied()).into_iter().collect::<Vec<_>>()
        };
        assert_eq!(used(&[None], &[], &[]), [Harness::Claude], "claude is the usual one");
        assert_eq!(used(&[None], &[("default", Harness::Codex)], &[]), [Harness::Codex]);
        assert_eq!(
            used(&[None, Some(Harness::Command)], &[("review", Harness::Gemini)], &[]),
            [Harness::Claude, Harness::Gemini, Harness::Command]
        );
        assert_eq!(used(&[Some(Harness::Command)], &[], &[Harness::Codex]), [Harness::Codex, Harness::Command]);
        assert_eq!(used(&[], &[("default", Harness::Codex)], &[Harness::Gemini]), [], "nothing runs on a node without workers");
    }
}
