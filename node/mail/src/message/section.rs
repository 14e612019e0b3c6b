//! Sections: what `BODY[..]` and `BINARY[..]` are, cut from the bytes (RFC 9051 section 6.4.5.1).

use std::borrow::Cow;
use std::ops::Range;

use essaim_imap::command::{HeaderName, PartPath, Partial, Section, SectionText};

use super::fields::fields;
use super::part::{PartKind, Parts};
use super::summary::Summary;
use super::transfer::Encoding;

/// What a section is made of: a range of the message, of which maybe only some fields are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut<'s> {
    range: Range<usize>,
    wanted: Wanted<'s>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted<'s> {
    All,
    Fields(&'s [HeaderName]),
    FieldsExcept(&'s [HeaderName]),
}

impl Cut<'_> {
    /// The bytes of the message that must be read.
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// Is the section exactly these bytes? Then its size is known without reading, and a window of it is a window of them.
    pub fn is_verbatim(&self) -> bool {
        self.wanted == Wanted::All
    }

    /// The section, from the bytes of [`range`](Self::range).
    pub fn of<'r>(&self, bytes: &'r [u8]) -> Cow<'r, [u8]> {
        let keeps = |name: &[u8], names: &[HeaderName]| {
            names.iter().any(|wanted| wanted.as_str().as_bytes().eq_ignore_ascii_case(name))
        };
        match self.wanted {
            Wanted::All => Cow::Borrowed(bytes),
            Wanted::Fields(names) => select(bytes, |name| keeps(name, names)),
            Wanted::FieldsExcept(names) => select(bytes, |name| !keeps(name, names)),
        }
    }
}

impl Parts {
    /// Where a section is; `None` if there is no such part, or it has no such text.
    pub fn cut<'s>(&self, section: &'s Section) -> Option<Cut<'s>> {
        let path = &section.part;
        let verbatim = |range| Cut { range, wanted: Wanted::All };
        let header = |wanted| Some(Cut { range: self.message(path)?.header(), wanted });
        match &section.text {
            SectionText::All if path.is_root() => Some(verbatim(self.find(path)?.whole())),
            SectionText::All => Some(verbatim(self.find(path)?.body())),
            SectionText::Mime => Some(verbatim(self.find(path)?.header())),
            SectionText::Text => Some(verbatim(self.message(path)?.body())),
            SectionText::Header => header(Wanted::All),
            SectionText::Fields(names) => header(Wanted::Fields(names)),
            SectionText::FieldsExcept(names) => header(Wanted::FieldsExcept(names)),
        }
    }

    /// What `BINARY[path]` is made of.
    pub fn encoded(&self, path: &PartPath) -> Result<Encoded, BinaryError> {
        let part = self.find(path).ok_or(BinaryError::NoSuchPart)?;
        let whole = Encoded { range: part.whole(), encoding: Encoding::Identity, leaf: false };
        match part.kind() {
            _ if path.is_root() => Ok(whole),
            PartKind::Multipart => Ok(Encoded { range: part.body(), ..whole }),
            _ if part.encoding() == Encoding::Unknown => Err(BinaryError::UnknownEncoding),
            kind => Ok(Encoded {
                range: part.body(),
                encoding: part.encoding(),
                leaf: *kind != PartKind::Message,
            }),
        }
    }
}

impl Summary {
    /// A section of the message, of which `raw` is all bytes. `None` is answered as NIL.
    pub fn section<'r>(&self, raw: &'r [u8], section: &Section) -> Option<Cow<'r, [u8]>> {
        let cut = self.parts().cut(section)?;
        Some(cut.of(raw.get(cut.range())?))
    }
}

/// `<offset.length>` of a section.
pub fn windowed(bytes: Cow<'_, [u8]>, partial: Partial) -> Cow<'_, [u8]> {
    let (start, end) = partial.window(bytes.len() as u64);
    let range = usize::try_from(start).unwrap_or(usize::MAX)..usize::try_from(end).unwrap_or(usize::MAX);
    match bytes {
        Cow::Borrowed(bytes) => Cow::Borrowed(bytes.get(range).unwrap_or_default()),
        Cow::Owned(bytes) => Cow::Owned(bytes.get(range).unwrap_or_default().to_vec()),
    }
}

/// A range of the message and how it is encoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    range: Range<usize>,
    encoding: Encoding,
    leaf: bool,
}

/// Why there is no `BINARY[..]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BinaryError {
    /// Answered as NIL.
    #[error("the message has no such part")]
    NoSuchPart,
    /// Answered as `NO [UNKNOWN-CTE]` (RFC 9051 section 6.4.5).
    #[error("the part has a Content-Transfer-Encoding that this server does not know")]
    UnknownEncoding,
}

impl Encoded {
    /// The bytes of the message that must be read.
    pub fn range(&self) -> Range<usize> {
        self.range.clone()
    }

    /// What is to be undone: [`Encoding::decoder`] does it in pieces.
    pub fn encoding(&self) -> Encoding {
        self.encoding
    }

    /// Is it neither a multipart nor a message? RFC 9051 section 6.4.5 has BINARY.SIZE only of such.
    pub fn is_leaf(&self) -> bool {
        self.leaf
    }

    /// Decodes the bytes of [`range`](Self::range) at once.
    pub fn decode<'r>(&self, bytes: &'r [u8]) -> Cow<'r, [u8]> {
        let Some(mut decoder) = self.encoding.decoder().filter(|_| self.encoding != Encoding::Identity)
        else {
            return Cow::Borrowed(bytes);
        };
        let mut out = Vec::with_capacity(bytes.len());
        decoder.push(bytes, &mut out);
        decoder.finish(&mut out);
        Cow::Owned(out)
    }

    /// How many bytes [`decode`](Self::decode) gives, without holding them all.
    pub fn decoded_size(&self, bytes: &[u8]) -> u64 {
        let Some(mut decoder) = self.encoding.decoder().filter(|_| self.encoding != Encoding::Identity)
        else {
            return bytes.len() as u64;
        };
        let mut out = Vec::new();
        let mut size = 0;
        for piece in bytes.chunks(PIECE) {
            decoder.push(piece, &mut out);
            size += out.len() as u64;
            out.clear();
        }
        decoder.finish(&mut out);
        size + out.len() as u64
    }
}

/// The fields whose name is wanted, and the empty line if there is one.
fn select(header: &[u8], wanted: impl Fn(&[u8]) -> bool) -> Cow<'_, [u8]> {
    let mut out = Vec::new();
    let mut end = 0;
    for field in fields(header) {
        if wanted(field.name) {
            out.extend_from_slice(header.get(field.range.clone()).unwrap_or_default());
        }
        end = field.range.end;
    }
    out.extend_from_slice(header.get(end..).unwrap_or_default());
    Cow::Owned(out)
}

const PIECE: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use std::num::{NonZeroU32, NonZeroU64};

    use super::*;

    const MESSAGE: &str = "From: a@b\r\nSubject: outer\r\n folded\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=\"foo\r\n bar\"\r\n\r\npreamble\r\n\
        --foo bar\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\naGVs\r\nbG8=\r\n\
        --foo bar \r\nContent-Type: message/rfc822\r\n\r\nSubject: inner\r\nX: y\r\n\r\ninner body\r\n\r\n\
        --foo bar\r\nContent-Type: message/rfc822\r\n\r\n\
        Content-Type: multipart/digest; boundary=d\r\n\r\n--d\r\n\r\nSubject: deep\r\n\r\ndeep body\r\n--d--\r\n\
        --foo bar\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nM\r\n\
        --foo bar--\r\nepilogue\r\n";

    fn path(text: &str) -> PartPath {
        let levels = text.split('.').filter_map(|level| level.parse::<NonZeroU32>().ok()).collect();
        PartPath::new(levels).unwrap()
    }

    fn cut(raw: &str, part: &str, text: SectionText) -> Option<String> {
        let section = Section { part: path(part), text };
        let bytes = Summary::of(raw.as_bytes()).section(raw.as_bytes(), &section)?.into_owned();
        Some(String::from_utf8(bytes).unwrap())
    }

    fn names(names: &[&str]) -> Vec<HeaderName> {
        names.iter().map(|name| HeaderName::try_from(*name).unwrap()).collect()
    }

    #[test]
    fn every_kind_of_section() {
        let has = |part: &str, text, expected: &str| {
            assert_eq!(cut(MESSAGE, part, text).as_deref(), Some(expected))
        };
        has("", SectionText::All, MESSAGE);
        has("1", SectionText::All, "aGVs\r\nbG8=");
        has("1", SectionText::Mime, "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n");
        has("2", SectionText::All, "Subject: inner\r\nX: y\r\n\r\ninner body\r\n");
        has("2", SectionText::Mime, "Content-Type: message/rfc822\r\n\r\n");
        has("2", SectionText::Header, "Subject: inner\r\nX: y\r\n\r\n");
        has("2", SectionText::Text, "inner body\r\n");
        has("2.1", SectionText::All, "inner body\r\n");
        has("3.1", SectionText::Mime, "\r\n");
        has("3.1", SectionText::All, "Subject: deep\r\n\r\ndeep body");
        has("3.1", SectionText::Header, "Subject: deep\r\n\r\n");
        has("3.1.1", SectionText::All, "deep body");
        has(
            "",
            SectionText::Fields(names(&["x", "SUBJECT", "from"])),
            "From: a@b\r\nSubject: outer\r\n folded\r\n\r\n",
        );
        has("2", SectionText::FieldsExcept(names(&["subject"])), "X: y\r\n\r\n");
        has("", SectionText::Fields(names(&["nothing"])), "\r\n");
        for (part, text) in [
            ("5", SectionText::All),
            ("1.1", SectionText::All),
            ("1", SectionText::Header),
            ("1", SectionText::Text),
            ("2.2", SectionText::All),
            ("2.1.1", SectionText::All),
            ("3.2", SectionText::Mime),
        ] {
            assert_eq!(cut(MESSAGE, part, text), None, "{part}");
        }
    }

    #[test]
    fn header_and_text_are_the_whole() {
        for raw in [
            MESSAGE,
            "",
            "\r\n",
            "A: b",
            "A: b\r\n",
            "A: b\r\n\r\n",
            "\r\nbody",
            "body only\r\n",
            "A: b\n\nc",
        ] {
            let header = cut(raw, "", SectionText::Header).unwrap();
            assert_eq!(header + &cut(raw, "", SectionText::Text).unwrap(), raw);
        }
        assert_eq!(cut("A: b\r\nc", "", SectionText::Fields(names(&["a"]))).as_deref(), Some("A: b\r\n"));
    }

    #[test]
    fn a_message_that_is_not_multipart_has_part_1() {
        let raw = "Content-Type: message/rfc822\r\n\r\nContent-Type: message/rfc822\r\n\r\nA: b\r\n\r\nc";
        assert_eq!(cut(raw, "1.1", SectionText::All).as_deref(), Some("A: b\r\n\r\nc"));
        assert_eq!(cut(raw, "1.1.1", SectionText::All).as_deref(), Some("c"));
        assert_eq!(cut(raw, "1.1", SectionText::Header).as_deref(), Some("A: b\r\n\r\n"));
        assert_eq!(cut(raw, "1.1", SectionText::Text).as_deref(), Some("c"));
        assert_eq!(cut("A: b\r\n\r\nc", "1", SectionText::Mime).as_deref(), Some("A: b\r\n\r\n"));
    }

    #[test]
    fn windows_end_where_the_section_ends() {
        let window = |offset, length| {
            let partial = Partial { offset, length: NonZeroU64::new(length).unwrap() };
            windowed(Cow::Borrowed(b"abcdef"), partial).into_owned()
        };
        assert_eq!(window(0, 3), b"abc");
        assert_eq!(window(4, 9), b"ef");
        assert_eq!(window(6, 1), b"");
        assert_eq!(window(u64::MAX, u64::MAX), b"");
    }

    #[test]
    fn binary_is_decoded() {
        let parts = Summary::of(MESSAGE.as_bytes()).parts().clone();
        let binary = |part: &str| {
            let encoded = parts.encoded(&path(part))?;
            let bytes = MESSAGE.as_bytes().get(encoded.range()).unwrap();
            assert_eq!(encoded.decoded_size(bytes), encoded.decode(bytes).len() as u64);
            Ok((String::from_utf8(encoded.decode(bytes).into_owned()).unwrap(), encoded.is_leaf()))
        };
        assert_eq!(binary("1"), Ok(("hello".to_owned(), true)));
        assert_eq!(binary("2"), Ok(("Subject: inner\r\nX: y\r\n\r\ninner body\r\n".to_owned(), false)));
        assert_eq!(binary(""), Ok((MESSAGE.to_owned(), false)));
        assert_eq!(binary("4"), Err(BinaryError::UnknownEncoding));
        assert_eq!(binary("5"), Err(BinaryError::NoSuchPart));
    }
}
