//! Strings and numbers on the wire: RFC 9051 section 4.

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};

use crate::{Enabled, MailboxName, flag::is_atom_char};

/// A number in decimal.
pub(crate) fn number(out: &mut BytesMut, mut value: u64) {
    let mut digits = [0u8; 20];
    let mut length = 0;
    for slot in digits.iter_mut().rev() {
        *slot = b'0' + u8::try_from(value % 10).unwrap_or(0);
        value /= 10;
        length += 1;
        if value == 0 {
            break;
        }
    }
    out.put_slice(digits.get(digits.len() - length..).unwrap_or_default());
}

/// `astring`: an atom where it can be one, else a `string`.
pub(crate) fn astring(out: &mut BytesMut, value: &[u8], enabled: Enabled) {
    // RFC 9051 section 9: ASTRING-CHAR also allows `]`. NIL is written as a string: some clients take the atom for no value.
    let atom = !value.is_empty() && value.iter().all(|&b| is_atom_char(b) || b == b']');
    if atom && !value.eq_ignore_ascii_case(b"NIL") {
        out.put_slice(value);
    } else {
        string(out, value, enabled);
    }
}

/// `string`: quoted where that can say it, else a literal. NUL, which neither can carry, is left out.
pub(crate) fn string(out: &mut BytesMut, value: &[u8], enabled: Enabled) {
    let quotable = match () {
        () if value.len() > QUOTED_LEN_MAX => false,
        () if value.is_ascii() => true,
        () => enabled.utf8() && std::str::from_utf8(value).is_ok(),
    };
    if quotable && !value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)) {
        quoted(out, value);
    } else {
        literal(out, value);
    }
}

/// `nstring`: a `string`, or NIL.
pub(crate) fn nstring(out: &mut BytesMut, value: Option<&[u8]>, enabled: Enabled) {
    match value {
        Some(value) => string(out, value, enabled),
        None => out.put_slice(b"NIL"),
    }
}

/// A mailbox name in the spelling that this client expects.
pub(crate) fn mailbox(out: &mut BytesMut, name: &MailboxName, enabled: Enabled) {
    name_text(out, name.as_str(), enabled);
}

/// Like [`mailbox`], for a name that may be empty.
pub(crate) fn name_text(out: &mut BytesMut, name: &str, enabled: Enabled) {
    astring(out, &spelled(name, enabled), enabled);
}

/// Like [`mailbox`], where the grammar wants a `string` and no atom: the prefix of a namespace.
pub(crate) fn name_string(out: &mut BytesMut, name: &str, enabled: Enabled) {
    string(out, &spelled(name, enabled), enabled);
}

fn spelled(name: &str, enabled: Enabled) -> Cow<'_, [u8]> {
    if enabled.utf8() || name.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'&') {
        return Cow::Borrowed(name.as_bytes());
    }
    let mut utf7 = Vec::with_capacity(name.len());
    crate::utf7::encode(name, &mut utf7);
    Cow::Owned(utf7)
}

/// The head of a literal: `{n}` and the line end; the `n` bytes follow.
pub(crate) fn literal_head(out: &mut BytesMut, length: u64) {
    out.put_u8(b'{');
    number(out, length);
    out.put_slice(b"}\r\n");
}

/// Text for people, at the end of a status response: one line of printable characters, whatever was passed in.
pub(crate) fn human(out: &mut BytesMut, text: &str, enabled: Enabled) {
    // RFC 9051 section 9: `text` has at least one character.
    let start = out.len();
    for c in text.chars() {
        match c {
            ' '..='~' => out.put_u8(u8::try_from(c).unwrap_or(b'?')),
            _ if c.is_control() => out.put_u8(b' '),
            _ if enabled.utf8() => out.put_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            _ => out.put_u8(b'?'),
        }
    }
    if out.len() == start {
        out.put_u8(b'.');
    }
}

fn quoted(out: &mut BytesMut, value: &[u8]) {
    out.reserve(value.len() + 2);
    out.put_u8(b'"');
    let mut rest = value;
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\')) {
        let (plain, special) = rest.split_at(at);
        out.put_slice(plain);
        out.put_u8(b'\\');
        let (special, after) = special.split_at(1);
        out.put_slice(special);
        rest = after;
    }
    out.put_slice(rest);
    out.put_u8(b'"');
}

fn literal(out: &mut BytesMut, value: &[u8]) {
    let nuls = value.iter().filter(|&&byte| byte == 0).count();
    literal_head(out, (value.len() - nuls) as u64);
    if nuls == 0 {
        return out.put_slice(value);
    }
    value.iter().filter(|&&byte| byte != 0).for_each(|&byte| out.put_u8(byte));
}

/// RFC 2683 section 3.4.5 asks for short quoted strings; some clients read lines into small buffers.
const QUOTED_LEN_MAX: usize = 1000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Extension;

    fn written(write: impl FnOnce(&mut BytesMut)) -> String {
        let mut out = BytesMut::new();
        write(&mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn numbers() {
        for value in [0, 9, 10, 4_294_967_295, u64::MAX] {
            assert_eq!(written(|out| number(out, value)), value.to_string());
        }
    }

    #[test]
    fn the_shortest_form_that_can_say_it() {
        let plain = Enabled::NONE;
        let utf8 = Enabled::NONE.with(Extension::Imap4rev2);
        for (value, enabled, expected) in [
            ("INBOX", plain, "INBOX"),
            ("a]b", plain, "a]b"),
            ("", plain, "\"\""),
            ("nil", plain, "\"nil\""),
            ("a b", plain, "\"a b\""),
            ("a\"\\", plain, "\"a\\\"\\\\\""),
            ("a\r\nb", plain, "{4}\r\na\r\nb"),
            ("é", plain, "{2}\r\né"),
            ("é", utf8, "\"é\""),
            ("a\0b", plain, "{2}\r\nab"),
        ] {
            assert_eq!(written(|out| astring(out, value.as_bytes(), enabled)), expected, "{value:?}");
        }
        let long = "x".repeat(1001);
        assert!(written(|out| string(out, long.as_bytes(), plain)).starts_with("{1001}\r\n"));
        assert_eq!(written(|out| nstring(out, None, plain)), "NIL");
    }

    #[test]
    fn human_text_is_one_line() {
        assert_eq!(written(|out| human(out, "a\r\nb\0é", Enabled::NONE)), "a  b ?");
        assert_eq!(written(|out| human(out, "", Enabled::NONE)), ".");
    }
}
