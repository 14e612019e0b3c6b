//! The seam below the store: ordered byte keys in a few tables, snapshot reads, one atomic batch.
//!
//! The index holds nothing that the segments do not: it may be lost, and is then computed again. The rows that the store
//! keeps in it are in `rows`; the engine is redb, and only `engine` names it. Another engine needs these three types.

mod backend;
mod engine;
pub(crate) mod rows;

pub(crate) use engine::{Index, Row, Rows, View, end_of_prefix, is_damage};

use std::collections::BTreeMap;

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
            Self::Accounts => "accounts-1",
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
    /// Rows to put, or to remove where there is no value; in key order, which the engine likes.
    pub(crate) rows: BTreeMap<(Table, Vec<u8>), Option<Bytes>>,
}

impl Batch {
    /// Bytes of keys and values.
    pub(crate) fn bytes(&self) -> u64 {
        let row = |(key, value): (&(Table, Vec<u8>), &Option<Bytes>)| {
            key.1.len() + value.as_ref().map_or(0, Bytes::len)
        };
        self.rows.iter().map(row).sum::<usize>() as u64
    }

    pub(crate) fn put(&mut self, table: Table, key: impl Into<Vec<u8>>, value: impl Into<Bytes>) {
        self.rows.insert((table, key.into()), Some(value.into()));
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
