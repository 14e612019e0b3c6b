//! Text beyond ASCII for a part that any host can carry: quoted-printable (RFC 2045 section 6.7).

/// Encodes text with CRLF line ends. No line is longer than 76 characters.
pub(super) fn quoted_printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    for (at, line) in text.split("\r\n").enumerate() {
        if at > 0 {
            out.push_str("\r\n");
        }
        let mut column = 0;
        let last = line.len().checked_sub(1);
        for (at, byte) in line.bytes().enumerate() {
            // A blank at the end of a line is lost on the way.
            let plain = matches!(byte, b'!'..=b'<' | b'>'..=b'~') || (byte == b' ' && Some(at) != last);
            let width = if plain { 1 } else { 3 };
            if column + width > LINE_MAX {
                out.push_str("=\r\n");
                column = 0;
            }
            column += width;
            if plain { out.push(char::from(byte)) } else { out.push_str(&format!("={byte:02X}")) }
        }
    }
    out
}

/// With the `=` of a soft line break 76.
const LINE_MAX: usize = 75;

#[cfg(test)]
mod tests {
    use mail_parser::MessageParser;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rfc2045_6_7_what_is_no_plain_character_is_written_in_hexadecimal() {
        assert_eq!(quoted_printable("remis \u{e0} :\r\n  a=b \r\n"), "remis =C3=A0 :\r\n  a=3Db=20\r\n");
        let long = quoted_printable(&"x".repeat(80));
        assert_eq!(long, format!("{}=\r\n{}", "x".repeat(75), "x".repeat(5)));
    }

    proptest! {
        #[test]
        fn any_text_is_read_back(text in "([a-z =.\u{e9}\u{1f41d}]{0,100}\r\n){0,5}") {
            let encoded = quoted_printable(&text);
            prop_assert!(encoded.is_ascii() && encoded.split("\r\n").all(|line| line.len() <= 76));
            let message = format!("Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n{encoded}");
            let parsed = MessageParser::new().parse(message.as_bytes()).unwrap();
            let read = parsed.body_text(0).unwrap_or_default();
            prop_assert_eq!(read.as_ref(), text.as_str());
        }
    }
}
