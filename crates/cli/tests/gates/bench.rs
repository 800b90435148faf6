//! What every test stands on: a daemon, a repository, an agent's script, and ways to wait and look.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use windlass_testkit::repo::TempRepo;
use windlass_testkit::wait::eventually_blocking;

use crate::daemon::{Daemon, windlass};

/// Nothing here takes this long unless it is broken.
pub(crate) const LONG: Duration = Duration::from_secs(40);

/// Short waits, so that a test is over soon.
const RETRY_DELAY: &str = "initial_retry_delay";
const ENGINE: &str = "kill_grace_ms = 300\n";

/// Waits for a condition that has no event of its own.
#[track_caller]
pub(crate) fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    eventually_blocking(what, LONG, look)
}

/// Between two looks at something that cannot be waited for.
fn pause() {
    let _ = rustix::event::poll(&mut [], Some(&rustix::event::Timespec { tv_sec: 0, tv_nsec: 15_000_000 }));
}

/// A daemon with a repository to work on.
pub(crate) struct Bench {
    pub(crate) daemon: Daemon,
    pub(crate) repo: TempRepo,
    pub(crate) dir: tempfile::TempDir,
}

impl Bench {
    /// Over the repository whose check fails until `answer.txt` says 42.
    pub(crate) fn new() -> Self {
        Self::with(TempRepo::failing_check(), "", "")
    }

    /// Over another repository, with more keys of the configuration: at its top, and in `[engine]` and tables after it.
    pub(crate) fn with(repo: TempRepo, top: &str, engine: &str) -> Self {
        Self::with_env(repo, top, engine, &[])
    }

    /// And with variables of the daemon's environment.
    pub(crate) fn with_env(repo: TempRepo, top: &str, engine: &str, env: &[(&str, &str)]) -> Self {
        Self::at("data", repo, top, engine, env)
    }

    /// And with the data directory's name.
    pub(crate) fn at(name: &str, repo: TempRepo, top: &str, engine: &str, env: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join(name);
        std::fs::create_dir_all(&data).unwrap();
        let delay = if top.contains(RETRY_DELAY) { String::new() } else { format!("{RETRY_DELAY} = 0.02\n") };
        // An agent may write beside the data directory and the repository, so that the test can see what it did.
        let sandbox = if engine.contains("[sandbox]") {
            String::new()
        } else {
            format!("[sandbox]\nwritable = [\"{}\", \"{}\"]\n", dir.path().display(), repo.path().parent().unwrap().display())
        };
        std::fs::write(data.join("windlass.toml"), format!("{delay}{top}\n[engine]\n{ENGINE}{engine}\n{sandbox}")).unwrap();
        let mut daemon = env.iter().fold(Daemon::new(&data), |daemon, (name, value)| daemon.env(name, *value));
        assert!(daemon.start(), "the daemon starts: {}", daemon.log());
        Self { daemon, repo, dir }
    }

    pub(crate) fn data(&self) -> &Path {
        &self.daemon.data
    }

    pub(crate) fn repo_path(&self) -> String {
        self.repo.path().to_str().unwrap().to_owned()
    }

    /// Writes a file outside the repository.
    pub(crate) fn file(&self, name: &str, content: &str) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// A path outside the repository that an agent may write to, so that the test can see what it did.
    pub(crate) fn outside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Submits a goal to a simulated agent, without waiting; gives the assignment's id.
    pub(crate) fn simulated(&self, script: &str, args: &[&str]) -> String {
        let script = self.file("script.toml", script);
        let mut all = vec!["--harness", "simulated", "--script", script.to_str().unwrap()];
        all.extend(args);
        self.submit(&all)
    }

    /// Submits a goal to a shell script, which is an agent that says what it likes.
    pub(crate) fn command(&self, script: &str, args: &[&str]) -> String {
        let file = self.dir.path().join(format!("agent-{}.sh", std::fs::read_dir(self.dir.path()).unwrap().count()));
        std::fs::write(&file, script).unwrap();
        let program = format!("/bin/sh {}", file.display());
        let mut all = vec!["--harness", "command", "--program", &program];
        all.extend(args);
        self.submit(&all)
    }

    /// Submits a goal for the repository, without waiting; gives the assignment's id.
    pub(crate) fn submit(&self, args: &[&str]) -> String {
        let repo = self.repo_path();
        let mut all = vec!["run", "make the check pass", "--detach"];
        if !args.iter().any(|a| matches!(*a, "--repo" | "--project")) {
            all.extend(["--repo", &repo]);
        }
        all.extend(args);
        self.ok(&all)["id"].as_str().unwrap().to_owned()
    }

    /// Calls a verb for its JSON.
    pub(crate) fn ok(&self, args: &[&str]) -> Value {
        let mut all = args.to_vec();
        all.push("--json");
        let out = self.daemon.call(&all);
        assert!(out.status.success(), "windlass {args:?}: {}", said(&out));
        serde_json::from_slice(&out.stdout).unwrap_or_else(|e| panic!("windlass {args:?}: {e}: {}", said(&out)))
    }

    /// Calls a verb that should be refused: its exit code and all that it said.
    pub(crate) fn refused(&self, args: &[&str]) -> (i32, String) {
        let out = self.daemon.call(args);
        assert!(!out.status.success(), "windlass {args:?} should be refused: {}", said(&out));
        (out.status.code().unwrap(), said(&out))
    }

    /// Calls a verb with an environment of its own.
    pub(crate) fn call_with(&self, env: &[(&str, &str)], args: &[&str]) -> Output {
        windlass(self.data()).envs(env.iter().copied()).args(args).stdin(Stdio::null()).output().unwrap()
    }

    /// Asks the daemon over HTTP, as the page does.
    pub(crate) fn get(&self, path: &str) -> Value {
        let (status, body) = self.http("GET", path, "");
        assert_eq!(status, 200, "{path}: {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// One HTTP request: status and body.
    pub(crate) fn http(&self, method: &str, path: &str, body: &str) -> (u16, String) {
        let endpoint: Value = serde_json::from_slice(&std::fs::read(self.data().join("endpoint.json")).unwrap()).unwrap();
        let host = endpoint["url"].as_str().unwrap().trim_start_matches("http://").to_owned();
        let token = std::fs::read_to_string(self.data().join("token")).unwrap();
        let mut stream = TcpStream::connect(&host).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            token.trim(),
            body.len()
        );
        stream.write_all(head.as_bytes()).unwrap();
        stream.write_all(body.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let answer = String::from_utf8_lossy(&answer);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    pub(crate) fn assignment(&self, id: &str) -> Value {
        self.get(&format!("/api/v1/assignments/{id}"))
    }

    /// The jobs of an assignment, in order.
    pub(crate) fn jobs(&self, id: &str) -> Vec<Value> {
        self.assignment(id)["jobs"].as_array().unwrap().clone()
    }

    /// A job with its attempts and their stages.
    pub(crate) fn job(&self, id: &str) -> Value {
        self.get(&format!("/api/v1/jobs/{id}"))
    }

    pub(crate) fn explain(&self, job: &str) -> Value {
        self.get(&format!("/api/v1/jobs/{job}/explain"))
    }

    /// Waits until an assignment is no longer active.
    pub(crate) fn ended(&self, id: &str) -> Value {
        self.until(id, "it is over", |a| a["status"] != "active")
    }

    /// The same for one that waits behind many others.
    pub(crate) fn until_over(&self, id: &str) -> Value {
        self.until_within(5 * LONG, id, "it is over", |a| a["status"] != "active")
    }

    /// Waits until an assignment is as wanted.
    pub(crate) fn until(&self, id: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.until_within(LONG, id, what, wanted)
    }

    fn until_within(&self, long: Duration, id: &str, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut last = Value::Null;
        let until = Instant::now() + long;
        while Instant::now() < until {
            last = self.assignment(id);
            if wanted(&last) {
                return last;
            }
            pause();
        }
        panic!("not within {long:?}: {what}: {last:#}");
    }

    /// Waits until the assignment's job number `index` has the status.
    pub(crate) fn until_job(&self, id: &str, index: usize, status: &str) -> Value {
        let found = self.until(id, &format!("job {index} is {status}"), |a| a["jobs"][index]["status"] == status);
        found["jobs"][index].clone()
    }

    /// Waits until the assignment's job number `index` is held in this way; gives the hold.
    pub(crate) fn until_held(&self, id: &str, index: usize, kind: &str) -> Value {
        let mut last = Value::Null;
        let until = Instant::now() + LONG;
        while Instant::now() < until {
            if let Some(job) = self.assignment(id)["jobs"][index]["id"].as_str() {
                last = self.explain(job);
                if last["hold"]["kind"] == kind {
                    return last["hold"].clone();
                }
            }
            pause();
        }
        panic!("job {index} is not held as {kind}: {last:#}");
    }

    /// All stages of all attempts of a job, in order.
    pub(crate) fn stages(&self, job: &str) -> Vec<Value> {
        let detail = self.job(job);
        let attempts = detail["attempts_list"].as_array().unwrap();
        attempts.iter().flat_map(|a| a["stages"].as_array().unwrap().clone()).collect()
    }

    /// How often a stage ran and ended like this.
    pub(crate) fn count(&self, job: &str, stage: &str, status: &str) -> usize {
        self.stages(job).iter().filter(|s| s["stage"] == stage && s["status"] == status).count()
    }

    /// The particulars of an assignment's events of one kind.
    pub(crate) fn events(&self, id: &str, kind: &str) -> Vec<Value> {
        let page = self.ok(&["events", "--assignment", id, "--kind", kind]);
        page["items"].as_array().unwrap().iter().map(|e| e["data"].clone()).collect()
    }

    /// What was noticed in an assignment's attempts under this word.
    pub(crate) fn notices(&self, id: &str, what: &str) -> Vec<Value> {
        self.events(id, "attempt.notice").into_iter().filter(|n| n["what"] == what).collect()
    }

    /// The lines an agent printed in all attempts of a job.
    pub(crate) fn said(&self, job: &str) -> String {
        let out = self.daemon.call(&["logs", job, "--all", "--raw"]);
        assert!(out.status.success(), "{}", said(&out));
        String::from_utf8_lossy(&out.stdout).into_owned()
    }
}

/// Nothing of an assignment's agents lives.
pub(crate) fn assert_nothing_left_running(id: &str) {
    eventually("nothing of its agents is left running", || agents_of(id).is_empty().then_some(()));
}

/// Every process whose environment says that it works for this assignment.
pub(crate) fn agents_of(id: &str) -> Vec<windlass_testkit::process::Process> {
    windlass_testkit::process::processes_with_env("WINDLASS_ASSIGNMENT_ID", id)
}

/// All that a call said.
pub(crate) fn said(out: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

/// An id in a document.
pub(crate) fn id(value: &Value) -> String {
    value["id"].as_str().unwrap().to_owned()
}

/// A blocked assignment says who has to act, on what, and why.
#[track_caller]
pub(crate) fn assert_blocked(assignment: &Value, kind: &str) {
    assert_eq!(assignment["status"], "blocked", "{assignment:#}");
    let block = &assignment["block"];
    assert_eq!(block["kind"], kind, "{assignment:#}");
    for part in ["owner", "action", "reason"] {
        assert!(block[part].as_str().is_some_and(|text| !text.trim().is_empty()), "the block has a {part}: {block:#}");
    }
}
