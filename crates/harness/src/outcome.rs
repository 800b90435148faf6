//! From an API status or an error's words to a failure: the rules that all agents share.

use windlass_types::{Failure, FailureKind, Harness, Timestamp};

use crate::retry_hint::retry_at;

/// The most of an agent's text that goes into a failure's sentence.
const TEXT_MAX: usize = 600;

/// Cuts a text to at most `max` bytes, at a character's edge.
pub(crate) fn cut(text: &str, max: usize) -> &str {
    let mut end = text.len().min(max);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The last `max` bytes of a text, from a character's edge.
pub(crate) fn tail(text: &str, max: usize) -> &str {
    let mut start = text.len().saturating_sub(max);
    while !text.is_char_boundary(start) {
        start += 1;
    }
    &text[start..]
}

/// Whether any of the words stands in the text, which is in lower case.
pub(crate) fn says(lower: &str, words: &[&str]) -> bool {
    words.iter().any(|w| lower.contains(w))
}

/// The failure of an agent that said itself that its model's API failed it.
pub(crate) fn api_failure(harness: Harness, status: Option<u16>, text: &str, otherwise: FailureKind, now: Timestamp) -> Failure {
    let lower = text.to_ascii_lowercase();
    let kind = match status {
        Some(401 | 403) => FailureKind::Unauthorized,
        // Google answers a wrong key with 400.
        Some(400) if says(&lower, &["api key not valid", "api_key_invalid", "api key expired"]) => FailureKind::Unauthorized,
        Some(402 | 429) => FailureKind::RateLimited,
        Some(408 | 409 | 425 | 500..) => FailureKind::ApiError,
        Some(400..=499) => FailureKind::AgentFailed,
        _ => kind_of_words(&lower).unwrap_or(otherwise),
    };
    let text = cut(text.trim(), TEXT_MAX);
    let name = harness.as_str();
    match kind {
        FailureKind::Unauthorized => {
            Failure::new(kind, format!("{name}: the model's API refused the credentials: {text}")).hint(login_hint(harness))
        }
        FailureKind::NotLoggedIn => Failure::new(kind, format!("{name} has no credentials: {text}")).hint(login_hint(harness)),
        FailureKind::RateLimited => {
            let failure = Failure::new(kind, format!("{name}: the provider's rate limit or quota is reached: {text}"));
            match retry_at(text, now) {
                Some(at) => failure.retry_at(at),
                None => failure,
            }
        }
        FailureKind::ApiError => Failure::new(kind, format!("{name}: the model's API failed: {text}")),
        _ => Failure::new(kind, format!("{name} failed: {text}")),
    }
}

/// What the words of an error without a status mean. Only for text that the agent's program wrote, not its model.
fn kind_of_words(lower: &str) -> Option<FailureKind> {
    const RULES: &[(FailureKind, &[&str])] = &[
        (
            FailureKind::NotLoggedIn,
            &["not logged in", "missing environment variable", "please run /login", "please log in", "no auth credentials"],
        ),
        (
            FailureKind::Unauthorized,
            &[
                "invalid api key",
                "incorrect api key",
                "unauthorized",
                "unauthenticated",
                "authentication_error",
                "failed to authenticate",
                "token expired",
                "token has expired",
                "token was revoked",
            ],
        ),
        (
            FailureKind::RateLimited,
            &[
                "usage limit",
                "rate limit",
                "rate_limit",
                "too many requests",
                "quota",
                "resource_exhausted",
                "resource exhausted",
                "credit balance is too low",
            ],
        ),
        (
            FailureKind::AgentFailed,
            &["context window", "context_length", "prompt is too long", "usage policy", "safety", "invalid_request"],
        ),
        (
            FailureKind::ApiError,
            &[
                "unable to connect",
                "connection",
                "timed out",
                "timeout",
                "disconnected",
                "terminated",
                "overloaded",
                "high demand",
                "fetch failed",
                "econn",
                "enotfound",
                "eai_again",
                "socket",
                "network",
                "server error",
                "internal error",
                "unavailable",
            ],
        ),
    ];
    RULES.iter().find(|(_, words)| says(lower, words)).map(|(kind, _)| *kind)
}

/// Who to log in, and how.
pub(crate) const fn login_hint(harness: Harness) -> &'static str {
    match harness {
        Harness::Claude => "set ANTHROPIC_API_KEY (or CLAUDE_CODE_OAUTH_TOKEN) where Windlass starts, or log in once with `claude /login`",
        Harness::Codex => "set OPENAI_API_KEY (or CODEX_API_KEY) where Windlass starts, or log in once with `codex login`",
        Harness::Gemini => "set GEMINI_API_KEY where Windlass starts, or log in once by running `gemini`",
        Harness::Command | Harness::Simulated => "give the program the credentials it needs",
    }
}

/// The failure of an agent that ended without its last word, or against it.
pub(crate) fn crashed(harness: Harness, exit: &crate::Exit, what: &str) -> Failure {
    let how = match (exit.code, exit.signal) {
        (_, Some(signal)) => format!("was killed by signal {signal}"),
        (Some(code), None) => format!("exited with code {code}"),
        (None, None) => "ended in a way that is not known".to_owned(),
    };
    // What was printed before a kill has nothing to do with it.
    let stderr = if exit.signal.is_some() { String::new() } else { last_words(&exit.stderr_tail) };
    let stderr = if stderr.is_empty() { String::new() } else { format!("; its last words: {stderr}") };
    Failure::new(FailureKind::AgentCrashed, format!("{} {how} {what}{stderr}", harness.as_str()))
}

/// What the agents print on standard error in every run.
const CHATTER: &[&str] =
    &["YOLO mode is enabled", "Ripgrep is not available", "Warning: ", "Reading additional input from stdin", "Approval mode overridden"];

/// The last lines of standard error, on one line: for people, never to decide by.
pub(crate) fn last_words(stderr: &str) -> String {
    let worth = |l: &&str| !l.is_empty() && !CHATTER.iter().any(|c| l.starts_with(c));
    let mut lines: Vec<&str> = stderr.lines().rev().map(str::trim).filter(worth).take(3).collect();
    lines.reverse();
    let joined: String = lines.join(" / ").chars().filter(|c| !c.is_control()).collect();
    tail(&joined, TEXT_MAX).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_decides_and_words_only_without_one() {
        let kind = |status, text| api_failure(Harness::Gemini, status, text, FailureKind::AgentCrashed, Timestamp(0)).kind;
        assert_eq!(kind(Some(401), "quota"), FailureKind::Unauthorized);
        assert_eq!(kind(Some(429), ""), FailureKind::RateLimited);
        assert_eq!(kind(Some(529), "API key not valid"), FailureKind::ApiError);
        assert_eq!(kind(Some(400), "bad"), FailureKind::AgentFailed);
        assert_eq!(kind(Some(400), "API key not valid. Please"), FailureKind::Unauthorized);
        assert_eq!(kind(None, "fetch failed"), FailureKind::ApiError);
        assert_eq!(kind(None, "hm"), FailureKind::AgentCrashed);
    }

    #[test]
    fn texts_are_cut_at_a_characters_edge() {
        assert_eq!(cut("aé", 2), "a");
        assert_eq!(tail("éa", 2), "a");
    }
}
