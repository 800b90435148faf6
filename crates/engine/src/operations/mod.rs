//! Code operations: a service's request becomes an assignment, and what came of it a result.

mod view;

use std::collections::{BTreeMap, BTreeSet};

use windlass_secrets::Redactor;
use windlass_store::{NewOperation, Operation, OperationFilter, Page, Submission};
use windlass_types::{
    Assignment, AssignmentId, ErrorContext, FeatureContext, JobSpec, JobStatus, JobType, OPERATION_SOURCE, OperationPullRequest,
    OperationRepository, OperationRequest, OperationResult, OperationStatus, Policy,
};
use windlass_workspace::workspaces::Source;

use crate::command::{check_job, check_means, given};
use crate::engine::Engine;
use crate::error::{EngineError, ErrorKind};

pub use view::{CallbackView, OperationLinks, OperationProgress, OperationView};

type Result<T> = std::result::Result<T, EngineError>;

impl Engine {
    /// Makes an operation; whether it is new. The same key makes it once, and is refused for another request.
    pub async fn submit_operation(&self, mut request: OperationRequest, by: &str) -> Result<(OperationView, bool)> {
        request.check().map_err(|e| EngineError::new(ErrorKind::Invalid, e.to_string()))?;
        if let Some(callback) = &request.callback {
            self.check_callback(callback)?;
        }
        let key = request.idempotency_key.take();
        let fingerprint = fingerprint(&request)?;
        let key = key.map(|key| format!("{OPERATION_SOURCE}:{key}"));
        if let Some(key) = &key
            && let Some(known) = self.inner.store.operation_by_key(key.clone()).await?
        {
            // Known before its repository is looked at: that may be gone by now.
            if known.fingerprint != fingerprint {
                let text = format!("the same key was used before for another request, which is {}", known.assignment.id);
                return Err(EngineError::new(ErrorKind::Conflict, text).hint("give each request a key of its own"));
            }
            return Ok((self.operation(known.assignment.id).await?, false));
        }
        self.redact(&mut request)?;
        let work = self.work_of(&request, key, by).await?;
        let (operation, created) = self.written(self.inner.store.submit_operation(NewOperation { request, fingerprint, work }).await)?;
        Ok((self.operation(operation.assignment.id).await?, created))
    }

    /// One operation, with its result once it is over.
    pub async fn operation(&self, id: AssignmentId) -> Result<OperationView> {
        let operation = self.inner.store.operation(id).await?;
        let mut view = view_of(&operation);
        let next = operation.jobs.iter().find(|job| !job.status.is_final());
        view.why = match (view.status, &operation.assignment.block, next) {
            (OperationStatus::Queued | OperationStatus::Running, _, Some(job)) => {
                let explained = self.explain(job.id).await?;
                view.hold = explained.hold;
                Some(explained.summary)
            }
            (OperationStatus::Blocked | OperationStatus::Failed, Some(block), _) => {
                Some(format!("{} has to act: {}. To do: {}", block.owner, block.reason, block.action))
            }
            _ => None,
        };
        if view.status.is_over() {
            view.result = Some(self.result_of(&operation).await?);
            view.callback = self.inner.store.last_callback(id).await?.map(Into::into);
        }
        view.request = Some(operation.request);
        Ok(view)
    }

    /// Operations, the newest first, without their requests and results.
    pub async fn operations(&self, filter: OperationFilter, cursor: Option<String>, limit: u32) -> Result<Page<OperationView>> {
        let page = self.inner.store.operations(filter, cursor, limit).await?;
        Ok(Page { items: page.items.iter().map(view_of).collect(), next_cursor: page.next_cursor })
    }

    /// What came of an operation; nothing while it goes on.
    pub async fn operation_result(&self, id: AssignmentId) -> Result<(OperationStatus, Option<OperationResult>)> {
        let operation = self.inner.store.operation(id).await?;
        let status = operation.status();
        Ok((status, if status.is_over() { Some(self.result_of(&operation).await?) } else { None }))
    }

    /// Calls an operation off, with what runs of it.
    pub async fn cancel_operation(&self, id: AssignmentId, by: &str) -> Result<OperationView> {
        let operation = self.inner.store.operation(id).await?;
        // A cancel that comes twice, or late by a moment, changes nothing.
        if operation.status() != OperationStatus::Cancelled {
            self.cancel_assignment(id, by).await?;
        }
        self.operation(id).await
    }

    /// What came of an operation that is over.
    pub(crate) async fn result_of(&self, operation: &Operation) -> Result<OperationResult> {
        let a = &operation.assignment;
        let status = operation.status();
        let trace = self.inner.store.operation_trace(a.id).await?;
        let (commits, files) = match self.read_from_git(a).await {
            // What is on no remote is nobody's to fetch.
            _ if !trace.pushed => (Vec::new(), BTreeSet::new()),
            Some(found) => found,
            // On another node, or cleaned up: what was noted when it was committed.
            None => (trace.commits, trace.files),
        };
        let last_job = operation.jobs.iter().filter_map(|job| job.ended_at).max();
        let ended_at = a.ended_at.or(last_job).unwrap_or(a.updated_at);
        Ok(OperationResult {
            success: status == OperationStatus::Succeeded,
            operation_id: a.id,
            status,
            branch: a.branch.clone().filter(|_| trace.pushed).unwrap_or_default(),
            commits,
            pr: pull_request(a),
            files_modified: files.into_iter().collect(),
            iterations: trace.rounds,
            duration: ended_at.since_ms(a.created_at).max(0),
            error: why_not(operation, status),
        })
    }

    /// Commits and changed files, read from the workspace where it is here.
    async fn read_from_git(&self, a: &Assignment) -> Option<(Vec<String>, BTreeSet<String>)> {
        let head = a.head_commit.as_deref()?;
        let workspaces = &self.inner.workspaces;
        let workspace = workspaces.find(&a.project, &a.id).ok()??;
        let commits = workspaces.commits(Source::Workspace(&workspace), &workspace.base_commit, head).await.ok()?;
        let changes = workspaces.changes_of(&workspace, &workspace.base_commit, head).await.ok()?;
        Some((commits.into_iter().map(|commit| commit.sha).collect(), changes.files.into_iter().map(|file| file.path).collect()))
    }

    async fn work_of(&self, request: &OperationRequest, key: Option<String>, by: &str) -> Result<Submission> {
        let spec = JobSpec { job_type: JobType::Implement, harness: request.harness, worker: request.worker.clone(), ..JobSpec::default() };
        check_job(&spec)?;
        check_means(request.harness, request.program.as_deref(), request.script.as_deref())?;
        let policy = Policy {
            review: request.review,
            verify: given(request.verify.clone()),
            max_iterations: request.max_iterations,
            harness_defaults: request.harness.map(|harness| ("default".to_owned(), harness)).into_iter().collect::<BTreeMap<_, _>>(),
            program: given(request.program.clone()),
            script: given(request.script.clone()),
            propose: request.approval_required,
            forge_repository: forge_repository(&request.repository),
            locks: request.target_files.clone(),
            ..Policy::default()
        };
        let repo = self.address_of(&request.repository);
        let (project, base_branch) = self.project_for(Some(&repo), None, request.repository.branch.as_deref(), by).await?;
        Ok(Submission {
            key,
            project,
            north_star: request.description.clone(),
            source: OPERATION_SOURCE.to_owned(),
            policy,
            budget: request.budget,
            node_budget: self.inner.config.default_budget,
            priority: request.priority,
            base_branch,
            jobs: vec![spec],
            by: by.to_owned(),
        })
    }

    /// The repository's address: the one that was given, or where the forge has it.
    fn address_of(&self, repository: &OperationRepository) -> String {
        match (&repository.url, &repository.owner, &repository.name) {
            (None, Some(owner), Some(name)) => {
                let host = self.inner.forge.as_ref().map_or("github.com", windlass_delivery::ForgeServer::git_host);
                format!("https://{host}/{owner}/{}.git", name.strip_suffix(".git").unwrap_or(name))
            }
            (url, ..) => url.clone().unwrap_or_default(),
        }
    }

    /// Messages and traces are copied from anywhere, secrets and all: those are taken out before anything is kept.
    fn redact(&self, request: &mut OperationRequest) -> Result<()> {
        let scanner = crate::attempt::scanner().map_err(|e| EngineError::new(ErrorKind::Internal, e.message))?;
        let clean = |text: &str| Redactor::clean(&scanner, &self.inner.config.secrets, text);
        if let Some(error) = &request.error_context {
            request.error_context = Some(ErrorContext {
                error_message: clean(&error.error_message),
                stack_trace: clean(&error.stack_trace),
                affected_files: error.affected_files.iter().map(|file| clean(file)).collect(),
            });
        }
        if let Some(feature) = &request.feature_context {
            request.feature_context = Some(FeatureContext {
                requirements: feature.requirements.map(clean),
                acceptance_criteria: feature.acceptance_criteria.map(clean),
                test_strategy: feature.test_strategy.map(clean),
            });
        }
        Ok(())
    }

    fn check_callback(&self, callback: &windlass_types::Callback) -> Result<()> {
        let config = &self.inner.config.callbacks;
        crate::outbound::address(&callback.url).map_err(|why| EngineError::new(ErrorKind::Invalid, format!("callback.url {why}")))?;
        if callback.secret.is_none() && config.secret.is_none() {
            return Err(EngineError::new(ErrorKind::Invalid, "callback.secret is missing, and the daemon has none of its own")
                .hint("send one, or set WINDLASS_CALLBACK_SECRET or [callbacks] secret"));
        }
        Ok(())
    }
}

/// Names a request by its content.
fn fingerprint(request: &OperationRequest) -> Result<String> {
    let text =
        serde_json::to_vec(request).map_err(|e| EngineError::new(ErrorKind::Internal, format!("a request could not be written: {e}")))?;
    Ok(crate::hash::hex(&text))
}

/// The pull request that its work is proposed as.
fn pull_request(a: &Assignment) -> Option<OperationPullRequest> {
    let pull = a.pull_request.as_ref()?;
    Some(OperationPullRequest { number: pull.number, url: pull.url.clone(), title: pull.title.clone() })
}

/// The repository's name on the forge, where it is told and the address, a path, does not.
fn forge_repository(repository: &OperationRepository) -> Option<String> {
    let is_path = repository.url.as_ref().is_some_and(|url| url.starts_with('/'));
    let (owner, name) = (repository.owner.as_ref()?, repository.name.as_ref()?);
    let named = format!("{owner}/{}", name.strip_suffix(".git").unwrap_or(name));
    Some(named).filter(|named| is_path && windlass_types::is_forge_repository(named))
}

fn why_not(operation: &Operation, status: OperationStatus) -> Option<String> {
    match (status, &operation.assignment.block) {
        (OperationStatus::Cancelled, _) => Some("it was called off".to_owned()),
        (OperationStatus::Blocked | OperationStatus::Failed, Some(block)) => Some(format!("{}. To do: {}", block.reason, block.action)),
        _ => None,
    }
}

fn view_of(operation: &Operation) -> OperationView {
    let (a, request) = (&operation.assignment, &operation.request);
    let status = operation.status();
    let at = operation.jobs.iter().find(|job| job.status == JobStatus::Running).or_else(|| {
        let waits = operation.jobs.iter().find(|job| job.status == JobStatus::Queued);
        waits.or(operation.jobs.last())
    });
    OperationView {
        id: a.id,
        operation_id: a.id,
        operation_type: request.operation_type,
        description: a.north_star.clone(),
        status,
        why: None,
        hold: None,
        progress: OperationProgress {
            phase: at.map(|job| job.phase),
            percent: if status == OperationStatus::Succeeded { 100 } else { at.map_or(0, |job| job.progress) },
            message: at.and_then(|job| job.message.clone()),
        },
        organization_id: request.organization_id.clone(),
        session_id: request.session_id.clone(),
        project: a.project.clone(),
        approval_required: request.approval_required,
        branch: a.branch.clone(),
        created_at: a.created_at,
        updated_at: a.updated_at,
        ended_at: a.ended_at,
        request: None,
        result: None,
        callback: None,
        links: OperationLinks::of(a.id),
    }
}
