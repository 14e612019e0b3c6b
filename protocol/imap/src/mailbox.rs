//! Names of mailboxes: RFC 9051 section 5.1.

use std::fmt;

use unicode_normalization::{IsNormalized, UnicodeNormalization, is_nfc_quick};

use crate::utf7;

/// What stands between the levels of a name.
pub const HIERARCHY_SEPARATOR: char = '/';

/// The name of a mailbox that exists or could be made, in UTF-8, levels separated by `/`.
///
/// Names that look alike are alike: RFC 5198 Net-Unicode wants NFC, so other spellings of the same characters become that.
/// `INBOX` in any case, alone or as the first level, is `INBOX`; every other name is taken as it is.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MailboxName(Box<str>);

/// Why no mailbox can have this name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidMailboxName {
    /// Nothing at all.
    #[error("a mailbox name is not empty")]
    Empty,
    /// More than [`MailboxName::LEN_MAX`] bytes.
    #[error("a mailbox name has at most {} bytes", MailboxName::LEN_MAX)]
    TooLong,
    /// More than [`MailboxName::DEPTH_MAX`] levels.
    #[error("a mailbox name has at most {} levels", MailboxName::DEPTH_MAX)]
    TooDeep,
    /// `/a`, `a/`, `a//b`.
    #[error("no level of a mailbox name is empty")]
    EmptyLevel,
    /// A control character, or `*` or `%`, which LIST could not tell from a wildcard.
    #[error("a mailbox name has no control characters and no * or %")]
    Character,
    /// Not UTF-8, or (before UTF-8 is enabled) not modified UTF-7.
    #[error("the mailbox name is not well-formed {0}")]
    Encoding(&'static str),
}

impl MailboxName {
    /// The longest name, in bytes of UTF-8.
    pub const LEN_MAX: usize = 1000;
    /// The most levels of a name.
    pub const DEPTH_MAX: usize = 32;

    /// The one mailbox that every account has.
    pub fn inbox() -> Self {
        Self(INBOX.into())
    }

    /// Checks a name in UTF-8.
    pub fn new(name: &str) -> Result<Self, InvalidMailboxName> {
        let mut levels = name.split(HIERARCHY_SEPARATOR);
        if name.is_empty() {
            return Err(InvalidMailboxName::Empty);
        }
        if name.len() > Self::LEN_MAX {
            return Err(InvalidMailboxName::TooLong);
        }
        if levels.clone().count() > Self::DEPTH_MAX {
            return Err(InvalidMailboxName::TooDeep);
        }
        if levels.any(str::is_empty) {
            return Err(InvalidMailboxName::EmptyLevel);
        }
        if name.chars().any(|c| c.is_control() || matches!(c, '*' | '%' | '\u{2028}' | '\u{2029}')) {
            return Err(InvalidMailboxName::Character);
        }
        let name = fold(name);
        if name.len() > Self::LEN_MAX {
            return Err(InvalidMailboxName::TooLong);
        }
        Ok(Self(name.into()))
    }

    /// Checks a name in modified UTF-7, as it travels before UTF-8 is enabled.
    pub fn from_utf7(bytes: &[u8]) -> Result<Self, InvalidMailboxName> {
        let name = utf7::decode(bytes).ok_or(InvalidMailboxName::Encoding("modified UTF-7"))?;
        Self::new(&name)
    }

    /// In UTF-8.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// In modified UTF-7.
    pub fn to_utf7(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.0.len());
        utf7::encode(&self.0, &mut out);
        out
    }

    /// Is it `INBOX` itself?
    pub fn is_inbox(&self) -> bool {
        &*self.0 == INBOX
    }

    /// The name one level up; `None` at the top.
    pub fn parent(&self) -> Option<Self> {
        self.0.rsplit_once(HIERARCHY_SEPARATOR).map(|(parent, _)| Self(parent.into()))
    }

    /// Every name above this one, nearest first.
    pub fn ancestors(&self) -> impl Iterator<Item = Self> {
        std::iter::successors(self.parent(), Self::parent)
    }

    /// Is this name somewhere below `other`?
    pub fn is_below(&self, other: &Self) -> bool {
        self.0.strip_prefix(&*other.0).is_some_and(|rest| rest.starts_with(HIERARCHY_SEPARATOR))
    }

    /// The same name after the rename of `from` to `to`: itself if it is neither `from` nor below it.
    pub fn renamed(&self, from: &Self, to: &Self) -> Result<Self, InvalidMailboxName> {
        if self != from && !self.is_below(from) {
            return Ok(self.clone());
        }
        let rest = self.0.get(from.0.len()..).unwrap_or_default();
        Self::new(&format!("{}{rest}", to.0))
    }
}

/// The name, or pattern, in NFC, with a first level of `inbox` in capitals.
pub(crate) fn fold(name: &str) -> String {
    if is_nfc_quick(name.chars()) == IsNormalized::Yes {
        return fold_inbox(name);
    }
    fold_inbox(&name.nfc().collect::<String>())
}

fn fold_inbox(name: &str) -> String {
    let first = name.split(HIERARCHY_SEPARATOR).next().unwrap_or(name);
    if !first.eq_ignore_ascii_case(INBOX) {
        return name.to_owned();
    }
    let rest = name.get(first.len()..).unwrap_or_default();
    format!("{INBOX}{rest}")
}

impl fmt::Display for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for MailboxName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MailboxName({:?})", self.0)
    }
}

const INBOX: &str = "INBOX";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inbox_has_no_case_and_other_names_do() {
        assert!(MailboxName::new("iNbOx").unwrap().is_inbox());
        assert_eq!(MailboxName::new("inbox/Sub").unwrap().as_str(), "INBOX/Sub");
        assert_eq!(MailboxName::new("Inboxes").unwrap().as_str(), "Inboxes");
        assert_ne!(MailboxName::new("a").unwrap(), MailboxName::new("A").unwrap());
    }

    #[test]
    fn names_that_look_alike_are_alike() {
        assert_eq!(MailboxName::new("e\u{301}te\u{301}").unwrap().as_str(), "été");
        assert_eq!(MailboxName::from_utf7(b"e&AwE-").unwrap(), MailboxName::new("é").unwrap());
        // Some characters are longer in NFC.
        assert_eq!(MailboxName::new(&"\u{fb2c}".repeat(333)), Err(InvalidMailboxName::TooLong));
    }

    #[test]
    fn names_that_no_mailbox_has() {
        use InvalidMailboxName as Invalid;
        for (name, why) in [
            ("", Invalid::Empty),
            ("/a", Invalid::EmptyLevel),
            ("a/", Invalid::EmptyLevel),
            ("a//b", Invalid::EmptyLevel),
            ("a*", Invalid::Character),
            ("a\nb", Invalid::Character),
            (&"x".repeat(1001), Invalid::TooLong),
            (&["x"; 33].join("/"), Invalid::TooDeep),
        ] {
            assert_eq!(MailboxName::new(name), Err(why), "{name:?}");
        }
        assert_eq!(MailboxName::from_utf7("é".as_bytes()), Err(Invalid::Encoding("modified UTF-7")));
    }

    #[test]
    fn children_follow_a_rename() {
        let name = |text| MailboxName::new(text).unwrap();
        assert_eq!(name("a/b/c").renamed(&name("a/b"), &name("z")), Ok(name("z/c")));
        assert_eq!(name("a/bc").renamed(&name("a/b"), &name("z")), Ok(name("a/bc")));
        assert!(name("a/b").is_below(&name("a")) && !name("ab").is_below(&name("a")));
        assert_eq!(name("a/b/c").ancestors().collect::<Vec<_>>(), [name("a/b"), name("a")]);
    }
}
