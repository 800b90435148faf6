//! What a tool found of a labelled set.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Context as _;
use serde::Deserialize;

/// A file of the set, and what is in it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Label {
    file: String,
    kind: Kind,
    /// A secret that is not in one piece.
    hard: bool,
    #[serde(rename = "type")]
    of: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    /// A secret.
    Pos,
    /// What only looks like one.
    Neg,
}

/// A share of what there was.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Share {
    pub(crate) hit: usize,
    pub(crate) of: usize,
}

impl Share {
    fn count(&mut self, hit: bool) {
        self.of += 1;
        self.hit += usize::from(hit);
    }

    pub(crate) fn value(self) -> f64 {
        self.hit as f64 / self.of.max(1) as f64
    }
}

/// How well a tool did.
#[derive(Debug, Clone, Default)]
pub(crate) struct Score {
    /// Secrets that stand in one piece.
    pub(crate) plain: Share,
    /// Others.
    pub(crate) hard: Share,
    /// Files without a secret that it flags.
    pub(crate) wrong: Share,
    /// How often it was wrong about what.
    pub(crate) mistakes: BTreeMap<String, usize>,
}

/// Reads the labels of a set: a JSON document a line.
pub(crate) fn labels(text: &str) -> anyhow::Result<Vec<Label>> {
    text.lines().enumerate().map(|(n, line)| serde_json::from_str(line).with_context(|| format!("line {} is no label", n + 1))).collect()
}

impl Score {
    /// Counts one set.
    pub(crate) fn add(&mut self, labels: &[Label], flagged: &BTreeSet<String>) {
        for label in labels {
            let hit = flagged.contains(&label.file);
            match (label.kind, label.hard) {
                (Kind::Pos, false) => self.plain.count(hit),
                (Kind::Pos, true) => self.hard.count(hit),
                (Kind::Neg, _) => self.wrong.count(hit),
            }
            if hit != (label.kind == Kind::Pos) {
                *self.mistakes.entry(label.of.clone()).or_default() += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_that_is_missed_and_a_file_that_is_wrongly_flagged_are_counted_apart() {
        let text = r#"{"file":"a","kind":"pos","hard":false,"type":"jwt","line":3}
{"file":"b","kind":"pos","hard":true,"type":"jwt"}
{"file":"c","kind":"neg","hard":false,"type":"uuid"}
{"file":"d","kind":"neg","hard":false,"type":"sri"}"#;
        let mut score = Score::default();
        score.add(&labels(text).unwrap(), &["a", "c", "elsewhere"].map(str::to_owned).into());
        let shares = [score.plain, score.hard, score.wrong].map(|share| (share.hit, share.of));
        assert_eq!(shares, [(1, 1), (0, 1), (1, 2)]);
        assert_eq!(score.mistakes.keys().collect::<Vec<_>>(), ["jwt", "uuid"]);
        assert!(labels("{}").is_err());
    }
}
