//! Records in and out of the store, in a snapshot or in a transaction.

use std::error::Error;
use std::ops::Bound;
use std::sync::Arc;

use essaim_store::{CommitError, Object, ReadError, Snapshot, StoreFailure, Tx, TxError};
use essaim_types::{AccountId, ByteSize, ObjectKind};

use crate::record::{Record, RecordError};

/// The store could not read or write. Nothing was changed, but for [`StorageError::Failed`].
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The index or the disk failed.
    #[error("could not read what the store has about accounts")]
    Read(#[source] Box<dyn Error + Send + Sync>),
    /// What was read is no record that this program knows.
    #[error(transparent)]
    Record(#[from] RecordError),
    /// Nothing can be written until there is space.
    #[error("the disk is full: make room and try again")]
    NoSpace,
    /// The store accepts nothing more until the node is restarted. Whether the change will be there then is not known.
    #[error("{0}")]
    Failed(Arc<StoreFailure>),
    /// The change was larger than one commit may be.
    #[error("the change is too large for one commit: at most {limit}")]
    TooLarge {
        /// How large it may be.
        limit: ByteSize,
    },
    /// The account changes its host, or has: it is not written to here now.
    #[error("account {account} is being moved: try again in a moment")]
    Moving {
        /// Which.
        account: AccountId,
    },
    /// The node is stopping.
    #[error("the store is closed: try again when the node runs")]
    Closed,
}

/// What can be read from: a snapshot or a transaction.
pub(crate) trait Reads {
    /// Objects of this kind with their keys, the first `max` of them.
    fn objects(
        &self,
        account: AccountId,
        kind: ObjectKind,
        max: usize,
    ) -> Result<Vec<(Vec<u8>, Object)>, StorageError>;

    /// The same of those whose keys begin with `prefix`, and are longer by 65 bytes at most.
    fn objects_below(
        &self,
        account: AccountId,
        kind: ObjectKind,
        prefix: &[u8],
    ) -> Result<Vec<(Vec<u8>, Object)>, StorageError>;

    fn object(
        &self,
        account: AccountId,
        kind: ObjectKind,
        key: &[u8],
    ) -> Result<Option<Object>, StorageError>;
}

/// The record with this key, if there is one.
pub(crate) fn load<R: Record>(
    from: &impl Reads,
    account: AccountId,
    key: &[u8],
) -> Result<Option<R>, StorageError> {
    match from.object(account, R::OBJECT, key)? {
        Some(object) => Ok(Some(R::decode(&object.value)?)),
        None => Ok(None),
    }
}

/// Writes a record.
pub(crate) fn save<R: Record>(
    tx: &mut Tx<'_>,
    account: AccountId,
    key: &[u8],
    record: &R,
) -> Result<(), StorageError> {
    Ok(tx.put(account, R::OBJECT, key, record.encode())?)
}

/// What a commit's closure returned, or why there was no commit.
pub(crate) fn settle<T, E>(outcome: Result<T, CommitError<E>>) -> Result<T, E>
where
    E: From<StorageError> + std::fmt::Display,
{
    outcome.map_err(|error| match error {
        CommitError::Refused(refused) => refused,
        CommitError::TooLarge { limit } => StorageError::TooLarge { limit }.into(),
        CommitError::NoSpace => StorageError::NoSpace.into(),
        CommitError::Failed(failure) => StorageError::Failed(failure).into(),
        CommitError::Closed => StorageError::Closed.into(),
        CommitError::Unavailable { account } => StorageError::Moving { account }.into(),
        // Records of this crate are not charged, so no commit of it makes an account fuller.
        over @ CommitError::OverQuota { .. } => StorageError::Read(over.to_string().into()).into(),
    })
}

impl Reads for Snapshot {
    fn objects(
        &self,
        account: AccountId,
        kind: ObjectKind,
        max: usize,
    ) -> Result<Vec<(Vec<u8>, Object)>, StorageError> {
        let all = self.range(account, kind, Bound::Unbounded, Bound::Unbounded)?;
        all.take(max).map(|object| Ok(object.map(|(key, object)| (key.to_vec(), object))?)).collect()
    }

    fn objects_below(
        &self,
        account: AccountId,
        kind: ObjectKind,
        prefix: &[u8],
    ) -> Result<Vec<(Vec<u8>, Object)>, StorageError> {
        let last = [prefix, &[0xff; 65]].concat();
        let all = self.range(account, kind, Bound::Included(prefix), Bound::Included(&last))?;
        all.map(|object| Ok(object.map(|(key, object)| (key.to_vec(), object))?)).collect()
    }

    fn object(
        &self,
        account: AccountId,
        kind: ObjectKind,
        key: &[u8],
    ) -> Result<Option<Object>, StorageError> {
        Ok(self.get(account, kind, key)?)
    }
}

impl Reads for Tx<'_> {
    fn objects(
        &self,
        account: AccountId,
        kind: ObjectKind,
        max: usize,
    ) -> Result<Vec<(Vec<u8>, Object)>, StorageError> {
        let all = self.range(account, kind, Bound::Unbounded, Bound::Unbounded)?;
        all.take(max).map(|object| Ok(object.map(|(key, object)| (key.to_vec(), object))?)).collect()
    }

    fn objects_below(
        &self,
        account: AccountId,
        kind: ObjectKind,
        prefix: &[u8],
    ) -> Result<Vec<(Vec<u8>, Object)>, StorageError> {
        let last = [prefix, &[0xff; 65]].concat();
        let all = self.range(account, kind, Bound::Included(prefix), Bound::Included(&last))?;
        all.map(|object| Ok(object.map(|(key, object)| (key.to_vec(), object))?)).collect()
    }

    fn object(
        &self,
        account: AccountId,
        kind: ObjectKind,
        key: &[u8],
    ) -> Result<Option<Object>, StorageError> {
        Ok(self.get(account, kind, key)?)
    }
}

impl From<ReadError> for StorageError {
    fn from(error: ReadError) -> Self {
        Self::Read(Box::new(error))
    }
}

impl From<TxError> for StorageError {
    fn from(error: TxError) -> Self {
        match error {
            TxError::Fenced { account } | TxError::Status { account, .. } => Self::Moving { account },
            error => Self::Read(Box::new(error)),
        }
    }
}

/// Lets closures and methods use `?` on what the store answers: each error has a variant `Storage`.
macro_rules! from_store {
    ($($error:ty),* $(,)?) => {$(
        impl From<essaim_store::TxError> for $error {
            fn from(error: essaim_store::TxError) -> Self {
                Self::Storage(error.into())
            }
        }
        impl From<essaim_store::ReadError> for $error {
            fn from(error: essaim_store::ReadError) -> Self {
                Self::Storage(error.into())
            }
        }
        impl From<crate::record::RecordError> for $error {
            fn from(error: crate::record::RecordError) -> Self {
                Self::Storage(error.into())
            }
        }
    )*};
}
pub(crate) use from_store;
