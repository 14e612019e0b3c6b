//! A message or part as the scanner finds it, with all that the summary tells of it.

use encoding_rs::{Encoding as Charset, WINDOWS_1252};
use essaim_imap::response::Envelope;

use super::ENVELOPE_MAX;
use super::charset;
use super::envelope::envelope;
use super::gather::{Gathered, Known};
use super::mime::{Mime, boundary};
use super::plain::Budget;
use super::value::Parameterized;

/// Something with a header and a body (RFC 2045 section 2.4). Offsets count from the start of the message.
#[derive(Debug)]
pub(super) struct Entity {
    pub(super) content: Content,
    pub(super) header: usize,
    pub(super) body: usize,
    pub(super) end: usize,
    /// How many lines the body has. Until it has ended: how many LFs came before it.
    pub(super) lines: u64,
    /// How many entities are inside.
    pub(super) inside: usize,
    pub(super) mime: Mime,
    /// Of a message.
    pub(super) envelope: Envelope<'static>,
    /// Some of the header is not in the envelope: a field was there twice, or is very long.
    pub(super) lossy: bool,
}

/// Why there is a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// It is the message that came.
    Outermost,
    /// It is a message inside a part.
    Message,
    /// It is a part of a multipart; of a digest, a message unless it says otherwise (RFC 2046 section 5.1.5).
    Part,
    DigestPart,
}

/// What the scanner makes of the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    /// One piece.
    Leaf,
    /// Parts between boundaries.
    Multipart,
    /// A message.
    Message,
    /// A multipart or message that is not looked into, because it is nested too deep or there are too many.
    Sealed,
}

impl Entity {
    /// From its header, before its body has come. The content is what the header says, for the scanner to correct.
    pub(super) fn new(role: Role, header: usize, fields: &Gathered, budget: &mut Budget) -> Self {
        let fallback = neighbour(fields);
        let default = if role == Role::DigestPart { ("message", "rfc822") } else { ("text", "plain") };
        budget.take(ENTITY_COST);
        let mime = Mime::of(fields, default, fallback, budget);
        // The outermost envelope is told apart from the structure: a long list of recipients costs no part.
        let mut apart = Budget::new(ENVELOPE_MAX);
        let envelope = match role {
            Role::Outermost => envelope(fields, fallback, &mut apart),
            Role::Message => envelope(fields, fallback, budget),
            Role::Part | Role::DigestPart => Envelope::default(),
        };
        let lossy = fields.is_lossy() || apart.is_spent();
        let content = match &mime {
            _ if mime.boundary.is_some() && mime.kind == "multipart" => Content::Multipart,
            _ if mime.is_message() => Content::Message,
            _ => Content::Leaf,
        };
        Self { content, header, body: header, end: header, lines: 0, inside: 0, mime, envelope, lossy }
    }

    /// To be shown as plain text, whatever it says: a multipart in which no part was found.
    pub(super) fn is_broken(&self) -> bool {
        self.content == Content::Leaf && self.mime.kind == "multipart"
    }

    /// A text, by what its header says.
    pub(super) fn is_text(&self) -> bool {
        self.content == Content::Leaf && (self.mime.kind == "text" || self.is_broken())
    }
}

/// The boundary that Content-Type names.
pub(super) fn boundary_of(fields: &Gathered) -> Option<Vec<u8>> {
    let content_type = Parameterized::of(fields.value(Known::ContentType)?, neighbour(fields))?;
    boundary(&content_type)
}

/// In what charset the fields may be that are not in ASCII: often that of the text below.
fn neighbour(fields: &Gathered) -> &'static Charset {
    let content_type = fields.value(Known::ContentType);
    let content_type = content_type.and_then(|value| Parameterized::of(value, WINDOWS_1252));
    let text = content_type.as_ref().filter(|content_type| content_type.kind == "text");
    charset::beside(text.and_then(|text| text.parameter("charset")))
}

/// `( NIL NIL NIL 123456 1234 NIL NIL NIL NIL)` in the structure, and an entry in the list of parts.
const ENTITY_COST: usize = 64;
