//! When a provider says that it may be asked again, read from its words.

use windlass_types::Timestamp;

use crate::retry_clock;

/// The longest wait that is believed: a weekly quota, and a day.
const MAX_WAIT_MS: i64 = 8 * 24 * 3600 * 1000;

/// What an error's text says: `|1700000000` at its end, `try again in 5m 3s`, `retry-after: 20`, `"retryDelay": "34s"`,
/// `reset after 18h31m10s`, `try again at 10:11 AM`. Nothing that lies in the past or is too far away to be meant.
pub(crate) fn retry_at(text: &str, now: Timestamp) -> Option<Timestamp> {
    let lower = text.to_ascii_lowercase();
    let wait = [
        "try again in",
        "retry in",
        "retry-after",
        "retry after",
        "retrydelay",
        "resets in",
        "reset in",
        "reset after",
        "available in",
        "wait",
    ]
    .iter()
    .find_map(|words| lower.match_indices(words).find_map(|(at, _)| duration_ms(&lower[at + words.len()..])));
    wait.map(|ms| now.plus_ms(ms))
        .or_else(|| epoch(&lower))
        .or_else(|| retry_clock::retry_at(&lower, now, retry_clock::zone))
        .filter(|at| believable(*at, now))
}

/// An instant that a field gave, in seconds or milliseconds since 1970, when it can be meant.
pub(crate) fn from_epoch(number: i64, now: Timestamp) -> Option<Timestamp> {
    let at = if number > 100_000_000_000 { Timestamp(number) } else { Timestamp(number.checked_mul(1000)?) };
    believable(at, now).then_some(at)
}

fn believable(at: Timestamp, now: Timestamp) -> bool {
    (1..=MAX_WAIT_MS).contains(&at.since_ms(now))
}

/// `usage limit reached|1700000000`.
fn epoch(lower: &str) -> Option<Timestamp> {
    let (_, tail) = lower.split_once("limit reached|")?;
    let digits: String = tail.chars().take_while(char::is_ascii_digit).take(13).collect();
    let number: i64 = digits.parse().ok()?;
    Some(if digits.len() == 13 { Timestamp(number) } else { Timestamp(number.checked_mul(1000)?) })
}

/// `5`, `1.5s`, `2 minutes 3 seconds`, `18h31m10s`, after what stands between the words and the number. A number alone is seconds.
fn duration_ms(text: &str) -> Option<i64> {
    let mut rest = text.trim_start_matches([' ', ':', '"', '=', '\\', '\'']);
    rest = rest.strip_prefix("about ").unwrap_or(rest);
    let mut sum: Option<f64> = None;
    loop {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        // A full stop after the number ends the sentence.
        let number = rest[..digits].trim_end_matches('.');
        let Ok(number) = number.parse::<f64>() else { break };
        let after = rest[digits..].trim_start_matches(' ');
        let letters = after.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(after.len());
        let unit_ms = match &after[..letters] {
            "ms" | "millisecond" | "milliseconds" => 1.0,
            "m" | "min" | "mins" | "minute" | "minutes" => 60_000.0,
            "h" | "hr" | "hrs" | "hour" | "hours" => 3_600_000.0,
            "d" | "day" | "days" => 86_400_000.0,
            "s" | "sec" | "secs" | "second" | "seconds" => 1000.0,
            // A bare number is seconds, where it is the only one.
            _ if sum.is_none() => return ms(number * 1000.0),
            _ => break,
        };
        sum = Some(sum.unwrap_or(0.0) + number * unit_ms);
        rest = after[letters..].trim_start_matches([' ', ',']);
        rest = rest.strip_prefix("and ").unwrap_or(rest);
    }
    ms(sum?)
}

fn ms(number: f64) -> Option<i64> {
    // A wait of nothing is still a wait: the provider did refuse.
    (number.is_finite() && number <= MAX_WAIT_MS as f64).then(|| (number.ceil() as i64).max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_699_999_000_000);

    fn wait_ms(text: &str) -> Option<i64> {
        retry_at(text, NOW).map(|at| at.since_ms(NOW))
    }

    #[test]
    fn the_ways_in_which_providers_say_when() {
        for (text, ms) in [
            ("Rate limit reached. Please try again in 1s.", 1000),
            ("Please try again in 1.234s. Visit", 1234),
            ("try again in 20ms", 20),
            ("try again in 3 hours 20 minutes.", 12_000_000),
            ("Try again in 2 days, 1 hour and 5 minutes", 2 * 86_400_000 + 3_600_000 + 300_000),
            ("Retry-After: 34", 34_000),
            ("please retry in 34.07s", 34_070),
            (r#"{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"34s"}"#, 34_000),
            ("Your quota will reset after 18h31m10s.", 66_670_000),
            ("Claude AI usage limit reached|1700000000", 1_000_000),
            ("Claude AI usage limit reached|1700000000000", 1_000_000),
        ] {
            assert_eq!(wait_ms(text), Some(ms), "{text}");
        }
    }

    #[test]
    fn a_time_on_the_wall_is_a_hint_too_unless_it_is_too_far_away() {
        // On the machine's own clock, whatever its zone is: a date of four or five days away.
        let wait = wait_ms("You've hit your usage limit. Try again at Nov 19th, 2023 10:11 AM.").unwrap();
        assert!((3 * 86_400_000..6 * 86_400_000).contains(&wait), "{wait}");
        assert_eq!(wait_ms("try again at Nov 19th, 2024 10:11 AM."), None);
    }

    #[test]
    fn what_says_nothing_or_cannot_be_meant_is_no_hint() {
        for text in
            ["try again in a moment", "usage limit reached|1", "usage limit reached|99999999999999999", "try again in 400 days", "", "429"]
        {
            assert_eq!(wait_ms(text), None, "{text}");
        }
    }
}
