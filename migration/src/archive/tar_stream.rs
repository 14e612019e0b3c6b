//! The files in the frames, one after another.

use std::io::{self, Read};

use super::frame::{FrameError, FrameReader};
use super::header::{BLOCK, FileHead, Head, padding, size_of_pax};
use super::refusal::{ReadError, Why};

/// A tar in frames, read forward.
pub(super) struct TarStream<R> {
    frames: FrameReader<R>,
    /// The name of the file that is read, for refusals.
    within: String,
}

impl<R: Read> TarStream<R> {
    pub(super) fn new(from: R) -> io::Result<Self> {
        Ok(Self { frames: FrameReader::new(from)?, within: "the beginning of the archive".to_owned() })
    }

    /// Bytes of the archive before the frame that is read.
    pub(super) fn offset(&self) -> u64 {
        self.frames.frame_offset()
    }

    /// Bytes of the archive up to the end of the frame that is read.
    pub(super) fn end_of_frame(&self) -> u64 {
        self.frames.offset()
    }

    /// The BLAKE3 of all frames before the one that is read.
    pub(super) fn hash_before_frame(&self) -> blake3::Hash {
        self.frames.hash_before_frame()
    }

    /// Plain bytes before what comes next.
    pub(super) fn position(&self) -> u64 {
        self.frames.position()
    }

    /// Whether what comes next begins a frame.
    pub(super) fn at_boundary(&self) -> bool {
        self.frames.at_boundary()
    }

    /// The next file; `None` at the first of the blocks that end a tar.
    pub(super) fn head<E>(&mut self) -> Result<Option<FileHead>, ReadError<E>> {
        let mut size = None;
        loop {
            let block = self.block()?;
            let name = printable(&block);
            let refused = |why| ReadError::refuse(name, self.offset(), why);
            match Head::decode(&block, size).map_err(refused)? {
                Head::End if size.is_some() => return self.refuse(Why::Header),
                Head::End => return Ok(None),
                Head::File(head) => {
                    self.within = head.path.to_string();
                    return Ok(Some(head));
                }
                Head::Size(length) => {
                    let block = self.block()?;
                    let (text, rest) = block.split_at_checked(length).unwrap_or((&block, &[]));
                    if rest.iter().any(|byte| *byte != 0) {
                        return self.refuse(Why::Stray);
                    }
                    size = Some(size_of_pax(text).map_err(|why| self.refusal(why))?);
                }
            }
        }
    }

    /// The next bytes of a file, all together; where they stand in one frame, they are not copied.
    pub(super) fn bytes<'a, E>(
        &'a mut self,
        head: &FileHead,
        length: u64,
        buffer: &'a mut Vec<u8>,
    ) -> Result<&'a [u8], ReadError<E>> {
        debug_assert!(length <= head.size, "blobs tile their file");
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if self.frames.holds(length) {
            return match self.frames.take(length) {
                Ok(piece) => Ok(piece),
                Err(error) => Err(failed(error, &self.within, 0)),
            };
        }
        buffer.clear();
        self.fill(length, buffer)?;
        Ok(buffer)
    }

    /// The whole of a file.
    pub(super) fn append<E>(&mut self, head: &FileHead, to: &mut Vec<u8>) -> Result<(), ReadError<E>> {
        self.fill(usize::try_from(head.size).unwrap_or(usize::MAX), to)
    }

    /// What follows a file up to the end of its last block: zeros.
    pub(super) fn padding<E>(&mut self, head: &FileHead) -> Result<(), ReadError<E>> {
        let mut zeros = Vec::new();
        self.fill(padding(head.size), &mut zeros)?;
        if zeros.iter().any(|byte| *byte != 0) {
            return self.refuse(Why::Stray);
        }
        Ok(())
    }

    /// Two blocks of zeros, and nothing after them.
    pub(super) fn end<E>(&mut self) -> Result<(), ReadError<E>> {
        self.within = "the end of the archive".to_owned();
        for _ in 0..2 {
            if self.block::<E>()? != [0; BLOCK] {
                return self.refuse(Why::Stray);
            }
        }
        if !self.frames.is_stored() {
            return self.refuse(Why::NotAFrame);
        }
        match self.frames.take(1) {
            Ok([]) => Ok(()),
            Ok(_) => self.refuse(Why::Stray),
            Err(FrameError::Refused(_)) => self.refuse(Why::Stray),
            Err(error) => Err(self.failure(error)),
        }
    }

    fn block<E>(&mut self) -> Result<[u8; BLOCK], ReadError<E>> {
        let mut bytes = Vec::with_capacity(BLOCK);
        self.fill(BLOCK, &mut bytes)?;
        bytes.try_into().map_err(|_| self.refusal(Why::CutOff))
    }

    fn fill<E>(&mut self, mut length: usize, to: &mut Vec<u8>) -> Result<(), ReadError<E>> {
        while length > 0 {
            match self.frames.take(length) {
                Ok([]) => return self.refuse(Why::CutOff),
                Ok(piece) => {
                    to.extend_from_slice(piece);
                    length -= piece.len();
                }
                Err(error) => return Err(self.failure(error)),
            }
        }
        Ok(())
    }

    fn refuse<T, E>(&self, why: Why) -> Result<T, ReadError<E>> {
        Err(self.refusal(why))
    }

    fn refusal<E>(&self, why: Why) -> ReadError<E> {
        ReadError::refuse(&self.within, self.offset(), why)
    }

    fn failure<E>(&self, error: FrameError) -> ReadError<E> {
        failed(error, &self.within, self.offset())
    }
}

fn failed<E>(error: FrameError, within: &str, offset: u64) -> ReadError<E> {
    match error {
        FrameError::Source(error) => ReadError::Source(error),
        FrameError::Refused(why) => ReadError::refuse(within, offset, why),
    }
}

/// The name in a header, for a refusal: whatever it is.
fn printable(block: &[u8; BLOCK]) -> String {
    let name = block.get(..100).unwrap_or_default().split(|byte| *byte == 0).next().unwrap_or_default();
    format!("{:?}", String::from_utf8_lossy(name))
}
