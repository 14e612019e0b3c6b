//! Line ends. Mail is kept with CRLF as it travels (RFC 5322 section 2.1); Maildir and mbox files mostly have LF.

use super::source::{Sink, SinkFull};

/// Makes every line end of one message CRLF, unless its first line ends with CRLF already: then it is taken as it is, so that what
/// was exported comes back byte for byte.
#[derive(Debug, Default)]
pub(super) struct LineEnds {
    mode: Mode,
    last: u8,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// No line has ended yet.
    #[default]
    Unknown,
    Verbatim,
    Convert,
}

impl LineEnds {
    /// The next piece of the message.
    pub(super) fn push(&mut self, piece: &[u8], sink: &mut Sink<'_>) -> Result<(), SinkFull> {
        let mut rest = piece;
        while self.mode != Mode::Verbatim {
            let Some(at) = rest.iter().position(|byte| *byte == b'\n') else { break };
            let (line, after) = rest.split_at_checked(at).unwrap_or((rest, &[]));
            let before = line.last().copied().unwrap_or(self.last);
            if self.mode == Mode::Unknown {
                self.mode = if before == b'\r' { Mode::Verbatim } else { Mode::Convert };
                if self.mode == Mode::Verbatim {
                    break;
                }
            }
            if !line.is_empty() {
                sink(line)?;
            }
            sink(if before == b'\r' { b"\n" } else { b"\r\n" })?;
            self.last = b'\n';
            rest = after.get(1..).unwrap_or_default();
        }
        if let Some(last) = rest.last() {
            self.last = *last;
            sink(rest)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn converted(pieces: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut lines = LineEnds::default();
        for piece in pieces {
            lines
                .push(piece, &mut |bytes| {
                    out.extend_from_slice(bytes);
                    Ok(())
                })
                .unwrap();
        }
        out
    }

    #[test]
    fn lines_end_with_crlf() {
        for (read, kept) in [
            ("a\nb\n", "a\r\nb\r\n"),
            ("a\r\nb\n", "a\r\nb\n"),
            ("a\nb\r\n", "a\r\nb\r\n"),
            ("a\n\rb\r\r\n\n", "a\r\n\rb\r\r\n\r\n"),
            ("no end", "no end"),
            ("", ""),
        ] {
            assert_eq!(String::from_utf8(converted(&[read.as_bytes()])).unwrap(), kept, "{read:?}");
        }
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_a_message_is_cut(text in "[ab\r\n]{0,40}", cuts in prop::collection::vec(0usize..40, 0..4)) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).chain([0, bytes.len()]).collect();
            cuts.sort_unstable();
            let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(converted(&pieces), converted(&[bytes]));
        }

        #[test]
        fn what_has_crlf_only_is_left_alone(lines in prop::collection::vec("[^\n]{0,10}", 0..6)) {
            let text = lines.iter().map(|line| format!("{line}\r\n")).collect::<String>();
            prop_assert_eq!(converted(&[text.as_bytes()]), text.as_bytes());
        }
    }
}
