//! Header fields in which programs that keep mail in mbox files note their own state: flags, keywords, numbers. They are read and
//! not kept, because they were never part of the message as it was sent.

use essaim_imap::Keyword;

use crate::record::SystemFlags;

/// What the fields of one message say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct State {
    pub(super) flags: SystemFlags,
    pub(super) keywords: Vec<String>,
    /// A field of a folder's own notes was there.
    has_folder_field: bool,
    has_note_subject: bool,
}

impl State {
    /// Looks at the first line of a field; whether it is a note to be left out, with the lines that continue it.
    pub(super) fn take(&mut self, line: &[u8]) -> bool {
        let line = String::from_utf8_lossy(line);
        let Some((name, value)) = line.split_once(':') else { return false };
        match name.trim_end().to_ascii_lowercase().as_str() {
            // "R": read. "O": not new in this session, which nobody needs.
            "status" => self.set(value, &[('R', SystemFlags::SEEN)]),
            "x-status" => self.set(value, X_STATUS),
            "x-keywords" | "x-mozilla-keys" => {
                self.keywords.extend(value.split_whitespace().filter_map(checked))
            }
            "x-mozilla-status" => self.take_mozilla(value),
            "x-imap" | "x-imapbase" => self.has_folder_field = true,
            "x-uid" | "x-mozilla-status2" | "content-length" => {}
            "subject" => {
                self.has_note_subject |= value.contains("FOLDER INTERNAL DATA");
                return false;
            }
            _ => return false,
        }
        true
    }

    /// Whether this is the note that UW-IMAP and pine keep as the first message.
    pub(super) fn is_folder_note(&self) -> bool {
        self.has_folder_field && self.has_note_subject
    }

    fn set(&mut self, value: &str, letters: &[(char, SystemFlags)]) {
        for (_, flag) in letters.iter().filter(|(letter, _)| value.contains(*letter)) {
            self.flags = self.flags.with(*flag);
        }
    }

    /// Four hexadecimal digits: nsMsgMessageFlags.
    fn take_mozilla(&mut self, value: &str) {
        let bits = u32::from_str_radix(value.trim(), 16).unwrap_or(0);
        for (bit, flag) in MOZILLA {
            if bits & bit != 0 {
                self.flags = self.flags.with(*flag);
            }
        }
        if bits & MOZILLA_FORWARDED != 0 {
            self.keywords.push("$Forwarded".to_owned());
        }
    }
}

fn checked(keyword: &str) -> Option<String> {
    Keyword::try_from(keyword).ok().map(|keyword| keyword.as_str().to_owned())
}

const X_STATUS: &[(char, SystemFlags)] = &[
    ('A', SystemFlags::ANSWERED),
    ('F', SystemFlags::FLAGGED),
    ('D', SystemFlags::DELETED),
    ('T', SystemFlags::DRAFT),
];

/// "Expunged" is a message that waits for the folder to be compacted: its member has deleted it.
const MOZILLA: &[(u32, SystemFlags)] = &[
    (0x0001, SystemFlags::SEEN),
    (0x0002, SystemFlags::ANSWERED),
    (0x0004, SystemFlags::FLAGGED),
    (0x0008, SystemFlags::DELETED),
];
const MOZILLA_FORWARDED: u32 = 0x1000;

#[cfg(test)]
mod tests {
    use super::*;

    fn state(lines: &[&str]) -> (State, Vec<bool>) {
        let mut state = State::default();
        let dropped = lines.iter().map(|line| state.take(line.as_bytes())).collect();
        (state, dropped)
    }

    #[test]
    fn flags_and_keywords() {
        let (read, dropped) = state(&[
            "Status: RO",
            "X-Status: AF",
            "X-Keywords:  $Junk   bad(key  work",
            "Subject: x",
            "X-Mozilla-Status: 1008",
        ]);
        let flags = SystemFlags::SEEN
            .with(SystemFlags::ANSWERED)
            .with(SystemFlags::FLAGGED)
            .with(SystemFlags::DELETED);
        assert_eq!(
            (read.flags, read.keywords),
            (flags, ["$Junk", "work", "$Forwarded"].map(String::from).to_vec())
        );
        assert_eq!(dropped, [true, true, true, false, true]);
        assert_eq!(state(&["Status: O", "X-Mozilla-Status: zz", "no field"]).0.flags, SystemFlags::default());
    }

    #[test]
    fn pines_note_to_itself_is_known() {
        let subject = "Subject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA";
        assert!(state(&[subject, "X-IMAP: 1 2"]).0.is_folder_note());
        assert!(!state(&[subject]).0.is_folder_note());
        assert!(!state(&["X-IMAPbase: 1 2"]).0.is_folder_note());
    }
}
