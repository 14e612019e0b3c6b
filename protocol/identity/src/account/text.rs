//! Signed records as a text that people paste: a name, a colon, base64url. White space anywhere in it is skipped, because mail
//! programs and terminals break lines.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::cbor::CborError;

/// Why a text is not the record that it should be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// It does not begin with the name of such a text.
    #[error("this does not begin with {expected:?}: is it the right text, from its beginning?")]
    OtherText {
        /// What it begins with.
        expected: &'static str,
    },
    /// More characters than such a text has.
    #[error("more than {max} characters")]
    TooLong {
        /// The most.
        max: usize,
    },
    /// Not base64url, or the end is missing.
    #[error("the text is damaged: was it copied to its end?")]
    Damaged,
    /// Not such a record.
    #[error("the text does not hold what its beginning says")]
    Content(#[source] CborError),
}

/// `name` and the bytes.
pub(super) fn write(name: &'static str, wire: &[u8]) -> String {
    format!("{name}{}", BASE64_URL_SAFE_NO_PAD.encode(wire))
}

/// The bytes after `name`, at most `bytes_max` of them.
pub(super) fn read(name: &'static str, text: &str, bytes_max: usize) -> Result<Vec<u8>, TextError> {
    let chars_max = name.len() + bytes_max.div_ceil(3) * 4;
    // Half as much again for line breaks and indents.
    if text.len() > chars_max + chars_max / 2 {
        return Err(TextError::TooLong { max: chars_max });
    }
    let text: String = text.split_whitespace().collect();
    let encoded = text.strip_prefix(name).ok_or(TextError::OtherText { expected: name })?;
    BASE64_URL_SAFE_NO_PAD.decode(encoded).map_err(|_| TextError::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_was_broken_into_lines_is_read() {
        let text = write("essaim-test:", &[7; 60]);
        let (begin, end) = text.split_at(40);
        assert_eq!(read("essaim-test:", &format!("  {begin}\r\n   {end}\n"), 60), Ok(vec![7; 60]));
    }

    #[test]
    fn what_is_wrong_with_a_text_is_said() {
        let text = write("essaim-test:", &[7; 60]);
        let refused = |text: &str| read("essaim-test:", text, 60).unwrap_err();
        assert_eq!(refused(&text[1..]), TextError::OtherText { expected: "essaim-test:" });
        assert_eq!(refused(&text.replace('B', "=")), TextError::Damaged);
        assert_eq!(refused(&text[..text.len() - 3]), TextError::Damaged);
        assert_eq!(refused(&" ".repeat(1000)), TextError::TooLong { max: 92 });
    }
}
