//! The simulated agent as a process.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::script::{FileStep, Script, Step, UsageStep, When};
use super::state::{self, State};
use super::wire::{Event, Problem, Tokens};
use crate::outcome::cut;

/// Exit code of an agent that was called wrongly.
const USAGE: i32 = 2;
/// Exit code of a turn that ends with an error event.
const FAILED: i32 = 1;

/// Plays a script as a process of its own: `args` is what follows the verb, `env` the environment. Gives the exit code.
///
/// It prints events to standard output, works in the current folder, and may kill its own process: call it for nothing else.
pub fn main(args: &[String], env: &BTreeMap<String, String>) -> i32 {
    let (args, env) = (args.to_vec(), env.clone());
    // A thread of its own, so that it can be called from inside another runtime.
    let played = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        runtime.and_then(|r| r.block_on(play(&args, &env)))
    })
    .join();
    match played {
        Ok(Ok(code)) => code,
        Ok(Err(e)) => {
            let _ = writeln!(io::stderr(), "simulated agent: {e}");
            USAGE
        }
        Err(_) => FAILED,
    }
}

async fn play(args: &[String], env: &BTreeMap<String, String>) -> io::Result<i32> {
    let wrong = |what: String| io::Error::new(io::ErrorKind::InvalidInput, what);
    let mut given = BTreeMap::new();
    let mut resume = false;
    let mut words = args.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--resume" => resume = true,
            "--script-file" | "--job-type" | "--nth" | "--iteration" | "--session-id" => {
                given.insert(word.as_str(), words.next().ok_or_else(|| wrong(format!("{word} needs a value")))?.as_str());
            }
            _ => return Err(wrong(format!("{word:?} is not known"))),
        }
    }
    let need = |name: &str| given.get(name).copied().ok_or_else(|| wrong(format!("{name} is missing")));
    let number = |text: &str| text.parse::<u32>().map_err(|e| wrong(format!("{text:?} is no number: {e}")));
    let script_file = PathBuf::from(need("--script-file")?);
    let script = Script::parse(&std::fs::read_to_string(&script_file)?).map_err(|f| wrong(f.message))?;
    let when = When {
        job_type: need("--job-type")?,
        nth: number(need("--nth")?)?,
        iteration: number(need("--iteration")?)?,
        attempt: env.get("WINDLASS_ATTEMPT_NUMBER").map(|n| number(n)).transpose()?,
    };
    let session_id = need("--session-id")?;
    let state_file = state::file(script_file.parent().unwrap_or(Path::new("/")), session_id);
    let mut agent = Agent {
        state_file,
        state: State::default(),
        used: Tokens::default(),
        told: true,
        tools: 0,
        witness: None,
        lock: None,
        sigterm: None,
        env,
    };

    let before = resume.then(|| state::load(&agent.state_file)).flatten();
    print(&Event::Session { session_id: session_id.to_owned(), resumed: before.is_some() })?;
    let Some((number, turn)) = script.turn(&when) else {
        return agent.failed(Problem::NoTurn, &super::no_turn(&when).message);
    };
    let same = |s: &State| (s.turn, s.nth, s.iteration, s.ended) == (number, when.nth, when.iteration, false);
    agent.state = before.filter(same).unwrap_or(State { turn: number, nth: when.nth, iteration: when.iteration, ..State::default() });
    // A resumed run signs the witness file anew: it is another process.
    for step in turn.steps.iter().take(agent.state.steps_done) {
        if matches!(step, Step::Witness(_)) {
            agent.step(step).await?;
        }
    }
    for (number, step) in turn.steps.iter().enumerate().skip(agent.state.steps_done) {
        if step.ends_the_run() {
            agent.done(number + 1)?;
        }
        if let Some(code) = agent.step(step).await? {
            return Ok(code);
        }
        agent.done(number + 1)?;
    }
    let text = agent.state.said.clone();
    agent.succeeded(&text)
}

struct Agent<'a> {
    state_file: PathBuf,
    state: State,
    used: Tokens,
    told: bool,
    tools: u32,
    witness: Option<PathBuf>,
    /// The assignment's lock, held until the process ends, and whether it was free.
    lock: Option<(std::fs::File, bool)>,
    /// Held, it keeps SIGTERM from ending the process.
    sigterm: Option<Signal>,
    env: &'a BTreeMap<String, String>,
}

impl Agent<'_> {
    /// Does one step; an exit code when it was the last.
    async fn step(&mut self, step: &Step) -> io::Result<Option<i32>> {
        match step {
            Step::Say(text) => self.say(text)?,
            Step::Verdict(table) => self.say(&Value::Object(table.clone()).to_string())?,
            Step::NothingToChange(why) => self.say(&format!("NOTHING_TO_CHANGE: {why}"))?,
            Step::Write(file) => self.tool("write", json!({ "path": file.path }), |_| write(file, false))?,
            Step::Append(file) => self.tool("append", json!({ "path": file.path }), |_| write(file, true))?,
            Step::Run(command) => self.tool("run", json!({ "command": command }), |env| run(command, env))?,
            Step::Background(command) => self.tool("background", json!({ "command": command }), |env| background(command, env))?,
            Step::SleepMs(ms) => tokio::time::sleep(Duration::from_millis(*ms)).await,
            Step::Stall(true) => std::future::pending::<()>().await,
            Step::IgnoreSigterm(true) => self.sigterm = Some(signal(SignalKind::terminate())?),
            Step::FloodMib(mib) => flood(*mib)?,
            Step::Garbage(true) => print_bytes(b"\xff\xfe\x00\x80 no text \xc3\x28\n{\"type\":\"text\",\"te\n\n[1,2\nnot json\n{}\n")?,
            Step::Witness(path) => {
                self.witness = Some(PathBuf::from(path));
                self.bear_witness("start")?;
            }
            Step::Usage(more) => {
                self.used = self.used.plus(*more);
                print(&Event::Usage(self.used))?;
            }
            Step::UsageUnknown(unknown) => self.told = !unknown,
            Step::Crash(true) => {
                rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL)?;
                std::future::pending::<()>().await;
            }
            Step::Exit(code) => {
                self.bear_witness("end")?;
                return Ok(Some(i32::from(*code)));
            }
            Step::End(text) | Step::ClaimDone(text) => return self.succeeded(text).map(Some),
            Step::Fail(text) => return self.failed(Problem::Failed, text).map(Some),
            Step::ApiError(text) => return self.failed(Problem::ApiError, text).map(Some),
            Step::Quota(quota) => {
                return self.failed(Problem::RateLimited { retry_after_secs: quota.retry_after_secs }, "quota reached").map(Some);
            }
            Step::Unauthorized(true) => return self.failed(Problem::Unauthorized, "credentials refused").map(Some),
            Step::Stall(false) | Step::Crash(false) | Step::Unauthorized(false) | Step::Garbage(false) | Step::IgnoreSigterm(false) => {}
        }
        Ok(None)
    }

    fn done(&mut self, steps: usize) -> io::Result<()> {
        self.state.steps_done = steps;
        state::save(&self.state_file, &self.state)
    }

    fn say(&mut self, text: &str) -> io::Result<()> {
        text.clone_into(&mut self.state.said);
        print(&Event::Text { text: text.to_owned() })
    }

    fn tool(
        &mut self,
        name: &str,
        input: Value,
        act: impl FnOnce(&BTreeMap<String, String>) -> io::Result<(bool, String)>,
    ) -> io::Result<()> {
        self.tools += 1;
        let id = format!("tool_{}", self.tools);
        print(&Event::ToolStarted { id: id.clone(), name: name.to_owned(), input })?;
        let (ok, output) = act(self.env).unwrap_or_else(|e| (false, e.to_string()));
        print(&Event::ToolEnded { id, is_error: !ok, output: cut(&output, crate::mapper::TOOL_OUTPUT_MAX).to_owned() })
    }

    fn succeeded(&mut self, text: &str) -> io::Result<i32> {
        self.state.ended = true;
        state::save(&self.state_file, &self.state)?;
        self.ended(&Event::End { ok: true, text: text.to_owned(), usage: self.told.then_some(self.used), error: None })?;
        Ok(0)
    }

    fn failed(&mut self, problem: Problem, text: &str) -> io::Result<i32> {
        self.ended(&Event::End { ok: false, text: text.to_owned(), usage: self.told.then_some(self.used), error: Some(problem) })?;
        Ok(FAILED)
    }

    fn ended(&mut self, end: &Event) -> io::Result<()> {
        print(end)?;
        self.bear_witness("end")
    }

    /// One write of one line, so that several agents can share the file.
    /// Appends to the witness file; the first time, takes the assignment's lock beside it, which the kernel frees at this
    /// process's death. `alone` says whether nobody held it: proof from outside that no other agent of the assignment lived.
    fn bear_witness(&mut self, event: &str) -> io::Result<()> {
        let Some(path) = self.witness.clone() else { return Ok(()) };
        let path = &path;
        if self.lock.is_none() {
            let assignment = self.env.get("WINDLASS_ASSIGNMENT_ID").map(String::as_str).unwrap_or_default();
            let file = OpenOptions::new().append(true).create(true).open(format!("{}.{assignment}.lock", path.display()))?;
            let alone = rustix::fs::flock(&file, rustix::fs::FlockOperation::NonBlockingLockExclusive).is_ok();
            self.lock = Some((file, alone));
        }
        let alone = self.lock.as_ref().is_some_and(|(_, alone)| *alone);
        let value = |name: &str| self.env.get(name).map(String::as_str).unwrap_or_default();
        let now = rustix::time::clock_gettime(rustix::time::ClockId::Realtime);
        let at_ns =
            u64::try_from(now.tv_sec).unwrap_or(0).saturating_mul(1_000_000_000).saturating_add(u64::try_from(now.tv_nsec).unwrap_or(0));
        let line = json!({"pid": std::process::id(), "job": value("WINDLASS_JOB_ID"), "token": value("WINDLASS_ATTEMPT"), "event": event, "alone": alone, "at_ns": at_ns});
        OpenOptions::new().append(true).create(true).open(path)?.write_all(format!("{line}\n").as_bytes())
    }
}

impl Tokens {
    pub(super) fn plus(self, more: UsageStep) -> Self {
        let micros = if more.cost_usd.is_finite() { (more.cost_usd * 1e6).round() as i64 } else { 0 };
        Self {
            input_tokens: self.input_tokens.saturating_add(more.input_tokens),
            output_tokens: self.output_tokens.saturating_add(more.output_tokens),
            cost_micros: self.cost_micros.saturating_add(micros),
        }
    }
}

fn print(event: &Event) -> io::Result<()> {
    let mut bytes = serde_json::to_vec(event)?;
    bytes.push(b'\n');
    print_bytes(&bytes)
}

fn print_bytes(bytes: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()
}

fn flood(mib: u32) -> io::Result<()> {
    let block = vec![b'x'; 1024 * 1024];
    for _ in 0..mib {
        print_bytes(&block)?;
    }
    print_bytes(b"\n")
}

fn write(file: &FileStep, append: bool) -> io::Result<(bool, String)> {
    let path = Path::new(&file.path);
    if let Some(dir) = path.parent().filter(|d| !d.as_os_str().is_empty()) {
        std::fs::create_dir_all(dir)?;
    }
    let mut to = OpenOptions::new().create(true).write(true).append(append).truncate(!append).open(path)?;
    to.write_all(file.content.as_bytes())?;
    Ok((true, String::new()))
}

fn run(command: &str, env: &BTreeMap<String, String>) -> io::Result<(bool, String)> {
    let output = Command::new("/bin/sh").arg("-c").arg(command).env_clear().envs(env).stdin(Stdio::null()).output()?;
    let text = [output.stdout, output.stderr].concat();
    Ok((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
}

fn background(command: &str, env: &BTreeMap<String, String>) -> io::Result<(bool, String)> {
    let mut child = Command::new("setsid");
    child.args(["/bin/sh", "-c", command]).env_clear().envs(env).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    let child = child.spawn()?;
    Ok((true, format!("left process {} running", child.id())))
}
