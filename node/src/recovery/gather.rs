//! Before anything is signed: what everybody knows of the account.

use std::sync::Arc;

use essaim_accounts::Witnessed;
use essaim_identity::Cosigned;
use essaim_identity::account::{AccountEntry, AccountLog, Highest, Witnesses};
use essaim_types::AccountId;
use serde::{Deserialize, Serialize};

use crate::failure::{Failure, causes};
use crate::federation::Correspondent;
use crate::replica::{Asked, know, silence_needed};
use crate::services::Services;
use crate::vitals::now;
use essaim_migration::replica::message::Known;

/// What one hoster has answered, for people and scripts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Heard {
    pub(crate) domain: String,
    /// How many replicas of the account it keeps.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) replicas: Option<u32>,
    /// For how long it has heard nothing of the account's host.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) host_silent_seconds: Option<u64>,
    /// Why there is no answer.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(crate) trouble: Option<String>,
}

/// What all know together.
#[derive(Debug)]
pub(crate) struct Gathered {
    pub(crate) log: AccountLog,
    pub(crate) witnesses: Witnesses,
    pub(crate) heard: Vec<Heard>,
    /// Whether so many say that the host is silent that a recovery need not wait.
    pub(crate) host_silent: bool,
}

impl Gathered {
    /// The head that stands now.
    pub(crate) fn head(&self) -> &Cosigned<AccountEntry> {
        self.log.state(&self.witnesses, now()).head
    }
}

/// Asks these hosters. What they know is kept here afterwards.
pub(crate) async fn gather(
    node: &Services,
    account: AccountId,
    of: Vec<Arc<Correspondent>>,
) -> Result<Gathered, Failure> {
    let asked = know(node, account, of).await;
    let witnessed = witnessed(node, account)?.ok_or_else(|| {
        Failure::new("no hoster that answers knows the account")
            .hint("is the account's id as it stands on the paper? Try again when more peers are connected: essaim peer list")
    })?;
    let witnesses = node.federation.witnesses();
    let head = witnessed.log.state(&witnesses, now()).head;
    check_highest(&asked, &witnessed.log, &Highest::of(head))?;
    let silent = asked.iter().filter_map(|(_, known)| known.as_ref().ok());
    let silent = silent.filter(|known| known.host_silent >= silence_needed().as_secs()).count();
    // This node signs, too.
    let own = crate::replica::silence(node, head.record().host.listing).await >= silence_needed();
    let host_silent = silent + usize::from(own) >= witnesses.needed();
    Ok(Gathered { heard: asked.iter().map(heard).collect(), witnesses, host_silent, log: witnessed.log })
}

pub(crate) fn witnessed(node: &Services, account: AccountId) -> Result<Option<Witnessed>, Failure> {
    node.accounts.witnessed(account).map_err(|error| Failure::new(causes(&error)))
}

/// Nobody has seen more than the logs that are here have.
fn check_highest(asked: &[Asked<Known>], log: &AccountLog, head: &Highest) -> Result<(), Failure> {
    for (hoster, known) in crate::replica::known_to(asked) {
        let Some(highest) = known.highest else { continue };
        let is_higher = (highest.epoch, highest.seq) > (head.epoch, head.seq);
        if is_higher && log.get(&highest.head).is_none() {
            return Err(Failure::new(format!(
                "{} has seen a later state of the account's log (epoch {}, entry {}) than anybody shows",
                hoster.domain, highest.epoch, highest.seq
            ))
            .hint("something is held back; try again when more hosters can be reached"));
        }
    }
    Ok(())
}

fn heard((hoster, known): &Asked<Known>) -> Heard {
    let domain = hoster.domain.to_string();
    match known {
        Ok(known) => {
            let (replicas, silent) = (Some(known.replicas), Some(known.host_silent));
            Heard { domain, replicas, host_silent_seconds: silent, trouble: None }
        }
        Err(error) => {
            Heard { domain, replicas: None, host_silent_seconds: None, trouble: Some(error.text()) }
        }
    }
}
