//! Names in an archive: what they may be, and that none comes twice.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::str::FromStr;

use unicode_normalization::{UnicodeNormalization, is_nfc};

use super::limits::{
    DEPTH_MAX, MAILBOXES_MAX, NAME_MAX, NAMES_MAX, PATH_MAX, SMALL_FILE_MAX, UIDS_PER_DIRECTORY,
};
use super::limits::{FOLDER_FILE_MAX, LOG_ENTRY_MAX, OBJECT_MAX, PAGE_MAX, PIECE_MAX};
use super::refusal::Why;

/// A file of an archive, by its name. Only names that an archive may have become one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Path {
    /// `archive.json`: which archive this is.
    About,
    /// `LOSSES.md`: what is not inside, for a person.
    Losses,
    /// `settings.json`: the member's settings, readable.
    Settings,
    /// `log/000001.cbor`: entries of the account log.
    Log(u32),
    /// `objects/000001.cbor`: objects verbatim.
    Page(u32),
    /// `mail/7/folder.json`, or `mail/7.2/folder.json` of the UIDs from 32,768 on.
    Folder(Directory),
    /// `mail/7/12.eml`.
    Mail(Directory, u32),
    /// `blobs/000001/0.bin`: content of object 0 of page 1, which has no file of its own elsewhere.
    Blobs(u32, u32),
    /// `contacts/..`, `calendars/..`, `files/..`, `sieve/..`, `keys/..`: content with names that people gave.
    Named(String),
    /// `manifest/000001.jsonl`: what stands in segment 1.
    Manifest(u32),
    /// `manifest.sig`: the seal.
    Seal,
}

/// Where some messages of a mailbox stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Directory {
    /// The number of the mailbox.
    pub mailbox: u32,
    /// Which of its directories, from 0.
    pub part: u32,
}

/// A name that an archive may not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PathFault {
    /// Not in UTF-8.
    #[error("its name is not UTF-8")]
    NotText,
    /// Begins with `/`, a drive or a backslash.
    #[error("its name begins at the root of a disk")]
    Absolute,
    /// `..`, `.` or nothing between two slashes.
    #[error("its name leads out of its directory")]
    Traversal,
    /// A control character, a backslash, or letters that are not in NFC.
    #[error("its name has characters that are not the same everywhere")]
    Characters,
    /// More than `NAME_MAX` in a name or `PATH_MAX` in all.
    #[error("its name is too long")]
    TooLong,
    /// More than `DEPTH_MAX` names.
    #[error("it stands too deep")]
    TooDeep,
    /// None of the places of an archive, or a number not in its one spelling.
    #[error("nothing in an archive has such a name")]
    Unknown,
}

impl Directory {
    /// Where a message stands.
    pub fn of(mailbox: u32, uid: u32) -> Self {
        Self { mailbox, part: uid / UIDS_PER_DIRECTORY }
    }

    /// Whether a message with this UID stands here.
    pub fn holds(self, uid: u32) -> bool {
        uid != 0 && uid / UIDS_PER_DIRECTORY == self.part
    }
}

impl Path {
    /// The file of a message.
    pub fn mail(mailbox: u32, uid: u32) -> Self {
        Self::Mail(Directory::of(mailbox, uid), uid)
    }

    /// Whether its bytes are those of an object of the page before it.
    pub fn is_content(&self) -> bool {
        matches!(self, Self::Mail(..) | Self::Blobs(..) | Self::Named(_))
    }

    /// What the manifest calls it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::About => "about",
            Self::Losses => "losses",
            Self::Settings => "settings",
            Self::Log(_) => "log",
            Self::Page(_) => "objects",
            Self::Folder(_) => "folder",
            Self::Mail(..) => "mail",
            Self::Blobs(..) => "blobs",
            Self::Named(name) => match name.split('/').next() {
                Some("contacts") => "contact",
                Some("calendars") => "calendar",
                Some("sieve") => "filter",
                Some("keys") => "key",
                _ => "file",
            },
            Self::Manifest(_) => "manifest",
            Self::Seal => "seal",
        }
    }

    /// How long such a file may be.
    pub fn size_max(&self) -> u64 {
        match self {
            Self::About | Self::Losses | Self::Settings | Self::Seal => SMALL_FILE_MAX,
            Self::Log(_) => LOG_ENTRY_MAX,
            Self::Page(_) => PAGE_MAX as u64,
            Self::Manifest(_) => PIECE_MAX as u64,
            Self::Folder(_) => FOLDER_FILE_MAX,
            Self::Mail(..) | Self::Blobs(..) | Self::Named(_) => OBJECT_MAX,
        }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::About => f.write_str("archive.json"),
            Self::Losses => f.write_str("LOSSES.md"),
            Self::Settings => f.write_str("settings.json"),
            Self::Log(number) => write!(f, "log/{number:06}.cbor"),
            Self::Page(number) => write!(f, "objects/{number:06}.cbor"),
            Self::Folder(directory) => write!(f, "mail/{directory}/folder.json"),
            Self::Mail(directory, uid) => write!(f, "mail/{directory}/{uid}.eml"),
            Self::Blobs(page, object) => write!(f, "blobs/{page:06}/{object}.bin"),
            Self::Named(name) => f.write_str(name),
            Self::Manifest(number) => write!(f, "manifest/{number:06}.jsonl"),
            Self::Seal => f.write_str("manifest.sig"),
        }
    }
}

impl fmt::Display for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.part {
            0 => write!(f, "{}", self.mailbox),
            part => write!(f, "{}.{part}", self.mailbox),
        }
    }
}

impl FromStr for Path {
    type Err = PathFault;

    fn from_str(text: &str) -> Result<Self, PathFault> {
        check(text)?;
        let path = place(text).ok_or(PathFault::Unknown)?;
        // One spelling for each: no leading zeros, no plus sign, no message outside of its directory.
        if path.to_string() == text { Ok(path) } else { Err(PathFault::Unknown) }
    }
}

impl TryFrom<&[u8]> for Path {
    type Error = PathFault;

    fn try_from(bytes: &[u8]) -> Result<Self, PathFault> {
        std::str::from_utf8(bytes).map_err(|_| PathFault::NotText)?.parse()
    }
}

/// What holds for every name, wherever it is unpacked.
fn check(text: &str) -> Result<(), PathFault> {
    if text.len() > PATH_MAX {
        return Err(PathFault::TooLong);
    }
    let drive = matches!(text.as_bytes(), [letter, b':', ..] if letter.is_ascii_alphabetic());
    if text.starts_with(['/', '\\']) || drive {
        return Err(PathFault::Absolute);
    }
    if text.chars().any(|c| c.is_control() || c == '\\') || !is_nfc(text) {
        return Err(PathFault::Characters);
    }
    for (depth, name) in text.split('/').enumerate() {
        if depth >= DEPTH_MAX {
            return Err(PathFault::TooDeep);
        }
        if matches!(name, "" | "." | "..") {
            return Err(PathFault::Traversal);
        }
        if name.len() > NAME_MAX {
            return Err(PathFault::TooLong);
        }
    }
    Ok(())
}

fn place(text: &str) -> Option<Path> {
    let number = |text: &str, end: &str| text.strip_suffix(end)?.parse().ok();
    let mut names = text.splitn(3, '/');
    let place = (names.next()?, names.next(), names.next());
    Some(match place {
        ("archive.json", None, _) => Path::About,
        ("LOSSES.md", None, _) => Path::Losses,
        ("settings.json", None, _) => Path::Settings,
        ("manifest.sig", None, _) => Path::Seal,
        ("log", Some(name), None) => Path::Log(number(name, ".cbor")?),
        ("objects", Some(name), None) => Path::Page(number(name, ".cbor")?),
        ("manifest", Some(name), None) => Path::Manifest(number(name, ".jsonl")?),
        ("blobs", Some(page), Some(name)) => Path::Blobs(page.parse().ok()?, number(name, ".bin")?),
        ("mail", Some(name), Some("folder.json")) => Path::Folder(directory(name)?),
        ("mail", Some(name), Some(file)) => {
            let (directory, uid) = (directory(name)?, number(file, ".eml")?);
            directory.holds(uid).then_some(Path::Mail(directory, uid))?
        }
        ("contacts" | "calendars" | "files" | "sieve" | "keys", Some(_), _) => Path::Named(text.to_owned()),
        _ => return None,
    })
}

fn directory(name: &str) -> Option<Directory> {
    let (mailbox, part) = name.split_once('.').unwrap_or((name, "0"));
    Some(Directory { mailbox: mailbox.parse().ok()?, part: part.parse().ok()? })
}

/// The names so far: none comes twice, in any spelling that some file system takes for the same.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// The highest UID of each mailbox.
    uids: HashMap<u32, u32>,
    last_folder: Option<Directory>,
    /// Hashes of the folded names of [`Path::Named`].
    named: HashSet<[u8; 16]>,
}

impl Names {
    /// A file of content or a folder comes. All others are counted up by whoever reads.
    pub(super) fn take(&mut self, path: &Path) -> Result<(), Why> {
        match path {
            Path::Mail(directory, uid) => self.take_mail(directory.mailbox, *uid),
            Path::Folder(directory) => match self.last_folder.replace(*directory) {
                Some(last) if last >= *directory => Err(Why::Duplicate),
                _ => Ok(()),
            },
            Path::Named(name) => self.take_named(name),
            _ => Ok(()),
        }
    }

    fn take_mail(&mut self, mailbox: u32, uid: u32) -> Result<(), Why> {
        if let Some(last) = self.uids.get_mut(&mailbox) {
            if *last >= uid {
                return Err(Why::UidOrder { last: *last });
            }
            *last = uid;
            return Ok(());
        }
        if self.uids.len() >= MAILBOXES_MAX {
            return Err(Why::TooManyMailboxes { max: MAILBOXES_MAX });
        }
        self.uids.insert(mailbox, uid);
        Ok(())
    }

    fn take_named(&mut self, name: &str) -> Result<(), Why> {
        if self.named.len() >= NAMES_MAX {
            return Err(Why::TooManyNames { max: NAMES_MAX });
        }
        let hash = blake3::hash(fold(name).as_bytes());
        let short = hash.as_bytes().first_chunk().copied().unwrap_or_default();
        if self.named.insert(short) { Ok(()) } else { Err(Why::Duplicate) }
    }
}

/// As file systems compare that know no case.
fn fold(name: &str) -> String {
    name.chars().flat_map(char::to_lowercase).nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_reads_back() {
        for path in [
            Path::About,
            Path::Losses,
            Path::Settings,
            Path::Log(1),
            Path::Page(1_000_000),
            Path::Folder(Directory { mailbox: 7, part: 0 }),
            Path::mail(7, 1),
            Path::mail(u32::MAX, u32::MAX),
            Path::Blobs(1, 65_535),
            Path::Named("files/été/a.txt".to_owned()),
            Path::Manifest(3),
            Path::Seal,
        ] {
            assert_eq!(path.to_string().parse(), Ok(path.clone()), "{path}");
            assert!(path.to_string().len() <= 100 || matches!(path, Path::Named(_)));
        }
        assert_eq!(Path::mail(7, 16_384).to_string(), "mail/7.1/16384.eml");
    }

    #[test]
    fn traversal_names_are_refused() {
        for name in ["files/../x", "../x", "files//x", "files/./x", "files/x/", "mail/../archive.json"] {
            assert_eq!(name.parse::<Path>(), Err(PathFault::Traversal), "{name}");
        }
    }

    #[test]
    fn absolute_names_are_refused() {
        for name in ["/etc/passwd", "\\\\host\\share", "C:/x", "c:x"] {
            assert_eq!(name.parse::<Path>(), Err(PathFault::Absolute), "{name}");
        }
    }

    #[test]
    fn names_that_are_not_the_same_everywhere_are_refused() {
        for name in ["files/a\\b", "files/a\nb", "files/a\0b", "files/e\u{301}"] {
            assert_eq!(name.parse::<Path>(), Err(PathFault::Characters), "{name:?}");
        }
        assert_eq!(Path::try_from(&b"files/\xff"[..]), Err(PathFault::NotText));
    }

    #[test]
    fn a_path_that_is_too_deep_or_too_long_is_refused() {
        assert_eq!(format!("files{}", "/a".repeat(64)).parse::<Path>(), Err(PathFault::TooDeep));
        assert_eq!(format!("files/{}", "a".repeat(300)).parse::<Path>(), Err(PathFault::TooLong));
    }

    #[test]
    fn a_number_has_one_spelling() {
        for name in ["mail/7/012.eml", "mail/7.0/1.eml", "mail/+7/1.eml", "mail/7/0.eml", "mail/7/16384.eml"]
        {
            assert_eq!(name.parse::<Path>(), Err(PathFault::Unknown), "{name}");
        }
        for name in
            ["objects/1.cbor", "etc/passwd", "mail/7", "files", "mail/7/x/folder.json", "log/000001.cbor/x"]
        {
            assert_eq!(name.parse::<Path>(), Err(PathFault::Unknown), "{name}");
        }
    }

    #[test]
    fn duplicate_names_are_refused_in_any_case() {
        let mut names = Names::default();
        let mut take = |name: &str| names.take(&name.parse().unwrap());
        assert_eq!(take("files/\u{c9}t\u{e9}"), Ok(()));
        assert_eq!(take("files/\u{e9}T\u{c9}"), Err(Why::Duplicate));
        assert_eq!(take("files/autre"), Ok(()));
        assert_eq!(take("mail/1/5.eml"), Ok(()));
        assert_eq!(take("mail/1/5.eml"), Err(Why::UidOrder { last: 5 }));
        assert_eq!(take("mail/1/4.eml"), Err(Why::UidOrder { last: 5 }));
        assert_eq!(take("mail/2/4.eml"), Ok(()));
    }

    #[test]
    fn a_million_mailboxes_are_refused() {
        let mut names = Names::default();
        let outcomes = (1..=1_000_000).map(|mailbox| names.take(&Path::mail(mailbox, 1)));
        let first = outcomes.enumerate().find(|(_, outcome)| outcome.is_err()).unwrap();
        assert_eq!(first, (MAILBOXES_MAX, Err(Why::TooManyMailboxes { max: MAILBOXES_MAX })));
    }
}
