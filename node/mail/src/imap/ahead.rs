//! Messages for FETCH, some at a time, and the next ones read while these are on their way to the client.

use std::collections::VecDeque;
use std::fmt;

use bytes::Bytes;
use essaim_store::{BlobReader, Object};
use essaim_types::{AccountId, BlobId, MailboxId, ModSeq, Uid};
use roaring::RoaringBitmap;
use tokio::runtime::Handle;
use tokio::task::JoinHandle;

use super::outcome::Stop;
use super::read::MessageReader;
use crate::Mail;
use crate::message::Summary;
use crate::record::Message;

/// What must be read of each message.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Needs {
    pub(super) mod_seq: bool,
    pub(super) record: bool,
    pub(super) summary: bool,
    pub(super) bytes: bool,
}

/// One message, as far as it was needed.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) uid: Uid,
    pub(super) mod_seq: Option<ModSeq>,
    pub(super) record: Option<(Object, Message)>,
    pub(super) summary: Option<Summary>,
    /// All its bytes, if they are needed and few.
    pub(super) bytes: Option<Bytes>,
}

/// Messages in the order of their UIDs. Holds [`BATCH_BYTES`] of bodies twice: those that are being sent, and those that come next.
#[derive(Debug)]
pub(super) struct Ahead {
    next: Next,
}

#[derive(Debug)]
enum Next {
    /// It is read when somebody waits for it.
    Later(Box<Feed>),
    Running(JoinHandle<Batch>),
    Nothing,
}

/// What was read, and where the rest comes from.
#[derive(Debug)]
struct Batch {
    read: Result<Vec<Asked>, Stop>,
    feed: Box<Feed>,
}

/// Where messages come from.
struct Feed {
    mail: Mail,
    account: AccountId,
    mailbox: MailboxId,
    needs: Needs,
    left: roaring::bitmap::IntoIter,
    /// The first of those that are left.
    pending: VecDeque<u32>,
    /// They take turns: the bytes of one are being sent while the other reads.
    readers: [BlobReader; 2],
}

impl Ahead {
    pub(super) fn new(
        mail: &Mail,
        account: AccountId,
        mailbox: MailboxId,
        needs: Needs,
        uids: RoaringBitmap,
    ) -> Self {
        let readers = [mail.store.blob_reader(), mail.store.blob_reader()];
        let (left, pending) = (uids.into_iter(), VecDeque::new());
        let feed = Feed { mail: mail.clone(), account, mailbox, needs, left, pending, readers };
        Self { next: Next::Later(Box::new(feed)) }
    }

    /// The next messages, without those that are gone; none at the end.
    pub(super) async fn next(&mut self) -> Result<Vec<Asked>, Stop> {
        loop {
            let Batch { read, feed } = match std::mem::replace(&mut self.next, Next::Nothing) {
                Next::Later(feed) => crate::blocking(|| feed.batch()),
                Next::Running(job) => job.await.map_err(|error| match error.try_into_panic() {
                    Ok(panic) => std::panic::resume_unwind(panic),
                    // The node stops.
                    Err(_) => Stop::Gone,
                })?,
                Next::Nothing => return Ok(Vec::new()),
            };
            let read = read?;
            if !feed.is_empty() {
                self.next = match Handle::try_current() {
                    Ok(runtime) if feed.needs.record || feed.needs.mod_seq => {
                        Next::Running(runtime.spawn_blocking(|| feed.batch()))
                    }
                    _ => Next::Later(feed),
                };
            }
            if !read.is_empty() || matches!(self.next, Next::Nothing) {
                return Ok(read);
            }
        }
    }
}

impl Feed {
    fn is_empty(&self) -> bool {
        self.pending.is_empty() && self.left.len() == 0
    }

    fn batch(mut self: Box<Self>) -> Batch {
        Batch { read: self.read(), feed: self }
    }

    fn read(&mut self) -> Result<Vec<Asked>, Stop> {
        let missing = BATCH_MESSAGES - self.pending.len();
        self.pending.extend(self.left.by_ref().take(missing));
        let mut batch = Vec::with_capacity(self.pending.len());
        if !self.needs.record && !self.needs.mod_seq {
            let uids = self.pending.drain(..).filter_map(Uid::new);
            batch.extend(uids.map(|uid| Asked {
                uid,
                mod_seq: None,
                record: None,
                summary: None,
                bytes: None,
            }));
            return Ok(batch);
        }
        let reader = MessageReader::new(&self.mail, self.account, self.mailbox)?;
        let mut flags = reader.flags();
        let mut mod_seq = |uid| -> Result<Option<ModSeq>, Stop> {
            let found = if self.needs.mod_seq { flags.message(uid)? } else { None };
            Ok(found.map(|(_, mod_seq)| mod_seq))
        };
        if !self.needs.record {
            for uid in self.pending.drain(..).filter_map(Uid::new) {
                let mod_seq = mod_seq(uid)?;
                batch.push(Asked { uid, mod_seq, record: None, summary: None, bytes: None });
            }
            return Ok(batch);
        }
        let mut messages = reader.messages(self.pending.make_contiguous())?;
        let mut size = 0;
        while let Some(uid) = self.pending.front() {
            if let Some(uid) = Uid::new(*uid)
                && let Some((object, message)) = messages.at(uid)?
            {
                let few = few_bytes(&object, &message).filter(|_| self.needs.bytes).unwrap_or(0);
                // It comes first in the next batch.
                if size + few > BATCH_BYTES {
                    break;
                }
                size += few;
                let summary = if self.needs.summary { Some(messages.summary(uid, &object)?) } else { None };
                let mod_seq = mod_seq(uid)?;
                batch.push(Asked { uid, mod_seq, record: Some((object, message)), summary, bytes: None });
            }
            self.pending.pop_front();
        }
        self.readers.swap(0, 1);
        if self.needs.bytes {
            read_bytes(&mut self.readers[0], &mut batch)?;
        }
        Ok(batch)
    }
}

impl fmt::Debug for Feed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Feed")
            .field("needs", &self.needs)
            .field("left", &self.left.len())
            .finish_non_exhaustive()
    }
}

/// The size of a message that is short enough to be read ahead.
fn few_bytes(object: &Object, message: &Message) -> Option<u64> {
    (object.blobs.len() == 1 && message.size.0 <= BATCH_BYTES).then_some(message.size.0)
}

/// Reads the bytes of all that are short. A blob that cannot be read is left to the one who writes that message: what stands
/// before it is sent first.
fn read_bytes(reader: &mut BlobReader, batch: &mut [Asked]) -> Result<(), Stop> {
    let (mut blobs, mut whose): (Vec<BlobId>, Vec<&mut Asked>) = (Vec::new(), Vec::new());
    for asked in batch {
        let short = asked.record.as_ref().filter(|(object, message)| few_bytes(object, message).is_some());
        if let Some(blob) = short.and_then(|(object, _)| object.blobs.first()) {
            blobs.push(*blob);
            whose.push(asked);
        }
    }
    for (asked, bytes) in whose.into_iter().zip(reader.read(&blobs)?) {
        asked.bytes = bytes.ok();
    }
    Ok(())
}

/// Messages read at once.
const BATCH_MESSAGES: usize = 256;
/// Bytes of message read at once. A client that stops reading holds them twice.
const BATCH_BYTES: u64 = 128 << 10;
