//! The sending side of DATA: dots doubled, every line ended with CRLF.
//!
//! A bare LF or CR becomes CRLF here: what goes out has one meaning for every host on its way (see `dots.rs`). Messages that came
//! in over SMTP have none and leave byte for byte as they came.

use bytes::{BufMut, BytesMut};
use memchr::memchr2;

/// Frames a message that is read in pieces of any size.
#[derive(Debug, Default)]
pub(crate) struct Stuff(At);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum At {
    #[default]
    LineStart,
    Text,
    /// After a CR. The line end was already written; an LF that follows belongs to it.
    Cr,
}

impl Stuff {
    /// Appends the next piece.
    pub(crate) fn feed(&mut self, mut piece: &[u8], out: &mut BytesMut) {
        if let (At::Cr, Some((first, rest))) = (self.0, piece.split_first()) {
            piece = if *first == b'\n' { rest } else { piece };
            self.0 = At::LineStart;
        }
        while let Some(first) = piece.first() {
            if self.0 == At::LineStart && *first == b'.' {
                out.put_u8(b'.');
            }
            let Some((line, end, rest)) = line(piece) else {
                out.put_slice(piece);
                self.0 = At::Text;
                return;
            };
            out.put_slice(line);
            out.put_slice(b"\r\n");
            self.0 = if end == b'\r' && rest.is_empty() { At::Cr } else { At::LineStart };
            piece = if end == b'\r' { rest.strip_prefix(b"\n").unwrap_or(rest) } else { rest };
        }
    }

    /// Ends the last line, and the message.
    pub(crate) fn finish(self, out: &mut BytesMut) {
        out.put_slice(if self.0 == At::Text { b"\r\n.\r\n" } else { b".\r\n" });
    }
}

/// A line, the byte that ended it, and the rest.
fn line(piece: &[u8]) -> Option<(&[u8], u8, &[u8])> {
    let (line, rest) = piece.split_at_checked(memchr2(b'\r', b'\n', piece)?)?;
    let (end, rest) = rest.split_first()?;
    Some((line, *end, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stuff(message: &str, step: usize) -> String {
        let (mut stuff, mut out) = (Stuff::default(), BytesMut::new());
        for piece in message.as_bytes().chunks(step) {
            stuff.feed(piece, &mut out);
        }
        stuff.finish(&mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn rfc5321_4_5_2_a_dot_is_added_before_a_leading_dot() {
        let cases = [
            ("", ".\r\n"),
            ("a\r\n", "a\r\n.\r\n"),
            ("a", "a\r\n.\r\n"),
            (".", "..\r\n.\r\n"),
            (".a\r\n..\r\nb.\r\n", "..a\r\n...\r\nb.\r\n.\r\n"),
            ("\r\n.\r\n", "\r\n..\r\n.\r\n"),
        ];
        for (message, framed) in cases {
            for step in 1..=message.len().max(1) {
                assert_eq!(stuff(message, step), framed, "{message:?} by {step}");
            }
        }
    }

    #[test]
    fn rfc5321_2_3_8_bare_line_ends_do_not_leave() {
        for message in ["a\nb", "a\rb", "a\n.\nb", "a\r.\rb", "a\r\r\nb", "a\n\rb\n", "a\r", "\n\n.\n"] {
            let framed = stuff(message, usize::MAX);
            let lines: Vec<_> = framed.split("\r\n").collect();
            assert!(lines.iter().all(|line| !line.contains(['\r', '\n'])), "{message:?}: {framed:?}");
            assert!(
                framed.find("\r\n.\r\n").is_none_or(|at| at + 5 == framed.len()),
                "{message:?}: {framed:?}"
            );
            for step in 1..=message.len() {
                assert_eq!(stuff(message, step), framed, "{message:?} by {step}");
            }
        }
    }
}
