//! The `run` stage: one agent under the launcher, or inside this process; and trusted commands where it runs.

use std::path::PathBuf;

use serde_json::json;
use windlass_harness::{Mapper, RunRequest, Session};
use windlass_types::{Harness, RunEnd, Stage, Usage};
use windlass_workspace::launch::{LaunchSpec, Stdin};
use windlass_workspace::workspaces::Workspace;

use super::child::Cut;
use super::sandbox::proxy_environment;
use super::{Attempt, Stop};
use crate::failpoint;
use crate::settings::Effective;

const FINAL_TEXT_MAX: usize = 256 * 1024;

/// How a command that is not an agent ended.
pub(crate) struct CommandEnd {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) output: String,
}

impl Attempt {
    /// Runs the agent once; gives its final text and the session to go on in.
    pub(crate) async fn stage_run(
        &mut self,
        effective: &Effective,
        workspace: Option<&Workspace>,
        iteration: u32,
        prompt: String,
        session: Option<String>,
    ) -> Result<(String, Option<String>), Stop> {
        self.check_budget_again()?;
        let number = self.stage_begun(Stage::Run, iteration)?;
        self.journal.settles_soon = workspace.is_none() && effective.verify.is_none();
        let before = self.used;
        let result = self.run_agent(effective, workspace, iteration, prompt, session).await;
        let used = match (self.used, before) {
            (Some(now), Some(before)) => json!({"tokens": now.total_tokens().saturating_sub(before.total_tokens())}),
            _ => json!({"tokens": null}),
        };
        let exit_code = self.exit_code;
        let result = result.map(|(text, session)| {
            let kept = super::prompt::cut_middle(&text, FINAL_TEXT_MAX);
            let detail = json!({"text": kept, "session_id": session, "usage": used, "exit_code": exit_code});
            ((text, session), detail)
        });
        self.stage_result(Stage::Run, number, result).await
    }

    async fn run_agent(
        &mut self,
        effective: &Effective,
        workspace: Option<&Workspace>,
        iteration: u32,
        prompt: String,
        session: Option<String>,
    ) -> Result<(String, Option<String>), Stop> {
        let harness = self.claimed.harness;
        if harness == Harness::Simulated
            && let Some(script) = &effective.script
            && windlass_harness::simulated::is_in_process(script, self.claimed.job.spec.job_type.as_str(), self.nth().await?, iteration)
        {
            return self.run_in_process(&script.clone(), iteration).await;
        }
        let token = self.write_journal_and_agent_token().await?;
        failpoint::hit(&format!("{}.started", Stage::Run));
        let place = self.place(workspace)?;
        let mut env = self.environment(&place)?;
        env.extend(self.way_back(token));
        env.extend(self.script_env(workspace));
        let script = match &effective.script {
            Some(script) => Some(self.fill_script(script).await?),
            None => None,
        };
        let resume = session.clone();
        let request = RunRequest {
            harness,
            job_type: self.claimed.job.spec.job_type.as_str().to_owned(),
            prompt,
            system_prompt: None,
            session: match session {
                Some(session_id) => Session::Resume { session_id },
                None => Session::New { id: self.session_id() },
            },
            cwd: place.tree.clone(),
            home: place.home.clone(),
            model: effective.model.clone(),
            read_only: !self.claimed.job.spec.job_type.may_change(),
            env,
            program: effective.program.clone(),
            script,
            timeout_secs: effective.timeout_secs,
            sandboxed: self.is_inside_another_sandbox()?,
            max_turns: None,
            cost_limit_micros: self.cost_left(),
            nth: self.nth().await?,
            iteration,
            user: self.engine.config.user.clone(),
        };
        let mut invocation = windlass_harness::prepare(&request, &self.engine.config.harness)?;
        let gateway = self.gateway(&invocation.hosts).await?;
        if gateway.is_some() {
            invocation.env.extend(proxy_environment());
        }
        let mut mapper = Mapper::new(&request, &self.engine.config.harness);
        let view = self.view(workspace, &place, &invocation.env, invocation.reads, invocation.renews, gateway.as_ref())?;
        let spec = LaunchSpec {
            program: invocation.program,
            args: invocation.args,
            env: invocation.env,
            cwd: invocation.cwd,
            stdin: match invocation.stdin {
                windlass_harness::Stdin::Null => Stdin::Null,
                windlass_harness::Stdin::Text(text) => Stdin::Text(text),
            },
            limits: self.launch_limits(),
            view,
        };
        (self.told, self.exit_code) = (None, None);
        let mut session_seen = None;
        let mut text_seen = String::new();
        let watched = self.watch(effective, spec, Some((&mut mapper, &mut session_seen)), &mut text_seen).await?;
        self.exit_code = watched.exit.code;
        self.tell_refused(gateway).await?;
        let end = mapper.finish(&watched.exit, self.engine.config.clock.now());
        let usage = match &end {
            // An agent that was cut off has no last word; what it had told until then counts.
            RunEnd::Finished { usage, .. } | RunEnd::Failed { usage, .. } => usage.or(self.told),
        };
        self.add_usage(usage);
        if watched.survivors > 0 {
            self.notice(json!({"what": "survivors", "text": format!("{} process(es) that the agent left behind were ended", watched.survivors), "count": watched.survivors}))
                .await?;
        }
        if let Some(cut) = watched.cut {
            return Err(self.cut_failure(effective, cut));
        }
        match end {
            RunEnd::Finished { text, .. } => {
                self.check_budget()?;
                Ok((text, session_seen.or(resume)))
            }
            RunEnd::Failed { failure, .. } => Err(failure.into()),
        }
    }

    /// An id for a new session, random from its first digit on: gemini names a session's file by the first eight alone, and
    /// those of two ids by time are the same for a minute.
    fn session_id(&self) -> uuid::Uuid {
        let ids = &self.engine.config.ids;
        uuid::Builder::from_random_bytes(((u128::from(ids.bits()) << 64) | u128::from(ids.bits())).to_be_bytes()).into_uuid()
    }

    /// Runs a trusted command (the check, the set-up) where the agent runs, and keeps its output.
    pub(crate) async fn run_command(
        &mut self,
        effective: &Effective,
        workspace: Option<&Workspace>,
        command: &str,
    ) -> Result<CommandEnd, Stop> {
        let place = self.place(workspace)?;
        // The check is the project's, not the agent's: it needs no way to speak to Windlass.
        let mut env = self.environment(&place)?;
        let gateway = self.gateway(&[]).await?;
        if gateway.is_some() {
            env.extend(proxy_environment());
        }
        let view = self.view(workspace, &place, &env, Vec::new(), Vec::new(), gateway.as_ref())?;
        let spec = LaunchSpec {
            program: PathBuf::from("/bin/sh"),
            args: vec!["-c".into(), command.into()],
            env,
            cwd: place.tree.clone(),
            stdin: Stdin::Null,
            limits: self.launch_limits(),
            view,
        };
        let mut output = String::new();
        let watched = self.watch(effective, spec, None, &mut output).await?;
        self.tell_refused(gateway).await?;
        if let Some(cut) = watched.cut {
            return Err(match cut {
                // A check that hangs is a check that fails: its output tells the agent.
                Cut::Timeout | Cut::Stalled if self.budget_passed(Usage::default()).is_none() => {
                    return Ok(CommandEnd {
                        code: None,
                        signal: Some(9),
                        output: format!("{output}\n[the check was ended: it took too long or printed nothing for too long]"),
                    });
                }
                cut => self.cut_failure(effective, cut),
            });
        }
        Ok(CommandEnd { code: watched.exit.code, signal: watched.exit.signal, output })
    }
}
