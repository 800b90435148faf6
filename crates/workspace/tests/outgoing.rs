//! What commits bring, read from real repositories.

mod common;

use std::ffi::OsStr;
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use common::{CommitAtOnce as _, World, commit_request, git, write, write_script};
use windlass_workspace::git::{Commitish, Git, Identity, Repository, WorkspaceError};
use windlass_workspace::outgoing::{CommitText, Content, FileVersion, Piece, Range};
use windlass_workspace::workspaces::ContentLimits;

fn repository(world: &World, folder: &Path) -> Repository {
    let git = Git::open(&world.path("git-home"), &std::env::var("PATH").unwrap(), Identity::default()).unwrap();
    Repository::around(git, folder).unwrap().unwrap()
}

fn head(repo: &Path) -> Commitish {
    Commitish::parse(&git(repo, &["rev-parse", "HEAD"])).unwrap()
}

async fn read(repository: &Repository, range: &Range, limits: ContentLimits) -> Result<Vec<Piece>, WorkspaceError> {
    let mut outgoing = repository.outgoing(range, limits).await?;
    let mut pieces = Vec::new();
    while let Some(piece) = outgoing.next().await? {
        pieces.push(piece);
    }
    Ok(pieces)
}

/// The pieces of what a person names, one line each: `subject` for a commit, ` path=content` for a file.
async fn told(world: &World, range: &str) -> Vec<String> {
    let repository = repository(world, &world.repo);
    let (range, _) = repository.range(range).await.unwrap().unwrap();
    read(&repository, &range, ContentLimits::default()).await.unwrap().iter().map(line).collect()
}

fn line(piece: &Piece) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
    match piece {
        Piece::Commit(CommitText { message, .. }) => text(message),
        Piece::File(FileVersion { path, content, .. }) => match content {
            Content::File(_, bytes) => format!(" {}={}", text(path), text(bytes)),
            Content::Link(_, target) => format!(" {}->{}", text(path), text(target)),
            Content::Submodule => format!(" {} submodule", text(path)),
            Content::Gone => format!(" {} gone", text(path)),
        },
    }
}

fn commit(world: &World, message: &str) -> Commitish {
    git(&world.repo, &["add", "-A"]);
    git(&world.repo, &["commit", "-q", "--allow-empty", "-m", message]);
    head(&world.repo)
}

/// Stores an object as it is given, whatever git thinks of it.
fn store(world: &World, kind: &str, bytes: &[u8]) -> String {
    let mut command = Command::new("git");
    command.args(["hash-object", "-t", kind, "-w", "--stdin", "--literally"]).current_dir(&world.repo);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(bytes).unwrap();
    String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn each_commit_gives_its_text_and_what_it_leaves_of_the_files_that_it_touches() {
    let world = World::new();
    write(&world.repo, "token.txt", "a secret");
    write(&world.repo, "name-a", "moved");
    commit(&world, "third\n\nwith a body");
    std::fs::remove_file(world.repo.join("token.txt")).unwrap();
    std::fs::rename(world.repo.join("name-a"), world.repo.join("name-b")).unwrap();
    commit(&world, "fourth");
    commit(&world, "empty");
    let expected = ["third\n\nwith a body", " name-a=moved", " token.txt=a secret", "fourth", " name-a gone", " name-b=moved"];
    assert_eq!(told(&world, "HEAD~3..HEAD").await, [&expected[..], &[" token.txt gone", "empty"]].concat());
    assert_eq!(told(&world, "HEAD~3..").await.len(), 8);
    assert_eq!(told(&world, "HEAD..HEAD").await, [""; 0]);
    assert_eq!(told(&world, "HEAD~1").await.len(), 4, "a commit by itself");
}

#[tokio::test]
async fn the_first_commit_brings_its_whole_tree_and_its_headers() {
    let world = World::new();
    assert_eq!(told(&world, "HEAD~1").await, ["first", " .gitignore=target/", " README.md=hello", " src/lib.rs=pub fn f() {}"]);
    let repository = repository(&world, &world.repo);
    let (range, base) = repository.range("HEAD").await.unwrap().unwrap();
    assert_eq!(base.unwrap().as_str(), git(&world.repo, &["rev-parse", "HEAD~1"]));
    let pieces = read(&repository, &range, ContentLimits::default()).await.unwrap();
    let Piece::Commit(text) = &pieces[0] else { panic!("{pieces:?}") };
    assert_eq!(text.sha, git(&world.repo, &["rev-parse", "HEAD"]));
    let headers = String::from_utf8_lossy(&text.headers).into_owned();
    assert!(headers.contains("author User <user@example.org>") && headers.contains("committer User <user@example.org>"), "{headers}");
}

#[tokio::test]
async fn a_merge_brings_what_it_has_of_none_of_its_parents() {
    let world = World::new();
    git(&world.repo, &["checkout", "-q", "-b", "side"]);
    write(&world.repo, "side.txt", "side");
    write(&world.repo, "both.txt", "theirs");
    commit(&world, "on side");
    git(&world.repo, &["checkout", "-q", "main"]);
    write(&world.repo, "main.txt", "main");
    write(&world.repo, "both.txt", "ours");
    commit(&world, "on main");
    common::try_git(&world.repo, &["merge", "-q", "side"]);
    write(&world.repo, "both.txt", "settled");
    write(&world.repo, "smuggled.txt", "in no parent");
    commit(&world, "merged");
    let merge = ["merged", " both.txt=settled", " smuggled.txt=in no parent"];
    assert_eq!(told(&world, "HEAD").await, merge);
    let all = told(&world, "HEAD~2..HEAD").await;
    assert_eq!(all.len(), 9, "{all:?}");
    assert_eq!(all[6..], merge);
    assert!(all.contains(&" side.txt=side".to_owned()) && all.contains(&" both.txt=ours".to_owned()), "{all:?}");
    let mut apart = told(&world, "side...HEAD~1").await;
    apart.retain(|line| !line.starts_with(' '));
    apart.sort();
    assert_eq!(apart, ["on main", "on side"]);
}

#[tokio::test]
async fn names_may_be_any_bytes() {
    let world = World::new();
    let hash = git(&world.repo, &["rev-parse", "HEAD"]);
    let names: [&[u8]; 7] = [b"new\nline", b"\xff\xfe", b"-rf", b":100644 100644 a b M", hash.as_bytes(), b" ", "ä".as_bytes()];
    for name in names {
        std::fs::write(world.repo.join(OsStr::from_bytes(name)), name).unwrap();
    }
    commit(&world, "odd");
    let repository = repository(&world, &world.repo);
    let range = Range::Commit(head(&world.repo));
    let mut outgoing = repository.outgoing(&range, ContentLimits::default()).await.unwrap();
    let mut found = Vec::new();
    while let Some(piece) = outgoing.next().await.unwrap() {
        if let Piece::File(FileVersion { path, content: Content::File(_, bytes), .. }) = piece {
            assert_eq!(outgoing.at(&head(&world.repo), &path).await.unwrap().as_ref(), Some(&bytes));
            assert_eq!(path, bytes);
            found.push(path);
        }
    }
    found.sort();
    let mut names = names.map(<[u8]>::to_vec);
    names.sort();
    assert_eq!(found, names);
    for none in [&b"none"[..], b"no\nne", b"../README.md", b"./README.md", b"", b"src", b"src/", b"/etc/passwd", b"README.md\0"] {
        assert_eq!(outgoing.at(&head(&world.repo), none).await.unwrap(), None, "{none:?}");
    }
    assert_eq!(outgoing.at(&head(&world.repo), b"README.md").await.unwrap().unwrap(), b"hello\nworld\n");
}

#[tokio::test]
async fn links_programs_submodules_and_binaries_are_what_they_are() {
    let world = World::new();
    std::os::unix::fs::symlink("/etc/passwd", world.repo.join("link")).unwrap();
    write_script(&world.repo.join("run.sh"), "#!/bin/sh\n");
    std::fs::write(world.repo.join("binary"), [0, 159, 146, 150, 0, b'\n']).unwrap();
    git(&world.repo, &["add", "-A"]);
    let other = "1111111111111111111111111111111111111111";
    git(&world.repo, &["update-index", "--add", "--cacheinfo", &format!("160000,{other},vendor/other")]);
    git(&world.repo, &["commit", "-q", "-m", "kinds"]);
    git(&world.repo, &["config", "diff.ignoreSubmodules", "all"]);
    let repository = repository(&world, &world.repo);
    let pieces = read(&repository, &Range::Commit(head(&world.repo)), ContentLimits::default()).await.unwrap();
    let files: Vec<&FileVersion> = pieces.iter().filter_map(|p| if let Piece::File(file) = p { Some(file) } else { None }).collect();
    let kinds: Vec<(&[u8], u32)> = files.iter().map(|file| (file.path.as_slice(), file.mode)).collect();
    let expected: [(&[u8], u32); 4] = [(b"binary", 0o100_644), (b"link", 0o120_000), (b"run.sh", 0o100_755), (b"vendor/other", 0o160_000)];
    assert_eq!(kinds, expected);
    assert!(matches!(&files[0].content, Content::File(_, bytes) if bytes == &[0, 159, 146, 150, 0, b'\n']));
    assert!(matches!(&files[1].content, Content::Link(_, target) if target == b"/etc/passwd"));
    assert_eq!(files[3].content, Content::Submodule);
}

#[tokio::test]
async fn the_same_content_is_given_once_for_each_path() {
    let world = World::new();
    write(&world.repo, "a", "one");
    commit(&world, "third");
    write(&world.repo, "a", "two");
    write(&world.repo, "b", "one");
    commit(&world, "fourth");
    write(&world.repo, "a", "one");
    commit(&world, "back");
    assert_eq!(told(&world, "HEAD~3..").await, ["third", " a=one", "fourth", " a=two", " b=one", "back"]);
}

#[tokio::test]
async fn what_is_too_large_or_too_much_is_an_error_and_never_left_out() {
    let world = World::new();
    write(&world.repo, "large.bin", &"x".repeat(5000));
    write(&world.repo, "small.bin", &"y".repeat(3000));
    commit(&world, "large");
    let (repository, range) = (repository(&world, &world.repo), Range::Commit(head(&world.repo)));
    let limits = |max_file_bytes, max_total_bytes, max_files| ContentLimits { max_file_bytes, max_total_bytes, max_files };
    let error = read(&repository, &range, limits(4999, 100_000, 10)).await.unwrap_err();
    assert!(matches!(&error, WorkspaceError::TooLarge { what, limit_bytes: 4999 } if what == "large.bin"), "{error}");
    let error = read(&repository, &range, limits(5000, 8000, 10)).await.unwrap_err();
    assert!(matches!(error, WorkspaceError::TooLarge { limit_bytes: 8000, .. }), "{error}");
    let error = read(&repository, &range, limits(5000, 100_000, 1)).await.unwrap_err();
    assert!(matches!(error, WorkspaceError::TooMany { limit: 1, .. }), "{error}");
    assert_eq!(read(&repository, &range, limits(5000, 100_000, 2)).await.unwrap().len(), 3);
    commit(&world, &"word ".repeat(2000));
    let error = read(&repository, &Range::Commit(head(&world.repo)), limits(5000, 100_000, 2)).await.unwrap_err();
    assert!(matches!(error, WorkspaceError::TooLarge { limit_bytes: 5000, .. }), "{error}");
}

#[tokio::test]
async fn an_object_that_is_missing_is_an_error() {
    let world = World::new();
    write(&world.repo, "lost", "lost");
    commit(&world, "lost");
    let blob = git(&world.repo, &["rev-parse", "HEAD:lost"]);
    std::fs::remove_file(world.repo.join(format!(".git/objects/{}/{}", &blob[..2], &blob[2..]))).unwrap();
    let (repository, range) = (repository(&world, &world.repo), Range::Commit(head(&world.repo)));
    let error = read(&repository, &range, ContentLimits::default()).await.unwrap_err();
    assert!(error.to_string().contains(&blob), "{error}");
    let tree = git(&world.repo, &["rev-parse", "HEAD^{tree}"]);
    std::fs::remove_file(world.repo.join(format!(".git/objects/{}/{}", &tree[..2], &tree[2..]))).unwrap();
    assert!(matches!(read(&repository, &range, ContentLimits::default()).await, Err(WorkspaceError::Git { .. })));
}

#[tokio::test]
async fn nothing_behind_a_zero_in_a_message_or_in_odd_headers_is_hidden() {
    let world = World::new();
    let (tree, parent) = (git(&world.repo, &["rev-parse", "HEAD^{tree}"]), git(&world.repo, &["rev-parse", "HEAD"]));
    let who = "A <a@b> 1700000000 +0000";
    let raw = format!("tree {tree}\nparent {parent}\nauthor {who}\ncommitter {who}\nx-note hidden there\n\nseen\0behind zero");
    let sha = store(&world, "commit", raw.as_bytes());
    let repository = repository(&world, &world.repo);
    let range = Range::between(head(&world.repo), Commitish::parse(&sha).unwrap());
    let pieces = read(&repository, &range, ContentLimits::default()).await.unwrap();
    let [Piece::Commit(text)] = pieces.as_slice() else { panic!("{pieces:?}") };
    assert_eq!(text.message, b"seen\0behind zero");
    assert!(String::from_utf8_lossy(&text.headers).contains("x-note hidden there"));
}

#[tokio::test]
async fn replacements_grafts_and_configuration_of_a_hostile_repository_hide_and_run_nothing() {
    let world = World::new();
    write(&world.repo, "token.txt", "a secret");
    commit(&world, "bad");
    std::fs::remove_file(world.repo.join("token.txt")).unwrap();
    commit(&world, "good");
    let expected = told(&world, "HEAD~2..").await;
    assert_eq!(expected, ["bad", " token.txt=a secret", "good", " token.txt gone"]);

    let (bad, base, tip) =
        (git(&world.repo, &["rev-parse", "HEAD~1"]), git(&world.repo, &["rev-parse", "HEAD~2"]), git(&world.repo, &["rev-parse", "HEAD"]));
    let (blob, harmless) = (git(&world.repo, &["rev-parse", "HEAD~1:token.txt"]), git(&world.repo, &["rev-parse", "HEAD:README.md"]));
    let range = format!("{base}..{tip}");
    git(&world.repo, &["replace", &blob, &harmless]);
    git(&world.repo, &["replace", "--graft", &tip, &base]);
    std::fs::write(world.repo.join(".git/info/grafts"), format!("{tip} {base}\n")).unwrap();
    let ran = world.path("ran");
    let trap = world.path("trap.sh");
    write_script(&trap, &format!("#!/bin/sh\ntouch {}\n", ran.display()));
    for key in [
        "core.fsmonitor",
        "core.pager",
        "diff.external",
        "diff.trap.textconv",
        "diff.trap.command",
        "filter.trap.clean",
        "filter.trap.smudge",
    ] {
        git(&world.repo, &["config", key, &trap.display().to_string()]);
    }
    git(&world.repo, &["config", "core.worktree", &world.path("workspaces").display().to_string()]);
    std::fs::write(world.repo.join(".git/info/attributes"), "* diff=trap filter=trap\n").unwrap();
    assert_eq!(told(&world, &range).await, expected, "{bad}");
    let repository = repository(&world, &world.repo);
    assert_eq!(repository.tree().unwrap(), world.repo);
    write(&world.repo, "new", "");
    let mut files = repository.files(Path::new("")).await.unwrap();
    files.sort();
    assert_eq!(files, [b".gitignore".to_vec(), b"README.md".to_vec(), b"new".to_vec(), b"src/lib.rs".to_vec()]);
    read(&repository, &Range::Staged { index: None }, ContentLimits::default()).await.unwrap();
    assert!(!ran.exists(), "a program of the repository was run");
}

#[tokio::test]
async fn what_is_staged_is_what_the_next_commit_would_bring() {
    let world = World::new();
    write(&world.repo, "staged", "staged");
    write(&world.repo, "README.md", "changed");
    git(&world.repo, &["add", "staged", "README.md"]);
    git(&world.repo, &["rm", "-q", "--cached", "src/lib.rs"]);
    write(&world.repo, "staged", "changed since");
    write(&world.repo, "untracked", "untracked");
    let repository = repository(&world, &world.repo.join("src"));
    let staged = async |index| {
        let pieces = read(&repository, &Range::Staged { index }, ContentLimits::default()).await.unwrap();
        pieces.iter().map(line).collect::<Vec<_>>()
    };
    assert_eq!(staged(None).await, [" README.md=changed", " src/lib.rs gone", " staged=staged"]);
    let other = world.repo.join("other-index");
    std::fs::copy(world.repo.join(".git/index"), &other).unwrap();
    git(&world.repo, &["reset", "-q"]);
    assert_eq!(staged(None).await, [""; 0]);
    assert_eq!(staged(Some(other)).await.len(), 3);
}

#[tokio::test]
async fn before_the_first_commit_everything_staged_is_new() {
    let world = World::new();
    let fresh = world.path("fresh");
    std::fs::create_dir(&fresh).unwrap();
    git(&fresh, &["init", "-q", "-b", "main"]);
    write(&fresh, "a", "one");
    git(&fresh, &["add", "a"]);
    let repository = repository(&world, &fresh);
    let pieces = read(&repository, &Range::Staged { index: None }, ContentLimits::default()).await.unwrap();
    assert_eq!(pieces.iter().map(line).collect::<Vec<_>>(), [" a=one"]);
    assert_eq!(repository.range("HEAD").await.unwrap(), None);
}

#[tokio::test]
async fn files_that_nobody_has_merged_yet_are_an_error() {
    let world = World::new();
    git(&world.repo, &["checkout", "-q", "-b", "side"]);
    write(&world.repo, "README.md", "theirs");
    commit(&world, "theirs");
    git(&world.repo, &["checkout", "-q", "main"]);
    write(&world.repo, "README.md", "ours");
    commit(&world, "ours");
    common::try_git(&world.repo, &["merge", "-q", "side"]);
    let repository = repository(&world, &world.repo);
    let error = read(&repository, &Range::Staged { index: None }, ContentLimits::default()).await.unwrap_err();
    assert!(error.to_string().contains("README.md"), "{error}");
}

#[tokio::test]
async fn a_range_is_read_as_a_person_writes_it() {
    let world = World::new();
    let repository = repository(&world, &world.repo.join("src"));
    let first = Commitish::parse(&git(&world.repo, &["rev-parse", "HEAD~1"])).unwrap();
    let whole = Range::between(first.clone(), head(&world.repo));
    for text in ["HEAD~1..HEAD", "main~1..", "main~1..main"] {
        assert_eq!(repository.range(text).await.unwrap(), Some((whole.clone(), Some(first.clone()))), "{text}");
    }
    assert_eq!(repository.range("HEAD~1").await.unwrap(), Some((Range::Commit(first.clone()), None)));
    for text in ["0..HEAD", "0000000000000000000000000000000000000000..main"] {
        let whole = Range::Commits { tips: vec![head(&world.repo)], without: Vec::new() };
        assert_eq!(repository.range(text).await.unwrap(), Some((whole, None)), "{text}");
    }
    assert_eq!(told(&world, "0..HEAD").await.len(), 6);
    let (_, base) = repository.range("HEAD~1...HEAD").await.unwrap().unwrap();
    assert_eq!(base, Some(first));
    for none in ["nope", "nope..HEAD", "HEAD..nope", "--all", "-x..HEAD", "HEAD:README.md", "a..b..c"] {
        assert_eq!(repository.range(none).await.unwrap(), None, "{none}");
    }
    let git = Git::open(&world.path("git-home"), &std::env::var("PATH").unwrap(), Identity::default()).unwrap();
    assert!(Repository::around(git, Path::new("/")).unwrap().is_none());
}

#[tokio::test]
async fn bare_repositories_and_linked_worktrees_are_read_too() {
    let world = World::new();
    let (bare, linked) = (world.path("bare.git"), world.path("linked"));
    git(&world.repo, &["clone", "-q", "--bare", ".", &bare.display().to_string()]);
    git(&world.repo, &["worktree", "add", "-q", "-b", "wt", &linked.display().to_string()]);
    for (folder, tree) in [(&bare, None), (&linked, Some(linked.as_path()))] {
        let repository = repository(&world, folder);
        assert_eq!(repository.tree(), tree);
        let (range, _) = repository.range("HEAD~1..HEAD").await.unwrap().unwrap();
        assert_eq!(read(&repository, &range, ContentLimits::default()).await.unwrap().len(), 2);
    }
}

#[tokio::test]
async fn a_workspace_gives_what_its_commits_bring_to_the_base() {
    let world = World::new();
    let workspace = world.prepare().await;
    write(&workspace.path, "new", "work\n");
    let commit = world.workspaces.commit(&workspace, &commit_request()).await.unwrap().unwrap();
    let repository = world.workspaces.repository(&workspace);
    let (base, tip) = (Commitish::parse(&workspace.base_commit).unwrap(), Commitish::parse(&commit.sha).unwrap());
    let pieces = read(&repository, &Range::between(base, tip), world.workspaces.limits()).await.unwrap();
    assert_eq!(pieces.len(), 2);
    assert!(matches!(&pieces[0], Piece::Commit(text) if text.sha == commit.sha && text.message.starts_with(b"Do the work\n")));
    assert_eq!(line(&pieces[1]), " new=work");
}

#[tokio::test]
async fn where_a_shallow_clone_ends_its_history_is_not_taken_for_whole() {
    let world = World::new();
    for n in 0..3 {
        write(&world.repo, "f", &n.to_string());
        commit(&world, &format!("commit {n}"));
    }
    let clone = world.path("shallow");
    let url = format!("file://{}", world.repo.display());
    git(&world.repo, &["clone", "-q", "--depth", "2", &url, clone.to_str().unwrap()]);
    let repository = repository(&world, &clone);
    let (range, _) = repository.range("0..HEAD").await.unwrap().unwrap();
    let refused = read(&repository, &range, ContentLimits::default()).await.unwrap_err();
    assert!(matches!(refused, WorkspaceError::Shallow { .. }) && refused.to_string().contains("--unshallow"), "{refused}");
    let (range, _) = repository.range("HEAD~1..HEAD").await.unwrap().unwrap();
    assert_eq!(read(&repository, &range, ContentLimits::default()).await.unwrap().len(), 2, "what is here whole can be read");
}
