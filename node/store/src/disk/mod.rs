//! The seam to the file system: a folder of files with positioned reads and writes and explicit syncs.
//!
//! Everything the store writes goes through it, the index included, so that [`SimDisk`] can take away at a crash
//! whatever was not synced.

mod real;
mod sim;

use std::fmt::Debug;
use std::io;
use std::sync::Arc;

pub use real::RealDisk;
pub use sim::{Fault, Operation, OperationKind, SimDisk, Survival};

/// Whatever frees a taken folder when it is dropped.
pub type Lock = Box<dyn Debug + Send + Sync>;

/// A folder of the store. Names are relative, with `/` between folder and file.
pub trait Disk: Debug + Send + Sync + 'static {
    /// Takes the folder for this process until the guard is dropped; `None` if another has it.
    fn lock(&self) -> io::Result<Option<Lock>>;
    /// Makes a folder; it may exist.
    fn create_folder(&self, name: &str) -> io::Result<()>;
    /// The names of the files in a folder; `""` is the store's own.
    fn list(&self, folder: &str) -> io::Result<Vec<String>>;
    /// Opens a file for reading and writing.
    fn open(&self, name: &str, mode: OpenMode) -> io::Result<Arc<dyn DiskFile>>;
    /// Renames a file over another.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes what was created, renamed and removed in a folder durable.
    fn sync_folder(&self, folder: &str) -> io::Result<()>;
    /// Bytes that can still be written.
    fn free_space(&self) -> io::Result<u64>;
}

/// An open file.
pub trait DiskFile: Debug + Send + Sync + 'static {
    /// Its length.
    fn size(&self) -> io::Result<u64>;
    /// Fills the buffer from an offset; `UnexpectedEof` if the file ends before.
    fn read_exact_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<()>;
    /// Writes all of the bytes at an offset.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Cuts or grows with zeros.
    fn set_len(&self, length: u64) -> io::Result<()>;
    /// Makes contents and length durable.
    fn sync(&self) -> io::Result<()>;
}

/// Whether a file must be there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// It must.
    Existing,
    /// It must not.
    New,
    /// It is made if it is not there.
    Any,
}
