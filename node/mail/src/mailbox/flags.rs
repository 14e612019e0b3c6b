//! Reading and writing blocks of flags.

use essaim_store::Tx;
use essaim_types::{AccountId, MailboxId, ModSeq, ObjectKind, Uid};

use super::block::{Block, Flags, Some64};
use super::objects::Objects;
use super::rules::MailboxError;

/// Reads flags of messages of one mailbox. Neighbours cost nothing: the last block is kept.
#[derive(Debug)]
pub struct FlagReader<'a, O> {
    objects: &'a O,
    account: AccountId,
    mailbox: MailboxId,
    last: Option<(u32, Option<Block>)>,
}

impl<'a, O: Objects> FlagReader<'a, O> {
    /// Of a mailbox, as a snapshot or a transaction sees it.
    pub fn new(objects: &'a O, account: AccountId, mailbox: MailboxId) -> Self {
        Self { objects, account, mailbox, last: None }
    }

    /// The flags and the MODSEQ of a message; `None` if it is gone.
    pub fn message(&mut self, uid: Uid) -> Result<Option<(Flags, ModSeq)>, MailboxError> {
        let number = Some64::one(uid).block;
        let block = match self.last.take() {
            Some((last, block)) if last == number => block,
            _ => read(self.objects, self.account, self.mailbox, number)?,
        };
        let found = block.as_ref().and_then(|block| block.message(uid));
        self.last = Some((number, block));
        Ok(found)
    }
}

/// Changes a block; one that was not there begins empty, one that ends empty goes. What changes nothing takes no LSN.
pub(super) fn update<T, E>(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: MailboxId,
    number: u32,
    change: impl FnOnce(&mut Block) -> Result<T, E>,
) -> Result<T, MailboxError>
where
    MailboxError: From<E>,
{
    let before = read(tx, account, mailbox, number)?;
    let mut block = before.clone().unwrap_or_default();
    let done = change(&mut block)?;
    let key = Some64 { block: number, mask: 0 }.key(mailbox);
    if block.present() == 0 {
        tx.delete(account, ObjectKind::FLAGS, &key)?;
    } else if before.as_ref() != Some(&block) {
        tx.put(account, ObjectKind::FLAGS, &key, block.encode())?;
    }
    Ok(done)
}

/// A block; `None` if no message of it is there.
pub(super) fn read(
    objects: &impl Objects,
    account: AccountId,
    mailbox: MailboxId,
    number: u32,
) -> Result<Option<Block>, MailboxError> {
    let key = Some64 { block: number, mask: 0 }.key(mailbox);
    let object = objects.object(account, ObjectKind::FLAGS, &key)?;
    Ok(object.map(|object| Block::decode(&object.value)).transpose()?)
}
