//! Invitations that this node has given out. Each is taken once: the object of its nonce says by whom.

use std::time::Duration;

use essaim_accounts::{Journal, StorageError};
use essaim_identity::cbor::{self, Bounded};
use essaim_identity::invitation::{CLOCK_SKEW_MAX, Invitation, InvitationLink, LIFETIME_MAX};
use essaim_identity::node::NodeClaim;
use essaim_identity::{PublicKey, RecordHash, SigningKey};
use essaim_store::{CommitError, Put, Tx, TxError};
use essaim_types::{ListingId, ObjectKind, Timestamp};
use minicbor::{Decode, Encode};

use super::keys;
use super::note::{self, Note};
use super::peers::PeerRecord;
use super::rows::{Rows, Write, content, unwritten, versioned};
use crate::config::Config;
use crate::failure::Failure;
use crate::vitals::now;

/// What is kept of an invitation, under its nonce.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Given {
    /// Until when it is good.
    #[cbor(n(0), with = "essaim_identity::cbor::with::timestamp")]
    expires: Timestamp,
    /// The node that took it.
    #[n(1)]
    taken_by: Option<PublicKey>,
}

/// An invitation for the operator to pass on.
#[derive(Debug)]
pub(crate) struct Invited {
    pub(crate) link: String,
    pub(crate) expires: Timestamp,
}

/// Why a node that shows an invitation is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NotTaken {
    Unknown,
    Used,
    Expired,
    TooManyPeers,
}

/// Makes an invitation. It is durable before its link is known to anybody.
pub(super) async fn give(
    rows: &Rows,
    config: &Config,
    node: NodeClaim,
    key: &SigningKey,
    lifetime: Duration,
    journal: Journal,
) -> Result<Invited, Failure> {
    let now = now();
    forget_old(rows, now).await?;
    let expires = Timestamp::from_seconds(now.after(lifetime.min(LIFETIME_MAX)).seconds());
    let nonce =
        *keys::random().map_err(|error| Failure::caused("the system gives no random bytes", &error))?;
    let invitation = Invitation { node, seeds: Vec::new(), nonce, expires };
    let host = config.hoster.hostname().clone();
    let link = InvitationLink::sign(host, None, &invitation, key)
        .map_err(|error| Failure::caused("the invitation cannot be written as a link", &error))?;
    let given = Given { expires, taken_by: None };
    let write = Write::record(ObjectKind::INVITATION, &nonce, &given);
    let note = Note::new(journal, note::PEER_INVITE, format!("until {}", expires.seconds()));
    rows.commit(vec![write, Write::Note(note)]).await.map_err(|error| unwritten(&error))?;
    Ok(Invited { link: link.to_string(), expires })
}

/// Whether a node could take the invitation now. Reads only; [`take`] looks again.
pub(super) fn is_good(
    rows: &Rows,
    nonce: [u8; 16],
    joiner: PublicKey,
    now: Timestamp,
) -> Result<Result<(), NotTaken>, Failure> {
    let given = rows.record::<Given>(ObjectKind::INVITATION, &nonce)?;
    Ok(given.ok_or(NotTaken::Unknown).and_then(|given| given.check(&joiner, now)))
}

/// Marks the invitation as used and keeps the peer, in one commit: of two nodes that show the same link in the same moment one is
/// let in. A node that shows it again because it did not hear our answer is let in again.
pub(super) async fn take(
    rows: &Rows,
    nonce: [u8; 16],
    joiner: PublicKey,
    peer: PeerRecord,
    journal: Journal,
    now: Timestamp,
) -> Result<Result<(), NotTaken>, Failure> {
    let hoster = rows.hoster;
    let work = move |tx: &mut Tx<'_>| -> Result<(), Refused> {
        let object = tx.get(hoster, ObjectKind::INVITATION, &nonce)?;
        let given = object.and_then(|object| cbor::decode::<Given>(&content(&object.value)?).ok());
        let given = given.ok_or(NotTaken::Unknown)?;
        given.check(&joiner, now)?;
        let known = tx.get(hoster, ObjectKind::PEER, joiner.as_bytes())?.is_some();
        if !known
            && tx
                .range(hoster, ObjectKind::PEER, std::ops::Bound::Unbounded, std::ops::Bound::Unbounded)?
                .count()
                >= super::peers::PEERS_MAX
        {
            return Err(NotTaken::TooManyPeers.into());
        }
        let given = Given { taken_by: Some(joiner), ..given };
        tx.put(hoster, ObjectKind::INVITATION, &nonce, Put::new(versioned(&cbor::encode(&given))))?;
        tx.put(hoster, ObjectKind::PEER, joiner.as_bytes(), Put::new(versioned(&cbor::encode(&peer))))?;
        if !known {
            Note::new(journal, note::PEER_ADMIT, peer.listing.to_string()).write(tx)?;
        }
        Ok(())
    };
    match rows.store.commit(work).await {
        Ok(()) => Ok(Ok(())),
        Err(CommitError::Refused(Refused::NotTaken(why))) => Ok(Err(why)),
        Err(error) => Err(unwritten(&error)),
    }
}

/// The claim of a node about itself, as it stands in what it signs.
pub(super) fn claim(
    listing: ListingId,
    head: RecordHash,
    key: PublicKey,
    addresses: &[essaim_network::Address],
) -> NodeClaim {
    NodeClaim { listing, head, key, addresses: super::address::in_records(addresses) }
}

impl Given {
    fn check(&self, joiner: &PublicKey, now: Timestamp) -> Result<(), NotTaken> {
        match self.taken_by {
            Some(by) if by != *joiner => Err(NotTaken::Used),
            _ if self.expires <= now => Err(NotTaken::Expired),
            _ => Ok(()),
        }
    }
}

/// Invitations that nobody can use any more. They stay a day, so that who comes late is told why.
async fn forget_old(rows: &Rows, now: Timestamp) -> Result<(), Failure> {
    let all = rows.records::<Given>(ObjectKind::INVITATION)?;
    let is_old = |given: &Given| now.since(given.expires) > REMEMBERED_AFTER + CLOCK_SKEW_MAX;
    let old = all.iter().filter(|(_, given)| is_old(given));
    let old: Vec<Write> = old.map(|(key, _)| Write::Delete(ObjectKind::INVITATION, key.clone())).collect();
    if all.len() - old.len() >= GIVEN_MAX {
        return Err(Failure::new(format!("there are {GIVEN_MAX} invitations that can still be used"))
            .hint("they end by themselves; give some of them away"));
    }
    if old.is_empty() {
        return Ok(());
    }
    rows.commit(old).await.map_err(|error| unwritten(&error))
}

/// Why the commit refused.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("the invitation is not taken")]
    NotTaken(NotTaken),
    #[error(transparent)]
    Store(#[from] TxError),
    #[error(transparent)]
    Journal(#[from] StorageError),
}

impl From<NotTaken> for Refused {
    fn from(why: NotTaken) -> Self {
        Self::NotTaken(why)
    }
}

impl Bounded for Given {
    const BYTES_MAX: usize = 64;
    const DEPTH_MAX: usize = 1;
}

/// How long a used or expired invitation is remembered.
const REMEMBERED_AFTER: Duration = Duration::from_hours(24);
/// Invitations that are not over.
const GIVEN_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_is_for_the_first_who_shows_it_in_time() {
        let key = |seed| SigningKey::from_seed(&[seed; 32]).public();
        let given = Given { expires: Timestamp(100), taken_by: None };
        assert_eq!(given.check(&key(1), Timestamp(99)), Ok(()));
        assert_eq!(given.check(&key(1), Timestamp(100)), Err(NotTaken::Expired));
        let taken = Given { taken_by: Some(key(1)), ..given };
        assert_eq!(taken.check(&key(1), Timestamp(99)), Ok(()));
        assert_eq!(taken.check(&key(2), Timestamp(99)), Err(NotTaken::Used));
        assert!(cbor::decode::<Given>(&cbor::encode(&taken)).unwrap() == taken);
    }
}
