//! Attempts: their journal and what is kept beside it.

use serde_json::json;
use windlass_store::StoreError;
use windlass_types::{AttemptResult, Effect, EventKind, JobType, Phase, Stage, StageStatus};

use crate::support::*;

on_both! {
    async fn the_journal_keeps_each_stage_in_order(f: Fixture) {
        submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        let c = claim_one(&f.store).await;
        let (job, token, attempt) = (c.job.id, c.token, c.attempt.id);
        let both = vec![passed(1, Stage::Prepare, json!({ "branch": "b" })), began(2, Stage::Run)];
        f.store.note_stages(job, token, attempt, vec![began(1, Stage::Prepare)], None).await.unwrap();
        f.store.note_stages(job, token, attempt, both.clone(), None).await.unwrap();
        // An answer that was lost: the same notes come again.
        f.store.note_stages(job, token, attempt, both, None).await.unwrap();
        let journal = f.store.journal(attempt).await.unwrap();
        assert_eq!((journal[0].status, &journal[0].detail["branch"]), (StageStatus::Passed, &json!("b")));
        assert_eq!((journal[1].stage, journal[1].status, journal[1].ended_at), (Stage::Run, StageStatus::Running, None));
        let unknown = f.store.note_stages(job, token, attempt, vec![passed(9, Stage::Run, json!({}))], None).await;
        assert!(matches!(unknown, Err(StoreError::NotFound { .. })));
        f.store.settle(end(&c, AttemptResult::HandedBack)).await.unwrap();
        assert!(f.store.journal(attempt).await.unwrap().iter().all(|s| s.status != StageStatus::Running), "none stays open behind its attempt");
    }

    async fn stages_that_were_over_in_no_time_are_written_with_the_settlement(f: Fixture) {
        submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        let c = claim_one(&f.store).await;
        let prompt = windlass_store::StageNote { began_ms_ago: Some(7), ..passed(1, Stage::Prompt, json!({ "bytes": 3 })) };
        let stages = vec![prompt, began(2, Stage::Run)];
        f.store.settle(windlass_store::SettleRequest { stages, ..end(&c, AttemptResult::HandedBack) }).await.unwrap();
        let journal = f.store.journal(c.attempt.id).await.unwrap();
        assert_eq!(journal.iter().map(|s| s.status).collect::<Vec<_>>(), [StageStatus::Passed, StageStatus::Interrupted]);
        assert_eq!(journal[0].ended_at.map(|at| at.since_ms(journal[0].started_at)), Some(7));
        let about = windlass_store::EventFilter { job: Some(c.job.id), ..Default::default() };
        let kinds: Vec<_> = f.store.events_after(0, about, 100).await.unwrap().into_iter().map(|e| e.kind).collect();
        assert_eq!(kinds.iter().filter(|kind| **kind == EventKind::StageStarted).count(), 2);
        assert_eq!(kinds.iter().filter(|kind| **kind == EventKind::StageEnded).count(), 1);
    }

    async fn a_stage_that_was_noted_before_and_comes_again_with_the_settlement_is_there_once(f: Fixture) {
        submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        let c = claim_one(&f.store).await;
        f.store.note_stages(c.job.id, c.token, c.attempt.id, vec![began(1, Stage::Prompt)], None).await.unwrap();
        let again = windlass_store::StageNote { began_ms_ago: Some(7), ..passed(1, Stage::Prompt, json!({ "bytes": 3 })) };
        f.store.settle(windlass_store::SettleRequest { stages: vec![again], ..end(&c, AttemptResult::Succeeded) }).await.unwrap();
        let journal = f.store.journal(c.attempt.id).await.unwrap();
        assert_eq!(journal.iter().map(|s| (s.number, s.status)).collect::<Vec<_>>(), [(1, StageStatus::Passed)]);
        assert_eq!(journal[0].detail["bytes"], 3);
    }

    async fn what_the_worker_tells_is_kept(f: Fixture) {
        submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        let c = claim_one(&f.store).await;
        let (job, token, attempt) = (c.job.id, c.token, c.attempt.id);
        f.store.record_spawn(job, token, attempt, 4711, u64::MAX >> 1, "namespace".to_owned()).await.unwrap();
        f.store.tell_activity(job, token, attempt, windlass_store::AgentNews { agent_session_id: Some("s-1".to_owned()), ..Default::default() }).await.unwrap();
        f.store.set_branch(job, token, "windlass/x".to_owned(), "main".to_owned(), "aaa".to_owned()).await.unwrap();
        f.store.set_head(job, token, "bbb".to_owned()).await.unwrap();
        f.store.progress(job, token, Some(Phase::Testing), Some(200), None).await.unwrap();
        f.store.progress(job, token, None, None, Some("m".repeat(10_000))).await.unwrap();
        f.store.notice(job, token, attempt, json!({ "what": "output cut" })).await.unwrap();
        let kept = f.store.attempt(attempt).await.unwrap();
        assert_eq!((kept.pid, kept.pid_start, kept.isolation.as_deref(), kept.session_id.as_deref()), (Some(4711), Some(u64::MAX >> 1), Some("namespace"), Some("s-1")));
        let assignment = f.store.assignment(c.assignment.id).await.unwrap();
        assert_eq!((assignment.branch.as_deref(), assignment.base_branch.as_deref()), (Some("windlass/x"), Some("main")));
        assert_eq!((assignment.base_commit.as_deref(), assignment.head_commit.as_deref()), (Some("aaa"), Some("bbb")));
        let kept = f.store.job(job).await.unwrap();
        assert_eq!((kept.phase, kept.progress, kept.message.map(|m| m.len())), (Phase::Testing, 100, Some(2000)));
        let notices = windlass_store::EventFilter { kinds: vec![EventKind::AttemptNotice], ..Default::default() };
        let notices = f.store.events_after(0, notices, 10).await.unwrap();
        assert_eq!((notices.len(), notices[0].attempt_id, &notices[0].data["what"]), (1, Some(attempt), &json!("output cut")));
    }

    async fn an_agents_secret_opens_only_while_its_attempt_runs(f: Fixture) {
        submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        let c = claim_one(&f.store).await;
        assert_eq!(f.store.attempt_by_agent_token("abc").await.unwrap(), None);
        f.store.note_stages(c.job.id, c.token, c.attempt.id, Vec::new(), Some("abc".to_owned())).await.unwrap();
        let (attempt, job) = f.store.attempt_by_agent_token("abc").await.unwrap().unwrap();
        assert_eq!((attempt.id, job.id), (c.attempt.id, c.job.id));
        f.store.settle(end(&c, AttemptResult::HandedBack)).await.unwrap();
        assert_eq!(f.store.attempt_by_agent_token("abc").await.unwrap(), None);
        claim_one(&f.store).await;
        assert_eq!(f.store.attempt_by_agent_token("abc").await.unwrap(), None, "the next attempt has another");
    }

    async fn effects_are_remembered_over_the_whole_assignment(f: Fixture) {
        submit(&f.store, wish(vec![spec(JobType::Plan), spec(JobType::Plan)])).await;
        let mut left = Vec::new();
        for iteration in 1..=2 {
            let c = claim_one(&f.store).await;
            let effect = Effect { job_id: c.job.id, iteration, diff_hash: format!("d{iteration}"), check_hash: "c".to_owned() };
            f.store.add_effect(c.job.id, c.token, c.assignment.id, effect.clone()).await.unwrap();
            left.push(effect);
            assert_eq!(f.store.effects(c.assignment.id).await.unwrap(), left);
            f.store.settle(end(&c, AttemptResult::Succeeded)).await.unwrap();
        }
    }
}
