//! The file FORMAT: which version of the store this is, and which store.

use std::io;

use crate::disk::{Disk, OpenMode};
use crate::error::OpenError;

/// Names one store, so that its files are not mixed with another's.
pub(crate) type StoreId = [u8; 16];

/// The id of the store; a new store gets one.
pub(crate) fn read_or_create(disk: &dyn Disk, has_segments: bool) -> Result<StoreId, OpenError> {
    match read(disk).map_err(OpenError::io("read the file FORMAT"))? {
        Some(text) => parse(&text),
        None if has_segments => Err(OpenError::FormatMissing),
        None => create(disk).map_err(OpenError::io("write the file FORMAT")),
    }
}

fn read(disk: &dyn Disk) -> io::Result<Option<String>> {
    let file = match disk.open(NAME, OpenMode::Existing) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let length = usize::try_from(file.size()?.min(LENGTH_MAX)).unwrap_or(0);
    let mut bytes = vec![0; length];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(Some(String::from_utf8_lossy(&bytes).into_owned()))
}

fn create(disk: &dyn Disk) -> io::Result<StoreId> {
    let mut id = [0; 16];
    getrandom::fill(&mut id).map_err(|error| io::Error::other(error.to_string()))?;
    let text = format!("{FIRST_WORDS}{VERSION}\nid {:032x}\n", u128::from_be_bytes(id));
    let file = disk.open(TEMPORARY, OpenMode::Any)?;
    file.set_len(0)?;
    file.write_all_at(text.as_bytes(), 0)?;
    file.sync()?;
    disk.rename(TEMPORARY, NAME)?;
    disk.sync_folder("")?;
    Ok(id)
}

fn parse(text: &str) -> Result<StoreId, OpenError> {
    let mut lines = text.lines();
    let version = lines.next().and_then(|line| line.strip_prefix(FIRST_WORDS)?.parse().ok());
    match version {
        None => return Err(OpenError::Format),
        Some(found) if found > VERSION => return Err(OpenError::Newer { found, known: VERSION }),
        Some(found) if found < VERSION => return Err(OpenError::Older { found, known: VERSION }),
        Some(_) => {}
    }
    let id = lines.next().and_then(|line| line.strip_prefix("id ")).filter(|id| id.len() == 32);
    let id = id.and_then(|id| u128::from_str_radix(id, 16).ok()).ok_or(OpenError::Format)?;
    Ok(id.to_be_bytes())
}

const NAME: &str = "FORMAT";
const TEMPORARY: &str = "FORMAT.new";
const FIRST_WORDS: &str = "essaim store ";
const VERSION: u32 = 2;
const LENGTH_MAX: u64 = 1024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SimDisk;

    #[test]
    fn the_id_is_made_once() {
        let disk = SimDisk::new();
        let id = read_or_create(&disk, false).unwrap();
        assert_eq!(read_or_create(&disk, true).unwrap(), id);
    }

    #[test]
    fn what_is_not_a_format_is_refused_and_a_newer_one_named() {
        assert!(matches!(parse("essaim store 3\n"), Err(OpenError::Newer { found: 3, known: 2 })));
        assert!(matches!(parse("essaim store 1\n"), Err(OpenError::Older { found: 1, known: 2 })));
        for text in ["", "essaim store\n", "essaim store 2\n", "essaim store 2\nid 12\n", "something else"] {
            assert!(matches!(parse(text), Err(OpenError::Format)), "{text:?}");
        }
    }
}
