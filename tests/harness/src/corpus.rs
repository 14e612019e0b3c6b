//! Real and difficult mail: the corpus beside the workspace, or else the few fixtures of this project.
//!
//! The corpus is somebody else's work under other licences and is not part of the repository. It is unpacked once.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::binary;
use crate::tools::{Tool, skipped};

/// Where the messages of this run come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// The corpus: thousands.
    Corpus,
    /// `tests/fixtures`: a few of each kind.
    Fixtures,
}

/// A set of files, each one message.
#[derive(Debug, Clone)]
pub struct Collection {
    /// Which of the two.
    pub source: Source,
    root: PathBuf,
    files: Vec<PathBuf>,
}

impl Collection {
    /// Ordinary mail as people received it.
    pub fn mail() -> Self {
        Self::of(&["spamassassin", "lists", "bounces"], "mail")
    }

    /// Difficult mail, without the raw SMTP conversations of [`Collection::smuggling`].
    pub fn torture() -> Self {
        let mut all = Self::of(&["torture"], "torture");
        all.files.retain(|path| !is_smuggling(path) && path.extension().is_none_or(|end| end != "tnef"));
        all
    }

    /// What an attacker sends after the 354 reply, up to the true end of data.
    pub fn smuggling() -> Self {
        let mut all = Self::of(&["torture"], "torture");
        all.files.retain(|path| is_smuggling(path));
        all
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// None at all.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }

    /// Every message, with its name inside of the collection, as published.
    ///
    /// # Panics
    /// If a file cannot be read.
    pub fn raw(&self) -> impl Iterator<Item = (String, Vec<u8>)> + '_ {
        self.files.iter().map(|path| {
            let name = path.strip_prefix(&self.root).unwrap_or(path).display().to_string();
            (name, fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        })
    }

    /// Every message with its line ends as mail travels.
    ///
    /// # Panics
    /// If a file cannot be read.
    pub fn messages(&self) -> impl Iterator<Item = (String, Vec<u8>)> + '_ {
        self.raw().map(|(name, bytes)| (name, with_crlf(&bytes)))
    }

    fn of(folders: &[&str], fixtures: &str) -> Self {
        let (source, root, roots) = match unpacked() {
            Some(root) => {
                let roots = folders.iter().map(|folder| root.join(folder)).collect();
                (Source::Corpus, root, roots)
            }
            None => {
                let root = binary::workspace().join("tests/fixtures");
                (Source::Fixtures, root.clone(), vec![root.join(fixtures)])
            }
        };
        let mut files = Vec::new();
        for folder in roots {
            collect(&folder, &mut files);
        }
        files.sort();
        Self { source, root, files }
    }
}

/// LF alone becomes CRLF. A CR alone stays: it is one of the difficulties.
pub fn with_crlf(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len() + bytes.len() / 32);
    let mut previous = 0;
    for &byte in bytes {
        if byte == b'\n' && previous != b'\r' {
            out.push(b'\r');
        }
        out.push(byte);
        previous = byte;
    }
    out
}

/// The unpacked corpus, or `None` after having said why not.
fn unpacked() -> Option<PathBuf> {
    let packed = match std::env::var_os("ESSAIM_CORPUS") {
        Some(path) => PathBuf::from(path),
        None => binary::workspace().parent()?.join("shared/corpus"),
    };
    if !packed.is_dir() {
        skipped(
            "the corpus of real mail is absent (ESSAIM_CORPUS names no folder): using the project's few fixtures",
        );
        return None;
    }
    Tool::find("zstd", "zstd")?;
    let done = binary::target().join("corpus");
    unpack(&packed, &done).unwrap_or_else(|error| panic!("unpacking {}: {error}", packed.display()));
    Some(done)
}

/// One process unpacks, the others wait for its lock. A folder that is there is whole: it gets its name last.
fn unpack(packed: &Path, done: &Path) -> io::Result<()> {
    let lock = File::create(done.with_extension("lock"))?;
    lock.lock()?;
    if done.is_dir() {
        return Ok(());
    }
    let partial = done.with_extension("partial");
    if partial.is_dir() {
        fs::remove_dir_all(&partial)?;
    }
    fs::create_dir_all(&partial)?;
    for archive in ["mail/spamassassin", "mail/lists", "mail/bounces", "torture/torture"] {
        let file = packed.join(format!("{archive}.tar.zst"));
        let status =
            Command::new("tar").arg("--zstd").arg("-xf").arg(&file).arg("-C").arg(&partial).status()?;
        if !status.success() {
            return Err(io::Error::other(format!("tar could not unpack {}", file.display())));
        }
    }
    fs::rename(&partial, done)
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        for entry in entries.flatten() {
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => open.push(entry.path()),
                Ok(kind) if kind.is_file() => files.push(entry.path()),
                _ => {}
            }
        }
    }
}

fn is_smuggling(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == "smtp-smuggling")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_lone_lf_is_changed() {
        assert_eq!(with_crlf(b"a\nb\r\nc\rd\n"), b"a\r\nb\r\nc\rd\r\n");
    }
}
