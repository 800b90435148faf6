//! The shapes in which GitHub tells of things. Nearly every field is there because its description demands it.

use serde_json::{Map, Value, json};

use super::world::{Check, Comment, Pull, Repository, Review, ReviewComment, Status};

/// When everything happened.
const TIME: &str = "2026-01-01T00:00:00Z";
/// Where people would see it.
const WEB: &str = "https://forge.example";

/// Fields of a user that are addresses.
const USER_ADDRESSES: [&str; 11] = [
    "avatar_url",
    "followers_url",
    "following_url",
    "gists_url",
    "starred_url",
    "subscriptions_url",
    "organizations_url",
    "repos_url",
    "events_url",
    "received_events_url",
    "html_url",
];

/// Fields of a repository that are addresses.
const REPOSITORY_ADDRESSES: [&str; 42] = [
    "archive_url",
    "assignees_url",
    "blobs_url",
    "branches_url",
    "collaborators_url",
    "comments_url",
    "commits_url",
    "compare_url",
    "contents_url",
    "contributors_url",
    "deployments_url",
    "downloads_url",
    "events_url",
    "forks_url",
    "git_commits_url",
    "git_refs_url",
    "git_tags_url",
    "git_url",
    "hooks_url",
    "issue_comment_url",
    "issue_events_url",
    "issues_url",
    "keys_url",
    "labels_url",
    "languages_url",
    "merges_url",
    "milestones_url",
    "notifications_url",
    "pulls_url",
    "releases_url",
    "ssh_url",
    "stargazers_url",
    "statuses_url",
    "subscribers_url",
    "subscription_url",
    "svn_url",
    "tags_url",
    "teams_url",
    "trees_url",
    "clone_url",
    "url",
    "html_url",
];

/// Tells of things under a base address.
#[derive(Clone, Copy)]
pub(super) struct Shape<'a> {
    pub(super) base: &'a str,
}

impl Shape<'_> {
    fn api(&self, repository: &Repository) -> String {
        format!("{}/repos/{}/{}", self.base, repository.owner, repository.name)
    }

    fn web(repository: &Repository) -> String {
        format!("{WEB}/{}/{}", repository.owner, repository.name)
    }

    fn user(&self, login: &str) -> Value {
        let mut user = json!({"login": login, "id": 1, "node_id": "U_1", "gravatar_id": "", "type": "User", "site_admin": false});
        user["url"] = json!(format!("{}/users/{login}", self.base));
        for field in USER_ADDRESSES {
            user[field] = json!(format!("{}/users/{login}/{field}", self.base));
        }
        user
    }

    fn repository(&self, repository: &Repository) -> Value {
        let api = self.api(repository);
        let mut value = json!({
            "id": repository.id, "node_id": "R_1", "name": repository.name, "full_name": format!("{}/{}", repository.owner, repository.name),
            "owner": self.user(&repository.owner), "private": true, "description": null, "fork": false, "homepage": null, "language": null,
            "mirror_url": null, "license": null, "default_branch": "main", "archived": false, "disabled": false, "has_issues": true,
            "has_projects": true, "has_wiki": true, "has_pages": false, "has_downloads": true, "forks": 0, "forks_count": 0,
            "stargazers_count": 0, "watchers": 0, "watchers_count": 0, "size": 0, "open_issues": 0, "open_issues_count": 0,
            "pushed_at": TIME, "created_at": TIME, "updated_at": TIME,
        });
        for field in REPOSITORY_ADDRESSES {
            value[field] = json!(format!("{api}/{}", field.trim_end_matches("_url")));
        }
        value["url"] = json!(api);
        value["html_url"] = json!(Self::web(repository));
        value
    }

    fn end(&self, repository: &Repository, branch: &str, sha: &str) -> Value {
        let label = format!("{}:{branch}", repository.owner);
        json!({"label": label, "ref": branch, "sha": sha, "user": self.user(&repository.owner), "repo": self.repository(repository)})
    }

    /// A pull request as a list has it, or with what only the single one has; `None` where there is none.
    pub(super) fn pull(&self, repository: &Repository, number: u64, whole: bool) -> Option<Value> {
        let pull = repository.pulls.iter().find(|pull| pull.number == number)?;
        let (api, web) = (self.api(repository), Self::web(repository));
        let (this, issue) = (format!("{api}/pulls/{number}"), format!("{api}/issues/{number}"));
        let statuses = format!("{api}/statuses/{}", pull.head_sha);
        let page = format!("{web}/pull/{number}");
        let over = if pull.open { Value::Null } else { json!(TIME) };
        let mut links = Map::new();
        for (name, href) in [
            ("self", &this),
            ("html", &page),
            ("issue", &issue),
            ("comments", &format!("{issue}/comments")),
            ("review_comments", &format!("{this}/comments")),
            ("review_comment", &format!("{api}/pulls/comments{{/number}}")),
            ("commits", &format!("{this}/commits")),
            ("statuses", &statuses),
        ] {
            links.insert(name.to_owned(), json!({"href": href}));
        }
        let mut value = json!({
            "url": this, "id": pull.id, "node_id": "PR_1", "html_url": page, "diff_url": format!("{page}.diff"),
            "patch_url": format!("{page}.patch"), "issue_url": issue, "commits_url": format!("{this}/commits"),
            "review_comments_url": format!("{this}/comments"), "review_comment_url": format!("{api}/pulls/comments{{/number}}"),
            "comments_url": format!("{issue}/comments"), "statuses_url": statuses, "number": number,
            "state": if pull.open { "open" } else { "closed" }, "locked": false, "title": pull.title,
            "user": self.user(super::routes::OURSELVES), "body": pull.body, "labels": [], "milestone": null, "created_at": TIME,
            "updated_at": TIME, "closed_at": over, "merged_at": if pull.merged { json!(TIME) } else { Value::Null },
            "merge_commit_sha": null, "assignee": null, "assignees": [], "requested_reviewers": [], "requested_teams": [], "draft": false,
            "head": self.end(repository, &pull.head, &pull.head_sha), "base": self.end(repository, &pull.base, &pull.base_sha),
            "_links": links, "author_association": "MEMBER", "auto_merge": null,
        });
        if whole {
            let more = json!({
                "merged": pull.merged, "mergeable": pull.mergeable, "mergeable_state": "unknown", "merged_by": null, "rebaseable": null,
                "comments": pull.comments.len(), "review_comments": pull.review_comments.len(), "maintainer_can_modify": false,
                "commits": 1, "additions": 1, "deletions": 1, "changed_files": 1,
            });
            if let (Some(value), Value::Object(more)) = (value.as_object_mut(), more) {
                value.extend(more);
            }
        }
        Some(value)
    }

    pub(super) fn comment(&self, repository: &Repository, pull: &Pull, comment: &Comment) -> Value {
        let (api, web) = (self.api(repository), Self::web(repository));
        json!({
            "id": comment.id, "node_id": "IC_1", "url": format!("{api}/issues/comments/{}", comment.id),
            "html_url": format!("{web}/pull/{}#issuecomment-{}", pull.number, comment.id), "body": comment.body,
            "user": self.user(&comment.author), "created_at": TIME, "updated_at": TIME,
            "issue_url": format!("{api}/issues/{}", pull.number), "author_association": "COLLABORATOR",
        })
    }

    pub(super) fn check_run(&self, repository: &Repository, check: &Check) -> Value {
        let (api, web) = (self.api(repository), Self::web(repository));
        let url = format!("{api}/check-runs/{}", check.id);
        let ended = check.conclusion.as_ref().map(|_| TIME);
        json!({
            "id": check.id, "head_sha": check.sha, "node_id": "CR_1", "external_id": "", "url": url,
            "html_url": format!("{web}/runs/{}", check.id), "details_url": "https://ci.example/1", "name": check.name,
            "status": if ended.is_some() { "completed" } else { "in_progress" }, "conclusion": check.conclusion, "started_at": TIME,
            "completed_at": ended, "check_suite": {"id": 1}, "app": null, "pull_requests": [],
            "output": {"title": null, "summary": null, "text": null, "annotations_count": 0, "annotations_url": format!("{url}/annotations")},
        })
    }

    pub(super) fn status(&self, repository: &Repository, status: &Status) -> Value {
        json!({
            "id": status.id, "node_id": "SC_1", "url": format!("{}/statuses/{}", self.api(repository), status.sha),
            "avatar_url": null, "state": status.state, "description": null, "context": status.context,
            "target_url": format!("https://ci.example/status/{}", status.id), "created_at": TIME, "updated_at": TIME,
        })
    }

    /// The statuses of a commit, without the statuses.
    pub(super) fn combined(&self, repository: &Repository, sha: &str, state: &str) -> Value {
        let commit = format!("{}/commits/{sha}", self.api(repository));
        json!({"state": state, "sha": sha, "repository": self.repository(repository), "commit_url": commit, "url": format!("{commit}/status")})
    }

    pub(super) fn review(&self, repository: &Repository, pull: &Pull, review: &Review) -> Value {
        let page = format!("{}/pull/{}#pullrequestreview-{}", Self::web(repository), pull.number, review.id);
        let this = format!("{}/pulls/{}", self.api(repository), pull.number);
        let new = &review.new;
        let mut value = json!({
            "id": review.id, "node_id": "PRR_1", "user": new.author.as_ref().map(|login| self.user(login)), "body": new.body,
            "state": new.state.word(), "html_url": page, "pull_request_url": this, "commit_id": pull.head_sha,
            "author_association": new.association, "_links": {"html": {"href": page}, "pull_request": {"href": this}},
        });
        if let Some(time) = &new.submitted_at {
            value["submitted_at"] = json!(time);
        }
        value
    }

    /// A comment with its review's author; `None` without its review.
    pub(super) fn review_comment(&self, repository: &Repository, pull: &Pull, comment: &ReviewComment) -> Option<Value> {
        let review = &pull.reviews.iter().find(|review| review.id == comment.review)?.new;
        let this = format!("{}/pulls/comments/{}", self.api(repository), comment.id);
        let page = format!("{}/pull/{}#discussion_r{}", Self::web(repository), pull.number, comment.id);
        let whole = format!("{}/pulls/{}", self.api(repository), pull.number);
        let mut value = json!({
            "url": this, "pull_request_review_id": comment.review, "id": comment.id, "node_id": "PRRC_1", "diff_hunk": "@@ -1 +1 @@",
            "path": comment.path, "commit_id": pull.head_sha, "original_commit_id": pull.head_sha,
            "user": review.author.as_ref().map(|login| self.user(login)), "body": comment.body, "created_at": TIME, "updated_at": TIME,
            "html_url": page, "pull_request_url": whole, "author_association": review.association, "side": "RIGHT",
            "_links": {"self": {"href": this}, "html": {"href": page}, "pull_request": {"href": whole}},
        });
        // Where the line is gone there is none: GitHub's own description does not know of `null` here.
        if let Some(line) = comment.line {
            value["line"] = json!(line);
        }
        Some(value)
    }
}
