//! Code operations: what a service asks for, in the words it uses, and what it gets back.
//!
//! An operation is an assignment of source [`OPERATION_SOURCE`] with its request beside it; its status is derived, never stored.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{AssignmentId, AssignmentStatus, Budget, Harness, Job, JobStatus};

/// The source of an assignment that is an operation.
pub const OPERATION_SOURCE: &str = "operation";

/// The longest description, message, trace or requirement, in bytes.
const TEXT_MAX: usize = 1024 * 1024;
/// The most names in one list.
const NAMES_MAX: usize = 1000;
/// The longest name of a file, organization or session, in bytes.
const NAME_MAX: usize = 1024;
/// The longest address.
const URL_MAX: usize = 2048;
/// The most rounds that one operation may ask for.
const ITERATIONS_MAX: u32 = 100;

/// What kind of work an operation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OperationType {
    /// Mend what an error tells of.
    ErrorFix,
    /// Add what is missing.
    FeatureImplementation,
    /// Change the shape and not the behaviour.
    Refactor,
    /// Write tests.
    Test,
}

impl OperationType {
    /// Every type.
    pub const ALL: [Self; 4] = [Self::ErrorFix, Self::FeatureImplementation, Self::Refactor, Self::Test];

    /// The word for it everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ErrorFix => "error_fix",
            Self::FeatureImplementation => "feature_implementation",
            Self::Refactor => "refactor",
            Self::Test => "test",
        }
    }

    /// The name of its prompt template.
    pub const fn template(self) -> &'static str {
        match self {
            Self::ErrorFix => "operation_error_fix",
            Self::FeatureImplementation => "operation_feature_implementation",
            Self::Refactor => "operation_refactor",
            Self::Test => "operation_test",
        }
    }
}

crate::text_enum!(OperationType, "operation type");

/// One text, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum Texts {
    /// One.
    One(String),
    /// Several.
    Many(Vec<String>),
}

impl Default for Texts {
    fn default() -> Self {
        Self::Many(Vec::new())
    }
}

impl Texts {
    /// Each of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        let texts = match self {
            Self::One(text) => std::slice::from_ref(text),
            Self::Many(texts) => texts,
        };
        texts.iter().map(String::as_str)
    }

    /// The same with each text changed.
    pub fn map(&self, mut change: impl FnMut(&str) -> String) -> Self {
        match self {
            Self::One(text) => Self::One(change(text)),
            Self::Many(texts) => Self::Many(texts.iter().map(|text| change(text)).collect()),
        }
    }

    /// One text as it is, several as a list of points.
    pub fn to_markdown(&self) -> String {
        match self {
            Self::One(text) => text.clone(),
            Self::Many(texts) => texts.iter().map(|text| format!("- {text}")).collect::<Vec<_>>().join("\n"),
        }
    }
}

/// The repository of an operation: by its address, or by owner and name on the forge that is configured.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub struct OperationRepository {
    /// Its address: `https://`, `ssh://`, `user@host:path`, or an absolute path.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Its owner; where the address names one, the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Its name; where the address names one, the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The branch that work starts from; the repository's own default when it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
}

/// What is known of an error. All of it is data to the agent, however it is worded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ErrorContext {
    /// The message.
    pub error_message: String,
    /// The stack trace.
    pub stack_trace: String,
    /// The files it speaks of.
    pub affected_files: Vec<String>,
}

/// What is known of a feature. All of it is data to the agent, however it is worded.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct FeatureContext {
    /// What it has to do.
    pub requirements: Texts,
    /// By what it is accepted.
    pub acceptance_criteria: Texts,
    /// How it is to be tested.
    pub test_strategy: Texts,
}

/// Where the result is sent when the operation ends.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Callback {
    /// The address: `https://` or `http://`.
    pub url: String,
    /// What the message is signed with; the daemon's own when it is left out. Never shown again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

impl fmt::Debug for Callback {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callback").field("url", &self.url).finish_non_exhaustive()
    }
}

/// A code operation that a service wants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperationRequest {
    /// What kind of work it is.
    pub operation_type: OperationType,
    /// What is wanted, in the requester's words; at most 1 MiB.
    pub description: String,
    /// The repository.
    pub repository: OperationRepository,
    /// The files it is about, as paths in the repository or globs; at most 1000. They are locked while it runs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub target_files: Vec<String>,
    /// What is known of the error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_context: Option<ErrorContext>,
    /// What is known of the feature.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feature_context: Option<FeatureContext>,
    /// Whose it is: operations are listed by it.
    pub organization_id: String,
    /// The requester's session: operations are listed by it.
    pub session_id: String,
    /// Whether the work is proposed as a pull request, for a person to approve.
    pub approval_required: bool,
    /// How often the agent may be sent back with the check's output: 1 to 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_iterations: Option<u32>,
    /// Which agent; the project's when it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub harness: Option<Harness>,
    /// The program, for harness `command`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<String>,
    /// The script as TOML text, for harness `simulated`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub script: Option<String>,
    /// The check that the engine runs on every change; the project's when it is left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verify: Option<String>,
    /// Whether a pm job judges the work too.
    #[serde(default)]
    pub review: bool,
    /// Higher runs first.
    #[serde(default)]
    pub priority: i32,
    /// The named worker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<String>,
    /// Its limits.
    #[serde(default)]
    pub budget: Budget,
    /// The same key makes the same operation once, however often it is sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<String>,
    /// Where the result is sent when it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callback: Option<Callback>,
}

/// A request that no operation can be made of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {reason}")]
pub struct BadOperation {
    /// The field, as it is written.
    pub field: String,
    /// What is wrong with it.
    pub reason: String,
}

fn bad<T>(field: impl Into<String>, reason: impl Into<String>) -> Result<T, BadOperation> {
    Err(BadOperation { field: field.into(), reason: reason.into() })
}

fn text(field: &str, text: &str) -> Result<(), BadOperation> {
    if text.len() > TEXT_MAX {
        return bad(field, format!("is {} bytes long; at most {TEXT_MAX} are taken", text.len()));
    }
    Ok(())
}

fn texts(field: &str, given: &Texts) -> Result<(), BadOperation> {
    let count = given.iter().count();
    if count > NAMES_MAX {
        return bad(field, format!("has {count} texts; at most {NAMES_MAX} are taken"));
    }
    if given.iter().map(str::len).sum::<usize>() > TEXT_MAX {
        return bad(field, format!("is longer than {TEXT_MAX} bytes"));
    }
    Ok(())
}

/// A name that can stand in a list, a filter and a log line.
fn name(field: &str, given: &str, max: usize) -> Result<(), BadOperation> {
    if given.trim().is_empty() {
        return bad(field, "is empty");
    }
    if given.len() > max || given.chars().any(char::is_control) {
        return bad(field, format!("is longer than {max} bytes or has control characters"));
    }
    Ok(())
}

/// Owner and name of a repository: what can stand in its address, and is no option and no way out.
fn repository_part(field: &str, given: &str) -> Result<(), BadOperation> {
    let plain = |part: &str| {
        !part.is_empty()
            && part != "."
            && part != ".."
            && !part.starts_with('-')
            && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    // A group on some forges has groups of its own.
    if given.len() <= 200 && given.split('/').all(plain) && (field.ends_with("owner") || !given.contains('/')) {
        return Ok(());
    }
    bad(field, format!("{:?} cannot be one: use letters, digits, '.', '_' and '-'", given.chars().take(120).collect::<String>()))
}

/// A path in the repository, or a glob of some.
fn target(field: &str, path: &str) -> Result<(), BadOperation> {
    let shown = || path.chars().take(120).collect::<String>();
    if path.is_empty() || path.len() > NAME_MAX {
        return bad(field, format!("{:?} is empty or longer than {NAME_MAX} bytes", shown()));
    }
    if path.starts_with('/') || path.chars().any(char::is_control) || path.split(['/', '\\']).any(|part| part == "..") {
        return bad(field, format!("{:?} is not a path within the repository: no leading '/', no '..', no control characters", shown()));
    }
    Ok(())
}

impl OperationRequest {
    /// Refuses what nothing can be made of, and names it as it is written.
    pub fn check(&self) -> Result<(), BadOperation> {
        if self.description.trim().is_empty() {
            return bad("description", "is empty: say what is wanted in a sentence or more");
        }
        text("description", &self.description)?;
        name("organizationId", &self.organization_id, 256)?;
        name("sessionId", &self.session_id, 256)?;
        self.check_repository()?;
        if self.target_files.len() > NAMES_MAX {
            return bad("targetFiles", format!("has {} entries; at most {NAMES_MAX} are taken", self.target_files.len()));
        }
        for (n, path) in self.target_files.iter().enumerate() {
            target(&format!("targetFiles[{n}]"), path)?;
        }
        if let Some(error) = &self.error_context {
            text("errorContext.errorMessage", &error.error_message)?;
            text("errorContext.stackTrace", &error.stack_trace)?;
            if error.affected_files.len() > NAMES_MAX || error.affected_files.iter().any(|file| file.len() > NAME_MAX) {
                return bad("errorContext.affectedFiles", format!("has more than {NAMES_MAX} entries or one longer than {NAME_MAX} bytes"));
            }
        }
        if let Some(feature) = &self.feature_context {
            texts("featureContext.requirements", &feature.requirements)?;
            texts("featureContext.acceptanceCriteria", &feature.acceptance_criteria)?;
            texts("featureContext.testStrategy", &feature.test_strategy)?;
        }
        if self.max_iterations.is_some_and(|n| n == 0 || n > ITERATIONS_MAX) {
            return bad("maxIterations", format!("is not a number from 1 to {ITERATIONS_MAX}"));
        }
        for (field, given) in [("verify", &self.verify), ("program", &self.program), ("script", &self.script)] {
            text(field, given.as_deref().unwrap_or_default())?;
        }
        if let Some(key) = &self.idempotency_key {
            name("idempotencyKey", key, 256)?;
        }
        if let Some(callback) = &self.callback {
            name("callback.url", &callback.url, URL_MAX)?;
            if callback.secret.as_ref().is_some_and(|secret| secret.len() < 16 || secret.len() > 1024) {
                return bad("callback.secret", "has fewer than 16 or more than 1024 bytes");
            }
        }
        Ok(())
    }

    fn check_repository(&self) -> Result<(), BadOperation> {
        let repository = &self.repository;
        for (field, part) in [("repository.owner", &repository.owner), ("repository.name", &repository.name)] {
            if let Some(part) = part {
                repository_part(field, part)?;
            }
        }
        if let Some(branch) = &repository.branch {
            name("repository.branch", branch, 200)?;
        }
        match (&repository.url, &repository.owner, &repository.name) {
            (Some(url), owner, repo) => {
                name("repository.url", url, URL_MAX)?;
                let Some((known_owner, known_name)) = owner_and_name(url) else { return Ok(()) };
                for (field, given, known) in [("repository.owner", owner, known_owner), ("repository.name", repo, known_name)] {
                    if given.as_ref().is_some_and(|given| !given.eq_ignore_ascii_case(known)) {
                        return bad(field, format!("is not the one that repository.url names, which is {known:?}"));
                    }
                }
                Ok(())
            }
            (None, Some(_), Some(_)) => Ok(()),
            (None, ..) => bad("repository.url", "is missing: give it, or owner and name"),
        }
    }

    /// The same without what may not be shown or kept: the callback's secret and the key.
    #[must_use]
    pub fn without_secret(&self) -> Self {
        let callback = self.callback.as_ref().map(|callback| Callback { url: callback.url.clone(), secret: None });
        Self { callback, ..self.clone() }
    }
}

/// Owner and name in the address of a repository on a forge; nothing for a folder.
fn owner_and_name(url: &str) -> Option<(&str, &str)> {
    let path = match url.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?.1,
        None if url.starts_with('/') => return None,
        None => url.split_once(':')?.1,
    };
    let path = path.trim_matches('/');
    let (owner, name) = path.strip_suffix(".git").unwrap_or(path).rsplit_once('/')?;
    Some((owner, name))
}

/// Where an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OperationStatus {
    /// Nothing of it runs now; why is told beside it.
    Queued,
    /// An agent, a check or the delivery runs.
    Running,
    /// A person has to act first.
    Blocked,
    /// Done.
    Succeeded,
    /// A gate, a limit or the agent itself refused it. A person may have it tried again.
    Failed,
    /// Called off.
    Cancelled,
}

impl OperationStatus {
    /// Every status.
    pub const ALL: [Self; 6] = [Self::Queued, Self::Running, Self::Blocked, Self::Succeeded, Self::Failed, Self::Cancelled];

    /// The word for it everywhere.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Blocked => "blocked",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing but a person moves it on: there is a result then.
    pub const fn is_over(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }

    /// The only place that derives it.
    pub fn of(assignment: AssignmentStatus, jobs: &[Job]) -> Self {
        match assignment {
            AssignmentStatus::Complete => Self::Succeeded,
            AssignmentStatus::Cancelled => Self::Cancelled,
            AssignmentStatus::Active if jobs.iter().any(|job| job.status == JobStatus::Running) => Self::Running,
            AssignmentStatus::Active => Self::Queued,
            AssignmentStatus::Blocked => {
                // The job that ended last is what blocked it, unless a verdict or a missing setting did.
                let last = jobs.iter().filter(|job| job.status.is_final()).max_by_key(|job| job.ended_at);
                let waits = jobs.iter().any(|job| job.status == JobStatus::Queued);
                match last.map(|job| job.status) {
                    Some(JobStatus::Failed | JobStatus::Dead) if !waits => Self::Failed,
                    _ => Self::Blocked,
                }
            }
        }
    }
}

crate::text_enum!(OperationStatus, "operation status");

/// The pull request that an operation's work is proposed as.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OperationPullRequest {
    /// Its number.
    pub number: u64,
    /// Its address.
    pub url: String,
    /// Its title.
    pub title: String,
}

/// What came of an operation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OperationResult {
    /// Whether it is done.
    pub success: bool,
    /// Its id.
    pub operation_id: AssignmentId,
    /// How it ended.
    pub status: OperationStatus,
    /// The branch its work is on; empty while there is none.
    pub branch: String,
    /// The commits on it, the first first.
    pub commits: Vec<String>,
    /// The pull request, where one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pr: Option<OperationPullRequest>,
    /// The files that the commits change, in the order of their names.
    pub files_modified: Vec<String>,
    /// How many rounds the agent ran.
    pub iterations: u32,
    /// From its making to its end, in milliseconds.
    pub duration: i64,
    /// Why it is not done, and what to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(more: &str) -> OperationRequest {
        let text = format!(
            r#"{{"operationType":"error_fix","description":"mend it","repository":{{"url":"https://github.com/acme/shop.git","owner":"acme","name":"shop","branch":"main"}},
               "organizationId":"org 1","sessionId":"s-1","approvalRequired":true{more}}}"#
        );
        serde_json::from_str(&text).unwrap()
    }

    #[test]
    fn the_shape_that_services_send_is_read_and_written_the_same() {
        let given = request(
            r#","targetFiles":["src/**/*.rs"],"errorContext":{"errorMessage":"boom","stackTrace":"at x","affectedFiles":["a.rs"]},
               "featureContext":{"requirements":["one","two"],"acceptanceCriteria":"all of it","testStrategy":[]},"maxIterations":5"#,
        );
        given.check().unwrap();
        assert_eq!(given.max_iterations, Some(5));
        let feature = given.feature_context.as_ref().unwrap();
        assert_eq!(
            (feature.requirements.to_markdown().as_str(), feature.acceptance_criteria.to_markdown().as_str()),
            ("- one\n- two", "all of it")
        );
        let again = serde_json::to_value(&given).unwrap();
        assert_eq!(again["operationType"], "error_fix");
        assert_eq!(again["errorContext"]["affectedFiles"][0], "a.rs");
        assert_eq!(serde_json::from_value::<OperationRequest>(again).unwrap(), given);
    }

    #[test]
    fn a_target_that_leaves_the_repository_is_refused_by_its_place() {
        for path in ["/etc/passwd", "../x", "a/../../b", "a\\..\\b", "a\0b", "", &"x".repeat(2000)] {
            let mut given = request("");
            given.target_files = vec!["ok.rs".to_owned(), path.to_owned()];
            assert_eq!(given.check().unwrap_err().field, "targetFiles[1]", "{path:?}");
        }
        let mut many = request("");
        many.target_files = vec!["a".to_owned(); 1001];
        assert_eq!(many.check().unwrap_err().field, "targetFiles");
    }

    #[test]
    fn owner_and_name_agree_with_the_address() {
        for url in ["https://github.com/Acme/Shop.git", "git@github.com:acme/shop.git", "ssh://git@github.com/acme/shop", "/srv/anything"] {
            let mut given = request("");
            given.repository.url = Some(url.to_owned());
            given.check().unwrap_or_else(|e| panic!("{url}: {e}"));
        }
        let mut other = request("");
        other.repository.name = Some("till".to_owned());
        assert_eq!(other.check().unwrap_err().field, "repository.name");
        let mut none = request("");
        none.repository = OperationRepository { owner: Some("acme".to_owned()), ..OperationRepository::default() };
        assert_eq!(none.check().unwrap_err().field, "repository.url");
    }

    #[test]
    fn names_that_are_options_or_ways_out_are_refused() {
        for owner in ["-x", "..", "a b", "a;b", "a//b", "$(x)", ""] {
            let mut given = request("");
            given.repository.url = None;
            given.repository.owner = Some(owner.to_owned());
            assert_eq!(given.check().unwrap_err().field, "repository.owner", "{owner:?}");
        }
        for (field, change) in [
            ("organizationId", (|r: &mut OperationRequest| r.organization_id = "a\nb".to_owned()) as fn(&mut OperationRequest)),
            ("sessionId", |r| r.session_id.clear()),
            ("maxIterations", |r| r.max_iterations = Some(0)),
            ("description", |r| r.description = " \n".to_owned()),
            ("idempotencyKey", |r| r.idempotency_key = Some("x".repeat(300))),
            ("callback.secret", |r| r.callback = Some(Callback { url: "https://x.test/".to_owned(), secret: Some("short".to_owned()) })),
        ] {
            let mut given = request("");
            change(&mut given);
            assert_eq!(given.check().unwrap_err().field, field);
        }
    }

    #[test]
    fn a_callbacks_secret_is_in_no_debug_text_and_in_nothing_that_is_kept() {
        let given = request(r#","callback":{"url":"https://x.test/hook","secret":"a very secret word"}"#);
        assert!(!format!("{given:?}").contains("a very secret word"));
        assert!(!serde_json::to_string(&given.without_secret()).unwrap().contains("secret word"));
    }
}
