//! What has been accepted of one account's log: a tree of entries, and the receipts of witnesses.

use std::collections::BTreeMap;

use essaim_types::{AccountId, ListingId, Timestamp};

use super::entry::{AccountEntry, Kind, Past};
use super::refusal::Refusal;
use super::rules;
use super::state::CLOCK_SKEW_MAX;
use super::values::{Authority, MoveId};
use super::witness::{
    Equivocation, ReceiptFault, Tally, WITNESSES_MAX, WitnessReceipt, WitnessRefusal, Witnesses,
};
use crate::cosigned::Cosigned;
use crate::key::PublicKey;
use crate::signed::{RecordHash, Signed};

/// The log of one account. Every entry in it may stand where it stands; which of them do, [`AccountLog::state`] says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountLog {
    pub(super) genesis: RecordHash,
    pub(super) places: BTreeMap<RecordHash, Place>,
}

/// An entry, what stands on it, and who has seen it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) entry: Cosigned<AccountEntry>,
    pub(super) authority: Authority,
    /// Ascending.
    pub(super) next: Vec<RecordHash>,
    /// The earliest of each witness.
    receipts: BTreeMap<ListingId, Signed<WitnessReceipt>>,
}

/// What accepting an entry did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// It is in the log now.
    Added,
    /// It was there already; its signatures may be other ones.
    Known,
}

impl AccountLog {
    /// The log that a first entry founds.
    ///
    /// # Errors
    /// Not a first entry, wrong in itself, or not signed by its keys.
    pub fn found(genesis: Cosigned<AccountEntry>) -> Result<Self, Refusal> {
        let authority = rules::check_first(&genesis)?;
        let hash = genesis.hash();
        Ok(Self { genesis: hash, places: BTreeMap::from([(hash, Place::new(genesis, authority))]) })
    }

    /// Whose log this is: the hash of the first entry.
    pub fn account(&self) -> AccountId {
        AccountId::from_bytes(*self.genesis.as_bytes())
    }

    /// Takes an entry in.
    ///
    /// # Errors
    /// What is wrong with it; the log is as it was.
    pub fn accept(&mut self, entry: Cosigned<AccountEntry>) -> Result<Accepted, Refusal> {
        let hash = entry.hash();
        if self.places.contains_key(&hash) {
            return Ok(Accepted::Known);
        }
        let (authority, prev) = self.check(&entry)?;
        if let Some(before) = self.places.get_mut(&prev) {
            let at = before.next.binary_search(&hash).unwrap_or_else(|at| at);
            before.next.insert(at, hash);
        }
        self.places.insert(hash, Place::new(entry, authority));
        Ok(Accepted::Added)
    }

    /// Takes a set of entries in, in whatever order they are, and returns those that were refused.
    pub fn accept_all(
        &mut self,
        entries: impl IntoIterator<Item = Cosigned<AccountEntry>>,
    ) -> Vec<(Cosigned<AccountEntry>, Refusal)> {
        let mut entries: Vec<_> = entries.into_iter().collect();
        // Lower numbers first: whatever an entry stands on is then there before it.
        entries.sort_by_key(|entry| (entry.record().seq, entry.hash()));
        let refused =
            |entry: Cosigned<AccountEntry>| self.accept(entry.clone()).err().map(|why| (entry, why));
        entries.into_iter().filter_map(refused).collect()
    }

    /// Takes the receipt of a witness in. Of two receipts of one witness for one entry the earlier counts.
    ///
    /// # Errors
    /// Why it does not count; the log is as it was.
    pub fn witness(&mut self, receipt: Signed<WitnessReceipt>) -> Result<(), ReceiptFault> {
        let said = receipt.record();
        if said.account != self.account() {
            return Err(ReceiptFault::OtherAccount { theirs: said.account });
        }
        let place =
            self.places.get_mut(&said.entry).ok_or(ReceiptFault::UnknownEntry { entry: said.entry })?;
        if place.prev() != Some(said.prev) || place.authority != said.authority {
            return Err(ReceiptFault::Misstated);
        }
        match place.receipts.get(&said.witness) {
            Some(there) if order(there) <= order(&receipt) => {}
            None if place.receipts.len() >= WITNESSES_MAX => return Err(ReceiptFault::TooMany),
            _ => {
                place.receipts.insert(said.witness, receipt);
            }
        }
        Ok(())
    }

    /// The receipt that an honest hoster signs for an entry that it has just accepted.
    ///
    /// # Errors
    /// Why it signs none.
    pub fn testify(
        &self,
        entry: &RecordHash,
        witness: ListingId,
        node: PublicKey,
        now: Timestamp,
        host_silent: bool,
    ) -> Result<WitnessReceipt, WitnessRefusal> {
        let place = self.places.get(entry).ok_or(WitnessRefusal::NothingToSign)?;
        let prev = place.prev().ok_or(WitnessRefusal::NothingToSign)?;
        let rivals = self.rivals(&prev, place.authority).filter(|(hash, _)| hash != entry);
        if let Some((other, _)) = rivals.clone().find(|(_, rival)| rival.receipts.contains_key(&witness)) {
            return Err(WitnessRefusal::Another { other });
        }
        let ts = place.entry.record().ts;
        if ts.since(now).max(now.since(ts)) > CLOCK_SKEW_MAX {
            return Err(WitnessRefusal::Untimely);
        }
        let (account, authority) = (self.account(), place.authority);
        Ok(WitnessReceipt { account, prev, entry: *entry, authority, witness, node, at: now, host_silent })
    }

    /// The witnesses that have signed two entries of one weight in one place. None of these receipts counts.
    pub fn equivocations(&self) -> Vec<Equivocation> {
        let mut found = Vec::new();
        for (entry, place) in &self.places {
            let Some(prev) = place.prev() else { continue };
            let higher = self.rivals(&prev, place.authority).filter(|(rival, _)| rival > entry);
            for (rival, other) in higher {
                let both = place.receipts.keys().filter(|witness| other.receipts.contains_key(witness));
                found.extend(both.map(|witness| Equivocation {
                    witness: *witness,
                    prev,
                    entries: (*entry, rival),
                }));
            }
        }
        found
    }

    /// An entry of the log.
    pub fn get(&self, hash: &RecordHash) -> Option<&Cosigned<AccountEntry>> {
        self.places.get(hash).map(|place| &place.entry)
    }

    /// Every entry, in the order of their hashes.
    pub fn entries(&self) -> impl ExactSizeIterator<Item = &Cosigned<AccountEntry>> {
        self.places.values().map(|place| &place.entry)
    }

    /// Every receipt that counts or could.
    pub fn receipts(&self) -> impl Iterator<Item = &Signed<WitnessReceipt>> {
        self.places.values().flat_map(|place| place.receipts.values())
    }

    /// An entry and all that it stands on, down to the first.
    pub fn chain(&self, from: &RecordHash) -> impl Iterator<Item = &Cosigned<AccountEntry>> {
        let first = self.places.get(from);
        let before = |place: &&Place| place.prev().and_then(|prev| self.places.get(&prev));
        std::iter::successors(first, before).map(|place| &place.entry)
    }

    /// What the witnesses say of an entry. Those that signed a rival of the same weight say nothing.
    pub(super) fn tally(&self, hash: &RecordHash, place: &Place, witnesses: &Witnesses) -> Tally {
        let prev = place.prev().unwrap_or(self.genesis);
        let rivals: Vec<_> = self
            .rivals(&prev, place.authority)
            .filter(|(rival, _)| rival != hash)
            .map(|(_, rival)| rival)
            .collect();
        let honest = |witness: &ListingId| !rivals.iter().any(|rival| rival.receipts.contains_key(witness));
        let receipts = place.receipts.iter().filter(|(witness, _)| honest(witness));
        witnesses.tally(receipts.map(|(_, receipt)| receipt.record()))
    }

    fn check(&self, entry: &Cosigned<AccountEntry>) -> Result<(Authority, RecordHash), Refusal> {
        let ours = self.account();
        let next = entry.record();
        let Past::After { account, prev } = next.past else {
            let theirs = AccountId::from_bytes(*entry.hash().as_bytes());
            return Err(Refusal::OtherAccount { ours, theirs });
        };
        if account != ours {
            return Err(Refusal::OtherAccount { ours, theirs: account });
        }
        let before = self.get(&prev).ok_or(Refusal::UnknownPast { hash: prev })?;
        let authority = rules::check_next(ours, before.record(), entry)?;
        if let Kind::Move(proof) = &next.kind {
            self.check_unused(proof.intent.claims().mid, &prev)?;
        }
        let kept = self.places.values().filter(|place| place.authority == authority).count();
        let max = if authority == Authority::Host { HOST_ENTRIES_MAX } else { OTHER_ENTRIES_MAX };
        if kept >= max { Err(Refusal::Full { authority }) } else { Ok((authority, prev)) }
    }

    fn check_unused(&self, mid: MoveId, prev: &RecordHash) -> Result<(), Refusal> {
        let used = self.chain(prev).any(
            |entry| matches!(&entry.record().kind, Kind::Move(proof) if proof.intent.claims().mid == mid),
        );
        if used { Err(Refusal::MoveUsed { mid }) } else { Ok(()) }
    }

    /// Every entry of this weight that stands on `prev`.
    fn rivals(
        &self,
        prev: &RecordHash,
        authority: Authority,
    ) -> impl Iterator<Item = (RecordHash, &Place)> + Clone {
        let next = self.places.get(prev).map(|place| place.next.as_slice()).unwrap_or_default();
        let places = next.iter().filter_map(|hash| self.places.get(hash).map(|place| (*hash, place)));
        places.filter(move |(_, place)| place.authority == authority)
    }
}

impl Place {
    fn new(entry: Cosigned<AccountEntry>, authority: Authority) -> Self {
        Self { entry, authority, next: Vec::new(), receipts: BTreeMap::new() }
    }

    fn prev(&self) -> Option<RecordHash> {
        match self.entry.record().past {
            Past::Nothing => None,
            Past::After { prev, .. } => Some(prev),
        }
    }
}

/// Earlier first; of two of one time the one that asks for the longer wait.
fn order(receipt: &Signed<WitnessReceipt>) -> (Timestamp, bool, [u8; 32]) {
    let said = receipt.record();
    (said.at, said.host_silent, *said.node.as_bytes())
}

/// The most entries that are kept of those that the host alone signs. A stolen host's key fills up its own room only.
pub const HOST_ENTRIES_MAX: usize = 2048;
/// The most entries that are kept of each other weight.
pub const OTHER_ENTRIES_MAX: usize = 256;
