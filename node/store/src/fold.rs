//! From operations to state: the same for a closure of the writer, for replay at opening and for a rebuild.

use bytes::Bytes;
use essaim_types::{AccountId, ByteSize, Lsn, NodeSeq, ObjectKind};

use crate::index::IndexError;
use crate::index::rows::{AccountRow, Place, object_key};
use crate::object::Object;
use crate::overlay::Overlay;
use crate::transaction::{Group, Op, Transaction};
use crate::wire::{DecodeError, Reader, put_varint};

/// Why a transaction of the log cannot follow the ones before it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FoldError {
    #[error("transaction {found} stands where {expected} should")]
    NodeSeq { found: NodeSeq, expected: NodeSeq },
    #[error("account {account}: LSN {found} follows {last}")]
    Lsn { account: AccountId, last: Lsn, found: Lsn },
    #[error("account {account} is changed before it is made")]
    NoAccount { account: AccountId },
    #[error("account {account} is deleted with {objects} objects in it")]
    NotEmpty { account: AccountId, objects: u64 },
    #[error(transparent)]
    Decode(#[from] DecodeError),
    #[error(transparent)]
    Index(#[from] IndexError),
}

/// Applies a transaction of the log that stands at `place`. What was derived from the objects that it changes is dropped, if
/// there is anything derived: it may be older than they are, in an index that came back from a checkpoint.
pub(crate) fn apply(
    overlay: &mut Overlay,
    transaction: &Transaction,
    place: Place,
    derived: bool,
) -> Result<(), FoldError> {
    for group in &transaction.groups {
        apply_group(overlay, group, place, derived)?;
    }
    overlay.keep(transaction.time);
    Ok(())
}

fn apply_group(overlay: &mut Overlay, group: &Group, place: Place, derived: bool) -> Result<(), FoldError> {
    let account = group.account;
    let mut row = match overlay.account(&account)? {
        Some(row) => row,
        None if creates(group) => overlay.new_account(account),
        None => return Err(FoldError::NoAccount { account }),
    };
    if group.lsn != row.lsn.next() {
        return Err(FoldError::Lsn { account, last: row.lsn, found: group.lsn });
    }
    for op in &group.ops {
        let (kind, key) = op.target();
        apply_op(overlay, account, &mut row, op)?;
        if derived {
            overlay.set_derived(object_key(row.local, kind, key), None);
        }
    }
    if deletes(group) && row.objects > 0 {
        return Err(FoldError::NotEmpty { account, objects: row.objects });
    }
    end_group(overlay, account, row, group);
    overlay.add_log(row.local, group.lsn, place);
    Ok(())
}

/// Applies one operation; says whether the object was there before.
pub(crate) fn apply_op(
    overlay: &mut Overlay,
    account: AccountId,
    row: &mut AccountRow,
    op: &Op,
) -> Result<bool, IndexError> {
    let (kind, key) = op.target();
    let object = match op {
        Op::Upsert { object, .. } => Some(object),
        Op::Delete { .. } => None,
    };
    if kind == ObjectKind::ACCOUNT
        && let Some(object) = object
    {
        row.quota = decode_account(&object.value)?;
    }
    overlay.set_object(account, row, kind, key, object)
}

/// The last step for an account: its LSN goes up; or it goes, if that is what the operations did.
pub(crate) fn end_group(overlay: &mut Overlay, account: AccountId, row: AccountRow, group: &Group) {
    if deletes(group) {
        overlay.drop_account(account, row.local);
    } else {
        overlay.set_account(account, Some(AccountRow { lsn: group.lsn, ..row }));
    }
}

/// Whether the account ends with this group.
pub(crate) fn deletes(group: &Group) -> bool {
    matches!(group.ops.last(), Some(Op::Delete { kind: ObjectKind::ACCOUNT, .. }))
}

fn creates(group: &Group) -> bool {
    matches!(group.ops.first(), Some(Op::Upsert { kind: ObjectKind::ACCOUNT, .. }))
}

/// The operation that makes an account or gives it another quota.
pub(crate) fn account_op(lsn: Lsn, quota: Option<ByteSize>) -> Op {
    let mut value = vec![ACCOUNT_VERSION];
    put_varint(&mut value, quota.map_or(0, |quota| quota.0));
    let object = Object { lsn, charge: ByteSize(0), blobs: Vec::new(), value: value.into() };
    Op::Upsert { kind: ObjectKind::ACCOUNT, key: Bytes::new(), object }
}

fn decode_account(value: &[u8]) -> Result<ByteSize, DecodeError> {
    let mut reader = Reader::new(value);
    if reader.u8()? != ACCOUNT_VERSION {
        return Err(DecodeError("an account object has an unknown version"));
    }
    let quota = ByteSize(reader.varint()?);
    reader.end()?;
    Ok(quota)
}

const ACCOUNT_VERSION: u8 = 1;

#[cfg(test)]
mod tests {
    use essaim_types::Timestamp;

    use super::*;
    use crate::Store;
    use crate::index::rows::Place;

    /// The writer never writes such a log, but bytes of a segment may be anything: taken as it stands, it left rows in the index
    /// that belong to no account.
    #[test]
    fn an_account_that_is_deleted_with_something_in_it_is_a_broken_log() {
        let store = Store::in_memory();
        let account = AccountId::from_bytes([1; 32]);
        let object = Object { lsn: Lsn(1), charge: ByteSize(0), blobs: Vec::new(), value: Bytes::new() };
        let (kind, key) = (ObjectKind::PROFILE, Bytes::from_static(b"k"));
        let delete = |kind, key| Op::Delete { kind, key };
        let made = [account_op(Lsn(1), None), Op::Upsert { kind, key: key.clone(), object }];
        let all = [made.as_slice(), &[delete(kind, key), delete(ObjectKind::ACCOUNT, Bytes::new())]].concat();
        let all_but_one = [&all[..2], &all[3..]].concat();
        let applied = |ops: Vec<Op>| {
            let mut overlay = Overlay::new(store.core().index.view().unwrap(), 1);
            let groups = vec![Group { account, lsn: Lsn(1), ops }];
            let transaction = Transaction { node_seq: NodeSeq(1), time: Timestamp(0), groups };
            apply(&mut overlay, &transaction, Place { segment: 1, offset: 0 }, false)
        };
        assert!(applied(all).is_ok());
        assert!(matches!(applied(all_but_one), Err(FoldError::NotEmpty { objects: 1, .. })));
    }
}
