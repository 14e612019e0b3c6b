//! The one writer: runs waiting closures, makes their transactions durable with one sync, answers.
//!
//! While a sync runs, new closures queue up: that is all the batching there is. With nobody waiting a commit starts at once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, PoisonError};
use std::thread::{self, JoinHandle};
use std::{io, mem};

use essaim_types::{AccountId, Lsn, NodeSeq, Timestamp};

use crate::appender::{AppendFault, Appended};
use crate::codec::Content;
use crate::core::Core;
use crate::error::StoreFailure;
use crate::index::rows::{META_KEY, Meta, Place};
use crate::index::{IndexError, Table};
use crate::overlay::Overlay;
use crate::queue::Taken;
use crate::record::RecordKind;
use crate::tx::{FinishError, Prepared, Tx};
use crate::work::{Outcome, Work};

/// Owns the write side of the index.
#[derive(Debug)]
pub(crate) struct Writer {
    core: Arc<Core>,
    meta: Meta,
    /// Bytes of stream and of index rows since the last checkpoint.
    unsynced: u64,
    /// Something is in the index that no checkpoint has synced.
    dirty: bool,
}

/// Transactions of one batch, encoded one after the other.
#[derive(Default)]
struct Encoded {
    records: Vec<u8>,
    /// For each numbered group of each transaction: local number, LSN, and where in `records` the transaction begins.
    log: Vec<(u32, Lsn, usize)>,
    changes: Vec<(AccountId, Lsn)>,
    count: usize,
}

/// Why a batch did not become durable.
enum BatchFault {
    NoSpace,
    Failed(Arc<StoreFailure>),
}

impl Writer {
    pub(crate) fn start(core: Arc<Core>, meta: Meta) -> io::Result<JoinHandle<()>> {
        let mut writer = Self { core, meta, unsynced: 0, dirty: false };
        thread::Builder::new().name("store-writer".to_owned()).spawn(move || {
            // Closures' panics go to their callers: this is one of the index's own. Whoever waits or comes is told.
            while catch_unwind(AssertUnwindSafe(|| writer.run())).is_err() {
                writer.core.poison("go on after a panic in the index", "the index panicked");
            }
        })
    }

    fn run(&mut self) {
        loop {
            let patience = self.dirty.then_some(self.core.options.checkpoint_idle);
            match self.core.queue.take(BATCH_MAX, patience) {
                Taken::Work(works) => self.batch(works),
                Taken::Idle => self.checkpoint(),
                Taken::Closed => return self.checkpoint(),
            }
        }
    }

    fn batch(&mut self, mut works: Vec<Box<dyn Work>>) {
        while !works.is_empty() {
            let mut outcomes = Vec::with_capacity(works.len());
            match self.commit(&mut works, &mut outcomes) {
                Ok(()) => {}
                Err(BatchFault::NoSpace) => {
                    self.core.counters.no_space.add(outcomes.len());
                    outcomes.fill(Outcome::NoSpace);
                }
                Err(BatchFault::Failed(failure)) => {
                    outcomes.clear();
                    outcomes.resize(works.len(), Outcome::Failed(failure));
                }
            }
            for (work, outcome) in works.drain(..outcomes.len()).zip(outcomes) {
                work.answer(outcome);
            }
            if self.unsynced >= self.core.options.checkpoint_after.0 {
                self.checkpoint();
            }
        }
    }

    /// Runs closures until all are, or enough is gathered for one batch, and makes what they did durable. One outcome for each that
    /// was run.
    fn commit(&mut self, works: &mut [Box<dyn Work>], outcomes: &mut Vec<Outcome>) -> Result<(), BatchFault> {
        self.core.check().map_err(BatchFault::Failed)?;
        let core = Arc::clone(&self.core);
        let _writing = core.writing.lock().unwrap_or_else(PoisonError::into_inner);
        let now = (core.options.clock)();
        let view = core.index.view().map_err(|e| self.index_failed(e))?;
        let mut overlay = Overlay::new(view, self.meta.next_local);
        let mut encoded = Encoded::default();
        let mut next_seq = self.meta.next_seq;
        for work in works {
            let outcome = self.run_one(work.as_mut(), &mut overlay, &mut encoded, &mut next_seq, now)?;
            outcomes.push(outcome);
            if encoded.records.len() >= BATCH_BYTES {
                break;
            }
        }
        let mut meta = Meta { next_seq, next_local: overlay.next_local, ..self.meta };
        if encoded.count == 0 {
            return self.apply(overlay, meta);
        }
        let appended = self.append(&encoded)?;
        self.place(&mut overlay, &encoded, &appended, &mut meta, now).map_err(|e| self.index_failed(e))?;
        self.apply(overlay, meta)?;
        core.appender.forget(&appended.blobs);
        core.watchers.publish(&encoded.changes);
        core.counters.commits.add(encoded.count);
        core.counters.batches.add(1);
        Ok(())
    }

    /// Runs one closure. What a failing one did is undone; the others do not notice.
    fn run_one(
        &self,
        work: &mut dyn Work,
        overlay: &mut Overlay,
        encoded: &mut Encoded,
        next_seq: &mut NodeSeq,
        now: Timestamp,
    ) -> Result<Outcome, BatchFault> {
        let mut tx = Tx::new(overlay, &self.core.appender, &self.core.gates, now);
        if !work.run(&mut tx) {
            drop(tx);
            overlay.undo();
            return Ok(Outcome::Done);
        }
        match tx.finish(*next_seq) {
            Ok(prepared) => {
                match prepared {
                    None => overlay.keep_derived(),
                    Some(prepared) => {
                        overlay.keep(now);
                        encoded.add(&self.core, &prepared);
                        next_seq.0 += 1;
                    }
                }
                Ok(Outcome::Done)
            }
            Err(FinishError::OverQuota(over)) => {
                overlay.undo();
                Ok(Outcome::OverQuota(over))
            }
            Err(FinishError::TooLarge) => {
                overlay.undo();
                Ok(Outcome::TooLarge)
            }
            Err(FinishError::Index(error)) => Err(self.index_failed(error)),
        }
    }

    /// Appends the batch and syncs it: after this it has happened.
    fn append(&self, encoded: &Encoded) -> Result<Appended, BatchFault> {
        let core = &self.core;
        let appended = core
            .check_space(encoded.records.len())
            .and_then(|()| core.appender.append_batch(&encoded.records))
            .map_err(|fault| match fault {
                AppendFault::NoSpace => BatchFault::NoSpace,
                AppendFault::Io(error) => {
                    BatchFault::Failed(core.poison("append to the last segment", error))
                }
            })?;
        core.appender
            .sync(&appended)
            .map_err(|error| BatchFault::Failed(core.poison("sync the last segment", error)))?;
        core.counters.syncs.add(1);
        core.counters.appended_bytes.add(encoded.records.len());
        Ok(appended)
    }

    /// Adds to the overlay what is known only now: places.
    fn place(
        &self,
        overlay: &mut Overlay,
        encoded: &Encoded,
        appended: &Appended,
        meta: &mut Meta,
        now: Timestamp,
    ) -> Result<(), IndexError> {
        for (id, location) in &appended.blobs {
            overlay.add_blob(*id, *location)?;
        }
        overlay.keep(now);
        let Place { segment, offset } = appended.place;
        for (local, lsn, at) in &encoded.log {
            overlay.add_log(*local, *lsn, Place { segment, offset: offset + *at as u64 });
        }
        meta.applied = Place { segment, offset: offset + encoded.records.len() as u64 };
        Ok(())
    }

    fn apply(&mut self, overlay: Overlay, meta: Meta) -> Result<(), BatchFault> {
        let mut batch = overlay.into_batch().map_err(|e| self.index_failed(e))?;
        if batch.is_empty() {
            return Ok(());
        }
        batch.put(Table::Meta, META_KEY, meta.encode());
        let bytes = batch.bytes();
        self.core.index.apply(batch).map_err(|e| self.index_failed(e))?;
        self.unsynced += bytes + mem::replace(&mut self.meta, meta).applied.bytes_to(meta.applied);
        self.dirty = true;
        Ok(())
    }

    fn checkpoint(&mut self) {
        if !self.dirty || self.core.failure.get().is_some() {
            return;
        }
        if let Err(error) = self.core.index.checkpoint() {
            self.core.poison("sync the index", error.0);
            return;
        }
        self.core.counters.checkpoints.add(1);
        (self.unsynced, self.dirty) = (0, false);
    }

    fn index_failed(&self, error: IndexError) -> BatchFault {
        BatchFault::Failed(self.core.poison("update the index", error.0))
    }
}

impl Encoded {
    fn add(&mut self, core: &Core, prepared: &Prepared) {
        let Prepared { transaction, logged } = prepared;
        let mut payload = Vec::new();
        transaction.encode(&mut payload);
        let hash = *blake3::hash(&payload).as_bytes();
        let record = core.codecs.record(RecordKind::Transaction, hash, &payload, Content::Other);
        let at = self.records.len();
        self.records.extend_from_slice(&record);
        for (group, local) in transaction.groups.iter().zip(logged) {
            self.log.extend(local.map(|local| (local, group.lsn, at)));
            self.changes.push((group.account, group.lsn));
        }
        self.count += 1;
    }
}

/// Closures taken at once.
const BATCH_MAX: usize = 1024;
/// A batch is closed when its records are this long.
const BATCH_BYTES: usize = 8 << 20;
