//! The pool of checked-out trees, filled in the background after a workspace was prepared.

use std::sync::Arc;

use windlass_types::count;
use windlass_workspace::workspaces::Workspace;

use crate::engine::Inner;
use crate::housekeeping::space;

/// Has the pool of the workspace's repository filled, at the commit that the workspace began at. Returns at once.
pub(crate) fn fill(inner: &Arc<Inner>, workspace: &Workspace) {
    // An engine that works on one assignment needs no second tree.
    if inner.config.pool_size == 0 || inner.works_on_one() {
        return;
    }
    let (inner, workspace) = (Arc::clone(inner), workspace.clone());
    let tasks = inner.background_tasks.clone();
    tasks.spawn(async move {
        let filling = async {
            // One tree of one repository at a time: a checkout keeps a disk busy.
            let _one = inner.filling.lock().await;
            inner.workspaces.fill_pool(&workspace, inner.config.clock.now(), room_bytes(&inner)).await
        };
        match inner.background.run_until_cancelled(filling).await {
            Some(Ok(trees)) if trees > 0 => tracing::debug!("ready of {}: {}", workspace.repo.as_str(), count(trees, "checked-out tree")),
            Some(Err(e)) => tracing::warn!(error = %e, "no checked-out tree of {} could be made ready", workspace.repo.as_str()),
            _ => {}
        }
    });
}

/// The room that pools may take beside what is there, in bytes: the floor stays free, and the bound of all workspaces holds.
fn room_bytes(inner: &Inner) -> u64 {
    let retention = &inner.config.retention;
    let free = space::free_bytes(inner).map_or(u64::MAX, |free| free.saturating_sub(retention.min_free_bytes));
    let bound = match (retention.workspaces_max_bytes, inner.keeper.workspace_bytes()) {
        (Some(max), Some(taken)) => max.saturating_sub(taken),
        (Some(max), None) => max,
        (None, _) => u64::MAX,
    };
    free.min(bound)
}

/// Removes what earlier lives left half made.
pub(crate) async fn tidy(inner: &Inner) {
    match inner.workspaces.tidy_pools().await {
        Ok(0) => {}
        Ok(removed) => tracing::info!("removed {} of pools that an earlier life left", count(removed, "tree")),
        Err(e) => tracing::warn!(error = %e, "the pools of checked-out trees could not be looked through"),
    }
}
