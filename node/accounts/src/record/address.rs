//! `ADDRESS` objects of the hoster's account: whose an address is.

use essaim_types::{AccountId, Address, Domain, ObjectKind, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Record, id};

/// Whose an address is. Key: [`address_key`](AddressRecord::key) or [`catch_all_key`](AddressRecord::catch_all_key).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AddressRecord {
    pub(crate) usage: AddressUse,
    /// One if personal, else one or more, each once.
    #[serde(with = "id::list")]
    pub(crate) accounts: Vec<AccountId>,
    /// As the member writes it; `@domain` for a catch-all.
    pub(crate) written: String,
    pub(crate) since: Timestamp,
}

/// What an address is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AddressUse {
    /// One member's own: they log in with it, and it counts against `addresses_max`.
    Personal,
    /// One or more members get its mail and may send as it, for example `info@`.
    Shared,
    /// Everything at the domain that nobody else has.
    CatchAll,
}

impl Record for AddressRecord {
    const OBJECT: ObjectKind = ObjectKind::ADDRESS;
    const KIND: &'static str = "address";
    const VERSION: u8 = 1;
}

impl AddressRecord {
    /// The key of an address; the same for all ways to write it.
    pub(crate) fn key(address: &Address) -> Vec<u8> {
        address.key().into_bytes()
    }

    /// The key of a domain's catch-all. No address begins with an `@`: a local part is never empty.
    pub(crate) fn catch_all_key(domain: &Domain) -> Vec<u8> {
        format!("@{domain}").into_bytes()
    }

    pub(crate) fn personal(address: &Address, account: AccountId, since: Timestamp) -> Self {
        let written = address.to_string();
        Self { usage: AddressUse::Personal, accounts: vec![account], written, since }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_version_1_never_change() {
        let address: Address = "Ann@coop.test".parse().unwrap();
        let record = AddressRecord::personal(&address, AccountId::from_bytes([7; 32]), Timestamp(1000));
        let mut bytes = vec![1, 0, 1];
        bytes.extend([7; 32]);
        bytes.push(13);
        bytes.extend(b"Ann@coop.test");
        bytes.extend([0xd0, 0x0f]);
        assert_eq!(record.encode().value, bytes);
        assert_eq!(AddressRecord::decode(&bytes), Ok(record));
    }

    #[test]
    fn a_catch_all_and_an_address_have_different_keys() {
        let address: Address = "\"@b\"@b.test".parse().unwrap();
        assert_ne!(AddressRecord::key(&address), AddressRecord::catch_all_key(address.domain()));
        assert_eq!(AddressRecord::catch_all_key(address.domain()), b"@b.test");
    }
}
