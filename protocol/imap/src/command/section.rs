//! Which part of a message: RFC 9051 section 6.4.5.1.

use std::fmt;
use std::num::{NonZeroU32, NonZeroU64};

use crate::parse::{Cursor, Refusal};

/// What stands between the brackets of `BODY[..]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Section {
    /// The part; empty is the message itself.
    pub part: PartPath,
    /// What of it.
    pub text: SectionText,
}

impl Section {
    /// `BODY[]`: the whole message.
    pub const WHOLE: Self = Self { part: PartPath::ROOT, text: SectionText::All };

    /// `BODY[HEADER]`.
    pub const HEADER: Self = Self { part: PartPath::ROOT, text: SectionText::Header };

    /// `BODY[TEXT]`.
    pub const TEXT: Self = Self { part: PartPath::ROOT, text: SectionText::Text };
}

/// What of a part. For `Header`, `Fields`, `FieldsExcept` and `Text` a part that is not the message itself must be of type
/// message/rfc822 or message/global, and its content is meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SectionText {
    /// Everything: of the message header and body, of a part its body as it is encoded.
    All,
    /// The header with the empty line.
    Header,
    /// `HEADER.FIELDS (..)`: these fields, in the message's order, and the empty line.
    Fields(Vec<HeaderName>),
    /// `HEADER.FIELDS.NOT (..)`: all but these.
    FieldsExcept(Vec<HeaderName>),
    /// The body without the header.
    Text,
    /// The MIME header of the part; never with an empty path.
    Mime,
}

/// `4.2.1`: which child, then which child of that, counted from 1. At most [`PartPath::DEPTH_MAX`] levels.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct PartPath(Vec<NonZeroU32>);

impl PartPath {
    /// The most levels that are accepted: more than any message we describe has.
    pub const DEPTH_MAX: usize = 64;

    /// The message itself.
    pub const ROOT: Self = Self(Vec::new());

    /// `None` if there are more levels than we accept.
    pub fn new(levels: Vec<NonZeroU32>) -> Option<Self> {
        (levels.len() <= Self::DEPTH_MAX).then_some(Self(levels))
    }

    /// The numbers from the top down.
    pub fn levels(&self) -> &[NonZeroU32] {
        &self.0
    }

    /// Is it the message itself?
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for PartPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, level) in self.0.iter().enumerate() {
            let dot = if at == 0 { "" } else { "." };
            write!(f, "{dot}{level}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for PartPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PartPath({self})")
    }
}

/// `<offset.length>`: a window into what would be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Partial {
    /// Bytes to skip. At or past the end: an empty answer.
    pub offset: u64,
    /// At most this many bytes.
    pub length: NonZeroU64,
}

impl Partial {
    /// The window of something `total` bytes long, as start and end.
    pub fn window(self, total: u64) -> (u64, u64) {
        let start = self.offset.min(total);
        (start, start.saturating_add(self.length.get()).min(total))
    }
}

/// The name of a header field: printable ASCII without `:`; case does not matter but is kept.
#[derive(Clone)]
pub struct HeaderName(Box<str>);

/// Text that is not the name of a header field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a header field: 1 to {} printable characters without colon", HeaderName::LEN_MAX)]
pub struct InvalidHeaderName;

impl HeaderName {
    /// RFC 5322 section 2.1.1: a line has at most 998 characters, the colon among them.
    pub const LEN_MAX: usize = 997;

    /// As it was asked for.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<&str> for HeaderName {
    type Error = InvalidHeaderName;
    fn try_from(text: &str) -> Result<Self, InvalidHeaderName> {
        let fits = (1..=Self::LEN_MAX).contains(&text.len())
            && text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b':');
        fits.then(|| Self(text.into())).ok_or(InvalidHeaderName)
    }
}

impl PartialEq for HeaderName {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for HeaderName {}

impl std::hash::Hash for HeaderName {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.0.bytes().for_each(|byte| byte.to_ascii_lowercase().hash(state));
    }
}

impl fmt::Debug for HeaderName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Section {
    /// `section`: with its brackets.
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        cursor.expect(b'[')?;
        let part = PartPath::read(cursor)?;
        let dangling = cursor.before() == Some(b'.');
        let text = if cursor.peek() == Some(b']') && !dangling {
            SectionText::All
        } else {
            SectionText::read(&part, cursor)?
        };
        cursor.expect(b']')?;
        Ok(Self { part, text })
    }
}

impl SectionText {
    fn read(part: &PartPath, cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        match () {
            () if cursor.eat_word("HEADER") => Ok(Self::Header),
            () if cursor.eat_word("TEXT") => Ok(Self::Text),
            () if cursor.eat_word("HEADER.FIELDS") => HeaderName::read_list(cursor).map(Self::Fields),
            () if cursor.eat_word("HEADER.FIELDS.NOT") => {
                HeaderName::read_list(cursor).map(Self::FieldsExcept)
            }
            () if !part.is_root() && cursor.eat_word("MIME") => Ok(Self::Mime),
            () => Err(cursor.expected("a section")),
        }
    }
}

impl PartPath {
    /// `section-part` with the dot behind it if a text follows; maybe nothing.
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        let mut levels = Vec::new();
        while cursor.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            if levels.len() == Self::DEPTH_MAX {
                return Err(Refusal::too_many("levels of a section", Self::DEPTH_MAX));
            }
            levels.push(cursor.nz_number()?);
            if !cursor.eat(b'.') {
                return match cursor.peek() {
                    Some(b']') => Ok(Self(levels)),
                    _ => Err(cursor.expected("\"]\" or \".\"")),
                };
            }
        }
        Ok(Self(levels))
    }

    /// `section-binary`: with its brackets.
    pub(crate) fn read_binary(cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        cursor.expect(b'[')?;
        let part = Self::read(cursor)?;
        if cursor.before() == Some(b'.') {
            return Err(cursor.expected("the number of a part"));
        }
        cursor.expect(b']')?;
        Ok(part)
    }
}

impl Partial {
    /// `<offset.length>`, if it is there.
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Option<Self>, Refusal> {
        if !cursor.eat(b'<') {
            return Ok(None);
        }
        let offset = cursor.number64()?;
        cursor.expect(b'.')?;
        let length = cursor.nz_number64()?;
        cursor.expect(b'>')?;
        Ok(Some(Self { offset, length }))
    }
}

impl HeaderName {
    /// A name that may be a string.
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        let name = cursor.text("the name of a header field")?;
        Self::try_from(name.as_str()).map_err(|error| Refusal::bad(error.to_string()))
    }

    fn read_list(cursor: &mut Cursor<'_>) -> Result<Vec<Self>, Refusal> {
        cursor.space()?;
        cursor.list1("header fields", NAMES_MAX, Self::read)
    }
}

/// The most names in one HEADER.FIELDS.
const NAMES_MAX: usize = 256;
