use clap::Args;
use serde_json::Value;
use windlass_types::Project;

use crate::cli::{Context, Json};
use crate::failure::{CliError, Exit, Result};
use crate::output::{self, table};

/// List projects
#[derive(Debug, Args)]
pub(crate) struct ProjectsArgs {
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: ProjectsArgs, context: &Context) -> Result<Exit> {
    let page = context.client()?.list("/api/v1/projects", &[], None, 1000).await?;
    if args.json.json {
        output::json_list(page.items.into_iter().map(with_id).collect())?;
        return Ok(Exit::Done);
    }
    let mut rows = Vec::new();
    for item in page.items {
        let p: Project = serde_json::from_value(item).map_err(|e| CliError::fault(format!("a project could not be understood: {e}")))?;
        rows.push(vec![
            p.name.clone(),
            p.repo.clone().unwrap_or_else(|| "none".to_owned()),
            p.default_branch.clone().unwrap_or_default(),
            p.settings.verify.clone().unwrap_or_default(),
            if p.trusted.is_some() { "yes".to_owned() } else { "no".to_owned() },
        ]);
    }
    table::print(&["name", "repository", "branch", "verify", "own file trusted"], rows, "no projects")?;
    Ok(Exit::Done)
}

/// A project's name is its id.
pub(crate) fn with_id(mut project: Value) -> Value {
    if let Some(object) = project.as_object_mut()
        && let Some(name) = object.get("name").cloned()
    {
        object.entry("id").or_insert(name);
    }
    project
}
