//! What there is to tell: what the inbox shows and a channel was not told of yet, and what it was told of that is no longer so.

use std::collections::{BTreeSet, HashSet};

use windlass_store::{KnownNotification, NewNotification};
use windlass_types::{NotificationKind, Told};

use super::channel::Channel;
use crate::engine::Engine;
use crate::error::EngineError;
use crate::work::{Need, NeedKind};

/// How many are remembered in one transaction.
const NOTED_AT_ONCE: usize = 200;
/// How long what may end by itself has to be so before it is told: a node that starts anew is no news.
const SETTLE_MS: i64 = 60_000;

/// Remembers what there is to tell.
pub(super) async fn look(engine: &Engine) -> Result<(), EngineError> {
    let (inner, channels) = (&engine.inner, &engine.inner.config.notify.channels);
    let known = inner.store.current_notifications().await?;
    let needs = engine.all_needs(None).await?;
    // A breaker that is tried is not closed yet: should that fail, it is the same breakdown.
    let tried = engine.breaker_keys().await?.into_values().map(|(key, _)| key);
    let lasting: BTreeSet<String> = needs.iter().map(|need| need.key.clone()).chain(tried).collect();
    let mut over = over(channels, &known, &lasting);
    let mut new = new(channels, &known, &needs);
    while !new.is_empty() || !over.is_empty() {
        let later = (new.split_off(new.len().min(NOTED_AT_ONCE)), over.split_off(over.len().min(NOTED_AT_ONCE)));
        inner.store.note_notifications(new, over).await?;
        (new, over) = later;
    }
    Ok(())
}

/// What a channel was told of, or is to be, and is no longer so. What another node's channels were told of is that node's.
fn over(channels: &[Channel], known: &[KnownNotification], lasting: &BTreeSet<String>) -> Vec<String> {
    let ours = |name: &str| channels.iter().any(|channel| channel.name == name);
    known.iter().filter(|known| ours(&known.channel) && !lasting.contains(&known.key)).map(|known| known.id.clone()).collect()
}

fn new(channels: &[Channel], known: &[KnownNotification], needs: &[Need]) -> Vec<NewNotification> {
    let known: HashSet<(&str, &str)> = known.iter().map(|known| (known.channel.as_str(), known.key.as_str())).collect();
    let wanted = channels.iter().flat_map(|channel| {
        let told = needs.iter().filter(|need| {
            channel.wants(kind_of(need.kind), need.project.as_deref()) && !known.contains(&(channel.name.as_str(), need.key.as_str()))
        });
        told.map(|need| of(channel, need))
    });
    wanted.collect()
}

fn of(channel: &Channel, need: &Need) -> NewNotification {
    let settles = matches!(need.kind, NeedKind::NoWorker | NeedKind::Storage);
    NewNotification {
        channel: channel.name.clone(),
        key: need.key.clone(),
        kind: kind_of(need.kind),
        told: Told {
            title: need.title.clone(),
            why: need.why.clone(),
            action: need.action.clone(),
            since: need.since,
            project: need.project.clone(),
            assignment_id: need.assignment_id,
            job_id: need.job_id,
        },
        settle_ms: if settles { SETTLE_MS } else { 0 },
    }
}

/// What kind of notification it is.
const fn kind_of(need: NeedKind) -> NotificationKind {
    match need {
        NeedKind::Blocked | NeedKind::GuardedChange | NeedKind::Secret => NotificationKind::Blocked,
        NeedKind::DeadLetter => NotificationKind::Dead,
        NeedKind::Budget => NotificationKind::Budget,
        NeedKind::Breaker => NotificationKind::Breaker,
        NeedKind::NoWorker | NeedKind::Storage => NotificationKind::NeedsYou,
    }
}
