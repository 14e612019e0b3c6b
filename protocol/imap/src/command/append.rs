//! APPEND: RFC 9051 section 6.3.12, RFC 3502 (several at once), RFC 3516 (binary), RFC 9755 (UTF-8 headers).

use essaim_types::ByteSize;

use crate::parse::{Cursor, LiteralHead, Refusal};
use crate::{Flag, InternalDate};

/// What precedes the bytes of one message. The bytes themselves are streamed past and are in no type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppendMessage {
    /// The flags to set; empty if none were given.
    pub flags: Vec<Flag>,
    /// The internal date; `None` for the moment of arrival.
    pub date: Option<InternalDate>,
    /// Exactly how many bytes follow.
    pub size: ByteSize,
    /// What kind of bytes.
    pub form: MessageForm,
}

/// How the bytes of a message were announced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageForm {
    /// `{n}`: no NUL (the conversation sees to it).
    Literal,
    /// `~{n}`, RFC 3516: a part may have Content-Transfer-Encoding binary, and NUL may occur.
    Binary,
    /// `UTF8 (~{n})`, RFC 9755: header fields may be UTF-8.
    Utf8,
}

impl AppendMessage {
    /// `[SP flag-list] [SP date-time] SP literal-head`, to the end of the line.
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<(Self, LiteralHead), Refusal> {
        cursor.space()?;
        let mut flags = Vec::new();
        if cursor.peek() == Some(b'(') {
            flags = cursor.flag_list()?;
            cursor.space()?;
        }
        let mut date = None;
        if cursor.peek() == Some(b'"') {
            date = Some(cursor.date_time()?);
            cursor.space()?;
        }
        let utf8 = cursor.eat_word("UTF8");
        if utf8 {
            cursor.space()?;
            cursor.expect(b'(')?;
        }
        let head = LiteralHead::at_end_of(cursor.rest()).filter(|head| head.length == cursor.rest().len());
        let head = head.ok_or_else(|| cursor.expected("a message as a literal"))?;
        let form = match (utf8, head.binary) {
            (false, false) => MessageForm::Literal,
            (false, true) => MessageForm::Binary,
            (true, true) => MessageForm::Utf8,
            (true, false) => return Err(cursor.expected("a literal8")),
        };
        Ok((Self { flags, date, size: ByteSize(head.size), form }, head))
    }
}
