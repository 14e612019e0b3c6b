//! Which folders a Maildir has: Maildir++ (`.Sent.2024` beside `cur`) and directories in directories (`Sent/2024/cur`). Symbolic
//! links are not followed.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::transfer::names;
use crate::transfer::source::SourceError;

/// A directory with `cur` and `new`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::transfer) struct Folder {
    /// Name of the mailbox, levels separated by `/`.
    pub(in crate::transfer) mailbox: String,
    pub(in crate::transfer) path: PathBuf,
}

/// Every folder below `root`, sorted by mailbox.
pub(in crate::transfer) fn folders(root: &Path) -> Result<Vec<Folder>, SourceError> {
    let mut found = Vec::new();
    let mut visited = 0;
    let mut waiting = vec![(root.to_owned(), Vec::<String>::new())];
    while let Some((path, levels)) = waiting.pop() {
        visited += 1;
        if visited > DIRECTORIES_MAX {
            return Err(SourceError::TooManyDirectories { path: root.to_owned(), max: DIRECTORIES_MAX });
        }
        if is_maildir(&path) {
            let mailbox = names::mailbox_of_path(levels.iter().map(String::as_str));
            found.push(Folder { mailbox, path: path.clone() });
        }
        if levels.len() >= LEVELS_MAX {
            continue;
        }
        for name in directories(&path).map_err(|source| SourceError::Read { path: path.clone(), source })? {
            let below = path.join(&name);
            let name = name.to_string_lossy().into_owned();
            if let Some(dotted) = name.strip_prefix('.') {
                if is_maildir(&below) {
                    let mailbox = cut_name(&below, &name).unwrap_or_else(|| under(&levels, dotted));
                    found.push(Folder { mailbox, path: below });
                }
            } else if !matches!(name.as_str(), "cur" | "new" | "tmp") {
                waiting.push((below, levels.iter().cloned().chain([name]).collect()));
            }
        }
    }
    if found.is_empty() {
        return Err(SourceError::NotAMaildir { path: root.to_owned() });
    }
    found.sort_by(|a, b| (&a.mailbox, &a.path).cmp(&(&b.mailbox, &b.path)));
    Ok(found)
}

/// Beside a folder whose name was too long: the whole name of the mailbox.
pub(in crate::transfer) const NAME_FILE: &str = "essaim-mailbox";

fn cut_name(folder: &Path, name: &str) -> Option<String> {
    let file = folder.join(NAME_FILE);
    let is_read =
        |entry: fs::Metadata| names::is_cut(name) && entry.is_file() && entry.len() <= NAME_FILE_MAX;
    let whole = fs::symlink_metadata(&file).is_ok_and(is_read).then(|| fs::read_to_string(file).ok())??;
    // It is what the name was cut from, or it is not believed.
    (names::folder_of(&whole).as_deref() == Some(name)).then_some(whole)
}

fn under(levels: &[String], dotted: &str) -> String {
    let folder = names::mailbox_of_folder(dotted);
    if levels.is_empty() {
        return folder;
    }
    format!("{}/{folder}", names::mailbox_of_path(levels.iter().map(String::as_str)))
}

fn is_maildir(path: &Path) -> bool {
    ["cur", "new"].iter().any(|name| fs::symlink_metadata(path.join(name)).is_ok_and(|entry| entry.is_dir()))
}

/// The directories in a directory, but not what links lead to.
fn directories(path: &Path) -> io::Result<Vec<std::ffi::OsString>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            names.push(entry.file_name());
        }
        if names.len() > DIRECTORIES_MAX {
            break; // the caller refuses it
        }
    }
    Ok(names)
}

const DIRECTORIES_MAX: usize = 20_000;
const LEVELS_MAX: usize = 50;
const NAME_FILE_MAX: u64 = 4096;

#[cfg(test)]
mod tests {
    use super::*;

    fn names(root: &Path) -> Vec<String> {
        folders(root).unwrap().into_iter().map(|folder| folder.mailbox).collect()
    }

    #[test]
    fn both_layouts_and_their_mixture() {
        let root = tempfile::tempdir().unwrap();
        for folder in [
            "cur",
            "new",
            "tmp",
            ".Sent.2024/cur",
            ".Entw&APw-rfe/new",
            "Lists/rust/cur",
            "Lists/.x.y/cur",
            ".git/objects",
            "R&D/cur",
        ] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
        }
        assert_eq!(names(root.path()), ["Entwürfe", "INBOX", "Lists/rust", "Lists/x/y", "R&D", "Sent/2024"]);
    }

    #[test]
    fn links_are_not_followed_and_odd_names_stay_below() {
        let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir_all(outside.path().join("cur")).unwrap();
        fs::create_dir_all(root.path().join("cur")).unwrap();
        fs::create_dir_all(root.path().join(".&AC4ALg-.&AC8-etc/cur")).unwrap();
        std::os::unix::fs::symlink(outside.path(), root.path().join("link")).unwrap();
        std::os::unix::fs::symlink(outside.path(), root.path().join(".link")).unwrap();
        assert_eq!(names(root.path()), ["../_etc", "INBOX"]);
    }

    #[test]
    fn what_is_no_maildir_says_so() {
        let root = tempfile::tempdir().unwrap();
        assert!(matches!(folders(root.path()), Err(SourceError::NotAMaildir { .. })));
        assert!(matches!(folders(&root.path().join("absent")), Err(SourceError::Read { .. })));
    }

    #[test]
    fn a_cut_name_is_read_from_beside() {
        let root = tempfile::tempdir().unwrap();
        let whole = format!("{}/b", "é".repeat(300));
        let folder = root.path().join(names::folder_of(&whole).unwrap());
        fs::create_dir_all(folder.join("cur")).unwrap();
        fs::write(folder.join(NAME_FILE), &whole).unwrap();
        assert_eq!(names(root.path()), [whole]);
    }
}
