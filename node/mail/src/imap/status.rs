//! STATUS: RFC 9051 section 6.3.11.

use essaim_imap::command::{Status, StatusItem};
use essaim_imap::response::{Encoder, StatusValue};
use essaim_imap::{MailboxName, Outcome};
use essaim_types::{MailboxId, Uid};
use roaring::RoaringBitmap;

use super::outcome::Stop;
use super::select::mailbox_id;
use super::session::Session;
use super::sink::Sink;
use crate::mailbox::{self, MailboxError};
use crate::record::SystemFlags;

impl Session {
    pub(super) fn status(&mut self, status: &Status, sink: &mut impl Sink) -> Result<Outcome, Stop> {
        let found = mailbox::by_name(&self.mail.store.read()?, self.account, &status.mailbox)?;
        let (id, _) = found.ok_or(MailboxError::NotFound)?;
        self.tell_status(&status.mailbox, id, &status.items, sink)?;
        Ok(Outcome::ok("Done"))
    }

    pub(super) fn tell_status(
        &mut self,
        name: &MailboxName,
        id: MailboxId,
        items: &[StatusItem],
        sink: &mut impl Sink,
    ) -> Result<(), Stop> {
        let index = self.mail.catalog.current(self.account, id)?.ok_or(MailboxError::NotFound)?;
        let index = index.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let deleted = index.with_flag(SystemFlags::DELETED);
        let bytes = |of: Option<&RoaringBitmap>| crate::blocking(|| self.mail.size_of(self.account, id, of));
        // Only these two are worth reading every message for, so only if they are asked.
        let asked = |item| items.contains(&item);
        let size = if asked(StatusItem::Size) { bytes(None)? } else { 0 };
        let deleted_size = if asked(StatusItem::DeletedStorage) { bytes(Some(deleted))? } else { 0 };
        let count = |messages: u64| u32::try_from(messages).unwrap_or(u32::MAX);
        let values = items.iter().map(|item| match item {
            StatusItem::Messages => StatusValue::Messages(count(index.uids().len())),
            StatusItem::Recent => StatusValue::Recent(0),
            StatusItem::UidNext => {
                StatusValue::UidNext(index.mailbox().uid_next.map_or(u32::MAX, Uid::value))
            }
            StatusItem::UidValidity => StatusValue::UidValidity(index.uid_validity()),
            StatusItem::Unseen => StatusValue::Unseen(count(index.unseen())),
            StatusItem::Deleted => StatusValue::Deleted(count(deleted.len())),
            StatusItem::Size => StatusValue::Size(size),
            StatusItem::DeletedStorage => StatusValue::DeletedStorage(deleted_size),
            StatusItem::HighestModSeq => StatusValue::HighestModSeq(index.highest_mod_seq()),
            StatusItem::AppendLimit => StatusValue::AppendLimit(Some(self.mail.config.max_message_size.0)),
            StatusItem::MailboxId => StatusValue::MailboxId(mailbox_id(id)),
        });
        Encoder::new(sink.buffer(), self.enabled).status(name, values);
        Ok(())
    }
}
