//! `essaim account verify`: an archive on a desk, without a server and without a data directory.

use std::convert::Infallible;
use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::Args;
use essaim_identity::Signed;
use essaim_migration::archive::{
    self, About, Directory, Folder, Item, ReadError, ReadLimits, Receiver, Refusal, Seal,
};
use essaim_types::{AccountId, ObjectKind};
use serde::Serialize;

use crate::command::view;
use crate::failure::{Exit, Failure, causes};
use crate::progress::{Bar, Step, Unit};
use crate::terminal::Audience;

/// Check an archive of an account: every byte, every name, the seal. Needs no node. Exit code 3 if anything is wrong.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// The archive.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

/// The answer of `account verify --json`.
#[derive(Debug, Serialize)]
struct Verified {
    ok: bool,
    file: PathBuf,
    /// The first thing that is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    wrong: Option<Wrong>,
    #[serde(skip_serializing_if = "Option::is_none", flatten)]
    content: Option<Content>,
}

#[derive(Debug, Serialize)]
struct Wrong {
    /// The file inside, or the part of the archive.
    object: String,
    reason: String,
    /// Bytes of the archive before the frame in which it was found.
    offset: u64,
}

/// What is in an archive that is whole.
#[derive(Debug, Serialize)]
struct Content {
    account: AccountId,
    address: String,
    hoster: String,
    created: String,
    /// The peer id of the key that sealed it.
    signer: String,
    epoch: u32,
    lsn_from: u64,
    lsn_to: u64,
    root: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_root: Option<String>,
    secrets: bool,
    segments: u32,
    files: u64,
    objects: u64,
    tombstones: u64,
    messages: u64,
    mailboxes: u64,
    log_entries: u64,
    bytes: u64,
}

/// An archive that was read to its end.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) seal: Seal,
    about: About,
    counts: Counts,
}

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    tombstones: u64,
    messages: u64,
    mailboxes: u64,
    log_entries: u64,
}

impl Verify {
    pub(super) fn run(self, audience: Audience) -> Result<Exit, Failure> {
        let (wrong, content) = match read(&self.file)? {
            Ok(checked) => (None, Some(checked.content())),
            Err(Refusal { object, offset, why }) => {
                (Some(Wrong { object, reason: causes(&why), offset }), None)
            }
        };
        let verified = Verified { ok: wrong.is_none(), file: self.file, wrong, content };
        audience.show(&verified, Verified::text);
        Ok(if verified.ok { Exit::Done } else { Exit::ChecksFailed })
    }
}

/// An archive that must be whole.
pub(super) fn check(path: &Path) -> Result<Checked, Failure> {
    read(path)?.map_err(|refusal| {
        Failure::new(format!(
            "{} is not a whole archive: {}: {}",
            path.display(),
            refusal.object,
            refusal.why
        ))
    })
}

fn read(path: &Path) -> Result<Result<Checked, Refusal>, Failure> {
    let unreadable =
        |error: &io::Error| Failure::caused(format_args!("could not read {}", path.display()), error);
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    let total = file.metadata().map_err(|error| unreadable(&error))?.len();
    let mut counter = Counter { about: None, counts: Counts::default() };
    let watched = Watched { from: file, done: 0, total, shown: 0, bar: Bar::new() };
    match archive::read(watched, ReadLimits::NONE, &mut counter) {
        Ok(seal) => Ok(Ok(counter.checked(seal)?)),
        Err(ReadError::Refused(refusal)) => Ok(Err(refusal)),
        Err(ReadError::Source(error)) => Err(unreadable(&error)),
    }
}

/// Counts what it is told.
#[derive(Debug)]
struct Counter {
    about: Option<About>,
    counts: Counts,
}

impl Counter {
    fn checked(self, seal: Signed<Seal>) -> Result<Checked, Failure> {
        let about = self.about.ok_or_else(|| Failure::new("the archive does not say which one it is"))?;
        Ok(Checked { seal: seal.into_record(), about, counts: self.counts })
    }
}

impl Receiver for Counter {
    type Error = Infallible;

    fn about(&mut self, about: &About) -> Result<(), Infallible> {
        self.about = Some(about.clone());
        Ok(())
    }

    fn log_entry(&mut self, _: u32, _: &[u8]) -> Result<(), Infallible> {
        self.counts.log_entries += 1;
        Ok(())
    }

    fn page(&mut self, _: u32, items: Vec<Item>) -> Result<(), Infallible> {
        for item in &items {
            match item {
                Item::Gone { .. } => self.counts.tombstones += 1,
                Item::Object { object, .. } if object.kind == ObjectKind::MESSAGE => {
                    self.counts.messages += 1
                }
                Item::Object { .. } => {}
            }
        }
        Ok(())
    }

    fn folder(&mut self, directory: Directory, _: &Folder) -> Result<(), Infallible> {
        self.counts.mailboxes += u64::from(directory.part == 0);
        Ok(())
    }
}

/// A file that shows how far it is read.
struct Watched {
    from: File,
    done: u64,
    total: u64,
    shown: u64,
    bar: Bar,
}

impl Read for Watched {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.from.read(buffer)?;
        self.done += read as u64;
        if self.done - self.shown >= SHOW_EVERY {
            self.shown = self.done;
            let total = Some(self.total);
            self.bar.show(&Step { phase: "verifying".to_owned(), done: self.done, total, unit: Unit::Bytes });
        }
        Ok(read)
    }
}

impl Checked {
    /// The account's first address where it comes from.
    pub(super) fn address(&self) -> &str {
        &self.about.datasource.account
    }

    fn content(self) -> Content {
        let Self { seal, about, counts } = self;
        Content {
            account: seal.account,
            address: about.datasource.account,
            hoster: about.datasource.service,
            created: about.archive.timestamp,
            signer: seal.key.to_peer_id(),
            epoch: seal.epoch,
            lsn_from: seal.lsn_from,
            lsn_to: seal.lsn_to,
            root: view::hex(&seal.root),
            base_root: seal.base_root.map(|root| view::hex(&root)),
            secrets: about.essaim.secrets,
            segments: seal.segments,
            files: seal.files,
            objects: seal.objects,
            tombstones: counts.tombstones,
            messages: counts.messages,
            mailboxes: counts.mailboxes,
            log_entries: counts.log_entries,
            bytes: seal.bytes,
        }
    }
}

impl Verified {
    fn text(&self) -> String {
        let file = self.file.display();
        if let Some(Wrong { object, reason, offset }) = &self.wrong {
            return format!(
                "{file} is not a whole archive. The first thing that is wrong, after {offset} bytes:\n  {object}: {reason}\nWhat stands before it may be well; get the file again."
            );
        }
        let Some(content) = &self.content else { return String::new() };
        let Content { address, hoster, created, signer, messages, mailboxes, objects, bytes, .. } = content;
        let size = view::size(*bytes);
        let since = match content.lsn_from {
            0 => String::new(),
            from => format!(" It has only what changed after change {from}."),
        };
        format!(
            "{file} is whole: {messages} messages in {mailboxes} mailboxes, {objects} objects, {size}.{since}\nOf {address} at {hoster}, {}, sealed by {signer}.",
            view::readable_time(created)
        )
    }
}

/// Bytes between two looks of the bar.
const SHOW_EVERY: u64 = 8 << 20;
