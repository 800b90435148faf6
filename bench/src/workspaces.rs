//! The scenario of a large repository: what an operation on it takes, stage by stage, with and without a pool of checked-out trees.

use std::io::{BufWriter, Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::daemon::Daemon;
use crate::scenario::Bench;

/// How long anything here may take.
const LIMIT: Duration = Duration::from_mins(10);
/// How many files a commit changes by which the base branch moves.
const MOVED: usize = 100;

const AGENT: &str = "[[turn]]\nsteps = [{ write = { path = \"d00/e00/f00000\", content = \"changed\\n\" } }, { say = \"done\" }]\n";

impl Bench {
    /// Operations in which an agent changes one file of a repository of 50,000 files and 1 GiB that do not compress.
    pub(crate) async fn workspaces(&mut self, dir: &Path) -> anyhow::Result<()> {
        let (files, bytes) = if self.quick { (6_000, 60 << 20) } else { (50_000, 1 << 30) };
        let repo = dir.join("large.git");
        draw_repository(&repo, files, bytes)?;
        let data = dir.join("large");
        let size = format!("{files} files, {} MiB", bytes >> 20);

        let daemon = Daemon::start(&self.exe, &data, &config(0)).await?;
        self.operation(&daemon, &repo, &format!("{size}: first ever, makes the mirror"), 1).await?;
        self.operation(&daemon, &repo, &format!("{size}: second, no pool"), 2).await?;
        daemon.stop()?;
        let daemon = Daemon::start(&self.exe, &data, &config(1)).await?;
        self.operation(&daemon, &repo, &format!("{size}: first with a pool, finds it empty"), 3).await?;
        let began = Instant::now();
        until_ready(&data).await?;
        self.row("a tree made ready in the background, after that", began.elapsed().as_secs_f64() * 1e3, None, "ms");
        self.operation(&daemon, &repo, &format!("{size}: second with a pool"), 4).await?;
        until_ready(&data).await?;
        move_base(&repo, files)?;
        self.operation(&daemon, &repo, &format!("{size}: with a pool, base moved by {MOVED} files"), 5).await?;
        daemon.stop()?;
        // Gigabytes: not to be there while anything else is measured.
        std::fs::remove_dir_all(&data)?;
        std::fs::remove_dir_all(&repo)?;
        Ok(())
    }

    /// One operation, the `nth` of this daemon's data; its workspace is removed afterwards.
    async fn operation(&mut self, daemon: &Daemon, repo: &Path, what: &str, nth: u64) -> anyhow::Result<()> {
        let goal = json!({
            "goal": "change a file", "harness": "simulated", "script": AGENT, "repo": repo, "verify": "true", "no_review": true, "source": "bench"
        });
        let sent = Instant::now();
        let submitted = daemon.post("/api/v1/assignments/run", &goal).await?;
        daemon.wait_complete(nth, LIMIT).await?;
        let whole = sent.elapsed();
        let assignment = find(&submitted, &|value| value.as_str().filter(|id| id.starts_with("asg_")).map(str::to_owned));
        let assignment = assignment.context("the answer names no assignment")?;
        let job = find(&submitted, &|value| value.as_str().filter(|id| id.starts_with("job_")).map(str::to_owned));
        let detail = daemon.get(&format!("/api/v1/jobs/{}", job.context("the answer names no job")?)).await?;
        self.row(what, whole.as_secs_f64() * 1e3, None, "ms");
        let stages = find(&detail, &|value| value.as_array().filter(|all| all.iter().any(|s| s["stage"].is_string())).cloned());
        for stage in stages.context("the job has no stages")? {
            let name = stage["stage"].as_str().unwrap_or_default();
            if let (Some(from), Some(to)) = (millis(&stage["started_at"]), millis(&stage["ended_at"])) {
                self.row(format!("  {name}"), (to - from).rem_euclid(86_400_000.0), None, "ms");
            }
        }
        daemon.post(&format!("/api/v1/assignments/{assignment}/clean-up"), &json!({})).await?;
        Ok(())
    }
}

fn config(pool: u32) -> String {
    format!("[workspaces]\npool = {pool}\n[worker.default]\nmax_concurrent_tasks = 2\n")
}

/// The first answer that something in a document gives.
fn find<T>(value: &Value, ask: &dyn Fn(&Value) -> Option<T>) -> Option<T> {
    ask(value).or_else(|| match value {
        Value::Array(all) => all.iter().find_map(|value| find(value, ask)),
        Value::Object(all) => all.values().find_map(|value| find(value, ask)),
        _ => None,
    })
}

/// The milliseconds of its day that a time of the API tells.
fn millis(time: &Value) -> Option<f64> {
    let (_, clock) = time.as_str()?.trim_end_matches('Z').split_once('T')?;
    let mut parts = clock.split(':').map(str::parse::<f64>);
    let (hours, minutes, secs) = (parts.next()?.ok()?, parts.next()?.ok()?, parts.next()?.ok()?);
    Some(((hours * 60.0 + minutes) * 60.0 + secs) * 1000.0)
}

async fn until_ready(data: &Path) -> anyhow::Result<()> {
    let began = Instant::now();
    loop {
        let trees = std::fs::read_dir(data.join("pool"))?.flatten();
        if trees.into_iter().any(|tree| tree.path().join("ready.json").exists()) {
            return Ok(());
        }
        ensure!(began.elapsed() < LIMIT, "no tree was made ready");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A bare repository with one commit of random files, twenty to a folder.
fn draw_repository(repo: &Path, files: usize, bytes: usize) -> anyhow::Result<()> {
    let made = Command::new("git").args(["init", "--quiet", "--bare", "--initial-branch=main"]).arg(repo).status()?;
    ensure!(made.success(), "git init failed");
    import(repo, "first", None, 0..files, bytes / files)
}

fn move_base(repo: &Path, files: usize) -> anyhow::Result<()> {
    import(repo, "moved", Some("refs/heads/main^0"), (0..files).step_by((files / MOVED).max(1)), 1000)
}

fn import(repo: &Path, message: &str, from: Option<&str>, files: impl Iterator<Item = usize>, each: usize) -> anyhow::Result<()> {
    let mut git = Command::new("git")
        // Random bytes do not get smaller, however long one tries.
        .args(["-c", "core.compression=0", "-c", "fastimport.unpackLimit=0", "--git-dir"])
        .arg(repo)
        .args(["fast-import", "--quiet", "--done"])
        .stdin(Stdio::piped())
        .spawn()?;
    let mut random = std::fs::File::open("/dev/urandom")?;
    let mut out = BufWriter::with_capacity(1 << 20, git.stdin.take().context("no pipe")?);
    write!(out, "commit refs/heads/main\ncommitter bench <bench@localhost> 1700000000 +0000\ndata {}\n{message}\n", message.len())?;
    if let Some(from) = from {
        writeln!(out, "from {from}")?;
    }
    let mut content = vec![0; each];
    for file in files {
        random.read_exact(&mut content)?;
        writeln!(out, "M 100644 inline d{:02}/e{:02}/f{file:05}\ndata {each}", file / 1000, file / 20 % 50)?;
        out.write_all(&content)?;
        writeln!(out)?;
    }
    writeln!(out, "done")?;
    out.flush()?;
    drop(out);
    ensure!(git.wait()?.success(), "git fast-import failed");
    Ok(())
}
