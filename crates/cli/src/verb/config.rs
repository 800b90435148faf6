use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::cli::{Context, Json};
use crate::config::env::VARS;
use crate::config::{Origin, Shown};
use crate::failure::{Exit, Result};
use crate::output::{self, table};

/// Show every setting, its value and where that comes from
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    what: Option<What>,
    /// Leave out what nobody has set
    #[arg(long)]
    set_only: bool,
    #[command(flatten)]
    json: Json,
}

#[derive(Debug, Clone, Copy, Subcommand)]
enum What {
    /// Print the configuration file's path
    Path,
    /// List the environment variables
    Env,
}

pub(crate) fn run(args: &ConfigArgs, context: &Context) -> Result<Exit> {
    match args.what {
        Some(What::Env) => {
            let rows = VARS.iter().map(|v| vec![v.name.to_owned(), v.key.to_owned(), v.help.to_owned()]).collect();
            if args.json.json {
                output::json_list(VARS.iter().map(|v| json!({ "id": v.name, "key": v.key, "help": v.help })).collect())?;
            } else {
                table::print(&["variable", "key", "what for"], rows, "")?;
            }
            return Ok(Exit::Done);
        }
        Some(What::Path) => {
            let flags = context.flags();
            let named = flags.config.or_else(|| context.env.text("WINDLASS_CONFIG").map(Into::into));
            let path = match named {
                Some(path) => path,
                None => crate::config::settings::default_config_path(&context.env)?,
            };
            output::data(&path.display().to_string())?;
            return Ok(Exit::Done);
        }
        None => {}
    }
    let settings = context.settings(&context.flags())?;
    let file = settings.config_path.display().to_string();
    let shown: Vec<&Shown> = settings.shown.iter().filter(|s| !args.set_only || s.origin != Origin::Default).collect();
    if args.json.json {
        output::json_list(
            shown
                .iter()
                .map(|s| json!({ "id": s.key, "value": s.value, "origin": word(&s.origin), "from": place(&s.origin, &file) }))
                .collect(),
        )?;
        return Ok(Exit::Done);
    }
    let rows = shown.iter().map(|s| vec![s.key.clone(), text(&s.value), place(&s.origin, &file)]).collect();
    table::print(&["key", "value", "from"], rows, "nothing is set: everything has its default")?;
    Ok(Exit::Done)
}

pub(crate) const fn word(origin: &Origin) -> &'static str {
    match origin {
        Origin::Flag => "flag",
        Origin::Env(_) => "environment",
        Origin::File(_) => "file",
        Origin::Default => "default",
    }
}

pub(crate) fn place(origin: &Origin, file: &str) -> String {
    match origin {
        Origin::Flag => "flag".to_owned(),
        Origin::Env(name) => (*name).to_owned(),
        Origin::File(0) => file.to_owned(),
        Origin::File(line) => format!("{file}:{line}"),
        Origin::Default => "default".to_owned(),
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
