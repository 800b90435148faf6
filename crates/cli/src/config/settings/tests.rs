use super::*;

fn load(text: &str, env: &[(&str, &str)], flags: &Flags) -> Result<Settings> {
    let dir = tempfile::tempdir().map_err(|e| CliError::fault(e.to_string()))?;
    let path = dir.path().join("windlass.toml");
    std::fs::write(&path, text).map_err(|e| CliError::fault(e.to_string()))?;
    let mut pairs = vec![("HOME", "/home/somebody")];
    pairs.extend_from_slice(env);
    Settings::load(&Flags { config: Some(path), ..flags.clone() }, &Env::of(&pairs))
}

fn origin(settings: &Settings, key: &str) -> Option<Origin> {
    settings.shown.iter().find(|s| s.key == key).map(|s| s.origin.clone())
}

#[test]
fn a_flag_outranks_the_environment_which_outranks_the_file_which_outranks_the_default() -> Result<()> {
    let none = Flags::default();
    let s = load("", &[], &none)?;
    assert_eq!((s.listen.as_str(), origin(&s, "listen")), ("127.0.0.1:3001", Some(Origin::Default)));
    let s = load("\nlisten = \"127.0.0.1:1\"", &[], &none)?;
    assert_eq!((s.listen.as_str(), origin(&s, "listen")), ("127.0.0.1:1", Some(Origin::File(2))));
    let s = load("listen = \"127.0.0.1:1\"", &[("WINDLASS_LISTEN", "127.0.0.1:2")], &none)?;
    assert_eq!((s.listen.as_str(), origin(&s, "listen")), ("127.0.0.1:2", Some(Origin::Env("WINDLASS_LISTEN"))));
    let flags = Flags { listen: Some("127.0.0.1:3".to_owned()), ..none };
    let s = load("listen = \"127.0.0.1:1\"", &[("WINDLASS_LISTEN", "127.0.0.1:2")], &flags)?;
    assert_eq!((s.listen.as_str(), origin(&s, "listen")), ("127.0.0.1:3", Some(Origin::Flag)));
    Ok(())
}

#[test]
fn workers_come_from_the_file_and_the_environment_and_default_is_always_there() -> Result<()> {
    let s = load("[worker.marie]\nharness = \"codex\"\nmax_concurrent_tasks = 1", &[("WORKERS", "anga, marie")], &Flags::default())?;
    let workers: Vec<_> = s.workers.iter().map(|w| (w.name.as_str(), w.max_concurrent_tasks)).collect();
    assert_eq!(workers, [("default", 2), ("marie", 1), ("anga", 3)]);
    Ok(())
}

#[test]
fn the_default_worker_follows_its_own_variable_first() -> Result<()> {
    let s = load("", &[("MAX_CONCURRENT_TASKS", "7")], &Flags::default())?;
    assert_eq!(s.workers.first().map(|w| w.max_concurrent_tasks), Some(7));
    let s = load("", &[("MAX_CONCURRENT_TASKS", "7"), ("WORKER_CONCURRENCY", "4")], &Flags::default())?;
    assert_eq!(s.workers.first().map(|w| w.max_concurrent_tasks), Some(4));
    Ok(())
}

#[test]
fn the_names_that_code_workers_are_started_with_are_known() -> Result<()> {
    let s = load("", &[("PORT", "4001"), ("WORKSPACE_ROOT", "/workspace/repos"), ("REDIS_URL", "redis://x")], &Flags::default())?;
    assert_eq!((s.listen.as_str(), s.workspace_root.to_str()), ("127.0.0.1:4001", Some("/workspace/repos")));
    assert!(s.warnings.iter().any(|warning| warning.contains("REDIS_URL is set and not used")), "{:?}", s.warnings);
    Ok(())
}

#[test]
fn a_callbacks_secret_is_read_and_not_shown_and_its_receivers_are_places() -> Result<()> {
    let s = load("[callbacks]\nallow = [\"hooks.internal:8443\", \"[::1]:80\"]\nsecret = \"0123456789abcdef\"", &[], &Flags::default())?;
    assert_eq!((s.callbacks.allow.len(), s.callbacks.secret.as_deref()), (2, Some("0123456789abcdef")));
    assert!(!format!("{:?} {:?}", s.shown, s.callbacks).contains("0123456789abcdef"));
    let s = load("", &[("WINDLASS_CALLBACK_SECRET", "fedcba9876543210")], &Flags::default())?;
    assert_eq!(s.callbacks.secret.as_deref(), Some("fedcba9876543210"));
    for text in [
        "[callbacks]\nsecret = \"short\"",
        "[callbacks]\nallow = [\"https://x.test/\"]",
        "[callbacks]\nallow = [\"x.test\"]",
        "[forge]\npoll_interval = 0",
        "[project.a]\nforge_repository = \"a/b/c\"",
    ] {
        assert!(load(text, &[], &Flags::default()).is_err(), "{text}");
    }
    Ok(())
}

#[test]
fn the_millisecond_timeout_keeps_its_meaning() -> Result<()> {
    assert_eq!(load("timeout_ms = 600000", &[], &Flags::default())?.timeout_secs, 600);
    assert_eq!(load("timeout_ms = 1", &[], &Flags::default())?.timeout_secs, 1);
    Ok(())
}

#[test]
fn values_that_make_no_sense_are_refused_and_named() {
    for (text, key) in [
        ("task_timeout = 0", "task_timeout"),
        ("listen = \"here\"", "listen"),
        ("retry_backoff = nan", "retry_backoff"),
        ("[worker.\"../x\"]", "../x"),
        ("[project.\"-rf\"]", "-rf"),
        ("[harness_defaults]\nshipit = \"claude\"", "shipit"),
        ("[engine]\nlease_ms = 1", "lease_ms"),
        ("[budget]\nusd = -1", "budget.usd"),
        ("[retention]\nevents_days = -1", "retention.events_days"),
        ("[retention]\nfinished_days = \"soon\"", "retention.finished_days"),
        ("circuit_breaker_threshold = 0", "circuit_breaker_threshold"),
        ("[worker.marie]\nretry_backoff = 0.5", "worker.marie.retry_backoff"),
        ("[harness.claude]\naccount = \"a b\"", "harness.claude.account"),
    ] {
        let message = load(text, &[], &Flags::default()).err().map(|e| e.message).unwrap_or_default();
        assert!(message.contains(key), "{text}: {message:?}");
    }
}

#[test]
fn a_worker_tries_again_as_it_says_and_else_as_all_do() -> Result<()> {
    let text = "initial_retry_delay = 2.5\n[worker.marie]\nmax_retries = 7\ncircuit_breaker_timeout = 5\n[engine]\nmax_rescues = 9";
    let s = load(text, &[("MAX_RETRIES", "1"), ("CIRCUIT_BREAKER_THRESHOLD", "2")], &Flags::default())?;
    let of = |name: &str| s.workers.iter().find(|w| w.name == name).map(|w| (w.retry.max_retries, w.retry.initial_delay_ms, w.breaker));
    assert_eq!(of("default"), Some((1, 2500, BreakerPolicy { threshold: 2, open_ms: 60_000 })));
    assert_eq!(of("marie"), Some((7, 2500, BreakerPolicy { threshold: 2, open_ms: 5_000 })));
    assert!(s.workers.iter().all(|w| w.retry.max_rescues == 9) && s.warnings.is_empty(), "{:?}", s.warnings);
    Ok(())
}

#[test]
fn a_budget_is_written_in_dollars_and_seconds_and_always_bounds_the_runs() -> Result<()> {
    let budget = load("[budget]\nusd = 2.5\nsecs = 60", &[], &Flags::default())?.budget;
    let wanted = Budget { runs: Some(50), wall_secs: Some(60), tokens: None, cost_micros: Some(windlass_types::Micros(2_500_000)) };
    assert_eq!(budget, wanted);
    Ok(())
}

#[test]
fn what_is_kept_for_ever_is_written_as_never_or_as_nothing() -> Result<()> {
    let kept = load("[retention]\nevents_days = \"never\"\nfinished_days = 0\ntranscripts_days = 0.5", &[], &Flags::default())?.retention;
    assert_eq!((kept.events_secs, kept.finished_secs, kept.transcripts_secs), (None, None, Some(43_200)));
    assert_eq!(load("", &[], &Flags::default())?.retention, Retention::default());
    Ok(())
}

#[test]
fn a_password_is_never_shown() -> Result<()> {
    let s = load("database_url = \"postgres://w:hunter2@db/x\"", &[], &Flags::default())?;
    assert!(!format!("{:?}", s.shown).contains("hunter2"));
    assert_eq!(s.database_url, "postgres://w:hunter2@db/x");
    for (url, shown) in [
        ("postgres://w:hun@ter2@db/x?sslmode=require", "postgres://w:***@db/x?sslmode=require"),
        ("postgres://w@db:1/x?password=hunter2&sslmode=require", "postgres://w@db:1/x?password=***&sslmode=require"),
        ("host=db user=w PassWord = 'hunter 2' dbname=x", "host=db user=w PassWord = *** dbname=x"),
        ("jdbc:postgresql://db/x?user=w&password=hunter2", "jdbc:postgresql://db/x?user=w&password=***"),
        ("host=db password=hunter2", "host=db password=***"),
        ("/var/lib/password/windlass.db", "/var/lib/password/windlass.db"),
    ] {
        assert_eq!(without_password(url), shown);
    }
    Ok(())
}
