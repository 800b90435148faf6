//! `[sandbox]`: what the programs of attempts see and may use.

use std::path::PathBuf;

use serde::Deserialize;
use windlass_engine::SandboxConfig;
use windlass_types::{BadHostRule, HostRule, NetworkMode, SandboxLimits, SandboxMode};

use super::check;
use super::env::Env;
use super::layers::Layers;
use super::raw::RawFile;
use crate::failure::{CliError, Result};

/// Less would stop a shell.
const MEMORY_MIN: u64 = 16 * 1024 * 1024;

/// `[sandbox]` as it is written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RawSandbox {
    pub(crate) mode: Option<SandboxMode>,
    pub(crate) read_only: Vec<String>,
    pub(crate) writable: Vec<String>,
    pub(crate) network: Option<NetworkMode>,
    pub(crate) network_allow: Vec<String>,
    pub(crate) max_memory: Option<u64>,
    pub(crate) max_processes: Option<u64>,
    pub(crate) max_file_size: Option<u64>,
    pub(crate) max_disk: Option<u64>,
}

/// The `limits` of a project as they are written.
#[expect(clippy::struct_field_names, reason = "the words of the file")]
#[derive(Debug, Clone, Copy, Default, Deserialize)]
#[serde(default)]
pub(crate) struct RawLimits {
    pub(crate) max_memory: Option<u64>,
    pub(crate) max_processes: Option<u64>,
    pub(crate) max_file_size: Option<u64>,
    pub(crate) max_disk: Option<u64>,
}

impl RawLimits {
    /// What the engine keeps of them.
    pub(crate) const fn limits(self) -> SandboxLimits {
        SandboxLimits {
            max_memory: self.max_memory,
            max_processes: self.max_processes,
            max_file_size: self.max_file_size,
            max_disk: self.max_disk,
        }
    }
}

pub(super) fn read(l: &mut Layers<'_>, raw: &RawFile, env: &Env) -> Result<SandboxConfig> {
    let s = &raw.sandbox;
    let mode = l.pick("sandbox.mode", &["WINDLASS_SANDBOX"], None, s.mode, SandboxMode::Auto)?;
    let read_only = paths(l, "sandbox.read_only", &s.read_only, env)?;
    let writable = paths(l, "sandbox.writable", &s.writable, env)?;
    let network = l.pick("sandbox.network", &[], None, s.network, NetworkMode::Open)?;
    let network_allow = hosts(l, "sandbox.network_allow", &s.network_allow)?;
    let given =
        RawLimits { max_memory: s.max_memory, max_processes: s.max_processes, max_file_size: s.max_file_size, max_disk: s.max_disk };
    Ok(SandboxConfig { mode, read_only, writable, network, network_allow, limits: limits(l, "sandbox", given)? })
}

/// Rules for hosts, shown and checked.
pub(super) fn hosts(l: &mut Layers<'_>, key: &str, given: &[String]) -> Result<Vec<HostRule>> {
    let texts = l.pick(key, &[], None, Some(given.to_vec()).filter(|texts| !texts.is_empty()), Vec::new())?;
    let rule = |text: String| text.parse().map_err(|e: BadHostRule| CliError::usage(format!("`{key}`: {e}")));
    texts.into_iter().map(rule).collect()
}

/// The limits that the table `table` holds, shown and checked.
pub(super) fn limits(l: &mut Layers<'_>, table: &str, raw: RawLimits) -> Result<SandboxLimits> {
    for (key, value, min) in [
        ("max_memory", raw.max_memory, MEMORY_MIN),
        ("max_processes", raw.max_processes, 4),
        ("max_file_size", raw.max_file_size, 4096),
        ("max_disk", raw.max_disk, 1024 * 1024),
    ] {
        let key = format!("{table}.{key}");
        if let Some(value) = l.given(&key, &[], None, value)? {
            check::range(&key, value, min, i64::MAX as u64)?;
        }
    }
    Ok(raw.limits())
}

/// Absolute paths; one that begins with `~/` lies in the home of the daemon's user.
fn paths(l: &mut Layers<'_>, key: &str, given: &[String], env: &Env) -> Result<Vec<PathBuf>> {
    let texts = l.pick(key, &[], None, Some(given.to_vec()).filter(|texts| !texts.is_empty()), Vec::new())?;
    let path = |text: String| {
        let path = match (text.strip_prefix("~/"), env.text("HOME")) {
            (Some(rest), Some(home)) => PathBuf::from(home).join(rest),
            _ => PathBuf::from(&text),
        };
        // The whole machine would be no sandbox.
        if path.is_absolute() && path.parent().is_some() && !path.components().any(|part| part == std::path::Component::ParentDir) {
            return Ok(path);
        }
        Err(CliError::usage(format!("`{key}` has {text:?}, which is not the absolute path of a file or folder"))
            .hint("write it out from /, or from ~/ for the home of the daemon's user"))
    };
    texts.into_iter().map(path).collect()
}
