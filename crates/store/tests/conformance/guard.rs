//! The fence: a worker's write under an old token changes no row, whichever write it is.

use serde_json::json;
use windlass_store::{AgentNews, Claimed, EventFilter, HookNews, Store, StoreError};
use windlass_types::{
    ActivityKind, ActivityNote, AttemptResult, Effect, EventKind, Evidence, FailureKind, Harness, JobStatus, Phase, Stage, Token, Verdict,
};

use crate::support::*;

fn verdict() -> Verdict {
    Verdict::Complete { reason: "done".to_owned(), evidence: vec![Evidence::File { path: "a".to_owned() }] }
}

fn named() -> AgentNews {
    AgentNews { agent_session_id: Some("late".to_owned()), ..AgentNews::default() }
}

fn heard() -> HookNews {
    let notes = vec![ActivityNote::new(ActivityKind::Notice, "late")];
    HookNews { harness: Harness::Claude, agent_session_id: "late".to_owned(), cwd: None, model: None, notes }
}

/// Every write that names a token, tried with `token` on the claimed job.
async fn every_guarded_write(store: &Store, claimed: &Claimed, token: Token) -> Vec<(&'static str, Result<(), StoreError>)> {
    let (job, attempt, assignment) = (claimed.job.id, claimed.attempt.id, claimed.assignment.id);
    let text = || "late".to_owned();
    let effect = Effect { job_id: job, iteration: 1, diff_hash: text(), check_hash: text() };
    vec![
        ("progress", store.progress(job, token, Some(Phase::Testing), Some(99), Some(text())).await),
        ("record_spawn", store.record_spawn(job, token, attempt, 1, 2, text()).await),
        ("tell_activity", store.tell_activity(job, token, attempt, named()).await),
        ("hear_hook_of", store.hear_hook_of(job, token, attempt, heard()).await),
        ("note_stages", store.note_stages(job, token, attempt, vec![began(1, Stage::Run)], None).await),
        ("notice", store.notice(job, token, attempt, json!({})).await),
        ("set_branch", store.set_branch(job, token, text(), text(), text()).await),
        ("set_head", store.set_head(job, token, text()).await),
        ("note_stages with the agent's token", store.note_stages(job, token, attempt, Vec::new(), Some(text())).await),
        ("propose_verdict", store.propose_verdict(job, token, verdict()).await),
        ("refuse_verdict", store.refuse_verdict(job, token, attempt, text()).await),
        ("add_effect", store.add_effect(job, token, assignment, effect).await),
        ("settle", {
            let request = windlass_store::SettleRequest { token, verdict: Some(verdict()), ..end(claimed, AttemptResult::Succeeded) };
            store.settle(request).await.map(drop)
        }),
    ]
}

/// Everything that such a write could change.
async fn everything(store: &Store, claimed: &Claimed) -> String {
    let assignment = claimed.assignment.id;
    let attempts = store.attempts(claimed.job.id).await.unwrap();
    let mut journals = Vec::new();
    let mut proposed = Vec::new();
    for attempt in &attempts {
        journals.push(store.journal(attempt.id).await.unwrap());
        proposed.push(store.proposed_verdict(attempt.id).await.unwrap());
    }
    format!(
        "{:#?}",
        (
            store.line(assignment).await.unwrap(),
            store.assignment(assignment).await.unwrap(),
            attempts,
            journals,
            proposed,
            store.effects(assignment).await.unwrap(),
            store.verdicts(assignment).await.unwrap(),
            store.attempt_by_agent_token("late").await.unwrap(),
            store.events_after(0, EventFilter::default(), 500).await.unwrap(),
        )
    )
}

async fn nothing_changes(store: &Store, claimed: &Claimed, token: Token) {
    let before = everything(store, claimed).await;
    for (name, outcome) in every_guarded_write(store, claimed, token).await {
        assert_eq!(outcome, Err(StoreError::Stale { job: claimed.job.id }), "{name}");
    }
    assert_eq!(everything(store, claimed).await, before);
}

on_both! {
    async fn an_old_token_changes_no_row(f: Fixture) {
        submit(&f.store, wish(vec![spec(windlass_types::JobType::Pm)])).await;
        let old = claim_one(&f.store).await;
        f.store.settle(end(&old, AttemptResult::HandedBack)).await.unwrap();
        nothing_changes(&f.store, &old, old.token).await;
        let live = claim_one(&f.store).await;
        nothing_changes(&f.store, &old, old.token).await;
        // A token that was never given, and the live token with the attempt of another.
        nothing_changes(&f.store, &live, Token { epoch: live.token.epoch + 1, ..live.token }).await;
        nothing_changes(&f.store, &live, Token { generation: live.token.generation + 1, ..live.token }).await;
        let mixed = f.store.tell_activity(live.job.id, live.token, old.attempt.id, named()).await;
        assert_eq!(mixed, Err(StoreError::Stale { job: live.job.id }));
        let mixed = windlass_store::SettleRequest { attempt_id: old.attempt.id, ..end(&live, AttemptResult::Succeeded) };
        assert_eq!(f.store.settle(mixed).await, Err(StoreError::Stale { job: live.job.id }));
    }

    async fn a_live_token_may_do_every_write(f: Fixture) {
        submit(&f.store, wish(vec![spec(windlass_types::JobType::Pm)])).await;
        let live = claim_one(&f.store).await;
        for (name, outcome) in every_guarded_write(&f.store, &live, live.token).await {
            assert_eq!(outcome, Ok(()), "{name}");
        }
        let before = everything(&f.store, &live).await;
        for (name, outcome) in every_guarded_write(&f.store, &live, live.token).await {
            // The same settlement again is what a worker sends when the answer was lost: it is answered again.
            let wanted = if name == "settle" { Ok(()) } else { Err(StoreError::Stale { job: live.job.id }) };
            assert_eq!(outcome, wanted, "{name}");
        }
        assert_eq!(everything(&f.store, &live).await, before);
    }

    async fn a_job_is_settled_once(f: Fixture) {
        submit(&f.store, wish(vec![spec(windlass_types::JobType::Plan)])).await;
        let claimed = claim_one(&f.store).await;
        let calls = (0..8).map(|_| f.store.settle(end(&claimed, AttemptResult::Succeeded)));
        let outcomes = futures_util::future::join_all(calls).await;
        assert!(outcomes.iter().all(|o| o.as_ref().is_ok_and(|o| o.job.status == JobStatus::Succeeded)), "each is answered: {outcomes:?}");
        let ended = EventFilter { kinds: vec![EventKind::AttemptEnded, EventKind::AssignmentStatus], ..EventFilter::default() };
        assert_eq!(f.store.events_after(0, ended, 500).await.unwrap().len(), 2, "and one has an effect");
        let other = f.store.settle(end(&claimed, failed(FailureKind::AgentCrashed))).await;
        assert_eq!(other, Err(StoreError::Stale { job: claimed.job.id }), "another outcome is refused");
    }
}
