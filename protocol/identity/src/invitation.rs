//! An invitation into the federation: a link that a hoster gives to another, on paper or in a message.
//!
//! `https://<coop>/join#<base64url>`. What stands after the `#` is not sent to the server that shows the page. The node that
//! invites signs; that an invitation is taken only once is for that node to remember, by the nonce.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use essaim_types::{Domain, Timestamp};
use minicbor::{Decode, Encode};

use crate::cbor::{Bounded, CborError, with};
use crate::key::{BadSignature, SigningKey};
use crate::node::{ADDRESSES_MAX, NodeClaim};
use crate::signed::{OVERHEAD_MAX, Record, Signed, Unverified};

/// What an invitation says.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Invitation {
    /// Who invites, and where to knock.
    #[n(0)]
    pub node: NodeClaim,
    /// Other hosters of the federation, to be asked if the node is away: at most [`SEEDS_MAX`].
    #[cbor(n(1), with = "crate::cbor::with::domains")]
    pub seeds: Vec<Domain>,
    /// 16 random bytes: the invitation is taken once.
    #[cbor(n(2), with = "minicbor::bytes")]
    pub nonce: [u8; 16],
    /// Until when, in whole seconds; at most [`LIFETIME_MAX`] from now.
    #[cbor(n(3), with = "crate::cbor::with::seconds")]
    pub expires: Timestamp,
}

/// An invitation as it is passed on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvitationLink {
    /// The host whose page shows what to do; it is not signed and decides nothing.
    pub host: Domain,
    /// Its port, if it is not the usual one.
    pub port: Option<u16>,
    /// The invitation itself.
    pub invitation: Unverified<Invitation>,
}

/// Why a text is not the link of an invitation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    /// Not `https://<host>/join#...`.
    #[error("not a link of the form https://coop.example/join#...")]
    NotALink,
    /// More than [`FRAGMENT_CHARS_MAX`] characters after the `#`.
    #[error("{chars} characters after the #; at most {FRAGMENT_CHARS_MAX}: name fewer addresses or seeds")]
    TooLong {
        /// How many there are.
        chars: usize,
    },
    /// Characters that are not base64url, or some are missing at the end.
    #[error("the part after the # is damaged: is the link whole?")]
    NotBase64,
    /// Not an invitation.
    #[error("the part after the # is not an invitation")]
    Content(#[source] CborError),
    /// More addresses or seeds than an invitation has.
    #[error("more than {ADDRESSES_MAX} addresses or more than {SEEDS_MAX} seeds")]
    TooMany,
}

/// Why an invitation is not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvitationError {
    /// The node did not sign it.
    #[error("the invitation is not genuine: the link may be damaged")]
    Signature(#[from] BadSignature),
    /// Too late.
    #[error("the invitation was good for a time that is over; ask for a new one")]
    Expired,
    /// Longer than an invitation may be: the clock here is behind, or it was not made by our program.
    #[error("the invitation is good for longer than an invitation may be; is the clock here right?")]
    TooFarAhead,
}

impl InvitationLink {
    /// Signs an invitation with the node's key.
    ///
    /// # Errors
    /// Too many addresses or seeds, or together too long for a link.
    pub fn sign(
        host: Domain,
        port: Option<u16>,
        invitation: &Invitation,
        node_key: &SigningKey,
    ) -> Result<Self, LinkError> {
        let signed = Signed::sign(invitation, node_key).map_err(|error| match error {
            CborError::TooLong { len, .. } => {
                LinkError::TooLong { chars: (len + OVERHEAD_MAX).div_ceil(3) * 4 }
            }
            other => LinkError::Content(other),
        })?;
        Self { host, port, invitation: signed.into_unverified() }.bounded()
    }

    /// The invitation, if it is genuine and good at this time. Whether the hoster agrees, [`NodeClaim::check`] says once its
    /// keyring is here.
    ///
    /// # Errors
    /// Not signed by the node it names, expired, or good for too long.
    pub fn verify(self, now: Timestamp) -> Result<Signed<Invitation>, InvitationError> {
        let key = self.invitation.claims().node.key;
        let signed = self.invitation.verify(&key)?;
        let expires = signed.record().expires;
        if expires <= now {
            return Err(InvitationError::Expired);
        }
        if expires.since(now) > LIFETIME_MAX + CLOCK_SKEW_MAX {
            return Err(InvitationError::TooFarAhead);
        }
        Ok(signed)
    }

    fn bounded(self) -> Result<Self, LinkError> {
        if !with::domain::is_name(&self.host) {
            return Err(LinkError::NotALink);
        }
        let said = self.invitation.claims();
        if said.node.addresses.len() > ADDRESSES_MAX || said.seeds.len() > SEEDS_MAX {
            return Err(LinkError::TooMany);
        }
        Ok(self)
    }
}

impl FromStr for InvitationLink {
    type Err = LinkError;
    fn from_str(text: &str) -> Result<Self, LinkError> {
        let (authority, fragment) = text
            .trim()
            .strip_prefix("https://")
            .and_then(|rest| rest.split_once("/join#"))
            .ok_or(LinkError::NotALink)?;
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port.parse().map_err(|_| LinkError::NotALink)?)),
            None => (authority, None),
        };
        let host = host.parse().map_err(|_| LinkError::NotALink)?;
        if fragment.len() > FRAGMENT_CHARS_MAX {
            return Err(LinkError::TooLong { chars: fragment.chars().count() });
        }
        let wire = BASE64_URL_SAFE_NO_PAD.decode(fragment).map_err(|_| LinkError::NotBase64)?;
        let invitation = Unverified::parse(&wire).map_err(LinkError::Content)?;
        Self { host, port, invitation }.bounded()
    }
}

impl fmt::Display for InvitationLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "https://{}", self.host)?;
        if let Some(port) = self.port {
            write!(f, ":{port}")?;
        }
        write!(f, "/join#{}", fragment(&self.invitation.to_wire()))
    }
}

impl Bounded for Invitation {
    const BYTES_MAX: usize = FRAGMENT_CHARS_MAX / 4 * 3 - OVERHEAD_MAX;
    const DEPTH_MAX: usize = 3;
}

impl Record for Invitation {
    const NAME: &'static str = "invitation/1";
}

fn fragment(wire: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(wire)
}

/// The most characters after the `#`: what a QR code still shows well.
pub const FRAGMENT_CHARS_MAX: usize = 400;
/// The most other hosters in an invitation.
pub const SEEDS_MAX: usize = 3;
/// How long an invitation is good at most.
pub const LIFETIME_MAX: Duration = Duration::from_hours(14 * 24);
/// How far the clocks of two honest nodes may be apart.
pub const CLOCK_SKEW_MAX: Duration = Duration::from_mins(10);
