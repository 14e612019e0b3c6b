//! Trace headers: RFC 5321 section 4.4.

use std::fmt;

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

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secured = self.encrypted || self.authenticated;
        f.write_str(match self.dialect {
            // RFC 3848 registers no SMTPS: encryption and login are extensions, so it was ESMTP.
            Dialect::Smtp if !secured => "SMTP",
            Dialect::Smtp | Dialect::Esmtp => "ESMTP",
            Dialect::Utf8Smtp => "UTF8SMTP",
        })?;
        f.write_str(if self.encrypted { "S" } else { "" })?;
        f.write_str(if self.authenticated { "A" } else { "" })
    }
}
