//! What hosters hand over once and again because one of them has stopped between the 250 and writing it down: taken once.

use essaim_smtp::EntryName;
use essaim_store::{Put, Tx, TxError};
use essaim_types::{AccountId, Address, ByteSize, ListingId, ObjectKind};

/// Who hands a message over, and what they call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Once {
    /// Whose node it is.
    pub hoster: ListingId,
    /// The same at each attempt.
    pub name: EntryName,
}

/// Somebody who gets a message.
#[derive(Debug, Clone, Copy)]
pub(super) enum Getter<'a> {
    Account(AccountId),
    Address(&'a Address),
}

impl Once {
    /// Whether this one has not got the message yet; in the transaction in which they get it.
    ///
    /// Each hoster has [`PLACES`] places, and a newer name takes the place of an older one. What is handed over twice comes again within the messages
    /// that were under way when the other side stopped, some dozens.
    pub(super) fn is_new(
        &self,
        tx: &mut Tx<'_>,
        hoster: AccountId,
        getter: Getter<'_>,
    ) -> Result<bool, TxError> {
        let name = self.name_for(getter);
        let [high, low, ..] = *name.as_bytes();
        let place = u16::from_be_bytes([high, low]) % PLACES;
        let key = [self.hoster.as_bytes().as_slice(), &place.to_be_bytes()].concat();
        let value = [&[VERSION], name.as_bytes().as_slice()].concat();
        let there = tx.get(hoster, ObjectKind::TAKEN, &key)?;
        if there.is_some_and(|object| *object.value == *value) {
            return Ok(false);
        }
        tx.put(hoster, ObjectKind::TAKEN, &key, Put { charge: ByteSize(0), blobs: Vec::new(), value })?;
        Ok(true)
    }

    fn name_for(&self, getter: Getter<'_>) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        hasher.update(&self.name.0.to_be_bytes());
        match getter {
            Getter::Account(account) => hasher.update(b"account").update(account.as_bytes()),
            Getter::Address(address) => hasher.update(b"address").update(address.key().as_bytes()),
        };
        hasher.finalize()
    }
}

/// Names that are remembered of each hoster.
const PLACES: u16 = 4096;
const VERSION: u8 = 1;
const CONTEXT: &str = "essaim 2026 message taken over 1";
