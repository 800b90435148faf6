use clap::Args;
use windlass_types::{Clock, Node};

use crate::cli::{Context, Json};
use crate::failure::{CliError, Exit, Result};
use crate::output::{self, show, table};

/// List the nodes that share the database
#[derive(Debug, Args)]
pub(crate) struct NodesArgs {
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: NodesArgs, context: &Context) -> Result<Exit> {
    let page = context.client()?.list("/api/v1/nodes", &[], None, 1000).await?;
    if args.json.json {
        output::json_list(page.items)?;
        return Ok(Exit::Done);
    }
    let now = Clock::system().now();
    let mut rows = Vec::new();
    for item in page.items {
        let node: Node = serde_json::from_value(item).map_err(|e| CliError::fault(format!("a node could not be understood: {e}")))?;
        let workers: Vec<_> = node.workers.iter().map(|worker| format!("{}:{}", worker.name, worker.slots)).collect();
        rows.push(vec![
            node.id.clone(),
            format!("{} ({})", node.host, node.pid),
            node.version.clone(),
            node.roles.join(","),
            workers.join(","),
            node.running.to_string(),
            node.duties.join(","),
            if node.gone { format!("gone, {}", show::ago(node.seen_at, now)) } else { show::ago(node.seen_at, now) },
        ]);
    }
    table::print(&["id", "host", "version", "roles", "workers", "running", "duties", "seen"], rows, "no nodes")?;
    Ok(Exit::Done)
}
