//! The framing of DATA: RFC 5321 sections 4.1.1.4 and 4.5.2.
//!
//! The end is CRLF `.` CRLF and nothing else. A sender and a receiver that disagree about that let one message become two (SMTP
//! smuggling), so a line begins after CRLF only: not after a bare LF, not after a bare CR. Whether such bytes are
//! acceptable inside a message is for [`super::Inspector`] to say; here they are just content.

use memchr::memchr;

/// Finds the end of data and removes the dots that were added, in pieces of any size.
#[derive(Debug, Default)]
pub(crate) struct Undot(At);

/// Where in a line the next byte stands.
#[derive(Clone, Copy, Debug, Default)]
enum At {
    /// After CRLF, or at the beginning of the data.
    #[default]
    LineStart,
    /// Inside a line.
    Text,
    /// After a CR inside a line.
    Cr,
    /// After a dot at the beginning of a line. The dot is not content.
    Dot,
    /// After dot and CR. Whether the CR is content is still open.
    DotCr,
}

/// What [`Undot::feed`] found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fed {
    /// Everything was used and the end is still to come.
    More,
    /// The end of data; this many bytes of the input were used.
    End(usize),
}

impl Undot {
    /// Takes input up to the end of data, and hands the content on in runs as long as possible.
    pub(crate) fn feed(&mut self, input: &[u8], mut content: impl FnMut(&[u8])) -> Fed {
        let (mut from, mut at) = (0, 0);
        while let Some(&byte) = input.get(at) {
            at += 1;
            self.0 = match (self.0, byte) {
                (At::LineStart, b'.') => {
                    content(run(input, from, at - 1));
                    from = at;
                    At::Dot
                }
                (At::Dot, b'\r') => {
                    from = at;
                    At::DotCr
                }
                (At::DotCr, b'\n') => return Fed::End(at),
                (At::DotCr, _) => {
                    // The CR was content after all; it may have come with an earlier piece.
                    content(b"\r");
                    from = at - 1;
                    after_cr(byte)
                }
                (At::Cr, _) => after_cr(byte),
                (_, b'\r') => At::Cr,
                (_, _) => {
                    at += memchr(b'\r', run(input, at, input.len())).unwrap_or(input.len() - at);
                    At::Text
                }
            };
        }
        content(run(input, from, at));
        Fed::More
    }
}

fn after_cr(byte: u8) -> At {
    match byte {
        b'\n' => At::LineStart,
        b'\r' => At::Cr,
        _ => At::Text,
    }
}

fn run(input: &[u8], from: usize, to: usize) -> &[u8] {
    input.get(from..to).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The content, and what is left over after the end, if there is one.
    fn undot(input: &str, step: usize) -> (String, Option<&str>) {
        let (mut undot, mut out, mut used) = (Undot::default(), Vec::new(), 0);
        let text = |bytes| String::from_utf8(bytes).unwrap();
        for piece in input.as_bytes().chunks(step) {
            match undot.feed(piece, |run| out.extend_from_slice(run)) {
                Fed::More => used += piece.len(),
                Fed::End(n) => return (text(out), input.get(used + n..)),
            }
        }
        (text(out), None)
    }

    #[test]
    fn rfc5321_4_5_2_the_dot_is_removed_not_the_line() {
        let cases = [
            (".\r\nQUIT", "", Some("QUIT")),
            ("a\r\n.\r\n", "a\r\n", Some("")),
            ("..\r\n.\r\n", ".\r\n", Some("")),
            (".a\r\n\r\n..b\r\n.\r\nx", "a\r\n\r\n.b\r\n", Some("x")),
            ("a.\r\n.\r\n", "a.\r\n", Some("")),
            (".\ra\r\n.\r\n", "\ra\r\n", Some("")),
            (".\r\r\n.\r\n", "\r\r\n", Some("")),
            ("a\r\n.\r", "a\r\n", None),
        ];
        for (input, content, rest) in cases {
            for step in 1..=input.len() {
                assert_eq!(undot(input, step), (content.to_owned(), rest), "{input:?} in pieces of {step}");
            }
        }
    }

    #[test]
    fn only_crlf_dot_crlf_ends_the_data() {
        for fake in
            ["\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r", "\r.\r\n", "\n\r.\n\r", "\r\n.\r\r\n", "\u{85}.\u{85}"]
        {
            let input = format!("a{fake}MAIL FROM:<>\r\n.\r\nQUIT");
            for step in 1..=input.len() {
                assert_eq!(undot(&input, step).1, Some("QUIT"), "{fake:?}");
            }
        }
    }
}
