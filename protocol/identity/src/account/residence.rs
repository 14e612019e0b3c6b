//! What a hoster shows to another that asks for an address whose account has moved away from it: that the account had the address, and where its log says
//! that it lives now. Whoever can read mail for a domain anyway can show what it likes for that domain, and for no other.

use essaim_types::{AccountId, Address, ListingId, Timestamp};
use minicbor::bytes::{ByteArray, ByteVec};
use minicbor::{Decode, Encode};

use super::entry::{AccountEntry, ENTRY_WIRE_MAX};
use super::highest::{Highest, RolledBack};
use super::log::AccountLog;
use super::refusal::Refusal;
use super::values::AddressSalt;
use super::witness::Witnesses;
use crate::cbor::{self, Bounded, CborError};
use crate::cosigned::{Cosigned, Cosigning};

/// The proof, as it is sent and kept.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Residence {
    /// Whose address it is.
    #[cbor(n(0), with = "crate::cbor::with::account")]
    pub account: AccountId,
    /// With it whoever has the log can tell which of its commitments is for the address.
    #[n(1)]
    salt: ByteArray<32>,
    /// The entries that stand, the first one first, as they are sent.
    #[n(2)]
    entries: Vec<ByteVec>,
    /// The member's address there. Told to hosters alone at which the account was itself.
    #[n(3)]
    pub address: Option<String>,
}

/// What was shown.
#[derive(Debug, Clone)]
pub struct Shown {
    /// The log, as far as it was shown.
    pub log: AccountLog,
    /// The hoster that it names.
    pub home: ListingId,
    /// Its last entry.
    pub seen: Highest,
}

/// Why what was shown proves nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ResidenceFault {
    /// It is no proof at all.
    #[error("the proof of where the account lives cannot be read")]
    Unreadable,
    /// An entry does not stand where it is shown.
    #[error("the account's log does not hold")]
    Log(#[from] Refusal),
    /// No entry of the hoster's commits to the address.
    #[error("the log does not say that the account ever had this address at {hoster}")]
    OtherAddress {
        /// Of the address.
        hoster: ListingId,
    },
    /// The account lives at the hoster that was asked.
    #[error("the log does not say that the account has moved away")]
    NotMoved,
    /// Something newer was seen.
    #[error(transparent)]
    Old(#[from] RolledBack),
}

impl Residence {
    /// The proof of the account with this log, the last entry of which is `head`.
    pub fn of(log: &AccountLog, head: &Cosigned<AccountEntry>, salt: &AddressSalt) -> Self {
        let mut entries: Vec<ByteVec> = log.chain(&head.hash()).map(|entry| entry.to_wire().into()).collect();
        entries.reverse();
        Self { account: log.account(), salt: (*salt.as_bytes()).into(), entries, address: None }
    }

    /// As it is sent.
    pub fn encode(&self) -> Vec<u8> {
        cbor::encode(self)
    }

    /// Reads what a stranger sends.
    ///
    /// # Errors
    /// Anything but a proof within its bounds.
    pub fn decode(bytes: &[u8]) -> Result<Self, CborError> {
        cbor::decode(bytes)
    }

    /// Looks at the log: who is named by its last entry that stands at `now`.
    ///
    /// # Errors
    /// It is not the log of that account.
    pub fn read(&self, now: Timestamp) -> Result<Shown, ResidenceFault> {
        let entry = |wire: &ByteVec| Cosigning::<AccountEntry>::parse(wire).ok()?.verify().ok();
        let mut entries = Vec::with_capacity(self.entries.len());
        for wire in &self.entries {
            entries.push(entry(wire).ok_or(ResidenceFault::Unreadable)?);
        }
        if entries.first().is_none_or(|first| first.hash().as_bytes() != self.account.as_bytes()) {
            return Err(ResidenceFault::Unreadable);
        }
        let mut log = AccountLog::found(entries.remove(0))?;
        if let Some((_, refusal)) = log.accept_all(entries).into_iter().next() {
            return Err(refusal.into());
        }
        let head = log.state(&Witnesses::default(), now).head;
        let (home, seen) = (head.record().host.listing, Highest::of(head));
        Ok(Shown { log, home, seen })
    }

    /// Checks that the account had this address while it was at `hoster`, which is the one that may say so, and does not live there now.
    ///
    /// # Errors
    /// Why it is not shown.
    pub fn check(
        &self,
        address: &Address,
        hoster: ListingId,
        now: Timestamp,
    ) -> Result<Shown, ResidenceFault> {
        let shown = self.read(now)?;
        let address = address.without_detail().unwrap_or_else(|| address.clone());
        let commit = AddressSalt::from_bytes(*self.salt).commit(&address);
        let said =
            |entry: &AccountEntry| entry.host.listing == hoster && entry.addr_commits.contains(&commit);
        if !shown.log.chain(&shown.seen.head).any(|entry| said(entry.record())) {
            return Err(ResidenceFault::OtherAddress { hoster });
        }
        if shown.home == hoster { Err(ResidenceFault::NotMoved) } else { Ok(shown) }
    }
}

impl Shown {
    /// Holds it against what was seen of the account before.
    ///
    /// # Errors
    /// It is older.
    pub fn after(&self, before: &Highest) -> Result<(), ResidenceFault> {
        let head = self.log.get(&self.seen.head).ok_or(ResidenceFault::Unreadable)?;
        before.advance(&self.log, head)?;
        Ok(())
    }

    /// Whether the account was at this hoster, or is.
    pub fn was_at(&self, hoster: ListingId) -> bool {
        self.log.chain(&self.seen.head).any(|entry| entry.record().host.listing == hoster)
    }
}

impl Bounded for Residence {
    const BYTES_MAX: usize = RESIDENCE_BYTES_MAX;
    const DEPTH_MAX: usize = 2;
}

/// A proof of more bytes than this is not read: mail for the address then goes by its old hoster.
pub const RESIDENCE_BYTES_MAX: usize = 64 * ENTRY_WIRE_MAX;
