//! A client that costs next to nothing, so that what is measured is the daemon: one connection, requests as ready bytes.

use anyhow::{Context as _, bail};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

/// One connection that is kept open.
pub(crate) struct Connection {
    stream: BufReader<TcpStream>,
    line: String,
}

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> anyhow::Result<Value> {
        if !(200..300).contains(&self.status) {
            bail!("answered {}: {}", self.status, String::from_utf8_lossy(&self.body));
        }
        Ok(serde_json::from_slice(&self.body)?)
    }
}

/// A request as bytes, to be sent as often as wanted.
pub(crate) fn request(method: &str, address: &str, path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let mut bytes = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\n{headers}content-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

impl Connection {
    pub(crate) async fn open(address: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::with_capacity(64 * 1024, stream), line: String::new() })
    }

    /// The next line, without its end; `None` when the other side has closed.
    pub(crate) async fn line(&mut self) -> anyhow::Result<Option<&str>> {
        self.line.clear();
        let size = self.stream.read_line(&mut self.line).await?;
        Ok((size > 0).then(|| self.line.trim_end()))
    }

    /// Sends a request and reads its answer's head: the status and the size of the body.
    pub(crate) async fn send(&mut self, request: &[u8]) -> anyhow::Result<(u16, usize)> {
        self.stream.get_mut().write_all(request).await?;
        let head = self.line().await?.context("the connection was closed")?;
        let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).context("no HTTP answer")?;
        let mut length = 0;
        loop {
            let line = self.line().await?.context("the connection was closed")?;
            if line.is_empty() {
                return Ok((status, length));
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse()?;
            }
        }
    }

    pub(crate) async fn exchange(&mut self, request: &[u8]) -> anyhow::Result<Answer> {
        let (status, length) = self.send(request).await?;
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).await?;
        Ok(Answer { status, body })
    }
}
