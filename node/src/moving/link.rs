//! The stream of a move: frames out, messages in.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use essaim_identity::account::MoveId;
use essaim_migration::moving::limits::{BLOB_FRAME_BYTES, FRAME_BYTES_MAX, SILENCE_MAX};
use essaim_migration::moving::{Message, frame};
use essaim_network::BulkStream;
use essaim_types::AccountId;
use minicbor::bytes::ByteVec;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use tracing::debug;

/// A stream to the other side. What comes is read by a task of its own, so that both may speak at the same time.
#[derive(Debug)]
pub(super) struct Link {
    about: (AccountId, MoveId),
    write: WriteHalf<BulkStream>,
    incoming: mpsc::Receiver<Message>,
    longest: Arc<AtomicUsize>,
    heard: Instant,
    // Ends with the link.
    _reader: JoinSet<()>,
}

impl Link {
    /// Over a stream that was agreed to. Until [`Self::trust`] no message may be longer than [`OFFER_BYTES_MAX`].
    pub(super) fn over(stream: BulkStream, account: AccountId, id: MoveId) -> Self {
        let (read, write) = tokio::io::split(stream);
        let (told, incoming) = mpsc::channel(MESSAGES_WAITING);
        let longest = Arc::new(AtomicUsize::new(OFFER_BYTES_MAX));
        let mut reader = JoinSet::new();
        let bound = Arc::clone(&longest);
        reader.spawn(async move {
            if let Err(error) = listen(read, (account, id), &bound, &told).await {
                debug!(error = &error as &dyn std::error::Error, "the stream of a move has ended");
            }
        });
        Self { about: (account, id), write, incoming, longest, heard: Instant::now(), _reader: reader }
    }

    /// From now on messages may be as long as a move needs.
    pub(super) fn trust(&self) {
        self.longest.store(FRAME_BYTES_MAX, Ordering::Relaxed);
    }

    /// The next message; `None` once the stream has ended.
    pub(super) async fn next(&mut self) -> Option<Message> {
        let message = self.incoming.recv().await;
        self.heard = Instant::now();
        message
    }

    /// Whether nothing has come for so long that the other side may be gone without a word: another stream tells.
    pub(super) fn is_silent(&self) -> bool {
        self.heard.elapsed() >= SILENCE_MAX
    }

    pub(super) async fn send(&mut self, message: Message) -> io::Result<()> {
        let bytes = frame::write(self.about.0, self.about.1, message);
        self.write.write_all(&bytes).await?;
        self.write.flush().await
    }

    /// Blobs, in as many messages as they need.
    pub(super) async fn send_blobs(&mut self, blobs: Vec<ByteVec>) -> io::Result<()> {
        let (mut some, mut bytes) = (Vec::new(), 0);
        for blob in blobs {
            if !some.is_empty() && bytes + blob.len() > BLOB_FRAME_BYTES {
                self.send(Message::Blobs(std::mem::take(&mut some))).await?;
                bytes = 0;
            }
            bytes += blob.len();
            some.push(blob);
        }
        if some.is_empty() { Ok(()) } else { self.send(Message::Blobs(some)).await }
    }
}

async fn listen(
    mut from: ReadHalf<BulkStream>,
    (account, id): (AccountId, MoveId),
    longest: &AtomicUsize,
    told: &mpsc::Sender<Message>,
) -> io::Result<()> {
    loop {
        let mut head = [0; 4];
        from.read_exact(&mut head).await?;
        let length = frame::length(head).map_err(io::Error::other)?;
        if length > longest.load(Ordering::Relaxed) {
            return Err(io::Error::other("a message that is too long for what it can be"));
        }
        // Memory is taken as bytes arrive.
        let mut body = Vec::new();
        (&mut from).take(length as u64).read_to_end(&mut body).await?;
        if body.len() < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let message = frame::read(account, id, &body).map_err(io::Error::other)?;
        if told.send(message).await.is_err() {
            return Ok(());
        }
    }
}

/// Messages that were read and not handled; the window of the source bounds their bytes.
const MESSAGES_WAITING: usize = 4;
/// An offer with the longest account log that is taken.
const OFFER_BYTES_MAX: usize = 4 << 20;
