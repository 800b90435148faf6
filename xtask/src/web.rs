//! The page: installed, checked, built, and driven in a real browser.

use std::process::Command;

use anyhow::bail;

use crate::process::{find, in_ci, root, step};

fn npm(args: &[&str]) -> Command {
    let mut npm = Command::new("npm");
    npm.args(["--prefix"]).arg(root().join("web")).args(args);
    npm
}

/// Whether the page can be built here; says loudly when it cannot.
fn has_npm() -> anyhow::Result<bool> {
    if find("npm").is_some() {
        return Ok(true);
    }
    if in_ci() {
        bail!("CI needs every part: npm is not installed");
    }
    eprintln!("SKIPPED: the page (npm is not installed); the binary shows what to do without it");
    Ok(false)
}

fn install() -> anyhow::Result<()> {
    let dir = root().join("web");
    let (lock, stamp) = (dir.join("package-lock.json"), dir.join("node_modules/.windlass-installed"));
    let wanted = std::fs::read(&lock)?;
    if std::fs::read(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    step("install what the page is built with", &mut npm(&["ci", "--no-audit", "--no-fund", "--loglevel=error"]))?;
    std::fs::write(stamp, wanted)?;
    Ok(())
}

/// Builds the page into `web/dist`, where the binary takes it from.
pub(crate) fn build() -> anyhow::Result<bool> {
    if !has_npm()? {
        return Ok(false);
    }
    install()?;
    step("build the page", &mut npm(&["run", "--silent", "build"]))?;
    Ok(true)
}

/// Everything of the page that needs neither daemon nor browser.
pub(crate) fn check() -> anyhow::Result<()> {
    if !build()? {
        return Ok(());
    }
    step("the page's client is that of the API", &mut npm(&["run", "--silent", "generate:check"]))?;
    step("the page's types", &mut npm(&["run", "--silent", "check"]))?;
    step("the page's size", &mut npm(&["run", "--silent", "budget"]))?;
    step("the page's units", &mut npm(&["run", "--silent", "test"]))
}

/// The page in a real browser: over a real daemon and over a made-up one, all of `web/e2e`.
pub(crate) fn browse() -> anyhow::Result<()> {
    if find("npm").is_none() {
        return Ok(());
    }
    let Some(chromium) = ["chromium", "chromium-browser", "google-chrome"].into_iter().find_map(find) else {
        if in_ci() {
            bail!("CI needs every part: there is no Chromium");
        }
        eprintln!("SKIPPED: the page in a browser (there is no Chromium)");
        return Ok(());
    };
    let exe = crate::process::target().join("debug/windlass");
    step("the page in a browser", npm(&["run", "--silent", "e2e"]).env("CHROMIUM", chromium).env("WINDLASS_EXE", exe))
}
