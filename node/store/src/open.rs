//! Opening: format, lock, segments, index, and the replay of what the index has not seen.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use crate::appender::Appender;
use crate::codec::Codecs;
use crate::core::Core;
use crate::disk::{Disk, OpenMode};
use crate::error::OpenError;
use crate::format;
use crate::index::Index;
use crate::index::rows::Meta;
use crate::options::Options;
use crate::queue::Queue;
use crate::replay::{Replayed, replay};
use crate::segment::{FIRST, FOLDER, parse_file_name};
use crate::segments::Segments;
use crate::stats::Counters;
use crate::watch::Watchers;

/// An open store, its writer not started.
pub(crate) struct Opened {
    pub(crate) core: Core,
    pub(crate) meta: Meta,
}

/// Opens the store on a disk; makes one if there is none. The caller holds the lock.
pub(crate) fn open(disk: Arc<dyn Disk>, options: &Options) -> Result<Opened, OpenError> {
    disk.create_folder(FOLDER).map_err(OpenError::io("make the folder segments"))?;
    disk.create_folder(LOST).map_err(OpenError::io("make the folder lost+found"))?;
    let known = list_segments(&*disk)?;
    let store = format::read_or_create(&*disk, !known.is_empty())?;
    let segments = Arc::new(Segments::new(Arc::clone(&disk), known));
    let codecs = Codecs::default();
    let index = open_index(&disk, options)?;
    let Replayed { meta, end, blobs } = replay(&*disk, &segments, &codecs, &index, store)?;
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
        failure: OnceLock::new(),
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

fn open_index(disk: &Arc<dyn Disk>, options: &Options) -> Result<Index, OpenError> {
    let open = || -> Result<_, OpenError> {
        let file = disk.open(INDEX, OpenMode::Any).map_err(OpenError::io("open index.redb"))?;
        Ok(Index::open(file, options.cache))
    };
    match open()? {
        Ok(index) => Ok(index),
        Err(error) if error.is_damage() => {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "the index is damaged: computing it again"
            );
            disk.remove(INDEX).map_err(OpenError::io("remove index.redb"))?;
            Ok(open()??)
        }
        Err(error) => Err(error.into()),
    }
}

/// The index; it may be deleted while the node is down.
pub(crate) const INDEX: &str = "index.redb";
/// What was cut off the end of the stream.
pub(crate) const LOST: &str = "lost+found";
