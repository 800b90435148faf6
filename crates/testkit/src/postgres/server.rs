//! One server process, from `initdb` to its end.

use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;

use super::programs::Programs;

/// Longer than a start takes on a busy machine.
const START_WITHIN: Duration = Duration::from_mins(1);

/// How many ports are tried: a free one may be taken by somebody else before the server takes it.
const PORTS: usize = 5;

/// The line by which a server says that it can be used.
const READY: &str = "ready to accept connections";

/// Runs the server (`$2` and after) until standard input ends, then stops it without care for its data and deletes
/// their folder (`$1`). Standard input is a pipe from the process that wants the server, so it ends when that process
/// does, however it ends. Only the server holds the output, so that its early end can be seen.
const WATCH: &str = r#"
dir=$1; shift
"$@" </dev/null 2>&1 &
exec >/dev/null 2>&1
cat
kill -QUIT $!
wait $!
rm -rf "$dir"
"#;

/// Settings for speed, as a crash may lose everything, and for tests by the hundred.
const SETTINGS: [&str; 9] = [
    "listen_addresses=127.0.0.1",
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "shared_buffers=32MB",
    "max_connections=300",
    "jit=off",
    "log_min_messages=log",
    "log_statement=none",
];

/// A running server with its data.
#[derive(Debug)]
pub(super) struct Server {
    port: u16,
    version: String,
    /// Held open as long as the server is to run.
    alive: Option<ChildStdin>,
    watch: Child,
}

/// How a start went.
enum Start {
    Ready(Server),
    /// The server ended again, having said this.
    Ended(String),
}

impl Server {
    /// Makes a server's data and runs it on a free port of 127.0.0.1, with these settings beside its own.
    pub(super) fn start(programs: &Programs, settings: &[&str]) -> anyhow::Result<Self> {
        // The user who runs it instead of root may not be able to enter root's own temporary directory.
        let place = if programs.user.is_some() { "/tmp".into() } else { std::env::temp_dir() };
        let dir = TempDir::with_prefix_in("windlass-pg-", place).context("cannot make a folder for PostgreSQL's data")?;
        if let Some((user, group)) = programs.user {
            chown(dir.path(), Some(user), Some(group)).context("cannot give PostgreSQL its folder")?;
        }
        let data = dir.path().join("data");
        let mut initdb = programs.command("initdb");
        initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"]).arg(&data);
        let made = initdb.output().context("initdb cannot be run")?;
        ensure!(made.status.success(), "initdb failed: {}", String::from_utf8_lossy(&made.stderr));
        let mut said = String::new();
        for _ in 0..PORTS {
            let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            match Self::run(programs, dir.path(), &data, port, settings)? {
                Start::Ready(server) => {
                    // From here on the watch deletes it.
                    let _ = dir.keep();
                    return Ok(server);
                }
                Start::Ended(why) => said = why,
            }
        }
        bail!("PostgreSQL ended as soon as it was started: {said}")
    }

    fn run(programs: &Programs, dir: &Path, data: &Path, port: u16, settings: &[&str]) -> anyhow::Result<Start> {
        let mut command = programs.run_as(Command::new("sh"));
        command.args(["-c", WATCH, "windlass-test-postgres"]).arg(dir).arg(programs.path("postgres"));
        command.arg("-D").arg(data).args(["-p", &port.to_string()]).arg("-k").arg(dir);
        for setting in SETTINGS.iter().chain(settings) {
            command.args(["-c", setting]);
        }
        // A group of its own: Ctrl-C at the terminal is for the tests, and must not end the watch before the server.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut watch = command.spawn().context("sh cannot be run")?;
        let (alive, output) = (watch.stdin.take(), watch.stdout.take().context("no pipe from PostgreSQL")?);
        let (tell, told) = mpsc::channel();
        // Reads to the end, as a server whose output nobody reads stands still.
        std::thread::spawn(move || {
            let mut said = String::new();
            let mut tell = Some(tell);
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line);
                if tell.is_some() {
                    said.push_str(&line);
                    said.push('\n');
                }
                if line.contains(READY) {
                    let _ = tell.take().map(|tell| tell.send(Ok(())));
                }
            }
            let _ = tell.map(|tell| tell.send(Err(said)));
        });
        let mut server = Self { port, version: programs.version.clone(), alive, watch };
        match told.recv_timeout(START_WITHIN) {
            Ok(Ok(())) => Ok(Start::Ready(server)),
            Ok(Err(said)) => {
                // The watch would delete the folder, which the next try wants.
                server.abandon();
                Ok(Start::Ended(said))
            }
            Err(_) => bail!("PostgreSQL was not ready within {START_WITHIN:?}"),
        }
    }

    /// Ends the watch of a server that is gone already, the folder being left.
    fn abandon(&mut self) {
        let _ = self.watch.kill();
    }

    /// The URL of its own database.
    pub(super) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.alive.take());
        let _ = self.watch.wait();
    }
}

#[cfg(test)]
mod tests {
    use postgres::{Client, NoTls};

    use super::*;
    use crate::postgres::programs::from_npm;
    use crate::skip::skipped;

    #[test]
    fn the_server_from_npm_runs_as_well_as_the_machines_own() {
        let programs = match Programs::find_in(vec![from_npm()]) {
            Ok(programs) => programs,
            Err(why) => return skipped("PostgreSQL from npm", &why.to_string()),
        };
        let server = Server::start(&programs, &[]).unwrap();
        let row = Client::connect(&server.url(), NoTls).unwrap().query_one("SELECT version()", &[]).unwrap();
        assert!(row.get::<_, String>(0).starts_with("PostgreSQL"));
    }
}
