//! The other side: postfix hands over to dovecot by LMTP.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use essaim_harness::Account;
use essaim_harness::peers::{Dovecot, MailFormat, Postfix, PostfixRoute};

use super::{Contender, Side, Stop};

/// Postfix and dovecot, in private directories.
#[derive(Debug)]
pub(crate) struct Debian {
    dovecot: Dovecot,
    postfix: Postfix,
    format: MailFormat,
    log: PathBuf,
    /// How far the log of postfix was read.
    position: u64,
}

impl Debian {
    /// `None` after having said what is missing.
    pub(crate) fn start(room: &Path, format: MailFormat, accounts: &[Account]) -> Option<Self> {
        // Their own users must be able to reach their mail.
        for folder in room.ancestors().take(1) {
            let _ = Command::new("chmod").arg("755").arg(folder).status();
        }
        let dovecot = Dovecot::start(&room.join("dovecot"), format, accounts)?;
        let home = room.join("postfix");
        let postfix = Postfix::start(&home, &PostfixRoute::Lmtp(dovecot.lmtp()))?;
        Some(Self { dovecot, postfix, format, log: home.join("log"), position: 0 })
    }

    /// How many deliveries the log has told of since it was last read.
    fn newly_sent(&mut self) -> io::Result<usize> {
        let mut file = File::open(&self.log)?;
        file.seek(SeekFrom::Start(self.position))?;
        let mut text = Vec::new();
        file.read_to_end(&mut text)?;
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |at| at + 1);
        self.position += u64::try_from(whole).unwrap_or(0);
        text.truncate(whole);
        Ok(String::from_utf8_lossy(&text).matches("status=sent").count())
    }
}

impl Contender for Debian {
    fn side(&self) -> Side {
        Side::Debian
    }

    fn describe(&self) -> String {
        let format = match self.format {
            MailFormat::Maildir => "maildir",
            MailFormat::Mdbox => "mdbox",
        };
        format!(
            "postfix {} as packaged (syncs its queue), LMTP into dovecot {}, {format}, mail_fsync=always",
            version("postconf", &["-h", "mail_version"]),
            version("dovecot", &["--version"]),
        )
    }

    fn smtp(&self) -> SocketAddr {
        self.postfix.smtp()
    }

    fn imap(&self) -> SocketAddr {
        self.dovecot.imap()
    }

    fn processes(&self) -> Vec<u32> {
        vec![self.dovecot.pid(), self.postfix.pid()]
    }

    fn mark(&mut self) {
        let _ = self.newly_sent();
    }

    /// Postfix tells nobody but its log when a message has reached its mailbox.
    fn wait_until_stored(&mut self, count: usize) -> io::Result<()> {
        let deadline = Instant::now() + STORED_WITHIN;
        let mut stored = 0;
        while stored < count {
            stored += self.newly_sent()?;
            if Instant::now() > deadline {
                return Err(io::Error::other(format!("postfix delivered only {stored} of {count} messages")));
            }
            std::thread::park_timeout(Duration::from_millis(5));
        }
        Ok(())
    }

    /// Orderly either way: dovecot has no state that a kill would make it recover at start.
    fn restart(&mut self, _: Stop) -> io::Result<Duration> {
        self.postfix.stop();
        self.dovecot.stop();
        let begin = Instant::now();
        self.dovecot.restart();
        let took = begin.elapsed();
        self.postfix.start_again();
        Ok(took)
    }
}

fn version(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    text.split_whitespace().next().unwrap_or("?").to_owned()
}

const STORED_WITHIN: Duration = Duration::from_secs(300);
