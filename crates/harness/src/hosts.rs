//! Which hosts an agent has to reach: its model's, and where its login is renewed.

use std::collections::BTreeMap;

use windlass_types::Harness;

/// What an agent speaks to when no base URL says otherwise, the model first.
const fn usual(harness: Harness) -> (&'static str, &'static [&'static str]) {
    match harness {
        Harness::Claude => ("ANTHROPIC_BASE_URL", &["api.anthropic.com", "console.anthropic.com", "platform.claude.com"]),
        Harness::Codex => ("OPENAI_BASE_URL", &["api.openai.com", "chatgpt.com", "auth.openai.com"]),
        Harness::Gemini => (
            "GOOGLE_GEMINI_BASE_URL",
            &["generativelanguage.googleapis.com", "cloudcode-pa.googleapis.com", "oauth2.googleapis.com", "*.googleapis.com"],
        ),
        Harness::Command | Harness::Simulated => ("", &[]),
    }
}

/// `HOST` or `HOST:PORT` of each, with the environment that the agent will have.
pub(crate) fn of(harness: Harness, env: &BTreeMap<String, String>) -> Vec<String> {
    let (variable, usual) = usual(harness);
    match env.get(variable).filter(|url| !url.is_empty()) {
        Some(url) => place(url).into_iter().collect(),
        None => usual.iter().map(|host| (*host).to_owned()).collect(),
    }
}

/// The host and port of a URL.
fn place(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let place = rest.split(['/', '?', '#']).next()?;
    let place = place.rsplit_once('@').map_or(place, |(_, place)| place);
    let has_port = place.rsplit_once(':').is_some_and(|(_, port)| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
    let port = if scheme.eq_ignore_ascii_case("http") { 80 } else { 443 };
    Some(if has_port { place.to_owned() } else { format!("{place}:{port}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_has_to_reach_its_base_url_or_else_its_provider() {
        let env = |url: &str| [("ANTHROPIC_BASE_URL".to_owned(), url.to_owned())].into();
        for (url, host) in [
            ("http://127.0.0.1:8080", "127.0.0.1:8080"),
            ("https://u:p@gateway.example/v1?x", "gateway.example:443"),
            ("http://[::1]:9/x", "[::1]:9"),
            ("http://[::1]/x", "[::1]:80"),
        ] {
            assert_eq!(of(Harness::Claude, &env(url)), [host]);
        }
        assert!(of(Harness::Claude, &BTreeMap::new()).contains(&"api.anthropic.com".to_owned()));
        assert!(of(Harness::Command, &env("http://x")).is_empty());
    }
}
