//! Skipping a test whose outside part is missing: loudly, and never where `CI=true`.

use std::ffi::OsStr;

/// Says on stderr that a test is skipped for want of `part`, and `how` to get it.
///
/// # Panics
///
/// With `CI=true` in the environment: there every part must be installed.
#[expect(clippy::print_stderr, reason = "a skip that nobody sees is a test that nobody runs")]
pub fn skipped(part: &str, how: &str) {
    assert!(!forbidden(std::env::var_os("CI").as_deref()), "{part} is missing, and CI=true forbids to skip. {how}");
    eprintln!("SKIPPED: {part} is missing. {how}");
}

fn forbidden(ci: Option<&OsStr>) -> bool {
    ci.is_some_and(|value| value == "true")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ci_forbids_to_skip() {
        let answers = [None, Some(""), Some("false"), Some("true")].map(|value| forbidden(value.map(OsStr::new)));
        assert_eq!(answers, [false, false, false, true]);
    }
}
