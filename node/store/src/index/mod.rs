//! The seam below the store: ordered byte keys in a few tables, snapshot reads, one atomic batch.
//!
//! The index holds nothing that the segments do not: it may be lost, and is then computed again. The rows that the store
//! keeps in it are in `rows`; the engine is redb, and only `engine` names it. Another engine needs these three types.

mod backend;
mod engine;
pub(crate) mod rows;

pub(crate) use engine::{Index, Row, Rows, View, end_of_prefix, is_damage};

use bytes::Bytes;

/// The tables, each with its version in its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Table {
    /// One row: how far the log is applied, and the next numbers.
    Meta,
    /// Account id to its numbers.
    Accounts,
    /// Local account number, kind, key to object.
    Objects,
    /// Local account number, kind, key to bytes that are in no log.
    Derived,
    /// Local account number, LSN to the place of the transaction.
    Log,
    /// Blob id to its place and references.
    Blobs,
    /// Segment number to its revision and dead bytes, where there are any.
    Segments,
}

impl Table {
    pub(crate) const ALL: [Self; 7] =
        [Self::Meta, Self::Accounts, Self::Objects, Self::Derived, Self::Log, Self::Blobs, Self::Segments];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta-1",
            Self::Accounts => "accounts-2",
            Self::Objects => "objects-1",
            Self::Derived => "derived-1",
            Self::Log => "log-1",
            Self::Blobs => "blobs-1",
            Self::Segments => "segments-1",
        }
    }
}

/// Changes that become visible together.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    /// Whole ranges to remove, before anything is put.
    pub(crate) clear: Vec<(Table, Vec<u8>)>,
    tables: [Vec<Change>; Table::ALL.len()],
}

/// A row to put, or a key to remove.
#[derive(Debug)]
struct Change {
    key: Vec<u8>,
    row: Option<Bytes>,
}

impl Batch {
    pub(crate) fn put(&mut self, table: Table, key: impl Into<Vec<u8>>, row: impl Into<Bytes>) {
        self.set(table, key, Some(row.into()));
    }

    /// Puts a row, or removes it; once for each key.
    pub(crate) fn set(&mut self, table: Table, key: impl Into<Vec<u8>>, row: Option<Bytes>) {
        self.tables[table as usize].push(Change { key: key.into(), row });
    }

    pub(crate) fn extend(&mut self, table: Table, rows: impl IntoIterator<Item = (Vec<u8>, Option<Bytes>)>) {
        self.tables[table as usize].extend(rows.into_iter().map(|(key, row)| Change { key, row }));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.clear.is_empty() && self.tables.iter().all(Vec::is_empty)
    }

    /// Bytes of keys and rows.
    pub(crate) fn bytes(&self) -> u64 {
        let bytes = |change: &Change| change.key.len() + change.row.as_ref().map_or(0, Bytes::len);
        self.tables.iter().flatten().map(bytes).sum::<usize>() as u64
    }

    /// The changes of each table that has any, in key order, which the engine likes.
    fn sorted(&mut self) -> impl Iterator<Item = (Table, &[Change])> {
        let tables = Table::ALL.into_iter().zip(&mut self.tables).filter(|(_, changes)| !changes.is_empty());
        tables.map(|(table, changes)| {
            changes.sort_unstable_by(|a, b| a.key.cmp(&b.key));
            (table, changes.as_slice())
        })
    }
}

/// The engine failed, or holds what it should not.
#[derive(Debug, thiserror::Error)]
#[error("the index failed")]
pub(crate) struct IndexError(#[source] pub(crate) Box<dyn std::error::Error + Send + Sync>);

impl From<crate::wire::DecodeError> for IndexError {
    fn from(error: crate::wire::DecodeError) -> Self {
        Self(Box::new(error))
    }
}
