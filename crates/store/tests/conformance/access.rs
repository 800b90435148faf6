//! Who may do what after a restore: what the replaced database knows to be revoked stays so, and its audit log goes on.

use windlass_store::{Access, AccessOf, AuditFilter, Exported, NewCredential, Store, StoreError, UserChange};
use windlass_types::{Clock, CredentialKind, Scope, UserRole};

use crate::backup::{Rows, bring_back_in_place, export, line, options};
use crate::support::*;

/// Makes a secret whose hash is its name.
async fn secret(store: &Store, kind: CredentialKind, name: &str, user: Option<&str>) -> windlass_types::CredentialId {
    let new = NewCredential {
        kind,
        sha256: name.to_owned(),
        name: name.to_owned(),
        scope: Scope::Admin,
        assignment_id: None,
        user: user.map(str::to_owned),
        created_by: "person".to_owned(),
        lasts_secs: None,
    };
    store.add_credential(new).await.unwrap().id
}

async fn user(store: &Store, name: &str, role: UserRole) {
    store.add_user(name.to_owned(), role, format!("hash of {name}")).await.unwrap();
}

async fn change(store: &Store, name: &str, change: UserChange) {
    store.change_user(name.to_owned(), change).await.unwrap();
}

/// A store as it is backed up: with work, users, tokens, somebody who is signed in, and a line of what was done.
async fn backed_up(f: &Fixture) -> (Exported, Rows) {
    submit(&f.store, wish(vec![spec(windlass_types::JobType::Plan)])).await;
    for (name, role) in [("bob", UserRole::Admin), ("vera", UserRole::Admin), ("omar", UserRole::Viewer), ("carl", UserRole::Viewer)] {
        user(&f.store, name, role).await;
    }
    for name in ["leaked", "forgotten", "kept"] {
        secret(&f.store, CredentialKind::Token, name, None).await;
    }
    secret(&f.store, CredentialKind::Session, "session", Some("vera")).await;
    secret(&f.store, CredentialKind::LoginCode, "code", None).await;
    f.store.audit(line("before")).await.unwrap();
    export(&f.store).await
}

/// Restores in place of the fixture's database.
async fn restore(f: &Fixture, dir: &tempfile::TempDir, exported: &Exported, rows: &Rows) -> (Access, Store) {
    f.store.close().await;
    let new = dir.path().join("new.db").display().to_string();
    let (url, aside, replaced) = match &f.database {
        Some(_) => (f.url.clone(), Some("before_restore".to_owned()), None),
        None => (new, None, Some(f.url.clone())),
    };
    let access = loop {
        match bring_back_in_place(&url, exported, rows, aside.clone(), replaced.clone()).await {
            // The server may take a moment to see that the store is closed.
            Err(StoreError::Conflict(why)) if why.contains("connected") => {}
            done => break done.unwrap(),
        }
    };
    (access, Store::open(windlass_store::OpenOptions { clock: f.clock.clone(), ..options(&url) }).await.unwrap())
}

/// Which of these hashes let somebody in.
async fn good<'a>(store: &Store, hashes: &[&'a str]) -> Vec<&'a str> {
    let mut good = Vec::new();
    for hash in hashes {
        if store.credential((*hash).to_owned()).await.unwrap().is_some() {
            good.push(*hash);
        }
    }
    good
}

/// The users who are let in, and as what.
async fn let_in(store: &Store) -> Vec<(String, UserRole)> {
    store.users().await.unwrap().into_iter().filter(|user| !user.disabled).map(|user| (user.name, user.role)).collect()
}

/// Whom the audit log names, sorted: ids that are made at the same time have no order.
async fn audited(store: &Store) -> Vec<String> {
    let lines = store.audit_log(AuditFilter::default(), None, 500).await.unwrap().items;
    let mut who: Vec<String> = lines.into_iter().map(|line| line.who).collect();
    who.sort();
    who
}

const SECRETS: [&str; 6] = ["leaked", "forgotten", "kept", "late", "session", "code"];

on_both! {
    async fn what_was_revoked_since_the_backup_stays_so_and_nobody_is_signed_in(f: Fixture) {
        let dir = tempfile::tempdir().unwrap();
        let (exported, rows) = backed_up(&f).await;
        let leaked = f.store.tokens(None, 10).await.unwrap().items.into_iter().find(|token| token.name == "leaked").unwrap();
        f.store.revoke_token(leaked.id).await.unwrap();
        f.sql("DELETE FROM credentials WHERE name = 'forgotten'".to_owned()).await;
        f.store.remove_user("bob".to_owned()).await.unwrap();
        change(&f.store, "vera", UserChange { role: Some(UserRole::Viewer), ..UserChange::default() }).await;
        change(&f.store, "omar", UserChange { disabled: Some(true), ..UserChange::default() }).await;
        change(&f.store, "carl", UserChange { password_hash: Some("a new one".to_owned()), ..UserChange::default() }).await;
        user(&f.store, "eve", UserRole::Operator).await;
        secret(&f.store, CredentialKind::Token, "late", None).await;
        f.store.audit(line("after")).await.unwrap();
        let (_, before) = export(&f.store).await;

        let (access, store) = restore(&f, &dir, &exported, &rows).await;
        assert_eq!(access, Access { of: AccessOf::Replaced, disabled: 1, revoked: 1, lines: 1, is_log_whole: true });
        assert_eq!(good(&store, &SECRETS).await, ["kept", "late"]);
        let wanted = [("carl", UserRole::Viewer), ("eve", UserRole::Operator), ("vera", UserRole::Viewer)];
        assert_eq!(let_in(&store).await, wanted.map(|(name, role)| (name.to_owned(), role)));
        assert!(store.users().await.unwrap().iter().any(|user| user.name == "bob" && user.disabled));
        assert_eq!(store.user_with_password("carl".to_owned()).await.unwrap().unwrap().1, "a new one");
        assert_eq!(audited(&store).await, ["after", "before", "restorer"]);
        let (_, after) = export(&store).await;
        for (table, rows) in before {
            let whole = ["users", "audit"].contains(&table.as_str());
            assert!(!whole || rows.iter().all(|row| after[&table].contains(row)), "every column of {table} is carried over");
        }
        store.close().await;
    }

    async fn where_nothing_is_older_than_the_backup_its_word_counts_and_what_was_done_there_is_kept(f: Fixture) {
        let dir = tempfile::tempdir().unwrap();
        let (exported, rows) = backed_up(&f).await;
        let other = if f.database.is_some() { Fixture::postgres().await } else { Fixture::sqlite().await };
        let new = other.unwrap();
        new.clock.advance_ms(1000);
        user(&new.store, "bob", UserRole::Viewer).await;
        new.store.audit(line("new")).await.unwrap();

        let (access, store) = restore(&new, &dir, &exported, &rows).await;
        assert_eq!(access, Access { of: AccessOf::Backup, disabled: 0, revoked: 0, lines: 1, is_log_whole: true });
        assert_eq!(good(&store, &SECRETS).await, ["leaked", "forgotten", "kept"], "and nobody is signed in");
        assert!(let_in(&store).await.contains(&("bob".to_owned(), UserRole::Admin)));
        assert_eq!(audited(&store).await, ["before", "new", "restorer"]);
        store.close().await;
    }

    async fn what_an_earlier_windlass_left_knows_of_no_user_and_lets_none_in(f: Fixture) {
        let dir = tempfile::tempdir().unwrap();
        let (exported, rows) = backed_up(&f).await;
        f.sql("DROP TABLE credentials; DROP TABLE users; DROP TABLE audit".to_owned()).await;
        let (access, store) = restore(&f, &dir, &exported, &rows).await;
        assert_eq!(access, Access { of: AccessOf::Replaced, disabled: 4, revoked: 3, lines: 0, is_log_whole: true });
        assert!(good(&store, &SECRETS).await.is_empty() && let_in(&store).await.is_empty());
        store.close().await;
    }

    async fn what_cannot_be_understood_lets_nobody_in_until_somebody_says_so(f: Fixture) {
        let dir = tempfile::tempdir().unwrap();
        let (exported, rows) = backed_up(&f).await;
        f.sql("ALTER TABLE credentials RENAME COLUMN sha256 TO sha512".to_owned()).await;
        let (access, store) = restore(&f, &dir, &exported, &rows).await;
        assert_eq!((access.of, access.disabled, access.revoked, access.is_log_whole), (AccessOf::Nobody, 4, 3, false));
        assert!(good(&store, &SECRETS).await.is_empty());
        change(&store, "vera", UserChange { disabled: Some(false), ..UserChange::default() }).await;
        assert_eq!(let_in(&store).await, [("vera".to_owned(), UserRole::Admin)]);
        store.close().await;
    }
}

#[tokio::test]
async fn a_damaged_file_is_replaced_and_lets_nobody_in() {
    let f = Fixture::sqlite().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (exported, rows) = backed_up(&f).await;
    f.store.close().await;
    std::fs::write(&f.url, "no database any more\n".repeat(500)).unwrap();
    let (access, store) = restore(&f, &dir, &exported, &rows).await;
    assert_eq!(access.of, AccessOf::Nobody);
    assert!(access.to_string().contains("windlass users set NAME --enable"), "{access}");
    assert!(good(&store, &SECRETS).await.is_empty() && let_in(&store).await.is_empty());
    assert_eq!(store.counts().await.unwrap().jobs.values().sum::<u64>(), 1, "what the backup has is there");
    store.close().await;
}

#[tokio::test]
async fn every_line_of_a_long_audit_log_is_carried_over_once() {
    let f = Fixture::sqlite().await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (exported, rows) = backed_up(&f).await;
    let ids = windlass_types::Ids::seeded(Clock::manual(START), 7);
    let lines = (0..2500).map(|_| format!("('aud_{}', 0, 'flood', '', '', '', '', 200, '')", ids.uuid().simple())).collect::<Vec<_>>();
    f.sql(format!("INSERT INTO audit (id, at, who, via, action, method, path, status, peer) VALUES {}", lines.join(", "))).await;
    let (access, store) = restore(&f, &dir, &exported, &rows).await;
    assert_eq!(access.lines, 2500);
    store.close().await;
}
