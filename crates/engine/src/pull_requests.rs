//! Open pull requests, looked at until they are merged or closed: what reviewers ask for and what checks say becomes a next job of the
//! assignment, a bounded number of times.
//!
//! **Invariant:** only reviews of people with rights in the repository count, and of theirs only those that ask for changes or call for
//! Windlass. Their text stands in prompts only inside a fence.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use windlass_delivery::{Association, Checks, Forge, ForgeError, Review, ReviewMark, ReviewState};
use windlass_secrets::Redactor;
use windlass_store::{Seen, Watched};
use windlass_types::{
    AssignmentStatus, ChecksVerdict, FailureClass, JobSpec, JobType, Project, PullRequest, PullRequestState, Role, Timestamp, count,
};

use crate::attempt::{fence, scanner};
use crate::config::ForgeWatch;
use crate::engine::{Engine, Inner};
use crate::forge::{self, Place};

const DUTY: &str = "pull_requests";
/// How many are looked at in one round.
const ROUND: u32 = 50;
/// The most that a prompt holds of what reviewers or checks say, in bytes.
const SAID_MAX: usize = 20_000;
/// The word by which a reviewer calls for a change without asking for it formally.
const CALL: &str = "/windlass";
/// The longest time between two looks.
const LOOK_MAX: Duration = Duration::from_mins(15);

/// Takes part in the duty, where there is a forge.
pub(crate) fn take_part(engine: &Engine) {
    if engine.inner.forge.is_none() {
        return;
    }
    let inner = Arc::clone(&engine.inner);
    engine.duty(Role::Worker, DUTY, move |_generation| {
        let inner = Arc::clone(&inner);
        async move {
            loop {
                round(&inner).await;
                tokio::time::sleep(Duration::from_secs(inner.config.forge_watch.interval_secs.max(1))).await;
            }
        }
    });
}

async fn round(inner: &Arc<Inner>) {
    let due = match inner.store.pull_requests_due(ROUND).await {
        Ok(due) => due,
        Err(e) => {
            tracing::warn!(error = %e, "the open pull requests could not be read");
            return;
        }
    };
    for watched in due {
        let id = watched.assignment.id;
        let limited = match look(inner, &watched).await {
            Ok(Some((seen, limited))) => {
                match inner.store.saw_pull_request(watched, seen).await {
                    Ok(Some(job)) => {
                        tracing::info!(assignment.id = %id, job.id = %job.id, "{id} goes on with {}: its pull request is answered", job.id);
                    }
                    Ok(None) => {}
                    Err(e) => tracing::warn!(assignment.id = %id, error = %e, "what the pull request of {id} says could not be recorded"),
                }
                limited
            }
            Ok(None) => false,
            Err(e) => {
                tracing::warn!(assignment.id = %id, error = %e, "the pull request of {id} could not be looked at");
                false
            }
        };
        if limited {
            // The others would only be refused too.
            return;
        }
    }
}

/// What is seen of one, and whether the forge's rate limit is reached; `None` where there is nothing to look at.
async fn look(inner: &Inner, watched: &Watched) -> Result<Option<(Seen, bool)>, windlass_store::StoreError> {
    let Some(known) = &watched.assignment.pull_request else { return Ok(None) };
    let Some(project) = inner.store.project(&watched.assignment.project).await? else { return Ok(None) };
    let now = inner.config.clock.now();
    let place = forge::place(inner.forge.as_ref(), &watched.assignment, &project);
    let looked = match &place {
        Ok(Place::Forge(forge)) => read(forge, watched, known).await,
        // Its settings were changed since it was opened: a person may change them back.
        Ok(Place::Plain(_)) | Err(_) => {
            return Ok(Some((unseen(watched, known, now.plus_ms(ms(LOOK_MAX)), watched.failures), false)));
        }
    };
    Ok(Some(match looked {
        Ok(look) => (seen(inner, watched, known, &project, &look, now), false),
        Err(e) => {
            let failures = watched.failures.saturating_add(1);
            tracing::warn!(assignment.id = %watched.assignment.id, failures, error = %e, "{e}");
            let wait = LOOK_MAX.min(Duration::from_secs(15) * 2_u32.saturating_pow(failures.min(8)));
            let due_at = e.retry_at().unwrap_or_else(|| now.plus_ms(ms(wait)));
            (unseen(watched, known, due_at, failures), e.class() == FailureClass::Parked)
        }
    }))
}

/// A pull request as the forge tells of it now.
struct Look {
    pull: windlass_delivery::PullRequest,
    checks: Option<Checks>,
    reviews: Vec<Review>,
}

async fn read(forge: &Forge, watched: &Watched, known: &PullRequest) -> Result<Look, ForgeError> {
    let pull = forge.pull_request(known.number).await?;
    if pull.state != PullRequestState::Open {
        return Ok(Look { pull, checks: None, reviews: Vec::new() });
    }
    let checks = forge.checks(&pull.head_sha).await?;
    let mark: Option<ReviewMark> = watched.review_mark.clone().and_then(|mark| serde_json::from_value(mark).ok());
    let reviews = forge.reviews(known.number, mark).await?;
    Ok(Look { pull, checks: Some(checks), reviews: reviews.items })
}

fn unseen(watched: &Watched, known: &PullRequest, due_at: Timestamp, failures: u32) -> Seen {
    Seen {
        pull_request: known.clone(),
        due_at,
        failures,
        review_mark: watched.review_mark.clone(),
        answered: watched.answered.clone(),
        follow_up: None,
    }
}

fn seen(inner: &Inner, watched: &Watched, known: &PullRequest, project: &Project, look: &Look, now: Timestamp) -> Seen {
    let pull_request = PullRequest {
        title: look.pull.title.clone(),
        state: look.pull.state,
        head: look.pull.head_sha.clone(),
        checks: look.checks.as_ref().map(|checks| checks.verdict),
        seen_at: now,
        ..known.clone()
    };
    let ForgeWatch { interval_secs, max_follow_ups } = inner.config.forge_watch;
    let mut seen = Seen { pull_request, failures: 0, ..unseen(watched, known, now, 0) };
    // Soon after it ended much happens, later little: a tenth of the time since then.
    let since = watched.assignment.ended_at.map_or(0, |ended| now.since_ms(ended)).max(0);
    let least = Duration::from_secs(interval_secs);
    let wait = Duration::from_millis(since.unsigned_abs() / 10).clamp(least, LOOK_MAX.max(least));
    seen.due_at = now.plus_ms(ms(wait));
    if watched.assignment.status != AssignmentStatus::Complete {
        // Its jobs work on it, or a person has to act first: what is asked for is taken up after that.
        return seen;
    }
    let asked: Vec<&Review> = look.reviews.iter().filter(|review| counts(review)).collect();
    let failed = look.checks.as_ref().filter(|checks| {
        checks.verdict == ChecksVerdict::Failure && checks.pending == 0 && watched.answered.as_ref() != Some(&look.pull.head_sha)
    });
    if let Some(last) = look.reviews.last() {
        seen.review_mark = serde_json::to_value(last.mark()).ok();
    }
    if failed.is_some() {
        seen.answered = Some(look.pull.head_sha.clone());
    }
    if (asked.is_empty() && failed.is_none()) || watched.follow_ups >= max_follow_ups {
        return seen;
    }
    match context(inner, known, &asked, failed) {
        Ok((context, why)) => {
            let spec = JobSpec { job_type: JobType::Implement, context, ..JobSpec::default() };
            seen.follow_up = Some((spec, why));
        }
        Err(e) => {
            tracing::error!(project = %project.name, error = %e, "what the pull request says cannot be cleaned of secrets, so no job answers it yet");
            // What nobody answered is still to be seen.
            (seen.review_mark, seen.answered) = (watched.review_mark.clone(), watched.answered.clone());
        }
    }
    seen
}

/// Whether a review asks for something, by somebody who may.
fn counts(review: &Review) -> bool {
    let calls = |text: &str| text.trim_start().starts_with(CALL);
    may_ask(review.association)
        && (review.state == ReviewState::ChangesRequested || calls(&review.body) || review.comments.iter().any(|c| calls(&c.body)))
}

const fn may_ask(association: Association) -> bool {
    matches!(association, Association::Owner | Association::Member | Association::Collaborator)
}

/// What the next job's agent is told, and why there is one.
fn context(
    inner: &Inner,
    known: &PullRequest,
    asked: &[&Review],
    failed: Option<&Checks>,
) -> Result<(String, String), windlass_types::Failure> {
    let scanner = scanner()?;
    let nonce = format!("{:016x}", inner.config.ids.bits());
    let fenced = |what: &str, text: &str| fence(what, &Redactor::clean(&scanner, &inner.config.secrets, text), SAID_MAX, &nonce);
    let mut text = format!("The work so far is pull request {} ({}).\n", known.number, known.url);
    let mut why = Vec::new();
    if !asked.is_empty() {
        why.push(format!("{} that asked for changes", count(asked.len(), "review")));
        text.push_str("\nReviewers ask for changes. Do what they ask where it serves the goal, and say what you did about each point.\n");
        text.push_str(&fenced("review", &said(asked)));
        text.push('\n');
    }
    if let Some(checks) = failed {
        why.push(format!("{} that failed", count(checks.failed.len(), "check")));
        text.push_str("\nChecks of the repository's forge failed on the branch as it is now. Find out why, and mend it.\n");
        let mut list = String::new();
        for check in &checks.failed {
            let _ = writeln!(list, "{}: {} {}", check.name, check.conclusion, check.link.as_deref().unwrap_or_default());
        }
        text.push_str(&fenced("checks", &list));
        text.push('\n');
    }
    Ok((text, why.join(" and ")))
}

fn said(asked: &[&Review]) -> String {
    let mut text = String::new();
    for review in asked {
        let _ = writeln!(text, "{}:\n{}", review.author, review.body.trim());
        for comment in review.comments.iter().filter(|comment| may_ask(comment.association)) {
            let line = comment.line.map(|line| format!(":{line}")).unwrap_or_default();
            let _ = writeln!(text, "- {}{line}: {}", comment.path, comment.body.trim());
        }
        text.push('\n');
    }
    text
}

fn ms(wait: Duration) -> i64 {
    i64::try_from(wait.as_millis()).unwrap_or(i64::MAX)
}
