//! The scanners: how each is installed by its ordinary client, started, and understood.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::process::{cargo, step};

/// In the order of the table; ours is the first.
pub(crate) const NAMES: [&str; 5] = ["windlass", "ripsecrets", "detect-secrets", "kingfisher", "secretlint"];

/// A scanner.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    kind: Kind,
}

enum Kind {
    /// Our program.
    Ours(PathBuf),
    RipSecrets,
    DetectSecrets,
    Kingfisher,
    SecretLint,
}

pub(crate) fn all(ours: PathBuf) -> Vec<Tool> {
    let kinds = [Kind::Ours(ours), Kind::RipSecrets, Kind::DetectSecrets, Kind::Kingfisher, Kind::SecretLint];
    NAMES.into_iter().zip(kinds).map(|(name, kind)| Tool { name, kind }).collect()
}

impl Tool {
    pub(crate) fn is_ours(&self) -> bool {
        matches!(self.kind, Kind::Ours(_))
    }

    /// Installs it into the lab, unless it is there.
    pub(crate) fn install(&self, lab: &Path) -> anyhow::Result<()> {
        if self.program(lab).is_file() {
            return Ok(());
        }
        std::fs::create_dir_all(lab)?;
        let title = format!("install {}", self.name);
        match &self.kind {
            Kind::Ours(_) => bail!("it was not built"),
            Kind::RipSecrets => step(&title, cargo().args(["install", "--quiet", "ripsecrets", "--root"]).arg(lab)),
            Kind::DetectSecrets => pip(&title, lab, "detect-secrets"),
            Kind::Kingfisher => pip(&title, lab, "kingfisher-bin"),
            Kind::SecretLint => {
                let mut npm = Command::new("npm");
                npm.args(["install", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"]).arg(lab);
                step(&title, npm.args(["secretlint", "@secretlint/secretlint-rule-preset-recommend"]))?;
                let rules = r#"{"rules":[{"id":"@secretlint/secretlint-rule-preset-recommend"}]}"#;
                Ok(std::fs::write(lab.join(".secretlintrc.json"), rules)?)
            }
        }?;
        if self.program(lab).is_file() { Ok(()) } else { bail!("its program is not in the package") }
    }

    fn program(&self, lab: &Path) -> PathBuf {
        match &self.kind {
            Kind::Ours(program) => program.clone(),
            Kind::RipSecrets => lab.join("bin/ripsecrets"),
            Kind::DetectSecrets => lab.join("venv/bin/detect-secrets"),
            Kind::Kingfisher => lab.join("venv/bin/kingfisher"),
            Kind::SecretLint => lab.join("node_modules/.bin/secretlint"),
        }
    }

    pub(crate) fn version(&self, lab: &Path) -> anyhow::Result<String> {
        if self.is_ours() {
            return Ok(env!("CARGO_PKG_VERSION").to_owned());
        }
        let output = Command::new(self.program(lab)).arg("--version").current_dir(lab).output().context("it does not run")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let version = text.split_whitespace().find(|word| word.starts_with(|c: char| c.is_ascii_digit()));
        Ok(version.unwrap_or("of unknown version").to_owned())
    }

    /// Scans a folder with what it does by default, asking nobody whether a secret is valid.
    pub(crate) fn command(&self, lab: &Path, dir: &Path) -> Command {
        let mut command = Command::new(self.program(lab));
        // What they keep stays in the lab.
        command.current_dir(dir).env("HOME", lab).env("XDG_CACHE_HOME", lab.join("cache"));
        match &self.kind {
            Kind::Ours(_) => command.args([".", "flagged"]),
            Kind::RipSecrets => command.arg("."),
            Kind::DetectSecrets => command.args(["scan", "--all-files", "--no-verify", "."]),
            Kind::Kingfisher => command.args(["scan", ".", "--no-validate", "--no-update-check", "--format", "json"]),
            Kind::SecretLint => {
                command.arg("--secretlintrc").arg(lab.join(".secretlintrc.json")).args(["--format", "unix"]).arg(dir.join("**/*"))
            }
        };
        command
    }

    /// The files that it flags, by their path in the folder; none if it did not say.
    pub(crate) fn flagged(&self, stdout: &[u8], dir: &Path) -> Option<BTreeSet<String>> {
        let text = String::from_utf8_lossy(stdout);
        let path = |path: &str| path.trim_start_matches("./").to_owned();
        // Before the first colon: no file of ours has one in its name.
        let before_colon = |line: &str| line.split_once(':').map(|(name, _)| path(name));
        match &self.kind {
            Kind::Ours(_) => Some(text.lines().map(path).collect()),
            Kind::RipSecrets => Some(text.lines().filter_map(before_colon).filter(|name| dir.join(name).is_file()).collect()),
            Kind::SecretLint => {
                let within = format!("{}/", dir.display());
                Some(text.lines().filter_map(|line| line.strip_prefix(&within)).filter_map(before_colon).collect())
            }
            Kind::DetectSecrets => {
                let value: Value = serde_json::from_str(&text).ok()?;
                Some(value.get("results")?.as_object()?.keys().map(|name| path(name)).collect())
            }
            Kind::Kingfisher => {
                let value: Value = serde_json::from_str(text.lines().find(|line| line.starts_with('{'))?).ok()?;
                let names = value.get("findings")?.as_array()?.iter().filter_map(|f| f.pointer("/finding/path")?.as_str());
                Some(names.map(path).collect())
            }
        }
    }
}

fn pip(title: &str, lab: &Path, package: &str) -> anyhow::Result<()> {
    let venv = lab.join("venv");
    if !venv.join("bin/pip").is_file() {
        step("make a folder for Python packages", Command::new("python3").args(["-m", "venv"]).arg(&venv))?;
    }
    step(title, Command::new(venv.join("bin/pip")).args(["install", "--quiet", "--disable-pip-version-check", package]))
}
