//! What time brings: signs of life, comparisons, expiry, domains that are asked again.

use std::collections::BTreeMap;
use std::time::Duration;

use essaim_types::{Domain, ListingId, Timestamp};

use super::{Alert, Directory, DomainOutcome, Output, RowKey};
use crate::beat::{Freshness, QUIET};
use crate::wire;

impl Directory {
    pub(super) fn tick(&mut self, now: Timestamp) {
        self.sync_tick(now);
        self.beat_tick(now);
        if now < self.next_tick_work {
            return;
        }
        self.next_tick_work = now.after(HOUSEKEEPING);
        self.settle_restore(now);
        self.resend(now);
        for listing in self.parking.expire(now) {
            let peers: Vec<_> = self.peers.iter().copied().collect();
            if let Some(peer) = self.dice.pick(&peers).copied() {
                self.want(now, peer, listing);
            }
        }
        self.by_listing.forget_full(now);
        self.by_peer.forget_full(now);
        self.forget_lost(now);
        let listings: Vec<ListingId> = self.hosters.keys().copied().collect();
        for listing in listings {
            self.sort(now, listing);
            self.wish_domain(now, listing);
        }
        if let Some(off) = self.clocks.off() {
            self.outputs.push(Output::Alert(Alert::ClockOff(off)));
        }
    }

    /// A domain says whether a listing is its own. The first proof opens the quarantine: now the listing is passed on.
    pub(super) fn domain_checked(
        &mut self,
        now: Timestamp,
        listing: ListingId,
        domain: &Domain,
        outcome: DomainOutcome,
    ) {
        let hoster = self.view.hoster_mut(&listing);
        let Some(hoster) = hoster.filter(|hoster| hoster.keyring.domain() == Some(domain)) else { return };
        let before = hoster.is_proven(now);
        hoster.domain.asked = Some(now.0);
        match outcome {
            DomainOutcome::Proven => (hoster.domain.proven, hoster.domain.failing) = (Some(now.0), None),
            DomainOutcome::Failed => {
                hoster.domain.failing.get_or_insert(now.0);
            }
        }
        let opened = !before && hoster.is_proven(now);
        let records = if opened { hoster.records() } else { Vec::new() };
        self.sort(now, listing);
        self.store_domain(listing);
        self.outputs.push(Output::Changed(listing));
        if self.own_listing() != Some(listing) {
            records.into_iter().for_each(|record| self.gossip_out(record));
        }
        self.settle_restore(now);
    }

    /// Asks for a domain to be checked: at once when new, then once a day.
    pub(super) fn wish_domain(&mut self, now: Timestamp, listing: ListingId) {
        let Some(hoster) = self.view.hoster_mut(&listing) else { return };
        let due = hoster.domain.asked.is_none_or(|asked| {
            now.since(Timestamp(asked)) >= DOMAIN_EVERY.saturating_sub(early(listing, asked))
        });
        if let Some(domain) = hoster.keyring.domain().filter(|_| due).cloned() {
            hoster.domain.asked = Some(now.0);
            self.outputs.push(Output::CheckDomain { listing, domain });
        }
    }

    fn beat_tick(&mut self, now: Timestamp) {
        let restoring = self.is_restoring();
        // Four fifths to six fifths of the time between two beats.
        let pause = BEAT_EVERY / 5 * 4 + Duration::from_millis(self.dice.below(BEAT_JITTER_MS));
        let Some(own) = self.own.as_mut().filter(|own| !restoring && own.next_beat <= now) else { return };
        own.next_beat = now.after(pause);
        // A clock that is wrong by more than ten minutes would make our signs of life useless, or immortal.
        if self.clocks.off().is_none_or(|off| off.unsigned_abs() < CLOCK_OFF_STOP_MS) {
            self.beat(now);
        }
    }

    /// Own records that nobody has yet.
    fn resend(&mut self, _now: Timestamp) {
        for (record, bytes) in &self.outbox {
            let (record, topic, bytes) = (*record, wire::topic_of(bytes), bytes.clone());
            self.outputs.push(Output::Gossip { record, topic, bytes });
        }
    }

    /// Hosters nobody has heard of for 180 days, and those that were never proven within 30.
    fn forget_lost(&mut self, now: Timestamp) {
        let own = self.own_listing();
        let lost = |hoster: &&crate::Hoster| {
            let never = hoster.domain.proven.is_none() && now.since(hoster.first_seen) > QUARANTINE_FOR;
            Some(hoster.id()) != own && (hoster.freshness(now) == Freshness::Lost || never)
        };
        let lost: Vec<ListingId> = self.hosters().filter(lost).map(|hoster| hoster.id()).collect();
        lost.into_iter().for_each(|listing| self.erase(listing));
        let old: Vec<ListingId> = self
            .gone
            .iter()
            .filter(|(_, gone)| now.since(gone.since) > STUB_FOR)
            .map(|(id, _)| *id)
            .collect();
        for listing in old {
            self.view.gone.remove(&listing);
            self.outputs.push(Output::Delete(RowKey::gone(listing)));
        }
    }
}

/// How much earlier than after a day a domain is asked again: other for each listing, node and day, so that neither all nodes ask one
/// domain at once, nor one node all domains.
fn early(listing: ListingId, asked: i64) -> Duration {
    let [a, b, c, d, ..] = *listing.as_bytes();
    let salt = u64::from(u32::from_le_bytes([a, b, c, d]));
    Duration::from_millis(
        asked.unsigned_abs().wrapping_mul(2_654_435_761).wrapping_add(salt) % DOMAIN_JITTER_MS,
    )
}

/// How far the clocks of others are from ours.
#[derive(Debug, Default)]
pub(super) struct Clocks(BTreeMap<ListingId, i64>);

impl Clocks {
    /// Notes the date of a beat that came fresh from gossip.
    pub(super) fn note(&mut self, listing: ListingId, time: Timestamp, now: Timestamp, fresh: bool) {
        let recent = now.since(time) < QUIET;
        if fresh && recent && (self.0.len() < CLOCKS_MAX || self.0.contains_key(&listing)) {
            self.0.insert(listing, time.0.saturating_sub(now.0));
        }
    }

    /// The median difference in milliseconds, if at least five hosters say that it is more than a minute.
    pub(super) fn off(&self) -> Option<i64> {
        let mut offs: Vec<i64> = self.0.values().copied().collect();
        offs.sort_unstable();
        let median = offs.get(offs.len() / 2).copied()?;
        (offs.len() >= CLOCKS_MIN && median.unsigned_abs() > CLOCK_OFF_WARN_MS).then_some(median)
    }
}

/// Between two signs of life.
const BEAT_EVERY: Duration = Duration::from_secs(6 * 3600);
/// Two fifths of it, so that a thousand nodes do not speak at once.
const BEAT_JITTER_MS: u64 = 6 * 3_600_000 / 5 * 2;
/// Between two rounds of housekeeping.
const HOUSEKEEPING: Duration = Duration::from_secs(60);
/// Between two questions to a domain.
const DOMAIN_EVERY: Duration = Duration::from_secs(86_400);
const DOMAIN_JITTER_MS: u64 = 2 * 3_600_000;
/// How long a listing may wait for its domain.
const QUARANTINE_FOR: Duration = Duration::from_secs(30 * 86_400);
/// How long it is remembered that a hoster has left.
const STUB_FOR: Duration = Duration::from_secs(2 * 365 * 86_400);
const CLOCKS_MIN: usize = 5;
const CLOCKS_MAX: usize = 64;
const CLOCK_OFF_WARN_MS: u64 = 60_000;
const CLOCK_OFF_STOP_MS: u64 = 600_000;
