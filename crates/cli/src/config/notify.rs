//! Who is told what needs a person: the channels of `[notify]`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use windlass_engine::{Channel, ChannelKind, NotifyConfig, PageUrl};
use windlass_types::{NotificationKind, is_valid_name};

use super::check;
use super::layers::Layers;
use super::raw::RawFile;
use crate::failure::{CliError, Result};

/// Shorter secrets are guessed.
const SECRET_MIN: usize = 16;

/// `[notify]`: who need not be on the public internet, and a table for each channel.
#[derive(Debug, Clone, Default)]
pub(crate) struct RawNotify {
    pub(crate) allow: Vec<String>,
    pub(crate) page_url: Option<String>,
    pub(crate) channels: BTreeMap<String, RawChannel>,
}

impl<'de> Deserialize<'de> for RawNotify {
    /// Key by key, so that what is wrong is told with its line.
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        struct Table;
        impl<'de> Visitor<'de> for Table {
            type Value = RawNotify;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of channels")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<RawNotify, A::Error> {
                let mut read = RawNotify::default();
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "allow" => read.allow = map.next_value()?,
                        "page_url" => read.page_url = map.next_value()?,
                        _ => drop(read.channels.insert(key, map.next_value()?)),
                    }
                }
                Ok(read)
            }
        }
        from.deserialize_map(Table)
    }
}

/// `[notify.NAME]`.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RawChannel {
    pub(crate) kind: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) url_file: Option<PathBuf>,
    pub(crate) from: Option<String>,
    pub(crate) to: Vec<String>,
    pub(crate) secret: Option<String>,
    pub(crate) secret_file: Option<PathBuf>,
    pub(crate) kinds: Option<Vec<String>>,
    pub(crate) projects: Vec<String>,
}

impl fmt::Debug for RawChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawChannel").field("kind", &self.kind).field("kinds", &self.kinds).finish_non_exhaustive()
    }
}

pub(super) fn read(l: &mut Layers<'_>, raw: &RawFile) -> Result<NotifyConfig> {
    let given = Some(raw.notify.allow.clone()).filter(|allow| !allow.is_empty());
    let allow = l.pick("notify.allow", &[], None, given, Vec::new())?;
    check::places("notify.allow", &allow)?;
    let page_url = l.given("notify.page_url", &[], None, raw.notify.page_url.clone())?;
    let page_url = page_url.map(|url| {
        let read = PageUrl::parse(&url);
        read.map_err(|why| {
            CliError::usage(format!("`notify.page_url` {why}")).hint("give the page's address: https://windlass.example.org")
        })
    });
    let page_url = page_url.transpose()?;
    let channels = raw.notify.channels.iter().map(|(name, raw)| channel(l, name, raw)).collect::<Result<_>>()?;
    Ok(NotifyConfig { allow, page_url, channels })
}

fn channel(l: &mut Layers<'_>, name: &str, raw: &RawChannel) -> Result<Channel> {
    if !is_valid_name(name) {
        return Err(CliError::usage(format!("[notify.{name}]: {name:?} cannot be a channel's name"))
            .hint("a name is a letter or digit and then letters, digits, dots, dashes and underscores"));
    }
    let key = |key: &str| format!("notify.{name}.{key}");
    let wrong = |at: &str, why: &str| CliError::usage(format!("`{}` {why}", key(at)));
    let kind = l.given(&key("kind"), &[], None, raw.kind.clone())?;
    let kind = kind.ok_or_else(|| wrong("kind", "is not given").hint("say how it speaks: email, webhook or slack"))?;
    let kind: ChannelKind = kind.parse().map_err(|e: windlass_types::UnknownWord| wrong("kind", &format!("is wrong: {e}")))?;
    let kinds = l.pick(&key("kinds"), &[], None, raw.kinds.clone(), vec![NotificationKind::NeedsYou.to_string()])?;
    let kinds: Vec<NotificationKind> = kinds
        .iter()
        .map(|word| word.parse().map_err(|e: windlass_types::UnknownWord| wrong("kinds", &format!("is wrong: {e}"))))
        .collect::<Result<_>>()?;
    if kinds.is_empty() {
        return Err(wrong("kinds", "is empty, so it would be told of nothing").hint("name some kinds, or leave it out: all that needs you"));
    }
    let projects = Some(raw.projects.clone()).filter(|projects| !projects.is_empty());
    let projects = l.given(&key("projects"), &[], None, projects)?.unwrap_or_default();
    if let Some(odd) = projects.iter().find(|project| !is_valid_name(project)) {
        return Err(wrong("projects", &format!("has {odd:?}, which cannot be a project's name")));
    }
    let url = secret(l, &key("url"), raw.url.as_ref(), raw.url_file.as_ref())?;
    let url = url.ok_or_else(|| wrong("url", "is not given").hint(url_hint(kind)))?;
    let odd: &[(&str, bool)] = &[
        ("from", raw.from.is_some() && kind != ChannelKind::Email),
        ("to", !raw.to.is_empty() && kind != ChannelKind::Email),
        ("secret", raw.secret.is_some() && kind != ChannelKind::Webhook),
        ("secret_file", raw.secret_file.is_some() && kind != ChannelKind::Webhook),
    ];
    if let Some((odd, _)) = odd.iter().find(|(_, is_odd)| *is_odd) {
        return Err(wrong(odd, &format!("is not for a channel of kind {kind}")).hint("leave it out"));
    }
    let channel = match kind {
        ChannelKind::Email => {
            let from = l.given(&key("from"), &[], None, raw.from.clone())?;
            let from = from.ok_or_else(|| wrong("from", "is not given").hint("give the address that mails come from"))?;
            let to = l.given(&key("to"), &[], None, Some(raw.to.clone()).filter(|to| !to.is_empty()))?;
            let to = to.ok_or_else(|| wrong("to", "names nobody").hint("give the addresses that are told: to = [\"ann@example.org\"]"))?;
            Channel::email(name, kinds, &url, &from, &to)
        }
        ChannelKind::Webhook => {
            let signing = secret(l, &key("secret"), raw.secret.as_ref(), raw.secret_file.as_ref())?;
            let signing = signing.ok_or_else(|| {
                wrong("secret", "is not given").hint("give what messages are signed with, or a file with it in secret_file")
            })?;
            if signing.len() < SECRET_MIN {
                return Err(wrong("secret", &format!("has fewer than {SECRET_MIN} bytes")).hint("use a long random one"));
            }
            Channel::webhook(name, kinds, &url, &signing)
        }
        ChannelKind::Slack => Channel::slack(name, kinds, &url),
    };
    let channel = channel.map_err(|why| CliError::usage(format!("[notify.{name}]: {why}")).hint(url_hint(kind)))?;
    if let Some(shown) = l.shown.iter_mut().find(|shown| shown.key == key("url")) {
        shown.value = channel.shown().into();
    }
    Ok(channel.only(projects))
}

/// What may stand in the file or in one of its own. It is not shown.
fn secret(l: &mut Layers<'_>, key: &str, given: Option<&String>, file: Option<&PathBuf>) -> Result<Option<String>> {
    if given.is_some() && file.is_some() {
        return Err(CliError::usage(format!("`{key}_file` is given and `{key}` too")).hint("keep one of them"));
    }
    let file = if file.is_some() { l.given(&format!("{key}_file"), &[], None, file.cloned())? } else { None };
    let value = match file {
        Some(file) => Some(super::secret_file::read(&format!("{key}_file"), &super::settings::absolute(&file)?)?),
        None => given.cloned(),
    };
    l.given(key, &[], None, value.clone())?;
    if let (Some(shown), true) = (l.shown.last_mut(), value.is_some()) {
        shown.value = "***".into();
    }
    Ok(value)
}

const fn url_hint(kind: ChannelKind) -> &'static str {
    match kind {
        ChannelKind::Email => "url = \"smtps://USER:PASSWORD@HOST:PORT\" or smtp://…, from = \"…\", to = [\"…\"]",
        ChannelKind::Webhook | ChannelKind::Slack => "url = \"https://HOST/PATH\", or a file with it in url_file",
    }
}

#[cfg(test)]
mod tests {
    use super::super::env::Env;
    use super::super::settings::{Flags, Settings};

    fn load(table: &str) -> crate::failure::Result<Settings> {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("w.toml");
        std::fs::write(&file, table).unwrap();
        let home = dir.path().display().to_string();
        let flags = Flags { config: Some(file), ..Flags::default() };
        Settings::load(&flags, &Env::of(&[("HOME", &home)]))
    }

    const MAIL: &str =
        "[notify.ops]\nkind = \"email\"\nurl = \"smtps://ann:swordfish-of-ann@mail.test\"\nfrom = \"w@x.test\"\nto = [\"ann@x.test\"]\n";

    #[test]
    fn channels_are_read_and_shown_without_their_secrets() {
        let chat =
            "[notify.chat]\nkind = \"slack\"\nurl = \"https://hooks.test/services/swordfish-of-chat\"\nkinds = [\"dead\", \"breaker\"]\n";
        let own = "[notify.own]\nkind = \"webhook\"\nurl = \"http://own.test/?k=swordfish\"\nsecret = \"swordfish-of-the-webhook\"\n";
        let settings =
            load(&format!("[notify]\nallow = [\"own.test:80\"]\npage_url = \"https://w.test/\"\n{MAIL}projects = [\"shop\"]\n{chat}{own}"));
        let settings = settings.unwrap();
        assert_eq!(settings.notify.channels.len(), 3);
        assert_eq!(settings.notify.page_url.as_ref().map(ToString::to_string).as_deref(), Some("https://w.test"));
        assert!(settings.notify.channels.iter().any(|channel| channel.name == "ops" && channel.projects == ["shop"]));
        let shown = format!("{:?} {:?} {:?}", settings.shown, settings.notify, settings.warnings);
        assert!(!shown.contains("swordfish"), "{shown}");
        let url = settings.shown.iter().find(|s| s.key == "notify.ops.url").map(|s| s.value.clone());
        assert_eq!(url, Some("mail.test:465 → ann@x.test".into()));
    }

    #[test]
    fn each_mistake_is_named_with_what_to_do_and_without_a_secret() {
        let slack = |more: &str| format!("[notify.chat]\nkind = \"slack\"\n{more}");
        for (table, said) in [
            ("[notify.a]\nurl = \"https://x.test\"\n".to_owned(), "`notify.a.kind` is not given"),
            ("[notify.a]\nkind = \"pigeon\"\n".to_owned(), "`notify.a.kind` is wrong"),
            (slack(""), "`notify.chat.url` is not given"),
            (slack("url = \"ftp://swordfish.test\"\n"), "does not begin with https:// or http://"),
            (slack("url = \"https://x.test\"\nkinds = [\"lunch\"]\n"), "`notify.chat.kinds` is wrong"),
            (slack("url = \"https://x.test\"\nkinds = []\n"), "`notify.chat.kinds` is empty"),
            (
                slack("url = \"https://x.test\"\nsecret = \"swordfish-swordfish\"\n"),
                "`notify.chat.secret` is not for a channel of kind slack",
            ),
            (slack("url = \"https://x.test\"\nurl_file = \"/x\"\n"), "`notify.chat.url_file` is given and"),
            (MAIL.replace("to = [\"ann@x.test\"]\n", ""), "`notify.ops.to` names nobody"),
            (MAIL.replace("ann@x.test", "ann"), "is no mail address"),
            (MAIL.replace("from = \"w@x.test\"\n", ""), "`notify.ops.from` is not given"),
            (MAIL.replace("smtps://", "smtps:/"), "does not begin with smtp:// or smtps://"),
            ("[notify.a]\nkind = \"webhook\"\nurl = \"https://x.test\"\n".to_owned(), "`notify.a.secret` is not given"),
            ("[notify.a]\nkind = \"webhook\"\nurl = \"https://x.test\"\nsecret = \"swordfish\"\n".to_owned(), "fewer than 16 bytes"),
            ("[notify]\nallow = [\"x\"]\n".to_owned(), "notify.allow has \"x\""),
            ("[notify]\npage_url = \"https://x.test/sub\"\n".to_owned(), "`notify.page_url` has a path"),
            (slack("url = \"https://x.test\"\nprojects = [\"a b\"]\n"), "`notify.chat.projects` has \"a b\""),
            ("[notify.\"a b\"]\nkind = \"slack\"\n".to_owned(), "cannot be a channel's name"),
        ] {
            let error = load(&table).unwrap_err();
            assert!(error.message.contains(said), "{said}: {}", error.message);
            assert!(!format!("{error:?}").contains("swordfish"), "{error:?}");
        }
        let settings = load(&format!("{MAIL}knds = [\"dead\"]\n")).unwrap();
        assert!(settings.warnings.iter().any(|w| w.contains("unknown key `notify.ops.knds`")), "{:?}", settings.warnings);
        assert!(load("[notify.a]\nkind = 3\n").unwrap_err().message.contains("w.toml:2"));
    }
}
