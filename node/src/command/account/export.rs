//! `essaim account export`: an account's mail leaves as ordinary files, or everything as an archive.

mod archive;

use std::ops::ControlFlow;
use std::path::PathBuf;

use clap::Args;
use essaim_mail::transfer;
use essaim_types::Address;
use serde::{Deserialize, Serialize};

use super::find;
use super::handover::Handover;
use crate::command::import::{absolute, step};
use crate::command::place::Place;
use crate::command::{ask, view};
use crate::failure::{Exit, Failure, causes};
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::Audience;

pub(crate) use archive::ExportArchive;

/// Take everything of an account along: as an archive, or its mail as a Maildir. The account can be in use.
#[derive(Debug, Args)]
pub(crate) struct Export {
    /// An address of the account.
    address: Address,

    /// NAME.pdpa.tar.zst: a new archive with everything, which `tar --zstd -x` opens and another hoster imports. Any other name: a new or empty
    /// directory, for a Maildir, which mutt, mbsync, Dovecot and others read.
    #[arg(long, value_name = "FILE|DIR")]
    to: PathBuf,

    /// Only what changed since this archive of the same account.
    #[arg(long, value_name = "FILE")]
    since: Option<PathBuf>,

    /// With the hashes of passwords. Whoever has the file can try passwords as often as they like.
    #[arg(long)]
    with_secrets: bool,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ExportMail {
    address: Address,
    to: PathBuf,
}

/// The answer of `account export --json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Exported {
    to: PathBuf,
    mailboxes: u64,
    messages: u64,
    bytes: u64,
    stopped: bool,
}

impl Export {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let to = absolute(&self.to)?;
        if to.to_string_lossy().ends_with(ENDING) {
            return archive::run(self, &to, place, audience);
        }
        if self.since.is_some() || self.with_secrets {
            let text = format!("--since and --with-secrets are for archives, whose names end in {ENDING}");
            return Err(Failure::new(text).usage());
        }
        let handover = Handover::plan(&place.node()?.config.data_dir, &to)?;
        let inside = handover.as_ref().map_or(to.as_path(), Handover::inside).to_owned();
        let mut exported = ask(place, ExportMail { address: self.address, to: absolute(&inside)? })?;
        if let Some(handover) = handover {
            handover.finish()?;
            exported.to = to;
        }
        audience.show(&exported, Exported::text);
        Ok(if exported.stopped { Exit::Failed } else { Exit::Done })
    }
}

impl Operation for ExportMail {
    type Answer = Exported;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<Exported, Failure> {
        let account = find(node, &self.address)?;
        let (store, progress) = (node.store.clone(), caller.progress.clone());
        let export = move || {
            let exported = transfer::export_maildir(&store, account, &self.to, &mut |now| {
                progress.report(step(now));
                if progress.is_abandoned() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
            let report = exported.map_err(|error| {
                Failure::new(causes(&error))
                    .hint("while the node is down, its user writes the files and must be able to")
            })?;
            Ok(Exported {
                to: self.to,
                mailboxes: report.mailboxes,
                messages: report.messages,
                bytes: report.bytes,
                stopped: report.stopped,
            })
        };
        let exported = tokio::task::spawn_blocking(export).await;
        exported.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }
}

impl Exported {
    fn text(&self) -> String {
        let (to, size) = (self.to.display(), view::size(self.bytes));
        let stopped = if self.stopped { " It was stopped before its end." } else { "" };
        format!("{} messages ({size}) of {} mailboxes are in {to}.{stopped}", self.messages, self.mailboxes)
    }
}

/// What an archive's name ends in.
const ENDING: &str = ".pdpa.tar.zst";
