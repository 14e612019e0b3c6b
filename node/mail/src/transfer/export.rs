//! An account's mail leaves as a Maildir++, which mutt, mbsync, notmuch and Dovecot read.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use essaim_store::{ReadError, Store};
use essaim_types::{AccountId, BlobId, MailboxId, ObjectKind, Timestamp, Uid};

use super::maildir::{self, DOVECOT_FILE, Letters, NAME_FILE, OTHERS_FILE};
use super::source::Amount;
use super::{OnProgress, Progress, names};
use crate::mailbox::{self, MailboxError};
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
        let folder = names::folder_of(&mailbox.name);
        let path = folder.as_ref().map_or_else(|| target.to_owned(), |folder| target.join(folder));
        export.mailbox(*id, mailbox, &path, progress)?;
        if folder.is_some_and(|folder| names::is_cut(&folder)) {
            write_file(&path.join(NAME_FILE), mailbox.name.as_bytes())?;
        }
        sync(&path)?;
        export.report.mailboxes += 1;
        if export.report.stopped {
            break;
        }
    }
    sync(target)?;
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
    blobs: Vec<BlobId>,
}

/// A mailbox on its way out.
struct Folder<'a> {
    path: &'a Path,
    mailbox: &'a Mailbox,
    letters: Letters,
    others: String,
    /// Written, not synced, still in `tmp`.
    unsynced: VecDeque<(File, PathBuf, PathBuf)>,
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
            mailbox,
            letters: Letters::default(),
            others: String::new(),
            unsynced: VecDeque::new(),
            written: 0,
        };
        let mut after = 0;
        while let Some(page) = self.page(id, after)? {
            for Entry { uid, message, blobs } in page {
                after = uid.value();
                folder.write(self.store, uid, &message, &blobs)?;
                self.report.messages += 1;
                self.report.bytes += message.size.0;
            }
            folder.settle()?;
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
        for entry in entries.take(AT_ONCE) {
            let (key, object) = entry?;
            let (_, uid) = record::message_of_key(&key)?;
            page.push(Entry { uid, message: Message::decode(&object.value)?, blobs: object.blobs });
        }
        Ok((!page.is_empty()).then_some(page))
    }
}

impl Folder<'_> {
    fn write(
        &mut self,
        store: &Store,
        uid: Uid,
        message: &Message,
        blobs: &[BlobId],
    ) -> Result<(), ExportError> {
        let unique = self.unique(uid, message);
        let keywords = self.letters.write(&message.keywords);
        if !keywords.others.is_empty() {
            self.others.push_str(&format!("{unique}\t{}\n", keywords.others.join(" ")));
        }
        let name = maildir::file_name(&unique, message.flags, keywords.passed, keywords.letters);
        let temporary = self.path.join("tmp").join(&unique);
        let mut file = File::create_new(&temporary).map_err(failed(&temporary))?;
        for blob in blobs {
            file.write_all(&store.blob(blob)?).map_err(failed(&temporary))?;
        }
        file.set_modified(system_time(message.internal_date)).map_err(failed(&temporary))?;
        self.unsynced.push_back((file, temporary, self.path.join("cur").join(name)));
        Ok(())
    }

    /// As delivery to a Maildir names files: when, what tells it apart, where; and Dovecot's size.
    fn unique(&self, uid: Uid, message: &Message) -> String {
        let (seconds, validity) = (message.internal_date.seconds().max(0), self.mailbox.uid_validity);
        format!("{seconds}.V{validity}U{uid}.essaim,S={}", message.size.0)
    }

    /// Syncs and names what was written. One after another they share most of the work of the journal.
    fn settle(&mut self) -> Result<(), ExportError> {
        for (file, temporary, _) in &self.unsynced {
            file.sync_all().map_err(failed(temporary))?;
        }
        for (_, temporary, path) in self.unsynced.drain(..) {
            fs::rename(&temporary, &path).map_err(failed(&path))?;
            self.written += 1;
        }
        Ok(())
    }

    fn finish(mut self) -> Result<(), ExportError> {
        self.settle()?;
        if let Some(letters) = self.letters.file() {
            write_file(&self.path.join(DOVECOT_FILE), letters.as_bytes())?;
        }
        if !self.others.is_empty() {
            write_file(&self.path.join(OTHERS_FILE), self.others.as_bytes())?;
        }
        for directory in ["cur", "new", "tmp"] {
            sync(&self.path.join(directory))?;
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
    fs::create_dir_all(target).map_err(failed(target))?;
    let mut entries = fs::read_dir(target).map_err(failed(target))?;
    match entries.next() {
        None => Ok(()),
        Some(_) => Err(ExportError::NotEmpty { path: target.to_owned() }),
    }
}

fn make_maildir(path: &Path) -> Result<(), ExportError> {
    for directory in ["cur", "new", "tmp"] {
        let path = path.join(directory);
        fs::create_dir_all(&path).map_err(failed(&path))?;
    }
    Ok(())
}

fn write_file(path: &Path, content: &[u8]) -> Result<(), ExportError> {
    let mut file = File::create_new(path).map_err(failed(path))?;
    file.write_all(content).and_then(|()| file.sync_all()).map_err(failed(path))
}

/// Makes the names in a directory durable.
fn sync(directory: &Path) -> Result<(), ExportError> {
    File::open(directory).and_then(|directory| directory.sync_all()).map_err(failed(directory))
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

/// Messages read at a time, and files open.
const AT_ONCE: usize = 64;
