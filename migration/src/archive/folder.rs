//! `folder.json`: a mailbox, readable without essaim. Members are those of the IETF's draft (draft-ietf-mailmaint-pdparchive,
//! schemas/folder-schema.json) and more: `mailboxid`, `uidnext`, `internaldates`, `emailids`, `keywords_left_out`.

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroU32;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::limits::{DEPTH_MAX, MAILBOX_NAME_MAX, MAILBOXES_MAX};
use super::path::Directory;
use super::refusal::Why;

/// A mailbox, or those of its messages that stand in one directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Folder {
    /// The whole path, levels separated by `/`.
    pub name: String,
    /// RFC 8474 section 4.
    pub mailboxid: String,
    /// RFC 9051 section 2.3.1.1.
    pub uidvalidity: NonZeroU32,
    /// The UID that the next message gets.
    pub uidnext: NonZeroU32,
    /// One less.
    pub last_uid: u32,
    /// RFC 7162 section 3.1.2.
    pub highest_modseq: u64,
    /// Whether LSUB shows it.
    pub is_subscribed: bool,
    /// RFC 6154, with its backslash.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub special_use: Option<String>,
    /// The file of each message, in the same directory. In an archive of changes it may stand in an earlier one.
    pub uids: ByUid<String>,
    /// Flags and keywords.
    pub flags: ByUid<Vec<String>>,
    /// RFC 7162.
    pub modseqs: ByUid<u64>,
    /// RFC 9051 section 2.3.3, as RFC 3339 has it, in UTC, with milliseconds.
    pub internaldates: ByUid<String>,
    /// RFC 8474 section 5.1.
    pub emailids: ByUid<String>,
    /// UIDs that went since the archive before.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub removed: Vec<NonZeroU32>,
    /// Messages with more keywords than are listed here. `objects/` has all of them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub keywords_left_out: Vec<NonZeroU32>,
}

/// Something about each of some messages, by ascending UID: in JSON a map with UIDs as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ByUid<T>(pub Vec<(u32, T)>);

impl<T> Default for ByUid<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl Folder {
    /// The bytes of the file.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec(self).expect("text and numbers can be written as JSON");
        text.push(b'\n');
        text
    }

    /// Reads the file and checks that it fits itself and its directory.
    pub(super) fn parse(directory: Directory, bytes: &[u8]) -> Result<Self, String> {
        let folder: Self = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        folder.check(directory)?;
        Ok(folder)
    }

    fn check(&self, directory: Directory) -> Result<(), String> {
        let levels = self.name.split('/');
        if self.name.len() > MAILBOX_NAME_MAX || levels.clone().count() > DEPTH_MAX {
            return Err(format!(
                "its name is longer than {MAILBOX_NAME_MAX} bytes or deeper than {DEPTH_MAX} levels"
            ));
        }
        if self.name.chars().any(char::is_control) || levels.clone().any(str::is_empty) {
            return Err("its name has control characters or empty levels".to_owned());
        }
        if self.mailboxid != format!("m{}", directory.mailbox) {
            return Err("its mailboxid is that of another directory".to_owned());
        }
        if self.uidnext.get() > UIDNEXT_MAX || self.last_uid != self.uidnext.get() - 1 {
            return Err(format!("UIDNEXT {} leaves no UIDs, or is not the one after last_uid", self.uidnext));
        }
        if self.highest_modseq > MOD_SEQ_MAX || self.modseqs.0.iter().any(|(_, at)| *at > self.highest_modseq)
        {
            return Err("a MODSEQ is above the highest".to_owned());
        }
        for (uid, file) in &self.uids.0 {
            if *uid > self.last_uid || !directory.holds(*uid) || *file != format!("{uid}.eml") {
                return Err(format!("message {uid} is above last_uid, or its file stands elsewhere"));
            }
        }
        let uids = || self.uids.0.iter().map(|(uid, _)| *uid);
        let same = uids().eq(self.flags.0.iter().map(|(uid, _)| *uid))
            && uids().eq(self.modseqs.0.iter().map(|(uid, _)| *uid))
            && uids().eq(self.internaldates.0.iter().map(|(uid, _)| *uid))
            && uids().eq(self.emailids.0.iter().map(|(uid, _)| *uid));
        if same { Ok(()) } else { Err("uids, flags, modseqs, internaldates and emailids differ".to_owned()) }
    }
}

/// The mailboxes so far: each has one name, and no two have the same.
#[derive(Debug, Default)]
pub(super) struct FolderNames(HashMap<[u8; 16], u32>);

impl FolderNames {
    pub(super) fn take(&mut self, directory: Directory, name: &str) -> Result<(), Why> {
        let hash = blake3::hash(name.as_bytes());
        let key = hash.as_bytes().first_chunk().copied().unwrap_or_default();
        if self.0.len() >= MAILBOXES_MAX && !self.0.contains_key(&key) {
            return Err(Why::TooManyMailboxes { max: MAILBOXES_MAX });
        }
        match *self.0.entry(key).or_insert(directory.mailbox) == directory.mailbox {
            true => Ok(()),
            false => Err(Why::Json(format!("mailbox {name} is there twice"))),
        }
    }
}

impl<T: Serialize> Serialize for ByUid<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (uid, value) in &self.0 {
            map.serialize_entry(uid, value)?;
        }
        map.end()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for ByUid<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder<T>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>> Visitor<'de> for InOrder<T> {
            type Value = ByUid<T>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a map with ascending UIDs above 0 as keys")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<ByUid<T>, A::Error> {
                let mut all: Vec<(u32, T)> = Vec::new();
                while let Some((uid, value)) = map.next_entry::<NonZeroU32, T>()? {
                    if all.last().is_some_and(|(last, _)| *last >= uid.get()) {
                        return Err(A::Error::custom("UIDs must ascend"));
                    }
                    all.push((uid.get(), value));
                }
                Ok(ByUid(all))
            }
        }

        deserializer.deserialize_map(InOrder(PhantomData))
    }
}

/// Above it a mailbox would soon have no UIDs left: nobody comes there by living.
pub const UIDNEXT_MAX: u32 = 1 << 31;
const MOD_SEQ_MAX: u64 = i64::MAX as u64;

#[cfg(test)]
mod tests {
    use super::*;

    const DIRECTORY: Directory = Directory { mailbox: 7, part: 0 };

    fn folder() -> Folder {
        Folder {
            name: "Archive/2024".to_owned(),
            mailboxid: "m7".to_owned(),
            uidvalidity: NonZeroU32::new(1_107_190_787).unwrap(),
            uidnext: NonZeroU32::new(17).unwrap(),
            last_uid: 16,
            highest_modseq: 99,
            is_subscribed: true,
            special_use: Some("\\Archive".to_owned()),
            uids: ByUid(vec![(3, "3.eml".to_owned()), (15, "15.eml".to_owned())]),
            flags: ByUid(vec![(3, vec!["\\Seen".to_owned()]), (15, vec![])]),
            modseqs: ByUid(vec![(3, 9), (15, 99)]),
            internaldates: ByUid(vec![(3, "2024-01-01T00:00:00.000Z".to_owned()), (15, String::new())]),
            emailids: ByUid(vec![(3, "e".to_owned()), (15, "f".to_owned())]),
            removed: vec![NonZeroU32::MIN],
            keywords_left_out: Vec::new(),
        }
    }

    fn refused(change: impl FnOnce(&mut Folder)) -> bool {
        let mut folder = folder();
        change(&mut folder);
        Folder::parse(DIRECTORY, &folder.encode()).is_err()
    }

    fn refused_text(from: &str, to: &str) -> bool {
        let text = String::from_utf8(folder().encode()).unwrap();
        assert!(text.contains(from));
        Folder::parse(DIRECTORY, text.replace(from, to).as_bytes()).is_err()
    }

    #[test]
    fn a_folder_reads_back() {
        assert_eq!(Folder::parse(DIRECTORY, &folder().encode()), Ok(folder()));
    }

    #[test]
    fn uid_zero_is_refused() {
        assert!(refused_text("\"3\":", "\"0\":"));
        assert!(refused_text("\"removed\":[1]", "\"removed\":[0]"));
    }

    #[test]
    fn uidvalidity_zero_is_refused() {
        assert!(refused_text("1107190787", "0"));
    }

    #[test]
    fn uidnext_without_room_is_refused() {
        assert!(refused(|folder| {
            folder.uidnext = NonZeroU32::MAX;
            folder.last_uid = u32::MAX - 1;
        }));
        assert!(refused_text("\"uidnext\":17,\"last_uid\":16", "\"uidnext\":15,\"last_uid\":14"));
    }

    #[test]
    fn modseq_of_64_bits_is_refused() {
        assert!(refused(|folder| folder.highest_modseq = 1 << 63));
        assert!(refused(|folder| folder.highest_modseq = 98));
    }

    #[test]
    fn duplicate_uids_are_refused() {
        assert!(refused(|folder| folder.uids.0[1] = (3, "3.eml".to_owned())));
        assert!(refused(|folder| {
            folder.flags.0.pop();
        }));
    }

    #[test]
    fn cyclic_parents_cannot_be_said() {
        // A name is the whole path; nothing else names a parent.
        assert!(refused_text("\"mailboxid\"", "\"parent\":\"m7\",\"mailboxid\""));
    }

    #[test]
    fn names_too_deep_too_long_or_empty_are_refused() {
        assert!(refused(|folder| folder.name = vec!["a"; 65].join("/")));
        assert!(refused(|folder| folder.name = "a".repeat(1025)));
        assert!(refused(|folder| folder.name = "a//b".to_owned()));
        assert!(refused(|folder| folder.name = "a\r\nb".to_owned()));
    }

    #[test]
    fn files_elsewhere_are_refused() {
        assert!(refused(|folder| folder.uids.0[0].1 = "../../etc/passwd".to_owned()));
        assert!(refused(|folder| folder.mailboxid = "m8".to_owned()));
    }

    #[test]
    fn two_mailboxes_of_one_name_are_refused() {
        let mut names = FolderNames::default();
        assert_eq!(names.take(DIRECTORY, "a"), Ok(()));
        assert_eq!(names.take(Directory { mailbox: 7, part: 1 }, "a"), Ok(()));
        assert!(names.take(Directory { mailbox: 8, part: 0 }, "a").is_err());
    }
}
