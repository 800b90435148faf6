//! Agents' sessions: what streams and hooks tell is counted once, kept within bounds, and goes with what it belongs to.

use windlass_store::{AgentNews, Claimed, EventFilter, HookNews, Pruning, SessionFilter, SettleRequest, Store, StoreError};
use windlass_types::{
    ActivityKind as Kind, ActivityNote, AgentSession, AttemptResult, EventKind, FailureKind, Harness, JobType, ProjectSettings,
    SessionKind, SessionStatus, Timestamp, Token,
};

use crate::support::*;

fn tool(call: &str, ok: bool) -> Vec<ActivityNote> {
    vec![
        ActivityNote { ms_ago: 50, ..ActivityNote::tool_start("Bash", Some(call.to_owned()), "make") },
        ActivityNote { duration_ms: Some(50), ..ActivityNote::tool_end(None, Some(call.to_owned()), ok, "") },
    ]
}

fn hook(session: &str, notes: Vec<ActivityNote>) -> HookNews {
    HookNews { harness: Harness::Claude, agent_session_id: session.to_owned(), cwd: Some("/repos/shop/src".to_owned()), model: None, notes }
}

fn news(first: i64, notes: Vec<ActivityNote>) -> AgentNews {
    AgentNews { agent_session_id: Some("s-1".to_owned()), model: Some("m".to_owned()), cwd: Some("/w".to_owned()), first, notes }
}

async fn tell(store: &Store, of: &Claimed, news: AgentNews) -> Result<(), StoreError> {
    store.tell_activity(of.job.id, of.token, of.attempt.id, news).await
}

async fn all(store: &Store, filter: SessionFilter) -> Vec<AgentSession> {
    store.sessions(filter, None, 500).await.unwrap().items
}

async fn only(store: &Store) -> AgentSession {
    let mut found = all(store, SessionFilter::default()).await;
    assert_eq!(found.len(), 1, "{found:?}");
    found.pop().unwrap()
}

async fn told(store: &Store) -> Vec<EventKind> {
    let kinds = vec![EventKind::SessionStarted, EventKind::SessionActivity, EventKind::SessionEnded];
    store.events_after(0, EventFilter { kinds, ..Default::default() }, 500).await.unwrap().iter().map(|event| event.kind).collect()
}

async fn running(store: &Store) -> Claimed {
    submit(store, wish(vec![spec(JobType::Implement)])).await;
    claim_one(store).await
}

on_both! {
    async fn an_attempts_session_begins_with_the_first_news_and_takes_each_note_once(f: Fixture) {
        let c = running(&f.store).await;
        assert_eq!(all(&f.store, SessionFilter::default()).await, []);
        let mut notes = vec![ActivityNote::new(Kind::SessionStart, "")];
        notes.extend(tool("1", true));
        tell(&f.store, &c, news(1, notes.clone())).await.unwrap();
        notes.extend(tool("2", false));
        // The answer was lost, so it is told again, with more.
        tell(&f.store, &c, news(1, notes)).await.unwrap();
        tell(&f.store, &c, news(6, vec![ActivityNote::tool_start("Read", Some("3".to_owned()), "a.txt")])).await.unwrap();
        let session = only(&f.store).await;
        assert_eq!((session.kind, session.session_type.as_str(), session.harness), (SessionKind::Job, "implementation", Harness::Simulated));
        assert_eq!((session.project.as_deref(), session.job_id, session.attempt_id), (Some("scratch"), Some(c.job.id), Some(c.attempt.id)));
        assert_eq!((session.title.as_deref(), session.agent_session_id.as_deref()), (Some("make it work"), Some("s-1")));
        assert_eq!((session.tools_used, session.tools_failed, session.success_rate, session.mean_duration_ms), (2, 1, Some(0.5), Some(50)));
        assert_eq!(session.current_tool.as_ref().map(|tool| tool.name.as_str()), Some("Read"));
        assert_eq!((session.status, session.last_activity.as_str()), (SessionStatus::Active, "Read: a.txt"));
        assert_eq!(f.store.attempt(c.attempt.id).await.unwrap().session_id.as_deref(), Some("s-1"));
        let kept = f.store.activities(session.id, Some(0), 500).await.unwrap();
        assert_eq!(kept.iter().map(|activity| activity.number).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6]);
        assert_eq!(f.store.activities(session.id, None, 2).await.unwrap(), kept[4..]);
        assert_eq!(f.store.activities(session.id, Some(2), 2).await.unwrap(), kept[2..4]);
        let stale = Token { epoch: c.token.epoch + 1, ..c.token };
        let refused = f.store.tell_activity(c.job.id, stale, c.attempt.id, news(7, vec![])).await;
        assert!(matches!(refused, Err(StoreError::Stale { .. })), "{refused:?}");
    }

    async fn a_session_ends_with_its_attempt_however_that_ends(f: Fixture) {
        let results = [AttemptResult::Succeeded, AttemptResult::HandedBack, failed(FailureKind::WorkerLost), failed(FailureKind::AgentCrashed)];
        for result in results {
            let c = running(&f.store).await;
            tell(&f.store, &c, news(1, vec![ActivityNote::tool_start("Bash", None, "sleep")])).await.unwrap();
            // What was left rides with the settlement; what was told already is passed over.
            let left = AgentNews { first: 1, notes: [vec![ActivityNote::tool_start("Bash", None, "sleep")], tool("2", true)].concat(), ..AgentNews::default() };
            f.store.settle(SettleRequest { news: Some(left), jitter: 1.0, ..end(&c, result.clone()) }).await.unwrap();
            let session = all(&f.store, SessionFilter::default()).await.remove(0);
            assert_eq!((session.status, session.end_reason.as_deref()), (SessionStatus::Ended, Some(result.status().as_str())));
            assert_eq!((session.tools_used, session.current_tool.clone()), (1, None));
            let last = f.store.activities(session.id, None, 1).await.unwrap();
            assert_eq!(last[0].kind, Kind::SessionEnd);
            f.store.cancel_job(c.job.id, "ann".to_owned()).await.ok();
        }
        let events = told(&f.store).await;
        assert_eq!(events.len(), 8, "{events:?}");
    }

    async fn an_attempt_of_which_nothing_is_seen_has_no_session(f: Fixture) {
        let c = running(&f.store).await;
        f.store.settle(end(&c, AttemptResult::Succeeded)).await.unwrap();
        assert_eq!(all(&f.store, SessionFilter::default()).await, []);
        assert_eq!(told(&f.store).await, []);
    }

    async fn a_hook_begins_a_session_of_its_own_that_ends_and_goes_on(f: Fixture) {
        for (name, repo) in [("repos", "/repos"), ("shop", "/repos/shop"), ("sho", "/repos/sho"), ("far", "https://example.org/repos/shop/src")] {
            f.store.put_project(name.to_owned(), Some(repo.to_owned()), None, ProjectSettings::default()).await.unwrap();
        }
        f.store.hear_hook(hook("unknown", vec![ActivityNote::new(Kind::SessionEnd, "other")])).await.unwrap();
        f.store.hear_hook(hook("unknown", vec![])).await.unwrap();
        assert_eq!(all(&f.store, SessionFilter::default()).await, [], "what is not known begins nothing by its end");
        f.store.hear_hook(hook("a", vec![ActivityNote::new(Kind::SessionStart, "startup")])).await.unwrap();
        f.store.hear_hook(hook("a", vec![ActivityNote::new(Kind::Prompt, "mend the till")])).await.unwrap();
        for note in [tool("1", true), tool("2", false)].concat() {
            f.store.hear_hook(hook("a", vec![note])).await.unwrap();
        }
        let session = only(&f.store).await;
        assert_eq!((session.kind, session.session_type.as_str(), session.project.as_deref()), (SessionKind::Manual, "manual", Some("shop")));
        assert_eq!((session.title.as_deref(), session.cwd.as_deref()), (Some("mend the till"), Some("/repos/shop/src")));
        assert_eq!((session.tools_used, session.tools_failed, session.job_id), (2, 1, None));
        f.store.hear_hook(hook("a", vec![ActivityNote::new(Kind::SessionEnd, "other")])).await.unwrap();
        let session = only(&f.store).await;
        assert_eq!((session.status, session.end_reason.as_deref()), (SessionStatus::Ended, Some("other")));
        // One that comes late counts and opens nothing.
        f.store.hear_hook(hook("a", vec![tool("3", true).remove(1)])).await.unwrap();
        assert_eq!((only(&f.store).await.status, only(&f.store).await.tools_used), (SessionStatus::Ended, 3));
        f.store.hear_hook(hook("a", vec![ActivityNote::new(Kind::SessionStart, "resume")])).await.unwrap();
        assert_eq!((only(&f.store).await.status, only(&f.store).await.end_reason), (SessionStatus::Active, None));
        f.store.hear_hook(HookNews { harness: Harness::Codex, ..hook("a", vec![ActivityNote::new(Kind::Prompt, "x")]) }).await.unwrap();
        assert_eq!(all(&f.store, SessionFilter::default()).await.len(), 2, "another agent's id is another session");
    }

    async fn what_a_hook_tells_twice_of_a_tool_call_counts_once(f: Fixture) {
        for note in [tool("1", true), tool("2", false)].concat() {
            f.store.hear_hook(hook("a", vec![note.clone()])).await.unwrap();
            f.store.hear_hook(hook("a", vec![note])).await.unwrap();
        }
        for _ in 0..2 {
            f.store.hear_hook(hook("a", tool("1", true))).await.unwrap();
        }
        let session = only(&f.store).await;
        assert_eq!((session.tools_used, session.tools_failed, session.current_tool), (2, 1, None));
        assert_eq!(f.store.activities(session.id, None, 500).await.unwrap().len(), 4);
        let metrics = f.store.agent_metrics(SessionFilter::default()).await.unwrap();
        assert_eq!(metrics.by_tool.iter().map(|tool| tool.used).sum::<i64>(), 2);
        f.store.hear_hook(hook("b", tool("1", true))).await.unwrap();
        assert_eq!(all(&f.store, SessionFilter::default()).await.iter().map(|session| session.tools_used).sum::<i64>(), 3, "of another session");
    }

    async fn a_stream_may_use_an_id_again(f: Fixture) {
        let c = running(&f.store).await;
        tell(&f.store, &c, news(1, tool("1", true))).await.unwrap();
        tell(&f.store, &c, news(3, tool("1", true))).await.unwrap();
        assert_eq!(only(&f.store).await.tools_used, 2);
    }

    async fn a_hook_of_an_agent_that_windlass_runs_adds_only_what_its_stream_does_not_tell(f: Fixture) {
        let c = running(&f.store).await;
        let mut first = news(1, tool("1", true));
        first.agent_session_id = Some("own".to_owned());
        tell(&f.store, &c, first).await.unwrap();
        let mut notes = tool("1", true);
        notes.extend([ActivityNote::new(Kind::SubagentStart, "look"), ActivityNote::new(Kind::SessionEnd, "other")]);
        let own = HookNews { harness: Harness::Simulated, ..hook("own", notes.clone()) };
        f.store.hear_hook(own.clone()).await.unwrap();
        f.store.hear_hook_of(c.job.id, c.token, c.attempt.id, own).await.unwrap();
        let session = only(&f.store).await;
        assert_eq!((session.kind, session.tools_used, session.status), (SessionKind::Job, 1, SessionStatus::Active));
        let kinds: Vec<Kind> = f.store.activities(session.id, Some(0), 10).await.unwrap().iter().map(|activity| activity.kind).collect();
        assert_eq!(kinds, [Kind::ToolStart, Kind::ToolEnd, Kind::SubagentStart, Kind::SubagentStart]);
        // The stream goes on where it was.
        tell(&f.store, &c, news(3, tool("2", true))).await.unwrap();
        assert_eq!(only(&f.store).await.tools_used, 2);
    }

    async fn a_command_without_a_stream_tells_by_its_hooks_what_it_does(f: Fixture) {
        let mut job = spec(JobType::Implement);
        job.harness = Some(Harness::Command);
        submit(&f.store, wish(vec![job])).await;
        let c = claim_one(&f.store).await;
        f.store.hear_hook_of(c.job.id, c.token, c.attempt.id, hook("inside", tool("1", false))).await.unwrap();
        f.store.hear_hook_of(c.job.id, c.token, c.attempt.id, hook("inside", vec![ActivityNote::new(Kind::SessionEnd, "other")])).await.unwrap();
        let session = only(&f.store).await;
        assert_eq!((session.kind, session.harness, session.tools_failed), (SessionKind::Job, Harness::Command, 1));
        assert_eq!(session.status, SessionStatus::Active, "it ends with its attempt");
    }

    async fn a_session_is_idle_after_five_minutes(f: Fixture) {
        f.store.hear_hook(hook("a", vec![ActivityNote::new(Kind::Prompt, "x")])).await.unwrap();
        let of = async |status: SessionStatus| all(&f.store, SessionFilter { statuses: vec![status], ..Default::default() }).await.len();
        let pass = async |ms: i64| match &f.database {
            None => f.clock.advance_ms(ms),
            Some(_) => f.sql(format!("UPDATE sessions SET last_activity_at = last_activity_at - {ms}")).await,
        };
        pass(290_000).await;
        assert_eq!((only(&f.store).await.status, of(SessionStatus::Active).await), (SessionStatus::Active, 1));
        pass(10_000).await;
        assert_eq!((only(&f.store).await.status, of(SessionStatus::Idle).await, of(SessionStatus::Active).await), (SessionStatus::Idle, 1, 0));
        let counted = f.store.agent_metrics(SessionFilter::default()).await.unwrap();
        assert_eq!((counted.sessions, counted.active, counted.idle), (1, 0, 1));
        f.store.hear_hook(hook("a", vec![ActivityNote::new(Kind::Message, "y")])).await.unwrap();
        assert_eq!(only(&f.store).await.status, SessionStatus::Active);
        assert_eq!(of(SessionStatus::Ended).await, 0);
    }

    async fn lists_are_filtered_and_their_pages_meet(f: Fixture) {
        for n in 0..5 {
            f.store.hear_hook(hook(&format!("s-{n}"), vec![ActivityNote::new(Kind::Prompt, format!("Paint wall {n} 100%_red"))])).await.unwrap();
        }
        let c = running(&f.store).await;
        tell(&f.store, &c, news(1, vec![])).await.unwrap();
        let manual = SessionFilter { kinds: vec![SessionKind::Manual], ..Default::default() };
        assert_eq!((all(&f.store, SessionFilter::default()).await.len(), all(&f.store, manual.clone()).await.len()), (6, 5));
        let first = f.store.sessions(manual.clone(), None, 3).await.unwrap();
        let second = f.store.sessions(manual, first.next_cursor.clone(), 3).await.unwrap();
        assert_eq!((first.items.len(), second.items.len(), second.next_cursor), (3, 2, None));
        assert!(first.items.iter().chain(&second.items).map(|item| item.id).collect::<Vec<_>>().windows(2).all(|two| two[0] > two[1]));
        assert!(f.store.sessions(SessionFilter::default(), Some("x".to_owned()), 3).await.is_err());
        let count = async |text: &str| all(&f.store, SessionFilter { text: Some(text.to_owned()), ..Default::default() }).await.len();
        assert_eq!((count("WALL claude").await, count("wall 3").await, count("100%_").await, count("0_").await, count("%%").await), (5, 1, 5, 0, 0));
        assert_eq!(all(&f.store, SessionFilter { project: Some("scratch".to_owned()), ..Default::default() }).await.len(), 1);
        assert_eq!(all(&f.store, SessionFilter { since: Some(Timestamp(1 << 46)), ..Default::default() }).await.len(), 0);
        let one = first.items[0].id;
        assert_eq!(f.store.session(one).await.unwrap(), first.items[0]);
        let events = f.store.events_after(0, EventFilter { session: Some(one), ..Default::default() }, 10).await.unwrap();
        assert_eq!(events.iter().map(|event| event.kind).collect::<Vec<_>>(), [EventKind::SessionStarted]);
    }

    async fn tools_are_counted_by_tool_and_by_agent_beyond_what_is_kept(f: Fixture) {
        let c = running(&f.store).await;
        let mut first = 1;
        for _ in 0..24 {
            let notes: Vec<ActivityNote> = (0..100).flat_map(|n| tool(&n.to_string(), n != 0)).collect();
            let count = notes.len() as i64;
            tell(&f.store, &c, news(first, notes)).await.unwrap();
            first += count;
        }
        let session = only(&f.store).await;
        assert_eq!((session.tools_used, session.tools_failed), (2_400, 24));
        let kept = f.store.activities(session.id, Some(0), 500).await.unwrap();
        assert!(kept[0].number > 2_700, "{}", kept[0].number);
        f.store.hear_hook(hook("a", vec![ActivityNote::tool_end(Some("Read".to_owned()), None, true, "")])).await.unwrap();
        let counted = f.store.agent_metrics(SessionFilter::default()).await.unwrap();
        let tools: Vec<(&str, i64, i64)> = counted.by_tool.iter().map(|tool| (tool.tool.as_str(), tool.used, tool.failed)).collect();
        assert_eq!(tools, [("Bash", 2_400, 24), ("Read", 1, 0)]);
        assert_eq!((counted.tools_used, counted.mean_duration_ms, counted.success_rate), (2_401, Some(50), Some(2_377.0 / 2_401.0)));
        let agents: Vec<(Harness, i64, i64)> = counted.by_harness.iter().map(|by| (by.harness, by.sessions, by.tools_used)).collect();
        assert_eq!(agents, [(Harness::Claude, 1, 1), (Harness::Simulated, 1, 2_400)]);
        let of_one = f.store.agent_metrics(SessionFilter { session: Some(session.id), ..Default::default() }).await.unwrap();
        assert_eq!((of_one.sessions, of_one.by_tool.len()), (1, 1));
    }

    async fn a_flood_of_tool_names_is_counted_together(f: Fixture) {
        let named = |n: i64| ActivityNote::tool_end(Some(format!("tool-{n}")), None, true, "x".repeat(10_000));
        f.store.hear_hook(hook("a", (0..300).map(named).collect())).await.unwrap();
        let counted = f.store.agent_metrics(SessionFilter::default()).await.unwrap();
        assert_eq!((counted.tools_used, counted.by_tool.len()), (300, 101));
        assert_eq!((counted.by_tool[0].tool.as_str(), counted.by_tool[0].used), ("other", 200));
        let kept = f.store.activities(only(&f.store).await.id, Some(0), 1).await.unwrap();
        assert_eq!(kept[0].summary.chars().count(), 300);
    }

    async fn silent_sessions_end_and_old_ones_go(f: Fixture) {
        for name in ["a", "b"] {
            f.store.hear_hook(hook(name, tool("1", true))).await.unwrap();
        }
        let c = running(&f.store).await;
        tell(&f.store, &c, news(1, tool("1", true))).await.unwrap();
        let later = Timestamp(1 << 46);
        assert_eq!((f.store.end_silent_sessions(later).await.unwrap(), f.store.end_silent_sessions(later).await.unwrap()), (2, 0));
        let ended = SessionFilter { statuses: vec![SessionStatus::Ended], ..Default::default() };
        let ended = all(&f.store, ended).await;
        assert!(ended.len() == 2 && ended.iter().all(|session| session.end_reason.as_deref() == Some("silent")), "{ended:?}");
        assert_eq!((f.store.sessions_before(later).await.unwrap(), f.store.sessions_before(Timestamp(1)).await.unwrap()), (2, 0));
        assert_eq!((f.store.prune_sessions(later).await.unwrap(), f.store.prune_sessions(later).await.unwrap()), (2, 0));
        let left = only(&f.store).await;
        assert_eq!((left.kind, left.status), (SessionKind::Job, SessionStatus::Active));
        // An attempt's goes with its assignment.
        f.store.settle(end(&c, AttemptResult::Succeeded)).await.unwrap();
        while f.store.prune_assignment(c.assignment.id, later).await.unwrap() == Pruning::More {}
        assert_eq!(all(&f.store, SessionFilter::default()).await, []);
        assert!(matches!(f.store.activities(left.id, None, 1).await, Err(StoreError::NotFound { .. })));
    }
}
