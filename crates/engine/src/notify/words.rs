//! What a message says. What it is about was written by strangers: each piece is one line without control characters and what turns the
//! direction of writing, bounded, and in Slack's words plain text that mentions nobody.

use serde::Serialize;
use windlass_store::DueNotification;
use windlass_types::{NotificationKind, Timestamp, one_line};

/// How many things a message to people tells of; it counts the rest.
pub(super) const LISTED_MAX: usize = 10;
/// How many things a message to a program holds; it counts the rest.
pub(super) const POSTED_MAX: usize = 50;
/// The longest subject, in characters.
const SUBJECT_MAX: usize = 150;
/// The longest piece of a text, in characters.
const PIECE_MAX: usize = 500;

/// What one message tells.
pub(super) struct Bundle {
    /// What it tells of.
    pub(super) listed: Vec<DueNotification>,
    /// How much more there is.
    pub(super) more: usize,
}

impl Bundle {
    /// The first of what is due, each piece on one line.
    pub(super) fn of(due: &[DueNotification], max: usize, clean: impl Fn(&str) -> String) -> Self {
        let piece = |text: &str| one_line(&clean(text), PIECE_MAX);
        let listed: Vec<_> = due
            .iter()
            .take(max)
            .map(|one| {
                let mut one = one.clone();
                one.told.title = piece(&one.told.title);
                one.told.why = piece(&one.told.why);
                one.told.action = one.told.action.as_deref().map(piece);
                one
            })
            .collect();
        Self { more: due.len() - listed.len(), listed }
    }

    /// One line that says what it is about.
    pub(super) fn subject(&self) -> String {
        let text = match self.listed.as_slice() {
            [one] if self.more == 0 => format!("[windlass] {}: {}", one.kind.words(), one.told.title),
            all => format!("[windlass] {} things need you", all.len() + self.more),
        };
        one_line(&text, SUBJECT_MAX)
    }

    /// The whole of it, for people.
    pub(super) fn text(&self) -> String {
        let mut paragraphs: Vec<String> = self.listed.iter().map(paragraph).collect();
        if self.more > 0 {
            paragraphs.push(format!("and {} more: windlass open shows them all", self.more));
        }
        paragraphs.join("\n\n") + "\n"
    }

    /// What Slack reads: no piece of it is a link, a mention or a command.
    pub(super) fn slack(&self) -> String {
        let text = format!("{}\n\n{}", self.subject(), self.text());
        // A name behind an `@` calls people where a receiver reads it so; behind what nobody sees it does not.
        let plain = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('@', "@\u{200b}").replace("://", "[:]//");
        serde_json::json!({ "text": plain }).to_string()
    }

    /// What a program reads.
    pub(super) fn json(&self, event: &str, delivery: &str, at: Timestamp) -> Result<String, serde_json::Error> {
        let notifications = self
            .listed
            .iter()
            .map(|one| Item {
                key: &one.key,
                kind: one.kind,
                title: &one.told.title,
                why: &one.told.why,
                action: one.told.action.as_deref(),
                since: one.told.since,
                project: one.told.project.as_deref(),
                assignment_id: one.told.assignment_id.map(|id| id.to_string()),
                job_id: one.told.job_id.map(|id| id.to_string()),
            })
            .collect();
        serde_json::to_string(&Body { event, delivery_id: delivery, timestamp: at, notifications, more: self.more })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    event: &'a str,
    delivery_id: &'a str,
    timestamp: Timestamp,
    notifications: Vec<Item<'a>>,
    /// How many there are beside these.
    more: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    key: &'a str,
    kind: NotificationKind,
    title: &'a str,
    why: &'a str,
    action: Option<&'a str>,
    since: Timestamp,
    project: Option<&'a str>,
    assignment_id: Option<String>,
    job_id: Option<String>,
}

fn paragraph(one: &DueNotification) -> String {
    let told = &one.told;
    let project = told.project.as_ref().map(|project| format!(" ({project})")).unwrap_or_default();
    let mut lines = vec![format!("{}{project}", told.title), format!("  {} since {}: {}", one.kind.words(), told.since, told.why)];
    lines.extend(told.action.as_ref().map(|action| format!("  to do: {action}")));
    let id = told.job_id.map(|id| id.to_string()).or_else(|| told.assignment_id.map(|id| id.to_string()));
    lines.extend(id.map(|id| format!("  more: windlass explain {id}")));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_types::Told;

    fn due(title: &str) -> DueNotification {
        DueNotification {
            id: "i".to_owned(),
            key: "k".to_owned(),
            kind: NotificationKind::Dead,
            told: Told {
                title: title.to_owned(),
                why: "two attempts failed".to_owned(),
                action: Some("look\nat it".to_owned()),
                since: Timestamp(0),
                project: Some("shop".to_owned()),
                assignment_id: None,
                job_id: None,
            },
            tries: 0,
        }
    }

    fn bundle(all: &[DueNotification]) -> Bundle {
        Bundle::of(all, LISTED_MAX, str::to_owned)
    }

    #[test]
    fn a_hostile_title_adds_no_line_and_turns_no_direction() {
        let one = bundle(&[due("fix it\r\nBcc: eve@example.org\r\n\r\n.\r\n\u{202e}gpj.exe\u{1b}[31m")]);
        assert_eq!(one.subject(), "[windlass] out of retries: fix it Bcc: eve@example.org . gpj.exe");
        assert_eq!(one.text().lines().count(), 3, "{}", one.text());
        assert!(one.text().contains("to do: look at it"), "{}", one.text());
        assert!(bundle(&[due(&"x".repeat(9_000))]).subject().chars().count() <= SUBJECT_MAX);
    }

    #[test]
    fn slack_is_told_in_words_that_call_nobody() {
        let text = bundle(&[due("<!channel> & <https://evil.test|click> @here <@U1>")]).slack();
        assert!(!text.contains(['<', '>']) && !text.contains("@here") && !text.contains("@U1"), "{text}");
        assert!(text.contains("&lt;!channel&gt; &amp; "), "{text}");
    }

    #[test]
    fn of_many_the_first_are_told_and_the_rest_counted() {
        let many: Vec<_> = (0..500).map(|n| due(&format!("goal {n}."))).collect();
        let bundle = bundle(&many);
        assert_eq!(bundle.subject(), "[windlass] 500 things need you");
        assert!(bundle.text().contains("goal 9.") && !bundle.text().contains("goal 10."));
        assert!(bundle.text().ends_with("and 490 more: windlass open shows them all\n"));
    }
}
