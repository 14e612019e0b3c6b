//! An account comes in from an archive, segment by segment. Each is one commit together with how far it has come: whatever happens, the next
//! attempt goes on there, and nothing is inside twice. The account opens when the seal is checked and its mail fits itself.

use std::io::{self, Read};
use std::ops::ControlFlow;

use essaim_mail::mailbox::Block;
use essaim_mail::record::{self, Mailbox, MailboxNumbers, Message};
use essaim_migration::archive::{
    self, About, Checkpoint, Item, ReadError, ReadLimits, Receiver, Refusal, Root, Seal, Writer,
};
use essaim_migration::object::Object;
use essaim_store::{AccountStatus, AppendError, CommitError, Content, Put, Store, TxError};
use essaim_types::{AccountId, BlobId, ByteSize, Lsn, ObjectKind};

use super::export::ArchiveError;
use super::folders::Folders;

/// What the archive must be: it was read to its end before anything of it is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) account: AccountId,
    pub(crate) lsn: Lsn,
    pub(crate) root: Root,
    pub(crate) bytes: u64,
    pub(crate) objects: u64,
}

impl From<&Seal> for Expected {
    fn from(seal: &Seal) -> Self {
        let Seal { account, lsn_to, root, bytes, objects, .. } = *seal;
        Self { account, lsn: Lsn(lsn_to), root, bytes, objects }
    }
}

/// An import into a store.
#[derive(Debug)]
pub(crate) struct Import<'a> {
    pub(crate) store: &'a Store,
    /// Where it is kept how far it has come.
    pub(crate) hoster: AccountId,
    pub(crate) expected: Expected,
    pub(crate) quota: Option<ByteSize>,
    /// How far above the LSN of the archive the account goes on: 0, or more if its hoster may have given out more.
    pub(crate) raised: u64,
}

/// Why an account is not here.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ImportError {
    #[error("the account of this archive is here already")]
    Here,
    #[error("an import of another archive of this account was begun here: go on with that one")]
    OtherArchive,
    #[error("this archive has only what changed since another: import a full one")]
    Partial,
    #[error("the archive was changed since it was checked")]
    Changed,
    #[error("it was stopped before its end")]
    Stopped,
    #[error("{object} is nothing that a member's account may have: {reason}")]
    Object { object: String, reason: String },
    #[error("the archive is refused: {0}")]
    Refused(#[from] Refusal),
    #[error("the archive could not be read")]
    Source(#[source] io::Error),
    #[error("the mail of the archive contradicts itself")]
    Mail(#[source] ArchiveError),
    #[error("the store could not be read")]
    Read(#[from] essaim_store::ReadError),
    #[error("a blob could not be written")]
    Blob(#[from] AppendError),
    #[error("what came could not be kept")]
    Commit(#[from] CommitError<TxError>),
}

impl Import<'_> {
    /// Takes everything in. Afterwards the account is adopting and complete. Says how many segments were there already.
    pub(crate) fn run(
        &self,
        from: impl Read,
        progress: &mut dyn FnMut(u64) -> bool,
    ) -> Result<u32, ImportError> {
        let before = self.begin()?;
        let Expected { bytes, objects, .. } = self.expected;
        let limits = ReadLimits { bytes_max: bytes, objects_max: objects };
        let mut arrival =
            Arrival { import: self, done: before, number: 0, segment: 0, items: Vec::new(), progress };
        let seal = archive::read(from, limits, &mut arrival).map_err(|error| match error {
            ReadError::Source(error) => ImportError::Source(error),
            ReadError::Refused(refusal) => ImportError::Refused(refusal),
            ReadError::Receiver(error) => error,
        })?;
        if Expected::from(seal.record()) != self.expected {
            return Err(ImportError::Changed);
        }
        self.check_mail()?;
        Ok(before.segments)
    }

    /// After the account was opened.
    pub(crate) fn forget_progress(&self) -> Result<(), ImportError> {
        let (hoster, key) = (self.hoster, *self.expected.account.as_bytes());
        Ok(self.store.commit_blocking(move |tx| tx.delete(hoster, ObjectKind::ARRIVAL, &key).map(drop))?)
    }

    /// Makes the account, adopting, or finds how far an import of the same archive has come.
    fn begin(&self) -> Result<Done, ImportError> {
        let Expected { account, lsn, root, .. } = self.expected;
        let now = self.store.read()?;
        let kept = now.get(self.hoster, ObjectKind::ARRIVAL, account.as_bytes())?;
        match (now.account(account)?, kept) {
            (Some(state), Some(kept)) if state.status == AccountStatus::Adopting => {
                let done = Done::decode(&kept.value).filter(|done| done.root == root);
                return done.ok_or(ImportError::OtherArchive);
            }
            (Some(_), _) => return Err(ImportError::Here),
            (None, _) => {}
        }
        drop(now);
        let done = Done { root, segments: 0, at: [0; 32] };
        let (hoster, quota, value) = (self.hoster, self.quota, done.encode());
        let base = Lsn(lsn.0.saturating_add(self.raised));
        self.store.commit_blocking(move |tx| {
            tx.adopt_account(account, quota, base)?;
            tx.put(hoster, ObjectKind::ARRIVAL, account.as_bytes(), Put::new(value)).map(drop)
        })?;
        Ok(done)
    }

    /// The mailboxes as an export would write them: nothing that contradicts itself can be.
    fn check_mail(&self) -> Result<(), ImportError> {
        let snapshot = self.store.read()?;
        let (account, removed) = (self.expected.account, Default::default());
        let folders = Folders { snapshot: &snapshot, account, since: Lsn::ZERO, removed: &removed };
        let mut nowhere = Writer::begin::<essaim_store::ReadError>(io::sink(), &nothing(account), 0, None)
            .map_err(|error| ImportError::Mail(error.into()))?;
        let (_, messages) = folders.write(&mut nowhere).map_err(ImportError::Mail)?;
        let mut flagged = 0;
        let mut count = |_: &[u8], object: essaim_store::ObjectRef<'_>| match Block::decode(object.value) {
            Ok(block) => {
                flagged += u64::from(block.present().count_ones());
                ControlFlow::Continue(())
            }
            Err(error) => ControlFlow::Break(error),
        };
        let all = std::ops::Bound::Unbounded;
        let damaged = snapshot.scan(account, ObjectKind::FLAGS, all, all, &mut count)?;
        if let Some(error) = damaged {
            return Err(ImportError::Mail(error.into()));
        }
        if flagged != messages {
            let reason = format!("flags of {flagged} messages, and {messages} messages");
            return Err(ImportError::Object { object: "the account".to_owned(), reason });
        }
        Ok(())
    }
}

/// Keeps what comes.
struct Arrival<'a> {
    import: &'a Import<'a>,
    done: Done,
    /// Of the page that was read last.
    number: u32,
    /// Segments that are complete.
    segment: u32,
    items: Vec<Item>,
    progress: &'a mut dyn FnMut(u64) -> bool,
}

impl Receiver for Arrival<'_> {
    type Error = ImportError;

    fn about(&mut self, about: &About) -> Result<(), ImportError> {
        match about.essaim.lsn_from {
            0 if about.essaim.account == self.import.expected.account => Ok(()),
            0 => Err(ImportError::Changed),
            _ => Err(ImportError::Partial),
        }
    }

    fn page(&mut self, number: u32, items: Vec<Item>) -> Result<(), ImportError> {
        (self.number, self.items) = (number, items);
        for (index, item) in self.items.iter().enumerate() {
            check(item).map_err(|reason| ImportError::Object {
                object: format!("object {index} of objects/{:06}.cbor", self.number),
                reason,
            })?;
        }
        Ok(())
    }

    fn blob(&mut self, _: &BlobId, bytes: &[u8]) -> Result<(), ImportError> {
        if self.segment >= self.done.segments {
            self.import.store.put_blob(Content::Mail, bytes)?;
        }
        Ok(())
    }

    fn segment(&mut self, checkpoint: &Checkpoint) -> Result<(), ImportError> {
        self.segment = checkpoint.segments;
        if !(self.progress)(checkpoint.totals.bytes) {
            return Err(ImportError::Stopped);
        }
        let items = std::mem::take(&mut self.items);
        if checkpoint.segments <= self.done.segments {
            let same = checkpoint.segments < self.done.segments || checkpoint.root == self.done.at;
            return if same { Ok(()) } else { Err(ImportError::OtherArchive) };
        }
        if items.is_empty() {
            return Ok(());
        }
        let (account, hoster) = (self.import.expected.account, self.import.hoster);
        let done = Done { segments: checkpoint.segments, at: checkpoint.root, ..self.done };
        self.import.store.commit_blocking(move |tx| {
            for item in items {
                match item {
                    Item::Object { object, .. } => {
                        let Object { kind, key, lsn, charge, blobs, value } = object;
                        let object = essaim_store::Object { lsn, charge, blobs, value: value.into() };
                        tx.adopt(account, kind, &key, object)?;
                    }
                    Item::Gone { kind, key, .. } => drop(tx.forget(account, kind, &key)?),
                }
            }
            tx.put(hoster, ObjectKind::ARRIVAL, account.as_bytes(), Put::new(done.encode())).map(drop)
        })?;
        self.done = done;
        Ok(())
    }
}

/// How far an import has come: version 1, root of the archive, segments, root up to there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Done {
    root: Root,
    segments: u32,
    at: Root,
}

impl Done {
    fn encode(self) -> Vec<u8> {
        [&[VERSION][..], &self.root, &self.segments.to_be_bytes(), &self.at].concat()
    }

    fn decode(value: &[u8]) -> Option<Self> {
        let value = value.strip_prefix(&[VERSION])?;
        let (root, rest) = value.split_first_chunk()?;
        let (segments, at) = rest.split_first_chunk()?;
        Some(Self { root: *root, segments: u32::from_be_bytes(*segments), at: at.try_into().ok()? })
    }
}

/// What this version knows of an object must be well-formed; what it does not know is taken as it is.
fn check(item: &Item) -> Result<(), String> {
    let Item::Object { object, .. } = item else { return Ok(()) };
    let text = |error: record::RecordError| error.to_string();
    match object.kind {
        ObjectKind::MAILBOX if object.key.is_empty() => {
            MailboxNumbers::decode(&object.value).map(drop).map_err(text)
        }
        ObjectKind::MAILBOX => {
            record::mailbox_of_key(&object.key).map_err(text)?;
            Mailbox::decode(&object.value).map(drop).map_err(text)
        }
        ObjectKind::MESSAGE => {
            record::message_of_key(&object.key).map_err(text)?;
            Message::decode(&object.value).map(drop).map_err(text)
        }
        ObjectKind::FLAGS => Block::decode(&object.value).map(drop).map_err(text),
        ObjectKind::ACCOUNT => Err("the account itself belongs to its hoster".to_owned()),
        kind if HOSTER_ONLY.iter().any(|kinds| kinds.contains(&kind.0)) => {
            Err(format!("{kind} is for hosters only"))
        }
        _ => Ok(()),
    }
}

/// For an archive that nobody reads.
fn nothing(account: AccountId) -> About {
    use archive::{ArchiveAbout, Dataset, Datasource, Essaim, Extent};
    About {
        archive: ArchiveAbout {
            id: String::new(),
            name: String::new(),
            timestamp: String::new(),
            version: String::new(),
            generator: String::new(),
        },
        dataset: Dataset {
            extent: Extent::Full,
            datatypes: Vec::new(),
            languagetag: String::new(),
            timezone: String::new(),
        },
        datasource: Datasource { account: String::new(), service: String::new() },
        essaim: Essaim { version: archive::VERSION, account, lsn_from: 0, base_root: None, secrets: false },
    }
}

const VERSION: u8 = 1;
/// The kinds that only a hoster's own account has: `essaim_types::ObjectKind`.
const HOSTER_ONLY: [std::ops::RangeInclusive<u8>; 2] = [16..=31, 48..=63];
