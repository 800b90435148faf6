//! That this node lives: told to the others, with what it may do for them all and what of theirs has ended.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use windlass_store::StoreError;
use windlass_types::{Node, NodeWorker, Presence};

use crate::engine::{Engine, Inner};
use crate::error::EngineError;
use crate::recover;

/// What is over by the store's clock is looked for a little later: the commit that ends it may be under way.
const LATE: Duration = Duration::from_millis(50);

/// Tells the other nodes three times a lease that this one lives; in between wakes when a duty or a lease of another's can end.
pub(crate) async fn run(inner: &Arc<Inner>) {
    if !inner.store.is_postgres() {
        // One process per database: nobody to tell, nobody's lease to run out.
        return std::future::pending().await;
    }
    let lease = Duration::from_millis(inner.config.lease_ms.unsigned_abs());
    let every = lease / 3;
    let mut handovers = inner.store.subscribe_handovers();
    loop {
        let asked = Instant::now();
        let told = tokio::time::timeout(every, inner.store.present(presence(inner), inner.duties.names(), inner.config.lease_ms)).await;
        let pause = match told {
            Ok(Ok(present)) => {
                inner.storage_recovered();
                inner.duties.held(&present.held, asked + lease);
                if present.orphans
                    && let Err(e) = recover::sweep(inner).await
                {
                    tracing::warn!(error = %e, "could not free the jobs of lost workers; trying again");
                }
                let next_end = present.next_end_ms.map_or(every, |ms| Duration::from_millis(ms.unsigned_abs()) + LATE);
                every.min(next_end)
            }
            Ok(Err(e)) => {
                tracing::warn!(error = %e, "could not tell the other nodes that this one lives; trying again");
                inner.storage_failed(&e);
                every / 5
            }
            Err(_) => {
                inner.storage_failed(&StoreError::Unavailable("the database does not answer in time".to_owned()));
                every / 5
            }
        };
        tokio::select! {
            biased;
            () = tokio::time::sleep(pause.max(LATE)) => {}
            () = inner.duties.changed.notified() => {}
            changed = handovers.changed() => if changed.is_err() { return },
        }
    }
}

fn presence(inner: &Inner) -> Presence {
    Presence {
        node: inner.node.clone(),
        host: rustix::system::uname().nodename().to_string_lossy().into_owned(),
        pid: std::process::id(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        roles: inner.config.roles.clone(),
        workers: inner.workers().iter().map(|w| NodeWorker { name: w.name.clone(), slots: w.max_concurrent_tasks }).collect(),
        started_at: inner.started_at,
    }
}

/// Takes this node out of the list, its duties given back: another has them at once.
pub(crate) async fn leave(inner: &Inner) {
    let limit = Duration::from_secs(2);
    match tokio::time::timeout(limit, inner.store.leave(inner.node.clone())).await {
        Ok(Ok(())) => {}
        Ok(Err(e)) => tracing::warn!(error = %e, "could not give back this node's duties: they pass when their lease ends"),
        Err(_) => tracing::warn!("could not give back this node's duties in time: they pass when their lease ends"),
    }
}

impl Engine {
    /// The nodes that share the store, and those that did until lately.
    pub async fn nodes(&self) -> Result<Vec<Node>, EngineError> {
        let inner = &self.inner;
        if !inner.store.is_postgres() {
            // The only one says so when it is asked, and is not awake for it otherwise.
            inner.store.present(presence(inner), Vec::new(), inner.config.lease_ms).await?;
        }
        let mut nodes = inner.store.nodes().await?;
        if !inner.store.is_postgres() {
            nodes.retain(|node| node.id == inner.node);
            for node in &mut nodes {
                node.duties = inner.duties.names().into_iter().map(str::to_owned).collect();
            }
        }
        Ok(nodes)
    }
}
