//! Why an entry is not accepted.

use essaim_types::{AccountId, Timestamp};

use super::entry::{ENTRY_SIGNATURES_MAX, ENTRY_WIRE_MAX};
use super::handover::HandoverFault;
use super::intent::IntentFault;
use super::rules::{FREEZE_MAX, FREEZE_REST};
use super::values::{Authority, Epoch, MoveId, Role, Seq};
use crate::key::PublicKey;
use crate::signed::RecordHash;

/// Why an entry is wrong, whatever it stands on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryFault {
    /// Only entry 0 creates, stands on nothing, is of epoch 0 and not frozen; every other one stands on something.
    #[error("entry {seq} mixes what a first entry says with what others say")]
    NotAFirstEntry {
        /// Its number.
        seq: Seq,
    },
    /// More of something than an entry has.
    #[error("{found} {what}; at most {max} are possible")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// How many there may be.
        max: usize,
    },
    /// A list that is not ascending, or has something twice.
    #[error("the {what} are not in their order, each once")]
    Unsorted {
        /// Which list.
        what: &'static str,
    },
    /// A recovery would wait for too short or too long a time.
    #[error("a recovery cannot wait {hours} hours")]
    RecoveryWait {
        /// In the policy.
        hours: u16,
    },
    /// A key in two roles.
    #[error("{key} is a key of two roles")]
    TwoRoles {
        /// The key.
        key: PublicKey,
    },
}

/// A part of an entry that stays as it is, except where a kind of entry may change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Field {
    /// The hoster.
    Host,
    /// The hoster's key for the account.
    HostKey,
    /// Hosters that keep copies.
    Replicas,
    /// The hash of the recovery key.
    NextRecovery,
    /// The member's keys.
    MemberKeys,
    /// The addresses.
    Addresses,
    /// What the member has chosen.
    Policy,
    /// Until when it is frozen.
    Frozen,
}

/// Why an entry is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Wrong in itself.
    #[error(transparent)]
    Entry(#[from] EntryFault),
    /// A first entry of another account, or an entry that names another.
    #[error("it is of account {theirs}, not of {ours}")]
    OtherAccount {
        /// Whose log this is.
        ours: AccountId,
        /// What the entry says.
        theirs: AccountId,
    },
    /// It stands on an entry that is not known here. Worth another try once that is there.
    #[error("it stands on {hash}, which is not known")]
    UnknownPast {
        /// That entry.
        hash: RecordHash,
    },
    /// Not the number after that of the entry before.
    #[error("it has number {found}; what follows has {expected}")]
    Sequence {
        /// The number that follows.
        expected: Seq,
        /// Its number.
        found: Seq,
    },
    /// Not the epoch that a kind of entry leads to.
    #[error("it is of epoch {found}; it must be {expected}")]
    OtherEpoch {
        /// Which it must be.
        expected: Epoch,
        /// Which it is.
        found: Epoch,
    },
    /// It says that it is older than what it stands on.
    #[error("it is older than the entry before")]
    BackInTime,
    /// The account is closed.
    #[error("the account is closed")]
    Closed,
    /// The account is frozen, and neither the member nor the recovery key has signed.
    #[error("the account is frozen")]
    Frozen {
        /// Until when.
        until: Timestamp,
    },
    /// It changes what an entry of its kind does not.
    #[error("an entry of its kind does not change the {field:?}")]
    Changes {
        /// What.
        field: Field,
    },
    /// The roles that it says have signed are not enough for what it does.
    #[error("what it does needs the {role}")]
    Needs {
        /// One that is missing.
        role: Role,
    },
    /// It says that a role has signed, which has not.
    #[error("it says that the {role} has signed, which is not so")]
    Unsigned {
        /// The role.
        role: Role,
    },
    /// A role has signed without standing in the entry.
    #[error("the {role} has signed, which the entry does not say")]
    Unannounced {
        /// The role.
        role: Role,
    },
    /// A key that is new has not signed: nobody may hold it.
    #[error("{key} is new and has not signed")]
    NewKeyHasNotSigned {
        /// The key.
        key: PublicKey,
    },
    /// A key has signed that is neither in the entry before nor in this one.
    #[error("{key} has nothing to say here")]
    Stranger {
        /// The key.
        key: PublicKey,
    },
    /// More than [`ENTRY_SIGNATURES_MAX`], or longer with them than [`ENTRY_WIRE_MAX`].
    #[error("more than {ENTRY_SIGNATURES_MAX} signatures or {ENTRY_WIRE_MAX} bytes")]
    TooLarge,
    /// The consent does not allow the move.
    #[error("the member's consent does not allow this move")]
    Intent(#[from] IntentFault),
    /// The target's accept does not count.
    #[error("the target's accept does not count")]
    Accept(#[source] HandoverFault),
    /// A consent is used once.
    #[error("move {mid} has been made already")]
    MoveUsed {
        /// Which.
        mid: MoveId,
    },
    /// The words were used and must be replaced; or they are taken away without others.
    #[error("it needs the hash of a new recovery key")]
    OldWords,
    /// No end of the freeze, one that is over, or one that is too far.
    #[error("a freeze ends after it begins, within {} days", FREEZE_MAX.as_secs() / 86_400)]
    FreezeTime,
    /// The host alone freezes again too soon.
    #[error("the host alone may freeze again {} days after a freeze", FREEZE_REST.as_secs() / 86_400)]
    FreezeAgain,
    /// As many entries as are kept of those that weigh this much.
    #[error("as many entries as are kept of this weight ({authority:?})")]
    Full {
        /// How much it weighs.
        authority: Authority,
    },
}

impl Refusal {
    /// Whether the entry may be accepted once other entries are known. All other refusals are for ever; but if it was refused
    /// for its signatures, the same entry with other signatures is another matter.
    pub fn may_pass_later(&self) -> bool {
        matches!(self, Self::UnknownPast { .. })
    }
}
