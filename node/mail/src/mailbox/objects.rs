//! Reading objects, inside a transaction and from a snapshot alike.

use std::ops::Bound;

use bytes::Bytes;
use essaim_store::{Object, ReadError, Snapshot, Tx, TxError};
use essaim_types::{AccountId, ObjectKind};

/// The store could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ObjectsError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Tx(#[from] TxError),
}

/// Where objects are read: a snapshot, or the state in the middle of a transaction.
pub trait Objects {
    /// One object; `None` if it is not there.
    fn object(
        &self,
        account: AccountId,
        kind: ObjectKind,
        key: &[u8],
    ) -> Result<Option<Object>, ObjectsError>;

    /// Objects of one kind in key order.
    fn objects(
        &self,
        account: AccountId,
        kind: ObjectKind,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<impl Iterator<Item = Result<(Bytes, Object), ObjectsError>>, ObjectsError>;
}

impl Objects for Snapshot {
    fn object(
        &self,
        account: AccountId,
        kind: ObjectKind,
        key: &[u8],
    ) -> Result<Option<Object>, ObjectsError> {
        Ok(self.get(account, kind, key)?)
    }

    fn objects(
        &self,
        account: AccountId,
        kind: ObjectKind,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<impl Iterator<Item = Result<(Bytes, Object), ObjectsError>>, ObjectsError> {
        Ok(self.range(account, kind, from, to)?.map(|entry| entry.map_err(ObjectsError::from)))
    }
}

impl Objects for Tx<'_> {
    fn object(
        &self,
        account: AccountId,
        kind: ObjectKind,
        key: &[u8],
    ) -> Result<Option<Object>, ObjectsError> {
        Ok(self.get(account, kind, key)?)
    }

    fn objects(
        &self,
        account: AccountId,
        kind: ObjectKind,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<impl Iterator<Item = Result<(Bytes, Object), ObjectsError>>, ObjectsError> {
        Ok(self.range(account, kind, from, to)?.map(|entry| entry.map_err(ObjectsError::from)))
    }
}
