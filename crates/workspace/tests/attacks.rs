//! What a hostile repository, agent or task may try, and that it comes to nothing. Numbers are those of the threat model.

mod common;

use std::os::unix::fs::symlink;
use std::path::Path;

use common::{ASSIGNMENT, CommitAtOnce as _, World, commit_request, git, snapshot, try_git, write, write_script};
use windlass_types::FailureKind;
use windlass_workspace::git::WorkspaceError;
use windlass_workspace::workspaces::{ChangeKind, RefMove, Removal, Source, Workspace};

/// Everything the engine does with a workspace after an agent worked in it.
async fn whole_cycle(world: &World, workspace: &Workspace) -> String {
    let all = &world.workspaces;
    all.audit_refs(workspace).await.unwrap();
    all.changes(workspace).await.unwrap();
    all.patch(workspace, &workspace.base_commit, None, 1 << 20).await.unwrap();
    let commit = all.commit(workspace, &commit_request()).await.unwrap().unwrap();
    all.push(workspace, &commit.sha).await.unwrap();
    all.commits(Source::Workspace(workspace), &workspace.base_commit, &commit.sha).await.unwrap();
    all.refresh(workspace).await.unwrap();
    all.reset(workspace).await.unwrap();
    assert_eq!(all.prepare(&world.request(ASSIGNMENT)).await.unwrap(), *workspace);
    commit.sha
}

/// Settings that make git run `marker` at every chance, with the attributes that name their drivers.
fn plant_settings(repo: &Path, marker: &Path) {
    let script = repo.join(".git/evil.sh");
    write_script(&script, &format!("#!/bin/sh\ntouch {}\ncat\n", marker.display()));
    let script = script.display().to_string();
    for (key, value) in [
        ("core.fsmonitor", script.as_str()),
        ("core.sshCommand", &script),
        ("core.pager", &script),
        ("core.editor", &script),
        ("core.alternateRefsCommand", &script),
        ("core.hooksPath", &repo.join(".git/hooks").display().to_string()),
        ("credential.helper", &format!("!{script}")),
        ("diff.external", &script),
        ("diff.evil.textconv", &script),
        ("diff.evil.command", &script),
        ("filter.evil.clean", &script),
        ("filter.evil.smudge", &script),
        ("filter.evil.process", &script),
        ("merge.evil.driver", &script),
        ("gpg.program", &script),
        ("commit.gpgSign", "true"),
        ("uploadpack.packObjectsHook", &script),
        ("sequence.editor", &script),
        ("receive.denyCurrentBranch", "updateInstead"),
        ("receive.autogc", "true"),
        ("gc.auto", "1"),
        ("trace2.eventTarget", &repo.join(".git/trace").display().to_string()),
    ] {
        git(repo, &["config", key, value]);
    }
    for hook in [
        "pre-commit",
        "commit-msg",
        "post-commit",
        "prepare-commit-msg",
        "pre-push",
        "post-checkout",
        "post-index-change",
        "reference-transaction",
        "fsmonitor-watchman",
        "pre-receive",
        "update",
        "post-receive",
        "post-update",
        "push-to-checkout",
        "proc-receive",
        "pre-auto-gc",
    ] {
        write_script(&repo.join(".git/hooks").join(hook), &format!("#!/bin/sh\ntouch {}\n", marker.display()));
    }
}

#[tokio::test]
async fn attack_26_a_repository_address_that_runs_something_is_refused() {
    let world = World::new();
    let marker = world.path("p");
    let m = marker.display();
    for address in [
        format!("ext::sh -c 'touch {m}'"),
        "fd::3".to_owned(),
        "file:///etc".to_owned(),
        "-uevil".to_owned(),
        format!("--upload-pack=touch {m}"),
        format!("ssh://-oProxyCommand=touch%20{m}/y"),
        format!("-oProxyCommand=touch {m}:y"),
    ] {
        let error = world.workspaces.inspect(&address, None).await.unwrap_err();
        assert!(matches!(error, WorkspaceError::BadAddress { .. }), "{address}");
        let mut request = world.request(ASSIGNMENT);
        request.repo = address;
        assert!(matches!(world.workspaces.prepare(&request).await, Err(WorkspaceError::BadAddress { .. })));
    }
    assert!(!marker.exists());
    assert_eq!(std::fs::read_dir(world.path("workspaces")).unwrap().count(), 0);
}

#[tokio::test]
async fn attack_26_an_address_that_the_repository_itself_redirects_is_not_followed() {
    let world = World::new();
    let workspace = world.prepare().await;
    let decoy = world.path("decoy.git");
    git(&world.repo, &["init", "-q", "--bare", &decoy.display().to_string()]);
    for repo in [&workspace.path, &world.repo] {
        git(repo, &["config", &format!("url.{}.insteadOf", decoy.display()), &world.repo.display().to_string()]);
        git(repo, &["config", &format!("url.{}.pushInsteadOf", decoy.display()), &world.repo.display().to_string()]);
    }
    write(&workspace.path, "new", "x");
    let sha = whole_cycle(&world, &workspace).await;
    assert_eq!(git(&world.repo, &["rev-parse", &workspace.branch]), sha);
    assert_eq!(git(&decoy, &["for-each-ref"]), "");
}

#[tokio::test]
async fn attack_27_a_branch_name_that_is_an_option_or_expression_is_refused() {
    let world = World::new();
    let repo = world.repo.display().to_string();
    for name in ["--force", "-x", "a..b", "a b", "a;touch x", "$(x)", "@{-1}", "refs/heads/x", "HEAD", "x.lock", "a\nb"] {
        assert!(matches!(world.workspaces.inspect(&repo, Some(name)).await, Err(WorkspaceError::BadBranch { .. })), "{name:?}");
        for branch in [true, false] {
            let mut request = world.request(ASSIGNMENT);
            *(if branch { &mut request.branch } else { &mut request.base_branch }) = name.to_owned();
            let error = world.workspaces.prepare(&request).await.unwrap_err();
            assert!(matches!(error, WorkspaceError::BadBranch { .. }), "{name:?}");
            assert_eq!(error.failure().kind, FailureKind::BadConfiguration);
        }
    }
    let mut request = world.request(ASSIGNMENT);
    request.base_commit = Some("--output=/tmp/x".into());
    assert!(matches!(world.workspaces.prepare(&request).await, Err(WorkspaceError::BadCommit(_))));
}

#[tokio::test]
async fn attack_28_29_hooks_and_settings_that_an_agent_planted_never_run() {
    let world = World::new();
    let workspace = world.prepare().await;
    let marker = world.path("marker");
    write(&workspace.path, ".gitattributes", "* filter=evil diff=evil merge=evil\n");
    write(&workspace.path, "README.md", "changed\n");
    plant_settings(&workspace.path, &marker);
    let elsewhere = world.path("elsewhere.cfg");
    std::fs::write(&elsewhere, format!("[core]\n\tfsmonitor = touch {}\n", marker.display())).unwrap();
    git(&workspace.path, &["config", "include.path", &elsewhere.display().to_string()]);
    // The trap works: the agent's own git springs it.
    try_git(&workspace.path, &["status"]);
    std::fs::remove_file(&marker).unwrap();
    let sha = whole_cycle(&world, &workspace).await;
    assert!(!marker.exists());
    assert_eq!(git(&world.repo, &["show", &format!("{sha}:README.md")]), "changed");
    // After the refresh nothing of it is left for the agent's own git either.
    assert_eq!(std::fs::read_dir(workspace.path.join(".git/hooks")).map_or(0, Iterator::count), 0);
    assert_eq!(try_git(&workspace.path, &["config", "--local", "core.fsmonitor"]).0, Some(1));
}

#[tokio::test]
async fn attack_28_29_hooks_and_settings_of_the_users_repository_never_run_either() {
    let world = World::new();
    write(&world.repo, ".gitattributes", "* filter=evil diff=evil\n");
    git(&world.repo, &["add", "-A"]);
    git(&world.repo, &["commit", "-q", "-m", "attributes"]);
    let marker = world.path("marker");
    plant_settings(&world.repo, &marker);
    try_git(&world.repo, &["status"]);
    std::fs::remove_file(&marker).unwrap();
    // Touched, so that looking for changes has to read it.
    write(&world.repo, "README.md", "edited\n");
    assert!(world.workspaces.inspect(&world.repo.display().to_string(), None).await.unwrap().dirty);
    let before = std::fs::read(world.repo.join(".git/index")).unwrap();
    let workspace = world.prepare().await;
    write(&workspace.path, "new", "x");
    let sha = whole_cycle(&world, &workspace).await;
    assert_eq!(world.workspaces.remove(&workspace, Removal::IfPushed).await.unwrap().bundle, None);
    assert!(!marker.exists());
    assert!(!world.repo.join(".git/trace").exists());
    assert_eq!(std::fs::read(world.repo.join(".git/index")).unwrap(), before);
    assert_eq!(std::fs::read_to_string(world.repo.join(".git/refs/heads").join(&workspace.branch)).unwrap().trim(), sha);
}

#[tokio::test]
async fn attack_29_settings_of_a_repository_inside_the_tree_never_run() {
    let world = World::new();
    let workspace = world.prepare().await;
    let marker = world.path("marker");
    let nested = workspace.path.join("vendor/nested");
    std::fs::create_dir_all(&nested).unwrap();
    git(&nested, &["init", "-q"]);
    write(&nested, "file", "x");
    git(&nested, &["add", "-A"]);
    git(&nested, &["commit", "-q", "-m", "nested"]);
    write(&nested, ".gitattributes", "* filter=evil\n");
    plant_settings(&nested, &marker);
    // And one where the base already has a file of that name.
    std::fs::remove_file(workspace.path.join("README.md")).unwrap();
    git(&workspace.path, &["init", "-q", "README.md"]);
    git(&workspace.path.join("README.md"), &["commit", "-q", "--allow-empty", "-m", "nested"]);
    plant_settings(&workspace.path.join("README.md"), &marker);
    try_git(&nested, &["status"]);
    std::fs::remove_file(&marker).unwrap();
    write(&nested, "file", "y");
    write(&workspace.path, "plain", "x");
    let changes = world.workspaces.changes(&workspace).await.unwrap();
    assert!(changes.files.iter().all(|file| !file.path.starts_with("vendor/nested/.git")), "{changes:?}");
    let sha = whole_cycle(&world, &workspace).await;
    assert!(!marker.exists());
    let listed = git(&world.repo, &["ls-tree", "-r", &sha]);
    assert!(listed.contains("plain") && !listed.contains("160000"), "{listed}");
}

#[tokio::test]
async fn attack_30_a_git_folder_that_was_re_pointed_is_refused() {
    let world = World::new();
    let others = world.path("others");
    git(&world.repo, &["clone", "-q", ".", &others.display().to_string()]);
    type Attack = Box<dyn Fn(&Path)>;
    let attacks: Vec<Attack> = vec![
        Box::new(|git| std::fs::remove_dir_all(git).unwrap()),
        Box::new(|git| {
            std::fs::remove_dir_all(git).unwrap();
            std::fs::write(git, "gitdir: ../../others/.git\n").unwrap();
        }),
        Box::new(|git| {
            std::fs::remove_dir_all(git).unwrap();
            symlink("/etc", git).unwrap();
        }),
        Box::new(|git| {
            std::fs::rename(git, git.with_extension("old")).unwrap();
            std::fs::create_dir(git).unwrap();
        }),
        Box::new(|git| {
            let tree = git.parent().unwrap();
            std::fs::rename(tree, tree.with_extension("old")).unwrap();
            symlink(tree.with_extension("old"), tree).unwrap();
        }),
    ];
    for (number, attack) in attacks.iter().enumerate() {
        let workspace = world.workspaces.prepare(&world.request(&format!("asg_0199000000007000800000000bad000{number}"))).await.unwrap();
        write(&workspace.path, "new", "x");
        attack(&workspace.path.join(".git"));
        let all = &world.workspaces;
        let errors = [
            all.audit_refs(&workspace).await.unwrap_err(),
            all.changes(&workspace).await.unwrap_err(),
            all.commit(&workspace, &commit_request()).await.unwrap_err(),
            all.prepare(&world.request(&workspace.assignment_id.to_string())).await.unwrap_err(),
        ];
        for error in errors {
            assert!(matches!(error, WorkspaceError::Tampered { .. }), "{number}: {error}");
            assert_eq!(error.failure().kind, FailureKind::WorkspaceTampered);
        }
    }
    // What the agent changed can still be saved when only its `.git` is gone.
    let workspace = world.workspaces.prepare(&world.request(ASSIGNMENT)).await.unwrap();
    write(&workspace.path, "new", "x");
    std::fs::remove_dir_all(workspace.path.join(".git")).unwrap();
    assert!(world.workspaces.remove(&workspace, Removal::Bundle).await.unwrap().bundle.unwrap().exists());
}

#[tokio::test]
async fn attack_31_a_submodule_is_not_fetched() {
    let world = World::new();
    let marker = world.path("marker");
    let commit = git(&world.repo, &["rev-parse", "HEAD"]);
    let modules = format!(
        "[submodule \"evil\"]\n\tpath = evil\n\turl = ext::sh -c 'touch {}'\n\tupdate = !touch {}\n",
        marker.display(),
        marker.display()
    );
    write(&world.repo, ".gitmodules", &modules);
    git(&world.repo, &["add", ".gitmodules"]);
    git(&world.repo, &["update-index", "--add", "--cacheinfo", &format!("160000,{commit},evil")]);
    git(&world.repo, &["commit", "-q", "-m", "submodule"]);
    git(&world.repo, &["config", "submodule.recurse", "true"]);
    let workspace = world.prepare().await;
    assert_eq!(std::fs::read_dir(workspace.path.join("evil")).unwrap().count(), 0);
    // An agent may fill the folder; the entry stays as it was.
    git(&workspace.path, &["init", "-q", "evil"]);
    git(&workspace.path.join("evil"), &["commit", "-q", "--allow-empty", "-m", "x"]);
    write(&workspace.path, "new", "x");
    let sha = whole_cycle(&world, &workspace).await;
    assert!(!marker.exists());
    assert!(git(&world.repo, &["ls-tree", &sha, "evil"]).contains(&commit));
}

#[tokio::test]
async fn attack_32_links_out_of_the_tree_are_content_and_are_never_followed() {
    let world = World::new();
    let workspace = world.prepare().await;
    let outside = world.path("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("lib.rs"), "secret").unwrap();
    symlink(&outside, workspace.path.join("out")).unwrap();
    symlink("README.md", workspace.path.join("in")).unwrap();
    // A folder of the base that became a link.
    std::fs::remove_dir_all(workspace.path.join("src")).unwrap();
    symlink(&outside, workspace.path.join("src")).unwrap();
    let before = snapshot(&outside);

    let changes = world.workspaces.changes(&workspace).await.unwrap();
    let mut seen: Vec<_> = changes.files.iter().map(|file| (file.path.as_str(), file.kind)).collect();
    seen.sort_unstable_by_key(|file| file.0);
    assert_eq!(
        seen,
        [("in", ChangeKind::Added), ("out", ChangeKind::Added), ("src", ChangeKind::Added), ("src/lib.rs", ChangeKind::Deleted)]
    );
    let patch = world.workspaces.patch(&workspace, &workspace.base_commit, None, 1 << 20).await.unwrap();
    assert!(!patch.text.contains("secret"));

    let all = &world.workspaces;
    for path in ["out/lib.rs", "src/lib.rs", "../../x", "/etc/passwd", "src", ".git/../../home/x", "/proc/self/environ"] {
        let read = all.read_file(&workspace, path, 1000).await;
        assert!(matches!(read, Err(WorkspaceError::Outside { .. }) | Ok(None)), "{path}: {read:?}");
        assert!(matches!(all.write_file(&workspace, path, b"x").await, Err(WorkspaceError::Outside { .. })), "{path}");
    }
    assert_eq!(all.read_file(&workspace, "in", 1000).await.unwrap().as_deref(), Some(b"hello\nworld\n".as_slice()));
    assert!(matches!(all.read_file(&workspace, "in", 3).await, Err(WorkspaceError::TooLarge { .. })));
    all.write_file(&workspace, "README.md", b"written").await.unwrap();
    assert_eq!(all.read_file(&workspace, "README.md", 1000).await.unwrap().as_deref(), Some(b"written".as_slice()));

    let commit = all.commit(&workspace, &commit_request()).await.unwrap().unwrap();
    let target = all.read_at(Source::Workspace(&workspace), &commit.sha, "out", 1000).await.unwrap().unwrap();
    assert_eq!(target, outside.display().to_string().into_bytes());
    assert_eq!(all.read_at(Source::Workspace(&workspace), &commit.sha, "out/lib.rs", 1000).await.unwrap(), None);
    all.reset(&workspace).await.unwrap();
    world.workspaces.remove(&workspace, Removal::Bundle).await.unwrap();
    assert_eq!(snapshot(&outside), before);
}

#[tokio::test]
async fn attack_32_a_pipe_in_place_of_a_file_does_not_block() {
    let world = World::new();
    let workspace = world.prepare().await;
    std::fs::remove_file(workspace.path.join("README.md")).unwrap();
    let made =
        std::process::Command::new("mkfifo").arg(workspace.path.join("README.md")).arg(workspace.path.join("pipe")).status().unwrap();
    assert!(made.success());
    assert!(matches!(world.workspaces.read_file(&workspace, "pipe", 10).await, Err(WorkspaceError::Outside { .. })));
    assert!(matches!(world.workspaces.write_file(&workspace, "pipe", b"x").await, Err(WorkspaceError::Outside { .. })));
    let changes = world.workspaces.changes(&workspace).await.unwrap();
    assert_eq!(changes.files.iter().map(|file| (file.path.as_str(), file.kind)).collect::<Vec<_>>(), [("README.md", ChangeKind::Deleted)]);
}

#[tokio::test]
async fn attack_33_refs_that_an_agent_moved_are_reported_and_go_nowhere() {
    let world = World::new();
    git(&world.repo, &["tag", "v1"]);
    let refs = git(&world.repo, &["for-each-ref"]);
    let workspace = world.prepare().await;
    assert_eq!(world.workspaces.audit_refs(&workspace).await.unwrap(), []);
    write(&workspace.path, "new", "x");
    git(&workspace.path, &["add", "-A"]);
    git(&workspace.path, &["commit", "-q", "-m", "mine"]);
    let mine = git(&workspace.path, &["rev-parse", "HEAD"]);
    git(&workspace.path, &["branch", "-f", "main", "HEAD"]);
    git(&workspace.path, &["tag", "v1"]);
    git(&workspace.path, &["update-ref", "-d", "refs/remotes/origin/main"]);
    git(&workspace.path, &["branch", "windlass/somebody-else"]);
    git(&workspace.path, &["pack-refs", "--all"]);
    let base = Some(workspace.base_commit.clone());
    let moved = |name: &str, before: Option<String>, after: Option<&String>| RefMove { name: name.into(), before, after: after.cloned() };
    let mut moves = world.workspaces.audit_refs(&workspace).await.unwrap();
    moves.sort_by(|a, b| a.name.cmp(&b.name));
    assert_eq!(
        moves,
        [
            moved("refs/heads/main", base.clone(), Some(&mine)),
            moved("refs/heads/windlass/somebody-else", None, Some(&mine)),
            moved("refs/remotes/origin/main", base, None),
            moved("refs/tags/v1", None, Some(&mine)),
        ]
    );
    let sha = whole_cycle(&world, &workspace).await;
    let own = format!("{sha} commit\trefs/heads/{}", workspace.branch);
    let after: Vec<String> = git(&world.repo, &["for-each-ref"]).lines().filter(|line| **line != own).map(str::to_owned).collect();
    assert_eq!(after, refs.lines().map(str::to_owned).collect::<Vec<_>>());
    assert_eq!(world.workspaces.audit_refs(&workspace).await.unwrap(), []);
    // The agent's own commit is nowhere: its content was taken, by the engine's commit.
    assert_ne!(try_git(&world.repo, &["cat-file", "-e", &mine]).0, Some(0));

    std::fs::remove_dir_all(workspace.path.join(".git/refs")).unwrap();
    symlink("/etc", workspace.path.join(".git/refs")).unwrap();
    assert!(matches!(world.workspaces.audit_refs(&workspace).await, Err(WorkspaceError::Tampered { .. })));
}

#[tokio::test]
async fn attack_34_text_of_an_agent_adds_no_trailer_to_a_commit() {
    let world = World::new();
    let workspace = world.prepare().await;
    write(&workspace.path, "new", "x");
    let mut request = commit_request();
    request.subject = "Fix\n\nCo-authored-by: Evil <e@x>\0".into();
    request.body = "why\n\nCo-authored-by: Evil <e@x>\n::set-output name=x::y\n\nSigned-off-by: Evil <e@x>".into();
    let commit = world.workspaces.commit(&workspace, &request).await.unwrap().unwrap();
    let trailers = git(&workspace.engine_git_dir, &["log", "-1", "--format=%(trailers:only)", &commit.sha]);
    assert_eq!(trailers, "Windlass-Attempt: att_1");
    let message = git(&workspace.engine_git_dir, &["log", "-1", "--format=%B", &commit.sha]);
    assert!(message.lines().all(|line| !line.starts_with("::") && !line.starts_with("Co-authored-by")), "{message}");
    assert_eq!(git(&workspace.engine_git_dir, &["log", "-1", "--format=%an <%ae>", &commit.sha]), "Windlass <windlass@localhost>");
}

#[tokio::test]
async fn paths_of_git_itself_and_odd_names_in_a_tree_do_no_harm() {
    let world = World::new();
    let workspace = world.prepare().await;
    for name in ["--help", "-rf", "$(touch x)", "a\nb", ":(exclude)README.md", "é", "sub/.gitignore", "\"q\"", "a\tb"] {
        write(&workspace.path, name, "x");
    }
    write(&workspace.path, "GIT~1/config", "[core]");
    // Nine: what is .git on some file systems is left out, here as in git itself.
    assert_eq!(world.workspaces.changes(&workspace).await.unwrap().files.len(), 9);
    whole_cycle(&world, &workspace).await;
}
