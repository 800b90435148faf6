//! The daemon's event stream: read piece by piece, resumed from the last number seen.

use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::mpsc;
use windlass_types::Event;

use super::Client;
use crate::failure::{CliError, Exit, Result};

/// A record longer than this is no event of ours.
const RECORD_MAX: usize = 8 * 1024 * 1024;
/// Without even a heartbeat for so long, the connection is dead.
const SILENCE_MAX: Duration = Duration::from_secs(45);
/// How long a daemon may be away before following it ends.
const AWAY_MAX: Duration = Duration::from_mins(1);

/// Takes a stream of bytes apart into the data of its records.
#[derive(Debug, Default)]
struct Records {
    buffer: Vec<u8>,
    data: String,
    /// The record's event.
    event: String,
}

/// What a server says in place of events that it no longer has.
const RESET: &str = "reset";

impl Records {
    /// Adds a piece; gives the event and the data of each record that is now whole.
    fn push(&mut self, piece: &[u8]) -> Result<Vec<(String, String)>> {
        self.buffer.extend_from_slice(piece);
        let mut whole = Vec::new();
        while let Some(end) = self.buffer.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = self.buffer.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\n', '\r']);
            if line.is_empty() {
                let event = std::mem::take(&mut self.event);
                if !self.data.is_empty() {
                    whole.push((event, std::mem::take(&mut self.data)));
                }
            } else if let Some(event) = line.strip_prefix("event:") {
                event.trim().clone_into(&mut self.event);
            } else if let Some(data) = line.strip_prefix("data:") {
                if !self.data.is_empty() {
                    self.data.push('\n');
                }
                self.data.push_str(data.strip_prefix(' ').unwrap_or(data));
            }
        }
        if self.buffer.len() + self.data.len() > RECORD_MAX {
            return Err(CliError::fault("the event stream holds a record that is too long"));
        }
        Ok(whole)
    }
}

impl Client {
    /// Follows events after `after`, across the daemon's restarts, until the receiver is dropped.
    pub(crate) fn follow(&self, query: Vec<(&'static str, String)>, after: i64) -> mpsc::Receiver<Result<Event>> {
        let (send, receive) = mpsc::channel(256);
        let client = self.clone();
        tokio::spawn(async move {
            if let Err(e) = client.follow_into(&query, after, &send).await {
                let _ = send.send(Err(e)).await;
            }
        });
        receive
    }

    async fn follow_into(&self, query: &[(&'static str, String)], mut after: i64, send: &mpsc::Sender<Result<Event>>) -> Result<()> {
        let mut away_since: Option<tokio::time::Instant> = None;
        loop {
            let mut asked = query.to_vec();
            asked.push(("after", after.to_string()));
            match self.stream("/api/v1/events", &asked, Some(after)).await {
                Ok(response) => {
                    away_since = None;
                    let mut records = Records::default();
                    let mut pieces = response.bytes_stream();
                    while let Ok(Some(Ok(piece))) = tokio::time::timeout(SILENCE_MAX, pieces.next()).await {
                        for (event, data) in records.push(&piece)? {
                            if event == RESET {
                                crate::output::warn("events between the last one seen and the next are no longer kept");
                                continue;
                            }
                            let event: Event = serde_json::from_str(&data)
                                .map_err(|e| CliError::fault(format!("an event could not be understood: {e}")))?;
                            // What was seen is not told twice, whatever the server sends.
                            if event.seq > after {
                                after = event.seq;
                                if send.send(Ok(event)).await.is_err() {
                                    return Ok(());
                                }
                            }
                        }
                    }
                }
                Err(e) if e.exit == Exit::NoDaemon || e.exit == Exit::Fault => {
                    let since = *away_since.get_or_insert_with(tokio::time::Instant::now);
                    if since.elapsed() > AWAY_MAX {
                        return Err(e);
                    }
                }
                Err(e) => return Err(e),
            }
            if send.is_closed() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_put_together_from_any_pieces_and_heartbeats_are_skipped() -> Result<()> {
        let mut records = Records::default();
        let text = ": hello\n\nid: 1\nevent: x\ndata: {\"a\":\ndata: 1}\n\n: beat\r\n\r\ndata: 2\n\n";
        let mut whole = Vec::new();
        for byte in text.bytes() {
            whole.extend(records.push(&[byte])?);
        }
        assert_eq!(whole, [("x".to_owned(), "{\"a\":\n1}".to_owned()), (String::new(), "2".to_owned())]);
        Ok(())
    }
}
