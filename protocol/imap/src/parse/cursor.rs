//! A position in the bytes of a command, and the small words of the grammar.

use std::borrow::Cow;
use std::num::{NonZeroU32, NonZeroU64};

use essaim_types::ModSeq;

use super::literal::{LiteralHead, decimal};
use super::refusal::Refusal;
use crate::Enabled;
use crate::flag::is_atom_char;

/// Reads from the front; every method either moves past what it read, or refuses the whole command.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
    enabled: Enabled,
}

impl<'a> Cursor<'a> {
    /// At the start of a command without its last CR LF.
    pub(crate) fn new(bytes: &'a [u8], enabled: Enabled) -> Self {
        Self { bytes, at: 0, enabled }
    }

    /// What the client has enabled decides how names are spelled.
    pub(crate) fn enabled(&self) -> Enabled {
        self.enabled
    }

    pub(crate) fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    pub(crate) fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The byte that was read last.
    pub(crate) fn before(&self) -> Option<u8> {
        self.at.checked_sub(1).and_then(|at| self.bytes.get(at).copied())
    }

    /// Moves past `byte` if it is next.
    pub(crate) fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Moves past `word`, in any case, if it is next and no letter, digit, `.` or `-` follows.
    pub(crate) fn eat_word(&mut self, word: &str) -> bool {
        let mut ahead = self.clone();
        let found = ahead.word().eq_ignore_ascii_case(word.as_bytes());
        if found {
            self.at = ahead.at;
        }
        found
    }

    /// Letters, digits, `.` and `-`; maybe none. No name of a command or an item has other characters.
    pub(crate) fn word(&mut self) -> &'a [u8] {
        self.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-'))
    }

    pub(crate) fn take_while(&mut self, wanted: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let length = rest.iter().position(|&byte| !wanted(byte)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or_default()
    }

    /// Moves past bytes that were looked at.
    pub(crate) fn skip(&mut self, count: usize) {
        self.at = self.at.saturating_add(count).min(self.bytes.len());
    }

    /// A refusal that says what should stand here.
    pub(crate) fn expected(&self, what: &str) -> Refusal {
        Refusal::bad(format!("expected {what} at byte {}", self.at + 1))
    }

    pub(crate) fn expect(&mut self, byte: u8) -> Result<(), Refusal> {
        if self.eat(byte) { Ok(()) } else { Err(self.expected(&format!("{:?}", char::from(byte)))) }
    }

    pub(crate) fn space(&mut self) -> Result<(), Refusal> {
        if self.eat(b' ') { Ok(()) } else { Err(self.expected("a space")) }
    }

    pub(crate) fn end(&self) -> Result<(), Refusal> {
        if self.rest().is_empty() { Ok(()) } else { Err(self.expected("the end of the command")) }
    }

    /// `item`s between parentheses with one space between them; maybe none.
    pub(crate) fn list<T>(
        &mut self,
        what: &str,
        max: usize,
        mut item: impl FnMut(&mut Self) -> Result<T, Refusal>,
    ) -> Result<Vec<T>, Refusal> {
        let mut items = Vec::new();
        self.expect(b'(')?;
        if self.eat(b')') {
            return Ok(items);
        }
        loop {
            if items.len() == max {
                return Err(Refusal::too_many(what, max));
            }
            items.push(item(self)?);
            if self.eat(b')') {
                return Ok(items);
            }
            self.space()?;
        }
    }

    /// Like [`list`](Self::list), but with one item at least.
    pub(crate) fn list1<T>(
        &mut self,
        what: &str,
        max: usize,
        item: impl FnMut(&mut Self) -> Result<T, Refusal>,
    ) -> Result<Vec<T>, Refusal> {
        let start = self.clone();
        let items = self.list(what, max, item)?;
        if items.is_empty() { Err(start.expected(&format!("a list of {what}"))) } else { Ok(items) }
    }

    pub(crate) fn atom(&mut self, what: &str) -> Result<&'a str, Refusal> {
        let atom = self.take_while(is_atom_char);
        std::str::from_utf8(atom).ok().filter(|atom| !atom.is_empty()).ok_or_else(|| self.expected(what))
    }

    /// `number`: 0 to 2^32-1.
    pub(crate) fn number(&mut self) -> Result<u32, Refusal> {
        let value = self.number64()?;
        u32::try_from(value).map_err(|_| self.expected("a number below 4294967296"))
    }

    /// `nz-number`.
    pub(crate) fn nz_number(&mut self) -> Result<NonZeroU32, Refusal> {
        let value = self.number()?;
        NonZeroU32::new(value).ok_or_else(|| self.expected("a number that is not 0"))
    }

    /// `number64`: 0 to 2^63-1.
    pub(crate) fn number64(&mut self) -> Result<u64, Refusal> {
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        decimal(digits).ok_or_else(|| self.expected("a number"))
    }

    /// `nz-number64`.
    pub(crate) fn nz_number64(&mut self) -> Result<NonZeroU64, Refusal> {
        let value = self.number64()?;
        NonZeroU64::new(value).ok_or_else(|| self.expected("a number that is not 0"))
    }

    /// `mod-sequence-valzer`.
    pub(crate) fn mod_seq(&mut self) -> Result<ModSeq, Refusal> {
        self.number64().map(ModSeq)
    }

    /// `astring`: an atom (with `]`), or a string.
    pub(crate) fn astring(&mut self, what: &str) -> Result<Cow<'a, [u8]>, Refusal> {
        if matches!(self.peek(), Some(b'"' | b'{' | b'~')) && !self.starts_tilde_atom() {
            return self.string(what);
        }
        let atom = self.take_while(|byte| is_atom_char(byte) || byte == b']');
        if atom.is_empty() { Err(self.expected(what)) } else { Ok(Cow::Borrowed(atom)) }
    }

    /// `string`: quoted or literal.
    ///
    /// RFC 9051 section 4.3 wants 7 bits in quotes until UTF-8 is enabled. Clients have long put UTF-8 there, in passwords
    /// for one, and cannot enable anything before login; so UTF-8 is always read.
    pub(crate) fn string(&mut self, what: &str) -> Result<Cow<'a, [u8]>, Refusal> {
        match self.peek() {
            Some(b'"') => self.quoted(),
            Some(b'{') => self.literal().map(Cow::Borrowed),
            _ => Err(self.expected(what)),
        }
    }

    /// `nstring`: NIL or a string.
    pub(crate) fn nstring(&mut self, what: &str) -> Result<Option<Cow<'a, [u8]>>, Refusal> {
        if self.eat_word("NIL") { Ok(None) } else { self.string(what).map(Some) }
    }

    /// An `astring` that is UTF-8.
    pub(crate) fn text(&mut self, what: &str) -> Result<String, Refusal> {
        let bytes = self.astring(what)?.into_owned();
        String::from_utf8(bytes).map_err(|_| Refusal::bad(format!("{what} is not UTF-8")))
    }

    /// `~` is an atom character; only `~{` is a literal8, which no argument but a message is.
    fn starts_tilde_atom(&self) -> bool {
        self.peek() == Some(b'~') && !self.rest().starts_with(b"~{")
    }

    fn quoted(&mut self) -> Result<Cow<'a, [u8]>, Refusal> {
        self.expect(b'"')?;
        let plain = self.take_while(is_quoted_plain);
        if self.eat(b'"') {
            return check_utf8(Cow::Borrowed(plain));
        }
        let mut value = plain.to_vec();
        loop {
            if self.eat(b'"') {
                return check_utf8(Cow::Owned(value));
            }
            if self.eat(b'\\') {
                let escaped = self.peek().filter(|byte| matches!(byte, b'"' | b'\\'));
                value.push(escaped.ok_or_else(|| self.expected("a quote or a backslash after a backslash"))?);
                self.at += 1;
            }
            let plain = self.take_while(is_quoted_plain);
            value.extend_from_slice(plain);
            if !matches!(self.peek(), Some(b'"' | b'\\')) {
                return Err(self.expected("the end of the quoted string"));
            }
        }
    }

    fn literal(&mut self) -> Result<&'a [u8], Refusal> {
        let rest = self.rest();
        let line = rest.iter().position(|&byte| byte == b'\r').and_then(|end| rest.get(..end));
        let head =
            line.and_then(LiteralHead::at_end_of).filter(|head| Some(head.length) == line.map(<[_]>::len));
        let (Some(head), false) = (head, rest.starts_with(b"~")) else {
            return Err(self.expected("a literal"));
        };
        let start = self.at + head.length + b"\r\n".len();
        let end = usize::try_from(head.size).ok().and_then(|size| start.checked_add(size));
        let bytes =
            end.and_then(|end| self.bytes.get(start..end)).ok_or_else(|| self.expected("a whole literal"))?;
        if bytes.contains(&0) {
            return Err(Refusal::bad("a literal has no NUL"));
        }
        self.at = start + bytes.len();
        Ok(bytes)
    }
}

fn is_quoted_plain(byte: u8) -> bool {
    !matches!(byte, b'"' | b'\\' | b'\r' | b'\n' | 0)
}

fn check_utf8(value: Cow<'_, [u8]>) -> Result<Cow<'_, [u8]>, Refusal> {
    match std::str::from_utf8(&value) {
        Ok(_) => Ok(value),
        Err(_) => Err(Refusal::bad("a quoted string is UTF-8; send other bytes as a literal")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn astring(bytes: &str) -> Option<String> {
        let mut cursor = Cursor::new(bytes.as_bytes(), Enabled::NONE);
        let value = cursor.astring("a word").ok()?.into_owned();
        cursor.end().ok()?;
        String::from_utf8(value).ok()
    }

    #[test]
    fn strings_in_all_their_forms() {
        for (wire, value) in [
            ("INBOX", "INBOX"),
            ("a]b", "a]b"),
            ("~peter/mail", "~peter/mail"),
            ("\"\"", ""),
            ("\"a b\"", "a b"),
            ("\"a\\\"b\\\\\"", "a\"b\\"),
            ("\"é\"", "é"),
            ("{3}\r\na\r\n", "a\r\n"),
            ("{0}\r\n", ""),
            ("{003+}\r\nabc", "abc"),
        ] {
            assert_eq!(astring(wire).as_deref(), Some(value), "{wire:?}");
        }
        for wire in [
            "",
            " ",
            "\"",
            "\"a",
            "\"a\\n\"",
            "\"a\\",
            "\"a\r\n\"",
            "{3}\r\nab",
            "{3}abc",
            "{3}\rabc",
            "~{3}\r\nabc",
            "{1}\r\n\0",
            "é",
            "(",
            "a\\b",
            "{99999999999999999999}\r\n",
            "{5}x\r\nabcde",
        ] {
            assert_eq!(astring(wire), None, "{wire:?}");
        }
    }

    #[test]
    fn numbers_end_at_their_bounds() {
        let number = |wire: &'static str| Cursor::new(wire.as_bytes(), Enabled::NONE).number().ok();
        assert_eq!(number("4294967295"), Some(u32::MAX));
        assert_eq!(number("4294967296"), None);
        assert_eq!(number(""), None);
        let number64 = |wire: &'static str| Cursor::new(wire.as_bytes(), Enabled::NONE).number64().ok();
        assert_eq!(number64("9223372036854775807"), Some(i64::MAX as u64));
        assert_eq!(number64("9223372036854775808"), None);
    }
}
