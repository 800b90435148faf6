//! Retention: what is old and over goes in pieces, what is not stays, and no number is ever given twice.

use windlass_store::{EventFilter, Pruning, Store, StoreError};
use windlass_types::{AssignmentId, AssignmentMove, AttemptResult, FailureKind, JobType, Timestamp};

use crate::support::*;

/// After everything that happens here.
const LATER: Timestamp = Timestamp(1 << 46);

async fn done(store: &Store) -> AssignmentId {
    let id = submit(store, wish(vec![spec(JobType::Plan)])).await.assignment.id;
    let claimed = claim_one(store).await;
    store.settle(end(&claimed, AttemptResult::Succeeded)).await.unwrap();
    id
}

async fn overdue(store: &Store) -> Vec<AssignmentId> {
    store.overdue(LATER, None, 100).await.unwrap().into_iter().map(|found| found.id).collect()
}

on_both! {
    async fn old_events_go_from_the_beginning_and_their_readers_are_told(f: Fixture) {
        done(&f.store).await;
        let old = f.store.last_seq().await.unwrap();
        f.sql("UPDATE events SET at = at - 100000".to_owned()).await;
        done(&f.store).await;
        let last = f.store.last_seq().await.unwrap();
        let cut = f.store.events_after(old, EventFilter::default(), 1).await.unwrap()[0].at;
        assert_eq!(f.store.prune_events(cut).await.unwrap(), u64::try_from(old).unwrap());
        assert_eq!(f.store.prune_events(cut).await.unwrap(), 0, "nothing of it is left to delete");
        assert_eq!(f.store.first_seq().await.unwrap(), old + 1);
        let cursor = f.store.events_after(old - 1, EventFilter::default(), 500).await;
        assert_eq!(cursor, Err(StoreError::Pruned { first: old + 1 }), "a gap is never silent");
        assert_eq!(f.store.events_after(old, EventFilter::default(), 500).await.unwrap().len(), usize::try_from(last - old).unwrap());
        assert_eq!(f.store.events_after(0, EventFilter::default(), 500).await.unwrap()[0].seq, old + 1);
    }

    async fn numbers_rise_after_everything_was_old(f: Fixture) {
        done(&f.store).await;
        let last = f.store.last_seq().await.unwrap();
        while f.store.prune_events(LATER).await.unwrap() > 0 {}
        let kept = f.store.events_after(0, EventFilter::default(), 500).await.unwrap();
        assert_eq!(kept.last().map(|event| event.seq), Some(last), "the last one stays, with those of its operation");
        assert!(kept.len() < 10, "{kept:?}");
        let again = f.again().await;
        assert_eq!(again.last_seq().await.unwrap(), last);
        done(&again).await;
        let events = again.events_after(last, EventFilter::default(), 500).await.unwrap();
        assert_eq!(events.first().map(|event| event.seq), Some(last + 1));
    }

    async fn thousands_of_events_go_in_pieces(f: Fixture) {
        done(&f.store).await;
        let last = f.store.last_seq().await.unwrap();
        let rows: Vec<String> = (1..=1200).map(|n| format!("({}, 1, 'engine.paused', '{{}}')", last + n)).collect();
        f.sql(format!("UPDATE events SET at = 1; INSERT INTO events (seq, at, kind, data) VALUES {}", rows.join(", "))).await;
        let first = f.store.prune_events(LATER).await.unwrap();
        assert!((500..600).contains(&first), "a piece at a time: {first}");
        let mut all = first;
        loop {
            match f.store.prune_events(LATER).await.unwrap() {
                0 => break,
                n => all += n,
            }
        }
        assert_eq!(all, u64::try_from(last + 1200 - 1).unwrap());
    }

    async fn only_what_is_over_and_holds_no_dead_letter_is_overdue(f: Fixture) {
        let over = done(&f.store).await;
        let called_off = submit(&f.store, wish(vec![spec(JobType::Plan)])).await.assignment.id;
        f.store.move_assignment(called_off, AssignmentMove::Cancel, None, "ann".to_owned()).await.unwrap();
        let dead = submit(&f.store, wish(vec![spec(JobType::Plan)])).await.assignment.id;
        let claimed = claim_one(&f.store).await;
        let mut request = end(&claimed, failed(FailureKind::AgentCrashed));
        request.retry.max_retries = 0;
        f.store.settle(request).await.unwrap();
        f.store.move_assignment(dead, AssignmentMove::Complete, None, "ann".to_owned()).await.unwrap();
        submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        assert_eq!(overdue(&f.store).await, [over, called_off]);
        assert_eq!(f.store.overdue(Timestamp(1), None, 100).await.unwrap(), []);
        assert_eq!(f.store.overdue(LATER, Some(over), 100).await.unwrap().len(), 1);
        assert_eq!(f.store.prune_assignment(dead, LATER).await.unwrap(), Pruning::Stays);
        assert_eq!(f.store.prune_assignment(over, Timestamp(1)).await.unwrap(), Pruning::Stays, "it is not that old");
    }

    async fn an_assignment_goes_with_all_its_rows(f: Fixture) {
        let id = done(&f.store).await;
        let job = f.store.line(id).await.unwrap()[0].id;
        let attempt = f.store.attempts(job).await.unwrap()[0].id;
        let stages: Vec<String> = (100..900).map(|n| format!("('{attempt}', {n}, 'run', 1, 'passed', 1, '{{}}')")).collect();
        let columns = "attempt_id, number, stage, iteration, status, started_at, detail";
        f.sql(format!("INSERT INTO stages ({columns}) VALUES {}", stages.join(", "))).await;
        assert_eq!(f.store.prune_assignment(id, LATER).await.unwrap(), Pruning::More);
        while f.store.prune_assignment(id, LATER).await.unwrap() == Pruning::More {}
        assert!(matches!(f.store.assignment(id).await, Err(StoreError::NotFound { .. })));
        assert!(matches!(f.store.job(job).await, Err(StoreError::NotFound { .. })));
        assert!(matches!(f.store.attempt(attempt).await, Err(StoreError::NotFound { .. })));
        assert!(f.store.journal(attempt).await.unwrap().is_empty());
    }

    async fn a_key_is_known_as_long_as_its_assignment_is(f: Fixture) {
        let mut keyed = wish(vec![spec(JobType::Plan)]);
        keyed.key = Some("once".to_owned());
        let first = submit(&f.store, keyed.clone()).await.assignment.id;
        let claimed = claim_one(&f.store).await;
        f.store.settle(end(&claimed, AttemptResult::Succeeded)).await.unwrap();
        assert_eq!(submit(&f.store, keyed.clone()).await.assignment.id, first);
        while f.store.prune_assignment(first, LATER).await.unwrap() == Pruning::More {}
        assert!(submit(&f.store, keyed).await.created);
    }
}
