//! Free space: below the floor no new work is begun, and what runs goes on.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use super::{For, round};
use crate::engine::Inner;
use crate::storage::StorageProblem;

/// How often it is looked at, and how often while there is too little.
const LOOK_EVERY: Duration = Duration::from_mins(1);
const LOOK_EVERY_WHILE_LOW: Duration = Duration::from_secs(10);

/// What is free where workspaces and data are, whichever is less; `None` where the file system does not tell.
pub(crate) fn free_bytes(inner: &Inner) -> Option<u64> {
    let free = |path: &std::path::Path| rustix::fs::statvfs(path).ok().map(|stat| stat.f_bavail.saturating_mul(stat.f_frsize));
    [&inner.config.workspace_root, &inner.config.data_dir].into_iter().filter_map(|path| free(path)).min()
}

/// Watches until the engine stops.
pub(crate) async fn watch(inner: &Arc<Inner>) {
    let floor = inner.config.retention.min_free_bytes;
    if floor == 0 {
        return std::future::pending().await;
    }
    let mut tidied = false;
    loop {
        let low = free_bytes(inner).filter(|free| *free < floor);
        if low.is_some() && !tidied {
            // Once for each time that it runs short: what may go, goes. Meanwhile nothing new is begun.
            tidied = true;
            set(inner, low.map(|free| words(inner, free, floor)));
            round(inner, For::Node, false).await;
            continue;
        }
        tidied = low.is_some();
        set(inner, low.map(|free| words(inner, free, floor)));
        tokio::time::sleep(if low.is_some() { LOOK_EVERY_WHILE_LOW } else { LOOK_EVERY }).await;
    }
}

fn words(inner: &Inner, free: u64, floor: u64) -> String {
    const MIB: u64 = 1024 * 1024;
    format!(
        "only {} MiB are free for workspaces in {}, and new work needs {} MiB; free some space (windlass housekeeping shows what is kept), \
         then work goes on by itself",
        free / MIB,
        inner.config.workspace_root.display(),
        floor / MIB
    )
}

fn set(inner: &Inner, problem: Option<String>) {
    let mut low = inner.keeper.low_space.lock().unwrap_or_else(PoisonError::into_inner);
    let problem = problem.map(|why| StorageProblem::new(why, low.as_ref(), inner.config.clock.now()));
    match (&*low, &problem) {
        (None, Some(StorageProblem { why, .. })) => tracing::error!("no new work is begun: {why}"),
        (Some(_), None) => {
            tracing::info!("there is space again: work goes on");
            inner.slot_freed.notify_one();
        }
        _ => {}
    }
    *low = problem;
}
