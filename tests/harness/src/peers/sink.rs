//! Postfix's smtp-sink: a server that takes any mail and throws it away, keeps it as files, or refuses it.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use super::{free_port, wait_for_listener};
use crate::tools::Tool;

/// A running smtp-sink. Dropping it ends it.
#[derive(Debug)]
pub struct Sink {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
}

/// What it does with mail.
#[derive(Debug, Clone, Copy)]
pub enum Manner<'a> {
    /// Takes it and forgets it.
    Forget,
    /// Writes each message into a file in this folder.
    Keep(&'a Path),
    /// Says 500 to RCPT.
    RefuseForGood,
    /// Says 450 to RCPT.
    RefuseForNow,
}

impl Sink {
    /// On a free port. `None` after having said that it is not installed.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn start(manner: Manner<'_>) -> Option<Self> {
        Self::start_at(free_port(), manner)
    }

    /// On this port, for instance one that an ended sink had.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn start_at(address: SocketAddr, manner: Manner<'_>) -> Option<Self> {
        let tool = Tool::find("smtp-sink", "postfix")?;
        let mut command = tool.command();
        if rustix::process::geteuid().is_root() {
            command.args(["-u", "nobody"]);
        }
        match manner {
            Manner::Forget => {}
            Manner::Keep(folder) => {
                let _ = fs::set_permissions(folder, fs::Permissions::from_mode(0o777));
                command.arg("-d").arg(folder.join("%M%S."));
            }
            Manner::RefuseForGood => {
                command.args(["-f", "RCPT"]);
            }
            Manner::RefuseForNow => {
                command.args(["-r", "RCPT"]);
            }
        }
        command.arg(address.to_string()).arg("100");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().expect("smtp-sink can be started");
        assert!(wait_for_listener(address, Duration::from_secs(10)), "smtp-sink did not come up");
        Some(Self { address, child })
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
