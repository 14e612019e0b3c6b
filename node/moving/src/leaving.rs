//! The source's hands: reading what is to be sent, and the commit that gives the account away.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use bytes::Bytes;
use essaim_migration::moving::batch::{At, Change, Key, Op};
use essaim_migration::moving::limits::{BATCH_BYTES, REPAIR_OBJECTS_MAX};
use essaim_migration::moving::pack::{Packed, Packer};
use essaim_migration::moving::source::SourceRecord;
use essaim_migration::moving::summary::{KeyRange, Page, Pager};
use essaim_migration::moving::{Batch, Place, Summary};
use essaim_migration::object::Object;
use essaim_store::{AccountStatus, Changes, ReadError, Snapshot, Store, Tx, TxError};
use essaim_types::{AccountId, BlobId, Lsn, ObjectKind};
use minicbor::bytes::ByteVec;

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
    /// Its blobs in order, each packed as the store has it.
    pub blobs: Vec<ByteVec>,
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
    /// The store's, and what the caller's part refuses; a change that came in between refuses all of it.
    pub async fn give_away<E>(
        &self,
        last: Lsn,
        record: SourceRecord,
        also: impl FnOnce(&mut Tx<'_>) -> Result<(), E> + Send + 'static,
    ) -> Result<(), MovingError>
    where
        E: From<TxError> + std::error::Error + Send + Sync + 'static,
    {
        let (account, records) = (self.account, self.records);
        let commit = move |tx: &mut Tx<'_>| {
            tx.seal_account(account, last)?;
            also(tx)?;
            Ok::<(), E>(records.put(tx, record)?)
        };
        self.store.commit(commit).await.map_err(|error| MovingError::Handover(Box::new(error)))
    }

    /// RELEASE: deletes the sealed copy, in many transactions; the record is durable with the last. Called again after a restart, it goes on. An
    /// account that is not sealed is never touched.
    ///
    /// # Errors
    /// The store's.
    pub async fn erase(&self, record: SourceRecord) -> Result<(), MovingError> {
        self.release().await?;
        self.records.save(&self.store, record).await
    }

    async fn release(&self) -> Result<(), MovingError> {
        let account = self.account;
        loop {
            let snapshot = self.store.read()?;
            match snapshot.account(account)?.map(|state| state.status) {
                // Forgetting is adoption's: a copy that is being erased is one that goes away.
                Some(AccountStatus::Sealed) => {
                    drop(snapshot);
                    self.store.commit(move |tx| tx.take_back_account(account)).await?;
                }
                Some(AccountStatus::Adopting) => {
                    let page = snapshot.objects(account, None)?.take(ERASED);
                    let page = page.map(|row| row.map(|(kind, key, _)| (kind, key)));
                    let page = page.collect::<Result<Vec<_>, _>>()?;
                    drop(snapshot);
                    let commit = move |tx: &mut Tx<'_>| {
                        for (kind, key) in &page {
                            tx.forget(account, *kind, key)?;
                        }
                        if page.len() < ERASED { tx.delete_account(account) } else { Ok(()) }
                    };
                    self.store.commit(commit).await?;
                }
                Some(AccountStatus::Open) | None => return Ok(()),
            }
        }
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

/// Packed blobs that were looked at while a batch was filled, so that none is read twice.
struct Blobs<'s> {
    store: &'s Store,
    read: HashMap<BlobId, Bytes>,
}

impl<'s> Blobs<'s> {
    fn new(store: &'s Store) -> Self {
        Self { store, read: HashMap::new() }
    }

    fn size_of(&mut self, id: &BlobId) -> Result<u64, ReadError> {
        Ok(self.read(id)?.len() as u64)
    }

    fn take(&mut self, id: &BlobId) -> Result<ByteVec, ReadError> {
        Ok(self.read(id)?.to_vec().into())
    }

    fn read(&mut self, id: &BlobId) -> Result<&Bytes, ReadError> {
        Ok(match self.read.entry(*id) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(self.store.blob_record(id)?),
        })
    }
}

/// So many changes are looked at for one batch.
const CHANGES_READ: usize = 512;
/// So many objects are deleted in one transaction.
const ERASED: usize = 4096;
