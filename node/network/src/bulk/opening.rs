//! The first bytes of a bulk stream, and their answer.
//!
//! ```text
//! opening = length of purpose (1 byte), purpose, length of subject (2 bytes), subject, offset (8 bytes)
//! answer  = verdict (1 byte: 0 accepted, 1 refused, 2 busy), offset (8 bytes)
//! ```
//! Numbers are big-endian.

use std::io;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::label::{LABEL_MAX, Purpose};

/// What a stream is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opening {
    /// The kind of transfer.
    pub purpose: Purpose,
    /// Which one of that kind, in bytes that purpose understands. At most `Limits::bulk_subject`.
    pub subject: Bytes,
    /// Where to go on: the opener already has, or has sent, this many bytes. The other side has the last word.
    pub offset: u64,
}

/// What the other side said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// The transfer goes on at this byte.
    Accepted(u64),
    Refused,
    Busy,
}

impl Opening {
    /// A transfer from its beginning, of which there is only one.
    pub const fn new(purpose: Purpose) -> Self {
        Self { purpose, subject: Bytes::new(), offset: 0 }
    }

    /// `None` if the subject is over the limit.
    pub(super) fn encode(&self, subject_max: usize) -> Option<Vec<u8>> {
        let name = self.purpose.as_str().as_bytes();
        let subject = u16::try_from(self.subject.len()).ok().filter(|_| self.subject.len() <= subject_max)?;
        let mut wire = vec![u8::try_from(name.len()).ok()?];
        wire.extend_from_slice(name);
        wire.extend_from_slice(&subject.to_be_bytes());
        wire.extend_from_slice(&self.subject);
        wire.extend_from_slice(&self.offset.to_be_bytes());
        Some(wire)
    }

    pub(super) async fn read<R: AsyncRead + Unpin>(io: &mut R, subject_max: usize) -> io::Result<Self> {
        let mut name = [0; LABEL_MAX];
        let length = usize::from(io.read_u8().await?);
        let name = name.get_mut(..length).ok_or_else(|| invalid("the purpose is too long"))?;
        io.read_exact(name).await?;
        let purpose = str::from_utf8(name).ok().and_then(|name| name.parse().ok());
        let purpose = purpose.ok_or_else(|| invalid("this is no purpose"))?;
        let length = usize::from(io.read_u16().await?);
        if length > subject_max {
            return Err(invalid("the subject is too long"));
        }
        let mut subject = vec![0; length];
        io.read_exact(&mut subject).await?;
        let offset = io.read_u64().await?;
        Ok(Self { purpose, subject: subject.into(), offset })
    }
}

impl Answer {
    pub(super) fn encode(self) -> [u8; 9] {
        let (verdict, offset) = match self {
            Self::Accepted(offset) => (0, offset),
            Self::Refused => (1, 0),
            Self::Busy => (2, 0),
        };
        let mut wire = [verdict; 9];
        let (_, rest) = wire.split_at_mut(1);
        rest.copy_from_slice(&offset.to_be_bytes());
        wire
    }

    pub(super) async fn read<R: AsyncRead + Unpin>(io: &mut R) -> io::Result<Self> {
        let verdict = io.read_u8().await?;
        let offset = io.read_u64().await?;
        match verdict {
            0 => Ok(Self::Accepted(offset)),
            1 => Ok(Self::Refused),
            2 => Ok(Self::Busy),
            _ => Err(invalid("an answer that is not known")),
        }
    }
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening() -> Opening {
        Opening { purpose: "move".parse().unwrap(), subject: Bytes::from_static(b"alice"), offset: 1 << 40 }
    }

    #[tokio::test]
    async fn an_opening_is_read_as_it_was_written() {
        let wire = opening().encode(5).unwrap();
        assert_eq!(wire, b"\x04move\0\x05alice\0\0\x01\0\0\0\0\0");
        assert_eq!(Opening::read(&mut &wire[..], 5).await.unwrap(), opening());
        for cut in 0..wire.len() {
            assert!(Opening::read(&mut &wire[..cut], 5).await.is_err());
        }
    }

    #[tokio::test]
    async fn bulk_subject_bounds_both_sides() {
        assert_eq!(opening().encode(4), None);
        let wire = opening().encode(5).unwrap();
        assert!(Opening::read(&mut &wire[..], 4).await.is_err());
    }

    #[tokio::test]
    async fn purposes_are_checked() {
        for wire in [&b"\0\0\0\0\0\0\0\0\0\0\0"[..], b"\x01X\0\0\0\0\0\0\0\0\0\0", &[0xff; 300]] {
            assert!(Opening::read(&mut &wire[..], 256).await.is_err());
        }
    }

    #[tokio::test]
    async fn nonsense_is_an_error_and_never_a_panic() {
        let mut nonsense = blake3::Hasher::new().finalize_xof();
        let mut wire = [0; 64];
        for round in 0..20_000_usize {
            nonsense.fill(&mut wire);
            if round % 2 == 0 {
                wire[..6].copy_from_slice(b"\x03mov\0\x09");
            }
            let length = round % wire.len();
            let opening = Opening::read(&mut &wire[..length], 16).await;
            assert!(opening.is_err() || length >= 12);
            assert!(Answer::read(&mut &wire[..length]).await.is_err() || wire[0] < 3);
        }
    }

    #[tokio::test]
    async fn an_answer_is_read_as_it_was_written() {
        for answer in [Answer::Accepted(u64::MAX), Answer::Refused, Answer::Busy] {
            assert_eq!(Answer::read(&mut &answer.encode()[..]).await.unwrap(), answer);
        }
        assert!(Answer::read(&mut &[9; 9][..]).await.is_err());
    }
}
