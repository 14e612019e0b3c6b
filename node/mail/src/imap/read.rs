//! Reading messages of one mailbox: the record, the bytes, and what is known of the bytes.

use std::cmp::Ordering;
use std::ops::ControlFlow;

use bytes::Bytes;
use essaim_imap::{Date, InternalDate, ObjectId};
use essaim_store::{DerivedRange, Object, ObjectRef, Range, ReadError, Snapshot};
use essaim_types::{AccountId, BlobId, MailboxId, ObjectKind, Uid};
use roaring::RoaringBitmap;

use super::outcome::Stop;
use crate::Mail;
use crate::mailbox::{FlagReader, as_bytes, read_blobs};
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

    /// For the flags of messages.
    pub(super) fn flags(&self) -> FlagReader<'_, Snapshot> {
        FlagReader::new(&self.snapshot, self.account, self.mailbox)
    }

    /// For looking at these messages in this order; `uids` ascend.
    pub(super) fn messages(&self, uids: &[u32]) -> Result<Messages<'_>, Stop> {
        let (mut rows, mut summaries) = (None, None);
        if let (Some(first), Some(last)) = (uids.first(), uids.last())
            && ((last - first) as usize) < uids.len().saturating_mul(DENSE)
        {
            let (account, kind) = (self.account, ObjectKind::MESSAGE);
            let (first, last) = record::message_range(self.mailbox, *first, *last);
            let (first, last) = (as_bytes(&first), as_bytes(&last));
            rows = Some(Walk::new(self.snapshot.range(account, kind, first, last)?));
            summaries = Some(Walk::new(self.snapshot.derived_range(account, kind, first, last)?));
        }
        Ok(Messages { reader: self, rows, summaries })
    }

    /// The bytes of a message.
    pub(super) fn raw(&self, object: &Object) -> Result<Bytes, Stop> {
        Ok(read_blobs(&self.mail.store, &object.blobs)?)
    }

    /// What is known of a message's bytes: computed now if it was not at arrival.
    pub(super) fn summary(&self, uid: Uid, object: &Object) -> Result<Summary, Stop> {
        let kept = self.snapshot.derived(self.account, ObjectKind::MESSAGE, &self.key(uid))?;
        self.kept_or_computed(kept, uid, object)
    }

    fn kept_or_computed(&self, kept: Option<Bytes>, uid: Uid, object: &Object) -> Result<Summary, Stop> {
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

/// Messages that are looked at in the order of their UIDs: where most of a range is wanted its rows are read in a row.
#[derive(Debug)]
pub(super) struct Messages<'a> {
    reader: &'a MessageReader<'a>,
    rows: Option<Walk<Range, Object>>,
    summaries: Option<Walk<DerivedRange, Bytes>>,
}

impl Messages<'_> {
    /// The record of the next message; `None` if it is gone.
    pub(super) fn at(&mut self, uid: Uid) -> Result<Option<(Object, Message)>, Stop> {
        let Some(rows) = &mut self.rows else { return self.reader.record(uid) };
        let Some(object) = rows.at(&self.reader.key(uid))? else { return Ok(None) };
        let message = Message::decode(&object.value)?;
        Ok(Some((object, message)))
    }

    /// What [`MessageReader::summary`] says of it.
    pub(super) fn summary(&mut self, uid: Uid, object: &Object) -> Result<Summary, Stop> {
        let Some(summaries) = &mut self.summaries else { return self.reader.summary(uid, object) };
        let kept = summaries.at(&self.reader.key(uid))?;
        self.reader.kept_or_computed(kept, uid, object)
    }
}

/// Rows in key order, asked for in that order.
#[derive(Debug)]
struct Walk<I, T> {
    rows: I,
    next: Option<(Bytes, T)>,
}

impl<T, I: Iterator<Item = Result<(Bytes, T), ReadError>>> Walk<I, T> {
    fn new(rows: I) -> Self {
        Self { rows, next: None }
    }

    fn at(&mut self, wanted: &[u8]) -> Result<Option<T>, ReadError> {
        loop {
            let row = self.next.take().map_or_else(|| self.rows.next().transpose(), |row| Ok(Some(row)))?;
            let Some((key, value)) = row else { return Ok(None) };
            match key[..].cmp(wanted) {
                Ordering::Less => {}
                Ordering::Equal => return Ok(Some(value)),
                Ordering::Greater => {
                    self.next = Some((key, value));
                    return Ok(None);
                }
            }
        }
    }
}

/// Rows are read in a row if at least one in so many is wanted.
const DENSE: usize = 4;

/// RFC 8474 section 5.1: the same for every copy, because it is a hash over what the bytes are.
pub fn email_id(blobs: impl IntoIterator<Item = BlobId>) -> ObjectId {
    let mut hasher = blake3::Hasher::new();
    for blob in blobs {
        hasher.update(blob.as_bytes());
    }
    let hex = hasher.finalize().to_hex();
    let id = format!("e{}", hex.get(..32).unwrap_or(&hex));
    ObjectId::try_from(id.as_str()).expect("a letter and hexadecimal digits are an object id")
}
