//! `essaim account move status`: every move from here and to here.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Args;
use essaim_identity::Cosigning;
use essaim_identity::account::MoveReceipt;
use essaim_types::AccountId;
use serde::{Deserialize, Serialize};

use crate::command::ask;
use crate::command::place::Place;
use crate::command::view::{MovedView, size, time};
use crate::failure::{Exit, Failure};
use crate::moving::{self, Listed, Side};
use crate::operation::{Caller, Operation};
use crate::services::Services;
use crate::terminal::Audience;

/// Show the moves from here and to here: how far they are, what is in their way, their receipts.
#[derive(Debug, Args)]
pub(crate) struct Status {}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ListMoves {}

/// One of the answer of `account move status --json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct MoveView {
    id: String,
    account: AccountId,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    address: Option<String>,
    /// `away` or `here`.
    direction: String,
    hoster: String,
    phase: String,
    since: String,
    connected: bool,
    bytes: u64,
    bytes_total: u64,
    /// Changes that the new hoster does not have yet.
    lag: u64,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    trouble: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    receipt: Option<Receipt>,
    /// Where the account lives, if it has moved away.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    moved: Option<MovedView>,
}

/// What was handed over, as the hosters have signed it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Receipt {
    entry: String,
    from: String,
    to: String,
    lsn: u64,
    /// Of everything that the account held.
    root: String,
    at: String,
    signatures: usize,
    /// The record itself, for whoever checks it: base64url.
    record: String,
}

impl Status {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let moves = ask(place, ListMoves {})?;
        audience.show(&moves, |moves| match moves.as_slice() {
            [] => "No account has moved from here or to here.".to_owned(),
            moves => moves.iter().map(MoveView::text).collect(),
        });
        Ok(Exit::Done)
    }
}

impl Operation for ListMoves {
    type Answer = Vec<MoveView>;

    async fn perform(self, node: &Services, _: &Caller) -> Result<Vec<MoveView>, Failure> {
        moving::list(node).await?.into_iter().map(|listed| view(node, listed)).collect()
    }
}

fn view(node: &Services, listed: Listed) -> Result<MoveView, Failure> {
    let Listed { id, side, account, other, since, seen } = listed;
    let unreadable = |error| super::super::unreadable(&error);
    let departure = node.accounts.departure(account).map_err(unreadable)?.filter(|_| side == Side::Source);
    // The copy may be deleted; what it was called here is not forgotten.
    let had = departure.as_ref().and_then(|departure| departure.addresses.first().cloned());
    let address = node.accounts.first_address(account).map_err(unreadable)?.or(had);
    let progress = seen.progress;
    Ok(MoveView {
        id: id.to_string(),
        account,
        address: address.map(|address| address.to_string()),
        direction: if side == Side::Source { "away" } else { "here" }.to_owned(),
        hoster: other,
        phase: seen.phase.name().to_owned(),
        since: time(since),
        connected: seen.connected,
        bytes: progress.map_or(0, |progress| progress.bytes),
        bytes_total: progress.map_or(0, |progress| progress.bytes_total),
        lag: progress.map_or(0, |progress| progress.lag),
        trouble: seen.trouble,
        reason: seen.reason,
        receipt: seen.receipt.as_deref().and_then(Receipt::read),
        moved: departure.map(MovedView::from),
    })
}

impl Receipt {
    /// From the record; `None` if it is none.
    pub(super) fn read(wire: &[u8]) -> Option<Self> {
        let receipt = Cosigning::<MoveReceipt>::parse(wire).ok()?;
        let said = receipt.claims();
        Some(Self {
            entry: said.entry.to_string(),
            from: said.source.listing.to_string(),
            to: said.target.listing.to_string(),
            lsn: said.lsn.0,
            root: said.source_root.to_string(),
            at: time(said.at),
            signatures: receipt.signers().count(),
            record: URL_SAFE_NO_PAD.encode(wire),
        })
    }

    pub(super) fn text(&self) -> String {
        format!(
            "  from  {}\n  to    {}\n  entry {}\n  root  {} at change {}\n  at    {}\n  record {}",
            self.from, self.to, self.entry, self.root, self.lsn, self.at, self.record
        )
    }
}

impl MoveView {
    fn text(&self) -> String {
        let who = self.address.clone().unwrap_or_else(|| self.account.to_string());
        let way = if self.direction == "away" { "to" } else { "from" };
        let far = match self.bytes_total {
            0 => String::new(),
            total => format!(", {} of {}, {} changes behind", size(self.bytes), size(total), self.lag),
        };
        let why = self.reason.as_ref().or(self.trouble.as_ref());
        let why = why.map(|why| format!("\n  {why}")).unwrap_or_default();
        let moved =
            self.moved.as_ref().map(|moved| format!("\n  moved {}", moved.text())).unwrap_or_default();
        format!("{}  {who} {way} {}: {}{far}{why}{moved}\n", self.id, self.hoster, self.phase)
    }
}
