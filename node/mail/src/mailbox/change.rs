//! Messages change, are copied and go. RFC 9051 sections 6.4.3, 6.4.6, 6.4.7.

use essaim_store::Tx;
use essaim_types::{AccountId, Lsn, MailboxId, ModSeq, ObjectKind, Uid};
use roaring::RoaringBitmap;

use super::append::{AppendError, Appended, Coming, insert};
use super::block::{FlagChange, Some64};
use super::flags::{self, FlagReader};
use super::rules::{MailboxError, by_id, put};
use crate::record::{self, Message};

/// A message that was copied, and where to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// The UID that it has where it came from.
    pub from: Uid,
    /// The copy.
    pub to: Appended,
}

/// What a change of flags did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changed {
    /// Messages that have other flags now.
    pub changed: RoaringBitmap,
    /// Those that were left alone because they had changed since.
    pub refused: RoaringBitmap,
    /// The LSN of the commit, if it changed anything.
    pub lsn: Option<Lsn>,
}

/// Changes the flags of messages, but of none that changed after `unchanged_since` (RFC 7162 section 3.1.3). Setting what is set already is
/// no change and takes no LSN.
pub fn change_flags(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: MailboxId,
    among: &[Some64],
    change: &FlagChange,
    unchanged_since: Option<ModSeq>,
) -> Result<Changed, MailboxError> {
    let mut done = Changed::default();
    let lsn = tx.lsn(account)?;
    for some in among {
        let (changed, refused) = flags::update(tx, account, mailbox, some.block, |block| {
            let refused = unchanged_since.map_or(0, |since| block.changed_after(since) & some.mask);
            Ok::<_, MailboxError>((block.change(some.mask & !refused, change, lsn.into())?, refused))
        })?;
        done.changed.extend(Some64 { mask: changed, ..*some }.uids().map(Uid::value));
        done.refused.extend(Some64 { mask: refused, ..*some }.uids().map(Uid::value));
    }
    done.lsn = (!done.changed.is_empty()).then_some(lsn);
    Ok(done)
}

/// Copies messages with their flags and dates, those that are there. The bytes are shared.
pub fn copy(
    tx: &mut Tx<'_>,
    account: AccountId,
    from: MailboxId,
    uids: impl IntoIterator<Item = Uid>,
    to: MailboxId,
) -> Result<Vec<Copied>, AppendError> {
    let mut reader = FlagReader::new(tx, account, from);
    let found = uids.into_iter().map(|uid| Ok((uid, reader.message(uid)?)));
    let found = found.collect::<Result<Vec<_>, MailboxError>>()?;
    let mut copied = Vec::new();
    for (uid, flags) in found.into_iter().filter_map(|(uid, found)| Some((uid, found?.0))) {
        let key = record::message_key(from, uid);
        let Some(object) = tx.get(account, ObjectKind::MESSAGE, &key)? else { continue };
        let mut message = Message::decode(&object.value).map_err(MailboxError::from)?;
        message.saved = tx.now();
        let summary = tx.derived(account, ObjectKind::MESSAGE, &key)?.map(|bytes| bytes.to_vec());
        let to = insert(tx, account, to, Coming { message, blobs: object.blobs, flags, summary })?;
        copied.push(Copied { from: uid, to });
    }
    Ok(copied)
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
    for some in Some64::group(removed.iter().copied()) {
        flags::update(tx, account, mailbox, some.block, |block| {
            Ok::<_, MailboxError>(block.remove(some.mask))
        })?;
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
