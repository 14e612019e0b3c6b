//! What a closure of [`crate::Store::commit`] can do.

mod adopt;
mod touched;

use std::ops::Bound;

use bytes::Bytes;
use essaim_types::{AccountId, BlobId, ByteSize, Lsn, NodeSeq, ObjectKind, Timestamp};

use self::touched::{Finished, Form, Touched};
use crate::account::{AccountStatus, account_op};
use crate::appender::Appender;
use crate::error::TxError;
use crate::index::rows::{AccountRow, OBJECT_PREFIX, object_key};
use crate::index::{IndexError, Table};
use crate::merge::Merge;
use crate::object::{BLOBS_MAX, KEY_MAX, Object, ObjectRef, Put, VALUE_MAX};
use crate::overlay::Overlay;
use crate::permit::Gates;
use crate::record::TRANSACTION_MAX;
use crate::snapshot::{AccountState, key_bounds};
use crate::transaction::{Op, Transaction};

/// One transaction on its way. It sees its own writes and those of the commits before it, and nothing of later ones.
#[derive(Debug)]
pub struct Tx<'a> {
    overlay: &'a mut Overlay,
    appender: &'a Appender,
    gates: &'a Gates,
    now: Timestamp,
    touched: Touched,
}

/// A transaction whose closure succeeded.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) transaction: Transaction,
    /// For each group, the local number of its account if it gets a row in the account's log.
    pub(crate) logged: Vec<Option<u32>>,
}

/// An account that would be over its quota.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OverQuota {
    pub(crate) account: AccountId,
    pub(crate) quota: ByteSize,
}

impl<'a> Tx<'a> {
    pub(crate) fn new(
        overlay: &'a mut Overlay,
        appender: &'a Appender,
        gates: &'a Gates,
        now: Timestamp,
    ) -> Self {
        Self { overlay, appender, gates, now, touched: Touched::default() }
    }

    /// The time of this commit, as the log will have it.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// An account's numbers; `None` if there is no such account.
    pub fn account(&self, id: AccountId) -> Result<Option<AccountState>, TxError> {
        Ok(self.overlay.account(&id)?.map(AccountState::from))
    }

    /// The LSN that this transaction gives the account: values may embed it.
    pub fn lsn(&self, account: AccountId) -> Result<Lsn, TxError> {
        Ok(self.row(account)?.lsn.next())
    }

    /// Makes an empty account.
    pub fn create_account(&mut self, id: AccountId, quota: Option<ByteSize>) -> Result<(), TxError> {
        let row = self.new_account(id)?;
        self.write(id, Form::Change, account_op(&AccountRow { quota: quota.unwrap_or_default(), ..row }))?;
        self.touched.created(id);
        Ok(())
    }

    /// Gives an account another quota, whatever its status. This has no LSN: it is not the account's, but its host's.
    pub fn set_quota(&mut self, id: AccountId, quota: Option<ByteSize>) -> Result<(), TxError> {
        let row = AccountRow { quota: quota.unwrap_or_default(), ..self.row(id)? };
        self.write_account(id, &row)
    }

    /// Deletes an account in which nothing is left but itself, whatever its status. Its log goes with it.
    pub fn delete_account(&mut self, id: AccountId) -> Result<(), TxError> {
        let row = self.row(id)?;
        if row.objects > 1 {
            return Err(TxError::AccountNotEmpty { account: id, objects: row.objects - 1 });
        }
        let form = if row.status == AccountStatus::Open { Form::Change } else { Form::Batch };
        self.write(id, form, Op::Delete { kind: ObjectKind::ACCOUNT, key: Bytes::new() })?;
        self.overlay.drop_account(id, row.local);
        Ok(())
    }

    /// An object; `None` if it is not there.
    pub fn get(&self, account: AccountId, kind: ObjectKind, key: &[u8]) -> Result<Option<Object>, TxError> {
        let Some(row) = self.overlay.account(&account)? else { return Ok(None) };
        let object = self.overlay.object_row(&object_key(row.local, kind, key))?;
        Ok(object.map(|row| Object::decode_row(&row)).transpose()?)
    }

    /// Objects of one kind in key order, from either end.
    pub fn range(
        &self,
        account: AccountId,
        kind: ObjectKind,
        from: Bound<&[u8]>,
        to: Bound<&[u8]>,
    ) -> Result<TxRange<'_>, TxError> {
        let Some(row) = self.overlay.account(&account)? else { return Ok(TxRange { rows: None }) };
        let bounds = key_bounds(row.local, kind, from, to);
        if bounds.is_empty() {
            return Ok(TxRange { rows: None });
        }
        let below = self.overlay.view().rows(Table::Objects, bounds.from(), bounds.to())?;
        Ok(TxRange { rows: Some(Merge::new(below, self.overlay.objects(), &bounds)) })
    }

    /// Makes an object, or replaces it.
    pub fn put(&mut self, account: AccountId, kind: ObjectKind, key: &[u8], put: Put) -> Result<(), TxError> {
        let row = self.open_row(account)?;
        let Put { charge, blobs, value } = put;
        let object = Object { lsn: row.lsn.next(), charge, blobs, value: value.into() };
        self.check_object(&row, kind, key, &object)?;
        self.write(account, Form::Change, Op::Upsert { kind, key: Bytes::copy_from_slice(key), object })?;
        Ok(())
    }

    /// Deletes an object and what was derived from it; says whether it was there.
    pub fn delete(&mut self, account: AccountId, kind: ObjectKind, key: &[u8]) -> Result<bool, TxError> {
        check_kind(kind)?;
        let row = self.open_row(account)?;
        self.remove(account, &row, Form::Change, kind, key)
    }

    /// Keeps bytes that can be computed again from an object and its blobs, beside it and in no log.
    /// They stay when the object changes, and may be lost in a crash.
    pub fn put_derived(
        &mut self,
        account: AccountId,
        kind: ObjectKind,
        key: &[u8],
        bytes: impl Into<Bytes>,
    ) -> Result<(), TxError> {
        check_size("a key", key.len(), KEY_MAX)?;
        let bytes = bytes.into();
        check_size("a derived value", bytes.len(), VALUE_MAX)?;
        let row = self.row(account)?;
        self.overlay.set_derived(object_key(row.local, kind, key), Some(bytes));
        Ok(())
    }

    /// What [`Self::put_derived`] kept.
    pub fn derived(
        &self,
        account: AccountId,
        kind: ObjectKind,
        key: &[u8],
    ) -> Result<Option<Bytes>, TxError> {
        let Some(row) = self.overlay.account(&account)? else { return Ok(None) };
        Ok(self.overlay.derived(&object_key(row.local, kind, key))?)
    }

    /// The closure is done: counts LSNs and checks quotas. `None` if nothing of it belongs into the log.
    pub(crate) fn finish(self, node_seq: NodeSeq) -> Result<Option<Prepared>, FinishError> {
        let Self { overlay, now, touched, .. } = self;
        let Finished { groups, logged, used_before } = touched.finish(overlay)?;
        for (account, before) in used_before {
            if let Some(row) = overlay.account(&account)?
                && (row.quota.0 > 0 && row.used > row.quota && row.used > before)
            {
                return Err(FinishError::OverQuota(OverQuota { account, quota: row.quota }));
            }
        }
        let transaction = Transaction { node_seq, time: now, groups };
        if transaction.size() > TRANSACTION_MAX as u64 {
            return Err(FinishError::TooLarge);
        }
        Ok((!logged.is_empty()).then_some(Prepared { transaction, logged }))
    }

    fn row(&self, account: AccountId) -> Result<AccountRow, TxError> {
        self.overlay.account(&account)?.ok_or(TxError::NoSuchAccount { account })
    }

    /// The row of an account that everybody may write to.
    fn open_row(&mut self, account: AccountId) -> Result<AccountRow, TxError> {
        if self.gates.is_closed(&account) {
            return Err(TxError::Fenced { account });
        }
        self.row_for(account, Form::Change, AccountStatus::Open)
    }

    /// The row of an account that has a status, with what this transaction did to it in another form done.
    fn row_for(
        &mut self,
        account: AccountId,
        form: Form,
        wanted: AccountStatus,
    ) -> Result<AccountRow, TxError> {
        self.touched.enter(self.overlay, account, form)?;
        let row = self.row(account)?;
        if row.status == wanted { Ok(row) } else { Err(TxError::Status { account, status: row.status }) }
    }

    fn new_account(&mut self, id: AccountId) -> Result<AccountRow, TxError> {
        // An account that this transaction deletes is not made again in it: its log would end and begin at one LSN.
        if self.touched.contains(id) || self.overlay.account(&id)?.is_some() {
            return Err(TxError::AccountExists { account: id });
        }
        Ok(self.overlay.new_account(id))
    }

    /// What an object is to be is within the limits, and all that it names is there.
    fn check_object(
        &mut self,
        row: &AccountRow,
        kind: ObjectKind,
        key: &[u8],
        object: &Object,
    ) -> Result<(), TxError> {
        check_kind(kind)?;
        check_size("a key", key.len(), KEY_MAX)?;
        check_size("a value", object.value.len(), VALUE_MAX)?;
        check_size("the list of an object's blobs", object.blobs.len(), BLOBS_MAX)?;
        check_size("a charge", object.charge.as_usize(), CHARGE_MAX)?;
        self.check_blobs(&object_key(row.local, kind, key), &object.blobs)
    }

    /// Deletes an object if it is there, and what was derived from it.
    fn remove(
        &mut self,
        account: AccountId,
        row: &AccountRow,
        form: Form,
        kind: ObjectKind,
        key: &[u8],
    ) -> Result<bool, TxError> {
        let index_key = object_key(row.local, kind, key);
        if self.overlay.object_row(&index_key)?.is_none() {
            return Ok(false);
        }
        self.write(account, form, Op::Delete { kind, key: Bytes::copy_from_slice(key) })?;
        self.overlay.set_derived(index_key, None);
        Ok(true)
    }

    /// Whether all that an object is to name is there. What it names already is.
    fn check_blobs(&mut self, key: &[u8], blobs: &[BlobId]) -> Result<(), TxError> {
        if blobs.is_empty() {
            return Ok(());
        }
        let row = self.overlay.object_row(key)?;
        let old = row.as_deref().map(ObjectRef::decode).transpose()?;
        if old.is_some_and(|old| old.blobs().eq(blobs.iter().copied())) {
            return Ok(());
        }
        blobs.iter().try_for_each(|blob| self.check_blob(*blob))
    }

    fn check_blob(&mut self, blob: BlobId) -> Result<(), TxError> {
        if self.overlay.blob(&blob)?.is_some_and(|row| row.location.is_some()) {
            return Ok(());
        }
        let location = self.appender.find(&blob).ok_or(TxError::NoSuchBlob { blob })?;
        Ok(self.overlay.add_blob(blob, location)?)
    }

    /// Applies an operation and notes it for the log.
    fn write(&mut self, account: AccountId, form: Form, op: Op) -> Result<(), TxError> {
        self.touched.enter(self.overlay, account, form)?;
        let row = self.row(account)?;
        Ok(self.touched.write(self.overlay, account, row, form, op)?)
    }

    /// Applies and notes what belongs to this copy of an account: it joins whatever else is done to the account.
    fn write_account(&mut self, account: AccountId, row: &AccountRow) -> Result<(), TxError> {
        let form = self.touched.form(account).unwrap_or(Form::Change);
        self.write(account, form, account_op(row))
    }
}

/// Why a transaction whose closure succeeded is still refused.
#[derive(Debug)]
pub(crate) enum FinishError {
    OverQuota(OverQuota),
    TooLarge,
    Index(IndexError),
}

impl From<IndexError> for FinishError {
    fn from(error: IndexError) -> Self {
        Self::Index(error)
    }
}

/// Objects in key order; see [`Tx::range`].
#[derive(Debug)]
pub struct TxRange<'a> {
    rows: Option<Merge<'a>>,
}

impl Iterator for TxRange<'_> {
    type Item = Result<(Bytes, Object), TxError>;
    fn next(&mut self) -> Option<Self::Item> {
        self.rows.as_mut()?.next().map(decode)
    }
}

impl DoubleEndedIterator for TxRange<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.rows.as_mut()?.next_back().map(decode)
    }
}

fn decode(row: Result<(Bytes, Bytes), IndexError>) -> Result<(Bytes, Object), TxError> {
    let (mut key, row) = row?;
    Ok((key.split_off(OBJECT_PREFIX), Object::decode_row(&row)?))
}

fn check_kind(kind: ObjectKind) -> Result<(), TxError> {
    if kind == ObjectKind::ACCOUNT { Err(TxError::Reserved { kind }) } else { Ok(()) }
}

fn check_size(what: &'static str, size: usize, limit: usize) -> Result<(), TxError> {
    if size > limit { Err(TxError::TooLarge { what, size, limit }) } else { Ok(()) }
}

/// An object counts at most so much against a quota: sums of charges stay far from 2^64.
const CHARGE_MAX: usize = 1 << 48;
