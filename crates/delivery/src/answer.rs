//! What an answer means: data, or one of the problems. Pure.

use hyper::header::{self, HeaderMap};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use windlass_types::Timestamp;

use crate::error::ForgeProblem;
use crate::http::Answer;
use crate::text;
use crate::token::Token;

/// How long to wait where a forge that wants us to wait does not say how long.
const WAIT_MS: i64 = 60_000;
/// The longest wait that is believed: the window of a primary limit.
const MAX_WAIT_MS: i64 = 3_600_000;
/// The longest words of a forge that are passed on, in characters.
const MAX_WORDS: usize = 300;
/// How many refused fields are named.
const MAX_FIELDS: usize = 5;

/// What a forge says when it refuses.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Refusal {
    message: String,
    documentation_url: String,
    errors: Vec<Value>,
}

impl Answer {
    /// The data of a success, or the problem. `needs` is the permission that the call wants.
    pub(crate) fn data<T: DeserializeOwned>(&self, token: &Token, now: Timestamp, needs: &str) -> Result<T, ForgeProblem> {
        if !self.status.is_success() {
            return Err(self.problem(token, now, needs));
        }
        let told = |e: serde_json::Error| {
            let mut why = text::line(&e.to_string(), MAX_WORDS);
            token.redact(&mut why);
            ForgeProblem::BadAnswer(why)
        };
        let mut value: Value = serde_json::from_slice(&self.body).map_err(told)?;
        token.redact_all(&mut value);
        serde_json::from_value(value).map_err(told)
    }

    /// Whether there is another page behind this one. Only that is taken from the link, never the address.
    pub(crate) fn has_next(&self) -> bool {
        let link = self.headers.get(header::LINK).and_then(|v| v.to_str().ok()).unwrap_or_default();
        link.split(',').any(|part| part.split(';').skip(1).any(|p| p.trim() == "rel=\"next\""))
    }

    fn problem(&self, token: &Token, now: Timestamp, needs: &str) -> ForgeProblem {
        let mut value: Value = serde_json::from_slice(&self.body).unwrap_or_default();
        token.redact_all(&mut value);
        let refusal: Refusal = serde_json::from_value(value).unwrap_or_default();
        let status = self.status.as_u16();
        let words = words(&refusal);
        match status {
            300..=399 => ForgeProblem::Redirected { status },
            401 => ForgeProblem::Unauthorized { words },
            403 | 429 if self.is_limit(&refusal) => ForgeProblem::RateLimited { until: wait(&self.headers, now) },
            403 => {
                let mut accepted = text::line(self.header("x-accepted-github-permissions").unwrap_or(needs), MAX_WORDS);
                token.redact(&mut accepted);
                ForgeProblem::Forbidden { words, needs: accepted }
            }
            404 => ForgeProblem::NotFound { words, needs: needs.to_owned() },
            408 | 500.. => ForgeProblem::Unavailable(format!("it answered {status}: {words}")),
            _ => ForgeProblem::Refused { status, words },
        }
    }

    /// Whether a 403 or 429 is a rate limit; both kinds of limit come as either, and a 403 may be about permissions instead.
    fn is_limit(&self, refusal: &Refusal) -> bool {
        let message = refusal.message.to_ascii_lowercase();
        self.status.as_u16() == 429
            || self.headers.contains_key(header::RETRY_AFTER)
            || self.header("x-ratelimit-remaining") == Some("0")
            || message.contains("rate limit")
            || message.contains("abuse detection")
            || refusal.documentation_url.contains("rate-limit")
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|v| v.to_str().ok())
    }
}

/// Until when a limit is to be waited for: as the forge says, but neither no time at all nor more than an hour.
fn wait(headers: &HeaderMap, now: Timestamp) -> Timestamp {
    let number = |name: &str| headers.get(name).and_then(|v| v.to_str().ok()).and_then(|v| v.trim().parse::<i64>().ok());
    let said = match number("retry-after") {
        Some(seconds) => Some(seconds.saturating_mul(1000)),
        None if number("x-ratelimit-remaining") == Some(0) => {
            number("x-ratelimit-reset").map(|reset| Timestamp(reset.saturating_mul(1000)).since_ms(now))
        }
        None => None,
    };
    // One that is over by our clock is over by theirs only soon: the clocks differ.
    now.plus_ms(said.filter(|ms| *ms > 0).unwrap_or(WAIT_MS).min(MAX_WAIT_MS))
}

/// A forge's words: its message, and what it says of single fields.
fn words(refusal: &Refusal) -> String {
    let field = |error: &Value| -> Option<String> {
        let part = |name: &str| error.get(name).and_then(Value::as_str);
        match (error.as_str(), part("message"), part("field"), part("code")) {
            (Some(text), ..) | (None, Some(text), ..) => Some(text.to_owned()),
            (None, None, Some(field), Some(code)) => Some(format!("{field} is {code}")),
            _ => None,
        }
    };
    let fields: Vec<String> = refusal.errors.iter().filter_map(field).take(MAX_FIELDS).collect();
    let all = match (refusal.message.is_empty(), fields.is_empty()) {
        (true, true) => "it gave no reason".to_owned(),
        (true, false) => fields.join("; "),
        (false, true) => refusal.message.clone(),
        (false, false) => format!("{}: {}", refusal.message, fields.join("; ")),
    };
    text::line(&all, MAX_WORDS)
}

#[cfg(test)]
mod tests {
    use hyper::StatusCode;
    use hyper::header::{HeaderName, HeaderValue};
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp(1_795_000_000_000);

    fn answer(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
        let pair = |(name, value): &(&str, &str)| {
            (HeaderName::from_bytes(name.as_bytes()).unwrap(), HeaderValue::from_bytes(value.as_bytes()).unwrap())
        };
        Answer {
            status: StatusCode::from_u16(status).unwrap(),
            headers: headers.iter().map(pair).collect(),
            body: body.as_bytes().to_vec(),
        }
    }

    fn problem(status: u16, headers: &[(&str, &str)], body: &str) -> ForgeProblem {
        answer(status, headers, body).data::<Value>(&Token::new("ghp_secret").unwrap(), NOW, "a permission").unwrap_err()
    }

    #[test]
    fn a_rate_limit_says_until_when() {
        let remaining = |n| ("x-ratelimit-remaining", n);
        let reset = |at| ("x-ratelimit-reset", at);
        for (status, headers, body, seconds) in [
            (403, vec![("retry-after", "30")], "{}", 30),
            (429, vec![("retry-after", "30"), remaining("0"), reset("1795000100")], "{}", 30),
            (403, vec![remaining("0"), reset("1795000100")], "{}", 100),
            (429, vec![remaining("0"), reset("1795000100")], "{}", 100),
            (429, vec![], "not JSON", 60),
            (429, vec![remaining("17"), reset("1795000100")], "{}", 60),
            (403, vec![], r#"{"message": "You have exceeded a secondary rate limit."}"#, 60),
            (403, vec![], r#"{"message": "x", "documentation_url": "https://docs.example/rate-limits-for-the-rest-api"}"#, 60),
            // What cannot be meant: over already, no number, a day.
            (403, vec![remaining("0"), reset("1794999000")], "{}", 60),
            (403, vec![remaining("0"), reset("9223372036854775807")], "{}", 3600),
            (429, vec![("retry-after", "86400")], "{}", 3600),
            (429, vec![("retry-after", "-5")], "{}", 60),
            (429, vec![("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT")], "{}", 60),
        ] {
            let until = NOW.plus_ms(seconds * 1000);
            assert_eq!(problem(status, &headers, body), ForgeProblem::RateLimited { until }, "{status} {headers:?} {body}");
        }
    }

    #[test]
    fn a_403_without_a_limit_is_about_permissions() {
        let body = r#"{"message": "Resource not accessible by personal access token"}"#;
        let words = "Resource not accessible by personal access token".to_owned();
        let headers = [("x-accepted-github-permissions", "pull_requests=write"), ("x-ratelimit-remaining", "4999")];
        assert_eq!(problem(403, &headers, body), ForgeProblem::Forbidden { words: words.clone(), needs: "pull_requests=write".into() });
        assert_eq!(problem(403, &[], body), ForgeProblem::Forbidden { words, needs: "a permission".into() });
    }

    #[test]
    fn every_other_status_has_its_class() {
        let body = r#"{"message": "m"}"#;
        let words = || "m".to_owned();
        assert_eq!(problem(401, &[], body), ForgeProblem::Unauthorized { words: words() });
        assert_eq!(problem(404, &[], body), ForgeProblem::NotFound { words: words(), needs: "a permission".into() });
        for status in [301, 302, 304, 307] {
            assert_eq!(problem(status, &[], body), ForgeProblem::Redirected { status });
        }
        for status in [408, 500, 502, 503, 504, 599] {
            assert_eq!(problem(status, &[], body), ForgeProblem::Unavailable(format!("it answered {status}: m")));
        }
        for status in [400, 405, 409, 410, 415, 422, 451] {
            assert_eq!(problem(status, &[], body), ForgeProblem::Refused { status, words: words() });
        }
        assert!(matches!(problem(200, &[], "<html>"), ForgeProblem::BadAnswer(_)));
        assert!(matches!(problem(204, &[], ""), ForgeProblem::BadAnswer(_)));
    }

    #[test]
    fn a_forges_words_are_bounded_plain_and_without_the_token() {
        let refused = |body: Value| match problem(422, &[], &body.to_string()) {
            ForgeProblem::Refused { words, .. } => words,
            other => panic!("{other:?}"),
        };
        let fields =
            json!([{"message": "A pull request already exists for o:b."}, {"field": "base", "code": "invalid"}, "plain", {"x": 1}, 7]);
        assert_eq!(
            refused(json!({"message": "Validation Failed", "errors": fields})),
            "Validation Failed: A pull request already exists for o:b.; base is invalid; plain"
        );
        assert_eq!(refused(json!({"message": "a\u{1b}[31m\r\nBcc: x\u{0}"})), "a [31m Bcc: x");
        assert_eq!(refused(json!({"message": "x".repeat(10_000)})).chars().count(), MAX_WORDS + 1);
        assert_eq!(refused(json!({"errors": vec![json!("y"); 10_000]})), "y; y; y; y; y");
        assert_eq!(refused(json!([1, 2])), "it gave no reason");
        assert_eq!(refused(json!({"message": {"not": "a text"}})), "it gave no reason");
        assert!(!refused(json!({"message": "you sent Bearer ghp_secret"})).contains("ghp_secret"));
        let headers = [("x-accepted-github-permissions", "ghp_secret")];
        assert!(!format!("{:?}", problem(403, &headers, "{}")).contains("ghp_secret"));
        let wrong_type = answer(200, &[], r#"{"a": "ghp_secret"}"#);
        let error = wrong_type.data::<std::collections::BTreeMap<String, u8>>(&Token::new("ghp_secret").unwrap(), NOW, "").unwrap_err();
        assert!(!format!("{error:?}").contains("ghp_secret"));
    }

    #[test]
    fn a_next_page_is_known_by_its_relation() {
        let link = |value: &str| answer(200, &[("link", value)], "[]").has_next();
        assert!(link("<https://x/?page=2>; rel=\"next\", <https://x/?page=9>; rel=\"last\""));
        assert!(link("<https://x/?page=1>; rel=\"prev\", <https://x/?page=3>;rel=\"next\""));
        assert!(!link("<https://x/?page=1>; rel=\"prev\", <https://x/?rel=\"next\">; rel=\"last\""));
        assert!(!answer(200, &[], "[]").has_next());
    }
}
