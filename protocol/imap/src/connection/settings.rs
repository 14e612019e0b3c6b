//! What a conversation is allowed, and what it says about the server.

use std::time::Duration;

use essaim_types::ByteSize;

/// How the server presents itself on one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Bounds.
    pub limits: Limits,
    /// Encryption at the start of the connection.
    pub transport: Transport,
    /// What ID answers: field and value, such as `("name", "Essaim")`.
    pub id: Vec<(&'static str, &'static str)>,
}

/// Is the connection encrypted, and what follows from it?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Encrypted.
    Tls,
    /// Clear; STARTTLS is offered, and no login before it.
    StartTlsRequired,
    /// Clear; STARTTLS is offered, and login is possible without it. For loopback only.
    StartTlsOffered,
    /// Clear for good, with login. For loopback only.
    Clear,
}

/// Bounds on what a client can ask for. Before login they are tighter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Longest command before login, literals included.
    pub command_before_login: usize,
    /// Longest command after login, literals included (but not the messages of APPEND): sets of UIDs can be long.
    pub command: usize,
    /// Longest literal before login.
    pub literal_before_login: usize,
    /// Longest literal after login, but for the messages of APPEND.
    pub literal: usize,
    /// The largest message; announced as APPENDLIMIT.
    pub message: ByteSize,
    /// The most bytes of literals that are read and thrown away to stay in step with a client whose command was refused.
    /// Before login it is `command_before_login`.
    pub drain: ByteSize,
    /// Commands answered BAD in a row, after which the connection is closed.
    pub errors: u32,
    /// Failed logins, after which the connection is closed.
    pub logins: u32,
    /// From connecting to login.
    pub login_timeout: Duration,
    /// Silence between commands once logged in. RFC 9051 section 5.4: not below 30 minutes.
    pub idle_timeout: Duration,
    /// Silence in the middle of a command.
    pub stall_timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            command_before_login: 8 << 10,
            command: 1 << 20,
            literal_before_login: 1 << 10,
            literal: 64 << 10,
            message: ByteSize::mib(50),
            drain: ByteSize::mib(100),
            errors: 20,
            logins: 5,
            login_timeout: Duration::from_secs(60),
            idle_timeout: Duration::from_secs(30 * 60),
            stall_timeout: Duration::from_secs(5 * 60),
        }
    }
}
