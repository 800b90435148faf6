//! Transcripts as they are printed, whole or as they grow.

use std::io::{IsTerminal as _, Write as _};

use serde_json::Value;
use windlass_types::{AgentEvent, AttemptId};

use crate::client::Client;
use crate::failure::{CliError, Result};
use crate::output::{self, clean, show};
use crate::wire::TranscriptPage;

/// How long the daemon may hold a request for lines that have not been printed yet.
const WAIT_SECS: u32 = 20;
const PAGE: u32 = 500;

/// Prints an attempt's transcript; with `follow` until the attempt has ended.
pub(crate) async fn print(client: &Client, attempt: AttemptId, follow: bool, printer: &mut Printer) -> Result<()> {
    let mut from = 0;
    loop {
        let page = page(client, attempt, from, follow).await?;
        let (count, next, ended) = (page.items.len(), page.next, page.ended);
        printer.page(page)?;
        if ended || (count == 0 && !follow) {
            return printer.flush();
        }
        from = next;
    }
}

/// One page from a number on; with `wait` held by the daemon until there is something.
pub(crate) async fn page(client: &Client, attempt: AttemptId, from: u64, wait: bool) -> Result<TranscriptPage> {
    let mut query = vec![("from", from.to_string()), ("limit", PAGE.to_string())];
    if wait {
        query.push(("wait_secs", WAIT_SECS.to_string()));
    }
    client.get(&format!("/api/v1/attempts/{attempt}/transcript"), &query).await
}

/// How items reach standard output.
pub(crate) struct Printer {
    raw: bool,
    json: bool,
    stream: bool,
    terminal: bool,
    /// Pieces of a text that have not come to a line's end.
    text: String,
    /// Held back to be printed as one document.
    items: Vec<Value>,
}

impl Printer {
    pub(crate) fn new(raw: bool, json: bool, stream: bool) -> Self {
        Self { raw, json, stream, terminal: std::io::stdout().is_terminal(), text: String::new(), items: Vec::new() }
    }

    fn page(&mut self, page: TranscriptPage) -> Result<()> {
        for item in page.items {
            if self.json {
                let mut value = serde_json::to_value(&item).map_err(|e| CliError::fault(format!("could not write JSON: {e}")))?;
                if let Some(object) = value.as_object_mut() {
                    object.insert("id".to_owned(), format!("{}:{}", page.attempt_id, item.number).into());
                    object.insert("attempt_id".to_owned(), page.attempt_id.to_string().into());
                }
                if self.stream { output::json_line(&value)? } else { self.items.push(value) }
            } else if self.raw {
                self.raw_line(&item.line)?;
            } else if item.events.is_empty() {
                match item.stream.as_str() {
                    "stdout" => {}
                    stream => self.line(&format!("{stream}: {}", clean(&item.line)))?,
                }
            } else {
                for event in &item.events {
                    self.event(event)?;
                }
            }
        }
        Ok(())
    }

    fn raw_line(&self, line: &str) -> Result<()> {
        if self.terminal {
            return output::data(&clean(line));
        }
        let mut out = std::io::stdout().lock();
        out.write_all(line.as_bytes())?;
        out.write_all(b"\n")?;
        Ok(out.flush()?)
    }

    fn event(&mut self, event: &AgentEvent) -> Result<()> {
        match event {
            AgentEvent::Text { text, delta: true } => {
                self.text.push_str(text);
                // Whole lines go out at once; a text without line ends must not grow for ever.
                if let Some(end) = self.text.rfind('\n') {
                    let rest = self.text.split_off(end + 1);
                    let lines = std::mem::replace(&mut self.text, rest);
                    output::data(&clean(&lines))?;
                } else if self.text.len() > 64 * 1024 {
                    self.flush()?;
                }
                Ok(())
            }
            AgentEvent::Text { text, .. } => self.line(&clean(text)),
            // The last word repeats the text before it, and a failure's is told by the job.
            AgentEvent::Ended { end } if end.ok => Ok(()),
            event => match show::agent_line(event, 300) {
                Some(line) => self.line(&line),
                None => Ok(()),
            },
        }
    }

    fn line(&mut self, line: &str) -> Result<()> {
        self.flush()?;
        if line.is_empty() { Ok(()) } else { output::data(line) }
    }

    /// Prints what was held back of an unfinished line.
    fn flush(&mut self) -> Result<()> {
        if self.text.is_empty() { Ok(()) } else { output::data(&clean(&std::mem::take(&mut self.text))) }
    }

    /// Prints the document, where there is to be one.
    pub(crate) fn finish(mut self) -> Result<()> {
        self.flush()?;
        if self.json && !self.stream { output::json_list(self.items) } else { Ok(()) }
    }
}
