//! Notifications: once each time that it happens, whoever looks and however often.

use windlass_store::{NewNotification, NotificationEnd, Store};
use windlass_types::{AssignmentId, AssignmentMove, Block, Budget, JobType, NotificationKind, NotificationState, Timestamp, Told};

use crate::support::*;

/// After everything that happens here.
const LATER: Timestamp = Timestamp(1 << 46);

fn new(channel: &str, key: &str) -> NewNotification {
    let told = Told {
        title: "make the check pass".to_owned(),
        why: "it failed".to_owned(),
        action: None,
        since: START,
        project: None,
        assignment_id: None,
        job_id: None,
    };
    NewNotification { channel: channel.to_owned(), key: key.to_owned(), kind: NotificationKind::Dead, told, settle_ms: 0 }
}

async fn note(store: &Store, all: &[(&str, &str)]) {
    store.note_notifications(all.iter().map(|(channel, key)| new(channel, key)).collect(), Vec::new()).await.unwrap();
}

/// The ids of what is due by a channel.
async fn due(store: &Store, channel: &str) -> Vec<String> {
    let (due, _) = store.due_notifications(channel.to_owned(), 0, 100).await.unwrap();
    due.into_iter().map(|one| one.id).collect()
}

async fn end(store: &Store, id: &str, end: NotificationEnd) {
    store.notifications_ended(vec![(id.to_owned(), end)]).await.unwrap();
}

async fn is_over(store: &Store, id: &str) {
    store.note_notifications(Vec::new(), vec![id.to_owned()]).await.unwrap();
}

async fn states(store: &Store) -> Vec<NotificationState> {
    store.recent_notifications(100).await.unwrap().into_iter().map(|one| one.state).collect()
}

async fn blocked_since(store: &Store, id: AssignmentId) -> Timestamp {
    let all = store.blocked_work(None, 100).await.unwrap();
    all.iter().find(|work| work.id == id).unwrap().since
}

fn block(reason: &str) -> Block {
    Block { owner: "person".to_owned(), action: "decide".to_owned(), reason: reason.to_owned(), kind: None }
}

on_both! {
    async fn what_is_seen_often_and_by_many_is_told_once_by_each_channel(f: Fixture) {
        let other = f.again().await;
        for store in [&f.store, &other, &f.store] {
            note(store, &[("mail", "a"), ("mail", "b"), ("chat", "a")]).await;
        }
        let mail = due(&f.store, "mail").await;
        assert_eq!((mail.len(), due(&other, "chat").await.len()), (2, 1));
        end(&other, &mail[0], NotificationEnd::Sent).await;
        note(&f.store, &[("mail", "a"), ("mail", "b")]).await;
        assert_eq!(due(&f.store, "mail").await, mail[1..], "what was told stays told");
        end(&f.store, &mail[0], NotificationEnd::Failed("late".to_owned())).await;
        assert_eq!(states(&f.store).await.iter().filter(|state| **state == NotificationState::Sent).count(), 1, "its end is its end");
    }

    async fn what_is_over_is_told_again_when_it_happens_again_and_not_at_all_where_it_was_not_sent(f: Fixture) {
        note(&f.store, &[("mail", "a"), ("mail", "b")]).await;
        let first = due(&f.store, "mail").await;
        end(&f.store, &first[0], NotificationEnd::Sent).await;
        is_over(&f.store, &first[0]).await;
        is_over(&f.store, &first[1]).await;
        assert_eq!(due(&f.store, "mail").await, [""; 0], "nothing is left to send");
        assert_eq!(states(&f.store).await, [NotificationState::Sent]);
        assert_eq!(f.store.current_notifications().await.unwrap(), []);
        note(&f.store, &[("mail", "a")]).await;
        assert_eq!(due(&f.store, "mail").await.len(), 1);
        assert_eq!(states(&f.store).await, [NotificationState::Due, NotificationState::Sent]);
    }

    async fn what_comes_while_a_channel_is_not_reached_waits_with_the_rest(f: Fixture) {
        note(&f.store, &[("mail", "a")]).await;
        let first = due(&f.store, "mail").await;
        end(&f.store, &first[0], NotificationEnd::Again("it is away".to_owned(), 3_600_000)).await;
        note(&f.store, &[("mail", "b"), ("chat", "b")]).await;
        let (now, next) = f.store.due_notifications("mail".to_owned(), 0, 100).await.unwrap();
        assert!(now.is_empty() && next.is_some_and(|ms| ms > 3_000_000), "{next:?}");
        assert_eq!(due(&f.store, "chat").await.len(), 1, "another channel does not");
        let record = f.store.channel_record("mail".to_owned()).await.unwrap();
        assert_eq!((record.last_sent_at, record.last_error.as_deref()), (None, Some("it is away")));
        let settles = NewNotification { settle_ms: 60_000, ..new("chat", "c") };
        f.store.note_notifications(vec![settles], Vec::new()).await.unwrap();
        assert_eq!(due(&f.store, "chat").await.len(), 1, "what may end by itself is not told at once");
    }

    async fn messages_by_a_channel_keep_their_distance(f: Fixture) {
        note(&f.store, &[("mail", "a")]).await;
        let first = due(&f.store, "mail").await;
        end(&f.store, &first[0], NotificationEnd::Sent).await;
        note(&f.store, &[("mail", "b")]).await;
        let (now, next) = f.store.due_notifications("mail".to_owned(), 3_600_000, 100).await.unwrap();
        assert!(now.is_empty() && next.is_some_and(|ms| ms > 3_000_000), "{next:?}");
        assert_eq!(due(&f.store, "mail").await.len(), 1);
        assert!(f.store.channel_record("mail".to_owned()).await.unwrap().last_sent_at.is_some());
    }

    async fn a_clock_that_was_set_back_holds_nothing_up(f: Fixture) {
        note(&f.store, &[("mail", "a"), ("mail", "b")]).await;
        let first = due(&f.store, "mail").await;
        end(&f.store, &first[0], NotificationEnd::Sent).await;
        end(&f.store, &first[1], NotificationEnd::Again("away".to_owned(), 1_000)).await;
        f.sql("UPDATE notifications SET tried_at = tried_at + 86400000, due_at = due_at + 86400000".to_owned()).await;
        note(&f.store, &[("mail", "c")]).await;
        assert_eq!(due(&f.store, "mail").await.len(), 2, "what was to be sent again, and what is new");
    }

    async fn only_what_is_over_becomes_old(f: Fixture) {
        note(&f.store, &[("mail", "a"), ("mail", "b"), ("mail", "c")]).await;
        let all = due(&f.store, "mail").await;
        end(&f.store, &all[0], NotificationEnd::Sent).await;
        end(&f.store, &all[1], NotificationEnd::Sent).await;
        is_over(&f.store, &all[0]).await;
        assert_eq!(f.store.notifications_before(LATER).await.unwrap(), 1);
        assert_eq!(f.store.prune_notifications(LATER).await.unwrap(), 1);
        assert_eq!(f.store.prune_notifications(LATER).await.unwrap(), 0);
        assert_eq!(states(&f.store).await, [NotificationState::Due, NotificationState::Sent], "else it would be told again");
    }

    async fn a_block_begins_when_it_is_made_and_not_when_something_else_changes(f: Fixture) {
        let id = submit(&f.store, wish(vec![spec(JobType::Plan)])).await.assignment.id;
        let me = || "tester".to_owned();
        f.store.move_assignment(id, AssignmentMove::Block, Some(block("one")), me()).await.unwrap();
        // Time that can be told apart, on both databases.
        f.sql("UPDATE assignments SET blocked_at = blocked_at - 1000".to_owned()).await;
        let first = blocked_since(&f.store, id).await;
        f.store.set_budget(id, Budget { runs: Some(7), ..Budget::default() }, me()).await.unwrap();
        f.store.move_assignment(id, AssignmentMove::Block, Some(block("one")), me()).await.unwrap();
        assert_eq!(blocked_since(&f.store, id).await, first, "it is the same block");
        f.store.move_assignment(id, AssignmentMove::Block, Some(block("another")), me()).await.unwrap();
        let second = blocked_since(&f.store, id).await;
        assert!(second > first);
        f.sql("UPDATE assignments SET blocked_at = blocked_at - 1000".to_owned()).await;
        f.store.move_assignment(id, AssignmentMove::Activate, None, me()).await.unwrap();
        assert_eq!(f.store.blocked_work(None, 100).await.unwrap(), []);
        f.store.move_assignment(id, AssignmentMove::Block, Some(block("another")), me()).await.unwrap();
        assert!(blocked_since(&f.store, id).await > Timestamp(second.0 - 1000));
        let work = f.store.blocked_work(None, 100).await.unwrap().remove(0);
        assert_eq!(work.job.map(|(_, status)| status), Some(windlass_types::JobStatus::Queued));
    }
}
