//! `essaim account export --to NAME.pdpa.tar.zst`: specs/15-archive.md.

use std::path::{Path, PathBuf};

use essaim_identity::account::AccountEntry;
use essaim_identity::{Cosigned, SigningKey};
use essaim_mail::queue::Selection;
use essaim_migration::archive::{
    About, ArchiveAbout, Dataset, Datasource, Essaim, Extent, LossesLanguage, PDPA_VERSION, VERSION,
};
use essaim_types::{AccountId, Address};
use serde::{Deserialize, Serialize};

use super::super::handover::Handover;
use super::super::verify::{Checked, check};
use super::super::{find, unreadable};
use super::Export;
use crate::archive::{self, ArchiveError};
use crate::command::import::absolute;
use crate::command::place::Place;
use crate::command::{ask, view};
use crate::failure::{Exit, Failure, causes};
use crate::federation::Keys;
use crate::operation::{Caller, Operation};
use crate::progress::{Step, Unit};
use crate::services::Services;
use crate::terminal::Audience;
use crate::vitals;

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ExportArchive {
    address: Address,
    to: PathBuf,
    since: Option<Since>,
    secrets: bool,
}

/// Where an archive of changes goes on.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Since {
    account: AccountId,
    lsn: u64,
    root: [u8; 32],
}

/// The answer of `account export --json` for an archive.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ArchiveExported {
    to: PathBuf,
    account: AccountId,
    mailboxes: u64,
    /// Those that changed, in an archive of changes.
    messages: u64,
    objects: u64,
    files: u64,
    bytes: u64,
    /// The state inside is that after this change.
    lsn: u64,
    /// In hex; an archive of later changes goes on from it.
    root: String,
    secrets: bool,
}

pub(super) fn run(options: Export, to: &Path, place: &Place, audience: Audience) -> Result<Exit, Failure> {
    if to.symlink_metadata().is_ok() {
        return Err(Failure::new(format!("{} is there already", to.display())).hint("name a new file"));
    }
    let since = options.since.as_deref().map(since).transpose()?;
    let handover = Handover::plan(&place.node()?.config.data_dir, to)?;
    let inside = handover.as_ref().map_or(to, Handover::inside).to_owned();
    let secrets = options.with_secrets;
    let operation = ExportArchive { address: options.address, to: absolute(&inside)?, since, secrets };
    let mut exported = ask(place, operation)?;
    if let Some(handover) = handover {
        handover.finish()?;
        exported.to = to.to_owned();
    }
    audience.show(&exported, ArchiveExported::text);
    Ok(Exit::Done)
}

/// An archive that others are built on is checked whole.
fn since(path: &Path) -> Result<Since, Failure> {
    let Checked { seal, .. } =
        check(path).map_err(|failure| failure.hint("--since needs a whole archive"))?;
    Ok(Since { account: seal.account, lsn: seal.lsn_to, root: seal.root })
}

impl Operation for ExportArchive {
    type Answer = ArchiveExported;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<ArchiveExported, Failure> {
        let (node, progress) = (node.clone(), caller.progress.clone());
        let export = move || {
            let account = find(&node, &self.address)?;
            let used = node.store.read().ok().and_then(|now| now.account(account).ok().flatten());
            let total = used.map(|state| state.used.0).filter(|_| self.since.is_none());
            self.export(&node, account, &mut |done| {
                let done = total.map_or(done, |total| done.min(total));
                progress.report(Step { phase: "exporting".to_owned(), done, total, unit: Unit::Bytes });
                !progress.is_abandoned()
            })
        };
        let exported = tokio::task::spawn_blocking(export).await;
        exported.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }
}

impl ExportArchive {
    /// Everything of an account, into a new file.
    pub(crate) fn whole(address: Address, to: PathBuf, secrets: bool) -> Self {
        Self { address, to, since: None, secrets }
    }

    pub(crate) fn export(
        self,
        node: &Services,
        account: AccountId,
        progress: &mut dyn FnMut(u64) -> bool,
    ) -> Result<ArchiveExported, Failure> {
        if self.since.is_some_and(|since| since.account != account) {
            return Err(Failure::new(format!("the archive of --since is not of {}", self.address)));
        }
        let (key, log) = signer(node, account)?;
        let details = node.accounts.show(account).map_err(|error| unreadable(&error))?;
        let details = details.ok_or_else(|| archive_failed(&ArchiveError::Deleted))?;
        let now = vitals::now();
        let primary = details.summary.address.to_string();
        let export = archive::Export {
            store: &node.store,
            account,
            about: self.about(node, account, &primary, details.language.as_str(), now)?,
            language: losses_language(details.language.as_str()),
            waiting: waiting(node, account)?,
            settings: settings(&details),
            time: u64::try_from(now.seconds()).unwrap_or(0),
            base_root: self.since.map(|since| since.root),
            key: &key,
            log,
        };
        let exported =
            archive::export(&export, &self.to, progress).map_err(|error| archive_failed(&error))?;
        let written = exported.written;
        Ok(ArchiveExported {
            to: self.to,
            account,
            mailboxes: exported.mailboxes,
            messages: exported.messages,
            objects: written.totals.objects,
            files: written.totals.files,
            bytes: written.totals.bytes,
            lsn: exported.lsn_to.0,
            root: view::hex(&written.root),
            secrets: self.secrets,
        })
    }

    fn about(
        &self,
        node: &Services,
        account: AccountId,
        primary: &str,
        language: &str,
        now: essaim_types::Timestamp,
    ) -> Result<About, Failure> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(|error| Failure::new(format!("no random number: {error}")))?;
        let time = jiff::Timestamp::from_millisecond(now.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        Ok(About {
            archive: ArchiveAbout {
                id: view::hex(&id),
                name: format!("{primary} ({})", time.strftime("%Y-%m-%d")),
                timestamp: format!("{time:.0}"),
                version: PDPA_VERSION.to_owned(),
                generator: concat!("essaim ", env!("CARGO_PKG_VERSION")).to_owned(),
            },
            dataset: Dataset {
                extent: if self.since.is_some() { Extent::Partial } else { Extent::Full },
                datatypes: vec!["MAIL".to_owned()],
                languagetag: language.to_owned(),
                timezone: "UTC".to_owned(),
            },
            datasource: Datasource {
                account: primary.to_owned(),
                service: node.config.hoster.domain.to_string(),
            },
            essaim: Essaim {
                version: VERSION,
                account,
                lsn_from: self.since.map_or(0, |since| since.lsn),
                base_root: self.since.map(|since| view::hex(&since.root)),
                secrets: self.secrets,
            },
        })
    }
}

/// The key that seals, and the log that names it: the host's of the account, or the node's of one from before there were logs.
fn signer(node: &Services, account: AccountId) -> Result<(SigningKey, Vec<Cosigned<AccountEntry>>), Failure> {
    let log = node.accounts.account_log(account).map_err(|error| unreadable(&error))?;
    let key = node.accounts.host_key(account).map_err(|error| unreadable(&error))?;
    if let (Some(log), Some(key)) = (log, key) {
        let head = log.settled_head();
        if head.record().host.key == key.public() {
            let mut chain: Vec<_> = log.chain(&head.hash()).cloned().collect();
            chain.reverse();
            return Ok((key, chain));
        }
    }
    let keys = Keys::read(&node.config.data_dir)?.ok_or_else(|| {
        Failure::new("this node has no key to sign the archive with").hint("essaim serve makes one")
    })?;
    Ok((keys.into_host_key(), Vec::new()))
}

/// `settings.json`: for people and other programs; an import reads the objects.
fn settings(details: &essaim_accounts::Details) -> Vec<u8> {
    let settings = serde_json::json!({
        "name": details.summary.display_name.as_str(),
        "language": details.language.as_str(),
        "addresses": details.addresses,
        "quota_bytes": details.summary.quota.map(|quota| quota.0),
    });
    format!("{settings:#}\n").into_bytes()
}

fn waiting(node: &Services, account: AccountId) -> Result<u64, Failure> {
    let (mut count, mut after) = (0, None);
    loop {
        let page = node.queue.list(&Selection::default(), after.as_ref(), QUEUE_PAGE);
        let page = page.map_err(|error| Failure::new(causes(&error)))?;
        count += page.entries.iter().filter(|entry| entry.account == account).count() as u64;
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(count),
        }
    }
}

fn losses_language(tag: &str) -> LossesLanguage {
    match tag.split('-').next() {
        Some("fr") => LossesLanguage::French,
        Some("nl") => LossesLanguage::Dutch,
        _ => LossesLanguage::English,
    }
}

fn archive_failed(error: &ArchiveError) -> Failure {
    let failure = Failure::new(causes(error));
    match error {
        ArchiveError::File { .. } => {
            failure.hint("while the node is down, its user writes the file and must be able to")
        }
        ArchiveError::Exists { .. } => failure.hint("name a new file"),
        _ => failure,
    }
}

impl ArchiveExported {
    fn text(&self) -> String {
        let (to, size) = (self.to.display(), view::size(self.bytes));
        let secrets = match self.secrets {
            true => " The hashes of the passwords are inside: keep it as you keep a key.",
            false => "",
        };
        format!(
            "{} messages of {} mailboxes ({size}, {} objects) are in {to}.{secrets}\nessaim account verify {to} checks it, here or anywhere.",
            self.messages, self.mailboxes, self.objects
        )
    }
}

/// Entries of the queue that are looked at together.
const QUEUE_PAGE: usize = 256;
