//! `essaim replica list`.

use clap::Args;
use essaim_identity::Unverified;
use essaim_migration::archive::Seal;
use essaim_types::{AccountId, ListingId};
use serde::{Deserialize, Serialize};

use crate::command::place::Place;
use crate::command::{ask, view};
use crate::failure::{Exit, Failure};
use crate::operation::{Caller, Operation};
use crate::replica::{self, Kept};
use crate::services::Services;
use crate::terminal::Audience;

/// Show what is kept here of accounts of other hosters.
#[derive(Debug, Args)]
pub(crate) struct List {}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ListReplicas {}

/// One replica of `replica list --json`, an array.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Shown {
    account: AccountId,
    root: String,
    /// The hoster that has sent it.
    from: ListingId,
    /// Its domain, if it is known now.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    domain: Option<String>,
    epoch: u32,
    lsn: u64,
    bytes: u64,
    since: String,
    /// Whether it is all there.
    whole: bool,
}

impl List {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        audience.show(&ask(place, ListReplicas {})?, |shown| text(shown));
        Ok(Exit::Done)
    }
}

impl Operation for ListReplicas {
    type Answer = Vec<Shown>;

    async fn perform(self, node: &Services, _: &Caller) -> Result<Vec<Shown>, Failure> {
        let archives = replica::archives(node);
        let all = tokio::task::spawn_blocking(move || archives.all()).await;
        let all = all.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        let all = all.map_err(|error| Failure::caused("the replicas cannot be read", &error))?;
        Ok(all.into_iter().filter_map(|kept| shown(node, kept)).collect())
    }
}

fn shown(node: &Services, kept: Kept) -> Option<Shown> {
    let seal = Unverified::<Seal>::parse(&kept.held.seal).ok()?;
    let table = node.federation.correspondents();
    Some(Shown {
        account: kept.account,
        root: view::hex(&kept.root),
        from: kept.from,
        domain: table.of_listing(kept.from).map(|hoster| hoster.domain.to_string()),
        epoch: seal.claims().epoch,
        lsn: seal.claims().lsn_to,
        bytes: kept.held.length,
        since: view::time(kept.held.since),
        whole: kept.whole,
    })
}

fn text(all: &[Shown]) -> String {
    if all.is_empty() {
        return "Nothing is kept here of accounts of other hosters.".to_owned();
    }
    let line = |one: &Shown| {
        let from = one.domain.clone().unwrap_or_else(|| one.from.to_string());
        let state = if one.whole { "" } else { ", on its way" };
        format!(
            "{} of {from}: change {}, {}, since {}{state}",
            one.account,
            one.lsn,
            view::size(one.bytes),
            one.since
        )
    };
    all.iter().map(line).collect::<Vec<_>>().join("\n")
}
