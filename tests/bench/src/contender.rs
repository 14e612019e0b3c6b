//! The two sides of the comparison, seen alike.

mod debian;
mod essaim;

pub(crate) use debian::Debian;
pub(crate) use essaim::Essaim;

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use essaim_harness::{Account, Imap};

/// A mail server under measurement.
pub(crate) trait Contender: Sync {
    /// As the table calls it.
    fn side(&self) -> Side;
    /// What it is and how it was set up, for the report.
    fn describe(&self) -> String;
    /// Where it takes mail for its members.
    fn smtp(&self) -> SocketAddr;
    /// Where it serves IMAP in clear.
    fn imap(&self) -> SocketAddr;
    /// Its processes; children count too.
    fn processes(&self) -> Vec<u32>;
    /// Notes how much has been stored so far, before messages are sent by SMTP.
    fn mark(&mut self);
    /// Returns once `count` messages accepted since the mark are in their mailboxes.
    fn wait_until_stored(&mut self, count: usize) -> io::Result<()>;
    /// Ends and starts it, orderly or by `kill -9`; how long until it serves.
    fn restart(&mut self, how: Stop) -> io::Result<Duration>;

    /// An IMAP session of this member.
    fn session(&self, account: &Account) -> io::Result<Imap> {
        let mut imap = Imap::connect(self.imap())?;
        imap.login(&account.address, &account.password)?;
        Ok(imap)
    }
}

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Essaim,
    Debian,
}

/// How a server is ended before a measured start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    Orderly,
    Killed,
}
