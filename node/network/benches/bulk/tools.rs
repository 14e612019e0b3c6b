//! Programs with which people copy files: scp to a private sshd, rclone to its own servers. Each server is started for this bench, on loopback,
//! with keys of its own, and ends with it.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::{Sample, cpu};

/// A program and its server.
pub(crate) struct Tool {
    kind: Kind,
    server: Server,
    home: PathBuf,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Scp,
    RcloneSftp,
    RcloneWebdav,
}

struct Server {
    process: Child,
    port: u16,
}

impl Tool {
    /// Those that are installed.
    pub(crate) fn all(home: &Path) -> Vec<Self> {
        [Kind::Scp, Kind::RcloneSftp, Kind::RcloneWebdav]
            .into_iter()
            .filter_map(|kind| Self::start(kind, home))
            .collect()
    }

    pub(crate) fn name(&self) -> &'static str {
        match self.kind {
            Kind::Scp => "scp, OpenSSH",
            Kind::RcloneSftp => "rclone, SFTP",
            Kind::RcloneWebdav => "rclone, WebDAV, no encryption",
        }
    }

    fn start(kind: Kind, home: &Path) -> Option<Self> {
        let (program, package) = match kind {
            Kind::Scp => ("/usr/sbin/sshd", "openssh-server"),
            Kind::RcloneSftp | Kind::RcloneWebdav => ("/usr/bin/rclone", "rclone"),
        };
        if !Path::new(program).is_file() {
            println!("SKIPPED: {program} is not installed: apt-get install {package}");
            return None;
        }
        let server = Server::start(kind, program, home);
        Some(Self { kind, server, home: home.to_owned() })
    }

    /// Copies a file; both sides are in the measured time, and the beginning of the client's process too.
    pub(crate) fn copy(&self, from: &Path, to: &Path) -> Sample {
        let (server, client) = (cpu::of(self.server.process.id()), cpu::of_ended_children());
        let mut command = self.client(from, to);
        let begin = Instant::now();
        let status = command.stdin(Stdio::null()).status().unwrap();
        let wall = begin.elapsed();
        assert!(status.success(), "{command:?}");
        // sshd counts the process of a connection once that has ended.
        let work = cpu::of(self.server.process.id()) - server + (cpu::of_ended_children() - client);
        Sample { wall, cpu: work }
    }

    fn client(&self, from: &Path, to: &Path) -> Command {
        let port = self.server.port.to_string();
        let name = to.file_name().and_then(|name| name.to_str()).unwrap();
        let at = format!("127.0.0.1:{port}");
        match self.kind {
            Kind::Scp => {
                let mut command = Command::new("scp");
                let key = self.home.join("key");
                command.args(["-q", "-B", "-F", "none", "-P", &port, "-i"]).arg(key);
                for option in ["StrictHostKeyChecking=no", "UserKnownHostsFile=/dev/null", "LogLevel=ERROR"] {
                    command.args(["-o", option]);
                }
                command.arg(from).arg(format!("127.0.0.1:{}", to.display()));
                command
            }
            Kind::RcloneSftp => {
                let mut command = rclone("copyto");
                command.args(["--sftp-host", "127.0.0.1", "--sftp-user", USER, "--sftp-pass", &obscured()]);
                command
                    .args(["--sftp-port", &port, "--sftp-disable-hashcheck"])
                    .arg(from)
                    .arg(format!(":sftp:{name}"));
                command
            }
            Kind::RcloneWebdav => {
                let mut command = rclone("copyto");
                command
                    .args(["--webdav-url", &format!("http://{at}")])
                    .arg(from)
                    .arg(format!(":webdav:{name}"));
                command
            }
        }
    }
}

impl Server {
    fn start(kind: Kind, program: &str, home: &Path) -> Self {
        let port = free_port();
        let at = format!("127.0.0.1:{port}");
        let mut command = match kind {
            Kind::Scp => sshd(program, home, port),
            Kind::RcloneSftp => {
                let mut command = rclone("serve");
                command.arg("sftp").arg(home).args(["--addr", &at, "--user", USER, "--pass", PASSWORD]);
                command
            }
            Kind::RcloneWebdav => {
                let mut command = rclone("serve");
                command.arg("webdav").arg(home).args(["--addr", &at]);
                command
            }
        };
        let process = command.stdin(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let server = Self { process, port };
        let deadline = Instant::now() + STARTED_WITHIN;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(Instant::now() < deadline, "{command:?} does not listen");
            std::thread::park_timeout(Duration::from_millis(20));
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// With a host key and a user key that nothing else knows, for the user who runs this.
fn sshd(program: &str, home: &Path, port: u16) -> Command {
    for name in ["host", "key"] {
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-f"])
            .arg(home.join(name))
            .status()
            .unwrap();
        assert!(made.success());
    }
    // For root it changes into this empty folder; Debian makes it when its own sshd starts.
    let _ = std::fs::create_dir("/run/sshd");
    let home = home.display();
    let config = format!(
        "ListenAddress 127.0.0.1\nPort {port}\nHostKey {home}/host\nAuthorizedKeysFile {home}/key.pub\nPidFile none\n\
         StrictModes no\nUsePAM no\nPasswordAuthentication no\nSubsystem sftp internal-sftp\n"
    );
    let path = PathBuf::from(format!("{home}/sshd.conf"));
    std::fs::write(&path, config).unwrap();
    let mut command = Command::new(program);
    command.args(["-D", "-e", "-f"]).arg(path);
    command
}

/// Without the user's own settings.
fn rclone(what: &str) -> Command {
    let mut command = Command::new("rclone");
    command.env("RCLONE_CONFIG", "/dev/null").args([what, "--log-level", "ERROR"]);
    command
}

/// As rclone wants a password on its command line.
fn obscured() -> String {
    let output = rclone("obscure").arg(PASSWORD).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

const USER: &str = "bench";
const PASSWORD: &str = "bench";
const STARTED_WITHIN: Duration = Duration::from_secs(10);
