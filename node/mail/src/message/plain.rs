//! Unicode in places where IMAP clients expect ASCII: encoded words (RFC 2047) and parameters (RFC 2231); and the bound on
//! how much of it a summary holds.

use std::fmt::Write;

use super::value::decode_words;

/// The text in ASCII: what is not becomes encoded words, as they might have stood in the header.
pub(super) fn ascii_words(text: String) -> String {
    if text.is_ascii() {
        return text;
    }
    let mut words = String::new();
    let mut room = 0;
    for c in decode_words(&text).chars() {
        let mut bytes = [0; 4];
        let bytes = c.encode_utf8(&mut bytes).as_bytes();
        let cost = if c.is_ascii_alphanumeric() { 1 } else { 3 * bytes.len() };
        if cost > room {
            words.push_str(if words.is_empty() { WORD_START } else { WORD_BREAK });
            room = WORD_MAX - WORD_START.len() - WORD_END.len();
        }
        room -= cost;
        match c {
            ' ' => words.push('_'),
            _ if c.is_ascii_alphanumeric() => words.push(c),
            _ => escape(&mut words, bytes, '='),
        }
    }
    words.push_str(WORD_END);
    words
}

/// The parameter with its value in ASCII: `filename*` with `utf-8''caf%C3%A9.pdf`.
pub(super) fn ascii_parameter(name: String, value: String) -> (String, String) {
    if value.is_ascii() {
        return (name, value);
    }
    let mut extended = String::from("utf-8''");
    for byte in value.bytes() {
        match byte {
            _ if byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_') => {
                extended.push(char::from(byte));
            }
            _ => escape(&mut extended, &[byte], '%'),
        }
    }
    (name + "*", extended)
}

fn escape(out: &mut String, bytes: &[u8], mark: char) {
    for byte in bytes {
        write!(out, "{mark}{byte:02X}").expect("writing to a string does not fail");
    }
}

/// How many more bytes of text a summary takes in. What does not fit is left out as a whole.
#[derive(Debug)]
pub(super) struct Budget {
    left: usize,
    times: usize,
    spent: bool,
}

impl Budget {
    pub(super) fn new(bytes: usize) -> Self {
        Self { left: bytes, times: 1, spent: false }
    }

    /// Was anything left out?
    pub(super) fn is_spent(&self) -> bool {
        self.spent
    }

    /// Whatever is taken meanwhile is told three times.
    pub(super) fn thrice<T>(&mut self, spend: impl FnOnce(&mut Self) -> T) -> T {
        self.times = 3;
        let outcome = spend(self);
        self.times = 1;
        outcome
    }

    /// Room for some bytes, if there is.
    pub(super) fn take(&mut self, bytes: usize) -> bool {
        match self.left.checked_sub(bytes.saturating_mul(self.times)) {
            Some(left) => self.left = left,
            None => self.spent = true,
        }
        !self.spent
    }

    /// The text, if there is room for it as a quoted string.
    pub(super) fn text(&mut self, text: String) -> Option<String> {
        let escaped = text.bytes().filter(|byte| matches!(byte, b'"' | b'\\')).count();
        self.take(text.len() + escaped + 3).then_some(text)
    }
}

const WORD_START: &str = "=?utf-8?q?";
const WORD_END: &str = "?=";
const WORD_BREAK: &str = "?= =?utf-8?q?";
/// RFC 2047 section 2.
const WORD_MAX: usize = 75;

#[cfg(test)]
mod tests {
    use encoding_rs::UTF_8;

    use super::*;
    use crate::message::value::decoded;

    #[test]
    fn words_decode_to_what_they_were() {
        for text in [
            "é",
            "a b é (c)",
            "日本語のとても長い件名です。日本語のとても長い件名です。",
            "\u{1f41d}?=_ =\"x\"",
        ] {
            let words = ascii_words(text.to_owned());
            assert!(words.is_ascii() && words.split(' ').all(|word| word.len() <= WORD_MAX), "{words}");
            assert_eq!(decoded(words.as_bytes(), UTF_8), text);
        }
        assert_eq!(ascii_words("plain =?x?=".to_owned()), "plain =?x?=");
        assert_eq!(ascii_words("é =?utf-8?q?=C3=A9?=".to_owned()), "=?utf-8?q?=C3=A9_=C3=A9?=");
    }

    #[test]
    fn parameters_are_extended_only_where_needed() {
        let ascii = |value: &str| ascii_parameter("filename".to_owned(), value.to_owned());
        assert_eq!(ascii("a b"), ("filename".to_owned(), "a b".to_owned()));
        assert_eq!(ascii("é b"), ("filename*".to_owned(), "utf-8''%C3%A9%20b".to_owned()));
    }

    #[test]
    fn a_spent_budget_stays_spent() {
        let mut budget = Budget::new(12);
        assert_eq!(budget.text("\"a\"".to_owned()).as_deref(), Some("\"a\""));
        assert_eq!(budget.text("bb".to_owned()), None);
        assert_eq!(budget.text(String::new()), None);
        assert!(budget.is_spent());
    }
}
