//! The scenario of work on the same files: twenty operations at once that all change one file, until each is delivered and merges with
//! every other.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};
use serde_json::json;

use crate::daemon::Daemon;
use crate::scenario::Bench;

/// How long all of it may take.
const LIMIT: Duration = Duration::from_mins(10);

/// Adds its line to the file that all change. Where a merge is laid out, it first keeps the lines of both sides.
const AGENT: &str = r#"if grep -qs '^<<<<<<< ' shared.txt; then
awk '!/^(<<<<<<<|>>>>>>>) / && $0 != "=======" && !seen[$0]++' shared.txt > .kept && cat .kept > shared.txt && rm .kept
fi
grep -q '^line of NAME$' shared.txt || echo 'line of NAME' >> shared.txt
echo NAME > own-NAME.txt
"#;

impl Bench {
    /// Operations whose agents are shell scripts, four of them at a time.
    pub(crate) async fn overlap(&mut self, dir: &Path) -> anyhow::Result<()> {
        let count: u64 = if self.quick { 6 } else { 20 };
        let repo = dir.join("overlap.git");
        draw_repository(&repo, dir)?;
        let daemon = Daemon::start(&self.exe, &dir.join("overlap"), "[worker.default]\nmax_concurrent_tasks = 4\n").await?;
        let began = Instant::now();
        for number in 0..count {
            let script = dir.join(format!("agent-{number}.sh"));
            std::fs::write(&script, AGENT.replace("NAME", &format!("n{number:02}")))?;
            let program = format!("/bin/sh {}", script.display());
            let goal = json!({
                "goal": "add a line", "harness": "command", "program": program, "repo": repo, "verify": "true", "no_review": true, "source": "bench"
            });
            daemon.post("/api/v1/assignments/run", &goal).await?;
        }
        daemon.wait_complete(count, LIMIT).await?;
        let took = began.elapsed().as_secs_f64();
        daemon.stop()?;
        let pairs = merging_pairs(&repo, count)?;
        self.row(format!("{count} operations at once on one file: all delivered"), took, None, "s");
        self.row("  of them a minute", 60.0 * count as f64 / took, None, "/min");
        self.row("  pairs of delivered branches that merge, all of them", pairs as f64, None, "pairs");
        Ok(())
    }
}

fn git(repo: &Path, args: &[&str]) -> anyhow::Result<String> {
    let done = Command::new("git").arg("-C").arg(repo).args(args).output()?;
    ensure!(done.status.success(), "git {args:?}: {}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).context("git said something that is no text")
}

/// A bare repository with the file.
fn draw_repository(repo: &Path, dir: &Path) -> anyhow::Result<()> {
    let tree = dir.join("overlap-first");
    std::fs::create_dir_all(&tree)?;
    git(&tree, &["init", "--quiet", "--initial-branch=main"])?;
    std::fs::write(tree.join("shared.txt"), "first\n")?;
    git(&tree, &["add", "."])?;
    git(&tree, &["-c", "user.name=bench", "-c", "user.email=bench@localhost", "commit", "--quiet", "--message=first"])?;
    git(dir, &["clone", "--quiet", "--bare", &tree.display().to_string(), &repo.display().to_string()])?;
    Ok(())
}

/// How many pairs of delivered branches git merges; fails if there is one that it does not, or if a branch is missing.
fn merging_pairs(repo: &Path, count: u64) -> anyhow::Result<usize> {
    let listed = git(repo, &["for-each-ref", "--format=%(refname)", "refs/heads/windlass"])?;
    let branches: Vec<&str> = listed.lines().collect();
    ensure!(branches.len() as u64 == count, "{} branches of {count} operations", branches.len());
    let mut pairs = 0;
    for (index, one) in branches.iter().enumerate() {
        for other in &branches[index + 1..] {
            git(repo, &["merge-tree", "--write-tree", one, other])?;
            pairs += 1;
        }
    }
    Ok(pairs)
}
