//! A repository with a branch that was pushed, and a client of it.

use std::time::Duration;

use windlass_delivery::{Forge, ForgeConfig, ForgeError, ForgeServer, Proposal, PullRequest, forge_of};
use windlass_testkit::forge::FakeGitHub;
use windlass_types::{Clock, Timestamp};

pub(crate) const REPOSITORY: &str = "acme/anvil";
pub(crate) const BRANCH: &str = "windlass/0badcafe-fix-it";
pub(crate) const NOW: Timestamp = Timestamp(1_795_000_000_000);

/// What is proposed where the words do not matter.
pub(crate) const PROPOSAL: Proposal<'static> = Proposal { head: BRANCH, base: "main", title: "Fix it", body: "It is fixed.\n" };

/// A commit's hash of one digit.
pub(crate) fn sha(digit: char) -> String {
    digit.to_string().repeat(40)
}

/// The fake with [`BRANCH`] one commit ahead of `main`.
pub(crate) fn fake() -> FakeGitHub {
    let fake = FakeGitHub::start();
    fake.push(REPOSITORY, "main", &sha('a'));
    fake.push(REPOSITORY, BRANCH, &sha('b'));
    fake
}

/// A client of the repository, whose clock stands at [`NOW`].
pub(crate) fn forge(fake: &FakeGitHub) -> Forge {
    forge_with(fake, &ForgeConfig::new(fake.url(), fake.token()))
}

/// A client that waits for no answer longer than this.
pub(crate) fn hasty_forge(fake: &FakeGitHub, timeout: Duration) -> Forge {
    forge_with(fake, &ForgeConfig::new(fake.url(), fake.token()).timeout(timeout))
}

pub(crate) fn forge_with(fake: &FakeGitHub, config: &ForgeConfig) -> Forge {
    let server = ForgeServer::new(config, Clock::manual(NOW)).unwrap();
    forge_of(&fake.address(REPOSITORY), &server).unwrap()
}

/// The repository's pull request.
pub(crate) async fn proposed(forge: &Forge) -> PullRequest {
    forge.ensure_pull_request(&PROPOSAL).await.unwrap()
}

/// The methods of all calls so far, in order.
pub(crate) fn methods(fake: &FakeGitHub) -> Vec<String> {
    fake.calls().into_iter().map(|call| call.method).collect()
}

/// All that an error shows anywhere.
pub(crate) fn shown(error: &ForgeError) -> String {
    format!("{error} {error:?} {error:#?} {:?}", error.hint())
}
