//! The outer shape: independent zstd frames (RFC 8878), each at most [`FRAME_MAX`] plain. Any of them can be read alone, and
//! stock zstd reads all of them in a row.
//!
//! A frame has one form: its size in the header, a single segment, a checksum, no dictionary. What would compress to less than a
//! [`RATIO_MAX`]th is stored instead, so that a reader may hold everybody to that ratio.

use std::io::{self, Read, Write};

use zstd::bulk::Compressor;
use zstd::stream::raw::{DParameter, Decoder, InBuffer, Operation, OutBuffer};

use super::limits::{FRAME_MAX, RATIO_MAX};
use super::refusal::Why;

/// Cuts a stream of bytes into frames.
pub(super) struct FrameWriter<W> {
    to: W,
    plain: Vec<u8>,
    compressor: Compressor<'static>,
    /// Of all frames so far.
    packed: blake3::Hasher,
    /// Plain bytes so far.
    position: u64,
}

impl<W: Write> FrameWriter<W> {
    pub(super) fn new(to: W) -> io::Result<Self> {
        let mut compressor = Compressor::new(LEVEL)?;
        compressor.include_contentsize(true)?;
        compressor.include_checksum(true)?;
        compressor.include_dictid(false)?;
        // As large as a frame: then each is a single segment.
        compressor.window_log(WINDOW_LOG)?;
        Ok(Self {
            to,
            plain: Vec::with_capacity(FRAME_MAX),
            compressor,
            packed: blake3::Hasher::new(),
            position: 0,
        })
    }

    /// Plain bytes so far.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    pub(super) fn write(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        self.position += bytes.len() as u64;
        while !bytes.is_empty() {
            let (now, later) = bytes.split_at(bytes.len().min(FRAME_MAX - self.plain.len()));
            self.plain.extend_from_slice(now);
            bytes = later;
            if self.plain.len() == FRAME_MAX {
                self.end_frame()?;
            }
        }
        Ok(())
    }

    /// What comes next begins a frame.
    pub(super) fn end_frame(&mut self) -> io::Result<()> {
        if self.plain.is_empty() {
            return Ok(());
        }
        let packed = self.compressor.compress(&self.plain)?;
        if fits(packed.len() as u64, self.plain.len() as u64) {
            return self.emit(&packed);
        }
        self.end_stored()
    }

    /// The BLAKE3 of all frames so far, as they are in the archive.
    pub(super) fn hash(&self) -> blake3::Hash {
        self.packed.finalize()
    }

    /// Ends the archive with what was written since the last frame, in a frame that is not compressed: it has one spelling.
    pub(super) fn finish(mut self) -> io::Result<W> {
        if !self.plain.is_empty() {
            self.end_stored()?;
        }
        self.to.flush()?;
        Ok(self.to)
    }

    fn end_stored(&mut self) -> io::Result<()> {
        self.emit(&stored(&self.plain))
    }

    fn emit(&mut self, frame: &[u8]) -> io::Result<()> {
        self.packed.update(frame);
        self.plain.clear();
        self.to.write_all(frame)
    }
}

/// A frame of raw blocks.
fn stored(plain: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(plain.len() + plain.len() / 1024 + 32);
    frame.extend_from_slice(&MAGIC);
    frame.push(DESCRIPTOR | FOUR_BYTES << 6);
    frame.extend_from_slice(&(u32::try_from(plain.len()).unwrap_or(u32::MAX)).to_le_bytes());
    let mut blocks = plain.chunks(BLOCK_MAX).peekable();
    while let Some(block) = blocks.next() {
        let last = u32::from(blocks.peek().is_none());
        let head = u32::try_from(block.len()).unwrap_or(u32::MAX) << 3 | last;
        frame.extend_from_slice(head.to_le_bytes().first_chunk::<3>().unwrap_or(&[0; 3]));
        frame.extend_from_slice(block);
    }
    let sum = twox_hash::XxHash64::oneshot(0, plain);
    frame.extend_from_slice(sum.to_le_bytes().first_chunk::<4>().unwrap_or(&[0; 4]));
    frame
}

fn fits(stored: u64, plain: u64) -> bool {
    plain <= stored.saturating_mul(RATIO_MAX)
}

/// Reads frames, one in memory at a time.
pub(super) struct FrameReader<R> {
    from: R,
    decoder: Decoder<'static>,
    input: Vec<u8>,
    /// Where in `input` what is not decoded begins.
    at: usize,
    plain: Vec<u8>,
    /// Where in `plain` what was not taken begins.
    taken: usize,
    /// Bytes of the archive before the frame in `plain`.
    frame_offset: u64,
    /// And before what is not decoded.
    offset: u64,
    position: u64,
    /// Of all frames before the one that is read, and of that one too.
    before: blake3::Hasher,
    packed: blake3::Hasher,
}

/// Why there is no next frame.
pub(super) enum FrameError {
    Source(io::Error),
    Refused(Why),
}

impl From<io::Error> for FrameError {
    fn from(error: io::Error) -> Self {
        Self::Source(error)
    }
}

impl From<Why> for FrameError {
    fn from(why: Why) -> Self {
        Self::Refused(why)
    }
}

impl<R: Read> FrameReader<R> {
    pub(super) fn new(from: R) -> io::Result<Self> {
        let mut decoder = Decoder::new()?;
        decoder.set_parameter(DParameter::WindowLogMax(WINDOW_LOG))?;
        Ok(Self {
            from,
            decoder,
            input: Vec::with_capacity(INPUT),
            at: 0,
            plain: Vec::with_capacity(FRAME_MAX),
            taken: 0,
            frame_offset: 0,
            offset: 0,
            position: 0,
            before: blake3::Hasher::new(),
            packed: blake3::Hasher::new(),
        })
    }

    /// Bytes of the archive before the frame that is read.
    pub(super) fn frame_offset(&self) -> u64 {
        self.frame_offset
    }

    /// Bytes of the archive that were decoded.
    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    /// Plain bytes that were taken.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// The BLAKE3 of all frames before the one that is read, as they are in the archive.
    pub(super) fn hash_before_frame(&self) -> blake3::Hash {
        self.before.finalize()
    }

    /// Whether the frame that is read stands there in its one spelling without compression.
    pub(super) fn is_stored(&self) -> bool {
        self.before.clone().update(&stored(&self.plain)).finalize() == self.packed.finalize()
    }

    /// Whether everything of the frame was taken.
    pub(super) fn at_boundary(&self) -> bool {
        self.taken == self.plain.len()
    }

    /// Whether the next so many bytes stand in this frame.
    pub(super) fn holds(&self, length: usize) -> bool {
        self.plain.len() - self.taken >= length
    }

    /// At least one and at most `max` bytes; none at the end of the archive.
    pub(super) fn take(&mut self, max: usize) -> Result<&[u8], FrameError> {
        if self.at_boundary() {
            self.next_frame()?;
        }
        let rest = self.plain.get(self.taken..).unwrap_or_default();
        let piece = rest.get(..max).unwrap_or(rest);
        self.taken += piece.len();
        self.position += piece.len() as u64;
        Ok(piece)
    }

    fn next_frame(&mut self) -> Result<(), FrameError> {
        self.plain.clear();
        self.taken = 0;
        self.frame_offset = self.offset;
        self.before = self.packed.clone();
        while self.waiting().len() < HEADER_MAX && self.more()? {}
        if self.waiting().is_empty() {
            return Ok(());
        }
        let size = frame_size(self.waiting())?;
        if size > FRAME_MAX as u64 {
            return Err(Why::FrameTooLarge { bytes: size, max: FRAME_MAX as u64 }.into());
        }
        self.decode(usize::try_from(size).unwrap_or(FRAME_MAX))?;
        let stored = self.offset - self.frame_offset;
        let plain = self.plain.len() as u64;
        if plain != size {
            return Err(Why::Damaged("a frame has another size than it says".to_owned()).into());
        }
        if !fits(stored, plain) {
            return Err(Why::Bomb { stored, plain, max: RATIO_MAX }.into());
        }
        Ok(())
    }

    fn decode(&mut self, size: usize) -> Result<(), FrameError> {
        self.decoder.reinit()?;
        self.plain.resize(size, 0);
        let mut filled = 0;
        loop {
            if self.waiting().is_empty() && !self.more()? {
                return Err(Why::CutOff.into());
            }
            let Self { decoder, input, at, plain, packed, .. } = self;
            let mut from = InBuffer::around(input.get(*at..).unwrap_or_default());
            let mut to = OutBuffer::around_pos(plain.as_mut_slice(), filled);
            let left = decoder.run(&mut from, &mut to).map_err(|error| Why::Damaged(error.to_string()))?;
            let (read, before) = (from.pos, filled);
            filled = to.pos();
            packed.update(input.get(*at..*at + read).unwrap_or_default());
            self.at += read;
            self.offset += read as u64;
            if left == 0 {
                self.plain.truncate(filled);
                return Ok(());
            }
            if read == 0 && filled == before {
                return Err(Why::Damaged("a frame holds more than it says".to_owned()).into());
            }
        }
    }

    fn waiting(&self) -> &[u8] {
        self.input.get(self.at..).unwrap_or_default()
    }

    /// Reads some more; false at the end.
    fn more(&mut self) -> io::Result<bool> {
        self.input.drain(..self.at);
        self.at = 0;
        let before = self.input.len();
        self.input.resize(before + INPUT, 0);
        let read = loop {
            match self.from.read(self.input.get_mut(before..).unwrap_or_default()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => break read,
            }
        };
        self.input.truncate(before + *read.as_ref().unwrap_or(&0));
        Ok(read? > 0)
    }
}

/// What the header of a frame says that it holds: RFC 8878 section 3.1.1.1, of which archives have the one form.
fn frame_size(bytes: &[u8]) -> Result<u64, Why> {
    let Some((magic, rest)) = bytes.split_first_chunk() else { return Err(short(bytes)) };
    if *magic != MAGIC {
        return Err(Why::NotAFrame);
    }
    let Some((descriptor, rest)) = rest.split_first() else { return Err(Why::CutOff) };
    if descriptor & 0x3f != DESCRIPTOR {
        return Err(Why::NotAFrame);
    }
    let size = match descriptor >> 6 {
        0 => rest.first().map(|size| u64::from(*size)),
        1 => rest.first_chunk().map(|size| u64::from(u16::from_le_bytes(*size)) + 256),
        FOUR_BYTES => rest.first_chunk().map(|size| u64::from(u32::from_le_bytes(*size))),
        _ => rest.first_chunk().map(|size| u64::from_le_bytes(*size)),
    };
    size.ok_or(Why::CutOff)
}

fn short(bytes: &[u8]) -> Why {
    if MAGIC.starts_with(bytes) { Why::CutOff } else { Why::NotAFrame }
}

/// RFC 8878 section 3.1.1.
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// A single segment and a checksum.
const DESCRIPTOR: u8 = 0b0010_0100;
/// Content size in four bytes.
const FOUR_BYTES: u8 = 2;
const HEADER_MAX: usize = 13;
const BLOCK_MAX: usize = 128 << 10;
const WINDOW_LOG: u32 = 22;
const LEVEL: i32 = 3;
const INPUT: usize = 128 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn written(pieces: &[&[u8]]) -> Vec<u8> {
        let mut writer = FrameWriter::new(Vec::new()).unwrap();
        for piece in pieces {
            writer.write(piece).unwrap();
            writer.end_frame().unwrap();
        }
        // The last frame is never compressed.
        writer.finish().unwrap()
    }

    fn read(bytes: &[u8]) -> Result<Vec<u8>, Why> {
        let mut reader = FrameReader::new(bytes).unwrap();
        let mut all = Vec::new();
        loop {
            match reader.take(usize::MAX) {
                Ok([]) => return Ok(all),
                Ok(piece) => all.extend_from_slice(piece),
                Err(FrameError::Refused(why)) => return Err(why),
                Err(FrameError::Source(error)) => panic!("{error}"),
            }
        }
    }

    fn noise(length: usize) -> Vec<u8> {
        let mut out = vec![0; length];
        blake3::Hasher::new().finalize_xof().fill(&mut out);
        out
    }

    #[test]
    fn what_is_written_is_read() {
        let large = noise(FRAME_MAX + 5);
        let text = b"mail ".repeat(100_000);
        let cases: [&[&[u8]]; 5] =
            [&[], &[b"x"], &[b"", b"a", b"bc"], &[&large, &text], &[&text, &large, b"end"]];
        for pieces in cases {
            assert_eq!(read(&written(pieces)), Ok(pieces.concat()));
        }
    }

    #[test]
    fn stock_zstd_reads_stored_and_packed_frames() {
        let zeros = vec![0; FRAME_MAX + 300_000];
        let bytes = written(&[b"first ", &zeros, b" last"]);
        assert!(bytes.len() as u64 * RATIO_MAX >= zeros.len() as u64);
        assert_eq!(zstd::stream::decode_all(&bytes[..]).unwrap(), [b"first ", &zeros[..], b" last"].concat());
        assert_eq!(read(&bytes).unwrap().len(), zeros.len() + 11);
    }

    #[test]
    fn a_zip_bomb_is_refused() {
        let mut compressor = Compressor::new(19).unwrap();
        compressor.include_checksum(true).unwrap();
        compressor.window_log(WINDOW_LOG).unwrap();
        let bomb = compressor.compress(&vec![0; FRAME_MAX]).unwrap();
        assert!(matches!(read(&bomb), Err(Why::Bomb { plain, .. }) if plain == FRAME_MAX as u64));
        let larger = compressor.compress(&noise(FRAME_MAX + 1)).unwrap();
        // Not one segment any more.
        assert_eq!(read(&larger), Err(Why::NotAFrame));
        compressor.window_log(WINDOW_LOG + 1).unwrap();
        let larger = compressor.compress(&noise(FRAME_MAX + 1)).unwrap();
        assert!(matches!(read(&larger), Err(Why::FrameTooLarge { .. })));
    }

    #[test]
    fn a_frame_of_another_form_is_refused() {
        assert_eq!(read(b"PK\x03\x04 a zip"), Err(Why::NotAFrame));
        let skippable = [&[0x50, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 7][..], &written(&[b"x"])].concat();
        assert_eq!(read(&skippable), Err(Why::NotAFrame));
        assert_eq!(read(&zstd::bulk::compress(b"no checksum", 3).unwrap()), Err(Why::NotAFrame));
    }

    #[test]
    fn an_archive_that_is_cut_off_is_refused() {
        let bytes = written(&[b"some text that is long enough to be text, text, text"]);
        for length in 1..bytes.len() {
            assert_eq!(read(&bytes[..length]), Err(Why::CutOff), "{length}");
        }
    }

    #[test]
    fn a_frame_that_lies_about_its_size_is_refused() {
        let mut bytes = written(&[&noise(1000)]);
        bytes[5] ^= 1;
        assert!(matches!(read(&bytes), Err(Why::Damaged(_))));
    }
}
