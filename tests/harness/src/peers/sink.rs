//! Postfix's smtp-sink: takes any mail and throws it away.

use std::net::SocketAddr;
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

impl Sink {
    /// `None` after having said that it is not installed.
    ///
    /// # Panics
    /// If it does not come up.
    pub fn start() -> Option<Self> {
        let tool = Tool::find("smtp-sink", "postfix")?;
        let address = free_port();
        let mut command = tool.command();
        if rustix::process::geteuid().is_root() {
            command.args(["-u", "nobody"]);
        }
        let child = command
            .arg(address.to_string())
            .arg("100")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = child.spawn().expect("smtp-sink can be started");
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
