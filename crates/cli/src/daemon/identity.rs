//! Which node this is: the same one after a restart, so that what its earlier life left running is looked after at once.
//!
//! **Invariant:** an id is kept only where the lock on the data directory proves that its earlier life is over: it is this very file (not a
//! copy) under the kernel that has run since. Everywhere else the node gets a new id, and what the earlier one held passes when its lease
//! ends.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use windlass_types::{Ids, NodeId};

const FILE: &str = "node";

/// The node of this data directory, whose lock is held.
pub(super) fn of(data_dir: &Path, ids: &Ids) -> NodeId {
    let path = data_dir.join(FILE);
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned();
    if let Some(kept) = kept(&path, &boot) {
        return kept;
    }
    let new = ids.node();
    // Without the file the next life is a new node: later, but no less safe.
    if let Err(e) = keep(data_dir, &path, new, &boot) {
        tracing::warn!(error = %e, "{} could not be written: after a restart this node is another", path.display());
    }
    new
}

fn place(file: &File, boot: &str) -> std::io::Result<String> {
    let meta = file.metadata()?;
    Ok(format!("{boot} {}:{}", meta.dev(), meta.ino()))
}

fn kept(path: &Path, boot: &str) -> Option<NodeId> {
    if boot.is_empty() {
        return None;
    }
    let mut file = File::open(path).ok()?;
    let mut text = String::new();
    (&mut file).take(1024).read_to_string(&mut text).ok()?;
    let (id, written_in) = text.trim_end().split_once(' ')?;
    (written_in == place(&file, boot).ok()?).then(|| id.parse().ok())?
}

fn keep(data_dir: &Path, path: &Path, id: NodeId, boot: &str) -> std::io::Result<()> {
    let aside = data_dir.join(format!(".{FILE}.{}", std::process::id()));
    let mut file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
    let place = place(&file, boot)?;
    writeln!(file, "{id} {place}")?;
    std::fs::rename(&aside, path)
}

#[cfg(test)]
mod tests {
    use windlass_types::Clock;

    use super::*;

    #[test]
    fn a_node_keeps_its_id_and_a_copy_of_its_directory_is_another_node() -> std::io::Result<()> {
        let (dir, copy) = (tempfile::tempdir()?, tempfile::tempdir()?);
        let ids = Ids::random(Clock::system());
        let first = of(dir.path(), &ids);
        assert_eq!(of(dir.path(), &ids), first);
        std::fs::copy(dir.path().join(FILE), copy.path().join(FILE))?;
        let other = of(copy.path(), &ids);
        assert_ne!(other, first);
        assert_eq!(of(copy.path(), &ids), other);
        std::fs::write(dir.path().join(FILE), "nod_broken")?;
        assert_ne!(of(dir.path(), &ids), first);
        Ok(())
    }
}
