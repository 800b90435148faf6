//! One forge server, and who Windlass is there.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hyper::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use windlass_types::Clock;

use crate::error::{ForgeError, ForgeProblem};
use crate::http::Http;
use crate::token::Token;

/// The base address of github.com's API.
pub const GITHUB: &str = "https://api.github.com";

/// How long a call may take, from the first byte sent to the last one read.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How a forge is reached. `Debug` does not show the token.
#[derive(Clone)]
pub struct ForgeConfig {
    base_url: String,
    token: String,
    timeout: Duration,
}

impl ForgeConfig {
    /// A base address, [`GITHUB`] or `https://HOST/api/v3` of a GitHub Enterprise, and the token for it. Plain `http` is for loopback only.
    pub fn new(base_url: impl Into<String>, token: impl Into<String>) -> Self {
        Self { base_url: base_url.into(), token: token.into(), timeout: TIMEOUT }
    }

    /// The token: what may never be stored or shown, and git's password over https.
    pub fn token(&self) -> &str {
        &self.token
    }

    /// Sets how long one call may take (30 s).
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }
}

impl fmt::Debug for ForgeConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForgeConfig").field("base_url", &self.base_url).field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

/// A forge server with a checked configuration and its connections. Clones share them.
#[derive(Debug, Clone)]
pub struct ForgeServer {
    pub(crate) http: Arc<Http>,
    /// The host by which git knows it.
    pub(crate) git_host: String,
    pub(crate) clock: Clock,
}

impl ForgeServer {
    /// The host by which git knows the forge, without a port.
    pub fn git_host(&self) -> &str {
        &self.git_host
    }

    /// Checks a configuration; connects to nobody. A proxy is taken from the environment, as git takes it. `clock` tells rate limits' ends.
    pub fn new(config: &ForgeConfig, clock: Clock) -> Result<Self, ForgeError> {
        Self::through(config, clock, &Matcher::from_env())
    }

    fn through(config: &ForgeConfig, clock: Clock, proxies: &Matcher) -> Result<Self, ForgeError> {
        let bad = |text: String| ForgeError { doing: "set up the forge".to_owned(), problem: ForgeProblem::BadConfiguration(text) };
        let base = base(&config.base_url).map_err(|why| bad(format!("its address, [forge] base_url, {why}")))?;
        let token = Token::new(&config.token).ok_or_else(|| {
            bad("its token (GITHUB_TOKEN, or the file of [forge] token_file) is empty or not plain ASCII without blanks".to_owned())
        })?;
        let git_host = git_host(base.host().unwrap_or_default());
        let http = Http::new(&base, token, config.timeout, proxies).map_err(bad)?;
        Ok(Self { http: Arc::new(http), git_host, clock })
    }
}

/// Checks a base address.
fn base(text: &str) -> Result<Uri, &'static str> {
    let text = text.trim_end_matches('/');
    let uri: Uri = text.parse().map_err(|_| "is no address")?;
    let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else { return Err("does not begin with https://") };
    let host = authority.host();
    if host.is_empty() || authority.as_str().contains('@') || uri.query().is_some() || text.contains(['?', '#']) {
        return Err("is not only scheme, host and path");
    }
    let loopback = matches!(host, "127.0.0.1" | "[::1]" | "localhost");
    match scheme {
        "https" => Ok(uri),
        "http" if loopback => Ok(uri),
        "http" => Err("is not encrypted; give https://"),
        _ => Err("does not begin with https://"),
    }
}

/// The host in a repository's address that belongs to an API's host.
fn git_host(api_host: &str) -> String {
    let host = api_host.to_ascii_lowercase();
    match host.strip_prefix("api.") {
        Some(rest) if rest == "github.com" || rest.ends_with(".ghe.com") => rest.to_owned(),
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use super::*;

    const SECRET: &str = "ghp_0123456789abcdef";

    fn server(base_url: &str) -> Result<ForgeServer, ForgeError> {
        ForgeServer::new(&ForgeConfig::new(base_url, SECRET), Clock::system())
    }

    #[test]
    fn a_base_address_is_encrypted_or_on_loopback() {
        for (base_url, host) in [
            (GITHUB, "github.com"),
            ("https://api.github.com/", "github.com"),
            ("https://ghe.example/api/v3", "ghe.example"),
            ("https://GHE.example:8443/api/v3/", "ghe.example"),
            ("https://api.acme.ghe.com", "acme.ghe.com"),
            ("https://api.acme.example", "api.acme.example"),
            ("http://127.0.0.1:1234/api/v3", "127.0.0.1"),
            ("http://localhost:1234", "localhost"),
        ] {
            assert_eq!(server(base_url).unwrap().git_host, host, "{base_url}");
        }
        for base_url in [
            "",
            "api.github.com",
            "/api/v3",
            "http://ghe.example/api/v3",
            "http://127.0.0.1.evil.example",
            "ftp://ghe.example",
            "unix:/run/x",
            "https://",
            "https://user:password@ghe.example",
            "https://ghe.example/api/v3?x=1",
            "https://ghe.example/api/v3#x",
            "https://ghe .example",
        ] {
            let error = server(base_url).unwrap_err();
            assert_eq!(error.class(), windlass_types::FailureClass::Configuration, "{base_url}");
            assert!(!error.to_string().contains("password"), "{error}");
        }
    }

    #[test]
    fn a_token_is_wanted_and_never_shown() {
        for token in ["", " ", "a b", "line\n", "\u{e4}\u{e4}"] {
            let error = ForgeServer::new(&ForgeConfig::new(GITHUB, token), Clock::system()).unwrap_err();
            assert!(matches!(error.problem, ForgeProblem::BadConfiguration(_)), "{error}");
        }
        let config = ForgeConfig::new(GITHUB, SECRET);
        let server = ForgeServer::new(&config, Clock::system()).unwrap();
        let forge = crate::forge_of("https://github.com/o/r", &server).unwrap();
        let shown = format!("{config:?} {config:#?} {server:?} {server:#?} {forge:?} {forge:#?}");
        assert!(!shown.contains(SECRET) && shown.contains("api.github.com"), "{shown}");
    }

    #[tokio::test]
    async fn over_https_nothing_is_said_before_the_server_has_proved_its_name() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let base_url = format!("https://127.0.0.1:{}/api/v3", listener.local_addr().unwrap().port());
        let heard = std::thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            let mut bytes = vec![0; 64 * 1024];
            let length = stream.read(&mut bytes).unwrap();
            bytes.truncate(length);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n[]");
            bytes
        });
        let server = ForgeServer::through(&ForgeConfig::new(base_url, SECRET), Clock::system(), &Matcher::builder().build()).unwrap();
        let forge = crate::forge_of("https://127.0.0.1/o/r", &server).unwrap();
        let error = forge.find_pull_request("b", "main").await.unwrap_err();
        assert!(matches!(error.problem, ForgeProblem::Unavailable(_)), "{error}");
        let heard = heard.join().unwrap();
        assert_eq!(heard.first(), Some(&22), "a TLS handshake");
        assert!(!String::from_utf8_lossy(&heard).contains(SECRET));
    }

    #[tokio::test]
    async fn a_proxy_of_the_environment_is_asked_for_a_tunnel_and_sees_no_token() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = format!("http://name:word@127.0.0.1:{}", listener.local_addr().unwrap().port());
        let heard = std::thread::spawn(move || {
            let mut stream = listener.accept().unwrap().0;
            let mut bytes = Vec::new();
            while !bytes.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                bytes.push(byte[0]);
            }
            let _ = stream.write_all(b"HTTP/1.1 502 Bad Gateway\r\n\r\n");
            String::from_utf8(bytes).unwrap()
        });
        let proxies = Matcher::builder().https(proxy).build();
        let config = ForgeConfig::new("https://ghe.invalid/api/v3", SECRET);
        let server = ForgeServer::through(&config, Clock::system(), &proxies).unwrap();
        let forge = crate::forge_of("https://ghe.invalid/o/r", &server).unwrap();
        let error = forge.find_pull_request("b", "main").await.unwrap_err();
        assert!(matches!(error.problem, ForgeProblem::Unavailable(_)) && !error.to_string().contains("word"), "{error}");
        let heard = heard.join().unwrap();
        assert!(heard.starts_with("CONNECT ghe.invalid:443 HTTP/1.1\r\n"), "{heard}");
        assert!(heard.to_lowercase().contains("proxy-authorization: basic") && !heard.contains(SECRET), "{heard}");

        let socks = Matcher::builder().https("socks5://127.0.0.1:1080").build();
        let error = ForgeServer::through(&config, Clock::system(), &socks).unwrap_err();
        assert!(error.to_string().contains("socks5"), "{error}");
    }
}
