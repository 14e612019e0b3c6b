//! Files and names, each as they are and as they are durable.

use std::collections::BTreeMap;
use std::io;

/// All files and their names.
#[derive(Debug, Clone, Default)]
pub(super) struct Image {
    pub(super) files: Vec<File>,
    pub(super) names: BTreeMap<String, usize>,
    pub(super) durable_names: BTreeMap<String, usize>,
    /// In the order in which they were made; see [`Image::sync_folder`].
    pub(super) pending_names: Vec<NameChange>,
}

/// One file, with or without a name.
#[derive(Debug, Clone, Default)]
pub(super) struct File {
    pub(super) now: Vec<u8>,
    pub(super) durable: Vec<u8>,
    pub(super) pending: Vec<Change>,
}

/// A change of a file.
#[derive(Debug, Clone)]
pub(super) enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    SetLen(usize),
}

/// A change of names.
#[derive(Debug, Clone)]
pub(super) enum NameChange {
    Create { name: String, inode: usize },
    Rename { from: String, to: String },
    Remove { name: String },
}

impl Image {
    pub(super) fn find(&self, name: &str) -> io::Result<usize> {
        self.names.get(name).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    pub(super) fn list(&self, folder: &str) -> Vec<String> {
        let file = |name: &String| (folder_of(name) == folder).then(|| file_of(name).to_owned());
        self.names.keys().filter_map(file).collect()
    }

    pub(super) fn create(&mut self, name: &str) -> usize {
        let inode = self.files.len();
        self.files.push(File::default());
        let change = NameChange::Create { name: name.to_owned(), inode };
        change.apply(&mut self.names);
        self.pending_names.push(change);
        inode
    }

    pub(super) fn change_names(&mut self, change: NameChange) -> io::Result<()> {
        if !change.apply(&mut self.names) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.pending_names.push(change);
        Ok(())
    }

    pub(super) fn sync_folder(&mut self, folder: &str) {
        let durable_names = &mut self.durable_names;
        self.pending_names.retain(|change| {
            let in_folder = folder_of(change.name()) == folder;
            if in_folder {
                change.apply(durable_names);
            }
            !in_folder
        });
    }

    pub(super) fn size(&self, inode: usize) -> u64 {
        self.files.get(inode).map_or(0, |file| file.now.len() as u64)
    }

    pub(super) fn read(&self, inode: usize, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let from = usize::try_from(offset).ok();
        let now = self.files.get(inode).map_or(&[][..], |file| &file.now);
        let range = from.and_then(|from| now.get(from..from.checked_add(buffer.len())?));
        buffer.copy_from_slice(range.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    pub(super) fn write(&mut self, inode: usize, bytes: &[u8], offset: u64) -> io::Result<()> {
        let offset = usize::try_from(offset).map_err(io::Error::other)?;
        self.change(inode, Change::Write { offset, bytes: bytes.to_vec() })
    }

    pub(super) fn set_len(&mut self, inode: usize, length: u64) -> io::Result<()> {
        let length = usize::try_from(length).map_err(io::Error::other)?;
        self.change(inode, Change::SetLen(length))
    }

    pub(super) fn sync(&mut self, inode: usize) {
        if let Some(file) = self.files.get_mut(inode) {
            for change in file.pending.drain(..) {
                change.apply(&mut file.durable);
            }
        }
    }

    /// What is pending never becomes durable.
    pub(super) fn forget(&mut self, inode: usize) {
        if let Some(file) = self.files.get_mut(inode) {
            file.pending.clear();
        }
    }

    pub(super) fn flip_bit(&mut self, inode: usize, bit: u64) -> io::Result<()> {
        let file = self.files.get_mut(inode).ok_or(io::ErrorKind::NotFound)?;
        let at = usize::try_from(bit / 8).map_err(io::Error::other)?;
        for bytes in [&mut file.now, &mut file.durable] {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= 1 << (bit % 8);
            }
        }
        Ok(())
    }

    fn change(&mut self, inode: usize, change: Change) -> io::Result<()> {
        let file = self.files.get_mut(inode).ok_or(io::ErrorKind::NotFound)?;
        change.apply(&mut file.now);
        file.pending.push(change);
        Ok(())
    }
}

impl Change {
    pub(super) fn apply(&self, file: &mut Vec<u8>) {
        match self {
            Self::SetLen(length) => file.resize(*length, 0),
            Self::Write { offset, bytes } => write_at(file, *offset, bytes),
        }
    }
}

impl NameChange {
    /// Says whether there was anything to rename or remove.
    pub(super) fn apply(&self, names: &mut BTreeMap<String, usize>) -> bool {
        match self {
            Self::Create { name, inode } => {
                names.insert(name.clone(), *inode);
                true
            }
            Self::Rename { from, to } => match names.remove(from) {
                Some(inode) => {
                    names.insert(to.clone(), inode);
                    true
                }
                None => false,
            },
            Self::Remove { name } => names.remove(name).is_some(),
        }
    }

    pub(super) fn name(&self) -> &str {
        match self {
            Self::Create { name, .. } | Self::Remove { name } => name,
            Self::Rename { to, .. } => to,
        }
    }
}

pub(super) fn write_at(file: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if file.len() < end {
        file.resize(end, 0);
    }
    if let Some(place) = file.get_mut(offset..end) {
        place.copy_from_slice(bytes);
    }
}

pub(super) fn folder_of(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn file_of(name: &str) -> &str {
    name.rsplit_once('/').map_or(name, |(_, file)| file)
}
