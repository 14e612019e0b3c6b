//! Content-Transfer-Encoding (RFC 2045 section 6): undone piece by piece.

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::parsers::MessageStream;
use memchr::{memchr, memchr_iter, memrchr};
use serde::{Deserialize, Serialize};

/// How the body of a part is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Encoding {
    /// 7bit, 8bit, binary or nothing: the bytes are what they are.
    Identity,
    /// quoted-printable
    QuotedPrintable,
    /// base64
    Base64,
    /// Something that we cannot undo, such as x-uuencode.
    Unknown,
}

impl Encoding {
    /// The encoding with this name, in any case.
    pub(super) fn named(name: &str) -> Self {
        let is = |other: &str| name.eq_ignore_ascii_case(other);
        match name {
            _ if is("7bit") || is("8bit") || is("binary") || name.is_empty() => Self::Identity,
            _ if is("quoted-printable") => Self::QuotedPrintable,
            _ if is("base64") => Self::Base64,
            _ => Self::Unknown,
        }
    }

    /// What undoes it; `None` if nothing can.
    pub fn decoder(self) -> Option<Decoder> {
        (self != Self::Unknown).then(|| Decoder { encoding: self, held: Vec::new() })
    }
}

/// Undoes an encoding of a body that comes in pieces. Never fails: damaged quoted-printable is passed on as it is, and
/// bytes that base64 does not know are skipped (RFC 2045 section 6.8). Holds back at most one line.
#[derive(Debug)]
pub struct Decoder {
    encoding: Encoding,
    held: Vec<u8>,
}

impl Decoder {
    /// The next piece of the body; what can be decoded by now is appended to `out`.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        match self.encoding {
            Encoding::QuotedPrintable => self.push_lines(piece, out),
            Encoding::Base64 => self.push_symbols(piece, out),
            Encoding::Identity | Encoding::Unknown => out.extend_from_slice(piece),
        }
    }

    /// The body is complete.
    pub fn finish(self, out: &mut Vec<u8>) {
        match self.encoding {
            Encoding::QuotedPrintable => quoted_printable(&self.held, out),
            Encoding::Base64 => base64(&self.held, out),
            Encoding::Identity | Encoding::Unknown => {}
        }
    }

    /// Quoted-printable can be cut after every LF.
    fn push_lines(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let Some(end) = memrchr(b'\n', piece) else {
            self.held.extend_from_slice(piece);
            if self.held.len() > LINE_MAX {
                self.flush_long_line(out);
            }
            return;
        };
        let (lines, rest) = piece.split_at(end + 1);
        if self.held.is_empty() {
            quoted_printable(lines, out);
        } else {
            self.held.extend_from_slice(lines);
            quoted_printable(&std::mem::take(&mut self.held), out);
        }
        self.held.extend_from_slice(rest);
    }

    /// No line is this long; but if one is, it is cut where no `=XX` is.
    fn flush_long_line(&mut self, out: &mut Vec<u8>) {
        let near = self.held.len().saturating_sub(2);
        let escape = memrchr(b'=', &self.held).filter(|at| *at >= near);
        let rest = self.held.split_off(escape.unwrap_or(self.held.len()));
        quoted_printable(&std::mem::replace(&mut self.held, rest), out);
    }

    /// Base64 can be cut after every fourth symbol, counted from the last padding.
    fn push_symbols(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        self.held.extend(piece.iter().filter(|byte| is_base64(**byte)));
        let counted_from = memrchr(b'=', &self.held).map_or(0, |at| at + 1);
        let rest = self.held.split_off(self.held.len() - (self.held.len() - counted_from) % 4);
        base64(&self.held, out);
        self.held = rest;
    }
}

fn base64(symbols: &[u8], out: &mut Vec<u8>) {
    out.extend(base64_decode(symbols).unwrap_or_default());
}

/// The strict decoder is fast; the lenient one passes on a `=` that means nothing; neither knows what to do with `==`. Both end all
/// lines with CRLF after the first CR, so lines that end differently are given to them one at a time.
fn quoted_printable(lines: &[u8], out: &mut Vec<u8>) {
    if end_alike(lines)
        && let Some(decoded) = quoted_printable_decode(lines)
    {
        return out.extend(decoded);
    }
    for line in lines.split_inclusive(|byte| *byte == b'\n') {
        match quoted_printable_decode(line).or_else(|| lenient(line)) {
            Some(decoded) => out.extend(decoded),
            None => out.extend_from_slice(line),
        }
    }
}

/// Whether all lines end with CRLF, or all with LF and there is no CR.
fn end_alike(lines: &[u8]) -> bool {
    let after_cr = |at: usize| at > 0 && lines.get(at - 1) == Some(&b'\r');
    memchr(b'\r', lines).is_none() || memchr_iter(b'\n', lines).all(after_cr)
}

fn lenient(lines: &[u8]) -> Option<Vec<u8>> {
    let (end, decoded) = MessageStream::new(lines).decode_quoted_printable_mime(b"");
    (end != usize::MAX).then(|| decoded.into_owned())
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// A quoted-printable line is at most 76 characters long; one longer than this is decoded in pieces.
const LINE_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(encoding: Encoding, body: &[u8], piece: usize) -> Vec<u8> {
        let mut decoder = encoding.decoder().unwrap();
        let mut out = Vec::new();
        body.chunks(piece).for_each(|piece| decoder.push(piece, &mut out));
        decoder.finish(&mut out);
        out
    }

    #[test]
    fn the_pieces_make_no_difference() {
        for (encoding, body, plain) in [
            (Encoding::Identity, &b"a=3D\r\n"[..], &b"a=3D\r\n"[..]),
            (
                Encoding::QuotedPrintable,
                b"caf=C3=A9 \r\nsoft=\r\nened=20\r\n=3d",
                b"caf\xc3\xa9\r\nsoftened \r\n=",
            ),
            (Encoding::QuotedPrintable, b"a=ZZb\r\nc==3D\r\n=41\r\n", b"a=ZZb\r\nc==3D\r\nA\r\n"),
            (Encoding::QuotedPrintable, b"x\n=\ny", b"x\ny"),
            (Encoding::QuotedPrintable, b"a\nb=\r\nc\r\nd\n", b"a\nbc\r\nd\n"),
            (Encoding::QuotedPrintable, b"a=ZZ\r\nb\nc\r\n=ZZ\n", b"a=ZZ\r\nb\nc\r\n=ZZ\n"),
            (Encoding::Base64, b"aGVs\r\nbG8g\r\nd29y\r\nbGQ=\r\n", b"hello world"),
            (Encoding::Base64, b"a*G\0V!s b-G_8", b"hello"),
            (Encoding::Base64, b"aA==aA==aGk", b"hhhi"),
            (Encoding::Base64, b"a", b""),
            (Encoding::Base64, b"====", b""),
        ] {
            for piece in 1..=body.len() {
                let decoded = decode(encoding, body, piece);
                assert_eq!(decoded.escape_ascii().to_string(), plain.escape_ascii().to_string(), "{piece}");
            }
        }
    }

    #[test]
    fn an_endless_line_is_decoded_in_pieces() {
        let body = b"=41".repeat(100_000);
        for piece in [1000, LINE_MAX + 2, body.len()] {
            assert_eq!(decode(Encoding::QuotedPrintable, &body, piece), b"A".repeat(100_000), "{piece}");
        }
    }

    #[test]
    fn names_of_encodings() {
        assert_eq!(Encoding::named("BASE64"), Encoding::Base64);
        assert_eq!(Encoding::named("8Bit"), Encoding::Identity);
        assert!(Encoding::named("x-uuencode").decoder().is_none());
    }
}
