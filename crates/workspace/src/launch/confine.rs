//! Landlock: what a program may open, kept by the kernel. It takes rights from the calling thread and from all that it starts.

use std::path::Path;

use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, LandlockStatus, Ruleset, RulesetAttr, RulesetCreatedAttr, RulesetError, RulesetStatus,
    Scope, path_beneath_rules,
};
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities};
use serde::{Deserialize, Serialize};

/// The rules that are wanted; an older kernel keeps those that it knows.
const WANTED: ABI = ABI::V6;

/// Devices that every program expects.
const DEVICES: [&str; 8] = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/pts"];
/// What the kernel tells of processes and of itself. The environment and files of processes outside stay closed to it.
const KERNEL: [&str; 1] = ["/proc"];

/// What a program may open: paths without links.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Confine {
    pub(super) read_only: Vec<String>,
    pub(super) writable: Vec<String>,
}

impl Confine {
    /// Takes all other rights from this thread and from what it starts, for good.
    pub(super) fn apply(&self) -> Result<(), String> {
        // Root's own rights would open the memory and environment of processes outside.
        let none = CapabilitySet::empty();
        set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
            .map_err(|error| error.to_string())?;
        let status = self.restrict().map_err(|error| error.to_string())?;
        if status == RulesetStatus::NotEnforced { Err("this kernel has no Landlock".to_owned()) } else { Ok(()) }
    }

    fn restrict(&self) -> Result<RulesetStatus, RulesetError> {
        let (read, all) = (AccessFs::from_read(WANTED), AccessFs::from_all(WANTED));
        let read_only = self.read_only.iter().map(String::as_str).chain(KERNEL).map(Path::new);
        let writable = self.writable.iter().map(String::as_str).chain(DEVICES).map(Path::new);
        let status = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(all)?
            .scope(Scope::from_all(WANTED))?
            .create()?
            .add_rules(path_beneath_rules(read_only, read))?
            .add_rules(path_beneath_rules(writable, all))?
            .restrict_self()?;
        Ok(status.ruleset)
    }
}

/// What of the wanted rules the kernel of this machine does not keep, in plain words; `None`: it has no Landlock.
pub fn landlock_gaps() -> Option<Vec<&'static str>> {
    // On a thread of its own, which ends with its restriction.
    let status = std::thread::spawn(|| Ruleset::default().handle_access(AccessFs::Execute).ok()?.create().ok()?.restrict_self().ok())
        .join()
        .ok()??;
    let LandlockStatus::Available { effective_abi, .. } = status.landlock else { return None };
    let since = [
        (ABI::V2, "moving files between folders"),
        (ABI::V3, "cutting files short"),
        (ABI::V5, "device commands (ioctl)"),
        (ABI::V6, "signals and abstract sockets to processes outside"),
    ];
    let gaps = since.into_iter().filter(|(abi, _)| effective_abi < *abi).map(|(_, what)| what);
    Some(gaps.chain(["UNIX sockets by path", "network addresses"]).collect())
}
