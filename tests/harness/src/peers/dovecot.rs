//! Debian's Dovecot: IMAP and LMTP.

use std::fmt::Write as _;
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::{free_port, open_dir, root_for, wait_for_listener};
use crate::account::Account;
use crate::tools::Tool;

/// A running Dovecot. Dropping it stops it.
#[derive(Debug)]
pub struct Dovecot {
    tool: Tool,
    config: PathBuf,
    /// Sockets have short names: not in the directory of the mail.
    sockets: TempDir,
    imap: SocketAddr,
    doveadm: SocketAddr,
    child: Option<Child>,
}

/// Dovecot's own name for how mail lies on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailFormat {
    /// One file per message, flags in its name.
    Maildir,
    /// Many messages per file, flags in the index: Dovecot's fastest.
    Mdbox,
}

impl Dovecot {
    /// Dovecot with these accounts and its mail below `home`, with `mail_fsync=always`: an answer means durable.
    /// `None` after having said what is missing.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn start(home: &Path, format: MailFormat, accounts: &[Account]) -> Option<Self> {
        let tool = Tool::find("dovecot", "dovecot-imapd dovecot-lmtpd")?;
        if !root_for("dovecot") {
            return None;
        }
        let sockets = TempDir::new().expect("a temporary directory");
        open_dir(sockets.path());
        open_dir(home);
        let mail = home.join("mail");
        open_dir(&mail);
        chown(&mail, Some(MAIL_USER), Some(MAIL_USER)).expect("root may give a directory away");
        let users = home.join("users");
        fs::write(&users, passwd(accounts)).expect("a list of users");
        let (imap, doveadm) = (free_port(), free_port());
        let config = home.join("dovecot.conf");
        fs::write(&config, configuration(home, sockets.path(), [imap, doveadm], format))
            .expect("a configuration");
        let mut dovecot = Self { tool, config, sockets, imap, doveadm, child: None };
        dovecot.restart();
        Some(dovecot)
    }

    /// Where IMAP listens.
    pub fn imap(&self) -> SocketAddr {
        self.imap
    }

    /// Makes the mail of a member at the other the same as here (dsync over TCP): a command that was not started yet.
    pub fn back_up(&self, address: &str, to: &Self) -> Command {
        let mut command = Command::new("doveadm");
        command.arg("-c").arg(&self.config).arg("-o").arg(format!("doveadm_password={DOVEADM_PASSWORD}"));
        command.args(["backup", "-u", address]).arg(format!("tcp:{}", to.doveadm));
        command
    }

    /// The socket on which it takes mail by LMTP.
    pub fn lmtp(&self) -> PathBuf {
        self.sockets.path().join("run/lmtp")
    }

    /// The master process.
    ///
    /// # Panics
    /// If it was stopped.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("dovecot is up").id()
    }

    /// Ends it, orderly.
    pub fn stop(&mut self) {
        let Some(mut child) = self.child.take() else { return };
        if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let _ = child.wait();
    }

    /// Starts it again.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn restart(&mut self) {
        let child = self
            .tool
            .command()
            .arg("-F")
            .arg("-c")
            .arg(&self.config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("dovecot can be started");
        self.child = Some(child);
        assert!(
            wait_for_listener(self.imap, Duration::from_secs(20)),
            "dovecot did not come up; see the log beside {}",
            self.config.display()
        );
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        self.stop();
    }
}

fn passwd(accounts: &[Account]) -> String {
    accounts.iter().fold(String::new(), |mut lines, account| {
        let _ = writeln!(lines, "{}:{{PLAIN}}{}::::::", account.address, account.password);
        lines
    })
}

fn configuration(
    home: &Path,
    sockets: &Path,
    [imap, doveadm]: [SocketAddr; 2],
    format: MailFormat,
) -> String {
    let location = match format {
        MailFormat::Maildir => "maildir:~/Maildir",
        MailFormat::Mdbox => "mdbox:~/mdbox",
    };
    let (home, sockets, port, doveadm) = (home.display(), sockets.display(), imap.port(), doveadm.port());
    format!(
        r#"base_dir = {sockets}/run
state_dir = {sockets}/state
log_path = {home}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = {location}
mail_fsync = always
first_valid_uid = {MAIL_USER}
first_valid_gid = {MAIL_USER}
mail_max_userip_connections = 1000
default_vsz_limit = 2G
auth_cache_size = 1M
passdb {{
  driver = passwd-file
  args = {home}/users
}}
userdb {{
  driver = static
  args = uid={MAIL_USER} gid={MAIL_USER} home={home}/mail/%u allow_all_users=yes
}}
service imap-login {{
  process_limit = 1100
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service imap {{
  process_limit = 1100
}}
doveadm_password = {DOVEADM_PASSWORD}
service doveadm {{
  inet_listener {{
    port = {doveadm}
  }}
}}
service lmtp {{
  unix_listener lmtp {{
    mode = 0666
  }}
}}
"#
    )
}

const DOVEADM_PASSWORD: &str = "loopback-only";
/// Debian's user `mail`.
const MAIL_USER: u32 = 8;
