//! STORE: RFC 9051 section 6.4.6, with UNCHANGEDSINCE of RFC 7162 section 3.1.3.

use std::sync::Arc;

use bytes::BytesMut;
use essaim_imap::command::{Echo, Store, StoreAction};
use essaim_imap::response::{Encoder, NumberSet};
use essaim_imap::{Flag, Numbering, Outcome, ResponseCode};
use essaim_store::Tx;
use essaim_types::{AccountId, Lsn, MailboxId, ModSeq, ObjectKind, Uid};
use roaring::RoaringBitmap;

use super::outcome::{Stop, ok_coded};
use super::session::Session;
use super::sink::{Gone, Sink};
use crate::mailbox::{self, MailboxError};
use crate::record::{self, Message, SystemFlags};

impl Session {
    pub(super) async fn store_flags(&mut self, store: Store, sink: &mut impl Sink) -> Result<Outcome, Stop> {
        self.writable()?;
        let uids = self.view()?.resolve(&store.messages, store.numbering)?;
        let present = &uids & self.view()?.present();
        let change = Change::new(store.action, &store.flags);
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

    /// Changes flags, some thousand messages in a commit. The caller tells the client, which is why the view is not to.
    pub(super) async fn change_flags(
        &mut self,
        uids: &RoaringBitmap,
        change: Change,
        unchanged_since: Option<ModSeq>,
    ) -> Result<Done, Stop> {
        let (account, mailbox) = (self.account, self.view()?.id);
        let change = Arc::new(change);
        let mut done = Done::default();
        let mut left = uids.iter().peekable();
        while left.peek().is_some() {
            let some: RoaringBitmap = left.by_ref().take(CHANGED_AT_ONCE).collect();
            let change = Arc::clone(&change);
            let part = self
                .mail
                .store
                .commit(move |tx| apply(tx, account, mailbox, &some, &change, unchanged_since))
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

/// What STORE does to the flags of a message.
#[derive(Debug)]
pub(super) struct Change {
    action: StoreAction,
    system: SystemFlags,
    keywords: Vec<String>,
}

/// What STORE did.
#[derive(Debug, Default)]
pub(super) struct Done {
    changed: RoaringBitmap,
    /// Changed by somebody after UNCHANGEDSINCE.
    refused: RoaringBitmap,
    /// Of the commit, if it changed anything.
    lsn: Option<Lsn>,
}

impl Change {
    fn new(action: StoreAction, flags: &[Flag]) -> Self {
        let (system, keywords) = split_flags(flags);
        Self { action, system, keywords }
    }

    /// Adds `\Seen`.
    pub(super) fn add_seen() -> Self {
        Self { action: StoreAction::Add, system: SystemFlags::SEEN, keywords: Vec::new() }
    }

    fn apply(&self, message: &mut Message) {
        match self.action {
            StoreAction::Replace => {
                message.flags = self.system;
                message.keywords = self.keywords.clone();
            }
            StoreAction::Add => {
                message.flags = message.flags.with(self.system);
                for keyword in &self.keywords {
                    if !message.keywords.iter().any(|has| has.eq_ignore_ascii_case(keyword)) {
                        message.keywords.push(keyword.clone());
                    }
                }
                message.keywords.sort_unstable();
            }
            StoreAction::Remove => {
                message.flags = message.flags.without(self.system);
                message
                    .keywords
                    .retain(|has| !self.keywords.iter().any(|gone| has.eq_ignore_ascii_case(gone)));
            }
        }
    }
}

/// System flags and keywords apart, the keywords sorted and each once.
pub(super) fn split_flags(flags: &[Flag]) -> (SystemFlags, Vec<String>) {
    let mut system = SystemFlags::default();
    let mut keywords: Vec<String> = Vec::new();
    for flag in flags {
        system = system.with(match flag {
            Flag::Answered => SystemFlags::ANSWERED,
            Flag::Flagged => SystemFlags::FLAGGED,
            Flag::Deleted => SystemFlags::DELETED,
            Flag::Seen => SystemFlags::SEEN,
            Flag::Draft => SystemFlags::DRAFT,
            Flag::Keyword(keyword) => {
                if !keywords.iter().any(|has| has.eq_ignore_ascii_case(keyword.as_str())) {
                    keywords.push(keyword.as_str().to_owned());
                }
                continue;
            }
        });
    }
    keywords.sort_unstable();
    (system, keywords)
}

fn apply(
    tx: &mut Tx<'_>,
    account: AccountId,
    mailbox: MailboxId,
    uids: &RoaringBitmap,
    change: &Change,
    unchanged_since: Option<ModSeq>,
) -> Result<Done, MailboxError> {
    let mut done = Done::default();
    for uid in uids.iter().filter_map(Uid::new) {
        let key = record::message_key(mailbox, uid);
        let Some(object) = tx.get(account, ObjectKind::MESSAGE, &key)? else { continue };
        if unchanged_since.is_some_and(|since| record::mod_seq(&object) > since) {
            done.refused.insert(uid.value());
            continue;
        }
        let old = Message::decode(&object.value)?;
        let mut new = old.clone();
        change.apply(&mut new);
        if new != old {
            mailbox::set_flags(tx, account, mailbox, uid, &object, &new)?;
            done.changed.insert(uid.value());
        }
    }
    if !done.changed.is_empty() {
        done.lsn = Some(tx.lsn(account)?);
    }
    Ok(done)
}

/// Messages changed in one commit: other commits wait meanwhile.
const CHANGED_AT_ONCE: usize = 5_000;
/// Messages whose flags are gathered before they are sent.
const TOLD_AT_ONCE: usize = 500;
