//! What people and programs ask for: each command is checked, then written in one transaction.

use std::collections::HashMap;

use windlass_secrets::Redactor;
use windlass_store::{JobEdit, StoreError, Submission, Submitted};
use windlass_types::{
    Assignment, AssignmentId, AssignmentMove, AssignmentStatus, Block, Failure, FailureKind, Harness, Job, JobId, JobSpec, JobStatus,
    JobType, OnFailure, Phase, Policy, Project, ProjectSettings, SCRATCH, Verdict, is_valid_name, name_from,
};
use windlass_workspace::git::{RepoAddress, WorkspaceError};
use windlass_workspace::workspaces::{Removal, RepoFacts, RepoKind};

use crate::engine::Engine;
use crate::error::{EngineError, ErrorKind};
use crate::lease::Control;
use crate::repository_file;
use crate::request::{
    AgentIdentity, CleanUp, CleanedUp, CreateAssignment, HarnessParked, RunGoal, Status, TrustCandidate, UpdateAssignment, WorkerStatus,
};

/// The longest goal and the longest context, in bytes.
const TEXT_MAX: usize = 1024 * 1024;

/// What was looked up for the goals of one call: repository, project and base asked for, project and base branch found.
type Places = HashMap<(Option<String>, Option<String>, Option<String>), (String, Option<String>)>;

type Result<T> = std::result::Result<T, EngineError>;

impl Engine {
    /// Makes an assignment with its first job. The same key makes it once.
    pub async fn run(&self, goal: RunGoal, by: &str) -> Result<Submitted> {
        let mut made = self.run_many(vec![goal], by).await?;
        made.pop().ok_or_else(|| EngineError::new(ErrorKind::Internal, "the store made no assignment"))
    }

    /// Makes many assignments in one transaction: all or none.
    pub async fn run_many(&self, goals: Vec<RunGoal>, by: &str) -> Result<Vec<Submitted>> {
        let mut submissions = Vec::with_capacity(goals.len());
        let mut places = Places::new();
        for goal in goals {
            submissions.push(self.submission_of(goal, &mut places, by).await?);
        }
        self.written(self.inner.store.submit(submissions).await)
    }

    /// A write's answer; where there was no room for it, `/ready` and the dispatcher are told.
    pub(crate) fn written<T>(&self, answer: std::result::Result<T, StoreError>) -> Result<T> {
        answer.map_err(|e| {
            self.inner.storage_failed(&e);
            e.into()
        })
    }

    async fn submission_of(&self, goal: RunGoal, places: &mut Places, by: &str) -> Result<Submission> {
        check_text("goal", &goal.goal)?;
        let mut harness_defaults = goal.harness_defaults.clone();
        check_harness_defaults(&harness_defaults)?;
        if let Some(harness) = goal.harness {
            harness_defaults.entry("default".to_owned()).or_insert(harness);
        }
        let spec = JobSpec {
            job_type: goal.job_type.unwrap_or(JobType::Implement),
            harness: goal.harness.filter(|_| !goal.harness_defaults.contains_key(goal.job_type.unwrap_or(JobType::Implement).as_str())),
            worker: goal.worker.clone(),
            model: goal.model.clone(),
            timeout_secs: goal.timeout_secs,
            idle_timeout_secs: goal.idle_timeout_secs,
            max_retries: goal.max_retries,
            ..JobSpec::default()
        };
        check_job(&spec)?;
        check_means(goal.harness, goal.program.as_deref(), goal.script.as_deref())?;
        let policy = Policy {
            review: !goal.no_review && !program_alone(&harness_defaults),
            verify: given(goal.verify),
            max_iterations: goal.max_iterations,
            harness_defaults,
            program: given(goal.program),
            script: given(goal.script),
            propose: goal.propose,
            locks: goal.locks,
            ..Policy::default()
        };
        let asked = (goal.repo, goal.project, goal.base);
        let (project, base_branch) = match places.get(&asked) {
            Some(known) => known.clone(),
            None => {
                let place = self.project_for(asked.0.as_deref(), asked.1.as_deref(), asked.2.as_deref(), by).await?;
                places.insert(asked, place.clone());
                place
            }
        };
        Ok(Submission {
            key: goal.key,
            budget: goal.budget,
            node_budget: self.inner.config.default_budget,
            project,
            north_star: goal.goal,
            source: goal.source.unwrap_or_else(|| "api".to_owned()),
            policy,
            priority: goal.priority,
            base_branch,
            jobs: vec![spec],
            by: by.to_owned(),
        })
    }

    /// Makes an assignment, with the jobs it names or none.
    pub async fn create(&self, mut wanted: CreateAssignment, by: &str) -> Result<Submitted> {
        check_text("north star", &wanted.north_star)?;
        check_harness_defaults(&wanted.policy.harness_defaults)?;
        if program_alone(&wanted.policy.harness_defaults) {
            if wanted.policy.on_failure == OnFailure::Review {
                return Err(EngineError::new(ErrorKind::Invalid, "nobody can review a job that failed: the only agent named is a program")
                    .hint("name an agent for pm jobs (harness_defaults.pm of the policy), or leave failures to a person"));
            }
            wanted.policy.review = false;
        }
        for spec in &wanted.jobs {
            check_job(spec)?;
        }
        let (project, base_branch) =
            self.project_for(wanted.repo.as_deref(), wanted.project.as_deref(), wanted.base.as_deref(), by).await?;
        let submission = Submission {
            key: wanted.key,
            budget: wanted.budget,
            node_budget: self.inner.config.default_budget,
            project,
            north_star: wanted.north_star,
            source: wanted.source.unwrap_or_else(|| "api".to_owned()),
            policy: wanted.policy,
            priority: wanted.priority,
            base_branch,
            jobs: wanted.jobs,
            by: by.to_owned(),
        };
        let mut made = self.written(self.inner.store.submit(vec![submission]).await)?;
        made.pop().ok_or_else(|| EngineError::new(ErrorKind::Internal, "the store made no assignment"))
    }

    /// Puts jobs in an assignment's line.
    pub async fn insert_jobs(&self, assignment: AssignmentId, after: Option<JobId>, specs: Vec<JobSpec>, by: &str) -> Result<Vec<Job>> {
        if specs.is_empty() {
            return Err(EngineError::new(ErrorKind::Invalid, "no job was given"));
        }
        for spec in &specs {
            check_job(spec)?;
        }
        self.written(self.inner.store.insert_jobs(assignment, after, specs, by.to_owned()).await)
    }

    /// Asks the assignment's agent something more, in its own session where it has one. What is over or blocked goes on with it.
    pub async fn follow_up(&self, id: AssignmentId, text: String, key: Option<String>, by: &str) -> Result<(Job, bool)> {
        check_text("message", &text)?;
        self.written(self.inner.store.follow_up(id, text, key, self.inner.facts(), by.to_owned()).await)
    }

    /// Moves an assignment to another status, or changes its limits.
    pub async fn update_assignment(&self, id: AssignmentId, update: UpdateAssignment, by: &str) -> Result<Assignment> {
        let (reason, owner, action) = (given(update.reason), given(update.owner), given(update.action));
        if update.status.is_none() && reason.is_some() {
            return Err(EngineError::new(ErrorKind::Invalid, "a reason is kept with a status, and no status was given")
                .hint("give the status, or leave the reason out"));
        }
        if update.status != Some(AssignmentStatus::Blocked) && (owner.is_some() || action.is_some()) {
            return Err(EngineError::new(
                ErrorKind::Invalid,
                "owner and action are for the status blocked: they say who has to act, on what",
            )
            .hint("leave them out, or give the status blocked"));
        }
        if let Some(reason) = &reason {
            check_text("reason", reason)?;
        }
        let mut assignment = None;
        if let Some(budget) = update.budget {
            assignment = Some(self.inner.store.set_budget(id, budget, by.to_owned()).await?);
        }
        if let Some(status) = update.status {
            if status == AssignmentStatus::Active {
                self.check_something_to_do(id).await?;
            }
            if status == AssignmentStatus::Complete && self.inner.store.line(id).await?.iter().any(|j| j.status == JobStatus::Running) {
                return Err(EngineError::new(ErrorKind::Conflict, "a job of it still runs, and would deliver its work afterwards")
                    .hint("wait for it, or cancel the job first"));
            }
            let by_move = match status {
                AssignmentStatus::Active => AssignmentMove::Activate,
                AssignmentStatus::Blocked => {
                    let block = Block {
                        owner: owner.unwrap_or_else(|| "person".to_owned()),
                        action: action.or_else(|| reason.clone()).unwrap_or_else(|| "say how to go on".to_owned()),
                        reason: reason.unwrap_or_else(|| format!("blocked by {by}")),
                        kind: None,
                    };
                    return Ok(self.inner.store.move_assignment(id, AssignmentMove::Block, Some(block), by.to_owned()).await?);
                }
                AssignmentStatus::Complete => AssignmentMove::Complete,
                AssignmentStatus::Cancelled => return self.call_off(id, reason, by).await,
            };
            assignment = Some(self.inner.store.move_assignment_because(id, by_move, reason, by.to_owned()).await?);
        }
        assignment.ok_or_else(|| EngineError::new(ErrorKind::Invalid, "nothing to change was given").hint("give a status or a budget"))
    }

    /// A blocked assignment that is made active has a job to run, or a pm to say which; else it would only look as if it went on. One that
    /// is over may be opened again with nothing to do: jobs are put in then.
    async fn check_something_to_do(&self, id: AssignmentId) -> Result<()> {
        let assignment = self.inner.store.assignment(id).await?;
        let line = self.inner.store.line(id).await?;
        if assignment.status != AssignmentStatus::Blocked || assignment.policy.review || line.iter().any(|j| !j.status.is_final()) {
            return Ok(());
        }
        let Some(last) = line.last() else { return Ok(()) };
        Err(EngineError::new(ErrorKind::Conflict, format!("nothing of it is queued: its last job, {}, is {}", last.id, last.status)).hint(
            format!(
                "run that job again with windlass retry {}, insert another with windlass insert-job, or end it with --status complete",
                last.id
            ),
        ))
    }

    /// Cancels a job: a queued one at once, a running one as soon as its agent is stopped.
    pub async fn cancel_job(&self, id: JobId, by: &str) -> Result<Job> {
        let job = self.inner.store.cancel_job(id, by.to_owned()).await?;
        self.inner.leases.tell(id, Control::Cancel);
        Ok(job)
    }

    /// Calls an assignment off, with all its jobs.
    pub async fn cancel_assignment(&self, id: AssignmentId, by: &str) -> Result<Assignment> {
        self.call_off(id, None, by).await
    }

    async fn call_off(&self, id: AssignmentId, reason: Option<String>, by: &str) -> Result<Assignment> {
        let assignment = self.inner.store.move_assignment_because(id, AssignmentMove::Cancel, reason, by.to_owned()).await?;
        self.inner.leases.tell_assignment(id, Control::Cancel);
        Ok(assignment)
    }

    /// Removes the workspace of an assignment that is over, once its work is proved to be elsewhere.
    pub async fn clean_up(&self, id: AssignmentId, how: CleanUp, by: &str) -> Result<CleanedUp> {
        let assignment = self.inner.store.assignment(id).await?;
        if !matches!(assignment.status, AssignmentStatus::Complete | AssignmentStatus::Cancelled) {
            return Err(EngineError::new(
                ErrorKind::Conflict,
                format!("the assignment is {}: its workspace is still needed", assignment.status),
            )
            .hint("complete or cancel it first"));
        }
        if self.inner.store.line(id).await?.iter().any(|j| j.status == JobStatus::Running) {
            return Err(EngineError::new(ErrorKind::Conflict, "a job of it still runs").hint("wait until it has stopped"));
        }
        let found = self.inner.workspaces.find(&assignment.project, &id).map_err(refused)?;
        let workspace = found
            .ok_or_else(|| EngineError::new(ErrorKind::Conflict, "this assignment has no workspace here: there is nothing to remove"))?;
        let removal = if how.bundle { Removal::Bundle } else { Removal::IfPushed };
        let removed = self.inner.workspaces.remove(&workspace, removal).await.map_err(|e| match e {
            WorkspaceError::WouldLose { .. } => {
                EngineError::new(ErrorKind::Conflict, e.to_string()).hint("keep what is nowhere else in a bundle: windlass clean --bundle")
            }
            e => refused(e),
        })?;
        tracing::info!(assignment.id = %id, by, "the workspace of {id} is removed");
        Ok(CleanedUp { id, bundle: removed.bundle.map(|p| p.display().to_string()) })
    }

    /// Runs a job that ended once more, with what was edited.
    pub async fn retry_job(&self, id: JobId, edit: JobEdit, by: &str) -> Result<Job> {
        check_edit(&edit)?;
        Ok(self.inner.store.revive_job(id, edit, by.to_owned()).await?)
    }

    /// Lets the change of guarded paths through that a job is held for: just what its last attempt left, and no other.
    pub async fn approve_change(&self, id: JobId, by: &str) -> Result<Job> {
        let nothing = || EngineError::new(ErrorKind::Conflict, format!("{id} does not wait for anybody to let a change through"));
        let attempt = self.inner.store.attempts(id).await?.pop().ok_or_else(nothing)?;
        let journal = self.inner.store.journal(attempt.id).await?;
        let digest = journal.last().and_then(|stage| stage.detail["digest"].as_str()).ok_or_else(nothing)?;
        self.written(self.inner.store.approve_change(id, digest.to_owned(), by.to_owned()).await)
    }

    /// Pauses or resumes everything: what runs goes on, nothing new is claimed.
    pub async fn set_paused(&self, paused: bool, by: &str) -> Result<()> {
        Ok(self.inner.store.set_paused(paused, by.to_owned()).await?)
    }

    /// Lets a harness go that a quota has parked.
    pub async fn unpark_harness(&self, harness: Harness, by: &str) -> Result<()> {
        Ok(self.inner.store.unpark_harness(harness, by.to_owned()).await?)
    }

    /// What this daemon is and does.
    pub async fn status(&self) -> Result<Status> {
        let inner = &self.inner;
        let counts = inner.store.counts().await?;
        let running = inner.leases.by_worker();
        Ok(Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            node: inner.node.clone(),
            started_at: inner.started_at,
            ready: self.is_ready(),
            paused: inner.store.paused().await?,
            isolation: inner.launcher.level().as_str().to_owned(),
            store: if inner.store.is_postgres() { "postgres" } else { "sqlite" }.to_owned(),
            storage_problem: inner.no_storage().map(|problem| problem.why),
            stopping: self.is_stopping(),
            jobs: counts.jobs.iter().map(|(k, v)| (k.to_string(), *v)).collect(),
            assignments: counts.assignments.iter().map(|(k, v)| (k.to_string(), *v)).collect(),
            workers: inner
                .workers()
                .iter()
                .map(|w| WorkerStatus {
                    name: w.name.clone(),
                    running: running.get(&w.name).copied().unwrap_or(0),
                    limit: w.max_concurrent_tasks,
                    queued: counts.queued_by_worker.get(&w.name).copied().unwrap_or(0),
                })
                .collect(),
            breakers: self.breakers_not_closed().await?,
            harness_parks: inner
                .store
                .harness_parks()
                .await?
                .into_iter()
                .filter(|p| p.until > inner.config.clock.now())
                .map(|p| HarnessParked { harness: p.harness, until: p.until, reason: p.reason })
                .collect(),
        })
    }

    /// Lets a repository join as a project.
    ///
    /// With `seen`, only where the project still is as it was seen.
    pub async fn init_project(
        &self,
        name: Option<String>,
        repo: String,
        settings: ProjectSettings,
        seen: Option<Project>,
        by: &str,
    ) -> Result<Project> {
        let (repo, facts) = self.inspect(&repo, None).await?;
        let name = match name {
            Some(name) => name,
            None => name_of_repo(&repo),
        };
        check_name(&name)?;
        check_harness_defaults(&settings.harness_defaults)?;
        tracing::info!(project = %name, by, "project {name} joins");
        let store = &self.inner.store;
        Ok(match seen {
            Some(seen) => store.change_project(seen, Some(repo), facts.default_branch, settings).await?,
            None => store.put_project(name, Some(repo), facts.default_branch, settings).await?,
        })
    }

    /// What trusting a project would trust.
    pub async fn trust_candidate(&self, name: &str) -> Result<TrustCandidate> {
        let project = self.project(name).await?;
        let repo = project.repo.ok_or_else(|| {
            EngineError::new(ErrorKind::Invalid, format!("project {name} has no repository, so there is nothing to trust"))
        })?;
        let base = project.default_branch.as_deref();
        let (commit, found) =
            self.inner.workspaces.read_at_base(&repo, base, &repository_file::paths(), repository_file::FILE_MAX).await.map_err(refused)?;
        let files: std::collections::BTreeMap<String, String> =
            found.into_iter().map(|(path, bytes)| (path, String::from_utf8_lossy(&bytes).into_owned())).collect();
        if !files.contains_key(repository_file::FILE) {
            return Err(EngineError::new(
                ErrorKind::Invalid,
                format!("the repository of {name} brings no {}, so there is nothing to trust", repository_file::FILE),
            ));
        }
        let file = repository_file::parse(files)?;
        let trusted = project.trusted.as_deref() == Some(file.hash.as_str());
        Ok(TrustCandidate { project: name.to_owned(), commit, hash: file.hash, trusted, files: file.files })
    }

    /// Trusts what a repository brings, named by hash: another content asks again.
    pub async fn trust(&self, name: &str, hash: &str, by: &str) -> Result<Project> {
        let candidate = self.trust_candidate(name).await?;
        if candidate.hash != hash {
            return Err(EngineError::new(ErrorKind::Conflict, format!("the files of {name} have changed since they were shown"))
                .hint("look at them again: windlass trust"));
        }
        tracing::info!(project = name, hash, by, "{by} trusts what the repository of {name} brings");
        Ok(self.inner.store.trust_project(name, Some(hash.to_owned())).await?)
    }

    /// The place of the agent that holds this scoped token, while its attempt lives.
    pub async fn agent(&self, token: &str) -> Result<Option<AgentIdentity>> {
        let found = self.inner.store.attempt_by_agent_token(&crate::hash::hex(token.as_bytes())).await?;
        Ok(found.map(|(attempt, job)| AgentIdentity { assignment_id: job.assignment_id, job, attempt }))
    }

    /// Takes a pm job's verdict. What can be checked at once is; its evidence is looked up when the run ends.
    pub async fn verdict(&self, agent: &AgentIdentity, verdict: Verdict) -> Result<()> {
        if agent.job.spec.job_type != JobType::Pm {
            return Err(EngineError::new(
                ErrorKind::Forbidden,
                format!("only a pm job may give a verdict, and this is a job of type {}", agent.job.spec.job_type),
            ));
        }
        crate::attempt::check_verdict_at_once(&self.inner, &agent.job, &verdict)
            .await?
            .map_err(|bad| EngineError::new(ErrorKind::Invalid, bad.to_string()))?;
        let verdict = self.without_secrets(agent, verdict)?;
        Ok(self.inner.store.propose_verdict(agent.job.id, agent.attempt.token, verdict).await?)
    }

    fn clean(&self, agent: &AgentIdentity, text: &str) -> Result<String> {
        let scanner = crate::attempt::scanner().map_err(|e| EngineError::new(ErrorKind::Internal, e.message))?;
        Ok(Redactor::clean(&scanner, &self.inner.secrets_of(agent.attempt.id), text))
    }

    /// What an agent sends is cleaned like what it prints, before it is stored.
    fn without_secrets(&self, agent: &AgentIdentity, verdict: Verdict) -> Result<Verdict> {
        let internal = |e: serde_json::Error| EngineError::new(ErrorKind::Internal, format!("a verdict could not be rewritten: {e}"));
        let text = serde_json::to_string(&verdict).map_err(internal)?;
        let clean = self.clean(agent, &text)?;
        if clean == text { Ok(verdict) } else { serde_json::from_str(&clean).map_err(internal) }
    }

    /// Takes an agent's word on where it is.
    pub async fn agent_progress(
        &self,
        agent: &AgentIdentity,
        phase: Option<Phase>,
        progress: Option<u8>,
        message: Option<String>,
    ) -> Result<()> {
        let message = message.map(|m| self.clean(agent, &m)).transpose()?.map(|m| m.chars().take(500).collect());
        Ok(self.inner.store.progress(agent.job.id, agent.attempt.token, phase, progress.map(|p| p.min(100)), message).await?)
    }

    async fn project(&self, name: &str) -> Result<Project> {
        self.inner.store.project(name).await?.ok_or_else(|| {
            EngineError::new(ErrorKind::NotFound, format!("there is no project {name:?}"))
                .hint("windlass projects shows them; windlass init lets a repository join")
        })
    }

    /// The name of the project of a submission, made when its repository is new; and the branch to start from, looked up now so that
    /// what is missing is said at once.
    pub(crate) async fn project_for(
        &self,
        repo: Option<&str>,
        project: Option<&str>,
        base: Option<&str>,
        by: &str,
    ) -> Result<(String, Option<String>)> {
        if (repo, base) == (None, None) && project.is_none_or(|name| name == SCRATCH) {
            // It is always there and has no repository: there is nothing to look up.
            return Ok((SCRATCH.to_owned(), None));
        }
        let store = &self.inner.store;
        let project = match (repo, project) {
            (None, None) => self.project(SCRATCH).await?,
            (None, Some(name)) => self.project(name).await?,
            (Some(repo), name) => {
                let (repo, facts) = self.inspect(repo, base).await?;
                match self.project_at(&repo).await? {
                    Some(known) if name.is_none_or(|n| n == known.name) => known,
                    _ => {
                        let name = match name {
                            Some(name) => name.to_owned(),
                            None => self.free_name(&name_of_repo(&repo), &repo).await?,
                        };
                        check_name(&name)?;
                        if let Some(other) = store.project(&name).await?
                            && other.repo.as_deref() != Some(repo.as_str())
                        {
                            return Err(EngineError::new(
                                ErrorKind::Conflict,
                                format!("project {name} belongs to another repository ({})", other.repo.unwrap_or_default()),
                            )
                            .hint("give another name with --project"));
                        }
                        tracing::info!(project = %name, by, "project {name} joins");
                        self.written(store.put_project(name, Some(repo), facts.default_branch.clone(), ProjectSettings::default()).await)?
                    }
                }
            }
        };
        let Some(repo) = &project.repo else {
            return match base {
                Some(base) => {
                    Err(EngineError::new(ErrorKind::Invalid, format!("a base branch ({base}) needs a repository")).hint("give --repo"))
                }
                None => Ok((project.name, None)),
            };
        };
        let wanted = base.map(str::to_owned).or_else(|| project.default_branch.clone().filter(|_| repo_is_remote(repo)));
        let (_, facts) = self.inspect(repo, wanted.as_deref()).await?;
        if facts.dirty && facts.kind == RepoKind::Local {
            tracing::info!(project = %project.name, "the working tree of {repo} has uncommitted changes; work starts from the commit of {}", facts.base_branch);
        }
        let base_branch = Some(facts.base_branch);
        Ok((project.name, base_branch))
    }

    /// Looks at a repository; gives its one true address too, so that two ways to write it are one project.
    async fn inspect(&self, repo: &str, base: Option<&str>) -> Result<(String, RepoFacts)> {
        let address = RepoAddress::parse(repo).map_err(refused)?;
        let address = match address {
            RepoAddress::Local(path) => path.canonicalize().unwrap_or(path).display().to_string(),
            RepoAddress::Remote(url) => url,
        };
        let facts = self.inner.workspaces.inspect(&address, base).await.map_err(refused)?;
        Ok((address, facts))
    }

    /// The project of a repository, however its address is written.
    async fn project_at(&self, repo: &str) -> Result<Option<Project>> {
        let store = &self.inner.store;
        if let Some(known) = store.project_by_repo(repo).await? {
            return Ok(Some(known));
        }
        let address = RepoAddress::parse(repo).map_err(refused)?;
        let is_it = |project: &Project| {
            let other = project.repo.as_deref().and_then(|other| RepoAddress::parse(other).ok());
            other.is_some_and(|other| other.is_same_place(&address))
        };
        Ok(if matches!(address, RepoAddress::Remote(_)) { store.projects().await?.into_iter().find(is_it) } else { None })
    }

    async fn free_name(&self, name: &str, repo: &str) -> Result<String> {
        match self.inner.store.project(name).await? {
            None => Ok(name.to_owned()),
            Some(other) if other.repo.as_deref() == Some(repo) => Ok(name.to_owned()),
            Some(_) => Ok(format!("{name}-{}", &crate::hash::hex(repo.as_bytes())[..8])),
        }
    }
}

fn refused(e: WorkspaceError) -> EngineError {
    e.failure().into()
}

fn repo_is_remote(repo: &str) -> bool {
    !repo.starts_with('/')
}

fn name_of_repo(repo: &str) -> String {
    let last = repo.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
    name_from(last.strip_suffix(".git").unwrap_or(last))
}

pub(crate) fn given(text: Option<String>) -> Option<String> {
    text.filter(|t| !t.trim().is_empty())
}

fn too_long(what: &str, len: usize) -> EngineError {
    EngineError::new(ErrorKind::Invalid, format!("the {what} is {len} bytes long; at most {TEXT_MAX} are taken"))
        .hint("put the long part in a file of the repository and name it")
}

/// What a person changes of a job can be kept.
pub(crate) fn check_edit(edit: &JobEdit) -> Result<()> {
    if let Some(north_star) = &edit.north_star {
        check_text("north star", north_star)?;
    }
    if let Some(context) = edit.context.as_ref().filter(|context| context.len() > TEXT_MAX) {
        return Err(too_long("context", context.len()));
    }
    edit.script.as_deref().map_or(Ok(()), check_script)
}

fn check_text(what: &str, text: &str) -> Result<()> {
    if text.trim().is_empty() {
        return Err(EngineError::new(ErrorKind::Invalid, format!("the {what} is empty")).hint("say what is wanted in a sentence or more"));
    }
    if text.len() > TEXT_MAX {
        return Err(too_long(what, text.len()));
    }
    Ok(())
}

fn check_name(name: &str) -> Result<()> {
    if is_valid_name(name) {
        return Ok(());
    }
    Err(EngineError::new(ErrorKind::Invalid, format!("{name:?} cannot be a name"))
        .hint("use letters, digits, '.', '_' and '-', beginning with a letter or digit, at most 128"))
}

/// Whether a program is the only agent that is named. It is no judge: its work is reviewed only where an agent for pm jobs is named.
fn program_alone(defaults: &std::collections::BTreeMap<String, Harness>) -> bool {
    defaults.get("default") == Some(&Harness::Command) && !defaults.contains_key(JobType::Pm.as_str())
}

fn check_harness_defaults(defaults: &std::collections::BTreeMap<String, Harness>) -> Result<()> {
    for key in defaults.keys() {
        if key != "default" && key.parse::<JobType>().is_err() {
            return Err(EngineError::new(ErrorKind::Invalid, format!("harness_defaults has {key:?}, which is no job type"))
                .hint(format!("use default, {}", JobType::ALL.map(JobType::as_str).join(", "))));
        }
    }
    Ok(())
}

pub(crate) fn check_job(spec: &JobSpec) -> Result<()> {
    if spec.context.len() > TEXT_MAX {
        return Err(too_long("context", spec.context.len()));
    }
    if let Some(worker) = &spec.worker {
        check_name(worker)?;
    }
    if spec.timeout_secs == Some(0) || spec.idle_timeout_secs == Some(0) {
        return Err(EngineError::new(ErrorKind::Invalid, "a timeout of 0 seconds leaves no time to run"));
    }
    Ok(())
}

/// A harness that needs a means is given it: said before anything is dispatched.
pub(crate) fn check_means(harness: Option<Harness>, program: Option<&str>, script: Option<&str>) -> Result<()> {
    match harness {
        Some(Harness::Command) if program.is_none_or(|p| p.trim().is_empty()) => {
            Err(EngineError::new(ErrorKind::Invalid, "harness command needs a program").hint("give --program \"CMD ARG…\""))
        }
        Some(Harness::Simulated) => match script {
            None => Err(EngineError::new(ErrorKind::Invalid, "harness simulated needs a script").hint("give --script FILE.toml")),
            Some(script) => check_script(script),
        },
        _ => Ok(()),
    }
}

fn check_script(script: &str) -> Result<()> {
    windlass_harness::simulated::check(script).map_err(|f| EngineError::from(Failure::new(FailureKind::BadConfiguration, f.message)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_named_after_its_last_folder() {
        assert_eq!(name_of_repo("/home/me/shop/"), "shop");
        assert_eq!(name_of_repo("git@host:me/shop.git"), "shop");
        assert_eq!(name_of_repo("/"), "project");
    }
}
