//! Secrets in commits and in files, and what the base allows.

mod common;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use common::{CommitAtOnce as _, World, commit_request, git, secret, write};
use windlass_secrets::{AllowList, Allowed, Scanner};
use windlass_workspace::git::{Commitish, Git, Identity, Repository};
use windlass_workspace::outgoing::Range;
use windlass_workspace::scan::{ALLOW_LIST, HEADERS, MESSAGE, OnDisk, Report, ScanError, scan_files, scan_range, walk};
use windlass_workspace::workspaces::ContentLimits;

fn repository(world: &World) -> Repository {
    let git = Git::open(&world.path("git-home"), &std::env::var("PATH").unwrap(), Identity::default()).unwrap();
    Repository::around(git, &world.repo).unwrap().unwrap()
}

fn commit(world: &World, message: &str) -> Commitish {
    git(&world.repo, &["add", "-A"]);
    git(&world.repo, &["commit", "-q", "--allow-empty", "-m", message]);
    Commitish::parse(&git(&world.repo, &["rev-parse", "HEAD"])).unwrap()
}

async fn scan(world: &World, range: &str) -> Result<Report, ScanError> {
    let repository = repository(world);
    let (range, base) = repository.range(range).await.unwrap().unwrap();
    let scanner = Scanner::new().unwrap();
    scan_range(&repository, &range, base.as_ref(), &scanner, Allowed::nothing(), ContentLimits::default()).await
}

async fn scan_staged(world: &World) -> Report {
    let repository = repository(world);
    let (range, head) = (Range::Staged { index: None }, repository.commit("HEAD").await.unwrap());
    let scanner = Scanner::new().unwrap();
    scan_range(&repository, &range, head.as_ref(), &scanner, Allowed::nothing(), ContentLimits::default()).await.unwrap()
}

/// Where its findings are: `commit subject: path:line`.
fn places(world: &World, report: &Report) -> Vec<String> {
    let place = |at: &windlass_workspace::scan::FindingAt| {
        let subject = at.commit.as_ref().map(|commit| git(&world.repo, &["log", "-1", "--format=%s", commit]) + ": ").unwrap_or_default();
        format!("{subject}{}:{}", at.finding.path, at.finding.line)
    };
    report.findings.iter().map(place).collect()
}

#[tokio::test]
async fn a_secret_that_one_commit_adds_and_the_next_removes_is_found_and_never_shown() {
    let world = World::new();
    write(&world.repo, "conf/app.env", &format!("A=1\nKEY={}\n", secret(1)));
    commit(&world, "oops");
    std::fs::remove_file(world.repo.join("conf/app.env")).unwrap();
    commit(&world, "better");
    let report = scan(&world, "HEAD~2..").await.unwrap();
    assert_eq!(places(&world, &report), ["oops: conf/app.env:2"]);
    assert_eq!((report.commits, report.files, report.left_out), (2, 1, 0));
    assert!(report.bytes > 40);
    assert!(!format!("{report:?}").contains(&secret(1)));
    assert!(scan(&world, "HEAD~1..").await.unwrap().findings.is_empty());
}

#[tokio::test]
async fn messages_headers_names_links_and_merges_are_looked_through() {
    let world = World::new();
    git(&world.repo, &["checkout", "-q", "-b", "side"]);
    write(&world.repo, &format!("{}.txt", secret(2)), "its name is one");
    std::os::unix::fs::symlink(secret(3), world.repo.join("link")).unwrap();
    commit(&world, &format!("side\n\nthe key is {}", secret(4)));
    git(&world.repo, &["checkout", "-q", "main"]);
    git(&world.repo, &["-c", &format!("user.name={}", secret(5)), "commit", "-q", "--allow-empty", "-m", "by whom"]);
    git(&world.repo, &["merge", "-q", "--no-commit", "side"]);
    write(&world.repo, "smuggled", &secret(6));
    commit(&world, "merged");
    git(&world.repo, &["rm", "-qr", "."]);
    commit(&world, "all gone");
    let report = scan(&world, "HEAD~3..").await.unwrap();
    let mut found = places(&world, &report);
    found.sort();
    assert_eq!(found.len(), 6, "{found:?}");
    assert!(found[0].starts_with("by whom") && found[0].contains(HEADERS), "{found:?}");
    assert_eq!(found[2], "merged: smuggled:1");
    assert!(found.contains(&format!("side: {MESSAGE}:3")) && found.contains(&"side: link:1".to_owned()), "{found:?}");
    assert!((2..7).all(|n| !format!("{report:?}").contains(&secret(n))));
}

#[tokio::test]
async fn a_file_that_keeps_its_secret_is_told_once() {
    let world = World::new();
    for n in 0..4 {
        write(&world.repo, "a.env", &format!("KEY={}\nN={n}\n", secret(7)));
        commit(&world, &format!("change {n}"));
    }
    write(&world.repo, "b.env", &format!("KEY={}\nOTHER={}\n", secret(7), secret(7)));
    commit(&world, "elsewhere");
    let report = scan(&world, "HEAD~5..").await.unwrap();
    assert_eq!(places(&world, &report), ["change 0: a.env:1", "elsewhere: b.env:1", "elsewhere: b.env:2"]);
}

#[tokio::test]
async fn what_the_base_allows_is_allowed_and_what_the_branch_allows_itself_is_not() {
    let world = World::new();
    write(&world.repo, "src/fake.rs", &format!("const A: &str = \"{}\"; // windlass:allow-secret\n", secret(8)));
    write(&world.repo, ".windlass/secrets-allow.toml", "[[allow]]\npath = \"fixtures/**\"\nreason = \"made up\"\n");
    commit(&world, "base");
    write(&world.repo, "src/fake.rs", &format!("// moved down\nconst A: &str = \"{}\";\n", secret(8)));
    write(&world.repo, "fixtures/a.txt", &secret(9));
    commit(&world, "allowed");
    assert_eq!(places(&world, &scan(&world, "HEAD~1..").await.unwrap()), [""; 0]);

    let line = |n| format!("const B: &str = \"{}\"; // windlass:allow-secret\n", secret(n));
    write(&world.repo, "src/fake.rs", &(line(8) + &line(10)));
    write(&world.repo, "src/other.rs", &line(8));
    write(&world.repo, "own.txt", &secret(11));
    write(&world.repo, ".windlass/secrets-allow.toml", "[[allow]]\npath = \"**\"\n");
    commit(&world, "itself");
    let report = scan(&world, "HEAD~2..").await.unwrap();
    assert_eq!(places(&world, &report), ["itself: own.txt:1", "itself: src/fake.rs:2", "itself: src/other.rs:1"]);
}

#[tokio::test]
async fn a_secret_that_the_base_has_in_the_same_file_is_not_brought_again_wherever_it_moves() {
    let world = World::new();
    write(&world.repo, "a.env", &format!("A={}\nB={}\nC=1\n", secret(20), secret(21)));
    commit(&world, "base");
    write(&world.repo, "a.env", &format!("C=2\n\nB={}\nA={}\nD={}\n", secret(21), secret(20), secret(22)));
    commit(&world, "moved lines, and one more");
    assert_eq!(places(&world, &scan(&world, "HEAD~1..").await.unwrap()), ["moved lines, and one more: a.env:5"]);

    write(&world.repo, "a.env", &format!("A={0}\nB={0}\n", secret(20)));
    git(&world.repo, &["add", "-A"]);
    // The base of what is staged is HEAD.
    assert_eq!(places(&world, &scan_staged(&world).await), ["a.env:2"], "it is there more often");
    commit(&world, "twice");
    assert_eq!(places(&world, &scan(&world, "HEAD~1..").await.unwrap()), ["twice: a.env:2"]);
    assert_eq!(scan(&world, "0..HEAD").await.unwrap().findings.len(), 3, "without a base everything is brought");
}

#[tokio::test]
async fn a_secret_of_the_base_that_is_copied_is_brought_and_one_that_is_renamed_is_not() {
    let world = World::new();
    let lines: String = (0..40).map(|n| "LINE=".to_owned() + &n.to_string() + "\n").collect();
    write(&world.repo, "a.env", &format!("{lines}KEY={}\n", secret(23)));
    commit(&world, "base");
    write(&world.repo, "copy.env", &format!("{lines}KEY={}\n", secret(23)));
    commit(&world, "copied");
    assert_eq!(places(&world, &scan(&world, "HEAD~1..").await.unwrap()), ["copied: copy.env:41"]);
    git(&world.repo, &["reset", "-q", "--hard", "HEAD~1"]);

    git(&world.repo, &["mv", "a.env", "b.env"]);
    write(&world.repo, "b.env", &format!("NEW=1\n{lines}KEY={}\n", secret(23)));
    git(&world.repo, &["add", "-A"]);
    assert_eq!(places(&world, &scan_staged(&world).await), [""; 0]);
    commit(&world, "renamed");
    write(&world.repo, "b.env", &format!("{lines}KEY={}\nOTHER={}\n", secret(23), secret(24)));
    commit(&world, "and again");
    git(&world.repo, &["mv", "b.env", "c.env"]);
    write(&world.repo, "second.env", &format!("KEY={}\n", secret(23)));
    commit(&world, "one name more, and a copy");
    let report = scan(&world, "HEAD~3..").await.unwrap();
    assert_eq!(
        places(&world, &report),
        ["and again: b.env:42", "one name more, and a copy: c.env:42", "one name more, and a copy: second.env:1"]
    );

    git(&world.repo, &["reset", "-q", "--hard", "HEAD~3"]);
    git(&world.repo, &["mv", "a.env", &format!("{}.env", secret(25))]);
    commit(&world, "a name");
    let report = scan(&world, "HEAD~1..").await.unwrap();
    assert_eq!(report.findings.len(), 1, "the new name itself is brought");
    assert!(!format!("{report:?}").contains(&secret(25)));
    git(&world.repo, &["rm", "-q", "*.env"]);
    commit(&world, "gone");
    assert_eq!(places(&world, &scan(&world, "HEAD~1..").await.unwrap()), [""; 0], "a name that the base has is not brought by going");
}

#[tokio::test]
async fn a_thousand_secrets_of_the_base_do_not_hide_the_one_that_is_new() {
    let world = World::new();
    let old: String = (100..1600).map(|n| secret(n) + "\n").collect();
    write(&world.repo, "many", &old);
    commit(&world, "base");
    write(&world.repo, "many", &format!("{old}{}\n", secret(26)));
    commit(&world, "one more");
    assert_eq!(places(&world, &scan(&world, "HEAD~1..").await.unwrap()), ["one more: many:1501"]);
}

#[tokio::test]
async fn a_list_of_the_base_that_cannot_be_used_is_an_error() {
    let world = World::new();
    for (list, says) in [(&b"[[allow]]\n"[..], "names no fingerprint"), (b"\xff", "not UTF-8")] {
        std::fs::create_dir_all(world.repo.join(".windlass")).unwrap();
        std::fs::write(world.repo.join(".windlass/secrets-allow.toml"), list).unwrap();
        commit(&world, "base");
        commit(&world, "next");
        let error = scan(&world, "HEAD~1..").await.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[tokio::test]
async fn a_flood_of_findings_is_counted_and_not_kept() {
    let world = World::new();
    for file in 0..12 {
        let lines: String = (0..1000).map(|n| secret(1000 * file + n + 1) + "\n").collect();
        write(&world.repo, &format!("flood{file}"), &lines);
    }
    commit(&world, "flood");
    let report = scan(&world, "HEAD").await.unwrap();
    // Some that are drawn do not look random enough.
    assert_eq!(report.findings.len(), 10_000);
    assert!((1900..=2000).contains(&report.left_out), "{}", report.left_out);
}

#[tokio::test]
async fn a_workspace_is_scanned_as_it_would_be_pushed() {
    let world = World::new();
    let workspace = world.prepare().await;
    write(&workspace.path, "new", &secret(12));
    let commit = world.workspaces.commit(&workspace, &commit_request()).await.unwrap().unwrap();
    let (base, tip) = (Commitish::parse(&workspace.base_commit).unwrap(), Commitish::parse(&commit.sha).unwrap());
    let (repository, scanner) = (world.workspaces.repository(&workspace), Scanner::new().unwrap());
    let (range, limits) = (Range::between(base.clone(), tip), world.workspaces.limits());
    let report = scan_range(&repository, &range, Some(&base), &scanner, Allowed::nothing(), limits).await.unwrap();
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.findings[0].commit.as_deref(), Some(commit.sha.as_str()));
    let small = ContentLimits { max_file_bytes: 10, ..limits };
    let error = scan_range(&repository, &range, Some(&base), &scanner, Allowed::nothing(), small).await.unwrap_err();
    assert!(matches!(error, ScanError::Workspace(_)), "{error}");
}

fn on_disk(top: &Path, files: Vec<PathBuf>) -> Vec<OnDisk> {
    files.into_iter().map(|at| OnDisk { path: at.strip_prefix(top).unwrap().to_owned(), at }).collect()
}

#[tokio::test]
async fn files_on_disk_are_their_own_base_unless_another_is_named() {
    let world = World::new();
    let (scanner, limits) = (Scanner::new().unwrap(), ContentLimits::default());
    write(&world.repo, "known.txt", &format!("{} # windlass:allow-secret\n", secret(13)));
    write(&world.repo, ".windlass/secrets-allow.toml", "[[allow]]\npath = \"fixtures/**\"\n");
    let base = commit(&world, "base");
    write(&world.repo, "new.txt", &format!("{} # windlass:allow-secret\n", secret(14)));
    write(&world.repo, "plain.txt", &secret(15));
    write(&world.repo, "fixtures/a", &secret(16));
    std::os::unix::fs::symlink(secret(17), world.repo.join("link")).unwrap();
    let files = on_disk(&world.repo, walk(&world.repo, limits).unwrap());
    assert!(files.iter().all(|file| !file.path.starts_with(".git")));

    let own = scan_files(files.clone(), None, &scanner, Allowed::nothing(), limits).await.unwrap();
    assert_eq!(places(&world, &own), ["fixtures/a:1", "link:1", "plain.txt:1"]);
    assert_eq!(own.files, files.len() as u64);
    let repository = repository(&world);
    let from_base = scan_files(files.clone(), Some((&repository, &base)), &scanner, Allowed::nothing(), limits).await.unwrap();
    assert_eq!(places(&world, &from_base), ["link:1", "new.txt:1", "plain.txt:1"]);
    let list = AllowList::parse("[[allow]]\npath = \"*.txt\"\n[[allow]]\npath = \"link\"\n[[allow]]\npath = \"fixtures/*\"").unwrap();
    let listed = scan_files(files, None, &scanner, Allowed::nothing().with_list(list), limits).await.unwrap();
    assert_eq!(places(&world, &listed), [""; 0]);
}

#[tokio::test]
async fn files_that_cannot_be_read_whole_are_named() {
    let world = World::new();
    let (scanner, limits) = (Scanner::new().unwrap(), ContentLimits { max_file_bytes: 20, ..ContentLimits::default() });
    write(&world.repo, "large", &"x".repeat(21));
    write(&world.repo, "fits", &"x".repeat(20));
    let files = ["large", "fits", "gone", "src"].map(|name| OnDisk { at: world.repo.join(name), path: name.into() });
    let report = scan_files(files.to_vec(), None, &scanner, Allowed::nothing(), limits).await.unwrap();
    assert_eq!((report.files, report.bytes, report.unread.len()), (1, 20, 1));
    assert!(report.unread[0].contains("large is larger than the limit of 20 bytes"), "{:?}", report.unread);
    assert!(walk(&world.repo, ContentLimits { max_files: 3, ..limits }).is_err());
}

#[tokio::test]
#[allow(clippy::print_stderr, reason = "a skip is said")]
async fn this_repository_holds_no_secret_but_those_that_its_list_allows_and_the_list_allows_no_more() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap();
    if !top.join(".git").exists() {
        eprintln!("SKIPPED: this is no clone of the repository, so there is no telling which files are its own");
        return;
    }
    let tracked = git(&top, &["-c", "core.quotePath=false", "ls-files"]);
    let files = on_disk(&top, tracked.lines().map(|path| top.join(path)).collect());
    let (scanner, limits) = (Scanner::new().unwrap(), ContentLimits::default());
    let all = scan_files(files.clone(), None, &scanner, Allowed::nothing(), limits).await.unwrap();
    let text = std::fs::read_to_string(top.join(ALLOW_LIST)).unwrap();
    let allowed = Allowed::nothing().with_list(AllowList::parse(&text).unwrap());
    let report = scan_files(files, None, &scanner, allowed, limits).await.unwrap();
    assert_eq!(places(&World::new(), &report), [""; 0]);
    assert!(report.files > 500 && report.unread.is_empty(), "{report:?}");
    let needed: BTreeSet<_> = all.findings.iter().map(|at| (&at.finding.path, at.finding.rule)).collect();
    assert_eq!(text.matches("[[allow]]").count(), needed.len(), "an entry that nothing needs, or one too broad: {needed:?}");
}
