//! What a caller sends after its call: pieces of bytes and notes about them, in order. For operations on files that only the
//! caller can read. Each frame is a line, `{"piece": LENGTH}` and that many bytes, or `{"note": VALUE}`.

use std::io;

use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt, BufReader, BufWriter};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::runtime::Handle;

use super::protocol::{ReadError, read, write};

/// The receiving end.
#[derive(Debug)]
pub(crate) struct Upload(BufReader<OwnedReadHalf>);

/// The sending end. Blocks: for threads that read files.
#[derive(Debug)]
pub(crate) struct Uploader {
    output: BufWriter<OwnedWriteHalf>,
    runtime: Handle,
}

/// One thing that was sent.
#[derive(Debug, PartialEq)]
pub(crate) enum Frame<T> {
    Piece(Bytes),
    Note(T),
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Head<T> {
    Piece(usize),
    Note(T),
}

impl Upload {
    pub(super) fn new(input: BufReader<OwnedReadHalf>) -> Self {
        Self(input)
    }

    /// The next frame. Blocks: for threads that do.
    pub(crate) fn next<T: DeserializeOwned>(&mut self, runtime: &Handle) -> io::Result<Frame<T>> {
        runtime.block_on(self.receive())
    }

    async fn receive<T: DeserializeOwned>(&mut self) -> io::Result<Frame<T>> {
        let head = read::<Head<T>>(&mut self.0, NOTE_MAX).await.map_err(|error| match error {
            ReadError::Io(error) => error,
            other => io::Error::new(io::ErrorKind::InvalidData, other),
        })?;
        let length = match head {
            Head::Note(note) => return Ok(Frame::Note(note)),
            Head::Piece(length) => length,
        };
        if length > PIECE_MAX {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "a piece is too large"));
        }
        let mut piece = vec![0; length];
        self.0.read_exact(&mut piece).await?;
        Ok(Frame::Piece(piece.into()))
    }
}

impl Uploader {
    pub(super) fn new(output: OwnedWriteHalf, runtime: Handle) -> Self {
        Self { output: BufWriter::with_capacity(PIECE_MAX, output), runtime }
    }

    /// Bytes of what the next note is about.
    pub(crate) fn piece(&mut self, bytes: &[u8]) -> io::Result<()> {
        let (output, runtime) = (&mut self.output, &self.runtime);
        runtime.block_on(async {
            for piece in bytes.chunks(PIECE_MAX) {
                output.write_all(format!("{{\"piece\":{}}}\n", piece.len()).as_bytes()).await?;
                output.write_all(piece).await?;
            }
            Ok(())
        })
    }

    /// What the bytes before it were.
    pub(crate) fn note(&mut self, note: &impl Serialize) -> io::Result<()> {
        self.runtime.block_on(write(&mut self.output, &Head::Note(note)))
    }
}

const NOTE_MAX: u64 = 1 << 20;
const PIECE_MAX: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use tokio::net::UnixStream;

    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_sent_arrives_in_order() {
        let (caller, node) = UnixStream::pair().unwrap();
        let large = vec![7; 3 * PIECE_MAX + 5];
        let (runtime, sent) = (Handle::current(), large.clone());
        let sending = tokio::task::spawn_blocking(move || {
            let mut uploader = Uploader::new(caller.into_split().1, runtime);
            uploader.piece(&sent)?;
            uploader.note(&"that was all")
        });
        let mut upload = Upload::new(BufReader::new(node.into_split().0));
        let mut received = Vec::new();
        let note = loop {
            match upload.receive::<String>().await.unwrap() {
                Frame::Piece(piece) => received.extend_from_slice(&piece),
                Frame::Note(note) => break note,
            }
        };
        assert_eq!((received, note.as_str()), (large, "that was all"));
        sending.await.unwrap().unwrap();
        assert!(upload.receive::<String>().await.is_err(), "the end is an error: it was not announced");
    }
}
