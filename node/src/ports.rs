//! `run/ports.json`: where a running node listens, for scripts and tests. It is there once the node is ready, and gone with it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The file, as long as this lives.
#[derive(Debug)]
pub(crate) struct PortsFile(PathBuf);

impl PortsFile {
    /// Writes it whole or not at all.
    pub(crate) fn write(data_dir: &Path, ports: &BTreeMap<String, SocketAddr>) -> io::Result<Self> {
        let path = path(data_dir);
        if let Some(run) = path.parent() {
            fs::create_dir_all(run)?;
        }
        let partial = path.with_extension("json.new");
        let mut file = fs::File::create(&partial)?;
        file.write_all(&serde_json::to_vec(ports).map_err(io::Error::other)?)?;
        fs::rename(&partial, &path)?;
        Ok(Self(path))
    }
}

impl Drop for PortsFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// Removes what a node that was killed has left.
pub(crate) fn forget(data_dir: &Path) {
    let _ = fs::remove_file(path(data_dir));
}

/// What the file says; nothing if it is not there.
pub(crate) fn read(data_dir: &Path) -> BTreeMap<String, SocketAddr> {
    let bytes = fs::read(path(data_dir)).unwrap_or_default();
    serde_json::from_slice(&bytes).unwrap_or_default()
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join("run").join("ports.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_read_back_as_written_and_go_with_the_node() {
        let dir = tempfile::tempdir().unwrap();
        let ports = BTreeMap::from([("imap".to_owned(), "127.0.0.1:40123".parse().unwrap())]);
        let file = PortsFile::write(dir.path(), &ports).unwrap();
        assert_eq!(fs::read_to_string(path(dir.path())).unwrap(), "{\"imap\":\"127.0.0.1:40123\"}");
        assert_eq!(read(dir.path()), ports);
        drop(file);
        assert!(read(dir.path()).is_empty());
    }
}
