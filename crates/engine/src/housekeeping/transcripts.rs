//! Transcripts of assignments that are over: removed by age, then by their total size, the oldest first.
//!
//! In the place of one that was removed stays a transcript of one line that says so. It goes with its assignment's rows.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use windlass_harness::stream::TranscriptWriter;
use windlass_store::StoreError;
use windlass_types::{AssignmentId, AssignmentStatus, Timestamp};

use super::{HousekeepingRun, before};
use crate::engine::Inner;

/// What is no larger than this says little more than that something was removed.
const SMALL_BYTES: u64 = 512;

struct Found {
    path: PathBuf,
    bytes: u64,
    at: Timestamp,
    /// Nothing may read it any more but a person who looks back.
    is_over: bool,
}

pub(super) async fn look_after(inner: &Arc<Inner>, run: &mut HousekeepingRun) {
    let retention = &inner.config.retention;
    if retention.transcripts_secs.is_none() && retention.transcripts_max_bytes.is_none() && retention.finished_secs.is_none() {
        return;
    }
    let root = inner.config.data_dir.join("transcripts");
    let mut found = match list(inner, &root, run).await {
        Ok(found) => found,
        Err(e) => {
            run.problems.push(format!("transcripts: {e}"));
            return;
        }
    };
    found.sort_by_key(|found| found.at);
    let before = before(inner.config.clock.now(), retention.transcripts_secs);
    let mut total: u64 = found.iter().map(|found| found.bytes).sum();
    for found in found {
        let too_old = before.is_some_and(|before| found.at < before);
        let too_much = retention.transcripts_max_bytes.is_some_and(|max| total > max);
        if !found.is_over || found.bytes <= SMALL_BYTES || !(too_old || too_much) {
            continue;
        }
        if !run.dry_run
            && let Err(e) = replace(&found, inner.config.clock.now())
        {
            run.problems.push(format!("the transcript {}: {e}", found.path.display()));
            continue;
        }
        total = total.saturating_sub(found.bytes);
        run.removed.transcripts += 1;
        run.removed.transcript_bytes += found.bytes;
    }
}

/// Every transcript of this node. The folders of assignments whose rows are gone are removed on the way.
async fn list(inner: &Inner, root: &Path, run: &mut HousekeepingRun) -> Result<Vec<Found>, StoreError> {
    let mut all = Vec::new();
    for folder in std::fs::read_dir(root).into_iter().flatten().flatten() {
        let Some(id) = folder.file_name().to_str().and_then(|name| name.parse::<AssignmentId>().ok()) else { continue };
        let is_over = match inner.store.assignment(id).await {
            Ok(assignment) => matches!(assignment.status, AssignmentStatus::Complete | AssignmentStatus::Cancelled),
            Err(StoreError::NotFound { .. }) => {
                if !run.dry_run
                    && let Err(e) = std::fs::remove_dir_all(folder.path())
                {
                    run.problems.push(format!("the transcripts {}: {e}", folder.path().display()));
                }
                continue;
            }
            Err(e) => return Err(e),
        };
        for file in std::fs::read_dir(folder.path()).into_iter().flatten().flatten() {
            let Ok(meta) = file.metadata() else { continue };
            if meta.is_file() {
                let at = Timestamp(meta.mtime().saturating_mul(1000));
                all.push(Found { path: file.path(), bytes: meta.len(), at, is_over });
            }
        }
    }
    Ok(all)
}

/// Puts a line in its place that says what was there.
fn replace(found: &Found, now: Timestamp) -> std::io::Result<()> {
    let new = found.path.with_extension("gz.new");
    let _ = std::fs::remove_file(&new);
    let mut writer = TranscriptWriter::open(&new, SMALL_BYTES)?;
    writer.remark(now, &format!("the transcript ({} bytes) was removed by housekeeping", found.bytes))?;
    writer.finish()?;
    std::fs::rename(new, &found.path)
}
