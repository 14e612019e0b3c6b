//! How 32 bytes are spelled where people see them: RFC 4648 section 6, lower case, without padding.

/// 52 characters.
pub fn encode(bytes: &[u8; 32]) -> String {
    let mut out = String::with_capacity(52);
    let (mut buffer, mut bits) = (0u32, 0u32);
    for &byte in bytes {
        buffer = (buffer << 8) | u32::from(byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            push_symbol(&mut out, buffer >> bits);
        }
        buffer &= (1 << bits) - 1;
    }
    push_symbol(&mut out, buffer << (5 - bits));
    out
}

fn push_symbol(out: &mut String, value: u32) {
    let symbol = ALPHABET.get((value & 31) as usize).copied().unwrap_or(b'a');
    out.push(char::from(symbol));
}

/// `None` unless these are the 52 characters of some 32 bytes; upper case is read too.
pub fn decode(text: &str) -> Option<[u8; 32]> {
    if text.len() != 52 {
        return None;
    }
    let mut out = [0u8; 32];
    let mut slots = out.iter_mut();
    let (mut buffer, mut bits) = (0u32, 0u32);
    for symbol in text.bytes() {
        let value = match symbol {
            b'a'..=b'z' => symbol - b'a',
            b'A'..=b'Z' => symbol - b'A',
            b'2'..=b'7' => symbol - b'2' + 26,
            _ => return None,
        };
        buffer = (buffer << 5) | u32::from(value);
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            let byte = u8::try_from(buffer >> bits).ok()?;
            *slots.next()? = byte;
            buffer &= (1 << bits) - 1;
        }
    }
    // One text for one id: the four left-over bits are zero.
    (buffer == 0).then_some(out)
}

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
