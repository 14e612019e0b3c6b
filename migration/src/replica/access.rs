//! Who may have what is kept of an account: the hoster that the account log names, and nobody else.

use std::time::Duration;

use essaim_identity::account::{AccountLog, CLOCK_SKEW_MAX, Witnesses};
use essaim_identity::cbor::{Bounded, with};
use essaim_identity::{BadSignature, PublicKey, Record, RecordHash, Signed, SigningKey, Unverified};
use essaim_types::{AccountId, ListingId, Timestamp};
use minicbor::{Decode, Encode};

/// An account's hoster asks a holder for what it keeps. Signed with the key that the hoster made for the account.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Access {
    /// Whose replicas.
    #[cbor(n(0), with = "with::account")]
    pub account: AccountId,
    /// The entry of the account log that names the hoster and the key that signs this.
    #[n(1)]
    pub entry: RecordHash,
    /// Who is asked: nobody else takes this.
    #[cbor(n(2), with = "with::listing")]
    pub holder: ListingId,
    /// The node that asks.
    #[n(3)]
    pub node: PublicKey,
    /// When, in whole seconds.
    #[cbor(n(4), with = "with::seconds")]
    pub at: Timestamp,
}

/// Who has sent it, as the connection and the directory say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Caller {
    /// The key of the node.
    pub node: PublicKey,
    /// The hoster whose node it is.
    pub hoster: ListingId,
}

/// Why nothing is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It was made for another stream.
    #[error("it was signed for another holder, another node or another time")]
    NotForThis,
    /// The entry is not the last one that stands.
    #[error("the entry {entry} is not the head of the account's log that stands here now")]
    NotInForce {
        /// Which.
        entry: RecordHash,
    },
    /// By that entry another hoster serves the account.
    #[error("the account's log names {host} as its hoster")]
    OtherHost {
        /// Which.
        host: ListingId,
    },
    /// Not the key of the account's hoster.
    #[error("it is not signed with the key of the account's hoster")]
    Signature(#[from] BadSignature),
}

impl Access {
    /// Signs it. `at` loses what is less than a second.
    ///
    /// # Panics
    /// Never: every such record is within its bounds.
    pub fn sign(&self, host: &SigningKey) -> Vec<u8> {
        let access = Self { at: Timestamp::from_seconds(self.at.seconds()), ..self.clone() };
        Signed::sign(&access, host).expect("ids, keys and a time are within the bounds").to_wire()
    }

    /// What the holder asks of it, before it gives anything away. `log` is what it knows of the account.
    ///
    /// # Errors
    /// Why nothing is given.
    pub fn check(
        access: Unverified<Self>,
        log: &AccountLog,
        witnesses: &Witnesses,
        (holder, caller): (ListingId, Caller),
        now: Timestamp,
    ) -> Result<(), Denied> {
        let said = access.claims();
        let age = said.at.since(now).max(now.since(said.at));
        if (said.account, said.holder, said.node) != (log.account(), holder, caller.node)
            || age > ACCESS_AGE_MAX
        {
            return Err(Denied::NotForThis);
        }
        let head = log.state(witnesses, now).head;
        if head.hash() != said.entry {
            return Err(Denied::NotInForce { entry: said.entry });
        }
        let host = head.record().host;
        if host.listing != caller.hoster {
            return Err(Denied::OtherHost { host: host.listing });
        }
        access.verify(&host.key)?;
        Ok(())
    }
}

impl Bounded for Access {
    const BYTES_MAX: usize = 224;
    const DEPTH_MAX: usize = 1;
}

impl Record for Access {
    const NAME: &'static str = "replica-access/1";
}

/// How old it may be, or ahead.
const ACCESS_AGE_MAX: Duration = CLOCK_SKEW_MAX;
