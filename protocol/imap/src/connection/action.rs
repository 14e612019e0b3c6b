//! What the conversation asks of its caller, and what the caller answers.

use std::borrow::Cow;

use bytes::Bytes;
use essaim_types::Secret;

use crate::command::{Access, AppendMessage};
use crate::{AccountCommand, MailboxCommand, MailboxName, Reply, Tag};

/// What the caller does next, in this order.
#[derive(Clone, Debug)]
pub enum Action {
    /// Send these bytes.
    Send(Bytes),
    /// Encrypt the connection. What the client sent ahead was dropped.
    StartTls,
    /// Check a name and a password; then [`answer_login`](super::Connection::answer_login).
    Authenticate {
        /// The tag, for the log.
        tag: Tag,
        /// The name as given.
        user: String,
        /// The password.
        password: Secret,
    },
    /// Run it: send the untagged responses, then [`answer_done`](super::Connection::answer_done).
    RunAccount {
        /// ESEARCH and the log want it; the tagged answer is sent by the conversation.
        tag: Tag,
        /// What to run.
        command: AccountCommand,
        /// Did this command make the client CONDSTORE-aware?
        condstore: Awareness,
    },
    /// Run it on the selected mailbox; otherwise like `RunAccount`.
    RunMailbox {
        /// As above.
        tag: Tag,
        /// What to run.
        command: MailboxCommand,
        /// As above.
        condstore: Awareness,
    },
    /// One or more messages are to be added to this mailbox, all or none. Answer with
    /// [`answer_append`](super::Connection::answer_append).
    AppendBegin {
        /// The tag, for the log.
        tag: Tag,
        /// Where to.
        mailbox: MailboxName,
    },
    /// The next message. Answer with [`answer_append`](super::Connection::answer_append) before any byte of it is read.
    AppendMessage(AppendMessage),
    /// The next bytes of the message. A failure is reported by the commit.
    AppendPiece(Bytes),
    /// That was all of the message: as many bytes as announced.
    AppendMessageEnd,
    /// Make all messages durable; then [`answer_done`](super::Connection::answer_done), with APPENDUID.
    AppendCommit,
    /// Forget all messages. No answer.
    AppendAbort,
    /// From now on send untagged responses whenever there is news, until `IdleDone`.
    Idle {
        /// The tag, for the log.
        tag: Tag,
    },
    /// Send what news is left, then [`answer_done`](super::Connection::answer_done).
    IdleDone,
    /// Send what is left, then close.
    Close,
}

/// RFC 7162 section 3.1: from the first command that names mod-sequences on, FETCH responses carry MODSEQ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Awareness {
    /// Nothing new.
    Unchanged,
    /// The client became aware with this command. If a mailbox is selected (and this is not a SELECT), tell its
    /// HIGHESTMODSEQ before anything else.
    New,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done.
    Ok(Reply),
    /// SELECT or EXAMINE was done: the mailbox is open. READ-WRITE or READ-ONLY is told.
    Selected {
        /// For writing? EXAMINE never is.
        access: Access,
        /// For people.
        text: Cow<'static, str>,
    },
    /// It could not be done. After a SELECT no mailbox is selected.
    No(Reply),
    /// It made no sense. After a SELECT no mailbox is selected.
    Bad(Reply),
    /// The connection cannot go on.
    Bye(Reply),
}

impl Outcome {
    /// OK without a code.
    pub fn ok(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Ok(Reply::new(text))
    }

    /// NO without a code.
    pub fn no(text: impl Into<Cow<'static, str>>) -> Self {
        Self::No(Reply::new(text))
    }
}
