//! A disk in memory that can fail and lose power like a real one.

mod crash;
mod image;

use std::fmt::{self, Debug};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use crash::Survival;

use super::{Disk, DiskFile, Lock, OpenMode};
use image::{Image, NameChange};

/// A disk in memory. Clones are the same disk.
///
/// It knows which writes were synced. [`SimDisk::after_crash`] gives the disk that a machine finds after losing power; a
/// hook decides for each changing operation whether it fails.
#[derive(Clone, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    image: Image,
    locked: bool,
    operations: u64,
    free_space: Option<u64>,
    powerless: bool,
    hook: Option<Hook>,
}

type Hook = Arc<dyn Fn(&Operation<'_>) -> Option<Fault> + Send + Sync>;

/// An operation that changes the disk, or makes a change durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Operation<'a> {
    /// How many there were before it.
    pub number: u64,
    /// What is done.
    pub kind: OperationKind,
    /// To which file or folder.
    pub name: &'a str,
}

/// What an [`Operation`] does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OperationKind {
    /// Writes bytes.
    Write,
    /// Cuts or grows a file.
    SetLen,
    /// Makes a file durable.
    Sync,
    /// Creates, renames or removes a name.
    Name,
    /// Makes the names of a folder durable.
    SyncFolder,
}

/// How an operation fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// ENOSPC; of a write, the first half has happened.
    NoSpace,
    /// EIO; of a write, the first half has happened. What a failed sync should have synced is read as before and never
    /// becomes durable, as on Linux: the next sync succeeds and says nothing of it.
    Io,
    /// It and everything after it does not happen, reads included.
    PowerLoss,
}

impl SimDisk {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks the hook before each changing operation from now on.
    pub fn on_operation(&self, hook: impl Fn(&Operation<'_>) -> Option<Fault> + Send + Sync + 'static) {
        self.state().hook = Some(Arc::new(hook));
    }

    /// Lets every operation succeed again. Power does not come back.
    pub fn heal(&self) {
        self.state().hook = None;
    }

    /// How many changing operations there were.
    pub fn operations(&self) -> u64 {
        self.state().operations
    }

    /// What [`Disk::free_space`] says from now on. It is not subtracted from.
    pub fn set_free_space(&self, bytes: u64) {
        self.state().free_space = Some(bytes);
    }

    /// Everything fails from now on.
    pub fn cut_power(&self) {
        self.state().powerless = true;
    }

    /// Another disk: this one as a machine would find it after losing power now.
    pub fn after_crash(&self, survival: Survival) -> Self {
        let image = self.state().image.after_crash(survival);
        Self { state: Arc::new(Mutex::new(State { image, ..State::default() })) }
    }

    /// Another disk: this one as another process finds it after this one was killed. All writes are there, and no more of them
    /// are durable than before.
    pub fn after_kill(&self) -> Self {
        let image = self.state().image.clone();
        Self { state: Arc::new(Mutex::new(State { image, ..State::default() })) }
    }

    /// Flips a bit of a file, as a failing disk would.
    pub fn flip_bit(&self, name: &str, bit: u64) -> io::Result<()> {
        let mut state = self.state();
        let file = state.image.find(name)?;
        state.image.flip_bit(file, bit)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an operation and asks the hook.
    fn begin(&self, kind: OperationKind, name: &str) -> Result<MutexGuard<'_, State>, Stopped<'_>> {
        let mut state = self.state();
        if state.powerless {
            return Err(Stopped { state, fault: Fault::PowerLoss });
        }
        let number = state.operations;
        state.operations += 1;
        let fault = state.hook.clone().and_then(|hook| hook(&Operation { number, kind, name }));
        match fault {
            None => Ok(state),
            Some(fault) => {
                state.powerless |= fault == Fault::PowerLoss;
                Err(Stopped { state, fault })
            }
        }
    }

    fn alive(&self) -> io::Result<MutexGuard<'_, State>> {
        let state = self.state();
        if state.powerless { Err(Fault::PowerLoss.into()) } else { Ok(state) }
    }

    fn names(&self, name: &str, change: NameChange) -> io::Result<()> {
        let mut state = self.begin(OperationKind::Name, name)?;
        state.image.change_names(change)
    }
}

/// An operation that the hook lets fail.
struct Stopped<'a> {
    state: MutexGuard<'a, State>,
    fault: Fault,
}

impl From<Fault> for io::Error {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::NoSpace => io::ErrorKind::StorageFull.into(),
            Fault::Io => Self::other("the simulated disk failed"),
            Fault::PowerLoss => Self::other("the simulated machine has no power"),
        }
    }
}

impl From<Stopped<'_>> for io::Error {
    fn from(stopped: Stopped<'_>) -> Self {
        stopped.fault.into()
    }
}

impl Disk for SimDisk {
    fn lock(&self) -> io::Result<Option<Lock>> {
        let mut state = self.alive()?;
        if std::mem::replace(&mut state.locked, true) {
            return Ok(None);
        }
        Ok(Some(Box::new(Locked(self.clone()))))
    }

    fn create_folder(&self, _name: &str) -> io::Result<()> {
        self.alive().map(drop)
    }

    fn list(&self, folder: &str) -> io::Result<Vec<String>> {
        Ok(self.alive()?.image.list(folder))
    }

    fn open(&self, name: &str, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>> {
        let found = self.alive()?.image.find(name);
        let inode = match (found, mode) {
            (Ok(_), OpenMode::New) => return Err(io::ErrorKind::AlreadyExists.into()),
            (Ok(inode), _) => inode,
            (Err(error), OpenMode::Existing) => return Err(error),
            (Err(_), OpenMode::New | OpenMode::Any) => {
                let mut state = self.begin(OperationKind::Name, name)?;
                state.image.create(name)
            }
        };
        Ok(Arc::new(SimFile { disk: self.clone(), name: name.to_owned(), inode }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.names(to, NameChange::Rename { from: from.to_owned(), to: to.to_owned() })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.names(name, NameChange::Remove { name: name.to_owned() })
    }

    fn sync_folder(&self, folder: &str) -> io::Result<()> {
        self.begin(OperationKind::SyncFolder, folder)?.image.sync_folder(folder);
        Ok(())
    }

    fn free_space(&self) -> io::Result<u64> {
        Ok(self.alive()?.free_space.unwrap_or(u64::MAX))
    }
}

#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    name: String,
    inode: usize,
}

impl DiskFile for SimFile {
    fn size(&self) -> io::Result<u64> {
        Ok(self.disk.alive()?.image.size(self.inode))
    }

    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()> {
        self.disk.alive()?.image.read(self.inode, buffer, offset)
    }

    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        match self.disk.begin(OperationKind::Write, &self.name) {
            Ok(mut state) => state.image.write(self.inode, bytes, offset),
            Err(Stopped { mut state, fault }) => {
                if fault != Fault::PowerLoss {
                    let (first_half, _) = bytes.split_at(bytes.len() / 2);
                    state.image.write(self.inode, first_half, offset)?;
                }
                Err(fault.into())
            }
        }
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.disk.begin(OperationKind::SetLen, &self.name)?.image.set_len(self.inode, length)
    }

    fn sync(&self) -> io::Result<()> {
        match self.disk.begin(OperationKind::Sync, &self.name) {
            Ok(mut state) => {
                state.image.sync(self.inode);
                Ok(())
            }
            Err(Stopped { mut state, fault }) => {
                if fault == Fault::Io {
                    state.image.forget(self.inode);
                }
                Err(fault.into())
            }
        }
    }
}

/// The lock of a disk, until it is dropped.
#[derive(Debug)]
struct Locked(SimDisk);

impl Drop for Locked {
    fn drop(&mut self) {
        self.0.state().locked = false;
    }
}

impl Debug for SimDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimDisk").finish_non_exhaustive()
    }
}
