//! A client of the Model Context Protocol made of the official SDKs, pinned and installed from npm.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::cli::{INSTALL, NODE_MODULES, NPM_FOLDER, installed, pinned};
use crate::skip::skipped;

/// One of the official SDKs.
#[derive(Debug, Clone, Copy)]
pub struct McpClient {
    major: u8,
    package: &'static str,
}

impl McpClient {
    /// Both that are in use: of the protocol with a handshake, and of the one without. Empty after a loud skip.
    ///
    /// # Panics
    ///
    /// With `CI=true`, where others skip.
    pub fn all() -> Vec<Self> {
        [Self { major: 1, package: "@modelcontextprotocol/sdk" }, Self { major: 2, package: "@modelcontextprotocol/client" }]
            .into_iter()
            .filter(|client| {
                let wanted = pinned(client.package);
                let is_there = Path::new(NODE_MODULES).join(client.package).exists() && installed(client.package) == wanted;
                if !is_there {
                    skipped(&format!("{} {}", client.package, wanted.unwrap_or_default()), INSTALL);
                }
                is_there
            })
            .collect()
    }

    /// The script that `node` runs; it reads what [`McpClient::asks`] gives.
    pub fn script() -> PathBuf {
        Path::new(NPM_FOLDER).join("mcp-client.mjs")
    }

    /// Where the script and all that it needs lie.
    pub fn folder() -> &'static Path {
        Path::new(NPM_FOLDER)
    }

    /// What the script reads: the server to speak with, and the steps `[method, params]`.
    pub fn asks(self, server: &Value, steps: &Value) -> Value {
        let mut asks = server.clone();
        asks["sdk"] = json!(self.major);
        asks["steps"] = steps.clone();
        asks
    }

    /// Speaks with a server; gives what it says of itself and the result of each step, `{error}` where it was refused.
    ///
    /// # Panics
    ///
    /// When `node` cannot be run or the script breaks.
    pub fn talk(self, server: &Value, steps: &Value) -> Vec<Value> {
        let mut child = Command::new("node")
            .arg(Self::script())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node is installed beside npm");
        child.stdin.take().expect("a pipe").write_all(self.asks(server, steps).to_string().as_bytes()).expect("node reads");
        let out = child.wait_with_output().expect("node ends");
        let text = String::from_utf8_lossy(&out.stdout);
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("the client says {text:?}: {e}"))
    }
}
