//! Files in which others tell of hosters, from the operator's disk.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use clap::ValueEnum;
use essaim_directory::import::{FILE_MAX, Found, ImportError, chatons, librehost};

use crate::failure::Failure;

/// The format of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum FileFormat {
    /// librehost.json, of one hoster or many.
    Librehost,
    /// The .properties of an organization for CHATONS.
    Chatons,
}

impl FileFormat {
    /// By the end of the file's name.
    fn of(path: &Path) -> Result<Self, Failure> {
        match path.extension().and_then(|end| end.to_str()) {
            Some("json") => Ok(Self::Librehost),
            Some("properties") => Ok(Self::Chatons),
            _ => Err(Failure::new(format!("the name of {} does not tell its format", path.display()))
                .hint("add --format librehost or --format chatons")
                .usage()),
        }
    }
}

/// The hosters in a file. `language` is that of its texts, where it does not say.
pub(super) fn read(
    path: &Path,
    format: Option<FileFormat>,
    language: Option<&str>,
) -> Result<Vec<Found>, Failure> {
    let format = format.map_or_else(|| FileFormat::of(path), Ok)?;
    let mut bytes = Vec::new();
    let read = File::open(path).and_then(|file| file.take(FILE_MAX as u64 + 1).read_to_end(&mut bytes));
    read.map_err(|error| {
        Failure::caused(format!("{} cannot be read", path.display()), &error)
            .hint("is the path right?")
            .usage()
    })?;
    let found = match format {
        FileFormat::Librehost => librehost::read(&bytes, language),
        FileFormat::Chatons => chatons::read(&bytes, language).map(|found| vec![found]),
    };
    found.map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &ImportError) -> Failure {
    let failure = Failure::new(format!("{}: {error}", path.display())).usage();
    match error {
        ImportError::OtherClass { .. } => failure.hint("take the file of the organization; files of services and federations tell of no hoster"),
        ImportError::Closed { .. } => failure.hint("nothing was taken in; take the line out of the file if it is wrong"),
        ImportError::Nothing => failure.hint("is it of another format? --format librehost, --format chatons"),
        ImportError::Json { .. } | ImportError::TooDeep { .. } | ImportError::Properties(_) => {
            failure.hint("nothing was taken in; mend that line, or name another format: --format librehost, --format chatons")
        }
        ImportError::TooLarge | ImportError::TooMany => failure.hint("divide it into several files"),
    }
}
