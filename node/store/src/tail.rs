//! Reading the stream in order: one account's log, or everything, for the backup and the move.

use std::ops::Bound;
use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use essaim_types::{AccountId, BlobId, Lsn, NodeSeq, Timestamp};

use crate::codec::Check;
use crate::core::Core;
use crate::error::ReadError;
use crate::index::Table;
use crate::index::rows::{META_KEY, Meta, Place, log_key, split_log_key};
use crate::record::{RecordHeader, RecordKind};
use crate::segment::{FIRST, SegmentHeader};
use crate::snapshot::account_row;
use crate::transaction::{Op, Transaction};

/// What one transaction did to one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its number in the account's log.
    pub lsn: Lsn,
    /// The number of the transaction in the node's log.
    pub node_seq: NodeSeq,
    /// When it was committed.
    pub time: Timestamp,
    /// What was done, in order.
    pub ops: Vec<Op>,
}

/// What the log of an account says about the time after an LSN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Changes {
    /// The next changes, in order; none, if nothing has happened since.
    Since(Vec<Change>),
    /// The log does not reach back so far: it begins after `base`. What is there now is the only answer.
    Trimmed {
        /// Where it begins.
        base: Lsn,
    },
}

/// An account's changes after an LSN, at most `limit` of them.
pub(crate) fn changes(
    core: &Core,
    account: AccountId,
    after: Lsn,
    limit: usize,
) -> Result<Changes, ReadError> {
    let _places = core.places.read().unwrap_or_else(PoisonError::into_inner);
    let places = {
        let view = core.index.view()?;
        let Some(row) = account_row(&view, &account)? else { return Ok(Changes::Since(Vec::new())) };
        if after < row.base {
            return Ok(Changes::Trimmed { base: row.base });
        }
        let (from, to) = (log_key(row.local, after), log_key(row.local, row.lsn));
        if after >= row.lsn {
            return Ok(Changes::Since(Vec::new()));
        }
        let rows = view.rows(Table::Log, Bound::Excluded(&from), Bound::Included(&to))?;
        let mut places = Vec::new();
        for row in rows.take(limit) {
            let row = row?;
            places.push((split_log_key(row.key())?.1, Place::decode(row.value())?));
        }
        places
    };
    let read = |(lsn, place)| read_change(core, account, lsn, place);
    Ok(Changes::Since(places.into_iter().map(read).collect::<Result<_, _>>()?))
}

fn read_change(core: &Core, account: AccountId, lsn: Lsn, place: Place) -> Result<Change, ReadError> {
    let payload = core.segments.read_transaction(place, &core.codecs)?;
    let damaged = |reason: &str| {
        let Place { segment, offset } = place;
        ReadError::Damaged { segment, offset, reason: reason.to_owned() }
    };
    let Transaction { node_seq, time, groups } =
        Transaction::decode(&payload).map_err(|error| damaged(&error.to_string()))?;
    let group = groups.into_iter().find(|group| group.account == account && group.lsn == lsn);
    let group = group.ok_or_else(|| damaged("the transaction does not touch the account"))?;
    Ok(Change { lsn, node_seq, time, ops: group.ops })
}

/// A place in the stream, to go on from later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    segment: u32,
    revision: u32,
    offset: u64,
}

impl Position {
    /// Before everything.
    pub const START: Self = Self { segment: FIRST, revision: 0, offset: SegmentHeader::LEN };

    /// For whoever keeps it.
    pub fn to_bytes(self) -> [u8; 16] {
        let mut out = [0; 16];
        out[..4].copy_from_slice(&self.segment.to_le_bytes());
        out[4..8].copy_from_slice(&self.revision.to_le_bytes());
        out[8..].copy_from_slice(&self.offset.to_le_bytes());
        out
    }

    /// What [`Self::to_bytes`] made.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        let [a, b, c, d, e, f, g, h, offset @ ..] = bytes;
        let (segment, revision) = (u32::from_le_bytes([a, b, c, d]), u32::from_le_bytes([e, f, g, h]));
        Self { segment, revision, offset: u64::from_le_bytes(offset) }
    }
}

/// One record of the stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// A blob that a later transaction may name.
    Blob {
        /// Its id.
        id: BlobId,
        /// Its bytes.
        bytes: Bytes,
    },
    /// A transaction.
    Transaction(Transaction),
}

/// The stream from a position up to the last commit at the time of asking. Holds no snapshot: it may be read slowly.
#[derive(Debug)]
pub struct Tail {
    core: Arc<Core>,
    at: Position,
    end: Position,
    failed: bool,
}

impl Tail {
    pub(crate) fn new(core: Arc<Core>, from: Position) -> Result<Self, ReadError> {
        let end = core.index.view()?.with(Table::Meta, META_KEY, Meta::decode)?.transpose()?;
        let start = Place { segment: FIRST, offset: SegmentHeader::LEN };
        let Place { segment, offset } = end.map_or(start, |meta| meta.applied);
        let end = Position { segment, revision: core.segments.revision(segment).unwrap_or(0), offset };
        Ok(Self { core, at: from, end, failed: false })
    }

    /// Where the next record will be read; to be kept by whoever goes on later.
    pub fn position(&self) -> Position {
        self.at
    }

    fn read(&mut self) -> Result<Option<Record>, ReadError> {
        let core = Arc::clone(&self.core);
        let _places = core.places.read().unwrap_or_else(PoisonError::into_inner);
        loop {
            let Position { segment, offset, .. } = self.at;
            let fail = |source| ReadError::Segment { segment, source };
            let revision = core.segments.revision(segment).unwrap_or(0);
            if revision != self.at.revision {
                // Rewritten since: its records stand elsewhere. To read some twice is harmless.
                self.at = Position { segment, revision, offset: SegmentHeader::LEN };
                continue;
            }
            let ends_here = (segment, revision) == (self.end.segment, self.end.revision);
            let end = if ends_here { self.end.offset } else { core.segments.size(segment).map_err(fail)? };
            if segment > self.end.segment || (segment == self.end.segment && offset >= end) {
                return Ok(None);
            }
            if offset < end {
                return self.record(Place { segment, offset }).map(Some);
            }
            let revision = core.segments.revision(segment + 1).unwrap_or(0);
            self.at = Position { segment: segment + 1, revision, offset: SegmentHeader::LEN };
        }
    }

    fn record(&mut self, place: Place) -> Result<Record, ReadError> {
        let Place { segment, offset } = place;
        let fail = |source| ReadError::Segment { segment, source };
        let damaged = |reason: String| ReadError::Damaged { segment, offset, reason };
        let mut header = [0; RecordHeader::LEN];
        self.core.segments.file(segment).map_err(fail)?.read_exact_at(&mut header, offset).map_err(fail)?;
        let header = RecordHeader::decode(&header).map_err(|e| damaged(e.to_string()))?;
        // Whoever reads the stream hands it on: to a backup, or to the next host.
        let codecs = &self.core.codecs;
        let (header, plain) = self.core.segments.read(place, header.stored, codecs, Check::Hash)?;
        self.at.offset += header.record_len();
        Ok(match header.kind {
            RecordKind::Blob => Record::Blob { id: BlobId::from_bytes(header.hash), bytes: plain },
            RecordKind::Transaction => {
                Record::Transaction(Transaction::decode(&plain).map_err(|e| damaged(e.to_string()))?)
            }
        })
    }
}

impl Iterator for Tail {
    type Item = Result<Record, ReadError>;

    /// After an error there is nothing more.
    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let record = self.read();
        self.failed = record.is_err();
        record.transpose()
    }
}
