//! Carrying bytes both ways over one stream, after the login. Each piece is four bytes, and if they are a length so many bytes:
//!
//! ```text
//! piece = 0 length (31 bits), bytes     | what the client or the server said
//!         1 count (31 bits)             | so many bytes of the other side have been handed on; 0: still here
//! ```
//! Not more than [`WINDOW`] bytes are on their way that were not handed on. So a client that does not read fills its own window, not that of
//! the connection between the two nodes, on which others wait.

/// What one side may send, and owes the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flow {
    /// Bytes that may still be sent.
    credit: usize,
    /// Bytes that may still come.
    granted: usize,
    /// Bytes that were handed on, and not told.
    owed: usize,
}

/// The head of a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// So many bytes follow.
    Bytes(usize),
    /// The other side has handed on what was sent.
    Taken,
}

/// The other side does not keep to the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the other side does not keep to the window of {WINDOW} bytes")]
pub struct Overrun;

impl Default for Flow {
    fn default() -> Self {
        Self { credit: WINDOW, granted: WINDOW, owed: 0 }
    }
}

impl Flow {
    /// How many bytes may be sent in one piece now.
    pub fn room(&self) -> usize {
        self.credit.min(PIECE_MAX)
    }

    /// The head of a piece of so many bytes, which are sent. At most [`Self::room`], or the other side ends the stream.
    pub fn send(&mut self, bytes: usize) -> [u8; 4] {
        debug_assert!((1..=self.room()).contains(&bytes), "more than there is room for");
        self.credit = self.credit.saturating_sub(bytes);
        u32::try_from(bytes).unwrap_or(TAKEN - 1).to_be_bytes()
    }

    /// What the head of a piece says.
    ///
    /// # Errors
    /// More than was granted, or than was sent.
    pub fn hear(&mut self, head: [u8; 4]) -> Result<Piece, Overrun> {
        let head = u32::from_be_bytes(head);
        let count = usize::try_from(head & !TAKEN).map_err(|_| Overrun)?;
        if head & TAKEN != 0 {
            self.credit = self.credit.checked_add(count).filter(|credit| *credit <= WINDOW).ok_or(Overrun)?;
            return Ok(Piece::Taken);
        }
        self.granted = self.granted.checked_sub(count).filter(|_| count > 0).ok_or(Overrun)?;
        Ok(Piece::Bytes(count))
    }

    /// So many bytes of the other side were handed on; whether it is time to say so.
    pub fn taken(&mut self, bytes: usize) -> bool {
        self.owed += bytes;
        self.is_owing()
    }

    /// Whether so much was handed on that the other side should know.
    pub fn is_owing(&self) -> bool {
        self.owed >= WINDOW / 4
    }

    /// Says what was handed on; also that this side is still here.
    pub fn tell(&mut self) -> [u8; 4] {
        let owed = std::mem::take(&mut self.owed);
        self.granted += owed;
        (TAKEN | u32::try_from(owed).unwrap_or(0)).to_be_bytes()
    }
}

/// Bytes in each direction that were sent and not handed on.
pub const WINDOW: usize = 128 << 10;
/// Bytes of one piece.
pub const PIECE_MAX: usize = 16 << 10;
/// The first bit.
const TAKEN: u32 = 1 << 31;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_side_that_hands_nothing_on_gets_one_window() {
        let (mut sender, mut receiver) = (Flow::default(), Flow::default());
        let mut sent = 0;
        while sender.room() > 0 {
            let bytes = sender.room();
            let head = sender.send(bytes);
            assert_eq!(receiver.hear(head), Ok(Piece::Bytes(bytes)));
            sent += bytes;
        }
        assert_eq!(sent, WINDOW);
        assert_eq!(receiver.hear(1_u32.to_be_bytes()), Err(Overrun));
        assert!(receiver.taken(WINDOW));
        let told = receiver.tell();
        assert_eq!(sender.hear(told), Ok(Piece::Taken));
        assert_eq!((sender.room(), receiver.is_owing()), (PIECE_MAX, false));
    }

    #[test]
    fn still_here_changes_nothing_and_lies_end_the_stream() {
        let mut flow = Flow::default();
        let here = flow.tell();
        assert_eq!((flow.hear(here), &flow), (Ok(Piece::Taken), &Flow::default()));
        for head in [0, TAKEN | 1, TAKEN - 1, u32::MAX] {
            assert_eq!(Flow::default().hear(head.to_be_bytes()), Err(Overrun), "{head:x}");
        }
    }

    #[test]
    fn small_amounts_are_told_together() {
        let (mut one, mut other) = (Flow::default(), Flow::default());
        let mut told = 0;
        for _ in 0..1000 {
            let head = one.send(100);
            assert_eq!(other.hear(head), Ok(Piece::Bytes(100)));
            if other.taken(100) {
                told += 1;
                let head = other.tell();
                one.hear(head).unwrap();
            }
        }
        assert_eq!(told, 1000 * 100 / (WINDOW / 4));
    }
}
