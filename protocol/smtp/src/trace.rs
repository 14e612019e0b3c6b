//! Trace headers: RFC 5321 section 4.4.

/// How a message came in: the `with` keyword of RFC 3848 and RFC 6531 section 4.3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protocol {
    /// HELO or EHLO.
    pub dialect: Dialect,
    /// The connection was encrypted.
    pub encrypted: bool,
    /// The peer had logged in.
    pub authenticated: bool,
}

/// What the peer spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dialect {
    /// HELO.
    Smtp,
    /// EHLO.
    Esmtp,
    /// EHLO, and SMTPUTF8 with this message.
    Utf8Smtp,
}
