//! How fast the scanner is on a source tree, on one core: `cargo run --release -p windlass-secrets --example throughput -- DIR [show]`.
//!
//! Files are read first, so that what is measured is the scan. With `flagged` it prints the files with a secret that no comment in them
//! allows, and nothing else: for a comparison with other scanners.

#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::path::Path;
use std::time::Instant;

use windlass_secrets::{Allowed, Scanner};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let mode = std::env::args().nth(2);
    let (show, flagged) = (mode.as_deref() == Some("show"), mode.as_deref() == Some("flagged"));
    let mut files = Vec::new();
    read(Path::new(&root), &mut files);
    let bytes: usize = files.iter().map(|(_, b)| b.len()).sum();
    let begun = Instant::now();
    let scanner = Scanner::new()?;
    let built = begun.elapsed();
    if flagged {
        for (path, bytes) in &files {
            // Most have none, and need no second look.
            let found = |allowed: &Allowed| !scanner.scan_bytes(path, bytes, allowed).is_empty();
            if found(&Allowed::nothing()) && found(&Allowed::nothing().with_fingerprints(scanner.allowed_by_comments(path, bytes))) {
                println!("{path}");
            }
        }
        return Ok(());
    }
    let mut findings = Vec::new();
    let mut slowest = (0.0, String::new());
    let begun = Instant::now();
    for (path, bytes) in &files {
        let one = Instant::now();
        findings.extend(scanner.scan_bytes(path, bytes, &Allowed::nothing()));
        let rate = one.elapsed().as_secs_f64() / bytes.len() as f64;
        if bytes.len() > 20_000 && rate > slowest.0 {
            slowest = (rate, path.clone());
        }
    }
    let secs = begun.elapsed().as_secs_f64();
    if show {
        for f in &findings {
            println!("{}:{}:{} {} {} {:?}", f.path, f.line, f.column, f.rule, f.redacted, f.confidence);
        }
    }
    println!(
        "{} files, {:.1} MB in {secs:.3} s: {:.0} MB/s; {} findings; {} ms to build; slowest {} at {:.0} MB/s",
        files.len(),
        bytes as f64 / 1e6,
        bytes as f64 / 1e6 / secs,
        findings.len(),
        built.as_millis(),
        slowest.1,
        1e-6 / slowest.0
    );
    Ok(())
}

fn read(path: &Path, files: &mut Vec<(String, Vec<u8>)>) {
    let Ok(kind) = path.symlink_metadata() else { return };
    if kind.is_dir() && path.file_name().is_none_or(|n| n != ".git" && n != "target") {
        for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
            read(&entry.path(), files);
        }
    } else if kind.is_file()
        && let Ok(bytes) = std::fs::read(path)
    {
        files.push((path.display().to_string(), bytes));
    }
}
