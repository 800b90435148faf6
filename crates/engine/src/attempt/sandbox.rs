//! The sandbox of an attempt's programs: its level, what they see in it, and what they may use.
//!
//! **Invariant:** only the daemon's configuration and the project's settings have a say in it, never a file of the repository.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::json;
use tokio::time::Instant;
use windlass_types::{Failure, FailureKind, HostRule, NetworkMode, SandboxLevel, SandboxLimits, SandboxMode, keeps_network, sandbox_level};
use windlass_workspace::launch::{LaunchSpec, Limits, OverLimit, PROXY_PORT, View};
use windlass_workspace::workspaces::{Changes, Workspace, size_of};

use super::gateway::{Allowed, Gateway};
use super::place::Place;
use super::{Attempt, Stop};

/// How often the assignment's folder is measured; seldomer where that takes long.
const DISK_EVERY: Duration = Duration::from_secs(5);
/// Measuring is at most this part of the time.
const DISK_SHARE: u32 = 20;

/// Where a daemon of the whole machine has its settings, a database's password among them.
const SYSTEM_SETTINGS: &str = "/etc/windlass";

/// What lies beside a folder of programs and is read by them.
const BESIDE_PROGRAMS: [&str; 2] = ["lib", "libexec"];

impl Attempt {
    /// At which level this attempt's programs run here; a failure where its project wants better.
    pub(super) fn sandbox_level(&self) -> Result<SandboxLevel, Stop> {
        let mode = self.claimed.project.settings.sandbox.unwrap_or(self.engine.config.sandbox.mode);
        Ok(sandbox_level(mode, self.engine.launcher.level(), &self.claimed.assignment.source)?)
    }

    /// Whether an agent's own sandbox has no place here: one inside the other does not work.
    pub(super) fn is_inside_another_sandbox(&self) -> Result<bool, Stop> {
        Ok(self.sandbox_level()?.hides_files() || self.engine.launcher.level() == SandboxLevel::Bubblewrap)
    }

    /// What a program sees of this machine: of all that is Windlass's its own workspace and the socket that it may speak to. The token, the
    /// database, the mirrors and other assignments are not there. In a sandbox neither are the user's own files, but for what its
    /// agent `reads` and `writes`, what is on its PATH, and what the daemon's configuration names.
    pub(super) fn view(
        &self,
        workspace: Option<&Workspace>,
        place: &Place,
        env: &BTreeMap<String, String>,
        reads: Vec<PathBuf>,
        writes: Vec<PathBuf>,
        proxy: Option<&Gateway>,
    ) -> Result<View, Stop> {
        let config = &self.engine.config;
        let closed = self.sandbox_level()?.hides_files();
        if !closed && self.engine.launcher.level() != SandboxLevel::Bubblewrap {
            return Ok(View::default());
        }
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
        // The folder of the assignment, which holds its tree, home and temporary files; where a link leads to it, by that too.
        let own = place.tree.parent().unwrap_or(&place.tree);
        let mut writable = Vec::new();
        let mut read_only = workspace.map(|w| w.object_dirs.clone()).unwrap_or_default();
        if closed {
            writable.extend(config.sandbox.writable.iter().cloned());
            writable.extend(writes);
            read_only.extend(config.sandbox.read_only.iter().cloned());
            read_only.extend(reads);
            read_only.extend(programs(env.get("PATH").map_or("", String::as_str), own));
            writable.push(own.to_owned());
        }
        writable.push(real(own));
        writable.extend(config.agent_url.strip_prefix("unix:").map(|socket| real(Path::new(socket))));
        let mut hidden = vec![real(&config.data_dir), real(&config.workspace_root)];
        hidden.extend([PathBuf::from(SYSTEM_SETTINGS)].into_iter().filter(|folder| folder.is_dir()));
        Ok(View { closed, hidden, read_only, writable, proxy: proxy.map(|gateway| real(gateway.socket())) })
    }

    /// The way out for programs that get a network of their own; none: theirs is the machine's. `hosts` are their agent's own.
    pub(super) async fn gateway(&self, hosts: &[String]) -> Result<Option<Gateway>, Stop> {
        let (settings, config) = (&self.claimed.project.settings, &self.engine.config);
        let mode = settings.sandbox.unwrap_or(config.sandbox.mode);
        let network = settings.network.unwrap_or(config.sandbox.network);
        if !keeps_network(mode, network, self.engine.launcher.keeps_network())? {
            if network != NetworkMode::Open {
                let text = format!("the network {network} is not enforced at the sandbox level {}: it is open", self.sandbox_level()?);
                self.notice(json!({"what": "network_open", "text": text})).await?;
            }
            return Ok(None);
        }
        let parse = |text: &String| text.parse::<HostRule>();
        let named = settings.network_allow.iter().map(parse).collect::<Result<Vec<_>, _>>();
        let named = named.map_err(|e| {
            Failure::new(FailureKind::BadConfiguration, format!("network_allow of the project: {e}")).hint("mend the project's settings")
        })?;
        let rules = if network == NetworkMode::AllowList {
            config.sandbox.network_allow.iter().cloned().chain(named).collect()
        } else {
            Vec::new()
        };
        let allowed = Allowed { rules, model: hosts.iter().filter_map(|host| parse(host).ok()).collect() };
        // The random end of the attempt's id: a socket's address holds 107 bytes.
        let id = self.claimed.attempt.id.to_string();
        let socket = config.data_dir.join("net").join(format!("{}.sock", &id[id.len().saturating_sub(12)..]));
        let gateway = Gateway::open(socket.clone(), allowed).map_err(|e| {
            Failure::new(FailureKind::BadConfiguration, format!("the socket {} could not be opened: {e}", socket.display()))
                .hint("give the data directory a path of at most 80 bytes")
        })?;
        Ok(Some(gateway))
    }

    /// Tells what programs were refused.
    pub(super) async fn tell_refused(&self, gateway: Option<Gateway>) -> Result<(), Stop> {
        let hosts = gateway.map(|gateway| gateway.refused()).unwrap_or_default();
        if hosts.is_empty() {
            return Ok(());
        }
        let text = "a program asked for hosts that the project may not speak to; they were refused";
        self.notice(json!({"what": "network_refused", "text": text, "hosts": hosts})).await
    }

    /// What this attempt may use of the machine: the nearest of project and node that says anything.
    pub(super) fn sandbox_limits(&self) -> SandboxLimits {
        self.claimed.project.settings.limits.or(self.engine.config.sandbox.limits)
    }

    /// The same, as far as the launcher sees to it.
    pub(super) fn launch_limits(&self) -> Limits {
        let limits = self.sandbox_limits();
        Limits { max_memory_bytes: limits.max_memory, max_file_bytes: limits.max_file_size, max_processes: limits.max_processes }
    }

    /// The level that the attempt's record shows for what is started.
    pub(super) fn level_of(&self, spec: &LaunchSpec) -> SandboxLevel {
        let reached = self.engine.launcher.level();
        let mode = self.claimed.project.settings.sandbox.unwrap_or(self.engine.config.sandbox.mode);
        if spec.view.closed || (reached == SandboxLevel::Rlimits && mode != SandboxMode::Off) { reached } else { SandboxLevel::Off }
    }
}

/// Where programs find the proxy, in all the ways that they look for it.
pub(super) fn proxy_environment() -> impl Iterator<Item = (String, String)> {
    let proxy = format!("http://127.0.0.1:{PROXY_PORT}");
    let proxies =
        ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"].map(|name| (name.to_owned(), proxy.clone()));
    // Nothing is reached without it; and node's own fetch asks for leave.
    let others = [("NO_PROXY", ""), ("no_proxy", ""), ("NODE_USE_ENV_PROXY", "1")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    proxies.into_iter().chain(others)
}

/// The folders that a PATH names, and what their programs read beside them. Those of the assignment itself are shown anyway.
fn programs(path: &str, own: &Path) -> Vec<PathBuf> {
    let folders = path.split(':').map(PathBuf::from).filter(|folder| folder.is_absolute() && !folder.starts_with(own));
    folders
        .flat_map(|folder| {
            let beside: Vec<PathBuf> = match (folder.file_name(), folder.parent()) {
                (Some(name), Some(prefix)) if name == "bin" => BESIDE_PROGRAMS.iter().map(|beside| prefix.join(beside)).collect(),
                _ => Vec::new(),
            };
            std::iter::once(folder).chain(beside)
        })
        .collect()
}

/// Of an attempt that passed a limit.
pub(super) fn over_limit(over: OverLimit, limits: SandboxLimits) -> Failure {
    let mib = |bytes: u64| bytes.div_ceil(1024 * 1024);
    let (what, key) = match over {
        OverLimit::Memory(bytes) => (
            format!("its programs had {} MiB of memory, and {} MiB are allowed", mib(bytes), mib(limits.max_memory.unwrap_or(0))),
            "max_memory",
        ),
        OverLimit::Processes(count) => {
            (format!("its programs were {count} processes, and {} are allowed", limits.max_processes.unwrap_or(0)), "max_processes")
        }
    };
    failure(&what, key)
}

/// The failure of work in which a file ends just where the limit of its size is: a program that an agent started wrote more, and heard
/// nothing of it, or did not say so.
pub(super) fn cut_short(tree: &Path, changes: &Changes, max_file_size: Option<u64>) -> Option<Failure> {
    let max = max_file_size?;
    let is_cut = |path: &str| std::fs::symlink_metadata(tree.join(path)).is_ok_and(|meta| meta.is_file() && meta.len() == max);
    let cut = changes.files.iter().find(|file| is_cut(&file.path))?;
    Some(failure(&format!("{} has just the {max} bytes that a file may have, so more was to be written to it", cut.path), "max_file_size"))
}

/// The failure of a program that passed the limit `key`.
pub(super) fn failure(what: &str, key: &str) -> Failure {
    Failure::new(FailureKind::SandboxLimit, what.to_owned())
        .hint(format!("if the work needs more, raise `{key}` under [sandbox] or for the project, and retry the job"))
}

/// Ends once more than `max` bytes are in `folder`, with the failure that says so; without a limit never.
pub(super) async fn disk_passed(folder: Option<PathBuf>, max: Option<u64>) -> Failure {
    let (Some(folder), Some(max)) = (folder, max) else { return std::future::pending().await };
    loop {
        let began = Instant::now();
        if let Some(failure) = over_disk(folder.clone(), max).await {
            return failure;
        }
        tokio::time::sleep(DISK_EVERY.max(began.elapsed() * DISK_SHARE)).await;
    }
}

/// One look at the same.
pub(super) async fn over_disk(folder: PathBuf, max: u64) -> Option<Failure> {
    let used = tokio::task::spawn_blocking(move || size_of(&folder)).await.unwrap_or(0);
    let mib = |bytes: u64| bytes.div_ceil(1024 * 1024);
    let told = || failure(&format!("its folder holds {} MiB, and {} MiB are allowed", mib(used), mib(max)), "max_disk");
    (used > max).then(told)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_on_the_path_is_seen_with_its_libraries_but_not_what_else_lies_beside_it() {
        let seen = programs("/own/home/.windlass/bin:/home/u/.local/bin:relative:/opt/tools", Path::new("/own"));
        let seen: Vec<&str> = seen.iter().filter_map(|path| path.to_str()).collect();
        assert_eq!(seen, ["/home/u/.local/bin", "/home/u/.local/lib", "/home/u/.local/libexec", "/opt/tools"]);
    }

    #[test]
    fn a_limit_that_was_passed_is_told_with_its_setting() {
        let limits = SandboxLimits { max_memory: Some(64 << 20), max_processes: Some(20), ..SandboxLimits::default() };
        let memory = over_limit(OverLimit::Memory(65 << 20), limits);
        assert_eq!(memory.message, "its programs had 65 MiB of memory, and 64 MiB are allowed");
        assert!(memory.hint.is_some_and(|hint| hint.contains("max_memory")));
        assert_eq!(over_limit(OverLimit::Processes(21), limits).message, "its programs were 21 processes, and 20 are allowed");
    }
}
