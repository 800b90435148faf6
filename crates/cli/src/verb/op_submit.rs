use std::path::PathBuf;

use clap::Args;
use serde_json::Value;
use windlass_types::{Callback, ErrorContext, FeatureContext, Harness, OperationRepository, OperationRequest, OperationType, Texts};

use super::create::repository;
use super::op;
use crate::cli::{BudgetArgs, Context, Json, harness_parser, read_text};
use crate::daemon::signals::Signals;
use crate::failure::{CliError, Exit, Result};
use crate::output;
use crate::wire::OperationAccepted;

/// Have a code operation carried out, and wait for the end
///
/// Takes the request as JSON, as services send it, or by flags. Needs a daemon.
/// Exits with 0 when it is done, 3 when somebody has to act first, 4 when it failed.
#[derive(Debug, Args)]
pub(crate) struct SubmitArgs {
    /// The whole request, as JSON (`-`: read it from standard input)
    #[arg(long, value_name = "FILE", conflicts_with_all = ["operation_type", "description", "repo", "owner", "name", "branch", "target_file", "error_file", "affected_file",
        "requirement", "criterion", "test_strategy", "approval", "max_iterations", "organization", "session", "harness", "program", "script", "verify", "review", "worker",
        "priority", "callback", "runs", "tokens", "usd", "secs"])]
    file: Option<PathBuf>,
    /// What kind of work: error_fix, feature_implementation, refactor or test
    #[arg(long = "type", value_name = "TYPE", required_unless_present = "file")]
    operation_type: Option<OperationType>,
    /// What is wanted (`-`: read it from standard input)
    #[arg(long, value_name = "TEXT", required_unless_present = "file")]
    description: Option<String>,
    /// The repository: a directory or an address
    #[arg(long, value_name = "DIR|URL")]
    repo: Option<String>,
    /// The repository's owner on the forge, with --name, in place of --repo
    #[arg(long, value_name = "NAME")]
    owner: Option<String>,
    /// The repository's name on the forge
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The branch to start from [default: the repository's own]
    #[arg(long, value_name = "BRANCH")]
    branch: Option<String>,
    /// A file it is about, or a glob of some; may be given for several
    #[arg(long, value_name = "PATH")]
    target_file: Vec<String>,
    /// The error, as it was printed: its first line is the message
    #[arg(long, value_name = "FILE", help_heading = "What is known")]
    error_file: Option<PathBuf>,
    /// A file that the error speaks of; may be given for several
    #[arg(long, value_name = "PATH", help_heading = "What is known")]
    affected_file: Vec<String>,
    /// What it has to do; may be given for several
    #[arg(long, value_name = "TEXT", help_heading = "What is known")]
    requirement: Vec<String>,
    /// By what it is accepted; may be given for several
    #[arg(long, value_name = "TEXT", help_heading = "What is known")]
    criterion: Vec<String>,
    /// How it is to be tested
    #[arg(long, value_name = "TEXT", help_heading = "What is known")]
    test_strategy: Option<String>,
    /// Propose the work as a pull request, for a person to approve
    #[arg(long)]
    approval: bool,
    /// How often the agent may be sent back with the check's output
    #[arg(long, value_name = "N")]
    max_iterations: Option<u32>,
    /// Whose it is [default: local]
    #[arg(long, value_name = "ID")]
    organization: Option<String>,
    /// Your session [default: cli]
    #[arg(long, value_name = "ID")]
    session: Option<String>,
    /// Which agent
    #[arg(long, value_name = "NAME", value_parser = harness_parser())]
    harness: Option<Harness>,
    /// The program, for harness command
    #[arg(long, value_name = "CMD")]
    program: Option<String>,
    /// The script, for harness simulated
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// The check that every change has to pass
    #[arg(long, value_name = "CMD")]
    verify: Option<String>,
    /// Let a pm job judge the work too
    #[arg(long)]
    review: bool,
    /// The named worker
    #[arg(long, value_name = "NAME")]
    worker: Option<String>,
    /// Higher runs first [default: 0]
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    priority: Option<i32>,
    /// Where the result is sent when it ends; signed with the daemon's own secret
    #[arg(long, value_name = "URL")]
    callback: Option<String>,
    /// The same key makes the same operation only once
    #[arg(long, value_name = "KEY")]
    key: Option<String>,
    /// Print the operation's id and do not wait
    #[arg(long, short)]
    detach: bool,
    /// Wait for the end, which is what happens anyway
    #[arg(long, conflicts_with = "detach")]
    wait: bool,
    #[command(flatten)]
    budget: BudgetArgs,
    #[command(flatten)]
    json: Json,
}

pub(crate) async fn run(args: SubmitArgs, context: &Context) -> Result<Exit> {
    let (json, detach) = (args.json.json, args.detach);
    let client = context.client()?;
    let request = request(args)?;
    let mut signals = Signals::listen()?;
    let value: Value = client.post("/api/v1/code-operations", &request).await?;
    let accepted: OperationAccepted =
        serde_json::from_value(value.clone()).map_err(|e| CliError::fault(format!("the daemon's answer could not be understood: {e}")))?;
    let id = accepted.operation_id;
    if detach {
        if json {
            output::json(&value)?;
        } else {
            output::data(&id.to_string())?;
        }
        return Ok(Exit::Done);
    }
    if !json {
        output::say(&if accepted.created { format!("{id}") } else { format!("{id} was there already: the same key was used before") });
    }
    tokio::select! {
        done = op::to_the_end(&client, id, json) => done,
        () = signals.next() => {
            output::say(&format!("the daemon goes on with {id}: `windlass op watch {id}` follows it, `windlass op cancel {id}` calls it off"));
            Ok(Exit::Interrupted)
        }
    }
}

/// The request as it is sent: a file's own, or what the flags make.
fn request(args: SubmitArgs) -> Result<Value> {
    if let Some(file) = &args.file {
        let mut value: Value = serde_json::from_str(&read_text(file)?)
            .map_err(|e| CliError::usage(format!("{} is no JSON: {e}", file.display())).hint("give the request as services send it"))?;
        if let (Some(key), Some(object)) = (args.key, value.as_object_mut()) {
            object.insert("idempotencyKey".to_owned(), key.into());
        }
        return Ok(value);
    }
    let (Some(operation_type), Some(description)) = (args.operation_type, args.description) else {
        return Err(CliError::usage("no operation was described").hint("give --type and --description, or --file"));
    };
    if args.repo.is_none() && (args.owner.is_none() || args.name.is_none()) {
        return Err(CliError::usage("no repository was named").hint("give --repo DIR (`--repo .` for this one), or --owner and --name"));
    }
    let harness = args.harness.or(match (&args.program, &args.script) {
        (Some(_), _) => Some(Harness::Command),
        (None, Some(_)) => Some(Harness::Simulated),
        (None, None) => None,
    });
    let error = args.error_file.as_deref().map(read_text).transpose()?;
    let has_feature = !args.requirement.is_empty() || !args.criterion.is_empty() || args.test_strategy.is_some();
    let request = OperationRequest {
        operation_type,
        description: super::create::goal(description)?,
        repository: OperationRepository {
            url: args.repo.as_deref().map(repository).transpose()?,
            owner: args.owner,
            name: args.name,
            branch: args.branch,
        },
        target_files: args.target_file,
        error_context: (error.is_some() || !args.affected_file.is_empty()).then(|| {
            let text = error.unwrap_or_default();
            let message = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().to_owned();
            ErrorContext { error_message: message, stack_trace: text, affected_files: args.affected_file }
        }),
        feature_context: has_feature.then(|| FeatureContext {
            requirements: Texts::Many(args.requirement),
            acceptance_criteria: Texts::Many(args.criterion),
            test_strategy: args.test_strategy.map(Texts::One).unwrap_or_default(),
        }),
        organization_id: args.organization.unwrap_or_else(|| "local".to_owned()),
        session_id: args.session.unwrap_or_else(|| "cli".to_owned()),
        approval_required: args.approval,
        max_iterations: args.max_iterations,
        harness,
        program: args.program,
        script: args.script.as_deref().map(read_text).transpose()?,
        verify: args.verify,
        review: args.review,
        priority: args.priority.unwrap_or(0),
        worker: args.worker,
        budget: args.budget.limits(),
        idempotency_key: args.key,
        callback: args.callback.map(|url| Callback { url, secret: None }),
    };
    serde_json::to_value(request).map_err(|e| CliError::fault(format!("the request could not be written: {e}")))
}
