//! One real `essaim serve` on loopback, in a temporary directory, on ports that the kernel chose.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::account::Account;
use crate::binary;
use crate::imap::Imap;
use crate::smtp::Smtp;

/// A node under test. Dropping it kills the process, removes its directory, and fails the test if the node panicked.
#[derive(Debug)]
pub struct Node {
    home: TempDir,
    ready_within: Duration,
    namespace: Option<String>,
    environment: Vec<(String, String)>,
    running: Option<Running>,
}

/// How a node shall be set up.
#[derive(Debug, Clone)]
pub struct NodeBuilder {
    domain: String,
    tls: String,
    /// Their names, and where.
    listeners: Vec<(String, SocketAddr)>,
    extra: String,
    parent: Option<PathBuf>,
    namespace: Option<String>,
    environment: Vec<(String, String)>,
    ready_within: Duration,
}

#[derive(Debug)]
struct Running {
    child: Child,
    /// Kept open: a node tells its service manager more than that it is ready.
    _notify: UnixDatagram,
    ports: BTreeMap<String, SocketAddr>,
    start_up: Duration,
}

impl Node {
    /// A node with all defaults: domain `a.test`, a self-signed certificate.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn start() -> Self {
        Self::builder().start()
    }

    /// A node set up otherwise.
    pub fn builder() -> NodeBuilder {
        NodeBuilder {
            domain: "a.test".to_owned(),
            tls: "self-signed".to_owned(),
            listeners: LISTENERS.map(|name| (name.to_owned(), ANY_PORT)).into(),
            extra: String::new(),
            parent: None,
            namespace: None,
            environment: Vec::new(),
            ready_within: Duration::from_secs(60),
        }
    }

    /// Where a listener (`smtp`, `imaps`, ...: the names of `[listen]`) listens.
    ///
    /// # Panics
    /// If the node is down or has no such listener.
    pub fn address(&self, listener: &str) -> SocketAddr {
        let ports = &self.running().ports;
        *ports.get(listener).unwrap_or_else(|| panic!("no listener {listener} in ports.json: {ports:?}"))
    }

    /// The data directory.
    pub fn data_dir(&self) -> PathBuf {
        self.home.path().join("data")
    }

    /// A directory beside the data that goes when the node goes.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// The process.
    ///
    /// # Panics
    /// If the node is down.
    pub fn pid(&self) -> u32 {
        self.running().child.id()
    }

    /// How long the last start took, from `exec` until the node said that it is ready.
    ///
    /// # Panics
    /// If the node is down.
    pub fn start_up(&self) -> Duration {
        self.running().start_up
    }

    /// Makes an account with the command line, as an operator does.
    ///
    /// # Panics
    /// If the command fails.
    pub fn add_account(&self, address: &str) -> Account {
        let account = Account::new(address);
        let output = self.essaim(&["account", "add", address, "--password-stdin"], &account.password);
        assert!(output.status.success(), "account add {address} failed: {}", text(&output));
        account
    }

    /// Runs `essaim ARGUMENTS` for this node, whether it is up or down.
    ///
    /// # Panics
    /// If the process cannot be started.
    pub fn essaim(&self, arguments: &[&str], input: &str) -> Output {
        let mut command = self.command();
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the essaim binary can be started");
        if let Some(mut stdin) = child.stdin.take() {
            // A command that does not read its input is free to close it.
            let _ = stdin.write_all(input.as_bytes());
        }
        child.wait_with_output().expect("a started process can be waited for")
    }

    /// An IMAP session in which `account` is logged in, under TLS.
    pub fn imap(&self, account: &Account) -> io::Result<Imap> {
        let mut imap = Imap::connect_tls(self.address("imaps"))?;
        imap.login(&account.address, &account.password)?;
        Ok(imap)
    }

    /// An SMTP session on the port where mail arrives from other servers.
    pub fn smtp(&self) -> io::Result<Smtp> {
        Smtp::connect(self.address("smtp"))
    }

    /// A submission session in which `account` is logged in, under TLS.
    pub fn submission(&self, account: &Account) -> io::Result<Smtp> {
        let mut smtp = Smtp::connect_tls(self.address("submissions"))?;
        smtp.auth_plain(&account.address, &account.password)?.expect(235)?;
        Ok(smtp)
    }

    /// `kill -9`, and waits for the end of the process.
    pub fn kill(&mut self) {
        if let Some(mut running) = self.running.take() {
            let _ = running.child.kill();
            let _ = running.child.wait();
        }
    }

    /// Starts it and kills it at most `milliseconds` later, ready or not.
    ///
    /// # Panics
    /// If the node is up.
    pub fn kill_while_starting(&mut self, milliseconds: usize) {
        assert!(self.running.is_none(), "the node is still up");
        let (mut child, notify, _) = self.spawn();
        let limit = Duration::from_millis(1 + u64::try_from(milliseconds).unwrap_or(0));
        notify.set_read_timeout(Some(limit)).expect("a timeout that is not zero");
        let _ = notify.recv(&mut [0; 64]);
        let _ = child.kill();
        let _ = child.wait();
    }

    /// SIGTERM, and waits for the orderly end.
    ///
    /// # Panics
    /// If the node was down.
    pub fn stop(&mut self) -> ExitStatus {
        let mut running = self.running.take().expect("a node that is up");
        let pid = i32::try_from(running.child.id()).ok().and_then(Pid::from_raw).expect("a child has a pid");
        let _ = kill_process(pid, Signal::TERM);
        running.child.wait().expect("a child can be waited for")
    }

    /// Starts it again after [`Node::kill`] or [`Node::stop`]; all ports may be others.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn restart(&mut self) {
        assert!(self.running.is_none(), "the node is still up");
        self.running = Some(self.serve());
    }

    /// From the next start on a listener has the port that it has now, as listeners of real nodes do.
    ///
    /// # Panics
    /// If the node is down, or its configuration cannot be written.
    pub fn pin(&self, listener: &str) {
        let config = self.home.path().join("essaim.toml");
        let text = fs::read_to_string(&config).expect("the configuration");
        let (any, this) = (format!("{listener} = \"127.0.0.1:0\"\n"), self.address(listener));
        let text = text.replace(&any, &format!("{listener} = \"{this}\"\n"));
        fs::write(&config, text).expect("the configuration can be written");
    }

    /// What the process wrote.
    pub fn log(&self) -> String {
        String::from_utf8_lossy(&fs::read(self.log_path()).unwrap_or_default()).into_owned()
    }

    fn running(&self) -> &Running {
        self.running.as_ref().expect("the node is up")
    }

    fn log_path(&self) -> PathBuf {
        self.home.path().join("log")
    }

    /// `essaim` for this node, to be given arguments and started.
    pub fn command(&self) -> Command {
        self.in_its_home(Command::new(binary::essaim()))
    }

    /// The command that becomes the node.
    fn server(&self) -> Command {
        let Some(namespace) = &self.namespace else { return self.command() };
        let mut command = Command::new("ip");
        command.args(["netns", "exec", namespace]).arg(binary::essaim());
        self.in_its_home(command)
    }

    fn in_its_home(&self, mut command: Command) -> Command {
        command.current_dir(self.home.path());
        command
            .arg("--data-dir")
            .arg(self.data_dir())
            .arg("--config")
            .arg(self.home.path().join("essaim.toml"));
        command
    }

    fn serve(&self) -> Running {
        // It may have to be built first: that is not the node's time.
        binary::essaim();
        let started = Instant::now();
        let (mut child, notify, ports_file) = self.spawn();
        if let Err(reason) = wait_until_ready(&mut child, &notify, started + self.ready_within) {
            let _ = child.kill();
            let _ = child.wait();
            panic!("the node did not come up: {reason}\n{}", tail(&self.log()));
        }
        let start_up = started.elapsed();
        Running { child, _notify: notify, ports: read_ports(&ports_file), start_up }
    }

    /// The process, the socket on which it says `READY=1`, and where its ports will stand.
    fn spawn(&self) -> (Child, UnixDatagram, PathBuf) {
        let ports_file = self.data_dir().join("run/ports.json");
        let _ = fs::remove_file(&ports_file);
        let notify_path = self.home.path().join("notify");
        let _ = fs::remove_file(&notify_path);
        let notify = UnixDatagram::bind(&notify_path).expect("a socket in the temporary directory");
        notify.set_read_timeout(Some(LOOK_AGAIN)).expect("a timeout that is not zero");
        let log = File::options().create(true).append(true).open(self.log_path()).expect("a log file");
        let child = self
            .server()
            .arg("serve")
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .env("NOTIFY_SOCKET", &notify_path)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("the essaim binary can be started");
        (child, notify, ports_file)
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
        let log = self.log();
        if std::thread::panicking() {
            let _ = writeln!(io::stderr(), "--- end of the node's log ---\n{}", tail(&log));
        } else {
            // Whatever a test does to it, the program must not panic.
            assert!(!log.contains("panicked at"), "the node panicked:\n{}", tail(&log));
        }
    }
}

impl NodeBuilder {
    /// The hoster's domain.
    #[must_use]
    pub fn domain(mut self, domain: &str) -> Self {
        domain.clone_into(&mut self.domain);
        self
    }

    /// `tls.mode`.
    #[must_use]
    pub fn tls(mut self, mode: &str) -> Self {
        mode.clone_into(&mut self.tls);
        self
    }

    /// Starts one more listener: `peer`, `https`.
    #[must_use]
    pub fn listening(self, listener: &str) -> Self {
        self.listening_at(listener, ANY_PORT)
    }

    /// The same at an address of its own.
    #[must_use]
    pub fn listening_at(mut self, listener: &str, address: SocketAddr) -> Self {
        self.listeners.push((listener.to_owned(), address));
        self
    }

    /// Runs it in this network namespace, with the files that `ip netns exec` lays over those of the machine. Its commands are given
    /// outside: they go through a socket in its directory.
    #[must_use]
    pub fn in_namespace(mut self, name: &str) -> Self {
        self.namespace = Some(name.to_owned());
        self
    }

    /// Something in the environment of the node, not of its commands.
    #[must_use]
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// More of `essaim.toml`, after what the harness writes: whole tables.
    #[must_use]
    pub fn config(mut self, toml: &str) -> Self {
        self.extra.push_str(toml);
        self.extra.push('\n');
        self
    }

    /// Where to make the temporary directory: a test that measures a disk chooses the disk.
    #[must_use]
    pub fn inside(mut self, parent: &Path) -> Self {
        self.parent = Some(parent.to_owned());
        self
    }

    /// How long the node may take to come up.
    #[must_use]
    pub fn ready_within(mut self, limit: Duration) -> Self {
        self.ready_within = limit;
        self
    }

    /// Writes the configuration and starts the node.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn start(self) -> Node {
        let mut node = self.prepare();
        node.restart();
        node
    }

    /// Writes the configuration only: [`Node::essaim`] works, the node is down.
    ///
    /// # Panics
    /// If there is no room for it.
    pub fn prepare(self) -> Node {
        let home = match &self.parent {
            Some(parent) => TempDir::new_in(parent),
            None => TempDir::new(),
        };
        let home = home.expect("a temporary directory can be made");
        fs::write(home.path().join("essaim.toml"), self.toml()).expect("the configuration can be written");
        let Self { ready_within, namespace, environment, .. } = self;
        Node { home, ready_within, namespace, environment, running: None }
    }

    fn toml(&self) -> String {
        let mut toml =
            format!("[hoster]\ndomain = \"{}\"\n[tls]\nmode = \"{}\"\n[listen]\n", self.domain, self.tls);
        for (listener, address) in &self.listeners {
            toml.push_str(&format!("{listener} = \"{address}\"\n"));
        }
        toml.push_str(&self.extra);
        toml
    }
}

/// Standard output and standard error of a command, for a message.
pub fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// `READY=1` as for systemd: no polling. Wakes now and then only to see whether the process is still there.
fn wait_until_ready(child: &mut Child, notify: &UnixDatagram, deadline: Instant) -> Result<(), String> {
    let mut message = [0_u8; 4096];
    loop {
        match notify.recv(&mut message) {
            Ok(length) if message.get(..length).is_some_and(|text| text.starts_with(b"READY=1")) => {
                return Ok(());
            }
            Ok(_) => {}
            // Another child of this process ended, or nothing came yet.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::Interrupted | io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ) => {}
            Err(error) => return Err(error.to_string()),
        }
        if let Ok(Some(status)) = child.try_wait() {
            return Err(format!("it ended with {status}"));
        }
        if Instant::now() > deadline {
            return Err("it did not say READY=1 in time".to_owned());
        }
    }
}

fn read_ports(path: &Path) -> BTreeMap<String, SocketAddr> {
    let json = fs::read(path)
        .unwrap_or_else(|error| panic!("no {} though the node is ready: {error}", path.display()));
    serde_json::from_slice(&json)
        .unwrap_or_else(|error| panic!("{} is not a map of addresses: {error}", path.display()))
}

fn tail(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines.get(lines.len().saturating_sub(LOG_LINES)..).unwrap_or_default().join("\n")
}

const LISTENERS: [&str; 6] = ["http", "smtp", "submission", "submissions", "imap", "imaps"];
/// On loopback, wherever the kernel likes.
const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
const LOOK_AGAIN: Duration = Duration::from_millis(50);
const LOG_LINES: usize = 60;
