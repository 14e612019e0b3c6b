//! Our side.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use essaim_harness::{Account, Node, binary};

use super::{Contender, Side, Stop};

/// A node with its accounts.
#[derive(Debug)]
pub(crate) struct Essaim {
    node: Node,
    version: String,
}

impl Essaim {
    /// Starts a node below `room` and makes the accounts with the command line.
    pub(crate) fn start(room: &Path, accounts: &[Account]) -> io::Result<Self> {
        let node = Node::builder()
            .inside(room)
            .tls("off")
            .config(LIMITS)
            .ready_within(Duration::from_secs(600))
            .start();
        let next = AtomicUsize::new(0);
        // Half of them wait for the disk or for another process.
        let makers = 2 * std::thread::available_parallelism().map_or(2, usize::from);
        std::thread::scope(|scope| {
            for _ in 0..makers {
                scope.spawn(|| {
                    while let Some(account) = accounts.get(next.fetch_add(1, Ordering::Relaxed)) {
                        node.add_account(&account.address);
                    }
                });
            }
        });
        let output = Command::new(binary::essaim()).arg("--version").output()?;
        let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        Ok(Self { node, version })
    }
}

impl Contender for Essaim {
    fn side(&self) -> Side {
        Side::Essaim
    }

    fn describe(&self) -> String {
        format!(
            "{}: an answer goes out after the sync of the transaction; mail compressed (LZ4 up to 8 KiB, zstd above)",
            self.version
        )
    }

    fn smtp(&self) -> SocketAddr {
        self.node.address("smtp")
    }

    fn imap(&self) -> SocketAddr {
        self.node.address("imap")
    }

    fn processes(&self) -> Vec<u32> {
        vec![self.node.pid()]
    }

    fn mark(&mut self) {}

    /// 250 means stored.
    fn wait_until_stored(&mut self, _: usize) -> io::Result<()> {
        Ok(())
    }

    fn restart(&mut self, how: Stop) -> io::Result<Duration> {
        match how {
            Stop::Orderly => {
                self.node.stop();
            }
            Stop::Killed => self.node.kill(),
        }
        self.node.restart();
        Ok(self.node.start_up())
    }
}

/// All load comes from one address, which a node on the open network would slow down.
const LIMITS: &str = "";
