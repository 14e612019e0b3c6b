//! What the fuzz targets share: how an input is read. It finds no faults itself.
//!
//! The first line of an input turns knobs: settings, answers of the caller, where the bytes are cut. The rest is what the stranger sends.
//! So people can read and write seeds, and words of a dictionary land where they mean something.

use std::iter;

/// The first line of an input, without its LF, and everything after it.
pub fn split(data: &[u8]) -> (Knobs<'_>, &[u8]) {
    let end = data.iter().position(|&byte| byte == b'\n').unwrap_or(data.len());
    (Knobs::new(&data[..end]), data.get(end + 1..).unwrap_or_default())
}

/// Decisions, one byte each; after the last the first comes again. `0` is the first choice, `1` the second.
#[derive(Clone, Debug)]
pub struct Knobs<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Knobs<'a> {
    /// From the first byte on.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next decision.
    pub fn turn(&mut self) -> u8 {
        let Some(&byte) = self.bytes.get(self.at) else { return 0 };
        self.at = (self.at + 1) % self.bytes.len();
        byte.wrapping_sub(b'0')
    }

    /// One of these.
    pub fn pick<T: Clone>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.turn()) % choices.len()].clone()
    }

    /// Yes, about once in `times`.
    pub fn once_in(&mut self, times: u8) -> bool {
        self.turn() % times == times - 1
    }
}

/// How the bytes of a wire arrive.
#[derive(Clone, Debug)]
pub enum Cuts<'a> {
    /// All at once.
    Nowhere,
    /// One by one.
    Everywhere,
    /// In pieces of 1 to 64 bytes.
    At(Knobs<'a>),
}

/// The wire in pieces. An empty one has none.
pub fn pieces<'w>(wire: &'w [u8], mut cuts: Cuts<'_>) -> impl Iterator<Item = &'w [u8]> {
    let mut rest = wire;
    iter::from_fn(move || {
        let length = match &mut cuts {
            Cuts::Nowhere => rest.len(),
            Cuts::Everywhere => 1,
            Cuts::At(knobs) => 1 + usize::from(knobs.turn() % 64),
        };
        let (piece, later) = rest.split_at(length.min(rest.len()));
        rest = later;
        (!piece.is_empty()).then_some(piece)
    })
}

/// The parts of a wire between which the peer waits: what follows STARTTLS in the same part was said in clear.
pub fn flights(wire: &[u8]) -> impl Iterator<Item = &[u8]> {
    wire.split(|&byte| byte == FLIGHT)
}

/// ASCII "record separator": no protocol uses it.
pub const FLIGHT: u8 = 0x1e;

/// Lines without their CRLF.
///
/// # Panics
/// If a CR or LF stands alone, or the last line has no end.
pub fn lines(sent: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = sent.split(|&byte| byte == b'\n').collect();
    assert_eq!(lines.pop(), Some(&b""[..]), "the last line has no end: {}", sent.escape_ascii());
    for line in &mut lines {
        let whole = line.strip_suffix(b"\r").filter(|whole| !whole.contains(&b'\r'));
        *line = whole.unwrap_or_else(|| panic!("not one line: {}", line.escape_ascii()));
    }
    lines
}
