//! What is installed, logged in and missing on this machine, and what to do about it.

use windlass_types::{Harness, Problem};

use crate::engine::Engine;
use crate::error::EngineError;
use crate::request::{Doctor, DoctorCheck};

impl Engine {
    /// Looks at everything work needs.
    pub async fn doctor(&self) -> Result<Doctor, EngineError> {
        let config = &self.inner.config;
        let mut harnesses = Vec::new();
        for harness in Harness::ALL {
            harnesses.push(windlass_harness::probe(harness, &config.harness, &config.user).await);
        }
        let mut checks = Vec::new();
        checks.push(match self.inner.workspaces.git_version().await {
            Ok(version) => check("git", version, None),
            Err(e) => check("git", "not found".to_owned(), Some(problem(&e.to_string(), "install git 2.40 or later"))),
        });
        let isolation = self.inner.launcher.mode().as_str();
        checks.push(check(
            "isolation",
            isolation.to_owned(),
            (isolation != "namespace").then(|| {
                problem(
                    "agents do not run in a namespace of their own: they can read the daemon's token, so tokens are no boundary",
                    "install bubblewrap and allow unprivileged user namespaces",
                )
            }),
        ));
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

pub(crate) fn check(name: &str, found: String, problem: Option<Problem>) -> DoctorCheck {
    DoctorCheck { name: name.to_owned(), found, problem }
}

pub(crate) fn problem(what: &str, hint: &str) -> Problem {
    Problem { what: what.to_owned(), hint: hint.to_owned() }
}
