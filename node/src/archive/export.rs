//! An account leaves as one file.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path as FilePath, PathBuf};

use essaim_identity::account::AccountEntry;
use essaim_identity::{Cosigned, SigningKey};
use essaim_mail::mailbox::MailboxError;
use essaim_mail::record::RecordError;
use essaim_migration::archive::{
    About, Ending, LossesLanguage, Missing, Path, Root, WriteError, Writer, Written, losses,
};
use essaim_migration::object::Object;
use essaim_store::{ReadError, Store};
use essaim_types::{AccountId, Lsn, ObjectKind};

use super::folders::Folders;
use super::walk::{Sink, StoreBlobs, Walk};

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Export<'a> {
    pub(crate) store: &'a Store,
    pub(crate) account: AccountId,
    pub(crate) about: About,
    /// Of `LOSSES.md`.
    pub(crate) language: LossesLanguage,
    /// Messages of the account that wait to be sent.
    pub(crate) waiting: u64,
    /// `settings.json`.
    pub(crate) settings: Vec<u8>,
    /// Seconds since 1970.
    pub(crate) time: u64,
    /// The root of the archive that it goes on from.
    pub(crate) base_root: Option<Root>,
    pub(crate) key: &'a SigningKey,
    /// The account log as far as it stands, first entry first; empty for an account from before there were logs.
    pub(crate) log: Vec<Cosigned<AccountEntry>>,
}

/// What was exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Exported {
    pub(crate) written: Written,
    pub(crate) lsn_to: Lsn,
    pub(crate) mailboxes: u64,
    /// Those that `folder.json` lists.
    pub(crate) messages: u64,
}

/// Why there is no archive.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ArchiveError {
    #[error("could not write {path}", path = path.display())]
    File {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("{path} is there already", path = path.display())]
    Exists { path: PathBuf },
    #[error("it was stopped before its end")]
    Stopped,
    #[error("the account was deleted meanwhile")]
    Deleted,
    #[error("the log of the account does not go back to change {after}: export everything, without --since")]
    Trimmed { after: Lsn },
    #[error(transparent)]
    Write(#[from] WriteError<ReadError>),
    #[error("could not read the account")]
    Read(#[from] ReadError),
    #[error("could not read the mailboxes of the account")]
    Mailboxes(#[from] MailboxError),
    #[error("could not read a message of the account")]
    Record(#[from] RecordError),
}

/// Writes the archive to `to`, which must not be there yet. It has its name when it is whole and on the disk.
pub(crate) fn export(
    export: &Export<'_>,
    to: &FilePath,
    progress: &mut dyn FnMut(u64) -> bool,
) -> Result<Exported, ArchiveError> {
    let failed = |source| ArchiveError::File { path: to.to_owned(), source };
    if fs::symlink_metadata(to).is_ok() {
        return Err(ArchiveError::Exists { path: to.to_owned() });
    }
    let mut partial = to.as_os_str().to_owned();
    partial.push(PARTIAL);
    let partial = PathBuf::from(partial);
    let file = File::options().write(true).create(true).truncate(true).mode(0o600).open(&partial);
    let outcome = export.write(BufWriter::new(file.map_err(failed)?), progress);
    let exported = outcome.and_then(|(file, exported)| {
        let file = file.into_inner().map_err(|error| failed(error.into_error()))?;
        file.sync_all().map_err(failed)?;
        Ok(exported)
    });
    if exported.is_err() {
        // Half an archive is no use to anybody. If it cannot be removed, its name says what it is.
        let _ = fs::remove_file(&partial);
        return exported;
    }
    fs::rename(&partial, to).map_err(failed)?;
    let directory = to.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(directory.unwrap_or_else(|| FilePath::new(".")))
        .and_then(|directory| directory.sync_all())
        .map_err(failed)?;
    exported
}

impl Export<'_> {
    /// Writes the archive; gives `to` back.
    pub(crate) fn write<W: Write>(
        &self,
        to: W,
        progress: &mut dyn FnMut(u64) -> bool,
    ) -> Result<(W, Exported), ArchiveError> {
        let mut writer = Writer::begin::<ReadError>(to, &self.about, self.time, self.base_root)?;
        writer.losses::<ReadError>(&losses(self.language, &self.missing()))?;
        writer.settings::<ReadError>(&self.settings)?;
        for entry in &self.log {
            writer.log_entry::<ReadError>(&entry.to_wire())?;
        }
        let since = Lsn(self.about.essaim.lsn_from);
        let mut walk = Walk::new(self.store, self.account, self.about.essaim.secrets);
        let mut sink = Into { writer: &mut writer, blobs: StoreBlobs(self.store), progress };
        let from = if since > Lsn::ZERO {
            since
        } else {
            let now = self.store.read()?.account(self.account)?.ok_or(ArchiveError::Deleted)?.lsn;
            walk.copy(now, &mut sink)?;
            now
        };
        let (snapshot, lsn_to) = walk.follow(from, &mut sink)?;
        writer.end_objects(&mut StoreBlobs(self.store))?;
        let removed = &walk.removed;
        let folders = Folders { snapshot: &snapshot, account: self.account, since, removed };
        let (mailboxes, messages) = folders.write(&mut writer)?;
        drop(snapshot);
        let head = self.log.last();
        let epoch = head.map_or(0, |head| head.record().epoch.0);
        let ending = Ending { epoch, lsn_to, log_head: head.map(|head| *head.hash().as_bytes()) };
        let (to, written) = writer.finish::<ReadError>(&ending, self.key)?;
        Ok((to, Exported { written, lsn_to, mailboxes, messages }))
    }

    fn missing(&self) -> Missing<'_> {
        Missing {
            address: &self.about.datasource.account,
            waiting: self.waiting,
            secrets: self.about.essaim.secrets,
            partial: self.about.essaim.lsn_from > 0,
        }
    }
}

/// A writer, as a walk fills it.
struct Into<'a, W> {
    writer: &'a mut Writer<W>,
    blobs: StoreBlobs<'a>,
    /// Bytes so far; whether to go on.
    progress: &'a mut dyn FnMut(u64) -> bool,
}

impl<W: Write> Sink for Into<'_, W> {
    fn object(&mut self, object: Object, path: Option<Path>, time: u64) -> Result<(), WriteError<ReadError>> {
        self.writer.object(object, path, time, &mut self.blobs)
    }

    fn gone(&mut self, kind: ObjectKind, key: Vec<u8>, lsn: Lsn) -> Result<(), WriteError<ReadError>> {
        self.writer.gone(kind, key, lsn, &mut self.blobs)
    }

    fn is_stopped(&mut self) -> bool {
        !(self.progress)(self.writer.position())
    }
}

/// What the name of an archive that is not whole ends with.
const PARTIAL: &str = ".partial";
