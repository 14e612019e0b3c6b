//! The objects of an account in use, read in short snapshots and yet the state at one LSN: `specs/15-archive.md`, "Export while the account is in use".

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use essaim_mail::record::{self, Message};
use essaim_migration::archive::{Blobs, Path, WriteError};
use essaim_migration::object::Object;
use essaim_store::{Change, Changes, Op, ReadError, Snapshot, Store};
use essaim_types::{AccountId, BlobId, Lsn, ObjectKind};

use super::export::ArchiveError;

/// Whoever takes what is found.
pub(super) trait Sink {
    fn object(&mut self, object: Object, path: Option<Path>, time: u64) -> Result<(), WriteError<ReadError>>;
    fn gone(&mut self, kind: ObjectKind, key: Vec<u8>, lsn: Lsn) -> Result<(), WriteError<ReadError>>;
    /// Now and then: whether to go on.
    fn is_stopped(&mut self) -> bool;
}

/// A walk over an account.
#[derive(Debug)]
pub(super) struct Walk<'a> {
    pub(super) store: &'a Store,
    pub(super) account: AccountId,
    /// Whether password hashes are among what is found.
    pub(super) secrets: bool,
    /// Messages that were found to be gone, by mailbox, for `folder.json`; not more than `REMOVED_MAX`.
    pub(super) removed: BTreeMap<u32, BTreeSet<u32>>,
    removed_count: usize,
}

/// Blobs from the store.
#[derive(Debug)]
pub(super) struct StoreBlobs<'a>(pub(super) &'a Store);

impl Blobs for StoreBlobs<'_> {
    type Error = ReadError;

    fn read(&mut self, id: &BlobId) -> Result<Bytes, ReadError> {
        self.0.blob(id)
    }
}

impl<'a> Walk<'a> {
    pub(super) fn new(store: &'a Store, account: AccountId, secrets: bool) -> Self {
        Self { store, account, secrets, removed: BTreeMap::new(), removed_count: 0 }
    }

    /// All objects that did not change after `at`.
    pub(super) fn copy(&self, at: Lsn, sink: &mut impl Sink) -> Result<(), ArchiveError> {
        let mut after: Option<(ObjectKind, Bytes)> = None;
        loop {
            let cursor = after.as_ref().map(|(kind, key)| (*kind, &key[..]));
            let page: Vec<_> =
                self.store.read()?.objects(self.account, cursor)?.take(AT_ONCE).collect::<Result<_, _>>()?;
            if sink.is_stopped() {
                return Err(ArchiveError::Stopped);
            }
            let Some((kind, key, _)) = page.last() else { return Ok(()) };
            after = Some((*kind, key.clone()));
            for (kind, key, object) in page {
                if self.takes(kind) && object.lsn <= at {
                    emit(kind, &key, object, sink)?;
                }
            }
        }
    }

    /// What changed after `after`, up to now: the state that the snapshot shows, and its LSN.
    pub(super) fn follow(
        &mut self,
        mut after: Lsn,
        sink: &mut impl Sink,
    ) -> Result<(Snapshot, Lsn), ArchiveError> {
        loop {
            let snapshot = self.store.read()?;
            let now = snapshot.account(self.account)?.ok_or(ArchiveError::Deleted)?.lsn;
            if after >= now {
                return Ok((snapshot, now));
            }
            if sink.is_stopped() {
                return Err(ArchiveError::Stopped);
            }
            let Changes::Since(changes) = self.store.changes(self.account, after, AT_ONCE)? else {
                return Err(ArchiveError::Trimmed { after });
            };
            // What came after the snapshot was taken is read in the next round.
            let changes: Vec<_> = changes.into_iter().filter(|change| change.lsn <= now).collect();
            let last = changes.last().map(|change| change.lsn);
            for change in changes {
                self.replay(&snapshot, change, sink)?;
            }
            after = last.ok_or(ArchiveError::Trimmed { after })?;
        }
    }

    /// An operation after which came another on the same object says nothing: the other one will.
    fn replay(&mut self, now: &Snapshot, change: Change, sink: &mut impl Sink) -> Result<(), ArchiveError> {
        let mut ops = change.ops;
        ops.sort_by(|one, other| one.target().cmp(&other.target()));
        for op in ops {
            let (kind, key) = op.target();
            if !self.takes(kind) {
                continue;
            }
            let object = now.get(self.account, kind, key)?;
            match (&op, object) {
                (Op::Upsert { .. }, Some(object)) if object.lsn == change.lsn => {
                    emit(kind, key, object, sink)?
                }
                (Op::Delete { .. }, None) => {
                    self.note_removed(kind, key);
                    sink.gone(kind, key.to_vec(), change.lsn)?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// The account itself is the hoster's promise, not the member's.
    fn takes(&self, kind: ObjectKind) -> bool {
        kind != ObjectKind::ACCOUNT && (self.secrets || !SECRET.contains(&kind))
    }

    fn note_removed(&mut self, kind: ObjectKind, key: &[u8]) {
        if kind != ObjectKind::MESSAGE || self.removed_count >= REMOVED_MAX {
            return;
        }
        if let Ok((mailbox, uid)) = record::message_of_key(key) {
            self.removed.entry(mailbox.0).or_default().insert(uid.value());
            self.removed_count += 1;
        }
    }
}

fn emit(
    kind: ObjectKind,
    key: &[u8],
    object: essaim_store::Object,
    sink: &mut impl Sink,
) -> Result<(), ArchiveError> {
    let (path, time) = open_file(kind, key, &object.value);
    let essaim_store::Object { lsn, charge, blobs, value } = object;
    let object = Object { kind, key: key.to_vec(), lsn, charge, blobs, value: value.to_vec() };
    Ok(sink.object(object, path, time)?)
}

/// The file that people find an object's content in, and its time. What is not known here has none, and leaves all the same.
fn open_file(kind: ObjectKind, key: &[u8], value: &[u8]) -> (Option<Path>, u64) {
    if kind != ObjectKind::MESSAGE {
        return (None, 0);
    }
    let (Ok((mailbox, uid)), Ok(message)) = (record::message_of_key(key), Message::decode(value)) else {
        return (None, 0);
    };
    // A tar header holds eleven octal digits.
    let seconds = u64::try_from(message.internal_date.seconds()).unwrap_or(0).min((1 << 33) - 1);
    (Some(Path::mail(mailbox.0, uid.value())), seconds)
}

/// Objects or changes that are read with one snapshot.
const AT_ONCE: usize = 256;
/// Removed messages that an archive of changes names in its `folder.json`; tombstones are all there.
const REMOVED_MAX: usize = 1 << 20;
/// Kinds that hold hashes of passwords.
const SECRET: [ObjectKind; 2] = [ObjectKind::CREDENTIAL, ObjectKind::ASIDE];
