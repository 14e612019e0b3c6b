//! An account's roots and pages, from one snapshot.

use std::ops::Bound;

use bytes::Bytes;
use essaim_migration::moving::Summary;
use essaim_migration::moving::summary::{KeyRange, Page, Pager, Summarizer};
use essaim_migration::object::Object;
use essaim_store::{ReadError, Snapshot, Store};
use essaim_types::{AccountId, Lsn, ObjectKind};

/// The roots of an account as it is. Both numbers and objects are of one snapshot, which is let go before anything is sent.
pub(crate) fn summarize(store: &Store, account: AccountId) -> Result<Summary, ReadError> {
    let snapshot = store.read()?;
    let at = snapshot.account(account)?.map_or(Lsn::ZERO, |state| state.lsn);
    let mut summarizer = Summarizer::default();
    for row in snapshot.objects(account, None)? {
        let (kind, key, object) = row?;
        summarizer.push(&travelling(kind, &key, object));
    }
    Ok(summarizer.finish(at))
}

/// The pages of a kind.
pub(crate) fn pages(
    store: &Store,
    account: AccountId,
    kind: ObjectKind,
    coarse: u8,
) -> Result<Vec<Page>, ReadError> {
    let snapshot = store.read()?;
    let mut pager = Pager::new(coarse);
    let mut pages = Vec::new();
    for row in snapshot.range(account, kind, Bound::Unbounded, Bound::Unbounded)? {
        let (key, object) = row?;
        pages.extend(pager.push(&travelling(kind, &key, object)));
    }
    pages.extend(pager.finish());
    Ok(pages)
}

/// The objects of a range, in order.
pub(crate) fn in_range(
    snapshot: &Snapshot,
    account: AccountId,
    range: &KeyRange,
) -> Result<impl Iterator<Item = Result<Object, ReadError>> + use<>, ReadError> {
    let to = range.to.as_deref().map_or(Bound::Unbounded, Bound::Excluded);
    let rows = snapshot.range(account, range.kind, Bound::Included(&range.from), to)?;
    let kind = range.kind;
    Ok(rows.map(move |row| row.map(|(key, object)| travelling(kind, &key, object))))
}

/// An object of the store as it travels.
pub(crate) fn travelling(kind: ObjectKind, key: &Bytes, object: essaim_store::Object) -> Object {
    let essaim_store::Object { lsn, charge, blobs, value } = object;
    Object { kind, key: key.to_vec(), lsn, charge, blobs, value: value.to_vec() }
}

/// The other way: its kind and key are told beside it.
pub(crate) fn arrived(object: &Object) -> essaim_store::Object {
    let Object { lsn, charge, blobs, value, .. } = object.clone();
    essaim_store::Object { lsn, charge, blobs, value: value.into() }
}
