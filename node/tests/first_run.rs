//! The real program on an empty directory: it comes up, speaks, answers at its control socket, and stops in order.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where it was")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

#[test]
fn a_node_on_an_empty_directory_speaks_and_stops_in_order() {
    let node = Node::start();
    assert!(node.ready().starts_with("READY=1"));
    let ports = node.ports();
    assert_eq!(ports.len(), LISTENERS.len(), "{ports:?}");

    let mut smtp = Talk::connect(ports["smtp"]);
    assert!(smtp.line().starts_with("220 essaim.localhost "));
    smtp.say("EHLO client.test");
    assert!(smtp.until("250 ").iter().any(|line| line.starts_with("250-STARTTLS")));
    let mut imap = Talk::connect(ports["imap"]);
    assert!(imap.line().starts_with("* OK "));
    imap.say("a CAPABILITY");
    assert!(
        imap.until("a OK").iter().any(|line| line.contains(" IMAP4rev2") && line.contains(" LOGINDISABLED"))
    );
    let mut http = Talk::connect(ports["http"]);
    http.say("GET /health/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n");
    assert!(http.line().starts_with("HTTP/1.1 200 "));

    let status = node.essaim(&["status", "--json"]);
    assert!(status.contains("\"running\": true") && status.contains(&ports["imap"].to_string()), "{status}");
    let accounts = node.essaim(&["account", "list", "--json"]);
    assert!(accounts.contains("\"address\": \"alice@essaim.localhost\""), "{accounts}");

    let (code, said) = node.stop();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("password     ") && said.contains("curl ") && said.contains("swaks "), "{said}");
    assert!(smtp.until_end().iter().any(|line| line.starts_with("421 ")), "SMTP clients are told");
    assert!(imap.until_end().iter().any(|line| line.starts_with("* BYE ")), "IMAP clients are told");
}

/// A node whose ports are all its own choice. Killed when dropped.
struct Node {
    home: TempDir,
    child: Child,
    notify: UnixDatagram,
}

impl Node {
    fn start() -> Self {
        let home = TempDir::new().unwrap();
        let path = home.path().join("notify");
        let notify = UnixDatagram::bind(&path).unwrap();
        notify.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let mut command = essaim(home.path());
        command.arg("serve").env("NOTIFY_SOCKET", &path).stdout(Stdio::piped()).stderr(Stdio::inherit());
        for listener in LISTENERS {
            command.env(format!("ESSAIM_LISTEN__{}", listener.to_uppercase()), "127.0.0.1:0");
        }
        let child = command.spawn().unwrap();
        Self { home, child, notify }
    }

    /// What it tells the service manager; it comes when everything listens.
    fn ready(&self) -> String {
        let mut message = [0; 1024];
        let length = self.notify.recv(&mut message).expect("the node says that it is ready");
        String::from_utf8_lossy(&message[..length]).into_owned()
    }

    fn ports(&self) -> BTreeMap<String, SocketAddr> {
        let path = self.home.path().join("essaim-data/run/ports.json");
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    }

    fn essaim(&self, arguments: &[&str]) -> String {
        let output = essaim(self.home.path()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn stop(mut self) -> (Option<i32>, String) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        let status = self.child.wait().unwrap();
        assert!(!self.home.path().join("essaim-data/run/ports.json").exists());
        let said = std::io::read_to_string(self.child.stdout.take().unwrap()).unwrap();
        (status.code(), said)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One line-oriented conversation.
struct Talk(BufReader<TcpStream>);

impl Talk {
    fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        Self(BufReader::new(stream))
    }

    fn say(&mut self, line: &str) {
        self.0.get_mut().write_all(format!("{line}\r\n").as_bytes()).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line
    }

    fn until(&mut self, last: &str) -> Vec<String> {
        let mut lines = Vec::new();
        loop {
            let line = self.line();
            assert!(!line.is_empty(), "closed before {last:?}: {lines:?}");
            let done = line.starts_with(last);
            lines.push(line);
            if done {
                return lines;
            }
        }
    }

    fn until_end(&mut self) -> Vec<String> {
        std::iter::from_fn(|| Some(self.line()).filter(|line| !line.is_empty())).collect()
    }
}

fn essaim(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_essaim"));
    command.current_dir(home).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("ESSAIM_") {
            command.env_remove(name);
        }
    }
    command
}

const LISTENERS: [&str; 8] = ["http", "https", "smtp", "submission", "submissions", "imap", "imaps", "peer"];
