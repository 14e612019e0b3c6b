//! What one listener offers, and every bound of a conversation.

use std::time::Duration;

use essaim_types::{ByteSize, Domain};

/// How a listener speaks. One value serves all of its connections.
#[derive(Clone, Debug)]
pub struct Config {
    /// The name in the greeting and in trace headers.
    pub hostname: Domain,
    /// Who is expected to connect.
    pub role: Role,
    /// How the connection is, or becomes, encrypted.
    pub encryption: Encryption,
    /// Every bound, by name.
    pub limits: Limits,
}

/// Who is expected to connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Other hosts, with mail for addresses that live here (port 25). AUTH is not offered.
    Receiving,
    /// Nodes of other hosters, over the federation's channel: as [`Receiving`](Self::Receiving), and XENTRY and XMOVED are offered.
    Hosters,
    /// Members, with mail for anybody (ports 587 and 465; RFC 6409). AUTH comes before MAIL.
    Submission {
        /// Whether a password may travel in clear.
        plaintext_login: PlaintextLogin,
    },
}

/// Whether AUTH is offered on a connection that is not encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlaintextLogin {
    /// Only under TLS: RFC 8314. What everybody wants.
    Refuse,
    /// Also in clear: for tests on loopback.
    Allow,
}

/// How the connection is, or becomes, encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// In clear to the end: no certificate is configured.
    Unavailable,
    /// In clear at first; STARTTLS is offered (RFC 3207).
    StartTls,
    /// Encrypted before the greeting (RFC 8314, port 465).
    Implicit,
}

/// Every bound of one conversation. Nothing that a peer sends grows past these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest message taken; announced by SIZE (RFC 1870). Larger: 552 5.3.4.
    pub message_size: ByteSize,
    /// How much of a refused message is read and thrown away to reach its end before the connection is cut instead.
    pub overrun: ByteSize,
    /// The largest header section of a message. Larger: 552 5.3.4.
    pub header_size: ByteSize,
    /// `Received:` fields of a message that is not in a loop (RFC 5321 section 6.3). More: 554 5.4.6.
    pub received_fields: u32,
    /// Recipients of one message (RFC 5321 section 4.5.3.1.8: not below 100). More: 452 4.5.3.
    pub recipients: usize,
    /// Refused recipients of one connection before 421.
    pub refused_recipients: u32,
    /// Messages begun on one connection before 421.
    pub transactions: u32,
    /// Commands that were not understood, out of place or too long, before 421.
    pub errors: u32,
    /// NOOP, RSET, VRFY, HELP, EHLO and the like between two messages before 421.
    pub idle_commands: u32,
    /// Wrong passwords on one connection before 421.
    pub login_failures: u32,
    /// Bytes of a command line with its CRLF. Longer: 500 5.5.2.
    pub command_line: usize,
    /// Bytes of a line with AUTH or its continuation (RFC 4954 section 4: 12288). Longer: 500 5.5.6.
    pub login_line: usize,
    /// Bytes that wait here while the caller answers; above it [`Connection::wants_input`](super::Connection::wants_input) is false.
    pub waiting_input: usize,
    /// Bytes in one [`Action::Spool`](super::Action::Spool), the last one of a message excepted.
    pub piece: usize,
    /// A connection without progress for this long is closed, and for twice this long at most (RFC 5321 section
    /// 4.5.3.2.7: not below 5 minutes). Progress is a complete command, or `progress` bytes of a message.
    pub idle_timeout: Duration,
    /// Bytes of a message that count as progress.
    pub progress: ByteSize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_size: ByteSize::mib(50),
            overrun: ByteSize::mib(10),
            header_size: ByteSize::kib(256),
            received_fields: 100,
            recipients: 1000,
            refused_recipients: 50,
            transactions: 1000,
            errors: 20,
            idle_commands: 100,
            login_failures: 5,
            command_line: 4096,
            login_line: 12_288,
            waiting_input: 64 << 10,
            piece: 64 << 10,
            idle_timeout: Duration::from_secs(300),
            progress: ByteSize::kib(64),
        }
    }
}
