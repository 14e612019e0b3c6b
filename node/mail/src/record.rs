//! What the store keeps for mailboxes and messages: versioned values and the order of their keys. See specs/06-mail.md.

use std::num::NonZeroU32;
use std::ops::Bound;

use essaim_store::Put;
use essaim_types::{BlobId, ByteSize, MailboxId, Timestamp, Uid, UidValidity};
use serde::{Deserialize, Serialize};

/// A stored value that this program cannot read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Written by a later version.
    #[error(
        "a {kind} record has version {version}, which this version of essaim does not know: run the newer one"
    )]
    Newer { kind: &'static str, version: u8 },
    /// The bytes are not such a record. `essaim store verify` says more.
    #[error("a {kind} record is damaged: run `essaim store verify`")]
    Damaged { kind: &'static str },
}

/// A mailbox: an object of kind `MAILBOX`, its key the id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mailbox {
    /// The whole path in UTF-8, levels separated by `/`; `INBOX` in capitals.
    pub name: String,
    /// RFC 9051 section 2.3.1.1.
    pub uid_validity: UidValidity,
    /// The UID that the next message gets; `None` once all are used.
    pub uid_next: Option<Uid>,
    /// RFC 6154: what the mailbox is for.
    pub special_use: Option<SpecialUse>,
    /// Whether LSUB shows it.
    pub subscribed: bool,
}

/// The numbers that new mailboxes get: the object of kind `MAILBOX` with the empty key. So no id and no UIDVALIDITY is given twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailboxNumbers {
    /// The id of the next mailbox.
    pub next_id: MailboxId,
    /// The least UIDVALIDITY that the next mailbox may get.
    pub next_uid_validity: UidValidity,
}

/// RFC 6154 section 2.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SpecialUse {
    Archive,
    Drafts,
    Flagged,
    Junk,
    Sent,
    Trash,
}

/// A message in a mailbox: an object of kind `MESSAGE`, its key the mailbox and the UID. It never changes; its flags and its
/// MODSEQ stand in a [`crate::mailbox::Block`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// RFC 9051 section 2.3.3.
    pub internal_date: Timestamp,
    /// RFC 8514: when the message came into this mailbox.
    pub saved: Timestamp,
    /// RFC822.SIZE: bytes of the message as it is stored.
    pub size: ByteSize,
}

/// RFC 9051 section 2.3.2, one bit each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SystemFlags(pub u8);

impl SystemFlags {
    pub const SEEN: Self = Self(1);
    pub const ANSWERED: Self = Self(2);
    pub const FLAGGED: Self = Self(4);
    pub const DELETED: Self = Self(8);
    pub const DRAFT: Self = Self(16);

    /// Every system flag, in the order in which they are shown.
    pub const ALL: [Self; 5] = [Self::ANSWERED, Self::FLAGGED, Self::DELETED, Self::SEEN, Self::DRAFT];

    /// Whether all of `other` are set.
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These and `other`.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// These, but for `other`.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl Mailbox {
    /// Reads a stored mailbox.
    pub fn decode(value: &[u8]) -> Result<Self, RecordError> {
        decode("mailbox", value)
    }

    /// As it is stored.
    pub fn encode(&self) -> Put {
        Put { charge: ByteSize(0), blobs: Vec::new(), value: encode(self) }
    }
}

/// The mailbox that is made first in every account: delivery need not look for it.
pub const INBOX_ID: MailboxId = MailboxId(1);

impl Default for MailboxNumbers {
    fn default() -> Self {
        Self { next_id: INBOX_ID, next_uid_validity: UidValidity(NonZeroU32::MIN) }
    }
}

impl MailboxNumbers {
    /// Reads the stored numbers.
    pub fn decode(value: &[u8]) -> Result<Self, RecordError> {
        decode("mailbox numbers", value)
    }

    /// As they are stored.
    pub fn encode(&self) -> Put {
        Put { charge: ByteSize(0), blobs: Vec::new(), value: encode(self) }
    }
}

impl Message {
    /// Reads a stored message.
    pub fn decode(value: &[u8]) -> Result<Self, RecordError> {
        decode("message", value)
    }

    /// As it is stored, with the blobs that are its bytes.
    pub fn encode(&self, blobs: Vec<BlobId>) -> Put {
        Put { charge: self.size, blobs, value: encode(self) }
    }
}

/// The key of a mailbox.
pub fn mailbox_key(id: MailboxId) -> [u8; 4] {
    id.0.to_be_bytes()
}

/// The mailbox that a key names.
pub fn mailbox_of_key(key: &[u8]) -> Result<MailboxId, RecordError> {
    let bytes = key.try_into().map_err(|_| RecordError::Damaged { kind: "mailbox" })?;
    Ok(MailboxId(u32::from_be_bytes(bytes)))
}

/// The key of a message: all of a mailbox stand together, by UID.
pub fn message_key(mailbox: MailboxId, uid: Uid) -> [u8; 8] {
    pair_key(mailbox, uid.value())
}

/// The mailbox and UID that a key names.
pub fn message_of_key(key: &[u8]) -> Result<(MailboxId, Uid), RecordError> {
    let parts = split_pair_key(key).and_then(|(mailbox, uid)| Some((mailbox, Uid::new(uid)?)));
    parts.ok_or(RecordError::Damaged { kind: "message" })
}

/// The keys of the messages of one mailbox with UIDs from `first` to `last`, both included.
pub fn message_range(mailbox: MailboxId, first: u32, last: u32) -> (Bound<[u8; 8]>, Bound<[u8; 8]>) {
    (Bound::Included(pair_key(mailbox, first)), Bound::Included(pair_key(mailbox, last)))
}

/// The key of something in a mailbox that has a number.
pub(crate) fn pair_key(mailbox: MailboxId, number: u32) -> [u8; 8] {
    ((u64::from(mailbox.0) << 32) | u64::from(number)).to_be_bytes()
}

/// The mailbox and the number in what [`pair_key`] made; `None` if it is no such key.
pub(crate) fn split_pair_key(key: &[u8]) -> Option<(MailboxId, u32)> {
    let (mailbox, number) = key.split_at_checked(4)?;
    Some((
        MailboxId(u32::from_be_bytes(mailbox.try_into().ok()?)),
        u32::from_be_bytes(number.try_into().ok()?),
    ))
}

const VERSION: u8 = 1;

pub(crate) fn encode<T: Serialize>(record: &T) -> Vec<u8> {
    postcard::to_extend(record, vec![VERSION]).expect("a record of numbers and text always encodes")
}

pub(crate) fn decode<'de, T: Deserialize<'de>>(
    kind: &'static str,
    value: &'de [u8],
) -> Result<T, RecordError> {
    match value.split_first() {
        Some((&VERSION, body)) => postcard::from_bytes(body).map_err(|_| RecordError::Damaged { kind }),
        Some((&version, _)) if version > VERSION => Err(RecordError::Newer { kind, version }),
        _ => Err(RecordError::Damaged { kind }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_read_back_as_written() {
        let message = Message {
            internal_date: Timestamp(-1),
            saved: Timestamp(1_700_000_000_000),
            size: ByteSize(10_240),
        };
        assert_eq!(Message::decode(&message.encode(Vec::new()).value), Ok(message));
    }

    #[test]
    fn a_newer_record_is_named_and_a_damaged_one_too() {
        assert_eq!(Mailbox::decode(&[9, 1]), Err(RecordError::Newer { kind: "mailbox", version: 9 }));
        assert_eq!(Mailbox::decode(&[]), Err(RecordError::Damaged { kind: "mailbox" }));
        assert_eq!(Message::decode(&[1, 0xff]), Err(RecordError::Damaged { kind: "message" }));
    }

    #[test]
    fn messages_stand_in_the_order_of_their_uids() {
        let key = |mailbox, uid| message_key(MailboxId(mailbox), Uid::new(uid).unwrap());
        assert!(key(1, 255) < key(1, 256) && key(1, u32::MAX) < key(2, 1));
        assert_eq!(message_of_key(&key(7, 9)), Ok((MailboxId(7), Uid::new(9).unwrap())));
    }
}
