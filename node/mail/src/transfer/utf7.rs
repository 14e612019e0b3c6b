//! Mailbox names as file names: modified UTF-7 (RFC 3501 section 5.1.3), which Maildir++ and Dovecot use, with further characters
//! encoded where a file system or Maildir++ gives them a meaning.
//!
//! Not the codec of IMAP: that one accepts and writes one spelling only. This one has to write `&AC4-` for a dot, and to read what
//! other programs wrote.

/// Writes printable ASCII as it is, but for what `shift` names; everything else in modified UTF-7.
pub(super) fn encode(text: &str, shift: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut units = Vec::new();
    for c in text.chars() {
        if matches!(c, ' '..='~') && !shift(c) {
            flush(&mut units, &mut out);
            out.push(c);
            if c == '&' {
                out.push('-');
            }
        } else {
            units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
        }
    }
    flush(&mut units, &mut out);
    out
}

/// Reads modified UTF-7. What is not well-formed stands for itself: a folder named `R&D` was made by hand.
pub(super) fn decode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, after)) = rest.split_once('&') {
        out.push_str(plain);
        rest = after;
        match after.split_once('-').and_then(|(shifted, rest)| Some((unshift(shifted)?, rest))) {
            Some((decoded, after)) => {
                out.push_str(&decoded);
                rest = after;
            }
            None => out.push('&'),
        }
    }
    out + rest
}

fn flush(units: &mut Vec<u16>, out: &mut String) {
    if units.is_empty() {
        return;
    }
    out.push('&');
    let (mut buffer, mut bits) = (0u32, 0u32);
    for unit in units.drain(..) {
        buffer = (buffer << 16) | u32::from(unit);
        bits += 16;
        while bits >= 6 {
            bits -= 6;
            out.push(symbol(buffer >> bits));
        }
        buffer &= (1 << bits) - 1;
    }
    if bits > 0 {
        out.push(symbol(buffer << (6 - bits)));
    }
    out.push('-');
}

fn unshift(symbols: &str) -> Option<String> {
    if symbols.is_empty() {
        return Some("&".to_owned());
    }
    let mut units = Vec::new();
    let (mut buffer, mut bits) = (0u32, 0u32);
    for symbol in symbols.bytes() {
        let value = ALPHABET.iter().position(|known| *known == symbol)?;
        buffer = (buffer << 6) | u32::try_from(value).ok()?;
        bits += 6;
        if bits >= 16 {
            bits -= 16;
            units.push(u16::try_from(buffer >> bits).ok()?);
            buffer &= (1 << bits) - 1;
        }
    }
    let whole = bits < 6 && buffer == 0;
    whole.then(|| String::from_utf16(&units).ok()).flatten()
}

fn symbol(value: u32) -> char {
    char::from(ALPHABET.get((value & 63) as usize).copied().unwrap_or(b'A'))
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rfc3501_5_1_3_examples() {
        for (utf7, utf8) in [
            ("&U,BTFw-&-&ZeVnLIqe-", "台北&日本語"),
            ("Entw&APw-rfe", "Entwürfe"),
            ("R&-D", "R&D"),
            ("&2D3eAA-", "😀"),
        ] {
            assert_eq!(decode(utf7), utf8);
            assert_eq!(encode(utf8, |_| false), utf7);
        }
        assert_eq!(encode("a.b/c", |c| c == '.'), "a&AC4-b/c");
    }

    #[test]
    fn what_was_made_by_hand_stands_for_itself() {
        for text in ["R&D", "a & b - c", "&", "&&", "&é-", "&AOkA-", "Entwürfe"] {
            assert_eq!(decode(text), text);
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in any::<String>()) {
            let written = encode(&text, |c| "./".contains(c));
            prop_assert!(written.bytes().all(|b| matches!(b, b' '..=b'~') && b != b'.' && b != b'/'));
            prop_assert_eq!(decode(&written), text);
        }

        #[test]
        fn anything_is_read(text in any::<String>()) {
            decode(&text);
        }
    }
}
