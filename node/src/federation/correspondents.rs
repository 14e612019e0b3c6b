//! The hosters with whom mail is exchanged over the channel between nodes, and why not with others. Rules only: the loop makes the table
//! anew when something has changed, and whoever carries mail looks at the one there is. See specs/11-federation.md.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use essaim_directory::beat::Freshness;
use essaim_directory::envelope::DocumentKind;
use essaim_directory::trust::Tier;
use essaim_directory::{Hoster, View};
use essaim_identity::PublicKey;
use essaim_identity::keyring::Role;
use essaim_network::Address;
use essaim_types::{Address as MailAddress, Domain, ListingId, Timestamp};

use super::address::{Neighbours, dialled};
use super::peers::PeerRecord;

/// A hoster with whom mail is exchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Correspondent {
    pub(crate) listing: ListingId,
    /// The domain that its listing has proven, in A-labels: senders of any other are not its own.
    pub(crate) domain: Domain,
    /// Keys of its nodes, those that are our peers first.
    pub(crate) nodes: Vec<PublicKey>,
    /// Where they are called.
    pub(crate) addresses: Vec<Address>,
}

/// Why no mail is exchanged with a hoster; what is furthest from it first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Unfit {
    /// The key is of no listing that is known here.
    Stranger,
    /// Hidden on this node.
    Hidden,
    /// Its root keys contradict each other.
    Disputed,
    /// Its operator keys contradict each other.
    Forked,
    /// Its domain does not name it, or has not for too long.
    Unproven,
    /// It was not heard of for two weeks.
    Stale,
    /// It is no peer, and nobody whom this node believes vouches for it.
    Untrusted,
    /// Another hoster has proven the same domain, or it is one of ours.
    Contested,
}

/// The table. A value: [`Table`] holds the present one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Correspondents {
    /// Our own domain in A-labels, if the own listing has proven it: no other sender goes over the channel.
    own: Option<Domain>,
    by_domain: BTreeMap<Domain, Arc<Correspondent>>,
    /// What is known of a node's key, of all hosters that name it: any of them may, whose key it is or not. Those with whom mail is exchanged, at
    /// least one; or why with none of them.
    by_node: BTreeMap<PublicKey, Result<Vec<Arc<Correspondent>>, Unfit>>,
}

/// The present table. Clones are the same.
#[derive(Debug, Clone, Default)]
pub(super) struct Table(Arc<RwLock<Arc<Correspondents>>>);

/// What the table is made of, besides the directory.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) peers: &'a BTreeMap<PublicKey, PeerRecord>,
    /// Domains that live here.
    pub(super) local: &'a BTreeSet<Domain>,
    /// They say which of the addresses that a listing tells are called.
    pub(super) neighbours: Neighbours,
}

impl Correspondents {
    /// As the directory has it now. Walks all vouches once.
    pub(super) fn of(directory: &View, known: Known<'_>, now: Timestamp) -> Self {
        let tiers = directory.tiers(now);
        let chosen: BTreeSet<ListingId> = known.peers.values().map(|peer| peer.listing).collect();
        let own = directory.own_listing().and_then(|own| directory.hoster(own));
        let mut table = Self { own: own.and_then(|own| proven_domain(own, now)), ..Self::default() };
        let mut found: BTreeMap<Domain, Vec<Correspondent>> = BTreeMap::new();
        for hoster in directory.hosters().filter(|hoster| Some(hoster.id()) != directory.own_listing()) {
            let is_trusted = chosen.contains(&hoster.id()) || tiers.of(hoster.id()) >= Tier::Reached;
            match fit(hoster, is_trusted, directory.is_hidden(hoster.id()), now) {
                Ok(domain) if known.local.contains(&domain) => table.leave_out(hoster, Unfit::Contested),
                Ok(domain) => {
                    found.entry(domain.clone()).or_default().push(correspondent(hoster, domain, known));
                }
                Err(why) => table.leave_out(hoster, why),
            }
        }
        for (domain, claims) in found {
            table.take(domain, claims);
        }
        table
    }

    /// Who has mail for a domain.
    pub(crate) fn of_domain(&self, domain: &Domain) -> Option<&Arc<Correspondent>> {
        self.by_domain.get(&domain.to_ascii()?)
    }

    /// Everybody, in the order of their domains.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Correspondent>> {
        self.by_domain.values()
    }

    /// The hoster with this listing.
    pub(crate) fn of_listing(&self, listing: ListingId) -> Option<&Arc<Correspondent>> {
        self.by_domain.values().find(|known| known.listing == listing)
    }

    /// Whose node it is: everybody who says so, at least one. Who names the key of another's node lets that node speak for itself, and takes
    /// nothing from it.
    pub(crate) fn of_node(&self, key: &PublicKey) -> Result<&[Arc<Correspondent>], Unfit> {
        match self.by_node.get(key) {
            Some(Ok(correspondents)) => Ok(correspondents),
            Some(Err(why)) => Err(*why),
            None => Err(Unfit::Stranger),
        }
    }

    /// Those of whom it is a node.
    pub(super) fn with_node(&self, key: &PublicKey) -> impl Iterator<Item = &Correspondent> {
        self.by_domain.values().map(|hoster| &**hoster).filter(move |hoster| hoster.nodes.contains(key))
    }

    /// Whether senders of a domain go over the channel from here: the own one, once it is proven.
    pub(crate) fn speaks_for(&self, domain: &Domain) -> bool {
        self.own.is_some() && domain.to_ascii() == self.own
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.by_domain.len()
    }

    fn take(&mut self, domain: Domain, mut claims: Vec<Correspondent>) {
        if claims.len() > 1 {
            // The DNS names one of them; until it is asked again nobody can say which.
            for node in claims.iter().flat_map(|claim| &claim.nodes) {
                self.unfit(*node, Unfit::Contested);
            }
            return;
        }
        let Some(correspondent) = claims.pop().map(Arc::new) else { return };
        for node in &correspondent.nodes {
            match self.by_node.entry(*node).or_insert(Err(Unfit::Stranger)) {
                Ok(others) => others.push(Arc::clone(&correspondent)),
                unfit => *unfit = Ok(vec![Arc::clone(&correspondent)]),
            }
        }
        self.by_domain.insert(domain, correspondent);
    }

    fn leave_out(&mut self, hoster: &Hoster, why: Unfit) {
        nodes(hoster).for_each(|node| self.unfit(node, why));
    }

    /// Of several reasons the one that is nearest to being fit: it is what can be mended.
    fn unfit(&mut self, node: PublicKey, why: Unfit) {
        if let Err(worst) = self.by_node.entry(node).or_insert(Err(why)) {
            *worst = why.max(*worst);
        }
    }
}

/// The domain under which mail is exchanged with a hoster.
fn fit(hoster: &Hoster, is_trusted: bool, is_hidden: bool, now: Timestamp) -> Result<Domain, Unfit> {
    let log = |kind| hoster.log(kind);
    if is_hidden {
        Err(Unfit::Hidden)
    } else if !hoster.keyring().is_settled() {
        Err(Unfit::Disputed)
    } else if log(DocumentKind::Profile).is_forked() || log(DocumentKind::Statements).is_forked() {
        Err(Unfit::Forked)
    } else if hoster.freshness(now) >= Freshness::Stale {
        Err(Unfit::Stale)
    } else {
        let domain = proven_domain(hoster, now).ok_or(Unfit::Unproven)?;
        if is_trusted { Ok(domain) } else { Err(Unfit::Untrusted) }
    }
}

/// In A-labels, as listings write domains.
fn proven_domain(hoster: &Hoster, now: Timestamp) -> Option<Domain> {
    let domain = hoster.listing().domain.as_deref().filter(|_| hoster.is_proven(now))?;
    Domain::new(domain).ok()
}

fn correspondent(hoster: &Hoster, domain: Domain, known: Known<'_>) -> Correspondent {
    let (peers, others): (Vec<_>, Vec<_>) = nodes(hoster).partition(|node| known.peers.contains_key(node));
    let chosen = peers.iter().filter_map(|node| known.peers.get(node)).flat_map(PeerRecord::addresses);
    let told = hoster.listing().addresses.iter().filter_map(|text| text.parse().ok());
    let mut addresses: Vec<Address> = Vec::new();
    for address in chosen.chain(dialled(told, known.neighbours)) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    Correspondent { listing: hoster.id(), domain, nodes: [peers, others].concat(), addresses }
}

fn nodes(hoster: &Hoster) -> impl Iterator<Item = PublicKey> {
    let operators = hoster.keyring().head().operators.iter();
    operators.filter(|(_, operator)| operator.roles.contains(Role::Node)).map(|(key, _)| *key)
}

impl Correspondent {
    /// Whether a message with this sender may be of this hoster: of its proven domain, or a bounce.
    pub(crate) fn may_send_as(&self, sender: Option<&MailAddress>) -> bool {
        sender.is_none_or(|sender| sender.domain().to_ascii().as_ref() == Some(&self.domain))
    }

    /// The beginning of the listing's id: enough for people to find it.
    pub(crate) fn short(&self) -> String {
        self.listing.to_string().chars().take(SHORT).collect()
    }
}

impl Unfit {
    /// In metrics.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Stranger => "stranger",
            Self::Hidden => "hidden",
            Self::Disputed => "disputed",
            Self::Forked => "forked",
            Self::Unproven => "unproven",
            Self::Stale => "stale",
            Self::Untrusted => "untrusted",
            Self::Contested => "contested",
        }
    }

    /// What the other side is told. That it is hidden is nobody's business.
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Stranger | Self::Hidden => "no listing with this node's key is exchanged mail with",
            Self::Disputed => "the root keys of its listing contradict each other",
            Self::Forked => "the operator keys of its listing contradict each other",
            Self::Unproven => "its domain does not prove its listing",
            Self::Stale => "its listing was not heard of for two weeks",
            Self::Untrusted => "it is no peer, and nobody believed here vouches for it",
            Self::Contested => "another hoster has proven the same domain",
        }
    }
}

impl Table {
    pub(super) fn read(&self) -> Arc<Correspondents> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn write(&self, table: Correspondents) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(table);
    }
}

/// Characters of an id.
const SHORT: usize = 10;

/// A table of hosters with these domains; an empty own domain is one that is not proven.
#[cfg(test)]
pub(crate) fn correspondents_for_tests(own: &str, domains: &[&str]) -> Correspondents {
    let domain = |text: &str| text.parse::<Domain>().unwrap().to_ascii().unwrap();
    let mut table = Correspondents {
        own: Some(own).filter(|own| !own.is_empty()).map(domain),
        ..Correspondents::default()
    };
    for (number, text) in (1u8..).zip(domains) {
        let key = essaim_identity::SigningKey::from_seed(&[number; 32]).public();
        let hoster = Correspondent {
            listing: ListingId::from_bytes([number; 32]),
            domain: domain(text),
            nodes: vec![key],
            addresses: Vec::new(),
        };
        table.take(domain(text), vec![hoster]);
    }
    table
}

#[cfg(test)]
pub(super) mod tests;
