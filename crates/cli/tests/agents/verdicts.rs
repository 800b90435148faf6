//! Real agents as pm: by a JSON object at the end of what they say, or by the program `windlass`.

use serde_json::{Value, json};
use windlass_testkit::model::{ModelScript, Tool, Turn};
use windlass_types::Harness;

use crate::bench::Bench;
use crate::failures::then_works;

crate::with_each_cli!(a_pm_completes_by_the_json_object_that_ends_its_message);

mod by_the_program {
    use windlass_types::Harness;

    // Not codex: its read-only sandbox lets no program reach the daemon, so its pm is asked for JSON.
    #[tokio::test]
    async fn claude() {
        super::a_pm_completes_by_the_program_windlass(Harness::Claude).await;
    }

    #[tokio::test]
    async fn gemini() {
        super::a_pm_completes_by_the_program_windlass(Harness::Gemini).await;
    }
}

async fn a_pm_completes_by_the_json_object_that_ends_its_message(harness: Harness) {
    reviewed(harness, |head, job| {
        let verdict = json!({
            "verdict": "complete", "reason": "The check is green.",
            "evidence": [{"kind": "commit", "sha": head}, {"kind": "check", "job": job}],
        });
        ModelScript::new()
            .turn(Turn::tool(Tool::run("git log --oneline")).saying("I look for myself."))
            .turn(Turn::text(format!("The work is there.\n\n```json\n{verdict}\n```\n")).when_last("Make ./check.sh pass."))
    })
    .await;
}

async fn a_pm_completes_by_the_program_windlass(harness: Harness) {
    reviewed(harness, |head, job| {
        let call = format!("windlass verdict complete --reason 'The check is green.' --evidence commit:{head} --evidence check:{job}");
        ModelScript::new()
            .turn(Turn::tool(Tool::run(call)))
            .turn(Turn::text("I have given my verdict.").when_last("verdict taken: complete"))
    })
    .await;
}

/// Has a goal reached and judged. The pm's script is made once the work is there, so that it can name it.
async fn reviewed(harness: Harness, script: impl FnOnce(&str, &str) -> ModelScript) {
    let Some(mut bench) = Bench::start(harness, then_works(ModelScript::new())) else { return };
    let id = bench.submit(&["--verify", "./check.sh"]);
    bench.model.wait_for_request(1).await;
    assert!(bench.daemon.call(&["pause"]).status.success());
    let implemented = bench.until(&id, "the work waits for its pm", |a| Some(a.clone()).filter(|a| a["jobs"][1]["spec"]["type"] == "pm"));
    let head = implemented["head_commit"].as_str().unwrap();
    let implement = &implemented["jobs"][0];
    assert_eq!((&implement["status"], &implement["commit"]), (&json!("succeeded"), &json!(head)));
    bench.next_model(script(head, implement["id"].as_str().unwrap()));
    assert!(bench.daemon.call(&["resume"]).status.success());

    let done = bench.complete(&id);
    bench.assert_delivered(&done);
    let verdict = &done["verdicts"][0];
    assert_eq!((&verdict["verdict"], &verdict["job_id"]), (&json!("complete"), &done["jobs"][1]["id"]), "{:#}", done["verdicts"]);
    let pm = bench.job(&id, 1);
    assert_eq!((&pm["status"], &pm["attempts"]), (&json!("succeeded"), &json!(1)), "{}", bench.account(&id));
    let runs = pm["attempts_list"][0]["stages"].as_array().unwrap().iter().filter(|s: &&Value| s["stage"] == "run").count();
    assert_eq!(runs, 1, "it was understood at once: {}", bench.account(&id));
    let prompt = &bench.model.main_loop_requests()[0];
    assert!(prompt.newest.contains("Make ./check.sh pass.") && prompt.newest.contains(head), "{}", prompt.newest);
    assert_eq!(prompt.newest.contains("windlass verdict"), harness != Harness::Codex, "only what works there is offered");
    assert_ne!(pm["attempts_list"][0]["session_id"], bench.job(&id, 0)["attempts_list"][0]["session_id"], "a pm begins with a fresh eye");
}
