//! Skipping a test whose outside part is missing: loudly, and never where `CI=true`.

/// Says on stderr that a test is skipped for want of `part`, and `how` to get it.
///
/// # Panics
///
/// With `CI=true` in the environment: there every part must be installed.
#[expect(clippy::print_stderr, reason = "a skip that nobody sees is a test that nobody runs")]
pub fn skipped(part: &str, how: &str) {
    assert!(std::env::var_os("CI").is_none_or(|v| v != "true"), "{part} is missing, and CI=true forbids to skip. {how}");
    eprintln!("SKIPPED: {part} is missing. {how}");
}
