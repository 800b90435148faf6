//! What agents are seen to do, whether their stream told it or a hook of theirs.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Timestamp;

/// The longest summary of an activity, in characters.
pub const SUMMARY_MAX: usize = 300;
/// The longest name of a tool, in characters.
const NAME_MAX: usize = 100;
/// The longest id of a tool call, in characters.
const CALL_MAX: usize = 200;
/// The most tool calls of one session that are known to be under way.
const OPEN_MAX: usize = 64;
/// The most tool calls of one session that are known to have ended: the newest.
const ENDED_MAX: usize = 128;
/// A tool that nobody named.
const UNNAMED: &str = "unknown";

/// What an agent did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ActivityKind {
    /// Its session began, or went on after an end.
    SessionStart,
    /// It was asked something.
    Prompt,
    /// A tool call began.
    ToolStart,
    /// A tool call ended.
    ToolEnd,
    /// It said something.
    Message,
    /// It met trouble, or wants to be noticed.
    Notice,
    /// A subagent of its began.
    SubagentStart,
    /// A subagent of its ended.
    SubagentEnd,
    /// It has answered, and does nothing more of itself.
    Stop,
    /// Its session ended.
    SessionEnd,
}

impl ActivityKind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::SessionStart,
        Self::Prompt,
        Self::ToolStart,
        Self::ToolEnd,
        Self::Message,
        Self::Notice,
        Self::SubagentStart,
        Self::SubagentEnd,
        Self::Stop,
        Self::SessionEnd,
    ];

    /// The word for it everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SessionStart => "session_start",
            Self::Prompt => "prompt",
            Self::ToolStart => "tool_start",
            Self::ToolEnd => "tool_end",
            Self::Message => "message",
            Self::Notice => "notice",
            Self::SubagentStart => "subagent_start",
            Self::SubagentEnd => "subagent_end",
            Self::Stop => "stop",
            Self::SessionEnd => "session_end",
        }
    }
}

crate::text_enum!(ActivityKind, "activity kind");

/// One thing an agent did, as it is kept and shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Activity {
    /// Its number in the session, from 1 up. The oldest of a long session are not kept.
    pub number: i64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: ActivityKind,
    /// The tool, of a tool call.
    pub tool: Option<String>,
    /// About what, in one line of at most 300 characters.
    pub summary: String,
    /// Whether a tool call that ended, or an answer, was a success, where that is known.
    pub ok: Option<bool>,
    /// How long a tool call took, in milliseconds, where that is known.
    pub duration_ms: Option<i64>,
}

/// One thing an agent did, as it is told: not numbered, its texts of any length.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActivityNote {
    /// How long ago it was, in milliseconds.
    pub ms_ago: i64,
    /// What.
    pub kind: ActivityKind,
    /// The tool, where it is told.
    pub tool: Option<String>,
    /// The id of the tool call, where it has one: by it an end finds its beginning.
    pub call: Option<String>,
    /// About what. A call that ended without a word of its own is about what it began with.
    pub summary: String,
    /// Whether it was a success, where that is told.
    pub ok: Option<bool>,
    /// How long it took, in milliseconds, where that is told.
    pub duration_ms: Option<i64>,
    /// An end that counts only when no other has been told: by it an agent says what became of all its calls.
    pub only_if_open: bool,
}

impl ActivityNote {
    /// Something that happens now.
    pub fn new(kind: ActivityKind, summary: impl Into<String>) -> Self {
        Self { ms_ago: 0, kind, tool: None, call: None, summary: summary.into(), ok: None, duration_ms: None, only_if_open: false }
    }

    /// A tool call that begins now.
    pub fn tool_start(tool: impl Into<String>, call: Option<String>, summary: impl Into<String>) -> Self {
        Self { tool: Some(tool.into()), call, ..Self::new(ActivityKind::ToolStart, summary) }
    }

    /// A tool call that ended now.
    pub fn tool_end(tool: Option<String>, call: Option<String>, ok: bool, summary: impl Into<String>) -> Self {
        Self { tool, call, ok: Some(ok), ..Self::new(ActivityKind::ToolEnd, summary) }
    }
}

/// A tool call under way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenTool {
    /// The id of the call, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<String>,
    /// The tool.
    pub name: String,
    /// About what.
    pub summary: String,
    /// Since when, in milliseconds since 1970.
    pub since_ms: i64,
}

/// What is known of a session from its activities so far. [`SessionTally::take`], and [`SessionTally::take_once`] over it, is the only
/// rule by which it changes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SessionTally {
    /// How many activities there were.
    pub activities: i64,
    /// The tool calls under way, in the order in which they began.
    pub open: Vec<OpenTool>,
    /// The ids of tool calls that have ended, as far as [`SessionTally::take_once`] took them; at most 128, the newest last.
    pub ended: Vec<String>,
    /// What it did last, in words.
    pub last_activity: String,
    /// What it is about: the first line that it was asked, where nobody gave it another title.
    pub title: Option<String>,
    /// How many tool calls ended.
    pub tools_used: i64,
    /// How many of them failed.
    pub tools_failed: i64,
    /// Of how many it is known how long they took.
    pub tools_timed: i64,
    /// How long those took together, in milliseconds.
    pub tools_ms: i64,
}

impl SessionTally {
    /// The same as [`SessionTally::take`] for what may be told twice, as by an agent that has a hook in two places: a tool call that has
    /// ended is not taken again. Not for a stream: there an id may come again and mean another call.
    pub fn take_once(&mut self, at: Timestamp, note: &ActivityNote) -> Option<Activity> {
        let call = note.call.as_deref().map(bounded_call);
        if call.as_ref().is_some_and(|call| self.ended.contains(call)) {
            return None;
        }
        let taken = self.take(at, note)?;
        if let Some(call) = call.filter(|_| note.kind == ActivityKind::ToolEnd) {
            let surplus = (self.ended.len() + 1).saturating_sub(ENDED_MAX);
            self.ended.drain(..surplus);
            self.ended.push(call);
        }
        Some(taken)
    }

    /// Counts what an agent did at `at`, and gives it as it is kept; `None` for what was told before.
    pub fn take(&mut self, at: Timestamp, note: &ActivityNote) -> Option<Activity> {
        let mut summary = one_line(&note.summary, SUMMARY_MAX);
        let call = note.call.as_deref().map(bounded_call);
        let named = note.tool.as_deref().map(|tool| one_line(tool, NAME_MAX)).filter(|tool| !tool.is_empty());
        let (mut tool, mut duration_ms) = (named.clone(), note.duration_ms.map(|ms| ms.max(0)));
        match note.kind {
            ActivityKind::ToolStart => {
                if call.is_some() && self.open.iter().any(|open| open.call == call) {
                    return None;
                }
                if self.open.len() >= OPEN_MAX {
                    self.open.remove(0);
                }
                let name = named.unwrap_or_else(|| UNNAMED.to_owned());
                tool = Some(name.clone());
                self.open.push(OpenTool { call, name, summary: summary.clone(), since_ms: at.0 });
            }
            ActivityKind::ToolEnd => {
                let is_it = |open: &OpenTool| match &call {
                    Some(_) => open.call == call,
                    None => open.call.is_none() && named.as_deref().is_none_or(|name| open.name == name),
                };
                let began = self.open.iter().position(is_it).map(|index| self.open.remove(index));
                if began.is_none() && note.only_if_open {
                    return None;
                }
                if let Some(began) = began {
                    tool = Some(began.name);
                    duration_ms = duration_ms.or_else(|| Some(at.0.saturating_sub(began.since_ms).max(0)));
                    if summary.is_empty() {
                        summary = began.summary;
                    }
                }
                tool.get_or_insert_with(|| UNNAMED.to_owned());
                self.tools_used = self.tools_used.saturating_add(1);
                self.tools_failed = self.tools_failed.saturating_add(i64::from(note.ok == Some(false)));
                if let Some(ms) = duration_ms {
                    self.tools_timed = self.tools_timed.saturating_add(1);
                    self.tools_ms = self.tools_ms.saturating_add(ms);
                }
            }
            ActivityKind::Prompt => {
                self.open.clear();
                if self.title.is_none() && !summary.is_empty() {
                    self.title = Some(summary.clone());
                }
            }
            // What is still open then was broken off or goes on unseen; should its end be told, it counts.
            ActivityKind::Stop | ActivityKind::SessionEnd => self.open.clear(),
            ActivityKind::SessionStart
            | ActivityKind::Message
            | ActivityKind::Notice
            | ActivityKind::SubagentStart
            | ActivityKind::SubagentEnd => {}
        }
        self.activities = self.activities.saturating_add(1);
        let activity = Activity { number: self.activities, at, kind: note.kind, tool, summary, ok: note.ok, duration_ms };
        self.last_activity = activity.words();
        Some(activity)
    }
}

fn bounded_call(call: &str) -> String {
    call.chars().take(CALL_MAX).collect()
}

impl Activity {
    /// What it was, in words for people.
    fn words(&self) -> String {
        let tool = self.tool.as_deref().unwrap_or(UNNAMED);
        let what = match self.kind {
            ActivityKind::SessionStart => "the session began".to_owned(),
            ActivityKind::Prompt => "was asked".to_owned(),
            ActivityKind::ToolStart => tool.to_owned(),
            ActivityKind::ToolEnd if self.ok == Some(false) => format!("{tool} failed"),
            ActivityKind::ToolEnd => format!("{tool} ended"),
            ActivityKind::Message => "said".to_owned(),
            ActivityKind::Notice => "notice".to_owned(),
            ActivityKind::SubagentStart => "a subagent began".to_owned(),
            ActivityKind::SubagentEnd => "a subagent ended".to_owned(),
            ActivityKind::Stop if self.ok == Some(false) => "stopped by a failure".to_owned(),
            ActivityKind::Stop => "has answered".to_owned(),
            ActivityKind::SessionEnd => "the session ended".to_owned(),
        };
        if self.summary.is_empty() { what } else { one_line(&format!("{what}: {}", self.summary), SUMMARY_MAX) }
    }
}

/// A text on one line of at most `max` characters, without control characters, a terminal's colours, and what turns the direction of
/// writing.
pub fn one_line(text: &str, max: usize) -> String {
    let mut line = String::new();
    let mut length = 0;
    let mut gap = false;
    // Whatever it is, no more of it is looked at than a line can need.
    let mut chars = text.chars().take(max.saturating_mul(16)).peekable();
    while let Some(c) = chars.next() {
        if c == '\u{1b}' && chars.next_if_eq(&'[').is_some() {
            // A terminal's colours and movements.
            while chars.next_if(|c| !('@'..='~').contains(c)).is_some() {}
            chars.next();
            continue;
        }
        let is_turn = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if c.is_whitespace() || c.is_control() || is_turn {
            gap = gap || c.is_whitespace() || c.is_control();
            continue;
        }
        if gap && length > 0 {
            line.push(' ');
            length += 1;
        }
        gap = false;
        if length >= max {
            return line.chars().take(max.saturating_sub(1)).chain(['…']).collect();
        }
        line.push(c);
        length += 1;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Timestamp = Timestamp(1_000_000);

    fn start(call: &str) -> ActivityNote {
        ActivityNote::tool_start("Bash", Some(call.to_owned()), "ls\n-l")
    }

    fn end(call: &str, ok: bool) -> ActivityNote {
        ActivityNote::tool_end(None, Some(call.to_owned()), ok, "")
    }

    #[test]
    fn a_tool_call_is_counted_once_when_it_ends_with_how_long_it_took() {
        let mut tally = SessionTally::default();
        assert_eq!(tally.take(AT, &start("1")).unwrap().summary, "ls -l");
        assert_eq!(tally.take(AT, &start("1")), None, "it was told before");
        assert_eq!((tally.open.len(), tally.tools_used), (1, 0));
        let ended = tally.take(AT.plus_ms(250), &end("1", true)).unwrap();
        assert_eq!((ended.tool.as_deref(), ended.duration_ms, ended.summary.as_str()), (Some("Bash"), Some(250), "ls -l"));
        assert_eq!((tally.open.len(), tally.tools_used, tally.tools_failed, tally.tools_ms), (0, 1, 0, 250));
        assert_eq!(tally.last_activity, "Bash ended: ls -l");
    }

    #[test]
    fn a_tool_call_that_is_told_twice_counts_once_and_what_is_remembered_has_a_bound() {
        let mut tally = SessionTally::default();
        let told = [start("1"), start("1"), end("1", true), end("1", true), start("1"), end("1", false)];
        assert_eq!(told.iter().filter_map(|note| tally.take_once(AT, note)).count(), 2);
        assert_eq!((tally.tools_used, tally.tools_failed, tally.open.len()), (1, 0, 0));
        let unnamed = ActivityNote::tool_end(Some("Bash".to_owned()), None, true, "");
        tally.take_once(AT, &unnamed);
        tally.take_once(AT, &unnamed);
        assert_eq!(tally.tools_used, 3, "nothing tells calls without ids apart");
        for call in 0..1_000 {
            tally.take_once(AT, &end(&format!("{call}{}", "x".repeat(1_000)), true));
        }
        assert_eq!((tally.ended.len(), tally.ended.iter().map(String::len).max()), (ENDED_MAX, Some(CALL_MAX)));
        assert!(tally.ended.last().is_some_and(|call| call.starts_with("999x")), "the newest");
    }

    #[test]
    fn an_end_for_all_that_is_open_counts_only_where_no_other_came() {
        let mut tally = SessionTally::default();
        tally.take(AT, &start("1"));
        tally.take(AT, &start("2"));
        tally.take(AT, &end("1", true));
        let both = [end("1", false), end("2", false)].map(|note| ActivityNote { only_if_open: true, ..note });
        let counted = both.iter().filter_map(|note| tally.take(AT, note)).count();
        assert_eq!((counted, tally.tools_used, tally.tools_failed), (1, 2, 1));
    }

    #[test]
    fn calls_without_ids_are_told_apart_by_their_tools() {
        let mut tally = SessionTally::default();
        tally.take(AT, &ActivityNote::tool_start("read", None, "a"));
        tally.take(AT, &ActivityNote::tool_start("write", None, "b"));
        let ended = tally.take(AT.plus_ms(5), &ActivityNote::tool_end(Some("read".to_owned()), None, true, "")).unwrap();
        assert_eq!((ended.summary.as_str(), tally.open[0].name.as_str()), ("a", "write"));
    }

    #[test]
    fn nothing_is_under_way_after_an_answer_and_a_late_end_still_counts() {
        let mut tally = SessionTally::default();
        tally.take(AT, &start("1"));
        tally.take(AT, &ActivityNote::new(ActivityKind::Stop, "done"));
        assert_eq!((tally.open.len(), tally.tools_used), (0, 0));
        tally.take(AT, &end("1", true));
        assert_eq!(tally.tools_used, 1);
    }

    #[test]
    fn the_first_prompt_is_the_title() {
        let mut tally = SessionTally::default();
        for text in ["\n ", "mend the\nshop", "and the till"] {
            tally.take(AT, &ActivityNote::new(ActivityKind::Prompt, text));
        }
        assert_eq!(tally.title.as_deref(), Some("mend the shop"));
    }

    #[test]
    fn however_many_calls_never_end_only_some_are_remembered() {
        let mut tally = SessionTally::default();
        for call in 0..1_000 {
            tally.take(AT, &start(&call.to_string()));
        }
        assert_eq!(tally.open.len(), OPEN_MAX);
    }

    #[test]
    fn a_line_has_no_control_characters_and_a_length() {
        assert_eq!(one_line("\u{1b}[31mred\u{1b}[0m\r\n\t  two\u{202e}gnol\u{0}", 100), "red twognol");
        assert_eq!(one_line("abcdef", 6), "abcdef");
        assert_eq!(one_line("abcdefg", 6), "abcde…");
        assert_eq!(one_line("", 6), "");
    }
}
