//! `RELOCATION` objects of the hoster's account: where an address of another hoster lives now, by the address.

use essaim_identity::RecordHash;
use essaim_identity::account::{Epoch, Highest, Seq};
use essaim_types::{AccountId, Address, Domain, ListingId, ObjectKind, Timestamp};
use serde::{Deserialize, Serialize};

use super::Record;

/// Where an address of another hoster lives now, as far as this node was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Relocation {
    /// Whose it is, by the word of the hoster that gave the address.
    pub account: AccountId,
    /// The hoster that the account's log names.
    pub home: ListingId,
    /// The domain that it had proven then.
    pub domain: Domain,
    /// The head of its log that was shown. An older one is not believed.
    pub seen: Highest,
    /// When mail was last taken there, to a day.
    pub since: Timestamp,
}

/// As it is stored.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Stored {
    account: [u8; 32],
    home: [u8; 32],
    domain: Domain,
    epoch: u32,
    seq: u64,
    head: [u8; 32],
    since: Timestamp,
}

impl Record for Stored {
    const OBJECT: ObjectKind = ObjectKind::RELOCATION;
    const KIND: &'static str = "relocation";
    const VERSION: u8 = 1;
}

impl Stored {
    pub(crate) fn of(relocation: &Relocation) -> Self {
        let Relocation { account, home, domain, seen, since } = relocation;
        Self {
            account: *account.as_bytes(),
            home: *home.as_bytes(),
            domain: domain.clone(),
            epoch: seen.epoch.0,
            seq: seen.seq.0,
            head: *seen.head.as_bytes(),
            since: *since,
        }
    }

    pub(crate) fn into_relocation(self) -> Relocation {
        Relocation {
            account: AccountId::from_bytes(self.account),
            home: ListingId::from_bytes(self.home),
            domain: self.domain,
            seen: Highest {
                epoch: Epoch(self.epoch),
                seq: Seq(self.seq),
                head: RecordHash::from_bytes(self.head),
            },
            since: self.since,
        }
    }
}

impl Relocation {
    /// The same for every `+detail`, and for both spellings of the domain.
    pub(crate) fn key(address: &Address) -> Vec<u8> {
        let address = address.without_detail().unwrap_or_else(|| address.clone());
        let domain = address.domain().to_ascii().unwrap_or_else(|| address.domain().clone());
        Address::new(address.local().clone(), domain).key().into_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bytes_of_version_1_never_change() {
        let relocation = Relocation {
            account: AccountId::from_bytes([1; 32]),
            home: ListingId::from_bytes([2; 32]),
            domain: "b.test".parse().unwrap(),
            seen: Highest { epoch: Epoch(1), seq: Seq(4), head: RecordHash::from_bytes([3; 32]) },
            since: Timestamp(1000),
        };
        let bytes =
            [&[1][..], &[1; 32], &[2; 32], &[6], b"b.test", &[1, 4], &[3; 32], &[0xd0, 0x0f]].concat();
        assert_eq!(Stored::of(&relocation).encode().value, bytes);
        assert_eq!(Stored::decode(&bytes).unwrap().into_relocation(), relocation);
    }

    #[test]
    fn one_address_has_one_key() {
        let key = |text: &str| Relocation::key(&text.parse().unwrap());
        assert_eq!(key("Al+x@b\u{fc}cher.test"), key("al@xn--bcher-kva.test"));
        assert_ne!(key("al@b.test"), key("all@b.test"));
    }
}
