//! The tag that ties an answer to its command.

use std::fmt;

use bytes::Bytes;

/// RFC 9051 section 2.2.1: what the client put before its command; the tagged answer repeats it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Tag(Bytes);

impl Tag {
    /// `None` unless these are 1 to 128 tag characters (RFC 9051 section 9: any ASTRING-CHAR except `+`).
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let fits = (1..=TAG_LEN_MAX).contains(&bytes.len()) && bytes.iter().all(|&b| is_tag_char(b));
        fits.then(|| Self(Bytes::copy_from_slice(bytes)))
    }

    /// As it was sent.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tag({self})")
    }
}

fn is_tag_char(byte: u8) -> bool {
    matches!(byte, b'!' | b'#'..=b'$' | b'&'..=b'\'' | b','..=b'[' | b']'..=b'z' | b'|'..=b'~')
}

/// Longer tags are refused: each is repeated in the answer.
const TAG_LEN_MAX: usize = 128;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_any_astring_but_plus() {
        for good in ["a", "A001", "]", ".", "a-b_c", "1", "~x", "$"] {
            assert!(Tag::new(good.as_bytes()).is_some(), "{good}");
        }
        for bad in ["", "a+b", "a b", "(", "a{", "a%", "*", "\"a\"", "a\\", "é", "a\0"] {
            assert!(Tag::new(bad.as_bytes()).is_none(), "{bad}");
        }
        assert!(Tag::new(&[b'a'; 129]).is_none());
    }
}
