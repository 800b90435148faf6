//! A line of git's raw diff format. Pure.

/// How `diff-tree` and `diff-index` have to be told to write it.
pub(crate) const FORMAT: [&str; 7] =
    ["--raw", "-z", "--no-abbrev", "--no-renames", "--no-ext-diff", "--no-textconv", "--ignore-submodules=none"];

/// What a file is after a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Link,
    Submodule,
    Gone,
    /// In an index: two sides that nobody has put together.
    Unmerged,
}

/// A changed file, but for its path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) kind: Kind,
    pub(crate) mode: u32,
    /// The hash of its content.
    pub(crate) blob: String,
}

impl Change {
    /// Reads `:100644 100755 <old> <new> M`, or with as many colons, old modes and old hashes as there are parents.
    pub(crate) fn parse(field: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(field).ok()?;
        let rest = text.trim_start_matches(':');
        let parents = text.len() - rest.len();
        let words: Vec<&str> = rest.split(' ').collect();
        let [.., status] = words.as_slice() else { return None };
        if words.len() != 2 * (parents + 1) + 1 {
            return None;
        }
        let mode = u32::from_str_radix(words.get(parents)?, 8).ok()?;
        let blob = (*words.get(2 * parents + 1)?).to_owned();
        let kind = match (mode & 0o170_000, *status) {
            (_, "U") => Kind::Unmerged,
            (0, _) => Kind::Gone,
            (0o120_000, _) => Kind::Link,
            (0o160_000, _) => Kind::Submodule,
            (0o100_000, _) => Kind::File,
            _ => return None,
        };
        Some(Self { kind, mode, blob })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_what_is_there_after_it_however_many_parents_it_has() {
        let parse = |text: &str| Change::parse(text.as_bytes()).map(|change| (change.kind, change.mode, change.blob));
        let file = |mode, blob: &str| Some((Kind::File, mode, blob.to_owned()));
        assert_eq!(parse(":100644 100755 aa bb M"), file(0o100_755, "bb"));
        assert_eq!(parse("::100644 000000 100644 aa 00 cc MA"), file(0o100_644, "cc"));
        assert_eq!(parse(":::100644 100644 100644 120000 aa bb cc dd TTT"), Some((Kind::Link, 0o120_000, "dd".to_owned())));
        assert_eq!(parse(":100644 000000 aa 00 D"), Some((Kind::Gone, 0, "00".to_owned())));
        assert_eq!(parse(":000000 160000 00 aa A"), Some((Kind::Submodule, 0o160_000, "aa".to_owned())));
        assert_eq!(parse(":100644 000000 aa 00 U"), Some((Kind::Unmerged, 0, "00".to_owned())));
        for odd in ["", ":", ":100644 100644 aa M", "::100644 100644 aa bb M", ":100644 040000 aa bb M", ":100644 x aa bb M"] {
            assert_eq!(parse(odd), None, "{odd:?}");
        }
    }
}
