//! The best whole replica that anybody has, brought here into a file.

use std::fs::{self, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use essaim_identity::Cosigned;
use essaim_identity::account::{AccountEntry, AccountLog};
use essaim_migration::replica::{Access, Candidate, Held, Remark, compare};
use essaim_types::{AccountId, ListingId};

use super::plan::Plan;
use super::{holders_of, host_key};
use crate::command::view;
use crate::failure::{Failure, causes};
use crate::federation::Correspondent;
use crate::progress::{Progress, Step, Unit};
use crate::replica::{self, AskError};
use crate::services::Services;
use crate::vitals::now;

/// A replica that is whole, and what the member should know of the others.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) file: PathBuf,
    pub(super) what: Candidate,
    /// When it was made, as it says.
    pub(super) made: String,
    /// Whose it was.
    pub(super) holder: String,
    pub(super) remarks: Vec<String>,
}

/// Lists, compares, fetches and checks. A replica that is bent is left for the next best; one that cannot be fetched now is not: it may be whole.
pub(super) async fn take(
    node: &Services,
    account: AccountId,
    (plan, entry, log): (&Plan, &Cosigned<AccountEntry>, &AccountLog),
    progress: &Progress,
) -> Result<Taken, Failure> {
    let (offers, mut remarks) = offers(node, account, plan, entry).await?;
    let head = log.state(&node.federation.witnesses(), now()).head.hash();
    let found = compare(log, &head, &offers);
    remarks.extend(found.remarks.iter().map(|remark| text(node, remark)));
    let begun = |one: &Candidate| plan.root.as_deref().is_none_or(|root| root == one.seal.root);
    for what in found.candidates.into_iter().filter(begun) {
        let holder = holders_of(node, &[what.holder]).into_iter().next();
        let Some(holder) = holder else { continue };
        let file = file_for(node, account, &what)?;
        match fetch(node, account, entry, (&holder, &what), &file, progress).await {
            Ok(made) => {
                return Ok(Taken { file, what, made, holder: holder.domain.to_string(), remarks });
            }
            Err(NotTaken::Bent(why)) => {
                tracing::warn!(%account, holder = %holder.domain, why, "a replica is not what its seal says");
                let _ = fs::remove_file(&file);
                remarks.push(format!(
                    "{} has a copy up to change {} that is not what its seal says: {why}",
                    holder.domain, what.seal.lsn_to
                ));
            }
            Err(NotTaken::Unreached(why)) => {
                return Err(Failure::new(format!(
                    "the best copy, at {} up to change {}, could not be fetched: {why}",
                    holder.domain, what.seal.lsn_to
                ))
                .hint("what came stays: give the command again to go on"));
            }
        }
    }
    let told = if remarks.is_empty() { String::new() } else { format!(": {}", remarks.join("; ")) };
    Err(Failure::new(format!("nobody who answers has a whole copy of the account{told}"))
        .hint("give the command again when more hosters can be reached; nothing is lost by waiting"))
}

/// Why a replica is not here.
enum NotTaken {
    /// It is not what it says: another one is better.
    Bent(String),
    /// It may be good.
    Unreached(String),
}

/// What each holder lists, and whom nobody could ask.
async fn offers(
    node: &Services,
    account: AccountId,
    plan: &Plan,
    entry: &Cosigned<AccountEntry>,
) -> Result<(Vec<(ListingId, Vec<Held>)>, Vec<String>), Failure> {
    let (mut offers, mut remarks) = (Vec::new(), Vec::new());
    for holder in holders_of(node, &plan.from) {
        let access = access(node, account, entry, &holder).await?;
        match replica::list(node, &holder, access).await {
            Ok(held) => offers.push((holder.listing, held)),
            Err(error) => remarks.push(format!("{} was not asked: {}", holder.domain, error.text())),
        }
    }
    Ok((offers, remarks))
}

async fn fetch(
    node: &Services,
    account: AccountId,
    entry: &Cosigned<AccountEntry>,
    (holder, what): (&Correspondent, &Candidate),
    file: &Path,
    progress: &Progress,
) -> Result<String, NotTaken> {
    let unreached = |error: &Failure| NotTaken::Unreached(error.message.clone());
    let access = access(node, account, entry, holder).await.map_err(|error| unreached(&error))?;
    let total = Some(what.length);
    let mut report = |done| {
        progress.report(Step {
            phase: format!("fetching from {}", holder.domain),
            done,
            total,
            unit: Unit::Bytes,
        });
        !progress.is_abandoned()
    };
    let fetched = replica::fetch(node, holder, access, what, file, &mut report).await;
    fetched.map_err(|error| match &error {
        AskError::Short | AskError::Nonsense | AskError::Refused(_) => NotTaken::Bent(error.text()),
        AskError::Call(_) | AskError::Missed | AskError::Line(_) => NotTaken::Unreached(error.text()),
    })?;
    let (path, seal) = (file.to_owned(), what.seal.clone());
    let checked = tokio::task::spawn_blocking(move || {
        let file = File::open(&path).map_err(|error| NotTaken::Unreached(causes(&error)))?;
        let (found, made) = replica::read(file).map_err(|error| NotTaken::Bent(causes(&error)))?;
        if *found.record() == seal { Ok(made) } else { Err(NotTaken::Bent("it has another seal".to_owned())) }
    });
    checked.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}

async fn access(
    node: &Services,
    account: AccountId,
    entry: &Cosigned<AccountEntry>,
    holder: &Correspondent,
) -> Result<Vec<u8>, Failure> {
    let key = host_key(node, account).await?;
    let access = Access {
        account,
        entry: entry.hash(),
        holder: holder.listing,
        node: node.federation.node_key()?,
        at: now(),
    };
    Ok(access.sign(&key))
}

/// Where a replica goes: another one never goes on where this one stopped.
fn file_for(node: &Services, account: AccountId, what: &Candidate) -> Result<PathBuf, Failure> {
    let dir = node.config.data_dir.join(DIRECTORY);
    let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&dir);
    made.map_err(|error| Failure::caused(format_args!("could not make {}", dir.display()), &error))?;
    let root = view::hex(what.seal.root.get(..8).unwrap_or_default());
    Ok(dir.join(format!("{account}-{}-{root}.part", what.holder)))
}

fn text(node: &Services, remark: &Remark) -> String {
    let table = node.federation.correspondents();
    let name = |listing: &ListingId| {
        table.of_listing(*listing).map_or_else(|| listing.to_string(), |hoster| hoster.domain.to_string())
    };
    match remark {
        Remark::Doubtful { holder, doubt } => {
            format!("{} shows a copy that is none: {}", name(holder), causes(doubt))
        }
        Remark::Behind { holder, lsn, .. } => format!("{} has less: up to change {lsn}", name(holder)),
        Remark::Alone { holder } => format!(
            "only {} has a copy: whether it is the last state of the account, nobody else can say",
            name(holder)
        ),
    }
}

/// Below the data directory.
const DIRECTORY: &str = "recovery";
