//! Merges on trial, and merges that an agent finishes.

mod common;

use common::*;
use windlass_types::AssignmentId;
use windlass_workspace::workspaces::{MergeRequest, Trial, Workspace};

const OTHER: &str = "asg_01990000000070008000000000badbee";

/// Two assignments that each have committed one change, and pushed nothing.
async fn two(world: &World, mine: &[(&str, &str)], theirs: &[(&str, &str)]) -> (Workspace, String, Workspace, String) {
    let one = world.prepare().await;
    let other = world.workspaces.prepare(&world.request(OTHER)).await.unwrap();
    let mut heads = Vec::new();
    for (workspace, files) in [(&one, mine), (&other, theirs)] {
        for (name, content) in files {
            write(&workspace.path, name, content);
        }
        heads.push(world.workspaces.commit(workspace, &commit_request()).await.unwrap().unwrap().sha);
    }
    let theirs = heads.pop().unwrap();
    (one, heads.pop().unwrap(), other, theirs)
}

fn other() -> AssignmentId {
    OTHER.parse().unwrap()
}

#[tokio::test]
async fn work_that_merges_is_clean_and_work_that_does_not_names_its_files() {
    let world = World::new();
    let mine = [("README.md", "hello\nmine\n"), ("mine.txt", "1\n")];
    let (one, head, _, theirs) = two(&world, &mine, &[("README.md", "hello\ntheirs\n"), ("theirs.txt", "2\n")]).await;
    let before = snapshot(&one.path);
    assert!(world.workspaces.is_reachable(&one, &theirs, Some(&other())).await.unwrap(), "it is in the other's workspace");
    assert!(!world.workspaces.is_reachable(&one, &theirs, None).await.unwrap(), "and nowhere else");
    let clash = world.workspaces.trial_merge(&one, &head, &theirs, Some(&other())).await.unwrap();
    let Trial::Clash { files, .. } = clash else { panic!("{clash:?}") };
    assert_eq!(files, ["README.md"]);
    assert_eq!(snapshot(&one.path), before, "the tree is left alone");

    let world = World::new();
    let (one, head, _, theirs) = two(&world, &[("mine.txt", "1\n")], &[("theirs.txt", "2\n")]).await;
    assert_eq!(world.workspaces.trial_merge(&one, &head, &theirs, Some(&other())).await.unwrap(), Trial::Clean);
    assert!(!world.workspaces.has_commit(&one, &head, &theirs, Some(&other())).await.unwrap());
}

#[tokio::test]
async fn no_attribute_hides_a_clash_and_no_driver_runs() {
    let world = World::new();
    let marker = world.path("driver-ran");
    let attributes = "* merge=union\nREADME.md merge=evil\n";
    write(&world.repo, ".gitattributes", attributes);
    git(&world.repo, &["add", "-A"]);
    git(&world.repo, &["commit", "-q", "-m", "attributes"]);
    git(&world.repo, &["config", "merge.evil.driver", &format!("touch {}", marker.display())]);
    let mine = [("README.md", "hello\nmine\n"), ("src/lib.rs", "pub fn mine() {}\n")];
    let (one, head, _, theirs) = two(&world, &mine, &[("README.md", "hello\ntheirs\n"), ("src/lib.rs", "pub fn theirs() {}\n")]).await;
    git(&one.path, &["config", "merge.evil.driver", &format!("touch {}", marker.display())]);
    let clash = world.workspaces.trial_merge(&one, &head, &theirs, Some(&other())).await.unwrap();
    let Trial::Clash { files, .. } = clash else { panic!("{clash:?}") };
    assert_eq!(files, ["README.md", "src/lib.rs"]);
    let wanted = MergeRequest { commit: theirs, branch: world.request(OTHER).branch, assignment: Some(other()) };
    world.workspaces.begin_merge(&one, &wanted).await.unwrap();
    assert!(!marker.exists(), "the driver did not run");
}

#[tokio::test]
async fn a_merge_that_the_agent_resolves_is_a_commit_with_both_parents_and_is_clean_then() {
    let world = World::new();
    let mine = [("README.md", "hello\nmine\n")];
    let (one, head, _, theirs) = two(&world, &mine, &[("README.md", "hello\ntheirs\n"), ("theirs.txt", "2\n")]).await;
    let wanted = MergeRequest { commit: theirs.clone(), branch: world.request(OTHER).branch, assignment: Some(other()) };
    let merging = world.workspaces.begin_merge(&one, &wanted).await.unwrap();
    assert_eq!((merging.files.clone(), merging.commit.clone()), (vec!["README.md".to_owned()], theirs.clone()));
    let text = std::fs::read_to_string(one.path.join("README.md")).unwrap();
    assert!(text.contains(&format!("<<<<<<< {head}")) && text.contains(&format!(">>>>>>> {theirs}")), "{text}");
    assert_eq!(std::fs::read_to_string(one.path.join("theirs.txt")).unwrap(), "2\n");
    assert!(world.workspaces.audit_refs(&one).await.unwrap().is_empty());

    // Found again by whoever comes next, and not laid over what the agent did since.
    write(&one.path, "README.md", "hello\nboth\n");
    let again = world.workspaces.prepare(&world.request(ASSIGNMENT)).await.unwrap();
    assert_eq!(std::fs::read_to_string(again.path.join("README.md")).unwrap(), "hello\nboth\n");
    assert_eq!(world.workspaces.merging(&again).unwrap().map(|m| m.commit), Some(theirs.clone()));

    let made = world.workspaces.make_commit(&one, &commit_request()).await.unwrap().unwrap();
    assert_eq!(world.workspaces.unresolved(&one, &made.sha, &merging).await.unwrap(), Vec::<String>::new());
    world.workspaces.adopt(&one, &made).await.unwrap();
    assert_eq!(world.workspaces.merging(&one).unwrap(), None);
    assert_eq!(world.workspaces.trial_merge(&one, &made.sha, &theirs, None).await.unwrap(), Trial::Clean);
    // Repeated after a crash it is the same commit.
    assert_eq!(world.workspaces.make_commit(&one, &commit_request()).await.unwrap().unwrap().sha, made.sha);
    world.workspaces.push(&one, &made.sha).await.unwrap();
    let parents = git(&world.repo, &["log", "-1", "--format=%P", &one.branch]);
    assert_eq!(parents, format!("{head} {theirs}"));
    git(&world.repo, &["fsck", "--strict"]);
}

#[tokio::test]
async fn markers_that_are_left_are_found_and_markers_of_a_text_about_markers_are_not() {
    let world = World::new();
    let about = "<<<<<<< HEAD\nours\n=======\ntheirs\n>>>>>>> other\n";
    let mine = [("README.md", "hello\nmine\n"), ("about.md", about)];
    let (one, _, _, theirs) = two(&world, &mine, &[("README.md", "hello\ntheirs\n")]).await;
    let wanted = MergeRequest { commit: theirs, branch: world.request(OTHER).branch, assignment: Some(other()) };
    let merging = world.workspaces.begin_merge(&one, &wanted).await.unwrap();
    let made = world.workspaces.make_commit(&one, &commit_request()).await.unwrap().unwrap();
    assert_eq!(world.workspaces.unresolved(&one, &made.sha, &merging).await.unwrap(), ["README.md"]);
}

#[tokio::test]
async fn a_merge_whose_laying_out_was_cut_off_is_laid_out_again() {
    let world = World::new();
    let (one, head, _, theirs) = two(&world, &[("README.md", "hello\nmine\n")], &[("README.md", "hello\ntheirs\n")]).await;
    let wanted = MergeRequest { commit: theirs, branch: world.request(OTHER).branch, assignment: Some(other()) };
    world.workspaces.begin_merge(&one, &wanted).await.unwrap();
    let record = one.engine_git_dir.join("windlass-merging.json");
    let text = std::fs::read_to_string(&record).unwrap();
    std::fs::write(&record, text.replace("\"is_laid\":true", "\"is_laid\":false")).unwrap();
    write(&one.engine_git_dir, "index.lock", "");
    write(&one.path, "README.md", "half of it\n");
    world.workspaces.prepare(&world.request(ASSIGNMENT)).await.unwrap();
    assert!(std::fs::read_to_string(one.path.join("README.md")).unwrap().contains(&format!("<<<<<<< {head}")));
    assert_eq!(std::fs::read_to_string(&record).unwrap(), text);
    // Thrown away with the tree.
    world.workspaces.reset(&one).await.unwrap();
    assert_eq!(world.workspaces.merging(&one).unwrap(), None);
}

#[tokio::test]
async fn many_are_tried_at_once_and_what_is_nowhere_is_told() {
    let world = World::new();
    let (one, head, _, theirs) = two(&world, &[("README.md", "hello\nmine\n")], &[("README.md", "hello\ntheirs\n")]).await;
    let nowhere = "0123456789".repeat(4);
    let all = [(one.base_commit.clone(), None), (nowhere, Some(other())), (theirs, Some(other())), (head.clone(), None)];
    let trials = world.workspaces.trial_merges(&one, &head, &all).await.unwrap();
    assert!(
        matches!(&trials[..], [Trial::Clean, Trial::Missing, Trial::Clash { files, .. }, Trial::Clean] if *files == ["README.md"]),
        "{trials:?}"
    );
}

#[tokio::test]
async fn a_resolution_for_our_side_alone_is_a_merge_too() {
    let world = World::new();
    let (one, head, _, theirs) = two(&world, &[("README.md", "hello\nmine\n")], &[("README.md", "hello\ntheirs\n")]).await;
    let wanted = MergeRequest { commit: theirs.clone(), branch: world.request(OTHER).branch, assignment: Some(other()) };
    world.workspaces.begin_merge(&one, &wanted).await.unwrap();
    write(&one.path, "README.md", "hello\nmine\n");
    let made = world.workspaces.make_commit(&one, &commit_request()).await.unwrap().unwrap();
    assert_eq!((made.parent.as_str(), made.files.len()), (head.as_str(), 0));
    world.workspaces.adopt(&one, &made).await.unwrap();
    assert_eq!(world.workspaces.trial_merge(&one, &made.sha, &theirs, None).await.unwrap(), Trial::Clean);
}

#[tokio::test]
async fn the_base_branch_is_looked_at_where_it_is_and_what_it_has_is_merged() {
    let world = World::new();
    let one = world.prepare().await;
    write(&one.path, "README.md", "hello\nmine\n");
    let head = world.workspaces.commit(&one, &commit_request()).await.unwrap().unwrap().sha;
    assert_eq!(world.workspaces.base_head(&one).await.unwrap().as_deref(), Some(one.base_commit.as_str()));
    write(&world.repo, "README.md", "hello\nupstream\n");
    git(&world.repo, &["commit", "-q", "-am", "third"]);
    let base = world.workspaces.base_head(&one).await.unwrap().unwrap();
    assert_eq!(base, git(&world.repo, &["rev-parse", "main"]));
    assert!(matches!(world.workspaces.trial_merge(&one, &head, &base, None).await.unwrap(), Trial::Clash { .. }));

    let wanted = MergeRequest { commit: base.clone(), branch: "main".to_owned(), assignment: None };
    world.workspaces.begin_merge(&one, &wanted).await.unwrap();
    write(&one.path, "README.md", "hello\nboth\n");
    let merged = world.workspaces.commit(&one, &commit_request()).await.unwrap().unwrap().sha;
    assert_eq!(world.workspaces.merged_base(&one).unwrap(), Some(base));
    world.workspaces.push(&one, &merged).await.unwrap();
    let repo = world.repo.display().to_string();
    assert_eq!(world.workspaces.merged_into(&repo, "main", std::slice::from_ref(&merged)).await.unwrap(), Vec::<String>::new());
    git(&world.repo, &["merge", "-q", "--no-ff", "-m", "merge", &one.branch]);
    assert_eq!(world.workspaces.merged_into(&repo, "main", std::slice::from_ref(&merged)).await.unwrap(), [merged]);
}
