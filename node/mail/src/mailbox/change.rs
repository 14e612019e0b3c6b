//! Messages change, are copied and go. RFC 9051 sections 6.4.3, 6.4.6, 6.4.7.

use essaim_store::{Object, Tx};
use essaim_types::{AccountId, MailboxId, ObjectKind, Uid};

use super::append::{AppendError, Appended, insert};
use super::objects::Objects;
use super::rules::{MailboxError, by_id, put};
use crate::record::{self, Message, RecordError};

/// A message that was copied, and where to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// The UID that it has where it came from.
    pub from: Uid,
    /// The copy.
    pub to: Appended,
}

/// The stored message; `None` if it is gone.
pub fn find_message(
    objects: &impl Objects,
    account: AccountId,
    mailbox: MailboxId,
    uid: Uid,
) -> Result<Option<(Object, Message)>, MailboxError> {
    let object = objects.object(account, ObjectKind::MESSAGE, &record::message_key(mailbox, uid))?;
    Ok(object.map(|object| Message::decode(&object.value).map(|message| (object, message))).transpose()?)
}

/// Writes a message with other flags or keywords. Writing the same again is no change and takes no LSN.
pub fn set_flags(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: MailboxId,
    uid: Uid,
    old: &Object,
    new: &Message,
) -> Result<(), MailboxError> {
    let new = new.encode(old.blobs.clone());
    if new.value != old.value {
        tx.put(account, ObjectKind::MESSAGE, &record::message_key(mailbox, uid), new)?;
    }
    Ok(())
}

/// Copies a message with its flags, keywords and dates; `None` if it is gone. The bytes are shared.
pub fn copy(
    tx: &mut Tx<'_>,
    account: AccountId,
    from: MailboxId,
    uid: Uid,
    to: MailboxId,
) -> Result<Option<Copied>, AppendError> {
    let key = record::message_key(from, uid);
    let Some(object) = tx.get(account, ObjectKind::MESSAGE, &key)? else {
        return Ok(None);
    };
    let mut message = Message::decode(&object.value).map_err(MailboxError::from)?;
    message.saved = tx.now();
    let summary = tx.derived(account, ObjectKind::MESSAGE, &key)?.map(|bytes| bytes.to_vec());
    let to = insert(tx, account, to, &message, object.blobs, summary)?;
    Ok(Some(Copied { from: uid, to }))
}

/// Removes messages; those that were there. The mailbox is written too, so that its MODSEQ tells of the removal.
pub fn expunge(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: MailboxId,
    uids: impl IntoIterator<Item = Uid>,
) -> Result<Vec<Uid>, MailboxError> {
    let mut removed = Vec::new();
    for uid in uids {
        if tx.delete(account, ObjectKind::MESSAGE, &record::message_key(mailbox, uid))? {
            removed.push(uid);
        }
    }
    if !removed.is_empty()
        && let Some(current) = by_id(tx, account, mailbox)?
    {
        put(tx, account, mailbox, &current)?;
    }
    Ok(removed)
}

impl From<AppendError> for MailboxError {
    fn from(error: AppendError) -> Self {
        match error {
            AppendError::Mailbox(error) => error,
            AppendError::Store(error) => error.into(),
            AppendError::NoUidLeft => Self::NoUidLeft,
        }
    }
}

impl From<RecordError> for AppendError {
    fn from(error: RecordError) -> Self {
        Self::Mailbox(error.into())
    }
}
