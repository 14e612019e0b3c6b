//! The code by which a hoster says that it takes an account in. Whoever has it may bring one.

use std::fmt;
use std::str::FromStr;

use essaim_types::Timestamp;
use minicbor::{Decode, Encode};

use super::PAPER_LIFETIME_MAX;
use super::text::{self, TextError};
use crate::cbor::{Bounded, CborError};
use crate::invitation::CLOCK_SKEW_MAX;
use crate::key::{BadSignature, SigningKey};
use crate::node::NodeClaim;
use crate::signed::{OVERHEAD_MAX, Record, Signed, Unverified};

/// What an acceptance code says. Signed by the node that it names.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Acceptance {
    /// Who takes the account in, and where to knock.
    #[n(0)]
    pub node: NodeClaim,
    /// 16 random bytes: the code is used once, which that node sees to.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub nonce: [u8; 16],
    /// How many bytes the account may have there.
    #[n(2)]
    pub quota: u64,
    /// Until when, in whole seconds; at most [`PAPER_LIFETIME_MAX`] from now.
    #[cbor(n(3), with = "crate::cbor::with::seconds")]
    pub expires: Timestamp,
}

/// An acceptance as it is passed on: `essaim-accept:` and base64url.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptanceCode(Unverified<Acceptance>);

/// Why an acceptance code is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AcceptanceError {
    /// The node did not sign it.
    #[error("the acceptance code is not genuine: was it damaged on the way?")]
    Signature(#[from] BadSignature),
    /// Too late.
    #[error("the acceptance code was good for a time that is over; ask the new hoster for another")]
    Expired,
    /// Longer than a code may be.
    #[error("the acceptance code is good for longer than it may be; is the clock here right?")]
    TooFarAhead,
}

impl AcceptanceCode {
    /// Signs an acceptance with the node's key.
    ///
    /// # Errors
    /// The addresses of the node are too long for it.
    pub fn sign(acceptance: &Acceptance, node_key: &SigningKey) -> Result<Self, CborError> {
        Ok(Self(Signed::sign(acceptance, node_key)?.into_unverified()))
    }

    /// What it says, if it is genuine.
    pub fn claims(&self) -> &Acceptance {
        self.0.claims()
    }

    /// The acceptance, if it is genuine and good at this time. Whether the hoster agrees, [`NodeClaim::check`] says once its
    /// keyring is here.
    ///
    /// # Errors
    /// Not signed by the node it names, expired, or good for too long.
    pub fn verify(self, now: Timestamp) -> Result<Signed<Acceptance>, AcceptanceError> {
        let key = self.0.claims().node.key;
        let signed = self.0.verify(&key)?;
        let expires = signed.record().expires;
        if expires <= now {
            return Err(AcceptanceError::Expired);
        }
        if expires.since(now) > PAPER_LIFETIME_MAX + CLOCK_SKEW_MAX {
            return Err(AcceptanceError::TooFarAhead);
        }
        Ok(signed)
    }
}

impl FromStr for AcceptanceCode {
    type Err = TextError;
    fn from_str(text: &str) -> Result<Self, TextError> {
        let wire = text::read(ACCEPT, text, Acceptance::BYTES_MAX + OVERHEAD_MAX)?;
        Unverified::parse(&wire).map(Self).map_err(TextError::Content)
    }
}

impl fmt::Display for AcceptanceCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&text::write(ACCEPT, &self.0.to_wire()))
    }
}

impl Bounded for Acceptance {
    const BYTES_MAX: usize = 560;
    const DEPTH_MAX: usize = 3;
}

impl Record for Acceptance {
    const NAME: &'static str = "acceptance/1";
}

const ACCEPT: &str = "essaim-accept:";
