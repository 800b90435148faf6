//! Where the daemon is: what somebody named, else what it wrote into its data directory.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::config::{Env, Flags, Settings};
use crate::failure::{CliError, Exit, Result};

/// An address and the token for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) url: String,
    pub(crate) token: Option<String>,
}

/// What a daemon writes to `<data>/endpoint.json` while it serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Endpoint {
    pub(crate) url: String,
    pub(crate) pid: u32,
    pub(crate) version: String,
}

/// The files' names in the data directory.
pub(crate) const ENDPOINT_FILE: &str = "endpoint.json";
pub(crate) const TOKEN_FILE: &str = "token";

/// The daemon that flags and environment name, else the one of the data directory.
pub(crate) fn find(url: Option<&str>, flags: &Flags, env: &Env) -> Result<Place> {
    let token = env.text("WINDLASS_TOKEN").map(|t| t.trim().to_owned());
    let named = url.or_else(|| env.text("WINDLASS_URL")).map(str::to_owned);
    // An agent has both in its environment and no configuration of its own.
    if let (Some(url), Some(token)) = (&named, &token) {
        return Ok(Place { url: url.clone(), token: Some(token.clone()) });
    }
    if let Some(url) = named {
        // The data directory's token is for this machine's daemon: it is shown to no other.
        let local = Settings::load(flags, env).ok().filter(|_| is_local(&url));
        return Ok(Place { token: local.and_then(|s| token_of(&s.data_dir)), url });
    }
    let settings = Settings::load(flags, env)?;
    let mut place = in_data_dir(&settings.data_dir)?.ok_or_else(|| none_in(&settings.data_dir))?;
    if token.is_some() {
        place.token = token;
    }
    Ok(place)
}

/// The daemon that a data directory's files name, if they do.
pub(crate) fn in_data_dir(data_dir: &Path) -> Result<Option<Place>> {
    let path = data_dir.join(ENDPOINT_FILE);
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(CliError::fault(format!("cannot read {}: {e}", path.display())).hint("is this your own data directory?")),
    };
    // A file cut short by a crash is no daemon.
    Ok(serde_json::from_slice::<Endpoint>(&text).ok().map(|e| Place { url: e.url, token: token_of(data_dir) }))
}

/// Whether an address can only lead to this machine.
fn is_local(url: &str) -> bool {
    if url.starts_with("unix:") {
        return true;
    }
    let Some(rest) = url.strip_prefix("http://") else { return false };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = host.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit())).map_or(host, |(host, _)| host);
    host == "localhost" || host.trim_matches(['[', ']']).parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// Nobody serves this data directory.
pub(crate) fn none_in(data_dir: &Path) -> CliError {
    CliError::new(Exit::NoDaemon, format!("no daemon runs on {}", data_dir.display()))
        .hint("start one with `windlass up`, or name another with --url or --data-dir")
}

fn token_of(data_dir: &Path) -> Option<String> {
    let text = std::fs::read_to_string(data_dir.join(TOKEN_FILE)).ok()?;
    Some(text.trim().to_owned()).filter(|t| !t.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agents_environment_is_enough_without_any_home() -> Result<()> {
        let env = Env::of(&[("WINDLASS_URL", "unix:/tmp/a.sock"), ("WINDLASS_TOKEN", "t")]);
        let place = find(None, &Flags::default(), &env)?;
        assert_eq!(place, Place { url: "unix:/tmp/a.sock".to_owned(), token: Some("t".to_owned()) });
        Ok(())
    }

    #[test]
    fn the_data_directorys_token_is_shown_to_this_machine_only() {
        for url in ["unix:/a.sock", "http://127.0.0.1:3001", "http://localhost", "http://[::1]:3001/", "http://127.8.8.8"] {
            assert!(is_local(url), "{url}");
        }
        for url in [
            "http://example.org:3001",
            "http://localhost.example.org",
            "http://127.0.0.1:x@example.org",
            "http://127.0.0.1.example.org",
            "https://127.0.0.1",
        ] {
            assert!(!is_local(url), "{url}");
        }
    }

    #[test]
    fn a_data_directory_without_an_endpoint_has_no_daemon() -> Result<()> {
        let dir = tempfile::tempdir().map_err(|e| CliError::fault(e.to_string()))?;
        assert_eq!(in_data_dir(dir.path())?, None);
        std::fs::write(dir.path().join(ENDPOINT_FILE), "{\"url\":").map_err(|e| CliError::fault(e.to_string()))?;
        assert_eq!(in_data_dir(dir.path())?, None);
        Ok(())
    }
}
