//! What a message says. What it is about was written by strangers: each piece is one line without control characters and what turns the
//! direction of writing, bounded, and in Slack's words plain text that mentions nobody.

use serde::Serialize;
use windlass_store::DueNotification;
use windlass_types::{NotificationKind, Timestamp, one_line};

use super::channel::PageUrl;

/// How many things a message to people tells of; it counts the rest.
pub(super) const LISTED_MAX: usize = 10;
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
    /// Where it is to be seen.
    page: Option<PageUrl>,
}

impl Bundle {
    /// The first of what is due, each piece on one line.
    pub(super) fn of(due: &[DueNotification], max: usize, page: Option<PageUrl>, clean: impl Fn(&str) -> String) -> Self {
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
        Self { more: due.len() - listed.len(), listed, page }
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
        self.text_of(str::to_owned)
    }

    /// The same, with what was not written here made plain; the links to the page stay links.
    fn text_of(&self, plain: impl Fn(&str) -> String) -> String {
        let mut paragraphs: Vec<String> = self.listed.iter().map(|one| plain(&paragraph(one)) + &self.link(&place_of(one))).collect();
        if self.more > 0 {
            let link = self.link(INBOX);
            let all = if link.is_empty() { ": windlass open shows them all" } else { &link };
            paragraphs.push(format!("and {} more{all}", self.more));
        }
        paragraphs.join("\n\n") + "\n"
    }

    /// A line with the link to a place of the page, where its address is known.
    fn link(&self, path: &str) -> String {
        self.page.as_ref().map(|page| format!("\n  {}", page.at(path))).unwrap_or_default()
    }

    /// What Slack reads: no piece of it is a link, a mention or a command.
    pub(super) fn slack(&self) -> String {
        // A name behind an `@` calls people where a receiver reads it so; behind what nobody sees it does not.
        let escaped = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let plain = |text: &str| escaped(text).replace('@', "@\u{200b}").replace("://", "[:]//");
        serde_json::json!({ "text": format!("{}\n\n{}", plain(&self.subject()), self.text_of(plain)) }).to_string()
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
                url: self.page.as_ref().map(|page| page.at(&place_of(one))),
            })
            .collect();
        serde_json::to_string(&Body { event, delivery_id: delivery, timestamp: at, notifications })
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    event: &'a str,
    delivery_id: &'a str,
    timestamp: Timestamp,
    notifications: Vec<Item<'a>>,
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
    /// Where the page shows it.
    url: Option<String>,
}

/// The page of all that needs somebody.
const INBOX: &str = "/inbox";

/// Where the page shows it.
fn place_of(one: &DueNotification) -> String {
    match (one.told.job_id, one.told.assignment_id) {
        (_, Some(assignment)) => format!("/assignments/{assignment}"),
        (Some(job), None) => format!("/jobs/{job}"),
        (None, None) => INBOX.to_owned(),
    }
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
        Bundle::of(all, LISTED_MAX, None, str::to_owned)
    }

    #[test]
    fn with_the_pages_address_each_thing_has_its_link_which_alone_is_one_in_a_chat() {
        let mut one = due("see https://evil.test");
        one.told.job_id = Some("job_0199aaaa00007000800000000000000a".parse().unwrap());
        let page = PageUrl::parse("https://w.test").ok();
        let bundle = Bundle::of(&vec![one; 12], LISTED_MAX, page, str::to_owned);
        let link = "https://w.test/jobs/job_0199aaaa00007000800000000000000a";
        assert_eq!(bundle.text().matches(link).count(), 10, "{}", bundle.text());
        assert!(bundle.text().ends_with("and 2 more\n  https://w.test/inbox\n"), "{}", bundle.text());
        assert!(bundle.slack().contains(link) && !bundle.slack().contains("https://evil"), "{}", bundle.slack());
        let json = bundle.json("notification", "d", Timestamp(0)).unwrap();
        assert!(json.contains(&format!("\"url\":\"{link}\"")), "{json}");
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
