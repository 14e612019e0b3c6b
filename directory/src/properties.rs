//! Java's `.properties`: lines of keys and values, as `java.util.Properties` reads and writes them. CHATONS uses them.
//!
//! What is written is ASCII, so that readers who expect ISO 8859-1 and readers who expect UTF-8 see the same.

use std::fmt::Write;
use std::iter::Peekable;
use std::str::Chars;

/// Lines in the order in which they are written.
#[derive(Debug, Default)]
pub(crate) struct Writer(String);

/// A key and its value, and the line on which it begins, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Property {
    pub(crate) key: String,
    pub(crate) value: String,
    pub(crate) line: usize,
}

/// Why bytes are not properties. Lines are counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PropertiesError {
    /// A line, with those that continue it, is too long.
    #[error("line {line} is longer than {LINE_MAX} bytes")]
    LongLine {
        /// Where it begins.
        line: usize,
    },
    /// More than can be meant.
    #[error("there are more than {PROPERTIES_MAX} properties; line {line} has one too many")]
    TooMany {
        /// Where the first one too many is.
        line: usize,
    },
    /// `\u` without four hexadecimal digits, or half of a surrogate pair.
    #[error("line {line} has an escape \\u that is no character")]
    Escape {
        /// Where the line begins.
        line: usize,
    },
}

impl Writer {
    /// A line for people; what is not ASCII is left out of it.
    pub(crate) fn comment(&mut self, text: &str) {
        let plain: String = text.chars().filter(|c| matches!(c, ' '..='~')).collect();
        let _ = writeln!(self.0, "# {plain}");
    }

    pub(crate) fn section(&mut self, name: &str) {
        let _ = writeln!(self.0);
        self.comment(&format!("[{name}]"));
    }

    pub(crate) fn put(&mut self, key: &str, value: &str) {
        let (key, value) = (escaped(key, Side::Key), escaped(value, Side::Value));
        let _ = writeln!(self.0, "{key} = {value}");
    }

    /// Nothing is written of what is not known.
    pub(crate) fn put_some(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.put(key, value);
        }
    }

    pub(crate) fn finish(self) -> String {
        self.0
    }
}

/// The properties in the order of the file; a key may come again, and the last one counts. Bytes that are no UTF-8 are ISO 8859-1.
pub(crate) fn read(bytes: &[u8]) -> Result<Vec<Property>, PropertiesError> {
    let text = decoded(bytes);
    let mut lines = NaturalLines { rest: text.strip_prefix('\u{feff}').unwrap_or(&text), next: 1 };
    let mut properties = Vec::new();
    while let Some((line, first)) = lines.next() {
        let first = first.trim_start_matches(BLANK);
        if first.is_empty() || first.starts_with(['#', '!']) {
            continue;
        }
        if properties.len() == PROPERTIES_MAX {
            return Err(PropertiesError::TooMany { line });
        }
        let whole = joined(first, line, &mut lines)?;
        let (key, value) = divided(&whole);
        let (key, value) = (unescaped(key, line)?, unescaped(value, line)?);
        properties.push(Property { key, value, line });
    }
    Ok(properties)
}

fn decoded(bytes: &[u8]) -> String {
    match str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

/// A line with those that continue it: it ends in an odd number of backslashes.
fn joined(first: &str, line: usize, lines: &mut NaturalLines<'_>) -> Result<String, PropertiesError> {
    let mut whole = first.to_owned();
    loop {
        if whole.len() > LINE_MAX {
            return Err(PropertiesError::LongLine { line });
        }
        let backslashes = whole.bytes().rev().take_while(|&byte| byte == b'\\').count();
        if backslashes % 2 == 0 {
            return Ok(whole);
        }
        whole.pop();
        match lines.next() {
            Some((_, next)) => whole.push_str(next.trim_start_matches(BLANK)),
            None => return Ok(whole),
        }
    }
}

/// At the first `=`, `:` or blank that no backslash stands before.
fn divided(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = line.find(|c| {
        let ends = !escaped && (matches!(c, '=' | ':') || BLANK.contains(&c));
        escaped = c == '\\' && !escaped;
        ends
    });
    let Some((key, rest)) = end.and_then(|end| line.split_at_checked(end)) else { return (line, "") };
    let rest = rest.trim_start_matches(BLANK);
    let rest = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (key, rest.trim_start_matches(BLANK))
}

fn unescaped(text: &str, line: usize) -> Result<String, PropertiesError> {
    let wrong = PropertiesError::Escape { line };
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('t') => out.push('\t'),
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('f') => out.push('\u{c}'),
            Some('u') => out.push(unicode(&mut chars).ok_or_else(|| wrong.clone())?),
            Some(other) => out.push(other),
            None => {}
        }
    }
    Ok(out)
}

/// What stands behind `\u`, with the second half of a pair.
fn unicode(chars: &mut Peekable<Chars<'_>>) -> Option<char> {
    let first = unit(chars)?;
    let units = if (0xd800..0xdc00).contains(&first) {
        (chars.next() == Some('\\') && chars.next() == Some('u')).then_some(())?;
        vec![first, unit(chars)?]
    } else {
        vec![first]
    };
    char::decode_utf16(units).next()?.ok()
}

fn unit(chars: &mut Peekable<Chars<'_>>) -> Option<u16> {
    let digits: String = chars.by_ref().take(4).collect();
    let plain = digits.len() == 4 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain.then(|| u16::from_str_radix(&digits, 16).ok()).flatten()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Side {
    Key,
    Value,
}

fn escaped(text: &str, side: Side) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, c) in text.chars().enumerate() {
        match c {
            '\t' => out.push_str("\\t"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\u{c}' => out.push_str("\\f"),
            '\\' => out.push_str("\\\\"),
            ' ' if side == Side::Key || at == 0 => out.push_str("\\ "),
            '=' | ':' if side == Side::Key => out.extend(['\\', c]),
            '#' | '!' if side == Side::Key && at == 0 => out.extend(['\\', c]),
            ' '..='~' => out.push(c),
            _ => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| {
                let _ = write!(out, "\\u{unit:04x}");
            }),
        }
    }
    out
}

/// Lines with their numbers; they end in LF, CR or both.
#[derive(Debug)]
struct NaturalLines<'a> {
    rest: &'a str,
    next: usize,
}

impl<'a> Iterator for NaturalLines<'a> {
    type Item = (usize, &'a str);

    fn next(&mut self) -> Option<(usize, &'a str)> {
        if self.rest.is_empty() {
            return None;
        }
        let (line, rest) = self.rest.split_once(['\n', '\r']).unwrap_or((self.rest, ""));
        let ended_by_cr = self.rest.as_bytes().get(line.len()) == Some(&b'\r');
        self.rest = if ended_by_cr { rest.strip_prefix('\n').unwrap_or(rest) } else { rest };
        self.next += 1;
        Some((self.next - 1, line))
    }
}

/// What stands around keys and values.
const BLANK: [char; 3] = [' ', '\t', '\u{c}'];
/// Bytes of a line with those that continue it.
pub const LINE_MAX: usize = 8 << 10;
/// Properties of one file: years of metrics by week and day are about 500.
pub const PROPERTIES_MAX: usize = 4096;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(text: &[u8]) -> Vec<(String, String)> {
        read(text).unwrap().into_iter().map(|property| (property.key, property.value)).collect()
    }

    fn pair(key: &str, value: &str) -> (String, String) {
        (key.to_owned(), value.to_owned())
    }

    /// The examples of `java.util.Properties.load`.
    #[test]
    fn lines_are_read_as_java_reads_them() {
        for text in ["Truth = Beauty", " Truth:Beauty", "Truth                    :Beauty", "Truth Beauty"] {
            assert_eq!(pairs(text.as_bytes()), [pair("Truth", "Beauty")], "{text}");
        }
        let fruits = b"fruits    apple, banana, pear, \\\r\n    cantaloupe, watermelon, \\\n  kiwi, mango";
        assert_eq!(
            pairs(fruits),
            [pair("fruits", "apple, banana, pear, cantaloupe, watermelon, kiwi, mango")]
        );
        assert_eq!(pairs(b"cheeses"), [pair("cheeses", "")]);
        assert_eq!(pairs(b"# comment \\\n! another\n\n\\:\\= = a\\tb\\q"), [pair(":=", "a\tbq")]);
        assert_eq!(pairs(b"a = \\\\\nb = \\"), [pair("a", "\\"), pair("b", "")]);
    }

    #[test]
    fn both_character_sets_are_read() {
        let expected = [pair("name", "Les chatons d'été 🐝")];
        assert_eq!(pairs("name = Les chatons d'été 🐝".as_bytes()), expected);
        assert_eq!(pairs("name = Les chatons d'\\u00e9t\\u00E9 \\ud83d\\udc1d".as_bytes()), expected);
        assert_eq!(pairs(b"name = d'\xe9t\xe9"), [pair("name", "d'été")]);
    }

    #[test]
    fn what_is_wrong_is_named_by_its_line() {
        for bad in ["\\u12", "\\uzzzz", "\\ud83d", "\\ud83dx", "\\udc1d", "\\u+123"] {
            let text = format!("ok = 1\nbad = {bad}\n");
            assert_eq!(read(text.as_bytes()), Err(PropertiesError::Escape { line: 2 }), "{bad}");
        }
        let long = format!("a=1\n\nb={}\n", "x".repeat(LINE_MAX));
        assert_eq!(read(long.as_bytes()), Err(PropertiesError::LongLine { line: 3 }));
        let folded = format!("b={}", "xxxxxxx\\\n".repeat(LINE_MAX / 4));
        assert_eq!(read(folded.as_bytes()), Err(PropertiesError::LongLine { line: 1 }));
        let many = "a=1\n".repeat(PROPERTIES_MAX + 1);
        assert_eq!(read(many.as_bytes()), Err(PropertiesError::TooMany { line: PROPERTIES_MAX + 1 }));
        assert!(read("a=1\n".repeat(PROPERTIES_MAX).as_bytes()).is_ok());
    }

    proptest! {
        #[test]
        fn what_is_written_is_ascii_and_reads_back(key in ".{1,40}", value in ".*\n?.*") {
            let mut writer = Writer::default();
            writer.section("é");
            writer.put(&key, &value);
            let text = writer.finish();
            prop_assert!(text.is_ascii());
            prop_assert_eq!(pairs(text.as_bytes()), [(key, value)]);
        }

        #[test]
        fn no_bytes_do_harm(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = read(&bytes);
        }
    }
}
