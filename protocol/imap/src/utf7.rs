//! Modified UTF-7, the 7-bit spelling of mailbox names: RFC 3501 section 5.1.3.

/// Writes `text` as modified UTF-7.
pub(crate) fn encode(text: &str, out: &mut Vec<u8>) {
    let mut units = Vec::new();
    for c in text.chars() {
        if matches!(c, ' '..='~') {
            flush(&mut units, out);
            out.push(u8::try_from(c).unwrap_or(b'?'));
            if c == '&' {
                out.push(b'-');
            }
        } else {
            units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
        }
    }
    flush(&mut units, out);
}

/// Reads modified UTF-7. `None` if it is not well-formed, or not the one spelling that RFC 3501 allows: no 8-bit byte, no
/// encoded printable ASCII, no two shifts in a row, no left-over bits, no lone surrogate.
pub(crate) fn decode(bytes: &[u8]) -> Option<String> {
    let mut out = String::with_capacity(bytes.len());
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'&' => {
                let end = rest.iter().position(|&b| b == b'-')?;
                let (shifted, after) = rest.split_at_checked(end)?;
                rest = after.get(1..)?;
                decode_shifted(shifted, &mut out)?;
                if !shifted.is_empty() && rest.starts_with(b"&") && !rest.starts_with(b"&-") {
                    return None;
                }
            }
            b' '..=b'~' => out.push(char::from(byte)),
            _ => return None,
        }
    }
    Some(out)
}

fn flush(units: &mut Vec<u16>, out: &mut Vec<u8>) {
    if units.is_empty() {
        return;
    }
    out.push(b'&');
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
    out.push(b'-');
}

fn decode_shifted(symbols: &[u8], out: &mut String) -> Option<()> {
    if symbols.is_empty() {
        out.push('&');
        return Some(());
    }
    let mut units = Vec::with_capacity(symbols.len() * 6 / 16);
    let (mut buffer, mut bits) = (0u32, 0u32);
    for &symbol in symbols {
        buffer = (buffer << 6) | value(symbol)?;
        bits += 6;
        if bits >= 16 {
            bits -= 16;
            units.push(u16::try_from(buffer >> bits).ok()?);
            buffer &= (1 << bits) - 1;
        }
    }
    if bits >= 6 || buffer != 0 {
        return None;
    }
    for c in char::decode_utf16(units) {
        let c = c.ok()?;
        if matches!(c, ' '..='~') {
            return None;
        }
        out.push(c);
    }
    Some(())
}

fn symbol(value: u32) -> u8 {
    ALPHABET.get((value & 63) as usize).copied().unwrap_or(b'A')
}

fn value(symbol: u8) -> Option<u32> {
    Some(u32::from(match symbol {
        b'A'..=b'Z' => symbol - b'A',
        b'a'..=b'z' => symbol - b'a' + 26,
        b'0'..=b'9' => symbol - b'0' + 52,
        b'+' => 62,
        b',' => 63,
        _ => return None,
    }))
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+,";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rfc3501_5_1_3_examples() {
        for (utf7, utf8) in [
            ("~peter/mail/&U,BTFw-/&ZeVnLIqe-", "~peter/mail/台北/日本語"),
            ("&Jjo-!", "☺!"),
            ("Entw&APw-rfe", "Entwürfe"),
            ("R&-D", "R&D"),
            ("&2D3eAA-", "\u{1f600}"),
            ("&-&AOk--", "&é-"),
        ] {
            assert_eq!(decode(utf7.as_bytes()).as_deref(), Some(utf8));
            let mut out = Vec::new();
            encode(utf8, &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), utf7);
        }
    }

    #[test]
    fn only_the_one_spelling_is_read() {
        for bad in [
            "&",
            "&AOk",
            "&AGE-",
            "&Jjo!",
            "&U,BTFw-&ZeVnLIqe-",
            "&AOl-",
            "&AOkA-",
            "é",
            "a\0",
            "&2D0-",
            "&A-",
            "&AA-",
        ] {
            assert_eq!(decode(bad.as_bytes()), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in any::<String>()) {
            let mut out = Vec::new();
            encode(&text, &mut out);
            prop_assert!(out.is_ascii());
            prop_assert_eq!(decode(&out), Some(text));
        }

        #[test]
        fn what_is_read_is_written_alike(bytes in "[&A-Za-z0-9+,/-]{0,24}") {
            if let Some(text) = decode(bytes.as_bytes()) {
                let mut out = Vec::new();
                encode(&text, &mut out);
                prop_assert_eq!(out, bytes.as_bytes());
            }
        }
    }
}
