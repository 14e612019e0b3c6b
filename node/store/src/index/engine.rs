//! The index on redb.
//!
//! Batches are committed without a sync of their own ([`redb::Durability::None`]); a checkpoint syncs them, in two phases
//! and with the allocator's state ("quick repair"), so that opening after a crash walks nothing.

use std::io::ErrorKind;
use std::ops::Bound;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use essaim_types::ByteSize;
use redb::{
    Database, Durability, OwnedAccessGuard, OwnedRange, ReadOnlyTable, ReadableDatabase as _,
    ReadableTableMetadata as _,
};

use super::backend::Backend;
use super::{Batch, Change, IndexError, Table};
use crate::disk::DiskFile;

type Key = &'static [u8];
type Value = &'static [u8];

/// An open index.
#[derive(Debug)]
pub(crate) struct Index {
    database: Database,
}

impl Index {
    /// Opens the index in a file; an empty file becomes an empty index.
    pub(crate) fn open(file: Arc<dyn DiskFile>, cache: ByteSize) -> Result<Self, IndexError> {
        let database =
            Database::builder().set_cache_size(cache.as_usize()).create_with_backend(Backend(file))?;
        let index = Self { database };
        let transaction = index.database.begin_write()?;
        let tables = transaction.list_tables()?.count();
        if tables == Table::ALL.len() {
            transaction.abort()?;
        } else {
            for table in Table::ALL {
                transaction.open_table(definition(table))?;
            }
            index.commit_synced(transaction)?;
        }
        Ok(index)
    }

    /// What is visible now, for as long as the view lives.
    pub(crate) fn view(&self) -> Result<View, IndexError> {
        Ok(View { transaction: self.database.begin_read()?, tables: Default::default() })
    }

    /// Makes a batch visible. It is durable after the next checkpoint.
    pub(crate) fn apply(&self, mut batch: Batch) -> Result<(), IndexError> {
        let mut transaction = self.database.begin_write()?;
        transaction.set_durability(Durability::None)?;
        write(&transaction, &mut batch)?;
        transaction.commit()?;
        Ok(())
    }

    /// Makes everything applied so far durable.
    pub(crate) fn checkpoint(&self) -> Result<(), IndexError> {
        self.commit_synced(self.database.begin_write()?)
    }

    fn commit_synced(&self, mut transaction: redb::WriteTransaction) -> Result<(), IndexError> {
        transaction.set_quick_repair(true);
        Ok(transaction.commit()?)
    }
}

fn write(transaction: &redb::WriteTransaction, batch: &mut Batch) -> Result<(), IndexError> {
    for (table, prefix) in &batch.clear {
        let mut table = transaction.open_table(definition(*table))?;
        let end = end_of_prefix(prefix);
        let range =
            (Bound::Included(prefix.as_slice()), end.as_deref().map_or(Bound::Unbounded, Bound::Excluded));
        table.retain_in::<&[u8], _>(range, |_, _| false)?;
    }
    for (table, changes) in batch.sorted() {
        let mut table = transaction.open_table(definition(table))?;
        for Change { key, row } in changes {
            match row {
                Some(row) => _ = table.insert(key.as_slice(), &row[..])?,
                None => _ = table.remove(key.as_slice())?,
            }
        }
    }
    Ok(())
}

/// The index as it was at one moment.
pub(crate) struct View {
    transaction: redb::ReadTransaction,
    tables: [OnceLock<ReadOnlyTable<Key, Value>>; Table::ALL.len()],
}

impl View {
    /// Looks at the row of a key in place.
    pub(crate) fn with<T>(
        &self,
        table: Table,
        key: &[u8],
        look: impl FnOnce(&[u8]) -> T,
    ) -> Result<Option<T>, IndexError> {
        Ok(self.table(table)?.get(key)?.map(|guard| look(guard.value())))
    }

    /// A copy of the row of a key.
    pub(crate) fn row(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>, IndexError> {
        self.with(table, key, Bytes::copy_from_slice)
    }

    /// The rows between two keys, in both directions; they keep the view's moment alive.
    pub(crate) fn rows(
        &self,
        table: Table,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<Rows, IndexError> {
        Ok(Rows(self.table(table)?.range_owned::<&[u8]>((from, to))?))
    }

    /// How many rows a table has.
    pub(crate) fn len(&self, table: Table) -> Result<u64, IndexError> {
        Ok(self.table(table)?.len()?)
    }

    fn table(&self, table: Table) -> Result<&ReadOnlyTable<Key, Value>, IndexError> {
        let slot = &self.tables[table as usize];
        if let Some(open) = slot.get() {
            return Ok(open);
        }
        let opened = self.transaction.open_table(definition(table))?;
        Ok(slot.get_or_init(|| opened))
    }
}

impl std::fmt::Debug for View {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("View").finish_non_exhaustive()
    }
}

/// Rows in key order.
pub(crate) struct Rows(OwnedRange<Key, Value>);

/// One row, read in place.
pub(crate) struct Row {
    key: OwnedAccessGuard<Key>,
    value: OwnedAccessGuard<Value>,
}

impl Row {
    pub(crate) fn key(&self) -> &[u8] {
        self.key.value()
    }

    pub(crate) fn value(&self) -> &[u8] {
        self.value.value()
    }
}

impl std::fmt::Debug for Rows {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rows").finish_non_exhaustive()
    }
}

impl Iterator for Rows {
    type Item = Result<Row, IndexError>;
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(row)
    }
}

impl DoubleEndedIterator for Rows {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(row)
    }
}

fn row(
    pair: Result<(OwnedAccessGuard<Key>, OwnedAccessGuard<Value>), redb::StorageError>,
) -> Result<Row, IndexError> {
    let (key, value) = pair?;
    Ok(Row { key, value })
}

fn definition(table: Table) -> redb::TableDefinition<'static, Key, Value> {
    redb::TableDefinition::new(table.name())
}

/// The first key after all those that begin with `prefix`; `None` if there is none.
pub(crate) fn end_of_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix.get(..=last)?.to_vec();
    *end.last_mut()? += 1;
    Some(end)
}

/// The index is not what was written: it may be thrown away. A disk that fails is something else.
pub(crate) fn is_damage(error: &(dyn std::error::Error + 'static)) -> bool {
    use redb::{DatabaseError, StorageError, TableError};
    let storage = |error: &StorageError| match error {
        StorageError::Corrupted(_) => true,
        StorageError::Io(error) => matches!(error.kind(), ErrorKind::InvalidData | ErrorKind::UnexpectedEof),
        _ => false,
    };
    if let Some(error) = error.downcast_ref::<DatabaseError>() {
        return match error {
            DatabaseError::Storage(error) => storage(error),
            DatabaseError::UpgradeRequired(_) | DatabaseError::RepairAborted => true,
            _ => false,
        };
    }
    match error.downcast_ref::<TableError>() {
        Some(TableError::Storage(error)) => storage(error),
        Some(_) => true,
        None => error.downcast_ref::<StorageError>().is_some_and(storage) || error.is::<crate::DecodeError>(),
    }
}

macro_rules! from_redb {
    ($($error:ident),*) => {
        $(impl From<redb::$error> for IndexError {
            fn from(error: redb::$error) -> Self {
                Self(Box::new(error))
            }
        })*
    };
}
from_redb!(DatabaseError, TransactionError, TableError, StorageError, CommitError, SetDurabilityError);
