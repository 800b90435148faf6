//! `windlass scan`: files, commits, what is staged, and what allows.

use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Stdio;

use windlass_testkit::repo::{TempRepo, isolated_git};

use crate::environment::{Answer, Home};

/// A made-up secret: drawn here, so that no file of ours holds one.
fn secret(number: u64) -> String {
    const LETTERS: &[u8] = b"abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let drawn = (0..40).map(|_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(LETTERS[(state >> 33) as usize % LETTERS.len()])
    });
    ["sk", "_live_"].concat() + &drawn.collect::<String>()
}

/// Scans, in a folder.
fn scan_in(home: &Home, folder: &Path, args: &[&str]) -> Answer {
    let mut command = home.command(&[&["scan"], args].concat());
    Answer::of(command.current_dir(folder).output().expect("the binary runs"))
}

/// The places of its findings: all that is printed before the rule.
fn places(answer: &Answer) -> Vec<&str> {
    answer.out.lines().filter_map(|line| line.split(' ').next()).collect()
}

#[test]
fn a_folder_outside_any_repository_is_scanned_whole() {
    let home = Home::new();
    home.write("tree/conf/app.env", &format!("A=1\nKEY={}\n", secret(1)));
    home.write("tree/clean.txt", "nothing here\n");
    let answer = home.run(&["scan", "tree"]).code(6).says("1 secret in 2 files, ");
    assert!(answer.out.starts_with("tree/conf/app.env:2:5 stripe-secret-key sk_l**** (take it out"), "{answer:?}");
    assert_eq!(answer.out.lines().count(), 1);
    assert!(!answer.out.contains(&secret(1)) && !answer.err.contains(&secret(1)));
    home.run(&["scan", "tree/conf/app.env"]).code(6).says("1 secret in 1 file, ");
    let clean = home.run(&["scan", "./tree/clean.txt"]).code(0).says("no secrets in 1 file, 13 B");
    assert_eq!(clean.out, "");
    assert!(!home.data().exists(), "a scan makes nothing");
}

#[test]
fn what_makes_no_sense_is_refused_and_an_empty_place_is_called_empty() {
    let home = Home::new();
    home.run(&["scan"]).code(2).says("in no git repository").says("hint: ");
    home.run(&["scan", "--staged"]).code(2).says("in no git repository");
    home.run(&["scan", "nowhere"]).code(2).says("no file, commit or range \"nowhere\"");
    home.run(&["scan", "./nowhere"]).code(2).says("cannot read ./nowhere");
    home.run(&["scan", "--json", "--sarif", "."]).code(2);
    home.run(&["scan", "-", "--base", "HEAD"]).code(2);
    home.write("bad.toml", "[[allow]]\n");
    home.run(&["scan", ".", "--allow", "bad.toml"]).code(2).says("bad.toml: entry 1");
    std::fs::create_dir(home.path().join("empty")).expect("a folder");
    home.run(&["scan", "empty"]).code(0).says("nothing was scanned");
}

#[test]
fn standard_input_is_scanned() {
    let home = Home::new();
    let mut child =
        home.command(&["scan", "-"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    child.stdin.take().expect("a pipe").write_all(format!("one\ntwo {}\n", secret(2)).as_bytes()).expect("it reads");
    let answer = Answer::of(child.wait_with_output().expect("it ends")).code(6);
    assert_eq!(places(&answer), ["-:2:5"]);
}

#[test]
fn without_an_argument_the_repositorys_own_files_are_scanned_from_wherever_one_stands() {
    let home = Home::new();
    let repo = TempRepo::new().with_file(".gitignore", "build/\n").with_file("src/a.rs", "fn f() {}\n").commit("first");
    repo.write("build/out.env", &format!("KEY={}", secret(3)));
    repo.write("src/new.env", &format!("KEY={}", secret(4)));
    for folder in [repo.path().to_owned(), repo.path().join("src")] {
        let answer = scan_in(&home, &folder, &[]).code(6).says("1 secret in 3 files, ");
        assert_eq!(places(&answer), ["src/new.env:1:5"]);
    }
    assert_eq!(places(&scan_in(&home, repo.path(), &["src"])), ["src/new.env:1:5"]);
    assert_eq!(places(&scan_in(&home, repo.path(), &["build"])), ["build/out.env:1:5"], "what is named is scanned, ignored or not");
    scan_in(&home, repo.path(), &["src/a.rs"]).code(0);
}

#[test]
fn a_range_tells_the_commit_that_brings_a_secret_even_when_the_next_removes_it() {
    let home = Home::new();
    let repo = TempRepo::new().with_file("a", "1").commit("first");
    repo.write("app.env", &format!("KEY={}", secret(5)));
    let bad = repo.commit_all("oops");
    repo.git(&["rm", "--quiet", "app.env"]);
    repo.commit_all("better");
    scan_in(&home, repo.path(), &[]).code(0);
    let answer = scan_in(&home, repo.path(), &["HEAD~2..HEAD"]).code(6).says("1 secret in 1 file and 2 commits, ");
    assert!(answer.out.contains(&format!("app.env:1:5 stripe-secret-key sk_l**** in {} (revoke it", &bad[..12])), "{answer:?}");
    scan_in(&home, repo.path(), &[&bad]).code(6);
    scan_in(&home, repo.path(), &["HEAD"]).code(0).says("no secrets in 0 files and 1 commit, ");
    scan_in(&home, repo.path(), &["HEAD..HEAD"]).code(0).says("nothing was scanned");
    scan_in(&home, repo.path(), &["HEAD..nope"]).code(2);

    let json = scan_in(&home, repo.path(), &["--json", "main~2.."]).code(6).json();
    let finding = &json["findings"][0];
    assert_eq!((&json["commits"], &finding["path"], &finding["commit"]), (&2.into(), &"app.env".into(), &bad.into()));
    assert_eq!(finding["fingerprint"].as_str().map(str::len), Some(32));
    let sarif = scan_in(&home, repo.path(), &["--sarif", "main~2.."]).code(6).json();
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "stripe-secret-key");
    assert_eq!(scan_in(&home, repo.path(), &["--sarif", "HEAD"]).code(0).json()["runs"][0]["results"], serde_json::json!([]));
}

#[test]
fn a_name_that_is_a_file_and_a_revision_is_neither() {
    let home = Home::new();
    let repo = TempRepo::new().with_file("a", "1").commit("first");
    repo.write("main..HEAD", "harmless");
    repo.write("main", "harmless");
    for name in ["main..HEAD", "main"] {
        scan_in(&home, repo.path(), &[name]).code(2).says("is a file and a revision too").says("write ./main");
        scan_in(&home, repo.path(), &[&format!("./{name}")]).code(0).says("1 file");
    }
}

#[test]
fn what_is_allowed_comes_from_the_base_and_from_the_person() {
    let home = Home::new();
    let repo = TempRepo::new().with_file("a", "1").commit("first");
    let line = format!("KEY={} # windlass:allow-secret\n", secret(6));
    repo.write("own.env", &line);
    repo.write("listed.env", &secret(7));
    repo.write(".windlass/secrets-allow.toml", "[[allow]]\npath = \"listed.env\"\nreason = \"made up\"\n");
    scan_in(&home, repo.path(), &[]).code(0).says("no secrets in 4 files");
    assert_eq!(places(&scan_in(&home, repo.path(), &["--base", "HEAD"]).code(6)), ["listed.env:1:1", "own.env:1:5"]);
    repo.commit_all("second");
    scan_in(&home, repo.path(), &["HEAD~1.."]).code(6).says("2 secrets");
    scan_in(&home, repo.path(), &["HEAD~1..", "--base", "HEAD"]).code(0);
    scan_in(&home, repo.path(), &["HEAD~1..", "--base", "nope"]).code(2);
    let list = home.write("allow.toml", "[[allow]]\nrule = \"stripe-secret-key\"\n");
    scan_in(&home, repo.path(), &["HEAD~1..", "--allow", list.to_str().expect("UTF-8")]).code(0);

    let finding = &scan_in(&home, repo.path(), &["HEAD~1..", "--json"]).json()["findings"][0]["fingerprint"];
    let list = home.write("allow.toml", &format!("[[allow]]\nfingerprint = {finding}\n"));
    scan_in(&home, repo.path(), &["HEAD~1..", "--allow", list.to_str().expect("UTF-8")]).code(6).says("1 secret in");
}

#[test]
fn a_pre_commit_hook_stops_the_commit_of_a_secret_however_it_is_staged() {
    let home = Home::new();
    let repo = TempRepo::new().with_file("a.env", "A=1\n").commit("first");
    let hook = repo.write(".git/hooks/pre-commit", &format!("#!/bin/sh\nexec {} scan --staged\n", env!("CARGO_BIN_EXE_windlass")));
    std::fs::set_permissions(&hook, std::fs::Permissions::from_mode(0o755)).expect("it can be run");
    let commit = |args: &[&str]| {
        let mut git = isolated_git();
        git.args(["commit", "--quiet", "-m", "try"]).args(args).current_dir(repo.path()).env("HOME", home.path());
        Answer::of(git.output().expect("git runs"))
    };
    scan_in(&home, repo.path(), &["--staged"]).code(0).says("nothing was scanned");
    repo.write("a.env", &format!("KEY={}\n", secret(8)));
    // With `-a` and with a path git stages into an index of its own, which only its hook is told of.
    for args in [&["-a"][..], &["a.env"], &["-i", "a.env"]] {
        let answer = commit(args).code(1).says("1 secret in 1 file");
        assert!(answer.err.contains("a.env:1:5") || answer.out.contains("a.env:1:5"), "{answer:?}");
        assert!(!answer.err.contains(&secret(8)) && !answer.out.contains(&secret(8)));
    }
    repo.git(&["add", "a.env"]);
    repo.write("a.env", "A=2\n");
    assert_eq!(places(&scan_in(&home, repo.path(), &["--staged"]).code(6)), ["a.env:1:5"], "what is staged counts, not what is there now");
    commit(&[]).code(1);
    repo.write("a.env", &format!("KEY={} # windlass:allow-secret\n", secret(8)));
    commit(&["-a"]).code(1);
    repo.git(&["reset", "--quiet", "--hard"]);
    repo.write("a.env", "A=3\n");
    commit(&["-a"]).code(0);
}

#[test]
fn a_file_that_cannot_be_read_is_named_and_no_clean_end() {
    let home = Home::new();
    home.write("tree/a", "fine");
    let huge = std::fs::File::create(home.path().join("tree/huge")).expect("a file");
    huge.set_len(1 << 40).expect("a file of holes");
    home.run(&["scan", "tree"]).code(1).says("not scanned: ").says("tree/huge is larger than the limit").says("no secrets in 1 file");
    home.write("tree/b", &secret(10));
    home.run(&["scan", "tree"]).code(6).says("not scanned: ");
}

#[test]
fn names_that_move_cursors_do_not_reach_the_terminal() {
    let home = Home::new();
    home.write("tree/a\nb\x1b[2J.env", &format!("KEY={}", secret(9)));
    let answer = home.run(&["scan", "tree"]).code(6);
    assert_eq!(answer.out.lines().count(), 1, "{answer:?}");
    assert!(answer.out.starts_with("tree/a\\nb[2J.env:1:5 "), "{answer:?}");
}
