//! What an attempt's agent does, told as its stream tells it: at once what comes first, then together what comes within half a second.
//!
//! What is left when the attempt ends goes with its settlement. Nothing of it holds up the attempt: what the store does not take is
//! offered with the next.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;
use windlass_harness::ActivityMap;
use windlass_store::{AgentNews, StoreError};
use windlass_types::{ActivityKind, ActivityNote, AgentEvent, Harness};

use super::child::told;
use super::{Attempt, Stop};
use crate::lease::Control;

/// How often it is told.
const EVERY: Duration = Duration::from_millis(500);
/// How often it is told that an agent lives that does nothing to be told of.
const ALIVE_EVERY: Duration = Duration::from_mins(1);
/// The most that waits to be told. Beyond it the oldest is forgotten.
const WAITING_MAX: usize = 512;

/// What is not told yet.
#[derive(Debug, Default)]
pub(super) struct Feed {
    map: ActivityMap,
    /// The attempt's first run has begun.
    has_begun: bool,
    /// How many notes are told, or forgotten.
    behind: i64,
    waiting: VecDeque<(Instant, ActivityNote)>,
    /// The last id of its own session that the agent named, and whether it is to be told.
    session: Option<String>,
    model: Option<String>,
    cwd: Option<String>,
    is_news: bool,
    /// The agent has printed something since it was told of last.
    lives: bool,
    /// When it was told last, or began.
    told_at: Option<Instant>,
    /// The first that an agent does is told at once.
    has_told: bool,
}

impl Feed {
    /// A run of the agent begins in this folder.
    pub(super) fn begin(&mut self, cwd: &std::path::Path) {
        self.cwd = Some(cwd.display().to_string());
        if !std::mem::replace(&mut self.has_begun, true) {
            self.told_at = Some(Instant::now());
            self.note(ActivityNote::new(ActivityKind::SessionStart, ""));
        }
    }

    /// Takes what the agent's stream says; whether the agent has named a session that is new.
    pub(super) fn take(&mut self, harness: Harness, event: &AgentEvent) -> bool {
        self.lives = true;
        let mut is_new = false;
        if let AgentEvent::Session { session_id, model } = event {
            is_new = self.session.as_deref() != Some(session_id);
            self.is_news |= is_new;
            self.session = Some(session_id.clone());
            self.model.clone_from(model);
        }
        // A command's output is not what an agent says.
        if harness != Harness::Command {
            for note in self.map.event(event).into_iter().filter(|note| note.kind != ActivityKind::SessionStart) {
                self.note(note);
            }
        }
        is_new
    }

    fn note(&mut self, note: ActivityNote) {
        if self.waiting.len() >= WAITING_MAX {
            self.waiting.pop_front();
            self.behind += 1;
        }
        self.waiting.push_back((Instant::now(), note));
    }

    /// When something is to be told, if there is anything.
    pub(super) fn due(&self) -> Option<Instant> {
        let last = self.told_at?;
        match (self.waiting.is_empty() && !self.is_news, self.lives) {
            (false, true) if !self.has_told || self.waiting.len() >= WAITING_MAX / 2 => Some(last),
            (false, _) => Some(last + EVERY),
            (true, true) => Some(last + ALIVE_EVERY),
            (true, false) => None,
        }
    }

    /// All that is not told yet.
    pub(super) fn news(&self) -> AgentNews {
        let ms_ago = |at: &Instant| i64::try_from(at.elapsed().as_millis()).unwrap_or(i64::MAX);
        AgentNews {
            agent_session_id: self.session.clone().filter(|_| self.is_news),
            model: self.model.clone(),
            cwd: self.cwd.clone(),
            first: self.behind + 1,
            notes: self.waiting.iter().map(|(at, note)| ActivityNote { ms_ago: ms_ago(at), ..note.clone() }).collect(),
        }
    }

    /// What goes with the settlement; `None` when no run of an agent began that could be watched.
    pub(super) fn rest(&self) -> Option<AgentNews> {
        self.has_begun.then(|| self.news())
    }

    /// So many notes were taken.
    fn told(&mut self, count: usize) {
        self.waiting.drain(..count.min(self.waiting.len()));
        self.behind += i64::try_from(count).unwrap_or(0);
        (self.is_news, self.lives, self.has_told) = (false, false, true);
    }
}

impl Attempt {
    /// Tells what is to be told. A store that does not take it is no reason to stop.
    pub(super) async fn tell_activity(&mut self) -> Result<(), Stop> {
        let news = self.feed.news();
        let count = news.notes.len();
        let mut control = self.control.clone();
        self.feed.told_at = Some(Instant::now());
        let taken = tokio::select! {
            biased;
            taken = self.engine.store.tell_activity(self.claimed.job.id, self.token(), self.claimed.attempt.id, news) => taken,
            // An order to stop waits for no store; what was not told goes with the settlement.
            order = told(&mut control) => return if order == Control::Lost { Err(Stop::Lost) } else { Ok(()) },
        };
        match taken {
            Ok(()) => self.feed.told(count),
            Err(StoreError::Stale { .. }) => return Err(Stop::Lost),
            Err(e) => tracing::debug!(job.id = %self.claimed.job.id, error = %e, "what the agent does could not be written down yet"),
        }
        Ok(())
    }

    /// Tells that the agent has named its session. After a crash that is the only way back into it, so this is told until it is taken.
    pub(super) async fn tell_session(&mut self) -> Result<(), Stop> {
        let (store, job, token, attempt) = (&self.engine.store, self.claimed.job.id, self.token(), self.claimed.attempt.id);
        let news = self.feed.news();
        self.patiently(|| store.tell_activity(job, token, attempt, news.clone())).await?;
        self.feed.told_at = Some(Instant::now());
        self.feed.told(news.notes.len());
        Ok(())
    }

    /// Tells what is left when a run has ended and the attempt goes on without its agent.
    pub(super) async fn tell_rest(&mut self) -> Result<(), Stop> {
        if self.journal.settles_soon || self.feed.due().is_none() { Ok(()) } else { self.tell_activity().await }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> AgentEvent {
        AgentEvent::Text { text: text.to_owned(), delta: false }
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_is_told_at_once_and_the_rest_together() {
        let mut feed = Feed::default();
        assert_eq!(feed.due(), None);
        feed.begin(std::path::Path::new("/w"));
        assert_eq!(feed.due(), Some(Instant::now() + EVERY), "a start alone is no hurry: mostly its end is near");
        feed.take(Harness::Claude, &said("a"));
        assert_eq!(feed.due(), Some(Instant::now()));
        assert_eq!((feed.news().first, feed.news().notes.len()), (1, 2));
        feed.told(2);
        assert_eq!(feed.due(), None);
        feed.take(Harness::Claude, &said("b"));
        feed.take(Harness::Claude, &said("c"));
        tokio::time::advance(Duration::from_millis(200)).await;
        let news = feed.news();
        assert_eq!(feed.due(), feed.told_at.map(|at| at + EVERY));
        assert_eq!((news.first, news.notes.iter().map(|note| note.ms_ago).collect::<Vec<_>>()), (3, vec![200, 200]));
        feed.told(2);
        feed.take(Harness::Claude, &AgentEvent::Thinking { text: "hm".to_owned() });
        assert_eq!(feed.due(), feed.told_at.map(|at| at + ALIVE_EVERY));
    }

    #[tokio::test(start_paused = true)]
    async fn a_flood_is_told_sooner_and_what_is_too_much_is_forgotten() {
        let mut feed = Feed::default();
        feed.begin(std::path::Path::new("/w"));
        feed.told(1);
        for _ in 0..WAITING_MAX + 10 {
            feed.take(Harness::Codex, &said("x"));
        }
        assert_eq!(feed.due(), Some(Instant::now()));
        assert_eq!((feed.news().first, feed.news().notes.len()), (12, WAITING_MAX));
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_is_news_once_and_a_commands_output_is_only_a_sign_of_life() {
        let session = |id: &str| AgentEvent::Session { session_id: id.to_owned(), model: Some("m".to_owned()) };
        let mut feed = Feed::default();
        feed.begin(std::path::Path::new("/w"));
        assert!(feed.take(Harness::Gemini, &session("s")));
        assert_eq!((feed.news().agent_session_id.as_deref(), feed.news().notes.len()), (Some("s"), 1));
        feed.told(1);
        assert!(!feed.take(Harness::Gemini, &session("s")));
        assert_eq!(feed.news().agent_session_id, None);
        feed.take(Harness::Command, &said("output"));
        assert_eq!(feed.news().notes, []);
    }
}
