//! How payloads are stored: raw, or as one zstd frame where that saves something.

use std::io;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use essaim_types::BlobId;
use zstd::bulk::{Compressor, Decompressor};

use crate::record::{Codec, RecordHeader, RecordKind};
use crate::wire::DecodeError;

/// What bytes are, which decides how they are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Mail and other text: compressed.
    Mail,
    /// Anything: compressed quickly, if it can be.
    Other,
}

/// Makes records and reads them. Contexts of zstd cost a few hundred KiB each: a few are kept for the next user.
#[derive(Default)]
pub(crate) struct Codecs {
    compressors: Mutex<Vec<(Content, Compressor<'static>)>>,
    decompressors: Mutex<Vec<Decompressor<'static>>>,
}

impl Codecs {
    /// A whole record: header and payload.
    pub(crate) fn record(&self, kind: RecordKind, hash: [u8; 32], plain: &[u8], content: Content) -> Vec<u8> {
        let plain_len = u32::try_from(plain.len()).expect("callers keep below BLOB_MAX or TRANSACTION_MAX");
        let header = |codec, stored| RecordHeader { kind, codec, stored, plain: plain_len, hash }.encode();
        if plain.len() >= COMPRESS_MIN
            && let Ok(mut record) = self.compress(plain, content)
        {
            let stored = record.len() - RecordHeader::LEN;
            if stored + plain.len() / GAIN_PARTS < plain.len()
                && let Ok(stored) = u32::try_from(stored)
            {
                record[..RecordHeader::LEN].copy_from_slice(&header(Codec::Zstd, stored));
                return record;
            }
        }
        let mut record = Vec::with_capacity(RecordHeader::LEN + plain.len());
        record.extend_from_slice(&header(Codec::Raw, plain_len));
        record.extend_from_slice(plain);
        record
    }

    /// The plain bytes of a payload, checked against the header's hash.
    pub(crate) fn plain(&self, header: &RecordHeader, stored: Bytes) -> Result<Bytes, DecodeError> {
        let plain = match header.codec {
            Codec::Raw => stored,
            Codec::Zstd => {
                let length = header.plain as usize;
                let plain = self.decompress(&stored, length).ok();
                plain
                    .filter(|p| p.len() == length)
                    .ok_or(DecodeError("a payload does not decompress"))?
                    .into()
            }
        };
        let intact = BlobId::of(&plain).as_bytes() == &header.hash;
        intact.then_some(plain).ok_or(DecodeError("a payload differs from its hash"))
    }

    /// A frame behind the space for a header.
    fn compress(&self, plain: &[u8], content: Content) -> io::Result<Vec<u8>> {
        let mut compressor = match self.take_compressor(content) {
            Some(compressor) => compressor,
            None => Compressor::new(level(content))?,
        };
        let mut frame = compressor.compress(plain)?;
        let mut pool = self.compressors.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.len() < POOL_MAX {
            pool.push((content, compressor));
        }
        drop(pool);
        frame.splice(0..0, [0; RecordHeader::LEN]);
        Ok(frame)
    }

    fn take_compressor(&self, content: Content) -> Option<Compressor<'static>> {
        let mut pool = self.compressors.lock().unwrap_or_else(PoisonError::into_inner);
        let at = pool.iter().position(|(of, _)| *of == content)?;
        Some(pool.swap_remove(at).1)
    }

    fn decompress(&self, frame: &[u8], length: usize) -> io::Result<Vec<u8>> {
        let pooled = self.decompressors.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut decompressor = pooled.map_or_else(Decompressor::new, Ok)?;
        let plain = decompressor.decompress(frame, length);
        let mut pool = self.decompressors.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.len() < POOL_MAX {
            pool.push(decompressor);
        }
        plain
    }
}

impl std::fmt::Debug for Codecs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Codecs").finish_non_exhaustive()
    }
}

fn level(content: Content) -> i32 {
    match content {
        Content::Mail => 3,
        Content::Other => 1,
    }
}

/// Shorter payloads stay raw.
const COMPRESS_MIN: usize = 128;
/// A frame is kept if it saves more than one part in so many.
const GAIN_PARTS: usize = 20;
/// Contexts kept for the next user.
const POOL_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back(codecs: &Codecs, record: &[u8]) -> Result<Bytes, DecodeError> {
        let (header, payload) = record.split_first_chunk().unwrap();
        codecs.plain(&RecordHeader::decode(header)?, Bytes::copy_from_slice(payload))
    }

    #[test]
    fn text_shrinks_and_noise_stays_raw() {
        let codecs = Codecs::default();
        let text = b"Received: from a.test by b.test\r\n".repeat(40);
        let mut noise = vec![0; 5000];
        blake3::Hasher::new().update(b"noise").finalize_xof().fill(&mut noise);
        for (plain, shrinks) in
            [(&text, true), (&noise, false), (&b"short".to_vec(), false), (&Vec::new(), false)]
        {
            let hash = *BlobId::of(plain).as_bytes();
            let record = codecs.record(RecordKind::Blob, hash, plain, Content::Mail);
            assert_eq!(record.len() < plain.len(), shrinks);
            assert_eq!(read_back(&codecs, &record), Ok(Bytes::copy_from_slice(plain)));
        }
    }

    #[test]
    fn a_flipped_bit_in_a_payload_is_seen() {
        let codecs = Codecs::default();
        let plain = b"The same line again and again. ".repeat(20);
        let record = codecs.record(RecordKind::Blob, *BlobId::of(&plain).as_bytes(), &plain, Content::Mail);
        for bit in RecordHeader::LEN * 8..record.len() * 8 {
            let mut record = record.clone();
            record[bit / 8] ^= 1 << (bit % 8);
            // Some bits of a zstd frame carry nothing: what comes out must then be what went in.
            assert!(
                read_back(&codecs, &record).is_ok_and(|read| read == plain)
                    || read_back(&codecs, &record).is_err()
            );
        }
    }
}
