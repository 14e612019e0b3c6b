//! SELECT, EXAMINE, CLOSE: RFC 9051 sections 6.3.2, 6.3.3, 6.4.1; resynchronization by RFC 7162 section 3.2.5.

use essaim_imap::command::{Access, Qresync, Resync, Select};
use essaim_imap::response::{ChildInfo, Encoder, ListEntry, PermanentFlag};
use essaim_imap::{Condition, Extension, Flag, ObjectId, Outcome, Reply, ResponseCode};
use essaim_types::{MailboxId, ModSeq, Uid};
use roaring::RoaringBitmap;

use super::outcome::Stop;
use super::session::Session;
use super::sink::Sink;
use super::view::View;
use crate::mailbox::{self, MailboxError};
use crate::record::SystemFlags;

impl Session {
    pub(super) async fn select(&mut self, select: Select, sink: &mut impl Sink) -> Result<Outcome, Stop> {
        // RFC 9051 section 6.3.2: the old mailbox is closed even if the new one cannot be opened.
        if self.view.take().is_some() {
            let closed = Reply::coded(ResponseCode::Closed, "The previous mailbox is closed");
            Encoder::new(sink.buffer(), self.enabled).remark(Condition::Ok, &closed);
        }
        let (id, _) = mailbox::by_name(&self.mail.store.read()?, self.account, &select.mailbox)?
            .ok_or(MailboxError::NotFound)?;
        let index = self.mail.catalog.current(self.account, id)?.ok_or(MailboxError::NotFound)?;
        let view = View::new(self.account, select.mailbox, id, select.access, index);
        self.describe(&view, sink);
        let resync = match select.resync {
            Resync::Qresync(resync) if resync.uid_validity == view.index().uid_validity() => Some(resync),
            Resync::Qresync(_) | Resync::Condstore | Resync::Full => None,
        };
        self.view = Some(view);
        if let Some(resync) = resync {
            self.resynchronize(&resync, sink).await?;
        }
        Ok(Outcome::Selected { access: select.access, text: "Selected".into() })
    }

    pub(super) async fn close(&mut self) -> Result<Outcome, Stop> {
        if self.view()?.access == Access::ReadWrite {
            self.remove_deleted(None).await?;
        }
        self.view = None;
        Ok(Outcome::ok("Closed"))
    }

    fn describe(&self, view: &View, sink: &mut impl Sink) {
        let index = view.index();
        let rev2 = self.enabled.contains(Extension::Imap4rev2);
        let mut encoder = Encoder::new(sink.buffer(), self.enabled);
        let known: Vec<&Flag> = Flag::SYSTEM.iter().chain(index.keywords()).collect();
        encoder.flags(known.iter().copied());
        encoder.exists(u32::try_from(view.exists()).unwrap_or(u32::MAX));
        if !rev2 {
            encoder.recent(0);
        }
        let mut remark = |code, text: &'static str| encoder.remark(Condition::Ok, &Reply::coded(code, text));
        let permanent = match view.access {
            Access::ReadOnly => Vec::new(),
            Access::ReadWrite => {
                let flags = known.into_iter().cloned().map(PermanentFlag::Flag);
                flags.chain([PermanentFlag::NewKeywords]).collect()
            }
        };
        remark(ResponseCode::PermanentFlags(permanent), "These are kept");
        if !rev2
            && let Some(unseen) = first_unseen(view, &(index.uids() - index.with_flag(SystemFlags::SEEN)))
        {
            remark(ResponseCode::Unseen(unseen), "The first unseen message");
        }
        remark(ResponseCode::UidValidity(index.uid_validity()), "UIDs are valid");
        remark(ResponseCode::UidNext(index.mailbox().uid_next.map_or(u32::MAX, Uid::value)), "The next UID");
        remark(ResponseCode::HighestModSeq(index.highest_mod_seq()), "The last change");
        remark(ResponseCode::MailboxId(mailbox_id(view.id)), "The id of the mailbox");
        if rev2 {
            let entry = ListEntry {
                attributes: &[],
                mailbox: &view.name,
                old_name: None,
                child_info: ChildInfo::Omit,
            };
            encoder.list(&entry);
        }
    }

    /// RFC 7162 section 3.2.5.1: what went and what changed since the client last looked.
    async fn resynchronize(&mut self, resync: &Qresync, sink: &mut impl Sink) -> Result<(), Stop> {
        let known = resync.known_uids.as_ref().map(|set| {
            let mut uids = RoaringBitmap::new();
            set.resolve(None).into_iter().for_each(|range| {
                uids.insert_range(range);
            });
            uids
        });
        let vanished = self.vanished_since(resync.mod_seq, known.as_ref())?;
        if !vanished.is_empty() {
            let uids = vanished.iter().filter_map(Uid::new);
            Encoder::new(sink.buffer(), self.enabled).vanished_earlier(uids);
        }
        let mut changed = self.changed_since(resync.mod_seq, &self.view()?.present())?;
        if let Some(known) = known {
            changed &= known;
        }
        Ok(self.tell_flags(changed.iter().filter_map(Uid::new).collect(), sink).await?)
    }

    /// The UIDs that were removed after `mod_seq`; perhaps some more that were never there or removed before (RFC 7162 section 3.2.6 allows it).
    pub(super) fn vanished_since(
        &self,
        mod_seq: ModSeq,
        among: Option<&RoaringBitmap>,
    ) -> Result<RoaringBitmap, Stop> {
        let view = self.view()?;
        let present = view.index().uids().clone();
        let mut vanished = match self.mail.removed_since(self.account, view.id, mod_seq)? {
            Some(removed) => removed,
            None => {
                let mut all = RoaringBitmap::new();
                let next = view.index().mailbox().uid_next.map_or(u32::MAX, Uid::value);
                all.insert_range(1..next);
                all
            }
        };
        vanished -= present;
        if let Some(among) = among {
            vanished &= among;
        }
        Ok(vanished)
    }

    /// Which of `among` changed after `mod_seq`.
    pub(super) fn changed_since(
        &self,
        mod_seq: ModSeq,
        among: &RoaringBitmap,
    ) -> Result<RoaringBitmap, Stop> {
        Ok(self.mail.changed_since(self.account, self.view()?.id, mod_seq, among)?)
    }
}

/// RFC 8474: the id of a mailbox as clients see it.
pub(super) fn mailbox_id(id: MailboxId) -> ObjectId {
    ObjectId::try_from(format!("m{id}").as_str()).expect("a letter and digits are an object id")
}

fn first_unseen(view: &View, unseen: &RoaringBitmap) -> Option<u32> {
    view.sequence(Uid::new(unseen.min()?)?)
}
