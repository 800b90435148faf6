//! What the checks of a commit say, check runs and commit statuses as one verdict.

use serde::Deserialize;
use windlass_types::ChecksVerdict;

use crate::error::{ForgeError, ForgeProblem};
use crate::forge::{Call, Forge, MAX_LISTED};
use crate::text;

/// How many failed checks are named.
pub const MAX_FAILED_CHECKS: usize = 50;
/// The longest name of one, in characters.
const MAX_NAME_CHARS: usize = 200;

/// The checks of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checks {
    /// What they say together.
    pub verdict: ChecksVerdict,
    /// How many there are.
    pub total: usize,
    /// How many are not over.
    pub pending: usize,
    /// Those that failed, at most [`MAX_FAILED_CHECKS`].
    pub failed: Vec<FailedCheck>,
}

/// A check that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedCheck {
    /// Its name.
    pub name: String,
    /// How it ended, in the forge's word: `failure`, `timed_out`, `cancelled`, `action_required`, `error` …
    pub conclusion: String,
    /// Where people see why.
    pub link: Option<String>,
}

#[derive(Deserialize)]
struct RunsPage {
    check_runs: Vec<Run>,
}

/// A check run on the wire.
#[derive(Deserialize)]
struct Run {
    name: String,
    status: String,
    conclusion: Option<String>,
    html_url: Option<String>,
    details_url: Option<String>,
}

#[derive(Deserialize)]
struct StatusesPage {
    statuses: Vec<Status>,
}

/// A commit status on the wire.
#[derive(Deserialize)]
struct Status {
    context: String,
    state: String,
    target_url: Option<String>,
}

/// How one check stands.
enum Standing<'a> {
    Pending,
    Fine,
    Failed(&'a str),
}

impl Run {
    fn standing(&self) -> Standing<'_> {
        match (self.status.as_str(), self.conclusion.as_deref()) {
            ("completed", Some("success" | "neutral" | "skipped")) => Standing::Fine,
            // Whatever else it ended as, known or not, it is not fine.
            ("completed", conclusion) => Standing::Failed(conclusion.unwrap_or("completed")),
            _ => Standing::Pending,
        }
    }
}

impl Status {
    fn standing(&self) -> Standing<'_> {
        match self.state.as_str() {
            "success" => Standing::Fine,
            "failure" | "error" => Standing::Failed(&self.state),
            _ => Standing::Pending,
        }
    }
}

impl Checks {
    const NONE: Self = Self { verdict: ChecksVerdict::Unreported, total: 0, pending: 0, failed: Vec::new() };

    fn add(&mut self, name: &str, standing: &Standing<'_>, links: [Option<&String>; 2]) {
        self.total += 1;
        match standing {
            Standing::Fine => {}
            Standing::Pending => self.pending += 1,
            Standing::Failed(conclusion) => {
                self.verdict = ChecksVerdict::Failure;
                if self.failed.len() < MAX_FAILED_CHECKS {
                    let link = links.into_iter().flatten().find_map(|url| text::link(url));
                    self.failed.push(FailedCheck { name: text::line(name, MAX_NAME_CHARS), conclusion: text::line(conclusion, 40), link });
                }
            }
        }
    }
}

impl Forge {
    /// What check runs and commit statuses say of a commit, given by its whole hash. Of a check that ran more than once the last run counts.
    pub async fn checks(&self, sha: &str) -> Result<Checks, ForgeError> {
        let call = |what: &str, query: &str, needs| Call {
            doing: format!("read the checks of {} in {}", text::line(sha, 64), self.shown()),
            needs,
            path: format!("/commits/{sha}/{what}"),
            query: query.to_owned(),
        };
        let runs = call("check-runs", "filter=latest", "the permission Checks: read");
        let statuses = call("status", "", "the permission Commit statuses: read");
        if !text::is_sha(sha) {
            return Err(runs.failed(ForgeProblem::Invalid("a commit is named by its whole hash")));
        }
        let (run_pages, all_runs) = self.pages::<RunsPage>(&runs).await?;
        let (status_pages, all_statuses) = self.pages::<StatusesPage>(&statuses).await?;
        let mut checks = Checks::NONE;
        for run in run_pages.iter().flat_map(|page| &page.check_runs) {
            checks.add(&run.name, &run.standing(), [run.html_url.as_ref(), run.details_url.as_ref()]);
        }
        for status in status_pages.iter().flat_map(|page| &page.statuses) {
            checks.add(&status.context, &status.standing(), [status.target_url.as_ref(), None]);
        }
        if checks.verdict != ChecksVerdict::Failure {
            if !all_runs || !all_statuses {
                // What was not read may have failed.
                return Err(runs.failed(ForgeProblem::TooMuch { what: "checks", limit: MAX_LISTED }));
            }
            checks.verdict = match (checks.total, checks.pending) {
                (0, _) => ChecksVerdict::Unreported,
                (_, 0) => ChecksVerdict::Success,
                _ => ChecksVerdict::Pending,
            };
        }
        Ok(checks)
    }
}
