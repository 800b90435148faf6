//! What lies in a tree and is in no commit of it, though a check in the tree sees it.

use std::collections::BTreeSet;
use std::path::Path;

use super::lock::hold;
use super::{Changes, Workspace, Workspaces};
use crate::git::WorkspaceError;

/// The longest list of ignored files that is read, in bytes.
const LIST_MAX: u64 = 256 * 1024;
/// The most patterns that are looked for.
const PATTERNS_MAX: usize = 200;

impl Workspaces {
    /// Repositories of the agent's inside the tree, and what is ignored only since these changes: neither is committed. Folders end in `/`.
    pub async fn left_out(&self, workspace: &Workspace, changes: &Changes) -> Result<Vec<String>, WorkspaceError> {
        let _held = hold(workspace).await?;
        let head = self.head(workspace)?;
        let list = |more: Vec<String>| self.engine_call(workspace, "ls-files").args(["-z", "--others"]).args(more);
        let inside = list(vec!["--exclude-standard".to_owned()]).ok().await?.stdout;
        let mut found: BTreeSet<String> = paths(&inside).filter(|path| path.ends_with('/')).collect();
        let mut patterns = Vec::new();
        for file in changes.files.iter().filter(|file| Path::new(&file.path).file_name().is_some_and(|name| name == ".gitignore")) {
            let before = self.engine_call(workspace, "cat-file").args(["blob", &format!("{head}:{}", file.path)]).run().await?;
            let before = if before.code == Some(0) { before.text() } else { String::new() };
            // What is no plain file, or a list without end, ignores nothing that is worth a word.
            let now = self.read_file(workspace, &file.path, LIST_MAX).await.ok().flatten().unwrap_or_default();
            patterns.extend(added(&before, &String::from_utf8_lossy(&now), &file.path));
        }
        patterns.truncate(PATTERNS_MAX);
        if !patterns.is_empty() {
            let more = ["--ignored", "--directory"].map(str::to_owned).into_iter();
            let ignored = list(more.chain(patterns.iter().map(|pattern| format!("--exclude={pattern}"))).collect()).ok().await?.stdout;
            found.extend(paths(&ignored));
        }
        Ok(found.into_iter().collect())
    }
}

fn paths(listed: &[u8]) -> impl Iterator<Item = String> {
    listed.split(|byte| *byte == 0).filter(|path| !path.is_empty()).map(|path| String::from_utf8_lossy(path).into_owned())
}

/// The patterns that a list has `now` and had not `before`, as seen from the tree's top.
fn added(before: &str, now: &str, file: &str) -> Vec<String> {
    let known: BTreeSet<&str> = before.lines().map(str::trim_end).collect();
    let folder = file.strip_suffix(".gitignore").unwrap_or_default();
    let new = now.lines().map(str::trim_end).filter(|line| !line.is_empty() && !line.starts_with(['#', '!']) && !known.contains(line));
    new.map(|line| match line.trim_end_matches('/').contains('/') {
        true => format!("/{folder}{}", line.trim_start_matches('/')),
        false if folder.is_empty() => line.to_owned(),
        false => format!("/{folder}**/{line}"),
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_list_ignores_anew_is_told_from_the_trees_top() {
        assert_eq!(added("target/\n", "target/\n\n# mine\n!keep\ngen/\n/out/x\n", ".gitignore"), ["gen/", "/out/x"]);
        assert_eq!(added("", "gen/\na/b", "web/.gitignore"), ["/web/**/gen/", "/web/a/b"]);
    }
}
