//! A child under the launcher, watched to its end: its stream redacted, kept, and mapped, its limits and orders from outside heeded.
//!
//! **Invariant:** bytes are redacted before they are stored or parsed.
//! **Invariant:** the agent gets `go` only after its launcher's pid and start time are recorded.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _};
use tokio::sync::mpsc;
use tokio::time::Instant;
use windlass_harness::stream::{Line, LineSplitter};
use windlass_harness::{Exit, Mapper};
use windlass_secrets::Redactor;
use windlass_types::{AgentEvent, Failure, FailureKind, Phase, Usage};
use windlass_workspace::launch::{LaunchSpec, Stopper};

use super::kept::{Transcript, disk, keep, keep_tail, message_of, transcript_path};
use super::sandbox::{self, over_limit};
use super::{Attempt, Stop, cancelled};
use crate::failpoint;
use crate::lease::Control;
use crate::settings::Effective;

/// How often a running job's message may be written.
const MESSAGE_EVERY: Duration = Duration::from_secs(1);

/// Why a run was stopped from this side.
#[derive(Debug, Clone)]
pub(super) enum Cut {
    Control(Control),
    Timeout,
    Stalled,
    Budget(Failure),
    Output,
    /// A limit of the sandbox.
    Limit(Failure),
}

/// What a watched child printed and how it ended.
pub(super) struct Watched {
    pub(super) exit: Exit,
    pub(super) cut: Option<Cut>,
    pub(super) survivors: u32,
}

enum Chunk {
    Out(Vec<u8>),
    Err(Vec<u8>),
}

impl Attempt {
    /// Starts a child under the launcher and watches it to its end: stream, limits, orders from outside.
    pub(super) async fn watch(
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
        let level = self.level_of(&spec);
        let tree = spec.cwd.clone();
        let folder = tree.parent().map(std::path::Path::to_owned);
        let max_disk = self.sandbox_limits().max_disk;
        failpoint::hit("spawn.before");
        let mut launched = self.engine.launcher.spawn(spec).await.map_err(Failure::from)?;
        failpoint::hit("spawn.after");
        (self.claimed.attempt.pid, self.claimed.attempt.pid_start) = (Some(launched.pid), Some(launched.start_time));
        let isolation = level.as_str().to_owned();
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
            self.feed.begin(&tree);
        }

        let (sender, mut chunks) = mpsc::channel(64);
        let pump_out = launched.stdout.take().map(|stdout| tokio::spawn(pump(stdout, sender.clone(), Chunk::Out)));
        let pump_err = launched.stderr.take().map(|stderr| tokio::spawn(pump(stderr, sender.clone(), Chunk::Err)));
        drop(sender);
        let grace = Duration::from_millis(self.engine.config.kill_grace_ms);

        let secrets = self.engine.secrets_of(attempt_id);
        let scanner = super::scan::scanner()?;
        let (mut redact_out, mut redact_err) = (Redactor::new(&scanner, &secrets), Redactor::new(&scanner, &secrets));
        let (mut lines_out, mut lines_err) = (LineSplitter::default(), LineSplitter::default());
        let mut stderr_tail = String::new();
        let began = Instant::now();
        let wall = tokio::time::sleep_until(began + self.wall_limit(effective.timeout_secs));
        tokio::pin!(wall);
        let idle_for = Duration::from_secs(effective.idle_timeout_secs);
        let idle = tokio::time::sleep_until(began + idle_for);
        tokio::pin!(idle);
        let disk = sandbox::disk_passed(folder.clone(), max_disk);
        tokio::pin!(disk);
        let mut control = self.control.clone();
        let mut cut: Option<Cut> = None;
        let mut hurried = false;
        let mut printed: u64 = 0;
        let mut message_at: Option<Instant> = None;
        let mut reading = true;
        let mut exited = None;
        let clock = self.engine.config.clock.clone();

        while exited.is_none() || reading {
            let to_tell = self.feed.due().filter(|_| agent.is_some());
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
                () = tokio::time::sleep_until(to_tell.unwrap_or(began)), if to_tell.is_some() => self.tell_activity().await?,
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
                failure = &mut disk, if cut.is_none() && exited.is_none() => { cut = Some(Cut::Limit(failure)); stop(&stopper, Duration::ZERO); }
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
        let was_agent = agent.is_some();
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
        if let (None, Some(folder), Some(max)) = (&cut, folder, max_disk) {
            cut = sandbox::over_disk(folder, max).await.map(Cut::Limit);
        }
        if let Some(over) = exited.over.filter(|_| cut.is_none()) {
            cut = Some(Cut::Limit(over_limit(over, self.sandbox_limits())));
        }
        if exited.signal == Some(rustix::process::Signal::XFSZ.as_raw()) && cut.is_none() {
            let most = self.sandbox_limits().max_file_size.unwrap_or(0);
            cut = Some(Cut::Limit(sandbox::failure(&format!("its program wrote a file of more than {most} bytes"), "max_file_size")));
        }
        if was_agent {
            self.tell_rest().await?;
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
            let is_new_session = self.feed.take(self.claimed.harness, &event);
            match &event {
                AgentEvent::Session { session_id, .. } => {
                    **session = Some(session_id.clone());
                    if is_new_session {
                        self.tell_session().await?;
                        failpoint::hit("session.after");
                    }
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

    pub(super) fn cut_failure(&self, effective: &Effective, cut: Cut) -> Stop {
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
            Cut::Budget(failure) | Cut::Limit(failure) => failure.into(),
            Cut::Output => {
                Failure::new(FailureKind::OutputLimit, format!("more than {} bytes were printed", self.engine.config.output_max_bytes))
                    .into()
            }
        }
    }
}

pub(super) fn cut_failure_now(control: Control) -> Stop {
    match control {
        Control::Cancel => cancelled(),
        Control::HandBack => Stop::HandBack,
        Control::Lost | Control::Run => Stop::Lost,
    }
}

/// Waits until the attempt is told to stop.
pub(super) async fn told(control: &mut tokio::sync::watch::Receiver<Control>) -> Control {
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
