//! The event stream: what happened, in order, without gap or repeat.
//!
//! A stream holds nothing but its cursor. It takes what is new from [`crate::live`] when its client has taken what was sent, and reads
//! the store for what is older, so a slow reader keeps no memory and blocks no writer; one that takes nothing at all is dropped by its
//! connection.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{self, HeaderMap};
use axum::response::{IntoResponse, Response};
use bytes::{Bytes, BytesMut};
use futures_util::Stream;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;
use tokio::time::Instant;
use utoipa::{IntoParams, ToSchema};
use windlass_engine::Engine;
use windlass_store::{EventFilter, StoreError};
use windlass_types::{AssignmentStatus, AttemptId, AttemptStatus, CredentialId, Event, EventKind};

use crate::auth::Caller;
use crate::extract::{Asked, page_size};
use crate::filter;
use crate::live::{After, Batch, Frame, Listening};
use crate::problem::{Answer, Problem};
use crate::readers::Place;
use crate::state::{App, StreamPermit};

/// How many events are read at once of what is not live any more.
const BATCH: u32 = 256;

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct EventsAsked {
    /// Of this project.
    project: Option<String>,
    /// Of this assignment.
    assignment: Option<String>,
    /// Of this job.
    job: Option<String>,
    /// Of these kinds: `job.status,job.progress`.
    kinds: Option<String>,
    /// After this number. `Last-Event-ID` counts before it. A stream without either begins now, a list at the beginning.
    after: Option<i64>,
    /// Of a list: at most so many; 50 by default, at most 500.
    limit: Option<u32>,
}

/// A page of events, oldest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct EventPage {
    /// The events.
    items: Vec<Event>,
    /// The `after` of the next page; null when there is no more now.
    next_cursor: Option<String>,
}

/// Follows what happens as server-sent events (`id` is the number to resume from), or lists it for `Accept: application/json` or a `limit`.
///
/// Where events that were asked for are no longer kept, a list is refused (410), and a stream says so by an event `reset`
/// (`{"first":N}`) and goes on from event N.
#[utoipa::path(get, path = "/api/v1/events", operation_id = "follow_events", tag = "events",
    params(EventsAsked, ("Last-Event-ID" = Option<i64>, Header, description = "the number of the last event seen")),
    responses(
        (status = 200, content((Event = "text/event-stream"), (EventPage = "application/json"))),
        Problem
    ))]
pub(crate) async fn events(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Asked(asked): Asked<EventsAsked>,
) -> Answer<Response> {
    let mut filter = EventFilter {
        project: asked.project,
        assignment: filter::id("assignment", asked.assignment.as_deref())?,
        job: filter::id("job", asked.job.as_deref())?,
        session: None,
        kinds: filter::words("kinds", asked.kinds.as_deref())?,
    };
    if let Some(own) = caller.only_assignment() {
        caller.may_see(filter.assignment.unwrap_or(own))?;
        filter.assignment = Some(own);
    }
    let engine = app.engine()?;
    if wants_list(&headers, asked.limit) {
        let limit = page_size(asked.limit);
        let after = filter::number("after", asked.after)?.unwrap_or(0);
        let items = engine.store().events_after(after, filter, limit).await?;
        let is_full = items.len() >= limit as usize;
        let next_cursor = items.last().filter(|_| is_full).map(|event| event.seq.to_string());
        return Ok(Json(EventPage { items, next_cursor }).into_response());
    }
    follow(&app, &caller, filter, last_event_id(&headers)?.or(asked.after), false).await
}

/// Follows what passes the filter from a number on, or from now. With `ends`, the stream of one assignment ends after the event that
/// ended it; one that was followed to its end answers 204, which a browser takes for "do not come again".
pub(crate) async fn follow(app: &App, caller: &Caller, filter: EventFilter, after: Option<i64>, ends: bool) -> Answer<Response> {
    let engine = app.engine()?;
    let permit = app.stream_permit(caller)?;
    // Taken before the newest number is read, so that nothing falls between.
    let live = app.live.listen(engine, &app.closing);
    let newest = engine.store().last_seq().await?;
    let after = after.unwrap_or(newest);
    if after > newest || after < 0 {
        return Err(Problem::conflict(format!("there is no event {after} yet; the newest is {newest}"))
            .hint("this is another history than the one you followed: read everything anew and follow from the newest event"));
    }
    // Its last status event is behind `after`, or is read below.
    let is_over = match filter.assignment.filter(|_| ends) {
        Some(assignment) => engine.store().assignment(assignment).await?.status != AssignmentStatus::Active,
        None => false,
    };
    if is_over && matches!(engine.store().events_after(after, filter.clone(), 1).await.as_deref(), Ok([])) {
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let follow = Follow {
        ends,
        is_over,
        engine: engine.clone(),
        place: app.readers.join(after),
        live,
        filter,
        cursor: after,
        has_begun: false,
        has_ended: false,
        // From the beginning means from the first that is kept, which a follower is told.
        gap: if after == 0 && !ends { Some(engine.store().first_seq().await?).filter(|first| *first > 1) } else { None },
        heartbeat: app.limits.heartbeat,
        quiet_since: Instant::now(),
        closing: app.closing.clone(),
        agent: match caller {
            Caller::Agent(agent) => Some(agent.attempt.id),
            Caller::Person(_) => None,
        },
        credential: match caller {
            Caller::Agent(_) => None,
            Caller::Person(person) => person.credential.as_ref().map(|credential| credential.id),
        },
        out: app.hears_who_is_out(),
        looked_at: Instant::now(),
        _permit: permit,
    };
    Ok(([(header::CONTENT_TYPE, "text/event-stream")], Body::from_stream(follow.chunks())).into_response())
}

/// A list has a limit and a stream has none, whatever a client that accepts anything says.
fn wants_list(headers: &HeaderMap, limit: Option<u32>) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    !accept.contains("text/event-stream") && (accept.contains("application/json") || limit.is_some())
}

pub(crate) fn last_event_id(headers: &HeaderMap) -> Answer<Option<i64>> {
    let Some(given) = headers.get("last-event-id") else { return Ok(None) };
    let number = given.to_str().ok().and_then(|text| text.trim().parse().ok());
    number.map(Some).ok_or_else(|| Problem::bad_request("Last-Event-ID is not the number of an event"))
}

/// One client's place in the stream.
struct Follow {
    /// Whether it ends with the assignment that it follows.
    ends: bool,
    /// Whether the last that was told of that assignment's status is that it came to its end.
    is_over: bool,
    engine: Engine,
    /// Where it is, for the figures.
    place: Place,
    live: Listening,
    filter: EventFilter,
    /// Everything up to this number was sent, or does not pass the filter.
    cursor: i64,
    has_begun: bool,
    /// Whether what ends the stream was sent, or may not be.
    has_ended: bool,
    /// The first event that is kept, when there was a gap before it that the client has to be told of.
    gap: Option<i64>,
    heartbeat: Duration,
    /// When the client was last told something.
    quiet_since: Instant,
    closing: tokio_util::sync::CancellationToken,
    /// The attempt of the agent that listens: its token, and so its stream, ends with it.
    agent: Option<AttemptId>,
    /// The token or session of the person who listens: the stream ends with it.
    credential: Option<CredentialId>,
    /// Tells when somebody's ends.
    out: watch::Receiver<()>,
    /// When it was last looked whether theirs has.
    looked_at: Instant,
    _permit: StreamPermit,
}

impl Follow {
    fn chunks(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        futures_util::stream::unfold(self, |mut follow| async move { follow.next().await.map(|chunk| (Ok(chunk), follow)) })
    }

    async fn next(&mut self) -> Option<Bytes> {
        if !self.has_begun {
            self.has_begun = true;
            // The number alone: a client that is cut off before the first event resumes from here all the same.
            return Some(self.say("following"));
        }
        loop {
            if let Some(first) = self.gap.take() {
                self.quiet_since = Instant::now();
                return Some(format!("id: {}\nevent: reset\ndata: {{\"first\":{first}}}\n\n", self.cursor).into());
            }
            if self.has_ended || self.is_out().await {
                return None;
            }
            let chunk = match self.live.after(self.cursor) {
                After::Batches(batches) if batches.is_empty() => None,
                After::Batches(batches) => self.of_batches(&batches),
                After::InStore => match self.read_store().await {
                    Ok(chunk) => chunk,
                    // Its client was away for longer than events are kept, or is slower than they go.
                    Err(StoreError::Pruned { first }) => {
                        self.cursor = first - 1;
                        self.gap = Some(first);
                        continue;
                    }
                    // The client resumes from its last number.
                    Err(error) => {
                        tracing::warn!(%error, "An event stream ended: the store could not be read");
                        return None;
                    }
                },
            };
            self.place.store(self.cursor, Ordering::Relaxed);
            if let Some(chunk) = chunk {
                self.quiet_since = Instant::now();
                return Some(chunk);
            }
            if self.has_ended || (self.ends && self.is_over) {
                return None;
            }
            match self.wait().await {
                Woken::News => {}
                Woken::Quiet if self.agent_is_gone().await => return None,
                Woken::Quiet => return Some(self.say("alive")),
                Woken::Closing => {
                    // What happened up to now is told; nobody hands it out any more.
                    self.has_ended = true;
                    return self.read_store().await.ok().flatten();
                }
            }
        }
    }

    /// What of these batches is to be sent, all at once.
    fn of_batches(&mut self, batches: &[Arc<Batch>]) -> Option<Bytes> {
        let wants_all = self.filter == EventFilter::default() && self.agent.is_none() && !self.ends;
        let before = self.cursor;
        self.cursor = batches.last().map_or(before, |batch| batch.last);
        if let [only] = batches
            && wants_all
            && only.after >= before
        {
            // The same bytes for everybody.
            return Some(only.bytes.clone()).filter(|bytes| !bytes.is_empty());
        }
        let frames = batches.iter().flat_map(|batch| &batch.frames).filter(|frame| frame.event.seq > before);
        self.of_frames(frames)
    }

    /// Reads a piece of what is older than what is kept live.
    async fn read_store(&mut self) -> Result<Option<Bytes>, StoreError> {
        let newest = self.engine.store().last_seq().await?;
        let events = self.engine.store().events_after(self.cursor, self.filter.clone(), BATCH).await?;
        let is_all = events.len() < BATCH as usize;
        let read = events.last().map_or(self.cursor, |event| event.seq);
        // Whatever is left up to the number that was the newest before does not pass the filter.
        self.cursor = if is_all { read.max(newest) } else { read };
        let frames: Vec<Frame> = events.into_iter().map(Frame::new).collect();
        Ok(self.of_frames(frames.iter()))
    }

    /// The frames that pass, one behind the other, up to one that ends the stream.
    fn of_frames<'a>(&mut self, frames: impl Iterator<Item = &'a Frame>) -> Option<Bytes> {
        let mut bytes = BytesMut::new();
        for frame in frames.filter(|frame| self.filter.passes(&frame.event)) {
            let event = &frame.event;
            if event.kind == EventKind::AttemptEnded && event.attempt_id == self.agent && self.agent.is_some() {
                self.has_ended = true;
                break;
            }
            if event.kind == EventKind::AssignmentStatus {
                self.is_over = event.data["status"] != AssignmentStatus::Active.as_str();
            }
            bytes.extend_from_slice(&frame.bytes);
        }
        (!bytes.is_empty()).then(|| bytes.freeze())
    }

    /// Whether the agent that listens has ended, seen from the store: its own filter may hide the event.
    async fn agent_is_gone(&self) -> bool {
        match self.agent {
            Some(attempt) => !self.engine.store().attempt(attempt).await.is_ok_and(|attempt| attempt.status == AttemptStatus::Running),
            None => false,
        }
    }

    /// Whether the token or session of who listens has ended. This node's ends are heard of at once; for other nodes', and for what ends by
    /// itself, it is looked now and then.
    async fn is_out(&mut self) -> bool {
        let Some(credential) = self.credential else { return false };
        if !self.out.has_changed().unwrap_or(true) && self.looked_at.elapsed() < self.heartbeat {
            return false;
        }
        self.out.mark_unchanged();
        self.looked_at = Instant::now();
        matches!(self.engine.store().credential_lasts(credential).await, Ok(false))
    }

    async fn wait(&mut self) -> Woken {
        let quiet = tokio::time::sleep_until(self.quiet_since + self.heartbeat);
        tokio::select! {
            biased;
            () = self.closing.cancelled() => Woken::Closing,
            Ok(()) = self.out.changed(), if self.credential.is_some() => {
                // Seen by the next look.
                self.out.mark_changed();
                Woken::News
            }
            () = self.live.changed() => Woken::News,
            () = quiet => Woken::Quiet,
        }
    }

    fn say(&mut self, comment: &str) -> Bytes {
        self.quiet_since = Instant::now();
        format!("id: {}\n: {comment}\n\n", self.cursor).into()
    }
}

enum Woken {
    News,
    Quiet,
    Closing,
}
