//! The header of the message that the report is about.

use std::borrow::Cow;

/// Whole lines of a header section, as text with CRLF line ends, and bounded.
#[derive(Debug)]
pub(super) struct OriginalHeader(String);

impl OriginalHeader {
    /// Up to the empty line, or to the last whole line within the bound. Bytes that are no UTF-8 are replaced, NUL too.
    pub(super) fn read(message: &[u8]) -> Self {
        let bounded = message.get(..SIZE_MAX).unwrap_or(message);
        let mut text = String::new();
        for line in bounded.split_inclusive(|byte| *byte == b'\n') {
            let Some(line) = line.strip_suffix(b"\n") else { break };
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.is_empty() {
                break;
            }
            let line: Cow<'_, str> = String::from_utf8_lossy(line);
            let line = line.get(..line.floor_char_boundary(LINE_MAX)).unwrap_or_default();
            text.extend(line.chars().map(|c| if c.is_control() && c != '\t' { '?' } else { c }));
            text.push_str("\r\n");
        }
        Self(text)
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }

    pub(super) fn is_ascii(&self) -> bool {
        self.0.is_ascii()
    }

    /// For the thread in the member's mail program, if it is one word in angle brackets.
    pub(super) fn message_id(&self) -> Option<&str> {
        let value = self.0.split("\r\n").find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("message-id").then_some(value.trim())
        })?;
        let plain = value.len() <= ID_MAX && value.bytes().all(|byte| byte.is_ascii_graphic());
        let word = value.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'))?;
        (plain && !word.is_empty() && !word.contains(['<', '>'])).then_some(value)
    }
}

const SIZE_MAX: usize = 64 << 10;
/// RFC 5322 section 2.1.1.
const LINE_MAX: usize = 998;
const ID_MAX: usize = 500;
