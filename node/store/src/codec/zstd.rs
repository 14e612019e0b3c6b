//! Contexts of zstd: each costs some hundred KiB, so that a few are kept for the next user, and no more.

use std::io::{self, Cursor};
use std::sync::{LazyLock, Mutex, PoisonError};

use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};
use zstd::zstd_safe::compress_bound;

use super::MAIL_1;

/// What frames begin with in spirit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dictionary {
    None,
    /// Lines that mail is made of.
    Mail1,
}

#[derive(Default)]
pub(super) struct Contexts {
    compressors: Mutex<Vec<(Dictionary, Compressor<'static>)>>,
    decompressors: Mutex<Vec<(Dictionary, Decompressor<'static>)>>,
}

impl Contexts {
    /// One frame, behind so many bytes of space.
    pub(super) fn compress(&self, plain: &[u8], dictionary: Dictionary, space: usize) -> io::Result<Vec<u8>> {
        let mut compressor = take(&self.compressors, dictionary).map_or_else(
            || match dictionary {
                Dictionary::None => Compressor::new(LEVEL),
                Dictionary::Mail1 => Compressor::with_prepared_dictionary(&MAIL_1_ENCODER),
            },
            Ok,
        )?;
        let mut frame = Vec::with_capacity(space + compress_bound(plain.len()));
        frame.resize(space, 0);
        let mut out = Cursor::new(frame);
        out.set_position(space as u64);
        compressor.compress_to_buffer(plain, &mut out)?;
        put_back(&self.compressors, dictionary, compressor);
        Ok(out.into_inner())
    }

    /// What a frame holds, at most so many bytes.
    pub(super) fn decompress(
        &self,
        frame: &[u8],
        dictionary: Dictionary,
        length_max: usize,
    ) -> io::Result<Vec<u8>> {
        self.with_decompressor(dictionary, |decompressor| decompressor.decompress(frame, length_max))
    }

    /// The same into a place for it; how much it was. An error if there is more.
    pub(super) fn decompress_into(
        &self,
        frame: &[u8],
        dictionary: Dictionary,
        plain: &mut [u8],
    ) -> io::Result<usize> {
        self.with_decompressor(dictionary, |decompressor| decompressor.decompress_to_buffer(frame, plain))
    }

    fn with_decompressor<T>(
        &self,
        dictionary: Dictionary,
        work: impl FnOnce(&mut Decompressor<'static>) -> io::Result<T>,
    ) -> io::Result<T> {
        let mut decompressor = take(&self.decompressors, dictionary).map_or_else(
            || match dictionary {
                Dictionary::None => Decompressor::new(),
                Dictionary::Mail1 => Decompressor::with_prepared_dictionary(&MAIL_1_DECODER),
            },
            Ok,
        )?;
        let done = work(&mut decompressor);
        put_back(&self.decompressors, dictionary, decompressor);
        done
    }
}

fn take<T>(pool: &Mutex<Vec<(Dictionary, T)>>, dictionary: Dictionary) -> Option<T> {
    let mut pool = pool.lock().unwrap_or_else(PoisonError::into_inner);
    let at = pool.iter().position(|(of, _)| *of == dictionary)?;
    Some(pool.swap_remove(at).1)
}

fn put_back<T>(pool: &Mutex<Vec<(Dictionary, T)>>, dictionary: Dictionary, context: T) {
    let mut pool = pool.lock().unwrap_or_else(PoisonError::into_inner);
    if pool.len() < POOL_MAX {
        pool.push((dictionary, context));
    }
}

static MAIL_1_ENCODER: LazyLock<EncoderDictionary<'_>> =
    LazyLock::new(|| EncoderDictionary::copy(MAIL_1, LEVEL));
static MAIL_1_DECODER: LazyLock<DecoderDictionary<'_>> = LazyLock::new(|| DecoderDictionary::copy(MAIL_1));

/// With the dictionary frames of ten thousand real messages are 9 % smaller than without it at a level that takes twice the time.
const LEVEL: i32 = 1;
/// Contexts kept for the next user.
const POOL_MAX: usize = 4;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dictionary_is_part_of_the_format() {
        let hash = blake3::hash(MAIL_1).to_hex();
        assert_eq!(hash.as_str(), "5b243ac14244c729bb36b361edb9a27765277980812a968aaea86d77166f3548");
    }

    #[test]
    fn a_frame_made_in_2026_reads_today() {
        let frame = [
            0x28, 0xb5, 0x2f, 0xfd, 0x20, 0x2d, 0x85, 0x00, 0x00, 0x00, 0x04, 0x40, 0x00, 0x66, 0x74, 0xae,
            0x74, 0xd4, 0x0b, 0x83, 0x4e, 0xd2, 0x1e, 0xe2, 0x04,
        ];
        let plain = Contexts::default().decompress(&frame, Dictionary::Mail1, 1000).unwrap();
        assert_eq!(plain, b"Content-Transfer-Encoding: quoted-printable\r\n");
    }
}
