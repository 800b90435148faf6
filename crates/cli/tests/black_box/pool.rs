//! A large repository has a checked-out tree ready for the next assignment, and housekeeping knows of it.

use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::Duration;

use windlass_testkit::repo::TempRepo;
use windlass_testkit::wait::eventually_blocking as eventually;

use crate::daemon::Daemon;
use crate::environment::Home;

fn run(home: &Home, repo: &TempRepo) {
    let path = repo.path().to_str().expect("UTF-8");
    let args = ["run", "nothing", "--repo", path, "--program", "echo NOTHING_TO_CHANGE: seen", "--no-review", "--json"];
    assert_eq!(home.run(&args).code(0).json()["status"].as_str(), Some("complete"));
}

/// The trees that are ready.
fn ready(data: &Path) -> usize {
    let git_dirs = std::fs::read_dir(data.join("pool")).into_iter().flatten().flatten();
    git_dirs.filter(|git_dir| git_dir.path().join("ready.json").exists()).count()
}

fn tree(data: &Path) -> u64 {
    let trees = std::fs::read_dir(data.join("workspaces/.pool")).expect("the pool");
    trees.flatten().next().expect("a tree").metadata().expect("its inode").ino()
}

#[test]
fn a_large_repository_has_a_tree_ready_that_goes_first_when_room_is_wanted() {
    let (home, repo) = (Home::new(), TempRepo::failing_check());
    for n in 0..5_000 {
        let folder = repo.path().join(format!("many/{}", n / 100));
        std::fs::create_dir_all(&folder).expect("a folder");
        std::fs::write(folder.join(n.to_string()), "x").expect("a file");
    }
    repo.commit_all("many files");
    home.configure("[workspaces]\nmin_free_bytes = 0\n");
    let daemon = Daemon::up(&home);
    run(&home, &repo);
    eventually("a tree is ready", Duration::from_mins(1), || (ready(&home.data()) == 1).then_some(()));
    let first = tree(&home.data());
    run(&home, &repo);
    eventually("another is ready", Duration::from_mins(1), || (ready(&home.data()) == 1).then_some(()));
    assert_ne!(tree(&home.data()), first, "the first was taken");
    let before = home.run(&["housekeeping", "--dry-run", "--json"]).code(0).json();
    assert_eq!(before["removed"]["pool_trees"].as_u64(), Some(0), "{before:#}");
    let taken = before["workspace_bytes"].as_u64().expect("bytes");
    drop(daemon);

    // With less room than all of it takes, the tree goes before the workspaces.
    home.configure(&format!("[workspaces]\nmin_free_bytes = 0\nmax_bytes = {}\n", taken - 1));
    let daemon = Daemon::up(&home);
    let dry = home.run(&["housekeeping", "--dry-run", "--json"]).code(0).json();
    let run_now = home.run(&["housekeeping", "--run-now", "--json"]).code(0).json();
    for run in [&dry, &run_now] {
        let removed = &run["removed"];
        assert_eq!((removed["pool_trees"].as_u64(), removed["workspaces"].as_u64()), (Some(1), Some(0)), "{run:#}");
    }
    assert_eq!(ready(&home.data()), 0);
    drop(daemon);

    // What a kill leaves half made is gone after the next start.
    let half_made = home.data().join("pool/repo-0123.0.git");
    std::fs::create_dir_all(&half_made).expect("a folder");
    let _daemon = Daemon::up(&home);
    eventually("it is gone", Duration::from_mins(1), || (!half_made.exists()).then_some(()));
}
