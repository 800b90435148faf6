use clap::Args;
use serde_json::Value;
use windlass_types::{Harness, OnFailure, Policy};

use crate::cli::{BudgetArgs, Context, Json, harness_parser, read_text};
use crate::failure::{CliError, Exit, Result};
use crate::output;
use crate::wire::CreateAssignment;

/// Make an assignment without a job; `insert-job` gives it its first
#[derive(Debug, Args)]
pub(crate) struct CreateArgs {
    /// What is wanted (`-`: read it from standard input)
    #[arg(value_name = "NORTH STAR")]
    north_star: String,
    /// The repository to work on
    #[arg(long, value_name = "DIR", conflicts_with = "project")]
    repo: Option<String>,
    /// A project that is known already [default: `namespace` of the configuration, else scratch]
    #[arg(long, value_name = "NAME")]
    project: Option<String>,
    /// The branch to start from
    #[arg(long, value_name = "BRANCH")]
    base: Option<String>,
    /// The agent for its jobs that name none
    #[arg(long, value_name = "NAME", value_parser = harness_parser())]
    harness: Option<Harness>,
    /// The check that is run on every change
    #[arg(long, value_name = "CMD")]
    verify: Option<String>,
    /// No pm job judges the work
    #[arg(long)]
    no_review: bool,
    /// Let a pm job judge a job that failed, in place of a person
    #[arg(long)]
    review_failures: bool,
    /// How many jobs its pm jobs may insert
    #[arg(long, value_name = "N")]
    max_inserted_jobs: Option<u32>,
    /// Higher runs first
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    priority: i32,
    /// The same key makes the same assignment only once
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    #[command(flatten)]
    budget: BudgetArgs,
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: CreateArgs, context: &Context) -> Result<Exit> {
    let client = context.client()?;
    let north_star = goal(args.north_star)?;
    let repo = args.repo.as_deref().map(repository).transpose()?;
    let project = args.project.or_else(|| if repo.is_none() { namespace(context) } else { None });
    if repo.is_none() && project.is_none() {
        output::say("note: no repository was named, so its jobs run in project scratch; --repo DIR names one");
    }
    if args.harness == Some(Harness::Command) && !args.no_review && !args.review_failures {
        output::say("note: a program is no judge, so no pm job reviews its work");
    }
    let mut policy = Policy { review: !args.no_review, verify: args.verify, ..Policy::default() };
    policy.harness_defaults.extend(args.harness.map(|h| ("default".to_owned(), h)));
    if args.review_failures {
        policy.on_failure = OnFailure::Review;
    }
    if let Some(max) = args.max_inserted_jobs {
        policy.max_inserted_jobs = max;
    }
    let body = CreateAssignment {
        north_star,
        repo,
        project,
        base: args.base,
        policy,
        budget: args.budget.limits(),
        priority: args.priority,
        jobs: Vec::new(),
        key: args.key,
        source: Some("cli".to_owned()),
    };
    let value: Value = client.post("/api/v1/assignments", &body).await?;
    let submitted: crate::wire::Submitted =
        serde_json::from_value(value.clone()).map_err(|e| CliError::fault(format!("the daemon's answer could not be understood: {e}")))?;
    if args.json.json {
        output::json(&document(value))?;
    } else {
        output::data(&submitted.assignment.id.to_string())?;
        let id = submitted.assignment.id;
        output::say(&if submitted.created {
            format!("next: windlass insert-job {id} --type implement --context \"…\"")
        } else {
            "it was there already: the same key was used before".to_owned()
        });
    }
    Ok(Exit::Done)
}

/// What a submission answers, as the assignment that it made with `jobs` and `created` beside its own fields.
pub(crate) fn document(mut value: Value) -> Value {
    let Some(assignment) = value.get_mut("assignment").map(Value::take) else { return value };
    let Value::Object(mut document) = assignment else { return value };
    for key in ["jobs", "created"] {
        if let Some(part) = value.get_mut(key) {
            document.insert(key.to_owned(), part.take());
        }
    }
    Value::Object(document)
}

/// The most the daemon takes.
const GOAL_MAX: usize = 1024 * 1024;

/// A goal as given, or from standard input for `-`.
pub(crate) fn goal(text: String) -> Result<String> {
    let text = if text == "-" { read_text(std::path::Path::new("-"))? } else { text };
    if text.trim().is_empty() {
        return Err(CliError::usage("the goal is empty").hint("say what is wanted, in a sentence or more"));
    }
    if text.len() > GOAL_MAX {
        return Err(CliError::usage(format!("the goal is {} bytes long, and at most {GOAL_MAX} are taken", text.len()))
            .hint("put the long part in a file of the repository and name that"));
    }
    Ok(text)
}

/// A repository as the daemon wants it: an absolute path, or an address as given.
pub(crate) fn repository(text: &str) -> Result<String> {
    let address = text.contains("://")
        || text.split_once(':').is_some_and(|(host, _)| !host.is_empty() && !host.contains('/') && !std::path::Path::new(text).exists());
    if address {
        return Ok(text.to_owned());
    }
    let path = std::fs::canonicalize(text)
        .map_err(|e| CliError::usage(format!("the repository {text:?} cannot be used: {e}")).hint("give the path of a git repository"))?;
    if !path.is_dir() {
        return Err(CliError::usage(format!("{text:?} is not a directory")).hint("give the path of a git repository"));
    }
    path.into_os_string().into_string().map_err(|_| CliError::usage(format!("the path of the repository {text:?} is not valid UTF-8")))
}

/// The project that the configuration names for everything that names none.
pub(crate) fn namespace(context: &Context) -> Option<String> {
    let settings = crate::config::Settings::load(&context.flags(), &context.env).ok()?;
    settings.namespace
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_goal_that_is_empty_or_too_long_is_refused_before_anything_is_sent() {
        assert!(goal(" \n".to_owned()).is_err());
        assert!(goal("x".repeat(GOAL_MAX + 1)).is_err());
        assert!(goal("x".repeat(GOAL_MAX)).is_ok());
    }

    #[test]
    fn addresses_are_passed_on_and_paths_are_made_absolute() {
        assert_eq!(repository("https://example.org/a.git").ok().as_deref(), Some("https://example.org/a.git"));
        assert_eq!(repository("git@example.org:a/b.git").ok().as_deref(), Some("git@example.org:a/b.git"));
        assert!(repository("/nowhere/at/all").is_err());
        assert!(repository(".").is_ok_and(|p| p.starts_with('/')));
    }
}
