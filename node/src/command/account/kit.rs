//! `essaim account kit`: the member's 24 words, made and shown once.

mod letter;
mod pdf;

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;

use clap::Args;
use essaim_identity::account::Kit;
use essaim_types::{AccountId, Address, ListingId};
use serde::{Deserialize, Serialize};

use super::password::{Hidden, from_stdin};
use super::{find, refused, unreadable};
use crate::command::ask;
use crate::command::place::Place;
use crate::failure::{Exit, Failure};
use crate::operation::{Caller, Operation};
use crate::recovery::announce;
use crate::services::Services;
use crate::terminal::Audience;

/// Make a member's 24 words for the paper, and print them once: with them the member moves the account, or gets it back when this
/// hoster is gone.
#[derive(Debug, Args)]
pub(crate) struct KitCommand {
    /// An address of the account.
    address: Address,

    /// Replace words that there are; the old ones are read from standard input.
    #[arg(long)]
    replace: bool,

    /// Write a page to be printed to this new file, too.
    #[arg(long, value_name = "FILE")]
    pdf: Option<PathBuf>,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MakeKit {
    address: Address,
    old: Option<Hidden>,
}

/// The answer of `account kit --json`. The words are nowhere else.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct KitMade {
    address: String,
    account: AccountId,
    /// The hoster's listing: a consent to a move names it.
    listing: ListingId,
    /// The domain of the hoster.
    hoster: String,
    /// The member's.
    language: String,
    words: Vec<String>,
}

impl KitMade {
    /// Words that a recovery brings.
    pub(super) fn new(account: AccountId, listing: ListingId, hoster: String, kit: &Kit) -> Self {
        let words = kit.to_words().split(' ').map(str::to_owned).collect();
        Self { address: account.to_string(), account, listing, hoster, language: String::new(), words }
    }

    /// For the terminal, and for a file.
    pub(super) fn letter(&self) -> String {
        letter::lines(self).join("\n")
    }
}

impl KitCommand {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let old = if self.replace { Some(Hidden(from_stdin()?)) } else { None };
        // Before the words are made: they are shown once, and must have where to go.
        let page = self.pdf.as_ref().map(|path| {
            let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
            let failed = |error| Failure::caused(format_args!("could not make {}", path.display()), &error);
            file.map(|file| (path, file)).map_err(failed)
        });
        let page = page.transpose()?;
        let made = ask(place, MakeKit { address: self.address, old });
        if let (Err(_), Some((path, _))) = (&made, &page) {
            let _ = std::fs::remove_file(path);
        }
        let made = made?;
        audience.show(&made, KitMade::letter);
        if let Some((path, mut file)) = page {
            let written = file.write_all(&pdf::page(&letter::lines(&made))).and_then(|()| file.sync_all());
            written.map_err(|error| {
                Failure::caused(format_args!("could not write {}", path.display()), &error)
                    .hint("the words above are good: write them down")
            })?;
        }
        Ok(Exit::Done)
    }
}

impl Operation for MakeKit {
    type Answer = KitMade;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<KitMade, Failure> {
        let account = find(node, &self.address)?;
        let details = node.accounts.show(account).map_err(|error| unreadable(&error))?;
        let language = details.map(|details| details.language.to_string()).unwrap_or_default();
        let old = self.old.as_ref().map(|Hidden(words)| Kit::from_words(words)).transpose();
        let old = old.map_err(|error| Failure::caused("the old words cannot be read", &error))?;
        let listing = node.accounts.listing().ok_or_else(|| Failure::new("the hoster has no listing yet"))?;
        let replaces = old.is_some();
        let kit = node.accounts.make_kit(account, old, caller.actor.clone()).await.map_err(refused)?;
        if replaces {
            announce(node, account).await;
        }
        Ok(KitMade {
            address: self.address.to_string(),
            account,
            listing,
            hoster: node.config.hoster.domain.to_string(),
            language,
            words: kit.to_words().split(' ').map(str::to_owned).collect(),
        })
    }
}
