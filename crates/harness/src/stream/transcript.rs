//! Transcripts: what a run printed, as gzipped JSON lines.
//!
//! Of a long line the beginning is kept, and a remark says how much is left out.
//!
//! A record is `{"at":"…","stream":"stdout","line":"…"}`; `stream` is `stdout`, `stderr` or `windlass` (a remark of
//! Windlass's own). Each opening for writing begins a new gzip member, so `zcat` reads the whole file.
//!
//! **Invariant:** what was flushed survives a crash, and a reader of a live or broken file gives every whole record up to
//! there and then ends.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;
use serde::{Deserialize, Serialize};
use windlass_types::Timestamp;

use super::{KEPT_MAX_BYTES, Line};
use crate::outcome::cut;

/// The longest record that is read back: what is kept of a line, escaped at its worst (six bytes for one), is a fifth of it.
const RECORD_MAX: u64 = 8 * 1024 * 1024;

/// One line of a transcript.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When it was read.
    pub at: Timestamp,
    /// Where it came from: `stdout`, `stderr` or `windlass`.
    pub stream: String,
    /// The line, without its end; bytes that were no UTF-8 are replacement characters.
    pub line: String,
}

/// Writes a transcript.
#[derive(Debug)]
pub struct TranscriptWriter {
    encoder: GzEncoder<File>,
    left_bytes: u64,
    max_bytes: u64,
    cut: bool,
}

impl TranscriptWriter {
    /// Opens the file, and its folder, to write after what is there; up to `max_bytes` (before compression) in all.
    ///
    /// A file that a crash left without its end is written anew, up to its last whole record.
    pub fn open(path: &Path, max_bytes: u64) -> io::Result<Self> {
        if let Some(dir) = path.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        }
        let there = match File::open(path) {
            Ok(file) => {
                let mut whole = MultiGzDecoder::new(BufReader::new(&file)).take(max_bytes.saturating_add(RECORD_MAX));
                match io::copy(&mut whole, &mut io::sink()) {
                    Ok(size) => size,
                    Err(_) if file.metadata()?.len() > 0 => repair(path)?,
                    Err(_) => 0,
                }
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound => 0,
            Err(e) => return Err(e),
        };
        let file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        let left_bytes = max_bytes.saturating_sub(there);
        let cut = there > 0 && left_bytes == 0;
        Ok(Self { encoder: GzEncoder::new(file, Compression::fast()), left_bytes, max_bytes, cut })
    }

    /// Adds a line of the agent. Beyond the limit, one record says so and the rest is dropped.
    pub fn line(&mut self, at: Timestamp, stream: &str, line: &Line) -> io::Result<()> {
        let (text, left_out_bytes) = line.beginning();
        self.record(&Record { at, stream: stream.to_owned(), line: text.into_owned() })?;
        if left_out_bytes > 0 {
            self.remark(at, &format!("{left_out_bytes} bytes of the line above are left out"))?;
        }
        Ok(())
    }

    /// Adds a remark of Windlass's own.
    pub fn remark(&mut self, at: Timestamp, text: &str) -> io::Result<()> {
        self.record(&Record { at, stream: "windlass".to_owned(), line: cut(text, KEPT_MAX_BYTES).to_owned() })
    }

    /// Brings what was written to where a reader, and a crash, finds it.
    pub fn flush(&mut self) -> io::Result<()> {
        self.encoder.flush()
    }

    /// Ends the transcript.
    pub fn finish(self) -> io::Result<()> {
        self.encoder.finish().map(drop)
    }

    fn record(&mut self, record: &Record) -> io::Result<()> {
        if self.cut {
            return Ok(());
        }
        let mut bytes = serde_json::to_vec(record)?;
        bytes.push(b'\n');
        if let Some(left) = self.left_bytes.checked_sub(bytes.len() as u64) {
            self.left_bytes = left;
            return self.encoder.write_all(&bytes);
        }
        self.cut = true;
        self.left_bytes = 0;
        let text = format!("the transcript is cut here: it may have {} bytes", self.max_bytes);
        let mut bytes = serde_json::to_vec(&Record { at: record.at, stream: "windlass".to_owned(), line: text })?;
        bytes.push(b'\n');
        self.encoder.write_all(&bytes)
    }
}

/// Writes a broken file's whole records to a new one in its place; gives their size.
fn repair(path: &Path) -> io::Result<u64> {
    let mut new = path.as_os_str().to_owned();
    new.push(".repair");
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    let mut encoder = GzEncoder::new(file, Compression::fast());
    let mut size = 0;
    for record in TranscriptReader::open(path)? {
        let mut bytes = serde_json::to_vec(&record)?;
        bytes.push(b'\n');
        encoder.write_all(&bytes)?;
        size += bytes.len() as u64;
    }
    encoder.finish()?.sync_all()?;
    std::fs::rename(&new, path)?;
    Ok(size)
}

/// Reads a transcript, record by record, up to what is whole.
#[derive(Debug)]
pub struct TranscriptReader {
    lines: BufReader<MultiGzDecoder<BufReader<File>>>,
    ended: bool,
}

impl TranscriptReader {
    /// Opens the file. To follow a live one, open it again later and skip what is known.
    pub fn open(path: &Path) -> io::Result<Self> {
        Ok(Self { lines: BufReader::new(MultiGzDecoder::new(BufReader::new(File::open(path)?))), ended: false })
    }
}

impl Iterator for TranscriptReader {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        while !self.ended {
            let mut bytes = Vec::new();
            let read = (&mut self.lines).take(RECORD_MAX).read_until(b'\n', &mut bytes);
            if read.is_err() || bytes.last() != Some(&b'\n') {
                self.ended = true;
                return None;
            }
            if let Ok(record) = serde_json::from_slice(&bytes) {
                return Some(record);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(writer: &mut TranscriptWriter, text: &str) {
        writer.line(Timestamp(1_795_000_000_123), "stdout", &Line::whole(text)).unwrap();
    }

    fn lines(path: &Path) -> Vec<String> {
        TranscriptReader::open(path).unwrap().map(|r| r.line).collect()
    }

    #[test]
    fn a_live_transcript_is_read_up_to_the_last_flush() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b/t.jsonl.gz");
        let mut writer = TranscriptWriter::open(&path, 1 << 20).unwrap();
        assert_eq!(lines(&path), Vec::<String>::new());
        write(&mut writer, "one");
        write(&mut writer, "two");
        writer.flush().unwrap();
        write(&mut writer, "three");
        assert_eq!(lines(&path), ["one", "two"]);
        writer.finish().unwrap();
        assert_eq!(lines(&path), ["one", "two", "three"]);
        let record = TranscriptReader::open(&path).unwrap().next().unwrap();
        assert_eq!(serde_json::to_string(&record).unwrap(), r#"{"at":"2026-11-18T11:06:40.123Z","stream":"stdout","line":"one"}"#);
    }

    #[test]
    fn a_file_cut_at_any_byte_gives_whole_records_and_can_be_written_on() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.jsonl.gz");
        let mut writer = TranscriptWriter::open(&path, 1 << 20).unwrap();
        let all: Vec<String> = (0..20).map(|i| format!("line {i} {}", "xyz".repeat(i))).collect();
        for text in &all {
            write(&mut writer, text);
            writer.flush().unwrap();
        }
        writer.finish().unwrap();
        let whole = std::fs::read(&path).unwrap();
        let mut before = 0;
        for len in 0..=whole.len() {
            std::fs::write(&path, &whole[..len]).unwrap();
            let read = lines(&path);
            assert_eq!(read, all[..read.len()], "cut at {len}");
            assert!(read.len() >= before, "cut at {len}");
            before = read.len();
            let mut writer = TranscriptWriter::open(&path, 1 << 20).unwrap();
            write(&mut writer, "after the crash");
            writer.finish().unwrap();
            let mut expected = all[..before].to_vec();
            expected.push("after the crash".to_owned());
            assert_eq!(lines(&path), expected, "cut at {len}");
        }
        assert_eq!(before, all.len());
    }

    #[test]
    fn a_crash_loses_only_what_was_not_flushed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.jsonl.gz");
        let mut writer = TranscriptWriter::open(&path, 1 << 20).unwrap();
        write(&mut writer, "flushed");
        writer.flush().unwrap();
        write(&mut writer, "lost");
        std::mem::forget(writer);
        let mut writer = TranscriptWriter::open(&path, 1 << 20).unwrap();
        write(&mut writer, "next");
        writer.flush().unwrap();
        assert_eq!(lines(&path), ["flushed", "next"]);
    }

    #[test]
    fn beyond_the_limit_one_mark_is_written_even_over_several_openings() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.jsonl.gz");
        for _ in 0..3 {
            let mut writer = TranscriptWriter::open(&path, 300).unwrap();
            for _ in 0..3 {
                write(&mut writer, "twenty bytes of text");
            }
            writer.finish().unwrap();
        }
        let all = lines(&path);
        assert_eq!(all.iter().filter(|l| l.starts_with("the transcript is cut")).count(), 1, "{all:?}");
        assert!(all.last().unwrap().contains("300 bytes"));
    }

    #[test]
    fn bytes_that_are_no_text_and_lines_too_long_are_kept_as_they_can_be() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.jsonl.gz");
        let mut writer = TranscriptWriter::open(&path, 1 << 20).unwrap();
        writer.line(Timestamp(0), "stderr", &Line { bytes: vec![b'a', 0xff, 0], left_out_bytes: 7 }).unwrap();
        writer.finish().unwrap();
        assert_eq!(lines(&path), ["a\u{fffd}\0", "7 bytes of the line above are left out"]);
    }

    #[test]
    fn a_line_of_mebibytes_is_kept_as_a_record_of_its_beginning() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.jsonl.gz");
        let mut writer = TranscriptWriter::open(&path, 1 << 30).unwrap();
        let whole = 8 * 1024 * 1024;
        writer.line(Timestamp(0), "stdout", &Line { bytes: vec![0; whole], left_out_bytes: 5 }).unwrap();
        let written = (1 << 30) - writer.left_bytes;
        assert!(written < 2 * 1024 * 1024, "{written} bytes of records");
        writer.remark(Timestamp(0), &"r".repeat(whole)).unwrap();
        write(&mut writer, "next");
        writer.finish().unwrap();
        let all = lines(&path);
        assert_eq!(all[0], "\0".repeat(KEPT_MAX_BYTES));
        assert_eq!(all[1], format!("{} bytes of the line above are left out", whole - KEPT_MAX_BYTES + 5));
        assert_eq!((all[2].len(), all[3].as_str()), (KEPT_MAX_BYTES, "next"));
    }
}
