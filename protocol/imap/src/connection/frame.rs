//! Where a command ends: lines, and the literals inside them. Nothing is understood here but that.

use crate::parse::LiteralHead;

/// Remembers how far the input was looked at, so that a byte is looked at once however it arrives.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Framer {
    /// Where the current line of the command begins.
    line: usize,
    /// Everything before this belongs to the command.
    seen: usize,
}

/// What stands at the front of the input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framed {
    /// Not enough to tell.
    More,
    /// A whole command: so many bytes, and CR LF.
    Command(usize),
    /// So many bytes of a command, CR LF, and then this literal.
    Literal(usize, LiteralHead),
    /// A line that ends with LF alone, so many bytes with it; what follows is in step.
    BareLf(usize),
    /// So it cannot be told where the command ends.
    OutOfStep(&'static str),
}

/// Can a line of this kind end in a literal?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Literals {
    Read,
    /// A response to a continuation request is one line, whatever it looks like.
    Ignore,
}

impl Framer {
    /// The next event in `input`, all of which belongs to one command or stands after it. A command longer than `max`, with
    /// its literals, is out of step.
    pub(super) fn next(&mut self, input: &[u8], literals: Literals, max: usize) -> Framed {
        let unseen = input.get(self.seen..).unwrap_or_default();
        let Some(lf) = unseen.iter().position(|&byte| byte == b'\n') else {
            // A literal that was accepted may reach past the input.
            self.seen = self.seen.max(input.len());
            return if self.seen > max { Framed::OutOfStep("the command is too long") } else { Framed::More };
        };
        let lf = self.seen + lf;
        if lf > max {
            return Framed::OutOfStep("the command is too long");
        }
        let line = input.get(self.line..lf).unwrap_or_default();
        let Some(line) = line.strip_suffix(b"\r") else {
            // If the LF stood for a line end, this would be a literal; if not, a command. Both would be read otherwise than sent.
            return match LiteralHead::at_end_of(line) {
                Some(_) if literals == Literals::Read => Framed::OutOfStep("a literal begins after CR LF"),
                _ => Framed::BareLf(lf + 1),
            };
        };
        let end = self.line + line.len();
        match LiteralHead::at_end_of(line).filter(|_| literals == Literals::Read) {
            Some(head) => Framed::Literal(end, head),
            None => Framed::Command(end),
        }
    }

    /// Keeps a literal of `size` bytes, whose head ended at `end`, as part of the command.
    pub(super) fn keep_literal(&mut self, end: usize, size: usize) {
        self.line = end.saturating_add(CRLF).saturating_add(size);
        self.seen = self.line;
    }

    /// How long the command is at least with a literal of `size` bytes after `end`.
    pub(super) fn length_with(end: usize, size: u64) -> u64 {
        size.saturating_add((end + CRLF) as u64)
    }
}

pub(super) const CRLF: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(input: &str) -> Framed {
        Framer::default().next(input.as_bytes(), Literals::Read, 100)
    }

    #[test]
    fn lines_and_literals() {
        assert_eq!(whole("a NOOP\r\nb"), Framed::Command(6));
        assert!(matches!(whole("a LOGIN {3}\r\n"), Framed::Literal(11, head) if head.size == 3));
        assert_eq!(whole("a NOOP\r"), Framed::More);
        assert_eq!(whole("a NOOP\nb"), Framed::BareLf(7));
        assert!(matches!(whole("a LOGIN {3+}\n"), Framed::OutOfStep(_)));
        assert_eq!(Framer::default().next(b"{3}\r\n", Literals::Ignore, 100), Framed::Command(3));
    }

    #[test]
    fn line_ends_inside_literals_are_not_line_ends() {
        let input = b"a LOGIN {4}\r\n\r\n\r\n {1}\r\nx\r\n";
        let mut framer = Framer::default();
        assert!(matches!(framer.next(input, Literals::Read, 100), Framed::Literal(11, _)));
        framer.keep_literal(11, 4);
        assert!(matches!(framer.next(input, Literals::Read, 100), Framed::Literal(21, _)));
        framer.keep_literal(21, 1);
        assert_eq!(framer.next(input, Literals::Read, 100), Framed::Command(24));
    }

    #[test]
    fn length_is_bounded_with_and_without_a_line_end() {
        let long = "x".repeat(101);
        assert!(matches!(whole(&long), Framed::OutOfStep(_)));
        assert!(matches!(whole(&format!("{long}\r\n")), Framed::OutOfStep(_)));
        assert_eq!(whole(&"x".repeat(100)), Framed::More);
    }
}
