//! From operations to state: the same for a closure of the writer, for replay at opening and for a rebuild.

use essaim_types::{AccountId, Lsn, NodeSeq, ObjectKind};

use crate::account::{AccountStatus, read_account};
use crate::index::IndexError;
use crate::index::rows::{AccountRow, Place, object_key};
use crate::object::Object;
use crate::overlay::Overlay;
use crate::transaction::{Group, Op, Transaction};
use crate::wire::DecodeError;

/// Why a transaction of the log cannot follow the ones before it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FoldError {
    #[error("transaction {found} stands where {expected} should")]
    NodeSeq { found: NodeSeq, expected: NodeSeq },
    #[error("account {account}: LSN {found} follows {last}")]
    Lsn { account: AccountId, last: Lsn, found: Lsn },
    #[error("account {account}: what LSN {lsn} does is not for an account of its status")]
    Status { account: AccountId, lsn: Lsn },
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
    let before = match (overlay.account(&account)?, creates(group)) {
        (Some(row), _) => row,
        (None, Some(object)) => {
            let row = read_account(&object.value, overlay.new_account(account))?;
            AccountRow { lsn: row.base, ..row }
        }
        (None, None) => return Err(FoldError::NoAccount { account }),
    };
    let numbering = Numbering::of(group, &before).ok_or(FoldError::Lsn {
        account,
        last: before.lsn,
        found: group.lsn,
    })?;
    let mut row = before;
    for op in &group.ops {
        let (kind, key) = op.target();
        apply_op(overlay, account, &mut row, op)?;
        if derived {
            overlay.set_derived(object_key(row.local, kind, key), None);
        }
    }
    if !allowed(group, numbering, before.status, row.status) {
        return Err(FoldError::Status { account, lsn: group.lsn });
    }
    if deletes(group) && row.objects > 0 {
        return Err(FoldError::NotEmpty { account, objects: row.objects });
    }
    end_group(overlay, account, row, group);
    if numbering == Numbering::Numbered {
        overlay.add_log(row.local, group.lsn, place);
    }
    Ok(())
}

/// Whether a group is a change of the account, or says something of this copy alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Numbering {
    Numbered,
    Unnumbered,
}

impl Numbering {
    /// `None` if the group cannot follow.
    fn of(group: &Group, row: &AccountRow) -> Option<Self> {
        match group.lsn.0.checked_sub(row.lsn.0)? {
            0 => Some(Self::Unnumbered),
            1 => Some(Self::Numbered),
            _ => None,
        }
    }
}

/// Whether an account of this status may see such a group. Within a group only the first and the last status count: its operations are kept in no
/// order but each object's own.
fn allowed(group: &Group, numbering: Numbering, before: AccountStatus, after: AccountStatus) -> bool {
    let either = |status| before == status || after == status;
    group.ops.iter().all(|op| match (numbering, op) {
        (_, Op::Upsert { kind: ObjectKind::ACCOUNT, .. }) => true,
        (_, Op::Adopt { kind: ObjectKind::ACCOUNT, .. }) => false,
        (Numbering::Numbered, Op::Upsert { .. } | Op::Delete { .. }) => {
            either(AccountStatus::Open) || either(AccountStatus::Adopting)
        }
        (Numbering::Unnumbered, Op::Delete { kind: ObjectKind::ACCOUNT, .. }) => true,
        (Numbering::Unnumbered, Op::Adopt { .. } | Op::Delete { .. }) => either(AccountStatus::Adopting),
        (Numbering::Numbered, Op::Adopt { .. }) | (Numbering::Unnumbered, Op::Upsert { .. }) => false,
    })
}

/// Applies one operation; says whether the object was there before.
pub(crate) fn apply_op(
    overlay: &mut Overlay,
    account: AccountId,
    row: &mut AccountRow,
    op: &Op,
) -> Result<bool, IndexError> {
    let (kind, key) = op.target();
    match op {
        Op::Upsert { object, .. } if kind == ObjectKind::ACCOUNT => {
            *row = read_account(&object.value, *row)?;
            let object = Object { lsn: row.lsn, ..object.clone() };
            return overlay.set_object(account, row, kind, key, Some(&object));
        }
        Op::Adopt { object, .. } => row.copied = row.copied.max(object.lsn),
        Op::Upsert { .. } | Op::Delete { .. } => {}
    }
    overlay.set_object(account, row, kind, key, op.object())
}

/// The last step for an account: its LSN goes up; or it goes, if that is what the operations did. Where objects were adopted or forgotten, the log
/// does not tell how, and begins anew.
pub(crate) fn end_group(overlay: &mut Overlay, account: AccountId, row: AccountRow, group: &Group) {
    if deletes(group) {
        return overlay.drop_account(account, row.local);
    }
    let silent = |op: &Op| match op {
        Op::Adopt { .. } => true,
        Op::Delete { .. } => group.lsn == row.lsn,
        Op::Upsert { .. } => false,
    };
    let base = if group.ops.iter().any(silent) { row.lsn } else { row.base };
    overlay.set_account(account, Some(AccountRow { lsn: group.lsn, base, ..row }));
}

/// Whether the account ends with this group.
pub(crate) fn deletes(group: &Group) -> bool {
    matches!(group.ops.last(), Some(Op::Delete { kind: ObjectKind::ACCOUNT, .. }))
}

/// The object that makes the account, if the group begins with one.
fn creates(group: &Group) -> Option<&Object> {
    group.ops.first().filter(|op| op.target().0 == ObjectKind::ACCOUNT).and_then(Op::object)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use essaim_types::{ByteSize, Timestamp};

    use super::*;
    use crate::Store;
    use crate::account::account_op;
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
        let row = Overlay::new(store.core().index.view().unwrap(), 1).new_account(account);
        let made = [account_op(&row), Op::Upsert { kind, key: key.clone(), object }];
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
