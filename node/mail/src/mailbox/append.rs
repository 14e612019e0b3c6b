//! A message comes into a mailbox.

use essaim_store::{ContentRef, Tx, TxError};
use essaim_types::{AccountId, MailboxId, ObjectKind, Timestamp, Uid, UidValidity};

use super::rules::{MailboxError, by_id, put};
use crate::record::{self, Message, SystemFlags};

/// A message on its way into a mailbox; its bytes are blobs already.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The bytes.
    pub content: ContentRef,
    /// System flags to set.
    pub flags: SystemFlags,
    /// Keywords to set.
    pub keywords: Vec<String>,
    /// RFC 9051 section 2.3.3; the time of the commit if absent.
    pub internal_date: Option<Timestamp>,
    /// What [`crate::message`] computed of the bytes, as it is stored.
    pub summary: Vec<u8>,
}

/// Where it stands now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Appended {
    pub mailbox: MailboxId,
    pub uid_validity: UidValidity,
    pub uid: Uid,
}

/// Why a message did not come into a mailbox. Being over quota is found at the commit.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    #[error("the mailbox has used all of its 4294967295 UIDs: make a new one")]
    NoUidLeft,
    #[error(transparent)]
    Mailbox(#[from] MailboxError),
    #[error(transparent)]
    Store(#[from] TxError),
}

/// Puts a message into a mailbox under its next UID.
pub fn append(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: MailboxId,
    arrival: Arrival,
) -> Result<Appended, AppendError> {
    let now = tx.now();
    let message = Message {
        flags: arrival.flags,
        keywords: arrival.keywords,
        internal_date: arrival.internal_date.unwrap_or(now),
        saved: now,
        size: essaim_types::ByteSize(arrival.content.size),
    };
    insert(tx, account, mailbox, &message, arrival.content.blobs, Some(arrival.summary))
}

/// Gives a message the next UID of a mailbox.
pub(super) fn insert(
    tx: &mut Tx<'_>,
    account: AccountId,
    id: MailboxId,
    message: &Message,
    blobs: Vec<essaim_types::BlobId>,
    summary: Option<Vec<u8>>,
) -> Result<Appended, AppendError> {
    let mut mailbox = by_id(tx, account, id)?.ok_or(MailboxError::NotFound)?;
    let uid = mailbox.uid_next.ok_or(AppendError::NoUidLeft)?;
    mailbox.uid_next = uid.next();
    put(tx, account, id, &mailbox)?;
    let key = record::message_key(id, uid);
    tx.put(account, ObjectKind::MESSAGE, &key, message.encode(blobs))?;
    if let Some(summary) = summary {
        tx.put_derived(account, ObjectKind::MESSAGE, &key, summary)?;
    }
    Ok(Appended { mailbox: id, uid_validity: mailbox.uid_validity, uid })
}
