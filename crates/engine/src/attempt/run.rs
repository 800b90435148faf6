//! The `run` stage: one agent under the launcher, its stream redacted, kept, and mapped, its limits watched.
//!
//! **Invariant:** bytes are redacted before they are stored or parsed.
//! **Invariant:** the agent gets `go` only after its launcher's pid and start time are recorded.

use std::path::PathBuf;
use std::task::Poll;
use std::time::Duration;

use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::mpsc;
use tokio::time::Instant;
use windlass_harness::stream::{Line, LineSplitter, Redactor, TranscriptWriter};
use windlass_harness::{Exit, Mapper, RunRequest, Session};
use windlass_types::{AgentEvent, AssignmentId, AttemptId, BudgetCheck, Failure, FailureKind, Harness, Phase, RunEnd, Stage, Usage};
use windlass_workspace::launch::{LaunchMode, LaunchSpec, Limits, Stdin, Stopper};
use windlass_workspace::workspaces::Workspace;

use super::{Attempt, Stop, cancelled};
use crate::engine::Inner;
use crate::failpoint;
use crate::lease::Control;
use crate::settings::Effective;

/// How much of a command's output is kept in memory for the next prompt.
const OUTPUT_KEPT: usize = 1024 * 1024;
/// How often a running job's message may be written.
const MESSAGE_EVERY: Duration = Duration::from_secs(1);
const FINAL_TEXT_MAX: usize = 256 * 1024;

/// Where an attempt's transcript is.
pub(crate) fn transcript_path(inner: &Inner, assignment: AssignmentId, attempt: AttemptId) -> PathBuf {
    inner.config.data_dir.join("transcripts").join(assignment.to_string()).join(format!("{attempt}.jsonl.gz"))
}

/// How a command that is not an agent ended.
pub(crate) struct CommandEnd {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) output: String,
}

/// Why a run was stopped from this side.
#[derive(Debug, Clone)]
enum Cut {
    Control(Control),
    Timeout,
    Stalled,
    Budget(Failure),
    Output,
}

/// What a watched child printed and how it ended.
struct Watched {
    exit: Exit,
    cut: Option<Cut>,
    survivors: u32,
}

enum Chunk {
    Out(Vec<u8>),
    Err(Vec<u8>),
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
            sandboxed: self.engine.launcher.mode() == LaunchMode::Namespace,
            max_turns: None,
            cost_limit_micros: self.cost_left(),
            nth: self.nth().await?,
            iteration,
            user: self.engine.config.user.clone(),
        };
        let invocation = windlass_harness::prepare(&request, &self.engine.config.harness)?;
        let mut mapper = Mapper::new(&request, &self.engine.config.harness);
        let spec = LaunchSpec {
            program: invocation.program,
            args: invocation.args,
            env: invocation.env,
            cwd: invocation.cwd,
            stdin: match invocation.stdin {
                windlass_harness::Stdin::Null => Stdin::Null,
                windlass_harness::Stdin::Text(text) => Stdin::Text(text),
            },
            limits: Limits::default(),
            view: self.view(workspace, &place),
        };
        (self.told, self.exit_code) = (None, None);
        let mut session_seen = None;
        let mut text_seen = String::new();
        let watched = self.watch(effective, spec, Some((&mut mapper, &mut session_seen)), &mut text_seen).await?;
        self.exit_code = watched.exit.code;
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

    /// Runs a simulated agent inside this process: for jobs that only measure or demonstrate the engine.
    async fn run_in_process(&mut self, script: &str, iteration: u32) -> Result<(String, Option<String>), Stop> {
        let nth = self.nth().await?;
        let script = self.fill_script(script).await?;
        self.agent_started = true;
        let mut control = self.control.clone();
        let job_type = self.claimed.job.spec.job_type.as_str().to_owned();
        let run = windlass_harness::simulated::in_process(&script, &job_type, nth, iteration, self.engine.config.clock.now());
        tokio::pin!(run);
        let end = match std::future::poll_fn(|cx| Poll::Ready(run.as_mut().poll(cx))).await {
            Poll::Ready(end) => end,
            Poll::Pending => {
                self.write_journal().await?;
                tokio::select! {
                    biased;
                    control = told(&mut control) => return Err(cut_failure_now(control)),
                    end = run => end,
                }
            }
        };
        match end {
            RunEnd::Finished { text, usage } => {
                self.add_usage(usage);
                self.check_budget()?;
                Ok((text, None))
            }
            RunEnd::Failed { failure, usage } => {
                self.add_usage(usage);
                Err(failure.into())
            }
        }
    }

    fn cut_failure(&self, effective: &Effective, cut: Cut) -> Stop {
        let timeout = effective.timeout_secs;
        match cut {
            Cut::Control(control) => cut_failure_now(control),
            Cut::Timeout => match self.budget_passed(Usage::default()) {
                Some(failure) => failure.into(),
                None => Failure::new(FailureKind::Timeout, format!("the run took longer than {timeout} s"))
                    .hint("give the job more time with --timeout")
                    .into(),
            },
            Cut::Stalled => Failure::new(FailureKind::Stalled, format!("nothing was printed for {} s", effective.idle_timeout_secs))
                .hint("give the job a longer idle time")
                .into(),
            Cut::Budget(failure) => failure.into(),
            Cut::Output => {
                Failure::new(FailureKind::OutputLimit, format!("more than {} bytes were printed", self.engine.config.output_max_bytes))
                    .into()
            }
        }
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
        let env = self.environment(&place)?;
        let spec = LaunchSpec {
            program: PathBuf::from("/bin/sh"),
            args: vec!["-c".into(), command.into()],
            env,
            cwd: place.tree.clone(),
            stdin: Stdin::Null,
            limits: Limits::default(),
            view: self.view(workspace, &place),
        };
        let mut output = String::new();
        let watched = self.watch(effective, spec, None, &mut output).await?;
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

    /// Starts a child under the launcher and watches it to its end: stream, limits, orders from outside.
    async fn watch(
        &mut self,
        effective: &Effective,
        spec: LaunchSpec,
        mut agent: Option<(&mut Mapper, &mut Option<String>)>,
        kept: &mut String,
    ) -> Result<Watched, Stop> {
        let (job_id, token, attempt_id) = (self.claimed.job.id, self.token(), self.claimed.attempt.id);
        let mut transcript = Transcript {
            path: transcript_path(&self.engine, self.claimed.job.assignment_id, attempt_id),
            max_bytes: self.engine.config.output_max_bytes,
            writer: None,
        };
        failpoint::hit("spawn.before");
        let mut launched = self.engine.launcher.spawn(spec).await.map_err(Failure::from)?;
        failpoint::hit("spawn.after");
        (self.claimed.attempt.pid, self.claimed.attempt.pid_start) = (Some(launched.pid), Some(launched.start_time));
        let isolation = self.engine.launcher.mode().as_str().to_owned();
        self.engine.store.record_spawn(job_id, token, attempt_id, launched.pid, launched.start_time, isolation).await?;
        failpoint::hit("go.before");
        let stopper = launched.stopper();
        let margin = Duration::from_millis(self.engine.config.lease_ms.unsigned_abs() / 10);
        let mut deadline = self.deadline.clone();
        // First the deadline: this process may stand still at any moment, and what has no deadline would go on.
        let left = lease_left(*deadline.borrow_and_update(), margin);
        stopper.renew(left).await;
        self.check_control()?;
        launched.go().await.map_err(Failure::from)?;
        failpoint::hit("go.after");
        if agent.is_some() {
            self.agent_started = true;
        }

        let (sender, mut chunks) = mpsc::channel(64);
        let pump_out = launched.stdout.take().map(|stdout| tokio::spawn(pump(stdout, sender.clone(), Chunk::Out)));
        let pump_err = launched.stderr.take().map(|stderr| tokio::spawn(pump(stderr, sender.clone(), Chunk::Err)));
        drop(sender);
        let grace = Duration::from_millis(self.engine.config.kill_grace_ms);

        let secrets = self.engine.secrets_of(attempt_id);
        let (mut redact_out, mut redact_err) = (Redactor::new(&secrets), Redactor::new(&secrets));
        let (mut lines_out, mut lines_err) = (LineSplitter::default(), LineSplitter::default());
        let mut stderr_tail = String::new();
        let began = Instant::now();
        let wall = tokio::time::sleep_until(began + self.wall_limit(effective.timeout_secs));
        tokio::pin!(wall);
        let idle_for = Duration::from_secs(effective.idle_timeout_secs);
        let idle = tokio::time::sleep_until(began + idle_for);
        tokio::pin!(idle);
        let mut control = self.control.clone();
        let mut cut: Option<Cut> = None;
        let mut hurried = false;
        let mut printed: u64 = 0;
        let mut message_at: Option<Instant> = None;
        let mut reading = true;
        let mut exited = None;
        let clock = self.engine.config.clock.clone();

        while exited.is_none() || reading {
            tokio::select! {
                // In this order, so that a flood of output holds up no order to stop, and output that is there counts before silence.
                biased;
                told = told(&mut control), if !matches!(cut, Some(Cut::Control(_))) => {
                    cut = Some(Cut::Control(told));
                    if told == Control::Lost { stop(&stopper, Duration::ZERO); } else { stop(&stopper, grace); }
                }
                () = self.engine.hurry.cancelled(), if !hurried && matches!(cut, Some(Cut::Control(_))) => {
                    hurried = true;
                    stop(&stopper, Duration::ZERO);
                }
                ended = launched.wait(), if exited.is_none() => {
                    exited = Some(ended.map_err(Failure::from)?);
                    // What was printed before the end is still in the pipes; what survivors hold open is closed by now.
                    if !reading { break; }
                }
                () = &mut wall, if cut.is_none() => { cut = Some(Cut::Timeout); stop(&stopper, grace); }
                Ok(()) = deadline.changed() => { renew(&stopper, *deadline.borrow_and_update(), margin); }
                chunk = chunks.recv(), if reading => {
                    let Some(chunk) = chunk else { reading = false; continue };
                    idle.as_mut().reset(Instant::now() + idle_for);
                    let (bytes, is_out) = match chunk { Chunk::Out(b) => (b, true), Chunk::Err(b) => (b, false) };
                    printed = printed.saturating_add(bytes.len() as u64);
                    if printed > self.engine.config.output_max_bytes && cut.is_none() {
                        cut = Some(Cut::Output);
                        stop(&stopper, Duration::ZERO);
                        continue;
                    }
                    let (redactor, splitter, name) = if is_out { (&mut redact_out, &mut lines_out, "stdout") } else { (&mut redact_err, &mut lines_err, "stderr") };
                    let clean = redactor.push(&bytes);
                    for line in splitter.push(&clean) {
                        self.take_line(&line, name, &mut transcript, &mut agent, kept, &mut stderr_tail, &mut cut, &mut message_at, &clock).await?;
                        if cut.is_some() { stop(&stopper, Duration::ZERO); }
                    }
                    if chunks.is_empty() {
                        transcript.flush()?;
                    }
                }
                () = &mut idle, if cut.is_none() && exited.is_none() => { cut = Some(Cut::Stalled); stop(&stopper, grace); }
            }
        }
        for pump in [pump_out, pump_err].into_iter().flatten() {
            let _ = pump.await;
        }
        for (redactor, splitter, name) in [(&mut redact_out, &mut lines_out, "stdout"), (&mut redact_err, &mut lines_err, "stderr")] {
            let mut lines = splitter.push(&redactor.finish());
            lines.extend(splitter.finish());
            for line in lines {
                self.take_line(&line, name, &mut transcript, &mut agent, kept, &mut stderr_tail, &mut cut, &mut message_at, &clock).await?;
            }
        }
        transcript.finish()?;
        failpoint::hit("exit.after");
        if exited.is_some_and(|e| e.lease_ended) && !matches!(cut, Some(Cut::Control(_))) {
            // This process stood still for longer than the lease; whether the right to the job is still there, the settlement will see.
            return Err(
                Failure::new(FailureKind::WorkerLost, "its worker stood still for longer than its lease, and its agent was ended").into()
            );
        }
        let Some(exited) = exited else {
            return Err(Failure::new(FailureKind::AgentCrashed, "the launcher ended without saying how the agent ended").into());
        };
        if matches!(cut, Some(Cut::Control(Control::Lost))) {
            return Err(Stop::Lost);
        }
        Ok(Watched { exit: Exit { code: exited.code, signal: exited.signal, stderr_tail }, cut, survivors: exited.survivors_killed })
    }

    #[expect(clippy::too_many_arguments, reason = "the state of one stream, held by its one reader")]
    async fn take_line(
        &mut self,
        line: &Line,
        stream: &str,
        transcript: &mut Transcript,
        agent: &mut Option<(&mut Mapper, &mut Option<String>)>,
        kept: &mut String,
        stderr_tail: &mut String,
        cut: &mut Option<Cut>,
        message_at: &mut Option<Instant>,
        clock: &windlass_types::Clock,
    ) -> Result<(), Stop> {
        transcript.writer()?.line(clock.now(), stream, line).map_err(disk)?;
        let Some((mapper, session)) = agent else {
            keep(kept, line);
            return Ok(());
        };
        if stream == "stderr" {
            keep_tail(stderr_tail, line);
            return Ok(());
        }
        for event in mapper.line(line) {
            match &event {
                AgentEvent::Session { session_id, .. } if session.as_deref() != Some(session_id) => {
                    // Recorded as soon as it is known: after a crash it is the only way back into the session.
                    let (store, job, token, attempt) = (&self.engine.store, self.claimed.job.id, self.token(), self.claimed.attempt.id);
                    self.patiently(|| store.set_session(job, token, attempt, session_id.clone())).await?;
                    failpoint::hit("session.after");
                    **session = Some(session_id.clone());
                }
                AgentEvent::Usage { usage } => {
                    self.told = Some(*usage);
                    if let Some(failure) = self.budget_passed(*usage)
                        && cut.is_none()
                    {
                        *cut = Some(Cut::Budget(failure));
                    }
                }
                _ => {}
            }
            if let Some(message) = message_of(&event)
                && message_at.is_none_or(|at| at.elapsed() >= MESSAGE_EVERY)
            {
                *message_at = Some(Instant::now());
                let (store, job, token) = (&self.engine.store, self.claimed.job.id, self.token());
                self.patiently(|| store.progress(job, token, None::<Phase>, None, Some(message.clone()))).await?;
            }
        }
        Ok(())
    }

    fn add_usage(&mut self, usage: Option<Usage>) {
        self.used = match (self.used, usage) {
            (Some(before), Some(now)) if before == Usage::default() => Some(now),
            (Some(before), Some(now)) => Some(before.plus(now)),
            _ => None,
        };
    }

    /// What the budgets say with this attempt's runs, and `running` on top, counted in.
    fn budget_passed(&self, running: Usage) -> Option<Failure> {
        let wall_ms = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let used = self.used.unwrap_or_default();
        let assignment = &self.claimed.assignment;
        let spent = assignment.spent.with_running(used, wall_ms).with_running(running, 0);
        let job = windlass_types::Spent {
            tokens: self.claimed.job.usage.total_tokens(),
            cost_micros: self.claimed.job.cost_micros,
            ..Default::default()
        };
        assignment.budget.refuses(&spent, BudgetCheck::DuringRun).or_else(|| {
            self.claimed.job.spec.budget.refuses(&job.with_running(used, wall_ms).with_running(running, 0), BudgetCheck::DuringRun)
        })
    }

    /// After a run: what has passed a budget ends the attempt.
    fn check_budget(&self) -> Result<(), Stop> {
        self.budget_passed(Usage::default()).map_or(Ok(()), |failure| Err(failure.into()))
    }

    /// Before a further run of this attempt: what the runs before did not tell refuses it, if a budget limits it.
    fn check_budget_again(&self) -> Result<(), Stop> {
        let assignment = &self.claimed.assignment;
        let spent = |before: windlass_types::Spent| before.after_run(self.used, 0, self.agent_started);
        let refused = if self.agent_started {
            assignment
                .budget
                .refuses(&spent(assignment.spent), BudgetCheck::DuringRun)
                .or_else(|| self.claimed.job.spec.budget.refuses(&spent(windlass_types::Spent::default()), BudgetCheck::DuringRun))
        } else {
            None
        };
        refused.map_or(Ok(()), |failure| Err(failure.into()))
    }

    fn cost_left(&self) -> Option<windlass_types::Micros> {
        let assignment = &self.claimed.assignment;
        let left = |limit: Option<windlass_types::Micros>, spent: windlass_types::Micros| {
            limit.map(|l| windlass_types::Micros((l.0 - spent.0).max(1)))
        };
        match (
            left(assignment.budget.cost_micros, assignment.spent.cost_micros),
            left(self.claimed.job.spec.budget.cost_micros, self.claimed.job.cost_micros),
        ) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// The time this run may take: its own limit, cut to what the wall-time budgets leave.
    fn wall_limit(&self, timeout_secs: u64) -> Duration {
        let elapsed = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        let assignment = &self.claimed.assignment;
        let left = assignment.budget.wall_secs.map(|s| (s * 1000).saturating_sub(assignment.spent.wall_ms.saturating_add(elapsed)));
        Duration::from_millis(left.unwrap_or(u64::MAX).min(timeout_secs.saturating_mul(1000)).max(1))
    }

    /// Which job of its type in the line this one is, from 1 up.
    async fn nth(&self) -> Result<u32, Stop> {
        // Only a script asks.
        if self.claimed.harness != Harness::Simulated {
            return Ok(1);
        }
        let line = self.line_before().await?;
        let job_type = self.claimed.job.spec.job_type;
        Ok(line.iter().filter(|j| j.spec.job_type == job_type).count() as u32 + 1)
    }

    /// Puts this job's facts into a simulated agent's script, so that its verdicts can name real evidence.
    async fn fill_script(&self, script: &str) -> Result<String, Stop> {
        if !script.contains("${") {
            return Ok(script.to_owned());
        }
        let line = self.engine.store.line(self.claimed.job.assignment_id).await?;
        let last_commit_job = line.iter().rev().find(|j| j.commit.is_some()).map(|j| j.id.to_string()).unwrap_or_default();
        let head = self.claimed.assignment.head_commit.clone().unwrap_or_default();
        let reviewed = self.claimed.job.reviews.map(|id| id.to_string()).unwrap_or_default();
        Ok(script
            .replace("${head_commit}", &head)
            .replace("${reviewed_job}", &reviewed)
            .replace("${last_commit_job}", &last_commit_job)
            .replace("${job}", &self.claimed.job.id.to_string()))
    }
}

fn cut_failure_now(control: Control) -> Stop {
    match control {
        Control::Cancel => cancelled(),
        Control::HandBack => Stop::HandBack,
        Control::Lost | Control::Run => Stop::Lost,
    }
}

/// Waits until the attempt is told to stop.
async fn told(control: &mut tokio::sync::watch::Receiver<Control>) -> Control {
    match control.wait_for(|c| *c != Control::Run).await {
        Ok(c) => *c,
        // The table that tells is gone: so is the engine.
        Err(_) => Control::Lost,
    }
}

/// Ends the child without waiting for it: the reader goes on until it is gone.
fn stop(stopper: &Stopper, grace: Duration) {
    let stopper = stopper.clone();
    tokio::spawn(async move { stopper.stop(grace).await });
}

/// How long the agent may live from now on: the lease, less the time that killing takes.
fn lease_left(deadline: Instant, margin: Duration) -> Duration {
    deadline.saturating_duration_since(Instant::now()).saturating_sub(margin)
}

/// Lets the launcher know how long the agent may live: the lease, less the time that killing takes.
fn renew(stopper: &Stopper, deadline: Instant, margin: Duration) {
    let (stopper, left) = (stopper.clone(), lease_left(deadline, margin));
    tokio::spawn(async move { stopper.renew(left).await });
}

async fn pump<R: AsyncRead + Unpin>(mut from: R, to: mpsc::Sender<Chunk>, wrap: fn(Vec<u8>) -> Chunk) {
    let mut buffer = vec![0u8; 64 * 1024];
    while let Ok(n) = from.read(&mut buffer).await {
        if n == 0 || to.send(wrap(buffer[..n].to_vec())).await.is_err() {
            return;
        }
    }
}

/// A run's transcript: there is no file before there is something in it.
struct Transcript {
    path: PathBuf,
    max_bytes: u64,
    writer: Option<TranscriptWriter>,
}

impl Transcript {
    fn writer(&mut self) -> Result<&mut TranscriptWriter, Stop> {
        match &mut self.writer {
            Some(writer) => Ok(writer),
            none => {
                let opened = TranscriptWriter::open(&self.path, self.max_bytes);
                let failed = |e| {
                    let text = format!("the transcript {} could not be written: {e}", self.path.display());
                    Stop::from(Failure::new(FailureKind::DiskFull, text))
                };
                Ok(none.insert(opened.map_err(failed)?))
            }
        }
    }

    fn flush(&mut self) -> Result<(), Stop> {
        self.writer.as_mut().map_or(Ok(()), TranscriptWriter::flush).map_err(disk)
    }

    fn finish(self) -> Result<(), Stop> {
        self.writer.map_or(Ok(()), TranscriptWriter::finish).map_err(disk)
    }
}

fn disk(e: std::io::Error) -> Stop {
    Failure::new(FailureKind::DiskFull, format!("the transcript could not be written: {e}")).into()
}

fn keep(kept: &mut String, line: &Line) {
    if kept.len() < 2 * OUTPUT_KEPT {
        kept.push_str(&line.text());
        kept.push('\n');
    }
    if kept.len() > OUTPUT_KEPT {
        *kept = super::prompt::cut_middle(kept, OUTPUT_KEPT / 2);
    }
}

fn keep_tail(tail: &mut String, line: &Line) {
    tail.push_str(&line.text());
    tail.push('\n');
    if tail.len() > 16 * 1024 {
        let mut at = tail.len() - 8 * 1024;
        while !tail.is_char_boundary(at) {
            at += 1;
        }
        tail.drain(..at);
    }
}

fn message_of(event: &AgentEvent) -> Option<String> {
    let short = |text: &str| text.lines().find(|l| !l.trim().is_empty()).map(|l| l.trim().chars().take(160).collect::<String>());
    match event {
        AgentEvent::ToolStarted { name, input, .. } => {
            let about = ["command", "cmd", "file_path", "path", "description"]
                .iter()
                .find_map(|k| input.get(k).and_then(|v| v.as_str()))
                .and_then(short);
            Some(about.map_or_else(|| name.clone(), |about| format!("{name}: {about}")))
        }
        AgentEvent::Text { text, delta: false } | AgentEvent::Notice { text } => short(text),
        _ => None,
    }
}
