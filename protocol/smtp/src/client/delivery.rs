//! What is to be delivered, and what became of it.

use std::fmt;

use essaim_types::{Address, ByteSize};

use super::reply::RemoteReply;
use crate::body::BodyType;
use crate::entry::EntryName;
use crate::reply::EnhancedStatus;

/// One message for recipients of one host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The reverse-path; `None` for a bounce.
    pub sender: Option<Address>,
    /// To whom.
    pub recipients: Vec<Address>,
    /// Its size with CRLF line ends: announced, and compared with the host's limit.
    pub size: ByteSize,
    /// Whether the body has bytes above 127. A host without 8BITMIME does not get such a message (RFC 6152 section 3).
    pub body: BodyType,
    /// The header has UTF-8 (RFC 6532). Addresses that need SMTPUTF8 are noticed without it.
    pub smtputf8: bool,
    /// To a node of another hoster, what is said besides if it knows the words.
    pub hoster: Option<ToHoster>,
}

/// What is said to a node of another hoster, over the federation's channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ToHoster {
    /// XENTRY=: what the message is called here, at each attempt.
    pub entry: EntryName,
    /// XMOVED: to be told, with 551 5.1.6, that a recipient lives at another hoster.
    pub moved: bool,
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Every recipient of the delivery, once, in its order.
    pub recipients: Vec<(Address, Outcome)>,
}

/// What became of the message for one recipient.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The host has taken it over.
    Delivered(RemoteReply),
    /// Try again later, here or at another host of the domain.
    Temporary(Failure),
    /// Do not try this host again.
    Permanent(Failure),
}

/// Where and why a delivery failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// How far the conversation had come.
    pub stage: Stage,
    /// What happened there.
    pub cause: Cause,
}

/// How far a conversation had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Before the greeting. A refusal is about this host, not about the message: other hosts of the domain may take it.
    Greeting,
    /// EHLO or HELO.
    Hello,
    /// STARTTLS and the handshake.
    StartTls,
    /// AUTH.
    Login,
    /// MAIL.
    Sender,
    /// RCPT.
    Recipient,
    /// DATA, and up to the final dot.
    Body,
    /// The final dot was sent: if the reply was lost, the message may have arrived.
    End,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The host said so.
    #[error("{0}")]
    Reply(RemoteReply),
    /// The connection was closed by the other side.
    #[error("the connection was closed")]
    Lost,
    /// RFC 5321 section 4.5.3.2.
    #[error("no answer in time")]
    Timeout,
    /// What the host said is not SMTP.
    #[error("the host broke the protocol: {0}")]
    Protocol(&'static str),
    /// TLS is required and not offered.
    #[error("the host offers no TLS, which is required")]
    NoTls,
    /// The handshake failed. Where TLS is opportunistic, the caller tries again with `Encryption::Never`.
    #[error("the TLS handshake failed")]
    TlsFailed,
    /// The smart host does not take our password this way, or not without TLS.
    #[error("the host offers no AUTH PLAIN over TLS")]
    NoLogin,
    /// The message or an address needs SMTPUTF8 (RFC 6531 section 3.2).
    #[error("the host does not support internationalized mail (SMTPUTF8)")]
    NoSmtpUtf8,
    /// The body needs 8BITMIME (RFC 6152 section 3).
    #[error("the host does not take messages with 8-bit text (8BITMIME)")]
    NoEightBit,
    /// RFC 1870 section 6.2.
    #[error("the message is larger than the host's limit of {0}")]
    TooLarge(ByteSize),
    /// The message could not be read on our side.
    #[error("the message could not be read")]
    NoBody,
}

impl Outcome {
    /// By the class of a reply that is no success.
    pub(super) fn refused(stage: Stage, reply: RemoteReply) -> Self {
        // RFC 5321 section 4.5.3.1.10: 552 after RCPT means too many recipients, to be tried again.
        let too_many = stage == Stage::Recipient && reply.code() == 552;
        let permanent = reply.code() >= 500 && !too_many;
        let failure = Failure { stage, cause: Cause::Reply(reply) };
        if permanent { Self::Permanent(failure) } else { Self::Temporary(failure) }
    }

    /// The status for a report to the sender (RFC 3464 section 2.3.4).
    pub fn status(&self) -> EnhancedStatus {
        match self {
            Self::Delivered(reply) => reply.status(),
            Self::Temporary(failure) => failure.status(4),
            Self::Permanent(failure) => failure.status(5),
        }
    }
}

impl Failure {
    fn status(&self, class: u8) -> EnhancedStatus {
        // RFC 3463: 4.2 bad connection, 5.5 wrong protocol version, 7.x security, 3.4 too big, 6.3 conversion required; 6.7 RFC 6531.
        let (subject, detail) = match &self.cause {
            Cause::Reply(reply) if reply.status().class() == class => return reply.status(),
            Cause::Reply(_) => (0, 0),
            Cause::Lost => (4, 2),
            Cause::Timeout => (4, 1),
            Cause::Protocol(_) => (5, 0),
            Cause::NoTls | Cause::TlsFailed => (7, 10),
            Cause::NoLogin => (7, 0),
            Cause::NoSmtpUtf8 => (6, 7),
            Cause::NoEightBit => (6, 3),
            Cause::TooLarge(_) => (3, 4),
            Cause::NoBody => (3, 0),
        };
        EnhancedStatus::new(class, subject, detail).expect("classes 4 and 5 with small numbers are statuses")
    }

    /// 551 5.1.6 to RCPT: the recipient lives elsewhere (RFC 5321 section 3.4, RFC 3463). Who has not asked for it is not told.
    pub fn is_moved(&self) -> bool {
        let moved = |reply: &RemoteReply| reply.code() == 551 && reply.status().to_string() == "5.1.6";
        self.stage == Stage::Recipient && self.reply().is_some_and(moved)
    }

    /// The other side's own words, if it spoke.
    pub fn reply(&self) -> Option<&RemoteReply> {
        match &self.cause {
            Cause::Reply(reply) => Some(reply),
            _ => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.cause, self.stage)
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Greeting => "while connecting",
            Self::Hello => "in reply to EHLO",
            Self::StartTls => "in reply to STARTTLS",
            Self::Login => "in reply to AUTH",
            Self::Sender => "in reply to MAIL FROM",
            Self::Recipient => "in reply to RCPT TO",
            Self::Body => "in reply to DATA",
            Self::End => "in reply to the end of the message",
        })
    }
}
