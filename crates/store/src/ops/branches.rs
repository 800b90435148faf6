//! The branch registry. A head is *declared* before it is pushed, by whoever has looked at every other head that was declared before: so of
//! two attempts whose work clashes, the second sees the first, on whichever nodes they are.

use serde_json::json;
use windlass_types::{Assignment, AssignmentId, AssignmentMove, Branch, BranchMove, BranchStatus, EventKind, JobId, Timestamp, Token};

use super::page::{Conditions, Page, bounded, page, parse_cursor};
use super::{guard, rows};
use crate::error::{Result, StoreError};
use crate::sql::{NewEvent, Row, Value, Work, values};
use crate::store::Store;

const COLUMNS: &str = "assignment_id, project, name, base, status, declared, head, created_at, updated_at";

/// Which branches a list shows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BranchFilter {
    /// Those of one project.
    pub project: Option<String>,
    /// Those that are so far.
    pub status: Option<BranchStatus>,
}

/// What became of a declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Declaration {
    /// The head is declared: it may be pushed.
    Declared,
    /// Others are on their way into the same base: try the head with each, and declare it again as having looked at `version`.
    Others {
        /// The registry as it was looked at.
        version: i64,
        /// The others, the newest first.
        others: Vec<OtherBranch>,
        /// How many more there are.
        left_out: u64,
    },
}

/// Another branch on its way into the same base.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherBranch {
    /// Whose it is.
    pub assignment_id: AssignmentId,
    /// Its name.
    pub name: String,
    /// The commit it declared.
    pub commit: String,
    /// The last that is known to be pushed, where it is another.
    pub pushed: Option<String>,
    /// Whether a job of it runs, which may be about to push the commit.
    pub is_running: bool,
}

fn read(mut r: Row) -> Result<Branch> {
    let r = &mut r;
    Ok(Branch {
        assignment_id: r.word()?,
        project: r.text()?,
        name: r.text()?,
        base: r.text()?,
        status: r.word()?,
        declared: r.opt_text()?,
        head: r.opt_text()?,
        created_at: r.time()?,
        updated_at: r.time()?,
    })
}

fn find(w: &mut Work<'_>, id: AssignmentId) -> Result<Option<Branch>> {
    let sql = format!("SELECT {COLUMNS} FROM branches WHERE assignment_id = $1{}", w.dialect().lock());
    w.first(&sql, values![id])?.map(read).transpose()
}

fn tell(w: &mut Work<'_>, branch: &Branch, status: &str, by: &str) {
    let data = json!({ "status": status, "branch": branch.name, "base": branch.base, "head": branch.declared, "by": by });
    let (project, assignment) = (Some(branch.project.clone()), Some(branch.assignment_id));
    w.event(NewEvent { kind: EventKind::BranchChanged, project, assignment, job: None, attempt: None, data });
}

/// Registers the branch that an assignment works on, unless it is.
pub(crate) fn register(w: &mut Work<'_>, assignment: &Assignment) -> Result<()> {
    let (Some(name), Some(base)) = (&assignment.branch, &assignment.base_branch) else { return Ok(()) };
    let now = w.now()?;
    let made = w.execute(
        "INSERT INTO branches (assignment_id, project, name, base, status, created_at, updated_at, looked_at) \
         VALUES ($1, $2, $3, $4, 'active', $5, $5, $5) ON CONFLICT (assignment_id) DO NOTHING",
        values![assignment.id, &assignment.project, name, base, now],
    )?;
    if made > 0
        && let Some(branch) = find(w, assignment.id)?
    {
        tell(w, &branch, branch.status.as_str(), "windlass");
    }
    Ok(())
}

fn apply(w: &mut Work<'_>, mut branch: Branch, by_move: BranchMove, by: &str) -> Result<Option<Branch>> {
    match branch.status.next(by_move) {
        Some(status) if status == branch.status => {}
        Some(status) => {
            branch.status = status;
            branch.updated_at = w.now()?;
            w.execute(
                "UPDATE branches SET status = $2, updated_at = $3 WHERE assignment_id = $1",
                values![branch.assignment_id, status.as_str(), branch.updated_at],
            )?;
            tell(w, &branch, status.as_str(), by);
        }
        None => {
            w.execute("DELETE FROM branches WHERE assignment_id = $1", values![branch.assignment_id])?;
            tell(w, &branch, "released", by);
            return Ok(None);
        }
    }
    Ok(Some(branch))
}

/// An assignment has moved: its branch with it.
pub(crate) fn follow(w: &mut Work<'_>, assignment: &Assignment, by_move: AssignmentMove) -> Result<()> {
    if assignment.branch.is_none() || by_move == AssignmentMove::Block {
        return Ok(());
    }
    let Some(branch) = find(w, assignment.id)? else { return Ok(()) };
    let pushed = branch.declared.is_some();
    let by_move = match by_move {
        AssignmentMove::Complete => BranchMove::Complete { pushed },
        AssignmentMove::Cancel => BranchMove::Cancel { pushed },
        AssignmentMove::Activate | AssignmentMove::Block => BranchMove::Work,
    };
    apply(w, branch, by_move, "windlass").map(drop)
}

/// A job has settled whose commit was pushed: what it declared is where it was to be.
pub(crate) fn pushed(w: &mut Work<'_>, id: AssignmentId) -> Result<()> {
    w.execute("UPDATE branches SET head = declared WHERE assignment_id = $1", values![id]).map(drop)
}

fn declare(w: &mut Work<'_>, id: JobId, token: Token, head: &str, seen: Option<i64>, most: u32) -> Result<Declaration> {
    let (_, assignment) = guard::job_and_assignment(w, id, token)?;
    register(w, &assignment)?;
    let Some(mine) = find(w, assignment.id)? else { return Ok(Declaration::Declared) };
    // Asked again after a crash or a lost answer: whoever came later has seen it.
    if mine.declared.as_deref() == Some(head) && mine.status == BranchStatus::Active {
        return Ok(Declaration::Declared);
    }
    let project = &assignment.project;
    let (version, _) = registry(w, project)?;
    let open = "FROM branches b WHERE b.project = $1 AND b.base = $2 AND b.status <> 'merged' AND b.assignment_id <> $3 AND b.declared IS NOT NULL";
    let sql = format!(
        "SELECT b.assignment_id, b.name, b.declared, b.head, \
         EXISTS (SELECT 1 FROM jobs j WHERE j.assignment_id = b.assignment_id AND j.status = 'running') {open} \
         ORDER BY b.updated_at DESC, b.assignment_id DESC LIMIT $4"
    );
    let mut others = Vec::new();
    for mut row in w.query(&sql, values![project, &mine.base, assignment.id, most])? {
        let (assignment_id, name, commit, pushed, is_running) = (row.word()?, row.text()?, row.text()?, row.opt_text()?, row.flag()?);
        let pushed = pushed.filter(|pushed| *pushed != commit);
        others.push(OtherBranch { assignment_id, name, commit, pushed, is_running });
    }
    if !others.is_empty() && seen != Some(version) {
        let all: u64 =
            w.first(&format!("SELECT COUNT(*) {open}"), values![project, &mine.base, assignment.id])?.map_or(Ok(0), |mut row| row.int())?;
        return Ok(Declaration::Others { version, left_out: all.saturating_sub(others.len() as u64), others });
    }
    w.execute(
        "UPDATE branch_registry SET version = version + 1, turn = CASE WHEN turn = $2 THEN NULL ELSE turn END WHERE project = $1",
        values![project, assignment.id],
    )?;
    let now = w.now()?;
    w.execute(
        "UPDATE branches SET declared = $2, status = 'active', updated_at = $3 WHERE assignment_id = $1",
        values![assignment.id, head, now],
    )?;
    Ok(Declaration::Declared)
}

/// A project's version and the assignment whose turn it is to merge, locked.
fn registry(w: &mut Work<'_>, project: &str) -> Result<(i64, Option<AssignmentId>)> {
    w.execute("INSERT INTO branch_registry (project, version) VALUES ($1, 0) ON CONFLICT (project) DO NOTHING", values![project])?;
    let sql = format!("SELECT version, turn FROM branch_registry WHERE project = $1{}", w.dialect().lock());
    w.first(&sql, values![project])?.map_or(Ok((0, None)), |mut row| Ok((row.int()?, row.opt_word()?)))
}

fn take_turn(w: &mut Work<'_>, id: JobId, token: Token) -> Result<bool> {
    let (_, assignment) = guard::job_and_assignment(w, id, token)?;
    if let (_, Some(other)) = registry(w, &assignment.project)?
        && other != assignment.id
        && w.first("SELECT 1 FROM jobs WHERE assignment_id = $1 AND status = 'running'", values![other])?.is_some()
    {
        return Ok(false);
    }
    w.execute("UPDATE branch_registry SET turn = $2 WHERE project = $1", values![&assignment.project, assignment.id])?;
    Ok(true)
}

fn merged(w: &mut Work<'_>, id: AssignmentId, commit: &str) -> Result<()> {
    rows::lock_assignment(w, id)?;
    match find(w, id)? {
        // It may have gone on since that was looked at.
        Some(branch) if branch.declared.as_deref() == Some(commit) => apply(w, branch, BranchMove::Merge, "windlass").map(drop),
        _ => Ok(()),
    }
}

/// The forge says what became of a branch. One that is worked on goes on as it is.
pub(crate) fn move_with(w: &mut Work<'_>, id: AssignmentId, by_move: BranchMove) -> Result<()> {
    match find(w, id)? {
        Some(branch) if branch.status != BranchStatus::Active => apply(w, branch, by_move, "forge").map(drop),
        _ => Ok(()),
    }
}

fn move_by_person(w: &mut Work<'_>, id: AssignmentId, by_move: BranchMove, by: &str) -> Result<Option<Branch>> {
    rows::lock_assignment(w, id)?;
    let branch = find(w, id)?.ok_or_else(|| StoreError::not_found("registered branch of", id.to_string()))?;
    let running = w.first("SELECT 1 FROM jobs WHERE assignment_id = $1 AND status = 'running'", values![id])?;
    if running.is_some() {
        return Err(StoreError::Invalid(format!("a job of {id} works on {}: wait for it, or cancel it first", branch.name)));
    }
    apply(w, branch, by_move, by)
}

fn list(w: &mut Work<'_>, filter: &BranchFilter, cursor: Option<&str>, limit: u32) -> Result<Page<Branch>> {
    let limit = bounded(limit);
    let mut c = Conditions::default();
    c.and_if("project = ?", filter.project.as_deref());
    c.and_if("status = ?", filter.status.map(BranchStatus::as_str));
    c.and_if("assignment_id < ?", parse_cursor::<AssignmentId>(cursor)?);
    let size = c.push(Value::from(limit + 1));
    let sql = format!("SELECT {COLUMNS} FROM branches{} ORDER BY assignment_id DESC LIMIT {size}", c.text());
    let items = w.query(&sql, &c.params)?.into_iter().map(read).collect::<Result<Vec<_>>>()?;
    Ok(page(items, limit, |branch| branch.assignment_id.to_string()))
}

fn due_for_a_look(w: &mut Work<'_>, before: Timestamp, limit: u32) -> Result<Vec<Branch>> {
    let sql = format!("SELECT {COLUMNS} FROM branches WHERE status <> 'merged' AND looked_at < $1 ORDER BY looked_at LIMIT $2");
    let found = w.query(&sql, values![before, limit])?.into_iter().map(read).collect::<Result<Vec<_>>>()?;
    let now = w.now()?;
    for branch in &found {
        w.execute("UPDATE branches SET looked_at = $2 WHERE assignment_id = $1", values![branch.assignment_id, now])?;
    }
    Ok(found.into_iter().filter(|branch| branch.declared.is_some()).collect())
}

impl Store {
    /// Declares the commit that a job is about to push on its assignment's branch. `seen` is the registry's version whose others were tried
    /// with it; at most `most` others are named.
    pub async fn declare_head(&self, id: JobId, token: Token, head: String, seen: Option<i64>, most: u32) -> Result<Declaration> {
        self.ride(move |w| declare(w, id, token, &head, seen, most)).await
    }

    /// Takes the project's turn to have an agent merge; false while another assignment has it. It ends with the declaration of the merge, or
    /// with the job. Without turns many that clash in the same files would overtake each other again and again.
    pub async fn take_merge_turn(&self, id: JobId, token: Token) -> Result<bool> {
        self.ride(move |w| take_turn(w, id, token)).await
    }

    /// A branch's base was seen to have all of it up to `commit`.
    pub async fn branch_merged(&self, id: AssignmentId, commit: String) -> Result<()> {
        self.ride(move |w| merged(w, id, &commit)).await
    }

    /// A person says that a branch was merged, or counts no more ([`BranchMove::Release`]); `None` when it left the registry.
    pub async fn move_branch(&self, id: AssignmentId, by_move: BranchMove, by: String) -> Result<Option<Branch>> {
        self.promise(move |w| move_by_person(w, id, by_move, &by)).await
    }

    /// Registered branches, those of the newest assignments first.
    pub async fn branches(&self, filter: BranchFilter, cursor: Option<String>, limit: u32) -> Result<Page<Branch>> {
        self.read(move |w| list(w, &filter, cursor.as_deref(), limit)).await
    }

    /// Branches with something on the remote that nobody has looked at since `before`, and that are not merged; they count as looked at.
    pub async fn branches_to_look_at(&self, before: Timestamp, limit: u32) -> Result<Vec<Branch>> {
        self.ride(move |w| due_for_a_look(w, before, limit)).await
    }
}
