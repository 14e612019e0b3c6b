//! The header of a message that a member sends: RFC 6409 section 8, RFC 5322 section 3.6.
//!
//! Bcc and Return-Path go, a missing Date and Message-ID come, and the addresses in From are read so that the caller can
//! see whether they belong to the member. The rest of the header and the whole body pass untouched, field by field as they arrive.

mod from;

use bytes::{Bytes, BytesMut};
use essaim_types::{Address, ByteSize, Timestamp};
use memchr::memchr;

use crate::date::Date;
use crate::message_id::MessageId;

/// Edits one message as it streams through.
#[derive(Debug)]
pub struct HeaderEditor {
    at: At,
    /// The lines of the field that may still be continued.
    field: BytesMut,
    /// The line that is not yet complete.
    line: BytesMut,
    /// Header bytes that may still come.
    size_left: u64,
    found: Header,
    /// A line was seen.
    begun: bool,
    has_date: bool,
    has_message_id: bool,
    additions: Additions,
}

/// What to add where it is missing.
#[derive(Clone, Debug)]
pub struct Additions {
    /// For Date.
    pub date: Timestamp,
    /// For Message-ID.
    pub message_id: MessageId,
}

/// What was seen in the header section.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The authors.
    pub from: FromField,
    /// How many `Received:` fields there are.
    pub received: u32,
}

/// The From field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromField {
    /// There is none.
    Missing,
    /// These addresses, at least one.
    Addresses(Vec<Address>),
    /// It cannot be read without doubt, or there are several.
    Invalid,
}

/// The header section is larger than the limit: 552 5.3.4.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the header section is larger than {0}")]
pub struct HeaderTooLarge(pub ByteSize);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    Header { limit: ByteSize },
    Body,
}

impl HeaderEditor {
    /// For one message.
    pub fn new(limit: ByteSize, additions: Additions) -> Self {
        Self {
            at: At::Header { limit },
            field: BytesMut::new(),
            line: BytesMut::new(),
            size_left: limit.0,
            found: Header { from: FromField::Missing, received: 0 },
            begun: false,
            has_date: false,
            has_message_id: false,
            additions,
        }
    }

    /// The next piece of the message; what is to be written in its place. Once the header is through, pieces pass as they are.
    pub fn feed(&mut self, piece: Bytes) -> Result<Bytes, HeaderTooLarge> {
        let mut out = BytesMut::new();
        let mut rest = piece.as_ref();
        while let At::Header { limit } = self.at {
            let end = memchr(b'\n', rest).map(|at| at + 1);
            let (now, later) = rest.split_at_checked(end.unwrap_or(rest.len())).unwrap_or((rest, &[]));
            self.size_left = self.size_left.checked_sub(now.len() as u64).ok_or(HeaderTooLarge(limit))?;
            self.line.extend_from_slice(now);
            rest = later;
            if end.is_none() {
                return Ok(out.freeze());
            }
            self.end_line(&mut out);
        }
        if out.is_empty() && rest.len() == piece.len() {
            return Ok(piece);
        }
        out.extend_from_slice(rest);
        Ok(out.freeze())
    }

    /// The message is complete: what is still to be written, and what was seen.
    pub fn finish(mut self) -> (Bytes, Header) {
        let mut out = BytesMut::new();
        if !self.line.is_empty() {
            self.line.extend_from_slice(b"\r\n");
            self.end_line(&mut out);
        }
        if self.at != At::Body {
            self.end_header(&mut out);
        }
        (out.freeze(), self.found)
    }

    /// What was seen, once the header section is through.
    pub fn header(&self) -> Option<&Header> {
        (self.at == At::Body).then_some(&self.found)
    }

    fn end_line(&mut self, out: &mut BytesMut) {
        let line = self.line.split();
        let is_first = !std::mem::replace(&mut self.begun, true);
        match Kind::of(&line) {
            // The envelope line of a mailbox file, which old programs send along.
            Kind::Other if is_first && (line.starts_with(b"From ") || line.starts_with(b">From ")) => {}
            Kind::Empty => {
                self.end_header(out);
                out.extend_from_slice(&line);
            }
            Kind::Continuation if !self.field.is_empty() => self.field.extend_from_slice(&line),
            Kind::Field => {
                self.end_field(out);
                self.field = line;
            }
            // The client forgot the empty line, or has no header at all: from here on it is body.
            Kind::Continuation | Kind::Other => {
                self.end_header(out);
                out.extend_from_slice(b"\r\n");
                out.extend_from_slice(&line);
            }
        }
    }

    fn end_header(&mut self, out: &mut BytesMut) {
        self.end_field(out);
        if !self.has_date {
            out.extend_from_slice(format!("Date: {}\r\n", Date(self.additions.date)).as_bytes());
        }
        if !self.has_message_id {
            out.extend_from_slice(format!("Message-ID: {}\r\n", self.additions.message_id).as_bytes());
        }
        self.at = At::Body;
    }

    /// Keeps or drops the field that is now complete, and notes what it says.
    fn end_field(&mut self, out: &mut BytesMut) {
        let field = self.field.split();
        let Some(colon) = memchr(b':', &field) else { return };
        let (name, value) = field.split_at_checked(colon).unwrap_or((&field, &[]));
        let value = value.strip_prefix(b":").unwrap_or(value);
        let is_blank = value.iter().all(u8::is_ascii_whitespace);
        let keep = match name.trim_ascii_end().to_ascii_lowercase().as_slice() {
            b"bcc" | b"resent-bcc" | b"return-path" => false,
            b"date" => {
                self.has_date |= !is_blank;
                !is_blank
            }
            b"message-id" => {
                self.has_message_id |= !is_blank;
                !is_blank
            }
            b"from" => {
                self.found.from = match self.found.from {
                    FromField::Missing => from::parse(value),
                    FromField::Addresses(_) | FromField::Invalid => FromField::Invalid,
                };
                true
            }
            b"received" => {
                self.found.received = self.found.received.saturating_add(1);
                true
            }
            _ => true,
        };
        if keep {
            out.extend_from_slice(&field);
        }
    }
}

/// What a line of a header section is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Empty,
    Continuation,
    Field,
    Other,
}

impl Kind {
    fn of(line: &[u8]) -> Self {
        let is_name = |byte: &u8| matches!(byte, 33..=57 | 59..=126);
        match line {
            b"\r\n" | b"\n" => Self::Empty,
            [b' ' | b'\t', ..] => Self::Continuation,
            _ => {
                let name = line.iter().take_while(|byte| is_name(byte)).count();
                // RFC 5322 section 4.5.8: blanks before the colon are obsolete, and seen.
                let after = line.iter().skip(name).find(|byte| !matches!(byte, b' ' | b'\t'));
                if name > 0 && after == Some(&b':') { Self::Field } else { Self::Other }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn additions() -> Additions {
        let message_id = MessageId::new("a-1", "coop.test".parse().unwrap());
        Additions { date: Timestamp::from_seconds(0), message_id }
    }

    fn edit(message: &str, step: usize) -> (String, Header) {
        let mut editor = HeaderEditor::new(ByteSize(1000), additions());
        let mut out = Vec::new();
        for piece in message.as_bytes().chunks(step) {
            out.extend_from_slice(&editor.feed(Bytes::copy_from_slice(piece)).unwrap());
        }
        let (rest, header) = editor.finish();
        out.extend_from_slice(&rest);
        (String::from_utf8(out).unwrap(), header)
    }

    const DATE: &str = "Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n";
    const ID: &str = "Message-ID: <a-1@coop.test>\r\n";

    #[test]
    fn rfc6409_8_what_is_missing_is_added_and_what_is_private_goes() {
        let cases = [
            ("From: a@b.test\r\n\r\nbody\r\n", format!("From: a@b.test\r\n{DATE}{ID}\r\nbody\r\n")),
            (
                "date: x\r\nBcc: secret@b.test,\r\n\tother@b.test\r\nMESSAGE-ID: y\r\n\r\nBcc: in the body\r\n",
                "date: x\r\nMESSAGE-ID: y\r\n\r\nBcc: in the body\r\n".into(),
            ),
            ("Bcc : x\r\nreturn-path: y\r\nResent-Bcc: z\r\n\r\n", format!("{DATE}{ID}\r\n")),
            ("Date:\r\nMessage-ID: \r\n \r\n\r\n", format!("{DATE}{ID}\r\n")),
            ("\r\nbody", format!("{DATE}{ID}\r\nbody")),
            ("", format!("{DATE}{ID}")),
            ("Subject: x", format!("Subject: x\r\n{DATE}{ID}")),
            ("Subject: x\r\n", format!("Subject: x\r\n{DATE}{ID}")),
            ("just text\r\nmore", format!("{DATE}{ID}\r\njust text\r\nmore")),
            (" odd\r\n", format!("{DATE}{ID}\r\n odd\r\n")),
            ("From a@b.test Thu Jan  1 00:00:00 1970\r\nX: y\r\n\r\n", format!("X: y\r\n{DATE}{ID}\r\n")),
            ("X: y\r\nFrom here on\r\n", format!("X: y\r\n{DATE}{ID}\r\nFrom here on\r\n")),
            ("a: b\r\nno field\r\n", format!("a: b\r\n{DATE}{ID}\r\nno field\r\n")),
        ];
        for (message, expected) in cases {
            for step in 1..=message.len().max(1) {
                assert_eq!(edit(message, step).0, expected, "{message:?} by {step}");
            }
        }
    }

    #[test]
    fn the_authors_and_the_hops_are_told() {
        let (_, header) =
            edit("Received: x\r\nFrom: A <a@b.test>,\r\n c@d.test\r\nreceived: y\r\n\r\nReceived: z\r\n", 3);
        let addresses = ["a@b.test", "c@d.test"].map(|text| text.parse().unwrap()).to_vec();
        assert_eq!(header, Header { from: FromField::Addresses(addresses), received: 2 });
        assert_eq!(edit("Subject: x\r\n\r\nFrom: a@b.test\r\n", 5).1.from, FromField::Missing);
        assert_eq!(edit("From: a@b.test\r\nFrom: a@b.test\r\n\r\n", 5).1.from, FromField::Invalid);
    }

    #[test]
    fn the_header_is_known_as_soon_as_it_is_through() {
        let mut editor = HeaderEditor::new(ByteSize(1000), additions());
        editor.feed(Bytes::from_static(b"From: a@b.test\r\n")).unwrap();
        assert_eq!(editor.header(), None);
        editor.feed(Bytes::from_static(b"\r\n")).unwrap();
        assert!(
            matches!(&editor.header().unwrap().from, FromField::Addresses(addresses) if addresses.len() == 1)
        );
        let body = Bytes::from_static(b"body");
        let passed = editor.feed(body.clone()).unwrap();
        assert_eq!(passed.as_ptr(), body.as_ptr(), "the body is not copied");
    }

    #[test]
    fn a_header_over_the_limit_is_refused() {
        let mut editor = HeaderEditor::new(ByteSize(20), additions());
        editor.feed(Bytes::from_static(b"Subject: 1234567890\n")).unwrap();
        assert_eq!(editor.feed(Bytes::from_static(b"x")), Err(HeaderTooLarge(ByteSize(20))));
        let mut editor = HeaderEditor::new(ByteSize(4), additions());
        editor.feed(Bytes::from_static(b"\r\n and a body of any size")).unwrap();
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces(message in "(From|Bcc|Date|X)?[: \t]?[a-z,<>@\"()\r\n: ]{0,60}", step in 1..20usize) {
            prop_assert_eq!(edit(&message, step), edit(&message, usize::MAX));
        }
    }
}
