//! Ids as people type them: whole, or a unique piece of at least four digits from either end.

use serde_json::Value;
use windlass_types::{AssignmentId, AttemptId, JobId};

use super::Client;
use crate::failure::{CliError, Result};
use crate::wire::Page;

const DIGITS_MIN: usize = 4;
/// How far back an abbreviation is looked up: pages of a hundred.
const PAGES_MAX: usize = 100;

/// What an id given on the command line names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    Assignment(AssignmentId),
    Job(JobId),
    Attempt(AttemptId),
}

/// What was typed, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Typed<'a> {
    prefix: Option<&'a str>,
    digits: &'a str,
}

fn take_apart(text: &str) -> Result<Typed<'_>> {
    let (prefix, digits) = match text.split_once('_') {
        Some((prefix, digits)) => (Some(prefix), digits),
        None => (None, text),
    };
    let known = prefix.is_none_or(|p| [AssignmentId::PREFIX, JobId::PREFIX, AttemptId::PREFIX].contains(&p));
    let hex = !digits.is_empty() && digits.len() <= 32 && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    if !known || !hex {
        let shown: String = text.chars().take(64).collect();
        return Err(CliError::usage(format!("{shown:?} is not an id"))
            .hint("ids look like asg_… or job_…; see `windlass assignments` and `windlass jobs`"));
    }
    if digits.len() < DIGITS_MIN {
        return Err(CliError::usage(format!("{text:?} is too short for an id")).hint(format!("give at least {DIGITS_MIN} digits")));
    }
    Ok(Typed { prefix, digits })
}

fn fits(id: &str, digits: &str) -> bool {
    id.split_once('_').is_some_and(|(_, all)| all.starts_with(digits) || all.ends_with(digits))
}

impl Client {
    /// The assignment that `text` names.
    pub(crate) async fn assignment_id(&self, text: &str) -> Result<AssignmentId> {
        match self.named(text, &[AssignmentId::PREFIX]).await? {
            Named::Assignment(id) => Ok(id),
            _ => Err(CliError::usage(format!("{text:?} does not name an assignment")).hint("see `windlass assignments`")),
        }
    }

    /// The job that `text` names.
    pub(crate) async fn job_id(&self, text: &str) -> Result<JobId> {
        match self.named(text, &[JobId::PREFIX]).await? {
            Named::Job(id) => Ok(id),
            _ => Err(CliError::usage(format!("{text:?} does not name a job")).hint("see `windlass jobs`")),
        }
    }

    /// The assignment or job that `text` names; an attempt must be given whole.
    pub(crate) async fn any_id(&self, text: &str) -> Result<Named> {
        self.named(text, &[AssignmentId::PREFIX, JobId::PREFIX]).await
    }

    async fn named(&self, text: &str, kinds: &[&str]) -> Result<Named> {
        if let Ok(id) = text.parse::<AssignmentId>() {
            return Ok(Named::Assignment(id));
        }
        if let Ok(id) = text.parse::<JobId>() {
            return Ok(Named::Job(id));
        }
        if let Ok(id) = text.parse::<AttemptId>() {
            return Ok(Named::Attempt(id));
        }
        let typed = take_apart(text)?;
        let mut found: Vec<String> = Vec::new();
        for (prefix, path) in [(AssignmentId::PREFIX, "/api/v1/assignments"), (JobId::PREFIX, "/api/v1/jobs")] {
            if kinds.contains(&prefix) && typed.prefix.is_none_or(|p| p == prefix) {
                self.look_up(path, typed.digits, &mut found).await?;
            }
        }
        match found.as_slice() {
            [id] => {
                let assignment = id.parse().map(Named::Assignment);
                assignment.or_else(|_| id.parse().map(Named::Job)).map_err(|e: windlass_types::BadId| CliError::fault(e.to_string()))
            }
            [] => Err(CliError::usage(format!("nothing has an id like {text:?}")).hint("see `windlass assignments` and `windlass jobs`")),
            many => {
                let shown = many.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
                Err(CliError::usage(format!("{text:?} could be {} ids: {shown}", many.len())).hint("give more digits"))
            }
        }
    }

    async fn look_up(&self, path: &str, digits: &str, found: &mut Vec<String>) -> Result<()> {
        let mut cursor = None;
        for _ in 0..PAGES_MAX {
            let mut query = vec![("limit", "100".to_owned())];
            query.extend(cursor.map(|c| ("cursor", c)));
            let page: Page<Value> = self.get(path, &query).await?;
            let ids = page.items.iter().filter_map(|item| item.get("id")?.as_str());
            found.extend(ids.filter(|id| fits(id, digits)).map(str::to_owned));
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_of_an_id_is_taken_apart_and_anything_else_refused() {
        assert_eq!(take_apart("job_dead").ok(), Some(Typed { prefix: Some("job"), digits: "dead" }));
        assert_eq!(take_apart("beef01").ok(), Some(Typed { prefix: None, digits: "beef01" }));
        for text in ["", "abc", "job_", "task_dead", "../../etc", "DEAD", "job_dead/diff", &"a".repeat(33)] {
            assert!(take_apart(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn digits_fit_at_either_end() {
        let id = "job_0199000000007000800000000000beef";
        assert!(fits(id, "0199") && fits(id, "beef") && !fits(id, "7000"));
    }
}
