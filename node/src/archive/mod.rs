//! The portable archive of an account, from and to the store of this node. What an archive is, is `essaim_migration::archive`'s to say
//! (`specs/15-archive.md`); here are the walk over the store, the mail in it as files, and the files themselves.

mod export;
mod folders;
mod import;
mod walk;

pub(crate) use export::{ArchiveError, Export, export};
pub(crate) use import::{Expected, Import, ImportError};
