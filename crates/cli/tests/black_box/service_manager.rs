//! What a service manager hears, told over a socket of this test's own.

use std::os::unix::net::UnixDatagram;
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::environment::Home;
use crate::looks::PATIENCE;

struct Managed {
    child: Child,
    socket: UnixDatagram,
}

impl Managed {
    fn start(home: &Home, watchdog_usec: Option<u32>, env: &[(&str, &str)]) -> Self {
        let path = home.path().join("notify.sock");
        let socket = UnixDatagram::bind(&path).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        let log = std::fs::File::create(home.path().join("daemon.log")).expect("a log");
        let mut command = home.command(&["up", "--listen", "127.0.0.1:0", "--isolation", "rlimits"]);
        command.env("NOTIFY_SOCKET", &path).envs(env.iter().copied()).stdout(Stdio::null()).stderr(log);
        if let Some(micros) = watchdog_usec {
            command.env("WATCHDOG_USEC", micros.to_string());
        }
        Self { child: command.spawn().expect("it starts"), socket }
    }

    fn hears(&self) -> String {
        let mut said = [0; 4096];
        let length = self.socket.recv(&mut said).expect("the manager is told something");
        String::from_utf8_lossy(&said[..length]).into_owned()
    }

    /// Listens until a line is said; gives what was said before it.
    fn hears_until(&self, line: &str) -> Vec<String> {
        let mut before = Vec::new();
        loop {
            let said = self.hears();
            if said.lines().any(|l| l == line) {
                return before;
            }
            before.push(said);
        }
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.child.id().cast_signed()).expect("a pid"), signal).expect("it can be signalled");
    }
}

impl Drop for Managed {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn it_is_told_of_readiness_then_of_life_and_at_last_of_the_stop() {
    let home = Home::new();
    let mut managed = Managed::start(&home, Some(600_000), &[]);
    let before = managed.hears_until("READY=1");
    assert!(before.iter().all(|said| !said.contains("WATCHDOG") && !said.contains("STOPPING")), "{before:?}");
    assert!(before.iter().any(|said| said.contains("EXTEND_TIMEOUT_USEC=")), "{before:?}");
    for _ in 0..3 {
        managed.hears_until("WATCHDOG=1");
    }
    managed.signal(Signal::TERM);
    managed.hears_until("STOPPING=1");
    assert_eq!(managed.child.wait().expect("it ends").code(), Some(0));
}

#[test]
fn without_a_watchdog_it_is_told_of_readiness_all_the_same() {
    let home = Home::new();
    let managed = Managed::start(&home, None, &[]);
    managed.hears_until("READY=1");
    managed.signal(Signal::TERM);
    let meanwhile = managed.hears_until("STOPPING=1");
    assert!(meanwhile.iter().all(|said| !said.contains("WATCHDOG")), "{meanwhile:?}");
}

#[cfg(debug_assertions)]
#[test]
fn an_engine_that_hangs_is_not_kept_alive_by_a_process_that_does_not() {
    let home = Home::new();
    let managed = Managed::start(&home, Some(600_000), &[("WINDLASS_STALLPOINT", "dispatch.round:4")]);
    managed.hears_until("READY=1");
    let log = home.path().join("daemon.log");
    crate::looks::eventually("the watchdog is seen to starve", || {
        std::fs::read_to_string(&log).ok().filter(|log| log.contains("the dispatcher does not go round"))
    });
    // What was said before is still in the socket; from here on there is silence.
    managed.socket.set_nonblocking(true).expect("set");
    let mut said = [0; 4096];
    while managed.socket.recv(&mut said).is_ok() {}
    crate::looks::eventually("it starves again", || {
        std::fs::read_to_string(&log).ok().filter(|log| log.matches("the dispatcher does not go round").count() >= 4)
    });
    while let Ok(length) = managed.socket.recv(&mut said) {
        let said = String::from_utf8_lossy(&said[..length]);
        assert!(!said.contains("WATCHDOG=1"), "{said}");
    }
}
