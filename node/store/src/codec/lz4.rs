//! LZ4 blocks behind the mail dictionary: no context, no tables, little to do when they are read.

use std::io;

use lz4_flex::block::{compress_into_with_dict, decompress_into_with_dict, get_maximum_output_size};

use super::MAIL_1;

/// One block, behind so many bytes of space.
pub(super) fn compress(plain: &[u8], space: usize) -> Vec<u8> {
    let mut block = vec![0; space + get_maximum_output_size(plain.len())];
    let length = compress_into_with_dict(plain, &mut block[space..], MAIL_1)
        .expect("there is room for the worst case");
    block.truncate(space + length);
    block
}

/// What a block of so many plain bytes holds.
pub(super) fn decompress(block: &[u8], length: usize) -> Option<Vec<u8>> {
    let mut plain = vec![0; length];
    (decompress_into(block, &mut plain).ok()? == length).then_some(plain)
}

/// The same into a place for it; how much it was. An error if there is more.
pub(super) fn decompress_into(block: &[u8], plain: &mut [u8]) -> io::Result<usize> {
    decompress_into_with_dict(block, plain, MAIL_1).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_made_in_2026_reads_today() {
        let block = [
            0x04, 0xd7, 0x13, 0x0f, 0x15, 0x14, 0x00, 0x00, 0x5e, 0x26, 0x04, 0xda, 0x0b, 0x60, 0x61, 0x62,
            0x6c, 0x65, 0x0d, 0x0a,
        ];
        let plain = decompress(&block, 45).unwrap();
        assert_eq!(plain, b"Content-Transfer-Encoding: quoted-printable\r\n");
    }
}
