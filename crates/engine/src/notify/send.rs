//! One message by one channel.

use windlass_secrets::Redactor;
use windlass_store::DueNotification;

use super::channel::{Channel, ChannelKind, Target};
use super::mail::{self, Mail};
use super::words::{Bundle, LISTED_MAX};
use crate::attempt::scanner;
use crate::engine::Inner;
use crate::hash;
use crate::outbound::{Allowed, Message, Problem, post};

/// How many of the digits of a hash name a delivery.
const DELIVERY_DIGITS: usize = 32;

/// Tells of these, in one message.
pub(super) async fn send(inner: &Inner, channel: &Channel, due: &[DueNotification]) -> Result<(), Problem> {
    send_as(inner, channel, "notification", due).await
}

/// Tells of these as an event by that name.
pub(super) async fn send_as(inner: &Inner, channel: &Channel, event: &str, due: &[DueNotification]) -> Result<(), Problem> {
    let bundle = bundle(inner, channel, due.to_vec()).await?;
    // The same for as long as it tells the same, whoever sends it and however often.
    let told: Vec<&str> = due.iter().map(|one| one.id.as_str()).collect();
    let mut delivery = hash::hex(format!("{}\n{}", channel.name, told.join("\n")).as_bytes());
    delivery.truncate(DELIVERY_DIGITS);
    let at = inner.config.clock.now();
    let allowed = Allowed { table: "notify", places: &inner.config.notify.allow };
    let sent = match &channel.target {
        Target::Email(server) => {
            mail::send(server, allowed, Mail { subject: bundle.subject(), text: bundle.text(), id: delivery, at }).await
        }
        Target::Slack { to, .. } => post(to, allowed, Message::Plain { body: bundle.slack() }).await,
        Target::Webhook { to, secret, .. } => {
            let body = bundle.json(event, &delivery, at).map_err(|e| Problem::Never(format!("no message can be put together: {e}")))?;
            post(to, allowed, Message::Signed { event, delivery: &delivery, timestamp: at.to_string(), body, secret }).await
        }
    };
    // A receiver may say back what it was told, a password for one.
    match sent {
        Err(Problem::Later(why)) => Err(Problem::Later(clean(inner, &why)?)),
        Err(Problem::Never(why)) => Err(Problem::Never(clean(inner, &why)?)),
        Ok(()) => Ok(()),
    }
}

/// What is told of these: nothing that the daemon keeps to itself.
async fn bundle(inner: &Inner, channel: &Channel, due: Vec<DueNotification>) -> Result<Bundle, Problem> {
    let max = if channel.kind() == ChannelKind::Webhook { due.len() } else { LISTED_MAX };
    let scanner = scanner().map_err(|e| Problem::Later(e.message))?;
    let (secrets, page) = (inner.config.secrets.clone(), inner.config.notify.page_url.clone());
    // Looking through much text takes some milliseconds: not on a thread that others wait for.
    tokio::task::spawn_blocking(move || Bundle::of(&due, max, page, |text| Redactor::clean(&scanner, &secrets, text)))
        .await
        .map_err(|e| Problem::Later(format!("putting the message together broke off: {e}")))
}

fn clean(inner: &Inner, text: &str) -> Result<String, Problem> {
    let scanner = scanner().map_err(|e| Problem::Later(e.message))?;
    Ok(Redactor::clean(&scanner, &inner.config.secrets, text))
}
