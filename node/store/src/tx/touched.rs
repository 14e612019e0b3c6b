//! What a transaction did to each account, on its way into the log.

use std::collections::HashMap;

use bytes::Bytes;
use essaim_types::{AccountId, ByteSize, Lsn, ObjectKind};

use crate::fold;
use crate::index::IndexError;
use crate::index::rows::AccountRow;
use crate::overlay::Overlay;
use crate::transaction::{Group, Op};

/// How a transaction writes to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Changes made here: one numbered group; of several operations on one object only the last is kept.
    Change,
    /// Objects adopted or forgotten: one unnumbered group, every operation in order.
    Batch,
}

/// Groups that are done, and for each account at most one that grows.
#[derive(Debug, Default)]
pub(super) struct Touched {
    growing: Vec<Growing>,
    finished: Finished,
}

/// What is left of a transaction in the end.
#[derive(Debug, Default)]
pub(super) struct Finished {
    pub(super) groups: Vec<Group>,
    /// For each group, the local number of its account if the group is numbered.
    pub(super) logged: Vec<Option<u32>>,
    /// What each account held before.
    pub(super) used_before: Vec<(AccountId, ByteSize)>,
}

#[derive(Debug)]
struct Growing {
    account: AccountId,
    local: u32,
    /// The account's before the group.
    last: Lsn,
    form: Form,
    /// It makes the account.
    creates: bool,
    /// In order; those that a later one made pointless are taken out.
    ops: Vec<Option<Op>>,
    /// Where the operation on an object is, and whether the object was there before the transaction.
    at: HashMap<(ObjectKind, Bytes), (usize, bool)>,
}

impl Touched {
    pub(super) fn contains(&self, account: AccountId) -> bool {
        self.finished.used_before.iter().any(|(touched, _)| *touched == account)
    }

    /// How the group of an account that grows is written.
    pub(super) fn form(&self, account: AccountId) -> Option<Form> {
        self.growing.iter().find(|growing| growing.account == account).map(|growing| growing.form)
    }

    /// The LSN of an account when all that was done to it so far is counted.
    pub(super) fn lsn(&self, account: AccountId, row: &AccountRow) -> Lsn {
        let growing = self.growing.iter().find(|growing| growing.account == account);
        growing.map_or(row.lsn, |growing| growing.lsn())
    }

    /// The account whose group grows is made in it.
    pub(super) fn created(&mut self, account: AccountId) {
        for growing in self.growing.iter_mut().filter(|growing| growing.account == account) {
            growing.creates = true;
        }
    }

    /// From now on the account is written in this form: what grows in another is done.
    pub(super) fn enter(
        &mut self,
        overlay: &mut Overlay,
        account: AccountId,
        form: Form,
    ) -> Result<(), IndexError> {
        let other = |growing: &Growing| growing.account == account && growing.form != form;
        match self.growing.iter().position(other) {
            Some(at) => self.done(overlay, at),
            None => Ok(()),
        }
    }

    /// Applies an operation, and notes it in the group that grows.
    pub(super) fn write(
        &mut self,
        overlay: &mut Overlay,
        account: AccountId,
        mut row: AccountRow,
        form: Form,
        op: Op,
    ) -> Result<(), IndexError> {
        let at = self.growing.iter().position(|growing| growing.account == account);
        let at = at.unwrap_or_else(|| {
            self.note_used(account, &row);
            self.growing.push(Growing::new(account, &row, form));
            self.growing.len() - 1
        });
        let had = fold::apply_op(overlay, account, &mut row, &op)?;
        if let Some(growing) = self.growing.get_mut(at) {
            growing.note(op, had);
        }
        Ok(())
    }

    /// A whole numbered group, applied as it stands; it may be empty.
    pub(super) fn write_group(
        &mut self,
        overlay: &mut Overlay,
        mut row: AccountRow,
        group: Group,
    ) -> Result<(), IndexError> {
        let account = group.account;
        if let Some(at) = self.growing.iter().position(|growing| growing.account == account) {
            self.done(overlay, at)?;
        }
        self.note_used(account, &row);
        for op in &group.ops {
            fold::apply_op(overlay, account, &mut row, op)?;
        }
        fold::end_group(overlay, account, row, &group);
        self.finished.add(group, Some(row.local));
        Ok(())
    }

    /// All groups are done.
    pub(super) fn finish(mut self, overlay: &mut Overlay) -> Result<Finished, IndexError> {
        while !self.growing.is_empty() {
            self.done(overlay, 0)?;
        }
        Ok(self.finished)
    }

    fn done(&mut self, overlay: &mut Overlay, at: usize) -> Result<(), IndexError> {
        let growing = self.growing.remove(at);
        let (account, lsn, local) = (growing.account, growing.lsn(), growing.local);
        let numbered = lsn > growing.last;
        let ops: Vec<Op> = growing.ops.into_iter().flatten().collect();
        if ops.is_empty() {
            return Ok(());
        }
        let group = Group { account, lsn, ops };
        if let Some(row) = overlay.account(&account)? {
            fold::end_group(overlay, account, row, &group);
        }
        self.finished.add(group, numbered.then_some(local));
        Ok(())
    }

    fn note_used(&mut self, account: AccountId, row: &AccountRow) {
        if !self.contains(account) {
            self.finished.used_before.push((account, row.used));
        }
    }
}

impl Finished {
    fn add(&mut self, group: Group, logged: Option<u32>) {
        self.groups.push(group);
        self.logged.push(logged);
    }
}

impl Growing {
    fn new(account: AccountId, row: &AccountRow, form: Form) -> Self {
        let (local, last) = (row.local, row.lsn);
        Self { account, local, last, form, creates: false, ops: Vec::new(), at: HashMap::new() }
    }

    /// The LSN of the group: a change of the account, and its making, have one of their own.
    fn lsn(&self) -> Lsn {
        let change = |op: &Op| !matches!(op, Op::Upsert { kind: ObjectKind::ACCOUNT, .. });
        let changes = || self.ops.iter().flatten().any(change);
        let numbered = self.form == Form::Change && (self.creates || changes());
        if numbered { self.last.next() } else { self.last }
    }

    fn note(&mut self, op: Op, had: bool) {
        if self.form == Form::Batch {
            return self.ops.push(Some(op));
        }
        let (kind, key) = op.target();
        let next = self.ops.len();
        let (at, had_before) = *self.at.entry((kind, key.clone())).or_insert((next, had));
        match (&op, self.ops.get_mut(at)) {
            (_, None) => self.ops.push(Some(op)),
            (Op::Upsert { .. }, Some(earlier)) if earlier.is_some() => *earlier = Some(op),
            (_, Some(earlier)) => {
                *earlier = None;
                self.at.insert((kind, key.clone()), (next, had_before));
                let pointless = matches!(op, Op::Delete { .. }) && !had_before;
                self.ops.push((!pointless).then_some(op));
            }
        }
    }
}
