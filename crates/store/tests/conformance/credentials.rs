//! Sign-ins of people: how many there may be, how long they last, and who may know of them.

use windlass_store::{Lasting, NewCredential, Store, StoreError};
use windlass_types::{Credential, CredentialId, CredentialKind, Scope, UserRole};

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

const DAY_SECS: u64 = 24 * 3600;
const LASTING: Lasting = Lasting { unused_secs: 14 * DAY_SECS, whole_secs: 90 * DAY_SECS };

/// A sign-in of a user, with as much of their role as it was given.
async fn sign_in(store: &Store, user: &str, scope: Scope) -> CredentialId {
    let new = NewCredential {
        kind: CredentialKind::Session,
        sha256: format!("{user} {scope} {}", store.sign_ins(None, None, 500).await.unwrap().items.len()),
        name: user.to_owned(),
        scope,
        assignment_id: None,
        user: Some(user.to_owned()),
        created_by: user.to_owned(),
        lasts_secs: Some(LASTING.unused_secs),
    };
    store.add_credential(new).await.unwrap().id
}

async fn listed(store: &Store, of: Option<CredentialId>) -> Vec<CredentialId> {
    store.sign_ins(of, None, 500).await.unwrap().items.into_iter().map(|sign_in| sign_in.id).collect()
}

/// Makes it so many days older, and used for the last time so much longer ago.
async fn age(f: &Fixture, id: CredentialId, days: u64) {
    let ms = days * DAY_SECS * 1000;
    f.sql(format!(
        "UPDATE credentials SET created_at = created_at - {ms}, expires_at = expires_at - {ms}, last_used_at = last_used_at - {ms} WHERE id = '{id}'"
    ))
    .await;
}

on_both! {
    async fn a_sign_in_lasts_fourteen_days_after_its_last_use_and_ninety_after_it_began(f: Fixture) {
        let id = session(&f.store, "person", 0).await.id;
        f.store.touch_credential(id, Some(LASTING)).await.unwrap();
        let mut old_days = 0;
        while old_days + 13 < 90 {
            age(&f, id, 13).await;
            old_days += 13;
            assert!(f.store.credential_lasts(id).await.unwrap(), "after {old_days} days");
            f.store.touch_credential(id, Some(LASTING)).await.unwrap();
        }
        let sign_in = f.store.sign_ins(None, None, 10).await.unwrap().items.remove(0);
        let lasts_ms = sign_in.expires_at.unwrap().0 - sign_in.created_at.0;
        assert_eq!(lasts_ms, 90 * 24 * 3_600_000, "however much it is used");
        age(&f, id, 90 - old_days).await;
        assert!(!f.store.credential_lasts(id).await.unwrap());
        assert_eq!(listed(&f.store, None).await, []);
        f.store.touch_credential(id, Some(LASTING)).await.unwrap();
        assert!(!f.store.credential_lasts(id).await.unwrap(), "a late use does not bring it back");
        let unused = session(&f.store, "person", 1).await.id;
        f.store.touch_credential(unused, Some(LASTING)).await.unwrap();
        age(&f, unused, 14).await;
        assert!(!f.store.credential_lasts(unused).await.unwrap());
    }

    async fn who_is_signed_in_knows_of_their_own_sign_ins_and_of_none_that_opens_more(f: Fixture) {
        for (name, role) in [("ada", UserRole::Admin), ("omar", UserRole::Operator)] {
            f.store.add_user(name.to_owned(), role, "a hash".to_owned()).await.unwrap();
        }
        let owner = session(&f.store, "person", 0).await.id;
        let (first, second) = (sign_in(&f.store, "omar", Scope::Admin).await, sign_in(&f.store, "omar", Scope::Admin).await);
        let (ada, screen) = (sign_in(&f.store, "ada", Scope::Admin).await, sign_in(&f.store, "ada", Scope::Read).await);
        let sorted = |mut ids: Vec<CredentialId>| {
            ids.sort_unstable();
            ids
        };
        assert_eq!(sorted(listed(&f.store, None).await), sorted(vec![owner, first, second, ada, screen]));
        assert_eq!(sorted(listed(&f.store, Some(first)).await), sorted(vec![first, second]));
        assert_eq!(sorted(listed(&f.store, Some(ada)).await), sorted(vec![ada, screen]));
        assert_eq!(listed(&f.store, Some(screen)).await, [screen], "what was lent ends nothing of whoever lent it");
        assert_eq!(listed(&f.store, Some(owner)).await, [owner]);
        for (id, of) in [(ada, first), (owner, first), (ada, screen)] {
            assert!(matches!(f.store.end_sign_in(id, Some(of)).await, Err(StoreError::NotFound { .. })));
        }
        assert_eq!(f.store.end_sign_in(second, Some(first)).await.unwrap().id, second);
        assert!(matches!(f.store.end_sign_in(second, None).await, Err(StoreError::NotFound { .. })), "it is over");
        assert!(!f.store.credential_lasts(second).await.unwrap());
        f.store.end_sign_in(owner, None).await.unwrap();
        let one = f.store.sign_ins(None, None, 1).await.unwrap();
        let rest = f.store.sign_ins(None, one.next_cursor.clone(), 500).await.unwrap();
        assert_eq!((one.items.len(), rest.items.len(), rest.next_cursor), (1, 2, None));
    }

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
