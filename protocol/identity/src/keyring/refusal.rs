//! Why an entry is not accepted.

use essaim_types::ListingId;

use super::entry::{CHAIN_MAX, EntryNumber, OPERATORS_MAX, REVOKED_MAX, ROOTS_MAX};
use crate::key::PublicKey;
use crate::signed::RecordHash;

/// Why an entry is wrong, whatever keyring it is offered to.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryFault {
    /// Its number is [`CHAIN_MAX`] or more.
    #[error("a keyring has at most {CHAIN_MAX} entries")]
    ChainTooLong,
    /// Entry 0 stands on nothing, every other on something.
    #[error("entry {number} does not stand on what an entry of that number stands on")]
    PastOfNumber {
        /// Of the entry.
        number: EntryNumber,
    },
    /// No root key, or more than [`ROOTS_MAX`].
    #[error("{found} root keys; 1 to {ROOTS_MAX} are possible")]
    RootCount {
        /// In the entry.
        found: usize,
    },
    /// 0, or more than there are root keys.
    #[error("{threshold} of {roots} root keys cannot be the rule")]
    Threshold {
        /// In the entry.
        threshold: u8,
        /// Root keys in the entry.
        roots: usize,
    },
    /// More than [`OPERATORS_MAX`].
    #[error("{found} operator keys; at most {OPERATORS_MAX} are possible")]
    TooManyOperators {
        /// In the entry.
        found: usize,
    },
    /// More than [`REVOKED_MAX`].
    #[error("{found} revoked keys; at most {REVOKED_MAX} are possible in one entry")]
    TooManyRevoked {
        /// In the entry.
        found: usize,
    },
    /// A root key is offline; an operator key is not.
    #[error("{key} is both a root key and an operator key")]
    RootIsOperator {
        /// The key.
        key: PublicKey,
    },
    /// Two operator keys have the same actor.
    #[error("{key} has the actor of another key")]
    SharedActor {
        /// One of the two.
        key: PublicKey,
    },
    /// A key is revoked and yet there.
    #[error("{key} is revoked and kept at once")]
    RevokedAndKept {
        /// The key.
        key: PublicKey,
    },
    /// A cut has a number without a hash, or a hash without a number.
    #[error("the cut of {key} names half of a record")]
    HalfACut {
        /// The revoked key.
        key: PublicKey,
    },
}

/// Why a keyring does not accept an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The entry is wrong in itself.
    #[error(transparent)]
    Entry(#[from] EntryFault),
    /// The first entry of another hoster.
    #[error("the first entry of {theirs}, not of {ours}")]
    OtherListing {
        /// Whose keyring this is.
        ours: ListingId,
        /// Whose entry it is.
        theirs: ListingId,
    },
    /// Entries before it are missing here. Worth another try once they are there.
    #[error("entry {number} is missing before it")]
    Gap {
        /// The first one that is missing.
        number: EntryNumber,
    },
    /// It stands on an entry that is not known here: it may be a branch of a fork. Worth another try once that is there.
    #[error("it stands on {hash}, which is not known")]
    UnknownPast {
        /// The entry it stands on.
        hash: RecordHash,
    },
    /// It continues one branch of a fork; only an entry that names two branches goes on from there.
    #[error("entry {number} is forked, and this continues only one branch")]
    OneBranch {
        /// Where the fork is.
        number: EntryNumber,
    },
    /// There are [`super::BRANCHES_MAX`] entries of one number: the root keys are in hands that sign without end.
    #[error("the root keys have signed so many entries {number} that this keyring is frozen for ever")]
    Ruined {
        /// Where.
        number: EntryNumber,
    },
    /// A signature of a key that is no root key, here or in the entry before.
    #[error("{key} is not a root key")]
    StrangerSigned {
        /// The key.
        key: PublicKey,
    },
    /// Too few root keys of the entry before have signed.
    #[error("{found} of the {needed} signatures of the entry before that it needs")]
    TooFewOfBefore {
        /// Signatures that count.
        found: usize,
        /// The threshold of the entry before.
        needed: usize,
    },
    /// The first entry, and one that changes root keys or threshold, needs its own threshold of signatures too.
    #[error("{found} of the {needed} signatures of its own root keys that it needs")]
    TooFewOfItsOwn {
        /// Signatures that count.
        found: usize,
        /// Its threshold.
        needed: usize,
    },
    /// An operator key of the entry before is gone without a cut.
    #[error("{key} is left out without being revoked")]
    LeftOutWithoutCut {
        /// The key.
        key: PublicKey,
    },
    /// Only a key that was an operator's in the entry before can be revoked.
    #[error("{key} is revoked, but was not an operator key")]
    RevokedStranger {
        /// The key.
        key: PublicKey,
    },
    /// A key that was revoked is back.
    #[error("{key} was revoked before and cannot come back")]
    RevokedKeyBack {
        /// The key.
        key: PublicKey,
    },
    /// A new key or a key with a new actor has an actor that was there before.
    #[error("{key} is given an actor that was used before")]
    ActorUsedBefore {
        /// The key.
        key: PublicKey,
    },
}

impl Refusal {
    /// Whether the entry may be accepted once other entries are known. All other refusals are for ever; but if it was
    /// refused for its signatures, the same entry with other signatures is another matter.
    pub fn may_pass_later(&self) -> bool {
        matches!(self, Self::Gap { .. } | Self::UnknownPast { .. })
    }
}
