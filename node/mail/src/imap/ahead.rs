//! Messages for FETCH, some at a time, and the next ones read while these are on their way to the client.

use std::collections::VecDeque;
use std::fmt;

use bytes::Bytes;
use essaim_store::{BlobReader, Object};
use essaim_types::{AccountId, BlobId, MailboxId, ModSeq, Uid};
use roaring::RoaringBitmap;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinHandle};

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

/// Messages in the order of their UIDs. A thread reads while the caller writes; what is ready waits, at most [`BATCHES_AHEAD`] batches.
#[derive(Debug)]
pub(super) struct Ahead {
    reading: Reading,
    ready: mpsc::Receiver<Read>,
}

type Read = Result<Vec<Asked>, Stop>;

/// Who has what is left to read.
#[derive(Debug)]
enum Reading {
    Nobody(Box<Feed>),
    /// A thread, until enough waits. It never waits itself: clients that take nothing would hold all threads.
    Thread(JoinHandle<Box<Feed>>),
    Done,
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
    reader: BlobReader,
    ready: mpsc::Sender<Read>,
}

impl Ahead {
    pub(super) fn new(
        mail: &Mail,
        account: AccountId,
        mailbox: MailboxId,
        needs: Needs,
        uids: RoaringBitmap,
    ) -> Self {
        let (sender, ready) = mpsc::channel(BATCHES_AHEAD);
        let (reader, pending) = (mail.store.blob_reader(BATCHES_AHEAD + 2), VecDeque::new());
        let (mail, left) = (mail.clone(), uids.into_iter());
        let feed = Feed { mail, account, mailbox, needs, left, pending, reader, ready: sender };
        Self { reading: Reading::Nobody(Box::new(feed)), ready }
    }

    /// The next messages, without those that are gone; none at the end.
    pub(super) async fn next(&mut self) -> Read {
        loop {
            let read = match &mut self.reading {
                Reading::Thread(job) => tokio::select! {
                    biased;
                    feed = job => {
                        self.reading = Reading::Nobody(returned(feed)?);
                        self.read_on();
                        continue;
                    }
                    read = self.ready.recv() => read.ok_or(Stop::Gone)?,
                },
                Reading::Nobody(feed) => match self.ready.try_recv() {
                    Ok(read) => read,
                    // The first ones: most commands ask for no more.
                    Err(_) => crate::blocking(|| feed.read()),
                },
                Reading::Done => match self.ready.try_recv() {
                    Ok(read) => read,
                    Err(_) => return Ok(Vec::new()),
                },
            }?;
            self.read_on();
            if !read.is_empty() {
                return Ok(read);
            }
        }
    }

    /// Lets a thread read on, if something is left and not much waits.
    fn read_on(&mut self) {
        self.reading = match std::mem::replace(&mut self.reading, Reading::Done) {
            Reading::Nobody(feed) if feed.is_empty() => Reading::Done,
            Reading::Nobody(feed) if feed.needs.reads() && self.ready.len() <= BATCHES_AHEAD / 2 => {
                match Handle::try_current() {
                    Ok(runtime) => Reading::Thread(runtime.spawn_blocking(|| feed.read_ahead())),
                    Err(_) => Reading::Nobody(feed),
                }
            }
            reading => reading,
        };
    }
}

fn returned(feed: Result<Box<Feed>, JoinError>) -> Result<Box<Feed>, Stop> {
    feed.map_err(|error| match error.try_into_panic() {
        Ok(panic) => std::panic::resume_unwind(panic),
        // The node stops.
        Err(_) => Stop::Gone,
    })
}

impl Needs {
    /// Whether anything must be read at all: flags and numbers are in memory.
    fn reads(self) -> bool {
        self.record || self.mod_seq
    }
}

impl Feed {
    fn is_empty(&self) -> bool {
        self.pending.is_empty() && self.left.len() == 0
    }

    /// Reads until enough is ready or nothing is left.
    fn read_ahead(mut self: Box<Self>) -> Box<Self> {
        let ready = self.ready.clone();
        while !self.is_empty()
            && let Ok(room) = ready.try_reserve()
        {
            let read = self.read();
            let failed = read.is_err();
            room.send(read);
            if failed {
                break;
            }
        }
        self
    }

    fn read(&mut self) -> Read {
        let missing = BATCH_MESSAGES - self.pending.len();
        self.pending.extend(self.left.by_ref().take(missing));
        let mut batch = Vec::with_capacity(self.pending.len());
        if !self.needs.reads() {
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
        if self.needs.bytes {
            read_bytes(&mut self.reader, &mut batch)?;
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
/// Bytes of message read at once.
const BATCH_BYTES: u64 = 128 << 10;
/// Batches that wait for the writer. A client that stops reading holds so many, and the one that is being written.
const BATCHES_AHEAD: usize = 2;
