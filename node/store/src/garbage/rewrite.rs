//! Writing a segment anew, and putting it in the old one's place.

use std::io;
use std::sync::{Arc, PoisonError};

use essaim_types::{BlobId, Timestamp};

use super::GarbageError;
use super::plan::Plan;
use crate::appender::is_full;
use crate::core::Core;
use crate::disk::{DiskFile, OpenMode};
use crate::index::rows::{AccountRow, BlobRow, Location, Place, SegmentRow, log_key};
use crate::index::{Batch, IndexError, Table, View};
use crate::open::UNFINISHED;
use crate::segment::{FOLDER, SegmentHeader, file_name};

/// What a rewrite freed.
#[derive(Debug)]
pub(super) struct Swept {
    pub(super) blobs: u64,
    pub(super) bytes: u64,
    /// Bytes of unnamed blobs that were kept.
    pub(super) left: u64,
}

/// Rewrites a segment; `None` if one of the blobs that were to go was wanted again in the meantime.
pub(super) fn rewrite(core: &Core, plan: &Plan, since: Timestamp) -> Result<Option<Swept>, GarbageError> {
    let (segment, revision) = (plan.segment, plan.row.revision + 1);
    let name = file_name(segment, revision);
    let stays: u64 = plan.runs.iter().map(|(from, to)| to - from).sum();
    let space = usize::try_from(stays).unwrap_or(usize::MAX);
    let fail = |source: io::Error| match is_full(&source) {
        true => GarbageError::NoSpace,
        false => GarbageError::Rewrite { segment, source },
    };
    core.check_space(space).map_err(|_| GarbageError::NoSpace)?;
    let copied = copy(core, plan, revision, &name).map_err(|error| {
        drop(core.disk.remove(&format!("{name}{UNFINISHED}")));
        fail(error)
    })?;
    let Some(left) = replace(core, plan, revision, copied, since)? else {
        core.disk.remove(&name).map_err(fail)?;
        return Ok(None);
    };
    core.disk.remove(&file_name(segment, plan.row.revision)).map_err(fail)?;
    let bytes = plan.length - SegmentHeader::LEN - stays;
    Ok(Some(Swept { blobs: plan.swept.len() as u64, bytes, left }))
}

/// The new file, durable under its name.
fn copy(core: &Core, plan: &Plan, revision: u32, name: &str) -> io::Result<Arc<dyn DiskFile>> {
    let old = core.segments.file(plan.segment)?;
    let unfinished = format!("{name}{UNFINISHED}");
    let new = core.disk.open(&unfinished, OpenMode::Any)?;
    new.set_len(0)?;
    let header = SegmentHeader { number: plan.segment, revision, store: core.store };
    new.write_all_at(&header.encode(), 0)?;
    let mut end = SegmentHeader::LEN;
    let mut buffer = Vec::new();
    for (from, to) in &plan.runs {
        let mut at = *from;
        while at < *to {
            let step = usize::try_from(to - at).unwrap_or(COPY_STEP).min(COPY_STEP);
            buffer.resize(step, 0);
            old.read_exact_at(&mut buffer, at)?;
            new.write_all_at(&buffer, end)?;
            at += step as u64;
            end += step as u64;
        }
    }
    new.sync()?;
    core.disk.rename(&unfinished, name)?;
    core.disk.sync_folder(FOLDER)?;
    Ok(new)
}

/// Puts the new file in the old one's place: no commit, no put and no read of a record happens meanwhile. Gives the bytes of
/// unnamed blobs that are still in it.
fn replace(
    core: &Core,
    plan: &Plan,
    revision: u32,
    file: Arc<dyn DiskFile>,
    since: Timestamp,
) -> Result<Option<u64>, GarbageError> {
    let poison = |error: IndexError| GarbageError::Failed(core.poison("update the index", error.0));
    let replaced = {
        let _writing = core.writing.lock().unwrap_or_else(PoisonError::into_inner);
        core.check().map_err(GarbageError::Failed)?;
        let view = core.index.view().map_err(poison)?;
        let Some((batch, left)) = batch(&view, plan, revision, since).map_err(poison)? else {
            return Ok(None);
        };
        let _places = core.places.write().unwrap_or_else(PoisonError::into_inner);
        let swept = plan.swept.iter().map(|(id, _)| id);
        let applied = core.appender.unless_pinned(swept, since, || core.index.apply(batch));
        let Some(applied) = applied else { return Ok(None) };
        applied.map_err(poison)?;
        core.segments.adopt(plan.segment, revision, file);
        left
    };
    // The old file is what an index from before would be used with after a crash.
    core.index.checkpoint().map_err(poison)?;
    core.counters.checkpoints.add(1);
    Ok(Some(replaced))
}

/// The new places; `None` if something that was to go is named again.
fn batch(
    view: &View,
    plan: &Plan,
    revision: u32,
    since: Timestamp,
) -> Result<Option<(Batch, u64)>, IndexError> {
    let mut batch = Batch::default();
    let offsets = plan.offsets();
    let moved = |offset: u64| offsets.get(&offset).copied().unwrap_or(offset);
    let mut left = 0;
    for (id, location) in &plan.swept {
        match blob_at(view, id, *location)? {
            Some(row) if row.references == 0 && row.idle_since <= since => {
                batch.set(Table::Blobs, *id.as_bytes(), None);
            }
            _ => return Ok(None),
        }
    }
    for (id, location) in &plan.kept {
        let Some(row) = blob_at(view, id, *location)? else { return Ok(None) };
        if row.references == 0 {
            left += u64::try_from(location.record_len()).unwrap_or(0);
        }
        let place = Place { offset: moved(location.place.offset), ..location.place };
        let row = BlobRow { location: Some(Location { place, ..*location }), ..row };
        batch.put(Table::Blobs, *id.as_bytes(), row.encode());
    }
    for (account, lsn, offset) in &plan.log {
        let account = view.with(Table::Accounts, account.as_bytes(), AccountRow::decode)?.transpose()?;
        let Some(account) = account else { continue };
        let key = log_key(account.local, *lsn);
        let place = Place { segment: plan.segment, offset: *offset };
        // An account that was deleted and made again has another log now.
        if view.with(Table::Log, &key, Place::decode)?.transpose()? == Some(place) {
            batch.put(Table::Log, key, Place { offset: moved(*offset), ..place }.encode());
        }
    }
    let row = SegmentRow { revision, dead: left };
    batch.put(Table::Segments, plan.segment.to_be_bytes(), row.encode());
    Ok(Some((batch, left)))
}

fn blob_at(view: &View, id: &BlobId, location: Location) -> Result<Option<BlobRow>, IndexError> {
    let row = view.with(Table::Blobs, id.as_bytes(), BlobRow::decode)?.transpose()?;
    Ok(row.filter(|row| row.location == Some(location)))
}

/// Bytes copied at once.
const COPY_STEP: usize = 1 << 20;
