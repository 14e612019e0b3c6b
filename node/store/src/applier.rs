//! Feeding an index from the stream: records in order in, batches of the index out.

use std::mem;

use essaim_types::{BlobId, NodeSeq};

use crate::fold::{self, FoldError};
use crate::format::StoreId;
use crate::index::rows::{Location, META_KEY, Meta, Place};
use crate::index::{Index, IndexError, Table};
use crate::overlay::Overlay;
use crate::segment::{FIRST, SegmentHeader};
use crate::transaction::Transaction;

/// Applies records to an index, from where the index is.
pub(crate) struct Applier<'a> {
    index: &'a Index,
    meta: Meta,
    overlay: Overlay,
    /// Whether the index holds anything derived that may be older than what is applied.
    derived: bool,
    /// Blobs that stand before a transaction not yet seen.
    waiting: Vec<(BlobId, Location)>,
    /// Bytes of operations in the overlay.
    gathered: u64,
    /// Bytes of stream and of index rows since the last checkpoint.
    unsynced: u64,
}

impl<'a> Applier<'a> {
    pub(crate) fn new(index: &'a Index, store: StoreId) -> Result<Self, IndexError> {
        let view = index.view()?;
        let meta = view.with(Table::Meta, META_KEY, Meta::decode)?.transpose()?;
        let start = Place { segment: FIRST, offset: SegmentHeader::LEN };
        let fresh = Meta { applied: start, next_seq: NodeSeq(1), next_local: 1, store };
        let meta = meta.unwrap_or(fresh);
        let derived = view.len(Table::Derived)? > 0;
        let overlay = Overlay::new(view, meta.next_local);
        Ok(Self { index, meta, overlay, derived, waiting: Vec::new(), gathered: 0, unsynced: 0 })
    }

    /// How far the index is, and whose.
    pub(crate) fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The segment whose records come next, from its first on.
    pub(crate) fn segment(&mut self, number: u32, revision: u32) {
        if revision > 0 {
            self.overlay.set_revision(number, revision);
        }
    }

    /// A blob, in the order of the stream.
    pub(crate) fn blob(&mut self, id: BlobId, location: Location) {
        self.waiting.push((id, location));
    }

    /// A transaction that stands between two places, in the order of the stream.
    pub(crate) fn transaction(
        &mut self,
        transaction: &Transaction,
        place: Place,
        end: Place,
    ) -> Result<(), FoldError> {
        if transaction.node_seq != self.meta.next_seq {
            let (found, expected) = (transaction.node_seq, self.meta.next_seq);
            return Err(FoldError::NodeSeq { found, expected });
        }
        for (id, location) in self.waiting.drain(..) {
            self.overlay.add_blob(id, location)?;
        }
        fold::apply(&mut self.overlay, transaction, place, self.derived)?;
        self.unsynced += mem::replace(&mut self.meta.applied, end).bytes_to(end);
        self.gathered += transaction.size();
        self.meta.next_seq.0 += 1;
        if self.gathered >= GATHERED_MAX {
            self.flush()?;
        }
        Ok(())
    }

    /// Hands what was gathered to the index.
    pub(crate) fn flush(&mut self) -> Result<(), IndexError> {
        if self.gathered == 0 {
            return Ok(());
        }
        self.meta.next_local = self.overlay.next_local;
        let fresh = Overlay::new(self.index.view()?, self.meta.next_local);
        let mut batch = mem::replace(&mut self.overlay, fresh).into_batch()?;
        batch.put(Table::Meta, META_KEY, self.meta.encode());
        self.unsynced += batch.bytes();
        self.index.apply(batch)?;
        self.overlay = Overlay::new(self.index.view()?, self.meta.next_local);
        self.gathered = 0;
        if self.unsynced >= UNSYNCED_MAX { self.checkpoint() } else { Ok(()) }
    }

    /// There is nothing more: makes the index durable, and gives back the blobs behind the last transaction.
    pub(crate) fn finish(mut self) -> Result<(Meta, Vec<(BlobId, Location)>), IndexError> {
        self.flush()?;
        if self.unsynced > 0 {
            self.checkpoint()?;
        }
        Ok((self.meta, self.waiting))
    }

    fn checkpoint(&mut self) -> Result<(), IndexError> {
        self.index.checkpoint()?;
        self.unsynced = 0;
        Ok(())
    }
}

/// Bytes of operations gathered for one batch of the index: they are all in memory, with what they touch.
const GATHERED_MAX: u64 = 4 << 20;
/// Bytes of stream and rows between two checkpoints of a long replay.
const UNSYNCED_MAX: u64 = 256 << 20;
