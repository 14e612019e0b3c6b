//! Every reply of the server. What the peer reads is here and nowhere else.

use std::borrow::Cow;

use essaim_types::Domain;

use super::{LoginVerdict, RecipientVerdict, Refusal, SenderVerdict};
use crate::body::Fault;
use crate::command::ParseCommandError;
use crate::queue_id::QueueId;
use crate::reply::Reply;

pub(super) fn greeting(hostname: &Domain) -> Reply {
    Reply::bare(220, Cow::Owned(format!("{hostname} ESMTP Essaim")))
}

/// RFC 5321 section 3.8: the 421 of a host that will speak later begins with its name.
pub(super) fn too_busy(hostname: &Domain) -> Reply {
    Reply::bare(421, Cow::Owned(format!("{hostname} has too many connections, please try again later")))
}

/// RFC 5321 section 3.1: 554 instead of a greeting.
pub(super) fn unwelcome(hostname: &Domain, why: &str) -> Reply {
    Reply::bare(554, Cow::Owned(format!("{hostname} takes no mail from this node here: {why}")))
}

pub(super) fn helo(hostname: &Domain) -> Reply {
    Reply::bare(250, Cow::Owned(hostname.to_string()))
}

pub(super) fn sender(verdict: SenderVerdict) -> Reply {
    match verdict {
        SenderVerdict::Accept => Reply::new(250, "2.1.0", "Sender accepted"),
        SenderVerdict::NotYours => {
            Reply::new(553, "5.7.1", "This sender address does not belong to your account")
        }
        SenderVerdict::NotProven => {
            Reply::new(550, "5.7.1", "The hoster of this node has not proven the sender's domain here")
        }
        SenderVerdict::NoSuchDomain => {
            Reply::new(550, "5.1.8", "The sender's domain does not exist or takes no mail")
        }
        SenderVerdict::Refuse => Reply::new(550, "5.7.1", "Mail from this sender is not accepted here"),
        SenderVerdict::SlowDown => {
            Reply::new(451, "4.7.1", "Too much mail in a short time, please try again later")
        }
        SenderVerdict::TryLater => TRY_LATER,
    }
}

pub(super) fn recipient(verdict: RecipientVerdict) -> Reply {
    match verdict {
        RecipientVerdict::Accept => Reply::new(250, "2.1.5", "Recipient accepted"),
        RecipientVerdict::NoSuchMailbox => Reply::new(550, "5.1.1", "No such mailbox here"),
        RecipientVerdict::NoSuchDomain => {
            Reply::new(550, "5.1.2", "The recipient's domain does not exist or takes no mail")
        }
        RecipientVerdict::Moved => Reply::new(551, "5.1.6", "This mailbox has moved to another hoster"),
        RecipientVerdict::Loop => {
            Reply::new(450, "4.4.6", "This mailbox has moved to where the message comes from: mail loop")
        }
        RecipientVerdict::Disabled => Reply::new(550, "5.2.1", "This mailbox is closed"),
        RecipientVerdict::OverQuota => {
            Reply::new(452, "4.2.2", "This mailbox is full, please try again later")
        }
        RecipientVerdict::RelayDenied => {
            Reply::new(550, "5.7.1", "This host does not relay mail for this recipient")
        }
        RecipientVerdict::Refuse => Reply::new(550, "5.7.1", "This recipient does not take this mail"),
        RecipientVerdict::SlowDown => {
            Reply::new(450, "4.2.1", "Too much mail for this recipient, please try again later")
        }
        RecipientVerdict::TryLater => TRY_LATER,
    }
}

/// RFC 4954 section 6.
pub(super) fn login(verdict: &LoginVerdict) -> Reply {
    match verdict {
        LoginVerdict::Accept { .. } => Reply::new(235, "2.7.0", "Welcome"),
        LoginVerdict::Refuse => Reply::new(535, "5.7.8", "Wrong name or password"),
        LoginVerdict::SlowDown => Reply::new(454, "4.7.0", "Too many tries, please wait a few minutes"),
        LoginVerdict::TryLater => {
            Reply::new(454, "4.7.0", "Passwords cannot be checked now, please try again later")
        }
    }
}

pub(super) fn committed(outcome: &Result<QueueId, Refusal>) -> Reply {
    match outcome {
        Ok(id) => Reply::with_text(250, "2.0.0", format!("Message accepted as {id}")),
        Err(Refusal::TryLater) => TRY_LATER,
        Err(Refusal::NoSpace) => Reply::new(452, "4.3.1", "No space left here, please try again later"),
        Err(Refusal::OverQuota) => {
            Reply::new(452, "4.2.2", "A recipient's mailbox is full, please try again later")
        }
        Err(Refusal::SlowDown) => {
            Reply::new(450, "4.7.1", "Too much mail from this sender, please try again later")
        }
        Err(Refusal::TooLarge) => fault(Fault::MessageTooLarge),
        Err(Refusal::Loop) => fault(Fault::TooManyReceived),
        Err(Refusal::Malformed) => Reply::new(554, "5.6.0", "The header of the message cannot be read"),
        Err(Refusal::FromNotYours) => {
            Reply::new(550, "5.7.1", "The From address does not belong to your account")
        }
        Err(Refusal::Refuse) => Reply::new(550, "5.7.1", "This message is not accepted here"),
    }
}

pub(super) fn fault(fault: Fault) -> Reply {
    match fault {
        Fault::BareLineEnd => {
            Reply::new(554, "5.6.0", "Lines of a message end with CRLF: bare CR or LF is not accepted")
        }
        Fault::Nul => Reply::new(554, "5.6.0", "The message contains a NUL byte"),
        Fault::MessageTooLarge => Reply::new(552, "5.3.4", "The message is too large"),
        Fault::HeaderTooLarge => Reply::new(552, "5.3.4", "The header of the message is too large"),
        Fault::TooManyReceived => {
            Reply::new(554, "5.4.6", "The message has been relayed too often: mail loop")
        }
    }
}

pub(super) fn syntax(error: ParseCommandError) -> Reply {
    match error {
        ParseCommandError::Characters => {
            Reply::new(500, "5.5.2", "Commands are UTF-8 without control characters")
        }
        ParseCommandError::Unknown => Reply::new(500, "5.5.1", "Unknown command"),
        ParseCommandError::NotOffered => Reply::new(502, "5.5.1", "This command is not offered here"),
        ParseCommandError::Foreign => Reply::new(421, "4.7.0", "SMTP is spoken here"),
        ParseCommandError::Argument => Reply::new(501, "5.5.4", "The argument is missing or malformed"),
        ParseCommandError::NoArgument => Reply::new(501, "5.5.4", "This command takes no argument"),
        ParseCommandError::SenderSyntax => {
            Reply::new(501, "5.1.7", "Malformed sender address, expected <name@domain>")
        }
        ParseCommandError::RecipientSyntax => {
            Reply::new(501, "5.1.3", "Malformed recipient address, expected <name@domain>")
        }
        ParseCommandError::ParameterValue => Reply::new(501, "5.5.4", "Malformed value of a parameter"),
        ParseCommandError::UnknownParameter => Reply::new(555, "5.5.4", "Unknown parameter"),
        ParseCommandError::ChunkSize => Reply::new(501, "5.5.4", "Malformed chunk size"),
    }
}

pub(super) fn chunk_received(bytes: u64) -> Reply {
    Reply::with_text(250, "2.0.0", format!("{bytes} octets received"))
}

pub(super) const OK: Reply = Reply::new(250, "2.0.0", "OK");
pub(super) const BYE: Reply = Reply::new(221, "2.0.0", "Bye");
pub(super) const HELP: Reply = Reply::new(214, "2.0.0", "RFC 5321 is spoken here");
pub(super) const CANNOT_VERIFY: Reply = Reply::new(252, "2.0.0", "Send some mail, it will be tried");
pub(super) const START_TLS: Reply = Reply::new(220, "2.0.0", "Ready to start TLS");
pub(super) const START_DATA: Reply =
    Reply::bare(354, Cow::Borrowed("Send the message, end with a line of one dot"));
pub(super) const LOGIN_GO_ON: Reply = Reply::bare(334, Cow::Borrowed(""));
pub(super) const LOGIN_ASK_USER: Reply = Reply::bare(334, Cow::Borrowed("VXNlcm5hbWU6"));
pub(super) const LOGIN_ASK_PASSWORD: Reply = Reply::bare(334, Cow::Borrowed("UGFzc3dvcmQ6"));

pub(super) const TRY_LATER: Reply =
    Reply::new(451, "4.3.0", "Temporary trouble here, please try again later");
pub(super) const TIMEOUT: Reply = Reply::new(421, "4.4.2", "Nothing was heard for too long, closing");
pub(super) const SHUTTING_DOWN: Reply =
    Reply::new(421, "4.3.2", "This host is going down, please try again later");
pub(super) const TOO_MUCH_INPUT: Reply =
    Reply::new(421, "4.3.2", "Too much input without waiting for replies");
pub(super) const TOO_MANY_ERRORS: Reply = Reply::new(421, "4.7.0", "Too many errors, closing");
pub(super) const TOO_MANY_COMMANDS: Reply =
    Reply::new(421, "4.7.0", "Too many commands without a message, closing");
pub(super) const TOO_MANY_MESSAGES: Reply =
    Reply::new(421, "4.7.0", "Enough messages for one connection, please reconnect");
pub(super) const TOO_MANY_REFUSED: Reply = Reply::new(421, "4.7.0", "Too many refused recipients, closing");
pub(super) const TOO_MANY_LOGINS: Reply = Reply::new(421, "4.7.0", "Too many wrong passwords, closing");

pub(super) const BARE_LINE_END: Reply =
    Reply::new(500, "5.5.2", "Lines end with CRLF: bare CR or LF is not accepted");
pub(super) const LINE_TOO_LONG: Reply = Reply::new(500, "5.5.2", "The line is too long");
pub(super) const LOGIN_LINE_TOO_LONG: Reply = Reply::new(500, "5.5.6", "The line is too long");
pub(super) const HELLO_FIRST: Reply = Reply::new(503, "5.5.1", "Say EHLO first");
pub(super) const NESTED_MAIL: Reply =
    Reply::new(503, "5.5.1", "MAIL was already given, send RSET to start again");
pub(super) const MAIL_FIRST: Reply = Reply::new(503, "5.5.1", "MAIL first");
pub(super) const RECIPIENT_FIRST: Reply = Reply::new(503, "5.5.1", "No valid recipient yet");
pub(super) const IN_CHUNKS: Reply =
    Reply::new(503, "5.5.1", "The message is being sent with BDAT: go on, or send RSET");
pub(super) const TOO_MANY_RECIPIENTS: Reply =
    Reply::new(452, "4.5.3", "Too many recipients, send the rest in another message");
pub(super) const NEEDS_SMTPUTF8: Reply = Reply::new(553, "5.6.7", "This address needs SMTPUTF8 with MAIL");
pub(super) const MESSAGE_TOO_LARGE: Reply = Reply::new(552, "5.3.4", "The message is too large");
pub(super) const TLS_NOT_OFFERED: Reply = Reply::new(502, "5.5.1", "STARTTLS is not offered here");
pub(super) const TLS_ALREADY: Reply = Reply::new(503, "5.5.1", "The connection is already encrypted");
pub(super) const LOGIN_REQUIRED: Reply = Reply::new(530, "5.7.0", "Log in first");
pub(super) const TLS_REQUIRED: Reply = Reply::new(530, "5.7.0", "Send STARTTLS first");
pub(super) const LOGIN_NOT_OFFERED: Reply = Reply::new(502, "5.5.1", "AUTH is not offered here");
pub(super) const LOGIN_NEEDS_TLS: Reply =
    Reply::new(538, "5.7.11", "Passwords are only taken over TLS: send STARTTLS first");
pub(super) const LOGIN_TWICE: Reply = Reply::new(503, "5.5.1", "Already logged in");
pub(super) const LOGIN_IN_MAIL: Reply = Reply::new(503, "5.5.1", "AUTH is not possible after MAIL");
pub(super) const LOGIN_CANCELLED: Reply = Reply::new(501, "5.7.0", "Cancelled");
pub(super) const LOGIN_MALFORMED: Reply = Reply::new(501, "5.5.2", "Malformed response");
pub(super) const LOGIN_MECHANISM: Reply =
    Reply::new(504, "5.5.4", "Unknown mechanism, PLAIN and LOGIN are offered");
