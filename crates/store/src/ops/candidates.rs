//! The queued jobs of one worker in the order of claims, those left out that cannot run.
//!
//! The filters here only save work: whether a candidate may run is decided by `hold` on its whole world.

use std::collections::VecDeque;

use windlass_types::{Admission, AssignmentId, Harness, JobId, JobType, LockPattern};

use super::claim::{NodeFacts, WorkerSlots};
use super::locks::{self, Held};
use super::page::Conditions;
use super::projects;
use super::world::Ground;
use crate::error::Result;
use crate::harness::unnamed_harness;
use crate::sql::{Value, Work};

/// How many more than can be claimed are read at first: some may turn out to be held.
const SPARE: u32 = 3;
const LAST_PAGE: u32 = 1000;

/// A job that could be next.
#[derive(Debug, Clone)]
pub(crate) struct Candidate {
    pub(crate) rank: i64,
    pub(crate) job: JobId,
    pub(crate) assignment: AssignmentId,
    project: String,
    /// The files that it wants for itself.
    pub(crate) locks: Vec<LockPattern>,
}

/// One worker's candidates, read in pages that grow.
pub(crate) struct Candidates {
    filter: Vec<(String, Vec<Value>)>,
    worker: String,
    only: Option<AssignmentId>,
    page: VecDeque<Candidate>,
    after: Option<(i64, JobId)>,
    size: u32,
    at_end: bool,
    #[cfg(test)]
    pages: usize,
}

impl Candidates {
    pub(crate) fn of(worker: &WorkerSlots, only: Option<AssignmentId>, shared: &Shared, most: usize) -> Self {
        Self {
            filter: shared.filter(worker),
            worker: worker.name.clone(),
            only,
            page: VecDeque::new(),
            after: None,
            size: u32::try_from(most).unwrap_or(LAST_PAGE).saturating_add(SPARE).min(LAST_PAGE),
            at_end: false,
            #[cfg(test)]
            pages: 0,
        }
    }

    /// The next candidate, left in place. Those whose files are held are passed over here: many may wait for one. `held` is none where
    /// nobody locks anything.
    pub(crate) fn peek(&mut self, w: &mut Work<'_>, held: Option<&Held>) -> Result<Option<&Candidate>> {
        loop {
            if self.page.is_empty() && !self.at_end {
                self.read_page(w, held.is_some())?;
            }
            let forbidden = |next: &Candidate| held.is_some_and(|held| held.forbids(&next.project, next.assignment, &next.locks));
            if !self.page.front().is_some_and(forbidden) {
                return Ok(self.page.front());
            }
            self.page.pop_front();
        }
    }

    /// Takes the next candidate.
    pub(crate) fn take(&mut self) -> Option<Candidate> {
        self.page.pop_front()
    }

    /// How many pages were read.
    #[cfg(test)]
    pub(super) fn pages(&self) -> usize {
        self.pages
    }

    fn read_page(&mut self, w: &mut Work<'_>, with_locks: bool) -> Result<()> {
        #[cfg(test)]
        {
            self.pages += 1;
        }
        let now = w.now()?;
        let (sql, params) = self.statement(now.0);
        let mut changing = Vec::new();
        for mut row in w.query(&sql, &params)? {
            let (rank, job, assignment, project) = (row.int()?, row.word()?, row.word()?, row.text()?);
            // A word of a later version is for the claim to complain of.
            if row.text()?.parse().is_ok_and(JobType::may_change) {
                changing.push(assignment);
            }
            self.page.push_back(Candidate { rank, job, assignment, project, locks: Vec::new() });
        }
        if with_locks {
            let mut locks = locks::of(w, &changing)?;
            for candidate in &mut self.page {
                candidate.locks = locks.remove(&candidate.assignment).unwrap_or_default();
            }
        }
        self.at_end = self.page.len() < self.size as usize;
        self.after = self.page.back().map(|last| (last.rank, last.job));
        self.size = (self.size * 4).min(LAST_PAGE);
        Ok(())
    }

    pub(super) fn statement(&self, now_ms: i64) -> (String, Vec<Value>) {
        let mut c = Conditions::default();
        c.and("j.worker = ?", [Value::from(&self.worker)]);
        c.and("j.status = 'queued'", []);
        c.and("j.due_at <= ?", [Value::Int(now_ms)]);
        c.and_if("j.assignment_id = ?", self.only);
        if let Some((rank, id)) = self.after {
            c.and("(j.rank, j.id) > (?, ?)", [Value::Int(rank), id.into()]);
        }
        for (condition, values) in &self.filter {
            c.and(condition, values.iter().cloned());
        }
        c.and("EXISTS (SELECT 1 FROM assignments a WHERE a.id = j.assignment_id AND a.status = 'active')", []);
        c.and(
            "NOT EXISTS (SELECT 1 FROM jobs p WHERE p.assignment_id = j.assignment_id AND p.id <> j.id \
             AND (p.status = 'running' OR (p.status = 'queued' AND p.position < j.position)))",
            [],
        );
        let size = c.push(Value::from(self.size));
        (
            format!(
                "SELECT j.rank, j.id, j.assignment_id, j.project, j.job_type FROM jobs j{} ORDER BY j.rank, j.id LIMIT {size}",
                c.text()
            ),
            c.params,
        )
    }
}

/// What leaves out whole projects and harnesses, read once for a claim.
pub(crate) struct Shared {
    pub(super) closed_projects: Vec<String>,
    /// Parked by a quota, or stopped by their breaker.
    pub(super) parked: Vec<Harness>,
    /// Projects and types whose jobs, when they name no harness, go to a parked one: for workers that name none.
    pub(super) parked_pairs: Vec<(String, JobType)>,
}

impl Shared {
    pub(crate) fn read(w: &mut Work<'_>, facts: &NodeFacts, ground: &Ground) -> Result<Self> {
        let closed = w.query(
            "SELECT p.name FROM projects p WHERE p.max_concurrent IS NOT NULL AND p.max_concurrent <= \
             (SELECT COUNT(*) FROM jobs j WHERE j.project = p.name AND j.status = 'running') ORDER BY p.name LIMIT 1000",
            &[],
        )?;
        let closed_projects = closed.into_iter().map(|mut row| row.text()).collect::<Result<Vec<_>>>()?;
        let now = w.now()?;
        let refuses = |harness: &Harness| ground.breaker(facts, *harness).is_some_and(|b| b.admits(now) == Admission::Refused);
        let parked: Vec<Harness> =
            Harness::ALL.into_iter().filter(|harness| ground.parks.iter().any(|p| p.harness == *harness) || refuses(harness)).collect();
        let mut parked_pairs = Vec::new();
        if !parked.is_empty() {
            for project in projects::all(w)? {
                for job_type in JobType::ALL {
                    if parked.contains(&unnamed_harness(job_type, None, &project.settings, &facts.harness_defaults)) {
                        parked_pairs.push((project.name.clone(), job_type));
                    }
                }
            }
        }
        Ok(Self { closed_projects, parked, parked_pairs })
    }

    fn filter(&self, worker: &WorkerSlots) -> Vec<(String, Vec<Value>)> {
        let mut filter = Vec::new();
        if !self.closed_projects.is_empty() {
            let places = vec!["?"; self.closed_projects.len()].join(", ");
            filter.push((format!("j.project NOT IN ({places})"), self.closed_projects.iter().map(Value::from).collect()));
        }
        if self.parked.is_empty() {
            return filter;
        }
        let places = vec!["?"; self.parked.len()].join(", ");
        filter.push((
            format!("(j.harness IS NULL OR j.harness NOT IN ({places}))"),
            self.parked.iter().map(|harness| Value::from(harness.as_str())).collect(),
        ));
        match worker.harness {
            Some(harness) if self.parked.contains(&harness) => filter.push(("j.harness IS NOT NULL".to_owned(), Vec::new())),
            Some(_) => {}
            // A statement has room for so many; beyond it `hold` alone leaves them out.
            None => {
                for (project, job_type) in self.parked_pairs.iter().take(500) {
                    filter.push((
                        "NOT (j.harness IS NULL AND j.project = ? AND j.job_type = ?)".to_owned(),
                        vec![Value::from(project), Value::from(job_type.as_str())],
                    ));
                }
            }
        }
        filter
    }
}
