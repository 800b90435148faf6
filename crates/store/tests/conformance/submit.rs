//! Submission: once per key, all or nothing.

use windlass_store::{StoreError, Submission};
use windlass_types::{AssignmentStatus, EventKind, JobSpec, JobStatus, JobType};

use crate::support::*;

on_both! {
    async fn a_submission_makes_its_line_in_order(f: Fixture) {
        let made = submit(&f.store, wish(vec![spec(JobType::Plan), spec(JobType::Implement), spec(JobType::Review)])).await;
        assert!(made.created);
        assert_eq!(made.assignment.status, AssignmentStatus::Active);
        let line = f.store.line(made.assignment.id).await.unwrap();
        assert_eq!(line, made.jobs);
        assert_eq!(line.iter().map(|job| job.position).collect::<Vec<_>>(), [1, 2, 3]);
        assert!(line.iter().all(|job| job.status == JobStatus::Queued && job.worker == "default"));
        assert_eq!(f.store.assignment(made.assignment.id).await.unwrap(), made.assignment);
    }

    async fn a_known_key_gives_what_it_made_before(f: Fixture) {
        let keyed = Submission { key: Some("file:1".to_owned()), ..wish(vec![spec(JobType::Plan)]) };
        let first = submit(&f.store, keyed.clone()).await;
        let seq = f.store.last_seq().await.unwrap();
        let again = submit(&f.store, Submission { north_star: "other words".to_owned(), ..keyed }).await;
        assert!(first.created && !again.created);
        assert_eq!((again.assignment, again.jobs), (first.assignment, first.jobs));
        assert_eq!(f.store.last_seq().await.unwrap(), seq, "nothing happened");
    }

    async fn a_key_counts_within_one_batch_too(f: Fixture) {
        let keyed = Submission { key: Some("k".to_owned()), ..wish(vec![spec(JobType::Plan)]) };
        let made = f.store.submit(vec![keyed.clone(), keyed, wish(vec![])]).await.unwrap();
        assert_eq!(made.iter().map(|m| m.created).collect::<Vec<_>>(), [true, false, true]);
        assert_eq!(made[0].assignment.id, made[1].assignment.id);
    }

    async fn the_same_key_from_many_callers_makes_one_assignment(f: Fixture) {
        let keyed = Submission { key: Some("race".to_owned()), ..wish(vec![spec(JobType::Plan)]) };
        let calls = (0..16).map(|_| f.store.submit(vec![keyed.clone()]));
        let made: Vec<_> = futures_util::future::join_all(calls).await.into_iter().map(|r| r.unwrap().remove(0)).collect();
        assert_eq!(made.iter().filter(|m| m.created).count(), 1);
        assert!(made.iter().all(|m| m.assignment.id == made[0].assignment.id && m.jobs.len() == 1));
    }

    async fn a_batch_with_one_bad_submission_makes_nothing(f: Fixture) {
        let bad = Submission { project: "nowhere".to_owned(), ..wish(vec![]) };
        let refused = f.store.submit(vec![wish(vec![spec(JobType::Plan)]), bad]).await;
        assert_eq!(refused, Err(StoreError::NotFound { what: "project", id: "nowhere".to_owned() }));
        assert_eq!(f.store.last_seq().await.unwrap(), 0);
        assert!(f.store.counts().await.unwrap().jobs.is_empty());
    }

    async fn what_no_line_can_have_is_refused(f: Fixture) {
        let bad_worker = JobSpec { worker: Some("../x".to_owned()), ..spec(JobType::Plan) };
        let long = JobSpec { context: "x".repeat(2 * 1024 * 1024), ..spec(JobType::Plan) };
        for refused in [
            wish(vec![bad_worker]),
            wish(vec![long]),
            wish(vec![spec(JobType::Plan); 1001]),
            Submission { north_star: "  ".to_owned(), ..wish(vec![]) },
            Submission { key: Some(String::new()), ..wish(vec![]) },
        ] {
            assert!(matches!(f.store.submit(vec![refused]).await, Err(StoreError::Invalid(_))));
        }
    }

    async fn a_submission_leaves_its_events_in_order(f: Fixture) {
        let made = submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        let events = f.store.events_after(0, windlass_store::EventFilter::default(), 10).await.unwrap();
        assert_eq!(events.iter().map(|e| (e.seq, e.kind)).collect::<Vec<_>>(), [(1, EventKind::AssignmentCreated), (2, EventKind::JobInserted)]);
        assert_eq!(events[0].data["by"], "tester");
        assert_eq!((events[1].job_id, events[1].assignment_id), (Some(made.jobs[0].id), Some(made.assignment.id)));
    }

    async fn a_text_with_a_nul_in_it_is_kept_without(f: Fixture) {
        let made = submit(&f.store, Submission { north_star: "a\0b".to_owned(), ..wish(vec![JobSpec { context: "c\0d".to_owned(), ..spec(JobType::Plan) }]) }).await;
        assert_eq!(f.store.assignment(made.assignment.id).await.unwrap().north_star, "a\u{fffd}b");
        assert_eq!(f.store.job(made.jobs[0].id).await.unwrap().spec.context, "c\0d", "JSON can say it");
    }
}
