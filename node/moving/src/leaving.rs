//! The source's hands: reading what is to be sent, and the commit that gives the account away.

use std::collections::HashMap;

use essaim_migration::moving::batch::{At, Change, Key, Op};
use essaim_migration::moving::limits::{BATCH_BYTES, REPAIR_OBJECTS_MAX};
use essaim_migration::moving::message::{Blob, BlobClass};
use essaim_migration::moving::pack::{Packed, Packer};
use essaim_migration::moving::source::SourceRecord;
use essaim_migration::moving::summary::{KeyRange, Page, Pager};
use essaim_migration::moving::{Batch, Place, Summary};
use essaim_migration::object::Object;
use essaim_store::{Changes, Content, ReadError, Snapshot, Store, Tx, TxError};
use essaim_types::{AccountId, BlobId, Lsn, ObjectKind};

use crate::MovingError;
use crate::record::Records;
use crate::summary::{in_range, pages, summarize, travelling};

/// An account that moves away.
#[derive(Debug, Clone)]
pub struct Leaving {
    store: Store,
    account: AccountId,
    records: Records,
}

/// A batch, or the objects of a repair, with the blobs that are sent before.
#[derive(Debug, Clone)]
pub struct Loaded<T> {
    /// What is sent last.
    pub what: T,
    /// Its blobs, in order.
    pub blobs: Vec<Blob>,
}

impl Leaving {
    /// Of an account of this store.
    pub fn new(store: Store, account: AccountId, records: Records) -> Self {
        Self { store, account, records }
    }

    /// The LSN of the account.
    ///
    /// # Errors
    /// The store's.
    pub fn lsn(&self) -> Result<Lsn, MovingError> {
        Ok(self.store.read()?.account(self.account)?.map_or(Lsn::ZERO, |state| state.lsn))
    }

    /// What comes after a place; an empty batch if there is nothing up to `until`. Blocks while it reads.
    ///
    /// # Errors
    /// The store's, and a log that begins later.
    pub fn read(&self, from: Place, until: Lsn, base: Lsn) -> Result<Loaded<Batch>, MovingError> {
        let at = from.at.clone();
        let (mut packer, mut blobs) = (Packer::new(from), Blobs::new(&self.store));
        match at {
            At::Copy(after) => {
                let snapshot = self.store.read()?;
                let after = after.as_ref().map(|key| (key.kind, key.key.as_slice()));
                let mut all = true;
                for row in snapshot.objects(self.account, after)? {
                    let (kind, key, object) = row?;
                    let object = travelling(kind, &key, object);
                    if packer.object(object, |id| blobs.size_of(id))? == Packed::Full {
                        all = false;
                        break;
                    }
                }
                if all {
                    packer.copied(base);
                }
            }
            At::Replay(after) => {
                let changes = match self.store.changes(self.account, after, CHANGES_READ)? {
                    Changes::Since(changes) => changes,
                    Changes::Trimmed { base } => return Err(MovingError::Trimmed { base }),
                };
                // After the changes: what a later one made void is seen.
                let snapshot = self.store.read()?;
                for change in changes.into_iter().take_while(|change| change.lsn <= until) {
                    let change = self.travelling_change(&snapshot, change, until, &mut blobs)?;
                    if packer.change(change, |id| blobs.size_of(id))? == Packed::Full {
                        break;
                    }
                }
            }
        }
        let batch = packer.finish();
        let blobs = batch.blobs.iter().map(|id| blobs.take(id)).collect::<Result<_, _>>()?;
        Ok(Loaded { what: batch, blobs })
    }

    /// The account's roots as it is. Blocks while it reads.
    ///
    /// # Errors
    /// The store's.
    pub fn summarize(&self) -> Result<Summary, MovingError> {
        Ok(summarize(&self.store, self.account)?)
    }

    /// The pages of a kind, and how coarse they are. Blocks while it reads.
    ///
    /// # Errors
    /// The store's.
    pub fn pages(&self, kind: ObjectKind) -> Result<(u8, Vec<Page>), MovingError> {
        let objects = self.store.read()?.account(self.account)?.map_or(0, |state| state.objects);
        let coarse = Pager::coarse_for(objects);
        Ok((coarse, pages(&self.store, self.account, kind, coarse)?))
    }

    /// The objects of a range, or of its beginning, as long as they fit one message.
    ///
    /// # Errors
    /// The store's.
    pub fn range(&self, mut range: KeyRange) -> Result<Loaded<(KeyRange, Vec<Object>)>, MovingError> {
        let snapshot = self.store.read()?;
        let mut blobs = Blobs::new(&self.store);
        let (mut objects, mut ids, mut bytes) = (Vec::new(), Vec::new(), 0);
        for object in in_range(&snapshot, self.account, &range)? {
            let object: Object = object?;
            bytes += essaim_migration::moving::batch::weight(&object);
            for id in &object.blobs {
                bytes += blobs.size_of(id)?;
            }
            if !objects.is_empty() && (bytes > BATCH_BYTES || objects.len() >= REPAIR_OBJECTS_MAX) {
                range.to = Some(object.key);
                break;
            }
            ids.extend(object.blobs.iter().copied());
            objects.push(object);
        }
        let blobs = ids.iter().map(|id| blobs.take(id)).collect::<Result<_, _>>()?;
        Ok(Loaded { what: (range, objects), blobs })
    }

    /// COMMIT: one transaction seals the account, which must stand at `last`, writes the record, and does what the caller adds.
    ///
    /// # Errors
    /// The store's; a change that came in between refuses all of it.
    pub async fn give_away(
        &self,
        last: Lsn,
        record: SourceRecord,
        also: impl FnOnce(&mut Tx<'_>) -> Result<(), TxError> + Send + 'static,
    ) -> Result<(), MovingError> {
        let (account, records) = (self.account, self.records);
        let commit = move |tx: &mut Tx<'_>| {
            tx.seal_account(account, last)?;
            also(tx)?;
            records.put(tx, record)
        };
        Ok(self.store.commit(commit).await?)
    }

    /// A change as it travels. See [`essaim_migration::moving::source::Action::Read`].
    fn travelling_change(
        &self,
        snapshot: &Snapshot,
        change: essaim_store::Change,
        until: Lsn,
        blobs: &mut Blobs<'_>,
    ) -> Result<Change, MovingError> {
        let lsn = change.lsn;
        let mut ops = Vec::with_capacity(change.ops.len());
        for op in change.ops {
            let (kind, key) = op.target();
            // Quota and status are this hoster's.
            if kind == ObjectKind::ACCOUNT {
                continue;
            }
            let place = Key { kind, key: key.to_vec() };
            let Some(object) = op.object() else {
                ops.push(Op::Delete(place));
                continue;
            };
            let now = snapshot.get(self.account, kind, key)?.map(|object| object.lsn);
            let void = now.is_some_and(|now| now != lsn && now <= until)
                || (now != Some(lsn) && object.blobs.iter().any(|id| blobs.size_of(id).is_err()));
            ops.push(if void {
                Op::Superseded(place)
            } else {
                Op::Upsert(travelling(kind, key, object.clone()))
            });
        }
        Ok(Change { lsn, ops })
    }
}

/// Blobs that were looked at while a batch was filled, so that none is read twice.
struct Blobs<'s> {
    store: &'s Store,
    read: HashMap<BlobId, Blob>,
}

impl<'s> Blobs<'s> {
    fn new(store: &'s Store) -> Self {
        Self { store, read: HashMap::new() }
    }

    fn size_of(&mut self, id: &BlobId) -> Result<u64, ReadError> {
        if let Some(blob) = self.read.get(id) {
            return Ok(blob.bytes.len() as u64);
        }
        let (bytes, content) = self.store.blob_to_send(id)?;
        let class = match content {
            Content::Mail => BlobClass::Mail,
            Content::Other => BlobClass::Other,
        };
        let size = bytes.len() as u64;
        self.read.insert(*id, Blob { class, bytes: bytes.to_vec() });
        Ok(size)
    }

    fn take(&mut self, id: &BlobId) -> Result<Blob, ReadError> {
        self.size_of(id)?;
        Ok(self.read.get(id).cloned().expect("its size was just asked for"))
    }
}

/// So many changes are looked at for one batch.
const CHANGES_READ: usize = 512;
