//! Keywords in a Maildir. File names have 26 letters for them; `dovecot-keywords` says which letter is which. What has no letter
//! goes to `essaim-keywords`, one line for each message that has such: the unique part of its file name, a tab, the keywords.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use essaim_imap::Keyword;

/// The keywords of one folder, while it is read.
#[derive(Debug, Default)]
pub(in crate::transfer) struct Keywords {
    by_letter: Vec<Option<String>>,
    others: HashMap<Box<str>, Vec<String>>,
}

impl Keywords {
    /// Reads both files of a folder; what is absent or not understood is empty.
    pub(in crate::transfer) fn read(folder: &Path) -> io::Result<Self> {
        let mut keywords = Self { by_letter: vec![None; LETTERS], others: HashMap::new() };
        for line in lines(&folder.join(DOVECOT_FILE))? {
            if let Some((number, keyword)) = line?.split_once(' ')
                && let Some(slot) = number.parse::<usize>().ok().and_then(|at| keywords.by_letter.get_mut(at))
            {
                *slot = checked(keyword);
            }
        }
        for line in lines(&folder.join(OTHERS_FILE))? {
            if let Some((unique, list)) = line?.split_once('\t') {
                let list = list.split(' ').filter_map(checked).take(PER_MESSAGE_MAX).collect();
                keywords.others.insert(unique.into(), list);
            }
        }
        Ok(keywords)
    }

    /// The keywords of one message.
    pub(in crate::transfer) fn of(&self, unique: &str, passed: bool, letters: u32) -> Vec<String> {
        let by_letter = self.by_letter.iter().enumerate().filter(|(at, _)| letters & (1 << at) != 0);
        let by_letter = by_letter.filter_map(|(_, keyword)| keyword.clone());
        let others = self.others.get(unique).into_iter().flatten().cloned();
        let mut all: Vec<_> = by_letter.chain(others).chain(passed.then(|| FORWARDED.to_owned())).collect();
        all.sort_unstable_by_key(|keyword| keyword.to_ascii_lowercase());
        all.dedup_by(|a, b| a.eq_ignore_ascii_case(b));
        all
    }
}

/// The keywords of one folder, while it is written.
#[derive(Debug, Default)]
pub(in crate::transfer) struct Letters {
    known: Vec<String>,
}

/// How a message's keywords are written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::transfer) struct Written {
    pub(in crate::transfer) passed: bool,
    pub(in crate::transfer) letters: u32,
    /// For the file beside.
    pub(in crate::transfer) others: Vec<String>,
}

impl Letters {
    /// Letters for a message's keywords; new keywords get the next free letter.
    pub(in crate::transfer) fn write(&mut self, keywords: &[String]) -> Written {
        let mut written = Written::default();
        for keyword in keywords {
            if keyword.eq_ignore_ascii_case(FORWARDED) {
                written.passed = true;
                continue;
            }
            let known = self.known.iter().position(|known| known.eq_ignore_ascii_case(keyword));
            let at = known.unwrap_or_else(|| {
                if self.known.len() < LETTERS {
                    self.known.push(keyword.clone());
                }
                self.known.len() - 1
            });
            match self.known.get(at) {
                Some(known) if known.eq_ignore_ascii_case(keyword) => written.letters |= 1 << at,
                _ => written.others.push(keyword.clone()),
            }
        }
        written
    }

    /// The content of `dovecot-keywords`; `None` if no letter was given.
    pub(in crate::transfer) fn file(&self) -> Option<String> {
        let lines = self.known.iter().enumerate().map(|(at, keyword)| format!("{at} {keyword}\n"));
        (!self.known.is_empty()).then(|| lines.collect())
    }
}

/// What `dovecot-keywords` is called.
pub(in crate::transfer) const DOVECOT_FILE: &str = "dovecot-keywords";
/// The keywords that have no letter.
pub(in crate::transfer) const OTHERS_FILE: &str = "essaim-keywords";

fn checked(keyword: &str) -> Option<String> {
    Keyword::try_from(keyword.trim()).ok().map(|keyword| keyword.as_str().to_owned())
}

/// The lines of a file of which at most [`FILE_MAX`] bytes are read; none if it is not there or not a plain file.
fn lines(path: &Path) -> io::Result<impl Iterator<Item = io::Result<String>>> {
    let file = match std::fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_file() => Some(File::open(path)?),
        Ok(_) => None,
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let reader = file.map(|file| BufReader::new(file.take(FILE_MAX)).split(b'\n'));
    let text = |line: io::Result<Vec<u8>>| line.map(|line| String::from_utf8_lossy(&line).into_owned());
    Ok(reader.into_iter().flatten().map(text))
}

const FORWARDED: &str = "$Forwarded";
const LETTERS: usize = 26;
const FILE_MAX: u64 = 16 << 20;
const PER_MESSAGE_MAX: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dovecots_file_gives_letters_a_meaning() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(DOVECOT_FILE), "0 $Junk\n1 a b\n2 Work\r\n99 far\nnonsense\n")
            .unwrap();
        let keywords = Keywords::read(folder.path()).unwrap();
        assert_eq!(keywords.of("1", true, 0b111), ["$Forwarded", "$Junk", "Work"]);
        assert!(Keywords::read(Path::new("/nonexistent")).unwrap().of("1", false, 1).is_empty());
    }

    #[test]
    fn more_keywords_than_letters_go_beside() {
        let folder = tempfile::tempdir().unwrap();
        let all: Vec<String> = (0..30).map(|n| format!("keyword{n:02}")).collect();
        let mut letters = Letters::default();
        assert_eq!(letters.write(&["$forwarded".to_owned()]), Written { passed: true, ..Written::default() });
        let written = letters.write(&all);
        assert_eq!((written.letters, written.others.len()), ((1 << 26) - 1, 4));
        assert_eq!(letters.write(&all), written);
        std::fs::write(folder.path().join(DOVECOT_FILE), letters.file().unwrap()).unwrap();
        std::fs::write(folder.path().join(OTHERS_FILE), format!("7.x\t{}\n", written.others.join(" ")))
            .unwrap();
        let keywords = Keywords::read(folder.path()).unwrap();
        assert_eq!(keywords.of("7.x", false, written.letters), all);
    }
}
