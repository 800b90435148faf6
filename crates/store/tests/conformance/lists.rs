//! Lists: filtered, in pages, the newest first.

use windlass_store::{AssignmentFilter, JobFilter, StoreError, Submission};
use windlass_types::{AssignmentMove, AssignmentStatus, JobSpec, JobStatus, JobType, ProjectSettings};

use crate::support::*;

on_both! {
    async fn pages_show_every_row_once_the_newest_first(f: Fixture) {
        for _ in 0..7 {
            submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
            f.clock.advance_ms(1);
        }
        let (mut ids, mut cursor) = (Vec::new(), None);
        loop {
            let page = f.store.assignments(AssignmentFilter::default(), cursor, 3).await.unwrap();
            ids.extend(page.items.iter().map(|a| a.id));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(ids.len(), 7);
        assert!(ids.windows(2).all(|pair| pair[0] > pair[1]));
        let page = f.store.jobs(JobFilter::default(), None, 4).await.unwrap();
        let rest = f.store.jobs(JobFilter::default(), page.next_cursor, 4).await.unwrap();
        assert_eq!((page.items.len(), rest.items.len(), rest.next_cursor), (4, 3, None));
        assert!(matches!(f.store.jobs(JobFilter::default(), Some("x' OR 1=1".to_owned()), 4).await, Err(StoreError::Invalid(_))));
    }

    async fn filters_pick_what_they_name(f: Fixture) {
        f.store.put_project("p".to_owned(), None, None, ProjectSettings::default()).await.unwrap();
        let marie = JobSpec { worker: Some("marie".to_owned()), ..spec(JobType::Implement) };
        let a = submit(&f.store, Submission { project: "p".to_owned(), north_star: "Fix 100% of the Login_Form, É".to_owned(), ..wish(vec![marie]) }).await;
        let b = submit(&f.store, wish(vec![spec(JobType::Plan), spec(JobType::Review)])).await;
        f.store.move_assignment(b.assignment.id, AssignmentMove::Complete, None, "tester".to_owned()).await.unwrap();
        let assignments = async |filter| f.store.assignments(filter, None, 10).await.unwrap().items.iter().map(|x| x.id).collect::<Vec<_>>();
        let none = AssignmentFilter::default;
        assert_eq!(assignments(AssignmentFilter { project: Some("p".to_owned()), ..none() }).await, [a.assignment.id]);
        assert_eq!(assignments(AssignmentFilter { status: vec![AssignmentStatus::Complete, AssignmentStatus::Blocked], ..none() }).await, [b.assignment.id]);
        for (text, found) in [("LOGIN_f", true), ("É", true), ("100%", true), ("10%0", false), ("loginXform", false)] {
            assert_eq!(assignments(AssignmentFilter { text: Some(text.to_owned()), ..none() }).await.len(), usize::from(found), "{text}");
        }
        let jobs = async |filter| f.store.jobs(filter, None, 10).await.unwrap().items.len();
        let none = JobFilter::default;
        assert_eq!(jobs(JobFilter { worker: Some("marie".to_owned()), ..none() }).await, 1);
        assert_eq!(jobs(JobFilter { assignment: Some(b.assignment.id), ..none() }).await, 2);
        assert_eq!(jobs(JobFilter { job_type: Some(JobType::Review), ..none() }).await, 1);
        assert_eq!(jobs(JobFilter { status: vec![JobStatus::Queued], project: Some("p".to_owned()), ..none() }).await, 1);
        assert_eq!(jobs(JobFilter { status: vec![JobStatus::Dead], ..none() }).await, 0);
    }

    async fn counts_add_up(f: Fixture) {
        let marie = JobSpec { worker: Some("marie".to_owned()), ..spec(JobType::Implement) };
        submit(&f.store, wish(vec![marie, spec(JobType::Plan)])).await;
        submit(&f.store, wish(vec![spec(JobType::Plan)])).await;
        claim_one(&f.store).await;
        let counts = f.store.counts().await.unwrap();
        assert_eq!((counts.jobs[&JobStatus::Queued], counts.jobs[&JobStatus::Running]), (2, 1));
        assert_eq!(counts.assignments[&AssignmentStatus::Active], 2);
        assert_eq!(counts.queued_by_worker, [("default".to_owned(), 1), ("marie".to_owned(), 1)].into());
        assert_eq!(counts.running_by_worker, [("default".to_owned(), 1)].into());
    }

    async fn what_is_not_there_is_said_so(f: Fixture) {
        let gone = windlass_types::Ids::seeded(f.clock.clone(), 1);
        let missing = |r: Result<(), StoreError>| matches!(r, Err(StoreError::NotFound { .. }));
        assert!(missing(f.store.job(gone.job()).await.map(drop)));
        assert!(missing(f.store.assignment(gone.assignment()).await.map(drop)));
        assert!(missing(f.store.line(gone.assignment()).await.map(drop)));
        assert!(missing(f.store.attempt(gone.attempt()).await.map(drop)));
        assert!(missing(f.store.explain(gone.job(), node()).await.map(drop)));
        assert!(missing(f.store.cancel_job(gone.job(), "tester".to_owned()).await.map(drop)));
        assert!(missing(f.store.trust_project("gone", None).await.map(drop)));
    }
}
