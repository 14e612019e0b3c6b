//! What is kept of a move besides the record of its machine: who moves where, and by which papers. Objects of the hoster's account, kind
//! `MOVE`: a plan under `p` and the move's id, an acceptance code that was given out under `a` and its nonce.

use std::ops::Bound;

use essaim_identity::account::MoveId;
use essaim_identity::cbor::{self, Bounded};
use essaim_store::{CommitError, Put, ReadError, Store, Tx, TxError};
use essaim_types::{AccountId, ListingId, ObjectKind, Timestamp};
use minicbor::{Decode, Encode};

use crate::failure::{Failure, causes};

/// One move that concerns this node.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Plan {
    /// Which of the two this node is.
    #[n(0)]
    pub(crate) side: Side,
    /// Whose account.
    #[n(1)]
    #[cbor(with = "essaim_identity::cbor::with::account")]
    pub(crate) account: AccountId,
    /// The other hoster.
    #[n(2)]
    #[cbor(with = "essaim_identity::cbor::with::listing")]
    pub(crate) other: ListingId,
    /// The member's consent, as it was signed.
    #[n(3)]
    #[cbor(with = "minicbor::bytes")]
    pub(crate) consent: Vec<u8>,
    /// The acceptance code, as text.
    #[n(4)]
    pub(crate) acceptance: String,
    /// Where the account comes: the address that it gets, if one was chosen.
    #[n(5)]
    pub(crate) address: Option<String>,
    /// Where the account comes: how many bytes it may have.
    #[n(6)]
    pub(crate) quota: Option<u64>,
    /// When it began.
    #[n(7)]
    #[cbor(with = "essaim_identity::cbor::with::timestamp")]
    pub(crate) since: Timestamp,
}

/// Which of the two hosters this node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub(crate) enum Side {
    /// It has the account.
    #[n(0)]
    Source,
    /// It gets it.
    #[n(1)]
    Target,
}

/// An acceptance code that was given out.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Given {
    /// Until when.
    #[n(0)]
    #[cbor(with = "essaim_identity::cbor::with::timestamp")]
    pub(crate) expires: Timestamp,
    /// How many bytes the account may have; `None` is as many as it likes.
    #[n(1)]
    pub(crate) quota: Option<u64>,
    /// The address that it gets.
    #[n(2)]
    pub(crate) address: Option<String>,
    /// The move that uses it.
    #[n(3)]
    pub(crate) used_by: Option<MoveId>,
}

impl Bounded for Plan {
    const BYTES_MAX: usize = 8 << 10;
    const DEPTH_MAX: usize = 2;
}

impl Bounded for Given {
    const BYTES_MAX: usize = 1 << 10;
    const DEPTH_MAX: usize = 2;
}

/// Plans and codes of one store.
#[derive(Debug, Clone)]
pub(crate) struct Plans {
    pub(crate) store: Store,
    pub(crate) hoster: AccountId,
}

impl Plans {
    /// The plan of a move.
    pub(crate) fn of(&self, id: MoveId) -> Result<Option<Plan>, ReadError> {
        self.read(&plan_key(id))
    }

    /// A code that was given out.
    pub(crate) fn given(&self, nonce: [u8; 16]) -> Result<Option<Given>, ReadError> {
        self.read(&given_key(nonce))
    }

    /// Every move with its plan, those that are over too.
    pub(crate) fn all(&self) -> Result<Vec<(MoveId, Plan)>, ReadError> {
        self.beginning(PLAN)
    }

    /// Keeps a plan of the side that has the account.
    pub(crate) async fn keep(&self, id: MoveId, plan: Plan) -> Result<(), Failure> {
        let hoster = self.hoster;
        let kept = self.store.commit(move |tx| put(tx, hoster, &plan_key(id), &plan)).await;
        kept.map_err(|error| unwritten(&error))
    }

    /// Keeps a code before it is given out. As many as [`GIVEN_MAX`] may wait; those that are over make room.
    pub(crate) async fn give(&self, nonce: [u8; 16], given: Given, now: Timestamp) -> Result<(), Failure> {
        let all: Vec<(MoveId, Given)> = self.beginning(GIVEN).map_err(|error| unreadable(&error))?;
        let (old, waiting): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|(_, given)| given.used_by.is_some() || given.expires <= now);
        if waiting.len() >= GIVEN_MAX {
            return Err(Failure::new(format!("there are {GIVEN_MAX} codes that nobody has used yet"))
                .hint("they end by themselves; give some of them away"));
        }
        // A code that was used is needed until its move is over, and its time then is over too.
        let old = old.into_iter().filter(|(_, given)| given.expires <= now).map(|(nonce, _)| nonce.0);
        let old: Vec<[u8; 16]> = old.collect();
        let hoster = self.hoster;
        let work = move |tx: &mut Tx<'_>| {
            for nonce in old {
                tx.delete(hoster, ObjectKind::MOVE, &given_key(nonce))?;
            }
            put(tx, hoster, &given_key(nonce), &given)
        };
        self.store.commit(work).await.map_err(|error| unwritten(&error))
    }

    /// Marks a code as used and keeps the plan, in one commit; says whether the code was still there for this move.
    pub(crate) async fn take(&self, nonce: [u8; 16], id: MoveId, plan: Plan) -> Result<bool, Failure> {
        let hoster = self.hoster;
        let work = move |tx: &mut Tx<'_>| -> Result<bool, TxError> {
            let object = tx.get(hoster, ObjectKind::MOVE, &given_key(nonce))?;
            let given = object.and_then(|object| content::<Given>(&object.value));
            let Some(given) = given.filter(|given| given.used_by.is_none_or(|by| by == id)) else {
                return Ok(false);
            };
            put(tx, hoster, &given_key(nonce), &Given { used_by: Some(id), ..given })?;
            put(tx, hoster, &plan_key(id), &plan)?;
            Ok(true)
        };
        self.store.commit(work).await.map_err(|error| unwritten(&error))
    }

    fn read<T: Bounded>(&self, key: &[u8]) -> Result<Option<T>, ReadError> {
        let object = self.store.read()?.get(self.hoster, ObjectKind::MOVE, key)?;
        Ok(object.and_then(|object| content(&object.value)))
    }

    fn beginning<T: Bounded>(&self, prefix: u8) -> Result<Vec<(MoveId, T)>, ReadError> {
        let (snapshot, mut found) = (self.store.read()?, Vec::new());
        let (from, to) = ([prefix], [prefix + 1]);
        let rows = snapshot.range(
            self.hoster,
            ObjectKind::MOVE,
            Bound::Included(&from),
            Bound::Excluded(to.as_slice()),
        )?;
        for row in rows {
            let (key, object) = row?;
            // The record of a move whose id begins with the same byte is one byte shorter.
            let id = key.split_first().and_then(|(_, id)| <[u8; 16]>::try_from(id).ok());
            found.extend(id.map(MoveId).zip(content(&object.value)));
        }
        Ok(found)
    }
}

fn put<T: Bounded>(tx: &mut Tx<'_>, hoster: AccountId, key: &[u8], what: &T) -> Result<(), TxError> {
    tx.put(hoster, ObjectKind::MOVE, key, Put::new([&[VERSION], cbor::encode(what).as_slice()].concat()))
}

fn content<T: Bounded>(value: &[u8]) -> Option<T> {
    cbor::decode(value.strip_prefix(&[VERSION])?).ok()
}

fn plan_key(id: MoveId) -> Vec<u8> {
    [&[PLAN], id.0.as_slice()].concat()
}

fn given_key(nonce: [u8; 16]) -> Vec<u8> {
    [&[GIVEN], nonce.as_slice()].concat()
}

pub(super) fn unreadable(error: &ReadError) -> Failure {
    Failure::caused("the moves of this node cannot be read", error).hint("run essaim store verify")
}

fn unwritten(error: &CommitError<TxError>) -> Failure {
    Failure::new(format!("nothing was changed: {}", causes(error)))
        .hint("essaim doctor tells what is wrong with the node")
}

const PLAN: u8 = b'p';
const GIVEN: u8 = b'a';
const VERSION: u8 = 1;
/// Codes that nobody has used.
const GIVEN_MAX: usize = 256;
