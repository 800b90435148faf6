//! A disk that can fail under a running program: full, faulty, lying, and cut from its power.
//!
//! A shim in C (`shim/disk.c`), preloaded into the program, writes down in a journal what is done to the files of one
//! directory. [`FaultyDisk::cut_power`] then makes the directory what a real disk could hold after a power cut: all that
//! was synced, and of what was not a random part, torn at any sector. The shim also sets the program's wall clock off.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::folder::TempFolder;

/// The unit in which a disk writes whole or not at all, in bytes.
const SECTOR: usize = 512;

/// The shim's file.
const SHIM: &str = "disk.so";

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// The disk is full.
    Full,
    /// Writes fail.
    WriteError,
    /// Syncs fail, and lose what they should have kept.
    SyncError,
    /// Syncs say yes and keep nothing.
    LyingSync,
    /// The wall clock is so many seconds off.
    ClockOff(i64),
}

/// The directory of a program, on a disk that can fail.
#[derive(Debug)]
pub struct FaultyDisk {
    dir: PathBuf,
    /// The shim, and the files by which it is spoken with.
    side: TempFolder,
    /// What was on the disk when the journal began.
    base: HashMap<String, Vec<u8>>,
}

/// Builds the shim into a folder; why it cannot be, where there is no C compiler.
fn build_shim(folder: &Path) -> Result<(), String> {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/shim/disk.c");
    let mut cc = Command::new("cc");
    let made = cc.args(["-O1", "-shared", "-fPIC", "-o"]).arg(folder.join(SHIM)).args([source, "-ldl", "-lpthread"]).output();
    match made {
        Ok(made) if made.status.success() => Ok(()),
        Ok(made) => Err(format!("the shim cannot be compiled: {}", String::from_utf8_lossy(&made.stderr))),
        Err(e) => Err(format!("no C compiler: {e}")),
    }
}

impl FaultyDisk {
    /// Puts `dir`, as it is now, on a disk that can fail; `None` after a loud skip where there is no C compiler.
    ///
    /// # Panics
    ///
    /// With `CI=true` where there is none, and when the directory cannot be read.
    pub fn below(dir: &Path) -> Option<Self> {
        let side = TempFolder::new("windlass-disk-");
        if let Err(why) = build_shim(side.path()) {
            crate::skip::skipped("A C compiler", &why);
            return None;
        }
        Some(Self { base: content(dir).unwrap_or_else(|e| panic!("cannot read {}: {e}", dir.display())), dir: dir.to_owned(), side })
    }

    /// The variables by which a program comes to run on this disk. What it starts itself does not.
    pub fn env(&self) -> Vec<(String, String)> {
        let text = |path: &Path| path.display().to_string();
        vec![
            ("LD_PRELOAD".to_owned(), text(&self.side.path().join(SHIM))),
            ("WINDLASS_SHIM_DIR".to_owned(), text(&self.dir)),
            ("WINDLASS_SHIM_JOURNAL".to_owned(), text(&self.side.path().join("journal"))),
            ("WINDLASS_SHIM_CONTROL".to_owned(), text(&self.side.path().join("control"))),
        ]
    }

    /// From now on this is wrong.
    ///
    /// # Panics
    ///
    /// When the shim cannot be told.
    pub fn set(&self, fault: Fault) {
        let word = match fault {
            Fault::None => String::new(),
            Fault::Full => "enospc".to_owned(),
            Fault::WriteError => "eio".to_owned(),
            Fault::SyncError => "fsync".to_owned(),
            Fault::LyingSync => "lie".to_owned(),
            Fault::ClockOff(secs) => format!("clock {secs}"),
        };
        // By a rename, so that half a word is never read.
        let (new, control) = (self.side.path().join("new"), self.side.path().join("control"));
        fs::write(&new, word).and_then(|()| fs::rename(&new, control)).unwrap_or_else(|e| panic!("the shim cannot be told: {e}"));
    }

    /// Makes the directory what the disk holds after a power cut. The program must be dead. `random` draws from 0..1.
    ///
    /// # Panics
    ///
    /// When the journal or the directory cannot be read or written.
    pub fn cut_power(&mut self, mut random: impl FnMut() -> f64) -> PowerCut {
        let path = self.side.path().join("journal");
        let journal = fs::read(&path).unwrap_or_else(|e| panic!("no journal of the disk: {e}"));
        let mut disk = Disk::new(&self.base);
        disk.play(&journal);
        let (kept, cut) = disk.after_power_cut(&mut random);
        let put = kept.iter().try_for_each(|(name, bytes)| fs::write(self.dir.join(name), bytes));
        let gone = content(&self.dir).map(|now| now.into_keys().filter(|name| !kept.contains_key(name)).collect::<Vec<_>>());
        let removed = gone.and_then(|gone| gone.iter().try_for_each(|name| fs::remove_file(self.dir.join(name))));
        put.and(removed).and_then(|()| fs::remove_file(&path)).unwrap_or_else(|e| panic!("the directory cannot be made anew: {e}"));
        self.base = kept;
        cut
    }
}

/// What a power cut took.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PowerCut {
    /// Writes that were not synced and are gone, or torn.
    pub lost: usize,
    /// Writes that were not synced and are there all the same.
    pub kept: usize,
}

/// The files directly in a directory, but for sockets, logs and SQLite's shared memory: what the shim watches.
fn content(dir: &Path) -> io::Result<HashMap<String, Vec<u8>>> {
    let mut files = HashMap::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let is_log = entry.path().extension().is_some_and(|extension| extension == "log");
        if entry.file_type()?.is_file() && !name.ends_with("-shm") && !is_log {
            files.insert(name, fs::read(entry.path())?);
        }
    }
    Ok(files)
}

/// The files of a disk: what is safe on it, and what only the kernel has.
#[derive(Debug, Default)]
struct Disk {
    files: Vec<Inode>,
    names: HashMap<String, usize>,
    /// By the number that an opening was given.
    open: HashMap<u64, usize>,
}

#[derive(Debug, Default, Clone)]
struct Inode {
    safe: Vec<u8>,
    pending: Vec<Change>,
}

#[derive(Debug, Clone)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Truncate(usize),
}

impl Change {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Self::Write { at, bytes } => {
                let end = at + bytes.len();
                if to.len() < end {
                    to.resize(end, 0);
                }
                to[*at..end].copy_from_slice(bytes);
            }
            Self::Truncate(size) => to.resize(*size, 0),
        }
    }
}

impl Disk {
    fn new(base: &HashMap<String, Vec<u8>>) -> Self {
        let mut disk = Self::default();
        for (name, bytes) in base {
            disk.names.insert(name.clone(), disk.files.len());
            disk.files.push(Inode { safe: bytes.clone(), pending: Vec::new() });
        }
        disk
    }

    /// Plays a journal. A last record that the kill cut short was not carried out.
    fn play(&mut self, mut journal: &[u8]) {
        while let Some((kind, number, offset, bytes, rest)) = next_record(journal) {
            journal = rest;
            self.step(kind, number, offset, bytes);
        }
    }

    fn step(&mut self, kind: u8, number: u64, offset: usize, bytes: &[u8]) {
        let text = || String::from_utf8_lossy(bytes).into_owned();
        match kind {
            b'o' => {
                let file = *self.names.entry(text()).or_insert_with(|| {
                    self.files.push(Inode::default());
                    self.files.len() - 1
                });
                self.open.insert(number, file);
            }
            b'r' => {
                let both = text();
                // Names are in the file system's own journal, in order.
                if let Some((from, to)) = both.split_once('\n')
                    && let Some(file) = self.names.remove(from)
                {
                    self.names.insert(to.to_owned(), file);
                }
            }
            b'u' => drop(self.names.remove(&text())),
            _ => {
                let Some(inode) = self.open.get(&number).and_then(|file| self.files.get_mut(*file)) else { return };
                match kind {
                    b'w' => inode.pending.push(Change::Write { at: offset, bytes: bytes.to_vec() }),
                    b't' => inode.pending.push(Change::Truncate(offset)),
                    b's' => inode.pending.drain(..).for_each(|change| change.apply(&mut inode.safe)),
                    // The failed sync marked as clean what it could not keep.
                    b'x' => inode.pending.clear(),
                    _ => {}
                }
            }
        }
    }

    fn after_power_cut(self, random: &mut impl FnMut() -> f64) -> (HashMap<String, Vec<u8>>, PowerCut) {
        let mut cut = PowerCut::default();
        let mut kept = HashMap::new();
        // In the order of the names, so that a seed gives the same cut again.
        let mut names: Vec<_> = self.names.iter().collect();
        names.sort();
        for (name, file) in names {
            // Files in folders below are none of a store's promises.
            if name.contains('/') {
                continue;
            }
            let Some(inode) = self.files.get(*file) else { continue };
            let mut bytes = inode.safe.clone();
            for change in &inode.pending {
                match (change, random()) {
                    (_, luck) if luck < 0.4 => cut.lost += 1,
                    (Change::Write { at, bytes: all }, luck) if luck < 0.6 => {
                        cut.lost += 1;
                        let sectors = all.len() / SECTOR;
                        let torn = (random() * (sectors + 1) as f64) as usize * SECTOR;
                        Change::Write { at: *at, bytes: all[..torn.min(all.len())].to_vec() }.apply(&mut bytes);
                    }
                    (change, _) => {
                        cut.kept += 1;
                        change.apply(&mut bytes);
                    }
                }
            }
            kept.insert(name.clone(), bytes);
        }
        (kept, cut)
    }
}

type Record<'a> = (u8, u64, usize, &'a [u8], &'a [u8]);

fn next_record(journal: &[u8]) -> Option<Record<'_>> {
    let end = journal.iter().position(|b| *b == b'\n')?;
    let head = std::str::from_utf8(journal.get(..end)?).ok()?;
    let mut words = head.split(' ');
    let kind = *words.next()?.as_bytes().first()?;
    let (number, offset, length) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?, words.next()?.parse::<usize>().ok()?);
    let rest = journal.get(end + 1..)?;
    Some((kind, number, offset, rest.get(..length)?, rest.get(length..)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(base: &[(&str, &str)], journal: &str, luck: f64) -> HashMap<String, Vec<u8>> {
        let base = base.iter().map(|(n, b)| ((*n).to_owned(), b.as_bytes().to_vec())).collect();
        let mut disk = Disk::new(&base);
        disk.play(journal.as_bytes());
        disk.after_power_cut(&mut || luck).0
    }

    #[test]
    fn what_was_synced_is_kept_and_what_was_not_may_be_lost() {
        let journal = "o 1 0 1\naw 1 0 3\nonew 1 3 3\ntwos 1 0 0\nw 1 6 5\nthree";
        assert_eq!(cut(&[], journal, 0.0)["a"], b"onetwo");
        assert_eq!(cut(&[], journal, 0.9)["a"], b"onetwothree");
    }

    #[test]
    fn a_failed_sync_loses_what_a_later_one_then_cannot_keep() {
        assert_eq!(cut(&[("a", "old")], "o 1 0 1\naw 1 0 3\nnewx 1 0 0\ns 1 0 0\n", 0.9)["a"], b"old");
    }

    #[test]
    fn a_renamed_file_that_was_not_synced_may_be_empty() {
        let journal = "o 1 0 1\nbw 1 0 3\nnewr 0 0 3\nb\na";
        let after = cut(&[("a", "old")], journal, 0.0);
        assert_eq!((after["a"].as_slice(), after.len()), (&b""[..], 1));
    }

    #[test]
    fn a_program_on_the_disk_loses_what_it_did_not_sync() {
        let dir = tempfile::tempdir().unwrap();
        let Some(mut disk) = FaultyDisk::below(dir.path()) else { return };
        // `dd` syncs the one and not the other.
        for (name, how) in [("synced", "conv=fsync"), ("loose", "conv=notrunc")] {
            let to = format!("of={}", dir.path().join(name).display());
            let done = Command::new("dd").args(["if=/dev/zero", &to, "bs=4096", "count=1", how]).envs(disk.env()).output().unwrap();
            assert!(done.status.success(), "{done:?}");
        }
        assert_eq!(disk.cut_power(|| 0.0), PowerCut { lost: 1, kept: 0 });
        assert_eq!(fs::read(dir.path().join("synced")).unwrap().len(), 4096);
        assert_eq!(fs::read(dir.path().join("loose")).unwrap().len(), 0);
    }

    #[test]
    fn a_full_disk_and_a_clock_that_is_off_are_seen_by_the_program() {
        let dir = tempfile::tempdir().unwrap();
        let Some(disk) = FaultyDisk::below(dir.path()) else { return };
        disk.set(Fault::Full);
        let to = format!("of={}", dir.path().join("a").display());
        let full = Command::new("dd").args(["if=/dev/zero", &to, "count=1"]).envs(disk.env()).output().unwrap();
        assert!(String::from_utf8_lossy(&full.stderr).contains("No space left"), "{full:?}");
        disk.set(Fault::ClockOff(-3600));
        let here = Command::new("date").arg("+%s").output().unwrap();
        let there = Command::new("date").arg("+%s").envs(disk.env()).output().unwrap();
        let secs = |out: std::process::Output| String::from_utf8_lossy(&out.stdout).trim().parse::<i64>().unwrap();
        let off = secs(there) - secs(here);
        assert!((-3601..=-3598).contains(&off), "{off}");
    }
}
