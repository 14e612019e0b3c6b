//! Replicas as archives in files: `ACCOUNT/ROOT.pdpa.tar.zst` below one directory, each with a row in the store. A row is written before the first byte
//! comes, so that what is on its way takes its room.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::PathBuf;
use std::time::Duration;

use essaim_identity::Signed;
use essaim_identity::cbor::{self, Bounded};
use essaim_migration::archive::{self, About, ReadError, ReadLimits, Receiver, Root, Seal};
use essaim_migration::replica::{Form, Held, Replicas};
use essaim_store::{CommitError, Put, ReadError as StoreReadError, Store, TxError};
use essaim_types::{AccountId, ListingId, ObjectKind, Timestamp};
use minicbor::{Decode, Encode};

use crate::command::view;

/// The replicas of this node.
#[derive(Debug, Clone)]
pub(crate) struct Archives {
    pub(crate) store: Store,
    pub(crate) hoster: AccountId,
    pub(crate) dir: PathBuf,
    pub(crate) bytes_per_hoster: u64,
}

/// A `REPLICA` object of the hoster's account: key account and root.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Kept {
    /// Whose.
    #[n(0)]
    #[cbor(with = "essaim_identity::cbor::with::account")]
    pub(crate) account: AccountId,
    /// What its seal says.
    #[n(1)]
    #[cbor(with = "minicbor::bytes")]
    pub(crate) root: Root,
    /// Who has sent it.
    #[n(2)]
    #[cbor(with = "essaim_identity::cbor::with::listing")]
    pub(crate) from: ListingId,
    /// As it is told.
    #[n(3)]
    pub(crate) held: Held,
    /// Whether it is all there, and was read.
    #[n(4)]
    pub(crate) whole: bool,
}

/// Why a replica is not kept, or not given.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeepError {
    #[error("there is no room for it: {max} bytes are kept for one hoster")]
    NoRoom { max: u64 },
    #[error("{REPLICAS_PER_ACCOUNT} replicas of the account are kept, and none of them is 30 days old")]
    Full,
    #[error("another replica of the account is on its way")]
    Busy,
    #[error("it is no whole archive: {0}")]
    Refused(String),
    #[error("the archive has another seal than was said")]
    OtherSeal,
    #[error("a file of the replica failed")]
    File(#[from] io::Error),
    #[error("the store could not be read")]
    Read(#[from] StoreReadError),
    #[error("it could not be written down")]
    Commit(#[from] CommitError<TxError>),
    #[error("a record of a replica is damaged: run essaim store verify")]
    Damaged,
}

/// Where a replica that is to come stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Begun {
    /// It is here.
    Whole,
    /// So many bytes are here.
    At(u64),
}

impl Replicas for Archives {
    type Error = KeepError;
    type Bytes = File;

    fn held(&self, account: AccountId) -> Result<Vec<Held>, KeepError> {
        let kept = self.all()?.into_iter().filter(|kept| kept.account == account && kept.whole);
        Ok(kept.map(|kept| kept.held).collect())
    }

    fn open(&self, account: AccountId, root: &Root, offset: u64) -> Result<Option<(File, u64)>, KeepError> {
        let Some(kept) = self.row(account, root)?.filter(|kept| kept.whole) else { return Ok(None) };
        let mut file = File::open(self.path(&kept))?;
        let length = file.metadata()?.len();
        if offset > length {
            return Ok(None);
        }
        file.seek(SeekFrom::Start(offset))?;
        Ok(Some((file, length - offset)))
    }
}

impl Archives {
    /// Every replica, those that are on their way too, in the order of accounts.
    pub(crate) fn all(&self) -> Result<Vec<Kept>, KeepError> {
        use std::ops::Bound::Unbounded;
        let snapshot = self.store.read()?;
        let rows = snapshot.range(self.hoster, ObjectKind::REPLICA, Unbounded, Unbounded)?;
        rows.map(|row| decode(&row?.1.value)).collect()
    }

    /// Makes room for a replica, and says where it stands.
    pub(super) fn begin(&self, new: &Kept, now: Timestamp) -> Result<Begun, KeepError> {
        let known = self.row(new.account, &new.root)?;
        if known.as_ref().is_some_and(|known| known.whole) {
            return Ok(Begun::Whole);
        }
        let length = self.partial_length(new)?;
        if known.is_some_and(|known| known.held.length == new.held.length && length <= new.held.length) {
            return Ok(Begun::At(length));
        }
        self.make_room(new, now)?;
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true).mode(0o700).create(self.dir.join(new.account.to_string()))?;
        self.put(new)?;
        Ok(Begun::At(0))
    }

    /// The file that takes what comes, from `offset` on.
    pub(super) fn partial(&self, kept: &Kept, offset: u64) -> Result<File, KeepError> {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(self.partial_path(kept))?;
        file.set_len(offset)?;
        file.seek(SeekFrom::End(0))?;
        Ok(file)
    }

    /// All has come: it is read from beginning to end, and only then counts. One that is not whole is deleted.
    pub(super) fn finish(&self, kept: &Kept) -> Result<(), KeepError> {
        let partial = self.partial_path(kept);
        let file = File::open(&partial)?;
        file.sync_all()?;
        if let Err(error) = check(file, &kept.held.seal) {
            self.drop(kept.account, &kept.root)?;
            return Err(error);
        }
        let path = self.path(kept);
        fs::rename(&partial, &path)?;
        for directory in path.ancestors().skip(1).take(2) {
            File::open(directory)?.sync_all()?;
        }
        self.put(&Kept { whole: true, ..kept.clone() })
    }

    /// Keeps it no more; whether there was one.
    pub(crate) fn drop(&self, account: AccountId, root: &Root) -> Result<bool, KeepError> {
        let Some(kept) = self.row(account, root)? else { return Ok(false) };
        for path in [self.path(&kept), self.partial_path(&kept)] {
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                _ => {}
            }
        }
        let (hoster, key) = (self.hoster, key(account, root));
        self.store.commit_blocking(move |tx| tx.delete(hoster, ObjectKind::REPLICA, &key).map(drop))?;
        Ok(true)
    }

    /// Within the room of its hoster and of its account. What never came whole goes first; then what is old enough by our own clock.
    fn make_room(&self, new: &Kept, now: Timestamp) -> Result<(), KeepError> {
        let mut all = self.all()?;
        let stale = |kept: &Kept| !kept.whole && now.since(kept.held.since) >= UNFINISHED_MAX;
        for old in all.extract_if(.., |kept| kept.from == new.from && stale(kept)) {
            self.drop(old.account, &old.root)?;
        }
        all.retain(|kept| (kept.account, kept.root) != (new.account, new.root));
        let mut same: Vec<&Kept> = all.iter().filter(|kept| kept.account == new.account).collect();
        if same.iter().filter(|kept| !kept.whole).count() >= UNFINISHED_PER_ACCOUNT {
            return Err(KeepError::Busy);
        }
        same.sort_by_key(|kept| kept.held.since);
        let mut freed = None;
        if same.len() >= REPLICAS_PER_ACCOUNT {
            let oldest = same.first().filter(|kept| now.since(kept.held.since) >= KEPT_AT_LEAST);
            freed = Some((*oldest.ok_or(KeepError::Full)?).clone());
        }
        let used = all.iter().filter(|kept| kept.from == new.from).map(|kept| kept.held.length);
        let used = used.fold(0, u64::saturating_add);
        let less = freed.as_ref().filter(|kept| kept.from == new.from).map_or(0, |kept| kept.held.length);
        if used.saturating_sub(less).saturating_add(new.held.length) > self.bytes_per_hoster {
            return Err(KeepError::NoRoom { max: self.bytes_per_hoster });
        }
        if let Some(old) = freed {
            self.drop(old.account, &old.root)?;
        }
        Ok(())
    }

    fn put(&self, kept: &Kept) -> Result<(), KeepError> {
        let (hoster, key) = (self.hoster, key(kept.account, &kept.root));
        let value = [&[VERSION][..], &cbor::encode(kept)].concat();
        let put = move |tx: &mut essaim_store::Tx<'_>| {
            tx.put(hoster, ObjectKind::REPLICA, &key, Put::new(value)).map(drop)
        };
        Ok(self.store.commit_blocking(put)?)
    }

    fn row(&self, account: AccountId, root: &Root) -> Result<Option<Kept>, KeepError> {
        let row = self.store.read()?.get(self.hoster, ObjectKind::REPLICA, &key(account, root))?;
        row.map(|row| decode(&row.value)).transpose()
    }

    fn partial_length(&self, kept: &Kept) -> Result<u64, KeepError> {
        match fs::metadata(self.partial_path(kept)) {
            Ok(metadata) => Ok(metadata.len()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(error.into()),
        }
    }

    fn path(&self, kept: &Kept) -> PathBuf {
        let name = format!("{}.pdpa.tar.zst", view::hex(&kept.root));
        self.dir.join(kept.account.to_string()).join(name)
    }

    fn partial_path(&self, kept: &Kept) -> PathBuf {
        self.dir.join(kept.account.to_string()).join(format!("{}.part", view::hex(&kept.root)))
    }
}

/// Reads an archive to its end and compares its seal.
fn check(file: impl Read, seal: &[u8]) -> Result<(), KeepError> {
    let (found, _) = read(file)?;
    if found.to_wire() == seal { Ok(()) } else { Err(KeepError::OtherSeal) }
}

/// Reads an archive to its end: its seal, and when it was made.
pub(crate) fn read(file: impl Read) -> Result<(Signed<Seal>, String), KeepError> {
    struct Made(String);
    impl Receiver for Made {
        type Error = std::convert::Infallible;

        fn about(&mut self, about: &About) -> Result<(), Self::Error> {
            self.0.clone_from(&about.archive.timestamp);
            Ok(())
        }
    }
    let mut made = Made(String::new());
    let read = archive::read(io::BufReader::new(file), ReadLimits::NONE, &mut made);
    let seal = read.map_err(|error| match error {
        ReadError::Source(error) => KeepError::File(error),
        ReadError::Refused(refusal) => KeepError::Refused(refusal.to_string()),
        ReadError::Receiver(never) => match never {},
    })?;
    Ok((seal, made.0))
}

fn key(account: AccountId, root: &Root) -> Vec<u8> {
    [account.as_bytes().as_slice(), root].concat()
}

fn decode(value: &[u8]) -> Result<Kept, KeepError> {
    let body = value.strip_prefix(&[VERSION]).ok_or(KeepError::Damaged)?;
    cbor::decode(body).map_err(|_| KeepError::Damaged)
}

impl Bounded for Kept {
    const BYTES_MAX: usize = 1 << 10;
    const DEPTH_MAX: usize = 3;
}

impl Kept {
    /// One that is to come.
    pub(super) fn new(account: AccountId, root: Root, from: ListingId, held: Held, now: Timestamp) -> Self {
        let held = Held { form: Form::ArchiveInTheClear, since: now, ..held };
        Self { account, root, from, held, whole: false }
    }
}

const VERSION: u8 = 1;
/// The most replicas that are kept of one account.
const REPLICAS_PER_ACCOUNT: usize = 8;
/// Of one account, on their way.
const UNFINISHED_PER_ACCOUNT: usize = 2;
/// How long a replica is kept, whatever its source sends after it.
const KEPT_AT_LEAST: Duration = Duration::from_hours(30 * 24);
/// After so long what has not come whole makes room.
const UNFINISHED_MAX: Duration = Duration::from_hours(7 * 24);

#[cfg(test)]
mod tests;
