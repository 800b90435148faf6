//! What people look at all day: the list of work, what needs them, and what was done over a time.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;
use utoipa::ToSchema;
use windlass_store::{BlockedWork, ChartsFilter, NodeFacts, Page, WorkFilter, WorkSort};
use windlass_types::{
    AssignmentId, BreakerStatus, FailureClass, FailureKind, Harness, HoldKind, JobId, JobStatus, Micros, Timestamp, WorkItem, WorkStatus,
    why,
};

use crate::engine::Engine;
use crate::error::{EngineError, ErrorKind};

/// How much blocked work is looked at for the inbox.
const NEEDS_MAX: u32 = 10_000;
/// How many waiting jobs are weighed for the inbox.
const WEIGHED_MAX: u32 = 1000;
/// The longest search, in characters.
const SEARCH_CHARS_MAX: usize = 200;
/// Looking for work that is stuck takes at most one part in so many of the time.
const COST_SHARE: u32 = 20;
/// The most buckets that a chart has.
const BUCKETS_MAX: i64 = 1000;

/// How much work there is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WorkStats {
    /// Pieces of work by status: `blocked`, `running`, `waiting`, `idle`, `complete`, `cancelled`.
    pub statuses: BTreeMap<String, u64>,
    /// All of them.
    pub total: u64,
    /// How many things need a person: as many as the inbox holds.
    pub needs_you: u64,
    /// Jobs by status.
    pub jobs: BTreeMap<String, u64>,
    /// Agents at work, whoever started them.
    pub agents: AgentCounts,
    /// The number of the last event that is counted in.
    pub seq: i64,
}

/// How many agents are at work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AgentCounts {
    /// Those that did something lately.
    pub active: u64,
    /// Those that have been quiet for five minutes and have not ended.
    pub idle: u64,
}

/// What kind of thing needs a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum NeedKind {
    /// Somebody has to decide or do something before work goes on.
    Blocked,
    /// A change of a guarded path waits to be let through.
    GuardedChange,
    /// The work holds what looks like a secret.
    Secret,
    /// A job is out of retries.
    DeadLetter,
    /// A budget is spent.
    Budget,
    /// No node runs the worker that it waits for.
    NoWorker,
    /// A circuit breaker is open.
    Breaker,
    /// The database or the disk cannot be written.
    Storage,
}

/// One thing that needs a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Need {
    /// What it is told by: the same for as long as it is the same thing.
    pub key: String,
    /// What kind.
    pub kind: NeedKind,
    /// What it is about.
    pub title: String,
    /// What happened.
    pub why: String,
    /// What to do.
    pub action: Option<String>,
    /// Since when.
    pub since: Timestamp,
    /// When it ends by itself, where that is known.
    pub until: Option<Timestamp>,
    /// Its project, if it is about one.
    pub project: Option<String>,
    /// Its assignment, if it is about one.
    pub assignment_id: Option<AssignmentId>,
    /// Its job, if it is about one.
    pub job_id: Option<JobId>,
}

/// Where a need stands in the inbox: the newest first, and of one moment by its key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct NeedCursor(Reverse<Timestamp>, String);

impl NeedCursor {
    fn of(need: &Need) -> Self {
        Self(Reverse(need.since), need.key.clone())
    }

    fn read(text: &str) -> Result<Self, EngineError> {
        let parts = text.split_once('~').and_then(|(since, key)| Some(Self(Reverse(Timestamp(since.parse().ok()?)), key.to_owned())));
        parts.ok_or_else(|| EngineError::new(ErrorKind::Invalid, "the cursor is not one of this list: begin without one"))
    }
}

impl fmt::Display for NeedCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}~{}", self.0.0.0, self.1)
    }
}

/// How charts are cut.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Bucket {
    /// By the hour.
    Hour,
    /// By the day (UTC).
    #[default]
    Day,
}

impl Bucket {
    const fn ms(self) -> i64 {
        match self {
            Self::Hour => 3_600_000,
            Self::Day => 86_400_000,
        }
    }
}

/// What was done over a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Charts {
    /// From when on.
    pub since: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// How it is cut.
    pub bucket: Bucket,
    /// Jobs that ended, a bucket each, those without any too.
    pub throughput: Vec<Throughput>,
    /// How long jobs that succeeded took, a bucket each; buckets without any are left out.
    pub durations: Vec<Durations>,
    /// What attempts cost, by project and agent; the dearest first.
    pub cost: Vec<CostOf>,
    /// How attempts failed; the most frequent first.
    pub failures: Vec<FailureCount>,
}

/// Jobs that ended in one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Throughput {
    /// When the bucket begins.
    pub at: Timestamp,
    /// Those that succeeded.
    pub succeeded: u64,
    /// Those that failed.
    pub failed: u64,
    /// Dead letters.
    pub dead: u64,
    /// Those that were cancelled.
    pub cancelled: u64,
}

/// How long jobs took that succeeded in one bucket.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Durations {
    /// When the bucket begins.
    pub at: Timestamp,
    /// Half of them took at most so long, in seconds.
    pub p50_secs: f64,
    /// All but one in twenty took at most so long, in seconds.
    pub p95_secs: f64,
    /// How many there were.
    pub count: u64,
}

/// What attempts cost.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CostOf {
    /// Of which project.
    pub project: String,
    /// On which agent.
    pub harness: Harness,
    /// How many there were.
    pub attempts: u64,
    /// Tokens of every kind, as far as agents told.
    pub tokens: u64,
    /// Money, as far as agents told.
    pub cost_micros: Micros,
    /// Those whose cost is not known.
    pub unknown_cost_attempts: u64,
}

/// How often attempts failed in one way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FailureCount {
    /// How.
    pub kind: FailureKind,
    /// What the engine does about it.
    pub class: FailureClass,
    /// How often.
    pub count: u64,
}

/// Waiting work, and what holds it.
type StuckWork = Vec<(WorkItem, HoldKind)>;

/// The last look for work that is stuck.
#[derive(Debug, Default)]
pub(crate) struct Stuck(Mutex<Option<KnownStuck>>);

#[derive(Debug)]
struct KnownStuck {
    project: Option<String>,
    at: Instant,
    /// How long the look took.
    cost: Duration,
    work: StuckWork,
}

impl Engine {
    /// A page of work. With a `search`, the best matches first: each word has to be there, letter by letter in order, gaps allowed.
    pub async fn work(
        &self,
        filter: WorkFilter,
        sort: WorkSort,
        search: Option<&str>,
        cursor: Option<String>,
        limit: u32,
    ) -> Result<Page<WorkItem>, EngineError> {
        let store = &self.inner.store;
        let facts = self.facts_of_all().await?;
        let search = search.map(str::trim).filter(|search| !search.is_empty());
        let Some(search) = search else { return Ok(store.work(filter, sort, facts, cursor, limit).await?) };
        if search.chars().count() > SEARCH_CHARS_MAX {
            return Err(EngineError::new(ErrorKind::Invalid, format!("a search has at most {SEARCH_CHARS_MAX} characters")));
        }
        let from: usize = cursor
            .as_deref()
            .map_or(Ok(0), str::parse)
            .map_err(|_| EngineError::new(ErrorKind::Invalid, "the cursor is not one of this list: begin without one"))?;
        let titles = store.work_titles(filter).await?;
        let wanted = search.to_owned();
        // Weighing many thousands takes some milliseconds: not on a thread that others wait for.
        let ranked = tokio::task::spawn_blocking(move || ranked(&wanted, titles.iter().map(|title| (title.id, title.text.as_str()))))
            .await
            .map_err(|e| EngineError::new(ErrorKind::Internal, format!("the search broke off: {e}")))?;
        let ids: Vec<AssignmentId> = ranked.iter().skip(from).take(limit as usize).copied().collect();
        let end = from.saturating_add(ids.len());
        let items = store.work_of(ids, facts).await?;
        Ok(Page { items, next_cursor: (end < ranked.len()).then(|| end.to_string()) })
    }

    /// These pieces of work, in this order; those that are gone are left out.
    pub async fn work_rows(&self, ids: Vec<AssignmentId>) -> Result<Vec<WorkItem>, EngineError> {
        Ok(self.inner.store.work_of(ids, self.facts_of_all().await?).await?)
    }

    /// How much work there is.
    pub async fn work_stats(&self, project: Option<String>) -> Result<WorkStats, EngineError> {
        let store = &self.inner.store;
        // Before the counts: what happens meanwhile is told again.
        let seq = store.last_seq().await?;
        let counts = store.work_counts(project.clone()).await?;
        let blocked = counts.statuses.get(&WorkStatus::Blocked).copied().unwrap_or(0);
        let others = self.needs_besides_blocked(project.as_deref()).await?.len() as u64;
        let (active, idle) = store.agents_at_work(project).await?;
        Ok(WorkStats {
            total: counts.statuses.values().sum(),
            statuses: counts.statuses.into_iter().map(|(status, count)| (status.to_string(), count)).collect(),
            needs_you: blocked.saturating_add(others),
            jobs: counts.jobs.into_iter().map(|(status, count)| (status.to_string(), count)).collect(),
            agents: AgentCounts { active, idle },
            seq,
        })
    }

    /// A page of what needs a person, the newest first: blocked work, work that nothing but a person gets going, open breakers, a full disk.
    pub async fn needs(&self, project: Option<String>, cursor: Option<String>, limit: u32) -> Result<Page<Need>, EngineError> {
        let after = cursor.as_deref().map(NeedCursor::read).transpose()?;
        let mut items = self.all_needs(project).await?;
        if let Some(after) = &after {
            items.retain(|need| NeedCursor::of(need) > *after);
        }
        let is_more = items.len() > limit as usize;
        items.truncate(limit as usize);
        let next_cursor = items.last().filter(|_| is_more).map(|last| NeedCursor::of(last).to_string());
        Ok(Page { items, next_cursor })
    }

    /// All that needs a person, the newest first.
    pub(crate) async fn all_needs(&self, project: Option<String>) -> Result<Vec<Need>, EngineError> {
        let blocked = self.inner.store.blocked_work(project.clone(), NEEDS_MAX).await?;
        let mut needs: Vec<Need> = blocked.into_iter().map(about_blocked).collect();
        needs.extend(self.needs_besides_blocked(project.as_deref()).await?);
        needs.sort_by_cached_key(NeedCursor::of);
        Ok(needs)
    }

    /// What needs a person without being blocked.
    async fn needs_besides_blocked(&self, project: Option<&str>) -> Result<Vec<Need>, EngineError> {
        let facts: NodeFacts = self.facts_of_all().await?;
        let mut needs = Vec::new();
        for (item, hold) in self.stuck(facts, project.map(str::to_owned)).await? {
            let kind = match hold {
                HoldKind::Budget => NeedKind::Budget,
                HoldKind::NoWorker => NeedKind::NoWorker,
                // One disk, one need: below.
                HoldKind::Storage => continue,
                _ => NeedKind::Blocked,
            };
            needs.push(about_waiting(item, hold, kind));
        }
        if project.is_none() {
            needs.extend(self.needs_of_the_machine().await?);
        }
        Ok(needs)
    }

    /// Waiting work that nothing but a person gets going. What took long to find out is not asked again at once.
    async fn stuck(&self, facts: NodeFacts, project: Option<String>) -> Result<StuckWork, EngineError> {
        let known = |stuck: &Option<KnownStuck>| {
            stuck
                .as_ref()
                .filter(|known| known.project == project && known.at.elapsed() < known.cost * COST_SHARE)
                .map(|known| known.work.clone())
        };
        if let Some(work) = known(&self.inner.stuck.0.lock().unwrap_or_else(PoisonError::into_inner)) {
            return Ok(work);
        }
        let began = Instant::now();
        let work = self.inner.store.stuck_work(facts, project.clone(), WEIGHED_MAX).await?;
        let found = KnownStuck { project, at: Instant::now(), cost: began.elapsed(), work: work.clone() };
        *self.inner.stuck.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(found);
        Ok(work)
    }

    /// What each breaker that is not closed is told by, by its id, and since when: by when it first opened, however often it was tried.
    pub(crate) async fn breaker_keys(&self) -> Result<BTreeMap<String, (String, Timestamp)>, EngineError> {
        let all = self.inner.store.breakdowns().await?.into_iter().map(|(backend, since)| {
            let id = format!("{}/{}", backend.harness, backend.account);
            (id.clone(), (format!("breaker:{id}:{}", since.0), since))
        });
        Ok(all.collect())
    }

    async fn needs_of_the_machine(&self) -> Result<Vec<Need>, EngineError> {
        let mut needs = Vec::new();
        let keys = self.breaker_keys().await?;
        for breaker in self.breakers_not_closed().await? {
            // One that was closed between the two looks needs nobody.
            let Some((key, since)) = keys.get(&breaker.id).filter(|_| breaker.status == BreakerStatus::Open) else { continue };
            let why = breaker.failure.as_ref().map_or_else(|| "it failed too often in a row".to_owned(), |failure| failure.message.clone());
            needs.push(Need {
                key: key.clone(),
                kind: NeedKind::Breaker,
                title: format!("the circuit breaker of {} is open", breaker.id),
                why,
                action: Some(
                    breaker
                        .failure
                        .and_then(|failure| failure.hint)
                        .unwrap_or_else(|| "it is tried again by itself; close it when you know that it works".to_owned()),
                ),
                since: *since,
                until: breaker.open_until,
                project: None,
                assignment_id: None,
                job_id: None,
            });
        }
        if let Some(problem) = self.inner.no_storage() {
            needs.push(Need {
                key: "storage".to_owned(),
                kind: NeedKind::Storage,
                title: "no new work is begun".to_owned(),
                why: problem.why,
                action: Some("free some disk space; work goes on by itself".to_owned()),
                since: problem.since,
                until: None,
                project: None,
                assignment_id: None,
                job_id: None,
            });
        }
        Ok(needs)
    }

    /// What was done over a time; over the last two weeks by default.
    pub async fn charts(
        &self,
        project: Option<String>,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
        bucket: Bucket,
    ) -> Result<Charts, EngineError> {
        let until = until.unwrap_or_else(|| Timestamp(self.inner.config.clock.now().0.saturating_add(1)));
        let since = since.unwrap_or(Timestamp(until.0.saturating_sub(14 * Bucket::Day.ms())));
        let buckets = until.0.saturating_sub(since.0) / bucket.ms();
        if since >= until || buckets > BUCKETS_MAX {
            return Err(EngineError::new(
                ErrorKind::Invalid,
                format!("charts have 1 to {BUCKETS_MAX} buckets, and these would have {buckets}"),
            )
            .hint("ask for a shorter time, or by the day"));
        }
        let found = self.inner.store.charted(ChartsFilter { project, since, until, bucket_ms: bucket.ms() }).await?;
        let first = since.0 - since.0.rem_euclid(bucket.ms());
        let throughput = (0..=buckets.saturating_add(1))
            .map(|n| Timestamp(first + n * bucket.ms()))
            .take_while(|at| *at < until)
            .map(|at| {
                let of = |status| found.ended.get(&at).and_then(|counts| counts.get(&status)).copied().unwrap_or(0);
                Throughput {
                    at,
                    succeeded: of(JobStatus::Succeeded),
                    failed: of(JobStatus::Failed),
                    dead: of(JobStatus::Dead),
                    cancelled: of(JobStatus::Cancelled),
                }
            })
            .collect();
        let durations = found.durations_ms.into_iter().map(|(at, durations)| quantiles(at, durations)).collect();
        let mut cost: Vec<CostOf> = found
            .costs
            .into_iter()
            .map(|((project, harness), cost)| CostOf {
                project,
                harness,
                attempts: cost.attempts,
                tokens: cost.tokens,
                cost_micros: cost.cost_micros,
                unknown_cost_attempts: cost.unknown,
            })
            .collect();
        cost.sort_by_key(|of| Reverse((of.cost_micros, of.tokens)));
        let mut failures: Vec<FailureCount> =
            found.failures.into_iter().map(|(kind, count)| FailureCount { kind, class: kind.class(), count }).collect();
        failures.sort_by_key(|failure| Reverse(failure.count));
        Ok(Charts { since, until, bucket, throughput, durations, cost, failures })
    }
}

/// What is told by when its block began: whatever else changes of it, a message to its agent or its budget, it is the same block.
fn about_blocked(work: BlockedWork) -> Need {
    let kind = match (work.block.kind, work.job) {
        (Some(FailureKind::GuardedChange), _) => NeedKind::GuardedChange,
        (Some(FailureKind::SecretFound), _) => NeedKind::Secret,
        (Some(FailureKind::BudgetExceeded | FailureKind::UsageUnknown), _) => NeedKind::Budget,
        (_, Some((_, JobStatus::Dead))) => NeedKind::DeadLetter,
        _ => NeedKind::Blocked,
    };
    let why = why(WorkStatus::Blocked, Some(&work.block), None, None, None);
    Need {
        key: format!("{}:{}", work.id, work.since.0),
        kind,
        title: work.title,
        why: why.summary,
        action: why.action,
        since: work.since,
        until: None,
        project: Some(work.project),
        assignment_id: Some(work.id),
        job_id: work.job.map(|(id, _)| id),
    }
}

/// What waits is told by the job that does, for what, and after how many attempts: when it has run and waits again, it is something new.
fn about_waiting(item: WorkItem, hold: HoldKind, kind: NeedKind) -> Need {
    let what = item.job.as_ref().map_or_else(|| item.id.to_string(), |job| format!("{}:{}", job.id, job.attempts));
    let job_id = item.job.map(|job| job.id);
    Need {
        key: format!("{what}:{hold}"),
        kind,
        title: item.title,
        why: item.summary,
        action: item.action,
        since: item.updated_at,
        until: item.until,
        project: Some(item.project),
        assignment_id: Some(item.id),
        job_id,
    }
}

fn quantiles(at: Timestamp, mut durations_ms: Vec<i64>) -> Durations {
    durations_ms.sort_unstable();
    let count = durations_ms.len();
    // The smallest of which so many hundredths are not longer.
    let nth = |percent: usize| {
        let place = (count * percent).div_ceil(100).saturating_sub(1);
        durations_ms.get(place).copied().unwrap_or(0) as f64 / 1000.0
    };
    Durations { at, p50_secs: nth(50), p95_secs: nth(95), count: count as u64 }
}

/// Those that match, the best first; of equals the first given.
fn ranked<'a, T>(search: &str, candidates: impl Iterator<Item = (T, &'a str)>) -> Vec<T> {
    let pattern = Pattern::parse(search, CaseMatching::Ignore, Normalization::Smart);
    let mut matcher = Matcher::new(Config::DEFAULT);
    let mut chars = Vec::new();
    let mut scored: Vec<(u32, T)> =
        candidates.filter_map(|(what, text)| Some((pattern.score(Utf32Str::new(text, &mut chars), &mut matcher)?, what))).collect();
    scored.sort_by_key(|(score, _)| Reverse(*score));
    scored.into_iter().map(|(_, what)| what).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_search_finds_words_with_gaps_in_any_order_and_ranks_the_closest_first() {
        let texts = ["add a dark mode", "repair the parser", "parse dates in reports", "drop dead code"];
        let found = |search: &str| ranked(search, texts.iter().map(|text| (*text, *text)));
        assert_eq!(found("parser").first(), Some(&"repair the parser"));
        assert_eq!(found("mode dark"), ["add a dark mode"]);
        assert_eq!(found("drkmd"), ["add a dark mode"]);
        assert_eq!(found("PARSE").len(), 2);
        assert_eq!(found("zebra"), [""; 0]);
    }

    #[test]
    fn quantiles_are_of_what_was_there() {
        let found = quantiles(Timestamp(0), vec![4000, 1000, 2000, 3000]);
        assert_eq!((found.p50_secs.to_string(), found.p95_secs.to_string(), found.count), ("2".to_owned(), "4".to_owned(), 4));
        assert_eq!(quantiles(Timestamp(0), vec![7000]).p50_secs.to_string(), "7");
    }
}
