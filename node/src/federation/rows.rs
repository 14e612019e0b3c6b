//! What the federation keeps in the store: objects of the hoster's own account, so that backup and verification have no special
//! case for them. Every value begins with the byte of its version.

use std::ops::Bound;

use essaim_accounts::StorageError;
use essaim_directory::{Row, RowKey};
use essaim_identity::cbor::{self, Bounded};
use essaim_store::{CommitError, Put, ReadError, Store};
use essaim_types::{AccountId, ListingId, ObjectKind};
use minicbor::Encode;

use super::note::Note;
use crate::failure::{Failure, causes};

/// The hoster's own objects.
#[derive(Debug, Clone)]
pub(super) struct Rows {
    pub(super) store: Store,
    pub(super) hoster: AccountId,
}

/// One step of a commit.
#[derive(Debug, Clone)]
pub(super) enum Write {
    Put(ObjectKind, Vec<u8>, Vec<u8>),
    Delete(ObjectKind, Vec<u8>),
    /// An act, written down with what it did.
    Note(Note),
}

/// A value as it stood in the store, without its version.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) key: Vec<u8>,
    pub(super) value: Vec<u8>,
}

impl Rows {
    /// The rows of the directory.
    pub(super) fn directory(&self) -> Result<Vec<Row>, Failure> {
        let rows = self.beginning(ObjectKind::DIRECTORY, &[])?;
        Ok(rows
            .into_iter()
            .map(|kept| Row { key: RowKey::from_bytes(&kept.key), value: kept.value })
            .collect())
    }

    /// Which listing is our own; `None` before the hoster was founded.
    pub(super) fn identity(&self) -> Result<Option<ListingId>, Failure> {
        let row = self.one(ObjectKind::IDENTITY, &[])?;
        Ok(row.and_then(|bytes| bytes.try_into().ok()).map(ListingId::from_bytes))
    }

    /// One record; `None` if there is none, or a later version wrote it.
    pub(super) fn record<T: Bounded>(&self, kind: ObjectKind, key: &[u8]) -> Result<Option<T>, Failure> {
        Ok(self.one(kind, key)?.and_then(|bytes| cbor::decode(&bytes).ok()))
    }

    /// Records of one kind with their keys. What a later version wrote is left out.
    pub(super) fn records<T: Bounded>(&self, kind: ObjectKind) -> Result<Vec<(Vec<u8>, T)>, Failure> {
        let rows = self.beginning(kind, &[])?;
        Ok(rows.into_iter().filter_map(|kept| Some((kept.key, cbor::decode(&kept.value).ok()?))).collect())
    }

    /// Values whose keys begin so.
    pub(super) fn beginning(&self, kind: ObjectKind, prefix: &[u8]) -> Result<Vec<Kept>, Failure> {
        let read = || {
            let snapshot = self.store.read()?;
            let mut found = Vec::new();
            for entry in snapshot.range(self.hoster, kind, Bound::Included(prefix), Bound::Unbounded)? {
                let (key, object) = entry?;
                if !key.starts_with(prefix) {
                    break;
                }
                found.extend(content(&object.value).map(|value| Kept { key: key.to_vec(), value }));
            }
            Ok(found)
        };
        read().map_err(|error: ReadError| unreadable(&error))
    }

    /// All or nothing, and durable when it returns.
    pub(super) async fn commit(&self, writes: Vec<Write>) -> Result<(), CommitError<StorageError>> {
        let hoster = self.hoster;
        let apply = move |tx: &mut essaim_store::Tx<'_>| {
            writes.into_iter().try_for_each(|write| match write {
                Write::Put(kind, key, value) => Ok(tx.put(hoster, kind, &key, Put::new(value))?),
                Write::Delete(kind, key) => Ok(tx.delete(hoster, kind, &key).map(|_| ())?),
                Write::Note(note) => note.write(tx),
            })
        };
        self.store.commit(apply).await
    }

    /// The value of one key, without its version.
    pub(super) fn one(&self, kind: ObjectKind, key: &[u8]) -> Result<Option<Vec<u8>>, Failure> {
        let object = self.store.read().and_then(|snapshot| snapshot.get(self.hoster, kind, key));
        Ok(object.map_err(|error| unreadable(&error))?.and_then(|object| content(&object.value)))
    }
}

impl Write {
    pub(super) fn row(row: Row) -> Self {
        Self::Put(ObjectKind::DIRECTORY, row.key.as_bytes().to_vec(), versioned(&row.value))
    }

    pub(super) fn no_row(key: &RowKey) -> Self {
        Self::Delete(ObjectKind::DIRECTORY, key.as_bytes().to_vec())
    }

    pub(super) fn identity(listing: ListingId) -> Self {
        Self::Put(ObjectKind::IDENTITY, Vec::new(), versioned(listing.as_bytes()))
    }

    pub(super) fn record(kind: ObjectKind, key: &[u8], record: &impl Encode<()>) -> Self {
        Self::Put(kind, key.to_vec(), versioned(&cbor::encode(record)))
    }
}

/// As it stands in the store.
pub(super) fn versioned(content: &[u8]) -> Vec<u8> {
    [&[VERSION], content].concat()
}

/// Without the version; `None` if a later one wrote it.
pub(super) fn content(value: &[u8]) -> Option<Vec<u8>> {
    value.strip_prefix(&[VERSION]).map(<[u8]>::to_vec)
}

/// What the operator is told when a commit fails.
pub(super) fn unwritten<E: std::error::Error + 'static>(error: &CommitError<E>) -> Failure {
    Failure::new(format!("nothing was changed: {}", causes(error)))
        .hint("essaim doctor tells what is wrong with the node")
}

fn unreadable(error: &ReadError) -> Failure {
    Failure::caused("the federation's records cannot be read", error).hint("run essaim store verify")
}

const VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_carry_their_version() {
        assert_eq!(content(&versioned(b"abc")).as_deref(), Some(b"abc".as_slice()));
        assert_eq!(content(&[2, 7]), None);
        assert_eq!(content(&[]), None);
    }
}
