//! The stage `propose`: the branch that was pushed becomes a pull request, once.

use std::fmt::Write as _;

use serde_json::json;
use windlass_delivery::{Proposal, verbatim};
use windlass_secrets::Redactor;
use windlass_types::{PullRequest, Stage, StageStatus};
use windlass_workspace::workspaces::Workspace;

use super::prompt::cut_middle;
use super::{Attempt, Stop, scan};
use crate::failpoint;
use crate::forge::{self, Place};
use crate::settings::Effective;

/// The most that a description shows of the goal and of the agent's account, in bytes.
const GOAL_MAX: usize = 4_000;
const ACCOUNT_MAX: usize = 8_000;

impl Attempt {
    /// What a pull request would want for is found before any agent runs.
    pub(super) fn check_forge(&self) -> Result<(), Stop> {
        if forge::is_wanted(&self.claimed.assignment, &self.claimed.project) {
            forge::place(self.engine.forge.as_ref(), &self.claimed.assignment, &self.claimed.project)?;
        }
        Ok(())
    }

    /// Opens the pull request of the branch that was pushed, or finds the one that is open.
    pub(super) async fn stage_propose(
        &mut self,
        effective: &Effective,
        workspace: &Workspace,
        head: &str,
        text: &str,
        guarded: &[String],
        iteration: u32,
    ) -> Result<(), Stop> {
        let (assignment, project) = (&self.claimed.assignment, &self.claimed.project);
        let place = if forge::is_wanted(assignment, project) {
            forge::place(self.engine.forge.as_ref(), assignment, project)?
        } else {
            Place::Plain("no pull request is wanted".to_owned())
        };
        let forge = match place {
            Place::Forge(forge) => forge,
            Place::Plain(why) => {
                let number = self.stage_begun(Stage::Propose, iteration)?;
                return self.stage_ended(Stage::Propose, number, StageStatus::Skipped, json!({ "why": why })).await;
            }
        };
        let number = self.stage_started(Stage::Propose, iteration).await?;
        let result = async {
            let secrets = self.engine.secrets_of(self.claimed.attempt.id);
            let scanner = scan::scanner()?;
            let clean = |text: &str| Redactor::clean(&scanner, &secrets, text);
            let title = clean(&super::deliver::subject(&self.claimed.assignment.north_star, &self.claimed.job.spec.context));
            let body = self.description(effective, &self.claimed.assignment.north_star, text, guarded, &clean);
            let wanted = Proposal { head: &workspace.branch, base: &workspace.base_branch, title: &title, body: &body };
            let made = forge.ensure_pull_request(&wanted).await.map_err(|e| forge::failure(&e))?;
            failpoint::hit("propose.made");
            let now = self.engine.config.clock.now();
            let pull = PullRequest {
                repository: forge.repository(),
                number: made.number,
                url: made.url,
                title: made.title,
                state: made.state,
                head: head.to_owned(),
                checks: None,
                seen_at: now,
            };
            let detail = json!({ "number": pull.number, "url": pull.url, "repository": pull.repository });
            let (job, token, attempt) = (self.claimed.job.id, self.token(), self.claimed.attempt.id);
            let store = &self.engine.store;
            let first_look =
                now.plus_ms(i64::try_from(self.engine.config.forge_watch.interval_secs).unwrap_or(i64::MAX).saturating_mul(1000));
            self.patiently(|| store.set_pull_request(job, token, attempt, pull.clone(), first_look)).await?;
            failpoint::hit("propose.recorded");
            Ok(((), detail))
        }
        .await;
        self.stage_result(Stage::Propose, number, result).await
    }

    /// The description: what was wanted and what the agent says, both as text that does nothing.
    fn description(&self, effective: &Effective, goal: &str, account: &str, guarded: &[String], clean: &dyn Fn(&str) -> String) -> String {
        let (goal, account) = (clean(goal), clean(account));
        let mut text = format!("### What was wanted\n\n{}\n", verbatim(&cut_middle(goal.trim(), GOAL_MAX)));
        if !account.trim().is_empty() {
            let _ = write!(text, "\n### What the agent says\n\n{}\n", verbatim(&cut_middle(account.trim(), ACCOUNT_MAX)));
        }
        if !guarded.is_empty() {
            let shown: Vec<&str> = guarded.iter().take(50).map(String::as_str).collect();
            let _ = write!(text, "\n### It changes what runs elsewhere or steers agents\n\n{}\n", verbatim(&clean(&shown.join("\n"))));
        }
        let check = match &effective.verify {
            Some(check) => format!("The check passed:\n\n{}", verbatim(&clean(check))),
            None => "There is no check.".to_owned(),
        };
        let _ = write!(
            text,
            "\n---\n{check}\n\nMade by Windlass: assignment `{}`, job `{}`.\n",
            self.claimed.assignment.id, self.claimed.job.id
        );
        text
    }
}
