//! `essaim replica drop`.

use clap::Args;
use essaim_types::AccountId;
use serde::{Deserialize, Serialize};

use crate::command::ask;
use crate::command::place::Place;
use crate::command::view::{self, Done};
use crate::failure::{Exit, Failure};
use crate::operation::{Caller, Operation};
use crate::replica;
use crate::services::Services;
use crate::terminal::Audience;

/// Keep a replica no more. If its hoster is gone, its member may need it.
#[derive(Debug, Args)]
pub(crate) struct Drop {
    /// The account, as essaim replica list shows it.
    account: AccountId,

    /// Which of its replicas: the beginning of its root.
    root: String,

    /// Say what would be deleted, and delete nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What is asked of the node.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct DropReplica {
    account: AccountId,
    root: String,
    dry_run: bool,
}

impl Drop {
    pub(super) fn run(self, place: &Place, audience: Audience) -> Result<Exit, Failure> {
        let operation = DropReplica { account: self.account, root: self.root, dry_run: self.dry_run };
        audience.show(&ask(place, operation)?, |done| done.done.clone());
        Ok(Exit::Done)
    }
}

impl Operation for DropReplica {
    type Answer = Done;

    async fn perform(self, node: &Services, _: &Caller) -> Result<Done, Failure> {
        let archives = replica::archives(node);
        let dropped = tokio::task::spawn_blocking(move || {
            let failed = |error| Failure::caused("the replicas cannot be changed", &error);
            let all = archives.all().map_err(failed)?.into_iter();
            let mut meant = all
                .filter(|kept| kept.account == self.account && view::hex(&kept.root).starts_with(&self.root));
            let (Some(kept), None) = (meant.next(), meant.next()) else {
                return Err(Failure::new("this names none of the replicas, or several")
                    .hint("essaim replica list --json shows them with their roots"));
            };
            if self.dry_run {
                return Ok(Done { done: "It would be deleted.".to_owned() });
            }
            archives.drop(kept.account, &kept.root).map_err(failed)?;
            Ok(Done { done: "It is deleted.".to_owned() })
        });
        dropped.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }
}
