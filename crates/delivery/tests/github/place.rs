//! Which repository of which server an address is of.

use windlass_delivery::{ForgeConfig, ForgeServer, GITHUB, forge_of};
use windlass_types::Clock;

use crate::support::{NOW, REPOSITORY, fake};

fn server(base_url: &str) -> ForgeServer {
    ForgeServer::new(&ForgeConfig::new(base_url, "a-token"), Clock::manual(NOW)).unwrap()
}

#[test]
fn an_address_has_a_forge_only_where_the_configured_server_is_its_host() {
    let github = ["https://github.com/o/r", "git@github.com:o/r.git", "ssh://git@github.com/o/r.git", "ssh://git@ssh.github.com:443/o/r"];
    let own = ["https://ghe.example/o/r", "git@ghe.example:o/r", "ssh://git@ghe.example:2222/o/r.git"];
    let cloud = ["https://acme.ghe.com/o/r.git", "git@acme.ghe.com:o/r"];
    let plain = ["/srv/o/r", "https://gitlab.example/o/r", "https://github.com.evil.example/o/r", "https://api.github.com/o/r"];
    for (base_url, mine) in
        [(GITHUB, github.as_slice()), ("https://ghe.example/api/v3", own.as_slice()), ("https://api.acme.ghe.com", cloud.as_slice())]
    {
        let server = server(base_url);
        for address in [github.as_slice(), &own, &cloud, &plain].concat() {
            assert_eq!(forge_of(address, &server).is_some(), mine.contains(&address), "{address} at {base_url}");
        }
    }
}

#[tokio::test]
async fn a_call_goes_to_the_repository_of_the_address_under_the_base_address() {
    let fake = fake();
    let server = ForgeServer::new(&ForgeConfig::new(format!("{}/", fake.url()), fake.token()), Clock::manual(NOW)).unwrap();
    for address in [format!("https://127.0.0.1/{REPOSITORY}"), format!("git@127.0.0.1:{REPOSITORY}.git")] {
        let forge = forge_of(&address, &server).unwrap();
        assert_eq!(forge.find_pull_request("b", "main").await, Ok(None));
    }
    let call = fake.calls().remove(0);
    assert_eq!(call.path, format!("/repos/{REPOSITORY}/pulls"));
    assert_eq!(call.header("accept"), Some("application/vnd.github+json"));
    assert!(call.header("x-github-api-version").is_some() && call.header("user-agent").unwrap().starts_with("windlass/"));
}
