//! File locks: which files of its repository an assignment's jobs have to themselves while they run.
//!
//! A lock is data beside an assignment. Whether it is *held* is derived, never stored: it is while a job of its assignment that may change
//! files runs. So it is taken all or nothing with the claim, and ends with the job in whatever way that ends.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{AssignmentId, Timestamp};

/// The longest pattern, in bytes.
const PATTERN_MAX: usize = 1024;
/// The most patterns that one assignment may bring.
const PATTERNS_MAX: usize = 1000;
/// The most of them that may have wildcards, and the longest such, in bytes: two of them are compared letter by letter.
const GLOBS_MAX: usize = 100;
const GLOB_MAX: usize = 256;

/// A lock pattern that cannot be one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadLock {
    /// The pattern is not one.
    #[error("{pattern:?} cannot be locked: {reason}")]
    Pattern {
        /// What was given, cut to a length that can be printed.
        pattern: String,
        /// What is wrong with it, and what to write instead.
        reason: &'static str,
    },
    /// There are too many.
    #[error(
        "{count} patterns cannot be locked at once: at most {PATTERNS_MAX} can, of which {GLOBS_MAX} with wildcards; lock whole folders, as src/"
    )]
    TooMany {
        /// How many of the kind that is too many.
        count: usize,
    },
}

/// Files of a repository: a path (`src/app.rs`), a folder with all in it (`src/`), or a glob, where `*` and `?` stand for what is within
/// one name and a whole `**` for any number of folders. Everything else is as it is written, case included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LockPattern {
    text: String,
    parts: Vec<Part>,
}

/// One name on the way, or any number of them.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// `**`: any number of names, none included.
    Deep,
    /// One name, as it is.
    Name(String),
    /// One name by its pattern.
    Glob(Vec<char>),
}

impl LockPattern {
    /// Reads a pattern.
    pub fn parse(text: &str) -> Result<Self, BadLock> {
        let bad = |reason| Err(BadLock::Pattern { pattern: text.chars().take(120).collect(), reason });
        if text.is_empty() {
            return bad("it is empty");
        }
        if text.len() > PATTERN_MAX {
            return bad("it is longer than 1024 bytes");
        }
        if text.contains('\0') {
            return bad("it contains a zero byte");
        }
        if text.starts_with('/') {
            return bad("it is absolute; write it from the top of the repository");
        }
        let is_glob = text.contains(['*', '?']);
        if is_glob && text.len() > GLOB_MAX {
            return bad("with wildcards it may have 256 bytes; lock a folder, as src/");
        }
        let (names, is_folder) = match text.strip_suffix('/') {
            Some(folder) => (folder, true),
            None => (text, false),
        };
        let mut parts = Vec::new();
        for name in names.split('/') {
            match name {
                "" => return bad("it has an empty name between two slashes"),
                "." | ".." => return bad("it has a . or .. in it; write it from the top of the repository"),
                "**" => parts.push(Part::Deep),
                name if name.contains(['*', '?']) => parts.push(Part::Glob(name.chars().collect())),
                name => parts.push(Part::Name(name.to_owned())),
            }
        }
        if is_folder {
            parts.push(Part::Deep);
        }
        // What is in a folder is at least one name.
        if parts.last() == Some(&Part::Deep) {
            parts.push(Part::Glob(vec!['*']));
        }
        Ok(Self { text: text.to_owned(), parts })
    }

    /// A file as it is named, whatever is in its name.
    pub fn of_path(path: &str) -> Self {
        Self { text: path.to_owned(), parts: path.split('/').map(|name| Part::Name(name.to_owned())).collect() }
    }

    /// As it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether there could be a file that both name.
    pub fn overlaps(&self, other: &Self) -> bool {
        // Most differ in their first names.
        for pair in self.parts.iter().zip(&other.parts) {
            match pair {
                (Part::Name(a), Part::Name(b)) if a != b => return false,
                (Part::Name(_), Part::Name(_)) => {}
                _ => return meet(&self.parts, &other.parts, Part::is_any, Part::meets),
            }
        }
        self.parts.len() == other.parts.len()
    }
}

impl Part {
    fn is_any(&self) -> bool {
        *self == Self::Deep
    }

    fn meets(&self, other: &Self) -> bool {
        let same = |a: &char, b: &char| *a == '?' || *b == '?' || a == b;
        match (self, other) {
            (Self::Name(a), Self::Name(b)) => a == b,
            (Self::Glob(a), Self::Glob(b)) => meet(a, b, |c| *c == '*', same),
            (Self::Glob(glob), Self::Name(name)) | (Self::Name(name), Self::Glob(glob)) => fits(glob, name),
            (Self::Deep, _) | (_, Self::Deep) => true,
        }
    }
}

/// Whether a name is one that a glob stands for. In a name a star is a star.
fn fits(glob: &[char], name: &str) -> bool {
    let mut reached = vec![false; glob.len() + 1];
    reached[0] = true;
    let over_stars = |reached: &mut [bool]| {
        for (at, c) in glob.iter().enumerate() {
            reached[at + 1] |= *c == '*' && reached[at];
        }
    };
    over_stars(&mut reached);
    for letter in name.chars() {
        let mut next = vec![false; glob.len() + 1];
        for (at, c) in glob.iter().enumerate() {
            match c {
                '*' => next[at] |= reached[at],
                '?' => next[at + 1] |= reached[at],
                c => next[at + 1] |= reached[at] && *c == letter,
            }
        }
        over_stars(&mut next);
        reached = next;
    }
    reached[glob.len()]
}

/// Whether there is a sequence that both patterns stand for, where some items (`is_any`) stand for any sequence, the empty one included.
fn meet<T>(a: &[T], b: &[T], is_any: impl Fn(&T) -> bool, same: impl Fn(&T, &T) -> bool) -> bool {
    // Row by row: whether the rest of `a` from here and the rest of `b` from each place can be the same.
    let mut below = vec![false; b.len() + 1];
    for at in (0..=a.len()).rev() {
        let mut row = vec![false; b.len() + 1];
        for with in (0..=b.len()).rev() {
            row[with] = match (a.get(at), b.get(with)) {
                (None, None) => true,
                // It stands for nothing more, or for one item more of the other: either way one side is a step further.
                (Some(x), Some(y)) if is_any(x) || is_any(y) => below[with] || row[with + 1],
                (Some(x), Some(y)) => same(x, y) && below[with + 1],
                (Some(x), None) => is_any(x) && below[with],
                (None, Some(y)) => is_any(y) && row[with + 1],
            };
        }
        below = row;
    }
    below.first().copied().unwrap_or(false)
}

/// Reads all the patterns of an assignment, or says which cannot be one.
pub fn parse_locks<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Vec<LockPattern>, BadLock> {
    let patterns = patterns.into_iter().map(LockPattern::parse).collect::<Result<Vec<_>, _>>()?;
    let globs = patterns.iter().filter(|pattern| pattern.text.contains(['*', '?'])).count();
    if patterns.len() > PATTERNS_MAX || globs > GLOBS_MAX {
        return Err(BadLock::TooMany { count: if patterns.len() > PATTERNS_MAX { patterns.len() } else { globs } });
    }
    Ok(patterns)
}

/// Two assignments want the same files, and one of them has them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LockConflict {
    /// Whose job has them.
    pub holder: AssignmentId,
    /// Its pattern.
    pub theirs: String,
    /// The pattern that overlaps with it.
    pub ours: String,
    /// Since when that job runs.
    pub since: Timestamp,
}

/// How a lock stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LockStatus {
    /// A job of its assignment runs.
    Held,
    /// Another assignment holds what it overlaps with.
    Waiting,
    /// Nothing of its assignment runs, and nobody is in its way.
    Free,
}

impl LockStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::Held, Self::Waiting, Self::Free];

    /// The word for it everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Waiting => "waiting",
            Self::Free => "free",
        }
    }
}

crate::text_enum!(LockStatus, "lock status");

/// A lock of an assignment that is not over, and how it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FileLock {
    /// Whose it is.
    pub assignment_id: AssignmentId,
    /// Its number among the assignment's locks, from 1 up.
    pub number: i64,
    /// The project in whose repository the files are.
    pub project: String,
    /// Which files.
    pub pattern: String,
    /// Nobody asked for it: an agent of the assignment changed this file.
    pub touched: bool,
    /// How it stands.
    pub status: LockStatus,
    /// Since when it is held.
    pub since: Option<Timestamp>,
    /// Who is in its way.
    pub waits_for: Option<LockConflict>,
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use proptest::prelude::*;

    fn lock(text: &str) -> LockPattern {
        LockPattern::parse(text).unwrap()
    }

    fn overlap(a: &str, b: &str) -> bool {
        assert_eq!(lock(a).overlaps(&lock(b)), lock(b).overlaps(&lock(a)), "{a} {b}");
        lock(a).overlaps(&lock(b))
    }

    #[test]
    fn files_folders_and_globs_overlap_where_one_file_could_be_both() {
        for (a, b) in [
            ("src/app.rs", "src/app.rs"),
            ("src/", "src/app.rs"),
            ("src/", "src/a/b/c.rs"),
            ("src/", "src/a/"),
            ("src/*.rs", "src/a*"),
            ("**", "any/thing"),
            ("**/*.rs", "src/app.rs"),
            ("**/*.rs", "app.rs"),
            ("a/**/z", "a/z"),
            ("a/**/z", "a/b/c/z"),
            ("*/b", "a/*"),
            ("a/**/b/**", "**/b/x"),
            ("?.md", "*.md"),
            ("**/", "x"),
        ] {
            assert!(overlap(a, b), "{a} {b}");
        }
        for (a, b) in [
            ("src/app.rs", "src/lib.rs"),
            ("src/", "src"),
            ("src/", "srcs/app.rs"),
            ("src/*.rs", "src/a/b.rs"),
            ("src/*.rs", "src/*.md"),
            ("a/**", "a"),
            ("a/**/z", "b/z"),
            ("?.md", "ab.md"),
            ("Src/", "src/app.rs"),
            ("*", "a/b"),
        ] {
            assert!(!overlap(a, b), "{a} {b}");
        }
    }

    #[test]
    fn what_is_no_path_of_a_repository_is_refused_by_name() {
        for text in ["", "/etc/passwd", "a/../b", "./a", "a//b", "a\0b", "//", "/", &"x".repeat(1025), &format!("{}*", "x".repeat(256))] {
            assert!(matches!(LockPattern::parse(text), Err(BadLock::Pattern { .. })), "{text:?}");
        }
        assert!(LockPattern::parse("../x").unwrap_err().to_string().contains("../x"));
        let many: Vec<String> = (0..1001).map(|n| format!("file-{n}")).collect();
        assert!(parse_locks(many.iter().map(String::as_str)).unwrap_err().to_string().contains("1001"));
        assert!(parse_locks(many.iter().take(1000).map(String::as_str)).is_ok());
        assert!(parse_locks(std::iter::repeat_n("*.rs", 101)).is_err());
    }

    #[test]
    fn a_file_that_an_agent_named_like_a_glob_is_that_file_alone() {
        assert!(LockPattern::of_path("a/*").overlaps(&lock("a/*")));
        assert!(LockPattern::of_path("a/*").overlaps(&lock("a/")));
        assert!(!LockPattern::of_path("a/*").overlaps(&LockPattern::of_path("a/b")));
    }

    /// Every path of at most five names of at most two of the letters: where two patterns of three names meet, they meet in one of them.
    static PATHS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let names: Vec<String> = ["a", "b"].iter().flat_map(|x| ["", "a", "b"].map(|y| format!("{x}{y}"))).collect();
        let mut all: Vec<String> = names.clone();
        let mut last = names.clone();
        for _ in 0..4 {
            last = last.iter().flat_map(|path| names.iter().map(move |name| format!("{path}/{name}"))).collect();
            all.extend(last.iter().cloned());
        }
        all
    });

    /// The meaning of a pattern, said another way: by going back wherever there is a choice.
    fn names(pattern: &[&str], path: &[&str]) -> bool {
        fn name(glob: &[u8], text: &[u8]) -> bool {
            match (glob.first(), text.first()) {
                (None, None) => true,
                (Some(b'*'), _) => name(&glob[1..], text) || (!text.is_empty() && name(glob, &text[1..])),
                (Some(b'?'), Some(_)) => name(&glob[1..], &text[1..]),
                (Some(a), Some(b)) => a == b && name(&glob[1..], &text[1..]),
                _ => false,
            }
        }
        match (pattern.first(), path.first()) {
            (None, None) => true,
            (Some(&("**" | "")), _) if pattern.len() == 1 => !path.is_empty(),
            (Some(&"**"), _) => names(&pattern[1..], path) || (!path.is_empty() && names(pattern, &path[1..])),
            (Some(glob), Some(text)) => name(glob.as_bytes(), text.as_bytes()) && names(&pattern[1..], &path[1..]),
            _ => false,
        }
    }

    fn pattern() -> impl Strategy<Value = String> {
        let part = prop_oneof![4 => "[ab*?]{1,2}", 1 => Just("**".to_owned())];
        (prop::collection::vec(part, 1..=3), any::<bool>())
            .prop_map(|(parts, folder)| format!("{}{}", parts.join("/"), if folder && parts.len() < 3 { "/" } else { "" }))
    }

    proptest! {
        #[test]
        fn two_patterns_overlap_exactly_when_some_path_is_named_by_both(a in pattern(), b in pattern()) {
            let parts = |text: &str| text.split('/').map(str::to_owned).collect::<Vec<_>>();
            let (of_a, of_b) = (parts(&a), parts(&b));
            let both = PATHS.iter().find(|path| {
                let path: Vec<&str> = path.split('/').collect();
                let named = |parts: &[String]| names(&parts.iter().map(String::as_str).collect::<Vec<_>>(), &path);
                named(&of_a) && named(&of_b)
            });
            prop_assert_eq!(lock(&a).overlaps(&lock(&b)), both.is_some(), "{} {} {:?}", a, b, both);
        }

        #[test]
        fn a_path_is_in_a_pattern_exactly_when_the_pattern_names_it(a in pattern(), index in any::<prop::sample::Index>()) {
            let path = index.get(&PATHS);
            let parts: Vec<&str> = a.split('/').collect();
            let wanted = names(&parts, &path.split('/').collect::<Vec<_>>());
            prop_assert_eq!(lock(&a).overlaps(&LockPattern::of_path(path)), wanted, "{} {}", a, path);
        }

        #[test]
        fn no_text_makes_it_panic(a in ".{0,60}", b in ".{0,60}") {
            if let (Ok(a), Ok(b)) = (LockPattern::parse(&a), LockPattern::parse(&b)) {
                let _ = a.overlaps(&b);
            }
        }
    }
}
