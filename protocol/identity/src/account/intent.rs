//! A member's consent to one move: made from the words, offline if need be, and pasted where the move is started.

use std::fmt;
use std::str::FromStr;

use essaim_types::{AccountId, ListingId, Timestamp};
use minicbor::{Decode, Encode};

use super::PAPER_LIFETIME_MAX;
use super::entry::AccountEntry;
use super::text::{self, TextError};
use super::values::{MoveId, RecoveryHash, Role};
use crate::cbor::Bounded;
use crate::cosigned::{Cosigned, Cosigning};
use crate::key::{BadSignature, PublicKey};
use crate::signed::Record;

/// One move that the member wants. Signed by one key: a member key, or the recovery key.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct MoveIntent {
    /// Whose.
    #[cbor(n(0), with = "crate::cbor::with::account")]
    pub account: AccountId,
    /// Which move: a consent is used once in the life of an account.
    #[n(1)]
    pub mid: MoveId,
    /// From this hoster.
    #[cbor(n(2), with = "crate::cbor::with::listing")]
    pub source: ListingId,
    /// To this one.
    #[cbor(n(3), with = "crate::cbor::with::listing")]
    pub target: ListingId,
    /// The nonce of the acceptance code: which of its offers the target is held to.
    #[cbor(n(4), with = "minicbor::bytes")]
    pub nonce: [u8; 16],
    /// Until when the move must be committed, in whole seconds; at most [`PAPER_LIFETIME_MAX`] from when it is used.
    #[cbor(n(5), with = "crate::cbor::with::seconds")]
    pub expires: Timestamp,
}

/// A consent as it is pasted: `essaim-consent:` and base64url.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsentText(pub Cosigning<MoveIntent>);

/// Why a consent does not allow a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IntentFault {
    /// Somebody made it up, or it was damaged.
    #[error("the consent is not genuine")]
    Signature(#[from] BadSignature),
    /// Of another account.
    #[error("the consent is of account {named}")]
    OtherAccount {
        /// Of which.
        named: AccountId,
    },
    /// From a hoster that does not serve the account.
    #[error("the consent is to leave {named}, but the account is at {host}")]
    OtherSource {
        /// What it names.
        named: ListingId,
        /// Where the account is.
        host: ListingId,
    },
    /// To where the account is already.
    #[error("the consent is to move to where the account is")]
    Nowhere,
    /// Nobody, more than one key, or a key that is not the member's.
    #[error("the consent is not signed by the member: is it made from the words that the account has now?")]
    NotTheMember,
    /// Too late.
    #[error("the consent was good for a time that is over; make a new one")]
    Expired,
    /// Good for longer than a consent may be.
    #[error("the consent is good for longer than a consent may be; is the clock right where it was made?")]
    TooFarAhead,
}

impl MoveIntent {
    /// Checks a consent against where the account is, at this time, and says which role gave it.
    ///
    /// # Errors
    /// Why it does not allow the move.
    pub fn check(
        consent: &Cosigning<Self>,
        account: AccountId,
        head: &AccountEntry,
        now: Timestamp,
    ) -> Result<Role, IntentFault> {
        let consent = consent.clone().verify()?;
        let intent = consent.record();
        if intent.account != account {
            return Err(IntentFault::OtherAccount { named: intent.account });
        }
        if intent.source != head.host.listing {
            return Err(IntentFault::OtherSource { named: intent.source, host: head.host.listing });
        }
        if intent.target == intent.source {
            return Err(IntentFault::Nowhere);
        }
        if intent.expires < now {
            return Err(IntentFault::Expired);
        }
        if intent.expires.since(now) > PAPER_LIFETIME_MAX {
            return Err(IntentFault::TooFarAhead);
        }
        signer_role(&consent, head).ok_or(IntentFault::NotTheMember)
    }
}

impl FromStr for ConsentText {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        let wire = text::read(CONSENT, text, MoveIntent::BYTES_MAX + 2 * SIGNATURE_BYTES)?;
        Cosigning::parse(&wire).map(Self).map_err(TextError::Content)
    }
}

impl fmt::Display for ConsentText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::write(CONSENT, &self.0.to_wire()))
    }
}

impl Bounded for MoveIntent {
    const BYTES_MAX: usize = 160;
    const DEPTH_MAX: usize = 1;
}

impl Record for MoveIntent {
    const NAME: &'static str = "move-intent/1";
}

fn signer_role(consent: &Cosigned<MoveIntent>, head: &AccountEntry) -> Option<Role> {
    let mut signers = consent.signers();
    let key = signers.next().filter(|_| signers.next().is_none())?;
    role_of_member(key, head)
}

/// Whether the key is the member's at this entry.
pub(super) fn role_of_member(key: &PublicKey, head: &AccountEntry) -> Option<Role> {
    if head.member_keys.contains(key) {
        Some(Role::Member)
    } else if head.next_recovery == Some(RecoveryHash::of(key)) {
        Some(Role::Recovery)
    } else {
        None
    }
}

const CONSENT: &str = "essaim-consent:";
/// A key and a signature in CBOR.
const SIGNATURE_BYTES: usize = 34 + 66;
