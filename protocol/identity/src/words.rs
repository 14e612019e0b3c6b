//! The hoster's root secret on paper: 24 words of the English list of BIP 39.
//!
//! The words are the 32 bytes of the secret and a checksum of 8 bits. There is no passphrase and no stretching: the secret
//! is random, and what is made from it is derived by name.

use std::fmt;

use bip39::{Language, Mnemonic};
use zeroize::{Zeroize, Zeroizing};

use crate::key::SigningKey;

/// 32 random bytes from which a root key is derived. Wiped when dropped; `Debug` prints nothing.
pub struct RootSecret(Zeroizing<[u8; 32]>);

/// Why words are not a root secret. None of the words is repeated here: errors are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WordsError {
    /// Not 24 words.
    #[error("{found} words; there must be {WORDS}")]
    Count {
        /// How many there are.
        found: usize,
    },
    /// A word that is not in the list.
    #[error("word {position} is not one of the list; look at its spelling on the paper")]
    Unknown {
        /// Which, counted from 1; the first, if several are unknown.
        position: usize,
    },
    /// Each word is in the list, but together they are not what was printed.
    #[error(
        "all {WORDS} words are in the list, but one of them is not the right one or two are in each other's place"
    )]
    Checksum,
    /// Far longer than 24 words can be.
    #[error("{len} bytes are too long for {WORDS} words")]
    TooLong {
        /// In bytes.
        len: usize,
    },
}

impl RootSecret {
    /// A secret from 32 bytes of a cryptographic random source.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// The secret of these words, in any case, with any white space between them.
    ///
    /// # Errors
    /// Which of the things that can be wrong with words is.
    pub fn from_words(text: &str) -> Result<Self, WordsError> {
        if text.len() > TEXT_BYTES_MAX {
            return Err(WordsError::TooLong { len: text.len() });
        }
        let lower = Zeroizing::new(text.to_ascii_lowercase());
        let found = lower.split_whitespace().count();
        if found != WORDS {
            return Err(WordsError::Count { found });
        }
        let mut mnemonic =
            Mnemonic::parse_in_normalized(Language::English, &lower).map_err(|error| match error {
                bip39::Error::UnknownWord(index) => WordsError::Unknown { position: index + 1 },
                bip39::Error::BadWordCount(found) => WordsError::Count { found },
                bip39::Error::BadEntropyBitCount(_)
                | bip39::Error::InvalidChecksum
                | bip39::Error::AmbiguousLanguages(_) => WordsError::Checksum,
            })?;
        let entropy = Zeroizing::new(mnemonic.to_entropy());
        mnemonic.zeroize();
        let bytes = entropy.as_slice().try_into().map_err(|_| WordsError::Count { found })?;
        Ok(Self::from_bytes(bytes))
    }

    /// The 24 words, separated by single spaces.
    pub fn to_words(&self) -> Zeroizing<String> {
        let mut mnemonic = Mnemonic::from_entropy_in(Language::English, &*self.0)
            .expect("32 bytes are a length that BIP 39 has words for");
        let mut words = Zeroizing::new(String::with_capacity(TEXT_BYTES_MAX));
        for word in mnemonic.words() {
            if !words.is_empty() {
                words.push(' ');
            }
            words.push_str(word);
        }
        mnemonic.zeroize();
        words
    }

    /// The root key of this secret. Other keys made from the same paper will have other names.
    pub fn signing_key(&self) -> SigningKey {
        self.derive(ROOT_KEY_CONTEXT)
    }

    /// The key of this name. Two contexts give keys that know nothing of each other.
    pub(crate) fn derive(&self, context: &str) -> SigningKey {
        let seed = Zeroizing::new(blake3::derive_key(context, &*self.0));
        SigningKey::from_seed(&seed)
    }
}

impl fmt::Debug for RootSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RootSecret(..)")
    }
}

/// How many words a root secret has.
pub const WORDS: usize = 24;
/// More than any 24 words of at most 8 letters, with room for line breaks and numbers of spaces.
const TEXT_BYTES_MAX: usize = 1024;
/// The context of BLAKE3's key derivation. Never changed: the paper outlives the program.
const ROOT_KEY_CONTEXT: &str = "essaim 2026 hoster root key 1";

#[cfg(test)]
mod tests {
    use super::*;

    // The vector of the reference implementation (trezor/python-mnemonic, vectors.json) for 32 bytes of 0x7f.
    const WORDS_7F: &str = "legal winner thank year wave sausage worth useful legal winner thank year wave sausage \
                            worth useful legal winner thank year wave sausage worth title";

    #[test]
    fn words_are_those_of_bip39() {
        let secret = RootSecret::from_bytes(&[0x7f; 32]);
        assert_eq!(*secret.to_words(), WORDS_7F);
        assert_eq!(*RootSecret::from_words(WORDS_7F).unwrap().0, [0x7f; 32]);
    }

    #[test]
    fn words_are_read_as_people_type_them() {
        let typed = format!("  {}\n", WORDS_7F.to_uppercase().replace(" winner", "\n\twinner"));
        assert_eq!(*RootSecret::from_words(&typed).unwrap().0, [0x7f; 32]);
    }

    #[test]
    fn what_is_wrong_with_words_is_said() {
        let refused = |text: &str| RootSecret::from_words(text).unwrap_err();
        assert_eq!(refused(""), WordsError::Count { found: 0 });
        assert_eq!(refused("legal winner thank"), WordsError::Count { found: 3 });
        assert_eq!(refused(&format!("{WORDS_7F} title")), WordsError::Count { found: 25 });
        assert_eq!(
            refused(&WORDS_7F.replacen("sausage", "saucisse", 1)),
            WordsError::Unknown { position: 6 }
        );
        assert_eq!(refused(&WORDS_7F.replace("title", "tîtle")), WordsError::Unknown { position: 24 });
        assert_eq!(refused(&WORDS_7F.replace("title", "winner")), WordsError::Checksum);
        assert_eq!(refused(&WORDS_7F.replacen("legal winner", "winner legal", 1)), WordsError::Checksum);
        assert_eq!(refused(&"a".repeat(1025)), WordsError::TooLong { len: 1025 });
    }

    #[test]
    fn an_error_repeats_no_word() {
        let error = RootSecret::from_words(&WORDS_7F.replacen("winner", "wynner", 1)).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("wynner"));
        assert_eq!(format!("{:?}", RootSecret::from_bytes(&[3; 32])), "RootSecret(..)");
    }
}
