//! What survives a restart: rows of opaque keys and bytes, kept by the caller.
//!
//! Every row but the node's own decisions is a record as it came, so a directory that is read from rows checks everything again.

use essaim_identity::{PublicKey, RecordHash, cbor};
use essaim_types::{ListingId, Timestamp};

use super::{Directory, Policy, take};
use crate::envelope::DocumentKind;
use crate::hoster::{DomainState, Hoster};
use crate::view::Gone;
use crate::wire;

/// The name of a row: at most 80 bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RowKey(Vec<u8>);

/// A row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Its name.
    pub key: RowKey,
    /// What it holds.
    pub value: Vec<u8>,
}

impl RowKey {
    /// The key with these bytes, as they were stored.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(super) fn keyring(listing: ListingId, number: u32, hash: &RecordHash) -> Self {
        Self::of(KEYRING, listing, &[number.to_be_bytes().as_slice(), hash.as_bytes()].concat())
    }

    pub(super) fn change(listing: ListingId, kind: DocumentKind, hash: &RecordHash) -> Self {
        Self::of(CHANGE, listing, &[[kind as u8].as_slice(), hash.as_bytes()].concat())
    }

    pub(super) fn fork(listing: ListingId, kind: DocumentKind, actor: &[u8; 16]) -> Self {
        Self::of(FORK, listing, &[[kind as u8].as_slice(), actor].concat())
    }

    pub(super) fn beat(listing: ListingId) -> Self {
        Self::of(BEAT, listing, &[])
    }

    pub(super) fn domain(listing: ListingId) -> Self {
        Self::of(DOMAIN, listing, &[])
    }

    pub(super) fn gone(listing: ListingId) -> Self {
        Self::of(GONE, listing, &[])
    }

    pub(super) fn hidden(listing: ListingId) -> Self {
        Self::of(HIDDEN, listing, &[])
    }

    pub(super) fn outbox(record: &RecordHash) -> Self {
        Self([&[OUTBOX], record.as_bytes().as_slice()].concat())
    }

    pub(super) fn own_seq(key: &PublicKey) -> Self {
        Self([&[OWN_SEQ], key.as_bytes().as_slice()].concat())
    }

    fn of(kind: u8, listing: ListingId, rest: &[u8]) -> Self {
        Self([[kind].as_slice(), listing.as_bytes(), rest].concat())
    }

    fn parts(&self) -> Option<(u8, [u8; 32])> {
        let (kind, rest) = self.0.split_first()?;
        Some((*kind, *rest.first_chunk()?))
    }
}

impl Directory {
    /// The directory that these rows hold, in any order. A row that cannot be read is left out and counted among the refusals.
    pub fn load(policy: Policy, seed: [u8; 32], rows: impl IntoIterator<Item = Row>, now: Timestamp) -> Self {
        let mut directory = Self::new(policy, seed);
        let mut rows: Vec<Row> = rows.into_iter().collect();
        // Keyrings come before what their keys have signed.
        rows.sort_by(|a, b| a.key.cmp(&b.key));
        let mut again = Vec::new();
        for Row { key, value } in rows {
            match key.parts() {
                Some((KEYRING | CHANGE | FORK | BEAT, _)) => {
                    let taken = directory.take(now, &value, take::From::Disk);
                    again.extend(taken.is_err().then_some(value));
                }
                Some((kind, id)) => directory.load_own(kind, id, value),
                None => {}
            }
        }
        directory.load_again(again, now);
        let listings: Vec<ListingId> = directory.hosters.keys().copied().collect();
        listings.into_iter().for_each(|listing| directory.sort(now, listing));
        directory.refusals.clear();
        directory.outputs.clear();
        directory
    }

    /// Changes are stored by hash: some come before what they follow.
    fn load_again(&mut self, mut rows: Vec<Vec<u8>>, now: Timestamp) {
        loop {
            let before = rows.len();
            rows.retain(|value| self.take(now, value, take::From::Disk).is_err());
            if rows.len() == before {
                return;
            }
        }
    }

    fn load_own(&mut self, kind: u8, id: [u8; 32], value: Vec<u8>) {
        let listing = ListingId::from_bytes(id);
        match kind {
            DOMAIN => {
                if let (Some(hoster), Ok(state)) =
                    (self.view.hoster_mut(&listing), cbor::decode::<DomainState>(&value))
                {
                    hoster.domain = state;
                    hoster.first_seen = state.first_seen.map_or(hoster.first_seen, Timestamp);
                }
            }
            GONE => {
                if let Some((time, wire)) = value.split_first_chunk::<8>() {
                    let since = Timestamp(i64::from_be_bytes(*time));
                    self.view.gone.insert(listing, Gone { since, wire: wire.into() });
                }
            }
            HIDDEN => {
                self.view.hidden.insert(listing);
            }
            OUTBOX => {
                self.outbox.insert(RecordHash::from_bytes(id), value);
            }
            OWN_SEQ => {
                let seq = value.first_chunk::<8>().map_or(0, |bytes| u64::from_be_bytes(*bytes));
                self.own_seqs.insert(id, seq);
            }
            _ => {}
        }
    }

    pub(super) fn store_domain(&mut self, listing: ListingId) {
        if let Some(hoster) = self.view.hoster_mut(&listing) {
            hoster.domain.first_seen = Some(hoster.first_seen.0);
            let value = cbor::encode(&hoster.domain);
            self.emit_store(RowKey::domain(listing), value);
        }
    }
}

/// The rows of a hoster's documents.
pub(super) fn rows_of(hoster: &Hoster) -> Vec<(RowKey, Vec<u8>)> {
    let id = hoster.id();
    let mut rows = Vec::new();
    for kind in [DocumentKind::Profile, DocumentKind::Statements] {
        let log = hoster.log(kind);
        rows.extend(
            log.all().map(|held| (RowKey::change(id, kind, &held.hash), wire::of_change(&held.wire))),
        );
        rows.extend(
            log.proofs().map(|proof| (RowKey::fork(id, kind, &proof.place().actor), wire::of_fork(proof))),
        );
    }
    rows
}

const KEYRING: u8 = 1;
const CHANGE: u8 = 2;
const FORK: u8 = 3;
const BEAT: u8 = 4;
const DOMAIN: u8 = 5;
const GONE: u8 = 6;
const HIDDEN: u8 = 7;
const OUTBOX: u8 = 8;
const OWN_SEQ: u8 = 9;
