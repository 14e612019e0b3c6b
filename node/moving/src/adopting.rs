//! The target's hands: applying what comes, and the commit with which the account lives here.

use essaim_migration::moving::Summary;
use essaim_migration::moving::batch::{Batch, Op};
use essaim_migration::moving::summary::{KeyRange, Page};
use essaim_migration::moving::target::TargetRecord;
use essaim_migration::object::Object;
use essaim_store::{AccountStatus, Store, Tx, TxError};
use essaim_types::{AccountId, ByteSize, Lsn, ObjectKind};
use minicbor::bytes::ByteVec;

use crate::MovingError;
use crate::record::Records;
use crate::summary::{arrived, in_range, pages, summarize};

/// An account that moves here.
#[derive(Debug, Clone)]
pub struct Adopting {
    store: Store,
    account: AccountId,
    records: Records,
}

impl Adopting {
    /// Of an account that is not in this store, or is being adopted into it.
    pub fn new(store: Store, account: AccountId, records: Records) -> Self {
        Self { store, account, records }
    }

    /// Begins the copy.
    ///
    /// # Errors
    /// The store's: there may be an account of this id.
    pub async fn begin(
        &self,
        quota: Option<ByteSize>,
        base: Lsn,
        record: TargetRecord,
    ) -> Result<(), MovingError> {
        let (account, records) = (self.account, self.records);
        let commit = move |tx: &mut Tx<'_>| {
            tx.adopt_account(account, quota, base)?;
            records.put(tx, record)
        };
        Ok(self.store.commit(commit).await?)
    }

    /// Keeps blobs. They are durable with the batch that names them.
    ///
    /// # Errors
    /// The store's; a blob that is not what it says.
    pub fn keep(&self, blobs: &[ByteVec]) -> Result<(), MovingError> {
        for blob in blobs {
            self.store.put_blob_record(blob)?;
        }
        Ok(())
    }

    /// Applies a batch.
    ///
    /// # Errors
    /// The store's; a batch that names a blob which did not come, or a change that is not the next, refuses all of it.
    pub async fn adopt(&self, batch: Batch, record: TargetRecord) -> Result<(), MovingError> {
        let (account, records) = (self.account, self.records);
        let commit = move |tx: &mut Tx<'_>| {
            for object in &batch.objects {
                tx.adopt(account, object.kind, &object.key, arrived(object))?;
            }
            for change in batch.changes {
                tx.replay(account, change.lsn, change.ops.into_iter().filter_map(replayed).collect())?;
            }
            records.put(tx, record)
        };
        Ok(self.store.commit(commit).await?)
    }

    /// Puts the objects of a range in place of those that are there.
    ///
    /// # Errors
    /// The store's.
    pub async fn repair(&self, range: KeyRange, objects: Vec<Object>) -> Result<(), MovingError> {
        let account = self.account;
        let there = in_range(&self.store.read()?, account, &range)?.collect::<Result<Vec<_>, _>>()?;
        let commit = move |tx: &mut Tx<'_>| {
            let kept = |key: &[u8]| objects.iter().any(|object| object.key == key);
            for object in there.iter().filter(|object| !kept(&object.key)) {
                tx.forget(account, object.kind, &object.key)?;
            }
            for object in &objects {
                tx.adopt(account, object.kind, &object.key, arrived(object))?;
            }
            Ok(())
        };
        Ok(self.store.commit(commit).await?)
    }

    /// The account's roots. Blocks while it reads.
    ///
    /// # Errors
    /// The store's.
    pub fn summarize(&self) -> Result<Summary, MovingError> {
        Ok(summarize(&self.store, self.account)?)
    }

    /// The pages of a kind. Blocks while it reads.
    ///
    /// # Errors
    /// The store's.
    pub fn pages(&self, kind: ObjectKind, coarse: u8) -> Result<Vec<Page>, MovingError> {
        Ok(pages(&self.store, self.account, kind, coarse)?)
    }

    /// ACTIVATE: one transaction opens the account, does what the caller adds, and writes the record that it gives back.
    ///
    /// # Errors
    /// The store's, and what the caller's part refuses; nothing was written.
    pub async fn open<E>(
        &self,
        also: impl FnOnce(&mut Tx<'_>) -> Result<TargetRecord, E> + Send + 'static,
    ) -> Result<TargetRecord, MovingError>
    where
        E: From<TxError> + std::error::Error + Send + Sync + 'static,
    {
        let (account, records) = (self.account, self.records);
        let commit = move |tx: &mut Tx<'_>| {
            tx.open_account(account)?;
            let record = also(tx)?;
            records.put(tx, record.clone())?;
            Ok::<_, E>(record)
        };
        self.store.commit(commit).await.map_err(|error| MovingError::Handover(Box::new(error)))
    }

    /// Gives up: first the record, then the copy in many transactions. Called again after a restart, it goes on. An account that lives here is
    /// never touched.
    ///
    /// # Errors
    /// The store's.
    pub async fn discard(&self, record: TargetRecord) -> Result<(), MovingError> {
        self.records.save(&self.store, record).await?;
        loop {
            let snapshot = self.store.read()?;
            let status = snapshot.account(self.account)?.map(|state| state.status);
            if status != Some(AccountStatus::Adopting) {
                return Ok(());
            }
            let page = snapshot.objects(self.account, None)?.take(DISCARDED);
            let page =
                page.map(|row| row.map(|(kind, key, _)| (kind, key))).collect::<Result<Vec<_>, _>>()?;
            drop(snapshot);
            let account = self.account;
            let commit = move |tx: &mut Tx<'_>| {
                for (kind, key) in &page {
                    tx.forget(account, *kind, key)?;
                }
                if page.len() < DISCARDED { tx.delete_account(account) } else { Ok(()) }
            };
            self.store.commit(commit).await?;
        }
    }
}

/// An operation for the store; what was superseded is left out.
fn replayed(op: Op) -> Option<essaim_store::Op> {
    match op {
        Op::Upsert(object) => {
            let (kind, key) = (object.kind, object.key.clone().into());
            Some(essaim_store::Op::Upsert { kind, key, object: arrived(&object) })
        }
        Op::Delete(key) => Some(essaim_store::Op::Delete { kind: key.kind, key: key.key.into() }),
        Op::Superseded(_) => None,
    }
}

/// So many objects are deleted in one transaction.
const DISCARDED: usize = 4096;
