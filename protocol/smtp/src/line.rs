//! Command lines cut out of the input.
//!
//! A line ends with CRLF. A bare LF also ends it, so that a person at a terminal gets an answer, but such a line is never carried out.

use bytes::{Buf, BytesMut};
use memchr::memchr;
use zeroize::{Zeroize, Zeroizing};

/// Finds line ends without looking at any byte twice.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    /// Bytes of the input known to hold no LF.
    scanned: usize,
    /// The beginning of this line was thrown away: it is too long.
    skipping: bool,
}

/// The next line of the input, if there is one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// More input is needed.
    Incomplete,
    /// A line without its CRLF, wiped from memory when dropped: it may hold a password.
    Complete(Zeroizing<Vec<u8>>),
    /// A line with a bare LF or CR.
    BareLineEnd,
    /// A line over the limit. Told once, at the moment the limit is passed.
    TooLong,
}

impl Lines {
    /// Takes one line off the input. `limit` tells from its beginning how many bytes it may have, its CRLF counted.
    pub(crate) fn take(&mut self, input: &mut BytesMut, limit_of: impl Fn(&[u8]) -> usize) -> Line {
        let limit = limit_of(input);
        let unseen = input.get(self.scanned..).unwrap_or_default();
        let Some(at) = memchr(b'\n', unseen) else {
            self.scanned = input.len();
            return if self.scanned > limit { self.overflow(input) } else { Line::Incomplete };
        };
        let length = self.scanned + at + 1;
        self.scanned = 0;
        if self.skipping {
            self.skipping = false;
            input.advance(length);
            // What remains of the long line has told nothing about the next one.
            return self.take(input, limit_of);
        }
        if length > limit {
            input.advance(length);
            return Line::TooLong;
        }
        let mut line = Zeroizing::new(input.get(..length).unwrap_or_default().to_vec());
        if let Some(taken) = input.get_mut(..length) {
            taken.zeroize();
        }
        input.advance(length);
        line.pop();
        if line.pop() != Some(b'\r') || memchr(b'\r', &line).is_some() {
            return Line::BareLineEnd;
        }
        Line::Complete(line)
    }

    fn overflow(&mut self, input: &mut BytesMut) -> Line {
        input.clear();
        self.scanned = 0;
        if self.skipping {
            return Line::Incomplete;
        }
        self.skipping = true;
        Line::TooLong
    }
}
