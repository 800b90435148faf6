//! Notifications as people see them, and a message to try a channel with.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use windlass_store::DueNotification;
use windlass_types::{Notification, NotificationKind, Timestamp, Told};

use super::channel::{Channel, ChannelKind};
use super::send;
use crate::engine::Engine;
use crate::error::{EngineError, ErrorKind};

/// How many of the last are shown.
const RECENT_MAX: u32 = 100;

/// The channels, and what was told lately.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Notifications {
    /// The channels of this node's configuration.
    pub channels: Vec<NotificationChannel>,
    /// What was told lately, or is to be, the newest first; at most 100.
    pub recent: Vec<Notification>,
}

/// A channel, without its secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NotificationChannel {
    /// Its name.
    pub name: String,
    /// How it speaks.
    pub kind: ChannelKind,
    /// Where it leads: a mail server and recipients, or scheme and host of an address.
    pub target: String,
    /// What it is told of.
    pub kinds: Vec<NotificationKind>,
    /// The projects whose work it is told of; all, where there is none.
    pub projects: Vec<String>,
    /// When something was last taken.
    pub last_sent_at: Option<Timestamp>,
    /// Why the last try failed; null when it was taken.
    pub last_error: Option<String>,
}

impl Engine {
    /// The channels, and what was told lately.
    pub async fn notifications(&self) -> Result<Notifications, EngineError> {
        let store = &self.inner.store;
        let mut channels = Vec::new();
        for channel in &self.inner.config.notify.channels {
            let record = store.channel_record(channel.name.clone()).await?;
            channels.push(NotificationChannel {
                name: channel.name.clone(),
                kind: channel.kind(),
                target: channel.shown(),
                kinds: channel.kinds.clone(),
                projects: channel.projects.clone(),
                last_sent_at: record.last_sent_at,
                last_error: record.last_error,
            });
        }
        Ok(Notifications { channels, recent: store.recent_notifications(RECENT_MAX).await? })
    }

    /// Sends a message by a channel at once that says that it is a test.
    pub async fn test_notification(&self, channel: &str) -> Result<(), EngineError> {
        let inner = &self.inner;
        let Some(channel) = inner.config.notify.channels.iter().find(|known| known.name == channel) else {
            return Err(EngineError::new(ErrorKind::NotFound, "there is no such channel")
                .hint("windlass notifications shows them; each is a table [notify.NAME] of the configuration"));
        };
        let sent = send::send_as(inner, channel, "test", &[test(channel, inner.config.ids.uuid().to_string(), self.now())]).await;
        sent.map_err(|problem| {
            EngineError::new(ErrorKind::Conflict, format!("the message was not taken: {}", problem.why()))
                .hint(format!("[notify.{}] in the configuration says where it goes", channel.name))
        })
    }
}

fn test(channel: &Channel, id: String, now: Timestamp) -> DueNotification {
    DueNotification {
        key: format!("test:{id}"),
        id,
        kind: NotificationKind::NeedsYou,
        told: Told {
            title: "this is a test".to_owned(),
            why: format!("somebody tried the channel {}; nothing happened", channel.name),
            action: None,
            since: now,
            project: None,
            assignment_id: None,
            job_id: None,
        },
        tries: 0,
    }
}
