//! The outside witness: a file to which simulated agents append when they start and end.
//!
//! It says what really ran, whatever the database claims. A line is
//! `{"pid":1,"job":"…","token":2,"event":"start","at_ns":3}`, appended by one write; `at_ns` counts from 1970.
//!
//! **The invariant it proves:** no job ever has two live agents. An agent is live from its `start` until its `end`, or,
//! when it was killed, until it was last seen alive. [`WitnessWatch`] sees that while the test runs.

use std::collections::HashMap;
use std::fmt;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};
use tokio_util::sync::CancellationToken;
use windlass_types::Clock;

use crate::process::{is_alive, started_ticks};

/// How often the watch looks whether the agents still live.
const INTERVAL: Duration = Duration::from_millis(2);

/// One line of the witness.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The agent's process.
    pub pid: u32,
    /// The job it works on.
    pub job: String,
    /// The fencing token it was started with.
    #[serde(deserialize_with = "token")]
    pub token: String,
    /// What happened.
    pub event: Event,
    /// When, in nanoseconds since 1970.
    pub at_ns: u64,
    /// Whether no other agent of its assignment lived when it started: told by a lock that the kernel frees at a holder's death.
    #[serde(default = "yes")]
    pub alone: bool,
}

const fn yes() -> bool {
    true
}

/// What happened to an agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// It started.
    Start,
    /// It ended by itself.
    End,
}

/// Two agents of one job, live at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Overlap {
    /// The one that started first.
    pub earlier: Line,
    /// The one that started while that lived.
    pub later: Line,
    /// Until when the earlier one lived, in nanoseconds since 1970; `u64::MAX` when it still does.
    pub earlier_until_ns: u64,
}

impl fmt::Display for Overlap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (a, b) = (&self.earlier, &self.later);
        write!(
            f,
            "job {}: pid {} (token {}) was live when pid {} (token {}) started at {}",
            a.job, a.pid, a.token, b.pid, b.token, b.at_ns
        )?;
        match self.earlier_until_ns {
            u64::MAX => write!(f, ", and still is"),
            until => write!(f, ", until {until}"),
        }
    }
}

/// Reads all whole lines. A last line without its end is still being written and is left out.
///
/// # Panics
///
/// When a whole line is not what an agent writes. A file that is not there yet has no lines.
pub fn read(path: &Path) -> Vec<Line> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    parse(&text).0
}

/// Finds every two agents of one job that were live at once.
///
/// For a start without an end, `last_alive_ns` tells when that process was last seen alive (`u64::MAX`: it still is,
/// 0: never). Telling the last sight instead of the first miss accuses nobody wrongly.
pub fn overlaps(lines: &[Line], last_alive_ns: impl Fn(&Line) -> u64) -> Vec<Overlap> {
    let mut jobs: HashMap<&str, Vec<(&Line, u64)>> = HashMap::new();
    for (at, start) in lines.iter().enumerate().filter(|(_, l)| l.event == Event::Start) {
        let end = lines[at..].iter().find(|l| l.event == Event::End && l.pid == start.pid && l.job == start.job);
        let until = end.map_or_else(|| last_alive_ns(start), |l| l.at_ns);
        jobs.entry(&start.job).or_default().push((start, until));
    }
    let mut found = Vec::new();
    for lives in jobs.values_mut() {
        lives.sort_by_key(|(start, _)| start.at_ns);
        for (i, (later, _)) in lives.iter().enumerate() {
            let live = lives[..i].iter().filter(|(earlier, until)| *until > later.at_ns && earlier.pid != later.pid);
            found.extend(live.map(|(earlier, until)| Overlap {
                earlier: (*earlier).clone(),
                later: (*later).clone(),
                earlier_until_ns: *until,
            }));
        }
    }
    found.sort_by_key(|o| o.later.at_ns);
    found
}

/// Watches a witness file and the processes that it names, from a thread of its own.
#[derive(Debug)]
pub struct WitnessWatch {
    path: PathBuf,
    seen: Arc<Mutex<HashMap<(u32, u64), Life>>>,
    stop: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// What was seen of a process.
#[derive(Debug, Clone, Copy)]
struct Life {
    /// What tells it from a later process with its number.
    started_ticks: Option<u64>,
    /// When it was last seen alive.
    last_alive_ns: u64,
    gone: bool,
}

impl WitnessWatch {
    /// Begins to watch a file, which need not be there yet.
    pub fn start(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        let seen = Arc::new(Mutex::new(HashMap::new()));
        let stop = CancellationToken::new();
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap_or_else(|e| panic!("no runtime for the watch: {e}"));
        let watching = watch(path.clone(), Arc::clone(&seen));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            runtime.block_on(stopped.run_until_cancelled(watching));
        });
        Self { path, seen, stop, thread: Some(thread) }
    }

    /// All lines so far.
    pub fn lines(&self) -> Vec<Line> {
        read(&self.path)
    }

    /// The agents that started and have not ended, and whose process lives: for a test that must not end before them.
    pub fn live(&self) -> Vec<Line> {
        let lines = self.lines();
        let ended = |start: &Line| lines.iter().any(|l| l.event == Event::End && l.pid == start.pid && l.job == start.job);
        lines.iter().filter(|l| l.event == Event::Start && !ended(l) && self.last_alive_ns(l) == u64::MAX).cloned().collect()
    }

    /// Every two agents of one job that were live at once, as far as can be proved.
    pub fn overlaps(&self) -> Vec<Overlap> {
        overlaps(&self.lines(), |start| self.last_alive_ns(start))
    }

    /// Fails the test when a job ever had two live agents.
    ///
    /// # Panics
    ///
    /// When one had.
    pub fn assert_one_agent_per_job(&self) {
        let found: Vec<String> = self.overlaps().iter().map(ToString::to_string).collect();
        assert!(found.is_empty(), "a job had two live agents:\n  {}", found.join("\n  "));
    }

    fn last_alive_ns(&self, start: &Line) -> u64 {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        match seen.get(&(start.pid, start.at_ns)) {
            // The watch has not come to this line yet: what can be seen now must do.
            None if is_alive(start.pid) => u64::MAX,
            None => start.at_ns,
            Some(life) if life.gone => life.last_alive_ns,
            Some(life) if is_same(start.pid, life.started_ticks) => u64::MAX,
            Some(life) => life.last_alive_ns,
        }
    }
}

impl Drop for WitnessWatch {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let panicked = thread.join().is_err();
            assert!(!panicked || std::thread::panicking(), "the watch of {} failed", self.path.display());
        }
    }
}

/// Follows the file, and looks at every process that it names until that is gone.
async fn watch(path: PathBuf, seen: Arc<Mutex<HashMap<(u32, u64), Life>>>) {
    let clock = Clock::system();
    let mut read_to = 0;
    loop {
        // Taken before the look: whoever is found alive after it was alive at it. Whole milliseconds round it down.
        let now_ns = u64::try_from(clock.now().0).unwrap_or(0).saturating_mul(1_000_000);
        let new = read_from(&path, &mut read_to);
        {
            let mut seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
            for start in new.iter().filter(|l| l.event == Event::Start) {
                let started_ticks = started_ticks(start.pid);
                seen.insert((start.pid, start.at_ns), Life { started_ticks, last_alive_ns: start.at_ns, gone: started_ticks.is_none() });
            }
            for ((pid, _), life) in seen.iter_mut().filter(|(_, life)| !life.gone) {
                if is_same(*pid, life.started_ticks) {
                    life.last_alive_ns = life.last_alive_ns.max(now_ns);
                } else {
                    life.gone = true;
                }
            }
        }
        tokio::time::sleep(INTERVAL).await;
    }
}

fn is_same(pid: u32, ticks: Option<u64>) -> bool {
    ticks.is_some() && started_ticks(pid) == ticks
}

/// Reads the whole lines that were added since `read_to`.
fn read_from(path: &Path, read_to: &mut u64) -> Vec<Line> {
    let mut text = String::new();
    let Ok(mut file) = File::open(path) else { return Vec::new() };
    if file.seek(SeekFrom::Start(*read_to)).and_then(|_| file.read_to_string(&mut text)).is_err() {
        return Vec::new();
    }
    let (lines, length) = parse(&text);
    *read_to += length as u64;
    lines
}

/// The whole lines of a text, and how long they are together.
fn parse(text: &str) -> (Vec<Line>, usize) {
    let whole = text.rfind('\n').map_or(0, |at| at + 1);
    let lines = text[..whole].lines().filter(|l| !l.trim().is_empty());
    let read = |line| serde_json::from_str(line).unwrap_or_else(|e| panic!("not a line of a witness: {line}: {e}"));
    (lines.map(read).collect(), whole)
}

/// A token may be written as a number or as text.
fn token<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    match serde_json::Value::deserialize(from)? {
        serde_json::Value::String(text) => Ok(text),
        other => Ok(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::process::{Child, Command};

    use super::*;
    use crate::wait::eventually;

    fn line(pid: u32, job: &str, event: Event, at_ns: u64) -> Line {
        Line { pid, job: job.into(), token: "1".into(), event, at_ns, alone: true }
    }

    #[test]
    fn one_agent_after_the_other_is_no_overlap() {
        let lines =
            [line(1, "a", Event::Start, 10), line(1, "a", Event::End, 20), line(2, "a", Event::Start, 20), line(3, "b", Event::Start, 15)];
        assert_eq!(overlaps(&lines, |_| u64::MAX), []);
    }

    #[test]
    fn a_second_agent_before_the_end_of_the_first_is_found() {
        let lines = [line(1, "a", Event::Start, 10), line(2, "a", Event::Start, 19), line(1, "a", Event::End, 20)];
        let found = overlaps(&lines, |_| u64::MAX);
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].earlier.pid, found[0].later.pid, found[0].earlier_until_ns), (1, 2, 20));
    }

    #[test]
    fn a_killed_agent_lives_as_long_as_it_was_seen() {
        let lines = [line(1, "a", Event::Start, 10), line(2, "a", Event::Start, 30)];
        assert_eq!(overlaps(&lines, |_| 29), []);
        assert_eq!(overlaps(&lines, |start| if start.pid == 1 { 31 } else { u64::MAX }).len(), 1);
    }

    #[test]
    fn a_line_that_is_still_being_written_is_left_for_later() {
        let whole = r#"{"pid":1,"job":"a","token":7,"event":"start","at_ns":1}"#;
        let (lines, length) = parse(&format!("{whole}\n{{\"pid\":"));
        assert_eq!((lines.len(), length), (1, whole.len() + 1));
        assert_eq!(lines[0].token, "7");
    }

    /// A process that a witness file can name.
    fn agent() -> Child {
        Command::new("sleep").arg("300").spawn().unwrap()
    }

    fn now_ns() -> u64 {
        u64::try_from(Clock::system().now().0).unwrap() * 1_000_000
    }

    #[tokio::test]
    async fn the_watch_tells_a_killed_agent_from_one_that_lives_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("witness.jsonl");
        let watch = WitnessWatch::start(&path);
        let mut file = File::options().create(true).append(true).open(&path).unwrap();
        let mut write = |line: &Line| writeln!(file, "{}", serde_json::to_string(line).unwrap()).unwrap();

        let mut killed = agent();
        write(&line(killed.id(), "a", Event::Start, now_ns()));
        killed.kill().unwrap();
        killed.wait().unwrap();
        let gone = || async { watch.live().is_empty().then_some(()) };
        assert!(eventually(Duration::from_secs(10), gone).await.is_some());
        let second = agent();
        write(&line(second.id(), "a", Event::Start, now_ns() + 1_000_000));
        watch.assert_one_agent_per_job();
        assert_eq!(watch.live().len(), 1);

        let third = agent();
        write(&line(third.id(), "a", Event::Start, now_ns() + 2_000_000));
        let found = watch.overlaps();
        assert_eq!(found.iter().map(|o| (o.earlier.pid, o.later.pid)).collect::<Vec<_>>(), [(second.id(), third.id())]);
        for mut left in [second, third] {
            left.kill().unwrap();
            left.wait().unwrap();
        }
    }
}
