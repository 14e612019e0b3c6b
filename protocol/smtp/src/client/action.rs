//! What an outgoing conversation asks of its caller.

use std::fmt;

use bytes::Bytes;

use super::delivery::Report;

/// What the caller does next, in this order.
pub enum Action {
    /// Write these bytes to the host. The next action is asked for after they are written.
    Send(Bytes),
    /// Begin the TLS handshake; if it fails, call [`Connection::tls_failed`](super::Connection::tls_failed).
    StartTls,
    /// Read the next piece of the message and give it to [`Connection::body`](super::Connection::body), or say that there is none or that it failed.
    WantBody,
    /// What became of the delivery. Unless `Close` follows, another one may be given, or [`Connection::quit`](super::Connection::quit) called.
    Report(Report),
    /// Close the connection; nothing follows.
    Close,
}

/// Neither messages nor passwords.
impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(bytes) => write!(f, "Send({} bytes)", bytes.len()),
            Self::StartTls => f.write_str("StartTls"),
            Self::WantBody => f.write_str("WantBody"),
            Self::Report(report) => f.debug_tuple("Report").field(report).finish(),
            Self::Close => f.write_str("Close"),
        }
    }
}
