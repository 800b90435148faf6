//! Which repository of which host an address names. Pure.

/// The longest name of an owner or a repository.
const MAX_NAME_BYTES: usize = 100;

/// A repository on a host, as an address names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    /// The host in lower case, without its port: `github.com`.
    pub(crate) host: String,
    /// Who owns the repository.
    pub(crate) owner: String,
    /// Its name, without `.git`.
    pub(crate) name: String,
}

impl Place {
    /// Reads `https://HOST/o/r(.git)`, `ssh://[USER@]HOST[:PORT]/o/r(.git)` or `USER@HOST:o/r(.git)`; `None` for anything else, such as a
    /// local path, an address with a password, or one of more or fewer than two names.
    pub(crate) fn of(address: &str) -> Option<Self> {
        let (authority, path) = match address.split_once("://") {
            Some(("https", rest)) => {
                let (authority, path) = rest.split_once('/')?;
                if authority.contains('@') {
                    return None;
                }
                (authority, path)
            }
            Some(("ssh", rest)) => rest.split_once('/')?,
            Some(_) => return None,
            None => {
                let (authority, path) = address.split_once(':')?;
                if !authority.contains('@') {
                    return None;
                }
                (authority, path.strip_prefix('/').unwrap_or(path))
            }
        };
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let (host, port) = host.split_once(':').unwrap_or((host, "22"));
        let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
        let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
        if host.is_empty() || !plain(host) || !plain(user) || !digits {
            return None;
        }
        let path = path.strip_suffix('/').unwrap_or(path);
        let (owner, name) = path.strip_suffix(".git").unwrap_or(path).split_once('/')?;
        let is_name = |text: &str| !matches!(text, "" | "." | "..") && text.len() <= MAX_NAME_BYTES && plain(text);
        if !is_name(owner) || !is_name(name) {
            return None;
        }
        Some(Self { host: canonical(host), owner: owner.to_owned(), name: name.to_owned() })
    }
}

/// One name for a host: GitHub has others for its web pages and for SSH over the port of HTTPS.
fn canonical(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    if matches!(host.as_str(), "www.github.com" | "ssh.github.com") { "github.com".to_owned() } else { host }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_names_a_host_an_owner_and_a_repository() {
        for (address, host, owner, name) in [
            ("https://github.com/o/r", "github.com", "o", "r"),
            ("https://github.com/o/r.git", "github.com", "o", "r"),
            ("https://github.com/o/r/", "github.com", "o", "r"),
            ("https://GitHub.com/Some-Org/my.repo_1.git", "github.com", "Some-Org", "my.repo_1"),
            ("https://www.github.com/o/r", "github.com", "o", "r"),
            ("https://ghe.example:8443/o/r.git", "ghe.example", "o", "r"),
            ("git@github.com:o/r.git", "github.com", "o", "r"),
            ("git@github.com:/o/r", "github.com", "o", "r"),
            ("org-12@github.com:o/r", "github.com", "o", "r"),
            ("ssh://git@github.com/o/r.git", "github.com", "o", "r"),
            ("ssh://git@ssh.github.com:443/o/r.git", "github.com", "o", "r"),
            ("ssh://git@ghe.example:2222/o/r", "ghe.example", "o", "r"),
            ("ssh://ghe.example/o/r", "ghe.example", "o", "r"),
        ] {
            let want = Place { host: host.into(), owner: owner.into(), name: name.into() };
            assert_eq!(Place::of(address), Some(want), "{address}");
        }
    }

    #[test]
    fn what_is_not_plainly_a_repository_of_a_forge_is_none() {
        for address in [
            "",
            "/srv/git/o/r.git",
            "./o/r",
            "file:///o/r",
            "http://github.com/o/r",
            "git://github.com/o/r",
            "HTTPS://github.com/o/r",
            "ext::sh -c x",
            "https://github.com",
            "https://github.com/",
            "https://github.com/o",
            "https://github.com/o/",
            "https://github.com//r",
            "https://github.com/o/r/tree/main",
            "https://github.com/o/r?x=1",
            "https://github.com/o/r#x",
            "https://github.com/o/..",
            "https://github.com/../r",
            "https://github.com/o/.git",
            "https://github.com/o/%2e%2e",
            "https://token@github.com/o/r",
            "https://user:password@github.com/o/r",
            "https://github.com@evil.example/o/r",
            "https://github.com:x/o/r",
            "https://github.com:/o/r",
            "https:///o/r",
            "ssh://user:password@github.com/o/r",
            "ssh://-oProxyCommand=x/o/r",
            "github.com:o/r",
            "git@github.com:r",
            "git@github.com:o/r/x",
            "git@git hub.com:o/r",
            "git@github.com:o/r\n",
        ] {
            assert_eq!(Place::of(address), None, "{address:?}");
        }
        assert_eq!(Place::of(&format!("https://github.com/o/{}", "r".repeat(101))), None);
    }
}
