//! The order of the queue on disk: by destination, then by who sends, then by when it is due.
//!
//! So the next thing to do for a destination and a member is the first key of a range, however long the queue is: the sender keeps
//! one number for each such *lane* in memory and reads the rest when its time comes.

use std::fmt;
use std::str::FromStr;

use essaim_types::{AccountId, Domain, Lsn, Timestamp};

use crate::record::RecordError;

/// One entry of the queue, as people name it: `4711-0`. Never given twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueId {
    /// The change of the hoster's log that queued the message. All parts of a message have it in common.
    pub lsn: Lsn,
    /// A message to several destinations, or to very many recipients, is several entries.
    pub part: u16,
}

/// Mail of one account for one destination. Its entries are sent one after another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane {
    /// The domain of the recipients.
    pub domain: Domain,
    /// Who sent it; the hoster itself for what the node writes.
    pub account: AccountId,
}

/// Where an entry stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct QueueKey {
    pub lane: Lane,
    /// When it is to be tried.
    pub due: Timestamp,
    pub id: QueueId,
}

impl Lane {
    /// What all keys of this lane begin with.
    pub(super) fn prefix(&self) -> Vec<u8> {
        let mut key = Vec::with_capacity(self.domain.as_str().len() + 1 + AccountId::LEN + TAIL_LEN);
        key.extend_from_slice(self.domain.as_str().as_bytes());
        key.push(0); // no domain holds a NUL
        key.extend_from_slice(self.account.as_bytes());
        key
    }

    /// Greater than every key of this lane, and smaller than those of the next.
    pub(super) fn end(&self) -> Vec<u8> {
        let mut key = self.prefix();
        key.extend_from_slice(&[0xff; TAIL_LEN + 1]);
        key
    }
}

impl QueueKey {
    /// As it is stored.
    pub fn encode(&self) -> Vec<u8> {
        let mut key = self.lane.prefix();
        // The sign bit is flipped so that bytes sort as times do.
        key.extend_from_slice(&(self.due.0 ^ i64::MIN).to_be_bytes());
        key.extend_from_slice(&self.id.lsn.0.to_be_bytes());
        key.extend_from_slice(&self.id.part.to_be_bytes());
        key
    }

    /// Reads a stored key.
    pub fn decode(key: &[u8]) -> Result<Self, RecordError> {
        parse(key).ok_or(RecordError::Damaged { kind: "queue" })
    }
}

fn parse(key: &[u8]) -> Option<QueueKey> {
    let end = key.iter().position(|byte| *byte == 0)?;
    let (domain, rest) = key.split_at_checked(end)?;
    let (account, rest) = rest.get(1..)?.split_first_chunk::<{ AccountId::LEN }>()?;
    let (due, rest) = rest.split_first_chunk()?;
    let (lsn, part) = rest.split_first_chunk()?;
    let domain = Domain::new(std::str::from_utf8(domain).ok()?).ok()?;
    let id = QueueId { lsn: Lsn(u64::from_be_bytes(*lsn)), part: u16::from_be_bytes(part.try_into().ok()?) };
    let due = Timestamp(i64::from_be_bytes(*due) ^ i64::MIN);
    Some(QueueKey { lane: Lane { domain, account: AccountId::from_bytes(*account) }, due, id })
}

impl fmt::Display for QueueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.lsn, self.part)
    }
}

/// Text that is not the id of an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not an entry of the queue; `essaim queue list` shows their ids, for example 4711-0")]
pub struct ParseQueueIdError(String);

impl FromStr for QueueId {
    type Err = ParseQueueIdError;
    fn from_str(text: &str) -> Result<Self, ParseQueueIdError> {
        let parts = text.split_once('-').and_then(|(lsn, part)| lsn.parse().ok().zip(part.parse().ok()));
        parts
            .map(|(lsn, part)| Self { lsn: Lsn(lsn), part })
            .ok_or_else(|| ParseQueueIdError(text.to_owned()))
    }
}

/// Due, LSN, part.
const TAIL_LEN: usize = 8 + 8 + 2;

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(in crate::queue) fn key(domain: &str, account: u8, due: i64, lsn: u64) -> QueueKey {
        let lane =
            Lane { domain: Domain::new(domain).unwrap(), account: AccountId::from_bytes([account; 32]) };
        QueueKey { lane, due: Timestamp(due), id: QueueId { lsn: Lsn(lsn), part: 0 } }
    }

    proptest! {
        #[test]
        fn keys_read_back_and_stand_in_order(
            domains in prop::array::uniform2(prop::sample::select(vec!["a.test", "a.tes", "b", "é.test", "[192.0.2.1]"])),
            accounts in any::<[u8; 2]>(), dues in any::<[i64; 2]>(), lsns in any::<[u64; 2]>(),
        ) {
            let [a, b] = [0, 1].map(|i| key(domains[i], accounts[i], dues[i], lsns[i]));
            prop_assert_eq!(QueueKey::decode(&a.encode()).unwrap(), a.clone());
            prop_assert_eq!(a.encode().cmp(&b.encode()), a.cmp(&b));
            let within = a.encode().starts_with(&b.lane.prefix()) && a.encode() < b.lane.end();
            prop_assert_eq!(within, a.lane == b.lane);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(key) = QueueKey::decode(&bytes) {
                prop_assert_eq!(QueueKey::decode(&key.encode()).unwrap(), key);
            }
        }
    }

    #[test]
    fn ids_are_read_as_they_are_shown() {
        let id = QueueId { lsn: Lsn(4711), part: 3 };
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "4711", "-", "4711-", "x-1", "4711-70000", "4711-0-0"] {
            assert!(text.parse::<QueueId>().is_err(), "{text}");
        }
    }
}
