//! The socket in the data directory by which commands talk to the node that runs there.

mod client;
mod protocol;
mod server;
mod upload;

use std::path::{Path, PathBuf};

pub(crate) use client::{Reached, connect};
pub(crate) use server::{Control, Handler, Received};
pub(crate) use upload::{Frame, Upload, Uploader};

/// Where the socket of a data directory is.
pub(crate) fn socket_path(data_dir: &Path) -> PathBuf {
    data_dir.join("run").join("control.sock")
}
