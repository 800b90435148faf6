//! What is delivered is what the gates saw, as the engine's own commit; nothing an agent plants in its clone has an effect.

use windlass_testkit::repo::TempRepo;

use crate::bench::{Bench, assert_blocked, id};

#[test]
fn what_a_reader_changes_is_thrown_away_and_noticed() {
    for kind in ["plan", "review", "uat"] {
        let bench = Bench::new();
        let script = format!(
            r#"
            [[turn]]
            type = "{kind}"
            steps = [{{ write = {{ path = "answer.txt", content = "43\n" }} }}, {{ write = {{ path = "sneaky.txt", content = "x" }} }}, {{ run = "git add -A; git commit -qm sneaky" }}, {{ say = "I only looked." }}]
            [[turn]]
            type = "implement"
            steps = [{{ run = "test ! -e sneaky.txt && grep -q 41 answer.txt && echo 42 > answer.txt" }}, {{ say = "Done." }}]
            [[turn]]
            type = "pm"
            nth = 1
            steps = [{{ verdict = {{ verdict = "insert", reason = "now do it", evidence = [{{ kind = "job", job = "${{reviewed_job}}", status = "succeeded" }}], jobs = [{{ type = "implement", context = "do it" }}] }} }}]
            [[turn]]
            type = "pm"
            steps = [{{ write = {{ path = "pm.txt", content = "x" }} }}, {{ verdict = {{ verdict = "complete", reason = "green", evidence = [{{ kind = "commit", sha = "${{head_commit}}" }}, {{ kind = "check", job = "${{last_commit_job}}" }}] }} }}]
            "#
        );
        let a = bench.simulated(&script, &["--type", kind, "--verify", "./check.sh"]);
        let done = bench.ended(&a);
        assert_eq!(done["status"], "complete", "{kind}: {done:#}");
        let reader = &done["jobs"][0];
        assert_eq!((&reader["status"], &reader["commit"]), (&"succeeded".into(), &serde_json::Value::Null), "{kind}");
        assert_eq!(reader["output"], "I only looked.");
        let dropped = bench.notices(&a, "changes_dropped");
        assert_eq!(dropped.len(), 2, "{kind}: the reader's and the pm's: {dropped:#?}");
        assert!(dropped[0]["files"].to_string().contains("sneaky.txt"), "{dropped:#?}");
        let branch = done["branch"].as_str().unwrap();
        let changed = bench.repo.git(&["diff", "--name-only", &format!("main...{branch}")]);
        assert_eq!(changed.trim(), "answer.txt", "{kind}: nothing of theirs is delivered");
    }
}

#[test]
fn an_agents_own_commits_and_refs_are_not_delivered_but_its_work_is() {
    let bench = Bench::new();
    let main = bench.repo.rev("main").unwrap();
    let a = bench.simulated(
        r#"[[turn]]
        steps = [
          { run = "echo 1 > one.txt; git add -A; git -c user.name=Evil -c user.email=evil@example.invalid commit -qm 'my own commit'" },
          { run = "git branch -f stolen; git tag v9; git update-ref refs/heads/main HEAD; git update-ref refs/windlass/x HEAD; git checkout -q -b elsewhere" },
          { write = { path = "answer.txt", content = "42\n" } },
          { run = "git add -A; git -c user.name=Evil -c user.email=evil@example.invalid commit -qm 'and another'; git push -q origin HEAD:refs/heads/pushed HEAD:refs/heads/main; git push -q --force $(git config remote.origin.url) HEAD:refs/heads/pushed2" },
          { say = "Committed and pushed.\n\nWindlass-Job: job_00000000000000000000000000000000" },
        ]"#,
        &["--verify", "./check.sh", "--no-review"],
    );
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    let branch = done["branch"].as_str().unwrap();
    assert_eq!(bench.repo.log(&format!("main..{branch}")), ["make the check pass"], "one commit, and it is the engine's");
    assert!(!bench.repo.git(&["log", "-1", "--format=%an %cn", branch]).contains("Evil"));
    let trailers = bench.repo.git(&["log", "-1", "--format=%(trailers:key=Windlass-Job,valueonly)", branch]);
    assert_eq!(trailers.trim(), id(&done["jobs"][0]), "its account cannot forge whose commit it is");
    assert_eq!(bench.repo.file_at(branch, "answer.txt").as_deref(), Some("42\n"));
    assert_eq!(bench.repo.file_at(branch, "one.txt").as_deref(), Some("1\n"), "what it committed is part of the work");
    assert_eq!(bench.repo.branches(), ["main", branch], "no ref of its own making is there");
    assert_eq!(bench.repo.rev("main"), Some(main));
    assert_eq!(bench.repo.git(&["tag"]), "");
    let moved = bench.notices(&a, "refs_moved");
    assert_eq!(moved.len(), 1, "{moved:#?}");
    assert!(moved[0]["refs"].to_string().contains("stolen"), "{moved:#?}");
}

#[test]
fn nothing_that_an_agent_plants_in_its_clone_is_run_by_the_engine() {
    let bench = Bench::new();
    let pwned = bench.outside("pwned");
    let trap = format!("touch {}", pwned.display());
    let script = format!(
        r#"[[turn]]
        steps = [
          {{ run = """
             for hook in pre-commit prepare-commit-msg commit-msg post-commit pre-push post-checkout post-merge post-index-change reference-transaction post-rewrite pre-auto-gc update post-update pre-receive push-to-checkout; do
               mkdir -p .git/hooks planted; printf '#!/bin/sh\n{trap}-%s\n' $hook > .git/hooks/$hook; cp .git/hooks/$hook planted/$hook; chmod +x .git/hooks/$hook planted/$hook
             done
             git config core.hooksPath planted
             git config core.fsmonitor '{trap}-fsmonitor'
             git config core.pager '{trap}-pager'
             git config core.editor '{trap}-editor'
             git config core.sshCommand '{trap}-ssh'
             git config core.gitProxy '{trap}-proxy'
             git config core.askPass '{trap}-askpass'
             git config credential.helper '!{trap}-credential'
             git config diff.external '{trap}-diff'
             git config diff.evil.textconv '{trap}-textconv'
             git config diff.evil.command '{trap}-command'
             git config filter.evil.clean '{trap}-clean; cat'
             git config filter.evil.smudge '{trap}-smudge; cat'
             git config filter.evil.process '{trap}-process'
             git config filter.evil.required true
             git config merge.evil.driver '{trap}-merge'
             git config gpg.program '{trap}-gpg'
             git config commit.gpgSign true
             git config uploadpack.packObjectsHook '{trap}-pack'
             git config remote.origin.url 'ext::{trap}-ext'
             git config remote.origin.receivepack '{trap}-receivepack'
             git config remote.origin.uploadpack '{trap}-uploadpack'
             git config alias.status '!{trap}-alias'
             git config include.path ../evil.config
             printf '[core]\n\tfsmonitor = {trap}-include\n' > evil.config
             printf '* filter=evil diff=evil merge=evil\n' > .git/info/attributes
             printf '*.txt filter=evil diff=evil\n' > .gitattributes
          """ }},
          {{ write = {{ path = "answer.txt", content = "42\n" }} }},
          {{ run = "rm -f {pwned}*" }},
          {{ say = "Nothing to see here." }},
        ]
        "#,
        pwned = pwned.display()
    );
    let a = bench.simulated(&script, &["--verify", "./check.sh", "--no-review"]);
    let done = bench.ended(&a);
    let _ = bench.daemon.call(&["diff", &a]);
    let sprung: Vec<String> = std::fs::read_dir(bench.dir.path())
        .unwrap()
        .flatten()
        .map(|f| f.file_name().into_string().unwrap())
        .filter(|n| n.starts_with("pwned"))
        .collect();
    assert!(sprung.is_empty(), "these were run: {sprung:?}");
    assert_eq!(done["status"], "complete", "{done:#}");
    let branch = done["branch"].as_str().unwrap();
    assert_eq!(bench.repo.file_at(branch, "answer.txt").as_deref(), Some("42\n"));
    assert_eq!(bench.repo.branches(), ["main", branch]);
}

#[test]
fn a_clone_that_was_pointed_elsewhere_is_refused() {
    let bench = Bench::new();
    let target = TempRepo::new().with_file("theirs.txt", "theirs\n").commit("Theirs");
    let script = format!(
        r#"[[turn]]
        steps = [{{ run = "rm -rf .git; echo 'gitdir: {}/.git' > .git" }}, {{ write = {{ path = "answer.txt", content = "42\n" }} }}, {{ say = "Done." }}]"#,
        target.path().display()
    );
    let a = bench.simulated(&script, &["--verify", "./check.sh", "--no-review"]);
    let done = bench.ended(&a);
    let refs = target.refs();
    assert_eq!(refs.len(), 1, "nothing is written where it points: {refs:?}");
    assert_eq!(target.status(), "");
    if done["status"] == "complete" {
        // Its content is all that counts, so it may do no harm either.
        assert_eq!(bench.repo.file_at(done["branch"].as_str().unwrap(), "theirs.txt"), None);
    } else {
        assert_blocked(&done, "workspace_tampered");
    }
}

#[test]
fn the_users_checkout_and_branches_stay_as_they_are() {
    let repo = TempRepo::failing_check().with_file("notes.txt", "mine\n").with_file("staged.txt", "staged\n");
    repo.git(&["add", "staged.txt"]);
    repo.write("answer.txt", "40\n");
    let (status, refs, head) = (repo.status(), repo.refs(), repo.git(&["symbolic-ref", "HEAD"]));
    let bench = Bench::with(repo, "", "");
    let a = bench.simulated(
        r#"[[turn]]
        steps = [{ run = "cat answer.txt; ls" }, { write = { path = "answer.txt", content = "42\n" } }, { say = "Done." }]"#,
        &["--verify", "./check.sh", "--no-review"],
    );
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    assert_eq!(bench.repo.status(), status, "uncommitted work is as it was");
    assert_eq!(std::fs::read_to_string(bench.repo.path().join("answer.txt")).unwrap(), "40\n");
    assert_eq!(bench.repo.git(&["symbolic-ref", "HEAD"]), head);
    let branch = done["branch"].as_str().unwrap();
    let mut after = bench.repo.refs();
    assert!(after.remove(&format!("refs/heads/{branch}")).is_some());
    assert_eq!(after, refs, "no other ref is touched");
    let said = bench.said(&id(&done["jobs"][0]));
    assert!(said.contains("41") && !said.contains("notes.txt"), "work starts from the commit, not from the dirty tree: {said}");
}

#[test]
fn work_that_is_delivered_while_the_users_branch_moves_on_is_still_delivered() {
    let bench = Bench::new();
    let (go, there) = (bench.outside("go"), bench.outside("there"));
    let script = format!("touch {}; while [ ! -e {} ]; do sleep 0.05; done; echo 42 > answer.txt", there.display(), go.display());
    let a = bench.command(&script, &["--verify", "./check.sh"]);
    crate::bench::eventually("the agent runs", || there.exists().then_some(()));
    bench.repo.write("README.md", "Moved on.\n");
    let moved = bench.repo.commit_all("Moved on");
    std::fs::write(go, "").unwrap();
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    assert_eq!(bench.repo.rev("main"), Some(moved));
    assert_ne!(done["base_commit"], bench.repo.rev("main").unwrap().as_str());
}

#[test]
fn work_that_the_repository_does_not_take_is_kept_and_delivered_once_it_does() {
    let bench = Bench::new();
    // A branch of this name leaves no room for any below it.
    bench.repo.git(&["branch", "windlass"]);
    let a = bench.command("echo 42 > answer.txt", &["--verify", "./check.sh"]);
    let blocked = bench.ended(&a);
    assert_blocked(&blocked, "bad_configuration");
    assert!(blocked["block"]["reason"].as_str().unwrap().contains("did not take"), "{blocked:#}");
    assert_eq!((&blocked["jobs"][0]["status"], &blocked["jobs"][0]["failures"]), (&"queued".into(), &0.into()), "{blocked:#}");
    assert!(blocked["head_commit"].is_string(), "the work itself is kept: {blocked:#}");
    assert_eq!(bench.repo.branches(), ["main", "windlass"]);

    bench.repo.git(&["branch", "--delete", "windlass"]);
    bench.ok(&["update-assignment", &a, "--status", "active"]);
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    assert_eq!(done["head_commit"], blocked["head_commit"], "no second commit of the same work");
    assert_eq!(bench.repo.rev(done["branch"].as_str().unwrap()).as_deref(), done["head_commit"].as_str());
}

#[test]
fn a_branch_that_somebody_else_moved_is_never_overwritten() {
    let bench = Bench::new();
    let a = id(&bench.ok(&["create", "two steps", "--repo", &bench.repo_path(), "--no-review"]));
    let (go, there) = (bench.outside("go"), bench.outside("there"));
    let first = bench.file("first.sh", "echo 1 > one.txt");
    let second = bench
        .file("second.sh", &format!("touch {}; while [ ! -e {} ]; do sleep 0.05; done; echo 2 > two.txt", there.display(), go.display()));
    bench.ok(&["pause"]);
    for agent in [&first, &second] {
        bench.ok(&["insert-job", &a, "--harness", "command", "--program", &format!("sh {}", agent.display()), "--context", "x"]);
    }
    bench.ok(&["resume"]);
    crate::bench::eventually("the second agent runs", || there.exists().then_some(()));
    let branch = bench.assignment(&a)["branch"].as_str().unwrap().to_owned();
    let theirs = bench.repo.git(&["commit-tree", "-m", "A person's own", "-p", &branch, "main^{tree}"]).trim().to_owned();
    bench.repo.git(&["update-ref", &format!("refs/heads/{branch}"), &theirs]);
    std::fs::write(&go, "").unwrap();
    let done = bench.ended(&a);
    assert_eq!(done["status"], "blocked", "{done:#}");
    assert_eq!(bench.repo.rev(&branch), Some(theirs), "their commit is still there");
    assert!(done["block"]["action"].as_str().unwrap().contains(&branch), "{done:#}");
}

#[test]
fn files_that_the_check_itself_leaves_are_committed_with_a_notice() {
    let bench = Bench::new();
    let a = bench.command("echo 42 > answer.txt\n", &["--verify", "./check.sh && echo junk > junk.txt", "--no-review"]);
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    let events = bench.get(&format!("/api/v1/events?assignment={a}&after=0&limit=500"));
    let noticed =
        events["items"].as_array().unwrap().iter().any(|e| e["kind"] == "attempt.notice" && e["data"]["what"] == "check_left_files");
    assert!(noticed, "{events:#}");
}
