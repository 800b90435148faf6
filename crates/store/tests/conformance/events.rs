//! Events: numbered without a gap, in the order in which they are seen.

use futures_util::future::join_all;
use windlass_store::EventFilter;
use windlass_types::{AttemptResult, EventKind, JobType};

use crate::support::*;

on_both! {
    async fn numbers_rise_without_a_gap_while_many_write(f: Fixture) {
        let other = f.again().await;
        let write = |store: windlass_store::Store| async move {
            for _ in 0..8 {
                submit(&store, wish(vec![spec(JobType::Plan)])).await;
                if let Some(claimed) = claim(&store).await {
                    store.settle(end(&claimed, AttemptResult::Succeeded)).await.unwrap();
                }
            }
        };
        // A reader that follows while they write must see every number once and in order.
        let reader = f.store.clone();
        let (done, mut finished) = tokio::sync::watch::channel(false);
        let follow = tokio::spawn(async move {
            let mut seen = 0;
            loop {
                let over = *finished.borrow_and_update();
                let events = reader.events_after(seen, EventFilter::default(), 500).await.unwrap();
                for event in &events {
                    assert_eq!(event.seq, seen + 1, "a gap, or a late number");
                    seen = event.seq;
                }
                if over && events.is_empty() {
                    return seen;
                }
            }
        });
        join_all((0..4).map(|n| write(if n % 2 == 0 { f.store.clone() } else { other.clone() }))).await;
        done.send_replace(true);
        let seen = follow.await.unwrap();
        assert_eq!(seen, f.store.last_seq().await.unwrap());
        assert!(seen >= 4 * 8 * 2);
    }

    async fn a_subscriber_is_woken_with_the_last_number_after_the_commit(f: Fixture) {
        let (mut all, mut ready) = (f.store.subscribe(), f.store.subscribe_ready());
        assert_eq!((*all.borrow_and_update(), *ready.borrow_and_update()), (0, 0));
        submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        all.changed().await.unwrap();
        assert_eq!((*all.borrow_and_update(), *ready.borrow_and_update()), (2, 2));
        let claimed = claim_one(&f.store).await;
        ready.borrow_and_update();
        f.store.progress(claimed.job.id, claimed.token, None, Some(5), Some("reading".to_owned())).await.unwrap();
        assert!(all.has_changed().unwrap() && !ready.has_changed().unwrap(), "progress frees no job");
        f.store.settle(end(&claimed, AttemptResult::Succeeded)).await.unwrap();
        assert!(ready.has_changed().unwrap());
        assert_eq!(f.again().await.subscribe().borrow().clone(), f.store.last_seq().await.unwrap(), "a new process begins at the end");
    }

    async fn events_are_found_by_what_they_belong_to(f: Fixture) {
        let a = submit(&f.store, wish(vec![spec(JobType::Plan), spec(JobType::Plan)])).await;
        let b = submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        let count = async |filter: EventFilter| f.store.events_after(0, filter, 500).await.unwrap().len();
        assert_eq!(count(EventFilter { assignment: Some(a.assignment.id), ..EventFilter::default() }).await, 3);
        assert_eq!(count(EventFilter { job: Some(b.jobs[0].id), ..EventFilter::default() }).await, 1);
        assert_eq!(count(EventFilter { project: Some("scratch".to_owned()), ..EventFilter::default() }).await, 5);
        assert_eq!(count(EventFilter { project: Some("other".to_owned()), ..EventFilter::default() }).await, 0);
        let kinds = vec![EventKind::JobInserted, EventKind::JobStatus];
        assert_eq!(count(EventFilter { kinds, ..EventFilter::default() }).await, 3);
        assert_eq!(f.store.events_after(1, EventFilter::default(), 2).await.unwrap().iter().map(|e| e.seq).collect::<Vec<_>>(), [2, 3]);
    }

    async fn what_was_written_together_is_read_from_any_number_on_and_by_any_kind(f: Fixture) {
        let a = submit(&f.store, wish(vec![spec(JobType::Plan), spec(JobType::Plan)])).await;
        let claimed = claim_one(&f.store).await;
        f.store.settle(end(&claimed, AttemptResult::Succeeded)).await.unwrap();
        let all = f.store.events_after(0, EventFilter::default(), 500).await.unwrap();
        assert_eq!(all.iter().map(|event| event.seq).collect::<Vec<_>>(), (1..=f.store.last_seq().await.unwrap()).collect::<Vec<_>>());
        for (known, next) in (0..).zip(&all) {
            assert_eq!(f.store.events_after(known, EventFilter::default(), 1).await.unwrap(), std::slice::from_ref(next));
        }
        for kind in all.iter().map(|event| event.kind) {
            let of_kind: Vec<_> = all.iter().filter(|event| event.kind == kind).cloned().collect();
            assert_eq!(f.store.events_after(0, EventFilter { kinds: vec![kind], ..EventFilter::default() }, 500).await.unwrap(), of_kind);
        }
        for job in a.jobs.iter().map(|job| job.id) {
            let of_job: Vec<_> = all.iter().filter(|event| event.job_id == Some(job)).cloned().collect();
            assert_eq!(f.store.events_after(0, EventFilter { job: Some(job), ..EventFilter::default() }, 500).await.unwrap(), of_job);
        }
    }
}
