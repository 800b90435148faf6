//! What a program sees of this machine's files, and how bubblewrap is told.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// Where every program finds the system: its programs, libraries and settings.
const SYSTEM: [&str; 10] = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc", "/opt", "/nix"];
/// What the system's settings often only point to.
const RESOLVER: &str = "/etc/resolv.conf";
/// How many links one path may lead over.
const MAX_LINKS: u32 = 40;
/// How many folders beside a hidden one are shown one by one.
const MAX_BESIDE: usize = 4096;
/// The most that a private folder in memory holds, in bytes.
pub(super) const MEMORY_FOLDER_BYTES: u64 = 1024 * 1024 * 1024;
/// The folders.
pub(super) const MEMORY_FOLDERS: [&str; 2] = ["/tmp", "/dev/shm"];

/// What a program sees otherwise than the engine does. Each path is absolute; one that is not there is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct View {
    /// Of the machine's files only the system's own and what is named below, each process its own namespace where there are any. Else
    /// everything that the engine sees but for what is hidden.
    pub closed: bool,
    /// Folders that are empty for it, with whatever lies in them: where the engine keeps its token, its database and other assignments.
    pub hidden: Vec<PathBuf>,
    /// What it sees all the same, also inside what is hidden, and cannot write.
    pub read_only: Vec<PathBuf>,
    /// What it sees all the same, also inside what is hidden, and can write.
    pub writable: Vec<PathBuf>,
    /// With a closed view, at the level bubblewrap: its network is a namespace of its own, out of which only this socket leads. What programs
    /// send to [`PROXY_PORT`](super::PROXY_PORT) of their loopback comes to it.
    pub proxy: Option<PathBuf>,
}

/// One thing in a view.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Shown {
    Link(PathBuf),
    Bound { writable: bool },
}

impl View {
    /// Bubblewrap's arguments for a program that begins with `exe`.
    pub(super) fn namespace_args(&self, exe: &Path) -> Vec<OsString> {
        let mut args: Vec<OsString> = ["--unshare-pid", "--as-pid-1", "--new-session"].map(OsString::from).into();
        if self.closed {
            self.closed_args(exe, &mut args);
        } else {
            self.open_args(&mut args);
        }
        args
    }

    fn open_args(&self, args: &mut Vec<OsString>) {
        push(args, ["--bind", "/", "/", "--dev-bind", "/dev", "/dev", "--proc", "/proc"]);
        // In this order: what is shown lies inside what is hidden.
        for folder in &self.hidden {
            push(args, [OsString::from("--tmpfs"), folder.into()]);
        }
        for (flag, paths) in [("--ro-bind-try", &self.read_only), ("--bind-try", &self.writable)] {
            for path in paths {
                push(args, [OsString::from(flag), path.into(), path.into()]);
            }
        }
    }

    fn closed_args(&self, exe: &Path, args: &mut Vec<OsString>) {
        push(args, ["--unshare-ipc", "--unshare-uts", "--cap-drop", "ALL", "--proc", "/proc", "--dev", "/dev"]);
        if self.proxy.is_some() {
            push(args, ["--unshare-net"]);
        }
        let size = MEMORY_FOLDER_BYTES.to_string();
        push(args, ["--size", &size, "--tmpfs", "/dev/shm", "--remount-ro", "/dev", "--size", &size, "--perms", "1777", "--tmpfs", "/tmp"]);
        let shown = self.all_shown(exe);
        if !shown.contains_key(Path::new("/var")) {
            push(args, ["--dir", "/var", "--symlink", "/tmp", "/var/tmp"]);
        }
        let covers = |path: &Path| path.ancestors().skip(1).find_map(|above| shown.get(above).map(|s| (above.to_owned(), s.clone())));
        let hides =
            |path: &Path| path.ancestors().skip(1).filter(|above| self.hidden.iter().any(|h| h == above)).map(Path::to_owned).next();
        let (inside, around): (Vec<_>, Vec<_>) = shown.iter().partition(|(path, _)| hides(path).is_some());
        let emit = |path: &Path, what: &Shown, args: &mut Vec<OsString>| {
            // What lies in a folder that is shown in the same way is there already, unless something between is hidden.
            let above = covers(path).filter(|(above, _)| hides(path).is_none_or(|hidden| above.starts_with(&hidden) && *above != hidden));
            match what {
                Shown::Link(_) if above.is_some() => {}
                Shown::Link(target) => push(args, [OsString::from("--symlink"), target.into(), path.into()]),
                Shown::Bound { .. } if above.is_some_and(|(_, above)| above == *what) => {}
                Shown::Bound { writable: true } => push(args, [OsString::from("--bind-try"), path.into(), path.into()]),
                Shown::Bound { writable: false } => push(args, [OsString::from("--ro-bind-try"), path.into(), path.into()]),
            }
        };
        for (path, what) in around {
            emit(path, what, args);
        }
        for folder in &self.hidden {
            if matches!(shown.get(folder), Some(Shown::Bound { .. })) || covers(folder).is_some() {
                push(args, [OsString::from("--tmpfs"), folder.into()]);
            }
        }
        for (path, what) in inside {
            emit(path, what, args);
        }
        push(args, ["--remount-ro", "/"]);
    }

    /// All that is shown, with the links that lead there. What is named twice is as it was named last.
    fn all_shown(&self, exe: &Path) -> BTreeMap<PathBuf, Shown> {
        let mut shown = BTreeMap::new();
        let read_only = SYSTEM.iter().chain([&RESOLVER]).map(Path::new).chain([exe]).chain(self.read_only.iter().map(PathBuf::as_path));
        let writable = self.writable.iter().chain(&self.proxy).map(PathBuf::as_path);
        for (path, writable) in read_only.map(|path| (path, false)).chain(writable.map(|path| (path, true))) {
            let Some((links, real)) = trail(path) else { continue };
            for (link, target) in links {
                shown.entry(link).or_insert(Shown::Link(target));
            }
            shown.insert(real, Shown::Bound { writable });
        }
        shown
    }

    /// For Landlock, which only ever allows: what may be read and what may also be written, none of it hidden.
    pub(super) fn allowed(&self, exe: &Path) -> (Vec<PathBuf>, Vec<PathBuf>) {
        let (mut read_only, mut writable) = (Vec::new(), Vec::new());
        for (path, what) in self.all_shown(exe) {
            if let Shown::Bound { writable: is_writable } = what {
                // What lies in a hidden folder and is named all the same is allowed as it is.
                let hidden: Vec<&Path> = self.hidden.iter().map(PathBuf::as_path).filter(|h| h.starts_with(&path)).collect();
                beside(path, &hidden, if is_writable { &mut writable } else { &mut read_only });
            }
        }
        (read_only, writable)
    }
}

fn push<T: Into<OsString>>(args: &mut Vec<OsString>, more: impl IntoIterator<Item = T>) {
    args.extend(more.into_iter().map(Into::into));
}

/// The path without what is hidden in it: itself, or its entries one by one.
fn beside(path: PathBuf, hidden: &[&Path], into: &mut Vec<PathBuf>) {
    if hidden.is_empty() {
        into.push(path);
        return;
    }
    if hidden.contains(&path.as_path()) {
        return;
    }
    let Ok(entries) = std::fs::read_dir(&path) else { return };
    for entry in entries.flatten().take(MAX_BESIDE) {
        let entry = entry.path();
        let below: Vec<&Path> = hidden.iter().copied().filter(|h| h.starts_with(&entry)).collect();
        if into.len() < MAX_BESIDE {
            beside(entry, &below, into);
        }
    }
}

/// The links that `path` leads over, in their order, and where it ends. `None`: it is not there, or leads in a circle.
fn trail(path: &Path) -> Option<(Vec<(PathBuf, PathBuf)>, PathBuf)> {
    let mut links = Vec::new();
    let mut real = PathBuf::from("/");
    let mut rest: Vec<OsString> = names(path);
    for _ in 0..10_000 {
        let Some(name) = rest.pop() else { return Some((links, real)) };
        if name == ".." {
            real.pop();
            continue;
        }
        let next = real.join(&name);
        if std::fs::symlink_metadata(&next).ok()?.is_symlink() {
            let target = std::fs::read_link(&next).ok()?;
            if links.len() as u32 >= MAX_LINKS {
                return None;
            }
            if target.is_absolute() {
                real = PathBuf::from("/");
            }
            rest.extend(names(&target));
            links.push((next, target));
        } else {
            real = next;
        }
    }
    None
}

/// The names in a path, the last one first.
fn names(path: &Path) -> Vec<OsString> {
    let mut names: Vec<OsString> = path
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        })
        .collect();
    names.reverse();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(view: &View) -> Vec<String> {
        view.namespace_args(Path::new("/bin/sh")).into_iter().map(|arg| arg.into_string().unwrap()).collect()
    }

    fn position(args: &[String], wanted: &[&str]) -> Option<usize> {
        args.windows(wanted.len()).position(|window| window == wanted)
    }

    #[test]
    fn a_path_that_leads_over_links_keeps_them_and_ends_at_what_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("real/bin")).unwrap();
        std::os::unix::fs::symlink("real", root.join("link")).unwrap();
        std::os::unix::fs::symlink(root.join("link/bin/../bin"), root.join("bin")).unwrap();
        let (links, real) = trail(&root.join("bin")).unwrap();
        assert_eq!(real, root.join("real/bin"));
        assert_eq!(links.iter().map(|(link, _)| link.clone()).collect::<Vec<_>>(), [root.join("bin"), root.join("link")]);
        assert_eq!(trail(&root.join("nowhere")), None);
        std::os::unix::fs::symlink("circle", root.join("circle")).unwrap();
        assert_eq!(trail(&root.join("circle")), None);
    }

    #[test]
    fn what_is_named_inside_a_hidden_folder_is_shown_after_it_is_hidden() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let (data, own) = (root.join("data"), root.join("data/own"));
        std::fs::create_dir_all(&own).unwrap();
        let view =
            View { closed: true, hidden: vec![data.clone()], read_only: vec![root.clone()], writable: vec![own.clone()], proxy: None };
        let args = texts(&view);
        let (root, data, own) = (root.to_str().unwrap(), data.to_str().unwrap(), own.to_str().unwrap());
        let shown = position(&args, &["--ro-bind-try", root, root]).unwrap();
        let hidden = position(&args, &["--tmpfs", data]).unwrap();
        let own = position(&args, &["--bind-try", own, own]).unwrap();
        assert!(shown < hidden && hidden < own, "{args:?}");
        assert_eq!(args.last().map(String::as_str), Some("/"), "{args:?}");
    }

    #[test]
    fn what_landlock_allows_has_nothing_in_it_that_is_hidden() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        for name in ["a", "data/own", "data/token"] {
            std::fs::create_dir_all(root.join(name)).unwrap();
        }
        let view = View {
            closed: true,
            hidden: vec![root.join("data")],
            read_only: vec![root.clone()],
            writable: vec![root.join("data/own")],
            proxy: None,
        };
        let (read_only, writable) = view.allowed(Path::new("/bin/sh"));
        assert!(read_only.contains(&root.join("a")) && !read_only.contains(&root), "{read_only:?}");
        assert!(!read_only.iter().any(|path| path.starts_with(root.join("data"))), "{read_only:?}");
        assert_eq!(writable, [root.join("data/own")]);
    }
}
