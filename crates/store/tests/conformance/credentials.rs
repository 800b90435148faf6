//! Sessions of people: how many there may be.

use windlass_store::{NewCredential, Store};
use windlass_types::{Credential, CredentialKind, Scope};

use crate::support::*;

const MAX: usize = 100;

async fn session(store: &Store, name: &str, number: usize) -> Credential {
    let new = NewCredential {
        kind: CredentialKind::Session,
        sha256: format!("{name}{number}"),
        name: name.to_owned(),
        scope: Scope::Read,
        assignment_id: None,
        user: None,
        created_by: name.to_owned(),
        lasts_secs: Some(1000),
    };
    store.add_credential(new).await.unwrap()
}

on_both! {
    async fn one_session_too_many_ends_the_one_that_was_used_longest_ago(f: Fixture) {
        let other = session(&f.store, "other", 0).await;
        let mut open = Vec::new();
        for number in 0..MAX {
            open.push(session(&f.store, "person", number).await.id);
        }
        // All long ago, the first two before the others, and the first was used since.
        f.sql(format!(
            "UPDATE credentials SET created_at = created_at - 1000; UPDATE credentials SET created_at = created_at - 1 WHERE id IN ('{}', '{}')",
            open[0], open[1]
        ))
        .await;
        f.store.touch_credential(open[0], None).await.unwrap();
        session(&f.store, "person", MAX).await;
        assert!(f.store.credential_lasts(open[0]).await.unwrap(), "it was used since");
        assert!(!f.store.credential_lasts(open[1]).await.unwrap());
        for id in &open[2..] {
            assert!(f.store.credential_lasts(*id).await.unwrap());
        }
        assert!(f.store.credential_lasts(other.id).await.unwrap(), "each has their own");
    }
}
