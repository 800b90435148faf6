//! Restoring a backup into a data directory that nobody serves meanwhile.

use std::path::Path;

use windlass_engine::{RESTORE_UNFINISHED, RestoreTarget, Restored, Restorer};
use windlass_types::{Clock, Ids};

use super::lock::Lock;
use super::{Kind, engine_error, make_data_dir};
use crate::config::Settings;
use crate::failure::{CliError, Result};

/// Refuses a data directory that holds neither what was there nor what is to be there.
pub(super) fn refuse_half_restored(data_dir: &Path) -> Result<()> {
    if !data_dir.join(RESTORE_UNFINISHED).exists() {
        return Ok(());
    }
    Err(CliError::fault(format!("a restore into {} was cut off in the middle", data_dir.display()))
        .hint("restore the backup again: windlass restore PATH; what was there before is in a folder before-restore-… beside it"))
}

/// Takes the data directory's lock, restores, and leaves word of how it went.
pub(crate) async fn restore(settings: &Settings, path: &Path, force: bool, kind: Kind, by: Restorer) -> Result<Restored> {
    make_data_dir(&settings.data_dir)?;
    let _lock = Lock::take(settings, kind).await?;
    let clock = Clock::system();
    let target = RestoreTarget {
        data_dir: settings.data_dir.clone(),
        workspace_root: settings.workspace_root.clone(),
        database_url: settings.database_url.clone(),
        ids: Ids::random(clock.clone()),
        clock,
        by,
    };
    let path = path.to_owned();
    let restored = tokio::task::spawn_blocking(move || {
        let outcome = windlass_engine::restore(&target, &path, force);
        if let Err(e) = windlass_engine::write_outcome(&target.data_dir, &path, target.clock.now(), &outcome) {
            tracing::warn!(error = %e, "how the restore went could not be written down");
        }
        outcome
    });
    restored.await.map_err(|e| CliError::fault(format!("the restore broke off: {e}")))?.map_err(engine_error)
}
