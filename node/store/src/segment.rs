//! One file of the stream: its name and its header.

use crate::wire::{DecodeError, Reader};

/// The first bytes of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub(crate) number: u32,
    /// How often it was rewritten without its dead blobs.
    pub(crate) revision: u32,
    pub(crate) store: [u8; 16],
}

impl SegmentHeader {
    pub(crate) const LEN: u64 = 40;

    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(40);
        out.extend_from_slice(MAGIC);
        for number in [VERSION, self.number, self.revision] {
            out.extend_from_slice(&number.to_le_bytes());
        }
        out.extend_from_slice(&self.store);
        let check = *blake3::hash(&out).as_bytes();
        out.extend_from_slice(&check[..4]);
        out
    }

    pub(crate) fn decode(bytes: &[u8; 40]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        if reader.array()? != *MAGIC {
            return Err(DecodeError("there is no segment header"));
        }
        if reader.u32()? != VERSION {
            return Err(DecodeError("the segment has an unknown version"));
        }
        let header = Self { number: reader.u32()?, revision: reader.u32()?, store: reader.array()? };
        let intact = header.encode() == bytes;
        intact.then_some(header).ok_or(DecodeError("the segment header fails its check"))
    }
}

/// `segments/0000000003.seg`; `segments/0000000003-2.seg` after it was rewritten twice.
pub(crate) fn file_name(number: u32, revision: u32) -> String {
    match revision {
        0 => format!("{FOLDER}/{number:010}.seg"),
        _ => format!("{FOLDER}/{number:010}-{revision}.seg"),
    }
}

/// Number and revision of a file in the folder; `None` if it is not a segment.
pub(crate) fn parse_file_name(name: &str) -> Option<(u32, u32)> {
    let stem = name.strip_suffix(".seg")?;
    let (number, revision) = stem.split_once('-').unwrap_or((stem, "0"));
    let parsed = (number.parse().ok()?, revision.parse().ok()?);
    (file_name(parsed.0, parsed.1).strip_prefix(FOLDER)?.strip_prefix('/')? == name).then_some(parsed)
}

/// Where segments live.
pub(crate) const FOLDER: &str = "segments";
/// The first segment's number; 0 stands for none.
pub(crate) const FIRST: u32 = 1;
const MAGIC: &[u8; 8] = b"ESSAIMSG";
const VERSION: u32 = 1;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_read_back_as_written_and_see_a_flipped_bit() {
        let header = SegmentHeader { number: 5, revision: 1, store: [9; 16] };
        let bytes: [u8; 40] = header.encode().try_into().unwrap();
        assert_eq!(SegmentHeader::decode(&bytes), Ok(header));
        for bit in 0..320 {
            let mut bytes = bytes;
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(SegmentHeader::decode(&bytes).is_err(), "bit {bit}");
        }
    }

    #[test]
    fn names_of_segments() {
        for (number, revision) in [(1, 0), (1, 2), (u32::MAX, 0)] {
            let name = file_name(number, revision);
            let (_, file) = name.split_once('/').unwrap();
            assert_eq!(parse_file_name(file), Some((number, revision)), "{name}");
        }
        for name in ["1.seg", "0000000001-0.seg", "0000000001.tmp", "x.seg", "0000000001-1-1.seg"] {
            assert_eq!(parse_file_name(name), None, "{name}");
        }
    }
}
