//! Flags and keywords of a message: RFC 9051 section 2.3.2.

use std::fmt;
use std::hash::{Hash, Hasher};

/// A flag that a client can set. `\Recent` is not one: the server alone sets it, and rev2 has dropped it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Flag {
    /// `\Answered`
    Answered,
    /// `\Flagged`
    Flagged,
    /// `\Deleted`
    Deleted,
    /// `\Seen`
    Seen,
    /// `\Draft`
    Draft,
    /// Any word of the client's, such as `$Forwarded`.
    Keyword(Keyword),
}

impl Flag {
    /// The system flags, in the order in which FLAGS lists them.
    pub const SYSTEM: [Self; 5] = [Self::Answered, Self::Flagged, Self::Deleted, Self::Seen, Self::Draft];

    /// As it is written: `\Seen`, `$Forwarded`.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Answered => "\\Answered",
            Self::Flagged => "\\Flagged",
            Self::Deleted => "\\Deleted",
            Self::Seen => "\\Seen",
            Self::Draft => "\\Draft",
            Self::Keyword(keyword) => keyword.as_str(),
        }
    }
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A flag that is not a system flag: an atom of at most [`Keyword::LEN_MAX`] bytes. Two keywords that differ only in case are
/// equal; the spelling is kept.
#[derive(Clone)]
pub struct Keyword(Box<str>);

/// Text that is not an atom, or too long for a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a keyword: an atom of at most {} bytes", Keyword::LEN_MAX)]
pub struct InvalidKeyword;

impl Keyword {
    /// The longest keyword, in bytes.
    pub const LEN_MAX: usize = 255;

    /// As it was first written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn folded(&self) -> impl Iterator<Item = u8> {
        self.0.bytes().map(|byte| byte.to_ascii_lowercase())
    }
}

impl TryFrom<&str> for Keyword {
    type Error = InvalidKeyword;
    fn try_from(text: &str) -> Result<Self, InvalidKeyword> {
        let fits = (1..=Self::LEN_MAX).contains(&text.len()) && text.bytes().all(is_atom_char);
        fits.then(|| Self(text.into())).ok_or(InvalidKeyword)
    }
}

impl PartialEq for Keyword {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for Keyword {}

impl Hash for Keyword {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.folded().for_each(|byte| byte.hash(state));
    }
}

impl Ord for Keyword {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.folded().cmp(other.folded())
    }
}

impl PartialOrd for Keyword {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for Keyword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// RFC 9051 section 9, ATOM-CHAR: any printable ASCII but `atom-specials`.
pub(crate) fn is_atom_char(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'(' | b')' | b'{' | b'%' | b'*' | b'"' | b'\\' | b']')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keywords_ignore_case_and_keep_it() {
        let keyword = Keyword::try_from("$MDNSent").unwrap();
        assert_eq!(keyword, Keyword::try_from("$mdnsent").unwrap());
        assert_eq!(keyword.as_str(), "$MDNSent");
        for bad in ["", "a b", "\\Seen", "a]", "é", "a(", &"x".repeat(256)] {
            assert_eq!(Keyword::try_from(bad), Err(InvalidKeyword), "{bad}");
        }
    }
}
