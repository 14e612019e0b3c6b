//! One hoster of the demo: a process of its own, spoken to as an operator would.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::ServerName;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, UnixDatagram};
use tokio::process::{Child, Command};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::cast::Role;
use crate::command::place::FILE_NAME;
use crate::config::Text;
use crate::failure::Failure;
use crate::{outbound, ports};

#[derive(Debug)]
pub(super) struct Actor {
    role: &'static Role,
    data_dir: PathBuf,
    child: Child,
}

/// Somebody with an account.
#[derive(Debug, Clone, serde::Serialize)]
pub(super) struct Member {
    pub(super) address: String,
    pub(super) password: String,
}

impl Actor {
    /// Writes its configuration and starts its node; back when that is ready.
    pub(super) async fn start(role: &'static Role, stage: &Path) -> Result<Self, Failure> {
        let data_dir = stage.join(role.name.to_lowercase().replace(' ', "-"));
        let written = write_config(role, &data_dir);
        written.map_err(|error| Failure::caused(format_args!("could not set up {}", role.domain), &error))?;
        let failed =
            |error: &io::Error| Failure::caused(format_args!("could not start {}", role.domain), error);
        let notified = data_dir.join("notify");
        let notify = UnixDatagram::bind(&notified).map_err(|error| failed(&error))?;
        let log = File::create(data_dir.join("log")).map_err(|error| failed(&error))?;
        let mut command = itself(&data_dir).map_err(|error| failed(&error))?;
        let also = log.try_clone().map_err(|error| failed(&error))?;
        command.arg("serve").env("NOTIFY_SOCKET", &notified).stdin(Stdio::null()).stdout(also).stderr(log);
        // Ctrl-C in a terminal goes to a whole group: these end when the demo tells them.
        command.process_group(0);
        let child = command.kill_on_drop(true).spawn().map_err(|error| failed(&error))?;
        let mut actor = Self { role, data_dir, child };
        actor.ready(&notify).await?;
        Ok(actor)
    }

    async fn ready(&mut self, notify: &UnixDatagram) -> Result<(), Failure> {
        let mut said = [0; 512];
        loop {
            tokio::select! {
                read = timeout(START_MAX, notify.recv(&mut said)) => match read {
                    Ok(Ok(length)) if said[..length].starts_with(b"READY=1") => return Ok(()),
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => return Err(Failure::caused("a node cannot say that it is ready", &error)),
                    Err(_) => return Err(self.fell(format!("is not ready after {} s", START_MAX.as_secs()))),
                },
                ended = self.child.wait() => {
                    return Err(self.fell(ended.map_or_else(|error| error.to_string(), |status| format!("ended: {status}"))));
                }
            }
        }
    }

    fn fell(&self, how: String) -> Failure {
        let log = self.data_dir.join("log");
        Failure::new(format!("the node of {} {how}", self.role.domain))
            .hint(format!("its log says why: {}", log.display()))
    }

    /// What `essaim ARGUMENTS --json` answers for this node.
    pub(super) async fn ask(&self, arguments: &[&str]) -> Result<Value, Failure> {
        self.ask_with(arguments, "").await
    }

    /// The same, with something on standard input.
    pub(super) async fn ask_with(&self, arguments: &[&str], input: &str) -> Result<Value, Failure> {
        let attempted = || format!("essaim {} for {}", arguments.join(" "), self.role.domain);
        let mut command = itself(&self.data_dir).map_err(|error| Failure::caused(attempted(), &error))?;
        command
            .args(arguments)
            .arg("--json")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        let output = async {
            let mut child = command.spawn()?;
            if let Some(mut stdin) = child.stdin.take() {
                // A command that does not read has ended, and says why itself.
                let _ = stdin.write_all(input.as_bytes()).await;
            }
            child.wait_with_output().await
        };
        let output = output.await.map_err(|error| Failure::caused(attempted(), &error))?;
        let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        if output.status.success() {
            return Ok(answer);
        }
        let why = answer["error"]["message"].as_str().unwrap_or("it failed without a word");
        Err(Failure::new(format!("{}: {why}", attempted())))
    }

    /// Makes its members.
    pub(super) async fn enroll(&self) -> Result<Vec<Member>, Failure> {
        let mut members = Vec::new();
        for name in self.role.members {
            let address = format!("{name}@{}", self.role.domain);
            let added = self.ask(&["account", "add", &address, "--generate-password"]).await?;
            let password = added["password"].as_str().unwrap_or_default().to_owned();
            members.push(Member { address, password });
        }
        Ok(members)
    }

    /// Tells what its listing says.
    pub(super) async fn introduce(&self) -> Result<(), Failure> {
        let mut arguments = vec!["directory", "edit", "--without-peers"];
        arguments.extend(self.role.listing.iter().flat_map(|field| ["--set", field]));
        self.ask(&arguments).await.map(drop)
    }

    /// Where it listens.
    pub(super) fn ports(&self) -> BTreeMap<String, SocketAddr> {
        ports::read(&self.data_dir)
    }

    pub(super) fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// Until it ends by itself, which it should not.
    pub(super) async fn ended(&mut self) -> Failure {
        match self.child.wait().await {
            Ok(status) => self.fell(format!("ended: {status}")),
            Err(error) => self.fell(error.to_string()),
        }
    }

    /// Ends it as an operator would.
    pub(super) async fn stop(mut self) {
        let pid =
            self.child.id().and_then(|id| i32::try_from(id).ok()).and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        // A second later than it needs; dropping it then kills it.
        let _ = timeout(STOP_MAX, self.child.wait()).await;
    }

    /// Hands a letter to the submission port under TLS, as a mail program does.
    pub(super) async fn submit(
        &self,
        from: &Member,
        to: &str,
        subject: &str,
        text: &str,
    ) -> Result<(), Failure> {
        let letter = format!(
            "From: {}\r\nTo: {to}\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n\
             Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n{text}\r\n.",
            from.address
        );
        let sent = match self.ports().get("submissions") {
            Some(at) => timeout(ANSWER_MAX, converse(*at, from, to, &letter))
                .await
                .unwrap_or_else(|_| Err(io::Error::new(io::ErrorKind::TimedOut, "no answer in time"))),
            None => Err(io::Error::new(io::ErrorKind::NotFound, "there is no submission port")),
        };
        sent.map_err(|error| {
            Failure::caused(format_args!("{} could not write to {to}", from.address), &error)
        })
    }
}

fn write_config(role: &Role, data_dir: &Path) -> io::Result<()> {
    fs::create_dir_all(data_dir)?;
    let text = Text::documented().set("hoster", "domain", role.domain).set("hoster", "name", role.name).set(
        "hoster",
        "language",
        role.language,
    );
    let text = LISTENERS.iter().fold(text, |text, listener| text.set("listen", listener, "127.0.0.1:0"));
    fs::write(data_dir.join(FILE_NAME), text.set("", "data_dir", data_dir.display().to_string()).as_str())
}

/// This program, for one of the nodes. What the environment says of a node is meant for another; how much is logged is not.
fn itself(data_dir: &Path) -> io::Result<Command> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("--data-dir").arg(data_dir);
    let of_a_node = |name: &str| name.starts_with("ESSAIM_") && name != "ESSAIM_LOG";
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(of_a_node) {
            command.env_remove(name);
        }
    }
    Ok(command)
}

/// RFC 5321, one command after another. The certificate is the node's own, which nobody signed.
async fn converse(at: SocketAddr, from: &Member, to: &str, letter: &str) -> io::Result<()> {
    let socket = TcpStream::connect(at).await?;
    let connector = TlsConnector::from(outbound::anybody());
    let stream = connector.connect(ServerName::from(at.ip()), socket).await?;
    let (answers, mut commands) = tokio::io::split(stream);
    let mut answers = BufReader::new(answers).lines();
    let proof = STANDARD.encode(format!("\0{}\0{}", from.address, from.password));
    let lines = [
        (String::new(), "220"),
        ("EHLO demo.test\r\n".to_owned(), "250"),
        (format!("AUTH PLAIN {proof}\r\n"), "235"),
        (format!("MAIL FROM:<{}> BODY=8BITMIME SMTPUTF8\r\n", from.address), "250"),
        (format!("RCPT TO:<{to}>\r\n"), "250"),
        ("DATA\r\n".to_owned(), "354"),
        (format!("{letter}\r\n"), "250"),
        ("QUIT\r\n".to_owned(), "221"),
    ];
    for (line, wanted) in lines {
        commands.write_all(line.as_bytes()).await?;
        commands.flush().await?;
        loop {
            let answer = answers.next_line().await?.ok_or(io::ErrorKind::UnexpectedEof)?;
            if !answer.starts_with(wanted) {
                return Err(io::Error::other(answer));
            }
            // RFC 5321 section 4.2.1: a hyphen says that more lines come.
            if answer.as_bytes().get(3) != Some(&b'-') {
                break;
            }
        }
    }
    Ok(())
}

const LISTENERS: [&str; 8] = ["http", "https", "smtp", "submission", "submissions", "imap", "imaps", "peer"];
const START_MAX: Duration = Duration::from_secs(60);
const STOP_MAX: Duration = Duration::from_secs(20);
const ANSWER_MAX: Duration = Duration::from_secs(30);
