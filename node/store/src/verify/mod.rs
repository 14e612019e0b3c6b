//! Checking everything: each record's hash, the order of the log, and that the index is what the log says.
//!
//! The log is applied from its beginning to a second index, on the same disk, and both are compared row by row. References
//! and accounts' numbers are counted again from the objects as well, so that a mistake in applying is not made twice.

mod compare;
mod recount;
mod report;

use std::sync::PoisonError;

use essaim_types::BlobId;

pub use report::{Difference, Finding, VerifyReport};

use crate::applier::Applier;
use crate::core::Core;
use crate::disk::OpenMode;
use crate::error::ReadError;
use crate::fold::FoldError;
use crate::index::rows::{Location, META_KEY, Meta, Place};
use crate::index::{Index, Table, View};
use crate::progress::{Progress, Step};
use crate::record::RecordKind;
use crate::scan::{Depth, ScanError, Scanned, Scanner};
use crate::segment::{FIRST, SegmentHeader};

/// See [`crate::Store::verify`].
pub(crate) fn verify(core: &Core, progress: &mut dyn FnMut(Progress)) -> Result<VerifyReport, ReadError> {
    let _alone = core.maintenance.lock().unwrap_or_else(PoisonError::into_inner);
    // Left over from a verify that was cut short.
    drop(core.disk.remove(SCRATCH));
    let file = core.disk.open(SCRATCH, OpenMode::New).map_err(ReadError::Scratch)?;
    let scratch = Index::open(file, core.options.cache)?;
    let report = Verify { core, progress, report: VerifyReport::default(), log_broken: false }.run(&scratch);
    drop(scratch);
    core.disk.remove(SCRATCH).map_err(ReadError::Scratch)?;
    report
}

struct Verify<'a> {
    core: &'a Core,
    progress: &'a mut dyn FnMut(Progress),
    report: VerifyReport,
    /// The log cannot be applied to its end: nothing to compare the index with.
    log_broken: bool,
}

impl Verify<'_> {
    fn run(mut self, scratch: &Index) -> Result<VerifyReport, ReadError> {
        let mut applier = Applier::new(scratch, self.core.store)?;
        let start = Place { segment: FIRST, offset: SegmentHeader::LEN };
        // Most of the work is done before the snapshot is taken: it is held only for what came in the meantime.
        let reached = applied(&self.core.index.view()?, start)?;
        self.read(&mut applier, start, reached)?;
        let live = self.core.index.view()?;
        let end = applied(&live, start)?;
        self.read(&mut applier, reached, end)?;
        applier.flush()?;
        let mut rows = Rows { done: 0, total: recount::rows(&live)? };
        if !self.log_broken {
            let scratch = scratch.view()?;
            rows.total += compare::rows(&live)?;
            compare::compare(&live, &scratch, &mut self.report, &mut |count| {
                rows.tell(count, self.progress)
            })?;
        }
        recount::recount(&live, &mut self.report, &mut |count| rows.tell(count, self.progress))?;
        self.report.accounts = live.len(Table::Accounts)?;
        self.report.objects = live.len(Table::Objects)?;
        Ok(self.report)
    }

    /// Reads the stream between two places, and applies it as long as it can be.
    fn read(&mut self, applier: &mut Applier<'_>, from: Place, to: Place) -> Result<(), ReadError> {
        let fail = |segment| move |source| ReadError::Segment { segment, source };
        let start = Place { segment: FIRST, offset: SegmentHeader::LEN };
        let bytes = self.core.segments.bytes(start).map_err(fail(FIRST))?;
        for segment in from.segment..=to.segment {
            let first = if segment == from.segment { from.offset } else { SegmentHeader::LEN };
            if first == SegmentHeader::LEN {
                applier.segment(segment, self.core.segments.revision(segment).unwrap_or(0));
            }
            let file = self.core.segments.file(segment).map_err(fail(segment))?;
            let place = Place { segment, offset: first };
            let scanner =
                Scanner::new(file, place, &self.core.codecs, Depth::Bodies).map_err(fail(segment))?;
            let mut scanner = if segment == to.segment { scanner.until(to.offset) } else { scanner };
            while self.record(applier, &mut scanner).map_err(|error| match error {
                Stop::Segment(source) => ReadError::Segment { segment, source },
                Stop::Read(error) => error,
            })? {
                (self.progress)(bytes.at(Step::Segments, scanner.place()));
            }
            self.report.bytes += scanner.place().offset - first;
            self.report.segments += u64::from(first == SegmentHeader::LEN);
        }
        Ok(())
    }

    /// Reads one record, and goes on behind it whatever it is; says whether there was one.
    fn record(&mut self, applier: &mut Applier<'_>, scanner: &mut Scanner<'_>) -> Result<bool, Stop> {
        let place = scanner.place();
        match scanner.next() {
            Ok(None) => return Ok(false),
            Ok(Some(Scanned::Blob { id, location })) => {
                self.report.blobs += 1;
                applier.blob(id, location);
            }
            Ok(Some(Scanned::Transaction { place, transaction })) => {
                self.report.transactions += 1;
                if !self.log_broken {
                    let applied = applier.transaction(&transaction, place, scanner.place());
                    self.log_error(place, applied)?;
                }
            }
            Err(ScanError::Bad(reason)) => {
                match scanner.header()? {
                    Some(header) if header.kind == RecordKind::Blob => {
                        let blob = BlobId::from_bytes(header.hash);
                        let location = Location { place, stored: header.stored, plain: header.plain };
                        applier.blob(blob, location);
                        let Place { segment, offset } = place;
                        self.report.add(Finding::Blob { blob, segment, offset });
                    }
                    _ => {
                        self.log_broken = true;
                        let Place { segment, offset } = place;
                        self.report.add(Finding::Record { segment, offset, reason: reason.to_string() });
                    }
                }
                scanner.skip_damage()?;
            }
            Err(ScanError::Io(error)) => return Err(Stop::Segment(error)),
        }
        Ok(true)
    }

    fn log_error(&mut self, place: Place, applied: Result<(), FoldError>) -> Result<(), Stop> {
        match applied {
            Ok(()) => Ok(()),
            Err(FoldError::Index(error)) => Err(Stop::Read(error.into())),
            Err(error) => {
                self.log_broken = true;
                let Place { segment, offset } = place;
                self.report.add(Finding::Log { segment, offset, reason: error.to_string() });
                Ok(())
            }
        }
    }
}

/// What ends a verify before its end.
enum Stop {
    Segment(std::io::Error),
    Read(ReadError),
}

impl From<ScanError> for Stop {
    fn from(error: ScanError) -> Self {
        match error {
            ScanError::Io(error) => Self::Segment(error),
            ScanError::Bad(reason) => Self::Segment(std::io::Error::other(reason)),
        }
    }
}

/// Rows looked at, told now and then.
struct Rows {
    done: u64,
    total: u64,
}

impl Rows {
    fn tell(&mut self, count: u64, progress: &mut dyn FnMut(Progress)) {
        self.done = (self.done + count).min(self.total);
        progress(Progress { step: Step::Index, done: self.done, total: self.total });
    }
}

fn applied(view: &View, start: Place) -> Result<Place, ReadError> {
    let meta = view.with(Table::Meta, META_KEY, Meta::decode)?.transpose()?;
    Ok(meta.map_or(start, |meta| meta.applied))
}

const SCRATCH: &str = "verify.redb";

#[cfg(test)]
mod tests {
    use essaim_types::{AccountId, ObjectKind};

    use super::*;
    use crate::index::Batch;
    use crate::index::rows::{AccountRow, BlobRow, object_key};
    use crate::{Content, Put, Store, TxError};

    const ID: AccountId = AccountId::from_bytes([1; 32]);

    /// A store whose index was changed behind its back, and what verify finds.
    fn spoiled(spoil: impl FnOnce(&View, &mut Batch)) -> Vec<String> {
        let store = Store::in_memory();
        let blob = store.put_blob(Content::Mail, b"bytes").unwrap();
        store
            .commit_blocking(move |tx| {
                tx.create_account(ID, None)?;
                tx.put(ID, ObjectKind::MESSAGE, b"k", Put::new("v").blobs([blob]))?;
                Ok::<_, TxError>(())
            })
            .unwrap();
        let mut batch = Batch::default();
        spoil(&store.core().index.view().unwrap(), &mut batch);
        store.core().index.apply(batch).unwrap();
        let report = verify(store.core(), &mut |_| {}).unwrap();
        report.findings.iter().map(ToString::to_string).collect()
    }

    fn starts(findings: &[String], expected: &[&str]) {
        assert!(
            findings.len() == expected.len()
                && findings.iter().zip(expected).all(|(finding, start)| finding.starts_with(start)),
            "{findings:#?}"
        );
    }

    #[test]
    fn an_object_that_the_log_has_is_missed() {
        let key = object_key(1, ObjectKind::MESSAGE, b"k");
        let findings = spoiled(|_, batch| batch.set(Table::Objects, key, None));
        starts(
            &findings,
            &["the index lacks row \\x04k of table objects-1 (account ", "account aeaqcai", "blob "],
        );
        assert!(findings[2].contains("counts 1 references, objects name it 0 times"), "{findings:?}");
    }

    #[test]
    fn an_object_of_no_account_is_found() {
        let key = object_key(77, ObjectKind::MESSAGE, b"k");
        let findings = spoiled(|view, batch| {
            let row = view.row(Table::Objects, &object_key(1, ObjectKind::ACCOUNT, b"")).unwrap().unwrap();
            batch.put(Table::Objects, key, row);
        });
        starts(&findings, &["the index invents row of no account of table objects-1"]);
    }

    #[test]
    fn numbers_that_do_not_add_up_are_found_in_two_ways() {
        let findings = spoiled(|view, batch| {
            let row =
                view.with(Table::Accounts, ID.as_bytes(), AccountRow::decode).unwrap().unwrap().unwrap();
            batch.put(Table::Accounts, *ID.as_bytes(), AccountRow { objects: 9, ..row }.encode());
        });
        starts(&findings, &["the index alters row ", "account "]);
        let findings = spoiled(|view, batch| {
            let id = BlobId::of(b"bytes");
            let row = view.with(Table::Blobs, id.as_bytes(), BlobRow::decode).unwrap().unwrap().unwrap();
            batch.put(Table::Blobs, *id.as_bytes(), BlobRow { references: 2, ..row }.encode());
        });
        starts(&findings, &["the index alters row ", "blob "]);
    }

    #[test]
    fn what_is_derived_is_not_compared() {
        let key = object_key(1, ObjectKind::MESSAGE, b"k");
        starts(&spoiled(|_, batch| batch.put(Table::Derived, key, "derived")), &[]);
    }
}
