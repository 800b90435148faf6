//! The channels of the configuration: where each leads, and what it is told of.

use std::fmt;

use lettre::message::Mailbox;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use windlass_types::NotificationKind;

use crate::outbound::{Address, Place, address};

/// Shorter paths may stand in any text.
const SECRET_PATH_MIN: usize = 20;
/// The most recipients of one channel.
const RECIPIENTS_MAX: usize = 50;

/// Who is told what needs a person, and how.
#[derive(Debug, Clone, Default)]
pub struct NotifyConfig {
    /// Receivers, as HOST:PORT, that need not be on the public internet.
    pub allow: Vec<String>,
    /// Where people open the page, if they are told: `https://windlass.example.org`.
    pub page_url: Option<PageUrl>,
    /// The channels.
    pub channels: Vec<Channel>,
}

/// The address of the page, as people's browsers call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageUrl(String);

impl PageUrl {
    /// Reads it: scheme and host, and nothing behind them. Says what is wrong with another.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let page = address(text)?;
        if page.target != "/" {
            return Err("has a path: the page is at the root of its host");
        }
        Ok(Self(format!("{}://{}", if page.encrypted { "https" } else { "http" }, page.authority)))
    }

    /// A place of the page, by its path.
    pub(super) fn at(&self, path: &str) -> String {
        format!("{}{path}", self.0)
    }
}

impl fmt::Display for PageUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// How a channel speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    /// By mail.
    Email,
    /// By signed JSON.
    Webhook,
    /// By a webhook that takes what Slack's take.
    Slack,
}

impl ChannelKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Email, Self::Webhook, Self::Slack];

    /// The word for it everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Webhook => "webhook",
            Self::Slack => "slack",
        }
    }
}

windlass_types::text_enum!(ChannelKind, "kind of channel");

/// A way to tell people. It is printed without its secrets.
#[derive(Clone)]
pub struct Channel {
    /// Its name.
    pub name: String,
    /// What it is told of.
    pub kinds: Vec<NotificationKind>,
    /// The projects whose work it is told of; all, where there is none. What is of no project (a breaker, a full disk) every channel is told.
    pub projects: Vec<String>,
    pub(super) target: Target,
}

/// Where a channel leads.
#[derive(Clone)]
pub(super) enum Target {
    Email(MailServer),
    Webhook { to: Address, url: String, secret: String },
    Slack { to: Address, url: String },
}

/// A mail server, and whose mail it is to take.
#[derive(Clone)]
pub(super) struct MailServer {
    pub(super) place: Place,
    /// It is spoken to in TLS from the first byte.
    pub(super) encrypted: bool,
    pub(super) login: Option<(String, String)>,
    pub(super) from: Mailbox,
    pub(super) to: Vec<Mailbox>,
    url: String,
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Channel");
        shown.field("name", &self.name).field("kinds", &self.kinds).field("projects", &self.projects);
        shown.field("target", &self.shown()).finish()
    }
}

impl Channel {
    /// A channel by mail, by a server at `smtp://` or `smtps://`, or what is wrong with it.
    pub fn email(name: &str, kinds: Vec<NotificationKind>, url: &str, from: &str, to: &[String]) -> Result<Self, String> {
        let mut server = mail_server(url)?;
        let mailbox =
            |what: &str, text: &str| text.parse::<Mailbox>().map_err(|_| format!("`{what}` has {text:?}, which is no mail address"));
        server.from = mailbox("from", from)?;
        server.to = to.iter().map(|text| mailbox("to", text)).collect::<Result<_, _>>()?;
        if server.to.is_empty() || server.to.len() > RECIPIENTS_MAX {
            return Err(format!("`to` names {} addresses, and has to name 1 to {RECIPIENTS_MAX}", server.to.len()));
        }
        Ok(Self::of(name, kinds, Target::Email(server)))
    }

    /// A channel by JSON that is signed with `secret`, or what is wrong with it.
    pub fn webhook(name: &str, kinds: Vec<NotificationKind>, url: &str, secret: &str) -> Result<Self, String> {
        let to = address(url).map_err(|why| format!("`url` {why}"))?;
        Ok(Self::of(name, kinds, Target::Webhook { to, url: url.to_owned(), secret: secret.to_owned() }))
    }

    /// A channel by what Slack's webhooks take, or what is wrong with it.
    pub fn slack(name: &str, kinds: Vec<NotificationKind>, url: &str) -> Result<Self, String> {
        let to = address(url).map_err(|why| format!("`url` {why}"))?;
        Ok(Self::of(name, kinds, Target::Slack { to, url: url.to_owned() }))
    }

    fn of(name: &str, kinds: Vec<NotificationKind>, target: Target) -> Self {
        Self { name: name.to_owned(), kinds, projects: Vec::new(), target }
    }

    /// The same, told of the work of these projects alone.
    #[must_use]
    pub fn only(self, projects: Vec<String>) -> Self {
        Self { projects, ..self }
    }

    /// How it speaks.
    pub const fn kind(&self) -> ChannelKind {
        match self.target {
            Target::Email(_) => ChannelKind::Email,
            Target::Webhook { .. } => ChannelKind::Webhook,
            Target::Slack { .. } => ChannelKind::Slack,
        }
    }

    /// Where it leads, without anything that is secret: of an address only its scheme and host.
    pub fn shown(&self) -> String {
        match &self.target {
            Target::Email(server) => {
                let to: Vec<String> = server.to.iter().map(|to| to.email.to_string()).collect();
                format!("{} → {}", server.place, to.join(", "))
            }
            Target::Webhook { to, .. } | Target::Slack { to, .. } => {
                format!("{}://{}", if to.encrypted { "https" } else { "http" }, to.authority)
            }
        }
    }

    /// What of it may not be stored or shown.
    pub fn secrets(&self) -> Vec<String> {
        match &self.target {
            Target::Email(server) => {
                let Some((_, password)) = &server.login else { return Vec::new() };
                vec![password.clone(), server.url.clone()]
            }
            // An address may stand in anybody's work; what it is asked with is the daemon's own.
            Target::Webhook { to, url, secret } => {
                let asked = to.target.contains('?').then(|| url.clone());
                [secret.clone()].into_iter().chain(asked).collect()
            }
            // Who knows the path may post; a short one is a word like others.
            Target::Slack { to, url } => {
                let path = Some(to.target.clone()).filter(|path| path.len() >= SECRET_PATH_MIN);
                [url.clone()].into_iter().chain(path).collect()
            }
        }
    }

    /// Whether it is told of such things of this project.
    pub(super) fn wants(&self, kind: NotificationKind, project: Option<&str>) -> bool {
        let of_kind = self.kinds.contains(&NotificationKind::NeedsYou) || self.kinds.contains(&kind);
        of_kind && project.is_none_or(|project| self.projects.is_empty() || self.projects.iter().any(|own| own == project))
    }
}

/// Takes the address of a mail server apart: `smtp://USER:PASSWORD@HOST:PORT`, user, password and port left out where there is none.
fn mail_server(url: &str) -> Result<MailServer, String> {
    let wrong = |why: &str| format!("`url` {why}");
    if url.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err(wrong("has a space or a control character"));
    }
    let (encrypted, rest) = match url.split_once("://") {
        Some(("smtps", rest)) => (true, rest),
        Some(("smtp", rest)) => (false, rest),
        _ => return Err(wrong("does not begin with smtp:// or smtps://")),
    };
    // A password may hold an unescaped `@`: what stands before the last one is the login.
    let (login, place) = rest.rsplit_once('@').map_or((None, rest), |(login, place)| (Some(login), place));
    let place = place.strip_suffix('/').unwrap_or(place);
    if place.contains(['/', '?', '#']) {
        return Err(wrong("has a path or options behind its host: name USER:PASSWORD@HOST:PORT and nothing else"));
    }
    let decoded = |text: &str| percent_decode_str(text).decode_utf8().map(String::from).map_err(|_| wrong("has a login that is not UTF-8"));
    let login = match login.map(|login| login.split_once(':')) {
        Some(Some((user, password))) if !user.is_empty() && !password.is_empty() => Some((decoded(user)?, decoded(password)?)),
        Some(_) => return Err(wrong("has a user without a password: name USER:PASSWORD@HOST, or the host alone")),
        None => None,
    };
    let usual = if encrypted { 465 } else { 587 };
    let (host, port) = match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, Some(usual)),
        Some((host, port)) => (host, port.strip_prefix(':').and_then(|port| port.parse().ok())),
        None => place.rsplit_once(':').map_or((place, Some(usual)), |(host, port)| (host, port.parse().ok())),
    };
    let Some(port) = port else { return Err(wrong("has a port that is no number from 0 to 65535")) };
    if host.is_empty() {
        return Err(wrong("names no host"));
    }
    // They are named after this.
    let nobody = Mailbox::new(None, lettre::Address::new("nobody", "localhost").map_err(|e| e.to_string())?);
    Ok(MailServer { place: Place::new(host, port), encrypted, login, from: nobody, to: Vec::new(), url: url.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email(url: &str) -> Result<Channel, String> {
        Channel::email("ops", Vec::new(), url, "Windlass <windlass@example.org>", &["ann@example.org".to_owned()])
    }

    #[test]
    fn a_mail_server_is_named_by_scheme_login_host_and_port() {
        let of = |url: &str| match email(url).unwrap().target {
            Target::Email(server) => (server.place.to_string(), server.encrypted, server.login),
            Target::Webhook { .. } | Target::Slack { .. } => unreachable!(),
        };
        assert_eq!(of("smtp://mail.test"), ("mail.test:587".to_owned(), false, None));
        assert_eq!(of("smtps://[::1]/"), ("[::1]:465".to_owned(), true, None));
        let login = Some(("ann@x".to_owned(), "p@ss:w".to_owned()));
        assert_eq!(of("smtp://ann%40x:p@ss:w@Mail.test:25"), ("mail.test:25".to_owned(), false, login));
        for wrong in ["http://mail.test", "smtp://", "smtp://ann@mail.test", "smtp://mail.test:x", "smtp://mail.test/inbox", "smtp://a b"] {
            assert!(email(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_channel_of_some_projects_is_told_of_their_work_and_of_what_is_of_none() {
        let kinds = vec![NotificationKind::Dead];
        let all = Channel::slack("chat", kinds, "https://hooks.test/").unwrap();
        assert!(all.wants(NotificationKind::Dead, Some("shop")) && !all.wants(NotificationKind::Breaker, None));
        let shop = all.only(vec!["shop".to_owned()]);
        let told = [Some("shop"), Some("billing"), None].map(|project| shop.wants(NotificationKind::Dead, project));
        assert_eq!(told, [true, false, true]);
    }

    #[test]
    fn the_pages_address_is_a_scheme_and_a_host() {
        assert_eq!(PageUrl::parse("https://w.test:8443/").unwrap().at("/inbox"), "https://w.test:8443/inbox");
        for wrong in ["w.test", "https://w.test/sub", "https://w.test/?a", "https://ann@w.test", "javascript:alert(1)", "https://w.test/#x"]
        {
            assert!(PageUrl::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn nothing_that_is_printed_of_a_channel_holds_its_secrets() {
        let all = [
            email("smtp://ann:swordfish-1@mail.test:25").unwrap(),
            Channel::slack("chat", Vec::new(), "https://hooks.test/services/T0/B0/swordfish-2").unwrap(),
            Channel::webhook("own", Vec::new(), "https://own.test/in?key=swordfish-3", "swordfish-4").unwrap(),
        ];
        let shown: Vec<String> = all.iter().map(Channel::shown).collect();
        assert_eq!(shown, ["mail.test:25 → ann@example.org", "https://hooks.test", "https://own.test"]);
        assert!(!format!("{all:?}").contains("swordfish"));
        assert!(all.iter().all(|channel| channel.secrets().iter().all(|secret| secret.contains("swordfish"))));
    }
}
