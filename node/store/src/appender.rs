//! The end of the stream: appending records, rolling to the next segment, and what was appended but is in no index yet.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use essaim_types::{BlobId, Timestamp};

use crate::disk::{Disk, DiskFile, OpenMode};
use crate::index::rows::{Location, Place};
use crate::record::RecordHeader;
use crate::segment::{FOLDER, SegmentHeader, file_name};
use crate::segments::Segments;

/// Appends to the last segment. One mutex, held for as long as one `pwrite` takes.
#[derive(Debug)]
pub(crate) struct Appender {
    disk: Arc<dyn Disk>,
    segments: Arc<Segments>,
    store: [u8; 16],
    segment_size: u64,
    tail: Mutex<Tail>,
}

#[derive(Debug)]
struct Tail {
    segment: u32,
    file: Arc<dyn DiskFile>,
    end: u64,
    /// An append or a sync has failed: what is durable is not known any more.
    broken: bool,
    /// Blobs that no index batch has taken up yet.
    appended: HashMap<BlobId, Location>,
    /// How often blobs went from there to the index.
    taken: u64,
    /// Blobs that nothing named when they were put again, and when that was.
    pinned: HashMap<BlobId, Timestamp>,
}

/// A batch of transactions, appended.
#[derive(Debug)]
pub(crate) struct Appended {
    /// See [`Appender::sync`].
    file: Arc<dyn DiskFile>,
    /// Where the batch begins; its records follow each other.
    pub(crate) place: Place,
    /// Blobs that stand before it and are not in the index.
    pub(crate) blobs: Vec<(BlobId, Location)>,
}

/// What became of a blob that was to be appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Put {
    Appended,
    Known,
    LookAgain,
}

/// Why nothing was appended.
#[derive(Debug)]
pub(crate) enum AppendFault {
    /// The disk is full; the stream ends where it ended before.
    NoSpace,
    /// What the stream's end holds is no longer known.
    Io(io::Error),
}

impl Appender {
    /// Goes on at the end of the last segment.
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        segments: Arc<Segments>,
        store: [u8; 16],
        segment_size: u64,
        end: Place,
    ) -> io::Result<Self> {
        let file = segments.file(end.segment)?;
        let tail = Tail {
            segment: end.segment,
            file,
            end: end.offset,
            broken: false,
            appended: HashMap::new(),
            taken: 0,
            pinned: HashMap::new(),
        };
        Ok(Self { disk, segments, store, segment_size, tail: Mutex::new(tail) })
    }

    /// Appends a blob, unless the same was appended a moment ago. The caller did not find it in the index, at a time when
    /// [`Self::taken`] was this; if blobs went to the index since, nothing is appended: it must look again.
    pub(crate) fn append_blob(
        &self,
        id: BlobId,
        record: &[u8],
        plain: u32,
        taken: u64,
    ) -> Result<Put, AppendFault> {
        let mut tail = self.tail();
        if tail.appended.contains_key(&id) {
            return Ok(Put::Known);
        }
        if tail.taken != taken {
            return Ok(Put::LookAgain);
        }
        let place = self.append(&mut tail, record)?;
        let stored = u32::try_from(record.len() - RecordHeader::LEN).expect("a blob is at most BLOB_MAX");
        tail.appended.insert(id, Location { place, stored, plain });
        Ok(Put::Appended)
    }

    /// How often blobs went from here to the index.
    pub(crate) fn taken(&self) -> u64 {
        self.tail().taken
    }

    /// Appends the transactions of a batch, and says which blobs stand before them.
    pub(crate) fn append_batch(&self, records: &[u8]) -> Result<Appended, AppendFault> {
        let mut tail = self.tail();
        let place = self.append(&mut tail, records)?;
        let blobs = tail.appended.iter().map(|(id, location)| (*id, *location)).collect();
        Ok(Appended { file: Arc::clone(&tail.file), place, blobs })
    }

    /// Makes a batch durable, and whatever stands before it.
    ///
    /// Linux tells a failed write-back once for each open file. So if a blob of another thread began a new segment meanwhile, it
    /// may have been told what this batch had to know.
    pub(crate) fn sync(&self, batch: &Appended) -> io::Result<()> {
        batch.file.sync()?;
        if self.tail().broken { Err(io::Error::other(BROKEN)) } else { Ok(()) }
    }

    /// A blob that is in no index yet.
    pub(crate) fn find(&self, id: &BlobId) -> Option<Location> {
        self.tail().appended.get(id).copied()
    }

    /// Blobs that a replay found behind the last transaction.
    pub(crate) fn remember(&self, blobs: Vec<(BlobId, Location)>) {
        self.tail().appended.extend(blobs);
    }

    /// Keeps a blob that is in the index from the garbage for a while.
    pub(crate) fn pin(&self, id: BlobId, now: Timestamp) {
        self.tail().pinned.insert(id, now);
    }

    /// Whether a blob was pinned after `since`.
    pub(crate) fn is_pinned(&self, id: &BlobId, since: Timestamp) -> bool {
        self.tail().pinned.get(id).is_some_and(|pinned| *pinned > since)
    }

    /// Does `work` while no blob is pinned or appended, unless one of these was pinned after `since`. Forgets older pins.
    pub(crate) fn unless_pinned<'b, T>(
        &self,
        mut blobs: impl Iterator<Item = &'b BlobId>,
        since: Timestamp,
        work: impl FnOnce() -> T,
    ) -> Option<T> {
        let mut tail = self.tail();
        tail.pinned.retain(|_, pinned| *pinned > since);
        (!blobs.any(|id| tail.pinned.contains_key(id))).then(work)
    }

    /// These blobs are in the index now.
    pub(crate) fn forget(&self, blobs: &[(BlobId, Location)]) {
        let mut tail = self.tail();
        tail.taken += 1;
        for (id, _) in blobs {
            tail.appended.remove(id);
        }
    }

    fn append(&self, tail: &mut Tail, bytes: &[u8]) -> Result<Place, AppendFault> {
        if tail.broken {
            return Err(AppendFault::Io(io::Error::other(BROKEN)));
        }
        let appended = self.write(tail, bytes);
        tail.broken = matches!(appended, Err(AppendFault::Io(_)));
        appended
    }

    fn write(&self, tail: &mut Tail, bytes: &[u8]) -> Result<Place, AppendFault> {
        let over = tail.end + bytes.len() as u64 > self.segment_size;
        if over && tail.end > SegmentHeader::LEN {
            self.roll(tail)?;
        }
        let place = Place { segment: tail.segment, offset: tail.end };
        match tail.file.write_all_at(bytes, tail.end) {
            Ok(()) => {
                tail.end += bytes.len() as u64;
                Ok(place)
            }
            Err(error) if is_full(&error) => {
                // Synced, so that no crash brings back a transaction whose commit was answered with "no space".
                tail.file.set_len(tail.end).and_then(|()| tail.file.sync()).map_err(AppendFault::Io)?;
                Err(AppendFault::NoSpace)
            }
            Err(error) => Err(AppendFault::Io(error)),
        }
    }

    /// Begins the next segment. The old one is synced first: only the last may end in a torn record.
    fn roll(&self, tail: &mut Tail) -> Result<(), AppendFault> {
        tail.file.sync().map_err(AppendFault::Io)?;
        let number = tail.segment.checked_add(1).expect("2^32 segments are 2^58 bytes");
        let file = create_segment(&*self.disk, number, self.store)?;
        self.segments.adopt(number, 0, Arc::clone(&file));
        (tail.segment, tail.file, tail.end) = (number, file, SegmentHeader::LEN);
        Ok(())
    }

    fn tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes an empty segment, durable before anything is appended to it.
pub(crate) fn create_segment(
    disk: &dyn Disk,
    number: u32,
    store: [u8; 16],
) -> Result<Arc<dyn DiskFile>, AppendFault> {
    let name = file_name(number, 0);
    let header = SegmentHeader { number, revision: 0, store }.encode();
    let create = || {
        let file = disk.open(&name, OpenMode::New)?;
        file.write_all_at(&header, 0)?;
        Ok(file)
    };
    let file = match create() {
        Ok(file) => file,
        Err(error) if is_full(&error) => {
            let removed = disk.remove(&name);
            let gone = removed.or_else(|e| if e.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(e) });
            gone.map_err(AppendFault::Io)?;
            return Err(AppendFault::NoSpace);
        }
        Err(error) => return Err(AppendFault::Io(error)),
    };
    file.sync().and_then(|()| disk.sync_folder(FOLDER)).map_err(AppendFault::Io)?;
    Ok(file)
}

pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

const BROKEN: &str = "the end of the stream failed before";
