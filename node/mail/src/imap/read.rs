//! Reading messages of one mailbox: the record, the bytes, and what is known of the bytes.

use std::ops::ControlFlow;

use bytes::Bytes;
use essaim_imap::{Date, InternalDate, ObjectId};
use essaim_store::{Object, ObjectRef, Snapshot};
use essaim_types::{AccountId, BlobId, MailboxId, ModSeq, ObjectKind, Uid};
use roaring::RoaringBitmap;

use super::outcome::Stop;
use crate::Mail;
use crate::mailbox::{FlagReader, as_bytes};
use crate::message::{Content, Summary};
use crate::record::{self, Message};

/// Reads messages as they were at one moment. Short-lived: it holds a snapshot.
#[derive(Debug)]
pub(super) struct MessageReader<'a> {
    mail: &'a Mail,
    account: AccountId,
    mailbox: MailboxId,
    snapshot: Snapshot,
}

impl<'a> MessageReader<'a> {
    pub(super) fn new(mail: &'a Mail, account: AccountId, mailbox: MailboxId) -> Result<Self, Stop> {
        Ok(Self { mail, account, mailbox, snapshot: mail.store.read()? })
    }

    /// The record of a message; `None` if it is gone.
    pub(super) fn record(&self, uid: Uid) -> Result<Option<(Object, Message)>, Stop> {
        let object = self.snapshot.get(self.account, ObjectKind::MESSAGE, &self.key(uid))?;
        Ok(object
            .map(|object| Message::decode(&object.value).map(|message| (object, message)))
            .transpose()?)
    }

    /// The MODSEQ of a message; `None` if it is gone.
    pub(super) fn mod_seq(&self, uid: Uid) -> Result<Option<ModSeq>, Stop> {
        let mut flags = FlagReader::new(&self.snapshot, self.account, self.mailbox);
        Ok(flags.message(uid)?.map(|(_, mod_seq)| mod_seq))
    }

    /// The bytes of a message.
    pub(super) fn raw(&self, object: &Object) -> Result<Bytes, Stop> {
        Ok(read_blobs(self.mail, &object.blobs)?)
    }

    /// What is known of a message's bytes: computed now if it was not at arrival.
    pub(super) fn summary(&self, uid: Uid, object: &Object) -> Result<Summary, Stop> {
        let kept = self.snapshot.derived(self.account, ObjectKind::MESSAGE, &self.key(uid))?;
        if let Some(summary) = kept.and_then(|bytes| Summary::decode(&bytes)) {
            return Ok(summary);
        }
        let summary = Summary::of(&self.raw(object)?);
        self.keep(uid, &summary);
        Ok(summary)
    }

    /// Those of `among` whose record fulfils a test.
    pub(super) fn filter(
        &self,
        among: &RoaringBitmap,
        mut test: impl FnMut(ObjectRef<'_>, &Message) -> bool,
    ) -> Result<RoaringBitmap, Stop> {
        let mut found = RoaringBitmap::new();
        let (Some(first), Some(last)) = (among.min(), among.max()) else { return Ok(found) };
        let (first, last) = record::message_range(self.mailbox, first, last);
        let failed = self.snapshot.scan(
            self.account,
            ObjectKind::MESSAGE,
            as_bytes(&first),
            as_bytes(&last),
            |key, object| {
                let decoded = record::message_of_key(key)
                    .and_then(|(_, uid)| Message::decode(object.value).map(|message| (uid, message)));
                match decoded {
                    Ok((uid, message)) => {
                        if among.contains(uid.value()) && test(object, &message) {
                            found.insert(uid.value());
                        }
                        ControlFlow::Continue(())
                    }
                    Err(error) => ControlFlow::Break(error),
                }
            },
        )?;
        failed.map_or(Ok(found), |error| Err(error.into()))
    }

    /// Those of `among` whose `Date:` fulfils a test.
    pub(super) fn filter_sent(
        &self,
        among: &RoaringBitmap,
        mut test: impl FnMut(Option<Date>) -> bool,
    ) -> Result<RoaringBitmap, Stop> {
        self.filter_each(among, |uid, object| {
            Ok(test(self.summary(uid, object)?.sent().map(InternalDate::date)))
        })
    }

    /// Those of `among` whose summary fulfils a test; where the summary cannot tell, the bytes are asked.
    pub(super) fn filter_summary(
        &self,
        among: &RoaringBitmap,
        mut test: impl FnMut(&Summary) -> Option<bool>,
        mut ask_bytes: impl FnMut(&mut Content<'_>) -> bool,
    ) -> Result<RoaringBitmap, Stop> {
        self.filter_each(among, |uid, object| {
            let summary = self.summary(uid, object)?;
            match test(&summary) {
                Some(fulfilled) => Ok(fulfilled),
                None => Ok(ask_bytes(&mut Content::new(&self.raw(object)?, &summary))),
            }
        })
    }

    /// Those of `among` whose bytes fulfil a test.
    pub(super) fn filter_content(
        &self,
        among: &RoaringBitmap,
        test: impl FnMut(&mut Content<'_>) -> bool,
    ) -> Result<RoaringBitmap, Stop> {
        self.filter_summary(among, |_| None, test)
    }

    fn filter_each(
        &self,
        among: &RoaringBitmap,
        mut test: impl FnMut(Uid, &Object) -> Result<bool, Stop>,
    ) -> Result<RoaringBitmap, Stop> {
        let mut found = RoaringBitmap::new();
        for uid in among.iter().filter_map(Uid::new) {
            if let Some((object, _)) = self.record(uid)?
                && test(uid, &object)?
            {
                found.insert(uid.value());
            }
        }
        Ok(found)
    }

    /// Keeps a summary for the next reader. Nobody waits for it, and losing it costs only time.
    fn keep(&self, uid: Uid, summary: &Summary) {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (store, account, key, bytes) =
            (self.mail.store.clone(), self.account, self.key(uid), summary.encode());
        runtime.spawn(async move {
            let kept = store.commit(move |tx| match tx.get(account, ObjectKind::MESSAGE, &key)? {
                Some(_) => tx.put_derived(account, ObjectKind::MESSAGE, &key, bytes),
                None => Ok(()),
            });
            if let Err(error) = kept.await {
                tracing::debug!(error = &error as &dyn std::error::Error, "a summary was not kept");
            }
        });
    }

    fn key(&self, uid: Uid) -> [u8; 8] {
        record::message_key(self.mailbox, uid)
    }
}

/// RFC 8474 section 5.1: the same for every copy, because it is a hash over what the bytes are.
pub(super) fn email_id(blobs: impl IntoIterator<Item = BlobId>) -> ObjectId {
    let mut hasher = blake3::Hasher::new();
    for blob in blobs {
        hasher.update(blob.as_bytes());
    }
    let hex = hasher.finalize().to_hex();
    let id = format!("e{}", hex.get(..32).unwrap_or(&hex));
    ObjectId::try_from(id.as_str()).expect("a letter and hexadecimal digits are an object id")
}

fn read_blobs(mail: &Mail, blobs: &[BlobId]) -> Result<Bytes, essaim_store::ReadError> {
    if let [only] = blobs {
        return mail.store.blob(only);
    }
    let mut whole = Vec::new();
    for blob in blobs {
        whole.extend_from_slice(&mail.store.blob(blob)?);
    }
    Ok(whole.into())
}
