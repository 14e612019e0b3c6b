//! Opening: format, segments, index, and the replay of what the index has not seen.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, OnceLock, RwLock};

use crate::appender::Appender;
use crate::codec::Codecs;
use crate::core::Core;
use crate::disk::{Disk, Lock, OpenMode};
use crate::error::OpenError;
use crate::format::{self, StoreId};
use crate::index::rows::{META_KEY, Meta, SegmentRow};
use crate::index::{Index, IndexError, Table, View, is_damage};
use crate::options::Options;
use crate::progress::Progress;
use crate::queue::Queue;
use crate::replay::{Replayed, Stream};
use crate::segment::{FIRST, FOLDER, file_name, parse_file_name};
use crate::segments::Segments;
use crate::stats::Counters;
use crate::watch::Watchers;
use crate::wire::DecodeError;

/// An open store, its writer not started.
pub(crate) struct Opened {
    pub(crate) core: Core,
    pub(crate) meta: Meta,
}

/// The parts that opening finds on the disk.
struct Found {
    index: Index,
    segments: Arc<Segments>,
    replayed: Replayed,
}

/// Files of segments: number to revisions. There are two of one number while, or just after, it was rewritten.
type Files = BTreeMap<u32, BTreeSet<u32>>;

/// Takes the store for this process.
pub(crate) fn lock(disk: &dyn Disk) -> Result<Lock, OpenError> {
    disk.lock().map_err(OpenError::io("take the file LOCK"))?.ok_or(OpenError::Locked)
}

/// Opens the store on a disk; makes one if there is none.
pub(crate) fn open(
    disk: Arc<dyn Disk>,
    options: &Options,
    lock: Lock,
    progress: &mut dyn FnMut(Progress),
) -> Result<Opened, OpenError> {
    for folder in [FOLDER, LOST] {
        disk.create_folder(folder).map_err(OpenError::io(format!("make the folder {folder}")))?;
    }
    let files = list_segments(&*disk)?;
    let store = format::read_or_create(&*disk, !files.is_empty())?;
    let codecs = Codecs::default();
    let Found { index, segments, replayed } = open_index(&disk, options, store, &codecs, &files, progress)?;
    remove_leftovers(&*disk, &files, &segments)?;
    let Replayed { meta, end, blobs } = replayed;
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
        gates: Arc::default(),
        counters: Counters::default(),
        maintenance: Mutex::default(),
        writing: Mutex::default(),
        places: RwLock::default(),
        store,
        failure: OnceLock::new(),
        _lock: lock,
    };
    Ok(Opened { core, meta })
}

fn list_segments(disk: &dyn Disk) -> Result<Files, OpenError> {
    let mut files = Files::new();
    for name in disk.list(FOLDER).map_err(OpenError::io("list the folder segments"))? {
        if let Some((number, revision)) = parse_file_name(&name) {
            files.entry(number).or_default().insert(revision);
        }
    }
    for (number, expected) in files.keys().zip(FIRST..) {
        if *number != expected {
            return Err(OpenError::SegmentMissing { segment: expected });
        }
    }
    Ok(files)
}

/// The index, with the stream applied to its end. If it is damaged or another store's, it is made again from nothing.
fn open_index(
    disk: &Arc<dyn Disk>,
    options: &Options,
    store: StoreId,
    codecs: &Codecs,
    files: &Files,
    progress: &mut dyn FnMut(Progress),
) -> Result<Found, OpenError> {
    let mut attempt = || -> Result<_, OpenError> {
        let index = open_file(disk, options)?;
        let revisions = revisions(&index.view()?, store, files)?;
        let segments = Arc::new(Segments::new(Arc::clone(disk), revisions));
        let stream = Stream { disk: &**disk, segments: &segments, codecs, store };
        let replayed = stream.replay(&index, progress)?;
        Ok(Found { index, segments, replayed })
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

fn open_file(disk: &Arc<dyn Disk>, options: &Options) -> Result<Index, OpenError> {
    let fail = || OpenError::io("open index.redb");
    let file = disk.open(INDEX, OpenMode::Any).map_err(fail())?;
    // Its name too must survive a crash, or everything would have to be read again.
    disk.sync_folder("").map_err(fail())?;
    Ok(Index::open(file, options.cache)?)
}

/// Which file is the segment of each number: the one that the index was computed from. For an index that begins anew, the
/// oldest: a rewritten one counts only once an index that knows it is durable, and it is only then that the older is removed.
fn revisions(view: &View, store: StoreId, files: &Files) -> Result<BTreeMap<u32, u32>, IndexError> {
    let meta = view.with(Table::Meta, META_KEY, Meta::decode)?.transpose()?;
    if meta.is_some_and(|meta| meta.store != store) {
        return Err(FOREIGN.into());
    }
    let mut revisions = BTreeMap::new();
    for (number, found) in files {
        let row = view.with(Table::Segments, &number.to_be_bytes(), SegmentRow::decode)?.transpose()?;
        let revision = match (meta, row) {
            (Some(_), Some(row)) => row.revision,
            (Some(_), None) => 0,
            (None, _) => found.first().copied().unwrap_or(0),
        };
        if !found.contains(&revision) {
            return Err(OTHER_REVISIONS.into());
        }
        revisions.insert(*number, revision);
    }
    Ok(revisions)
}

/// Files that were being written, or had been replaced, when the store was last closed or crashed.
fn remove_leftovers(disk: &dyn Disk, files: &Files, segments: &Segments) -> Result<(), OpenError> {
    let fail = |name: &str| OpenError::io(format!("remove {name}"));
    for (number, found) in files {
        for revision in found.iter().filter(|revision| Some(**revision) != segments.revision(*number)) {
            let name = file_name(*number, *revision);
            disk.remove(&name).map_err(fail(&name))?;
        }
    }
    for name in disk.list(FOLDER).map_err(OpenError::io("list the folder segments"))? {
        if name.ends_with(UNFINISHED) {
            let name = format!("{FOLDER}/{name}");
            disk.remove(&name).map_err(fail(&name))?;
        }
    }
    Ok(())
}

/// The index; it may be deleted while the node is down.
pub(crate) const INDEX: &str = "index.redb";
/// What was cut off the end of the stream.
pub(crate) const LOST: &str = "lost+found";
/// The end of the name of a segment that is being rewritten.
pub(crate) const UNFINISHED: &str = ".new";
const FOREIGN: DecodeError = DecodeError("the index belongs to another store");
const OTHER_REVISIONS: DecodeError = DecodeError("the index was computed from other files of the segments");
