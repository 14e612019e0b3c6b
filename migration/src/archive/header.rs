//! The inner shape: a tar of plain files (POSIX.1-2001 `ustar` headers, with a pax header where a file is larger than those can
//! say). Every header has one spelling, and a reader refuses all others.

use tar::{EntryType, Header};

use super::path::Path;
use super::refusal::Why;

/// What a header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileHead {
    pub(super) path: Path,
    pub(super) size: u64,
    /// Seconds since 1970; of a message, its internal date.
    pub(super) time: u64,
}

/// A block of a tar: what a header may turn out to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Head {
    File(FileHead),
    /// A pax header for the file after it, with so many bytes of text.
    Size(usize),
    /// Two blocks of zeros end a tar; this is one.
    End,
}

impl FileHead {
    /// The header, and if need be the pax header before it.
    pub(super) fn encode(&self) -> Vec<u8> {
        let name = self.path.to_string();
        if self.size < USTAR_SIZE_END {
            return block(&name, self.size, self.time, EntryType::Regular).to_vec();
        }
        let text = pax_size(self.size);
        let head = block(PAX_NAME, text.len() as u64, self.time, EntryType::XHeader);
        let padding = vec![0; padding(text.len() as u64)];
        let file = block(&name, 0, self.time, EntryType::Regular);
        [&head[..], text.as_bytes(), &padding, &file].concat()
    }
}

impl Head {
    /// Reads one block. `size`: what a pax header before it said.
    pub(super) fn decode(bytes: &[u8; BLOCK], size: Option<u64>) -> Result<Self, Why> {
        if bytes == &[0; BLOCK] {
            return Ok(Self::End);
        }
        let header = Header::from_byte_slice(bytes);
        let (said, time) = (header.size(), header.mtime());
        let (Ok(said), Ok(time)) = (said, time) else { return Err(Why::Header) };
        let kind = header.entry_type();
        if let Some(name) = forbidden(kind) {
            return Err(Why::NotAFile(name));
        }
        let name = header.path_bytes();
        if kind == EntryType::XHeader {
            let text = usize::try_from(said).ok().filter(|length| *length <= PAX_MAX && size.is_none());
            let one = block(PAX_NAME, said, time, kind) == *bytes;
            return text.filter(|_| one).map(Self::Size).ok_or(Why::Header);
        }
        let path = Path::try_from(&*name)?;
        if block(&path.to_string(), said, time, EntryType::Regular) != *bytes {
            return Err(Why::Header);
        }
        match size {
            Some(size) if said == 0 && size >= USTAR_SIZE_END => {
                Ok(Self::File(FileHead { path, size, time }))
            }
            Some(_) => Err(Why::Header),
            None => Ok(Self::File(FileHead { path, size: said, time })),
        }
    }
}

/// What is neither a file nor the size of one.
fn forbidden(kind: EntryType) -> Option<&'static str> {
    Some(match kind {
        EntryType::Regular | EntryType::XHeader => return None,
        EntryType::Symlink => "symbolic link",
        EntryType::Link => "link",
        EntryType::Directory => "directory",
        EntryType::Block | EntryType::Char => "device",
        EntryType::Fifo => "pipe",
        _ => "special file",
    })
}

/// The size that the text of a pax header says.
pub(super) fn size_of_pax(text: &[u8]) -> Result<u64, Why> {
    let said = std::str::from_utf8(text).ok().and_then(|text| text.strip_suffix('\n'));
    let size = said.and_then(|text| text.split_once(" size=")).and_then(|(_, size)| size.parse().ok());
    size.filter(|size| pax_size(*size).as_bytes() == text).ok_or(Why::Header)
}

/// `LENGTH size=N\n`, where the length counts itself.
fn pax_size(size: u64) -> String {
    let rest = format!(" size={size}\n");
    let mut length = rest.len() + 1;
    while length.to_string().len() + rest.len() != length {
        length += 1;
    }
    format!("{length}{rest}")
}

/// Zeros after so many bytes, up to the end of a block.
pub(super) fn padding(size: u64) -> usize {
    usize::try_from(size.next_multiple_of(BLOCK as u64) - size).unwrap_or(0)
}

fn block(name: &str, size: u64, time: u64, kind: EntryType) -> [u8; BLOCK] {
    let mut header = Header::new_ustar();
    // Names of archives fit; one that does not gives a block that no file has.
    if header.set_path(name).is_err() {
        return [0xff; BLOCK];
    }
    header.set_size(size);
    header.set_mtime(time);
    header.set_mode(MODE);
    header.set_uid(0);
    header.set_gid(0);
    header.set_entry_type(kind);
    header.set_cksum();
    *header.as_bytes()
}

/// Bytes of a block.
pub(super) const BLOCK: usize = 512;
/// A ustar header says sizes below this: eleven octal digits.
const USTAR_SIZE_END: u64 = 1 << 33;
/// Longer than any size is said.
const PAX_MAX: usize = 64;
const PAX_NAME: &str = "pax/size";
const MODE: u32 = 0o600;

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(mut bytes: &[u8]) -> Result<Head, Why> {
        let mut size = None;
        loop {
            let (head, rest) = bytes.split_first_chunk().unwrap();
            match Head::decode(head, size)? {
                Head::Size(length) => {
                    size = Some(size_of_pax(&rest[..length])?);
                    bytes = &rest[BLOCK..];
                }
                head => return Ok(head),
            }
        }
    }

    fn refused(change: impl FnOnce(&mut Header)) -> Why {
        let mut header = Header::from_byte_slice(&block("mail/1/1.eml", 3, 0, EntryType::Regular)).clone();
        change(&mut header);
        header.set_cksum();
        Head::decode(header.as_bytes(), None).unwrap_err()
    }

    #[test]
    fn heads_read_back_at_any_size() {
        for size in [0, 1, 511, USTAR_SIZE_END - 1, USTAR_SIZE_END, 64 << 30] {
            let head = FileHead { path: Path::mail(1, 7), size, time: 1_700_000_000 };
            assert_eq!(decode(&head.encode()), Ok(Head::File(head)));
        }
        let path: Path = format!("files/{}/{}", "a".repeat(100), "b".repeat(100)).parse().unwrap();
        let head = FileHead { path, size: 1, time: 0 };
        assert_eq!(decode(&head.encode()), Ok(Head::File(head)));
    }

    #[test]
    fn links_devices_and_directories_are_refused() {
        for (kind, name) in [
            (EntryType::Symlink, "symbolic link"),
            (EntryType::Link, "link"),
            (EntryType::Char, "device"),
            (EntryType::Block, "device"),
            (EntryType::Directory, "directory"),
            (EntryType::Fifo, "pipe"),
            (EntryType::GNULongName, "special file"),
        ] {
            assert_eq!(refused(|header| header.set_entry_type(kind)), Why::NotAFile(name));
        }
    }

    #[test]
    fn a_header_has_one_spelling() {
        assert_eq!(refused(|header| header.set_mode(0o4755)), Why::Header);
        assert_eq!(refused(|header| header.set_uid(1000)), Why::Header);
        assert_eq!(refused(|header| header.as_mut_bytes()[500] = 1), Why::Header);
        let size = |size: &'static [u8]| {
            move |header: &mut Header| header.as_mut_bytes()[124..136].copy_from_slice(size)
        };
        assert_eq!(refused(size(b"          3\0")), Why::Header);
        let mut damaged = block("mail/1/1.eml", 3, 0, EntryType::Regular);
        damaged[0] = b'n';
        assert!(Head::decode(&damaged, None).is_err());
    }

    #[test]
    fn a_pax_header_says_a_size_and_nothing_else() {
        assert_eq!(size_of_pax(pax_size(1 << 33).as_bytes()), Ok(1 << 33));
        for text in ["20 path=/etc/passwd\n", "19 size=8589934592", "0019 size=8589934592\n", ""] {
            assert_eq!(size_of_pax(text.as_bytes()), Err(Why::Header));
        }
        let file = block("mail/1/1.eml", 0, 0, EntryType::Regular);
        assert_eq!(Head::decode(&file, Some(5)), Err(Why::Header));
    }
}
