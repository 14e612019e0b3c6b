//! The header before every payload of a segment. The format is in specs/01-store.md.

use crate::wire::{DecodeError, Reader};

/// What a record holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordKind {
    /// Immutable bytes.
    Blob,
    /// A transaction of the log.
    Transaction,
}

/// How the payload is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Codec {
    /// As it is.
    Raw,
    /// One zstd frame.
    Zstd,
    /// One zstd frame made with the first dictionary for mail.
    ZstdMail1,
    /// One LZ4 block behind the first dictionary for mail.
    Lz4Mail1,
}

/// What stands before a payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordHeader {
    /// What the payload is.
    pub kind: RecordKind,
    /// How it is stored.
    pub codec: Codec,
    /// Bytes that follow the header.
    pub stored: u32,
    /// Bytes after decoding.
    pub plain: u32,
    /// XXH3-64 of the plain bytes, seed 0: what every read is checked against. It finds what disks and memory do to bytes, at a fraction of
    /// the cost of the hash; `verify`, opening and whoever hands bytes on check the hash as well.
    pub sum: u64,
    /// BLAKE3 of the plain bytes.
    pub hash: [u8; 32],
}

impl RecordHeader {
    /// Its length on disk.
    pub const LEN: usize = 60;

    /// The header as it is written.
    pub fn encode(&self) -> [u8; Self::LEN] {
        let mut out = [0; Self::LEN];
        let (magic, codec) = (self.kind.magic(), self.codec.number());
        out[..4].copy_from_slice(&magic);
        out[4] = codec;
        out[8..12].copy_from_slice(&self.stored.to_le_bytes());
        out[12..16].copy_from_slice(&self.plain.to_le_bytes());
        out[16..24].copy_from_slice(&self.sum.to_le_bytes());
        out[24..CHECKED].copy_from_slice(&self.hash);
        let check = check(&out[..CHECKED]);
        out[CHECKED..].copy_from_slice(&check);
        out
    }

    /// Reads a header and checks it, its lengths included.
    pub fn decode(bytes: &[u8; Self::LEN]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let kind = RecordKind::from_magic(reader.array()?)?;
        let codec = Codec::from_number(reader.u8()?)?;
        let reserved: [u8; 3] = reader.array()?;
        let (stored, plain) = (reader.u32()?, reader.u32()?);
        let (sum, hash) = (u64::from_le_bytes(reader.array()?), reader.array()?);
        if reader.array()? != check(&bytes[..CHECKED]) || reserved != [0; 3] {
            return Err(DecodeError("the header of a record fails its check"));
        }
        let plain_max = match kind {
            RecordKind::Blob => BLOB_MAX,
            RecordKind::Transaction => TRANSACTION_MAX,
        };
        let lengths_agree = match codec {
            Codec::Raw => stored == plain,
            Codec::Zstd | Codec::ZstdMail1 | Codec::Lz4Mail1 => stored < plain,
        };
        if plain as usize > plain_max || !lengths_agree {
            return Err(DecodeError("the lengths of a record are impossible"));
        }
        Ok(Self { kind, codec, stored, plain, sum, hash })
    }

    /// Bytes of the whole record.
    pub fn record_len(&self) -> u64 {
        Self::LEN as u64 + u64::from(self.stored)
    }
}

impl RecordKind {
    fn magic(self) -> [u8; 4] {
        match self {
            Self::Blob => *b"eBLB",
            Self::Transaction => *b"eTXN",
        }
    }

    fn from_magic(magic: [u8; 4]) -> Result<Self, DecodeError> {
        match &magic {
            b"eBLB" => Ok(Self::Blob),
            b"eTXN" => Ok(Self::Transaction),
            _ => Err(DecodeError("there is no record")),
        }
    }
}

impl Codec {
    fn number(self) -> u8 {
        match self {
            Self::Raw => 0,
            Self::Zstd => 1,
            Self::ZstdMail1 => 2,
            Self::Lz4Mail1 => 3,
        }
    }

    fn from_number(number: u8) -> Result<Self, DecodeError> {
        match number {
            0 => Ok(Self::Raw),
            1 => Ok(Self::Zstd),
            2 => Ok(Self::ZstdMail1),
            3 => Ok(Self::Lz4Mail1),
            _ => Err(DecodeError("the record uses an unknown codec")),
        }
    }
}

fn check(bytes: &[u8]) -> [u8; 4] {
    let hash = blake3::hash(bytes);
    let [a, b, c, d, ..] = *hash.as_bytes();
    [a, b, c, d]
}

/// A blob is at most this long; longer content is a list of blobs.
pub const BLOB_MAX: usize = 4 << 20;
/// The payload of a transaction is at most this long.
pub const TRANSACTION_MAX: usize = 64 << 20;
const CHECKED: usize = 56;

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> RecordHeader {
        let (kind, codec) = (RecordKind::Blob, Codec::Zstd);
        RecordHeader { kind, codec, stored: 5, plain: 900, sum: 1 << 40, hash: [7; 32] }
    }

    #[test]
    fn headers_read_back_as_written() {
        assert_eq!(RecordHeader::decode(&header().encode()), Ok(header()));
    }

    #[test]
    fn a_flipped_bit_anywhere_is_seen() {
        for bit in 0..RecordHeader::LEN * 8 {
            let mut bytes = header().encode();
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(RecordHeader::decode(&bytes).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn impossible_lengths_are_refused() {
        for (codec, stored, plain) in
            [(Codec::Raw, 4, 5), (Codec::Zstd, 5, 5), (Codec::Raw, 5 << 20, 5 << 20)]
        {
            let bytes = RecordHeader { codec, stored, plain, ..header() }.encode();
            assert!(RecordHeader::decode(&bytes).is_err());
        }
    }
}
