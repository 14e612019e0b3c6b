//! STORE: RFC 9051 section 6.4.6, with UNCHANGEDSINCE of RFC 7162 section 3.1.3.

use std::sync::Arc;

use bytes::BytesMut;
use essaim_imap::command::{Echo, Store};
use essaim_imap::response::{Encoder, NumberSet};
use essaim_imap::{Flag, Numbering, Outcome, ResponseCode};
use essaim_types::{ModSeq, Uid};
use roaring::RoaringBitmap;

use super::outcome::{Stop, ok_coded};
use super::session::Session;
use super::sink::{Gone, Sink};
use crate::mailbox::{self, Changed, FlagChange, Flags, Some64};
use crate::record::SystemFlags;

impl Session {
    pub(super) async fn store_flags(&mut self, store: Store, sink: &mut impl Sink) -> Result<Outcome, Stop> {
        self.writable()?;
        let uids = self.view()?.resolve(&store.messages, store.numbering)?;
        let present = &uids & self.view()?.present();
        let change = FlagChange { action: store.action, flags: split_flags(&store.flags) };
        let done = self.change_flags(&present, change, store.unchanged_since).await?;
        match store.echo {
            Echo::Flags => {
                let told = &present - &done.refused;
                self.tell_flags(told.iter().filter_map(Uid::new).collect(), sink).await?;
            }
            // RFC 7162 section 3.1.3: who knows of mod-sequences is told the new ones, even if silent.
            Echo::Silent if self.condstore() => self.tell_mod_seqs(&done.changed, sink).await?,
            Echo::Silent => {}
        }
        if done.refused.is_empty() {
            return Ok(Outcome::ok("Stored"));
        }
        let refused = self.numbers(&done.refused, store.numbering)?;
        Ok(ok_coded(ResponseCode::Modified(refused), "Stored, but for those that were changed since"))
    }

    /// Changes flags, many messages in a commit. The caller tells the client, which is why the view is not to.
    pub(super) async fn change_flags(
        &mut self,
        uids: &RoaringBitmap,
        change: FlagChange,
        unchanged_since: Option<ModSeq>,
    ) -> Result<Changed, Stop> {
        let (account, mailbox) = (self.account, self.view()?.id);
        let change = Arc::new(change);
        let mut done = Changed::default();
        for some in Some64::group(uids.iter().filter_map(Uid::new)).chunks(BLOCKS_AT_ONCE) {
            let (some, change) = (some.to_vec(), Arc::clone(&change));
            let part = self
                .mail
                .store
                .commit_to([account], move |tx| {
                    mailbox::change_flags(tx, account, mailbox, &some, &change, unchanged_since)
                })
                .await?;
            self.own.extend(part.lsn);
            done.changed |= part.changed;
            done.refused |= part.refused;
        }
        self.refresh()?;
        Ok(done)
    }

    /// Tells the flags of these messages, with MODSEQ to those who want it. The UID is always told: RFC 7162 section 3.2.2
    /// asks it for QRESYNC, and it helps everybody.
    pub(super) async fn tell_flags(&mut self, uids: Vec<Uid>, sink: &mut impl Sink) -> Result<(), Gone> {
        for some in uids.chunks(TOLD_AT_ONCE) {
            self.write_flags(some, sink.buffer());
            sink.flush_if_full().await?;
        }
        Ok(())
    }

    fn write_flags(&self, uids: &[Uid], out: &mut BytesMut) {
        let Some(view) = &self.view else { return };
        let mod_seqs = match self.condstore() {
            true => self.mail.mod_seqs(self.account, view.id, uids),
            false => Vec::new(),
        };
        let index = view.index();
        let mut encoder = Encoder::new(out, self.enabled);
        for (at, uid) in uids.iter().enumerate() {
            let Some(sequence) = view.sequence(*uid) else { continue };
            let mut fetch = encoder.fetch(sequence);
            fetch.uid(*uid);
            fetch.flags(index.flags(*uid));
            if let Some(mod_seq) = mod_seqs.get(at).copied().flatten() {
                fetch.mod_seq(mod_seq);
            }
            fetch.finish();
        }
    }

    async fn tell_mod_seqs(&mut self, uids: &RoaringBitmap, sink: &mut impl Sink) -> Result<(), Gone> {
        let Some(view) = &self.view else { return Ok(()) };
        let uids: Vec<_> = uids.iter().filter_map(Uid::new).collect();
        for some in uids.chunks(TOLD_AT_ONCE) {
            let mod_seqs = self.mail.mod_seqs(self.account, view.id, some);
            let mut encoder = Encoder::new(sink.buffer(), self.enabled);
            for (uid, mod_seq) in some.iter().zip(mod_seqs) {
                let (Some(sequence), Some(mod_seq)) = (view.sequence(*uid), mod_seq) else { continue };
                let mut fetch = encoder.fetch(sequence);
                fetch.uid(*uid);
                fetch.mod_seq(mod_seq);
                fetch.finish();
            }
            sink.flush_if_full().await?;
        }
        Ok(())
    }

    /// As the client numbers them in this command.
    pub(super) fn numbers(&self, uids: &RoaringBitmap, numbering: Numbering) -> Result<NumberSet, Stop> {
        let view = self.view()?;
        Ok(match numbering {
            Numbering::Uid => uids.iter().collect(),
            Numbering::Sequence => {
                uids.iter().filter_map(Uid::new).filter_map(|uid| view.sequence(uid)).collect()
            }
        })
    }
}

/// What a client lists; each keyword once.
pub(super) fn split_flags(listed: &[Flag]) -> Flags {
    let mut flags = Flags::default();
    for flag in listed {
        flags.system = flags.system.with(match flag {
            Flag::Answered => SystemFlags::ANSWERED,
            Flag::Flagged => SystemFlags::FLAGGED,
            Flag::Deleted => SystemFlags::DELETED,
            Flag::Seen => SystemFlags::SEEN,
            Flag::Draft => SystemFlags::DRAFT,
            Flag::Keyword(keyword) => {
                if !flags.keywords.iter().any(|has| has.eq_ignore_ascii_case(keyword.as_str())) {
                    flags.keywords.push(keyword.as_str().to_owned());
                }
                continue;
            }
        });
    }
    flags
}

/// Blocks of messages changed in one commit: other commits wait meanwhile.
const BLOCKS_AT_ONCE: usize = 2_000;
/// Messages whose flags are gathered before they are sent.
const TOLD_AT_ONCE: usize = 500;
