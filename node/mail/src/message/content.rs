//! Seeks texts in a message (SEARCH, RFC 9051 section 6.4.4): decoded from their encodings and charsets.

use std::borrow::Cow;

use encoding_rs::Encoding as Charset;
use essaim_imap::command::{Header, HeaderName};
use mail_parser::decoders::html::html_to_text;
use memchr::{memchr, memmem};

use super::charset;
use super::fields::fields;
use super::needle::Needle;
use super::part::{Part, PartKind};
use super::rendered::{Token, Tokens};
use super::summary::Summary;
use super::transfer::Encoding;
use super::value;

impl Summary {
    /// BCC, CC, FROM, SUBJECT, TO: is the text in this field of the envelope? Of addresses, as they would be written:
    /// `name <local@host>`. What is not there has not even the empty text; of a list beyond [`FIELD_MAX`](super::FIELD_MAX)
    /// the rest is not there.
    pub fn envelope_has(&self, field: Header, needle: &Needle) -> bool {
        let list = match field {
            Header::Subject => {
                return self.envelope_item(1).string().is_some_and(|text| needle.is_in(&unicode(&text)));
            }
            Header::From => 2,
            Header::To => 5,
            Header::Cc => 6,
            Header::Bcc => 7,
        };
        addresses(&mut self.envelope_item(list)).is_some_and(|text| needle.is_in(&text))
    }

    /// HEADER, as far as the envelope can tell without the message: most of all, clients ask about Message-ID. `None`: ask
    /// [`Content::header_has`].
    pub fn header_has(&self, name: &HeaderName, needle: &Needle) -> Option<bool> {
        let is = |(other, _): &&(&str, usize)| name.as_str().eq_ignore_ascii_case(other);
        let (_, item) = ENVELOPE_TEXTS.iter().find(is).filter(|_| !self.is_lossy())?;
        Some(self.envelope_item(*item).string().is_some_and(|text| needle.is_in(&unicode(&text))))
    }

    fn envelope_item(&self, item: usize) -> Tokens<'_> {
        let mut tokens = Tokens::new(self.envelope());
        tokens.next();
        (0..item).for_each(|_| tokens.pass());
        tokens
    }
}

/// A message in which texts are sought.
#[derive(Debug)]
pub struct Content<'m> {
    raw: &'m [u8],
    summary: &'m Summary,
    scratch: Vec<u8>,
}

impl<'m> Content<'m> {
    /// All bytes of a message, and its summary.
    pub fn new(raw: &'m [u8], summary: &'m Summary) -> Self {
        Self { raw, summary, scratch: Vec::new() }
    }

    /// HEADER: is the text in a field with this name? An empty text asks only whether there is one.
    pub fn header_has(&mut self, name: &HeaderName, needle: &Needle) -> bool {
        let Some(message) = self.summary.parts().iter().next() else {
            return false;
        };
        let fallback = charset::beside(message.kind().charset());
        fields(self.bytes(message.header()))
            .filter(|field| field.name.eq_ignore_ascii_case(name.as_str().as_bytes()))
            .any(|field| needle.is_empty() || self.line_has(b"", field.value, fallback, needle))
    }

    /// BODY: is it in a text of the body, or in the header of a message there?
    pub fn body_has(&mut self, needle: &Needle) -> bool {
        self.parts_have(needle, Headers::Inner)
    }

    /// TEXT: is it anywhere in the header, in the body, or in the header of a part?
    pub fn text_has(&mut self, needle: &Needle) -> bool {
        self.parts_have(needle, Headers::All)
    }

    fn parts_have(&mut self, needle: &Needle, headers: Headers) -> bool {
        let mut inside_message = false;
        for (at, part) in self.summary.parts().iter().enumerate() {
            let sought = match headers {
                Headers::All => true,
                Headers::Inner => inside_message && at > 0,
            };
            if (sought && self.header_of_has(part, needle)) || self.body_of_has(part, needle) {
                return true;
            }
            inside_message = *part.kind() == PartKind::Message;
        }
        false
    }

    fn bytes(&self, range: std::ops::Range<usize>) -> &'m [u8] {
        self.raw.get(range).unwrap_or_default()
    }

    /// Names and values of a whole header.
    fn header_of_has(&mut self, part: &Part, needle: &Needle) -> bool {
        let header = self.bytes(part.header());
        if is_plain(header) {
            let verbatim = needle.is_ascii() && needle.is_in_bytes(header, &mut self.scratch);
            // Across the fold of a line only what has a blank can stand.
            if verbatim || !needle.is_ascii() || !needle.has_blank() {
                return verbatim;
            }
        }
        let fallback = charset::beside(part.kind().charset());
        fields(header).any(|field| self.line_has(field.name, field.value, fallback, needle))
    }

    /// A field as it is read: one line, decoded.
    fn line_has(&mut self, name: &[u8], value: &[u8], fallback: &'static Charset, needle: &Needle) -> bool {
        let colon: &[u8] = if name.is_empty() { b"" } else { b": " };
        if !is_plain(value) {
            let name = String::from_utf8_lossy(&[name, colon].concat()).into_owned();
            return needle.is_in(&(name + &value::decoded(value, fallback)));
        }
        needle.is_ascii()
            && needle.is_in_bytes(&[name, colon, &value::unfold(value)].concat(), &mut self.scratch)
    }

    fn body_of_has(&mut self, part: &Part, needle: &Needle) -> bool {
        let html = match part.kind() {
            PartKind::Plain(_) | PartKind::Text(_) => false,
            PartKind::Html(_) => true,
            PartKind::Multipart | PartKind::Message | PartKind::Other => return false,
        };
        let charset = part.kind().charset();
        let body = self.bytes(part.body());
        let Some(bytes) = transfer_decoded(part.encoding(), body) else {
            return false;
        };
        if !charset::shows_ascii(charset) {
            return text_has(&charset::decode(charset, &bytes), html, needle);
        }
        if needle.is_ascii() {
            return needle.is_in_bytes(&bytes, &mut self.scratch)
                || (html && visible_has(&charset::decode(charset, &bytes), needle));
        }
        // No character but ASCII is in ASCII, unless HTML names it.
        let hopeless = bytes.is_ascii() && !(html && memchr(b'&', &bytes).is_some());
        !hopeless && text_has(&charset::decode(charset, &bytes), html, needle)
    }
}

#[derive(Debug, Clone, Copy)]
enum Headers {
    /// Of messages inside the message.
    Inner,
    All,
}

fn text_has(text: &str, html: bool, needle: &Needle) -> bool {
    needle.is_in(text) || (html && visible_has(text, needle))
}

/// What a reader of HTML sees: `caf&eacute;` and `c<b>a</b>fé` are found as well.
fn visible_has(html: &str, needle: &Needle) -> bool {
    needle.is_in(&html_to_text(html))
}

fn transfer_decoded(encoding: Encoding, body: &[u8]) -> Option<Cow<'_, [u8]>> {
    if encoding == Encoding::Identity {
        return Some(Cow::Borrowed(body));
    }
    let mut decoder = encoding.decoder()?;
    let mut out = Vec::with_capacity(body.len());
    decoder.push(body, &mut out);
    decoder.finish(&mut out);
    Some(Cow::Owned(out))
}

/// No encoded word, and ASCII: nothing to decode.
fn is_plain(value: &[u8]) -> bool {
    value.is_ascii() && memmem::find(value, b"=?").is_none()
}

/// A list of addresses as text.
fn addresses(tokens: &mut Tokens<'_>) -> Option<String> {
    if tokens.next() != Some(Token::Open) {
        return None;
    }
    let mut text = String::new();
    while tokens.next() == Some(Token::Open) {
        let name = tokens.string();
        tokens.pass();
        let (local, host) = (tokens.string(), tokens.string());
        tokens.next();
        let Some(local) = local else { continue };
        if !text.is_empty() {
            text.push_str(", ");
        }
        let address = match &host {
            Some(host) => format!("{}@{}", unicode(&local), unicode(host)),
            // The name of a group.
            None => unicode(&local),
        };
        match name {
            Some(name) => text.push_str(&format!("{} <{address}>", unicode(&name))),
            None => text.push_str(&address),
        }
    }
    Some(text)
}

fn unicode(text: &[u8]) -> String {
    value::decode_words(&String::from_utf8_lossy(text)).into_owned()
}

/// The fields that are a text in the envelope, and how many items stand before them.
const ENVELOPE_TEXTS: [(&str, usize); 4] =
    [("Date", 0), ("Subject", 1), ("In-Reply-To", 8), ("Message-ID", 9)];

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = "From: =?utf-8?q?Ren=C3=A9?= <rene@exemple.test>\r\nTo: friends: ann@x.test, \"Bo, B\" <bo@x.test>;\r\n\
        Subject: A folded\r\n subject =?utf-8?q?=C3=A9t=C3=A9?=\r\nX-Empty:\r\nDate: Mon, 1 Jan 2024 23:30:00 -0500\r\n\
        Message-ID: <id.1@x.test>\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\npreamble\r\n\
        --b\r\nContent-Type: text/plain; charset=iso-8859-1\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n\
        Caf=E9 au l=\r\nait\r\n\
        --b\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n\
        PHA+ZMOpasOgIDxiPnY8L2I+dTwvcD4mbmJzcDsmZWFjdXRlO3TDqQ==\r\n\
        --b\r\nContent-Type: image/png; name=picture.png\r\n\r\nsecret\r\n\
        --b\r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\n\r\ninner body\r\n--b--\r\n";

    fn found(seek: impl Fn(&mut Content<'_>, &Needle) -> bool, text: &str) -> bool {
        let summary = Summary::of(MESSAGE.as_bytes());
        seek(&mut Content::new(MESSAGE.as_bytes(), &summary), &Needle::new(text))
    }

    fn in_body(text: &str) -> bool {
        found(|content, needle| content.body_has(needle), text)
    }

    fn in_text(text: &str) -> bool {
        found(|content, needle| content.text_has(needle), text)
    }

    #[test]
    fn body_is_decoded_text() {
        for text in
            ["café au LAIT", "CAFÉ", "déjà", "déjà vu", "été", "inner body", "subject: inner", "<b>v</b>", ""]
        {
            assert!(in_body(text), "{text}");
        }
        for text in ["caf=e9", "PHA+", "secret", "preamble", "folded", "picture.png", "cafe"] {
            assert!(!in_body(text), "{text}");
        }
    }

    #[test]
    fn text_is_headers_too() {
        for text in [
            "café",
            "a folded subject été",
            "rené <rene",
            "X-EMPTY",
            "picture.png",
            "inner body",
            "boundary=b",
        ] {
            assert!(in_text(text), "{text}");
        }
        for text in ["secret", "preamble", "=?utf-8"] {
            assert!(!in_text(text), "{text}");
        }
    }

    #[test]
    fn header_fields_by_name() {
        let has = |name: &str, text: &str| {
            let name = HeaderName::try_from(name).unwrap();
            found(|content, needle| content.header_has(&name, needle), text)
        };
        assert!(has("x-empty", "") && !has("x-missing", "") && !has("x-empty", "a"));
        assert!(has("subject", "FOLDED subject été") && has("SUBJECT", ""));
        assert!(has("from", "rené <rene@") && !has("from", "from"));
        assert!(has("date", "23:30") && !has("subject", "inner"));
    }

    #[test]
    fn the_envelope_answers_without_the_message() {
        let summary = Summary::of(MESSAGE.as_bytes());
        let has = |field, text: &str| summary.envelope_has(field, &Needle::new(text));
        assert!(has(Header::Subject, "subject été") && !has(Header::Subject, "inner"));
        assert!(has(Header::From, "RENÉ <rene@exemple.test>"));
        assert!(
            has(Header::To, "friends") && has(Header::To, "bo, b <bo@x.test>") && has(Header::To, "ann@x")
        );
        assert!(!has(Header::Cc, "") && !has(Header::Bcc, "x"));
        let known = |name: &str, text: &str| {
            summary.header_has(&HeaderName::try_from(name).unwrap(), &Needle::new(text))
        };
        assert_eq!(known("message-id", "<ID.1@x.test>"), Some(true));
        assert_eq!(known("Message-ID", "id.2"), Some(false));
        assert_eq!(known("In-Reply-To", ""), Some(false));
        assert_eq!(known("To", "ann"), None);
        let twice = Summary::of(b"Subject: a\r\nSubject: b\r\n\r\n");
        assert_eq!(twice.header_has(&HeaderName::try_from("subject").unwrap(), &Needle::new("b")), None);
    }

    #[test]
    fn the_day_sent_is_the_one_written() {
        let sent = Summary::of(MESSAGE.as_bytes()).sent().unwrap().date();
        assert_eq!((sent.year(), sent.month(), sent.day()), (2024, 1, 1));
    }

    #[test]
    fn charsets_that_hide_or_feign_ascii() {
        let has = |charset: &str, body: &[u8], text: &str| {
            let raw =
                [format!("Content-Type: text/plain; charset={charset}\r\n\r\n").as_bytes(), body].concat();
            let summary = Summary::of(&raw);
            Content::new(&raw, &summary).body_has(&Needle::new(text))
        };
        assert!(has("utf-16le", b"a\0b\0c\0", "ABC"));
        assert!(has("utf-7", b"caf+AOk-", "café") && !has("utf-7", b"caf+AOk-", "AOk"));
        assert!(
            has("iso-2022-jp", b"\x1b$B%O%m!<\x1b(B", "ハロー")
                && !has("iso-2022-jp", b"\x1b$B%O%m!<\x1b(B", "%o")
        );
        assert!(has("shift_jis", b"\x83A", "ア") && !has("shift_jis", b"\x83A", "a"));
        assert!(has("us-ascii", b"caf\xc3\xa9", "CAFÉ") && has("nonsense", b"caf\xe9", "café"));
    }
}
