//! A test bed: one or more daemons on one database, the load on them, and the verdict.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::Value;
use windlass_testkit::folder::TempFolder;
use windlass_testkit::invariants::{Circumstances, History, Violation, check};
use windlass_testkit::postgres::{TestDatabase, TestPostgres};
use windlass_testkit::witness;

use super::client::Client;
use super::daemon::Daemon;
use super::load::{Load, Mix};
use super::schedule::{Schedule, eventually};

/// Longer than any row takes to come to rest on a busy machine.
const REST: Duration = Duration::from_mins(2);

/// How long a lease lasts in a row, in milliseconds: long enough for a busy machine's heartbeats.
pub(crate) const LEASE_MS: u64 = 3000;

/// Which database a row runs on.
pub(crate) enum Backend {
    Sqlite,
    Postgres,
    /// PostgreSQL at this URL: through a proxy, or on a server of the row's own.
    At(String),
}

/// A test of a row on each database.
macro_rules! on_both_databases {
    ($row:ident: $on_sqlite:ident, $on_postgres:ident) => {
        #[test]
        fn $on_sqlite() {
            $row(stringify!($on_sqlite), $crate::bed::Backend::Sqlite);
        }

        #[test]
        fn $on_postgres() {
            $row(stringify!($on_postgres), $crate::bed::Backend::Postgres);
        }
    };
}
pub(crate) use on_both_databases;

pub(crate) struct Bed {
    row: &'static str,
    pub(crate) schedule: Schedule,
    pub(crate) nodes: Vec<Daemon>,
    pub(crate) load: Load,
    pub(crate) circumstances: Circumstances,
    witness: PathBuf,
    // Dropped after the daemons.
    pub(crate) database: Option<TestDatabase>,
    dir: Option<TempFolder>,
}

impl Bed {
    /// `nodes` daemons that are not started yet; `None` after a loud skip where the database cannot be had.
    pub(crate) fn new(row: &'static str, backend: Backend, nodes: usize) -> Option<Self> {
        let schedule = Schedule::of(row);
        let dir = TempFolder::new("windlass-chaos-");
        let (database, url) = match backend {
            Backend::Sqlite => (None, None),
            Backend::Postgres => {
                let database = TestPostgres::database_blocking()?;
                let url = database.url().to_owned();
                (Some(database), Some(url))
            }
            Backend::At(url) => (None, Some(url)),
        };
        let witness = dir.path().join("witness.jsonl");
        let mut bed = Self {
            row,
            load: Load::new(&witness),
            witness,
            dir: Some(dir),
            schedule,
            nodes: Vec::new(),
            circumstances: Circumstances { at_rest: true, ..Circumstances::default() },
            database,
        };
        for number in 0..nodes {
            bed.add_node(&format!("node{number}"), url.as_deref());
        }
        Some(bed)
    }

    /// One more daemon, not started yet.
    pub(crate) fn add_node(&mut self, name: &str, url: Option<&str>) {
        let data = self.path().join(name);
        std::fs::create_dir(&data).unwrap();
        // Rescues are what these rows make: only the poison row limits them.
        let settings = format!(
            "initial_retry_delay = 0.05\nmax_retries = 1000\nbudget = {{ runs = 100000 }}\n\
             [engine]\nlease_ms = {LEASE_MS}\nmax_rescues = 100000\nmax_retry_delay = 1.0\ndefault_park = 1\nkill_grace_ms = 300\ngrace = 2\n\
             [worker.default]\nmax_concurrent_tasks = 6\n"
        );
        std::fs::write(data.join("windlass.toml"), settings).unwrap();
        let mut node = Daemon::new(&data);
        if let Some(url) = url {
            node = node.env("WINDLASS_DATABASE_URL", url);
        }
        self.nodes.push(node);
    }

    fn path(&self) -> PathBuf {
        self.dir.as_ref().unwrap().path().to_owned()
    }

    pub(crate) fn witness(&self) -> &std::path::Path {
        &self.witness
    }

    pub(crate) fn start_all(&mut self) {
        for node in &mut self.nodes {
            assert!(node.start(), "a node starts");
        }
    }

    /// A client of one node.
    pub(crate) fn client(&self, node: usize) -> Client {
        Client::of(&self.nodes[node].data)
    }

    /// Runs the load while `trouble` makes trouble, which it does until the schedule ends.
    pub(crate) fn under_load(&mut self, mix: Mix, trouble: impl FnOnce(&mut Vec<Daemon>, &Schedule)) {
        let over = AtomicBool::new(false);
        let (load, schedule, nodes) = (&self.load, &self.schedule, &mut self.nodes);
        let places: Vec<PathBuf> = nodes.iter().map(|node| node.data.clone()).collect();
        let over = &over;
        std::thread::scope(|scope| {
            for stream in 1..=2 {
                let fork = schedule.fork(stream);
                let clients: Vec<PathBuf> = places.clone();
                scope.spawn(move || {
                    let clients: Vec<Client> = clients.iter().map(|data| Client::of(data)).collect();
                    load.run(&clients, &fork, mix, || !over.load(Ordering::SeqCst));
                });
            }
            // Also when the trouble itself fails: the load would go on for ever.
            let _ends = OnDrop(|| over.store(true, Ordering::SeqCst));
            trouble(nodes, schedule);
        });
    }

    /// Sends again what was not acknowledged, waits until nothing moves any more, and gathers everything.
    pub(crate) fn come_to_rest(&self) -> History {
        let client = self.client(0);
        eventually("the first node is ready", REST, || client.get("/status").filter(|s| s["ready"] == true));
        self.load.settle_up(&client);
        let mut left = Vec::new();
        let until = Instant::now() + REST;
        loop {
            if let Some(active) = client.get("/assignments?status=active&limit=500") {
                left = active["items"].as_array().cloned().unwrap_or_default();
                if left.is_empty() && nothing_runs(&client) {
                    break;
                }
            }
            if Instant::now() > until {
                // The checker says what did not end.
                eprintln!("{}: not at rest after {REST:?}: {} active", self.row, left.len());
                break;
            }
            super::schedule::pause(100);
        }
        self.history(&client)
    }

    fn history(&self, client: &Client) -> History {
        // Read twice at most: what is at rest does not change between the pages.
        let read = |path: &str, cursor: &str| eventually(path, Duration::from_secs(30), || client.all(path, cursor));
        let mut history = History { circumstances: self.circumstances, witnessed: witness::read(&self.witness), ..History::default() };
        history.events = parsed(read("/events", "after"));
        history.assignments = parsed(read("/assignments", "cursor"));
        history.jobs = parsed(read("/jobs", "cursor"));
        for job in &history.jobs {
            let whole = eventually("a job", Duration::from_secs(30), || client.get(&format!("/jobs/{}", job.id)));
            history.attempts.extend(parsed::<windlass_types::Attempt>(whole["attempts_list"].as_array().cloned().unwrap_or_default()));
        }
        let told = self.load.told();
        history.acknowledged.clone_from(&told.acknowledged);
        history.cancelled.clone_from(&told.cancelled);
        history
    }

    /// Comes to rest and names every broken promise.
    pub(crate) fn violations(&self) -> Vec<Violation> {
        let history = self.come_to_rest();
        println!(
            "{}: {} assignments ({} acknowledgements, {} cancels), {} jobs, {} attempts, {} events, {} witnesses",
            self.row,
            history.assignments.len(),
            history.acknowledged.len(),
            history.cancelled.len(),
            history.jobs.len(),
            history.attempts.len(),
            history.events.len(),
            history.witnessed.len()
        );
        assert!(!history.jobs.is_empty(), "{}: nothing was done at all", self.row);
        check(&history)
    }

    /// Comes to rest; every promise was kept, and no process of an agent is left.
    pub(crate) fn assert_every_promise_was_kept(&self) {
        let broken = self.violations();
        let mut text = String::new();
        for violation in broken.iter().take(20) {
            let _ = writeln!(text, "  {violation}");
        }
        assert!(broken.is_empty(), "{} broken promises:\n{text}", broken.len());
        self.assert_no_process_is_left();
    }

    fn assert_no_process_is_left(&self) {
        let ids: Vec<String> = self.load.told().acknowledged.iter().map(|a| a.assignment.to_string()).collect();
        eventually("no agent's process is left", Duration::from_secs(10), || {
            agents().iter().all(|(_, assignment)| !ids.contains(assignment)).then_some(())
        });
    }
}

/// Every process that works for an assignment: its number, and the assignment.
pub(crate) fn agents() -> Vec<(u32, String)> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|e| e.file_name().to_str()?.parse::<u32>().ok());
    let of = |pid: u32| {
        let env = std::fs::read(format!("/proc/{pid}/environ")).ok()?;
        let prefix = b"WINDLASS_ASSIGNMENT_ID=";
        let id = env.split(|b| *b == 0).find_map(|v| v.strip_prefix(prefix.as_slice()))?;
        Some((pid, String::from_utf8_lossy(id).into_owned()))
    };
    pids.filter_map(of).collect()
}

fn parsed<T: serde::de::DeserializeOwned>(items: Vec<Value>) -> Vec<T> {
    items.into_iter().map(|item| serde_json::from_value(item.clone()).unwrap_or_else(|e| panic!("{e}: {item}"))).collect()
}

struct OnDrop<F: FnMut()>(F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

impl Drop for Bed {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Some(dir) = self.dir.take()
        {
            eprintln!("{}: failed with CHAOS_SEED={}; everything is kept in {}", self.row, self.schedule.seed, dir.keep().display());
        }
    }
}

fn nothing_runs(client: &Client) -> bool {
    client.get("/jobs?status=running&limit=1").is_some_and(|page| page["items"].as_array().is_some_and(Vec::is_empty))
}
