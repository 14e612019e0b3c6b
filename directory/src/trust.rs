//! Whom this node believes, and why: from its own seeds along vouches. There is no authority in here; who chooses other seeds
//! sees other tiers.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use essaim_types::{ListingId, Timestamp};
use serde::Serialize;

use crate::hoster::Hoster;
use crate::statement::{Statement, Vouch};
use crate::view::View;

/// How far a listing is believed on this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tier {
    /// T0: its domain does not say that it is its own. Kept apart, neither shown nor passed on.
    Unproven,
    /// T1: its domain does, and nobody whom we believe knows it.
    Proven,
    /// T2: within three vouches of our seeds.
    Reached,
    /// T3: vouched for by two whom we reach, of different domains.
    Endorsed,
}

/// One step of a path of trust.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Who vouches.
    pub by: ListingId,
    /// For whom.
    pub for_whom: ListingId,
    /// What it says.
    pub vouch: Vouch,
}

/// The tiers of all listings, as seen from here.
#[derive(Debug, Clone, Default)]
pub struct Tiers {
    tiers: BTreeMap<ListingId, Tier>,
    /// Who brought a listing in first.
    parents: BTreeMap<ListingId, ListingId>,
}

impl Tiers {
    /// The tier of a listing.
    pub fn of(&self, listing: ListingId) -> Tier {
        self.tiers.get(&listing).copied().unwrap_or(Tier::Unproven)
    }

    /// From a seed to the listing: who brought whom. Empty for seeds and what is not reached.
    fn path(&self, listing: ListingId) -> Vec<(ListingId, ListingId)> {
        let mut path = Vec::new();
        let mut to = listing;
        while let Some(by) = self.parents.get(&to).filter(|_| path.len() < HOPS_MAX) {
            path.push((*by, to));
            to = *by;
        }
        path.reverse();
        path
    }
}

impl View {
    /// The tiers of all listings now. Walks all vouches once: milliseconds for ten thousand listings.
    pub fn tiers(&self, now: Timestamp) -> Tiers {
        let mut tiers = Tiers::default();
        for hoster in self.hosters() {
            let tier = if hoster.is_proven(now) { Tier::Proven } else { Tier::Unproven };
            tiers.tiers.insert(hoster.id(), tier);
        }
        let reached = self.reach(now, &mut tiers);
        for listing in self.endorsed(now, &reached) {
            tiers.tiers.insert(listing, Tier::Endorsed);
        }
        tiers
    }

    /// The vouches that lead from a seed to a listing.
    pub fn trust_path(&self, now: Timestamp, listing: ListingId) -> Vec<Step> {
        let steps = self.tiers(now).path(listing);
        let step = |(by, for_whom): (ListingId, ListingId)| {
            let vouch = self.hoster(by)?.vouches(now).find(|(to, _)| **to == for_whom)?.1.clone();
            Some(Step { by, for_whom, vouch })
        };
        steps.into_iter().filter_map(step).collect()
    }

    /// The listing that takes the place of one whose root keys are lost: it says so, is endorsed, and has been here for 14 days,
    /// in which everybody could see it and object.
    pub fn successor(&self, now: Timestamp, listing: ListingId) -> Option<ListingId> {
        let text = listing.to_string();
        let says_so = |hoster: &&Hoster| hoster.listing().supersedes.as_deref() == Some(text.as_str());
        let mut claims =
            self.hosters().filter(says_so).filter(|hoster| now.since(hoster.first_seen) >= NOTICE).peekable();
        claims.peek()?;
        let tiers = self.tiers(now);
        claims.map(Hoster::id).find(|id| tiers.of(*id) == Tier::Endorsed)
    }

    /// Breadth first from the seeds; the answer has everything within three hops.
    fn reach(&self, now: Timestamp, tiers: &mut Tiers) -> BTreeSet<ListingId> {
        let seeds: BTreeSet<ListingId> = self.seeds().collect();
        let mut reached: BTreeSet<ListingId> = BTreeSet::new();
        let mut open: VecDeque<(ListingId, usize)> = seeds.iter().map(|seed| (*seed, 0)).collect();
        reached.extend(&seeds);
        while let Some((by, hops)) = open.pop_front() {
            let Some(hoster) = self.hoster(by).filter(|hoster| hoster.is_proven(now) || seeds.contains(&by))
            else {
                continue;
            };
            tiers.tiers.insert(by, Tier::Reached);
            if hops == HOPS_MAX {
                continue;
            }
            for to in sponsored(hoster, now, seeds.contains(&by)) {
                if self.hoster(to).is_some_and(|to| to.is_proven(now)) && reached.insert(to) {
                    tiers.parents.insert(to, by);
                    open.push_back((to, hops + 1));
                }
            }
        }
        reached
    }

    /// Those for whom two vouch whom we reach, of different domains.
    fn endorsed(&self, now: Timestamp, reached: &BTreeSet<ListingId>) -> Vec<ListingId> {
        let mut domains: BTreeMap<ListingId, BTreeSet<&str>> = BTreeMap::new();
        for hoster in reached.iter().filter_map(|by| self.hoster(*by)) {
            let Some(domain) = hoster.listing().domain.as_deref().map(registrable) else { continue };
            for (to, _) in hoster.vouches(now).filter(|(to, _)| **to != hoster.id() && reached.contains(to)) {
                domains.entry(*to).or_default().insert(domain);
            }
        }
        domains.into_iter().filter(|(_, domains)| domains.len() >= ENDORSERS_MIN).map(|(to, _)| to).collect()
    }
}

impl Hoster {
    /// Everything it says of others that counts now.
    pub fn statements(&self, now: Timestamp) -> impl Iterator<Item = &(ListingId, Statement)> {
        self.said().iter().filter(move |(_, statement)| statement.counts(now))
    }

    fn vouches(&self, now: Timestamp) -> impl Iterator<Item = (&ListingId, &Vouch)> {
        self.statements(now).filter_map(|(to, statement)| match statement {
            Statement::Vouch(vouch) => Some((to, vouch)),
            Statement::Warning(_) => None,
        })
    }
}

/// Whom a hoster brings in: of its vouches of a year the twelve oldest, so that one that was bought brings in few. Whom we chose
/// as a seed ourselves is not counted.
fn sponsored(hoster: &Hoster, now: Timestamp, seed: bool) -> Vec<ListingId> {
    let mut vouches: Vec<(Timestamp, ListingId)> =
        hoster.vouches(now).map(|(to, vouch)| (vouch.made, *to)).collect();
    vouches.sort_unstable();
    let mut counted: VecDeque<Timestamp> = VecDeque::new();
    let mut brought = Vec::new();
    for (made, to) in vouches {
        while counted.front().is_some_and(|first| made.since(*first) >= SPONSOR_YEAR) {
            counted.pop_front();
        }
        if seed || counted.len() < SPONSORED_MAX {
            counted.push_back(made);
            brought.push(to);
        }
    }
    brought
}

/// The last two labels: without a list of public suffixes an approximation, too strict under `co.uk`.
pub(crate) fn registrable(domain: &str) -> &str {
    let mut dots = domain.rmatch_indices('.').map(|(at, _)| at + 1);
    dots.nth(1).and_then(|at| domain.get(at..)).unwrap_or(domain)
}

/// Vouches between a seed and what is reached.
pub const HOPS_MAX: usize = 3;
/// Different domains that must vouch for a badge.
pub const ENDORSERS_MIN: usize = 2;
/// Hosters that one hoster brings in in a year.
pub const SPONSORED_MAX: usize = 12;
/// How long a listing that says that it replaces another is only shown as saying so.
pub const NOTICE: Duration = Duration::from_secs(14 * 86_400);
const SPONSOR_YEAR: Duration = Duration::from_secs(365 * 86_400);

#[cfg(test)]
mod tests {
    use super::registrable;

    #[test]
    fn domains_of_one_owner_are_one() {
        assert_eq!(registrable("a.b.example"), "b.example");
        assert_eq!(registrable("b.example"), "b.example");
        assert_eq!(registrable("localhost"), "localhost");
    }
}
