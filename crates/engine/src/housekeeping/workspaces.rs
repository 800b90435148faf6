//! Workspaces of assignments that are over: removed by age, then by their total size, then for want of space; the oldest first.
//!
//! **Invariant:** one goes only when its work is proved to be on the repository's branch; else it stays and is told of.

use std::collections::HashSet;
use std::sync::Arc;

use windlass_store::StoreError;
use windlass_types::{Assignment, AssignmentId, AssignmentStatus, JobStatus, Timestamp, count};
use windlass_workspace::git::WorkspaceError;
use windlass_workspace::workspaces::{Found, Removal};

use super::{HousekeepingRun, Kept, before, pool, space};
use crate::engine::Inner;

struct Candidate {
    found: Found,
    bytes: u64,
    ended_at: Timestamp,
}

/// Removes what may go; gives the assignments whose workspaces are still here.
pub(super) async fn look_after(inner: &Arc<Inner>, run: &mut HousekeepingRun) -> HashSet<AssignmentId> {
    let (mut candidates, mut left) = (Vec::new(), HashSet::new());
    let inventory = match inner.workspaces.inventory().await {
        Ok(inventory) => inventory,
        Err(e) => {
            run.problems.push(format!("workspaces: {e}"));
            return left;
        }
    };
    let pools = pool::measure(inner, run).await;
    for found in inventory {
        let id = found.assignment_id;
        left.insert(id);
        let bytes = inner.workspaces.size(&found).await;
        run.workspace_bytes = run.workspace_bytes.saturating_add(bytes);
        match end_of(inner, id).await {
            Ok(End::Over(ended_at)) => candidates.push(Candidate { found, bytes, ended_at }),
            Ok(End::Needed) => {}
            Ok(End::Unknown) => run.kept.push(Kept {
                assignment_id: id,
                bytes,
                why: "the database does not know its assignment".to_owned(),
                hint: format!("look at {} and remove it yourself", found.path.display()),
            }),
            Err(e) => {
                run.problems.push(format!("the workspace of {id}: {e}"));
            }
        }
    }
    candidates.sort_by_key(|candidate| candidate.ended_at);
    let retention = &inner.config.retention;
    let before = before(inner.config.clock.now(), retention.workspaces_secs);
    let mut total = run.workspace_bytes;
    let mut free = space::free_bytes(inner).unwrap_or(u64::MAX);
    pool::look_after(inner, pools, &mut total, &mut free, run).await;
    for candidate in candidates {
        let too_old = before.is_some_and(|before| candidate.ended_at < before);
        let too_much = retention.workspaces_max_bytes.is_some_and(|max| total > max);
        if !too_old && !too_much && free >= retention.min_free_bytes {
            continue;
        }
        let id = candidate.found.assignment_id;
        match remove(inner, &candidate.found, run.dry_run).await {
            Ok(()) => {
                left.remove(&id);
                if !run.dry_run {
                    tracing::info!(assignment.id = %id, bytes = candidate.bytes, "housekeeping removed the workspace of {id}");
                }
                total = total.saturating_sub(candidate.bytes);
                free = free.saturating_add(candidate.bytes);
                run.removed.workspaces += 1;
                run.removed.workspace_bytes += candidate.bytes;
            }
            Err(WorkspaceError::WouldLose { commits, files }) => run.kept.push(Kept {
                assignment_id: id,
                bytes: candidate.bytes,
                why: format!(
                    "it holds {} and {} that are nowhere else",
                    count(commits.len(), "commit"),
                    count(files.len(), "changed file")
                ),
                hint: format!("keep them in a bundle and remove it: windlass clean --bundle {id}"),
            }),
            Err(e) => run.kept.push(Kept {
                assignment_id: id,
                bytes: candidate.bytes,
                why: format!("it is not known whether its work is elsewhere: {e}"),
                hint: format!("see what is wrong with it, then: windlass clean {id}"),
            }),
        }
    }
    if !run.dry_run
        && let Err(e) = inner.workspaces.pack_mirrors().await
    {
        run.problems.push(format!("packing the mirrors: {e}"));
    }
    left
}

enum End {
    /// It ended then, and nothing of it runs.
    Over(Timestamp),
    Needed,
    Unknown,
}

async fn end_of(inner: &Inner, id: AssignmentId) -> Result<End, StoreError> {
    let assignment: Assignment = match inner.store.assignment(id).await {
        Ok(assignment) => assignment,
        Err(StoreError::NotFound { .. }) => return Ok(End::Unknown),
        Err(e) => return Err(e),
    };
    let over = matches!(assignment.status, AssignmentStatus::Complete | AssignmentStatus::Cancelled);
    let at_rest = |status: JobStatus| status.is_final() && status != JobStatus::Dead;
    match assignment.ended_at {
        Some(ended_at) if over && inner.store.line(id).await?.iter().all(|job| at_rest(job.status)) => Ok(End::Over(ended_at)),
        _ => Ok(End::Needed),
    }
}

/// Removes one, by the same proof as a person's `clean`. A folder without a repository has nothing to prove.
async fn remove(inner: &Inner, found: &Found, dry_run: bool) -> Result<(), WorkspaceError> {
    match inner.workspaces.find(&found.project, &found.assignment_id)? {
        Some(workspace) if dry_run => inner.workspaces.would_lose_nothing(&workspace).await,
        Some(workspace) => inner.workspaces.remove(&workspace, Removal::IfPushed).await.map(drop),
        None if dry_run => Ok(()),
        None => inner.workspaces.remove_scratch(found).await,
    }
}
