//! Addresses that an account had at hosters where it lived before: in the account itself, with which they move on, and in the hoster's, where
//! they are looked up.

use essaim_types::{AccountId, Address, ListingId, ObjectKind, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Record, RecordError, id};

/// A `FORMER_ADDRESS` object of the member's account. Key: that of a `FORMER` object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormerAddress {
    /// The address, as it was written there.
    pub address: Address,
    /// The hoster that gave it.
    #[serde(with = "id::listing")]
    pub listing: ListingId,
    /// When the account left that hoster.
    pub since: Timestamp,
}

/// A `FORMER` object of the hoster's account: whose an address was. By address and listing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Former {
    #[serde(with = "id::account")]
    pub(crate) account: AccountId,
    pub(crate) since: Timestamp,
    pub(crate) word: Word,
}

/// Who says that an account had an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Word {
    /// The hoster of the address: it gave the account to us itself.
    Hosters,
    /// The account, which came from somebody else: anybody can have written that into it. It counts for what the hoster of the address sends here.
    Accounts,
    /// Two accounts say so, and the hoster of neither: it counts for nothing.
    Disputed,
}

impl Record for FormerAddress {
    const OBJECT: ObjectKind = ObjectKind::FORMER_ADDRESS;
    const KIND: &'static str = "former address";
    const VERSION: u8 = 1;
}

impl Record for Former {
    const OBJECT: ObjectKind = ObjectKind::FORMER;
    const KIND: &'static str = "former";
    const VERSION: u8 = 1;
}

impl Former {
    /// The address as it is compared, a zero byte, which no address has, and the listing.
    pub(crate) fn key(address: &Address, listing: ListingId) -> Vec<u8> {
        [&*Self::prefix(address, 0), listing.as_bytes()].concat()
    }

    /// The keys of an address, whatever the listing: from here, up to there.
    pub(crate) fn keys_of(address: &Address) -> (Vec<u8>, Vec<u8>) {
        (Self::prefix(address, 0), Self::prefix(address, 1))
    }

    pub(crate) fn listing_of(key: &[u8]) -> Result<ListingId, RecordError> {
        let listing = key.last_chunk().ok_or(RecordError::Damaged { kind: Self::KIND })?;
        Ok(ListingId::from_bytes(*listing))
    }

    fn prefix(address: &Address, end: u8) -> Vec<u8> {
        // Another hoster's configuration is not known here: both spellings of its domain (RFC 5890) are one.
        let domain = address.domain().to_ascii().unwrap_or_else(|| address.domain().clone());
        let address = Address::new(address.local().clone(), domain);
        [address.key().as_bytes(), &[end]].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_version_1_never_change() {
        let (address, listing): (Address, _) =
            ("Ann@a.test".parse().unwrap(), ListingId::from_bytes([7; 32]));
        let record = FormerAddress { address: address.clone(), listing, since: Timestamp(1) };
        let bytes = [&b"\x01\x0aAnn@a.test"[..], &[7; 32], &[2]].concat();
        assert_eq!(record.encode().value, bytes);
        assert_eq!(FormerAddress::decode(&bytes), Ok(record));
        let (account, word) = (AccountId::from_bytes([8; 32]), Word::Accounts);
        let record = Former { account, since: Timestamp(1), word };
        let bytes = [&[1][..], &[8; 32], &[2, 1]].concat();
        assert_eq!(record.encode().value, bytes);
        assert_eq!(Former::decode(&bytes), Ok(record));
        assert_eq!(Former::key(&address, listing), [&b"ann@a.test\0"[..], &[7; 32]].concat());
    }
}
