//! Mailbox names as folder names of Maildir++, and back.

use std::fmt::Write;

use super::utf7;

/// The folder of a mailbox below the root of a Maildir++; `None` for INBOX, which is the root itself.
///
/// `Sent/2024` is `.Sent.2024`. Dots, slashes and what is not printable ASCII are encoded, so no name leads out of the root. A name
/// too long for a file name is cut and marked with a hash of the whole; see [`is_cut`].
pub(super) fn folder_of(mailbox: &str) -> Option<String> {
    if mailbox == INBOX {
        return None;
    }
    let mut folder = String::new();
    for level in mailbox.split('/') {
        folder.push('.');
        folder.push_str(&utf7::encode(level, |c| matches!(c, '.' | '/')));
    }
    if folder.len() > FOLDER_MAX {
        folder.truncate(FOLDER_MAX - MARK_LEN);
        write!(
            folder,
            "{MARK}{}",
            blake3::hash(mailbox.as_bytes()).to_hex().get(..MARK_HEX).unwrap_or_default()
        )
        .expect("writing to a String cannot fail");
    }
    Some(folder)
}

/// Whether the folder's name does not tell the whole name of the mailbox, so that it has to be written beside.
pub(super) fn is_cut(folder: &str) -> bool {
    folder.len() == FOLDER_MAX
}

/// The mailbox of a folder `.Sent.2024`.
pub(super) fn mailbox_of_folder(folder: &str) -> String {
    let levels = folder.strip_prefix('.').unwrap_or(folder).split('.');
    join(levels)
}

/// The mailbox of a folder that is a directory in directories.
pub(super) fn mailbox_of_path<'a>(levels: impl Iterator<Item = &'a str>) -> String {
    join(levels)
}

/// Decodes each level and makes it one that a mailbox can have.
fn join<'a>(levels: impl Iterator<Item = &'a str>) -> String {
    let mut name = String::new();
    for level in levels.filter(|level| !level.is_empty()) {
        if !name.is_empty() {
            name.push('/');
        }
        name.extend(utf7::decode(level).chars().map(allowed));
    }
    if name.is_empty() { INBOX.to_owned() } else { name }
}

/// What IMAP gives a meaning, or no name can hold, becomes an underscore.
fn allowed(c: char) -> char {
    if c.is_control() || matches!(c, '/' | '*' | '%' | '\u{2028}' | '\u{2029}') { '_' } else { c }
}

const INBOX: &str = "INBOX";
/// Most file systems take 255 bytes.
const FOLDER_MAX: usize = 240;
const MARK: char = '~';
const MARK_HEX: usize = 16;
const MARK_LEN: usize = 1 + MARK_HEX;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn folders_of_maildir_plus_plus() {
        for (mailbox, folder) in [
            ("Sent", ".Sent"),
            ("Sent/2024", ".Sent.2024"),
            ("INBOX/Lists", ".INBOX.Lists"),
            ("v1.2", ".v1&AC4-2"),
            ("Entwürfe", ".Entw&APw-rfe"),
            ("..", ".&AC4ALg-"),
            ("R&D", ".R&-D"),
        ] {
            assert_eq!(folder_of(mailbox).as_deref(), Some(folder));
            assert_eq!(mailbox_of_folder(folder), mailbox);
        }
        assert_eq!(folder_of("INBOX"), None);
    }

    #[test]
    fn what_no_mailbox_may_hold_is_replaced() {
        assert_eq!(mailbox_of_folder(".a&AC8-b*c%"), "a_b_c_");
        assert_eq!(mailbox_of_folder(".a..b."), "a/b");
        assert_eq!(mailbox_of_path(["2024", "v1.2", "é"].into_iter()), "2024/v1.2/é");
    }

    #[test]
    fn a_long_name_is_cut_and_stays_its_own() {
        let (a, b) = (format!("{}/a", "é".repeat(300)), format!("{}/b", "é".repeat(300)));
        let folders = [&a, &b].map(|name| folder_of(name).unwrap());
        assert_ne!(folders[0], folders[1]);
        assert!(folders.iter().all(|folder| folder.len() == FOLDER_MAX && is_cut(folder)));
        assert!(!is_cut(&folder_of("Sent").unwrap()));
    }

    proptest! {
        #[test]
        fn every_mailbox_name_comes_back(levels in prop::collection::vec("[^/*%\\p{C}\\p{Zl}\\p{Zp}]{1,12}", 1..5)) {
            let name = levels.join("/");
            prop_assume!(!name.eq_ignore_ascii_case("inbox"));
            let folder = folder_of(&name).unwrap();
            prop_assert!(folder.starts_with('.') && !folder.contains(['/', '\0']) && folder != ".." && folder.len() <= FOLDER_MAX);
            if !is_cut(&folder) {
                prop_assert_eq!(mailbox_of_folder(&folder), name);
            }
        }
    }
}
