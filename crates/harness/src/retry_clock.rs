//! When a provider may be asked again, where an agent says it by the clock on the wall: `try again at 10:11 AM.`, and on
//! another day `try again at Nov 25th, 2026 10:11 AM.`

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use windlass_types::Timestamp;

/// The clock of an agent whose environment names no zone.
const LOCALTIME: &str = "/etc/localtime";
/// The shortest wait: the clock on the wall knows no seconds.
const MIN_WAIT_MS: i64 = 60_000;
/// How long a time may have passed and still be meant. One that passed earlier is of another zone's clock.
const PASSED_MAX_MS: i64 = 10 * 60_000;
const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// The zone in which this machine's agents tell the time.
pub(crate) fn zone() -> TimeZone {
    std::fs::read(LOCALTIME).ok().and_then(|bytes| TimeZone::tzif("local", &bytes).ok()).unwrap_or(TimeZone::UTC)
}

/// The instant that the text, in lower case, names. Without a date it is today's, and so within a day.
pub(crate) fn retry_at(lower: &str, now: Timestamp, zone: impl FnOnce() -> TimeZone) -> Option<Timestamp> {
    let (_, said) = lower.split_once("try again at ")?;
    let mut words = said.split_ascii_whitespace();
    let first = words.next()?;
    let (date, clock) = match MONTHS.iter().position(|month| *month == first) {
        Some(month) => {
            let digits = |word: &str| word.chars().take_while(char::is_ascii_digit).collect::<String>();
            let day = digits(words.next()?).parse().ok()?;
            let year = digits(words.next()?).parse().ok()?;
            (Some(Date::new(year, i8::try_from(month + 1).ok()?, day).ok()?), words.next()?)
        }
        None => (None, first),
    };
    let time = time(clock, words.next()?)?;
    let zone = zone();
    let date = match date {
        Some(date) => date,
        None => zone.to_datetime(jiff::Timestamp::from_millisecond(now.0).ok()?).date(),
    };
    let at = Timestamp(zone.to_timestamp(date.to_datetime(time)).ok()?.as_millisecond());
    (at.since_ms(now) >= -PASSED_MAX_MS).then(|| at.max(now.plus_ms(MIN_WAIT_MS)))
}

/// `10:11` and `am` or `pm.`
fn time(clock: &str, half: &str) -> Option<Time> {
    let (hour, minute) = clock.split_once(':')?;
    let hour: i8 = hour.parse().ok().filter(|hour| (1..=12).contains(hour))?;
    let after_noon = match half.trim_end_matches(|c: char| !c.is_ascii_alphabetic()) {
        "am" => 0,
        "pm" => 12,
        _ => return None,
    };
    Time::new(hour % 12 + after_noon, minute.parse().ok()?, 0, 0).ok()
}

#[cfg(test)]
mod tests {
    use jiff::tz::{Offset, TimeZone};

    use super::*;

    /// How long to wait, when it is 08:00 in a zone so many hours before UTC.
    fn wait_minutes(text: &str, hours: i8) -> Option<i64> {
        let eight: Timestamp = "2026-11-21T08:00:00Z".parse().unwrap();
        let now = eight.plus_ms(-i64::from(hours) * 3_600_000);
        let zone = TimeZone::fixed(Offset::constant(hours));
        retry_at(&text.to_ascii_lowercase(), now, || zone).map(|at| at.since_ms(now) / 60_000)
    }

    #[test]
    fn a_time_on_the_wall_is_one_of_this_machines_zone() {
        for hours in [-8, 0, 2, 9] {
            for (text, minutes) in [
                ("You've hit your usage limit. Upgrade to Pro, or try again at 10:11 AM.", 131),
                ("try again at 8:05 PM.", 12 * 60 + 5),
                ("try again at 12:30 PM", 4 * 60 + 30),
                ("or try again at Nov 25th, 2026 10:11 AM.", 4 * 24 * 60 + 131),
                ("try again at Nov 22nd, 2026 12:00 AM.", 16 * 60),
            ] {
                assert_eq!(wait_minutes(text, hours), Some(minutes), "{text}, UTC{hours:+}");
            }
        }
    }

    #[test]
    fn the_minute_that_has_just_begun_is_a_minute_away_and_one_long_gone_is_no_hint() {
        assert_eq!(wait_minutes("try again at 8:00 AM.", 0), Some(1));
        assert_eq!(wait_minutes("try again at 7:51 AM.", 0), Some(1));
        assert_eq!(wait_minutes("try again at 7:49 AM.", 0), None);
        assert_eq!(wait_minutes("try again at Nov 20th, 2026 10:11 AM.", 0), None);
    }

    #[test]
    fn words_that_are_no_time_are_no_hint() {
        for text in [
            "try again at",
            "try again at noon",
            "try again at 10:11",
            "try again at 10:11 o'clock",
            "try again at 13:11 PM.",
            "try again at 0:11 AM.",
            "try again at 10:60 AM.",
            "try again at 10:-1 AM.",
            "try again at 999999999999:1 AM.",
            "try again at Nov 31st, 2026 10:11 AM.",
            "try again at Nov 25th, 99999 10:11 AM.",
            "try again at Nov 25th, 2026",
            "try again at Nov \u{e4}\u{f6}, \u{fc} 1:1 AM",
        ] {
            assert_eq!(wait_minutes(text, 0), None, "{text}");
        }
    }
}
