//! What a conversation asks of its caller, and what the caller may answer.

use std::fmt;

use bytes::Bytes;
use essaim_types::{Address, ByteSize, Secret};

use crate::body::BodyType;
use crate::entry::EntryName;
use crate::trace::Protocol;

/// What the caller does next, in this order. The questions (`Check..`, `Authenticate`, `Commit`) hold the conversation until
/// the `answer_..` of the same name.
pub enum Action {
    /// Write these bytes to the peer.
    Send(Bytes),
    /// Begin the TLS handshake. Everything received in clear after the command was dropped; if the handshake fails, close.
    StartTls,
    /// May this sender send here? `None` is the null reverse-path of a bounce. Answer: [`SenderVerdict`].
    CheckSender(Option<Address>, MailOptions),
    /// May this recipient get mail from this sender? Answer: [`RecipientVerdict`].
    CheckRecipient(Address),
    /// Is this the member's password? Answer: [`LoginVerdict`].
    Authenticate(Login),
    /// A message begins: open a spool and write the trace header. A failure is reported by the answer to `Commit`.
    Begin(Envelope),
    /// The next piece of the message: a message is never held whole in memory.
    Spool(Bytes),
    /// The message is complete. Make it durable; only then is 250 sent. Answer: a [`QueueId`](crate::QueueId) or a [`Refusal`].
    Commit(Envelope),
    /// The message that was begun will not be completed: discard the spool.
    Abort,
    /// Close the connection; nothing follows.
    Close,
}

/// Neither messages nor passwords.
impl fmt::Debug for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(bytes) => write!(f, "Send({} bytes)", bytes.len()),
            Self::StartTls => f.write_str("StartTls"),
            Self::CheckSender(sender, options) => {
                f.debug_tuple("CheckSender").field(sender).field(options).finish()
            }
            Self::CheckRecipient(recipient) => f.debug_tuple("CheckRecipient").field(recipient).finish(),
            Self::Authenticate(login) => f.debug_tuple("Authenticate").field(login).finish(),
            Self::Begin(envelope) => f.debug_tuple("Begin").field(envelope).finish(),
            Self::Spool(piece) => write!(f, "Spool({} bytes)", piece.len()),
            Self::Commit(envelope) => f.debug_tuple("Commit").field(envelope).finish(),
            Self::Abort => f.write_str("Abort"),
            Self::Close => f.write_str("Close"),
        }
    }
}

/// Who sends what to whom, and how it came in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The reverse-path; `None` is the null reverse-path, to which no bounce is ever sent.
    pub sender: Option<Address>,
    /// The accepted recipients, at least one, in the order they were given.
    pub recipients: Vec<Address>,
    /// The parameters of MAIL.
    pub options: MailOptions,
    /// The name that the peer gave with HELO or EHLO. Unverified, printable.
    pub hello: String,
    /// The keyword for the trace header.
    pub protocol: Protocol,
    /// Who has logged in, as answered by the caller.
    pub login: Option<String>,
}

/// The parameters of MAIL.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MailOptions {
    /// SIZE=: what the peer thinks the message weighs (RFC 1870).
    pub size: Option<ByteSize>,
    /// BODY= (RFC 6152). Eight-bit bodies are accepted whatever it says.
    pub body: BodyType,
    /// SMTPUTF8 (RFC 6531): addresses and header may be UTF-8.
    pub smtputf8: bool,
    /// XENTRY=: what the hoster that sends it calls it. Only of [`Role::Hosters`](super::Role::Hosters).
    pub entry: Option<EntryName>,
    /// XMOVED: [`RecipientVerdict::Moved`] is understood. Only of [`Role::Hosters`](super::Role::Hosters).
    pub moved: bool,
}

/// A name and a password, to be checked.
#[derive(Clone, Debug)]
pub struct Login {
    /// How they came.
    pub mechanism: Mechanism,
    /// The name as typed: usually an address.
    pub user: String,
    /// The password or app password.
    pub password: Secret,
}

/// A SASL mechanism.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mechanism {
    /// RFC 4616.
    Plain,
    /// draft-murchison-sasl-login: what old Outlooks speak.
    Login,
}

/// The answer to [`Action::CheckSender`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SenderVerdict {
    /// 250 2.1.0
    Accept,
    /// The address does not belong to who has logged in: 553 5.7.1
    NotYours,
    /// The hoster whose node sends this has not proven the sender's domain: 550 5.7.1
    NotProven,
    /// The sender's domain cannot receive a bounce: 550 5.1.8
    NoSuchDomain,
    /// Local policy: 550 5.7.1
    Refuse,
    /// Too much mail from this sender or its network. RFC 5321 section 4.3.2 knows 451 as the temporary answer to MAIL: 451 4.7.1
    SlowDown,
    /// We could not find out: 451 4.3.0
    TryLater,
}

/// The answer to [`Action::CheckRecipient`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RecipientVerdict {
    /// 250 2.1.5
    Accept,
    /// 550 5.1.1
    NoSuchMailbox,
    /// 550 5.1.2
    NoSuchDomain,
    /// It lives at another hoster now, which the peer can find out: 551 5.1.6. Only where [`MailOptions::moved`] is set.
    Moved,
    /// Mail for it would go back to where it comes from: 450 4.4.6
    Loop,
    /// The account is closed or suspended: 550 5.2.1
    Disabled,
    /// 452 4.2.2: the sender keeps trying, the member has time to tidy up.
    OverQuota,
    /// Not a domain of ours, and the peer may not relay: 550 5.7.1
    RelayDenied,
    /// Local policy: 550 5.7.1
    Refuse,
    /// Too much mail for this recipient: 450 4.2.1
    SlowDown,
    /// We could not find out: 451 4.3.0
    TryLater,
}

/// The answer to [`Action::Authenticate`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoginVerdict {
    /// 235 2.7.0. The text is carried in [`Envelope::login`].
    Accept {
        /// Who it is.
        login: String,
    },
    /// Wrong name or password: 535 5.7.8
    Refuse,
    /// Right or wrong, too many tries: 454 4.7.0
    SlowDown,
    /// We could not find out: 454 4.7.0
    TryLater,
}

/// Why a complete message is not taken: the answer to [`Action::Commit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// 451 4.3.0
    TryLater,
    /// The disk is full: 452 4.3.1
    NoSpace,
    /// A member went over quota after RCPT: 452 4.2.2
    OverQuota,
    /// Too much mail from this sender: 450 4.7.1
    SlowDown,
    /// 552 5.3.4
    TooLarge,
    /// The message has been through here too often: 554 5.4.6
    Loop,
    /// The header section cannot be read, or lacks what it must have: 554 5.6.0
    Malformed,
    /// The From field names an address that does not belong to who has logged in: 550 5.7.1
    FromNotYours,
    /// Local policy: 550 5.7.1
    Refuse,
}
