//! Tagged answers, and which answer an error becomes. Every error is named here, so that none gets a wrong condition by default.

use std::borrow::Cow;

use essaim_imap::{Outcome, Reply, ResponseCode};
use essaim_store::{CommitError, ReadError, TxError};
use tracing::error;

use super::sink::Gone;
use super::view::NoSuchMessage;
use crate::mailbox::{AppendError, IndexError, MailboxError, ObjectsError};
use crate::record::RecordError;

/// Why a command ended early.
#[derive(Debug)]
pub(super) enum Stop {
    /// With this answer.
    Answer(Outcome),
    /// Nobody is there to be answered.
    Gone,
}

pub(super) fn ok_coded(code: ResponseCode, text: &'static str) -> Outcome {
    Outcome::Ok(Reply::coded(code, text))
}

pub(super) fn no(code: ResponseCode, text: impl Into<Cow<'static, str>>) -> Outcome {
    Outcome::No(Reply::coded(code, text))
}

pub(super) fn bad(text: &'static str) -> Outcome {
    Outcome::Bad(Reply::coded(ResponseCode::ClientBug, text))
}

/// The store failed; the log has the cause.
fn unavailable(error: &(dyn std::error::Error + 'static)) -> Outcome {
    error!(error, "an IMAP command failed on the store");
    no(ResponseCode::Unavailable, "The server could not do this now; nothing was changed. Try again later")
}

fn store(error: &TxError) -> Outcome {
    match error {
        TxError::Fenced { .. } | TxError::Status { .. } => moving(),
        error => unavailable(error),
    }
}

/// Nothing is wrong: the account is about to change its host, or has.
fn moving() -> Outcome {
    no(ResponseCode::Unavailable, "Your account is being moved; nothing was changed. Try again in a moment")
}

fn corrupt(error: &RecordError) -> Outcome {
    error!(error = error as &dyn std::error::Error, "an IMAP command met a record that cannot be read");
    no(ResponseCode::Corruption, "The server cannot read what it stored; tell your hoster")
}

impl Stop {
    /// The answer, for a caller that has no client to lose.
    pub(super) fn into_answer(self) -> Outcome {
        match self {
            Self::Answer(outcome) => outcome,
            Self::Gone => no(ResponseCode::Unavailable, "The connection is gone"),
        }
    }
}

impl From<Outcome> for Stop {
    fn from(outcome: Outcome) -> Self {
        Self::Answer(outcome)
    }
}

impl From<Gone> for Stop {
    fn from(Gone: Gone) -> Self {
        Self::Gone
    }
}

impl From<NoSuchMessage> for Stop {
    fn from(_: NoSuchMessage) -> Self {
        bad("There is no message with that sequence number").into()
    }
}

impl From<MailboxError> for Stop {
    fn from(error: MailboxError) -> Self {
        Self::Answer(mailbox(&error))
    }
}

impl From<AppendError> for Stop {
    fn from(error: AppendError) -> Self {
        Self::Answer(append(&error))
    }
}

impl From<IndexError> for Stop {
    fn from(error: IndexError) -> Self {
        Self::Answer(match &error {
            IndexError::Read(error) => unavailable(error),
            IndexError::Mailbox(error) => mailbox(error),
            IndexError::Record(error) => corrupt(error),
        })
    }
}

impl From<ReadError> for Stop {
    fn from(error: ReadError) -> Self {
        Self::Answer(unavailable(&error))
    }
}

impl From<TxError> for Stop {
    fn from(error: TxError) -> Self {
        Self::Answer(store(&error))
    }
}

impl From<RecordError> for Stop {
    fn from(error: RecordError) -> Self {
        Self::Answer(corrupt(&error))
    }
}

impl From<CommitError<MailboxError>> for Stop {
    fn from(error: CommitError<MailboxError>) -> Self {
        Self::Answer(commit(error, mailbox))
    }
}

impl From<CommitError<AppendError>> for Stop {
    fn from(error: CommitError<AppendError>) -> Self {
        Self::Answer(commit(error, append))
    }
}

fn commit<E: std::error::Error + 'static>(
    error: CommitError<E>,
    refused: impl FnOnce(&E) -> Outcome,
) -> Outcome {
    match error {
        CommitError::Refused(error) => refused(&error),
        CommitError::OverQuota { .. } => no(ResponseCode::OverQuota, "That is more than your quota allows"),
        CommitError::TooLarge { .. } => {
            no(ResponseCode::Limit, "That is more than the server does at once: do it in parts")
        }
        CommitError::Unavailable { .. } => moving(),
        CommitError::NoSpace | CommitError::Failed(_) | CommitError::Closed => unavailable(&error),
    }
}

fn append(error: &AppendError) -> Outcome {
    match error {
        AppendError::NoUidLeft => no_uid_left(),
        AppendError::Mailbox(error) => mailbox(error),
        AppendError::Store(error) => store(error),
    }
}

fn mailbox(error: &MailboxError) -> Outcome {
    match error {
        MailboxError::NotFound => no(ResponseCode::NonExistent, "There is no mailbox of that name"),
        MailboxError::Exists => no(ResponseCode::AlreadyExists, "There is already a mailbox of that name"),
        MailboxError::Inbox => no(ResponseCode::Cannot, "INBOX is always there"),
        MailboxError::HasChildren => no(ResponseCode::HasChildren, "Delete the mailboxes below it first"),
        MailboxError::BelowItself => no(ResponseCode::Cannot, "A mailbox cannot be moved below itself"),
        MailboxError::TooMany { .. } => {
            no(ResponseCode::Limit, "You have as many mailboxes as the server allows")
        }
        MailboxError::NoUidLeft => no_uid_left(),
        MailboxError::SpecialUseTaken => {
            // RFC 6154 section 3: USEATTR is the code; it is not in the list of RFC 9051.
            no(ResponseCode::Cannot, "Another mailbox already has that special use")
        }
        MailboxError::Keywords(error) => no(ResponseCode::Limit, error.to_string()),
        MailboxError::Name(error) => no(ResponseCode::Cannot, error.to_string()),
        MailboxError::Record(error) => corrupt(error),
        MailboxError::Store(ObjectsError::Tx(error)) => store(error),
        MailboxError::Store(error) => unavailable(error),
    }
}

fn no_uid_left() -> Outcome {
    no(ResponseCode::Limit, "The mailbox has used all of its UIDs: make a new one")
}
