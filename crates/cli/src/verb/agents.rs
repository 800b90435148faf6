use clap::Args;
use windlass_types::{Activity, ActivityKind, AgentSession, Clock, SessionId, SessionStatus, Timestamp};

use super::page::{self, PageArgs};
use crate::cli::Context;
use crate::client::Client;
use crate::failure::{CliError, Exit, Result};
use crate::output::{self, one_line, show, table};
use crate::wire::Page;

/// Show what agents do at this moment, whoever started them
///
/// Agents that you start yourself tell by their hooks: see `windlass hooks install`. With a session: what was done in it.
#[derive(Debug, Args)]
pub(crate) struct AgentsArgs {
    /// What was done in this session: its id, the agent's own id of it, or a unique piece of either
    #[arg(value_name = "SESSION", conflicts_with_all = ["all", "project", "cursor"])]
    session: Option<String>,
    /// Also the sessions that are over
    #[arg(long)]
    all: bool,
    /// Only this project's
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    #[command(flatten)]
    page: PageArgs,
}

pub(crate) async fn run(args: AgentsArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    if let Some(text) = &args.session {
        return activity(&client, text, &args.page).await;
    }
    let mut query = Vec::new();
    if !args.all {
        query.push(("status", format!("{},{}", SessionStatus::Active, SessionStatus::Idle)));
    }
    query.extend(args.project.map(|project| ("project", project)));
    let Some(listed) = args.page.fetch::<AgentSession>(&client, "/api/v1/agents", &query).await? else { return Ok(Exit::Done) };
    let now = Clock::system().now();
    let rows = listed.items.into_iter().map(|session| row(&session, now)).collect();
    page::print(&["session", "agent", "type", "project", "status", "now", "tools", "title"], rows, "no agents at work", listed.more)
}

fn row(session: &AgentSession, now: Timestamp) -> Vec<String> {
    vec![
        show::id(&session.id),
        session.harness.as_str().to_owned(),
        session.session_type.clone(),
        session.project.clone().unwrap_or_else(|| "none".to_owned()),
        standing(session, now),
        one_line(&doing(session), 60),
        tools(session),
        one_line(session.title.as_deref().unwrap_or_default(), 60),
    ]
}

fn standing(session: &AgentSession, now: Timestamp) -> String {
    match (session.status, session.ended_at) {
        (SessionStatus::Active, _) => "active".to_owned(),
        (SessionStatus::Ended, Some(at)) => format!("ended {}", show::ago(at, now)),
        (status, _) => format!("{status} for {}", show::duration(now.since_ms(session.last_activity_at))),
    }
}

fn doing(session: &AgentSession) -> String {
    match &session.current_tool {
        Some(tool) if tool.summary.is_empty() => tool.name.clone(),
        Some(tool) => format!("{}: {}", tool.name, tool.summary),
        None => session.last_activity.clone(),
    }
}

fn tools(session: &AgentSession) -> String {
    match session.tools_failed {
        0 => session.tools_used.to_string(),
        failed => format!("{} ({failed} failed)", session.tools_used),
    }
}

async fn activity(client: &Client, text: &str, page: &PageArgs) -> Result<Exit> {
    let id = session_id(client, text).await?;
    let session: AgentSession = client.get(&format!("/api/v1/agents/{id}"), &[]).await?;
    let limit = page.limit.min(500);
    let done: Page<Activity> = client.get(&format!("/api/v1/agents/{id}/activity"), &[("limit", limit.to_string())]).await?;
    if page.json.json {
        output::json(&serde_json::json!({ "session": session, "items": done.items, "next_cursor": null }))?;
        return Ok(Exit::Done);
    }
    let now = Clock::system().now();
    table::facts(&[
        ("session", Some(session.id.to_string())),
        ("agent", Some(session.harness.as_str().to_owned())),
        ("type", Some(session.session_type.clone())),
        ("title", session.title.clone()),
        ("project", session.project.clone()),
        ("job", session.job_id.map(|job| job.to_string())),
        ("folder", session.cwd.clone()),
        ("model", session.model.clone()),
        ("status", Some(standing(&session, now))),
        ("now", Some(doing(&session)).filter(|_| session.status != SessionStatus::Ended)),
        ("tools", Some(tools(&session))),
        ("success", session.success_rate.map(|rate| format!("{:.0} %", rate * 100.0))),
        ("tool takes", session.mean_duration_ms.map(show::duration)),
        ("ended by", session.end_reason.clone()),
    ])?;
    output::data("")?;
    let rows = done.items.iter().map(|activity| line(activity, now)).collect();
    table::print(&["at", "what", "tool", "went", "took", "about"], rows, "nothing was done yet")?;
    Ok(Exit::Done)
}

fn line(activity: &Activity, now: Timestamp) -> Vec<String> {
    let went = match (activity.kind, activity.ok) {
        (ActivityKind::ToolEnd | ActivityKind::Stop, Some(true)) => "well",
        (ActivityKind::ToolEnd | ActivityKind::Stop, Some(false)) => "failed",
        _ => "",
    };
    vec![
        show::ago(activity.at, now),
        activity.kind.to_string(),
        activity.tool.clone().unwrap_or_default(),
        went.to_owned(),
        activity.duration_ms.map(show::duration).unwrap_or_default(),
        one_line(&activity.summary, 100),
    ]
}

/// The session that a text names: a whole id, or among the newest 500 the agent's own id or a unique piece of either.
async fn session_id(client: &Client, text: &str) -> Result<SessionId> {
    if let Ok(id) = text.parse() {
        return Ok(id);
    }
    let page: Page<AgentSession> = client.get("/api/v1/agents", &[("limit", "500".to_owned())]).await?;
    find(&page.items, text)
}

fn find(sessions: &[AgentSession], text: &str) -> Result<SessionId> {
    // An agent's session that several attempts went on with is here several times: the newest is meant.
    if let Some(session) = sessions.iter().find(|session| session.agent_session_id.as_deref() == Some(text)) {
        return Ok(session.id);
    }
    let digits = text.strip_prefix("ses_").unwrap_or(text);
    let is_piece = |all: &str, piece: &str| all.starts_with(piece) || all.ends_with(piece);
    let fits = |session: &&AgentSession| {
        session.id.to_string().split_once('_').is_some_and(|(_, all)| is_piece(all, digits))
            || session.agent_session_id.as_deref().is_some_and(|all| is_piece(all, text))
    };
    let mut found = sessions.iter().filter(|_| digits.len() >= 4).filter(fits);
    match (found.next(), found.next()) {
        (Some(session), None) => Ok(session.id),
        (Some(_), Some(_)) => Err(CliError::usage(format!("{text:?} fits more than one session")).hint("give more digits")),
        (None, _) => Err(CliError::usage(format!("{text:?} names no session")).hint("see `windlass agents --all`")),
    }
}
