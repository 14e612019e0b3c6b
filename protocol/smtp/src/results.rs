//! Authentication-Results (RFC 8601) that a message brings along in our name.
//!
//! Whoever reads mail believes what stands there under its own hoster's name, so what comes from elsewhere under that name is forged and goes
//! (section 5). What others say under their own names stays: it is theirs to say. The rest of the message passes untouched, as it arrives.

use bytes::{Bytes, BytesMut};
use essaim_types::Domain;
use memchr::memchr;

/// Takes such fields out of one message as it streams through.
#[derive(Debug)]
pub struct ForgedResults {
    /// Ours, in A-labels; what is below them too.
    own: Vec<Domain>,
    line: Line,
    /// The beginning of a line of which it is not known yet what it is.
    start: BytesMut,
    /// The field with results that may still be continued.
    field: Option<BytesMut>,
}

/// What becomes of the line that is coming.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    /// Its beginning is not long enough to say.
    Undecided,
    Passes,
    /// It is part of `field`.
    Held,
    /// The header is over.
    Body,
}

/// What a line is, by its beginning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Unknown,
    Empty,
    Continuation,
    Results,
    Other,
}

impl ForgedResults {
    /// For one message that comes to a hoster with these names.
    pub fn new<'a>(own: impl IntoIterator<Item = &'a Domain>) -> Self {
        let own = own.into_iter().filter_map(Domain::to_ascii).collect();
        Self { own, line: Line::Undecided, start: BytesMut::new(), field: None }
    }

    /// The next piece of the message; what is to be written in its place. Once the header is through, pieces pass as they are.
    pub fn feed(&mut self, piece: Bytes) -> Bytes {
        if self.line == Line::Body {
            return piece;
        }
        let mut out = BytesMut::with_capacity(piece.len());
        let mut rest = piece.as_ref();
        while let Some((first, later)) = rest.split_first() {
            match self.line {
                Line::Undecided => {
                    self.start.extend_from_slice(&[*first]);
                    rest = later;
                    self.decide(&mut out);
                }
                Line::Passes | Line::Held => {
                    let end = memchr(b'\n', rest).map_or(rest.len(), |at| at + 1);
                    let (now, later) = rest.split_at_checked(end).unwrap_or((rest, &[]));
                    self.write(now, &mut out);
                    rest = later;
                }
                Line::Body => {
                    out.extend_from_slice(rest);
                    break;
                }
            }
        }
        out.freeze()
    }

    /// The message is complete: what is still to be written.
    pub fn finish(&mut self) -> Bytes {
        let mut out = BytesMut::new();
        self.end_field(&mut out);
        out.extend_from_slice(&self.start.split());
        out.freeze()
    }

    fn decide(&mut self, out: &mut BytesMut) {
        self.line = match Kind::of(&self.start) {
            Kind::Unknown => return,
            Kind::Continuation if self.field.is_some() => Line::Held,
            Kind::Continuation => Line::Passes,
            kind => {
                self.end_field(out);
                self.field = (kind == Kind::Results).then(BytesMut::new);
                match kind {
                    Kind::Results => Line::Held,
                    Kind::Empty => Line::Body,
                    _ => Line::Passes,
                }
            }
        };
        let start = self.start.split();
        self.write(&start, out);
    }

    /// A part of a line, or the whole of it.
    fn write(&mut self, part: &[u8], out: &mut BytesMut) {
        match &mut self.field {
            // What is too long to be looked at is not believed either: see `end_field`.
            Some(field) if self.line == Line::Held => {
                let room = (FIELD_MAX + 1).saturating_sub(field.len());
                field.extend_from_slice(part.get(..room).unwrap_or(part));
            }
            _ => out.extend_from_slice(part),
        }
        if self.line != Line::Body && part.ends_with(b"\n") {
            self.line = Line::Undecided;
        }
    }

    fn end_field(&mut self, out: &mut BytesMut) {
        let Some(field) = self.field.take() else { return };
        if field.len() <= FIELD_MAX && !self.is_ours(&field) {
            out.extend_from_slice(&field);
        }
    }

    /// Whether it speaks in our name; also if it cannot be said in whose, because somebody may read it more leniently.
    fn is_ours(&self, field: &[u8]) -> bool {
        let value = memchr(b':', field).and_then(|colon| field.get(colon + 1..)).unwrap_or_default();
        let Some(id) = authserv_id(value) else { return true };
        let id = id.trim_end_matches('.').to_ascii_lowercase();
        let name = id.parse::<Domain>().ok().and_then(|domain| domain.to_ascii());
        let name = name.as_ref().map_or(id.as_str(), Domain::as_str);
        self.own.iter().any(|own| {
            let below = name.strip_suffix(own.as_str());
            below.is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        })
    }
}

impl Kind {
    fn of(start: &[u8]) -> Self {
        match start {
            [] | b"\r" => return Self::Unknown,
            b"\r\n" | b"\n" => return Self::Empty,
            [b' ' | b'\t', ..] => return Self::Continuation,
            _ => {}
        }
        let name = start.get(..NAME.len()).unwrap_or(start);
        if NAME.get(..name.len()).is_none_or(|known| !known.eq_ignore_ascii_case(name)) {
            return Self::Other;
        }
        // RFC 5322 section 4.5.8: blanks before the colon are obsolete, and seen.
        let after = start.get(NAME.len()..).unwrap_or_default();
        match after.iter().find(|byte| !matches!(byte, b' ' | b'\t')) {
            Some(b':') => Self::Results,
            Some(_) => Self::Other,
            None if after.len() > BLANKS_MAX => Self::Results,
            None => Self::Unknown,
        }
    }
}

/// The first word of the value, RFC 8601 section 2.2; `None` if there is none, or it does not end.
fn authserv_id(value: &[u8]) -> Option<String> {
    let value = after_comments(value)?;
    let (first, rest) = value.split_first()?;
    let word = if *first == b'"' {
        quoted(rest)?
    } else {
        let end = |byte: &u8| byte.is_ascii_whitespace() || b";(\"".contains(byte);
        value.iter().take_while(|byte| !end(byte)).copied().collect()
    };
    let word = String::from_utf8(word).ok()?;
    (!word.is_empty()).then_some(word)
}

/// Without blanks, line ends and comments, which may stand in each other, at its beginning.
fn after_comments(value: &[u8]) -> Option<&[u8]> {
    let (mut depth, mut escaped) = (0_u32, false);
    for (at, byte) in value.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if depth > 0 => escaped = true,
            b'(' => depth += 1,
            b')' if depth > 0 => depth -= 1,
            _ if depth > 0 || byte.is_ascii_whitespace() => {}
            _ => return value.get(at..),
        }
    }
    None
}

/// What stands up to the closing quote.
fn quoted(text: &[u8]) -> Option<Vec<u8>> {
    let (mut word, mut escaped) = (Vec::new(), false);
    for byte in text {
        match byte {
            b'"' if !escaped => return Some(word),
            b'\\' if !escaped => {
                escaped = true;
                continue;
            }
            b'\r' | b'\n' => {}
            _ => word.push(*byte),
        }
        escaped = false;
    }
    None
}

const NAME: &[u8] = b"Authentication-Results";
/// Blanks before a colon, above which it is not waited for.
const BLANKS_MAX: usize = 256;
/// A field that is longer goes, whoever it names.
const FIELD_MAX: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn filtered(message: &[u8], step: usize) -> Vec<u8> {
        let own: Vec<Domain> =
            ["mx.coop.test", "coop.test", "bücher.example"].map(|name| name.parse().unwrap()).into();
        let mut filter = ForgedResults::new(&own);
        let mut out = Vec::new();
        for piece in message.chunks(step) {
            out.extend_from_slice(&filter.feed(Bytes::copy_from_slice(piece)));
        }
        out.extend_from_slice(&filter.finish());
        out
    }

    /// Whatever the pieces.
    fn field_stays(field: &str) -> bool {
        let message = format!("Subject: x\r\n{field}\r\nTo: y\r\n\r\n{field}\r\n");
        let without = format!("Subject: x\r\nTo: y\r\n\r\n{field}\r\n");
        let outcomes =
            [1, 2, 7, 4096].map(|step| String::from_utf8(filtered(message.as_bytes(), step)).unwrap());
        assert!(outcomes.iter().all(|outcome| *outcome == outcomes[0]), "{field}");
        assert!(outcomes[0] == message || outcomes[0] == without, "{field}: {:?}", outcomes[0]);
        outcomes[0] == message
    }

    #[test]
    fn rfc8601_5_results_in_our_name_are_removed() {
        for forged in [
            "Authentication-Results: mx.coop.test; dkim=pass header.d=bank.example",
            "authentication-results:coop.test;none",
            "AUTHENTICATION-RESULTS : COOP.TEST 1; spf=pass",
            "Authentication-Results:\r\n\tmx.coop.test;\r\n spf=pass",
            "Authentication-Results: (a (nested \\) comment)) \"mx.coop.test\" ; none",
            "Authentication-Results: \"mx.\\coop.test\"; none",
            "Authentication-Results: coop.test.; none",
            "Authentication-Results: imap.coop.test; none",
            "Authentication-Results: bücher.example; none",
            "Authentication-Results: xn--bcher-kva.example; none",
            "Authentication-Results: mx.coop.test(comment); none",
        ] {
            assert!(!field_stays(forged), "{forged}");
        }
    }

    #[test]
    fn what_nobody_can_read_for_sure_goes_too() {
        for doubtful in [
            "Authentication-Results:",
            "Authentication-Results: ; dkim=pass",
            "Authentication-Results: (never ends mx.coop.test; dkim=pass",
            "Authentication-Results: \"mx.coop.test; dkim=pass",
        ] {
            assert!(!field_stays(doubtful), "{doubtful}");
        }
        let blanks = " ".repeat(BLANKS_MAX + 1);
        assert!(!field_stays(&format!("Authentication-Results{blanks}: coop.test; none")));
        assert!(!field_stays(&format!("Authentication-Results{blanks}x")));
        assert!(!field_stays(&format!("Authentication-Results: x.example; {}", "a".repeat(FIELD_MAX))));
    }

    #[test]
    fn what_others_say_in_their_own_name_stays() {
        for theirs in [
            "Authentication-Results: mx.other.example; dkim=pass",
            "Authentication-Results: notcoop.test; none",
            "Authentication-Results: coop.test.other.example; none",
            "Authentication-Results-X: coop.test; none",
            "ARC-Authentication-Results: i=1; coop.test; none",
            "X: Authentication-Results: coop.test",
            "X: y\r\n Authentication-Results: coop.test; none",
        ] {
            assert!(field_stays(theirs), "{theirs}");
        }
    }

    #[test]
    fn every_field_is_looked_at_up_to_the_empty_line() {
        let message = b"no field\r\nAuthentication-Results: coop.test; none\r\n more\r\nauthentication-results: coop.test;\r\n\r\nAuthentication-Results: coop.test\r\n";
        let expected = b"no field\r\n\r\nAuthentication-Results: coop.test\r\n";
        assert_eq!(filtered(message, 5), expected);
        assert_eq!(filtered(b"Authentication-Results: coop.test", 3), b"");
        assert_eq!(filtered(b"Authentication-Res", 3), b"Authentication-Res");
        assert_eq!(
            filtered(b"\r\nAuthentication-Results: coop.test", 3),
            b"\r\nAuthentication-Results: coop.test"
        );
    }

    #[test]
    fn the_body_is_not_copied() {
        let mut filter = ForgedResults::new([]);
        filter.feed(Bytes::from_static(b"\r\n"));
        let body = Bytes::from_static(b"body");
        assert_eq!(filter.feed(body.clone()).as_ptr(), body.as_ptr());
    }

    proptest! {
        #[test]
        fn any_bytes_in_any_pieces(message in "((Authentication-Results|X)?[: \t]?[a-z.;(\"\\\\ )]{0,9}(coop.test)?(\r\n)?){0,6}", step in 1..20usize) {
            prop_assert_eq!(filtered(message.as_bytes(), step), filtered(message.as_bytes(), usize::MAX));
        }
    }
}
