//! A later version on the same database: what it has written does not break this one.

use windlass_store::{EventFilter, Store};
use windlass_types::{AttemptResult, EventKind, JobStatus, JobType};

use crate::support::*;

/// What the next release's migration and its rows may look like: more columns, tables, fields and words.
async fn later_version_writes(f: &Fixture) {
    f.sql("ALTER TABLE jobs ADD COLUMN colour TEXT; ALTER TABLE assignments ADD COLUMN weight BIGINT NOT NULL DEFAULT 1".to_owned()).await;
    f.sql("CREATE TABLE dashboards (name TEXT PRIMARY KEY); UPDATE schema_meta SET version = 99".to_owned()).await;
    for (table, columns) in
        [("jobs", vec!["spec", "spent"]), ("assignments", vec!["policy", "budget", "spent"]), ("projects", vec!["settings"])]
    {
        for column in columns {
            let more =
                format!("'{{\"from_later\":{{\"deep\":[1]}}' || CASE WHEN {column} = '{{}}' THEN '' ELSE ',' END || SUBSTR({column}, 2)");
            f.sql(format!("UPDATE {table} SET {column} = {more}")).await;
        }
    }
    f.sql(
        "INSERT INTO events (seq, at, kind, data) SELECT MAX(seq) + 1, 1, 'dashboard.opened', '{\"a\":1}' FROM events; \
         INSERT INTO nodes (id, generation, host, pid, version, started_at, seen_at, expires_at, roles, workers) \
         VALUES ('nod_later', 900, 'later', 1, '9.9.9', 1, 1, 9000000000000, '[\"worker\",\"dreamer\"]', '[{\"name\":\"x\",\"slots\":1,\"gpus\":4}]')"
            .to_owned(),
    )
    .await;
}

async fn works_on(store: &Store) {
    let claimed = claim(store).await.expect("a job with fields that are not known here is claimed");
    let settled = store.settle(end(&claimed, AttemptResult::Succeeded)).await.unwrap();
    assert_eq!(settled.job.status, JobStatus::Succeeded);
}

on_both! {
    async fn an_older_binary_works_on_beside_a_later_one(f: Fixture) {
        submit(&f.store, wish(vec![spec(JobType::Implement)])).await;
        submit(&f.store, wish(vec![spec(JobType::Implement)])).await;
        later_version_writes(&f).await;
        works_on(&f.store).await;
        // One that starts now finds the later schema.
        works_on(&f.again().await).await;
        submit(&f.store, wish(vec![spec(JobType::Implement)])).await;
        works_on(&f.store).await;
        let nodes = f.store.nodes().await.unwrap();
        assert_eq!(nodes.first().map(|node| node.roles.len()), Some(2), "a role that is not known here is shown as it is");
    }

    async fn an_event_of_a_later_version_keeps_its_number(f: Fixture) {
        submit(&f.store, wish(vec![spec(JobType::Implement)])).await;
        later_version_writes(&f).await;
        submit(&f.store, wish(vec![spec(JobType::Implement)])).await;
        let events = f.store.events_after(0, EventFilter::default(), 500).await.unwrap();
        assert!(events.windows(2).all(|two| two[1].seq == two[0].seq + 1), "no gap: {events:?}");
        let later = events.iter().find(|event| event.kind == EventKind::Other).expect("it is there");
        assert_eq!(later.data["a"], 1);
    }
}
