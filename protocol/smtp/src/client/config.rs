//! How one kind of outgoing connection is made, and its bounds.

use std::time::Duration;

use essaim_types::{Domain, Secret};

/// How to speak to a remote host.
#[derive(Clone, Debug)]
pub struct Config {
    /// The name given with EHLO.
    pub hostname: Domain,
    /// How the connection is, or becomes, encrypted.
    pub encryption: Encryption,
    /// For a smart host that wants to know us.
    pub login: Option<Login>,
    /// Every bound, by name.
    pub limits: Limits,
}

/// How the connection is, or becomes, encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// In clear, whatever the host offers: a relay on loopback, or the second try after a handshake that failed.
    Never,
    /// Encrypted if the host offers it (RFC 7435): mail to an MX of which nothing is known.
    Opportunistic,
    /// Encrypted, or the mail waits: DANE, MTA-STS, a smart host with a password.
    Required,
    /// Encrypted before the greeting (RFC 8314).
    Implicit,
}

/// Name and password at a smart host.
#[derive(Clone, Debug)]
pub struct Login {
    /// The name.
    pub user: String,
    /// The password. It is sent in clear only where [`Encryption::Never`] was chosen.
    pub password: Secret,
}

/// Every bound of one conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of one line of a reply (RFC 5321 section 4.5.3.1.5: 512; hosts exceed it).
    pub reply_line: usize,
    /// Lines of one reply.
    pub reply_lines: usize,
    /// Commands sent ahead of their replies where PIPELINING is offered. Small enough that the replies fit in the
    /// peer's send buffer (RFC 2920 section 3.1).
    pub pipelined_commands: usize,
    /// How long each step may take; twice as long at most.
    pub timeouts: Timeouts,
}

/// RFC 5321 section 4.5.3.2: how long the other side may take, at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// From the connection to the greeting: 5 minutes.
    pub greeting: Duration,
    /// EHLO, STARTTLS, AUTH, MAIL, RCPT, RSET, QUIT: 5 minutes.
    pub command: Duration,
    /// From DATA to 354: 2 minutes.
    pub data: Duration,
    /// For each piece of the message to be written: 3 minutes.
    pub body: Duration,
    /// From the final dot to its reply: 10 minutes.
    pub end: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { reply_line: 2048, reply_lines: 128, pipelined_commands: 50, timeouts: Timeouts::default() }
    }
}

impl Default for Timeouts {
    fn default() -> Self {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        Self {
            greeting: minutes(5),
            command: minutes(5),
            data: minutes(2),
            body: minutes(3),
            end: minutes(10),
        }
    }
}
