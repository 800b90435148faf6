//! Duties: what one node at a time does for all, by a lease with a generation of its own.

use windlass_types::Timestamp;

use crate::error::Result;
use crate::sql::{Work, values};

/// A duty that a node holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldDuty {
    /// Its name.
    pub name: &'static str,
    /// Which holding this is: it rises whenever the duty passes to a node.
    pub generation: i64,
}

/// Renews what the node holds of `wanted` and takes what nobody holds: never held, given back, run out, or held by an earlier life of
/// this very node.
pub(super) fn hold(w: &mut Work<'_>, node: &str, wanted: &[&'static str], lease_ms: i64) -> Result<Vec<HeldDuty>> {
    let now = w.now()?;
    let mut held = Vec::with_capacity(wanted.len());
    for &name in wanted {
        let row = w.first(
            "INSERT INTO duties (name, node, node_generation, generation, expires_at) VALUES ($1, $2, $3, 1, $4) \
             ON CONFLICT (name) DO UPDATE SET generation = CASE WHEN duties.node = excluded.node \
             AND duties.node_generation = excluded.node_generation AND duties.expires_at > $5 THEN duties.generation \
             ELSE duties.generation + 1 END, node = excluded.node, node_generation = excluded.node_generation, \
             expires_at = excluded.expires_at WHERE duties.expires_at <= $5 \
             OR (duties.node = excluded.node AND duties.node_generation <= excluded.node_generation) RETURNING generation",
            values![name, node, w.generation, now.plus_ms(lease_ms), now],
        )?;
        if let Some(mut row) = row {
            held.push(HeldDuty { name, generation: row.int()? });
        }
    }
    Ok(held)
}

/// When the first of `wanted` that another node holds runs out.
pub(super) fn next_end(w: &mut Work<'_>, node: &str, wanted: &[&'static str]) -> Result<Option<Timestamp>> {
    let mut first: Option<Timestamp> = None;
    for mut row in w.query("SELECT name, expires_at FROM duties WHERE node <> $1", values![node])? {
        let (name, expires_at) = (row.text()?, row.time()?);
        if wanted.contains(&name.as_str()) {
            first = Some(first.map_or(expires_at, |end| end.min(expires_at)));
        }
    }
    Ok(first)
}

/// Gives back what this life of the node holds.
pub(super) fn release(w: &mut Work<'_>, node: &str) -> Result<()> {
    w.execute("UPDATE duties SET expires_at = 0 WHERE node = $1 AND node_generation = $2", values![node, w.generation])?;
    Ok(())
}
