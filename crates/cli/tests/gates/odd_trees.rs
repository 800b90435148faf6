//! What an agent may leave in its tree: delivered where it is content, refused where it is not, and never followed.

use windlass_testkit::repo::TempRepo;

use crate::bench::{Bench, agents_of, assert_blocked, eventually, id};

/// Runs a shell script as the agent, with no check; gives the assignment when it is over.
fn left_by(bench: &Bench, script: &str) -> serde_json::Value {
    bench.ended(&bench.command(script, &[]))
}

#[test]
fn pipes_sockets_and_links_hold_nothing_up_and_are_not_followed() {
    let bench = Bench::new();
    let done = left_by(&bench, "mkfifo pipe; ln -s pipe to-pipe; ln -s /etc/passwd passwd; ln -s . loop; echo 42 > answer.txt");
    assert_eq!(done["status"], "complete", "{done:#}");
    let branch = done["branch"].as_str().unwrap();
    let tree = bench.repo.git(&["ls-tree", "-r", branch]);
    assert!(tree.contains("120000") && !tree.contains("\tpipe\n"), "{tree}");
    assert_eq!(bench.repo.file_at(branch, "passwd").as_deref(), Some("/etc/passwd"), "a link is a link");
}

#[test]
fn a_repository_inside_the_tree_does_not_become_a_link_to_a_commit_that_nobody_has() {
    let bench = Bench::new();
    let done = left_by(
        &bench,
        "git init -q nested; cd nested; echo x > f; git add .; git -c user.name=a -c user.email=a@b commit -qm n; cd ..; echo 42 > answer.txt",
    );
    assert_eq!(done["status"], "complete", "{done:#}");
    let tree = bench.repo.git(&["ls-tree", "-r", done["branch"].as_str().unwrap()]);
    assert!(!tree.contains("160000"), "{tree}");
}

#[test]
fn names_of_every_kind_are_delivered_and_those_that_git_would_obey_are_not() {
    let bench = Bench::new();
    let done = left_by(
        &bench,
        "printf x > \"$(printf 'new\\nline')\"; printf x > \"$(printf '\\377')\"; printf x > ' lead'; printf x > --force; printf x > 'ü'; \
         mkdir .GIT; printf '[core]\\n\\tfsmonitor = evil\\n' > .GIT/config; mkdir 'GIT~1'; printf y > 'GIT~1/config'; echo 42 > answer.txt",
    );
    assert_eq!(done["status"], "complete", "{done:#}");
    let files = bench.repo.files_at(done["branch"].as_str().unwrap());
    for name in ["new\nline", " lead", "--force", "ü", "answer.txt"] {
        assert!(files.iter().any(|f| f == name), "{name:?} is delivered: {files:?}");
    }
    assert!(!files.iter().any(|f| f.to_lowercase().contains("git/") || f.contains("GIT~1")), "{files:?}");
    let text = crate::bench::said(&bench.daemon.call(&["diff", &id(&done)]));
    assert!(text.contains("answer.txt"), "{text}");
}

#[test]
fn a_workspace_that_its_agent_removes_is_refused_in_clear_words() {
    for (script, part) in [("rm -rf \"$PWD\"", "removed or replaced"), ("rm -rf .git; echo 42 > answer.txt", "its .git was removed")] {
        let bench = Bench::new();
        let done = left_by(&bench, script);
        assert_blocked(&done, "workspace_tampered");
        assert!(done["block"]["reason"].as_str().unwrap().contains(part), "{done:#}");
        assert_eq!(bench.repo.branches(), ["main"]);
    }
}

#[test]
fn locks_that_an_agent_leaves_in_its_clone_hold_nobody_up() {
    let bench = Bench::new();
    let done = left_by(&bench, "touch .git/index.lock .git/HEAD.lock .git/config.lock .git/packed-refs.lock; echo 42 > answer.txt");
    assert_eq!(done["status"], "complete", "{done:#}");
}

#[test]
fn a_file_larger_than_the_limit_is_refused_by_name() {
    let bench = Bench::new();
    let done = left_by(&bench, "truncate -s 200M huge.bin");
    assert_blocked(&done, "agent_failed");
    assert!(done["block"]["reason"].as_str().unwrap().contains("huge.bin"), "{done:#}");
    assert_eq!(bench.repo.branches(), ["main"]);
}

#[test]
fn a_long_data_directory_with_spaces_and_a_repository_like_it_work_as_any_other() {
    let repo = TempRepo::failing_check();
    let odd = repo.beside("my répo (copy)");
    repo.git(&["clone", "--quiet", ".", odd.to_str().unwrap()]);
    // A socket's address would be too long here, so the agents speak over the loopback port.
    let heard = repo.beside("heard");
    let bench = Bench::at(&format!("a folder/ünïcode/{}", "d".repeat(120)), repo, "", "", &[]);
    let a = bench.simulated(
        &format!(
            r#"
            [[turn]]
            type = "implement"
            steps = [{{ write = {{ path = "answer.txt", content = "42\n" }} }}, {{ say = "Done." }}]
            [[turn]]
            type = "pm"
            steps = [{{ run = "(windlass verdict complete --reason fine --evidence commit:${{head_commit}} --evidence check:${{reviewed_job}}; echo $WINDLASS_URL) > {} 2>&1" }}, {{ say = "Given." }}]
            "#,
            heard.display()
        ),
        &["--repo", odd.to_str().unwrap(), "--verify", "./check.sh"],
    );
    let done = bench.ended(&a);
    let heard = std::fs::read_to_string(heard).unwrap();
    assert_eq!(done["status"], "complete", "{heard}\n{done:#}");
    assert!(heard.contains("http://127.0.0.1:"), "{heard}");
    let delivered = windlass_testkit::repo::Git::at(&odd);
    assert_eq!(delivered.file_at(done["branch"].as_str().unwrap(), "answer.txt").as_deref(), Some("42\n"));
}

#[test]
fn two_repositories_of_one_name_are_two_projects() {
    let bench = Bench::new();
    let second = TempRepo::failing_check();
    let one = bench.ended(&bench.command("echo 42 > answer.txt", &[]));
    let two = bench.ended(&bench.command("echo 43 > answer.txt", &["--repo", second.path().to_str().unwrap()]));
    assert_ne!(one["project"], two["project"]);
    assert_eq!(bench.repo.file_at(one["branch"].as_str().unwrap(), "answer.txt").as_deref(), Some("42\n"));
    assert_eq!(second.file_at(two["branch"].as_str().unwrap(), "answer.txt").as_deref(), Some("43\n"));
    assert_eq!((bench.repo.branches().len(), second.branches().len()), (2, 2));
}

#[test]
fn an_agent_sees_no_secret_of_the_daemon() {
    let secret = "ghp_0123456789abcdefghijklmnopqrstuvwxyz";
    let bench = Bench::with_env(TempRepo::failing_check(), "", "", &[("GITHUB_TOKEN", secret), ("TESTERS_WORD", "visible-to-nobody")]);
    let seen = bench.outside("seen");
    let namespace = bench.ok(&["status"])["isolation"] == "bubblewrap";
    let a = bench.command(
        &format!(
            "env > {0}; cat /proc/*/environ /proc/*/cmdline 2>/dev/null | tr '\\000' '\\n' > {0}.proc; echo 42 > answer.txt",
            seen.display()
        ),
        &[],
    );
    assert_eq!(bench.ended(&a)["status"], "complete");
    let env = std::fs::read_to_string(&seen).unwrap();
    assert!(!env.contains(secret) && !env.contains("visible-to-nobody"), "{env}");
    assert!(env.contains("WINDLASS_TOKEN=wla_"), "its own token only: {env}");
    let home = env.lines().find_map(|l| l.strip_prefix("HOME=")).unwrap();
    assert!(home.contains(&a), "a home of its own: {home}");
    if namespace {
        let processes = String::from_utf8_lossy(&std::fs::read(format!("{}.proc", seen.display())).unwrap()).into_owned();
        assert!(!processes.contains(secret) && !processes.contains("visible-to-nobody"), "nor by way of other processes");
    }
}

#[test]
fn many_assignments_at_once_are_each_done_once_and_apart() {
    let bench = Bench::with(TempRepo::failing_check(), "max_concurrent_tasks = 4\n", "");
    let all: Vec<(String, usize)> = (0..12).map(|n| (bench.command(&format!("echo {n} >> mine-{n}.txt"), &[]), n)).collect();
    for (a, n) in &all {
        let done = bench.ended(a);
        assert_eq!(done["status"], "complete", "{done:#}");
        let branch = done["branch"].as_str().unwrap();
        assert_eq!(bench.repo.file_at(branch, &format!("mine-{n}.txt")), Some(format!("{n}\n")));
        assert_eq!(bench.repo.log(&format!("main..{branch}")).len(), 1);
        assert_eq!(done["jobs"][0]["attempts"], 1);
    }
    assert_eq!(bench.repo.branches().len(), all.len() + 1);
    eventually("nothing is left running", || all.iter().all(|(a, _)| agents_of(a).is_empty()).then_some(()));
}

#[test]
fn what_the_check_saw_and_no_commit_has_is_told() {
    let bench = Bench::new();
    let script = "mkdir gen; echo ok > gen/ok.txt; echo gen/ >> .gitignore; git init -q lib; echo ok > lib/ok.txt; echo 42 > answer.txt";
    let a = bench.command(script, &["--no-review", "--verify", "test -f gen/ok.txt && test -f lib/ok.txt"]);
    assert_eq!(bench.ended(&a)["status"], "complete");
    let notice = &bench.notices(&a, "left_out")[0];
    assert_eq!(notice["files"], serde_json::json!(["gen/", "lib/"]));
    let bench = Bench::new();
    let b = bench.command("echo 42 > answer.txt; echo '*.log' >> .gitignore", &["--no-review", "--verify", "./check.sh"]);
    assert_eq!(bench.ended(&b)["status"], "complete");
    assert_eq!(bench.notices(&b, "left_out").len(), 0);
}
