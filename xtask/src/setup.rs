//! What the tests need beside Rust: from the registries, by their ordinary clients.

use std::process::Command;

use anyhow::bail;

use crate::process::{find, in_ci, root, step};

/// Installs what can be had; gives what is missing.
pub(crate) fn everything() -> anyhow::Result<Vec<String>> {
    let mut missing = Vec::new();
    if let Err(e) = agent_clis() {
        missing.push(format!("the agent CLIs: {e}"));
    }
    if let Err(e) = package("bubblewrap", &["bwrap"]) {
        missing.push(format!("bubblewrap: {e}"));
    }
    if let Err(e) = package("chromium", &["chromium", "chromium-browser", "google-chrome"]) {
        missing.push(format!("a browser to test the page in: {e}"));
    }
    for what in &missing {
        eprintln!("SKIPPED: {what}");
    }
    if in_ci() && missing.iter().any(|m| m.starts_with("the agent CLIs")) {
        bail!("CI needs every part: {}", missing.join("; "));
    }
    Ok(missing)
}

/// The real agent CLIs and a PostgreSQL, at the versions that `package-lock.json` pins.
fn agent_clis() -> anyhow::Result<()> {
    let dir = root().join("crates/testkit/npm");
    let (lock, stamp) = (dir.join("package-lock.json"), dir.join("node_modules/.windlass-installed"));
    let wanted = std::fs::read(&lock)?;
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    if find("npm").is_none() {
        bail!("npm is not installed");
    }
    step("install the agent CLIs", Command::new("npm").args(["ci", "--no-audit", "--no-fund", "--loglevel=error", "--prefix"]).arg(&dir))?;
    std::fs::write(stamp, wanted)?;
    Ok(())
}

/// A program that goes by one of these names; with root on Debian, from its packages. With bubblewrap agents run in a PID namespace of
/// their own.
fn package(name: &str, programs: &[&str]) -> anyhow::Result<()> {
    if programs.iter().any(|program| find(program).is_some()) {
        return Ok(());
    }
    if find("apt-get").is_none() || !rustix::process::geteuid().is_root() {
        bail!("not installed, and only root on Debian can have it installed from here");
    }
    step("update the package lists", Command::new("apt-get").args(["-qq", "update"]))?;
    step(
        &format!("install {name}"),
        Command::new("apt-get").args(["-qq", "-y", "--no-install-recommends", "install", name]).env("DEBIAN_FRONTEND", "noninteractive"),
    )
}
