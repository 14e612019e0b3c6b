//! Why something that came is not taken in. Each reason has a name, is counted, and says whose fault it is.

use crate::document::ChangeRefusal;

/// Why something that came is not taken in.
#[derive(Debug, Clone, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Refusal {
    /// Not a record of ours in its one spelling, or larger than such a record may be.
    #[error("not a record")]
    Malformed,
    /// A signature that its key did not make.
    #[error("a signature is false")]
    BadSignature,
    /// No operator key stands there, or it may not sign this.
    #[error("the key is no operator's, or may not sign this")]
    NotAllowed,
    /// The automerge change names another actor than the key's.
    #[error("the change is not by the actor of the key")]
    WrongActor,
    /// The keyring refuses the entry for ever.
    #[error("the keyring refuses the entry")]
    Keyring,
    /// The change is refused by the guard.
    #[error("{0}")]
    Change(#[from] ChangeRefusal),
    /// What the document would say is not what such a document may say.
    #[error("the document would break its schema")]
    Schema,
    /// Its place in the history is impossible: numbers, links or limits do not fit what it follows.
    #[error("it does not fit what it follows")]
    Misplaced,
    /// Two records that prove nothing.
    #[error("no proof of a fork")]
    NoProof,

    /// Held already.
    #[error("known already")]
    Known,
    /// No keyring of that listing is known here.
    #[error("the listing is not known here")]
    UnknownListing,
    /// The root keys of the hoster contradict each other, and it follows one side.
    #[error("the keyring is disputed")]
    Disputed,
    /// The entry of the keyring that it names is not known here, or disputed.
    #[error("that entry of the keyring is not known here")]
    UnknownKeyring,
    /// It follows something that is not known here.
    #[error("what it follows is not known here")]
    UnknownPast,
    /// A later epoch, or a better start of this one, has replaced the one it belongs to.
    #[error("its epoch is over")]
    OldEpoch,
    /// Its actor has contradicted itself: nothing of it counts from there on.
    #[error("its actor has forked")]
    Forked,
    /// It follows something that does not count.
    #[error("it follows what does not count")]
    VoidPast,
    /// The key was revoked, and this is after the cut.
    #[error("its key was revoked")]
    Revoked,
    /// A later one of the same kind is here.
    #[error("a later one is known")]
    Outdated,
    /// Dated more than ten minutes from now.
    #[error("it is from the future")]
    Future,
    /// The hoster or the peer says more than it may.
    #[error("too much at once")]
    TooOften,
    /// No room among those whose domain is not proven.
    #[error("the quarantine is full")]
    QuarantineFull,
    /// No room for what waits for its past.
    #[error("too much is waiting")]
    ParkFull,
    /// No room in the directory.
    #[error("the directory is full")]
    Full,
    /// The hoster has left.
    #[error("the hoster has left")]
    Gone,
}

/// What the caller tells the peer who brought it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Good and new: pass it on.
    Accept,
    /// Not passed on; nobody's fault.
    Ignore,
    /// Not passed on; no honest node sends this.
    Reject,
}

impl Refusal {
    /// No honest node would have passed this on. All other refusals are policy, or what we do not know yet: honest nodes must not
    /// score each other down for them (R18).
    pub fn is_sender_fault(&self) -> bool {
        match self {
            Self::Malformed
            | Self::BadSignature
            | Self::NotAllowed
            | Self::WrongActor
            | Self::Keyring
            | Self::Change(_)
            | Self::Schema
            | Self::Misplaced
            | Self::NoProof => true,
            Self::Known
            | Self::UnknownListing
            | Self::Disputed
            | Self::UnknownKeyring
            | Self::UnknownPast
            | Self::OldEpoch
            | Self::Forked
            | Self::VoidPast
            | Self::Revoked
            | Self::Outdated
            | Self::Future
            | Self::TooOften
            | Self::QuarantineFull
            | Self::ParkFull
            | Self::Full
            | Self::Gone => false,
        }
    }

    /// It may be taken in once something else has come: worth keeping for a while.
    pub fn may_pass_later(&self) -> bool {
        matches!(self, Self::UnknownKeyring | Self::UnknownPast)
    }

    /// Whether what was refused is the hoster's own word, and keeps a place among its records: so it costs the hoster what a change costs.
    pub(crate) fn leaves_trace(&self) -> bool {
        use crate::document::ChangeRefusal::Scan;
        match self {
            Self::Change(refusal) => !matches!(refusal, Scan(_)),
            Self::Schema | Self::VoidPast => true,
            _ => false,
        }
    }

    /// The verdict for the peer who brought it.
    pub fn verdict(&self) -> Verdict {
        if self.is_sender_fault() { Verdict::Reject } else { Verdict::Ignore }
    }

    /// A short name, for counters.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::BadSignature => "bad-signature",
            Self::NotAllowed => "not-allowed",
            Self::WrongActor => "wrong-actor",
            Self::Keyring => "keyring",
            Self::Change(_) => "change",
            Self::Schema => "schema",
            Self::Misplaced => "misplaced",
            Self::NoProof => "no-proof",
            Self::Known => "known",
            Self::UnknownListing => "unknown-listing",
            Self::Disputed => "disputed",
            Self::UnknownKeyring => "unknown-keyring",
            Self::UnknownPast => "unknown-past",
            Self::OldEpoch => "old-epoch",
            Self::Forked => "forked",
            Self::VoidPast => "void-past",
            Self::Revoked => "revoked",
            Self::Outdated => "outdated",
            Self::Future => "future",
            Self::TooOften => "too-often",
            Self::QuarantineFull => "quarantine-full",
            Self::ParkFull => "park-full",
            Self::Full => "full",
            Self::Gone => "gone",
        }
    }
}
