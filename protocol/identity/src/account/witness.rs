//! What other hosters sign when they have seen an entry. Their word gives an entry its time and makes it final.

use std::collections::BTreeSet;

use essaim_types::{AccountId, ListingId, Timestamp};
use minicbor::{Decode, Encode};

use super::values::Authority;
use crate::cbor::Bounded;
use crate::key::{BadSignature, PublicKey};
use crate::keyring::{Keyring, Role};
use crate::signed::{Record, RecordHash, Signed, Unverified};

/// A hoster has seen this entry as the first of its weight in its place. Signed by a node of the hoster.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct WitnessReceipt {
    /// Whose log.
    #[cbor(n(0), with = "crate::cbor::with::account")]
    pub account: AccountId,
    /// What the entry stands on: its place.
    #[n(1)]
    pub prev: RecordHash,
    /// The entry.
    #[n(2)]
    pub entry: RecordHash,
    /// How much it weighs.
    #[n(3)]
    pub authority: Authority,
    /// The hoster that says so.
    #[cbor(n(4), with = "crate::cbor::with::listing")]
    pub witness: ListingId,
    /// Its node's key.
    #[n(5)]
    pub node: PublicKey,
    /// When it saw the entry, by its own clock, in whole seconds.
    #[cbor(n(6), with = "crate::cbor::with::seconds")]
    pub at: Timestamp,
    /// Whether it had not heard anything of the host that the entry replaces for an hour. A recovery need not wait then.
    #[n(7)]
    pub host_silent: bool,
}

/// Why a receipt does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptFault {
    /// Somebody made it up, or it was damaged.
    #[error("the receipt is not genuine")]
    Signature(#[from] BadSignature),
    /// The witness's keyring does not know the node, or is another's.
    #[error("{node} is not the key of a node of {witness}")]
    NotANode {
        /// The key.
        node: PublicKey,
        /// The hoster that it says it belongs to.
        witness: ListingId,
    },
    /// Of another account.
    #[error("the receipt is of account {theirs}")]
    OtherAccount {
        /// Of which.
        theirs: AccountId,
    },
    /// The entry is not known here. Worth another try once it is.
    #[error("the entry {entry} is not known")]
    UnknownEntry {
        /// Which.
        entry: RecordHash,
    },
    /// It says of the entry what is not so: another place, or another weight.
    #[error("the receipt does not say of the entry what it is")]
    Misstated,
    /// As many receipts as are kept of one entry.
    #[error("more than {WITNESSES_MAX} receipts of one entry")]
    TooMany,
}

/// Why an honest hoster gives no receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WitnessRefusal {
    /// It is not in the log, or is the first entry, which needs none.
    #[error("there is nothing to give a receipt for")]
    NothingToSign,
    /// Another one of the same weight in the same place has one already.
    #[error("a receipt was given for {other}, which stands in the same place")]
    Another {
        /// That entry.
        other: RecordHash,
    },
    /// Its time is not the time at which it arrived.
    #[error("the entry says that it was made at another time than now")]
    Untimely,
}

/// Two receipts of one witness for two entries of one weight in one place: proof for everybody that it does not keep the rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Equivocation {
    /// Who.
    pub witness: ListingId,
    /// What both entries stand on.
    pub prev: RecordHash,
    /// The entries, lower hash first.
    pub entries: (RecordHash, RecordHash),
}

/// The hosters whose receipts count: those of the directory at this time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Witnesses(BTreeSet<ListingId>);

/// What the receipts of one entry say together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tally {
    /// The median of their times, if there are enough of them: the entry is final.
    pub(super) at: Option<Timestamp>,
    /// Whether enough of them have not heard of the host.
    pub(super) silent: bool,
}

impl WitnessReceipt {
    /// Checks a receipt: signed by the node that it names, which is one of the hoster that it names.
    ///
    /// # Errors
    /// Why it does not count.
    pub fn verify(receipt: Unverified<Self>, keyring: &Keyring) -> Result<Signed<Self>, ReceiptFault> {
        let Self { node, witness, .. } = *receipt.claims();
        let known = keyring.listing() == witness
            && keyring.is_settled()
            && keyring.head().has_role(&node, Role::Node);
        if !known {
            return Err(ReceiptFault::NotANode { node, witness });
        }
        Ok(receipt.verify(&node)?)
    }
}

impl Witnesses {
    /// How many receipts make an entry final: more than two thirds; of two or three hosters all but one, of one itself.
    pub fn needed(&self) -> usize {
        match self.0.len() {
            0 | 1 => 1,
            few @ (2 | 3) => few - 1,
            many => many * 2 / 3 + 1,
        }
    }

    /// Whether this hoster's receipts count.
    pub fn contains(&self, listing: &ListingId) -> bool {
        self.0.contains(listing)
    }

    /// What these receipts say together, each of another witness.
    pub(super) fn tally<'r>(&self, receipts: impl Iterator<Item = &'r WitnessReceipt>) -> Tally {
        let counted: Vec<_> = receipts.filter(|receipt| self.contains(&receipt.witness)).collect();
        let mut times: Vec<_> = counted.iter().map(|receipt| receipt.at).collect();
        times.sort_unstable();
        let median = times.get(times.len().saturating_sub(1) / 2).copied();
        let silent = counted.iter().filter(|receipt| receipt.host_silent).count();
        Tally { at: median.filter(|_| times.len() >= self.needed()), silent: silent >= self.needed() }
    }
}

impl FromIterator<ListingId> for Witnesses {
    fn from_iter<I: IntoIterator<Item = ListingId>>(listings: I) -> Self {
        Self(listings.into_iter().collect())
    }
}

impl Bounded for WitnessReceipt {
    const BYTES_MAX: usize = 224;
    const DEPTH_MAX: usize = 1;
}

impl Record for WitnessReceipt {
    const NAME: &'static str = "account-witness/1";
}

/// The most receipts that are kept of one entry: one of each hoster.
pub const WITNESSES_MAX: usize = 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_two_thirds_make_an_entry_final() {
        let needed =
            |count: u8| (1..=count).map(|n| ListingId::from_bytes([n; 32])).collect::<Witnesses>().needed();
        assert_eq!([0, 1, 2, 3, 4, 5, 6, 7, 9, 10].map(needed), [1, 1, 1, 2, 3, 4, 5, 5, 7, 7]);
    }
}
