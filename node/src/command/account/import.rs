//! `essaim account import`: an account arrives as an archive.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use bytes::{Buf, Bytes};
use clap::Args;
use essaim_types::{AccountId, Address, Lsn};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;

use super::verify::{Checked, check};
use super::{refused, unreadable};
use crate::archive::{self, Expected, ImportError};
use crate::command::import::absolute;
use crate::command::place::Place;
use crate::command::view::Space;
use crate::command::{block_on, view};
use crate::control::{Frame, Upload, Uploader};
use crate::failure::{Exit, Failure, causes};
use crate::operation::{Caller, Operation, ask_with};
use crate::progress::{Step, Unit};
use crate::services::Services;
use crate::terminal::Audience;

/// Take in an account with everything in its archive: ids, UIDs, flags, dates stay. Checked whole first; run again, it goes on where it stopped.
#[derive(Debug, Args)]
pub(crate) struct Import {
    /// A full archive, as `essaim account export` writes it.
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// Its address here, which is also the login. Default: the one it had, if that is of a domain of this node.
    #[arg(long)]
    address: Option<Address>,

    /// Space for it, such as "5 GiB" or "none". Default: accounts.quota of the configuration.
    #[arg(long)]
    quota: Option<Space>,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ImportArchive {
    file: PathBuf,
    address: Address,
    quota: Option<Space>,
    account: AccountId,
    lsn: u64,
    root: [u8; 32],
    bytes: u64,
    objects: u64,
}

/// The answer of `account import --json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ArchiveImported {
    account: AccountId,
    address: String,
    objects: u64,
    bytes: u64,
    /// Segments that an import before this one had brought.
    segments_known: u32,
    /// A new password, where the archive has none. It is shown once.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    password: Option<String>,
}

impl Import {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let file = absolute(&self.file)?;
        let checked =
            check(&file).map_err(|failure| failure.hint("nothing of it was taken in; get the file again"))?;
        let operation = self.operation(file.clone(), &checked)?;
        let imported = block_on(ask_with(place, operation, move |uploader| send(&file, uploader)))?;
        audience.show(&imported, ArchiveImported::text);
        Ok(Exit::Done)
    }

    fn operation(self, file: PathBuf, checked: &Checked) -> Result<ImportArchive, Failure> {
        let address = match self.address {
            Some(address) => address,
            None => checked.address().parse().map_err(|_| {
                Failure::new("the archive names no address").hint("give one with --address").usage()
            })?,
        };
        let Expected { account, lsn, root, bytes, objects } = Expected::from(&checked.seal);
        Ok(ImportArchive { file, address, quota: self.quota, account, lsn: lsn.0, root, bytes, objects })
    }
}

impl Operation for ImportArchive {
    type Answer = ArchiveImported;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<ArchiveImported, Failure> {
        node.accounts
            .check_address(&self.address)
            .map_err(|error| refused(error).hint("give another with --address"))?;
        let taken = node.accounts.find(&self.address).map_err(|error| unreadable(&error))?;
        if taken.is_some_and(|account| account != self.account) {
            return Err(
                Failure::new(format!("{} is taken", self.address)).hint("give another with --address")
            );
        }
        let (services, progress, upload) = (node.clone(), caller.progress.clone(), caller.take_upload());
        let (address, account, objects, bytes) =
            (self.address.clone(), self.account, self.objects, self.bytes);
        let take = move || {
            self.take(&services, upload, &mut |done| {
                let total = Some(self.bytes);
                progress.report(Step { phase: "importing".to_owned(), done, total, unit: Unit::Bytes });
                !progress.is_abandoned()
            })
        };
        let taken = tokio::task::spawn_blocking(take).await;
        let (segments_known, forget) =
            taken.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
        let password =
            node.accounts.arrive(account, &address, caller.actor.clone()).await.map_err(refused)?;
        forget.run(node).await?;
        let password = password.map(|password| password.expose().to_owned());
        Ok(ArchiveImported {
            account,
            address: address.to_string(),
            objects,
            bytes,
            segments_known,
            password,
        })
    }
}

/// What is left to do when the account is open.
struct Forget(Expected);

impl Forget {
    async fn run(self, node: &Services) -> Result<(), Failure> {
        let node = node.clone();
        let forget = move || {
            let import = archive::Import {
                store: &node.store,
                hoster: node.accounts.hoster(),
                expected: self.0,
                quota: None,
                raised: 0,
            };
            import.forget_progress().map_err(|error| failed(&error))
        };
        let forgotten = tokio::task::spawn_blocking(forget).await;
        forgotten.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }
}

impl ImportArchive {
    fn take(
        &self,
        node: &Services,
        upload: Option<Upload>,
        progress: &mut dyn FnMut(u64) -> bool,
    ) -> Result<(u32, Forget), Failure> {
        let Self { account, root, bytes, objects, .. } = *self;
        let expected = Expected { account, lsn: Lsn(self.lsn), root, bytes, objects };
        let quota = match self.quota {
            None => Some(node.config.accounts.quota).filter(|quota| quota.0 > 0),
            Some(Space::Unlimited) => None,
            Some(Space::Bytes(bytes)) => Some(essaim_types::ByteSize(bytes)),
        };
        let import = archive::Import {
            store: &node.store,
            hoster: node.accounts.hoster(),
            expected,
            quota,
            raised: 0,
        };
        let known = match upload {
            Some(upload) => {
                import.run(Received { upload, runtime: Handle::current(), piece: Bytes::new() }, progress)
            }
            None => {
                let file = File::open(&self.file);
                let file = file.map_err(|error| Failure::caused(self.file.display(), &error))?;
                import.run(file, progress)
            }
        };
        Ok((known.map_err(|error| failed(&error))?, Forget(expected)))
    }
}

/// A file that the command sends.
struct Received {
    upload: Upload,
    runtime: Handle,
    piece: Bytes,
}

/// After the last piece.
#[derive(Debug, Serialize, Deserialize)]
struct End {}

impl Read for Received {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() {
            match self.upload.next::<End>(&self.runtime)? {
                Frame::Piece(piece) => self.piece = piece,
                Frame::Note(End {}) => return Ok(0),
            }
        }
        let length = self.piece.len().min(buffer.len());
        self.piece.copy_to_slice(buffer.get_mut(..length).unwrap_or_default());
        Ok(length)
    }
}

fn send(file: &Path, mut uploader: Uploader) -> Result<(), Failure> {
    let unread =
        |error: &io::Error| Failure::caused(format_args!("could not read {}", file.display()), error);
    let mut from = File::open(file).map_err(|error| unread(&error))?;
    let mut buffer = vec![0; SEND];
    loop {
        let read = from.read(&mut buffer).map_err(|error| unread(&error))?;
        // A node that takes no more says why in its answer.
        if read == 0 || uploader.piece(buffer.get(..read).unwrap_or_default()).is_err() {
            break;
        }
    }
    let _ = uploader.note(&End {});
    Ok(())
}

fn failed(error: &ImportError) -> Failure {
    let failure = Failure::new(causes(error));
    match error {
        ImportError::Here => failure.hint("essaim account list shows it"),
        ImportError::Stopped | ImportError::Source(_) | ImportError::Commit(_) | ImportError::Blob(_) => {
            failure.hint("what came stays; run the command again to go on")
        }
        _ => failure,
    }
}

impl ArchiveImported {
    fn text(&self) -> String {
        let size = view::size(self.bytes);
        let password = match &self.password {
            Some(password) => format!(" Its new password, shown this once: {password}"),
            None => " It has the passwords that it had.".to_owned(),
        };
        format!("{} is here: {} objects, {size}.{password}", self.address, self.objects)
    }
}

/// Bytes that are read at once.
const SEND: usize = 256 << 10;
