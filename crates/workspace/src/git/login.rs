//! Who Windlass is to a host that git reaches over https.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// A token for one host. It is handed to the one git process that speaks to that host, in its environment: it stands in no argument, no
/// address and no file. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    host: String,
    header: String,
}

impl Login {
    /// A token that a host (`github.com`, without a port) takes as a password, for any user.
    pub fn new(host: &str, token: &str) -> Self {
        let header = format!("Authorization: Basic {}", STANDARD.encode(format!("x-access-token:{token}")));
        Self { host: host.to_ascii_lowercase(), header }
    }

    /// The settings of git that log in at this address; none, where it is of another host or not https.
    pub(super) fn settings_for(&self, address: &str) -> Option<[(&'static str, String); 3]> {
        let (authority, _) = address.strip_prefix("https://")?.split_once('/')?;
        let host = authority.split_once(':').map_or(authority, |(host, _)| host);
        host.eq_ignore_ascii_case(&self.host).then(|| {
            [
                ("GIT_CONFIG_COUNT", "1".to_owned()),
                ("GIT_CONFIG_KEY_0", format!("http.https://{authority}/.extraHeader")),
                ("GIT_CONFIG_VALUE_0", self.header.clone()),
            ]
        })
    }
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("host", &self.host).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_for_its_own_host_over_https_and_nowhere_else() {
        let login = Login::new("GitHub.com", "ghp_x");
        let settings = login.settings_for("https://github.com/o/r.git").unwrap();
        assert_eq!(settings[1].1, "http.https://github.com/.extraHeader");
        assert_eq!(settings[2].1, format!("Authorization: Basic {}", STANDARD.encode("x-access-token:ghp_x")));
        assert_eq!(login.settings_for("https://GITHUB.com:8443/o/r").unwrap()[1].1, "http.https://GITHUB.com:8443/.extraHeader");
        for other in [
            "https://evil.example/github.com/r",
            "https://github.com.evil.example/o/r",
            "http://github.com/o/r",
            "ssh://git@github.com/o/r",
            "git@github.com:o/r",
            "/srv/github.com/r",
            "https://github.com",
        ] {
            assert_eq!(login.settings_for(other), None, "{other}");
        }
        assert!(!format!("{login:?}").contains("Basic"));
    }
}
