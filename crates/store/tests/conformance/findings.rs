//! Findings: they stand in the way of an assignment's work until a scan of it passes.

use windlass_store::{FindingFilter, StoreError};
use windlass_types::{EventKind, JobType, SecretFinding};

use crate::support::*;

fn finding(line: u64) -> SecretFinding {
    SecretFinding {
        rule: "a-rule".to_owned(),
        path: "app.env".to_owned(),
        line,
        column: 3,
        redacted: "ab****".to_owned(),
        fingerprint: "0".repeat(32),
        commit: None,
    }
}

on_both! {
    async fn findings_are_those_of_the_last_scan_and_go_when_one_passes(f: Fixture) {
        submit(&f.store, wish(vec![spec(JobType::Implement)])).await;
        submit(&f.store, wish(vec![spec(JobType::Implement)])).await;
        let (one, other) = (claim_one(&f.store).await, claim_one(&f.store).await);
        let record = async |of: &windlass_store::Claimed, lines: Vec<u64>| {
            f.store.record_findings(of.job.id, of.token, of.attempt.id, lines.into_iter().map(finding).collect()).await
        };
        let all = async |filter: FindingFilter| f.store.findings(filter, None, 500).await.unwrap().items;
        record(&one, vec![1, 2, 3]).await.unwrap();
        record(&other, vec![7]).await.unwrap();
        record(&one, vec![4, 5]).await.unwrap();
        let of_one = FindingFilter { assignment: Some(one.assignment.id), ..FindingFilter::default() };
        let lines: Vec<u64> = all(of_one.clone()).await.iter().map(|found| found.finding.line).collect();
        assert_eq!(lines, [4, 5]);
        assert_eq!(all(FindingFilter::default()).await.len(), 3);
        assert_eq!(all(FindingFilter { project: Some("other".to_owned()), ..FindingFilter::default() }).await, []);
        let told = windlass_store::EventFilter { kinds: vec![EventKind::AttemptNotice], ..Default::default() };
        assert_eq!(f.store.events_after(0, told, 10).await.unwrap().len(), 3);

        // Pages meet without a gap.
        let first = f.store.findings(FindingFilter::default(), None, 2).await.unwrap();
        let second = f.store.findings(FindingFilter::default(), first.next_cursor.clone(), 2).await.unwrap();
        assert_eq!((first.items.len(), second.items.len(), second.next_cursor), (2, 1, None));
        assert!(f.store.findings(FindingFilter::default(), Some("nonsense".to_owned()), 2).await.is_err());

        f.store.set_head(one.job.id, one.token, "0".repeat(40)).await.unwrap();
        assert_eq!(all(of_one).await, []);
        assert_eq!(all(FindingFilter::default()).await.len(), 1);
        let stale = windlass_types::Token { epoch: one.token.epoch + 1, ..one.token };
        let refused = f.store.record_findings(one.job.id, stale, one.attempt.id, vec![finding(1)]).await;
        assert!(matches!(refused, Err(StoreError::Stale { .. })), "{refused:?}");
    }
}
