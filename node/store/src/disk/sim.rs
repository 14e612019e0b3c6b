//! A disk in memory.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{Disk, DiskFile, OpenMode};

/// A disk in memory.
#[derive(Debug, Clone, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
    locked: Arc<AtomicBool>,
}

#[derive(Debug, Default)]
struct State {
    files: BTreeMap<String, Arc<SimFile>>,
}

#[derive(Debug, Default)]
struct SimFile {
    bytes: Mutex<Vec<u8>>,
}

#[derive(Debug)]
struct Guard(Arc<AtomicBool>);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

impl SimDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Disk for SimDisk {
    fn lock(&self) -> io::Result<Option<Box<dyn Debug + Send + Sync>>> {
        let taken = self.locked.swap(true, Ordering::AcqRel);
        Ok((!taken).then(|| Box::new(Guard(Arc::clone(&self.locked))) as Box<_>))
    }

    fn create_folder(&self, _name: &str) -> io::Result<()> {
        Ok(())
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        let state = lock(&self.state);
        let split = |name: &String| name.rsplit_once('/').map(|(f, n)| (f.to_owned(), n.to_owned()));
        let in_folder = |name: &String| {
            let (parent, file) = split(name).unwrap_or_else(|| (String::new(), name.clone()));
            (parent == folder).then_some(file)
        };
        Ok(state.files.keys().filter_map(in_folder).collect())
    }

    fn open(&self, name: &str, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = lock(&self.state);
        match (state.files.get(name), mode) {
            (Some(_), OpenMode::New) => Err(io::ErrorKind::AlreadyExists.into()),
            (None, OpenMode::Existing) => Err(io::ErrorKind::NotFound.into()),
            (Some(file), _) => Ok(Arc::clone(file) as Arc<dyn DiskFile>),
            (None, _) => {
                let file = Arc::new(SimFile::default());
                state.files.insert(name.to_owned(), Arc::clone(&file));
                Ok(file)
            }
        }
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = lock(&self.state);
        let file = state.files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        state.files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        lock(&self.state).files.remove(name).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync_folder(&self, _folder: &str) -> io::Result<()> {
        Ok(())
    }

    fn free_space(&self) -> io::Result<u64> {
        Ok(u64::MAX)
    }
}

impl DiskFile for SimFile {
    fn size(&self) -> io::Result<u64> {
        Ok(lock(&self.bytes).len() as u64)
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        let bytes = lock(&self.bytes);
        let from = usize::try_from(offset).ok();
        let range = from.and_then(|from| bytes.get(from..from.checked_add(buffer.len())?));
        buffer.copy_from_slice(range.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_all_at(&self, data: &[u8], offset: u64) -> io::Result<()> {
        let mut bytes = lock(&self.bytes);
        let from = usize::try_from(offset).map_err(io::Error::other)?;
        let to = from + data.len();
        if bytes.len() < to {
            bytes.resize(to, 0);
        }
        bytes[from..to].copy_from_slice(data);
        Ok(())
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        lock(&self.bytes).resize(usize::try_from(length).map_err(io::Error::other)?, 0);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
