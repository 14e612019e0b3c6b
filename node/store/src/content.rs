//! Content of any size, as a list of blobs, without holding it whole.

use std::sync::Arc;

use essaim_types::BlobId;
use fastcdc::v2020::{FastCDC, Normalization};

use crate::blob::put_blob;
use crate::codec::Content;
use crate::core::Core;
use crate::error::AppendError;

/// Takes content piece by piece and puts it as blobs, cut where the content itself says (FastCDC 2020), so that content
/// that is changed a little shares most of its blobs with what it was.
#[derive(Debug)]
pub struct ContentWriter {
    core: Arc<Core>,
    content: Content,
    buffer: Vec<u8>,
    /// So much of the buffer has been searched in vain.
    searched: usize,
    blobs: Vec<BlobId>,
    size: u64,
}

/// Content that was put.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentRef {
    /// Its blobs in order; content without a byte has none.
    pub blobs: Vec<BlobId>,
    /// Its length in bytes.
    pub size: u64,
}

impl ContentWriter {
    pub(crate) fn new(core: Arc<Core>, content: Content) -> Self {
        Self { core, content, buffer: Vec::new(), searched: 0, blobs: Vec::new(), size: 0 }
    }

    /// Bytes taken so far.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Takes the next piece.
    pub fn push(&mut self, mut piece: &[u8]) -> Result<(), AppendError> {
        while !piece.is_empty() {
            // Never more than one chunk and one step in memory, however large the piece.
            let room = self.searched.max(CHUNK_MIN) + STEP - self.buffer.len();
            let (now, later) = piece.split_at(piece.len().min(room));
            self.buffer.extend_from_slice(now);
            self.size += now.len() as u64;
            piece = later;
            if now.len() == room {
                self.cut()?;
            }
        }
        Ok(())
    }

    /// Takes the end; the blobs wait to be named in a commit.
    pub fn finish(mut self) -> Result<ContentRef, AppendError> {
        while !self.buffer.is_empty() {
            let length = chunk_length(&self.buffer);
            self.put(length)?;
        }
        Ok(ContentRef { blobs: self.blobs, size: self.size })
    }

    /// Puts the first chunk if its end can be seen already.
    fn cut(&mut self) -> Result<(), AppendError> {
        let length = chunk_length(&self.buffer);
        // No end before the end of the buffer: more bytes may still move it, up to the largest chunk.
        if length == self.buffer.len() && length < CHUNK_MAX {
            self.searched = length;
            return Ok(());
        }
        self.put(length)
    }

    fn put(&mut self, length: usize) -> Result<(), AppendError> {
        let chunk = self.buffer.get(..length).unwrap_or_default();
        self.blobs.push(put_blob(&self.core, self.content, chunk)?);
        self.buffer.drain(..length);
        self.searched = 0;
        Ok(())
    }
}

fn chunk_length(bytes: &[u8]) -> usize {
    FastCDC::with_level(bytes, CHUNK_MIN, CHUNK_AVERAGE, CHUNK_MAX, Normalization::Level1)
        .next()
        .map_or(bytes.len(), |chunk| chunk.length)
}

/// Content up to this long is one blob.
const CHUNK_MIN: usize = 256 << 10;
const CHUNK_AVERAGE: usize = 1 << 20;
const CHUNK_MAX: usize = 4 << 20;
/// The buffer grows by so much between two searches.
const STEP: usize = 512 << 10;

#[cfg(test)]
mod tests {
    use crate::{Content, Store};

    /// Bytes that any implementation can make: BLAKE3's stream for a word.
    fn noise(length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        blake3::Hasher::new().update(b"essaim").finalize_xof().fill(&mut bytes);
        bytes
    }

    /// Where content is cut is part of the format: other cuts would not be wrong, but nothing would be shared any more.
    #[test]
    fn cut_points_do_not_move() {
        let store = Store::in_memory();
        let bytes = noise(12_000_000);
        let cuts = |bytes: &[u8], piece: usize| -> Vec<usize> {
            let mut writer = store.content_writer(Content::Other);
            bytes.chunks(piece).for_each(|piece| writer.push(piece).unwrap());
            let content = writer.finish().unwrap();
            content.blobs.iter().map(|id| store.blob(id).unwrap().len()).collect()
        };
        let whole = cuts(&bytes, bytes.len());
        let expected = [
            464_139, 1_268_679, 1_896_083, 1_971_946, 1_259_206, 1_495_061, 587_790, 535_340, 1_330_160,
            1_022_507, 169_089,
        ];
        assert_eq!(whole, expected);
        assert_eq!(cuts(&bytes, 65_536), whole);
        assert_eq!(cuts(&bytes, 999_983), whole);
        assert_eq!(cuts(&vec![0; 9_000_000], 65_536), [4_194_304, 4_194_304, 611_392]);
        assert_eq!(cuts(&bytes[..262_144], 1000), [262_144]);
    }
}
