//! Maildir and Maildir++: reading what other programs wrote, and the parts of writing.

mod file_name;
mod folders;
mod keywords;
mod listing;

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use essaim_types::Timestamp;

use self::file_name::FileName;
use self::folders::Folder;
use self::keywords::Keywords;
use self::listing::Listing;
use super::lines::LineEnds;
use super::source::{Amount, Found, Item, Sink, Source, SourceError};

pub(super) use self::file_name::write as file_name;
pub(super) use self::folders::NAME_FILE;
pub(super) use self::keywords::{DOVECOT_FILE, Letters, OTHERS_FILE};
pub(super) use self::listing::count;

/// A Maildir to import from. It is only read, and may be in use: what vanishes meanwhile is left out.
#[derive(Debug)]
pub struct Maildir {
    folders: VecDeque<Folder>,
    current: Option<Current>,
    total: u64,
    read: u64,
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct Current {
    folder: Folder,
    listing: Listing,
    keywords: Keywords,
}

impl Maildir {
    /// Looks for folders and counts the messages.
    pub fn open(root: &Path) -> Result<Self, SourceError> {
        let folders = folders::folders(root)?;
        let mut total = 0;
        for folder in &folders {
            total += count(&folder.path).map_err(unreadable(&folder.path))?;
        }
        Ok(Self { folders: folders.into(), current: None, total, read: 0, buffer: vec![0; BUFFER] })
    }

    /// The path of the next message; opens the next folder when one is at its end.
    fn next_path(&mut self) -> Result<Option<PathBuf>, SourceError> {
        loop {
            if let Some(current) = &mut self.current {
                let path = current.listing.next().map_err(unreadable(&current.folder.path))?;
                if path.is_some() {
                    return Ok(path);
                }
            }
            let Some(folder) = self.folders.pop_front() else { return Ok(None) };
            let keywords = Keywords::read(&folder.path).map_err(unreadable(&folder.path))?;
            let listing = Listing::new(folder.path.clone());
            self.current = Some(Current { folder, listing, keywords });
        }
    }

    fn found(&self, path: &Path, internal_date: Timestamp) -> Found {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = FileName::parse(&name);
        let (mailbox, keywords) = match &self.current {
            Some(current) => {
                let keywords = current.keywords.of(name.unique, name.passed, name.keywords);
                (current.folder.mailbox.clone(), keywords)
            }
            None => (String::new(), Vec::new()),
        };
        Found { mailbox, flags: name.flags, keywords, internal_date: Some(internal_date) }
    }
}

impl Source for Maildir {
    fn mailboxes(&self) -> Vec<String> {
        let current = self.current.as_ref().map(|current| &current.folder);
        current.into_iter().chain(&self.folders).map(|folder| folder.mailbox.clone()).collect()
    }

    fn total(&self) -> Amount {
        Amount::Messages(self.total)
    }

    fn next(&mut self, sink: &mut Sink<'_>) -> Result<Option<Item>, SourceError> {
        while let Some(path) = self.next_path()? {
            self.read += 1;
            let mut file = match open(&path) {
                Ok(Some(file)) => file,
                Ok(None) => continue,
                Err(source) => return Ok(Some(Item::Unreadable { path, source })),
            };
            let mut lines = LineEnds::default();
            loop {
                match file.content.read(&mut self.buffer) {
                    Ok(0) => return Ok(Some(Item::Message(self.found(&path, file.modified)))),
                    Ok(length) => lines.push(self.buffer.get(..length).unwrap_or_default(), sink)?,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    Err(source) => return Ok(Some(Item::Unreadable { path, source })),
                }
            }
        }
        Ok(None)
    }

    fn position(&self) -> Amount {
        Amount::Messages(self.read)
    }
}

struct Opened {
    content: File,
    modified: Timestamp,
}

/// Opens a plain file, not what a link leads to; `None` if it is something else or has vanished.
fn open(path: &Path) -> io::Result<Option<Opened>> {
    let named = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        named => named?,
    };
    if !named.is_file() {
        return Ok(None);
    }
    let content = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        content => content?,
    };
    let opened = content.metadata()?;
    if (opened.dev(), opened.ino()) != (named.dev(), named.ino()) {
        return Ok(None);
    }
    let milliseconds = opened.mtime_nsec().div_euclid(1_000_000);
    let modified = Timestamp(Timestamp::from_seconds(opened.mtime()).0.saturating_add(milliseconds));
    Ok(Some(Opened { content, modified }))
}

fn unreadable(path: &Path) -> impl FnOnce(io::Error) -> SourceError {
    let path = path.to_owned();
    move |source| SourceError::Read { path, source }
}

const BUFFER: usize = 64 << 10;

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;
    use crate::record::SystemFlags;

    fn put(root: &Path, path: &str, content: &str, time: u64) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(UNIX_EPOCH + Duration::from_millis(time)).unwrap();
    }

    fn read_all(root: &Path) -> Vec<(Found, String)> {
        let mut maildir = Maildir::open(root).unwrap();
        let mut all = Vec::new();
        loop {
            let mut content = Vec::new();
            let item = maildir.next(&mut |piece| {
                content.extend_from_slice(piece);
                Ok(())
            });
            match item.unwrap() {
                Some(Item::Message(found)) => all.push((found, String::from_utf8(content).unwrap())),
                Some(other) => panic!("{other:?}"),
                None => {
                    assert_eq!(maildir.position(), maildir.total());
                    return all;
                }
            }
        }
    }

    #[test]
    fn flags_keywords_dates_and_folders() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "cur/2.b:2,FSa", "Subject: b\n\nb\n", 2_000_500);
        put(root.path(), "new/1.a", "Subject: a\r\n\r\na\r\n", 1_000_000);
        put(root.path(), ".Sent/cur/1.c:2,DRTP", "", 0);
        fs::write(root.path().join("dovecot-keywords"), "0 $Junk\n").unwrap();
        let found = |mailbox: &str, flags, keywords: &[&str], time| Found {
            mailbox: mailbox.to_owned(),
            flags,
            keywords: keywords.iter().map(|&keyword| keyword.to_owned()).collect(),
            internal_date: Some(Timestamp(time)),
        };
        let draft = SystemFlags::DRAFT.with(SystemFlags::ANSWERED).with(SystemFlags::DELETED);
        let expected = [
            (found("INBOX", SystemFlags::default(), &[], 1_000_000), "Subject: a\r\n\r\na\r\n"),
            (
                found("INBOX", SystemFlags::FLAGGED.with(SystemFlags::SEEN), &["$Junk"], 2_000_500),
                "Subject: b\r\n\r\nb\r\n",
            ),
            (found("Sent", draft, &["$Forwarded"], 0), ""),
        ];
        assert_eq!(read_all(root.path()), expected.map(|(found, text)| (found, text.to_owned())));
    }

    #[test]
    fn only_plain_files_are_messages() {
        let root = tempfile::tempdir().unwrap();
        put(root.path(), "cur/1.a:2,", "a\n", 0);
        put(root.path(), "secret", "secret\n", 0);
        fs::create_dir(root.path().join("cur/2.directory")).unwrap();
        std::os::unix::fs::symlink(root.path().join("secret"), root.path().join("cur/3.link")).unwrap();
        let contents: Vec<String> = read_all(root.path()).into_iter().map(|(_, content)| content).collect();
        assert_eq!(contents, ["a\r\n"]);
    }
}
