//! `essaim account move`: an account goes to another hoster while it is used.

pub(crate) mod abort;
pub(crate) mod status;

use std::io::IsTerminal;
use std::time::Duration;

use clap::{Args, Subcommand};
use essaim_identity::account::AcceptanceCode;
use essaim_migration::moving::progress::Phase;
use essaim_types::{AccountId, Address, ListingId};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;

use self::status::Receipt;
use super::consent::Consent;
use super::find;
use super::password::from_stdin;
use crate::command::ask;
use crate::command::place::Place;
use crate::failure::{Exit, Failure};
use crate::moving::{self, Seen};
use crate::operation::{Caller, Operation};
use crate::progress::{Step, Unit};
use crate::services::Services;
use crate::terminal::Audience;

/// Move an account to another hoster while its member goes on using it. It goes on by itself if the line breaks or a node restarts.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct Move {
    #[command(subcommand)]
    command: Option<MoveCommand>,

    /// An address of the account.
    #[arg(required = true)]
    address: Option<Address>,

    /// What the new hoster has given the member: essaim-accept:...
    #[arg(long, value_name = "CODE", required = true)]
    accept: Option<AcceptanceCode>,

    /// The member's consent (essaim account consent). Default: asks for the member's words.
    #[arg(long, value_name = "TEXT")]
    consent: Option<String>,

    /// Read the member's 24 words from standard input.
    #[arg(long, conflicts_with = "consent")]
    words_stdin: bool,
}

#[derive(Debug, Subcommand)]
enum MoveCommand {
    Status(status::Status),
    Abort(abort::Abort),
}

/// What is asked of the node before the member's words are read.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct AskOrigin {
    address: Address,
}

/// What a consent names.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Origin {
    account: AccountId,
    listing: ListingId,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MoveAccount {
    address: Address,
    consent: String,
    code: String,
}

/// The answer of `account move --json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Moved {
    id: String,
    account: AccountId,
    to: String,
    /// For how long writes were held.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    held_ms: Option<u64>,
    /// What both hosters have signed.
    receipt: Receipt,
}

impl Move {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let (address, accept) = match (self.command, self.address, self.accept) {
            (Some(MoveCommand::Status(command)), ..) => return command.run(place, audience),
            (Some(MoveCommand::Abort(command)), ..) => return command.run(place, audience),
            (None, Some(address), Some(accept)) => (address, accept),
            (None, ..) => return Err(Failure::new("an address and a code are needed").usage()),
        };
        let code = accept.to_string();
        let consent = match self.consent {
            Some(consent) => consent,
            None => {
                let origin = ask(place, AskOrigin { address: address.clone() })?;
                let words = if self.words_stdin { from_stdin()? } else { ask_words(&address)? };
                let words = zeroize::Zeroizing::new(words);
                Consent::to_move(origin.account, origin.listing, accept).sign(&words)?.consent
            }
        };
        let moved = ask(place, MoveAccount { address, consent, code })?;
        audience.show(&moved, Moved::text);
        Ok(Exit::Done)
    }
}

impl Operation for AskOrigin {
    type Answer = Origin;

    async fn perform(self, node: &Services, _: &Caller) -> Result<Origin, Failure> {
        let account = find(node, &self.address)?;
        let listing = node.accounts.listing();
        let listing = listing.ok_or_else(|| Failure::new("the hoster has no listing yet"))?;
        Ok(Origin { account, listing })
    }
}

impl Operation for MoveAccount {
    type Answer = Moved;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<Moved, Failure> {
        let account = find(node, &self.address)?;
        let (id, mut seen) = moving::begin(node, account, &self.consent, &self.code).await?;
        loop {
            let now = seen.borrow_and_update().clone();
            caller.progress.report(step(&now));
            if now.settled {
                return moved(node, id.to_string(), account, &now);
            }
            if caller.progress.is_abandoned() {
                return Err(Failure::new("nobody waits for the end of the move; it goes on"));
            }
            tokio::select! {
                changed = seen.changed() => if changed.is_err() && !seen.borrow().settled {
                    return Err(Failure::new("the node is stopping; the move goes on when it starts again"));
                },
                () = sleep(LOOK_AGAIN) => {}
            }
        }
    }
}

fn moved(node: &Services, id: String, account: AccountId, seen: &Seen) -> Result<Moved, Failure> {
    let receipt = seen.receipt.as_deref().and_then(Receipt::read);
    let Some(receipt) = receipt else {
        let why = seen.reason.clone().unwrap_or_else(|| "it was given up".to_owned());
        return Err(Failure::new(format!("the account has not moved: {why}"))
            .hint("everything is as it was; ask the new hoster for another code to try again"));
    };
    let departure = node.accounts.departure(account).map_err(|error| super::unreadable(&error))?;
    let to = departure.map(|departure| departure.to);
    let held = seen.progress.and_then(|progress| progress.fenced);
    let held_ms = held.and_then(|held| u64::try_from(held.as_millis()).ok());
    Ok(Moved { id, account, to: to.unwrap_or_default(), held_ms, receipt })
}

fn step(seen: &Seen) -> Step {
    let (done, total) = seen.progress.map_or((0, 0), |progress| (progress.bytes, progress.bytes_total));
    let phase = match (&seen.trouble, seen.phase) {
        (Some(trouble), _) => trouble.clone(),
        (None, Phase::Preflight) => "asking the new hoster".to_owned(),
        (None, Phase::Copy) => "copying".to_owned(),
        (None, Phase::Catchup) => "catching up".to_owned(),
        (None, Phase::Verify) => "comparing".to_owned(),
        (None, _) => "changing over".to_owned(),
    };
    let total = (seen.phase == Phase::Copy).then_some(total);
    Step { phase, done, total, unit: Unit::Bytes }
}

impl Moved {
    fn text(&self) -> String {
        let held = self.held_ms.map(|held| format!(" Writes were held for {held} ms.")).unwrap_or_default();
        format!(
            "The account has moved to {}.{held}\nIts copy here is sealed and kept for 30 days. The receipt, signed by both:\n\n{}\n",
            self.to,
            self.receipt.text()
        )
    }
}

fn ask_words(address: &Address) -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new("there is no terminal to ask for the member's words on")
            .hint("give them with --words-stdin, or a consent with --consent")
            .usage());
    }
    rpassword::prompt_password(format!("The 24 words of {address}: "))
        .map_err(|error| Failure::caused("the words could not be read", &error))
}

/// Whoever went away is noticed.
const LOOK_AGAIN: Duration = Duration::from_secs(1);
