//! Workspaces from making to removing, with real git.

mod common;

use std::os::unix::fs::PermissionsExt;
use std::time::Instant;

use common::{ASSIGNMENT, CommitAtOnce as _, World, commit_request, git, open, snapshot, try_git, write};
use windlass_types::FailureKind;
use windlass_workspace::git::{RepoAddress, WorkspaceError, check_branch};
use windlass_workspace::workspaces::{ChangeKind, ContentLimits, Removal, RepoKind, Source};

const OTHER: &str = "asg_01990000000070008000000000badbad";

#[tokio::test]
async fn a_repository_is_described_with_the_branch_that_is_checked_out() {
    let world = World::new();
    let repo = world.repo.display().to_string();
    let facts = world.workspaces.inspect(&repo, None).await.unwrap();
    assert_eq!((facts.kind, facts.base_branch.as_str(), facts.dirty, facts.detached), (RepoKind::Local, "main", false, false));
    assert_eq!(facts.base_commit, git(&world.repo, &["rev-parse", "main"]));
    write(&world.repo, "new", "x");
    assert!(world.workspaces.inspect(&repo, None).await.unwrap().dirty);
    git(&world.repo, &["checkout", "-q", "-b", "feature/x"]);
    let facts = world.workspaces.inspect(&repo, Some("main")).await.unwrap();
    assert_eq!((facts.default_branch.as_deref(), facts.base_branch.as_str()), (Some("feature/x"), "main"));
}

#[tokio::test]
async fn a_repository_that_cannot_be_worked_on_says_why() {
    let world = World::new();
    let inspect =
        async |path: &std::path::Path, base: Option<&str>| world.workspaces.inspect(&path.display().to_string(), base).await.unwrap_err();

    let plain = world.path("plain");
    std::fs::create_dir(&plain).unwrap();
    for path in [&plain, &world.path("missing"), &world.repo.join("src"), &world.repo.join("README.md")] {
        let error = inspect(path, None).await;
        assert!(matches!(error, WorkspaceError::NotARepository { .. }), "{error}");
        assert_eq!(error.failure().kind, FailureKind::BadRepository);
    }
    git(&plain, &["init", "-q"]);
    assert!(matches!(inspect(&plain, None).await, WorkspaceError::Empty { .. }));

    let error = inspect(&world.repo, Some("nope")).await;
    assert!(matches!(&error, WorkspaceError::UnknownBranch { known, .. } if known == &["main"]), "{error}");
    assert_eq!(error.failure().kind, FailureKind::UnknownBaseBranch);
    let mut request = world.request(ASSIGNMENT);
    request.base_branch = "nope".into();
    assert!(matches!(world.workspaces.prepare(&request).await, Err(WorkspaceError::UnknownBranch { .. })));

    git(&world.repo, &["checkout", "-q", "--detach"]);
    assert!(matches!(inspect(&world.repo, None).await, WorkspaceError::DetachedHead { .. }));
    assert!(world.workspaces.inspect(&world.repo.display().to_string(), Some("main")).await.unwrap().detached);
}

#[tokio::test]
async fn bare_repositories_and_linked_worktrees_are_repositories_too() {
    let world = World::new();
    let (bare, linked) = (world.path("bare.git"), world.path("linked"));
    git(&world.repo, &["clone", "-q", "--bare", ".", &bare.display().to_string()]);
    git(&world.repo, &["worktree", "add", "-q", "-b", "side", &linked.display().to_string()]);
    for (path, branch) in [(bare, "main"), (linked, "side")] {
        let facts = world.workspaces.inspect(&path.display().to_string(), None).await.unwrap();
        assert_eq!((facts.base_branch.as_str(), facts.dirty), (branch, false));
        let mut request = world.request(if branch == "main" { ASSIGNMENT } else { OTHER });
        (request.repo, request.base_branch) = (path.display().to_string(), branch.to_owned());
        let workspace = world.workspaces.prepare(&request).await.unwrap();
        write(&workspace.path, "new", "x\n");
        let commit = world.workspaces.commit(&workspace, &commit_request()).await.unwrap().unwrap();
        world.workspaces.push(&workspace, &commit.sha).await.unwrap();
        assert_eq!(git(&path, &["rev-parse", &workspace.branch]), commit.sha);
    }
}

#[tokio::test]
async fn a_workspace_is_a_working_clone_on_its_own_branch() {
    let world = World::new();
    let workspace = world.prepare().await;
    assert_eq!(workspace.branch, "windlass/00badcaf-do-the-work");
    assert_eq!(
        git(&workspace.path, &["status", "--porcelain=v2", "--branch"]).lines().nth(1).unwrap(),
        "# branch.head windlass/00badcaf-do-the-work"
    );
    assert_eq!(git(&workspace.path, &["status", "--porcelain"]), "");
    assert_eq!(git(&workspace.path, &["log", "--format=%s"]), "second\nfirst");
    assert_eq!(git(&workspace.path, &["diff", "--stat", "origin/main"]), "");
    assert_eq!(git(&workspace.path, &["fsck", "--connectivity-only"]), "");
    for private in [&workspace.home, &workspace.tmp, &workspace.path] {
        assert_eq!(private.metadata().unwrap().permissions().mode() & 0o777, 0o700);
        assert!(private.starts_with(world.path("workspaces")));
    }
    // The agent can commit in it, and then its commit counts as content only.
    write(&workspace.path, "src/lib.rs", "pub fn g() {}\n");
    git(&workspace.path, &["commit", "-q", "-am", "mine"]);
    assert_eq!(world.workspaces.head(&workspace).unwrap(), workspace.base_commit);
    let changes = world.workspaces.changes(&workspace).await.unwrap();
    assert_eq!(changes.files.len(), 1);
    assert_eq!((changes.files[0].path.as_str(), changes.files[0].insertions, changes.files[0].deletions), ("src/lib.rs", 1, 1));
}

#[tokio::test]
async fn preparing_again_returns_the_workspace_untouched() {
    let world = World::new();
    let first = world.prepare().await;
    write(&first.path, "new", "x");
    let before = snapshot(&first.path);
    git(&world.repo, &["commit", "-q", "--allow-empty", "-m", "third"]);
    assert_eq!(world.prepare().await, first);
    assert_eq!(snapshot(&first.path), before);
    // Another process, after a restart.
    assert_eq!(open(&world.path("")).prepare(&world.request(ASSIGNMENT)).await.unwrap(), first);
}

#[tokio::test]
async fn locks_that_a_crash_left_in_the_engines_own_folders_do_not_stop_work() {
    let world = World::new();
    let workspace = world.prepare().await;
    write(&workspace.path, "new", "x");
    std::fs::write(workspace.engine_git_dir.join("index.lock"), "").unwrap();
    std::fs::write(workspace.engine_git_dir.join(format!("refs/heads/{}.lock", workspace.branch)), "").unwrap();
    world.workspaces.commit(&workspace, &commit_request()).await.unwrap().unwrap();

    let mirror = std::fs::read_dir(world.path("data/mirrors")).unwrap().flatten().find(|entry| entry.path().is_dir()).unwrap().path();
    std::fs::write(mirror.join("refs/heads/main.lock"), "").unwrap();
    std::fs::write(mirror.join("packed-refs.lock"), "").unwrap();
    git(&world.repo, &["commit", "-q", "--allow-empty", "-m", "third"]);
    let next = world.workspaces.prepare(&world.request(OTHER)).await.unwrap();
    assert_eq!(git(&next.path, &["log", "-1", "--format=%s"]), "third");
}

#[tokio::test]
async fn looking_at_changes_and_committing_at_once_do_not_disturb_each_other() {
    let world = World::new();
    let workspace = world.prepare().await;
    let mut all = tokio::task::JoinSet::new();
    for n in 0..6 {
        write(&workspace.path, &format!("file{n}"), "x");
        let (workspaces, workspace) = (world.workspaces.clone(), workspace.clone());
        all.spawn(async move {
            if n % 2 == 0 {
                workspaces.changes(&workspace).await.unwrap();
            } else {
                workspaces.commit(&workspace, &commit_request()).await.unwrap();
            }
        });
    }
    all.join_all().await;
    world.workspaces.commit(&workspace, &commit_request()).await.unwrap();
    assert!(world.workspaces.changes(&workspace).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_remote_that_does_not_answer_is_a_failure_that_may_pass() {
    let world = World::new();
    let error = world.workspaces.inspect("https://127.0.0.1:1/x.git", None).await.unwrap_err();
    assert_eq!(error.failure().kind, FailureKind::GitFailed, "{error}");
    assert!(!error.to_string().is_empty());
}

#[tokio::test]
async fn a_half_made_workspace_is_made_again() {
    let world = World::new();
    let first = world.prepare().await;
    let before = snapshot(&first.path).len();
    std::fs::remove_file(first.engine_git_dir.join("windlass.json")).unwrap();
    std::fs::remove_dir_all(first.path.join("src")).unwrap();
    std::fs::write(first.path.join("junk"), "").unwrap();
    let again = world.prepare().await;
    assert_eq!(snapshot(&again.path).len(), before);
}

#[tokio::test]
async fn many_workspaces_of_one_repository_can_be_prepared_at_once() {
    let world = World::new();
    let ids: Vec<String> = (0..8).map(|n| format!("asg_0199000000007000800000000bad000{n}")).collect();
    let mut all = tokio::task::JoinSet::new();
    for id in ids.iter().chain(&ids) {
        let (workspaces, request) = (world.workspaces.clone(), world.request(id));
        all.spawn(async move { workspaces.prepare(&request).await.unwrap() });
    }
    let made = all.join_all().await;
    for workspace in &made {
        assert_eq!(git(&workspace.path, &["status", "--porcelain"]), "");
    }
    assert_eq!(std::fs::read_dir(world.path("data/mirrors")).unwrap().flatten().filter(|e| e.path().is_dir()).count(), 1);
}

#[tokio::test]
async fn a_named_base_commit_is_where_work_starts_even_when_the_branch_moved_on() {
    let world = World::new();
    let mut request = world.request(ASSIGNMENT);
    request.base_commit = Some(git(&world.repo, &["rev-parse", "main~1"]));
    let workspace = world.workspaces.prepare(&request).await.unwrap();
    assert_eq!(Some(&workspace.base_commit), request.base_commit.as_ref());
    assert_eq!(std::fs::read_to_string(workspace.path.join("README.md")).unwrap(), "hello\n");

    let mut request = world.request(OTHER);
    request.base_commit = Some("0123456789012345678901234567890123456789".into());
    let error = world.workspaces.prepare(&request).await.unwrap_err();
    assert!(matches!(error, WorkspaceError::UnknownCommit { .. }), "{error}");
}

#[tokio::test]
async fn new_commits_of_the_origin_are_fetched_when_the_mirror_lacks_them() {
    let world = World::new();
    world.prepare().await;
    write(&world.repo, "third", "x");
    git(&world.repo, &["add", "-A"]);
    git(&world.repo, &["commit", "-q", "-m", "third"]);
    let workspace = world.workspaces.prepare(&world.request(OTHER)).await.unwrap();
    assert!(workspace.path.join("third").exists());
}

#[tokio::test]
async fn a_shallow_checkout_can_be_worked_on() {
    let world = World::new();
    let shallow = world.path("shallow");
    git(&world.repo, &["clone", "-q", "--depth=1", &format!("file://{}", world.repo.display()), &shallow.display().to_string()]);
    let mut request = world.request(ASSIGNMENT);
    request.repo = shallow.display().to_string();
    let workspace = world.workspaces.prepare(&request).await.unwrap();
    assert_eq!(git(&workspace.path, &["log", "--format=%s"]), "second");
    write(&workspace.path, "new", "x");
    let commit = world.workspaces.commit(&workspace, &commit_request()).await.unwrap().unwrap();
    world.workspaces.push(&workspace, &commit.sha).await.unwrap();
    assert_eq!(git(&shallow, &["rev-parse", &workspace.branch]), commit.sha);
}

#[tokio::test]
async fn a_repository_with_sha256_hashes_can_be_worked_on() {
    let world = World::new();
    let repo = world.path("sha256");
    std::fs::create_dir(&repo).unwrap();
    git(&repo, &["init", "-q", "-b", "main", "--object-format=sha256"]);
    write(&repo, "a", "a\n");
    git(&repo, &["add", "-A"]);
    git(&repo, &["commit", "-q", "-m", "first"]);
    let mut request = world.request(ASSIGNMENT);
    request.repo = repo.display().to_string();
    let workspace = world.workspaces.prepare(&request).await.unwrap();
    write(&workspace.path, "a", "b\n");
    let commit = world.workspaces.commit(&workspace, &commit_request()).await.unwrap().unwrap();
    assert_eq!(world.workspaces.push(&workspace, &commit.sha).await.unwrap().sha.len(), 64);
}

#[tokio::test]
async fn changes_name_every_file_and_their_hash_is_that_of_the_content() {
    let world = World::new();
    let workspace = world.prepare().await;
    let none = world.workspaces.changes(&workspace).await.unwrap();
    assert!(none.is_empty());

    let edit = || {
        write(&workspace.path, "README.md", "hello\nthere\nworld\n");
        write(&workspace.path, "new/ä \"q\"\n.txt", "a\nb\n");
        write(&workspace.path, "binary", "\0\0");
        write(&workspace.path, "target/ignored", "x");
        let _ = std::fs::remove_file(workspace.path.join("src/lib.rs"));
        let _ = std::os::unix::fs::symlink("/etc/passwd", workspace.path.join("link"));
    };
    edit();
    let changes = world.workspaces.changes(&workspace).await.unwrap();
    let mut seen: Vec<_> = changes.files.iter().map(|f| (f.path.as_str(), f.kind, f.insertions, f.deletions, f.binary)).collect();
    seen.sort_unstable_by_key(|f| f.0);
    assert_eq!(
        seen,
        [
            ("README.md", ChangeKind::Modified, 1, 0, false),
            ("binary", ChangeKind::Added, 0, 0, true),
            ("link", ChangeKind::Added, 1, 0, false),
            ("new/ä \"q\"\n.txt", ChangeKind::Added, 2, 0, false),
            ("src/lib.rs", ChangeKind::Deleted, 0, 1, false),
        ]
    );
    edit();
    assert_eq!(world.workspaces.changes(&workspace).await.unwrap(), changes);
    write(&workspace.path, "README.md", "hello\nthere\n");
    let other = world.workspaces.changes(&workspace).await.unwrap();
    assert_ne!((&other.diff_hash, &other.tree), (&changes.diff_hash, &changes.tree));
    world.workspaces.reset(&workspace).await.unwrap();
    assert_eq!(world.workspaces.changes(&workspace).await.unwrap(), none);
    assert!(workspace.path.join("target/ignored").exists());
}

#[tokio::test]
async fn a_patch_is_text_and_is_cut_at_its_limit() {
    let world = World::new();
    let workspace = world.prepare().await;
    write(&workspace.path, "README.md", "hello\nthere\nworld\n");
    let patch = world.workspaces.patch(&workspace, &workspace.base_commit, None, 1 << 20).await.unwrap();
    assert!(patch.text.contains("\n+there\n") && !patch.truncated, "{}", patch.text);
    write(&workspace.path, "big", &"line\n".repeat(1_000_000));
    let patch = world.workspaces.patch(&workspace, &workspace.base_commit, None, 1000).await.unwrap();
    assert!(patch.truncated && patch.text.len() == 1000);
    let first = git(&world.repo, &["rev-parse", "main~1"]);
    let patch = world.workspaces.patch(&workspace, &first, Some(&workspace.base_commit), 1000).await.unwrap();
    assert!(patch.text.contains("+world"));
}

#[tokio::test]
async fn a_commit_is_the_engines_and_repeating_it_makes_no_second_one() {
    let world = World::new();
    let workspace = world.prepare().await;
    assert_eq!(world.workspaces.commit(&workspace, &commit_request()).await.unwrap(), None);
    write(&workspace.path, "new", "x\n");
    let commit = world.workspaces.commit(&workspace, &commit_request()).await.unwrap().unwrap();
    assert_eq!(world.workspaces.head(&workspace).unwrap(), commit.sha);
    assert_eq!(world.workspaces.commit(&workspace, &commit_request()).await.unwrap(), Some(commit.clone()));
    let mut other = commit_request();
    other.trailers[0].1 = "att_2".into();
    assert_eq!(world.workspaces.commit(&workspace, &other).await.unwrap(), None);
    let text = git(&workspace.engine_git_dir, &["cat-file", "commit", &commit.sha]);
    assert!(text.contains("author Windlass <windlass@localhost> 1700000000 +0000"), "{text}");
    assert!(text.ends_with("Do the work\n\nBecause.\n\nWindlass-Attempt: att_1"), "{text}");
    assert_eq!(
        git(&workspace.engine_git_dir, &["rev-list", "--count", &format!("main..{}", commit.sha).replace("main", &workspace.base_commit)]),
        "1"
    );

    // A crash after the commit object was written, before the branch moved: the same commit again.
    git(&workspace.engine_git_dir, &["update-ref", &format!("refs/heads/{}", workspace.branch), &workspace.base_commit]);
    assert_eq!(world.workspaces.commit(&workspace, &commit_request()).await.unwrap(), Some(commit.clone()));

    world.workspaces.refresh(&workspace).await.unwrap();
    assert_eq!(git(&workspace.path, &["status", "--porcelain"]), "");
    assert_eq!(git(&workspace.path, &["rev-parse", "HEAD"]), commit.sha);
    let log = world.workspaces.commits(Source::Workspace(&workspace), &workspace.base_commit, &commit.sha).await.unwrap();
    assert_eq!(log.iter().map(|c| (c.sha.as_str(), c.subject.as_str())).collect::<Vec<_>>(), [(commit.sha.as_str(), "Do the work")]);
}

#[tokio::test]
async fn a_push_makes_the_one_branch_and_repeating_it_changes_nothing() {
    let world = World::new();
    write(&world.repo, "README.md", "edited by the user\n");
    write(&world.repo, "staged", "x");
    git(&world.repo, &["add", "staged"]);
    let (before, refs) = (snapshot(&world.repo), git(&world.repo, &["for-each-ref"]));
    assert!(world.workspaces.inspect(&world.repo.display().to_string(), None).await.unwrap().dirty);
    let workspace = world.prepare().await;
    write(&workspace.path, "new", "x\n");
    world.workspaces.changes(&workspace).await.unwrap();
    let commit = world.workspaces.commit(&workspace, &commit_request()).await.unwrap().unwrap();
    assert_eq!(snapshot(&world.repo), before, "nothing but a push touches the user's repository");

    let pushed = world.workspaces.push(&workspace, &commit.sha).await.unwrap();
    assert!(!pushed.already);
    assert_eq!(pushed.remote_ref, format!("refs/heads/{}", workspace.branch));
    assert!(world.workspaces.push(&workspace, &commit.sha).await.unwrap().already);

    let mut after = snapshot(&world.repo);
    after.retain(|path, _| !path.starts_with(world.repo.join(".git/objects")));
    let mut old = before;
    old.retain(|path, _| !path.starts_with(world.repo.join(".git/objects")));
    assert!(after.remove(&world.repo.join(".git/refs/heads").join(&workspace.branch)).is_some());
    after.remove(&world.repo.join(".git/logs/refs/heads").join(&workspace.branch));
    assert_eq!(after, old, "work tree, index, configuration and other refs are byte for byte as before");
    assert_eq!(git(&world.repo, &["for-each-ref", "refs/heads/main"]), refs);

    // The next commit of the same assignment goes on top.
    write(&workspace.path, "more", "y\n");
    let mut request = commit_request();
    request.trailers[0].1 = "att_2".into();
    let next = world.workspaces.commit(&workspace, &request).await.unwrap().unwrap();
    assert!(!world.workspaces.push(&workspace, &next.sha).await.unwrap().already);
    assert_eq!(git(&world.repo, &["rev-parse", &format!("{}~1", workspace.branch)]), commit.sha);
    assert!(world.workspaces.is_ancestor(Source::Workspace(&workspace), &commit.sha, &next.sha).await.unwrap());
    assert!(!world.workspaces.is_ancestor(Source::Workspace(&workspace), &next.sha, &commit.sha).await.unwrap());
}

#[tokio::test]
async fn a_branch_with_other_peoples_commits_is_never_overwritten() {
    let world = World::new();
    let workspace = world.prepare().await;
    write(&workspace.path, "new", "x\n");
    let commit = world.workspaces.commit(&workspace, &commit_request()).await.unwrap().unwrap();
    let foreign = git(&world.repo, &["commit-tree", "main^{tree}", "-p", "main", "-m", "foreign"]);
    git(&world.repo, &["branch", &workspace.branch, &foreign]);
    let error = world.workspaces.push(&workspace, &commit.sha).await.unwrap_err();
    assert!(matches!(error, WorkspaceError::PushRefused { .. }), "{error}");
    assert_eq!(git(&world.repo, &["rev-parse", &workspace.branch]), foreign);

    git(&world.repo, &["update-ref", &format!("refs/heads/{}", workspace.branch), "main"]);
    git(&world.repo, &["checkout", "-q", &workspace.branch]);
    let before = git(&world.repo, &["status", "--porcelain"]);
    assert!(
        matches!(world.workspaces.push(&workspace, &commit.sha).await, Err(WorkspaceError::PushRefused { .. })),
        "it is checked out there"
    );
    assert_eq!(git(&world.repo, &["status", "--porcelain"]), before);
}

#[tokio::test]
async fn work_goes_on_from_the_pushed_branch_on_another_node() {
    let world = World::new();
    let workspace = world.prepare().await;
    write(&workspace.path, "new", "x\n");
    let commit = world.workspaces.commit(&workspace, &commit_request()).await.unwrap().unwrap();
    world.workspaces.push(&workspace, &commit.sha).await.unwrap();
    let elsewhere = open(&world.path("elsewhere"));
    let mut request = world.request(ASSIGNMENT);
    for base_commit in [Some(workspace.base_commit.clone()), None] {
        request.base_commit = base_commit;
        let there = elsewhere.prepare(&request).await.unwrap();
        assert_eq!(elsewhere.head(&there).unwrap(), commit.sha);
        assert_eq!(there.base_commit, workspace.base_commit);
        assert!(there.path.join("new").exists());
        elsewhere.remove(&there, Removal::IfPushed).await.unwrap();
    }
    // Somebody else's branch of that name is not taken for ours.
    let foreign = git(&world.repo, &["commit-tree", "main^{tree}", "-m", "foreign"]);
    git(&world.repo, &["update-ref", &format!("refs/heads/{}", workspace.branch), &foreign]);
    let error = elsewhere.prepare(&request).await.unwrap_err();
    assert!(matches!(error, WorkspaceError::BranchTaken { .. }), "{error}");
}

#[tokio::test]
async fn removing_a_workspace_never_loses_work() {
    let world = World::new();
    let workspace = world.prepare().await;
    write(&workspace.path, "new", "x\n");
    let commit = world.workspaces.commit(&workspace, &commit_request()).await.unwrap().unwrap();
    write(&workspace.path, "loose", "y\n");
    match world.workspaces.remove(&workspace, Removal::IfPushed).await.unwrap_err() {
        WorkspaceError::WouldLose { commits, files } => assert_eq!((commits, files), (vec![commit.sha.clone()], vec!["loose".to_owned()])),
        other => panic!("{other}"),
    }
    assert!(workspace.path.join("loose").exists());
    let bundle = world.workspaces.remove(&workspace, Removal::Bundle).await.unwrap().bundle.unwrap();
    assert!(!workspace.path.exists() && !workspace.home.exists() && !workspace.engine_git_dir.exists());
    let bundle = bundle.display().to_string();
    git(&world.repo, &["fetch", "-q", &bundle, "refs/windlass/uncommitted:refs/heads/rescued"]);
    assert_eq!(git(&world.repo, &["show", "rescued:loose"]), "y");
    assert_eq!(git(&world.repo, &["rev-parse", "rescued~1"]), commit.sha);

    // Pushed and clean: nothing to keep. Folders that the agent made unwritable do not stop it.
    let workspace = world.prepare().await;
    write(&workspace.path, "new", "x\n");
    let commit = world.workspaces.commit(&workspace, &commit_request()).await.unwrap().unwrap();
    world.workspaces.push(&workspace, &commit.sha).await.unwrap();
    write(&workspace.path, "target/deep/file", "");
    std::fs::set_permissions(workspace.path.join("target/deep"), std::fs::Permissions::from_mode(0o000)).unwrap();
    assert_eq!(world.workspaces.remove(&workspace, Removal::IfPushed).await.unwrap().bundle, None);
    assert!(!workspace.path.exists());
}

#[tokio::test]
async fn an_untouched_workspace_is_removed_without_a_bundle() {
    let world = World::new();
    let workspace = world.prepare().await;
    assert_eq!(world.workspaces.remove(&workspace, Removal::IfPushed).await.unwrap().bundle, None);
    assert!(world.prepare().await.path.join("README.md").exists());
}

#[tokio::test]
async fn files_of_commits_are_read_without_a_checkout() {
    let world = World::new();
    let workspace = world.prepare().await;
    let source = Source::Workspace(&workspace);
    let read = async |path: &str| world.workspaces.read_at(source, &workspace.base_commit, path, 1000).await;
    assert_eq!(read("README.md").await.unwrap().as_deref(), Some(b"hello\nworld\n".as_slice()));
    for missing in ["nope", "src", "../x", "/etc/passwd"] {
        assert_eq!(read(missing).await.unwrap(), None, "{missing}");
    }
    assert!(read("a\nb").await.is_err());
    assert!(matches!(world.workspaces.read_at(source, &workspace.base_commit, "README.md", 3).await, Err(WorkspaceError::TooLarge { .. })));
    let repo = RepoAddress::parse(&world.repo.display().to_string()).unwrap();
    assert!(world.workspaces.commit_exists(Source::Repo(&repo), &workspace.base_commit).await.unwrap());
    assert!(!world.workspaces.commit_exists(source, &"0".repeat(40)).await.unwrap());
    assert!(world.workspaces.commit_exists(source, "HEAD").await.is_err());
}

#[tokio::test]
async fn content_over_its_limits_is_refused_by_name() {
    let world = World::new();
    let workspace = world.prepare().await;
    let small = world.workspaces.clone().with_limits(ContentLimits { max_file_bytes: 100, max_total_bytes: 150, max_files: 3 });
    write(&workspace.path, "one", &"x".repeat(101));
    assert!(matches!(small.changes(&workspace).await, Err(WorkspaceError::TooLarge { what, .. }) if what == "one"));
    write(&workspace.path, "one", &"x".repeat(99));
    write(&workspace.path, "two", &"x".repeat(99));
    assert!(matches!(small.changes(&workspace).await, Err(WorkspaceError::TooLarge { .. })));
    assert_eq!(world.workspaces.changes(&workspace).await.unwrap().files.len(), 2);
}

#[tokio::test]
async fn a_job_without_a_repository_has_folders_that_stay() {
    let world = World::new();
    let id = ASSIGNMENT.parse().unwrap();
    let scratch = world.workspaces.prepare_scratch("scratch", &id).unwrap();
    write(&scratch.path, "kept", "x");
    assert_eq!(world.workspaces.prepare_scratch("scratch", &id).unwrap(), scratch);
    assert!(scratch.path.join("kept").exists());
    for project in ["..", "a/b", "", ".x", "-x", "a\0"] {
        assert!(world.workspaces.prepare_scratch(project, &id).is_err(), "{project:?}");
    }
}

#[test]
fn a_branch_name_that_is_accepted_is_one_for_git_too() {
    let world = World::new();
    for name in
        ["main", "feature/x", "fix-#12", "user@host", "größe", "a=b", "a,b", "50%", "a+b", "@x", "x@", "a/@/b", "a.b", "lock", "a.lockx"]
    {
        let ours = check_branch(name).is_ok();
        let gits = try_git(&world.repo, &["check-ref-format", "--branch", name]).0 == Some(0);
        assert!(!ours || gits, "{name}");
        assert!(ours, "{name}");
    }
}

/// Not a test of behaviour: prints what a job's steps take. `cargo test … -- --ignored --nocapture times`.
#[tokio::test]
#[ignore = "a measurement"]
#[allow(clippy::print_stderr)]
async fn times() {
    let world = World::new();
    world.prepare().await;
    let mut sums = [0.0_f64; 6];
    let rounds = 20;
    for n in 0..rounds {
        let request = world.request(&format!("asg_01990000000070008000000000b{n:05}"));
        let mut last = Instant::now();
        let mut lap = |slot: usize| {
            sums[slot] += last.elapsed().as_secs_f64() * 1e3;
            last = Instant::now();
        };
        let workspace = world.workspaces.prepare(&request).await.unwrap();
        lap(0);
        write(&workspace.path, "new", &format!("{n}\n"));
        world.workspaces.changes(&workspace).await.unwrap();
        lap(1);
        let commit = world.workspaces.commit(&workspace, &commit_request()).await.unwrap().unwrap();
        lap(2);
        world.workspaces.push(&workspace, &commit.sha).await.unwrap();
        lap(3);
        world.workspaces.refresh(&workspace).await.unwrap();
        lap(4);
        world.workspaces.remove(&workspace, Removal::IfPushed).await.unwrap();
        lap(5);
    }
    for (name, sum) in ["prepare", "changes", "commit", "push", "refresh", "remove"].iter().zip(sums) {
        eprintln!("{name}: {:.1} ms", sum / f64::from(rounds));
    }
}

#[tokio::test]
async fn a_crash_while_the_agents_git_is_replaced_does_not_look_like_tampering() {
    let world = World::new();
    let workspace = world.prepare().await;
    let record = workspace.engine_git_dir.join("windlass.json");
    let before: serde_json::Value = serde_json::from_slice(&std::fs::read(&record).unwrap()).unwrap();
    world.workspaces.refresh(&workspace).await.unwrap();
    let after: serde_json::Value = serde_json::from_slice(&std::fs::read(&record).unwrap()).unwrap();
    assert_ne!(before["dot_git"], after["dot_git"]);

    // The new one is in place and its record is not: what a crash right after the exchange leaves.
    let mut torn = before;
    torn["next_dot_git"] = after["dot_git"].clone();
    std::fs::write(&record, torn.to_string()).unwrap();
    let again = world.prepare().await;
    world.workspaces.audit_refs(&again).await.unwrap();

    // Without that word in the record it is what an agent could have done.
    std::fs::rename(again.path.join(".git"), again.path.join("elsewhere")).unwrap();
    std::fs::create_dir(again.path.join(".git")).unwrap();
    assert!(world.workspaces.audit_refs(&again).await.is_err());
}

#[tokio::test]
async fn a_refused_commit_is_kept_apart_until_another_takes_its_place() {
    let world = World::new();
    let all = &world.workspaces;
    let workspace = world.prepare().await;
    write(&workspace.path, "new", "refused\n");
    let refused = all.make_commit(&workspace, &commit_request()).await.unwrap().unwrap();
    assert_eq!(all.head(&workspace).unwrap(), workspace.base_commit, "a commit that is made is on no branch");
    all.quarantine(&workspace, &refused).await.unwrap();
    assert_eq!(all.quarantined(&workspace).unwrap(), Some(refused.sha.clone()));
    git(&workspace.path, &["clean", "-fdq"]);
    let lost = all.would_lose_nothing(&workspace).await.unwrap_err();
    assert!(matches!(lost, WorkspaceError::WouldLose { commits, .. } if commits == [refused.sha.clone()]));

    write(&workspace.path, "new", "mended\n");
    let mended = all.commit(&workspace, &commit_request()).await.unwrap().unwrap();
    assert_eq!((all.head(&workspace).unwrap(), all.quarantined(&workspace).unwrap()), (mended.sha.clone(), None));
    all.adopt(&workspace, &mended).await.unwrap();
    all.push(&workspace, &mended.sha).await.unwrap();
    assert_eq!(git(&world.repo, &["branch", "--all", "--contains", &mended.sha]).lines().count(), 1);
    assert!(try_git(&world.repo, &["cat-file", "-e", &refused.sha]).0 != Some(0), "what was refused has not left");
}

#[tokio::test]
async fn a_workspace_that_goes_takes_what_is_in_quarantine_into_its_bundle() {
    let world = World::new();
    let workspace = world.prepare().await;
    write(&workspace.path, "new", "refused\n");
    let refused = world.workspaces.make_commit(&workspace, &commit_request()).await.unwrap().unwrap();
    world.workspaces.quarantine(&workspace, &refused).await.unwrap();
    git(&workspace.path, &["clean", "-fdq"]);
    let bundle = world.workspaces.remove(&workspace, Removal::Bundle).await.unwrap().bundle.unwrap();
    git(&world.repo, &["fetch", "-q", &bundle.display().to_string(), "refs/heads/windlass-quarantine:refs/heads/kept"]);
    assert_eq!(git(&world.repo, &["rev-parse", "kept"]), refused.sha);
}
