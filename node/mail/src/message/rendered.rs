//! Reads what the encoders of ENVELOPE and BODYSTRUCTURE wrote. Only for texts of our own making: anything else yields less,
//! never an error.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

use super::DEPTH_MAX;

/// A token of IMAP data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'t> {
    Open,
    Close,
    /// NIL or a number.
    Atom(&'t [u8]),
    /// A quoted string or a literal.
    String(Cow<'t, [u8]>),
}

/// Walks over the tokens.
#[derive(Debug, Clone)]
pub(super) struct Tokens<'t> {
    text: &'t [u8],
    at: usize,
}

impl<'t> Tokens<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// Passes over the next value: a token, or a list with all inside.
    pub(super) fn pass(&mut self) {
        let mut depth = 0usize;
        loop {
            match self.next() {
                Some(Token::Open) => depth += 1,
                Some(Token::Close) => depth = depth.saturating_sub(1),
                Some(Token::Atom(_) | Token::String(_)) => {}
                None => return,
            }
            if depth == 0 {
                return;
            }
        }
    }

    /// The next string; `None` for NIL and anything else.
    pub(super) fn string(&mut self) -> Option<Cow<'t, [u8]>> {
        match self.next()? {
            Token::String(text) => Some(text),
            Token::Open | Token::Close | Token::Atom(_) => None,
        }
    }

    /// Is a list next?
    fn at_list(&self) -> bool {
        self.clone().next() == Some(Token::Open)
    }

    fn quoted(&mut self) -> Option<Cow<'t, [u8]>> {
        let rest = self.text.get(self.at..)?;
        let mut end = memchr2(b'"', b'\\', rest)?;
        if rest.get(end) == Some(&b'"') {
            self.at += end + 1;
            return Some(Cow::Borrowed(rest.get(..end)?));
        }
        let mut text = Vec::new();
        let mut start = 0;
        while rest.get(end) == Some(&b'\\') {
            text.extend_from_slice(rest.get(start..end)?);
            start = end + 1;
            end = start + 1 + memchr2(b'"', b'\\', rest.get(start + 1..)?)?;
        }
        text.extend_from_slice(rest.get(start..end)?);
        self.at += end + 1;
        Some(Cow::Owned(text))
    }

    /// `{3}CRLFabc`, the brace read.
    fn literal(&mut self) -> Option<Cow<'t, [u8]>> {
        let rest = self.text.get(self.at..)?;
        let head = memchr(b'}', rest)?;
        let length: usize = std::str::from_utf8(rest.get(..head)?).ok()?.parse().ok()?;
        let start = head + 3;
        let text = rest.get(start..start.checked_add(length)?)?;
        self.at += start + length;
        Some(Cow::Borrowed(text))
    }

    fn atom(&mut self) -> Token<'t> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|byte| !byte.is_ascii_alphanumeric()).unwrap_or(rest.len()).max(1);
        self.at += length;
        Token::Atom(rest.get(..length).unwrap_or_default())
    }
}

impl<'t> Iterator for Tokens<'t> {
    type Item = Token<'t>;

    fn next(&mut self) -> Option<Token<'t>> {
        let rest = self.text.get(self.at..)?;
        self.at += rest.iter().position(|byte| *byte != b' ')?;
        let first = *self.text.get(self.at)?;
        if !matches!(first, b'(' | b')' | b'"' | b'{') {
            return Some(self.atom());
        }
        self.at += 1;
        match first {
            b'(' => Some(Token::Open),
            b')' => Some(Token::Close),
            b'"' => self.quoted().map(Token::String),
            _ => self.literal().map(Token::String),
        }
    }
}

/// BODY from BODYSTRUCTURE: the same without the extension data.
pub(super) fn basic_structure(extended: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(extended.len());
    copy_structure(DEPTH_MAX, &mut Tokens::new(extended), &mut out);
    out
}

/// Recurses, at most so many levels: a structure is not made deeper.
fn copy_structure(levels: usize, from: &mut Tokens<'_>, out: &mut Vec<u8>) {
    let Some(levels) = levels.checked_sub(1).filter(|_| from.next() == Some(Token::Open)) else {
        return;
    };
    out.push(b'(');
    if from.at_list() {
        while from.at_list() && levels > 0 {
            copy_structure(levels, from, out);
        }
        copy_values(1, from, out);
    } else {
        let kind = from.clone().string().unwrap_or_default();
        let subtype = {
            let mut ahead = from.clone();
            ahead.pass();
            ahead.string().unwrap_or_default()
        };
        copy_values(7, from, out);
        if &*kind == b"text" {
            copy_values(1, from, out);
        } else if &*kind == b"message" && matches!(&*subtype, b"rfc822" | b"global") {
            // The envelope, the structure inside, the lines.
            copy_values(1, from, out);
            out.push(b' ');
            copy_structure(levels, from, out);
            copy_values(1, from, out);
        }
    }
    out.push(b')');
    while !matches!(from.clone().next(), Some(Token::Close) | None) {
        from.pass();
    }
    from.next();
}

fn copy_values(count: usize, from: &mut Tokens<'_>, out: &mut Vec<u8>) {
    for _ in 0..count {
        let start = from.at;
        from.pass();
        out.extend_from_slice(from.text.get(start..from.at).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_of_all_kinds() {
        let text = b"(\"a\" NIL {4}\r\n\"b)( \"\\\"\\\\c\" 12 (\"\")";
        let string = |text: &'static [u8]| Token::String(Cow::Borrowed(text));
        assert_eq!(
            Tokens::new(text).collect::<Vec<_>>(),
            [
                Token::Open,
                string(b"a"),
                Token::Atom(b"NIL"),
                string(b"\"b)("),
                string(b"\"\\c"),
                Token::Atom(b"12"),
                Token::Open,
                string(b""),
                Token::Close,
            ]
        );
    }

    #[test]
    fn damaged_text_ends_early() {
        for text in ["\"a", "\"a\\", "{9}\r\na", "{", "{99999999999999999999}\r\n", "\"\\"] {
            assert_eq!(Tokens::new(text.as_bytes()).count(), 0, "{text}");
            basic_structure(format!("({text}").as_bytes());
        }
    }
}
