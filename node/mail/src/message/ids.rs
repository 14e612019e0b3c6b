//! Message ids, hashed: what THREAD and JMAP join messages by (RFC 5256, RFC 8621 section 3).

use serde::{Deserialize, Serialize};

use super::value::message_ids;

/// A message id in eight bytes. Equal ids have equal hashes; two ids in a mailbox of millions have different ones, unless
/// their sender took great pains to have his own mail threaded wrongly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IdHash(pub [u8; 8]);

impl IdHash {
    /// Of an id without its angle brackets.
    pub fn of(id: &str) -> Self {
        let hash = blake3::hash(id.as_bytes());
        Self(hash.as_bytes().first_chunk().copied().unwrap_or_default())
    }
}

/// Which message this is and which it answers.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct ThreadIds {
    /// Message-ID
    pub message_id: Option<IdHash>,
    /// In-Reply-To
    pub in_reply_to: Vec<IdHash>,
    /// References, oldest first. Of more than [`REFERENCES_MAX`] the oldest and the latest.
    pub references: Vec<IdHash>,
}

/// From the value of a field.
pub(super) fn hashes(value: &[u8]) -> Vec<IdHash> {
    let mut hashes: Vec<_> = message_ids(value).iter().map(|id| IdHash::of(id)).collect();
    if let Some(surplus) = hashes.len().checked_sub(REFERENCES_MAX) {
        // The root keeps a thread together, the last ones tell the place in it.
        hashes.drain(1..=surplus);
    }
    hashes
}

/// More are not kept of one field.
pub const REFERENCES_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_references_the_first_and_the_last_are_kept() {
        let value: String = (0..1000).map(|n| format!("<{n}@x>\r\n ")).collect();
        let hashes = hashes(value.as_bytes());
        assert_eq!(hashes.len(), REFERENCES_MAX);
        assert_eq!(hashes.first(), Some(&IdHash::of("0@x")));
        assert_eq!(hashes.last(), Some(&IdHash::of("999@x")));
        assert_eq!(hashes.get(1), Some(&IdHash::of("937@x")));
    }
}
