//! Which request does what.

use serde_json::{Value, json};

use super::answer::Answer;
use super::world::{Comment, Pull, Repository, World};
use super::{page, shape};

/// A request that came with the token.
#[derive(Debug)]
pub(super) struct Asked {
    /// The address under which the fake is reached.
    pub(super) base: String,
    pub(super) method: String,
    /// The path behind the base address.
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) body: Value,
}

impl Asked {
    pub(super) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// Whose token it is.
pub(super) const OURSELVES: &str = "windlass-bot";

/// Does what is asked, and answers.
pub(super) fn answer(world: &mut World, asked: &Asked) -> Answer {
    let parts: Vec<&str> = asked.path.split('/').skip(1).collect();
    let ["repos", owner, name, rest @ ..] = parts.as_slice() else { return not_found() };
    let new_id = world.id();
    let Some(repository) = world.repository(&format!("{owner}/{name}")) else { return not_found() };
    let shape = shape::Shape { base: &asked.base };
    let number = |text: &str| text.parse::<u64>().unwrap_or(0);
    match (asked.method.as_str(), rest) {
        ("GET", ["pulls"]) => list_pulls(repository, asked, shape),
        ("POST", ["pulls"]) => create_pull(repository, asked, shape, new_id),
        ("GET", ["pulls", n]) => found(200, shape.pull(repository, number(n), true)),
        ("PATCH", ["pulls", n]) => {
            repository.edit(number(n), &asked.body);
            found(200, shape.pull(repository, number(n), true))
        }
        ("GET", ["issues", n, "comments"]) => match find(repository, number(n)) {
            Some(pull) => page::list(asked, pull.comments.iter().map(|comment| shape.comment(repository, pull, comment)).collect()),
            None => not_found(),
        },
        ("POST", ["issues", n, "comments"]) => match repository.pull(number(n)) {
            Some(pull) => {
                let Some(body) = asked.body["body"].as_str().filter(|body| !body.is_empty()) else {
                    return Answer::refused(json!({"resource": "IssueComment", "code": "missing_field", "field": "body"}));
                };
                pull.comments.push(Comment { id: new_id, author: OURSELVES.to_owned(), body: body.to_owned() });
                found(201, find(repository, number(n)).and_then(|pull| Some(shape.comment(repository, pull, pull.comments.last()?))))
            }
            None => not_found(),
        },
        ("GET", ["pulls", n, "reviews"]) => match find(repository, number(n)) {
            Some(pull) => page::list(asked, pull.reviews.iter().map(|review| shape.review(repository, pull, review)).collect()),
            None => not_found(),
        },
        ("GET", ["pulls", n, "comments"]) => match find(repository, number(n)) {
            Some(pull) => {
                let submitted = |id: u64| pull.reviews.iter().any(|review| review.id == id && review.new.submitted_at.is_some());
                let visible = pull.review_comments.iter().filter(|comment| submitted(comment.review));
                let mut items: Vec<Value> = visible.filter_map(|comment| shape.review_comment(repository, pull, comment)).collect();
                if asked.query("direction") == Some("desc") && asked.query("sort").is_some() {
                    items.reverse();
                }
                page::list(asked, items)
            }
            None => not_found(),
        },
        ("GET", ["commits", sha, "check-runs"]) => {
            let items = repository.checks.iter().filter(|check| check.sha == *sha).map(|check| shape.check_run(repository, check));
            page::inside(asked, json!({}), "check_runs", items.collect())
        }
        ("GET", ["commits", sha, "status"]) => {
            let statuses: Vec<_> = repository.statuses.iter().filter(|status| status.sha == *sha).collect();
            let any = |words: &[&str]| statuses.iter().any(|status| words.contains(&status.state.as_str()));
            let state = match (any(&["failure", "error"]), any(&["pending"]) || statuses.is_empty()) {
                (true, _) => "failure",
                (false, true) => "pending",
                (false, false) => "success",
            };
            let items = statuses.iter().map(|status| shape.status(repository, status)).collect();
            page::inside(asked, shape.combined(repository, sha, state), "statuses", items)
        }
        _ => not_found(),
    }
}

fn not_found() -> Answer {
    Answer::error(404, "Not Found")
}

fn found(status: u16, value: Option<Value>) -> Answer {
    value.map_or_else(not_found, |value| Answer::json(status, value))
}

fn find(repository: &Repository, number: u64) -> Option<&Pull> {
    repository.pulls.iter().find(|pull| pull.number == number)
}

fn list_pulls(repository: &Repository, asked: &Asked, shape: shape::Shape<'_>) -> Answer {
    let state = asked.query("state").unwrap_or("open");
    // A head without its owner is no filter.
    let head = asked.query("head").and_then(|head| head.split_once(':'));
    let wanted = |pull: &&Pull| {
        (state == "all" || pull.open == (state == "open"))
            && head.is_none_or(|(owner, branch)| owner.eq_ignore_ascii_case(&repository.owner) && branch == pull.head)
            && asked.query("base").is_none_or(|base| base == pull.base)
    };
    page::list(asked, repository.pulls.iter().rev().filter(wanted).filter_map(|pull| shape.pull(repository, pull.number, false)).collect())
}

fn create_pull(repository: &mut Repository, asked: &Asked, shape: shape::Shape<'_>, id: u64) -> Answer {
    let text = |name: &str| asked.body[name].as_str().filter(|text| !text.is_empty());
    let missing = |field: &str| json!({"resource": "PullRequest", "code": "missing_field", "field": field});
    let (Some(title), Some(head), Some(base)) = (text("title"), text("head"), text("base")) else {
        return Answer::refused_for(["title", "head", "base"].into_iter().filter(|name| text(name).is_none()).map(missing));
    };
    let head = head.strip_prefix(&format!("{}:", repository.owner)).unwrap_or(head);
    let invalid = |field: &str| Answer::refused(json!({"resource": "PullRequest", "code": "invalid", "field": field}));
    let Some(head_sha) = repository.branches.get(head).cloned() else { return invalid("head") };
    let Some(base_sha) = repository.branches.get(base).cloned() else { return invalid("base") };
    if repository.pulls.iter().any(|pull| pull.open && pull.head == head && pull.base == base) {
        return Answer::already_exists(&repository.owner, head);
    }
    if head_sha == base_sha {
        let message = format!("No commits between {base} and {head}");
        return Answer::refused(json!({"resource": "PullRequest", "code": "custom", "message": message}));
    }
    let number = repository.pulls.len() as u64 + 1;
    repository.pulls.push(Pull {
        id,
        number,
        title: title.to_owned(),
        body: text("body").map(str::to_owned),
        head: head.to_owned(),
        head_sha,
        base: base.to_owned(),
        base_sha,
        open: true,
        merged: false,
        mergeable: None,
        comments: Vec::new(),
        reviews: Vec::new(),
        review_comments: Vec::new(),
    });
    found(201, shape.pull(repository, number, true))
}
