//! Debian's Postfix, as a server that receives and as one that delivers to us.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use super::{free_port, open_dir, root_for, wait_for_listener};
use crate::tools::{self, Tool};

/// A running Postfix. Dropping it stops it.
#[derive(Debug)]
pub struct Postfix {
    tool: Tool,
    config: PathBuf,
    home: PathBuf,
    smtp: SocketAddr,
}

/// Where the mail goes that it accepts for the domain `a.test`.
#[derive(Debug, Clone)]
pub enum PostfixRoute {
    /// Final delivery over this LMTP socket.
    Lmtp(PathBuf),
    /// To the next server by SMTP; TLS is required.
    SmtpWithTls(SocketAddr),
}

impl Postfix {
    /// Postfix with its queue below `home`. `None` after having said what is missing.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn start(home: &Path, route: &PostfixRoute) -> Option<Self> {
        let tool = Tool::find("postfix", "postfix")?;
        if !root_for("postfix") {
            return None;
        }
        let (config, queue, data) = (home.join("etc"), home.join("queue"), home.join("data"));
        for folder in [home, &config, &queue, &data] {
            open_dir(folder);
        }
        let _ = tools::run(std::process::Command::new("chown").arg("postfix").arg(&data), b"");
        let smtp = free_port();
        fs::write(config.join("main.cf"), main_cf(home, route)).expect("main.cf");
        fs::write(config.join("master.cf"), master_cf(smtp)).expect("master.cf");
        let postfix = Self { tool, config, home: home.to_owned(), smtp };
        postfix.start_again();
        Some(postfix)
    }

    /// Where SMTP listens.
    pub fn smtp(&self) -> SocketAddr {
        self.smtp
    }

    /// The master process.
    ///
    /// # Panics
    /// If it was stopped.
    pub fn pid(&self) -> u32 {
        let text = fs::read_to_string(self.home.join("queue/pid/master.pid")).expect("postfix is up");
        text.trim().parse().expect("a pid file has a number")
    }

    /// Its log so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.home.join("log")).unwrap_or_default()
    }

    /// Tries everything in the queue now.
    pub fn flush(&self) {
        let _ = self.postfix("flush");
    }

    /// Ends it and its children.
    pub fn stop(&self) {
        let _ = self.postfix("stop");
    }

    /// Starts it again after [`Postfix::stop`].
    ///
    /// # Panics
    /// If it does not come up.
    pub fn start_again(&self) {
        let output = self.postfix("start");
        assert!(
            output.status.success() && wait_for_listener(self.smtp, Duration::from_secs(20)),
            "postfix did not come up: {}\n{}",
            crate::node::text(&output),
            self.log()
        );
    }

    fn postfix(&self, command: &str) -> Output {
        tools::run(self.tool.command().arg("-c").arg(&self.config).arg(command), b"")
    }
}

impl Drop for Postfix {
    fn drop(&mut self) {
        self.stop();
    }
}

fn main_cf(home: &Path, route: &PostfixRoute) -> String {
    let transport = match route {
        PostfixRoute::Lmtp(socket) => format!("virtual_transport = lmtp:unix:{}", socket.display()),
        PostfixRoute::SmtpWithTls(next) => {
            format!(
                "virtual_transport = smtp:[127.0.0.1]:{}\nsmtp_tls_security_level = encrypt\nsmtp_tls_loglevel = 1",
                next.port()
            )
        }
    };
    let home = home.display();
    format!(
        r"compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file_prefixes = {home}
maillog_file = {home}/log
myhostname = mx.b.test
mydestination =
mynetworks = 127.0.0.0/8
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = a.test
virtual_mailbox_maps = static:all
smtp_host_lookup = native
disable_dns_lookups = yes
biff = no
{transport}
"
    )
}

/// Debian's services without chroot, and SMTP on a port of its own.
fn master_cf(smtp: SocketAddr) -> String {
    format!(
        "127.0.0.1:{} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
",
        smtp.port()
    )
}
