//! The handle.

use std::convert::Infallible;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bytes::Bytes;
use essaim_types::{AccountId, BlobId, Lsn, Timestamp};

use crate::blob::{put_blob, put_record, read_blob, read_record};
use crate::blob_reader::BlobReader;
use crate::codec::Content;
use crate::content::ContentWriter;
use crate::core::Core;
use crate::disk::{Disk, RealDisk, SimDisk};
use crate::error::{AppendError, CommitError, FenceError, OpenError, PutRecordError, ReadError};
use crate::garbage::{self, GarbageError, GarbageReport};
use crate::open::{Opened, lock, open};
use crate::options::Options;
use crate::permit::Fence;
use crate::progress::Progress;
use crate::queue::block_on;
use crate::snapshot::{Snapshot, account_row};
use crate::stats::Stats;
use crate::tail::{Changes, Position, Tail, changes};
use crate::tx::Tx;
use crate::verify::{VerifyReport, verify};
use crate::work::Closure;
use crate::writer::Writer;

/// An open store. Clones are the same store; it closes when the last one is dropped.
#[derive(Debug, Clone)]
pub struct Store {
    open: Arc<OpenStore>,
}

#[derive(Debug)]
struct OpenStore {
    core: Arc<Core>,
    writer: Mutex<Option<JoinHandle<()>>>,
}

impl Store {
    /// Opens the store in a folder, or makes one there.
    pub fn open(folder: &Path, options: &Options) -> Result<Self, OpenError> {
        let fail = OpenError::io(format!("make the folder {}", folder.display()));
        Self::open_on(Arc::new(RealDisk::new(folder).map_err(fail)?), options)
    }

    /// Opens the store on a disk, or makes one there.
    pub fn open_on(disk: Arc<dyn Disk>, options: &Options) -> Result<Self, OpenError> {
        let lock = lock(&*disk)?;
        let Opened { core, meta } = open(disk, options, lock, &mut |_| {})?;
        let core = Arc::new(core);
        let writer = Writer::start(Arc::clone(&core), meta).map_err(OpenError::io("start the writer"))?;
        Ok(Self { open: Arc::new(OpenStore { core, writer: Mutex::new(Some(writer)) }) })
    }

    /// A store of its own in memory, for tests of the layers above.
    ///
    /// # Panics
    /// If the machine has no thread left for its writer.
    pub fn in_memory() -> Self {
        Self::open_on(Arc::new(SimDisk::new()), &Options::default())
            .expect("a new disk in memory has no faults")
    }

    /// Runs the closure on the writer, after all that were sent before. When this returns `Ok`, what it did and every blob
    /// it names are on the disk; with an error, nothing of it is visible. A panic of the closure is raised here.
    ///
    /// The closure must not wait for anything: all commits of the node wait for it.
    pub async fn commit<T, E, F>(&self, work: F) -> Result<T, CommitError<E>>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let (closure, answer) = Closure::new(work);
        if self.core().queue.push(Box::new(closure)).await.is_err() {
            return Err(CommitError::Closed);
        }
        match answer.await {
            Ok(Ok(result)) => result,
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(_) => Err(CommitError::Closed),
        }
    }

    /// The same for callers that are not async.
    pub fn commit_blocking<T, E, F>(&self, work: F) -> Result<T, CommitError<E>>
    where
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        block_on(self.commit(work))
    }

    /// Like [`Self::commit`], for whoever writes to members' accounts: with a permit for all of them, waiting for at most [`FENCE_MAX`](crate::FENCE_MAX)
    /// if one is fenced, else [`CommitError::Unavailable`]. The closure of a commit without a permit that meets a fence gets [`TxError::Fenced`](crate::TxError::Fenced).
    ///
    /// # Panics
    /// If it has to wait and there is no tokio runtime with time.
    pub async fn commit_to<A, T, E, F>(&self, accounts: A, work: F) -> Result<T, CommitError<E>>
    where
        A: AsRef<[AccountId]>,
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let permit = self.core().gates.permit(accounts.as_ref()).await;
        let _permit = permit.map_err(|account| CommitError::Unavailable { account })?;
        self.commit(work).await
    }

    /// The same for callers that are not async.
    pub fn commit_to_blocking<A, T, E, F>(&self, accounts: A, work: F) -> Result<T, CommitError<E>>
    where
        A: AsRef<[AccountId]>,
        F: FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: Send + 'static,
    {
        let permit = self.core().gates.permit_blocking(accounts.as_ref());
        let _permit = permit.map_err(|account| CommitError::Unavailable { account })?;
        self.commit_blocking(work)
    }

    /// Makes an account stand still: no [`Self::commit_to`] that writes to it begins any more, and those under way are waited for. It ends when the fence is
    /// dropped, and after [`FENCE_MAX`](crate::FENCE_MAX) in any case. Adoption and [`Tx::seal_account`] are not held back.
    pub async fn fence(&self, account: AccountId) -> Result<Fence, FenceError> {
        let raised = self.core().gates.raise(account).ok_or(FenceError::Fenced { account })?;
        if !raised.close().await {
            return Err(FenceError::Busy { account });
        }
        // Closures without a permit that ran before the fence was closed are durable after this.
        self.commit(|_| Ok::<(), Infallible>(())).await?;
        let state = self.read()?.account(account)?.ok_or(FenceError::NoSuchAccount { account })?;
        Ok(Fence::new(raised, state.lsn))
    }

    /// The state after the last commit. Hold it shortly: see [`Snapshot`].
    pub fn read(&self) -> Result<Snapshot, ReadError> {
        Ok(Snapshot::new(self.core().index.view()?))
    }

    /// Appends a blob of at most [`crate::BLOB_MAX`], unless it is there already. It becomes durable with the commit
    /// that names it.
    pub fn put_blob(&self, content: Content, bytes: &[u8]) -> Result<BlobId, AppendError> {
        put_blob(self.core(), content, bytes)
    }

    /// Takes content of any size, piece by piece.
    pub fn content_writer(&self, content: Content) -> ContentWriter {
        ContentWriter::new(Arc::clone(self.core()), content)
    }

    /// A blob's bytes. They are checked against the sum that was made when they were put ([`crate::RecordHeader::sum`]), and its record against
    /// the id; [`Self::verify`] checks the bytes against the id.
    pub fn blob(&self, id: &BlobId) -> Result<Bytes, ReadError> {
        read_blob(self.core(), id)
    }

    /// For reading many blobs, some at a time. The bytes of `buffers` readings may be held at once before it needs new memory.
    pub fn blob_reader(&self, buffers: usize) -> BlobReader {
        BlobReader::new(Arc::clone(self.core()), buffers)
    }

    /// Wakes at every commit that touches the account, after it is durable and visible. It begins with the LSN of now, or 0
    /// if there is no such account or it cannot be read.
    pub fn watch(&self, account: AccountId) -> tokio::sync::watch::Receiver<Lsn> {
        self.core().watchers.subscribe(account, || {
            let view = self.core().index.view().ok();
            let row = view.and_then(|view| account_row(&view, &account).ok().flatten());
            row.map_or(Lsn::ZERO, |row| row.lsn)
        })
    }

    /// A blob's record, for another store ([`Self::put_blob_record`]): packed as it is here, so that neither packs it again. Its bytes are not
    /// checked; the other does.
    pub fn blob_record(&self, id: &BlobId) -> Result<Bytes, ReadError> {
        read_record(self.core(), id)
    }

    /// Puts a blob that another store has packed. It is unpacked and held against its id before anything is kept.
    pub fn put_blob_record(&self, record: &[u8]) -> Result<BlobId, PutRecordError> {
        put_record(self.core(), record)
    }

    /// An account's log after an LSN, at most `limit` changes of it.
    pub fn changes(&self, account: AccountId, after: Lsn, limit: usize) -> Result<Changes, ReadError> {
        changes(self.core(), account, after, limit)
    }

    /// The whole stream from a position up to now.
    pub fn tail(&self, from: Position) -> Result<Tail, ReadError> {
        Tail::new(Arc::clone(self.core()), from)
    }

    /// Checks everything, while the store is in use: see [`VerifyReport`]. Needs as much free space as the index takes.
    pub fn verify(&self, progress: &mut dyn FnMut(Progress)) -> Result<VerifyReport, ReadError> {
        verify(self.core(), progress)
    }

    /// Rewrites segments of which more than half are blobs that nothing has named for longer than `grace`. Commits and reads go on
    /// meanwhile. Blocks for as long as it takes: not to be called from async code directly.
    pub fn collect_garbage(&self, now: Timestamp, grace: Duration) -> Result<GarbageReport, GarbageError> {
        garbage::collect(self.core(), now, grace)
    }

    /// What the store has done since it was opened.
    pub fn stats(&self) -> Stats {
        let core = self.core();
        let counters = &core.counters;
        Stats {
            commits: counters.commits.value(),
            batches: counters.batches.value(),
            syncs: counters.syncs.value(),
            checkpoints: counters.checkpoints.value(),
            appended_bytes: counters.appended_bytes.value(),
            blobs: counters.blobs.value(),
            blobs_known: counters.blobs_known.value(),
            no_space: counters.no_space.value(),
            segments: core.segments.list().len() as u64,
            poisoned: core.failure.get().is_some(),
        }
    }

    /// Takes no more commits, finishes those that wait, makes the index durable. Commits through other handles get
    /// [`CommitError::Closed`] from now on.
    pub fn close(self) {
        self.open.close();
    }

    pub(crate) fn core(&self) -> &Arc<Core> {
        &self.open.core
    }
}

impl OpenStore {
    fn close(&self) {
        self.core.queue.close();
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        // A closure may own the last handle, and drop it on the writer itself.
        if let Some(writer) = writer
            && writer.thread().id() != thread::current().id()
            && writer.join().is_err()
        {
            tracing::error!("the writer of the store panicked");
        }
    }
}

impl Drop for OpenStore {
    fn drop(&mut self) {
        self.close();
    }
}
