//! Ready trees of pools: nothing in them is anybody's work, so they go before any workspace does.

use windlass_types::Timestamp;
use windlass_workspace::workspaces::PoolTree;

use super::{HousekeepingRun, before};
use crate::engine::Inner;

/// A tree of a pool and the room that it takes.
pub(super) struct Taken {
    tree: PoolTree,
    bytes: u64,
}

/// What the pools hold; counted with the workspaces.
pub(super) async fn measure(inner: &Inner, run: &mut HousekeepingRun) -> Vec<Taken> {
    let trees = match inner.workspaces.pool_trees().await {
        Ok(trees) => trees,
        Err(e) => {
            run.problems.push(format!("the pools of checked-out trees: {e}"));
            return Vec::new();
        }
    };
    let mut all = Vec::new();
    for tree in trees {
        let bytes = inner.workspaces.pool_tree_size(&tree).await;
        run.workspace_bytes = run.workspace_bytes.saturating_add(bytes);
        all.push(Taken { tree, bytes });
    }
    all
}

/// Removes those that nobody has used for as long as a workspace is kept, and for want of space the least used ones.
pub(super) async fn look_after(inner: &Inner, mut all: Vec<Taken>, total: &mut u64, free: &mut u64, run: &mut HousekeepingRun) {
    let retention = &inner.config.retention;
    let before: Option<Timestamp> = before(inner.config.clock.now(), retention.workspaces_secs);
    // One that is being made is not ready, and its lock keeps it.
    all.sort_by_key(|taken| taken.tree.ready_at);
    for taken in all {
        let unused = before.is_some_and(|before| taken.tree.ready_at.is_none_or(|at| at < before));
        let too_much = retention.workspaces_max_bytes.is_some_and(|max| *total > max);
        if !unused && !too_much && *free >= retention.min_free_bytes {
            continue;
        }
        let removed = if run.dry_run { Ok(true) } else { inner.workspaces.remove_pool_tree(&taken.tree).await };
        match removed {
            Ok(true) => {
                *total = total.saturating_sub(taken.bytes);
                *free = free.saturating_add(taken.bytes);
                run.removed.pool_trees += 1;
                run.removed.workspace_bytes += taken.bytes;
            }
            Ok(false) => {}
            Err(e) => run.problems.push(format!("a checked-out tree of a pool: {e}")),
        }
    }
}
