//! Bytes in a charset with some name to text. No failure: what cannot be decoded becomes U+FFFD.

use std::borrow::Cow;

use encoding_rs::{Encoding, REPLACEMENT, UTF_8, WINDOWS_1252};
use mail_parser::decoders::charsets::map::charset_decoder;

/// Decodes `bytes`, declared to be in the charset `label`. Undeclared and unknown ones are UTF-8 where they can be, else
/// windows-1252; so is us-ascii, which is often declared in error.
pub(super) fn decode<'b>(label: Option<&str>, bytes: &'b [u8]) -> Cow<'b, str> {
    match label.and_then(Charset::named) {
        Some(Charset::Standard(encoding)) => encoding.decode(bytes).0,
        Some(Charset::Rare(decoder)) => Cow::Owned(decoder(bytes)),
        None => undeclared(bytes, WINDOWS_1252),
    }
}

/// Decodes text without a declared charset: UTF-8 where it can be, else `fallback`.
pub(super) fn undeclared<'b>(bytes: &'b [u8], fallback: &'static Encoding) -> Cow<'b, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cow::Borrowed(text),
        Err(_) => fallback.decode_without_bom_handling(bytes).0,
    }
}

/// What text without a declaration is probably in, next to text that is declared to be in `label`.
pub(super) fn beside(label: Option<&str>) -> &'static Encoding {
    match label.and_then(Charset::named) {
        Some(Charset::Standard(encoding)) if encoding.is_ascii_compatible() && encoding != UTF_8 => encoding,
        _ => WINDOWS_1252,
    }
}

/// Does every ASCII byte of such text stand for itself, wherever it is? Then ASCII can be sought without decoding.
pub(super) fn shows_ascii(label: Option<&str>) -> bool {
    match label.and_then(Charset::named) {
        Some(Charset::Standard(encoding)) => encoding == UTF_8 || encoding.is_single_byte(),
        Some(Charset::Rare(_)) => false,
        None => true,
    }
}

enum Charset {
    Standard(&'static Encoding),
    /// UTF-7 and code pages that browsers do not know.
    Rare(fn(&[u8]) -> String),
}

impl Charset {
    fn named(label: &str) -> Option<Self> {
        let label = label.trim();
        if ASCII_LABELS.iter().any(|ascii| ascii.eq_ignore_ascii_case(label)) {
            return None;
        }
        match Encoding::for_label(label.as_bytes()) {
            // Stands for those that are dangerous on web pages, such as hz-gb-2312.
            Some(encoding) if encoding == REPLACEMENT => None,
            Some(encoding) => Some(Self::Standard(encoding)),
            None => charset_decoder(label.as_bytes()).map(Self::Rare),
        }
    }
}

const ASCII_LABELS: [&str; 3] = ["us-ascii", "ascii", "ansi_x3.4-1968"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_comes_out_whatever_the_label() {
        for (label, bytes, text) in [
            (Some("utf-8"), &b"caf\xc3\xa9"[..], "café"),
            (Some("ISO-8859-1"), b"caf\xe9", "café"),
            (Some("us-ascii"), b"caf\xc3\xa9", "café"),
            (Some("us-ascii"), b"caf\xe9", "café"),
            (None, b"caf\xe9", "café"),
            (Some("no such thing"), b"caf\xc3\xa9", "café"),
            (Some("koi8-r"), b"\xcd\xc9\xd2", "мир"),
            (Some("iso-2022-jp"), b"\x1b$B%O\x1b(B", "ハ"),
            (Some("utf-7"), b"caf+AOk-", "café"),
            (Some("cp850"), b"caf\x82", "café"),
            (Some("hz-gb-2312"), b"abc", "abc"),
            (Some("utf-8"), b"caf\xe9", "caf\u{fffd}"),
            (Some(""), b"abc", "abc"),
        ] {
            assert_eq!(decode(label, bytes), text, "{label:?}");
        }
    }

    #[test]
    fn ascii_shows_where_no_other_character_can_contain_it() {
        for label in [None, Some("utf-8"), Some("US-ASCII"), Some("iso-8859-15"), Some("koi8-r"), Some("huh")]
        {
            assert!(shows_ascii(label), "{label:?}");
        }
        for label in ["utf-7", "iso-2022-jp", "shift_jis", "gb18030", "big5", "utf-16le"] {
            assert!(!shows_ascii(Some(label)), "{label}");
        }
    }
}
