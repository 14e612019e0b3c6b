//! The socket in the data directory by which commands talk to the node that runs there.

mod client;
mod protocol;
mod server;

use std::path::{Path, PathBuf};

pub(crate) use client::{Reached, connect};
pub(crate) use server::{Control, Handler};

/// Where the socket of a data directory is.
pub(crate) fn socket_path(data_dir: &Path) -> PathBuf {
    data_dir.join("run").join("control.sock")
}
