//! Nodes: each tells that it lives, and in the same transaction renews and gains its duties.

use windlass_types::{Node, Presence, Timestamp};

use super::duties::{self, HeldDuty};
use crate::error::{Result, StoreError};
use crate::sql::{Row, Work, json, values};
use crate::store::Store;

/// How long a node that is gone is still shown, in milliseconds.
const GONE_SHOWN_MS: i64 = 24 * 3600 * 1000;

/// The answer to a node that tells it lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// The duties that it holds now, of those that it wants.
    pub held: Vec<HeldDuty>,
    /// In how many milliseconds something ends that another holds: a duty that it wants, or the lease of a running job.
    pub next_end_ms: Option<i64>,
    /// Whether running jobs have lost their worker.
    pub orphans: bool,
}

fn present(w: &mut Work<'_>, presence: &Presence, wanted: &[&'static str], lease_ms: i64) -> Result<Present> {
    let now = w.now()?;
    w.execute(
        "INSERT INTO nodes (id, generation, host, pid, version, started_at, seen_at, expires_at, roles, workers) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (id) DO UPDATE SET generation = excluded.generation, \
         host = excluded.host, pid = excluded.pid, version = excluded.version, started_at = excluded.started_at, \
         seen_at = excluded.seen_at, expires_at = excluded.expires_at, roles = excluded.roles, workers = excluded.workers",
        values![
            &presence.node,
            w.generation,
            &presence.host,
            presence.pid,
            &presence.version,
            presence.started_at,
            now,
            now.plus_ms(lease_ms),
            json(&presence.roles)?,
            json(&presence.workers)?,
        ],
    )?;
    w.execute("DELETE FROM nodes WHERE expires_at < $1", values![now.plus_ms(-GONE_SHOWN_MS)])?;
    let held = duties::hold(w, &presence.node, wanted, lease_ms)?;
    let mut ends = duties::next_end(w, &presence.node, wanted)?;
    let mut orphans = false;
    let lease = w.first("SELECT MIN(lease_expires_at) FROM jobs WHERE status = 'running'", &[])?;
    if let Some(expires_at) = lease.map(|mut row| row.opt_time()).transpose()?.flatten() {
        orphans = expires_at <= now;
        ends = Some(ends.map_or(expires_at, |end| end.min(expires_at)));
    }
    Ok(Present { held, next_end_ms: ends.map(|end| end.since_ms(now).max(0)), orphans })
}

fn leave(w: &mut Work<'_>, node: &str) -> Result<()> {
    duties::release(w, node)?;
    w.execute("DELETE FROM nodes WHERE id = $1 AND generation = $2", values![node, w.generation])?;
    Ok(())
}

fn row(mut r: Row, now: Timestamp) -> Result<Node> {
    let r = &mut r;
    let id = r.text()?;
    let (host, pid, version) = (r.text()?, r.int()?, r.text()?);
    let (started_at, seen_at) = (r.time()?, r.time()?);
    let gone = r.time()? <= now;
    Ok(Node { id, host, pid, version, roles: r.json()?, workers: r.json()?, running: 0, duties: Vec::new(), started_at, seen_at, gone })
}

fn list(w: &mut Work<'_>) -> Result<Vec<Node>> {
    let now = w.now()?;
    let mut nodes: Vec<Node> = w
        .query(
            "SELECT id, host, pid, version, started_at, seen_at, expires_at, roles, workers FROM nodes ORDER BY host, started_at, id LIMIT 1000",
            &[],
        )?
        .into_iter()
        .map(|r| row(r, now))
        .collect::<Result<_>>()?;
    let running =
        w.query("SELECT lease_node, COUNT(*) FROM jobs WHERE status = 'running' AND lease_node IS NOT NULL GROUP BY lease_node", &[])?;
    for mut row in running {
        let (id, running) = (row.text()?, row.int()?);
        if let Some(node) = nodes.iter_mut().find(|node| node.id == id) {
            node.running = running;
        }
    }
    for mut row in w.query("SELECT node, name FROM duties WHERE expires_at > $1 ORDER BY name", values![now])? {
        let (id, name) = (row.text()?, row.text()?);
        if let Some(node) = nodes.iter_mut().find(|node| node.id == id) {
            node.duties.push(name);
        }
    }
    Ok(nodes)
}

impl Store {
    /// Tells that a node lives for another `lease_ms`, renews the duties it holds, and gives it those of `wanted` that nobody holds.
    pub async fn present(&self, presence: Presence, wanted: Vec<&'static str>, lease_ms: i64) -> Result<Present> {
        if lease_ms < 0 {
            return Err(StoreError::Invalid("a lease cannot end before it begins".to_owned()));
        }
        // A duty that was gained and is lost with the server would be gained twice.
        self.promise(move |w| present(w, &presence, &wanted, lease_ms)).await
    }

    /// Takes a node that stops out of the list and gives its duties back, for others to take at once.
    pub async fn leave(&self, node: String) -> Result<()> {
        self.ride(move |w| leave(w, &node)).await?;
        self.announce_handover();
        Ok(())
    }

    /// The nodes that live, or did until lately.
    pub async fn nodes(&self) -> Result<Vec<Node>> {
        self.read(list).await
    }
}
