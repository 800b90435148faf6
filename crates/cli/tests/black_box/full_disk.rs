//! A disk without room: the daemon stays, says so, and goes on by itself.
//!
//! A limit on the size of files stands for the disk: it can be set for one process, and lifted while that runs.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit};

use crate::daemon::{Daemon, log_of};
use crate::environment::{Answer, Home};

/// Longer than anything here takes, however busy the machine is.
const PATIENCE: Duration = Duration::from_mins(1);

struct Limited(Child);

impl Limited {
    /// A daemon that ignores the signal which such a limit sends, as a full disk sends none.
    fn up(home: &Home, address: &str) -> Self {
        let up = home.command(&["up", "--listen", address, "--isolation", "rlimits"]);
        let mut shell = Command::new("sh");
        shell.arg("-c").arg("trap '' XFSZ; ulimit -S -f 1; exec \"$0\" \"$@\"").arg(up.get_program()).args(up.get_args());
        shell.env_clear().envs(up.get_envs().filter_map(|(key, value)| Some((key, value?)))).current_dir(home.path());
        Self(shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts"))
    }

    fn limit_files_to(&self, bytes: Option<u64>) {
        let pid = Pid::from_raw(i32::try_from(self.0.id()).expect("a pid")).expect("a pid");
        let maximum = getrlimit(Resource::Fsize).maximum;
        prlimit(Some(pid), Resource::Fsize, Rlimit { current: bytes.or(maximum), maximum }).expect("the limit can be set");
    }
}

impl Drop for Limited {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[track_caller]
fn until(what: &str, mut is: impl FnMut() -> Option<Answer>) -> Answer {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = is() {
            return answer;
        }
        assert!(Instant::now() < deadline, "{what} did not come to be");
    }
}

#[test]
fn a_daemon_that_starts_on_a_full_disk_waits_for_room_and_then_serves() {
    let home = Home::new();
    let daemon = Daemon::up(&home);
    daemon.signal(rustix::process::Signal::TERM);
    assert_eq!(daemon.ended().0, Some(0), "{}", log_of(&home));

    let address = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").to_string();
    let mut daemon = Limited::up(&home, &address);
    let url = format!("http://{address}");
    let status = || home.run(&["--url", &url, "status", "--json"]);
    until("a refusal that names the disk", || Some(status()).filter(|a| a.err.contains("the database cannot grow"))).code(1);
    assert!(daemon.0.try_wait().expect("it can be asked").is_none(), "it stays");

    daemon.limit_files_to(None);
    let mut line = String::new();
    BufReader::new(daemon.0.stdout.take().expect("its output")).read_line(&mut line).expect("a line");
    assert_eq!(line, format!("windlass ready on {url}\n"));
    let ready = |wanted: bool| until("ready", || Some(status()).filter(|a| a.code == 0 && a.json()["ready"] == wanted)).json();
    assert!(ready(true)["storage_problem"].is_null());

    // What is submitted finds it full again, and the daemon says so until there is room.
    daemon.limit_files_to(Some(1));
    home.run(&["create", "a goal", "--project", "scratch"]).code(1).says("the database cannot grow");
    assert!(ready(false)["storage_problem"].is_string());
    daemon.limit_files_to(None);
    ready(true);
    home.run(&["create", "a goal", "--project", "scratch"]).code(0);
}
