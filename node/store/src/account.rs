//! The object that is an account: what of it belongs to this copy and does not move along.

use bytes::Bytes;
use essaim_types::{ByteSize, Lsn, ObjectKind};

use crate::index::rows::AccountRow;
use crate::object::Object;
use crate::transaction::{LSN_MAX, Op};
use crate::wire::{DecodeError, Reader, put_varint};

/// What a copy of an account is for, and so who may write to it. It is read in any status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountStatus {
    /// The account lives here.
    Open,
    /// It is on its way here: only adoption writes.
    Adopting,
    /// It lives elsewhere: nothing writes.
    Sealed,
}

impl AccountStatus {
    pub(crate) fn number(self) -> u8 {
        match self {
            Self::Open => 0,
            Self::Adopting => 1,
            Self::Sealed => 2,
        }
    }

    pub(crate) fn from_number(number: u8) -> Result<Self, DecodeError> {
        match number {
            0 => Ok(Self::Open),
            1 => Ok(Self::Adopting),
            2 => Ok(Self::Sealed),
            _ => Err(DecodeError("an account has an unknown status")),
        }
    }
}

impl std::fmt::Display for AccountStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::Adopting => "adopting",
            Self::Sealed => "sealed",
        })
    }
}

/// The operation that makes an account, or gives it another quota or status.
pub(crate) fn account_op(row: &AccountRow) -> Op {
    let mut value = vec![VERSION];
    put_varint(&mut value, row.quota.0);
    put_varint(&mut value, row.base.0);
    value.push(row.status.number());
    let object = Object { lsn: row.lsn, charge: ByteSize(0), blobs: Vec::new(), value: value.into() };
    Op::Upsert { kind: ObjectKind::ACCOUNT, key: Bytes::new(), object }
}

/// Takes over what the value of an `ACCOUNT` object says.
pub(crate) fn read_account(value: &[u8], row: AccountRow) -> Result<AccountRow, DecodeError> {
    let mut reader = Reader::new(value);
    if reader.u8()? != VERSION {
        return Err(DecodeError("an account object has an unknown version"));
    }
    let (quota, base) = (ByteSize(reader.varint()?), Lsn(reader.varint()?));
    let status = AccountStatus::from_number(reader.u8()?)?;
    reader.end()?;
    if base > LSN_MAX {
        return Err(DecodeError("the base of an account is out of range"));
    }
    Ok(AccountRow { quota, base, status, ..row })
}

const VERSION: u8 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: AccountRow = AccountRow {
        local: 1,
        lsn: Lsn(9),
        quota: ByteSize(300),
        used: ByteSize(0),
        objects: 1,
        base: Lsn(7),
        status: AccountStatus::Sealed,
        copied: Lsn(8),
    };

    #[test]
    fn an_account_object_reads_back_as_written() {
        let other = AccountRow { quota: ByteSize(0), base: Lsn(0), status: AccountStatus::Open, ..ROW };
        let op = account_op(&ROW);
        assert_eq!(read_account(&op.object().unwrap().value, other), Ok(ROW));
        assert_eq!(op.object().unwrap().lsn, ROW.lsn);
    }

    #[test]
    fn a_status_or_base_that_cannot_be_is_refused() {
        for value in [&[1, 0, 0, 0][..], &[2, 0, 0, 3], &[2, 0, 0], &[2, 0, 0, 0, 0]] {
            assert!(read_account(value, ROW).is_err(), "{value:?}");
        }
        let far = account_op(&AccountRow { base: Lsn(LSN_MAX.0 + 1), ..ROW });
        assert!(read_account(&far.object().unwrap().value, ROW).is_err());
    }
}
