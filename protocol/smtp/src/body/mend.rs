//! Line ends inside BDAT.
//!
//! RFC 3030 section 3 demands CRLF in chunks too, but large senders pass on with BDAT what their members' programs wrote with a bare LF.
//! A chunk ends by its length, so no line end can smuggle a command; the line just gets the end that was meant, before anybody
//! else sees the message. A bare CR is left for [`super::Inspector`] to refuse: nobody can say what was meant by it.

use memchr::memchr_iter;

/// Makes CRLF of every LF without a CR, in pieces of any size.
#[derive(Debug, Default)]
pub(crate) struct Mend {
    after_cr: bool,
}

impl Mend {
    /// Takes input and hands the content on in runs as long as possible.
    pub(crate) fn feed(&mut self, input: &[u8], mut content: impl FnMut(&[u8])) {
        let mut from = 0;
        for at in memchr_iter(b'\n', input) {
            let before = at.checked_sub(1).and_then(|before| input.get(before));
            if before.map_or(self.after_cr, |before| *before == b'\r') {
                continue;
            }
            content(input.get(from..at).unwrap_or_default());
            content(b"\r\n");
            from = at + 1;
        }
        content(input.get(from..).unwrap_or_default());
        if let Some(last) = input.last() {
            self.after_cr = *last == b'\r';
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc3030_3_a_bare_lf_becomes_a_line_end_and_nothing_else_changes() {
        for (input, expected) in [
            ("", ""),
            ("a\r\nb\r\n", "a\r\nb\r\n"),
            ("a\nb\n", "a\r\nb\r\n"),
            ("\n\n", "\r\n\r\n"),
            ("a\r\n\nb\n\r\n", "a\r\n\r\nb\r\n\r\n"),
            ("a\rb\r\r\n", "a\rb\r\r\n"),
            ("a\n.\nb", "a\r\n.\r\nb"),
        ] {
            for step in 1..=input.len().max(1) {
                let (mut mend, mut out) = (Mend::default(), Vec::new());
                for piece in input.as_bytes().chunks(step) {
                    mend.feed(piece, |run| out.extend_from_slice(run));
                }
                assert_eq!(String::from_utf8(out).unwrap(), expected, "{input:?} in pieces of {step}");
            }
        }
    }
}
