//! The messages of one folder in the order in which they came, however many there are.

use std::collections::BinaryHeap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::file_name::FileName;

/// The messages of a folder, sorted by the time in their names. At most [`WINDOW`] names are in memory: a larger directory is read
/// once for every so many.
#[derive(Debug)]
pub(super) struct Listing {
    folder: PathBuf,
    window: usize,
    /// The last first.
    next: Vec<Key>,
    after: Option<Key>,
    finished: bool,
}

/// Sorts by time, then by name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    time: u64,
    name: OsString,
    place: Place,
}

/// In which of the two directories a message stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Cur,
    New,
}

impl Listing {
    /// Of one folder.
    pub(super) fn new(folder: PathBuf) -> Self {
        Self { folder, window: WINDOW, next: Vec::new(), after: None, finished: false }
    }

    /// The path of the next message.
    pub(super) fn next(&mut self) -> io::Result<Option<PathBuf>> {
        if self.next.is_empty() && !self.finished {
            self.read()?;
        }
        let Some(key) = self.next.pop() else { return Ok(None) };
        let path = self.folder.join(key.place.directory()).join(&key.name);
        self.after = Some(key);
        Ok(Some(path))
    }

    /// Fills the window with what comes first after what was taken.
    fn read(&mut self) -> io::Result<()> {
        let mut first = BinaryHeap::new();
        for place in [Place::Cur, Place::New] {
            for name in messages(&self.folder.join(place.directory()))? {
                let name = name?;
                let key = Key { time: FileName::parse(&name.to_string_lossy()).time(), name, place };
                if self.after.as_ref().is_some_and(|after| key <= *after) {
                    continue;
                }
                if first.len() < self.window {
                    first.push(key);
                } else if let Some(mut last) = first.peek_mut().filter(|last| key < **last) {
                    *last = key;
                }
            }
        }
        self.finished = first.len() < self.window;
        self.next = first.into_sorted_vec();
        self.next.reverse();
        Ok(())
    }
}

/// How many messages a folder has.
pub(in crate::transfer) fn count(folder: &Path) -> io::Result<u64> {
    let mut count = 0;
    for place in [Place::Cur, Place::New] {
        for name in messages(&folder.join(place.directory()))? {
            name?;
            count += 1;
        }
    }
    Ok(count)
}

impl Place {
    fn directory(self) -> &'static str {
        match self {
            Self::Cur => "cur",
            Self::New => "new",
        }
    }
}

/// The file names in a directory, but for hidden ones; none if it is not there.
fn messages(directory: &Path) -> io::Result<impl Iterator<Item = io::Result<OsString>>> {
    let is_directory = fs::symlink_metadata(directory).is_ok_and(|metadata| metadata.is_dir());
    let entries = if is_directory { Some(fs::read_dir(directory)?) } else { None };
    Ok(entries.into_iter().flatten().filter_map(|entry| match entry {
        Ok(entry) => {
            let name = entry.file_name();
            (!name.as_encoded_bytes().starts_with(b".")).then_some(Ok(name))
        }
        Err(error) => Some(Err(error)),
    }))
}

/// About 8 MB of names.
const WINDOW: usize = 65_536;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_larger_than_the_window_is_read_in_order() {
        let root = tempfile::tempdir().unwrap();
        for place in ["cur", "new"] {
            fs::create_dir(root.path().join(place)).unwrap();
        }
        let names: Vec<String> = (0..100).map(|n| format!("{}.M{}.host:2,S", 1000 + n / 3, n % 3)).collect();
        for (n, name) in names.iter().enumerate() {
            let place = if n % 5 == 0 { "new" } else { "cur" };
            fs::write(root.path().join(place).join(name), "x").unwrap();
        }
        fs::write(root.path().join("cur/.hidden"), "x").unwrap();
        for window in [1, 7, 100, 1000] {
            let mut listing = Listing { window, ..Listing::new(root.path().to_owned()) };
            let read: Vec<String> = std::iter::from_fn(|| listing.next().unwrap())
                .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
                .collect();
            assert_eq!(read, names, "window of {window}");
        }
        assert_eq!(count(root.path()).unwrap(), 100);
    }

    #[test]
    fn an_absent_directory_is_empty() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(Listing::new(root.path().to_owned()).next().unwrap(), None);
        assert_eq!(count(root.path()).unwrap(), 0);
    }
}
