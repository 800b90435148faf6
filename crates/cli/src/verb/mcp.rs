use clap::Args;
use windlass_api::{Api, ApiAnswer, ApiRequest, Extensions, NoAnswer};

use crate::cli::Context;
use crate::client::Client;
use crate::failure::{CliError, Exit, Result};

/// Speak the Model Context Protocol over standard input and output
///
/// For agents' settings: the daemon's verbs become their tools, and assignments and transcripts resources. What they may do is what the
/// token may that this command finds, as every other command does: the data directory's, or WINDLASS_TOKEN. Inside a job that is the
/// job's own. The daemon speaks the same at /mcp over HTTP.
#[derive(Debug, Args)]
#[command(after_help = "Claude Code:  claude mcp add windlass -- windlass mcp\n\
    Codex:        codex mcp add windlass -- windlass mcp\n\
    Gemini:       gemini mcp add windlass windlass mcp\n\
    over HTTP:    claude mcp add --transport http windlass http://127.0.0.1:3001/mcp --header \"Authorization: Bearer TOKEN\"")]
pub(crate) struct McpArgs {}

pub(crate) async fn run(_: McpArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    windlass_api::serve_stdio(Remote(client)).await.map_err(|e| {
        CliError::fault(format!("the client's messages could not be understood: {e}"))
            .hint("this command is for agents' settings, not for people")
    })?;
    Ok(Exit::Done)
}

/// A daemon, asked as everybody asks it.
#[derive(Clone)]
struct Remote(Client);

impl Api for Remote {
    async fn ask(&self, request: ApiRequest, _: &Extensions) -> std::result::Result<ApiAnswer, NoAnswer> {
        let told = |e: CliError| NoAnswer(e.hint.as_ref().map_or_else(|| e.message.clone(), |hint| format!("{}\nhint: {hint}", e.message)));
        let (status, body) = self.0.ask(request.method, &request.target, request.body.as_ref()).await.map_err(told)?;
        Ok(ApiAnswer { status, body })
    }
}
