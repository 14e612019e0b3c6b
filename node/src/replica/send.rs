//! Sending an archive of an account that lives here to another hoster, which keeps it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use essaim_identity::Signed;
use essaim_migration::archive::Seal;
use essaim_migration::replica::message::Papers;
use essaim_migration::replica::{Form, Held};
use essaim_types::{AccountId, Address};

use super::archives::read;
use super::papers::papers_of;
use super::{archives, ask};
use crate::command::account::export::ExportArchive;
use crate::failure::{Failure, causes};
use crate::federation::Correspondent;
use crate::progress::{Progress, Step, Unit};
use crate::services::Services;
use crate::vitals::now;

/// What was sent.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) account: AccountId,
    pub(crate) seal: Seal,
    pub(crate) length: u64,
}

/// Makes an archive, sends it, and deletes it here.
pub(crate) async fn send(
    node: &Services,
    (account, address): (AccountId, Address),
    to: &Arc<Correspondent>,
    secrets: bool,
    progress: Progress,
) -> Result<Sent, Failure> {
    let log = node.accounts.account_log(account).map_err(|error| unreadable(&error))?;
    let log = log.ok_or_else(|| {
        Failure::new(
            "the account was made by an essaim without account logs: nobody could have a replica back",
        )
        .hint("export it and import it into a new account")
    })?;
    let papers = papers_of(&log, &node.federation.witnesses());
    let made = Temporary(archives(node).dir.join(format!("{account}.sending")));
    let (path, blocking_node, told) = (made.0.clone(), node.clone(), progress.clone());
    let export = move || archive_of(&blocking_node, (account, address), &path, secrets, &told);
    let exported = tokio::task::spawn_blocking(export).await;
    let (seal, length) = exported.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
    let file = File::open(&made.0).map_err(|error| Failure::caused("the archive cannot be read", &error))?;
    deliver(node, to, (seal, length), papers, file, &progress).await.map(|seal| Sent {
        account,
        seal,
        length,
    })
}

async fn deliver(
    node: &Services,
    to: &Arc<Correspondent>,
    (seal, length): (Signed<Seal>, u64),
    papers: Papers,
    file: File,
    progress: &Progress,
) -> Result<Seal, Failure> {
    let held = Held { form: Form::ArchiveInTheClear, seal: seal.to_wire(), length, since: now() };
    let mut report = |done| {
        let total = Some(length);
        progress.report(Step { phase: "sending".to_owned(), done, total, unit: Unit::Bytes });
        !progress.is_abandoned()
    };
    let sent = ask::keep(node, to, (held, papers), file, &mut report).await;
    sent.map_err(|error| {
        Failure::new(format!("{} has not taken the replica: {}", to.domain, causes(&error)))
            .hint("nothing of the account was changed; give the command again later")
    })?;
    Ok(seal.into_record())
}

/// The account as it is now, in a new file; its seal and its length.
fn archive_of(
    node: &Services,
    (account, address): (AccountId, Address),
    path: &Path,
    secrets: bool,
    progress: &Progress,
) -> Result<(Signed<Seal>, u64), Failure> {
    let failed = |error: &io::Error| Failure::caused("the archive cannot be made", error);
    fs::create_dir_all(path.parent().unwrap_or(path)).map_err(|error| failed(&error))?;
    // One that was left by a node that was killed.
    let _ = fs::remove_file(path);
    ExportArchive::whole(address, path.to_owned(), secrets).export(node, account, &mut |done| {
        progress.report(Step { phase: "exporting".to_owned(), done, total: None, unit: Unit::Bytes });
        !progress.is_abandoned()
    })?;
    let file = File::open(path).map_err(|error| failed(&error))?;
    let length = file.metadata().map_err(|error| failed(&error))?.len();
    // What was just written is read once: whoever gets it does so, too.
    let (seal, _) = read(file).map_err(|error| Failure::caused("the archive is not whole", &error))?;
    Ok((seal, length))
}

/// A file that goes when it is not needed any more.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn unreadable(error: &essaim_accounts::StorageError) -> Failure {
    Failure::new(causes(error)).hint("essaim doctor tells what is wrong with the node")
}
