//! The nodes that this one stays connected to, because their hosters and ours have chosen each other.

use essaim_identity::PublicKey;
use essaim_identity::cbor::Bounded;
use essaim_network::Address;
use essaim_types::{ListingId, ObjectKind, Timestamp};
use minicbor::{Decode, Encode};

use super::rows::{Rows, Write};
use crate::failure::Failure;

/// A node that this one stays connected to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Peer {
    pub(crate) key: PublicKey,
    pub(crate) said: PeerRecord,
}

/// What is kept of it, under its key.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(crate) struct PeerRecord {
    /// Its hoster.
    #[cbor(n(0), with = "essaim_identity::cbor::with::listing")]
    pub(crate) listing: ListingId,
    /// Where it was reached: multiaddrs.
    #[n(1)]
    pub(crate) addresses: Vec<String>,
    /// Since when.
    #[cbor(n(2), with = "essaim_identity::cbor::with::timestamp")]
    pub(crate) since: Timestamp,
    /// How we came together.
    #[n(3)]
    pub(crate) by: Introduction,
}

/// Who invited whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub(crate) enum Introduction {
    /// It took an invitation of ours.
    #[n(0)]
    WeInvited,
    /// We took one of its.
    #[n(1)]
    WeJoined,
}

impl PeerRecord {
    /// Where it is dialled.
    pub(crate) fn addresses(&self) -> Vec<Address> {
        self.addresses.iter().filter_map(|text| text.parse().ok()).collect()
    }

    /// Every address is of this machine, and there is one.
    pub(super) fn is_local(&self) -> bool {
        let addresses = self.addresses();
        !addresses.is_empty() && addresses.iter().all(super::address::is_loopback)
    }
}

impl Introduction {
    /// In answers of commands.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::WeInvited => "invited",
            Self::WeJoined => "joined",
        }
    }
}

impl Rows {
    /// All of them, by key.
    pub(super) fn peers(&self) -> Result<Vec<Peer>, Failure> {
        let records = self.records::<PeerRecord>(ObjectKind::PEER)?;
        let peer = |(key, said): (Vec<u8>, PeerRecord)| {
            let key = PublicKey::from_bytes(key.try_into().ok()?).ok()?;
            Some(Peer { key, said })
        };
        Ok(records.into_iter().filter_map(peer).collect())
    }
}

impl Write {
    pub(super) fn peer(key: &PublicKey, record: &PeerRecord) -> Self {
        Self::record(ObjectKind::PEER, key.as_bytes(), record)
    }

    pub(super) fn no_peer(key: &PublicKey) -> Self {
        Self::Delete(ObjectKind::PEER, key.as_bytes().to_vec())
    }
}

impl Bounded for PeerRecord {
    const BYTES_MAX: usize = 2048;
    const DEPTH_MAX: usize = 2;
}

/// As many as the network keeps connections with.
pub(super) const PEERS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use essaim_identity::cbor;

    use super::*;

    #[test]
    fn a_peer_reads_back_as_written() {
        let record = PeerRecord {
            listing: ListingId::from_bytes([7; 32]),
            addresses: vec!["/ip4/127.0.0.1/udp/4001/quic-v1".to_owned()],
            since: Timestamp(5),
            by: Introduction::WeJoined,
        };
        assert_eq!(cbor::decode::<PeerRecord>(&cbor::encode(&record)).unwrap(), record);
        assert!(record.is_local());
        let away = PeerRecord { addresses: vec!["/ip4/192.0.2.1/tcp/4001".to_owned()], ..record.clone() };
        assert!(!away.is_local());
        assert!(!PeerRecord { addresses: Vec::new(), ..record }.is_local());
    }
}
