//! Counting again, from the objects: accounts' numbers, and how often each blob is named.
//!
//! The references of all blobs do not fit into memory. Per first byte of the id, the ids named by objects are summed up, and
//! those of the blobs' rows, each as often as it says, taken away: zero, if the counts agree. Only where it is not zero are the
//! blobs with that first byte counted one by one.

use std::collections::HashMap;
use std::ops::Bound;

use essaim_types::{AccountId, BlobId};

use super::{Finding, VerifyReport};
use crate::error::ReadError;
use crate::index::rows::{AccountRow, BlobRow, split_id, split_object_key};
use crate::index::{Table, View};
use crate::object::ObjectRef;

/// How many rows [`recount`] looks at, if nothing is wrong.
pub(super) fn rows(view: &View) -> Result<u64, ReadError> {
    Ok(view.len(Table::Objects)? + view.len(Table::Blobs)?)
}

/// Notes every number that is not what the objects sum up to.
pub(super) fn recount(
    view: &View,
    report: &mut VerifyReport,
    tell: &mut dyn FnMut(u64),
) -> Result<(), ReadError> {
    let mut names = [0u128; 256];
    let mut sums: HashMap<u32, Sum> = HashMap::new();
    let mut seen = 0;
    objects(view, |local, object| {
        let sum = sums.entry(local).or_default();
        sum.objects += 1;
        sum.used = sum.used.saturating_add(object.charge.0);
        for blob in object.blobs() {
            add(&mut names, blob, 1);
        }
        seen += 1;
        if seen % TELL_EVERY == 0 {
            tell(TELL_EVERY);
        }
    })?;
    for row in view.rows(Table::Accounts, Bound::Unbounded, Bound::Unbounded)? {
        let row = row?;
        let account = AccountId::from_bytes(split_id(row.key())?);
        let AccountRow { local, used, objects, .. } = AccountRow::decode(row.value())?;
        let sum = sums.remove(&local).unwrap_or_default();
        for (what, counted, sum) in [("bytes", used.0, sum.used), ("objects", objects, sum.objects)] {
            if counted != sum {
                report.add(Finding::Account { account, what, counted, sum });
            }
        }
    }
    blobs(view, |blob, row| {
        add(&mut names, blob, u128::from(row.references).wrapping_neg());
        seen += 1;
        if seen % TELL_EVERY == 0 {
            tell(TELL_EVERY);
        }
    })?;
    tell(seen % TELL_EVERY);
    let wrong = (0u8..=255).zip(names).filter(|(_, sum)| *sum != 0).map(|(first, _)| first);
    for first in wrong.take(COUNTED_MAX) {
        count_one_by_one(view, first, report)?;
    }
    Ok(())
}

#[derive(Default)]
struct Sum {
    objects: u64,
    used: u64,
}

fn add(names: &mut [u128; 256], blob: BlobId, times: u128) {
    let (first, low) = (blob.as_bytes()[0], blob.as_bytes().last_chunk::<16>());
    let low = low.map_or(0, |bytes| u128::from_le_bytes(*bytes));
    let sum = &mut names[usize::from(first)];
    *sum = sum.wrapping_add(low.wrapping_mul(times));
}

fn count_one_by_one(view: &View, first: u8, report: &mut VerifyReport) -> Result<(), ReadError> {
    let mut counts: HashMap<BlobId, (u64, u64)> = HashMap::new();
    let ours = |blob: &BlobId| blob.as_bytes()[0] == first;
    objects(view, |_, object| {
        for blob in object.blobs().filter(ours) {
            counts.entry(blob).or_default().0 += 1;
        }
    })?;
    blobs(view, |blob, row| {
        if ours(&blob) {
            counts.entry(blob).or_default().1 = row.references;
        }
    })?;
    for (blob, (named, counted)) in counts {
        if named != counted {
            report.add(Finding::References { blob, counted, named });
        }
    }
    Ok(())
}

fn objects(view: &View, mut visit: impl FnMut(u32, ObjectRef<'_>)) -> Result<(), ReadError> {
    for row in view.rows(Table::Objects, Bound::Unbounded, Bound::Unbounded)? {
        let row = row?;
        let (local, _, _) = split_object_key(row.key())?;
        visit(local, ObjectRef::decode(row.value())?);
    }
    Ok(())
}

fn blobs(view: &View, mut visit: impl FnMut(BlobId, BlobRow)) -> Result<(), ReadError> {
    for row in view.rows(Table::Blobs, Bound::Unbounded, Bound::Unbounded)? {
        let row = row?;
        visit(BlobId::from_bytes(split_id(row.key())?), BlobRow::decode(row.value())?);
    }
    Ok(())
}

/// First bytes of ids whose blobs are counted one by one; where more are wrong, these few show it.
const COUNTED_MAX: usize = 4;
const TELL_EVERY: u64 = 4096;
