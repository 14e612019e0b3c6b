//! Accounts that move: what a transaction does to one that comes, goes or comes back. See "Accounts that move" in
//! specs/01-store.md.

use bytes::Bytes;
use essaim_types::{AccountId, ByteSize, Lsn, ObjectKind};

use super::touched::Form;
use super::{Tx, check_kind, check_size};
use crate::account::AccountStatus;
use crate::error::TxError;
use crate::index::rows::{AccountRow, object_key};
use crate::object::{Object, ObjectRef};
use crate::transaction::{Group, LSN_MAX, Op};

impl Tx<'_> {
    /// Begins the copy of an account that lives elsewhere, in status adopting, at its LSN `base` there. What happened up to then comes with
    /// [`Self::adopt`], what happens after with [`Self::replay`]. The quota is this host's own.
    pub fn adopt_account(
        &mut self,
        id: AccountId,
        quota: Option<ByteSize>,
        base: Lsn,
    ) -> Result<(), TxError> {
        check_lsn(base)?;
        let row = self.new_account(id)?;
        let (quota, status) = (quota.unwrap_or_default(), AccountStatus::Adopting);
        let row = AccountRow { quota, status, base, lsn: base, ..row };
        self.overlay.set_account(id, Some(row));
        self.write_account(id, &row)
    }

    /// Takes an object as it is at its other host, with its own LSN, in place of what is here. All that one transaction adopts into an account is one
    /// batch; the account's LSN stays. Its blobs must have been put, as for [`Self::put`].
    pub fn adopt(
        &mut self,
        account: AccountId,
        kind: ObjectKind,
        key: &[u8],
        object: Object,
    ) -> Result<(), TxError> {
        check_lsn(object.lsn)?;
        let row = self.row_for(account, Form::Batch, AccountStatus::Adopting)?;
        self.check_object(&row, kind, key, &object)?;
        self.overlay.set_derived(object_key(row.local, kind, key), None);
        self.write(account, Form::Batch, Op::Adopt { kind, key: Bytes::copy_from_slice(key), object })
    }

    /// Takes an object out of a copy, where the other host has none, or to give the copy up; says whether it was there. Part of the batch like
    /// [`Self::adopt`].
    pub fn forget(&mut self, account: AccountId, kind: ObjectKind, key: &[u8]) -> Result<bool, TxError> {
        check_kind(kind)?;
        let row = self.row_for(account, Form::Batch, AccountStatus::Adopting)?;
        self.remove(account, &row, Form::Batch, kind, key)
    }

    /// Repeats a change that was made at the other host. Its LSN must be the account's last + 1: else [`TxError::Gap`], and nothing is lost by asking for the
    /// right one. Upserts that the source knows to be superseded may be left out; those that are older than what is here are.
    /// A transaction may replay many changes.
    pub fn replay(&mut self, account: AccountId, lsn: Lsn, ops: Vec<Op>) -> Result<(), TxError> {
        // What was adopted before in this transaction is a group of its own.
        self.row_for(account, Form::Batch, AccountStatus::Adopting)?;
        self.touched.enter(self.overlay, account, Form::Change)?;
        let row = self.row(account)?;
        if lsn != row.lsn.next() {
            return Err(TxError::Gap { account, last: row.lsn, found: lsn });
        }
        let mut kept = Vec::with_capacity(ops.len());
        for op in ops {
            kept.extend(self.check_replayed(&row, lsn, op)?);
        }
        Ok(self.touched.write_group(self.overlay, row, Group { account, lsn, ops: kept })?)
    }

    /// From now on the account lives here: a copy that is whole, or one that was sealed and did not leave after all. It has no LSN of its own; what the
    /// same transaction puts has the next.
    pub fn open_account(&mut self, id: AccountId) -> Result<(), TxError> {
        let row = self.row(id)?;
        if row.status == AccountStatus::Open {
            return Err(TxError::Status { account: id, status: row.status });
        }
        self.check_whole(id, &row)?;
        self.write_account(id, &AccountRow { status: AccountStatus::Open, ..row })
    }

    /// From now on nothing writes to this copy. It must stand at LSN `at`, counting what this transaction did to it: else [`TxError::Gap`], for then the
    /// other side does not have all. Needs no permit, and works under a fence.
    pub fn seal_account(&mut self, id: AccountId, at: Lsn) -> Result<(), TxError> {
        let row = self.row(id)?;
        if row.status == AccountStatus::Sealed {
            return Err(TxError::Status { account: id, status: row.status });
        }
        let lsn = self.touched.lsn(id, &row);
        if lsn != at {
            return Err(TxError::Gap { account: id, last: lsn, found: at });
        }
        self.check_whole(id, &row)?;
        self.write_account(id, &AccountRow { status: AccountStatus::Sealed, ..row })
    }

    /// Makes a sealed copy follow the other side again: it goes on at its own LSN with [`Self::replay`].
    pub fn take_back_account(&mut self, id: AccountId) -> Result<(), TxError> {
        let row = self.row(id)?;
        if row.status != AccountStatus::Sealed {
            return Err(TxError::Status { account: id, status: row.status });
        }
        self.write_account(id, &AccountRow { status: AccountStatus::Adopting, ..row })
    }

    /// The operation as it goes into the log; `None` if it is left out.
    fn check_replayed(&mut self, row: &AccountRow, lsn: Lsn, op: Op) -> Result<Option<Op>, TxError> {
        let (kind, key) = op.target();
        if kind == ObjectKind::ACCOUNT {
            return Ok(None);
        }
        let index_key = object_key(row.local, kind, key);
        let kept = match op {
            Op::Delete { kind, key } => {
                check_size("a key", key.len(), crate::KEY_MAX)?;
                Op::Delete { kind, key }
            }
            // A change of an account that was adopted itself has only the other two.
            Op::Upsert { kind, key, object } | Op::Adopt { kind, key, object } => {
                let here = self.overlay.object_row(&index_key)?;
                if here.as_deref().map(ObjectRef::decode).transpose()?.is_some_and(|here| here.lsn > lsn) {
                    return Ok(None);
                }
                let object = Object { lsn, ..object };
                self.check_object(row, kind, &key, &object)?;
                Op::Upsert { kind, key, object }
            }
        };
        self.overlay.set_derived(index_key, None);
        Ok(Some(kept))
    }

    /// No object is ahead of the account: else the source has changes that are not here yet.
    fn check_whole(&self, account: AccountId, row: &AccountRow) -> Result<(), TxError> {
        let lsn = self.touched.lsn(account, row);
        if lsn < row.copied {
            return Err(TxError::Incomplete { account, lsn, copied: row.copied });
        }
        Ok(())
    }
}

fn check_lsn(lsn: Lsn) -> Result<(), TxError> {
    let size = usize::try_from(lsn.0).unwrap_or(usize::MAX);
    check_size("an LSN", size, usize::try_from(LSN_MAX.0).unwrap_or(usize::MAX))
}
