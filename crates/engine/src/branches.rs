//! The duty of looking which registered branches their base has taken in.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use windlass_store::StoreError;
use windlass_types::{Branch, Role};

use crate::engine::{Engine, Inner};

const DUTY: &str = "branches";
/// How long a round waits for the next.
const INTERVAL: Duration = Duration::from_mins(1);
/// How often one branch is looked at.
const LOOK_EVERY_MS: i64 = 5 * 60_000;
/// The most branches of one round.
const ROUND_MAX: u32 = 200;

/// Takes part in the duty.
pub(crate) fn take_part(engine: &Engine) {
    let inner = Arc::clone(&engine.inner);
    engine.duty(Role::Worker, DUTY, move |_generation| {
        let inner = Arc::clone(&inner);
        async move {
            loop {
                tokio::time::sleep(INTERVAL).await;
                if let Err(e) = round(&inner).await {
                    tracing::debug!(error = %e, "registered branches could not be looked at; trying again");
                }
            }
        }
    });
}

async fn round(inner: &Inner) -> Result<(), StoreError> {
    let before = inner.config.clock.now().plus_ms(-LOOK_EVERY_MS);
    let mut places: BTreeMap<(String, String), Vec<Branch>> = BTreeMap::new();
    for branch in inner.store.branches_to_look_at(before, ROUND_MAX).await? {
        places.entry((branch.project.clone(), branch.base.clone())).or_default().push(branch);
    }
    for ((project, base), branches) in places {
        let Some(repo) = inner.store.project(&project).await?.and_then(|project| project.repo) else { continue };
        let commits: Vec<String> = branches.iter().filter_map(|branch| branch.declared.clone()).collect();
        match inner.workspaces.merged_into(&repo, &base, &commits).await {
            Ok(merged) => {
                for branch in branches {
                    if let Some(commit) = branch.declared.filter(|commit| merged.contains(commit)) {
                        inner.store.branch_merged(branch.assignment_id, commit).await?;
                    }
                }
            }
            Err(e) => tracing::debug!(project, error = %e, "whether branches of {project} are merged could not be seen"),
        }
    }
    Ok(())
}
