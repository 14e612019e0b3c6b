//! What transactions change, before it is in the index: rows over a view, with an undo for a transaction that fails.
//!
//! The one place where operations become state. Closures of the writer, replay at opening and rebuild all go through it,
//! so that the live index and a rebuilt one cannot differ.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::Hash;
use std::mem;

use bytes::Bytes;
use essaim_types::{AccountId, BlobId, ByteSize, Lsn, ObjectKind, Timestamp};

use crate::account::AccountStatus;
use crate::index::rows::{AccountRow, BlobRow, Location, Place, SegmentRow, log_key, object_key};
use crate::index::{Batch, IndexError, Table, View};
use crate::object::Object;

/// Uncommitted state over a view of the index.
#[derive(Debug)]
pub(crate) struct Overlay {
    view: View,
    accounts: HashMap<AccountId, Option<AccountRow>>,
    objects: BTreeMap<Vec<u8>, Option<Bytes>>,
    derived: BTreeMap<Vec<u8>, Option<Bytes>>,
    blobs: HashMap<BlobId, BlobRow>,
    log: Vec<(u32, Lsn, Place)>,
    /// Local numbers of accounts that were deleted.
    dropped: Vec<u32>,
    /// Of segments that were rewritten.
    revisions: HashMap<u32, u32>,
    pub(crate) next_local: u32,
    undo: Undo,
}

/// What the current transaction overwrote.
#[derive(Debug, Default)]
struct Undo {
    accounts: Vec<(AccountId, Option<Option<AccountRow>>)>,
    objects: Vec<(Vec<u8>, Option<Option<Bytes>>)>,
    derived: Vec<(Vec<u8>, Option<Option<Bytes>>)>,
    /// The third is the row that was in force, whether the overlay had it or the index.
    blobs: Vec<(BlobId, Option<BlobRow>, Option<BlobRow>)>,
    dropped: usize,
    next_local: u32,
}

impl Overlay {
    pub(crate) fn new(view: View, next_local: u32) -> Self {
        let undo = Undo { next_local, ..Undo::default() };
        Self {
            view,
            accounts: HashMap::new(),
            objects: BTreeMap::new(),
            derived: BTreeMap::new(),
            blobs: HashMap::new(),
            log: Vec::new(),
            dropped: Vec::new(),
            revisions: HashMap::new(),
            next_local,
            undo,
        }
    }

    pub(crate) fn view(&self) -> &View {
        &self.view
    }

    pub(crate) fn objects(&self) -> &BTreeMap<Vec<u8>, Option<Bytes>> {
        &self.objects
    }

    /// The current transaction stays. A blob whose last name it took is idle from its time on.
    pub(crate) fn keep(&mut self, time: Timestamp) {
        // Backwards, so that the state before the transaction has the last word.
        for (id, _, before) in self.undo.blobs.drain(..).rev() {
            if let Some(row) = self.blobs.get_mut(&id) {
                row.idle_since = match before {
                    _ if row.references > 0 => Timestamp(0),
                    Some(before) if before.references == 0 && before.location.is_some() => before.idle_since,
                    _ => time,
                };
            }
        }
        self.begin();
    }

    /// Nothing of the current transaction is in the log: only what it derived stays.
    pub(crate) fn keep_derived(&mut self) {
        let derived = mem::take(&mut self.undo.derived);
        let first_new = self.undo.next_local;
        self.undo();
        for (key, _) in derived {
            // An account that it made and deleted again takes what was derived with it.
            let local = key.first_chunk().map_or(u32::MAX, |local| u32::from_be_bytes(*local));
            if local >= first_new {
                self.derived.remove(&key);
            }
        }
    }

    /// The current transaction never was.
    pub(crate) fn undo(&mut self) {
        roll_back(self.undo.accounts.drain(..).rev(), &mut self.accounts);
        roll_back(self.undo.blobs.drain(..).rev().map(|(id, row, _)| (id, row)), &mut self.blobs);
        for (rows, undo) in
            [(&mut self.objects, &mut self.undo.objects), (&mut self.derived, &mut self.undo.derived)]
        {
            for (key, before) in undo.drain(..).rev() {
                match before {
                    Some(before) => _ = rows.insert(key, before),
                    None => _ = rows.remove(&key),
                }
            }
        }
        self.dropped.truncate(self.undo.dropped);
        self.next_local = self.undo.next_local;
        self.begin();
    }

    fn begin(&mut self) {
        self.undo = Undo { dropped: self.dropped.len(), next_local: self.next_local, ..Undo::default() };
    }

    pub(crate) fn account(&self, id: &AccountId) -> Result<Option<AccountRow>, IndexError> {
        match self.accounts.get(id) {
            Some(row) => Ok(*row),
            None => Ok(self.view.with(Table::Accounts, id.as_bytes(), AccountRow::decode)?.transpose()?),
        }
    }

    pub(crate) fn set_account(&mut self, id: AccountId, row: Option<AccountRow>) {
        let before = self.accounts.insert(id, row);
        self.undo.accounts.push((id, before));
    }

    /// A new account's numbers, before its first object.
    pub(crate) fn new_account(&mut self, id: AccountId) -> AccountRow {
        let row = AccountRow {
            local: self.next_local,
            lsn: Lsn::ZERO,
            quota: ByteSize(0),
            used: ByteSize(0),
            objects: 0,
            base: Lsn::ZERO,
            status: AccountStatus::Open,
            copied: Lsn::ZERO,
        };
        self.next_local = self.next_local.checked_add(1).expect("fewer than 2^32 accounts are ever made");
        self.set_account(id, Some(row));
        row
    }

    /// The account is gone, with its log and whatever was derived.
    pub(crate) fn drop_account(&mut self, id: AccountId, local: u32) {
        self.dropped.push(local);
        self.set_account(id, None);
    }

    pub(crate) fn object_row(&self, key: &[u8]) -> Result<Option<Bytes>, IndexError> {
        match self.objects.get(key) {
            Some(row) => Ok(row.clone()),
            None => self.view.row(Table::Objects, key),
        }
    }

    /// Puts or removes an object and counts it; says whether there was one.
    pub(crate) fn set_object(
        &mut self,
        account: AccountId,
        row: &mut AccountRow,
        kind: ObjectKind,
        key: &[u8],
        object: Option<&Object>,
    ) -> Result<bool, IndexError> {
        let key = object_key(row.local, kind, key);
        let before = self.object_row(&key)?.map(|row| Object::decode_row(&row)).transpose()?;
        let had = before.is_some();
        if let Some(before) = &before {
            row.used.0 = row.used.0.saturating_sub(before.charge.0);
            row.objects = row.objects.saturating_sub(1);
        }
        if let Some(object) = object {
            row.used.0 = row.used.0.saturating_add(object.charge.0);
            row.objects += 1;
        }
        self.move_references(
            before.map(|before| before.blobs),
            object.map(|object| object.blobs.as_slice()),
        )?;
        self.set_account(account, Some(*row));
        let before = self.objects.insert(key.clone(), object.map(Object::encode_row));
        self.undo.objects.push((key, before));
        Ok(had)
    }

    pub(crate) fn derived(&self, key: &[u8]) -> Result<Option<Bytes>, IndexError> {
        match self.derived.get(key) {
            Some(row) => Ok(row.clone()),
            None => self.view.row(Table::Derived, key),
        }
    }

    pub(crate) fn set_derived(&mut self, key: Vec<u8>, row: Option<Bytes>) {
        let before = self.derived.insert(key.clone(), row);
        self.undo.derived.push((key, before));
    }

    pub(crate) fn blob(&self, id: &BlobId) -> Result<Option<BlobRow>, IndexError> {
        match self.blobs.get(id) {
            Some(row) => Ok(Some(*row)),
            None => Ok(self.view.with(Table::Blobs, id.as_bytes(), BlobRow::decode)?.transpose()?),
        }
    }

    /// A blob that stands in the stream; if it stands there twice, the first place counts.
    pub(crate) fn add_blob(&mut self, id: BlobId, location: Location) -> Result<(), IndexError> {
        let known = self.blob(&id)?;
        if known.is_some_and(|row| row.location.is_some()) {
            return Ok(());
        }
        let references = known.map_or(0, |row| row.references);
        self.set_blob(id, known, BlobRow { location: Some(location), references, idle_since: Timestamp(0) });
        Ok(())
    }

    /// An object names other blobs than before. Most changes of an object leave its blobs alone: blobs stand in the order of
    /// their hashes, so that to count one down and up again is to write a page of the index for each.
    fn move_references(
        &mut self,
        from: Option<Vec<BlobId>>,
        to: Option<&[BlobId]>,
    ) -> Result<(), IndexError> {
        let (from, to) = (from.unwrap_or_default(), to.unwrap_or_default());
        if from == to {
            return Ok(());
        }
        for blob in from {
            self.add_references(blob, false)?;
        }
        for blob in to {
            self.add_references(*blob, true)?;
        }
        Ok(())
    }

    fn add_references(&mut self, id: BlobId, more: bool) -> Result<(), IndexError> {
        // Unknown: the log's past names blobs that were swept since.
        let unknown = BlobRow { location: None, references: 0, idle_since: Timestamp(0) };
        let known = self.blob(&id)?;
        let mut row = known.unwrap_or(unknown);
        row.references = if more { row.references + 1 } else { row.references.saturating_sub(1) };
        self.set_blob(id, known, row);
        Ok(())
    }

    fn set_blob(&mut self, id: BlobId, in_force: Option<BlobRow>, row: BlobRow) {
        let before = self.blobs.insert(id, row);
        self.undo.blobs.push((id, before, in_force));
    }

    /// Where the transaction with this LSN of an account stands.
    pub(crate) fn add_log(&mut self, local: u32, lsn: Lsn, place: Place) {
        self.log.push((local, lsn, place));
    }

    /// The segment was rewritten so often.
    pub(crate) fn set_revision(&mut self, segment: u32, revision: u32) {
        self.revisions.insert(segment, revision);
    }

    /// Everything kept, as one batch of the index.
    pub(crate) fn into_batch(self) -> Result<Batch, IndexError> {
        let mut batch = Batch::default();
        let dropped: HashSet<u32> = self.dropped.iter().copied().collect();
        for local in self.dropped {
            batch.clear.push((Table::Log, local.to_be_bytes().to_vec()));
            batch.clear.push((Table::Derived, local.to_be_bytes().to_vec()));
        }
        let is_dropped =
            |key: &[u8]| key.first_chunk().is_some_and(|local| dropped.contains(&u32::from_be_bytes(*local)));
        for (id, row) in self.accounts {
            batch.set(Table::Accounts, *id.as_bytes(), row.map(|row| row.encode()));
        }
        batch.extend(Table::Objects, self.objects);
        let derived = self.derived.into_iter().filter(|(key, _)| !is_dropped(key));
        batch.extend(Table::Derived, derived);
        for (local, lsn, place) in self.log {
            if !dropped.contains(&local) {
                batch.put(Table::Log, log_key(local, lsn), place.encode());
            }
        }
        let mut dead: HashMap<u32, i64> = self.revisions.keys().map(|segment| (*segment, 0)).collect();
        for (id, row) in self.blobs {
            let before = self.view.with(Table::Blobs, id.as_bytes(), BlobRow::decode)?.transpose()?;
            count_dead(&mut dead, before, -1);
            count_dead(&mut dead, Some(row), 1);
            let swept = row.location.is_none() && row.references == 0;
            batch.set(Table::Blobs, *id.as_bytes(), (!swept).then(|| row.encode()));
        }
        for (segment, change) in dead {
            let key = segment.to_be_bytes();
            let row = self.view.with(Table::Segments, &key, SegmentRow::decode)?.transpose()?;
            let row = row.unwrap_or_default();
            let revision = self.revisions.get(&segment).copied().unwrap_or(row.revision);
            let row = SegmentRow { revision, dead: row.dead.saturating_add_signed(change) };
            let value = (row != SegmentRow::default()).then(|| row.encode());
            batch.set(Table::Segments, key, value);
        }
        Ok(batch)
    }
}

fn roll_back<K: Eq + Hash, V>(undo: impl Iterator<Item = (K, Option<V>)>, rows: &mut HashMap<K, V>) {
    for (key, before) in undo {
        match before {
            Some(before) => _ = rows.insert(key, before),
            None => _ = rows.remove(&key),
        }
    }
}

/// Adds a blob's bytes to its segment's dead ones, if nothing names it.
fn count_dead(dead: &mut HashMap<u32, i64>, row: Option<BlobRow>, sign: i64) {
    if let Some(BlobRow { location: Some(location), references: 0, .. }) = row {
        *dead.entry(location.place.segment).or_default() += sign * location.record_len();
    }
}
