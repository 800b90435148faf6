//! A call whose output is read piece by piece while it runs, so that what is long is never held whole.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout};
use tokio::task::JoinHandle;

use super::error::WorkspaceError;
use super::run::{Call, Group, LOCAL_TIMEOUT, Started, read_tail};

/// The longest field: a path is one.
const MAX_FIELD_BYTES: u64 = 64 * 1024;

/// A git that runs. It is killed when this is dropped.
pub(crate) struct Stream {
    verb: String,
    child: Child,
    group: Group,
    stdin: Option<ChildStdin>,
    out: BufReader<ChildStdout>,
    complaint: JoinHandle<io::Result<Vec<u8>>>,
}

impl Call<'_> {
    /// Starts it, for its output to be read bit by bit.
    pub(crate) fn stream(self) -> Result<Stream, WorkspaceError> {
        let Started { verb, mut child, group, out, err } = self.start()?;
        // Read beside the output: a git that cannot complain would wait for ever.
        let complaint = tokio::spawn(read_tail(err));
        Ok(Stream { verb, stdin: child.stdin.take(), child, group, out: BufReader::with_capacity(64 * 1024, out), complaint })
    }

    /// The same for one that is asked while it runs.
    pub(crate) fn dialogue(self) -> Result<Stream, WorkspaceError> {
        self.asked().stream()
    }
}

impl Stream {
    /// Asks something.
    pub(crate) async fn ask(&mut self, bytes: &[u8]) -> Result<(), WorkspaceError> {
        let Some(stdin) = &mut self.stdin else { return Err(self.odd("it takes no questions")) };
        let asked = async {
            stdin.write_all(bytes).await?;
            stdin.flush().await
        };
        in_time(&self.verb, asked).await
    }

    /// What stands before the next `end`; `None` when nothing more comes.
    pub(crate) async fn field(&mut self, end: u8) -> Result<Option<Vec<u8>>, WorkspaceError> {
        let mut field = Vec::new();
        in_time(&self.verb, (&mut self.out).take(MAX_FIELD_BYTES).read_until(end, &mut field)).await?;
        match field.pop() {
            None => Ok(None),
            Some(last) if last == end => Ok(Some(field)),
            Some(_) if field.len() as u64 + 1 == MAX_FIELD_BYTES => {
                Err(WorkspaceError::TooLarge { what: format!("a field of git {}", self.verb), limit_bytes: MAX_FIELD_BYTES })
            }
            Some(_) => Err(self.odd("its output ends too early")),
        }
    }

    /// So many bytes.
    pub(crate) async fn exactly(&mut self, len: u64) -> Result<Vec<u8>, WorkspaceError> {
        let mut bytes = Vec::with_capacity(usize::try_from(len).unwrap_or(usize::MAX).min(1 << 20));
        in_time(&self.verb, (&mut self.out).take(len).read_to_end(&mut bytes)).await?;
        if bytes.len() as u64 == len { Ok(bytes) } else { Err(self.odd("its output ends too early")) }
    }

    /// Waits for its end, which has to be a good one: what was read is all there is.
    pub(crate) async fn end(mut self) -> Result<(), WorkspaceError> {
        drop(self.stdin.take());
        let status = in_time(&self.verb, self.child.wait()).await?;
        let complaint = self.complaint.await.ok().and_then(Result::ok).unwrap_or_default();
        self.group.ended();
        if status.success() {
            return Ok(());
        }
        Err(WorkspaceError::Git { verb: self.verb, message: String::from_utf8_lossy(&complaint).trim().to_owned() })
    }

    /// It did not say what it should have.
    pub(crate) fn odd(&self, message: impl Into<String>) -> WorkspaceError {
        WorkspaceError::Git { verb: self.verb.clone(), message: message.into() }
    }
}

async fn in_time<T>(verb: &str, work: impl Future<Output = io::Result<T>>) -> Result<T, WorkspaceError> {
    match tokio::time::timeout(LOCAL_TIMEOUT, work).await {
        Ok(done) => done.map_err(WorkspaceError::io(format!("talking to git {verb}"))),
        Err(_) => Err(WorkspaceError::Timeout { verb: verb.to_owned(), secs: LOCAL_TIMEOUT.as_secs() }),
    }
}
