//! Two indexes, row by row. Local account numbers may differ, and what was derived is in only one of them.

use std::cmp::Ordering;
use std::ops::Bound;

use essaim_types::{AccountId, BlobId};

use super::{Difference, Finding, VerifyReport};
use crate::error::ReadError;
use crate::index::rows::{AccountRow, BlobRow, split_id};
use crate::index::{IndexError, Row, Rows, Table, View, end_of_prefix};

/// How many rows [`compare`] looks at.
pub(super) fn rows(live: &View) -> Result<u64, ReadError> {
    let mut rows = 0;
    for table in [Table::Objects, Table::Log, Table::Blobs] {
        rows += live.len(table)?;
    }
    Ok(rows)
}

/// Notes every row in which the live index differs from the other.
pub(super) fn compare(
    live: &View,
    log: &View,
    report: &mut VerifyReport,
    tell: &mut dyn FnMut(u64),
) -> Result<(), ReadError> {
    accounts(live, log, report, tell)?;
    for table in [Table::Blobs, Table::Segments] {
        let mut compared = 0;
        pairs(all(live, table)?, all(log, table)?, 0, 0, |pair| {
            compared += 1;
            if compared % TELL_EVERY == 0 {
                tell(TELL_EVERY);
            }
            if table == Table::Blobs {
                missing(&pair, report)?;
            }
            note(pair, table, None, 0, report);
            Ok(())
        })?;
        tell(compared % TELL_EVERY);
    }
    Ok(())
}

fn accounts(
    live: &View,
    log: &View,
    report: &mut VerifyReport,
    tell: &mut dyn FnMut(u64),
) -> Result<(), ReadError> {
    let mut owned = [(Table::Objects, 0), (Table::Log, 0)];
    pairs(all(live, Table::Accounts)?, all(log, Table::Accounts)?, 0, 0, |pair| {
        let key = pair.key(0).to_vec();
        let id = AccountId::from_bytes(split_id(&key)?);
        let rows =
            (pair.live.as_ref().map(account).transpose()?, pair.log.as_ref().map(account).transpose()?);
        match rows {
            (Some(live_row), Some(log_row)) => {
                if (AccountRow { local: 0, ..live_row }) != (AccountRow { local: 0, ..log_row }) {
                    report.add(finding(Difference::Alters, Table::Accounts, Some(id), &key));
                }
                for (table, compared) in &mut owned {
                    let (a, b) = (of(live, *table, live_row.local)?, of(log, *table, log_row.local)?);
                    let mut count = 0;
                    pairs(a, b, LOCAL, LOCAL, |pair| {
                        count += u64::from(pair.live.is_some());
                        if count % TELL_EVERY == 0 {
                            tell(TELL_EVERY);
                        }
                        note(pair, *table, Some(id), LOCAL, report);
                        Ok(())
                    })?;
                    tell(count % TELL_EVERY);
                    *compared += count;
                }
            }
            (None, _) => report.add(finding(Difference::Lacks, Table::Accounts, Some(id), &key)),
            (_, None) => report.add(finding(Difference::Invents, Table::Accounts, Some(id), &key)),
        }
        Ok(())
    })?;
    for (table, compared) in owned {
        if live.len(table)? > compared {
            report.add(finding(Difference::Invents, table, None, b"of no account"));
        }
    }
    Ok(())
}

/// Rows of both sides with the same key, or of one side alone.
struct Pair {
    live: Option<Row>,
    log: Option<Row>,
}

impl Pair {
    fn key(&self, skip: usize) -> &[u8] {
        let row = self.live.as_ref().or(self.log.as_ref());
        row.and_then(|row| row.key().get(skip..)).unwrap_or_default()
    }

    fn difference(&self) -> Option<Difference> {
        match (&self.live, &self.log) {
            (Some(live), Some(log)) => (live.value() != log.value()).then_some(Difference::Alters),
            (Some(_), None) => Some(Difference::Invents),
            (None, _) => Some(Difference::Lacks),
        }
    }
}

/// Walks two ranges side by side; of the keys the first `skip` bytes are not compared.
fn pairs(
    mut live: Rows,
    mut log: Rows,
    skip_live: usize,
    skip_log: usize,
    mut visit: impl FnMut(Pair) -> Result<(), ReadError>,
) -> Result<(), ReadError> {
    let step = |rows: &mut Rows| -> Result<Option<Row>, IndexError> { rows.next().transpose() };
    let (mut a, mut b) = (step(&mut live)?, step(&mut log)?);
    loop {
        let order = match (&a, &b) {
            (None, None) => return Ok(()),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(a), Some(b)) => a.key().get(skip_live..).cmp(&b.key().get(skip_log..)),
        };
        let mut pair = Pair { live: None, log: None };
        if order.is_le() {
            pair.live = std::mem::replace(&mut a, step(&mut live)?);
        }
        if order.is_ge() {
            pair.log = std::mem::replace(&mut b, step(&mut log)?);
        }
        visit(pair)?;
    }
}

fn note(pair: Pair, table: Table, account: Option<AccountId>, skip: usize, report: &mut VerifyReport) {
    if let Some(difference) = pair.difference() {
        report.add(finding(difference, table, account, pair.key(skip)));
    }
}

/// A blob that objects name and the stream lacks: the log agrees, and it is wrong all the same.
fn missing(pair: &Pair, report: &mut VerifyReport) -> Result<(), ReadError> {
    let Some(log) = &pair.log else { return Ok(()) };
    if let BlobRow { location: None, references: references @ 1.., .. } = BlobRow::decode(log.value())? {
        let blob = BlobId::from_bytes(split_id(log.key())?);
        report.add(Finding::BlobMissing { blob, references });
    }
    Ok(())
}

fn finding(difference: Difference, table: Table, account: Option<AccountId>, key: &[u8]) -> Finding {
    Finding::Index { difference, table: table.name(), account, key: key.escape_ascii().to_string() }
}

fn account(row: &Row) -> Result<AccountRow, ReadError> {
    Ok(AccountRow::decode(row.value())?)
}

fn all(view: &View, table: Table) -> Result<Rows, IndexError> {
    view.rows(table, Bound::Unbounded, Bound::Unbounded)
}

fn of(view: &View, table: Table, local: u32) -> Result<Rows, IndexError> {
    let from = local.to_be_bytes();
    let to = end_of_prefix(&from);
    view.rows(table, Bound::Included(&from), to.as_deref().map_or(Bound::Unbounded, Bound::Excluded))
}

/// Bytes of a local number before a key.
const LOCAL: usize = 4;
const TELL_EVERY: u64 = 4096;
