//! What a stranger's host said, fit to be shown.

use std::fmt;

use minicbor::{Decode, Decoder, Encode, Encoder, decode, encode};
use serde::Serialize;

use crate::listing::is_shown;

/// One line of text, 1 to 255 bytes, nothing in it that is invisible or turns text around.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(transparent)]
pub struct Text(Box<str>);

impl Text {
    /// What of a text can be shown: question marks for what cannot, the end cut off. `None` if nothing is left.
    pub fn of(text: &str) -> Option<Self> {
        let shown: String =
            text.trim().chars().take(TEXT_BYTES_MAX).map(|c| if is_shown(c) { c } else { '?' }).collect();
        let end = shown.floor_char_boundary(TEXT_BYTES_MAX);
        let shown = shown.get(..end).unwrap_or_default().trim();
        (!shown.is_empty()).then(|| Self(shown.into()))
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<C> Encode<C> for Text {
    fn encode<W: encode::Write>(
        &self,
        to: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), encode::Error<W::Error>> {
        to.str(&self.0)?.ok()
    }
}

impl<'b, C> Decode<'b, C> for Text {
    fn decode(from: &mut Decoder<'b>, _: &mut C) -> Result<Self, decode::Error> {
        let at = from.position();
        let text = from.str()?;
        let same = Self::of(text).filter(|shown| &*shown.0 == text);
        same.ok_or_else(|| decode::Error::message("not one line of plain text").at(at))
    }
}

/// A reply's first line; an SPF record of usual size.
pub(super) const TEXT_BYTES_MAX: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_host_says_is_made_fit_to_be_shown() {
        assert_eq!(Text::of(" 220 mail.coop.example\r\n").unwrap().as_str(), "220 mail.coop.example");
        assert_eq!(Text::of("a\u{202e}b\x1b[2Jc").unwrap().as_str(), "a?b?[2Jc");
        assert_eq!(Text::of(&"é".repeat(300)).unwrap().as_str().len(), 254);
        assert_eq!(Text::of(" \r\n"), None);
    }
}
