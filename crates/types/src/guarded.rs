//! Guarded paths: what decides what runs elsewhere with other rights (a forge's workflows, agents' settings, hooks, Windlass's own
//! configuration). A change of them is for a person to let through.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What happens to work that changes a guarded path.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Guard {
    /// It is held until a person lets it through.
    #[default]
    Hold,
    /// It is pushed, and flagged.
    Flag,
    /// It is pushed like anything else.
    Allow,
}

/// What is guarded everywhere. An entry that ends in `/` is a folder with all that is in it, or a link in its place; each may stand at any
/// depth.
pub const GUARDED: [&str; 50] = [
    ".github/workflows/",
    ".github/actions/",
    ".github/CODEOWNERS",
    ".github/dependabot.yml",
    ".github/dependabot.yaml",
    "CODEOWNERS",
    ".gitlab-ci.yml",
    ".gitlab-ci.yaml",
    ".gitlab/",
    ".forgejo/",
    ".gitea/",
    ".circleci/",
    ".buildkite/",
    ".woodpecker/",
    ".woodpecker.yml",
    ".woodpecker.yaml",
    ".cirrus.yml",
    ".drone.yml",
    ".travis.yml",
    ".azure-pipelines/",
    "azure-pipelines.yml",
    "azure-pipelines.yaml",
    "bitbucket-pipelines.yml",
    "appveyor.yml",
    "cloudbuild.yaml",
    "Jenkinsfile",
    ".windlass/",
    ".claude/",
    ".mcp.json",
    ".codex/",
    ".gemini/",
    ".cursor/",
    ".cursorrules",
    ".opencode/",
    "opencode.json",
    "opencode.jsonc",
    ".aider.conf.yml",
    ".githooks/",
    ".husky/",
    ".pre-commit-config.yaml",
    "lefthook.yml",
    "lefthook.yaml",
    ".lefthook.yml",
    ".lefthook.yaml",
    ".vscode/tasks.json",
    ".vscode/settings.json",
    ".vscode/mcp.json",
    ".vscode/launch.json",
    ".devcontainer/",
    ".gitmodules",
];

/// Whether a repository's path is guarded, by the built-in list or by `extra` entries of the same form. Letters' case does not matter: on
/// some machines it does not either.
pub fn is_guarded(path: &str, extra: &[String]) -> bool {
    let path = path.to_ascii_lowercase();
    let matches = |entry: &str| {
        let entry = entry.trim_start_matches('/').to_ascii_lowercase();
        if entry.is_empty() {
            return false;
        }
        let at_depth = format!("/{entry}");
        let is_file = |name: &str| path == name || path.ends_with(&format!("/{name}"));
        match entry.strip_suffix('/') {
            // What stands in the folder's place leads to another.
            Some(folder) => path.starts_with(&entry) || path.contains(&at_depth) || (!folder.is_empty() && is_file(folder)),
            None => is_file(&entry),
        }
    };
    GUARDED.iter().any(|entry| matches(entry)) || extra.iter().any(|entry| matches(entry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_elsewhere_or_steers_agents_is_guarded_at_any_depth_and_in_any_case() {
        for path in [
            ".github/workflows/ci.yml",
            ".GitHub/Workflows/x/y.yml",
            ".windlass/project.toml",
            ".claude/settings.json",
            "packages/app/.claude/settings.local.json",
            ".mcp.json",
            "Jenkinsfile",
            "ci/jenkinsfile",
            ".gitmodules",
            ".claude",
            "packages/app/.husky",
            ".github/workflows",
            "opencode.json",
        ] {
            assert!(is_guarded(path, &[]), "{path}");
        }
        for path in
            ["src/main.rs", ".github/ISSUE_TEMPLATE/bug.md", "docs/github/workflows/x.md", "CLAUDE.md", "my.claude/x", "Jenkinsfile.md"]
        {
            assert!(!is_guarded(path, &[]), "{path}");
        }
    }

    #[test]
    fn a_project_may_guard_more() {
        let extra = ["deploy/".to_owned(), "/Makefile".to_owned(), String::new(), "/".to_owned()];
        assert!(is_guarded("deploy/prod.yml", &extra) && is_guarded("Makefile", &extra));
        assert!(!is_guarded("src/deploy.rs", &extra));
    }
}
