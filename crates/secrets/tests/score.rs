//! What the scanner finds of the labelled set that `corpus/gen_dev.py` draws, where Python is there.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

use windlass_secrets::{Allowed, Scanner};

/// Seeds: the set as it is given, and others, so that no rule is fitted to one.
const SEEDS: &[u32] = &[4242, 1, 2, 3, 4, 5];

#[derive(Default)]
struct Share {
    hit: usize,
    of: usize,
}

impl Share {
    fn count(&mut self, hit: bool) {
        self.of += 1;
        self.hit += usize::from(hit);
    }

    fn value(&self) -> f64 {
        self.hit as f64 / self.of.max(1) as f64
    }
}

#[test]
fn the_labelled_set_is_found_and_what_only_looks_like_secrets_is_not() {
    let Some(generator) = generator() else { return };
    let scanner = Scanner::new().unwrap();
    let (mut plain, mut hard, mut false_positives) = (Share::default(), Share::default(), Share::default());
    let mut wrong: BTreeMap<String, usize> = BTreeMap::new();
    for seed in SEEDS {
        let dir = tempfile::tempdir().unwrap();
        let made = Command::new("python3")
            .arg(&generator)
            .arg(dir.path())
            .arg(seed.to_string())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let labels = std::fs::read_to_string(dir.path().join("labels.jsonl")).unwrap();
        for label in labels.lines() {
            let label: serde_json::Value = serde_json::from_str(label).unwrap();
            let text = |key: &str| label[key].as_str().unwrap_or_default().to_owned();
            let hit = is_flagged(&scanner, dir.path(), &text("file"));
            let positive = text("kind") == "pos";
            match (positive, label["hard"].as_bool().unwrap()) {
                (true, false) => plain.count(hit),
                (true, true) => hard.count(hit),
                (false, _) => false_positives.count(hit),
            }
            if positive != hit {
                *wrong
                    .entry(format!("{} {} in {}", if positive { "missed" } else { "wrongly found" }, text("type"), text("container")))
                    .or_default() += 1;
            }
        }
    }
    println!("recall {:.3} plain, {:.3} hard; false positives {:.3}", plain.value(), hard.value(), false_positives.value());
    println!("{wrong:#?}");
    assert!(plain.value() >= 0.90, "recall plain {}", plain.value());
    assert!(hard.value() >= 0.60, "recall hard {}", hard.value());
    assert!(false_positives.value() <= 0.03, "false positives {}", false_positives.value());
}

/// A tree is scanned as a person's own: it is its own base, whose comments count.
fn is_flagged(scanner: &Scanner, root: &Path, file: &str) -> bool {
    let bytes = std::fs::read(root.join("corpus").join(file)).unwrap();
    let allowed = Allowed::nothing().with_fingerprints(scanner.allowed_by_comments(file, &bytes));
    !scanner.scan_bytes(file, &bytes, &allowed).is_empty()
}

fn generator() -> Option<PathBuf> {
    if Command::new("python3").arg("--version").output().is_err() {
        eprintln!("SKIPPED: the secret scanner was not measured: there is no python3 to draw the labelled set");
        return None;
    }
    Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/gen_dev.py"))
}
