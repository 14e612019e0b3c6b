//! The charsets that SEARCH can be asked in.

use super::{Cursor, Refusal};
use crate::ResponseCode;

/// How the texts of a SEARCH are encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Charset {
    /// Only 7 bits.
    Ascii,
    /// UTF-8. Also taken if no charset is named: RFC 3501 would have US-ASCII, of which it is a superset.
    Utf8,
}

impl Charset {
    /// The name after CHARSET.
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        let name = cursor.astring("a charset")?;
        match name.to_ascii_uppercase().as_slice() {
            b"UTF-8" => Ok(Self::Utf8),
            b"US-ASCII" => Ok(Self::Ascii),
            _ => {
                Err(Refusal::no(ResponseCode::BadCharset(&["UTF-8", "US-ASCII"]), "the charset is not known"))
            }
        }
    }

    /// The text that these bytes mean.
    pub(crate) fn decode(self, bytes: &[u8]) -> Result<String, Refusal> {
        let text = std::str::from_utf8(bytes).ok().filter(|text| self == Self::Utf8 || text.is_ascii());
        text.map(str::to_owned).ok_or_else(|| Refusal::bad("the text is not in the charset of the SEARCH"))
    }
}
