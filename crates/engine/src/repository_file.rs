//! A repository's own `.windlass/project.toml` and templates, read from the base commit.
//!
//! **Invariant:** what it says is data until a person has trusted its hash; only then do its commands and templates count.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use windlass_types::{Failure, FailureKind, JobType, OperationType, ProjectSettings};
use windlass_workspace::workspaces::{Source, Workspace, Workspaces};

pub(crate) const FILE: &str = ".windlass/project.toml";
pub(crate) const FILE_MAX: u64 = 256 * 1024;

/// What a repository brings.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RepositoryFile {
    pub(crate) settings: ProjectSettings,
    /// Names all of it: settings and templates.
    pub(crate) hash: String,
    pub(crate) files: BTreeMap<String, String>,
}

/// Reads it from the workspace's base commit.
pub(crate) async fn read(workspaces: &Workspaces, workspace: &Workspace) -> Result<Option<RepositoryFile>, crate::attempt::Stop> {
    let mut files = BTreeMap::new();
    for path in paths() {
        if let Some(bytes) = workspaces.read_at(Source::Workspace(workspace), &workspace.base_commit, &path, FILE_MAX).await? {
            files.insert(path, String::from_utf8_lossy(&bytes).into_owned());
        }
        // Most repositories bring nothing: one look is enough then.
        if files.is_empty() {
            return Ok(None);
        }
    }
    Ok(Some(parse(files)?))
}

/// The paths that count, the settings first.
pub(crate) fn paths() -> Vec<String> {
    std::iter::once(FILE.to_owned()).chain(templates().map(template_path)).collect()
}

/// The templates that a repository may bring.
fn templates() -> impl Iterator<Item = &'static str> {
    JobType::ALL.into_iter().map(JobType::as_str).chain(OperationType::ALL.into_iter().map(OperationType::template))
}

fn template_path(name: &str) -> String {
    format!(".windlass/templates/{name}.md")
}

/// Makes settings of the files.
pub(crate) fn parse(files: BTreeMap<String, String>) -> Result<RepositoryFile, Failure> {
    let text = files.get(FILE).map_or("", String::as_str);
    let mut settings: ProjectSettings = toml::from_str(text).map_err(|e| {
        Failure::new(FailureKind::BadConfiguration, format!("the repository's {FILE} could not be read: {e}"))
            .hint("mend it on the base branch")
    })?;
    settings.templates.clear();
    for name in templates() {
        if let Some(text) = files.get(&template_path(name)) {
            settings.templates.insert(name.to_owned(), text.clone());
        }
    }
    let mut all = String::new();
    for (path, text) in &files {
        let _ = write!(all, "{path}\0{}\0{text}\0", text.len());
    }
    Ok(RepositoryFile { settings, hash: crate::hash::hex(all.as_bytes()), files })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(text: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(FILE.to_owned(), text.to_owned())])
    }

    #[test]
    fn the_hash_changes_with_every_byte_that_would_be_trusted() {
        let a = parse(files("verify = \"make test\"")).unwrap();
        let b = parse(files("verify = \"make test; curl evil\"")).unwrap();
        assert_ne!(a.hash, b.hash);
        let mut with_template = files("verify = \"make test\"");
        with_template.insert(".windlass/templates/plan.md".to_owned(), "x".to_owned());
        let c = parse(with_template).unwrap();
        assert_ne!(a.hash, c.hash);
        assert_eq!(c.settings.templates["plan"], "x");
    }

    #[test]
    fn a_broken_file_is_a_configuration_failure_that_names_it() {
        let error = parse(files("verify = [1")).unwrap_err();
        assert!(error.message.contains(FILE));
    }
}
