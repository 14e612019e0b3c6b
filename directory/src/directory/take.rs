//! One record in: whatever way it came, it goes through here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use essaim_identity::keyring::{KeyringEntry, Status};
use essaim_identity::{Cosigning, PublicKey, Unverified};
use essaim_types::{ListingId, Timestamp};

use super::rows::rows_of;
use super::{Alert, Directory, Output, RowKey};
use crate::beat::Tombstone;
use crate::envelope::{Change, DocumentKind, ForkProof};
use crate::hoster::Hoster;
use crate::log::Taken;
use crate::parking::Source;
use crate::refusal::Refusal;
use crate::view::Gone;
use crate::wire::{self, Wire};

/// How a record came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum From {
    /// Gossiped by this peer.
    Gossip(PublicKey),
    /// In a peer's answer.
    Page,
    /// It has waited.
    Parked,
    /// Made here.
    Own,
    /// From our own rows.
    Disk,
}

impl Directory {
    /// Takes a record in, keeps it, and tries what has waited for it.
    pub(super) fn take(&mut self, now: Timestamp, bytes: &[u8], from: From) -> Result<ListingId, Refusal> {
        let result = self.take_one(now, bytes, from);
        match &result {
            Ok(listing) => {
                self.outputs.push(Output::Changed(*listing));
                if from != From::Parked {
                    self.retry(now, *listing);
                }
            }
            Err(refusal) => self.refused(now, bytes, from, refusal),
        }
        result
    }

    fn take_one(&mut self, now: Timestamp, bytes: &[u8], from: From) -> Result<ListingId, Refusal> {
        let wire = Wire::parse(bytes)?;
        let listing = wire.listing();
        if self.gone.contains_key(&listing) {
            return Err(Refusal::Gone);
        }
        let is_counted = matches!(from, From::Gossip(_)) && !matches!(wire, Wire::Beat(_));
        if is_counted && self.is_new(&wire) && !self.by_listing.holds(&listing, 1, now) {
            return Err(Refusal::TooOften);
        }
        let result = self.take_wire(now, bytes, listing, wire, from);
        // What others make up in a hoster's name, or say again of it, must not silence it.
        if is_counted && result.as_ref().map_or_else(Refusal::leaves_trace, |()| true) {
            self.by_listing.allow(&listing, 1, now);
        }
        result.map(|()| listing)
    }

    fn take_wire(
        &mut self,
        now: Timestamp,
        bytes: &[u8],
        listing: ListingId,
        wire: Wire,
        from: From,
    ) -> Result<(), Refusal> {
        match wire {
            Wire::Keyring(_, entry) => self.take_keyring(now, listing, *entry, from)?,
            Wire::Change(change) => self.take_change(now, bytes, *change, from)?,
            Wire::Fork(proof) => self.take_fork(*proof)?,
            Wire::Beat(beat) => {
                let hoster = self.view.hoster_mut(&listing).ok_or(Refusal::UnknownListing)?;
                let held = hoster.check_beat(bytes.get(1..).unwrap_or_default(), *beat)?;
                let time = held.beat.time;
                // Only what a hoster has just said tells of its clock and ours, and then also what is from our future.
                self.clocks.note(listing, time, now, matches!(from, From::Gossip(_)));
                not_future(time, now)?;
                hoster.hold_beat(held);
                self.emit_store(RowKey::beat(listing), bytes.to_vec());
            }
            Wire::Tombstone(tombstone) => self.take_tombstone(now, bytes, *tombstone)?,
        }
        Ok(())
    }

    fn refused(&mut self, now: Timestamp, bytes: &[u8], from: From, refusal: &Refusal) {
        if *refusal != Refusal::Known && !matches!(from, From::Disk | From::Parked) {
            self.count(refusal);
        }
        let listing = Wire::parse(bytes).map(|wire| wire.listing());
        match (listing, from) {
            (Ok(listing), From::Gossip(peer)) if *refusal == Refusal::UnknownListing => {
                self.want(now, peer, listing)
            }
            (Ok(listing), From::Gossip(_) | From::Page) if refusal.may_pass_later() => {
                // Of all that waits only a change whose past is missing has been seen to be the hoster's.
                let is_own_word = *refusal == Refusal::UnknownPast
                    && Wire::parse(bytes).is_ok_and(|wire| matches!(wire, Wire::Change(_)));
                let source = match from {
                    _ if is_own_word => Source::Hoster(listing),
                    From::Gossip(peer) => Source::Peer(peer),
                    _ => Source::Answer,
                };
                match self.parking.park(listing, bytes, source, now) {
                    Ok(()) if is_own_word && from != From::Page => {
                        self.by_listing.allow(&listing, 1, now);
                    }
                    Ok(()) => {}
                    Err(refusal) => self.count(&refusal),
                }
            }
            _ => {}
        }
    }

    /// Tries everything that waits for this listing, again as long as something of it passes.
    fn retry(&mut self, now: Timestamp, listing: ListingId) {
        let mut passed = true;
        while std::mem::take(&mut passed) {
            for bytes in self.parking.waiting(listing) {
                let result = self.take(now, &bytes, From::Parked);
                passed |= result.is_ok();
                if !result.is_err_and(|refusal| refusal.may_pass_later()) {
                    self.parking.leave(listing, &bytes);
                }
            }
        }
    }

    /// Cheap to know before anything is verified: what is held already costs its hoster nothing.
    fn is_new(&self, wire: &Wire) -> bool {
        let Wire::Change(change) = wire else { return true };
        let (claims, hash) = (change.claims(), change.hash());
        let known = |hoster: &Hoster| hoster.log(claims.document).all().any(|held| held.hash == hash);
        !self.hoster(claims.listing).is_some_and(known)
    }

    fn take_keyring(
        &mut self,
        now: Timestamp,
        listing: ListingId,
        entry: Cosigning<KeyringEntry>,
        from: From,
    ) -> Result<(), Refusal> {
        let key = RowKey::keyring(listing, entry.claims().number.0, &entry.hash());
        let value = wire::keyring(listing, &entry.to_wire());
        let first = entry.claims().number.0 == 0;
        let known = self.hosters.contains_key(&listing);
        if !known && (!first || entry.hash().as_bytes() != listing.as_bytes()) {
            return Err(if first { Refusal::Malformed } else { Refusal::UnknownListing });
        }
        if known && self.holds_entry(listing, &entry) {
            return Err(Refusal::Known);
        }
        let entry = entry.verify().map_err(|_| Refusal::BadSignature)?;
        match self.view.hoster_mut(&listing) {
            Some(hoster) => {
                let before = rows_of(hoster);
                hoster.offer_keyring(entry)?;
                if hoster.keyring.status() != Status::Settled {
                    self.outputs.push(Output::Alert(Alert::KeyringFork(listing)));
                }
                self.live.forget(listing);
                self.emit_store(key, value);
                self.emit_difference(listing, before);
            }
            None => {
                // What we held before there is room for; whether it is proven stands in rows that come later.
                if from != From::Disk {
                    self.check_room()?;
                }
                self.view.hosters.insert(listing, Arc::new(Hoster::found(entry, now)?));
                self.emit_store(key, value);
                self.store_domain(listing);
            }
        }
        self.sort(now, listing);
        self.wish_domain(now, listing);
        Ok(())
    }

    fn holds_entry(&self, listing: ListingId, entry: &Cosigning<KeyringEntry>) -> bool {
        let hash = entry.hash();
        self.hosters
            .get(&listing)
            .is_some_and(|hoster| hoster.keyring.entries().any(|held| held.hash() == hash))
    }

    fn take_change(
        &mut self,
        now: Timestamp,
        bytes: &[u8],
        change: Unverified<Change>,
        from: From,
    ) -> Result<(), Refusal> {
        let (listing, kind) = (change.claims().listing, change.claims().document);
        if from != From::Disk {
            not_future(change.claims().time, now)?;
            self.check_quarantine(now, listing, bytes.len())?;
        }
        let own_key = self.key().map(|key| key.public());
        let is_own = self.own_listing() == Some(listing);
        let hoster = self.view.hoster_mut(&listing).ok_or(Refusal::UnknownListing)?;
        let hash = change.hash();
        if hoster.log(kind).all().any(|held| held.hash == hash) {
            return Err(Refusal::Known);
        }
        let vetted = hoster.vet(bytes.get(1..).unwrap_or_default(), change)?;
        let (by_us, covers) = (own_key == Some(vetted.held.key), vetted.covers.clone());
        let before = rows_of(hoster);
        let log_before = is_own.then(|| hoster.log(kind).clone());
        let mut live = self.live.take((listing, kind));
        let taken = hoster.offer_change(kind, vetted, &mut live);
        if let Some(live) = live {
            self.live.keep((listing, kind), live);
        }
        // Also a change that does not count keeps its place.
        self.emit_difference(listing, before);
        match taken? {
            Taken::Changed => {}
            Taken::Forked(proof) => self.forked(now, &proof),
            Taken::Began => {
                if let Some(log) = log_before.filter(|_| from != From::Own) {
                    self.write_again(now, kind, &log, &covers);
                }
            }
        }
        if by_us && matches!(from, From::Gossip(_) | From::Page) {
            self.outputs.push(Output::Alert(Alert::OwnListingBehind));
        }
        Ok(())
    }

    fn take_fork(&mut self, proof: ForkProof) -> Result<(), Refusal> {
        let listing = proof.place().listing;
        let hoster = self.view.hoster_mut(&listing).ok_or(Refusal::UnknownListing)?;
        let before = rows_of(hoster);
        hoster.offer_fork(proof.clone())?;
        self.live.forget(listing);
        self.emit_difference(listing, before);
        self.outputs.push(Output::Alert(Alert::Fork(proof.place())));
        Ok(())
    }

    /// We hold both halves: everybody should.
    fn forked(&mut self, now: Timestamp, proof: &ForkProof) {
        let bytes = wire::of_fork(proof);
        self.outputs.push(Output::Alert(Alert::Fork(proof.place())));
        if self.is_relayed(proof.place().listing, now) {
            self.gossip_out(bytes);
        }
    }

    fn take_tombstone(
        &mut self,
        now: Timestamp,
        bytes: &[u8],
        tombstone: Cosigning<Tombstone>,
    ) -> Result<(), Refusal> {
        let claims = tombstone.claims().clone();
        not_future(claims.time, now)?;
        let hoster = self.hoster(claims.listing).ok_or(Refusal::UnknownListing)?;
        if hoster.keyring.head().number > claims.keyring {
            return Err(Refusal::Outdated);
        }
        let entry = hoster.keyring.entry(claims.keyring).ok_or(Refusal::UnknownKeyring)?;
        let signed = tombstone.verify().map_err(|_| Refusal::BadSignature)?;
        let roots = signed.signers().filter(|key| entry.roots.contains(key)).count();
        if roots < usize::from(entry.threshold) || roots < signed.signers().count() {
            return Err(Refusal::NotAllowed);
        }
        self.erase(claims.listing);
        let value = [now.0.to_be_bytes().as_slice(), bytes].concat();
        self.emit_store(RowKey::gone(claims.listing), value);
        self.view.gone.insert(claims.listing, Gone { since: now, wire: bytes.into() });
        Ok(())
    }

    /// Forgets everything about a hoster.
    pub(super) fn erase(&mut self, listing: ListingId) {
        let Some(hoster) = self.view.hosters.remove(&listing) else { return };
        self.live.forget(listing);
        self.quarantine.remove(&listing);
        self.parking.forget(listing);
        let entries = hoster.keyring.entries();
        let keys = entries.map(|entry| RowKey::keyring(listing, entry.record().number.0, &entry.hash()));
        let keys = keys.chain(rows_of(&hoster).into_iter().map(|(key, _)| key));
        let keys = keys.chain([RowKey::beat(listing), RowKey::domain(listing)]);
        self.outputs.extend(keys.map(Output::Delete));
    }

    fn emit_difference(&mut self, listing: ListingId, before: Vec<(RowKey, Vec<u8>)>) {
        let Some(hoster) = self.hoster(listing) else { return };
        let mut before: BTreeMap<RowKey, Vec<u8>> = before.into_iter().collect();
        for (key, value) in rows_of(hoster) {
            if before.remove(&key).as_ref() != Some(&value) {
                self.emit_store(key, value);
            }
        }
        self.outputs.extend(before.into_keys().map(Output::Delete));
    }

    fn check_room(&self) -> Result<(), Refusal> {
        if self.hosters.len() >= self.policy.listings_max {
            return Err(Refusal::Full);
        }
        (self.quarantine.len() < self.policy.quarantine_max).then_some(()).ok_or(Refusal::QuarantineFull)
    }

    fn check_quarantine(&self, now: Timestamp, listing: ListingId, more: usize) -> Result<(), Refusal> {
        let Some(hoster) = self.hoster(listing) else { return Err(Refusal::UnknownListing) };
        if hoster.is_proven(now) || self.own_listing() == Some(listing) {
            return Ok(());
        }
        let unproven = self.quarantine.iter().filter_map(|id| self.hoster(*id));
        let bytes: usize = unproven.map(Hoster::weight).sum();
        let fits = bytes.saturating_add(more) <= self.policy.quarantine_bytes_max;
        fits.then_some(()).ok_or(Refusal::QuarantineFull)
    }
}

fn not_future(time: Timestamp, now: Timestamp) -> Result<(), Refusal> {
    (time <= now.after(CLOCK_SLACK)).then_some(()).ok_or(Refusal::Future)
}

/// Where a document's records stand among the rows, for tests of the kinds.
const _: () = assert!(DocumentKind::Profile as u8 == 0 && DocumentKind::Statements as u8 == 1);
/// How far ahead of ours a writer's clock may be.
pub(super) const CLOCK_SLACK: Duration = Duration::from_secs(600);
