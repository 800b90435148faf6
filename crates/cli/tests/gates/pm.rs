//! Verdicts: given by the pm's agent alone, and believed only as far as the engine finds their evidence itself.

use serde_json::{Value, json};

use crate::bench::{Bench, assert_blocked, id};

/// The work that is judged: it makes the check green.
const WORK: &str = r#"
[[turn]]
type = "implement"
steps = [{ write = { path = "answer.txt", content = "42\n" } }, { say = "Done." }]
"#;

/// A script of work and what the pm's turns do.
fn judged(pm: &str) -> String {
    format!("{WORK}{pm}")
}

/// A pm turn that ends with this verdict.
fn verdict(conditions: &str, verdict: &str) -> String {
    format!("[[turn]]\ntype = \"pm\"\n{conditions}\nsteps = [{{ verdict = {{ {verdict} }} }}]\n")
}

const COMPLETE: &str = r#"verdict = "complete", reason = "green", evidence = [{ kind = "commit", sha = "${head_commit}" }, { kind = "check", job = "${last_commit_job}" }]"#;

#[test]
fn a_verdict_is_taken_from_the_final_message() {
    let bench = Bench::new();
    let pm = r#"[[turn]]
        type = "pm"
        steps = [{ say = 'I looked at all of it. {"verdict":"complete","reason":"green","evidence":[{"kind":"commit","sha":"${head_commit}"},{"kind":"check","job":"${reviewed_job}"}]} That is all.' }]"#;
    let a = bench.simulated(&judged(pm), &["--verify", "./check.sh"]);
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    let verdict = &done["verdicts"][0];
    assert_eq!(
        (&verdict["verdict"], &verdict["reason"], &verdict["job_id"]),
        (&"complete".into(), &"green".into(), &done["jobs"][1]["id"])
    );
}

#[test]
fn a_verdict_is_given_by_the_agents_own_program_and_socket() {
    let bench = Bench::new();
    let heard = bench.outside("heard");
    let pm = format!(
        r#"[[turn]]
        type = "pm"
        steps = [
          {{ run = "windlass verdict complete --reason 'all is green' --evidence commit:${{head_commit}} --evidence check:${{reviewed_job}} > {heard} 2>&1; echo exit $? url $WINDLASS_URL >> {heard}" }},
          {{ say = "I have given my verdict." }},
        ]"#,
        heard = heard.display()
    );
    let a = bench.simulated(&judged(&pm), &["--verify", "./check.sh"]);
    let done = bench.ended(&a);
    let heard = std::fs::read_to_string(heard).unwrap();
    assert_eq!(done["status"], "complete", "{heard}\n{done:#}");
    assert!(heard.contains("verdict taken: complete") && heard.contains("exit 0"), "{heard}");
    assert!(heard.contains("url unix:"), "by the agents' socket: {heard}");
    assert_eq!(done["verdicts"][0]["reason"], "all is green");
}

#[test]
fn an_agent_that_is_no_pm_may_give_no_verdict_and_read_no_other_work() {
    let bench = Bench::new();
    let heard = bench.outside("heard");
    let other = id(&bench.ok(&["create", "somebody else's", "--repo", &bench.repo_path()]));
    let script = format!(
        r#"[[turn]]
        type = "implement"
        steps = [
          {{ run = "(windlass verdict complete --reason mine --evidence file:answer.txt; echo exit $?; windlass update-assignment $WINDLASS_ASSIGNMENT_ID --status complete; echo exit $?; windlass assignment {other}; echo exit $?; windlass cancel {other}; echo exit $?; windlass pause; echo exit $?) > {heard} 2>&1" }},
          {{ write = {{ path = "answer.txt", content = "42\n" }} }},
          {{ say = "Done." }},
        ]
        {pm}"#,
        heard = heard.display(),
        pm = verdict("", COMPLETE)
    );
    let a = bench.simulated(&script, &["--verify", "./check.sh"]);
    let done = bench.ended(&a);
    let heard = std::fs::read_to_string(heard).unwrap();
    assert!(heard.contains("only a pm job may give a verdict"), "{heard}");
    assert_eq!(heard.matches("exit ").count(), 5, "{heard}");
    assert!(!heard.contains("exit 0"), "nothing of it was allowed: {heard}");
    assert!(!heard.contains("somebody else's"), "{heard}");
    assert_eq!(done["status"], "complete", "{done:#}");
    assert_eq!(done["verdicts"].as_array().unwrap().len(), 1, "the pm's is the only one");
    assert_eq!(bench.assignment(&other)["status"], "active");
    assert_eq!(bench.ok(&["status"])["paused"], false);
}

#[test]
fn a_token_ends_with_its_attempt() {
    let bench = Bench::new();
    let kept = bench.outside("kept");
    let script = format!(
        "[[turn]]\nsteps = [{{ run = \"echo $WINDLASS_TOKEN > {0}; echo $WINDLASS_URL >> {0}\" }}, {{ write = {{ path = \"answer.txt\", content = \"42\" }} }}]",
        kept.display()
    );
    let a = bench.simulated(&script, &["--no-review"]);
    bench.ended(&a);
    let kept = std::fs::read_to_string(kept).unwrap();
    let (token, url) = kept.trim().split_once('\n').unwrap();
    let out = bench.call_with(&[("WINDLASS_TOKEN", token), ("WINDLASS_URL", url)], &["progress", "still here"]);
    assert!(matches!(out.status.code(), Some(1 | 2)), "{}", crate::bench::said(&out));
    assert!(crate::bench::said(&out).contains("token"), "{}", crate::bench::said(&out));
    assert!(!bench.jobs(&a)[0]["message"].to_string().contains("still here"));
}

/// Verdicts whose evidence is not there: what is claimed, and what is said to be wrong with it.
fn untrue(other_job: &str) -> Vec<(String, &'static str)> {
    let insert = |evidence: &str| {
        format!(r#"verdict = "insert", reason = "go on", evidence = [{evidence}], jobs = [{{ type = "review", context = "look again" }}]"#)
    };
    vec![
        (insert(r#"{ kind = "commit", sha = "0123456789abcdef0123456789abcdef01234567" }"#), "is not on the branch"),
        (insert(r#"{ kind = "file", path = "no/such/file.txt" }"#), "there is no file"),
        (insert(r#"{ kind = "file", path = "../../../etc/passwd" }"#), ""),
        (insert(&format!(r#"{{ kind = "job", job = "{other_job}", status = "succeeded" }}"#)), "is not a job of this assignment"),
        (insert(&format!(r#"{{ kind = "check", job = "{other_job}" }}"#)), "is not a job of this assignment"),
        (insert(r#"{ kind = "job", job = "${reviewed_job}", status = "failed" }"#), "not failed"),
        (insert(r#"{ kind = "check", job = "${job}" }"#), "was not green"),
        (
            r#"verdict = "complete", reason = "trust me", evidence = [{ kind = "commit", sha = "${head_commit}" }]"#.to_owned(),
            "green check",
        ),
        (r#"verdict = "complete", reason = "trust me", evidence = []"#.to_owned(), "head commit"),
        (r#"verdict = "merge", reason = "trust me", evidence = []"#.to_owned(), "could not be read"),
    ]
}

#[test]
fn evidence_that_is_not_there_is_refused_once_asked_for_again_and_then_blocks() {
    let bench = Bench::with(windlass_testkit::repo::TempRepo::failing_check(), "max_concurrent_tasks = 4\n", "");
    let other = bench.simulated(&judged(&verdict("", COMPLETE)), &["--verify", "./check.sh"]);
    let other_job = id(&bench.ended(&other)["jobs"][0]);
    let cases: Vec<_> = untrue(&other_job)
        .into_iter()
        .map(|(claim, wrong)| (bench.simulated(&judged(&verdict("", &claim)), &["--verify", "./check.sh"]), claim, wrong))
        .collect();
    for (a, claim, wrong) in cases {
        let done = bench.ended(&a);
        assert_blocked(&done, "bad_evidence");
        let pm = &done["jobs"][1];
        assert_eq!((&pm["spec"]["type"], &pm["status"]), (&"pm".into(), &"failed".into()), "{claim}: {done:#}");
        let refused = bench.events(&a, "verdict.refused");
        assert_eq!(refused.len(), 2, "{claim}: refused, asked again, refused: {refused:#?}");
        assert!(refused[0]["reason"].as_str().unwrap().contains(wrong), "{claim}: {refused:#?}");
        assert_eq!(bench.count(&id(pm), "run", "passed"), 2, "{claim}");
        assert!(done["block"]["reason"].as_str().unwrap().contains(wrong), "{claim}: {done:#}");
        assert_eq!(done["jobs"].as_array().unwrap().len(), 2, "{claim}: nothing was inserted");
        assert!(done["verdicts"].as_array().unwrap().is_empty(), "{claim}");
    }
}

#[test]
fn a_pm_that_mends_its_verdict_when_it_is_asked_again_is_believed() {
    let bench = Bench::new();
    let prompts = bench.outside("prompts");
    std::fs::create_dir(&prompts).unwrap();
    // A program as the pm, so that what it is asked can be seen.
    let program = bench.file(
        "pm.sh",
        &format!(
            "n=$(ls {0} | wc -l); cat > {0}/$n\nif [ $n = 0 ]; then echo '{{\"verdict\":\"complete\",\"reason\":\"r\",\"evidence\":[{{\"kind\":\"commit\",\"sha\":\"0000000\"}}]}}'; else\nprintf '{{\"verdict\":\"complete\",\"reason\":\"r\",\"evidence\":[{{\"kind\":\"commit\",\"sha\":\"%s\"}},{{\"kind\":\"check\",\"job\":\"%s\"}}]}}' $WINDLASS_HEAD_COMMIT $WINDLASS_REVIEWED_JOB; fi\n",
            prompts.display()
        ),
    );
    let body = json!({
        "goal": "make the check pass", "repo": bench.repo_path(), "verify": "./check.sh",
        "harness_defaults": { "implement": "simulated", "pm": "command" },
        "script": WORK, "program": format!("/bin/sh {}", program.display()),
    });
    let (status, answer) = bench.http("POST", "/api/v1/assignments/run", &body.to_string());
    assert_eq!(status, 201, "{answer}");
    let a = id(&serde_json::from_str::<Value>(&answer).unwrap()["assignment"]);
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    let prompt = |n: u32| std::fs::read_to_string(prompts.join(n.to_string())).unwrap();
    assert!(prompt(0).contains("make the check pass") && prompt(0).contains(done["head_commit"].as_str().unwrap()), "{}", prompt(0));
    assert!(prompt(0).contains("+42"), "it sees the change: {}", prompt(0));
    assert!(prompt(1).contains("Your verdict was not accepted") && prompt(1).contains("head commit"), "{}", prompt(1));
}

#[test]
fn a_pm_without_a_verdict_is_asked_once_more_and_then_a_person_is() {
    let bench = Bench::new();
    let a = bench
        .simulated(&judged("[[turn]]\ntype = \"pm\"\nsteps = [{ say = \"Looks good to me, ship it!\" }]"), &["--verify", "./check.sh"]);
    let done = bench.ended(&a);
    assert_blocked(&done, "no_verdict");
    assert!(done["block"]["action"].as_str().unwrap().contains("windlass update-assignment"), "{done:#}");
    assert_eq!(bench.count(&id(&done["jobs"][1]), "run", "passed"), 2);
    assert_eq!(done["jobs"][0]["status"], "succeeded", "the work itself is kept");

    bench.ok(&["update-assignment", &a, "--status", "complete", "--reason", "I looked at it myself"]);
    assert_eq!(bench.assignment(&a)["status"], "complete");
    let shown = String::from_utf8(bench.daemon.call(&["assignment", &a]).stdout).unwrap();
    assert!(shown.contains("because") && shown.contains("I looked at it myself"), "{shown}");
}

#[test]
fn a_check_that_was_red_is_no_evidence() {
    let bench = Bench::new();
    let script = bench.file(
        "red.toml",
        &format!(
            "[[turn]]\ntype = \"implement\"\nsteps = [{{ write = {{ path = \"answer.txt\", content = \"40\" }} }}, {{ say = \"Green!\" }}]\n{}",
            verdict("", r#"verdict = "insert", reason = "it is green", evidence = [{ kind = "check", job = "${reviewed_job}" }], jobs = [{ type = "review", context = "x" }]"#)
        ),
    );
    let script = std::fs::read_to_string(script).unwrap();
    let body = json!({
        "north_star": "make the check pass", "repo": bench.repo_path(),
        "policy": { "review": true, "on_failure": "review", "verify": "./check.sh", "max_iterations": 1, "script": script, "harness_defaults": { "default": "simulated" } },
        "jobs": [{ "type": "implement", "context": "do it" }],
    });
    let (status, answer) = bench.http("POST", "/api/v1/assignments", &body.to_string());
    assert_eq!(status, 201, "{answer}");
    let a = id(&serde_json::from_str::<Value>(&answer).unwrap()["assignment"]);
    let done = bench.ended(&a);
    assert_blocked(&done, "bad_evidence");
    assert_eq!(done["jobs"][0]["failure"]["kind"], "verify_failed", "{done:#}");
    assert_eq!(done["jobs"][1]["reviews"], done["jobs"][0]["id"], "the pm judges the failure");
    assert!(done["block"]["reason"].as_str().unwrap().contains("was not green"), "{done:#}");
}

#[test]
fn a_verdict_may_not_choose_a_program_a_pm_or_more_jobs_than_are_left() {
    let bench = Bench::with(windlass_testkit::repo::TempRepo::failing_check(), "max_concurrent_tasks = 4\n", "");
    let insert = |jobs: &str| {
        format!(
            r#"verdict = "insert", reason = "more", evidence = [{{ kind = "job", job = "${{reviewed_job}}", status = "succeeded" }}], jobs = [{jobs}]"#
        )
    };
    let twenty_one = vec![r#"{ type = "review", context = "again" }"#; 21].join(", ");
    let cases = [
        (insert(r#"{ type = "implement", harness = "command", context = "rm -rf" }"#), "harness command"),
        (insert(r#"{ type = "pm", context = "judge yourself" }"#), "pm job"),
        (insert(&twenty_one), "no more than 20"),
        (insert(r#"{ type = "implement", context = " " }"#), "context"),
        (insert(r#"{ type = "implement", context = "x", program = "sh -c evil" }"#), "could not be read"),
        (insert(""), "no job"),
    ];
    let cases: Vec<_> =
        cases.into_iter().map(|(claim, wrong)| (bench.simulated(&judged(&verdict("", &claim)), &[]), claim, wrong)).collect();
    for (a, claim, wrong) in cases {
        let done = bench.ended(&a);
        assert_blocked(&done, "bad_evidence");
        let refused = bench.events(&a, "verdict.refused");
        assert!(refused[0]["reason"].as_str().unwrap().contains(wrong), "{claim}: {refused:#?}");
        assert_eq!(done["jobs"].as_array().unwrap().len(), 2, "{claim}: nothing was inserted");
    }
}

#[test]
fn a_verdict_that_is_not_allowed_is_refused_while_the_agent_can_still_mend_it() {
    let bench = Bench::new();
    let heard = bench.outside("heard");
    let pm = format!(
        r#"[[turn]]
        type = "pm"
        steps = [
          {{ run = "(windlass verdict insert --reason more --evidence file:answer.txt --job type=implement,harness=command,context=evil; echo exit $?) > {heard} 2>&1" }},
          {{ run = "(windlass verdict block --reason 'no designs' --owner maria --action 'send the designs'; echo exit $?) >> {heard} 2>&1" }},
          {{ say = "Over to Maria." }},
        ]"#,
        heard = heard.display()
    );
    let a = bench.simulated(&judged(&pm), &["--verify", "./check.sh"]);
    let done = bench.ended(&a);
    let heard = std::fs::read_to_string(heard).unwrap();
    assert!(heard.contains("harness command") && heard.contains("exit 2"), "{heard}");
    assert!(heard.contains("verdict taken: block") && heard.contains("exit 0"), "{heard}");
    assert_eq!(done["status"], "blocked", "{done:#}");
    let block = &done["block"];
    assert_eq!((&block["owner"], &block["action"], &block["reason"]), (&"maria".into(), &"send the designs".into(), &"no designs".into()));
    assert_eq!(done["jobs"][1]["status"], "succeeded", "the pm has done its work");
}

#[test]
fn inserted_jobs_run_in_their_order_each_with_its_own_review() {
    let bench = Bench::new();
    let script = format!(
        "{WORK}{}{}{}{}",
        verdict(
            "nth = 1",
            r#"verdict = "insert", reason = "two more", evidence = [{ kind = "check", job = "${reviewed_job}" }], jobs = [{ type = "review", context = "first" }, { type = "document", context = "second" }]"#
        ),
        verdict(
            "nth = 2",
            r#"verdict = "insert", reason = "go on", evidence = [{ kind = "job", job = "${reviewed_job}", status = "succeeded" }]"#
        ),
        verdict("nth = 3", COMPLETE),
        "[[turn]]\ntype = \"document\"\nsteps = [{ append = { path = \"README.md\", content = \"42.\\n\" } }, { say = \"Documented.\" }]\n[[turn]]\nsteps = [{ say = \"Fine.\" }]\n",
    );
    let a = bench.simulated(&script, &["--verify", "./check.sh"]);
    let done = bench.ended(&a);
    assert_eq!(done["status"], "complete", "{done:#}");
    let jobs = done["jobs"].as_array().unwrap();
    let line: Vec<_> = jobs.iter().map(|j| (j["spec"]["type"].as_str().unwrap(), j["spec"]["context"].as_str().unwrap())).collect();
    assert_eq!(line, [("implement", ""), ("pm", ""), ("review", "first"), ("pm", ""), ("document", "second"), ("pm", "")]);
    assert!(jobs.iter().all(|j| j["status"] == "succeeded"), "{done:#}");
    assert!(jobs.windows(2).all(|w| w[0]["ended_at"].as_str() <= w[1]["started_at"].as_str()), "{done:#}");
    for reviewer in [1, 3, 5] {
        assert_eq!(jobs[reviewer]["reviews"], jobs[reviewer - 1]["id"], "{done:#}");
    }
    assert_eq!(done["inserted_jobs"], 2);
    assert_eq!(done["verdicts"].as_array().unwrap().len(), 3);
}

#[test]
fn to_complete_the_check_has_to_be_green_on_the_branchs_head_and_not_on_an_earlier_commit() {
    let bench = Bench::new();
    // The second job changes the branch again; the pm then names the first job's check.
    let script = format!(
        "{WORK}{}{}",
        verdict(
            "nth = 1",
            r#"verdict = "insert", reason = "more", evidence = [{ kind = "check", job = "${reviewed_job}" }], jobs = [{ type = "document", context = "x" }]"#
        ),
        r#"[[turn]]
        type = "document"
        steps = [{ append = { path = "README.md", content = "42.\n" } }, { run = "echo ${last_commit_job} > first-job" }, { say = "Documented." }]
        [[turn]]
        type = "pm"
        steps = [{ run = "printf '{\"verdict\":\"complete\",\"reason\":\"r\",\"evidence\":[{\"kind\":\"commit\",\"sha\":\"%s\"},{\"kind\":\"check\",\"job\":\"%s\"}]}' ${head_commit} $(cat first-job) > $HOME/verdict.json; windlass verdict --json $HOME/verdict.json" }, { say = "Given." }]
        "#
    );
    let a = bench.simulated(&script, &["--verify", "./check.sh"]);
    let done = bench.ended(&a);
    assert_blocked(&done, "bad_evidence");
    assert!(done["block"]["reason"].as_str().unwrap().contains("changed the branch after it"), "{done:#}");
}

#[test]
fn a_pm_may_judge_a_failure_where_the_policy_says_so_and_have_it_done_again() {
    let bench = Bench::new();
    let script = format!(
        "{}{}{}{WORK}",
        "[[turn]]\ntype = \"implement\"\nnth = 1\nsteps = [{ write = { path = \"answer.txt\", content = \"40\" } }]\n",
        verdict(
            "nth = 1",
            r#"verdict = "insert", reason = "40 is wrong", evidence = [{ kind = "job", job = "${reviewed_job}", status = "failed" }], jobs = [{ type = "implement", context = "try 42" }]"#
        ),
        verdict("", COMPLETE),
    );
    let body = json!({
        "north_star": "make the check pass", "repo": bench.repo_path(),
        "policy": { "on_failure": "review", "verify": "./check.sh", "max_iterations": 1, "script": script, "harness_defaults": { "default": "simulated" } },
        "jobs": [{ "type": "implement", "context": "do it" }],
    });
    let (status, answer) = bench.http("POST", "/api/v1/assignments", &body.to_string());
    assert_eq!(status, 201, "{answer}");
    let done = bench.ended(&id(&serde_json::from_str::<Value>(&answer).unwrap()["assignment"]));
    assert_eq!(done["status"], "complete", "{done:#}");
    let line: Vec<_> =
        done["jobs"].as_array().unwrap().iter().map(|j| (j["spec"]["type"].as_str().unwrap(), j["status"].as_str().unwrap())).collect();
    assert_eq!(line, [("implement", "failed"), ("pm", "succeeded"), ("implement", "succeeded"), ("pm", "succeeded")]);
    let branch = done["branch"].as_str().unwrap();
    assert_eq!(bench.repo.log(&format!("main..{branch}")).len(), 1, "what failed its gate is in no commit of its own");
}

#[test]
fn a_pm_whose_agent_always_crashes_is_dead_and_a_person_is_asked() {
    let bench = Bench::new();
    let pm = "[[turn]]\ntype = \"pm\"\nsteps = [{ crash = true }, { crash = true }, { crash = true }, { crash = true }]";
    let a = bench.simulated(&judged(pm), &["--verify", "./check.sh", "--max-retries", "0"]);
    let done = bench.ended(&a);
    assert_blocked(&done, "agent_crashed");
    assert_eq!((&done["jobs"][0]["status"], &done["jobs"][1]["status"]), (&"succeeded".into(), &"dead".into()), "{done:#}");
}

#[test]
fn an_agent_tells_its_progress() {
    let bench = Bench::new();
    let (go, told) = (bench.outside("go"), bench.outside("told"));
    let script = format!(
        "windlass progress --phase testing --progress 140 'half way there' > {told} 2>&1; windlass progress --phase testing --progress 40 'half way there' >> {told} 2>&1; while [ ! -e {go} ]; do sleep 0.05; done; echo 42 > answer.txt",
        told = told.display(),
        go = go.display()
    );
    let a = bench.command(&script, &[]);
    let seen = bench.until(&a, "the progress is seen", |a| a["jobs"][0]["progress"] == 40);
    let job = &seen["jobs"][0];
    assert_eq!((&job["phase"], &job["message"]), (&"testing".into(), &"half way there".into()), "{job:#}");
    let told = std::fs::read_to_string(&told).unwrap();
    assert!(told.contains("140"), "more than the whole is refused: {told}");
    let explained = bench.explain(&id(job))["summary"].as_str().unwrap().to_owned();
    assert!(explained.contains("run") && explained.contains("half way there"), "{explained}");
    std::fs::write(&go, "").unwrap();
    assert_eq!(bench.ended(&a)["status"], "complete");
}
