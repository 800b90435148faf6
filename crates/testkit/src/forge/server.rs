//! The fake as a test has it: what is in it, what fails next, and what it was asked.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, MutexGuard};
use std::thread::JoinHandle;

use tokio_util::sync::CancellationToken;

use super::fault::{Fault, Kept};
use super::log::Exchange;
use super::serve::{BASE_PATH, Shared, TOKEN, accept, locked};
use crate::repo::Git;

use super::world::{Check, Comment, NewReview, Review, ReviewComment, Status, World};

/// A fake GitHub, listening on 127.0.0.1 until it is dropped. Dropping it breaks every open call.
///
/// It runs on a thread of its own, so tests with and without a runtime can use it. Methods that speak of what is not there panic.
#[derive(Debug)]
pub struct FakeGitHub {
    address: SocketAddr,
    shared: Arc<Shared>,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl FakeGitHub {
    /// Starts on a free port, with nothing in it.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap_or_else(|e| panic!("no fake GitHub: {e}"));
        listener.set_nonblocking(true).unwrap_or_else(|e| panic!("no fake GitHub: {e}"));
        let address = listener.local_addr().unwrap_or_else(|e| panic!("no fake GitHub: {e}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap_or_else(|e| panic!("no fake GitHub: {e}"));
        let shared = Arc::new(Shared { base: format!("http://{address}{BASE_PATH}"), ..Shared::default() });
        let stop = CancellationToken::new();
        let (stopped, served) = (stop.clone(), Arc::clone(&shared));
        let thread = std::thread::spawn(move || {
            runtime.block_on(async move {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
                tokio::select! {
                    () = accept(listener, served) => {}
                    () = stopped.cancelled() => {}
                }
            });
            // Dropping the runtime here drops the connections, those that are silent included.
        });
        Self { address, shared, stop, thread: Some(thread) }
    }

    /// The base address of its API, as that of a GitHub Enterprise.
    pub fn url(&self) -> String {
        self.shared.base.clone()
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// The token that it accepts.
    pub fn token(&self) -> &'static str {
        TOKEN
    }

    /// The address of one of its repositories, as git would know it.
    pub fn address(&self, repository: &str) -> String {
        format!("https://127.0.0.1/{repository}.git")
    }

    /// Sets a branch to a commit, as a push does; makes the repository (`OWNER/NAME`) with its first branch.
    pub fn push(&self, repository: &str, branch: &str, sha: &str) {
        self.world().push(repository, branch, sha);
    }

    /// Makes a repository (`OWNER/NAME`) whose branches are those of a real one, as they are at each call.
    pub fn follow(&self, repository: &str, git: Git) {
        self.world().follow(repository, git);
    }

    /// Closes a pull request.
    pub fn close(&self, repository: &str, number: u64) {
        self.world().pull(repository, number).open = false;
    }

    /// Merges a pull request.
    pub fn merge(&self, repository: &str, number: u64) {
        let mut world = self.world();
        let pull = world.pull(repository, number);
        (pull.open, pull.merged) = (false, true);
    }

    /// Says whether a pull request can be merged; at first that is not known.
    pub fn set_mergeable(&self, repository: &str, number: u64, mergeable: Option<bool>) {
        self.world().pull(repository, number).mergeable = mergeable;
    }

    /// The numbers, titles and bodies of the pull requests that are open.
    pub fn open_pulls(&self, repository: &str) -> Vec<(u64, String, String)> {
        let mut world = self.world();
        let open = world.known(repository).pulls.iter().filter(|pull| pull.open);
        open.map(|pull| (pull.number, pull.title.clone(), pull.body.clone().unwrap_or_default())).collect()
    }

    /// Somebody comments on a pull request.
    pub fn comment(&self, repository: &str, number: u64, author: &str, body: &str) {
        let mut world = self.world();
        let id = world.id();
        world.pull(repository, number).comments.push(Comment { id, author: author.to_owned(), body: body.to_owned() });
    }

    /// The comments on a pull request.
    pub fn comments(&self, repository: &str, number: u64) -> Vec<String> {
        self.world().pull(repository, number).comments.iter().map(|comment| comment.body.clone()).collect()
    }

    /// A check run of a commit, running where it has no conclusion; another of this name takes its place.
    pub fn check_run(&self, repository: &str, sha: &str, name: &str, conclusion: Option<&str>) {
        let mut world = self.world();
        let id = world.id();
        let checks = &mut world.known(repository).checks;
        checks.retain(|check| (check.sha.as_str(), check.name.as_str()) != (sha, name));
        checks.push(Check { id, sha: sha.to_owned(), name: name.to_owned(), conclusion: conclusion.map(str::to_owned) });
    }

    /// A commit status; another of this context takes its place.
    pub fn status(&self, repository: &str, sha: &str, context: &str, state: &str) {
        let mut world = self.world();
        let id = world.id();
        let statuses = &mut world.known(repository).statuses;
        statuses.retain(|status| (status.sha.as_str(), status.context.as_str()) != (sha, context));
        statuses.push(Status { id, sha: sha.to_owned(), context: context.to_owned(), state: state.to_owned() });
    }

    /// Somebody writes a review; gives its id.
    pub fn review(&self, repository: &str, number: u64, new: NewReview) -> u64 {
        let mut world = self.world();
        let id = world.id();
        world.pull(repository, number).reviews.push(Review { id, new });
        id
    }

    /// Somebody submits a review that they had begun.
    pub fn submit(&self, repository: &str, number: u64, review: u64, new: NewReview) {
        let mut world = self.world();
        let pull = world.pull(repository, number);
        let found = pull.reviews.iter_mut().find(|r| r.id == review).unwrap_or_else(|| panic!("there is no review {review}"));
        found.new = new;
    }

    /// A comment on a line, as a part of a review; gives its id.
    pub fn review_comment(&self, repository: &str, number: u64, review: u64, path: &str, line: Option<u32>, body: &str) -> u64 {
        let mut world = self.world();
        let id = world.id();
        let comment = ReviewComment { id, review, path: path.to_owned(), line, body: body.to_owned() };
        world.pull(repository, number).review_comments.push(comment);
        id
    }

    /// Lets the next call with this method, whose path ends so, fail. Several wait in the order in which they were given.
    pub fn fail_next(&self, method: &str, path_end: &str, fault: Fault) {
        locked(&self.shared.faults).push(Kept { method: method.to_owned(), path_end: path_end.to_owned(), fault });
    }

    /// Every call so far, refused ones included.
    pub fn calls(&self) -> Vec<Exchange> {
        locked(&self.shared.log).clone()
    }

    fn world(&self) -> MutexGuard<'_, World> {
        locked(&self.shared.world)
    }
}

impl Drop for FakeGitHub {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A panic of the server's thread was printed by that thread.
            let _ = thread.join();
        }
    }
}
