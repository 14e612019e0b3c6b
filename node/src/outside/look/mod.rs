//! Looks at another hoster from outside, when its node asks for it or as it is the turn: names, doors, certificates. It never sends mail,
//! never logs in, never looks at anything but what [`Plan`] allows, and always ends within [`LOOK_WITHIN`].

mod doors;
mod hosts;
mod plan;
mod quic;
mod rates;
mod talk;
mod witness;

use std::sync::Arc;
use std::time::Duration;

use essaim_directory::observation::{Host, MailNames, Sight};
use essaim_types::Domain;
use tokio::time::timeout;

use self::witness::Witnesses;
use super::Names;

pub(crate) use plan::{PeerPorts, Place, Plan, Refusal};
pub(crate) use rates::{Permit, Rates};

/// Looks at hosters. Clones share what they need.
#[derive(Debug, Clone)]
pub(crate) struct Looker {
    names: Arc<dyn Names>,
    witnesses: Witnesses,
    /// What we call ourselves.
    hostname: Domain,
}

/// What was seen.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    pub(crate) mail: MailNames,
    pub(crate) hosts: Vec<Host>,
    pub(crate) sights: Vec<Sight>,
}

impl Looker {
    pub(crate) fn new(names: Arc<dyn Names>, hostname: Domain) -> Self {
        Self { names, witnesses: Witnesses::public(), hostname }
    }

    /// Does what the plan says. What was not seen in time is missing.
    pub(crate) async fn look(&self, plan: Plan) -> Seen {
        let found = timeout(NAMES_WITHIN, hosts::find(&plan, &*self.names)).await;
        let hosts::Found { mail, hosts, targets } = found.unwrap_or_else(|_| hosts::Found::silent());
        let sights = doors::all(self, &plan, targets).await;
        Seen { mail, hosts, sights }
    }
}

/// For all questions to the DNS.
const NAMES_WITHIN: Duration = Duration::from_secs(6);
/// For one door at one address, from the first byte to the last.
const DOOR_WITHIN: Duration = Duration::from_secs(8);
/// Of it, for the connection.
const CONNECT_WITHIN: Duration = Duration::from_secs(4);
/// The whole: names, then all doors at one time. Less than the time of a request between nodes.
pub(crate) const LOOK_WITHIN: Duration = NAMES_WITHIN.saturating_add(DOOR_WITHIN);
