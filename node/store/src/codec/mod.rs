//! How payloads are stored: raw, or compressed where that saves something.

mod lz4;
mod zstd;

use std::io;

use bytes::Bytes;
use essaim_types::BlobId;
use twox_hash::XxHash3_64;

use self::zstd::{Contexts, Dictionary};
use crate::record::{Codec, RecordHeader, RecordKind};
use crate::wire::DecodeError;

/// What bytes are, which decides how they are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Content {
    /// Mail: compressed with a dictionary of what mail is made of.
    Mail,
    /// Anything: compressed, if it can be.
    Other,
}

/// What the bytes of a record are held against when it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Check {
    /// The sum: for those who use the bytes.
    Sum,
    /// The sum and the hash: for those who answer for them.
    Hash,
}

/// Makes records and reads them.
#[derive(Default)]
pub(crate) struct Codecs {
    contexts: Contexts,
}

impl Codecs {
    /// A whole record: header and payload.
    pub(crate) fn record(&self, kind: RecordKind, hash: [u8; 32], plain: &[u8], content: Content) -> Vec<u8> {
        let plain_len = u32::try_from(plain.len()).expect("callers keep below BLOB_MAX or TRANSACTION_MAX");
        let sum = XxHash3_64::oneshot(plain);
        let header =
            |codec, stored| RecordHeader { kind, codec, stored, plain: plain_len, sum, hash }.encode();
        let codec = match content {
            Content::Mail if plain.len() <= LZ4_MAX => Codec::Lz4Mail1,
            Content::Mail => Codec::ZstdMail1,
            Content::Other => Codec::Zstd,
        };
        if plain.len() >= compress_min(kind)
            && let Ok(mut record) = self.compress(plain, codec, RecordHeader::LEN)
        {
            let stored = record.len() - RecordHeader::LEN;
            if stored + plain.len() / GAIN_PARTS < plain.len()
                && let Ok(stored) = u32::try_from(stored)
            {
                record[..RecordHeader::LEN].copy_from_slice(&header(codec, stored));
                return record;
            }
        }
        let mut record = Vec::with_capacity(RecordHeader::LEN + plain.len());
        record.extend_from_slice(&header(Codec::Raw, plain_len));
        record.extend_from_slice(plain);
        record
    }

    /// The plain bytes of a payload, checked.
    pub(crate) fn plain(
        &self,
        header: &RecordHeader,
        stored: Bytes,
        depth: Check,
    ) -> Result<Bytes, DecodeError> {
        let plain = match header.codec {
            Codec::Raw => stored,
            Codec::Zstd => self.decompress(header, &stored, Dictionary::None)?,
            Codec::ZstdMail1 => self.decompress(header, &stored, Dictionary::Mail1)?,
            Codec::Lz4Mail1 => lz4::decompress(&stored, header.plain as usize)
                .map(Bytes::from)
                .ok_or(DecodeError("a payload does not decompress"))?,
        };
        check(header, &plain)?;
        let intact = depth == Check::Sum || BlobId::of(&plain).as_bytes() == &header.hash;
        intact.then_some(plain).ok_or(DecodeError("a payload differs from its hash"))
    }

    /// The same into a place that is as long as the header says, checked against the sum.
    pub(crate) fn plain_into(
        &self,
        header: &RecordHeader,
        stored: &[u8],
        plain: &mut [u8],
    ) -> Result<(), DecodeError> {
        let length = match header.codec {
            Codec::Raw if stored.len() == plain.len() => {
                plain.copy_from_slice(stored);
                Ok(stored.len())
            }
            Codec::Raw => Ok(stored.len()),
            Codec::Zstd => self.contexts.decompress_into(stored, Dictionary::None, plain),
            Codec::ZstdMail1 => self.contexts.decompress_into(stored, Dictionary::Mail1, plain),
            Codec::Lz4Mail1 => lz4::decompress_into(stored, plain),
        };
        if length.ok() != Some(plain.len()) {
            return Err(DecodeError("a payload does not decompress"));
        }
        check(header, plain)
    }

    /// The payload, behind so many bytes of space.
    fn compress(&self, plain: &[u8], codec: Codec, space: usize) -> io::Result<Vec<u8>> {
        match codec {
            Codec::Lz4Mail1 => Ok(lz4::compress(plain, space)),
            Codec::ZstdMail1 => self.contexts.compress(plain, Dictionary::Mail1, space),
            Codec::Zstd => self.contexts.compress(plain, Dictionary::None, space),
            Codec::Raw => Ok([&vec![0; space], plain].concat()),
        }
    }

    fn decompress(
        &self,
        header: &RecordHeader,
        frame: &[u8],
        dictionary: Dictionary,
    ) -> Result<Bytes, DecodeError> {
        let length = header.plain as usize;
        let plain = self.contexts.decompress(frame, dictionary, length).ok();
        let plain = plain.filter(|plain| plain.len() == length);
        plain.map(Bytes::from).ok_or(DecodeError("a payload does not decompress"))
    }
}

impl std::fmt::Debug for Codecs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Codecs").finish_non_exhaustive()
    }
}

fn check(header: &RecordHeader, plain: &[u8]) -> Result<(), DecodeError> {
    let intact = XxHash3_64::oneshot(plain) == header.sum;
    intact.then_some(()).ok_or(DecodeError("a payload differs from its sum"))
}

/// Shorter payloads stay raw. Small transactions are ids and hashes for the most part, and the writer has no time.
fn compress_min(kind: RecordKind) -> usize {
    match kind {
        RecordKind::Blob => 64,
        RecordKind::Transaction => 4096,
    }
}

/// Mail up to this long is read several times as fast and takes a third more; what is longer fills the disk. Measured in `specs/01-store.md`.
const LZ4_MAX: usize = 8 << 10;
/// Lines that mail is made of, written for this purpose: headers, MIME and HTML as they are met in mail, the commonest last.
const MAIL_1: &[u8] = include_bytes!("mail-1.dict");
/// A payload is kept compressed if it saves more than one part in so many.
const GAIN_PARTS: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn read_back(codecs: &Codecs, record: &[u8]) -> Result<Bytes, DecodeError> {
        let (header, payload) = record.split_first_chunk().unwrap();
        codecs.plain(&RecordHeader::decode(header)?, Bytes::copy_from_slice(payload), Check::Hash)
    }

    #[test]
    fn text_shrinks_and_noise_stays_raw() {
        let codecs = Codecs::default();
        let text = b"Received: from a.test by b.test\r\n".repeat(40);
        let mut noise = vec![0; 5000];
        blake3::Hasher::new().update(b"noise").finalize_xof().fill(&mut noise);
        for content in [Content::Mail, Content::Other] {
            for (plain, shrinks) in
                [(&text, true), (&noise, false), (&b"short".to_vec(), false), (&Vec::new(), false)]
            {
                let hash = *BlobId::of(plain).as_bytes();
                let record = codecs.record(RecordKind::Blob, hash, plain, content);
                assert_eq!(record.len() < plain.len(), shrinks);
                assert_eq!(read_back(&codecs, &record), Ok(Bytes::copy_from_slice(plain)));
            }
        }
    }

    #[test]
    fn a_payload_is_held_against_sum_and_hash() {
        let codecs = Codecs::default();
        let (plain, other) = (b"one text".to_vec(), b"another!".to_vec());
        let record = |sum_of: &[u8], hash_of: &[u8]| {
            let (kind, codec, hash) = (RecordKind::Blob, Codec::Raw, *BlobId::of(hash_of).as_bytes());
            RecordHeader { kind, codec, stored: 8, plain: 8, sum: XxHash3_64::oneshot(sum_of), hash }
        };
        let intact = record(&plain, &plain);
        assert_eq!(codecs.plain(&intact, plain.clone().into(), Check::Hash), Ok(plain.clone().into()));
        let only_sum = record(&plain, &other);
        assert!(codecs.plain(&only_sum, plain.clone().into(), Check::Sum).is_ok());
        assert!(codecs.plain(&only_sum, plain.clone().into(), Check::Hash).is_err());
        let only_hash = record(&other, &plain);
        assert!(codecs.plain(&only_hash, plain.clone().into(), Check::Sum).is_err());
        assert!(codecs.plain_into(&only_hash, &plain, &mut [0; 8]).is_err());
        assert!(codecs.plain(&only_hash, plain.into(), Check::Hash).is_err());
    }

    #[test]
    fn a_flipped_bit_in_a_payload_is_seen() {
        let codecs = Codecs::default();
        let plain = b"The same line again and again. ".repeat(20);
        for content in [Content::Mail, Content::Other] {
            let record = codecs.record(RecordKind::Blob, *BlobId::of(&plain).as_bytes(), &plain, content);
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
}
