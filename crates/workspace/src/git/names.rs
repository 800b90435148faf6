//! Names that are safe to hand to git: repository addresses, branches and commits. Pure.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use windlass_types::AssignmentId;

use super::error::WorkspaceError;

/// The longest address or branch name.
const MAX_ADDRESS_BYTES: usize = 2048;
const MAX_BRANCH_BYTES: usize = 200;
/// The longest slug of a goal in a branch name.
const MAX_SLUG_CHARS: usize = 40;

/// Where a repository is, checked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RepoAddress {
    /// A folder on this machine.
    Local(PathBuf),
    /// An `https://` or `ssh://` address, or `user@host:path`.
    Remote(String),
}

impl RepoAddress {
    /// Checks an address: an absolute path, `https://`, `ssh://`, or `user@host:path`; nothing that git would run or read as an option.
    pub fn parse(address: &str) -> Result<Self, WorkspaceError> {
        let bad = |reason| Err(WorkspaceError::BadAddress { address: shown(address), reason });
        if address.is_empty() || address.len() > MAX_ADDRESS_BYTES {
            return bad("it is empty or too long");
        }
        if address.chars().any(char::is_control) {
            return bad("it contains control characters");
        }
        if address.starts_with('-') {
            return bad("it starts with a dash");
        }
        if address.starts_with('/') {
            return Ok(Self::Local(PathBuf::from(address)));
        }
        if address.contains("::") {
            return bad("remote helpers are not allowed");
        }
        if let Some((scheme, rest)) = address.split_once("://") {
            if !matches!(scheme, "https" | "ssh") {
                return bad("only https:// and ssh:// are allowed");
            }
            let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
            let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
            if user.contains(':') || (scheme == "https" && !user.is_empty()) {
                return bad("it contains credentials; use a git credential helper");
            }
            return if plain_host(host) && plain_user(user) && !path.is_empty() && !path.starts_with('-') {
                Ok(Self::Remote(address.to_owned()))
            } else {
                bad("its host, user or path is not a plain name")
            };
        }
        if let Some((authority, path)) = address.split_once(':') {
            let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
            return if !user.is_empty() && plain_host(host) && plain_user(user) && !path.is_empty() && !path.starts_with('-') {
                Ok(Self::Remote(address.to_owned()))
            } else {
                bad("its host, user or path is not a plain name")
            };
        }
        bad("a local repository is named by its absolute path")
    }

    /// As it was given.
    pub fn as_str(&self) -> std::borrow::Cow<'_, str> {
        match self {
            Self::Local(path) => path.to_string_lossy(),
            Self::Remote(url) => url.as_str().into(),
        }
    }

    /// Whether both name one repository: by `https://`, by `ssh://`, or as `user@host:path`, with `.git` or without.
    pub fn is_same_place(&self, other: &Self) -> bool {
        self.place() == other.place()
    }

    /// Host and path, without what says how to get there.
    fn place(&self) -> String {
        let Self::Remote(url) = self else { return self.as_str().into_owned() };
        let (authority, path) = match url.split_once("://") {
            Some((_, rest)) => rest.split_once('/').unwrap_or((rest, "")),
            None => url.split_once(':').unwrap_or((url, "")),
        };
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host).to_ascii_lowercase();
        let usual = if url.starts_with("https://") { ":443" } else { ":22" };
        let host = host.strip_suffix(usual).unwrap_or(&host);
        let path = path.trim_matches('/');
        format!("{host}/{}", path.strip_suffix(".git").unwrap_or(path))
    }

    /// The last part of it, fit for a folder name.
    pub(crate) fn short_name(&self) -> String {
        let text = self.as_str();
        let last = text.trim_end_matches('/').rsplit(['/', ':']).next().unwrap_or_default();
        let name = slug(last.strip_suffix(".git").unwrap_or(last));
        if name.is_empty() { "repository".to_owned() } else { name }
    }

    pub(crate) fn local_path(&self) -> Option<&Path> {
        match self {
            Self::Local(path) => Some(path),
            Self::Remote(_) => None,
        }
    }
}

fn plain_host(host: &str) -> bool {
    let (name, port) = host.split_once(':').unwrap_or((host, "1"));
    name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'))
        && !port.is_empty()
        && port.bytes().all(|b| b.is_ascii_digit())
}

fn plain_user(user: &str) -> bool {
    !user.starts_with('-') && user.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'+'))
}

/// Checks a branch name: git's own rules for one, no leading dash, no reserved word, and no character that a shell would act on.
pub fn check_branch(name: &str) -> Result<&str, WorkspaceError> {
    let bad = |reason| Err(WorkspaceError::BadBranch { name: name.chars().take(120).collect(), reason });
    if name.is_empty() || name.len() > MAX_BRANCH_BYTES {
        return bad("it is empty or too long");
    }
    if name.starts_with('-') {
        return bad("it starts with a dash");
    }
    if name == "HEAD" || name == "@" || name.starts_with("refs/") {
        return bad("git uses this name itself");
    }
    if name.contains("..") || name.contains("@{") {
        return bad("git reads it as an expression");
    }
    if !name.chars().all(|c| c.is_alphanumeric() || "/._-+#@=,%".contains(c)) {
        return bad("only letters, digits and / . _ - + # @ = , % are accepted");
    }
    let part_ok = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with('.') && part.strip_suffix(".lock").is_none();
    if !name.split('/').all(part_ok) {
        return bad("a part of it is empty, starts or ends with a dot, or ends in .lock");
    }
    Ok(name)
}

/// The branch of an assignment: `windlass/<short id>-<slug of the goal>`.
pub fn branch_name(assignment: &AssignmentId, goal: &str) -> String {
    let slug = slug(goal);
    let short = assignment.short();
    if slug.is_empty() { format!("windlass/{short}") } else { format!("windlass/{short}-{slug}") }
}

/// Lower-case letters, digits and single dashes, cut at a word.
fn slug(text: &str) -> String {
    let mut slug = String::new();
    for word in text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let room = MAX_SLUG_CHARS.saturating_sub(slug.len() + usize::from(!slug.is_empty()));
        if word.len() > room && !slug.is_empty() {
            break;
        }
        if !slug.is_empty() {
            slug.push('-');
        }
        slug.extend(word.chars().take(room).map(|c| c.to_ascii_lowercase()));
    }
    slug
}

/// A full commit hash, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commitish(String);

impl Commitish {
    /// Accepts 40 or 64 lower-case hex digits.
    pub fn parse(text: &str) -> Result<Self, WorkspaceError> {
        let hex = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        if hex && matches!(text.len(), 40 | 64) {
            Ok(Self(text.to_owned()))
        } else {
            Err(WorkspaceError::BadCommit(text.chars().take(80).collect()))
        }
    }

    /// The hash.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An address as it may be shown: what could be a password is left out.
fn shown(address: &str) -> String {
    let shown = match address.rsplit_once('@') {
        Some((before, place)) => match before.split_once("://") {
            Some((scheme, _)) => format!("{scheme}://…@{place}"),
            None if before.contains(':') => format!("…@{place}"),
            None => address.to_owned(),
        },
        None => address.to_owned(),
    };
    shown.chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_repository_is_known_by_each_of_its_addresses() {
        let at = |address: &str| RepoAddress::parse(address).unwrap();
        let one = at("https://Forge.example/acme/shop");
        for same in [
            "https://forge.example:443/acme/shop.git",
            "ssh://git@forge.example/acme/shop.git/",
            "git@forge.example:acme/shop",
            "ssh://forge.example:22/acme/shop",
        ] {
            assert!(one.is_same_place(&at(same)), "{same}");
        }
        for other in
            ["https://forge.example/acme/shop2", "https://other.example/acme/shop", "ssh://git@forge.example:2222/acme/shop", "/acme/shop"]
        {
            assert!(!one.is_same_place(&at(other)), "{other}");
        }
    }

    #[test]
    fn an_address_that_is_refused_is_shown_without_its_password() {
        for address in ["https://user:pw/d@host/x", "http://pw@host/x", "ftp://u:pw@host/x", "https:u:pw@host/x", "u:pw@host/x:y"] {
            let told = RepoAddress::parse(address).unwrap_err().to_string();
            assert!(!told.contains("pw") && told.contains("host/x"), "{told}");
        }
        let told = RepoAddress::parse("git@host:-y").unwrap_err().to_string();
        assert!(told.contains("git@host:-y"), "a user alone is no password: {told}");
    }

    #[test]
    fn an_address_that_git_would_run_or_read_as_an_option_is_refused() {
        for address in [
            "",
            "ext::sh -c 'touch /tmp/p'",
            "fd::3",
            "file:///etc",
            "-uevil",
            "--upload-pack=touch /tmp/p",
            "ssh://-oProxyCommand=touch%20x/y",
            "ssh://-oProxyCommand=x@host/y",
            "ssh://user@-oProxyCommand=x/y",
            "-oProxyCommand=x@host:y",
            "user@-oProxyCommand=x:y",
            "user@host:-y",
            "ssh://host/-y",
            "https://user:token@host/x",
            "https://token@host/x",
            "http://host/x",
            "git://host/x",
            "HTTPS://host/x",
            "relative/path",
            "./x",
            "host:path",
            "https://host",
            "https:///x",
            "https://ho st/x",
            "/a\nb",
            "https://host:evil/x",
        ] {
            assert!(RepoAddress::parse(address).is_err(), "{address}");
        }
        for address in ["https://github.com/o/r.git", "ssh://git@host:2222/o/r", "git@github.com:o/r.git", "ssh://host/r"] {
            assert_eq!(RepoAddress::parse(address).unwrap(), RepoAddress::Remote(address.to_owned()));
        }
        assert_eq!(RepoAddress::parse("/srv/my repo").unwrap(), RepoAddress::Local("/srv/my repo".into()));
    }

    #[test]
    fn a_branch_name_that_git_or_a_shell_would_act_on_is_refused() {
        for name in [
            "",
            "--force",
            "-x",
            "a..b",
            "a b",
            "a;touch x",
            "$(x)",
            "@{-1}",
            "refs/heads/x",
            "HEAD",
            "@",
            "x.lock",
            "a/x.lock/b",
            "a\nb",
            "a//b",
            "/a",
            "a/",
            ".a",
            "a/.b",
            "a.",
            "a~1",
            "a^",
            "a:b",
            "a?",
            "a*",
            "a[",
            "a\\b",
            "a\u{7f}",
            "a`b`",
            "a|b",
            "a&b",
            "a'b",
            "a\"b",
        ] {
            assert!(check_branch(name).is_err(), "{name:?}");
        }
        for name in ["main", "feature/x", "fix-#12", "user@host", "v1.2", "größe", "a=b", "renovate/foo-1.x", "a--b"] {
            assert!(check_branch(name).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn a_branch_of_any_goal_is_a_possible_branch() {
        let id: AssignmentId = "asg_0199000000007000800000000badcafe".parse().unwrap();
        assert_eq!(branch_name(&id, "Fix the login page!"), "windlass/0badcafe-fix-the-login-page");
        assert_eq!(branch_name(&id, ""), "windlass/0badcafe");
        assert_eq!(branch_name(&id, "修复"), "windlass/0badcafe");
        for goal in ["../../x", "--force", "x.lock", "$(rm -rf)", &"word ".repeat(100), &"x".repeat(500), "a\nb\0c"] {
            let name = branch_name(&id, goal);
            assert!(check_branch(&name).is_ok() && name.len() < 64, "{name}");
        }
    }
}
