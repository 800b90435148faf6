//! A pm job's decision as data: read from what the agent sent, checked against what is true.
//!
//! **Invariant:** a verdict is applied only when every piece of evidence it names was found by the engine itself.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{Harness, JobId, JobType, count};

/// What a pm job decides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// The next job or jobs, put directly behind the pm job. None: go on with those already queued.
    Insert {
        /// What to insert, in order.
        #[serde(default)]
        jobs: Vec<VerdictJob>,
        /// Why.
        reason: String,
        /// What it rests on.
        evidence: Vec<Evidence>,
    },
    /// The assignment is done.
    Complete {
        /// Why.
        reason: String,
        /// What it rests on.
        evidence: Vec<Evidence>,
    },
    /// Somebody has to act first.
    Block {
        /// Who.
        #[serde(default = "person")]
        owner: String,
        /// What they have to do.
        action: String,
        /// Why.
        reason: String,
        /// What it rests on.
        #[serde(default)]
        evidence: Vec<Evidence>,
    },
}

fn person() -> String {
    "person".to_owned()
}

/// A job that a verdict wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VerdictJob {
    /// What kind of run; never `pm`, which the engine inserts itself.
    #[serde(rename = "type")]
    pub job_type: JobType,
    /// Which agent; by default the one for this type.
    #[serde(default)]
    pub harness: Option<Harness>,
    /// What the agent is told.
    pub context: String,
}

/// One fact a verdict rests on, which the engine looks up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Evidence {
    /// A commit of this assignment's branch (at least seven hex digits of its id).
    Commit {
        /// The commit.
        sha: String,
    },
    /// The engine's own run of the check was green for this job's last work.
    Check {
        /// The job.
        job: JobId,
    },
    /// A job of this assignment ended as the verdict says.
    Job {
        /// The job.
        job: JobId,
        /// How it ended.
        status: crate::JobStatus,
    },
    /// A file is there at the branch's head.
    File {
        /// Its path in the repository.
        path: String,
    },
}

/// A verdict that is not one, or not an allowed one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadVerdict {
    /// Nothing in the text is a verdict.
    #[error("no verdict was found: send one with `windlass verdict`, or end with one JSON object that has a \"verdict\"")]
    Missing,
    /// It looks like one and does not have its shape.
    #[error("the verdict could not be read: {0}")]
    Malformed(String),
    /// It has its shape and breaks a rule.
    #[error("the verdict was refused: {0}")]
    Refused(String),
}

/// What a verdict may ask for, here and now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerdictRules {
    /// How many more jobs the pm may insert.
    pub jobs_left: u32,
    /// Agents it may name: never `command`.
    pub harnesses: Vec<Harness>,
    /// Whether jobs are queued already, so that inserting none makes sense.
    pub more_queued: bool,
    /// The branch's head, if the assignment has a commit.
    pub head_commit: Option<String>,
    /// Whether the project has a check.
    pub has_check: bool,
}

const TEXT_MAX: usize = 64 * 1024;

impl Verdict {
    /// What it rests on.
    pub fn evidence(&self) -> &[Evidence] {
        match self {
            Self::Insert { evidence, .. } | Self::Complete { evidence, .. } | Self::Block { evidence, .. } => evidence,
        }
    }

    /// Why it was given.
    pub fn reason(&self) -> &str {
        match self {
            Self::Insert { reason, .. } | Self::Complete { reason, .. } | Self::Block { reason, .. } => reason,
        }
    }

    /// The word for its kind.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Insert { .. } => "insert",
            Self::Complete { .. } => "complete",
            Self::Block { .. } => "block",
        }
    }

    /// Reads the verdict out of an agent's final message: the last JSON object in it that has a `verdict` key.
    pub fn from_message(text: &str) -> Result<Self, BadVerdict> {
        let mut problem = BadVerdict::Missing;
        // An agent may quote the example before it answers, so the last object counts.
        for (at, _) in text.char_indices().rev().filter(|(_, c)| *c == '{').take(2000) {
            let mut values = serde_json::Deserializer::from_str(&text[at..]).into_iter::<serde_json::Value>();
            if let Some(Ok(value)) = values.next()
                && value.get("verdict").is_some()
            {
                match serde_json::from_value(value) {
                    Ok(verdict) => return Ok(verdict),
                    Err(e) if problem == BadVerdict::Missing => problem = BadVerdict::Malformed(e.to_string()),
                    Err(_) => {}
                }
            }
        }
        Err(problem)
    }

    /// Checks everything that needs no look-up. What each piece of evidence claims is for the engine to find.
    pub fn check(&self, rules: &VerdictRules) -> Result<(), BadVerdict> {
        let refused = |why: String| Err(BadVerdict::Refused(why));
        if self.reason().trim().is_empty() {
            return refused("it gives no reason".to_owned());
        }
        if self.reason().len() > TEXT_MAX {
            return refused(format!("its reason is longer than {TEXT_MAX} bytes"));
        }
        if self.evidence().len() > 100 {
            return refused("it names more than 100 pieces of evidence".to_owned());
        }
        match self {
            Self::Insert { jobs, evidence, .. } => {
                if jobs.is_empty() && !rules.more_queued {
                    return refused("it inserts no job and none is queued: insert one, complete, or block".to_owned());
                }
                if evidence.is_empty() {
                    return refused("it names no evidence".to_owned());
                }
                if u32::try_from(jobs.len()).unwrap_or(u32::MAX) > rules.jobs_left {
                    return refused(format!("it inserts {}, and no more than {} may be", count(jobs.len(), "job"), rules.jobs_left));
                }
                for job in jobs {
                    if job.job_type == JobType::Pm {
                        return refused("it inserts a pm job, which Windlass does by itself".to_owned());
                    }
                    if let Some(harness) = job.harness
                        && !rules.harnesses.contains(&harness)
                    {
                        return refused(format!("it names the harness {harness}, which a pm may not choose"));
                    }
                    if job.context.trim().is_empty() || job.context.len() > TEXT_MAX {
                        return refused(format!("a job's context is empty or longer than {TEXT_MAX} bytes"));
                    }
                }
                Ok(())
            }
            Self::Complete { evidence, .. } => {
                let names_head = |head: &str| evidence.iter().any(|e| matches!(e, Evidence::Commit { sha } if is_prefix_of(sha, head)));
                match &rules.head_commit {
                    Some(head) if !names_head(head) => {
                        refused(format!("it does not name the branch's head commit {} as evidence", &head[..head.len().min(12)]))
                    }
                    Some(_) if rules.has_check && !evidence.iter().any(|e| matches!(e, Evidence::Check { .. })) => {
                        refused("it does not name a green check as evidence".to_owned())
                    }
                    None if evidence.is_empty() => refused("it names no evidence".to_owned()),
                    _ => Ok(()),
                }
            }
            Self::Block { owner, action, .. } => {
                if owner.trim().is_empty() || action.trim().is_empty() || owner.len() > 200 || action.len() > TEXT_MAX {
                    return refused("a block names who has to act and what they have to do".to_owned());
                }
                Ok(())
            }
        }
    }
}

/// Whether `sha` is the commit `full` or an honest abbreviation of it.
pub fn is_prefix_of(sha: &str, full: &str) -> bool {
    sha.len() >= 7
        && sha.len() <= full.len()
        && sha.bytes().all(|b| b.is_ascii_hexdigit())
        && full.to_ascii_lowercase().starts_with(&sha.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HEAD: &str = "0123456789abcdef0123456789abcdef01234567";

    fn rules() -> VerdictRules {
        VerdictRules {
            jobs_left: 2,
            harnesses: vec![Harness::Claude],
            more_queued: false,
            head_commit: Some(HEAD.to_owned()),
            has_check: true,
        }
    }

    #[test]
    fn the_last_verdict_of_a_message_counts() {
        let text = r#"For example {"verdict":"block","action":"a","reason":"r"}. So:
            ```json
            {"verdict":"complete","reason":"green","evidence":[{"kind":"commit","sha":"0123456"}]}
            ```"#;
        assert!(matches!(Verdict::from_message(text), Ok(Verdict::Complete { .. })));
    }

    #[test]
    fn a_message_without_a_verdict_is_missing_one_and_a_broken_one_says_what_is_wrong() {
        assert_eq!(Verdict::from_message("All good, ship it! {}"), Err(BadVerdict::Missing));
        assert!(matches!(Verdict::from_message(r#"{"verdict":"complete"}"#), Err(BadVerdict::Malformed(_))));
        assert!(matches!(Verdict::from_message(r#"{"verdict":"merge_to_main","reason":"x"}"#), Err(BadVerdict::Malformed(_))));
    }

    #[test]
    fn completing_needs_the_head_commit_and_a_green_check() {
        let complete = |evidence| Verdict::Complete { reason: "done".to_owned(), evidence };
        let commit = Evidence::Commit { sha: "0123456789ab".to_owned() };
        let check = Evidence::Check { job: JobId::from_uuid(uuid::Uuid::nil()) };
        assert!(complete(vec![]).check(&rules()).is_err());
        assert!(complete(vec![commit.clone()]).check(&rules()).is_err());
        assert!(complete(vec![Evidence::Commit { sha: "fff0000".to_owned() }, check.clone()]).check(&rules()).is_err());
        assert_eq!(complete(vec![commit, check]).check(&rules()), Ok(()));
    }

    #[test]
    fn a_verdict_may_not_choose_the_command_harness_or_a_pm_job_or_too_many_jobs() {
        let insert = |jobs| Verdict::Insert { jobs, reason: "next".to_owned(), evidence: vec![Evidence::File { path: "a".to_owned() }] };
        let job = |job_type, harness| VerdictJob { job_type, harness, context: "do".to_owned() };
        assert!(insert(vec![job(JobType::Implement, Some(Harness::Command))]).check(&rules()).is_err());
        assert!(insert(vec![job(JobType::Pm, None)]).check(&rules()).is_err());
        assert!(insert(vec![job(JobType::Implement, None); 3]).check(&rules()).is_err());
        assert!(insert(vec![]).check(&rules()).is_err());
        assert_eq!(insert(vec![job(JobType::Review, Some(Harness::Claude))]).check(&rules()), Ok(()));
    }

    #[test]
    fn an_abbreviation_of_less_than_seven_digits_is_no_evidence() {
        assert!(!is_prefix_of("012345", HEAD));
        assert!(!is_prefix_of("", HEAD));
        assert!(is_prefix_of(HEAD, HEAD));
    }

    proptest! {
        #[test]
        fn no_text_makes_reading_a_verdict_panic(text in ".{0,400}") {
            let _ = Verdict::from_message(&text);
        }
    }
}
