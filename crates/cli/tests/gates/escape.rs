//! What an agent can reach beside its own workspace: nothing of Windlass's, and nothing that runs later with the daemon's rights.

use windlass_testkit::repo::TempRepo;

use crate::bench::Bench;

/// Whether agents have a namespace here; elsewhere tokens are no boundary, which `doctor` says.
fn has_namespace(bench: &Bench) -> bool {
    bench.get("/api/v1/status")["isolation"] == "bubblewrap"
}

fn evil(payload: &std::path::Path) -> String {
    format!(
        "G=$(grep /git/ .git/objects/info/alternates | sed 's#/objects$##')\n\
         mkdir -p \"$G/info\"\n\
         printf '[filter \"x\"]\\n clean = touch {payload}\\n process = touch {payload}\\n' >> \"$G/config\"\n\
         echo '* filter=x' > \"$G/info/attributes\"\n\
         echo 42 > answer.txt\n",
        payload = payload.display()
    )
}

#[test]
fn an_agent_in_a_namespace_finds_neither_the_token_nor_the_database_nor_other_assignments() {
    let bench = Bench::new();
    if !has_namespace(&bench) {
        windlass_testkit::skip::skipped("a namespace for agents", "install bubblewrap");
        return;
    }
    let data = bench.data().display().to_string();
    let seen = bench.outside("seen");
    let a = bench.command(
        &format!(
            "{{ ls -A {data} {data}/workspaces/*; cat {data}/token {data}/windlass.db; }} > {} 2>&1\necho 42 > answer.txt\n",
            seen.display()
        ),
        &["--no-review"],
    );
    assert_eq!(bench.ended(&a)["status"], "complete");
    let seen = String::from_utf8_lossy(&std::fs::read(seen).unwrap()).into_owned();
    let token = std::fs::read_to_string(bench.data().join("token")).unwrap();
    assert!(!seen.contains(token.trim()) && !seen.contains("SQLite format"), "{seen}");
    let names: Vec<&str> = seen.lines().filter(|l| ["token", "windlass.db", "lock", "transcripts", "endpoint.json"].contains(l)).collect();
    assert!(names.is_empty(), "{seen}");
}

#[test]
fn a_filter_planted_in_the_engines_own_git_directory_never_runs() {
    let bench = Bench::new();
    let payload = bench.outside("payload-ran");
    let a = bench.command(&evil(&payload), &["--verify", "./check.sh", "--no-review"]);
    let ended = bench.ended(&a);
    if has_namespace(&bench) {
        assert_eq!(ended["status"], "complete", "it wrote into a folder that is not the engine's: {ended:#}");
    }
    assert!(!payload.exists());
}

#[test]
fn without_a_namespace_such_a_filter_is_seen_and_the_work_refused() {
    let bench = Bench::with(TempRepo::failing_check(), "", "isolation = \"rlimits\"\n");
    let payload = bench.outside("payload-ran");
    let a = bench.command(&evil(&payload), &["--verify", "./check.sh", "--no-review"]);
    let ended = bench.ended(&a);
    assert_eq!((&ended["status"], &ended["block"]["kind"]), (&"blocked".into(), &"workspace_tampered".into()), "{ended:#}");
    assert!(!payload.exists());
    let doctor = bench.daemon.call(&["doctor"]);
    assert!(crate::bench::said(&doctor).contains("tokens are no boundary"), "{}", crate::bench::said(&doctor));
}
