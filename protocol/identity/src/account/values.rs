//! The small values of an account's log: numbers, roles, hashes.

use std::fmt;

use essaim_types::{Address, base32};
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};
use zeroize::Zeroizing;

use crate::cbor::with;
use crate::key::PublicKey;

/// The place of an entry in its chain: 0 for the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Seq(#[n(0)] pub u64);

/// How often the account has changed its host: one more with each move and each recovery. Whoever serves an account under a
/// lower epoch than another serves a past.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(transparent)]
pub struct Epoch(#[n(0)] pub u32);

/// Who signs an account's entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Role {
    /// The member's words on paper. Only the hash of the key is known until it is used.
    Recovery = 1,
    /// A key of the member: that of the paper, or of a device. Never on a server.
    Member = 2,
    /// The key that the current host made for this account and no other.
    Host = 4,
}

/// The roles that an entry says have signed it. In CBOR an unsigned integer, the sum of the roles' numbers.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Roles(u8);

/// How much an entry weighs against another one in its place: who stands behind it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode)]
#[cbor(index_only)]
pub enum Authority {
    /// The host alone.
    #[n(0)]
    Host,
    /// A member key alone.
    #[n(1)]
    Member,
    /// A member key and the host.
    #[n(2)]
    MemberAndHost,
    /// The recovery key, whatever else but the host.
    #[n(3)]
    Recovery,
    /// The recovery key and the host: a thief of the paper has only one of them.
    #[n(4)]
    RecoveryAndHost,
}

/// 16 random bytes: one move, from its consent to its receipt. Used once in the life of an account.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MoveId(pub [u8; 16]);

/// The hash of the recovery key that may be used next.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RecoveryHash([u8; 32]);

/// An address as the log names it: nobody without the account's salt can tell which.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AddressCommit([u8; 32]);

/// The salt of an account's address commitments: 32 random bytes known to the host, its replicas and the member. Forgotten, the
/// commitments say nothing any more. Wiped when dropped.
#[derive(Clone)]
pub struct AddressSalt(Zeroizing<[u8; 32]>);

/// The hash over everything that an account holds at an LSN, as the move computes it (`specs/16-move.md`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateRoot(pub [u8; 32]);

impl Epoch {
    /// Of an account that has never moved.
    pub const FIRST: Self = Self(0);

    /// The epoch after this one; `None` after 2^32 - 1 moves.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

impl Seq {
    /// Of the entry that founds the account.
    pub const FIRST: Self = Self(0);

    /// The number after this one; `None` after 2^64 - 1 entries.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 3] = [Self::Recovery, Self::Member, Self::Host];
}

impl Roles {
    /// Nobody; never in an entry.
    pub(super) const NONE: Self = Self(0);

    /// The roles in this list; `None` if it is empty.
    pub fn of(roles: &[Role]) -> Option<Self> {
        Self::from_bits(roles.iter().fold(0, |bits, role| bits | *role as u8))
    }

    /// Whether `role` is one of them.
    pub fn contains(self, role: Role) -> bool {
        self.0 & role as u8 != 0
    }

    /// These and one more.
    #[must_use]
    pub fn and(self, role: Role) -> Self {
        Self(self.0 | role as u8)
    }

    /// Each of them.
    pub fn iter(self) -> impl Iterator<Item = Role> {
        Role::ALL.into_iter().filter(move |role| self.contains(*role))
    }

    /// How much they weigh together.
    pub fn authority(self) -> Authority {
        let has = |role| self.contains(role);
        match (has(Role::Recovery), has(Role::Member), has(Role::Host)) {
            (true, _, true) => Authority::RecoveryAndHost,
            (true, _, false) => Authority::Recovery,
            (false, true, true) => Authority::MemberAndHost,
            (false, true, false) => Authority::Member,
            (false, false, _) => Authority::Host,
        }
    }

    fn from_bits(bits: u8) -> Option<Self> {
        (bits != 0 && bits < 1 << Role::ALL.len()).then_some(Self(bits))
    }
}

impl RecoveryHash {
    /// The hash of this recovery key.
    pub fn of(key: &PublicKey) -> Self {
        Self(blake3::derive_key(RECOVERY_HASH_CONTEXT, key.as_bytes()))
    }

    /// The hash with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl AddressSalt {
    /// A salt of 32 bytes from a cryptographic random source, or as it was stored.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, to be kept with the account.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// How the log names this address; capitals make no difference.
    pub fn commit(&self, address: &Address) -> AddressCommit {
        let text = Zeroizing::new(address.to_string().to_lowercase());
        AddressCommit(*blake3::keyed_hash(&self.0, text.as_bytes()).as_bytes())
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Recovery => "recovery key",
            Self::Member => "member key",
            Self::Host => "host's key",
        })
    }
}

impl fmt::Debug for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for MoveId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for MoveId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MoveId({self})")
    }
}

impl fmt::Debug for AddressSalt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AddressSalt(..)")
    }
}

macro_rules! shown {
    ($($type:ident),*) => {
        $(impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&base32::encode(&self.0))
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let text = base32::encode(&self.0);
                write!(f, "{}({}..)", stringify!($type), text.get(..8).unwrap_or(&text))
            }
        })*
    };
}

shown!(RecoveryHash, AddressCommit, StateRoot);
with::byte_string!(MoveId);
with::byte_string!(RecoveryHash);
with::byte_string!(AddressCommit);
with::byte_string!(StateRoot);

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

/// The context of the hash of a recovery key. Never changed: it is in the logs of all accounts.
const RECOVERY_HASH_CONTEXT: &str = "essaim 2026 account next recovery 1";
