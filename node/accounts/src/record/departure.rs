//! `MOVE` objects of the hoster's account whose key is `t` and an account's id: where an account lives that has moved away.

use essaim_types::{AccountId, Address, Domain, ListingId, ObjectKind, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Record, id};

/// What the old hoster knows of an account that has moved away. It stays when the copy of the account is deleted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departure {
    /// The hoster where it lives now.
    #[serde(with = "id::listing")]
    pub listing: ListingId,
    /// That hoster's domain, or its listing if it shows none.
    pub to: String,
    /// The member's address there; `None` until that hoster has said that it serves the account.
    pub address: Option<Address>,
    /// The personal addresses that the account had here, the primary one first. Nobody else gets them.
    pub addresses: Vec<Address>,
    /// When it moved.
    pub moved: Timestamp,
    /// Until when mail clients and mail that come here are led on (`accounts.lead_on`).
    pub until: Timestamp,
}

impl Record for Departure {
    const OBJECT: ObjectKind = ObjectKind::MOVE;
    const KIND: &'static str = "departure";
    const VERSION: u8 = 1;
}

impl Departure {
    /// Whether mail clients and mail are still led on.
    pub fn leads_on(&self, now: Timestamp) -> bool {
        now < self.until
    }

    /// Where mail for it goes. A hoster that shows no domain has its listing's id in its place, which no DNS knows.
    pub fn home_domain(&self) -> Domain {
        let listing =
            || Domain::new(&self.listing.to_string()).expect("an id is letters and digits, fewer than 64");
        Domain::new(&self.to).unwrap_or_else(|_| listing())
    }

    /// Longer than the key of a move itself, and with another first byte than anything else of its length.
    pub(crate) fn key(account: AccountId) -> Vec<u8> {
        [b"t".as_slice(), account.as_bytes()].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_version_1_never_change() {
        let record = Departure {
            listing: ListingId::from_bytes([7; 32]),
            to: "b.test".to_owned(),
            address: Some("ann@b.test".parse().unwrap()),
            addresses: vec!["ann@a.test".parse().unwrap()],
            moved: Timestamp(1),
            until: Timestamp(1000),
        };
        let bytes = [&[1][..], &[7; 32], b"\x06b.test\x01\x0aann@b.test\x01\x0aann@a.test", &[2, 0xd0, 0x0f]]
            .concat();
        assert_eq!(record.encode().value, bytes);
        assert_eq!(Departure::decode(&bytes), Ok(record));
    }
}
