//! What is kept of a recovery, so that it goes on after a restart without the words: a `RECOVERY` object of the hoster's account, its key the account.

use essaim_identity::cbor::{self, Bounded};
use essaim_store::{Put, Store};
use essaim_types::{AccountId, ListingId, ObjectKind, Timestamp};
use minicbor::{Decode, Encode};

use crate::failure::Failure;

/// One recovery at this node.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct Plan {
    /// The entry Recover, signed by everybody.
    #[n(0)]
    #[cbor(with = "minicbor::bytes")]
    pub(crate) entry: Vec<u8>,
    /// The address that the account gets here, if one was chosen.
    #[n(1)]
    pub(crate) address: Option<String>,
    /// Whose replicas are looked at; nobody: everybody's.
    #[n(2)]
    #[cbor(with = "essaim_identity::cbor::with::listings")]
    pub(crate) from: Vec<ListingId>,
    /// When it began.
    #[n(3)]
    #[cbor(with = "essaim_identity::cbor::with::timestamp")]
    pub(crate) since: Timestamp,
    /// The replica that is taken in, once one is: no other can be put into the same account.
    #[n(4)]
    #[cbor(with = "minicbor::bytes")]
    pub(crate) root: Option<Vec<u8>>,
}

impl Bounded for Plan {
    const BYTES_MAX: usize = 8 << 10;
    const DEPTH_MAX: usize = 2;
}

/// Recoveries of one store.
#[derive(Debug, Clone)]
pub(crate) struct Plans {
    pub(crate) store: Store,
    pub(crate) hoster: AccountId,
}

impl Plans {
    pub(crate) fn of(&self, account: AccountId) -> Result<Option<Plan>, Failure> {
        let unreadable = |error| Failure::caused("the recoveries cannot be read", &error);
        let snapshot = self.store.read().map_err(unreadable)?;
        let row = snapshot.get(self.hoster, ObjectKind::RECOVERY, account.as_bytes()).map_err(unreadable)?;
        let Some(row) = row else { return Ok(None) };
        let plan = row.value.strip_prefix(&[VERSION]).and_then(|body| cbor::decode(body).ok());
        plan.map(Some).ok_or_else(|| {
            Failure::new("the record of the recovery is damaged").hint("run essaim store verify")
        })
    }

    pub(crate) async fn keep(&self, account: AccountId, plan: &Plan) -> Result<(), Failure> {
        let hoster = self.hoster;
        let value = [&[VERSION][..], &cbor::encode(plan)].concat();
        let kept = self.store.commit(move |tx| {
            tx.put(hoster, ObjectKind::RECOVERY, account.as_bytes(), Put::new(value)).map(drop)
        });
        kept.await.map_err(|error| Failure::caused("the recovery could not be written down", &error))
    }

    /// It is done.
    pub(crate) async fn forget(&self, account: AccountId) -> Result<(), Failure> {
        let hoster = self.hoster;
        let gone = self
            .store
            .commit(move |tx| tx.delete(hoster, ObjectKind::RECOVERY, account.as_bytes()).map(drop));
        gone.await.map_err(|error| Failure::caused("the recovery could not be written down", &error))
    }
}

const VERSION: u8 = 1;
