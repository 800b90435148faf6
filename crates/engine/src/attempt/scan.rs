//! The stage `scan`: what a commit would bring to the remote is looked through for secrets before it is put on the branch.
//!
//! **Invariant:** fails closed. What could not be looked through counts as refused, and only what the base commit allows is allowed.

use std::fmt::Write as _;

use serde_json::json;
use windlass_secrets::{Allowed, Scanner};
use windlass_types::{Failure, FailureKind, SecretFinding, Stage, StageStatus};
use windlass_workspace::git::Commitish;
use windlass_workspace::outgoing::Range;
use windlass_workspace::scan::{ALLOW_LIST, Report, ScanError, scan_range};
use windlass_workspace::workspaces::{Commit, CommitRequest, QUARANTINE, Workspace};

use super::{Attempt, Stop};
use crate::failpoint;

/// The most findings that are kept of one scan.
const KEPT_MAX: usize = 100;
/// The most findings that the agent is told of.
const TOLD_MAX: usize = 20;

/// What the scan said.
#[derive(Debug)]
pub(crate) enum Scanned {
    /// Nothing stands in the way of the commit, if there is one.
    Clean(Option<Commit>),
    /// It holds secrets, and is in quarantine.
    Refused(Refusal),
}

/// Secrets in an agent's work.
#[derive(Debug)]
pub(crate) struct Refusal {
    findings: Vec<SecretFinding>,
    left_out: u64,
    git_dir: String,
}

/// What looks for secrets. Without it nothing may be shown or pushed.
pub(crate) fn scanner() -> Result<Scanner, Failure> {
    Scanner::shared().map_err(|e| Failure::new(FailureKind::Internal, e.to_string()))
}

impl Attempt {
    /// Makes the commit of what the agent left, and looks through everything that the branch would bring with it. What is refused goes
    /// into quarantine, and nothing onto the branch.
    pub(crate) async fn stage_scan(&mut self, workspace: &Workspace, request: &CommitRequest, iteration: u32) -> Result<Scanned, Stop> {
        let number = self.stage_started(Stage::Scan, iteration).await?;
        let (commit, report) = match self.make_and_scan(workspace, request).await {
            Ok(made) => made,
            Err(failure) => return self.stage_result(Stage::Scan, number, Err(failure.into())).await,
        };
        failpoint::hit("scan.made");
        let Some(report) = report else {
            self.stage_ended(Stage::Scan, number, StageStatus::Skipped, json!({"why": "the branch brings nothing"})).await?;
            return Ok(Scanned::Clean(commit));
        };
        let counts = json!({"commits": report.commits, "files": report.files, "bytes": report.bytes});
        if report.findings.is_empty() {
            self.stage_ended(Stage::Scan, number, StageStatus::Passed, counts).await?;
            return Ok(Scanned::Clean(commit));
        }
        let findings: Vec<SecretFinding> = report.findings.iter().take(KEPT_MAX).map(kept).collect();
        let (job, token, attempt) = (self.claimed.job.id, self.token(), self.claimed.attempt.id);
        self.patiently(|| self.engine.store.record_findings(job, token, attempt, findings.clone())).await?;
        if let Some(commit) = &commit {
            self.engine.workspaces.quarantine(workspace, commit).await?;
            failpoint::hit("quarantine.made");
        }
        let left_out = report.left_out + (report.findings.len() - findings.len()) as u64;
        let refusal = Refusal { findings, left_out, git_dir: workspace.engine_git_dir.display().to_string() };
        let detail = json!({"counts": counts, "findings": refusal.findings, "left_out": left_out, "output": refusal.told()});
        self.stage_ended(Stage::Scan, number, StageStatus::Failed, detail).await?;
        Ok(Scanned::Refused(refusal))
    }

    async fn make_and_scan(&self, workspace: &Workspace, request: &CommitRequest) -> Result<(Option<Commit>, Option<Report>), Failure> {
        let workspaces = &self.engine.workspaces;
        let commit = workspaces.make_commit(workspace, request).await.map_err(|e| e.failure())?;
        let head = match &commit {
            Some(commit) => commit.sha.clone(),
            None => workspaces.head(workspace).map_err(|e| e.failure())?,
        };
        if head == workspace.base_commit {
            return Ok((commit, None));
        }
        let report = self.scan(workspace, &head).await?;
        Ok((commit, Some(report)))
    }

    async fn scan(&self, workspace: &Workspace, head: &str) -> Result<Report, Failure> {
        let workspaces = &self.engine.workspaces;
        let base = Commitish::parse(&workspace.base_commit).map_err(|e| e.failure())?;
        let head = Commitish::parse(head).map_err(|e| e.failure())?;
        // What was merged in from the base branch is on the remote already.
        let merged = workspaces.merged_base(workspace).map_err(|e| e.failure())?;
        let merged = merged.map(|commit| Commitish::parse(&commit)).transpose().map_err(|e| e.failure())?;
        let range = Range::Commits { tips: vec![head], without: [base.clone()].into_iter().chain(merged).collect() };
        let repository = workspaces.repository(workspace);
        // What this daemon keeps to itself is found by its value, whatever it looks like.
        let secrets = self.engine.secrets_of(self.claimed.attempt.id);
        let scanner = scanner()?.knowing(&secrets).map_err(|e| Failure::new(FailureKind::Internal, e.to_string()))?;
        let scan = scan_range(&repository, &range, Some(&base), &scanner, Allowed::nothing(), workspaces.limits());
        scan.await.map_err(failure)
    }
}

fn failure(e: ScanError) -> Failure {
    match e {
        ScanError::Workspace(e) => e.failure(),
        ScanError::List { .. } | ScanError::NotText { .. } => Failure::new(FailureKind::BadConfiguration, e.to_string())
            .hint(format!("mend {ALLOW_LIST} on the base branch, then retry the job")),
        ScanError::CutShort(_) => Failure::new(FailureKind::Internal, e.to_string()),
    }
}

fn kept(found: &windlass_workspace::scan::FindingAt) -> SecretFinding {
    let finding = &found.finding;
    SecretFinding {
        rule: finding.rule.to_owned(),
        path: finding.path.clone(),
        line: finding.line as u64,
        column: finding.column as u64,
        redacted: finding.redacted.clone(),
        fingerprint: finding.fingerprint.to_string(),
        commit: found.commit.clone(),
    }
}

impl Refusal {
    /// What the agent is told: where they stand, and never what they are.
    pub(crate) fn told(&self) -> String {
        let mut text = String::from(
            "The secret scan found what looks like secrets in your work. Nothing of it is committed or pushed.\n\
             Take them out of the files that you leave, wherever they stand (read them from the environment, or use an example value that is \
             clearly none), and out of what you say. This is the only chance: if they are still there, the job stops and a person decides.\n\n",
        );
        for finding in self.findings.iter().take(TOLD_MAX) {
            let _ = writeln!(text, "{}:{}:{}: {} ({})", finding.path, finding.line, finding.column, finding.rule, finding.redacted);
        }
        let more = self.left_out + self.findings.len().saturating_sub(TOLD_MAX) as u64;
        if more > 0 {
            let _ = writeln!(text, "and {more} more");
        }
        text
    }

    /// What ends the job when they were not taken out.
    pub(crate) fn failure(&self) -> Failure {
        let count = self.findings.len() as u64 + self.left_out;
        let first = self.findings.first().map(|f| format!("{}:{} ({}, {})", f.path, f.line, f.rule, f.redacted)).unwrap_or_default();
        let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
        Failure::new(FailureKind::SecretFound, format!("the work holds what looks like a secret: {first}{more}; nothing of it was pushed")).hint(
            format!(
                "see `windlass findings`; the work is kept: git --git-dir {} show {QUARANTINE}. Revoke what is real, then retry the job with other \
                 words; allow what is none in {ALLOW_LIST} on the base branch and start anew",
                self.git_dir
            ),
        )
    }
}
