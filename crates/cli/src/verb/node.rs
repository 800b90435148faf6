use clap::Args;
use windlass_types::Role;

use super::up::{self, UpArgs};
use crate::cli::{Context, role_parser};
use crate::config::Flags;
use crate::failure::{CliError, Exit, Result};

/// Run a part of the daemon beside others on one PostgreSQL
///
/// Any number of nodes share a database: each claims jobs, serves the API or looks after what one of them does for all, as
/// its roles say. The database is named as for `up`, or by DATABASE_URL.
#[derive(Debug, Args)]
pub(crate) struct NodeArgs {
    /// What this node does: worker, api, intake; all of it by default
    #[arg(long, value_name = "ROLE,…", value_delimiter = ',', value_parser = role_parser(), hide_possible_values = true)]
    roles: Vec<Role>,
    #[command(flatten)]
    up: UpArgs,
}

pub(crate) async fn run(args: NodeArgs, context: &Context) -> Result<Exit> {
    let mut roles = args.roles;
    roles.sort_unstable();
    roles.dedup();
    let roles = if roles.is_empty() { Role::ALL.to_vec() } else { roles };
    let settings = context.settings(&Flags { node_roles: Some(roles), ..args.up.flags(context)? })?;
    if !windlass_store::is_postgres(&settings.database_url) {
        let shown = crate::config::settings::without_password(&settings.database_url);
        return Err(CliError::usage(format!("a node shares a PostgreSQL with others, and {shown} is none"))
            .hint("name one with --database-url, WINDLASS_DATABASE_URL or DATABASE_URL; for one machine `windlass up` needs none"));
    }
    up::serve(&settings).await
}
