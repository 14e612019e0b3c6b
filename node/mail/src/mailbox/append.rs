//! A message comes into a mailbox.

use essaim_store::{ContentRef, Tx, TxError};
use essaim_types::{AccountId, BlobId, MailboxId, ObjectKind, Timestamp, Uid, UidValidity};

use super::block::{Flags, Some64};
use super::flags;
use super::rules::{MailboxError, by_id, put};
use crate::record::{self, Message};

/// A message on its way into a mailbox; its bytes are blobs already.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The bytes.
    pub content: ContentRef,
    /// The flags that it begins with.
    pub flags: Flags,
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
        internal_date: arrival.internal_date.unwrap_or(now),
        saved: now,
        size: essaim_types::ByteSize(arrival.content.size),
    };
    let Arrival { content, flags, summary, .. } = arrival;
    insert(tx, account, mailbox, Coming { message, blobs: content.blobs, flags, summary: Some(summary) })
}

/// A message that is to get a UID.
pub(super) struct Coming {
    pub(super) message: Message,
    pub(super) blobs: Vec<BlobId>,
    pub(super) flags: Flags,
    pub(super) summary: Option<Vec<u8>>,
}

/// Gives a message the next UID of a mailbox.
pub(super) fn insert(
    tx: &mut Tx<'_>,
    account: AccountId,
    id: MailboxId,
    coming: Coming,
) -> Result<Appended, AppendError> {
    let Coming { message, blobs, flags, summary } = coming;
    let mut mailbox = by_id(tx, account, id)?.ok_or(MailboxError::NotFound)?;
    let uid = mailbox.uid_next.ok_or(AppendError::NoUidLeft)?;
    mailbox.uid_next = uid.next();
    put(tx, account, id, &mailbox)?;
    let key = record::message_key(id, uid);
    tx.put(account, ObjectKind::MESSAGE, &key, message.encode(blobs))?;
    let at = tx.lsn(account)?.into();
    flags::update(tx, account, id, Some64::one(uid).block, |block| block.insert(uid, &flags, at))?;
    if let Some(summary) = summary {
        tx.put_derived(account, ObjectKind::MESSAGE, &key, summary)?;
    }
    Ok(Appended { mailbox: id, uid_validity: mailbox.uid_validity, uid })
}
