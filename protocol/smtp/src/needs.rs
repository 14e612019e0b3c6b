//! What a message needs of every host on its way, seen while its bytes stream by.

use memchr::memchr;

use crate::body::BodyType;

/// What a host must offer to be given a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// The header section has UTF-8 (RFC 6532) and needs SMTPUTF8. What addresses of the envelope need is another matter.
    pub smtputf8: bool,
    /// The body needs 8BITMIME (RFC 6152) if it has bytes above 127.
    pub body: BodyType,
}

/// Reads a message in pieces of any size.
#[derive(Debug, Default)]
pub struct NeedsReader {
    needs: Needs,
    /// How much of the empty line that ends the header section has come.
    end: End,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum End {
    /// Nothing has come: an empty line right here ends the header, too.
    #[default]
    Beginning,
    /// This many bytes of CRLF CRLF.
    Header(usize),
    Body,
}

impl NeedsReader {
    /// The next piece.
    pub fn push(&mut self, piece: &[u8]) {
        let (header, body) = self.split(piece);
        self.needs.smtputf8 |= !header.is_ascii();
        if !body.is_ascii() {
            self.needs.body = BodyType::EightBit;
        }
    }

    /// What was needed by what has come so far.
    pub fn finish(&self) -> Needs {
        self.needs
    }

    /// Where the header section ends in a piece.
    fn split<'a>(&mut self, piece: &'a [u8]) -> (&'a [u8], &'a [u8]) {
        let mut seen = match self.end {
            End::Body => return (&[], piece),
            End::Beginning => LINE_END.len(),
            End::Header(seen) => seen,
        };
        let mut at = 0;
        while let Some(&byte) = piece.get(at) {
            at += 1;
            seen = match EMPTY_LINE.get(seen) {
                Some(&expected) if expected == byte => seen + 1,
                _ if byte == b'\r' => 1,
                _ => {
                    // Only a line end matters from here on.
                    let rest = piece.get(at..).unwrap_or_default();
                    at += memchr(b'\r', rest).unwrap_or(rest.len());
                    0
                }
            };
            if seen == EMPTY_LINE.len() {
                self.end = End::Body;
                return piece.split_at_checked(at).unwrap_or((piece, &[]));
            }
        }
        if !piece.is_empty() {
            self.end = End::Header(seen);
        }
        (piece, &[])
    }
}

const EMPTY_LINE: &[u8] = b"\r\n\r\n";
const LINE_END: &[u8] = b"\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_needs_smtputf8_and_the_body_8bitmime_whatever_the_pieces() {
        for (message, smtputf8, body) in [
            ("", false, BodyType::SevenBit),
            ("Subject: hi\r\n\r\nhello\r\n", false, BodyType::SevenBit),
            ("Subject: h\u{e9}\r\n\r\nhello\r\n", true, BodyType::SevenBit),
            ("Subject: hi\r\n\r\nh\u{e9}llo\r\n", false, BodyType::EightBit),
            ("Subject: h\u{e9}\r\n\r\nh\u{e9}llo\r\n", true, BodyType::EightBit),
            ("\r\nh\u{e9}llo\r\n", false, BodyType::EightBit),
            ("a: b\r\r\n\u{e9}\r\n\r\nx", true, BodyType::SevenBit),
            ("a: b\r\n\r\r\n\u{e9}\r\n\r\nx", true, BodyType::SevenBit),
            ("a: \u{e9}", true, BodyType::SevenBit),
        ] {
            for step in 1..=message.len().max(1) {
                let mut reader = NeedsReader::default();
                message.as_bytes().chunks(step).for_each(|piece| reader.push(piece));
                assert_eq!(reader.finish(), Needs { smtputf8, body }, "{message:?} in pieces of {step}");
            }
        }
    }
}
