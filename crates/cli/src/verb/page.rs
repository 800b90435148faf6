//! What the lists of a daemon share: how much of one, where it goes on, and how its end is told.

use clap::Args;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::cli::Json;
use crate::client::Client;
use crate::failure::{CliError, Exit, Result};
use crate::output::{self, table};

/// How much of a list, and how it is shown.
#[derive(Debug, Args)]
pub(super) struct PageArgs {
    /// At most this many
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) limit: u32,
    /// Go on where an earlier list ended: its `next_cursor`
    #[arg(long, value_name = "CURSOR")]
    pub(super) cursor: Option<String>,
    #[command(flatten)]
    pub(super) json: Json,
}

/// A list that is to be shown to a person.
pub(super) struct Listed<T> {
    pub(super) items: Vec<T>,
    /// Whether there are more.
    pub(super) more: bool,
}

impl PageArgs {
    /// Fetches a list; with `--json` it is printed as it came, and there is nothing left to show.
    pub(super) async fn fetch<T: DeserializeOwned>(
        self,
        client: &Client,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<Option<Listed<T>>> {
        let page = client.list(path, query, self.cursor, self.limit as usize).await?;
        if self.json.json {
            output::json(&json!({ "items": page.items, "next_cursor": page.next_cursor }))?;
            return Ok(None);
        }
        Ok(Some(Listed { items: understood(page.items)?, more: page.next_cursor.is_some() }))
    }
}

/// The items of a page, as what they are.
pub(super) fn understood<T: DeserializeOwned>(items: Vec<serde_json::Value>) -> Result<Vec<T>> {
    let one = |item| serde_json::from_value(item).map_err(|e| CliError::fault(format!("the daemon's answer could not be understood: {e}")));
    items.into_iter().map(one).collect()
}

/// Prints a list's rows under a header, or that there are none, and whether there are more.
pub(super) fn print(header: &[&str], rows: Vec<Vec<String>>, none: &str, more: bool) -> Result<Exit> {
    table::print(header, rows, none)?;
    if more {
        output::say("there are more: raise --limit");
    }
    Ok(Exit::Done)
}
