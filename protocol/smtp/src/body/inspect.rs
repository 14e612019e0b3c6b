//! What is looked at while a message streams through: line ends, NUL, sizes, and how often it has been relayed.

use memchr::memchr3_iter;

use crate::server::Limits;

/// Reads content in pieces of any size and stops at the first byte that makes the message unacceptable.
///
/// The verdict depends on the bytes alone, not on how they were cut into pieces.
#[derive(Debug)]
pub(crate) struct Inspector {
    /// Content bytes that may still come.
    size_left: u64,
    after_cr: bool,
    header: Header,
}

/// Why a message is not acceptable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A CR without LF or a LF without CR: RFC 5321 section 2.3.8. What is a line to one host is not to the next.
    BareLineEnd,
    /// RFC 5322 section 4 calls it obsolete; clients in C cut the message there.
    Nul,
    /// More than the limit on messages.
    MessageTooLarge,
    /// More than the limit on header sections.
    HeaderTooLarge,
    /// A loop: RFC 5321 section 6.3.
    TooManyReceived,
}

/// The header section, which ends at the first empty line or at the first line that is no field.
#[derive(Debug)]
struct Header {
    at: At,
    size_left: u64,
    received_left: u32,
}

#[derive(Clone, Copy, Debug)]
enum At {
    LineStart,
    /// CR at the beginning of a line.
    EmptyLine,
    /// In a field name. `Some(n)`: the first n letters are those of `received`.
    Name(Option<usize>),
    /// Blanks between a field name and its colon (RFC 5322 section 4.5.8).
    NameEnd(Option<usize>),
    Value,
    Body,
}

impl Inspector {
    /// For one message.
    pub(crate) fn new(limits: &Limits) -> Self {
        let header = Header {
            at: At::LineStart,
            size_left: limits.header_size.0,
            received_left: limits.received_fields,
        };
        Self { size_left: limits.message_size.0, after_cr: false, header }
    }

    /// The bytes before the first fault, and the fault. After a fault nothing more may be given.
    pub(crate) fn inspect<'a>(&mut self, content: &'a [u8]) -> (&'a [u8], Option<Fault>) {
        let fits = usize::try_from(self.size_left).unwrap_or(usize::MAX);
        let (content, mut fault) = match content.split_at_checked(fits) {
            Some((fitting, rest)) if !rest.is_empty() => (fitting, Some(Fault::MessageTooLarge)),
            _ => (content, None),
        };
        self.size_left = self.size_left.saturating_sub(content.len() as u64);
        let mut good = content;
        if let Some((at, line_fault)) = self.line_fault(content) {
            (good, fault) = (content.get(..at).unwrap_or_default(), Some(line_fault));
        }
        if let Some((at, header_fault)) = self.header.fault(good) {
            (good, fault) = (good.get(..at).unwrap_or_default(), Some(header_fault));
        }
        (good, fault)
    }

    /// What can only be seen at the end.
    pub(crate) fn finish(&self) -> Option<Fault> {
        self.after_cr.then_some(Fault::BareLineEnd)
    }

    fn line_fault(&mut self, content: &[u8]) -> Option<(usize, Fault)> {
        // Where the LF of a CRLF must stand.
        let mut expected = self.after_cr.then_some(0);
        for at in memchr3_iter(b'\r', b'\n', 0, content) {
            if expected.is_some_and(|lf| lf != at) {
                return Some((expected.unwrap_or(at), Fault::BareLineEnd));
            }
            expected = match (content.get(at), expected) {
                (Some(b'\n'), Some(_)) => None,
                (Some(b'\r'), None) => Some(at + 1),
                (Some(0), None) => return Some((at, Fault::Nul)),
                (_, _) => return Some((at, Fault::BareLineEnd)),
            };
        }
        match expected {
            Some(lf) if lf < content.len() => return Some((lf, Fault::BareLineEnd)),
            _ => self.after_cr = expected.is_some(),
        }
        None
    }
}

impl Header {
    fn fault(&mut self, content: &[u8]) -> Option<(usize, Fault)> {
        if matches!(self.at, At::Body) {
            return None;
        }
        for (at, &byte) in content.iter().enumerate() {
            self.at = match (self.at, byte) {
                (At::LineStart, b'\r') => At::EmptyLine,
                (At::LineStart, b' ' | b'\t') => At::Value,
                (At::LineStart, _) if is_name(byte) => At::Name(matched(0, byte)),
                (At::Name(prefix), _) if is_name(byte) => At::Name(prefix.and_then(|n| matched(n, byte))),
                (At::Name(prefix) | At::NameEnd(prefix), b' ' | b'\t') => At::NameEnd(prefix),
                (At::Name(prefix) | At::NameEnd(prefix), b':') => {
                    if prefix == Some(RECEIVED.len()) {
                        match self.received_left.checked_sub(1) {
                            Some(left) => self.received_left = left,
                            None => return Some((at, Fault::TooManyReceived)),
                        }
                    }
                    At::Value
                }
                (At::Value, b'\n') => At::LineStart,
                (At::Value, _) => At::Value,
                (At::LineStart | At::EmptyLine | At::Name(_) | At::NameEnd(_) | At::Body, _) => At::Body,
            };
            if matches!(self.at, At::Body) {
                return None;
            }
            match self.size_left.checked_sub(1) {
                Some(left) => self.size_left = left,
                None => return Some((at, Fault::HeaderTooLarge)),
            }
        }
        None
    }
}

/// How many letters of `received` stand here, if the first `n` did.
fn matched(n: usize, byte: u8) -> Option<usize> {
    RECEIVED.get(n).is_some_and(|letter| letter.eq_ignore_ascii_case(&byte)).then_some(n + 1)
}

/// `ftext`, RFC 5322 section 3.6.8.
fn is_name(byte: u8) -> bool {
    matches!(byte, 33..=57 | 59..=126)
}

const RECEIVED: &[u8] = b"received";

#[cfg(test)]
mod tests {
    use essaim_types::ByteSize;

    use super::*;

    fn limits() -> Limits {
        Limits {
            message_size: ByteSize(200),
            header_size: ByteSize(64),
            received_fields: 2,
            ..Limits::default()
        }
    }

    fn inspect(content: &[u8], step: usize) -> (usize, Option<Fault>) {
        let (mut inspector, mut good) = (Inspector::new(&limits()), 0);
        for piece in content.chunks(step) {
            let (run, fault) = inspector.inspect(piece);
            good += run.len();
            if fault.is_some() {
                return (good, fault);
            }
        }
        (good, inspector.finish())
    }

    #[test]
    fn the_verdict_does_not_depend_on_the_pieces() {
        let long_body = format!("a: b\r\n\r\n{}", "x".repeat(300));
        let long_header = format!("a: {}\r\n\r\n", "x".repeat(100));
        let cases: &[(&[u8], usize, Option<Fault>)] = &[
            (b"", 0, None),
            (b"a: b\r\n\r\n\xff\x80\r\n", 12, None),
            (b"a: b\r\n\r\nx\ny", 9, Some(Fault::BareLineEnd)),
            (b"a: b\r\n\r\nx\ry", 10, Some(Fault::BareLineEnd)),
            (b"a: b\r\n\r\nx\r\r\n", 10, Some(Fault::BareLineEnd)),
            (b"a: b\r\n\r\nx\r\0", 10, Some(Fault::BareLineEnd)),
            (b"a: b\r\n\r\nx\r", 10, Some(Fault::BareLineEnd)),
            (b"\na", 0, Some(Fault::BareLineEnd)),
            (b"a: b\r\n\r\nx\0", 9, Some(Fault::Nul)),
            (b"a: b\r\n\r\nreceived: x\r\nreceived:y\r\nreceived:z\r\n", 45, None),
            (b"received: x\r\nReceived : y\r\nRECEIVED:z\r\n", 35, Some(Fault::TooManyReceived)),
            (b"received: x\r\n received: y\r\nreceived-spf: z\r\nreceive: z\r\n", 56, None),
            (b"received: x\r\nno field\r\nreceived: y\r\nreceived: z\r\nreceived:z\r\n", 61, None),
            (long_body.as_bytes(), 200, Some(Fault::MessageTooLarge)),
            (long_header.as_bytes(), 64, Some(Fault::HeaderTooLarge)),
        ];
        for (content, good, fault) in cases {
            for step in 1..=content.len().max(1) {
                assert_eq!(
                    inspect(content, step),
                    (*good, *fault),
                    "{:?} by {step}",
                    String::from_utf8_lossy(content)
                );
            }
        }
    }

    #[test]
    fn a_message_of_exactly_the_limit_is_taken() {
        let content = format!("\r\n{}", "x".repeat(198));
        assert_eq!(inspect(content.as_bytes(), 7), (200, None));
    }
}
