//! How this node looks at hosts that strangers name: their DNS, their cards, their ports. R22 is decided here once: what may be
//! connected to is a [`Reachable`], and only public addresses become one. Not here: mail on its way out, connections between nodes.

mod address;
mod look;
mod names;
mod site;
mod tls;

pub(crate) use address::{Reachable, is_public};
pub(crate) use look::{LOOK_WITHIN, Looker, PeerPorts, Permit, Place, Plan, Rates, Refusal};
pub(crate) use names::{Names, NoAnswer, SystemNames};
pub(crate) use site::{SiteError, Sites};

#[cfg(test)]
pub(crate) use names::table::Table;
