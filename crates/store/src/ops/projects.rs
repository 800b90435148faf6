//! Projects.

use serde_json::json;
use windlass_types::{EventKind, Project, ProjectSettings, SCRATCH, is_valid_name};

use crate::error::{Result, StoreError};
use crate::sql::{NewEvent, Row, Value, Work, json as as_json, values};
use crate::store::Store;

const COLUMNS: &str = "name, repo, default_branch, trusted, created_at, updated_at, settings";

fn row(mut r: Row) -> Result<Project> {
    let r = &mut r;
    Ok(Project {
        name: r.text()?,
        repo: r.opt_text()?,
        default_branch: r.opt_text()?,
        trusted: r.opt_text()?,
        created_at: r.time()?,
        updated_at: r.time()?,
        settings: r.json()?,
    })
}

fn select(w: &mut Work<'_>, rest: &str, params: &[Value]) -> Result<Vec<Project>> {
    w.query(&format!("SELECT {COLUMNS} FROM projects {rest}"), params)?.into_iter().map(row).collect()
}

/// One project.
pub(crate) fn find(w: &mut Work<'_>, name: &str) -> Result<Option<Project>> {
    Ok(select(w, "WHERE name = $1", values![name])?.pop())
}

/// Every project.
pub(crate) fn all(w: &mut Work<'_>) -> Result<Vec<Project>> {
    select(w, "ORDER BY name LIMIT 10000", &[])
}

/// Whether a repository is reached over the network: a URL other than `file://`, or `host:path` as scp writes it.
pub(crate) fn is_remote(repo: &str) -> bool {
    if repo.contains("://") {
        return !repo.starts_with("file://");
    }
    // `host:path` has its colon before any slash; a local path with one is written `./a:b`.
    match (repo.find(':'), repo.find('/')) {
        (Some(colon), Some(slash)) => colon < slash,
        (Some(_), None) => true,
        (None, _) => false,
    }
}

fn changed(w: &mut Work<'_>, name: &str, what: &str) {
    w.event(NewEvent {
        kind: EventKind::ProjectChanged,
        project: Some(name.to_owned()),
        assignment: None,
        job: None,
        attempt: None,
        data: json!({ "name": name, "change": what }),
    });
}

fn get(w: &mut Work<'_>, name: &str) -> Result<Project> {
    find(w, name)?.ok_or_else(|| StoreError::not_found("project", name))
}

fn put(w: &mut Work<'_>, name: &str, repo: Option<&str>, default_branch: Option<&str>, settings: &ProjectSettings) -> Result<Project> {
    if !is_valid_name(name) {
        return Err(StoreError::Invalid(format!(
            "{name:?} cannot be a project's name: use a letter or digit, then at most 127 of A-Z a-z 0-9 . _ -"
        )));
    }
    if name == SCRATCH && repo.is_some() {
        return Err(StoreError::Invalid(format!("the project {SCRATCH} has no repository: give the project another name")));
    }
    let now = w.now()?;
    w.execute(
        "INSERT INTO projects (name, repo, default_branch, remote, max_concurrent, created_at, updated_at, settings) \
         VALUES ($1, $2, $3, $4, $5, $6, $6, $7) \
         ON CONFLICT (name) DO UPDATE SET repo = excluded.repo, default_branch = excluded.default_branch, remote = excluded.remote, \
         max_concurrent = excluded.max_concurrent, updated_at = excluded.updated_at, settings = excluded.settings",
        values![name, repo, default_branch, repo.is_some_and(is_remote), settings.max_concurrent, now, as_json(settings)?],
    )?;
    changed(w, name, "put");
    get(w, name)
}

fn change(
    w: &mut Work<'_>,
    seen: &Project,
    repo: Option<&str>,
    default_branch: Option<&str>,
    settings: &ProjectSettings,
) -> Result<Project> {
    let rest = format!("WHERE name = $1{}", w.dialect().lock());
    if select(w, &rest, values![&seen.name])?.pop().as_ref() != Some(seen) {
        return Err(StoreError::Changed(format!("the project {} has changed since it was read; read it again, then change it", seen.name)));
    }
    put(w, &seen.name, repo, default_branch, settings)
}

fn trust(w: &mut Work<'_>, name: &str, hash: Option<&str>) -> Result<Project> {
    let now = w.now()?;
    if w.execute("UPDATE projects SET trusted = $2, updated_at = $3 WHERE name = $1", values![name, hash, now])? == 0 {
        return Err(StoreError::not_found("project", name));
    }
    changed(w, name, "trusted");
    get(w, name)
}

/// Makes the built-in project; for the first start.
pub(crate) fn make_scratch(w: &mut Work<'_>) -> Result<()> {
    let now = w.now()?;
    w.execute(
        "INSERT INTO projects (name, remote, created_at, updated_at, settings) VALUES ($1, FALSE, $2, $2, '{}') \
         ON CONFLICT (name) DO NOTHING",
        values![SCRATCH, now],
    )?;
    Ok(())
}

impl Store {
    /// Makes a project, or changes the one of that name. A trusted settings file stays trusted.
    pub async fn put_project(
        &self,
        name: String,
        repo: Option<String>,
        default_branch: Option<String>,
        settings: ProjectSettings,
    ) -> Result<Project> {
        self.promise(move |w| put(w, &name, repo.as_deref(), default_branch.as_deref(), &settings)).await
    }

    /// The same for a project that is still as it was seen.
    pub async fn change_project(
        &self,
        seen: Project,
        repo: Option<String>,
        default_branch: Option<String>,
        settings: ProjectSettings,
    ) -> Result<Project> {
        self.promise(move |w| change(w, &seen, repo.as_deref(), default_branch.as_deref(), &settings)).await
    }

    /// The project of that name.
    pub async fn project(&self, name: &str) -> Result<Option<Project>> {
        let name = name.to_owned();
        self.read(move |w| find(w, &name)).await
    }

    /// Every project, by name.
    pub async fn projects(&self) -> Result<Vec<Project>> {
        self.read(all).await
    }

    /// The project of that repository; the first by name, if several share it.
    pub async fn project_by_repo(&self, repo: &str) -> Result<Option<Project>> {
        let repo = repo.to_owned();
        self.read(move |w| Ok(select(w, "WHERE repo = $1 ORDER BY name LIMIT 1", values![&repo])?.pop())).await
    }

    /// Trusts the repository's own settings file of that hash; `None` trusts none.
    pub async fn trust_project(&self, name: &str, hash: Option<String>) -> Result<Project> {
        let name = name.to_owned();
        self.promise(move |w| trust(w, &name, hash.as_deref())).await
    }
}

#[cfg(test)]
mod tests {
    use super::is_remote;

    #[test]
    fn a_repository_is_remote_by_its_url_or_its_scp_form() {
        for repo in ["https://host/a.git", "ssh://git@host/a", "git@host:a/b.git", "host:a", "ext::sh -c x"] {
            assert!(is_remote(repo), "{repo}");
        }
        for repo in ["/srv/a", "./a:b", "../a", "file:///srv/a", "a/b:c"] {
            assert!(!is_remote(repo), "{repo}");
        }
    }
}
