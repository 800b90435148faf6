use std::path::PathBuf;

use clap::{Args, ValueEnum};
use serde_json::Value;
use windlass_types::{Evidence, Verdict, VerdictJob};

use crate::cli::{Context, read_text};
use crate::failure::{CliError, Exit, Result};
use crate::output;

/// For agents: give a pm job's verdict
#[derive(Debug, Args)]
pub(crate) struct VerdictArgs {
    /// What is decided
    #[arg(value_enum, required_unless_present = "json", conflicts_with = "json")]
    verdict: Option<Word>,
    /// Why
    #[arg(long, value_name = "TEXT", conflicts_with = "json")]
    reason: Option<String>,
    /// What it rests on: commit:SHA, check:JOB, job:JOB=STATUS or file:PATH; may be given more than once
    #[arg(long, value_name = "KIND:WHAT", value_parser = evidence, conflicts_with = "json")]
    evidence: Vec<Evidence>,
    /// A job to insert: type=TYPE,harness=NAME,context=TEXT (context comes last); may be given more than once
    #[arg(long = "job", value_name = "JOB", value_parser = job, conflicts_with = "json")]
    jobs: Vec<VerdictJob>,
    /// For `block`: who has to act
    #[arg(long, value_name = "NAME", conflicts_with = "json")]
    owner: Option<String>,
    /// For `block`: what they have to do
    #[arg(long, value_name = "TEXT", conflicts_with = "json")]
    action: Option<String>,
    /// The whole verdict as JSON, from this file (`-`: standard input)
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Word {
    /// The assignment is done
    Complete,
    /// The next job or jobs are needed
    Insert,
    /// Somebody has to act first
    Block,
}

pub(crate) async fn run(args: VerdictArgs, context: &Context) -> Result<Exit> {
    let verdict = build(args)?;
    let client = context.client()?;
    let _: Value = client.post("/api/v1/agent/verdict", &verdict).await?;
    output::data(&format!("verdict taken: {}", verdict.as_str()))?;
    output::say("it is applied when this job ends; the last one given counts");
    Ok(Exit::Done)
}

fn build(args: VerdictArgs) -> Result<Verdict> {
    if let Some(path) = &args.json {
        let text = read_text(path)?;
        return serde_json::from_str(&text).map_err(|e| CliError::usage(format!("{} holds no verdict: {e}", path.display())));
    }
    let reason = args.reason.ok_or_else(|| CliError::usage("a verdict needs --reason"))?;
    let evidence = args.evidence;
    match args.verdict {
        Some(Word::Complete) if !args.jobs.is_empty() => Err(CliError::usage("`complete` inserts no jobs").hint("use `insert` with --job")),
        Some(Word::Complete) => Ok(Verdict::Complete { reason, evidence }),
        Some(Word::Insert) => Ok(Verdict::Insert { jobs: args.jobs, reason, evidence }),
        Some(Word::Block) => {
            let action = args.action.ok_or_else(|| CliError::usage("`block` needs --action: what somebody has to do"))?;
            Ok(Verdict::Block { owner: args.owner.unwrap_or_else(|| "person".to_owned()), action, reason, evidence })
        }
        None => Err(CliError::usage("give complete, insert or block, or --json FILE")),
    }
}

fn evidence(text: &str) -> Result<Evidence, String> {
    let (kind, what) = text.split_once(':').ok_or("evidence is KIND:WHAT, for example commit:1a2b3c4")?;
    let job = |id: &str| id.parse().map_err(|e: windlass_types::BadId| e.to_string());
    match kind {
        "commit" => Ok(Evidence::Commit { sha: what.to_owned() }),
        "check" => Ok(Evidence::Check { job: job(what)? }),
        "file" => Ok(Evidence::File { path: what.to_owned() }),
        "job" => {
            let (id, status) = what.split_once('=').ok_or("evidence of a job is job:JOB=STATUS")?;
            Ok(Evidence::Job { job: job(id)?, status: status.parse().map_err(|e: windlass_types::UnknownWord| e.to_string())? })
        }
        other => Err(format!("{other:?} is no kind of evidence (one of: commit, check, job, file)")),
    }
}

fn job(text: &str) -> Result<VerdictJob, String> {
    let mut job_type = None;
    let mut harness = None;
    let mut rest = text;
    loop {
        let (key, value) = rest.split_once('=').ok_or("a job is type=TYPE,harness=NAME,context=TEXT")?;
        if key == "context" {
            // The rest is the context, commas and all.
            let job_type = job_type.ok_or("a job needs type=TYPE before its context")?;
            return Ok(VerdictJob { job_type, harness, context: value.to_owned() });
        }
        let (value, after) = value.split_once(',').ok_or("a job needs context=TEXT at its end")?;
        match key {
            "type" => job_type = Some(value.parse().map_err(|e: windlass_types::UnknownWord| e.to_string())?),
            "harness" => harness = Some(value.parse().map_err(|e: windlass_types::UnknownWord| e.to_string())?),
            other => return Err(format!("{other:?} is nothing a job has (type, harness, context)")),
        }
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use windlass_types::{Harness, JobType};

    #[test]
    fn a_jobs_context_may_hold_commas_and_equals_signs() {
        let parsed = job("type=implement,harness=codex,context=do a, then b=c");
        let wanted = VerdictJob { job_type: JobType::Implement, harness: Some(Harness::Codex), context: "do a, then b=c".to_owned() };
        assert_eq!(parsed, Ok(wanted));
        for text in ["", "context=x", "type=implement", "type=x,context=y", "kind=implement,context=y"] {
            assert!(job(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn evidence_is_read_by_its_kind() {
        assert_eq!(evidence("commit:1a2b3c4"), Ok(Evidence::Commit { sha: "1a2b3c4".to_owned() }));
        assert!(evidence("job:job_01990000000070008000000000000000=succeeded").is_ok());
        assert_eq!(evidence("file:a:b"), Ok(Evidence::File { path: "a:b".to_owned() }));
        for text in ["", "commit", "check:now", "job:job_01990000000070008000000000000000", "vibes:good"] {
            assert!(evidence(text).is_err(), "{text:?}");
        }
    }
}
