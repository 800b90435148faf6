//! The pool of checked-out trees, with real git.

mod common;

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use common::{ASSIGNMENT, World, git, write, write_script};
use windlass_types::Timestamp;
use windlass_workspace::workspaces::{PoolPolicy, Removal, Workspace, Workspaces};

const NOW: Timestamp = Timestamp(1_700_000_000_123);
const ROOM: u64 = u64::MAX;

/// Something that is put into a ready tree, and how.
type Plant = (&'static str, fn(&Path));

fn id(number: u32) -> String {
    format!("asg_01990000000070008000000000{number:06}")
}

/// Workspaces with a pool, and one that was made while there was nothing in it.
async fn with_pool(world: &World, size: u32) -> (Workspaces, Workspace) {
    let pooled = world.workspaces.clone().with_pool(PoolPolicy { size, min_files: 3 });
    let first = pooled.prepare(&world.request(ASSIGNMENT)).await.unwrap();
    (pooled, first)
}

/// The trees that are in the pool, ready or not.
fn trees(world: &World) -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(world.path("workspaces/.pool")).into_iter().flatten().flatten().map(|e| e.path()).collect();
    found.sort();
    found
}

fn git_dirs(world: &World) -> Vec<PathBuf> {
    let folders = std::fs::read_dir(world.path("data/pool")).unwrap().flatten().map(|e| e.path());
    folders.filter(|path| path.is_dir()).collect()
}

fn inode(path: &Path) -> u64 {
    path.symlink_metadata().unwrap().ino()
}

/// Everything below a folder but the times and the index, with the branch's own name left out.
fn content(folder: &Path, workspace: &Workspace) -> BTreeMap<String, (u32, String)> {
    let mut all = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap().flatten() {
            let meta = entry.metadata().unwrap();
            let name = entry.path().strip_prefix(folder).unwrap().display().to_string();
            let own = |text: &str| {
                let text = text.replace(&workspace.engine_git_dir.display().to_string(), "ENGINE");
                text.replace(workspace.branch.strip_prefix("windlass/").unwrap(), "OWN")
            };
            if meta.is_dir() {
                folders.push(entry.path());
            } else if entry.file_name() != "index" && entry.file_name() != "windlass.json" {
                let text = String::from_utf8(std::fs::read(entry.path()).unwrap()).unwrap();
                all.insert(own(&name), (meta.mode(), own(&text)));
            }
        }
    }
    all
}

#[tokio::test]
async fn a_tree_from_the_pool_is_what_a_fresh_checkout_is() {
    let world = World::new();
    write_script(&world.repo.join("run.sh"), "#!/bin/sh\n");
    std::os::unix::fs::symlink("README.md", world.repo.join("link")).unwrap();
    git(&world.repo, &["add", "-A"]);
    git(&world.repo, &["commit", "-q", "-m", "third"]);
    let (pooled, first) = with_pool(&world, 1).await;
    assert_eq!(pooled.fill_pool(&first, NOW, ROOM).await.unwrap(), 1);
    assert_eq!(pooled.fill_pool(&first, NOW, ROOM).await.unwrap(), 0, "it is full");
    let ready = trees(&world).remove(0);
    let (tree, file) = (inode(&ready), inode(&ready.join("src/lib.rs")));

    let taken = pooled.prepare(&world.request(&id(1))).await.unwrap();
    assert_eq!((inode(&taken.path), inode(&taken.path.join("src/lib.rs"))), (tree, file));
    assert_eq!((trees(&world), git_dirs(&world)), (vec![], vec![]), "it is the workspace's alone");
    let fresh = world.workspaces.prepare(&world.request(&id(2))).await.unwrap();
    assert_ne!(inode(&fresh.path), tree);

    for question in
        ["status --porcelain=v2 --ignored", "ls-files --stage -v", "config --list --local", "log --format=%H", "fsck --no-progress"]
    {
        let args: Vec<&str> = question.split(' ').collect();
        assert_eq!(git(&taken.path, &args), git(&fresh.path, &args), "{question}");
    }
    assert_eq!(content(&taken.path, &taken), content(&fresh.path, &fresh));
    assert_eq!(content(&taken.engine_git_dir, &taken), content(&fresh.engine_git_dir, &fresh));
    assert_eq!(pooled.audit_refs(&taken).await.unwrap(), []);
    assert!(pooled.changes(&taken).await.unwrap().is_empty());
    assert_eq!(taken.path.metadata().unwrap().mode(), fresh.path.metadata().unwrap().mode());
}

#[tokio::test]
async fn a_pool_of_zero_is_off_and_small_repositories_and_full_disks_have_none() {
    let world = World::new();
    let (pooled, first) = with_pool(&world, 1).await;
    for none in [PoolPolicy { size: 0, min_files: 0 }, PoolPolicy { size: 1, min_files: 4 }] {
        assert_eq!(pooled.clone().with_pool(none).fill_pool(&first, NOW, ROOM).await.unwrap(), 0);
    }
    assert_eq!(world.workspaces.fill_pool(&first, NOW, ROOM).await.unwrap(), 0, "off unless it is wanted");
    assert_eq!(pooled.fill_pool(&first, NOW, 1000).await.unwrap(), 0, "a tree takes more");
    assert_eq!((trees(&world), git_dirs(&world)), (vec![], vec![]));

    pooled.fill_pool(&first, NOW, ROOM).await.unwrap();
    world.workspaces.prepare(&world.request(&id(1))).await.unwrap();
    assert_eq!(trees(&world).len(), 1, "who has no pool takes nothing of it");
    assert_eq!(world.workspaces.tidy_pools().await.unwrap(), 1);
    assert_eq!((trees(&world), git_dirs(&world)), (vec![], vec![]), "what is more than the pool may hold goes at the start");
}

#[tokio::test]
async fn workspaces_prepared_at_once_take_different_trees() {
    let world = World::new();
    let (pooled, first) = with_pool(&world, 2).await;
    assert_eq!(pooled.fill_pool(&first, NOW, ROOM).await.unwrap(), 2);
    let ready: Vec<u64> = trees(&world).iter().map(|tree| inode(tree)).collect();
    let mut all = tokio::task::JoinSet::new();
    for number in 0..4 {
        let (pooled, request) = (pooled.clone(), world.request(&id(number)));
        all.spawn(async move { pooled.prepare(&request).await.unwrap() });
    }
    let made = all.join_all().await;
    let mut inodes: Vec<u64> = made.iter().map(|workspace| inode(&workspace.path)).collect();
    assert_eq!(ready.iter().filter(|tree| inodes.contains(tree)).count(), 2);
    inodes.sort_unstable();
    inodes.dedup();
    assert_eq!(inodes.len(), 4);
    for workspace in &made {
        assert_eq!(git(&workspace.path, &["status", "--porcelain"]), "");
    }
}

#[tokio::test]
async fn a_tree_that_somebody_is_at_is_left_to_him() {
    let world = World::new();
    let (pooled, first) = with_pool(&world, 1).await;
    pooled.fill_pool(&first, NOW, ROOM).await.unwrap();
    let mut name = git_dirs(&world).remove(0).into_os_string();
    name.push(".lock");
    let held = std::fs::File::open(name).unwrap();
    held.lock().unwrap();
    let other = pooled.prepare(&world.request(&id(1))).await.unwrap();
    assert_eq!(git(&other.path, &["status", "--porcelain"]), "");
    let found = pooled.pool_trees().await.unwrap();
    assert!(!pooled.remove_pool_tree(&found[0]).await.unwrap());
    assert_eq!(trees(&world).len(), 1);
    drop(held);
    pooled.prepare(&world.request(&id(2))).await.unwrap();
    assert_eq!(trees(&world).len(), 0);
}

#[tokio::test]
async fn a_base_branch_that_moved_is_followed() {
    let world = World::new();
    let (pooled, first) = with_pool(&world, 2).await;
    pooled.fill_pool(&first, NOW, ROOM).await.unwrap();
    let ready = trees(&world);
    let file = inode(&ready[0].join(".gitignore"));
    git(&world.repo, &["mv", "src/lib.rs", "src/main.rs"]);
    write(&world.repo, "README.md", "changed\n");
    git(&world.repo, &["commit", "-q", "-am", "third"]);

    let taken = pooled.prepare(&world.request(&id(1))).await.unwrap();
    assert_eq!(inode(&taken.path.join(".gitignore")), file, "it is from the pool");
    assert_eq!(git(&taken.path, &["log", "-1", "--format=%s"]), "third");
    assert_eq!(git(&taken.path, &["status", "--porcelain"]), "");
    assert_eq!(std::fs::read_to_string(taken.path.join("README.md")).unwrap(), "changed\n");
    assert!(!taken.path.join("src/lib.rs").exists());

    // In the background the one that is left follows too, and another takes the place of the one that is gone.
    assert_eq!(pooled.fill_pool(&taken, NOW, ROOM).await.unwrap(), 2);
    for tree in trees(&world) {
        assert_eq!(std::fs::read_to_string(tree.join("README.md")).unwrap(), "changed\n");
        assert!(tree.join("src/main.rs").exists() && !tree.join("src/lib.rs").exists());
    }
    assert!(trees(&world).contains(&ready[1]));
}

#[tokio::test]
async fn what_a_killed_maker_left_is_never_taken_and_is_gone_after_the_next_start() {
    let world = World::new();
    let (pooled, first) = with_pool(&world, 1).await;
    pooled.fill_pool(&first, NOW, ROOM).await.unwrap();
    let (tree, git_dir) = (trees(&world).remove(0), git_dirs(&world).remove(0));
    std::fs::remove_file(git_dir.join("ready.json")).unwrap();
    std::fs::remove_file(tree.join("README.md")).unwrap();
    write_script(&git_dir.join("hooks/post-checkout"), "#!/bin/sh\ntouch \"$PLANTED\"\n");
    write(&git_dir, "config", "[core]\n\tfsmonitor = /planted\n");
    write(&tree, ".git/config", "[core]\n\tfsmonitor = /planted\n");

    let other = pooled.prepare(&world.request(&id(1))).await.unwrap();
    assert_eq!(git(&other.path, &["status", "--porcelain"]), "");
    assert!(tree.exists(), "it was not taken");
    assert_eq!(pooled.tidy_pools().await.unwrap(), 1);
    assert_eq!((trees(&world), git_dirs(&world)), (vec![], vec![]));

    // A new one has nothing of it.
    pooled.fill_pool(&first, NOW, ROOM).await.unwrap();
    let taken = pooled.prepare(&world.request(&id(2))).await.unwrap();
    let fresh = world.workspaces.prepare(&world.request(&id(3))).await.unwrap();
    assert_eq!(content(&taken.path, &taken), content(&fresh.path, &fresh));
    assert_eq!(content(&taken.engine_git_dir, &taken), content(&fresh.engine_git_dir, &fresh));
}

#[tokio::test]
async fn a_kill_while_a_tree_is_taken_costs_only_that_tree() {
    let world = World::new();
    let (pooled, first) = with_pool(&world, 1).await;
    pooled.fill_pool(&first, NOW, ROOM).await.unwrap();
    // The tree is in its new place, and nothing else has happened.
    let place = world.path("workspaces/demo").join(id(1));
    std::fs::create_dir_all(&place).unwrap();
    std::fs::rename(trees(&world).remove(0), place.join("tree")).unwrap();
    write(&place, "tree/half", "x");

    let workspace = pooled.prepare(&world.request(&id(1))).await.unwrap();
    assert_eq!(git(&workspace.path, &["status", "--porcelain"]), "");
    assert!(git_dirs(&world).is_empty(), "what was left of it is gone");
    assert_eq!(pooled.fill_pool(&first, NOW, ROOM).await.unwrap(), 1);

    // The same, and the machine's next start comes first.
    std::fs::remove_dir_all(trees(&world).remove(0)).unwrap();
    assert_eq!(pooled.tidy_pools().await.unwrap(), 1);
    assert!(git_dirs(&world).is_empty());
}

#[tokio::test]
async fn what_was_planted_in_a_ready_tree_reaches_nobody() {
    let plants: [Plant; 6] = [
        ("a git directory", |tree| write(tree, ".git/config", "[core]\n\tfsmonitor = /planted\n")),
        ("a git directory further down", |tree| write(tree, "src/.git/config", "[core]\n\tfsmonitor = /planted\n")),
        ("an ignored file", |tree| write(tree, "target/planted", "x")),
        ("an empty folder", |tree| std::fs::create_dir(tree.join("src/empty")).unwrap()),
        ("a folder that became a link", |tree| {
            std::fs::rename(tree.join("src"), tree.join("../elsewhere")).unwrap();
            std::os::unix::fs::symlink("../elsewhere", tree.join("src")).unwrap();
        }),
        ("a changed file with its old time", |tree| {
            let file = tree.join("src/lib.rs");
            let time = file.metadata().unwrap().modified().unwrap();
            std::fs::write(&file, "pub fn x() {}\n").unwrap();
            std::fs::File::options().write(true).open(&file).unwrap().set_modified(time).unwrap();
        }),
    ];
    for (name, plant) in plants {
        let world = World::new();
        let (pooled, first) = with_pool(&world, 1).await;
        pooled.fill_pool(&first, NOW, ROOM).await.unwrap();
        plant(&trees(&world).remove(0));
        let taken = pooled.prepare(&world.request(&id(1))).await.unwrap();
        let fresh = world.workspaces.prepare(&world.request(&id(2))).await.unwrap();
        assert_eq!(content(&taken.path, &taken), content(&fresh.path, &fresh), "{name}");
        let folders = |tree: &Path| (tree.join("src/empty").exists(), tree.join("src").is_symlink());
        assert_eq!(folders(&taken.path), folders(&fresh.path), "{name}");
    }
}

#[tokio::test]
async fn a_tree_of_an_earlier_run_of_the_machine_may_be_torn_and_is_not_taken() {
    let world = World::new();
    let (pooled, first) = with_pool(&world, 1).await;
    pooled.fill_pool(&first, NOW, ROOM).await.unwrap();
    let (ready, file) = (inode(&trees(&world)[0]), git_dirs(&world)[0].join("ready.json"));
    let mut record: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    record["boot"] = "another".into();
    std::fs::write(&file, record.to_string()).unwrap();
    let workspace = pooled.prepare(&world.request(&id(1))).await.unwrap();
    assert_ne!(inode(&workspace.path), ready);
    assert_eq!((trees(&world), git_dirs(&world)), (vec![], vec![]));
}

#[tokio::test]
async fn a_tree_that_was_taken_never_comes_back() {
    let world = World::new();
    let (pooled, first) = with_pool(&world, 1).await;
    pooled.fill_pool(&first, NOW, ROOM).await.unwrap();
    assert_eq!(pooled.pool_trees().await.unwrap()[0].ready_at, Some(NOW));
    let taken = pooled.prepare(&world.request(&id(1))).await.unwrap();
    pooled.remove(&taken, Removal::IfPushed).await.unwrap();
    assert_eq!(pooled.pool_trees().await.unwrap(), []);
    assert!(!taken.path.exists());
    assert_eq!(pooled.inventory().await.unwrap().len(), 1, "no tree of the pool is anybody's workspace");
}
