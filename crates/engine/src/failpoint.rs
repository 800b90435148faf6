//! Failpoints: named places where a test may kill this process, to show that a crash there loses nothing.
//!
//! Only debug builds have them. `WINDLASS_FAILPOINT=name` kills at the first passage of `name`, `name:3` at the third;
//! with `WINDLASS_FAILPOINT_STOPS` set it stops there instead, until SIGCONT. `WINDLASS_FAILPOINT_LOG=PATH` writes each name
//! passed, so that a test can enumerate them all.

/// Passes the failpoint `name`.
#[cfg(not(debug_assertions))]
pub fn hit(_name: &str) {}

/// Passes the failpoint `name`: dies here by SIGKILL when the environment says so.
#[cfg(debug_assertions)]
pub fn hit(name: &str) {
    use std::io::Write as _;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    struct Armed {
        name: String,
        nth: u32,
        passed: AtomicU32,
        stops: bool,
        log: Option<std::path::PathBuf>,
    }
    static ARMED: OnceLock<Option<Armed>> = OnceLock::new();
    let armed = ARMED.get_or_init(|| {
        let log = std::env::var_os("WINDLASS_FAILPOINT_LOG").map(Into::into);
        let spec = std::env::var("WINDLASS_FAILPOINT").unwrap_or_default();
        if spec.is_empty() && log.is_none() {
            return None;
        }
        let (name, nth) = spec.rsplit_once(':').and_then(|(n, k)| Some((n.to_owned(), k.parse().ok()?))).unwrap_or((spec, 1));
        Some(Armed { name, nth, passed: AtomicU32::new(0), stops: std::env::var_os("WINDLASS_FAILPOINT_STOPS").is_some(), log })
    });
    let Some(armed) = armed else { return };
    if let Some(log) = &armed.log
        && let Ok(mut file) = std::fs::OpenOptions::new().create(true).append(true).open(log)
    {
        let _ = writeln!(file, "{name}");
    }
    if armed.name == name && armed.passed.fetch_add(1, Ordering::SeqCst) + 1 == armed.nth {
        let me = rustix::process::getpid();
        if armed.stops {
            let _ = rustix::process::kill_process(me, rustix::process::Signal::STOP);
            return;
        }
        let _ = rustix::process::kill_process(me, rustix::process::Signal::KILL);
        loop {
            std::thread::park();
        }
    }
}

/// Passes a place where `WINDLASS_STALLPOINT=name` stops the thread for good, as a fault of ours might.
#[cfg(not(debug_assertions))]
pub(crate) fn stall(_name: &str) {}

/// Passes a place where `WINDLASS_STALLPOINT=name:n` stops the thread for good at the nth passage, as a fault of ours might.
#[cfg(debug_assertions)]
pub(crate) fn stall(name: &str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};

    static ARMED: OnceLock<Option<(String, u32)>> = OnceLock::new();
    static PASSED: AtomicU32 = AtomicU32::new(0);
    let armed = ARMED.get_or_init(|| {
        let spec = std::env::var("WINDLASS_STALLPOINT").ok()?;
        Some(spec.rsplit_once(':').and_then(|(n, k)| Some((n.to_owned(), k.parse().ok()?))).unwrap_or((spec, 1)))
    });
    if let Some((armed, nth)) = armed
        && armed == name
        && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == *nth
    {
        loop {
            std::thread::park();
        }
    }
}
