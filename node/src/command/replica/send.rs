//! `essaim replica send`.

use std::sync::Arc;

use clap::Args;
use essaim_types::{AccountId, Address, Domain};
use serde::{Deserialize, Serialize};

use crate::command::account::find;
use crate::command::place::Place;
use crate::command::{ask, view};
use crate::failure::{Exit, Failure};
use crate::federation::Correspondent;
use crate::operation::{Caller, Operation};
use crate::replica;
use crate::services::Services;
use crate::terminal::Audience;

/// Give another hoster a copy of an account as it is now, to be had back with the member's words if this hoster is gone. Give it again now and then:
/// what came later is not in the copy.
#[derive(Debug, Args)]
pub(crate) struct Send {
    /// An address of the account.
    address: Address,

    /// The hoster that keeps it: one with whom mail is exchanged.
    #[arg(long, value_name = "DOMAIN")]
    to: Domain,

    /// Say that you know: the copy is not encrypted, and its holder can read the mail.
    #[arg(long)]
    in_the_clear: bool,

    /// Put the hashes of the app passwords inside, so that they can be put back into use.
    #[arg(long)]
    with_secrets: bool,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SendReplica {
    address: Address,
    to: Domain,
    secrets: bool,
}

/// The answer of `replica send --json`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ReplicaSent {
    account: AccountId,
    to: String,
    epoch: u32,
    /// The state inside is that after this change.
    lsn: u64,
    root: String,
    bytes: u64,
}

impl Send {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        if !self.in_the_clear {
            return Err(Failure::new(format!("the copy is not encrypted: {} could read the mail", self.to))
                .hint("ask the member; if that is well, say so with --in-the-clear")
                .usage());
        }
        let operation = SendReplica { address: self.address, to: self.to, secrets: self.with_secrets };
        audience.show(&ask(place, operation)?, |sent| {
            let size = view::size(sent.bytes);
            format!(
                "{} keeps a copy of account {} up to change {} ({size}).",
                sent.to, sent.account, sent.lsn
            )
        });
        Ok(Exit::Done)
    }
}

impl Operation for SendReplica {
    type Answer = ReplicaSent;

    async fn perform(self, node: &Services, caller: &Caller) -> Result<ReplicaSent, Failure> {
        let account = find(node, &self.address)?;
        let to = correspondent(node, &self.to)?;
        let what = (account, self.address);
        let sent = replica::send(node, what, &to, self.secrets, caller.progress.clone()).await?;
        let (epoch, lsn, root) = (sent.seal.epoch, sent.seal.lsn_to, view::hex(&sent.seal.root));
        let to = to.domain.to_string();
        Ok(ReplicaSent { account: sent.account, to, epoch, lsn, root, bytes: sent.length })
    }
}

/// The hoster with this domain, if mail is exchanged with it.
pub(crate) fn correspondent(node: &Services, domain: &Domain) -> Result<Arc<Correspondent>, Failure> {
    let table = node.federation.correspondents();
    table.of_domain(domain).cloned().ok_or_else(|| {
        Failure::new(format!("{domain} is not a hoster with whom this node exchanges mail"))
            .hint("essaim peer list shows the peers; only a running node knows them")
    })
}
