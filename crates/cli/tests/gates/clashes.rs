//! Work beside other work: files that are locked, branches that would not merge, and that none of it reaches the remote.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use windlass_testkit::repo::TempRepo;

use crate::bench::{Bench, assert_blocked, eventually, id};

/// Adds a line to the end of a file that everybody changes; where a merge is laid out it keeps both sides.
fn adds_a_line(name: &str) -> String {
    keeps_both("shared.txt")
        + &format!(
            "grep -q '^line of {name}$' shared.txt || echo 'line of {name}' >> shared.txt\n\
             echo {name} > own-{name}.txt\n"
        )
}

/// Where a merge is laid out in a file: every line of both sides, once.
fn keeps_both(file: &str) -> String {
    format!(
        "if grep -qs '^<<<<<<< ' {file}; then\n\
         awk '!/^(<<<<<<<|>>>>>>>) / && $0 != \"=======\" && !seen[$0]++' {file} > .kept && cat .kept > {file} && rm .kept\n\
         fi\n"
    )
}

fn repo() -> TempRepo {
    TempRepo::failing_check().with_file("shared.txt", "first\n").commit("A file that everybody changes")
}

/// The repository's own branches, as plain git sees them.
fn delivered(bench: &Bench) -> Vec<String> {
    bench.repo.branches().into_iter().filter(|branch| branch.starts_with("windlass/")).collect()
}

/// Whether plain git merges every two branches without a conflict.
fn assert_each_two_merge(repo: &Path, branches: &[String]) {
    let mut clashes = String::new();
    for (index, one) in branches.iter().enumerate() {
        for other in &branches[index + 1..] {
            let merged = Command::new("git").args(["merge-tree", "--write-tree", one, other]).current_dir(repo).output().unwrap();
            if !merged.status.success() {
                writeln!(clashes, "{one} and {other}: {}", String::from_utf8_lossy(&merged.stdout)).unwrap();
            }
        }
    }
    assert!(clashes.is_empty(), "{clashes}");
}

fn no_lock_is_held(bench: &Bench) {
    let locks = bench.ok(&["locks"])["items"].as_array().unwrap().clone();
    assert!(locks.iter().all(|lock| lock["status"] != "held"), "{locks:#?}");
}

#[test]
fn a_job_whose_files_are_locked_waits_and_names_the_holder() {
    let bench = Bench::with(repo(), "max_concurrent_tasks = 4\n", "");
    let go = bench.outside("go");
    let waits = format!("while [ ! -e {} ]; do sleep 0.02; done; ", go.display());
    let one = bench.command(&(waits + &adds_a_line("one")), &["--no-review", "--lock", "shared.txt", "--timeout", "60"]);
    eventually("the first runs", || (bench.jobs(&one)[0]["status"] == "running").then_some(()));
    let two = bench.command(&adds_a_line("two"), &["--no-review", "--lock", "*.txt", "--lock", "docs/"]);
    let hold = bench.until_held(&two, 0, "file_locked");
    let reason = hold["reason"].as_str().unwrap();
    assert!(reason.contains(&one) && reason.contains("shared.txt") && reason.contains("*.txt"), "{reason}");
    let beside = bench.command("echo 1 > docs.md", &["--no-review", "--lock", "docs.md"]);
    assert_eq!(bench.ended(&beside)["status"], "complete", "what does not overlap goes on");

    let locks = bench.ok(&["locks"])["items"].as_array().unwrap().clone();
    let of = |pattern: &str| locks.iter().find(|lock| lock["pattern"] == pattern).unwrap().clone();
    assert_eq!((&of("shared.txt")["status"], &of("*.txt")["status"]), (&"held".into(), &"waiting".into()));
    assert_eq!(of("*.txt")["waits_for"]["holder"], one);
    std::fs::write(&go, "").unwrap();
    for a in [&one, &two] {
        let done = bench.ended(a);
        assert_eq!(done["status"], "complete", "{done:#}");
    }
    no_lock_is_held(&bench);
    assert_eq!(bench.notices(&two, "touched_unlocked").len(), 0, "*.txt is all that it changed");
    let (code, text) = bench.refused(&["run", "x", "--detach", "--repo", &bench.repo_path(), "--program", "true", "--lock", "../secrets"]);
    assert!(code == 2 && text.contains("../secrets"), "{code}: {text}");
}

#[test]
fn what_an_agent_changes_beside_its_locks_is_noticed_with_whoever_holds_it() {
    let bench = Bench::with(repo(), "max_concurrent_tasks = 4\n", "");
    let go = bench.outside("go");
    let waits = format!("while [ ! -e {} ]; do sleep 0.02; done; echo 1 > held.txt", go.display());
    let holder = bench.command(&waits, &["--no-review", "--lock", "held.txt", "--timeout", "60"]);
    eventually("the first runs", || (bench.jobs(&holder)[0]["status"] == "running").then_some(()));
    let strays = bench.command("echo 2 > held.txt.other; echo 3 > mine.md; mkdir x; echo 4 > x/y", &["--no-review", "--lock", "mine.md"]);
    let strays_too = bench.command("echo 5 > mine2.md; echo 6 > held.txt", &["--no-review", "--lock", "mine2.md", "--lock", "z/"]);
    assert_eq!(bench.ended(&strays)["status"], "complete");
    bench.ended(&strays_too);
    std::fs::write(&go, "").unwrap();
    let notice = &bench.notices(&strays, "touched_unlocked")[0];
    assert_eq!(notice["files"], serde_json::json!(["held.txt.other", "x/y"]));
    let notice = &bench.notices(&strays_too, "touched_unlocked")[0];
    assert_eq!(notice["held"][0]["holder"], holder);
    bench.ended(&holder);
}

#[test]
fn work_that_does_not_merge_with_another_branch_is_merged_in_a_further_round() {
    let bench = Bench::with(repo(), "", "");
    let one = bench.command(&adds_a_line("one"), &["--no-review"]);
    assert_eq!(bench.ended(&one)["status"], "complete");
    let two = bench.command(&adds_a_line("two"), &["--no-review"]);
    let done = bench.ended(&two);
    assert_eq!(done["status"], "complete", "{done:#}");
    let job = id(&done["jobs"][0]);
    assert_eq!((bench.count(&job, "clash", "failed"), bench.count(&job, "clash", "passed"), bench.count(&job, "run", "passed")), (1, 1, 2));
    let clash = &bench.notices(&two, "branch_clash")[0];
    assert_eq!((&clash["with"]["assignment"], &clash["with"]["files"][0]), (&Value::from(one.as_str()), &"shared.txt".into()));
    let branches = delivered(&bench);
    assert_eq!(branches.len(), 2);
    assert_each_two_merge(bench.repo.path(), &branches);
    let text = bench.repo.file_at(done["branch"].as_str().unwrap(), "shared.txt").unwrap();
    assert_eq!(text, "first\nline of two\nline of one\n");

    let registered = bench.ok(&["branches", "--status", "merging"])["items"].as_array().unwrap().clone();
    assert_eq!(registered.len(), 2);
    bench.ok(&["branches", "merged", &one]);
    bench.ok(&["branches", "release", &two]);
    let left = bench.ok(&["branches"])["items"].as_array().unwrap().clone();
    assert_eq!((left.len(), &left[0]["status"]), (1, &"merged".into()));
    let told: Vec<Value> = bench.events(&one, "branch.changed").into_iter().map(|data| data["status"].clone()).collect();
    assert_eq!(told, ["active", "merging", "merged"]);
}

#[test]
fn work_that_does_not_merge_with_what_its_base_has_become_is_merged_too() {
    let bench = Bench::with(repo(), "", "");
    let (go, there) = (bench.outside("go"), bench.outside("there"));
    let waits = format!("touch {}; while [ ! -e {} ]; do sleep 0.02; done; ", there.display(), go.display());
    let a = bench.command(&(waits + &adds_a_line("one")), &["--no-review", "--timeout", "60"]);
    eventually("the agent runs", || there.exists().then_some(()));
    std::fs::write(bench.repo.path().join("shared.txt"), "first\nupstream\n").unwrap();
    bench.repo.git(&["commit", "-q", "-am", "upstream"]);
    std::fs::write(&go, "").unwrap();
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    assert_each_two_merge(bench.repo.path(), &["main".to_owned(), done["branch"].as_str().unwrap().to_owned()]);
}

#[test]
fn an_agent_that_leaves_conflict_markers_is_sent_back_and_in_the_end_a_person_is_asked() {
    let bench = Bench::with(repo(), "", "");
    let one = bench.command(&adds_a_line("one"), &["--no-review"]);
    assert_eq!(bench.ended(&one)["status"], "complete");
    let two = bench.command("grep -q two shared.txt || echo 'line of two' >> shared.txt", &["--no-review"]);
    let blocked = bench.ended(&two);
    assert_blocked(&blocked, "branch_clash");
    assert_eq!(delivered(&bench).len(), 1, "nothing of it was pushed");
    let job = id(&blocked["jobs"][0]);
    assert_eq!(bench.count(&job, "run", "passed"), 4, "the first round and three to merge");
}

#[test]
fn a_project_that_holds_on_a_clash_blocks_with_the_branch_the_files_and_what_to_do() {
    let repo = repo();
    let table = format!("[project.shop]\nrepo = {:?}\non_clash = \"hold\"\n", repo.path());
    let bench = Bench::with(repo, "", &table);
    let one = bench.command(&adds_a_line("one"), &["--no-review", "--project", "shop"]);
    assert_eq!(bench.ended(&one)["status"], "complete");
    let two = bench.command(&adds_a_line("two"), &["--no-review", "--project", "shop"]);
    let blocked = bench.ended(&two);
    assert_blocked(&blocked, "branch_clash");
    let reason = blocked["block"]["reason"].as_str().unwrap();
    assert!(reason.contains(&one) && reason.contains("shared.txt"), "{reason}");
    let job = id(&blocked["jobs"][0]);
    assert!(blocked["block"]["action"].as_str().unwrap().contains(&format!("windlass retry {job}")), "{blocked:#}");
    assert_eq!(delivered(&bench).len(), 1);

    bench.ok(&["branches", "release", &one]);
    bench.ok(&["retry", &job]);
    assert_eq!(bench.ended(&two)["status"], "complete");
    assert_eq!(delivered(&bench).len(), 2);
}

#[test]
fn a_daemon_that_dies_round_a_merge_goes_on_with_it() {
    for point in ["clash.laid", "clash.declared:2", "clash.ending", "clash.ended"] {
        let mut bench = Bench::with_env(repo(), "", "", &[("WINDLASS_FAILPOINT", point)]);
        let one = bench.command(&adds_a_line("one"), &["--no-review"]);
        assert_eq!(bench.ended(&one)["status"], "complete");
        let two = bench.command(&adds_a_line("two"), &["--no-review"]);
        bench.daemon.wait_dead();
        bench.daemon.set_env("WINDLASS_FAILPOINT", None);
        assert!(bench.daemon.start());
        let done = bench.ended(&two);
        assert_eq!(done["status"], "complete", "{point}: {done:#}");
        let text = bench.repo.file_at(done["branch"].as_str().unwrap(), "shared.txt").unwrap();
        assert_eq!(text, "first\nline of two\nline of one\n", "{point}");
        assert_each_two_merge(bench.repo.path(), &delivered(&bench));
        assert_eq!(bench.count(&id(&done["jobs"][0]), "run", "passed"), 2, "{point}: no round was run twice");
    }
}

/// Twenty at once that all change one file and one more with a neighbour; half of them lock what they change.
fn twenty(bench: &Bench) -> Vec<String> {
    bench.ok(&["pause"]);
    let all = (0..20)
        .map(|n| {
            let group = n / 4;
            let script = adds_a_line(&format!("n{n}"))
                + &keeps_both(&format!("group-{group}.txt"))
                + &format!("grep -qs n{n} group-{group}.txt || echo n{n} >> group-{group}.txt\n");
            let mut args = vec!["--no-review", "--timeout", "120"];
            let (group, own) = (format!("group-{group}.txt"), format!("own-n{n}.txt"));
            if n % 2 == 0 {
                args.extend(["--lock", "shared.txt", "--lock", &group, "--lock", &own]);
            }
            let script = bench.file(&format!("agent-{n}.sh"), &script);
            let steps = format!("[[turn]]\nsteps = [{{ run = \"sh {}\" }}, {{ say = \"Done.\" }}]", script.display());
            bench.simulated(&steps, &args)
        })
        .collect();
    bench.ok(&["resume"]);
    all
}

fn assert_all_delivered(bench: &Bench, all: &[String]) {
    for a in all {
        let done = bench.until_over(a);
        assert_eq!(done["status"], "complete", "{done:#}");
    }
    let branches = delivered(bench);
    assert_eq!(branches.len(), all.len());
    assert_each_two_merge(bench.repo.path(), &branches);
    no_lock_is_held(bench);
    // The last to be merged has every line, each once.
    let lines = |branch: &String| bench.repo.file_at(branch, "shared.txt").unwrap().lines().map(str::to_owned).collect::<Vec<_>>();
    let fullest = branches.iter().map(lines).max_by_key(Vec::len).unwrap();
    assert_eq!(fullest.len(), all.len() + 1, "{fullest:#?}");
    bench.repo.git(&["fsck", "--strict"]);
}

#[test]
fn of_twenty_at_once_in_the_same_files_every_one_is_delivered_and_every_two_merge() {
    let bench = Bench::with(repo(), "max_concurrent_tasks = 6\n", "");
    let began = std::time::Instant::now();
    let all = twenty(&bench);
    assert_all_delivered(&bench, &all);
    let per_minute = 60.0 * all.len() as f64 / began.elapsed().as_secs_f64();
    eprintln!("twenty overlapping operations: {per_minute:.0} a minute");
}

#[test]
fn a_daemon_that_is_killed_in_between_delivers_all_twenty_after_its_restart() {
    let mut bench = Bench::with(repo(), "max_concurrent_tasks = 6\n", "");
    let all = twenty(&bench);
    for wanted in [2, 6, 11] {
        eventually("some are delivered", || (delivered(&bench).len() >= wanted).then_some(()));
        bench.daemon.kill();
        assert!(bench.daemon.start());
    }
    assert_all_delivered(&bench, &all);
}
