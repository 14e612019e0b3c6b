//! Messages from files come into an account.

use std::collections::HashMap;
use std::io;

use essaim_imap::MailboxName;
use essaim_store::{AppendError as BlobError, CommitError, ReadError, Store, Tx};
use essaim_types::{AccountId, ByteSize, MailboxId};

use super::known::{Fingerprint, Known, visit};
use super::source::{Found, Item, SinkFull, Source, SourceError};
use super::{OnProgress, Progress};
use crate::delivery::{Incoming, Spooled};
use crate::mailbox::{self, Arrival, Flags, MailboxError};

/// Whose mail it becomes, and how much is taken.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// Who gets it.
    pub account: AccountId,
    /// Put every mailbox below this one.
    pub below: Option<MailboxName>,
    /// Larger messages are left out.
    pub max_message_size: ByteSize,
    /// Mailboxes that the account may have.
    pub max_mailboxes: u32,
}

/// What an import has done.
#[derive(Debug, Default)]
pub struct ImportReport {
    /// Messages in the source.
    pub found: u64,
    /// Messages that came into the account, and how large they are.
    pub imported: u64,
    pub imported_bytes: u64,
    /// Messages that were there already.
    pub known: u64,
    /// What was left out: how many, and the first [`LEFT_OUT_MAX`] of them.
    pub left_out: u64,
    pub left_out_first: Vec<LeftOut>,
    /// Mailboxes that were made.
    pub mailboxes_made: u64,
    /// It was stopped before its end. Run again, it goes on.
    pub stopped: bool,
}

/// A message that was left out.
#[derive(Debug)]
pub struct LeftOut {
    /// The file, or which message of the source, counted from 1.
    pub what: String,
    pub reason: Reason,
}

/// Why a message was left out.
#[derive(Debug, thiserror::Error)]
pub enum Reason {
    #[error("larger than {limit}, the largest message that this node takes")]
    TooLarge { limit: ByteSize },
    #[error("empty")]
    Empty,
    #[error("could not be read")]
    Unreadable(#[source] io::Error),
}

/// Why an import ended early. What was imported before stays; run again, it goes on where it was.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Source(#[from] SourceError),
    #[error("could not make the mailbox {name}")]
    Mailbox {
        name: String,
        #[source]
        source: CommitError<MailboxError>,
    },
    #[error("could not write the messages")]
    Write(#[from] BlobError),
    #[error("could not put messages into the mailbox {name}")]
    Append {
        name: String,
        #[source]
        source: CommitError<mailbox::AppendError>,
    },
    #[error("could not read what the account holds")]
    Read(#[from] ReadError),
    #[error(
        "the mailbox {name} does not hold what was imported: {expected} messages went in, {found} are there or their bytes differ"
    )]
    Verify { name: String, expected: u64, found: u64 },
}

/// Imports every message of a source that is not in its mailbox yet.
pub fn import(
    store: &Store,
    options: &ImportOptions,
    source: &mut dyn Source,
    progress: &mut OnProgress<'_>,
) -> Result<ImportReport, ImportError> {
    let mut import =
        Import { store, options, report: ImportReport::default(), mailboxes: HashMap::new(), current: None };
    import.prepare()?;
    for name in source.mailboxes() {
        import.mailbox(&name)?;
    }
    loop {
        let (item, intake) = import.read(source)?;
        let Some(item) = item else { break };
        import.take(item, intake)?;
        let mailbox = import.current.as_ref().map(|current| current.name.as_str().to_owned());
        let (done, total) = (source.position(), source.total());
        let now = Progress { mailbox: mailbox.unwrap_or_default(), done, total };
        if progress(&now).is_break() {
            import.report.stopped = true;
            break;
        }
    }
    import.leave()?;
    Ok(import.report)
}

struct Import<'a> {
    store: &'a Store,
    options: &'a ImportOptions,
    report: ImportReport,
    /// By the source's name.
    mailboxes: HashMap<String, (MailboxName, MailboxId)>,
    current: Option<Current>,
}

/// The mailbox that messages go to now.
struct Current {
    name: MailboxName,
    id: MailboxId,
    known: Known,
    waiting: Vec<Arrival>,
    waiting_bytes: u64,
    /// What went in: UIDs first and last of each commit, and a sum over the contents.
    committed: Vec<(u32, u32)>,
    count: u64,
    sum: u128,
}

/// A message while it is read.
struct Intake {
    incoming: Incoming,
    size: u64,
    failed: Option<BlobError>,
}

impl Import<'_> {
    /// INBOX and the others that everybody has come first: delivery relies on INBOX being the first mailbox of an account.
    fn prepare(&self) -> Result<(), ImportError> {
        let account = self.options.account;
        let ensured =
            self.store.commit_to_blocking([account], move |tx| mailbox::ensure_defaults(tx, account));
        ensured.map_err(|source| ImportError::Mailbox { name: "INBOX".to_owned(), source })
    }

    /// Reads the next message of the source into blobs.
    fn read(&self, source: &mut dyn Source) -> Result<(Option<Item>, Intake), ImportError> {
        let limit = self.options.max_message_size.0;
        let mut intake = Intake { incoming: Incoming::new(self.store), size: 0, failed: None };
        let item = source.next(&mut |piece| {
            intake.size = intake.size.saturating_add(piece.len() as u64);
            if intake.size > limit {
                return Ok(()); // read on to its end, it is left out
            }
            intake.incoming.push(piece).map_err(|error| {
                intake.failed = Some(error);
                SinkFull
            })
        });
        match intake.failed.take() {
            Some(error) => Err(error.into()),
            None => Ok((item?, intake)),
        }
    }

    fn take(&mut self, item: Item, intake: Intake) -> Result<(), ImportError> {
        let found = match item {
            Item::Message(found) => found,
            Item::NotMail => return Ok(()),
            Item::Unreadable { path, source } => {
                self.report.found += 1;
                self.leave_out(&path.display().to_string(), Reason::Unreadable(source));
                return Ok(());
            }
        };
        self.report.found += 1;
        let limit = self.options.max_message_size;
        if intake.size > limit.0 || intake.size == 0 {
            let reason = if intake.size == 0 { Reason::Empty } else { Reason::TooLarge { limit } };
            self.leave_out(&format!("message {} of the import", self.report.found), reason);
            return Ok(());
        }
        let spooled = intake.incoming.finish()?;
        self.enter(&found.mailbox)?;
        self.put(found, spooled)
    }

    fn leave_out(&mut self, what: &str, reason: Reason) {
        self.report.left_out += 1;
        if self.report.left_out_first.len() < LEFT_OUT_MAX {
            self.report.left_out_first.push(LeftOut { what: what.to_owned(), reason });
        }
    }

    fn put(&mut self, found: Found, message: Spooled) -> Result<(), ImportError> {
        let current = self.current.as_mut().expect("a mailbox was entered");
        let fingerprint = Fingerprint::of(message.content.blobs.iter().copied());
        if current.known.take(fingerprint) {
            self.report.known += 1;
            return Ok(());
        }
        fingerprint.add_to(&mut current.sum);
        current.count += 1;
        current.waiting_bytes += message.content.size;
        let Found { flags, keywords, internal_date, .. } = found;
        let Spooled { content, summary, .. } = message;
        let flags = Flags { system: flags, keywords };
        current.waiting.push(Arrival { content, flags, internal_date, summary });
        if current.waiting.len() >= MESSAGES_AT_ONCE || current.waiting_bytes >= BYTES_AT_ONCE {
            self.flush()?;
        }
        Ok(())
    }

    /// Goes to a mailbox; what the last one had waiting is committed first.
    fn enter(&mut self, name: &str) -> Result<(), ImportError> {
        let (name, id) = self.mailbox(name)?;
        if self.current.as_ref().is_some_and(|current| current.id == id) {
            return Ok(());
        }
        self.leave()?;
        let known = Known::read(self.store, self.options.account, id)?;
        let (waiting, committed) = (Vec::new(), Vec::new());
        self.current =
            Some(Current { name, id, known, waiting, waiting_bytes: 0, committed, count: 0, sum: 0 });
        Ok(())
    }

    /// Commits what is waiting and verifies the mailbox.
    fn leave(&mut self) -> Result<(), ImportError> {
        self.flush()?;
        let Some(current) = self.current.take() else { return Ok(()) };
        let (mut found, mut sum) = (0, 0);
        for (first, last) in &current.committed {
            visit(self.store, self.options.account, current.id, *first, *last, |fingerprint| {
                fingerprint.add_to(&mut sum);
                found += 1;
            })?;
        }
        if (found, sum) != (current.count, current.sum) {
            let name = current.name.as_str().to_owned();
            return Err(ImportError::Verify { name, expected: current.count, found });
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<(), ImportError> {
        let Some(current) = self.current.as_mut().filter(|current| !current.waiting.is_empty()) else {
            return Ok(());
        };
        let (account, id) = (self.options.account, current.id);
        let (arrivals, bytes) =
            (std::mem::take(&mut current.waiting), std::mem::take(&mut current.waiting_bytes));
        let count = arrivals.len() as u64;
        let append = move |tx: &mut Tx<'_>| {
            let mut uids = None;
            for arrival in arrivals {
                let uid = mailbox::append(tx, account, id, arrival)?.uid.value();
                uids = Some((uids.map_or(uid, |(first, _)| first), uid));
            }
            Ok(uids)
        };
        let appended = self.store.commit_to_blocking([account], append);
        let name = || current.name.as_str().to_owned();
        current.committed.extend(appended.map_err(|source| ImportError::Append { name: name(), source })?);
        self.report.imported += count;
        self.report.imported_bytes += bytes;
        Ok(())
    }

    /// The mailbox for a name of the source; made if it is not there.
    fn mailbox(&mut self, name: &str) -> Result<(MailboxName, MailboxId), ImportError> {
        if let Some(known) = self.mailboxes.get(name) {
            return Ok(known.clone());
        }
        let wanted = mailbox_name(name, self.options.below.as_ref());
        let (account, max) = (self.options.account, self.options.max_mailboxes);
        let find_or_make = {
            let wanted = wanted.clone();
            move |tx: &mut Tx<'_>| match mailbox::by_name(tx, account, &wanted)? {
                Some((id, _)) => Ok((id, false)),
                None => {
                    let id = mailbox::create(tx, account, &wanted, None, max)?;
                    mailbox::subscribe(tx, account, &wanted, true)?;
                    Ok((id, true))
                }
            }
        };
        let (id, made) = self
            .store
            .commit_to_blocking([account], find_or_make)
            .map_err(|source| ImportError::Mailbox { name: wanted.as_str().to_owned(), source })?;
        self.report.mailboxes_made += u64::from(made);
        self.mailboxes.insert(name.to_owned(), (wanted.clone(), id));
        Ok((wanted, id))
    }
}

/// The name that a mailbox of the source has here. One that is too long or too deep keeps its end, and a mark that keeps it apart.
fn mailbox_name(name: &str, below: Option<&MailboxName>) -> MailboxName {
    let whole =
        below.map_or_else(|| name.to_owned(), |below| format!("{below}/{name}", below = below.as_str()));
    MailboxName::new(&whole).unwrap_or_else(|_| {
        let mark = blake3::hash(whole.as_bytes()).to_hex();
        let last = name.rsplit('/').next().unwrap_or_default();
        let last: String = last.chars().filter(|c| c.is_alphanumeric()).take(LAST_LEVEL_MAX).collect();
        MailboxName::new(&format!("{last}~{}", mark.get(..16).unwrap_or_default()))
            .expect("letters, digits and a tilde are a name")
    })
}

/// Kept in the report.
pub const LEFT_OUT_MAX: usize = 100;
const MESSAGES_AT_ONCE: usize = 200;
const BYTES_AT_ONCE: u64 = 4 << 20;
const LAST_LEVEL_MAX: usize = 60;
