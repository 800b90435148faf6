//! The cookie of a signed-in browser: out of reach for scripts, and sent along by this server's own page alone.

use axum::http::HeaderValue;
use axum::http::header::{self, HeaderMap};

use super::SESSION_SECS;

/// How many of one name are looked at.
const VALUES_MAX: usize = 8;

/// A browser sends one machine's cookies to all of its ports: each daemon has its own name.
pub(crate) fn cookie_name(port: u16) -> String {
    format!("windlass_{port}")
}

/// Reads and writes it.
pub(crate) struct Cookie;

impl Cookie {
    /// Its values, the first few: a browser may hold several of one name, set by whatever else is served at its host.
    pub(crate) fn read(headers: &HeaderMap, name: &str) -> Vec<String> {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(key, value)| *key == name && !value.is_empty() && value.len() <= 128)
            .map(|(_, value)| value.to_owned())
            .take(VALUES_MAX)
            .collect()
    }

    /// The header that sets it. `over_tls`: the browser is to send it over TLS alone.
    pub(crate) fn set(name: &str, value: &str, over_tls: bool) -> Option<HeaderValue> {
        Self::header(name, value, SESSION_SECS, over_tls)
    }

    /// The header that removes it.
    pub(crate) fn remove(name: &str, over_tls: bool) -> Option<HeaderValue> {
        Self::header(name, "", 0, over_tls)
    }

    fn header(name: &str, value: &str, max_age_secs: u64, over_tls: bool) -> Option<HeaderValue> {
        let secure = if over_tls { "; Secure" } else { "" };
        let text = format!("{name}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={max_age_secs}{secure}");
        HeaderValue::from_str(&text).ok()
    }

    /// Whether the page that sends this request was got over TLS, from a proxy in front.
    pub(crate) fn is_over_tls(headers: &HeaderMap) -> bool {
        headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok()).is_some_and(|origin| origin.starts_with("https://"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(cookies: &[&str]) -> HeaderMap {
        cookies.iter().map(|cookie| (header::COOKIE, HeaderValue::from_str(cookie).expect("a header"))).collect()
    }

    #[test]
    fn the_cookies_of_this_daemon_are_found_among_others() {
        let name = cookie_name(3001);
        assert_eq!(Cookie::read(&headers(&["a=1; windlass_3001=x; b=2"]), &name), ["x"]);
        assert!(Cookie::read(&headers(&["windlass_3002=x", "windlass_3001="]), &name).is_empty());
        assert_eq!(Cookie::read(&headers(&["windlass_3001=x", "windlass_3001=y"]), &name), ["x", "y"]);
        assert!(Cookie::read(&headers(&["xwindlass_3001=x"]), &name).is_empty());
    }

    #[test]
    fn the_cookie_is_out_of_reach_for_scripts_and_other_sites() {
        let set = Cookie::set("windlass_1", "v", false).expect("a header");
        let set = set.to_str().expect("text");
        assert!(set.contains("HttpOnly") && set.contains("SameSite=Strict") && !set.contains("Secure"), "{set}");
        assert!(Cookie::set("windlass_1", "v", true).is_some_and(|set| set.to_str().is_ok_and(|set| set.contains("Secure"))));
    }
}
