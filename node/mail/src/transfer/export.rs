//! An account's mail leaves as a Maildir++, which mutt, mbsync, notmuch and Dovecot read.

use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use essaim_store::{ReadError, Store};
use essaim_types::{AccountId, BlobId, MailboxId, ObjectKind, Timestamp, Uid};

use super::maildir::{self, DOVECOT_FILE, Letters, NAME_FILE, OTHERS_FILE};
use super::source::Amount;
use super::{OnProgress, Progress, names};
use crate::mailbox::{self, FlagReader, Flags, MailboxError};
use crate::record::{self, Mailbox, Message, RecordError};

/// What an export has written.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct ExportReport {
    pub mailboxes: u64,
    pub messages: u64,
    pub bytes: u64,
    /// It was stopped before its end.
    pub stopped: bool,
}

/// Why an export is not complete.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("{path} is not empty: export into a new or an empty directory", path = path.display())]
    NotEmpty { path: PathBuf },
    #[error("could not write {path}", path = path.display())]
    Write {
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("could not read the mail of the account")]
    Read(#[from] ReadError),
    #[error("could not read a message of the account")]
    Record(#[from] RecordError),
    #[error("could not read the mailboxes of the account")]
    Mailboxes(#[from] MailboxError),
    #[error("{path} holds {found} messages where {expected} were written", path = path.display())]
    Verify { path: PathBuf, expected: u64, found: u64 },
}

/// Writes all mail of an account below `target`, a new or empty directory. When it returns, everything is on the disk.
///
/// Messages keep their bytes (with CRLF), flags, keywords and, as time of the file, their internal date. A message that changes
/// or goes during the export may be in it as it was, or not.
pub fn export_maildir(
    store: &Store,
    account: AccountId,
    target: &Path,
    progress: &mut OnProgress<'_>,
) -> Result<ExportReport, ExportError> {
    prepare(target)?;
    let mailboxes = mailbox::all(&store.read()?, account)?;
    let mut total = 0;
    for (id, _) in &mailboxes {
        total += count(store, account, *id)?;
    }
    let mut export = Export { store, account, total, report: ExportReport::default() };
    // The root is a Maildir even if the account had no INBOX.
    make_maildir(target)?;
    for (id, mailbox) in &mailboxes {
        let path =
            names::folder_of(&mailbox.name).map_or_else(|| target.to_owned(), |name| target.join(name));
        export.mailbox(*id, mailbox, &path, progress)?;
        export.report.mailboxes += 1;
        if export.report.stopped {
            break;
        }
    }
    sync_all_below(target)?;
    Ok(export.report)
}

struct Export<'a> {
    store: &'a Store,
    account: AccountId,
    total: u64,
    report: ExportReport,
}

/// A message of a mailbox.
struct Entry {
    uid: Uid,
    message: Message,
    flags: Flags,
    blobs: Vec<BlobId>,
}

/// A mailbox on its way out.
struct Folder<'a> {
    path: &'a Path,
    id: MailboxId,
    mailbox: &'a Mailbox,
    letters: Letters,
    /// Lines for the file beside.
    others: String,
    /// Written, still in `tmp`, not known to be on the disk; and the name that each gets.
    unsynced: Vec<(PathBuf, PathBuf)>,
    written: u64,
}

impl Export<'_> {
    fn mailbox(
        &mut self,
        id: MailboxId,
        mailbox: &Mailbox,
        path: &Path,
        progress: &mut OnProgress<'_>,
    ) -> Result<(), ExportError> {
        make_maildir(path)?;
        let mut folder = Folder {
            path,
            id,
            mailbox,
            letters: Letters::default(),
            others: String::new(),
            unsynced: Vec::new(),
            written: 0,
        };
        let mut after = 0;
        while let Some(page) = self.page(id, after)? {
            for entry in page {
                after = entry.uid.value();
                folder.write(self, &entry)?;
            }
            let (done, total) = (Amount::Messages(self.report.messages), Amount::Messages(self.total));
            if progress(&Progress { mailbox: mailbox.name.clone(), done, total }).is_break() {
                self.report.stopped = true;
                break;
            }
        }
        folder.finish()
    }

    /// The next messages after a UID; `None` after the last.
    fn page(&self, id: MailboxId, after: u32) -> Result<Option<Vec<Entry>>, ExportError> {
        let Some(first) = after.checked_add(1) else { return Ok(None) };
        let (from, to) = record::message_range(id, first, u32::MAX);
        let mut page = Vec::new();
        let snapshot = self.store.read()?;
        let entries = snapshot.range(
            self.account,
            ObjectKind::MESSAGE,
            from.as_ref().map(<[u8; 8]>::as_slice),
            to.as_ref().map(<[u8; 8]>::as_slice),
        )?;
        let mut flags = FlagReader::new(&snapshot, self.account, id);
        for entry in entries.take(AT_ONCE) {
            let (key, object) = entry?;
            let (_, uid) = record::message_of_key(&key)?;
            let message = Message::decode(&object.value)?;
            let (flags, _) = flags.message(uid)?.ok_or(RecordError::Damaged { kind: "flags" })?;
            page.push(Entry { uid, message, flags, blobs: object.blobs });
        }
        Ok((!page.is_empty()).then_some(page))
    }

    fn is_there(&self, id: MailboxId, uid: Uid) -> Result<bool, ReadError> {
        let key = record::message_key(id, uid);
        Ok(self.store.read()?.get(self.account, ObjectKind::MESSAGE, &key)?.is_some())
    }
}

impl Folder<'_> {
    fn write(&mut self, export: &mut Export<'_>, entry: &Entry) -> Result<(), ExportError> {
        let Entry { uid, message, flags, blobs } = entry;
        let unique = self.unique(*uid, message);
        let temporary = self.path.join("tmp").join(&unique);
        let mut file = create(&temporary)?;
        for blob in blobs {
            match export.store.blob(blob) {
                Ok(bytes) => file.write_all(&bytes).map_err(failed(&temporary))?,
                Err(ReadError::NoSuchBlob { .. }) if !export.is_there(self.id, *uid)? => {
                    return fs::remove_file(&temporary).map_err(failed(&temporary));
                }
                Err(error) => return Err(error.into()),
            }
        }
        file.set_modified(system_time(message.internal_date)).map_err(failed(&temporary))?;
        let keywords = self.letters.write(&flags.keywords);
        if !keywords.others.is_empty() {
            self.others.push_str(&format!("{unique}\t{}\n", keywords.others.join(" ")));
        }
        let name = maildir::file_name(&unique, flags.system, keywords.passed, keywords.letters);
        self.unsynced.push((temporary, self.path.join("cur").join(name)));
        export.report.messages += 1;
        export.report.bytes += message.size.0;
        if self.unsynced.len() >= UNSYNCED_MAX { self.settle() } else { Ok(()) }
    }

    /// As delivery to a Maildir names files: when, what tells it apart, where; and Dovecot's size.
    fn unique(&self, uid: Uid, message: &Message) -> String {
        let (seconds, validity) = (message.internal_date.seconds().max(0), self.mailbox.uid_validity);
        format!("{seconds}.V{validity}U{uid}.essaim,S={}", message.size.0)
    }

    /// What is in `cur` is whole, whatever happens: files get their names after their bytes are on the disk.
    fn settle(&mut self) -> Result<(), ExportError> {
        if !self.others.is_empty() {
            append(&self.path.join(OTHERS_FILE), self.others.as_bytes())?;
            self.others.clear();
        }
        if self.unsynced.is_empty() {
            return Ok(());
        }
        sync_all_below(self.path)?;
        for (temporary, path) in self.unsynced.drain(..) {
            fs::rename(&temporary, &path).map_err(failed(&path))?;
            self.written += 1;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), ExportError> {
        self.settle()?;
        if let Some(letters) = self.letters.file() {
            append(&self.path.join(DOVECOT_FILE), letters.as_bytes())?;
        }
        if self.path.file_name().is_some_and(|name| names::is_cut(&name.to_string_lossy())) {
            append(&self.path.join(NAME_FILE), self.mailbox.name.as_bytes())?;
        }
        let found = maildir::count(self.path).map_err(failed(self.path))?;
        if found != self.written {
            return Err(ExportError::Verify { path: self.path.to_owned(), expected: self.written, found });
        }
        Ok(())
    }
}

fn count(store: &Store, account: AccountId, id: MailboxId) -> Result<u64, ReadError> {
    let (from, to) = record::message_range(id, 0, u32::MAX);
    let mut count = 0;
    store.read()?.scan(
        account,
        ObjectKind::MESSAGE,
        from.as_ref().map(<[u8; 8]>::as_slice),
        to.as_ref().map(<[u8; 8]>::as_slice),
        |_, _| {
            count += 1;
            ControlFlow::<()>::Continue(())
        },
    )?;
    Ok(count)
}

/// Makes the directory, or makes sure that it is empty.
fn prepare(target: &Path) -> Result<(), ExportError> {
    make_directory(target)?;
    let mut entries = fs::read_dir(target).map_err(failed(target))?;
    match entries.next() {
        None => Ok(()),
        Some(_) => Err(ExportError::NotEmpty { path: target.to_owned() }),
    }
}

fn make_maildir(path: &Path) -> Result<(), ExportError> {
    ["cur", "new", "tmp"].iter().try_for_each(|directory| make_directory(&path.join(directory)))
}

/// Mail is for its owner alone.
fn make_directory(path: &Path) -> Result<(), ExportError> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed(path))
}

fn create(path: &Path) -> Result<File, ExportError> {
    File::options().write(true).create_new(true).mode(0o600).open(path).map_err(failed(path))
}

fn append(path: &Path, content: &[u8]) -> Result<(), ExportError> {
    let file = File::options().append(true).create(true).mode(0o600).open(path);
    file.and_then(|mut file| file.write_all(content)).map_err(failed(path))
}

/// Makes everything durable that was written to the file system: one call in place of one for each of ten thousand files.
fn sync_all_below(directory: &Path) -> Result<(), ExportError> {
    let sync = || Ok(rustix::fs::syncfs(File::open(directory)?)?);
    sync().map_err(failed(directory))
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> ExportError {
    let path = path.to_owned();
    move |source| ExportError::Write { path, source }
}

fn system_time(time: Timestamp) -> SystemTime {
    let distance = Duration::from_millis(time.0.unsigned_abs());
    let time = if time.0 < 0 { UNIX_EPOCH.checked_sub(distance) } else { UNIX_EPOCH.checked_add(distance) };
    time.unwrap_or(UNIX_EPOCH)
}

/// Messages whose records are read at a time.
const AT_ONCE: usize = 64;
/// Files that are made durable together.
const UNSYNCED_MAX: usize = 1024;
