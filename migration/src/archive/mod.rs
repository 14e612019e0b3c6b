//! The portable archive of an account: one file that any system opens with tar and zstd, that says what is in it line by line, that its hoster
//! has signed, and from which another hoster makes the same account. `specs/15-archive.md`.
//!
//! | module | |
//! |---|---|
//! | [`limits`] | every bound, with its name |
//! | `frame`, `header`, `tar_stream` | zstd frames, tar headers, files in them: one spelling each |
//! | `path` | names that an archive may have, none twice |
//! | `page` | objects of the store, verbatim |
//! | `about`, `folder` | `archive.json` and `folder.json` |
//! | `manifest`, `seal` | the lines and the root that grows with them; the signature |
//! | `writer`, `reader` | the whole, forward only, one segment in memory |
//!
//! It reads from `std::io::Read` and writes to `std::io::Write` that the caller has; it opens nothing.

mod about;
mod folder;
mod frame;
mod header;
pub mod limits;
mod losses;
mod manifest;
mod page;
mod path;
mod reader;
mod refusal;
mod seal;
mod tar_stream;
mod writer;

pub use about::{About, ArchiveAbout, Dataset, Datasource, Essaim, Extent, PDPA_VERSION, VERSION};
pub use folder::{ByUid, Folder, UIDNEXT_MAX};
pub use losses::{LossesLanguage, Missing, losses};
pub use manifest::{Checkpoint, Root, Totals};
pub use page::{Content, Item};
pub use path::{Directory, Path, PathFault};
pub use reader::{ReadLimits, Receiver, read};
pub use refusal::{ReadError, Refusal, Why};
pub use seal::Seal;
pub use writer::{Blobs, Ending, WriteError, Writer, Written};

#[cfg(test)]
mod tests;
