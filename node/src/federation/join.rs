//! The request by which a node presents an invitation, and the answer to it. Bytes and rules: `specs/11-federation.md`.

use essaim_accounts::Journal;
use essaim_identity::cbor::{self, Bounded};
use essaim_identity::cosigned::Cosigning;
use essaim_identity::node::NodeClaim;
use essaim_identity::{Keyring, PublicKey, Record, Signed, SigningKey, Unverified};
use essaim_network::Address;
use essaim_types::Timestamp;
use minicbor::{Decode, Encode};

use super::invitation::{self, NotTaken};
use super::peers::{Introduction, PeerRecord};
use super::rows::Rows;
use crate::failure::Failure;

/// What the joining node signs.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Join {
    /// Who joins, and where it is reached.
    #[n(0)]
    pub(super) node: NodeClaim,
    /// The nonce of the invitation.
    #[cbor(n(1), with = "minicbor::bytes")]
    pub(super) nonce: [u8; 16],
    /// The node that invited: nobody else can make use of this.
    #[n(2)]
    pub(super) to: PublicKey,
}

/// What goes over the wire: the signed record and the keyring that bears it out.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Body {
    #[cbor(n(0), with = "minicbor::bytes")]
    join: Vec<u8>,
    #[n(1)]
    keyring: Vec<EntryWire>,
}

/// The answer: why not, or the keyring of the hoster that invited.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
struct Answer {
    #[n(0)]
    refusal: Option<Refusal>,
    #[n(1)]
    keyring: Vec<EntryWire>,
}

/// A cosigned entry of a keyring.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(transparent)]
struct EntryWire(#[cbor(n(0), with = "minicbor::bytes")] Vec<u8>);

/// Why a node is not let in, as it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub(super) enum Refusal {
    /// No such invitation was given out here.
    #[n(0)]
    Unknown,
    /// Another node has used it.
    #[n(1)]
    Used,
    /// Its time is over.
    #[n(2)]
    Expired,
    /// The record, the keyring or the connection do not fit each other.
    #[n(3)]
    NotGenuine,
    /// There is no room for more peers.
    #[n(4)]
    Full,
    /// It cannot be written down now.
    #[n(5)]
    Later,
}

/// Somebody whose invitation was in order.
#[derive(Debug)]
pub(super) struct Admitted {
    pub(super) key: PublicKey,
    pub(super) peer: PeerRecord,
    pub(super) keyring: Keyring,
}

/// The body of a request.
pub(super) fn request(join: &Join, key: &SigningKey, keyring: &Keyring) -> Result<Vec<u8>, Failure> {
    let join = Signed::sign(join, key)
        .map_err(|error| Failure::caused("the request to join cannot be written", &error))?;
    Ok(cbor::encode(&Body { join: join.to_wire(), keyring: entries(keyring) }))
}

/// Everything that the node that invited checks; what costs most is last, so that only who has an invitation can make this node check a
/// whole keyring. What it lets in is durable when this returns.
pub(super) async fn admit(
    rows: &Rows,
    me: PublicKey,
    ours: &Keyring,
    from: PublicKey,
    body: &[u8],
    journal: Journal,
    now: Timestamp,
) -> Result<Admitted, Refusal> {
    let (join, entries) = signed(me, from, body).ok_or(Refusal::NotGenuine)?;
    match invitation::is_good(rows, join.nonce, from, now) {
        Ok(Ok(())) => {}
        Ok(Err(why)) => return Err(why.into()),
        Err(failure) => return Err(later(&failure)),
    }
    let keyring = borne_out(&join, &entries, ours).ok_or(Refusal::NotGenuine)?;
    let addresses = join.node.addresses.iter().filter_map(Address::from_node_address);
    let peer = PeerRecord {
        listing: join.node.listing,
        addresses: addresses.map(|address| address.to_string()).collect(),
        since: now,
        by: Introduction::WeInvited,
    };
    match invitation::take(rows, join.nonce, from, peer.clone(), journal, now).await {
        Ok(Ok(())) => Ok(Admitted { key: from, peer, keyring }),
        Ok(Err(why)) => Err(why.into()),
        Err(failure) => Err(later(&failure)),
    }
}

fn later(failure: &Failure) -> Refusal {
    tracing::warn!(
        error = failure as &dyn std::error::Error,
        "a node that wants to join was told to come later"
    );
    Refusal::Later
}

/// The answer to somebody who was let in, or not.
pub(super) fn answer(outcome: &Result<Admitted, Refusal>, ours: &Keyring) -> Vec<u8> {
    cbor::encode(&match outcome {
        Ok(_) => Answer { refusal: None, keyring: entries(ours) },
        Err(refusal) => Answer { refusal: Some(*refusal), keyring: Vec::new() },
    })
}

/// What the node that invited said: its hoster's keyring, which must bear out what the invitation says.
pub(super) fn read_answer(bytes: &[u8], invited_by: &NodeClaim) -> Result<Keyring, Failure> {
    let damaged = || {
        Failure::new("the answer of the node that invited cannot be read")
            .hint("both nodes should run the same version of essaim")
    };
    let answer: Answer = cbor::decode(bytes).map_err(|_| damaged())?;
    if let Some(refusal) = answer.refusal {
        return Err(refusal.failure());
    }
    let keyring = keyring(&answer.keyring).ok_or_else(damaged)?;
    invited_by.check(&keyring).map_err(|fault| {
        Failure::caused(
            "the invitation is forged: the hoster it names does not know the node that signed it",
            &fault,
        )
        .hint("ask the hoster, by another way than the one on which the link came")
    })?;
    Ok(keyring)
}

/// A request that fits its connection and this node; what it brings as its hoster's keyring is not looked at.
fn signed(me: PublicKey, from: PublicKey, body: &[u8]) -> Option<(Join, Vec<EntryWire>)> {
    let body: Body = cbor::decode(body).ok()?;
    let join = Unverified::<Join>::parse(&body.join).ok()?.verify(&from).ok()?.record().clone();
    (join.to == me && join.node.key == from).then_some((join, body.keyring))
}

/// The keyring, if it bears out what the node says of itself. Every signature is checked: tens of milliseconds for the largest that fits.
fn borne_out(join: &Join, entries: &[EntryWire], ours: &Keyring) -> Option<Keyring> {
    let keyring = keyring(entries)?;
    let fits = join.node.check(&keyring).is_ok() && keyring.listing() != ours.listing();
    fits.then_some(keyring)
}

fn entries(keyring: &Keyring) -> Vec<EntryWire> {
    keyring.entries().map(|entry| EntryWire(entry.to_wire())).collect()
}

fn keyring(entries: &[EntryWire]) -> Option<Keyring> {
    let mut entries = entries.iter().map(|EntryWire(wire)| Cosigning::parse(wire).ok()?.verify().ok());
    let mut keyring = Keyring::found(entries.next()??).ok()?;
    for entry in entries {
        keyring.accept(entry?).ok()?;
    }
    Some(keyring)
}

impl Refusal {
    fn failure(self) -> Failure {
        let ask = "ask the hoster that invited you for a new link: essaim peer invite";
        match self {
            Self::Unknown => Failure::new("the node that invited does not know this invitation").hint(ask),
            Self::Used => Failure::new("the invitation was already used by another node").hint(ask),
            Self::Expired => Failure::new("the invitation has expired").hint(ask),
            Self::NotGenuine => Failure::new(
                "the node that invited does not believe that this node is who it says",
            )
            .hint(
                "is it the invitation of another node of your own hoster? Otherwise essaim doctor tells more",
            ),
            Self::Full => Failure::new("the node that invited has no room for more peers")
                .hint("ask another hoster of the federation for an invitation"),
            Self::Later => Failure::new("the node that invited cannot write anything down at the moment")
                .hint("try again in a while with the same link"),
        }
    }
}

impl From<NotTaken> for Refusal {
    fn from(why: NotTaken) -> Self {
        match why {
            NotTaken::Unknown => Self::Unknown,
            NotTaken::Used => Self::Used,
            NotTaken::Expired => Self::Expired,
            NotTaken::TooManyPeers => Self::Full,
        }
    }
}

impl Bounded for Join {
    const BYTES_MAX: usize = 640;
    const DEPTH_MAX: usize = 3;
}

impl Record for Join {
    const NAME: &'static str = "join/1";
}

impl Bounded for Body {
    const BYTES_MAX: usize = BODY_MAX;
    const DEPTH_MAX: usize = 2;
}

impl Bounded for Answer {
    const BYTES_MAX: usize = BODY_MAX;
    const DEPTH_MAX: usize = 2;
}

/// What a request may weigh.
const BODY_MAX: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use essaim_identity::KeySet;
    use essaim_identity::keyring::{ActorId, Draft, Role, Roles};

    use super::*;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed(&[seed; 32])
    }

    /// A hoster whose root is one above its node's key.
    fn hoster(seed: u8) -> Keyring {
        let mut roots = KeySet::default();
        roots.insert(key(seed + 1).public());
        let draft = Draft::genesis(roots, 1);
        let draft = draft.operator(key(seed).public(), Roles::of(&Role::ALL).unwrap(), ActorId([seed; 16]));
        let mut entry = draft.propose_genesis().unwrap();
        entry.sign(&key(seed + 1)).unwrap();
        Keyring::found(entry.verify().unwrap()).unwrap()
    }

    fn join(seed: u8, to: u8) -> Join {
        let ring = hoster(seed);
        let node = invitation::claim(ring.listing(), ring.head_hash(), key(seed).public(), &[]);
        Join { node, nonce: [9; 16], to: key(to).public() }
    }

    fn genuine(me: PublicKey, ours: &Keyring, from: PublicKey, body: &[u8]) -> Option<Keyring> {
        let (join, entries) = signed(me, from, body)?;
        borne_out(&join, &entries, ours)
    }

    #[tokio::test]
    async fn who_has_no_invitation_does_not_make_us_check_a_keyring() {
        let store = essaim_store::Store::in_memory();
        let domains = essaim_accounts::LocalDomains::new("a.test".parse().unwrap(), []);
        let accounts = essaim_accounts::Accounts::open(
            store.clone(),
            Default::default(),
            domains,
            Some(essaim_types::ListingId::from_bytes([1; 32])),
        )
        .await
        .unwrap();
        let journal = || accounts.journal(essaim_accounts::Actor::Node);
        let rows = Rows { store, hoster: accounts.hoster() };
        let (a, b) = (key(10).public(), key(20).public());
        let join = Signed::sign(&join(10, 20), &key(10)).unwrap();
        // Nobody could read this as a keyring: if it were looked at, the answer would be another one.
        let body = cbor::encode(&Body { join: join.to_wire(), keyring: vec![EntryWire(vec![7; 1000])] });
        let outcome = admit(&rows, b, &hoster(20), a, &body, journal(), Timestamp(0)).await;
        assert_eq!(outcome.map(|_| ()), Err(Refusal::Unknown));
        let outcome = admit(&rows, a, &hoster(10), a, &body, journal(), Timestamp(0)).await;
        assert_eq!(outcome.map(|_| ()), Err(Refusal::NotGenuine), "for another node, whatever the nonce");
    }

    #[test]
    fn a_request_counts_for_the_node_it_is_for_and_from_the_node_that_signed() {
        let body = request(&join(10, 20), &key(10), &hoster(10)).unwrap();
        let (a, b, c) = (key(10).public(), key(20).public(), key(30).public());
        assert!(genuine(b, &hoster(20), a, &body).is_some());
        assert!(genuine(c, &hoster(30), a, &body).is_none(), "passed on to another node");
        assert!(genuine(b, &hoster(20), c, &body).is_none(), "shown by another node");
        let stolen = request(&join(10, 20), &key(30), &hoster(10)).unwrap();
        assert!(genuine(b, &hoster(20), c, &stolen).is_none(), "in the name of another hoster");
        let borrowed = request(&join(10, 20), &key(10), &hoster(30)).unwrap();
        assert!(genuine(b, &hoster(20), a, &borrowed).is_none(), "with another keyring");
        assert!(
            genuine(a, &hoster(10), a, &request(&join(10, 10), &key(10), &hoster(10)).unwrap()).is_none()
        );
    }

    #[test]
    fn what_cannot_be_read_is_not_genuine() {
        let (a, b) = (key(10).public(), key(20).public());
        let body = request(&join(10, 20), &key(10), &hoster(10)).unwrap();
        for cut in 0..body.len() {
            assert!(genuine(b, &hoster(20), a, &body[..cut]).is_none());
        }
    }

    #[test]
    fn an_answer_is_a_keyring_that_bears_out_the_invitation_or_a_sentence() {
        let claim = join(20, 10).node;
        let refused = answer(&Err(Refusal::Used), &hoster(20));
        assert!(read_answer(&refused, &claim).unwrap_err().message.contains("already used"));
        let admitted = Admitted {
            key: key(10).public(),
            peer: PeerRecord {
                listing: hoster(10).listing(),
                addresses: Vec::new(),
                since: Timestamp(0),
                by: Introduction::WeInvited,
            },
            keyring: hoster(10),
        };
        let welcome = answer(&Ok(admitted), &hoster(20));
        assert_eq!(read_answer(&welcome, &claim).unwrap(), hoster(20));
        let forged = join(30, 10).node;
        assert!(read_answer(&welcome, &forged).unwrap_err().message.contains("forged"));
        assert!(read_answer(b"", &claim).unwrap_err().message.contains("cannot be read"));
    }
}
