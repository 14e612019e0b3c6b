//! One entry of an account's log: everything that is so from here on.

use std::time::Duration;

use essaim_types::{AccountId, ListingId, Timestamp};
use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};

use super::handover::MoveAccept;
use super::intent::MoveIntent;
use super::refusal::EntryFault;
use super::values::{AddressCommit, Epoch, RecoveryHash, Roles, Seq};
use crate::cbor::Bounded;
use crate::cosigned::{Cosigning, OVERHEAD_MAX};
use crate::key::PublicKey;
use crate::keys::KeySet;
use crate::signed::{Record, RecordHash};

/// Everything that the log says of an account from this entry on.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct AccountEntry {
    /// What it stands on.
    #[n(0)]
    pub past: Past,
    /// Its place in the chain.
    #[n(1)]
    pub seq: Seq,
    /// What it does.
    #[n(2)]
    pub kind: Kind,
    /// How often the account has changed its host.
    #[n(3)]
    pub epoch: Epoch,
    /// Who serves the account.
    #[n(4)]
    pub host: Host,
    /// Hosters that keep copies, to be asked when the host is gone: ascending, at most [`REPLICAS_MAX`].
    #[cbor(n(5), with = "crate::cbor::with::listings")]
    pub replicas: Vec<ListingId>,
    /// The recovery key that may be used next; absent as long as the member has no words on paper.
    #[n(6)]
    pub next_recovery: Option<RecoveryHash>,
    /// The member's keys, at most [`MEMBER_KEYS_MAX`].
    #[n(7)]
    pub member_keys: KeySet,
    /// The addresses that lead here, for those who know the salt: ascending, at most [`ADDRESSES_MAX`].
    #[n(8)]
    pub addr_commits: Vec<AddressCommit>,
    /// What the member has chosen.
    #[n(9)]
    pub policy: Policy,
    /// Until when nothing but what the member or the recovery key signs may follow. Stays there when it is over.
    #[cbor(n(10), with = "crate::cbor::with::maybe_seconds", has_nil)]
    pub frozen_until: Option<Timestamp>,
    /// When the signer says it was made, in whole seconds. Orders nothing but the entry and the one before it.
    #[cbor(n(11), with = "crate::cbor::with::seconds")]
    pub ts: Timestamp,
    /// Which roles, as of the entry before, have signed. It stands in what is signed, so that a copy with fewer or more
    /// signatures is never an entry of another weight.
    #[n(12)]
    pub by: Roles,
}

/// What an entry stands on: in CBOR an empty array, or account and hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Past {
    /// Nothing: it founds the account, whose id is its hash.
    Nothing,
    /// The entry before.
    After {
        /// Of the account: the hash of its first entry.
        account: AccountId,
        /// The hash of the entry before.
        prev: RecordHash,
    },
}

/// What an entry does. In CBOR an array of its number and, for a move, two byte strings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// 0: founds the account.
    Create,
    /// 1: other addresses, replicas, keys or policy; or the end of a freeze.
    Update,
    /// 2: another host, with everybody's consent.
    Move(Box<MoveProof>),
    /// 3: another host, by the member's words; and new words.
    Recover,
    /// 4: no move, and nothing by the host alone, for some days.
    Freeze,
    /// 5: the end of the account.
    Close,
}

/// That the member wanted a move, and that the target has everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MoveProof {
    /// Signed by a member key or the recovery key.
    pub intent: Cosigning<MoveIntent>,
    /// Signed by the target's key for the account and by its node.
    pub accept: Cosigning<MoveAccept>,
}

/// Who serves an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Host {
    /// The hoster.
    #[cbor(n(0), with = "crate::cbor::with::listing")]
    pub listing: ListingId,
    /// The key that it made for this account.
    #[n(1)]
    pub key: PublicKey,
}

/// What the member has chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(array)]
pub struct Policy {
    /// How many hours a recovery waits while the host is alive. [`RECOVERY_WAIT_MIN`] to [`RECOVERY_WAIT_MAX`].
    #[n(0)]
    pub recovery_wait_hours: u16,
}

impl AccountEntry {
    /// What must be right about an entry whatever it stands on.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn check(&self) -> Result<(), EntryFault> {
        let founds = self.past == Past::Nothing;
        if founds != (self.kind == Kind::Create) || founds != (self.seq == Seq::FIRST) {
            return Err(EntryFault::NotAFirstEntry { seq: self.seq });
        }
        if founds && (self.epoch != Epoch::FIRST || self.frozen_until.is_some()) {
            return Err(EntryFault::NotAFirstEntry { seq: self.seq });
        }
        bounded("replicas", self.replicas.len(), REPLICAS_MAX)?;
        bounded("member keys", self.member_keys.len(), MEMBER_KEYS_MAX)?;
        bounded("addresses", self.addr_commits.len(), ADDRESSES_MAX)?;
        if !self.replicas.is_sorted_by(|one, next| one < next) {
            return Err(EntryFault::Unsorted { what: "replicas" });
        }
        if !self.addr_commits.is_sorted_by(|one, next| one < next) {
            return Err(EntryFault::Unsorted { what: "addresses" });
        }
        let wait = self.policy.recovery_wait();
        if !(RECOVERY_WAIT_MIN..=RECOVERY_WAIT_MAX).contains(&wait) {
            return Err(EntryFault::RecoveryWait { hours: self.policy.recovery_wait_hours });
        }
        self.check_keys()
    }

    /// Whether the member has a key of any kind, without which the host is all that the account has.
    pub fn has_kit(&self) -> bool {
        self.next_recovery.is_some() || !self.member_keys.is_empty()
    }

    /// Whether it is frozen at this time.
    pub fn is_frozen(&self, at: Timestamp) -> bool {
        self.frozen_until.is_some_and(|until| at < until)
    }

    /// One key, one role: or a role could speak for another.
    fn check_keys(&self) -> Result<(), EntryFault> {
        let keys = self.member_keys.iter().chain([&self.host.key]);
        if let Some(key) = keys.clone().find(|key| Some(RecoveryHash::of(key)) == self.next_recovery) {
            return Err(EntryFault::TwoRoles { key: *key });
        }
        if self.member_keys.contains(&self.host.key) {
            return Err(EntryFault::TwoRoles { key: self.host.key });
        }
        Ok(())
    }
}

impl Policy {
    /// How long a recovery waits while the host is alive.
    pub fn recovery_wait(self) -> Duration {
        Duration::from_secs(u64::from(self.recovery_wait_hours) * 3600)
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self { recovery_wait_hours: 48 }
    }
}

impl Bounded for AccountEntry {
    const BYTES_MAX: usize = ENTRY_BYTES_MAX;
    const DEPTH_MAX: usize = 2;
}

impl Record for AccountEntry {
    const NAME: &'static str = "account/1";
}

impl<C> Encode<C> for Past {
    fn encode<W: encode::Write>(
        &self,
        to: &mut Encoder<W>,
        c: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        match self {
            Self::Nothing => to.array(0)?.ok(),
            Self::After { account, prev } => {
                to.array(2)?.bytes(account.as_bytes())?.encode_with(prev, c)?.ok()
            }
        }
    }
}

impl<'b, C> Decode<'b, C> for Past {
    fn decode(from: &mut Decoder<'b>, c: &mut C) -> Result<Self, decode::Error> {
        let at = from.position();
        match from.array()? {
            Some(0) => Ok(Self::Nothing),
            Some(2) => {
                let account = AccountId::from_bytes(crate::cbor::with::byte_array(from)?);
                Ok(Self::After { account, prev: from.decode_with(c)? })
            }
            _ => Err(decode::Error::message("not nothing, nor account and hash").at(at)),
        }
    }
}

impl<C> Encode<C> for Kind {
    fn encode<W: encode::Write>(
        &self,
        to: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        match self {
            Self::Create => to.array(1)?.u8(0)?.ok(),
            Self::Update => to.array(1)?.u8(1)?.ok(),
            Self::Move(proof) => {
                to.array(3)?.u8(2)?.bytes(&proof.intent.to_wire())?.bytes(&proof.accept.to_wire())?.ok()
            }
            Self::Recover => to.array(1)?.u8(3)?.ok(),
            Self::Freeze => to.array(1)?.u8(4)?.ok(),
            Self::Close => to.array(1)?.u8(5)?.ok(),
        }
    }
}

impl<'b, C> Decode<'b, C> for Kind {
    fn decode(from: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let at = from.position();
        match (from.array()?, from.u8()?) {
            (Some(1), 0) => Ok(Self::Create),
            (Some(1), 1) => Ok(Self::Update),
            (Some(3), 2) => {
                let intent =
                    Cosigning::parse(from.bytes()?).map_err(|fault| decode::Error::message(fault).at(at))?;
                let accept =
                    Cosigning::parse(from.bytes()?).map_err(|fault| decode::Error::message(fault).at(at))?;
                Ok(Self::Move(Box::new(MoveProof { intent, accept })))
            }
            (Some(1), 3) => Ok(Self::Recover),
            (Some(1), 4) => Ok(Self::Freeze),
            (Some(1), 5) => Ok(Self::Close),
            _ => Err(decode::Error::message("not a kind of entry").at(at)),
        }
    }
}

fn bounded(what: &'static str, found: usize, max: usize) -> Result<(), EntryFault> {
    if found > max { Err(EntryFault::TooMany { what, found, max }) } else { Ok(()) }
}

/// The most bytes of an entry with its signatures, as it is stored and sent.
pub const ENTRY_WIRE_MAX: usize = 2048;
/// The most bytes of an entry without them.
pub const ENTRY_BYTES_MAX: usize = ENTRY_WIRE_MAX - 5 - ENTRY_SIGNATURES_MAX * (34 + 66);
/// The most signatures of an entry: recovery, old host, new host and a new member key.
pub const ENTRY_SIGNATURES_MAX: usize = 4;
/// The most hosters that keep copies.
pub const REPLICAS_MAX: usize = 4;
/// The most keys of a member.
pub const MEMBER_KEYS_MAX: usize = 4;
/// The most addresses that the log commits to.
pub const ADDRESSES_MAX: usize = 16;
/// The shortest time that a recovery may wait while the host is alive.
pub const RECOVERY_WAIT_MIN: Duration = Duration::from_hours(48);
/// The longest.
pub const RECOVERY_WAIT_MAX: Duration = Duration::from_hours(14 * 24);

const _: () = assert!(ENTRY_SIGNATURES_MAX * 100 < OVERHEAD_MAX);
