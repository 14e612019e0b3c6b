//! Reading: the state after some commit, unmoved by later ones.

use std::ops::{Bound, ControlFlow};

use bytes::Bytes;
use essaim_types::{AccountId, ByteSize, Lsn, ObjectKind};

use crate::account::AccountStatus;
use crate::error::ReadError;
use crate::index::rows::{AccountRow, OBJECT_PREFIX, object_key, split_id, split_object_key};
use crate::index::{IndexError, Row, Rows, Table, View, end_of_prefix};
use crate::object::{Object, ObjectRef};
use crate::transaction::Op;

/// The state after the last commit before it was taken.
///
/// Short-lived: as long as one is held, no page of the index that it may need is used again. Never hold one while waiting
/// for the network.
#[derive(Debug)]
pub struct Snapshot {
    view: View,
}

/// An account's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountState {
    /// Of its last change.
    pub lsn: Lsn,
    /// What it may hold; `None` is no limit.
    pub quota: Option<ByteSize>,
    /// The sum of its objects' charges.
    pub used: ByteSize,
    /// How many objects it has, the one that is the account itself included.
    pub objects: u64,
    /// Who may write to it.
    pub status: AccountStatus,
    /// The log tells everything after this LSN; 0 for an account that began here.
    pub base: Lsn,
}

impl From<AccountRow> for AccountState {
    fn from(row: AccountRow) -> Self {
        let AccountRow { lsn, quota, used, objects, status, base, .. } = row;
        Self { lsn, quota: (quota.0 > 0).then_some(quota), used, objects, status, base }
    }
}

impl Snapshot {
    pub(crate) fn new(view: View) -> Self {
        Self { view }
    }

    /// An account's numbers; `None` if there is no such account.
    pub fn account(&self, id: AccountId) -> Result<Option<AccountState>, ReadError> {
        Ok(account_row(&self.view, &id)?.map(AccountState::from))
    }

    /// All accounts, in the order of their ids.
    pub fn accounts(
        &self,
    ) -> Result<impl Iterator<Item = Result<(AccountId, AccountState), ReadError>> + use<>, ReadError> {
        let rows = self.view.rows(Table::Accounts, Bound::Unbounded, Bound::Unbounded)?;
        Ok(rows.map(|row| {
            let row = row?;
            Ok((AccountId::from_bytes(split_id(row.key())?), AccountRow::decode(row.value())?.into()))
        }))
    }

    /// An object; `None` if it is not there.
    pub fn get(&self, account: AccountId, kind: ObjectKind, key: &[u8]) -> Result<Option<Object>, ReadError> {
        let Some(row) = account_row(&self.view, &account)? else { return Ok(None) };
        let object = self.view.row(Table::Objects, &object_key(row.local, kind, key))?;
        Ok(object.map(|row| Object::decode_row(&row)).transpose()?)
    }

    /// Objects of one kind in key order, from either end.
    pub fn range(
        &self,
        account: AccountId,
        kind: ObjectKind,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<Range, ReadError> {
        Ok(Range(self.rows(Table::Objects, account, kind, from, to)?))
    }

    /// All objects of an account behind a cursor, in the order of kind and key, but not the account itself. The cursor is the kind and key of the
    /// last object seen; `None` begins. To read much, take a page, let go of the snapshot, and go on with the next.
    pub fn objects(
        &self,
        account: AccountId,
        after: Option<(ObjectKind, &[u8])>,
    ) -> Result<Objects, ReadError> {
        let Some(row) = account_row(&self.view, &account)? else { return Ok(Objects(None)) };
        // The account itself is the first of its rows.
        let (kind, key) = after.unwrap_or((ObjectKind::ACCOUNT, b""));
        let from = object_key(row.local, kind, key);
        let to = end_of_prefix(&row.local.to_be_bytes());
        let to = to.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
        Ok(Objects(Some(self.view.rows(Table::Objects, Bound::Excluded(&from), to)?)))
    }

    /// Whether an operation of the change with this LSN is an upsert that a later change has made void: the object is gone, or has a later LSN. Its
    /// blobs may be gone. It holds for the LSN of this snapshot: whoever leaves superseded upserts out brings all changes up to there.
    pub fn superseded(&self, account: AccountId, lsn: Lsn, op: &Op) -> Result<bool, ReadError> {
        if op.object().is_none() {
            return Ok(false);
        }
        let Some(row) = account_row(&self.view, &account)? else { return Ok(true) };
        let (kind, key) = op.target();
        let decode = |row: &[u8]| ObjectRef::decode(row).map(|object| object.lsn);
        let now = self.view.with(Table::Objects, &object_key(row.local, kind, key), decode)?.transpose()?;
        Ok(now != Some(lsn))
    }

    /// Shows objects of one kind in key order without copying them, until the visitor breaks. For long lists.
    pub fn scan<B>(
        &self,
        account: AccountId,
        kind: ObjectKind,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
        mut visit: impl FnMut(&[u8], ObjectRef<'_>) -> ControlFlow<B>,
    ) -> Result<Option<B>, ReadError> {
        for row in self.rows(Table::Objects, account, kind, from, to)?.into_iter().flatten() {
            let row = row?;
            let key = row.key().get(OBJECT_PREFIX..).unwrap_or_default();
            if let ControlFlow::Break(value) = visit(key, ObjectRef::decode(row.value())?) {
                return Ok(Some(value));
            }
        }
        Ok(None)
    }

    /// What was derived from an object and kept beside it.
    pub fn derived(
        &self,
        account: AccountId,
        kind: ObjectKind,
        key: &[u8],
    ) -> Result<Option<Bytes>, ReadError> {
        let Some(row) = account_row(&self.view, &account)? else { return Ok(None) };
        Ok(self.view.row(Table::Derived, &object_key(row.local, kind, key))?)
    }

    /// What was derived from objects of one kind, in key order, from either end.
    pub fn derived_range(
        &self,
        account: AccountId,
        kind: ObjectKind,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<DerivedRange, ReadError> {
        Ok(DerivedRange(self.rows(Table::Derived, account, kind, from, to)?))
    }

    fn rows(
        &self,
        table: Table,
        account: AccountId,
        kind: ObjectKind,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<Option<Rows>, ReadError> {
        let Some(row) = account_row(&self.view, &account)? else { return Ok(None) };
        let bounds = key_bounds(row.local, kind, from, to);
        if bounds.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.view.rows(table, bounds.from(), bounds.to())?))
    }
}

/// Objects in key order, with their keys; see [`Snapshot::range`].
#[derive(Debug)]
pub struct Range(Option<Rows>);

/// An account's objects with their kinds and keys; see [`Snapshot::objects`].
#[derive(Debug)]
pub struct Objects(Option<Rows>);

impl Iterator for Objects {
    type Item = Result<(ObjectKind, Bytes, Object), ReadError>;
    fn next(&mut self) -> Option<Self::Item> {
        self.0.as_mut()?.next().map(|row| {
            let row = row?;
            let (_, kind, key) = split_object_key(row.key())?;
            let object = Object::decode_row(&Bytes::copy_from_slice(row.value()))?;
            Ok((kind, Bytes::copy_from_slice(key), object))
        })
    }
}

/// Derived bytes in key order, with their keys; see [`Snapshot::derived_range`].
#[derive(Debug)]
pub struct DerivedRange(Option<Rows>);

macro_rules! iterate {
    ($range:ident, $item:ty, $decode:ident) => {
        impl Iterator for $range {
            type Item = Result<(Bytes, $item), ReadError>;
            fn next(&mut self) -> Option<Self::Item> {
                self.0.as_mut()?.next().map($decode)
            }
        }
        impl DoubleEndedIterator for $range {
            fn next_back(&mut self) -> Option<Self::Item> {
                self.0.as_mut()?.next_back().map($decode)
            }
        }
    };
}
iterate!(Range, Object, decode_object);
iterate!(DerivedRange, Bytes, decode_derived);

fn decode_object(row: Result<Row, IndexError>) -> Result<(Bytes, Object), ReadError> {
    let row = row?;
    Ok((own_key(&row), Object::decode_row(&Bytes::copy_from_slice(row.value()))?))
}

fn decode_derived(row: Result<Row, IndexError>) -> Result<(Bytes, Bytes), ReadError> {
    let row = row?;
    Ok((own_key(&row), Bytes::copy_from_slice(row.value())))
}

fn own_key(row: &Row) -> Bytes {
    Bytes::copy_from_slice(row.key().get(OBJECT_PREFIX..).unwrap_or_default())
}

pub(crate) fn account_row(view: &View, id: &AccountId) -> Result<Option<AccountRow>, ReadError> {
    Ok(view.with(Table::Accounts, id.as_bytes(), AccountRow::decode)?.transpose()?)
}

/// Bounds of rows of one account and kind.
#[derive(Debug)]
pub(crate) struct KeyBounds {
    from: Bound<Vec<u8>>,
    to: Bound<Vec<u8>>,
}

impl KeyBounds {
    pub(crate) fn from(&self) -> Bound<&[u8]> {
        self.from.as_ref().map(Vec::as_slice)
    }

    pub(crate) fn to(&self) -> Bound<&[u8]> {
        self.to.as_ref().map(Vec::as_slice)
    }

    /// No key can be between them.
    pub(crate) fn is_empty(&self) -> bool {
        match (self.from(), self.to()) {
            (Bound::Included(from), Bound::Included(to)) => from > to,
            (Bound::Included(from) | Bound::Excluded(from), Bound::Included(to) | Bound::Excluded(to)) => {
                from >= to
            }
            _ => false,
        }
    }
}

/// From bounds of an object's own keys to bounds of rows.
pub(crate) fn key_bounds(local: u32, kind: ObjectKind, from: Bound<&[u8]>, to: Bound<&[u8]>) -> KeyBounds {
    let key = |key: &[u8]| object_key(local, kind, key);
    let from = match from {
        Bound::Unbounded => Bound::Included(key(&[])),
        bound => bound.map(key),
    };
    let to = match to {
        Bound::Unbounded => end_of_prefix(&key(&[])).map_or(Bound::Unbounded, Bound::Excluded),
        bound => bound.map(key),
    };
    KeyBounds { from, to }
}
