//! The member's kit: 24 words on paper, and the two keys that are made from them.

use std::fmt;

use super::values::RecoveryHash;
use crate::key::SigningKey;
use crate::words::{RootSecret, WordsError};

/// 32 random bytes as 24 words. Two keys come from them, which know nothing of each other: an ordinary move shows the member
/// key and never the recovery key. Wiped when dropped; `Debug` prints nothing.
pub struct Kit(RootSecret);

impl Kit {
    /// A kit from 32 bytes of a cryptographic random source. Each kit is new: the words of a recovery are not made from the
    /// words before, or a thief of those would have these.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(RootSecret::from_bytes(bytes))
    }

    /// The kit of these words, in any case, with any white space between them.
    ///
    /// # Errors
    /// Which of the things that can be wrong with words is.
    pub fn from_words(text: &str) -> Result<Self, WordsError> {
        RootSecret::from_words(text).map(Self)
    }

    /// The 24 words, separated by single spaces.
    pub fn to_words(&self) -> zeroize::Zeroizing<String> {
        self.0.to_words()
    }

    /// The recovery key: for another host when the present one is gone, and for other words.
    pub fn recovery_key(&self) -> SigningKey {
        self.0.derive(RECOVERY_CONTEXT)
    }

    /// The member key of the paper: for consent to a move.
    pub fn member_key(&self) -> SigningKey {
        self.0.derive(MEMBER_CONTEXT)
    }

    /// What the log says of the recovery key until it is used.
    pub fn next_recovery(&self) -> RecoveryHash {
        RecoveryHash::of(&self.recovery_key().public())
    }
}

impl fmt::Debug for Kit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Kit(..)")
    }
}

/// The contexts of BLAKE3's key derivation. Never changed: the paper outlives the program.
const RECOVERY_CONTEXT: &str = "essaim 2026 account recovery key 1";
const MEMBER_CONTEXT: &str = "essaim 2026 account member key 1";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_keys_of_a_paper_are_three() {
        let kit = Kit::from_bytes(&[7; 32]);
        let keys = [kit.recovery_key(), kit.member_key(), RootSecret::from_bytes(&[7; 32]).signing_key()]
            .map(|key| key.public());
        assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2]);
        assert_eq!(Kit::from_words(&kit.to_words()).unwrap().next_recovery(), RecoveryHash::of(&keys[0]));
        assert_eq!(format!("{kit:?}"), "Kit(..)");
    }
}
