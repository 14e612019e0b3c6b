//! Opening: format, segments, index, and the replay of what the index has not seen.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock};

use crate::appender::Appender;
use crate::codec::Codecs;
use crate::core::Core;
use crate::disk::{Disk, Lock, OpenMode};
use crate::error::OpenError;
use crate::format::{self, StoreId};
use crate::index::rows::{META_KEY, Meta};
use crate::index::{Index, IndexError, Table, is_damage};
use crate::options::Options;
use crate::progress::Progress;
use crate::queue::Queue;
use crate::replay::{Replayed, Stream};
use crate::segment::{FIRST, FOLDER, parse_file_name};
use crate::segments::Segments;
use crate::stats::Counters;
use crate::watch::Watchers;
use crate::wire::DecodeError;

/// An open store, its writer not started.
pub(crate) struct Opened {
    pub(crate) core: Core,
    pub(crate) meta: Meta,
}

/// Opens the store on a disk; makes one if there is none.
pub(crate) fn open(
    disk: Arc<dyn Disk>,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Result<Opened, OpenError> {
    let lock = lock(&*disk)?;
    open_locked(disk, options, lock, progress)
}

/// Takes the store for this process.
pub(crate) fn lock(disk: &dyn Disk) -> Result<Lock, OpenError> {
    disk.lock().map_err(OpenError::io("take the file LOCK"))?.ok_or(OpenError::Locked)
}

/// The same, by who has the lock.
pub(crate) fn open_locked(
    disk: Arc<dyn Disk>,
    options: &Options,
    lock: Lock,
    progress: &mut dyn FnMut(Progress),
) -> Result<Opened, OpenError> {
    for folder in [FOLDER, LOST] {
        disk.create_folder(folder).map_err(OpenError::io(format!("make the folder {folder}")))?;
    }
    let known = list_segments(&*disk)?;
    let store = format::read_or_create(&*disk, !known.is_empty())?;
    let segments = Arc::new(Segments::new(Arc::clone(&disk), known));
    let codecs = Codecs::default();
    let stream = Stream { disk: &*disk, segments: &segments, codecs: &codecs, store };
    let (index, Replayed { meta, end, blobs }) = open_index(&disk, options, &stream, progress)?;
    let fail = OpenError::io("open the last segment");
    let size = options.segment_size.0;
    let appender = Appender::new(Arc::clone(&disk), Arc::clone(&segments), store, size, end).map_err(fail)?;
    appender.remember(blobs);
    let core = Core {
        disk,
        options: options.clone(),
        index,
        segments,
        appender,
        codecs,
        queue: Queue::new(options.queue),
        watchers: Watchers::default(),
        counters: Counters::default(),
        maintenance: Mutex::default(),
        store,
        failure: OnceLock::new(),
        _lock: lock,
    };
    Ok(Opened { core, meta })
}

/// Number to revision. A number that is there twice was being rewritten: the older file holds everything the newer does.
fn list_segments(disk: &dyn Disk) -> Result<BTreeMap<u32, u32>, OpenError> {
    let mut known = BTreeMap::new();
    for name in disk.list(FOLDER).map_err(OpenError::io("list the folder segments"))? {
        if let Some((number, revision)) = parse_file_name(&name) {
            let known = known.entry(number).or_insert(revision);
            *known = revision.min(*known);
        }
    }
    for (number, expected) in known.keys().zip(FIRST..) {
        if *number != expected {
            return Err(OpenError::SegmentMissing { segment: expected });
        }
    }
    Ok(known)
}

/// The index, with the stream applied to its end. If it is damaged or another store's, it is made again from nothing.
fn open_index(
    disk: &Arc<dyn Disk>,
    options: &Options,
    stream: &Stream<'_>,
    progress: &mut dyn FnMut(Progress),
) -> Result<(Index, Replayed), OpenError> {
    let mut attempt = || -> Result<_, OpenError> {
        let index = open_file(disk, options)??;
        if !belongs(&index, stream.store)? {
            return Err(IndexError::from(FOREIGN).into());
        }
        let replayed = stream.replay(&index, progress)?;
        Ok((index, replayed))
    };
    // redb panics on some damaged pages. What it holds then is thrown away, with the file.
    match catch_unwind(AssertUnwindSafe(&mut attempt)) {
        Ok(Err(OpenError::Index(error))) if is_damage(error.as_ref()) => {
            tracing::warn!(error = error.as_ref() as &dyn std::error::Error, "the index is computed again");
        }
        Err(_) => tracing::warn!("the index is damaged and computed again"),
        Ok(done) => return done,
    }
    disk.remove(INDEX).map_err(OpenError::io("remove index.redb"))?;
    attempt()
}

fn open_file(disk: &Arc<dyn Disk>, options: &Options) -> Result<Result<Index, IndexError>, OpenError> {
    let fail = || OpenError::io("open index.redb");
    let file = disk.open(INDEX, OpenMode::Any).map_err(fail())?;
    // Its name too must survive a crash, or everything would have to be read again.
    disk.sync_folder("").map_err(fail())?;
    Ok(Index::open(file, options.cache))
}

fn belongs(index: &Index, store: StoreId) -> Result<bool, IndexError> {
    let meta = index.view()?.with(Table::Meta, META_KEY, Meta::decode)?.transpose()?;
    Ok(meta.is_none_or(|meta| meta.store == store))
}

/// The index; it may be deleted while the node is down.
pub(crate) const INDEX: &str = "index.redb";
/// What was cut off the end of the stream.
pub(crate) const LOST: &str = "lost+found";
const FOREIGN: DecodeError = DecodeError("the index belongs to another store");
