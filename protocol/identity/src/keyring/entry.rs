//! One entry of a keyring: all keys as they are from here on, and the keys that were taken out here.

use std::collections::BTreeSet;
use std::fmt;

use essaim_types::Domain;
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

use super::refusal::EntryFault;
use crate::cbor::{Bounded, with};
use crate::key::PublicKey;
use crate::keys::{KeyMap, KeySet};
use crate::signed::{Record, RecordHash};

/// All keys of a hoster from this entry on.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct KeyringEntry {
    /// 0 for the first.
    #[n(0)]
    pub number: EntryNumber,
    /// The entry before; both entries, if it ends a fork.
    #[n(1)]
    pub past: Past,
    /// The domain that the hoster says is its own. Others believe it when the domain says so too (module `domain`).
    #[cbor(n(2), with = "crate::cbor::with::maybe_domain", has_nil)]
    pub domain: Option<Domain>,
    /// 1 to 5 keys, kept offline, that change the keyring.
    #[n(3)]
    pub roots: KeySet,
    /// How many of them must sign.
    #[n(4)]
    pub threshold: u8,
    /// The keys that act for the hoster from day to day.
    #[n(5)]
    pub operators: KeyMap<Operator>,
    /// Operator keys of the entry before that are none any more, each with the last thing it signed that still counts.
    #[n(6)]
    pub revoked: KeyMap<Cut>,
}

/// The place of an entry in its chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct EntryNumber(#[n(0)] pub u32);

/// What an entry stands on: in CBOR an array of no, one or two hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Past {
    /// Nothing: the first entry.
    None,
    /// The entry before.
    One(RecordHash),
    /// Two entries with the same number, lower hash first. See [`Past::both`].
    Both(RecordHash, RecordHash),
}

/// A key that acts for the hoster, without the offline root keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Operator {
    /// What it may sign.
    #[n(0)]
    pub roles: Roles,
    /// Its name as an author of changes in documents.
    #[n(1)]
    pub actor: ActorId,
}

/// 16 random bytes: the author of changes in a document. Never given to two keys, nor again after it was taken away.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActorId(pub [u8; 16]);

/// The end of what a revoked key has signed: everything of its own sequence up to here counts, nothing after.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Cut {
    /// The number of the last of the key's records that counts; 0 if none does.
    #[n(0)]
    pub last_seq: u64,
    /// The hash of that record; zeros if none counts.
    #[n(1)]
    pub last_hash: RecordHash,
}

/// What an operator key may sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Role {
    /// Changes of the hoster's listing.
    Edit = 1,
    /// Vouches for and warnings about others.
    Endorse = 2,
    /// Signs of life.
    Beat = 4,
    /// Invitations, agreements, and what is done on a peer's node.
    AdminOps = 8,
    /// Being a node: this key is a peer id on the network, and signs the card and invitations.
    Node = 16,
}

/// A set of roles: in CBOR an unsigned integer, the sum of the roles' numbers.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Roles(u8);

impl KeyringEntry {
    /// What must be right about an entry whatever keyring it is offered to.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self) -> Result<(), EntryFault> {
        let number = self.number;
        if number.0 >= CHAIN_MAX {
            return Err(EntryFault::ChainTooLong);
        }
        if (number.0 == 0) != (self.past == Past::None) {
            return Err(EntryFault::PastOfNumber { number });
        }
        let roots = self.roots.len();
        if roots == 0 || roots > ROOTS_MAX {
            return Err(EntryFault::RootCount { found: roots });
        }
        if self.threshold == 0 || usize::from(self.threshold) > roots {
            return Err(EntryFault::Threshold { threshold: self.threshold, roots });
        }
        if self.operators.len() > OPERATORS_MAX {
            return Err(EntryFault::TooManyOperators { found: self.operators.len() });
        }
        if self.revoked.len() > REVOKED_MAX {
            return Err(EntryFault::TooManyRevoked { found: self.revoked.len() });
        }
        self.check_keys()
    }

    /// Whether `key` holds `role` here.
    pub fn has_role(&self, key: &PublicKey, role: Role) -> bool {
        self.operators.get(key).is_some_and(|operator| operator.roles.contains(role))
    }

    /// How many of the root keys are among those who signed, and how many must be.
    pub(super) fn counted<'k>(&self, signers: impl Iterator<Item = &'k PublicKey>) -> (usize, usize) {
        (signers.filter(|key| self.roots.contains(key)).count(), usize::from(self.threshold))
    }

    /// Whether the same people change the keyring as by `other`.
    pub(super) fn has_rule_of(&self, other: &Self) -> bool {
        (&self.roots, self.threshold) == (&other.roots, other.threshold)
    }

    fn check_keys(&self) -> Result<(), EntryFault> {
        let mut actors = BTreeSet::new();
        for (key, operator) in self.operators.iter() {
            if self.roots.contains(key) {
                return Err(EntryFault::RootIsOperator { key: *key });
            }
            if !actors.insert(operator.actor) {
                return Err(EntryFault::SharedActor { key: *key });
            }
        }
        for (key, cut) in self.revoked.iter() {
            if self.operators.contains_key(key) || self.roots.contains(key) {
                return Err(EntryFault::RevokedAndKept { key: *key });
            }
            if (cut.last_seq == 0) != (cut.last_hash == Cut::NOTHING.last_hash) {
                return Err(EntryFault::HalfACut { key: *key });
            }
        }
        Ok(())
    }
}

impl Bounded for KeyringEntry {
    const BYTES_MAX: usize = ENTRY_BYTES_MAX;
    const DEPTH_MAX: usize = 3;
}

impl Record for KeyringEntry {
    const NAME: &'static str = "keyring/1";
}

impl Past {
    /// The end of a fork between two entries; `None` if they are the same.
    pub fn both(one: RecordHash, other: RecordHash) -> Option<Self> {
        (one != other).then(|| Self::Both(one.min(other), one.max(other)))
    }
}

impl Cut {
    /// Nothing that the key ever signed counts.
    pub const NOTHING: Self = Self { last_seq: 0, last_hash: RecordHash::from_bytes([0; 32]) };
}

impl Roles {
    /// The roles in this list; `None` if it is empty.
    pub fn of(roles: &[Role]) -> Option<Self> {
        Self::from_bits(roles.iter().fold(0, |bits, role| bits | *role as u8))
    }

    /// Whether `role` is one of them.
    pub fn contains(self, role: Role) -> bool {
        self.0 & role as u8 != 0
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.contains(*role))
    }

    fn from_bits(bits: u8) -> Option<Self> {
        (bits != 0 && bits < 1 << Role::ALL.len()).then_some(Self(bits))
    }
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [Self::Edit, Self::Endorse, Self::Beat, Self::AdminOps, Self::Node];

    /// Its name in files and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Edit => "edit",
            Self::Endorse => "endorse",
            Self::Beat => "beat",
            Self::AdminOps => "admin-ops",
            Self::Node => "node",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl fmt::Display for EntryNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for ActorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActorId({:032x})", u128::from_be_bytes(self.0))
    }
}

with::byte_string!(ActorId);

impl<C> Encode<C> for Roles {
    fn encode<W: encode::Write>(
        &self,
        to: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        to.u8(self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Roles {
    fn decode(from: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let at = from.position();
        Self::from_bits(from.u8()?).ok_or_else(|| decode::Error::message("not a set of roles").at(at))
    }
}

impl<C> Encode<C> for Past {
    fn encode<W: encode::Write>(
        &self,
        to: &mut Encoder<W>,
        c: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        match self {
            Self::None => to.array(0)?.ok(),
            Self::One(hash) => to.array(1)?.encode_with(hash, c)?.ok(),
            Self::Both(one, other) => to.array(2)?.encode_with(one, c)?.encode_with(other, c)?.ok(),
        }
    }
}

impl<'b, C> Decode<'b, C> for Past {
    fn decode(from: &mut Decoder<'b>, c: &mut C) -> Result<Self, decode::Error> {
        let at = from.position();
        match from.array()? {
            Some(0) => Ok(Self::None),
            Some(1) => Ok(Self::One(from.decode_with(c)?)),
            Some(2) => Self::both(from.decode_with(c)?, from.decode_with(c)?)
                .ok_or_else(|| decode::Error::message("the same entry twice").at(at)),
            _ => Err(decode::Error::message("not none, one or two entries").at(at)),
        }
    }
}

/// The most bytes of an entry, without its signatures.
pub const ENTRY_BYTES_MAX: usize = 4096;
/// The most root keys.
pub const ROOTS_MAX: usize = 5;
/// The most operator keys at a time.
pub const OPERATORS_MAX: usize = 16;
/// The most keys revoked in one entry: all of them.
pub const REVOKED_MAX: usize = OPERATORS_MAX;
/// The most entries of a chain.
pub const CHAIN_MAX: u32 = 256;
