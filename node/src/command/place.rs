//! Which node a command is about: `--data-dir`, `--config`, and where to look without them.

use std::env;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::config::{self, ConfigError, DATA_DIR, Loaded};
use crate::failure::Failure;
use crate::{control, owner};

/// The options that name a node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub(crate) struct Place {
    /// Where the node keeps its data.
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,

    /// The configuration file. Default: essaim.toml in the data directory, if it is there.
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

/// Whether the machine's own node is meant when nothing is named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fallback {
    /// Commands of an operator: /etc/essaim/essaim.toml, unless there is an ./essaim-data.
    Machine,
    /// `serve`: a local node is made here.
    Local,
}

impl Place {
    /// Reads the configuration of the node that is meant.
    pub(super) fn load(&self, fallback: Fallback) -> Result<Loaded, Failure> {
        self.read(fallback).map_err(|error| {
            Failure::new(error.to_string())
                .hint("essaim config describe lists every key; essaim config check tells more")
        })
    }

    /// The node of an operator's command.
    pub(crate) fn node(&self) -> Result<Loaded, Failure> {
        self.load(Fallback::Machine)
    }

    /// Before anything is read from the terminal: if no node runs there, this process must be able to open its files.
    pub(super) fn enter(&self) -> Result<(), Failure> {
        let data_dir = self.node()?.config.data_dir;
        if UnixStream::connect(control::socket_path(&data_dir)).is_ok() {
            return Ok(());
        }
        owner::become_owner(&data_dir)
    }

    /// The same, with every problem by itself.
    pub(super) fn read(&self, fallback: Fallback) -> Result<Loaded, ConfigError> {
        let variables = || {
            env::vars_os().filter_map(|(name, value)| name.into_string().ok().zip(value.into_string().ok()))
        };
        let file = self.file(fallback);
        let mut loaded = config::load(file.as_deref(), variables())?;
        if let Some(dir) = self.data_dir.clone().or_else(|| self.found_beside(&loaded)) {
            loaded.config.data_dir = dir;
        }
        Ok(loaded)
    }

    /// The data directory of a node that has no configuration yet.
    pub(super) fn data_dir(&self) -> PathBuf {
        self.named_data_dir().unwrap_or_else(|| PathBuf::from(DATA_DIR))
    }

    /// The same, if one is named.
    pub(super) fn named_data_dir(&self) -> Option<PathBuf> {
        self.data_dir.clone().or_else(|| env::var_os("ESSAIM_DATA_DIR").map(PathBuf::from))
    }

    fn file(&self, fallback: Fallback) -> Option<PathBuf> {
        if let Some(named) = self.config.clone().or_else(|| env::var_os("ESSAIM_CONFIG").map(PathBuf::from)) {
            return Some(named);
        }
        let data_dir = self.data_dir();
        let inside = data_dir.join(FILE_NAME);
        if inside.is_file() {
            return Some(inside);
        }
        let unnamed = self.data_dir.is_none() && env::var_os("ESSAIM_DATA_DIR").is_none();
        let machine = fallback == Fallback::Machine && unnamed && !data_dir.exists();
        (machine && Path::new(MACHINE_CONFIG).is_file()).then(|| PathBuf::from(MACHINE_CONFIG))
    }

    /// A configuration that was found in a data directory is about this directory, wherever that was moved.
    fn found_beside(&self, loaded: &Loaded) -> Option<PathBuf> {
        if self.config.is_some() || env::var_os("ESSAIM_CONFIG").is_some() {
            return None;
        }
        let data_dir = self.data_dir();
        (loaded.file.as_deref() == Some(data_dir.join(FILE_NAME).as_path())).then_some(data_dir)
    }
}

/// The name of the configuration inside of a data directory.
pub(super) const FILE_NAME: &str = "essaim.toml";
/// Where the Debian package keeps the configuration.
const MACHINE_CONFIG: &str = "/etc/essaim/essaim.toml";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configuration_in_the_data_directory_is_found_and_is_about_it() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place { data_dir: Some(dir.path().to_owned()), config: None };
        assert_eq!(place.load(Fallback::Local).unwrap().file, None);
        let file = dir.path().join(FILE_NAME);
        std::fs::write(&file, "data_dir = \"/elsewhere\"\n[hoster]\ndomain = \"a.test\"\n").unwrap();
        let loaded = place.load(Fallback::Local).unwrap();
        assert_eq!(
            (loaded.file.as_deref(), loaded.config.data_dir.as_path()),
            (Some(file.as_path()), dir.path())
        );
        // Named by itself it decides where the data is.
        let named = Place { data_dir: None, config: Some(file) };
        assert_eq!(named.load(Fallback::Local).unwrap().config.data_dir, Path::new("/elsewhere"));
    }
}
