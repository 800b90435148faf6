//! One file per verb: its flags, its help and what it does.

pub(crate) mod agents;
pub(crate) mod approve;
pub(crate) mod assignment;
pub(crate) mod assignments;
pub(crate) mod audit;
pub(crate) mod backup;
pub(crate) mod branches;
pub(crate) mod breakers;
pub(crate) mod cancel;
pub(crate) mod clean;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod create;
pub(crate) mod dead_letters;
pub(crate) mod diff;
pub(crate) mod doctor;
pub(crate) mod events;
pub(crate) mod explain;
pub(crate) mod files;
pub(crate) mod findings;
pub(crate) mod hooks;
pub(crate) mod housekeeping;
pub(crate) mod init;
pub(crate) mod insert_job;
pub(crate) mod job;
pub(crate) mod jobs;
pub(crate) mod locks;
pub(crate) mod logs;
pub(crate) mod man;
pub(crate) mod mcp;
pub(crate) mod node;
pub(crate) mod nodes;
pub(crate) mod notifications;
pub(crate) mod op;
mod op_submit;
pub(crate) mod open;
mod page;
pub(crate) mod pause;
pub(crate) mod progress;
pub(crate) mod projects;
pub(crate) mod queue;
mod replay;
pub(crate) mod restore;
pub(crate) mod retry;
pub(crate) mod run;
pub(crate) mod scan;
pub(crate) mod sign_ins;
pub(crate) mod status;
pub(crate) mod tokens;
pub(crate) mod trust;
pub(crate) mod unpark;
pub(crate) mod up;
pub(crate) mod update_assignment;
pub(crate) mod users;
pub(crate) mod verdict;

use crate::cli::{Context, Verb};
use crate::failure::{Exit, Result};

/// Does what was asked.
pub(crate) async fn dispatch(verb: Verb, context: &Context) -> Result<Exit> {
    match verb {
        Verb::Init(args) => init::run(args, context).await,
        Verb::Up(args) => up::run(args, context).await,
        Verb::Node(args) => node::run(args, context).await,
        Verb::Run(args) => run::run(*args, context).await,
        Verb::Scan(args) => scan::run(args, context).await,
        Verb::Open(args) => open::run(args, context).await,
        Verb::Tokens(args) => tokens::run(args, context).await,
        Verb::Users(args) => users::run(args, context).await,
        Verb::SignIns(args) => sign_ins::run(args, context).await,
        Verb::Notifications(args) => notifications::run(args, context).await,
        Verb::Audit(args) => audit::run(args, context).await,
        Verb::Status(args) => status::run(args, context).await,
        Verb::Queue(args) => queue::run(args, context).await,
        Verb::Assignments(args) => assignments::run(args, context).await,
        Verb::Assignment(args) => assignment::run(args, context).await,
        Verb::Jobs(args) => jobs::run(args, context).await,
        Verb::Job(args) => job::run(args, context).await,
        Verb::Logs(args) => logs::run(args, context).await,
        Verb::Explain(args) => explain::run(args, context).await,
        Verb::Diff(args) => diff::run(args, context).await,
        Verb::Events(args) => events::run(args, context).await,
        Verb::Files(args) => files::run(args, context).await,
        Verb::Create(args) => create::run(args, context).await,
        Verb::InsertJob(args) => insert_job::run(args, context).await,
        Verb::UpdateAssignment(args) => update_assignment::run(args, context).await,
        Verb::Cancel(args) => cancel::run(args, context).await,
        Verb::Clean(args) => clean::run(args, context).await,
        Verb::Retry(args) => retry::run(args, context).await,
        Verb::Approve(args) => approve::run(args, context).await,
        Verb::DeadLetters(args) => dead_letters::run(args, context).await,
        Verb::Pause(args) => pause::run(args, context).await,
        Verb::Resume(args) => pause::resume(args, context).await,
        Verb::Unpark(args) => unpark::run(args, context).await,
        Verb::Findings(args) => findings::run(args, context).await,
        Verb::Locks(args) => locks::run(args, context).await,
        Verb::Branches(args) => branches::run(args, context).await,
        Verb::Breakers(args) => breakers::run(args, context).await,
        Verb::Op(args) => op::run(args, context).await,
        Verb::Agents(args) => agents::run(args, context).await,
        Verb::Hooks(args) => hooks::run(args, context).await,
        Verb::Mcp(args) => mcp::run(args, context).await,
        Verb::Nodes(args) => nodes::run(args, context).await,
        Verb::Projects(args) => projects::run(args, context).await,
        Verb::Trust(args) => trust::run(args, context).await,
        Verb::Doctor(args) => doctor::run(args, context).await,
        Verb::Housekeeping(args) => housekeeping::run(args, context).await,
        Verb::Backup(args) => backup::run(args, context).await,
        Verb::Restore(args) => restore::run(args, context).await,
        Verb::Config(args) => config::run(&args, context),
        Verb::Verdict(args) => verdict::run(args, context).await,
        Verb::Progress(args) => progress::run(args, context).await,
        Verb::Completions(args) => completions::run(args),
        Verb::Man(args) => man::run(&args),
    }
}
