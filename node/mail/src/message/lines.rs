//! A message cut into lines, whatever the pieces are in which it comes.

use memchr::memchr;

/// Cuts pieces of any size into lines.
#[derive(Debug)]
pub(super) struct Lines {
    /// The start of a line whose end has not come.
    held: Vec<u8>,
    /// After the last line.
    place: Place,
    /// What the last line ended in.
    ending: Ending,
}

/// A line with its end, or a piece of one that is very long.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line<'l> {
    pub(super) bytes: &'l [u8],
    pub(super) start: Place,
    pub(super) end: Place,
    /// What the line before ended in.
    before: Ending,
}

/// A point between two bytes of the message.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) offset: usize,
    /// How many LFs came before.
    pub(super) line_feeds: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ending {
    /// Nothing has come yet.
    Start,
    CrLf,
    Lf,
    /// The line goes on.
    Cr,
    Other,
}

/// A line between two parts (RFC 2046 section 5.1.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delimiter {
    Next,
    Last,
}

impl Lines {
    pub(super) fn new() -> Self {
        Self { held: Vec::new(), place: Place { offset: 0, line_feeds: 0 }, ending: Ending::Start }
    }

    /// After the last line that was passed on.
    pub(super) fn place(&self) -> Place {
        self.place
    }

    /// The next bytes; `each` is called with every line that has ended.
    pub(super) fn push(&mut self, mut piece: &[u8], mut each: impl FnMut(Line<'_>)) {
        while !piece.is_empty() {
            let room = LINE_MAX - self.held.len();
            let window = piece.get(..room).unwrap_or(piece);
            let end = memchr(b'\n', window).map(|at| at + 1);
            if end.is_none() && window.len() < room {
                self.held.extend_from_slice(piece);
                return;
            }
            let (line, rest) = piece.split_at(end.unwrap_or(window.len()));
            piece = rest;
            if self.held.is_empty() {
                each(self.line(line));
            } else {
                self.held.extend_from_slice(line);
                self.flush(&mut each);
            }
        }
    }

    /// All bytes have come.
    pub(super) fn finish(&mut self, mut each: impl FnMut(Line<'_>)) {
        if !self.held.is_empty() {
            self.flush(&mut each);
        }
    }

    fn flush(&mut self, each: &mut impl FnMut(Line<'_>)) {
        let mut held = std::mem::take(&mut self.held);
        each(self.line(&held));
        held.clear();
        self.held = held;
    }

    fn line<'l>(&mut self, bytes: &'l [u8]) -> Line<'l> {
        let (start, before) = (self.place, self.ending);
        let line_feeds = start.line_feeds + u64::from(bytes.ends_with(b"\n"));
        self.place = Place { offset: start.offset + bytes.len(), line_feeds };
        self.ending = match bytes {
            [.., b'\r', b'\n'] => Ending::CrLf,
            [b'\n'] if before == Ending::Cr => Ending::CrLf,
            [.., b'\n'] => Ending::Lf,
            [.., b'\r'] => Ending::Cr,
            _ => Ending::Other,
        };
        Line { bytes, start, end: self.place, before }
    }
}

impl Line<'_> {
    /// It does not go on with a line whose start came before.
    pub(super) fn is_first_piece(&self) -> bool {
        matches!(self.before, Ending::Start | Ending::CrLf | Ending::Lf)
    }

    /// Does it separate parts? Nothing but padding may follow the boundary. (RFC 2046 section 5.1.1 would accept
    /// anything; then `--x` would end a part at `--xy`, which is how some write nested boundaries.)
    pub(super) fn delimits(&self, boundary: &[u8]) -> Option<Delimiter> {
        let rest = self.bytes.strip_prefix(b"--")?.strip_prefix(boundary)?;
        let padding = |rest: &[u8]| rest.iter().all(u8::is_ascii_whitespace);
        match rest.strip_prefix(b"--") {
            _ if !self.is_whole() => None,
            Some(rest) if padding(rest) => Some(Delimiter::Last),
            None if padding(rest) => Some(Delimiter::Next),
            _ => None,
        }
    }

    /// Where the line before ended, less its line end: that belongs to the delimiter.
    pub(super) fn without_break(&self) -> Place {
        let (bytes, line_feeds) = match self.before {
            Ending::CrLf => (2, 1),
            Ending::Lf => (1, 1),
            Ending::Start | Ending::Cr | Ending::Other => (0, 0),
        };
        Place { offset: self.start.offset - bytes, line_feeds: self.start.line_feeds - line_feeds }
    }

    fn is_whole(&self) -> bool {
        self.is_first_piece() && (self.bytes.len() < LINE_MAX || self.bytes.ends_with(b"\n"))
    }
}

/// A line longer than this comes in pieces.
pub(super) const LINE_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(pieces: &[&[u8]]) -> Vec<(usize, usize, usize, bool)> {
        let (mut lines, mut found) = (Lines::new(), Vec::new());
        let mut each = |line: Line<'_>| {
            found.push((
                line.bytes.len(),
                line.start.offset,
                line.without_break().offset,
                line.is_first_piece(),
            ));
        };
        pieces.iter().for_each(|piece| lines.push(piece, &mut each));
        lines.finish(&mut each);
        found
    }

    #[test]
    fn pieces_make_no_difference() {
        let raw = b"a\r\n\nb\rc\n\r\nd";
        let lines = [(3, 0, 0, true), (1, 3, 1, true), (4, 4, 3, true), (2, 8, 7, true), (1, 10, 8, true)];
        for length in 1..raw.len() {
            assert_eq!(cut(&raw.chunks(length).collect::<Vec<_>>()), lines);
        }
    }

    #[test]
    fn a_long_line_comes_in_pieces_and_its_end_may_be_split() {
        let raw = [&[b'x'; LINE_MAX - 1][..], b"\r\ny"].concat();
        let lines =
            [(LINE_MAX, 0, 0, true), (1, LINE_MAX, LINE_MAX, false), (1, LINE_MAX + 1, LINE_MAX - 1, true)];
        assert_eq!(cut(&[&raw]), lines);
        assert_eq!(cut(&raw.chunks(1000).collect::<Vec<_>>()), lines);
    }
}
