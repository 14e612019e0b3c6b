//! File names of messages in a Maildir: `unique:2,FLAGS`. <https://cr.yp.to/proto/maildir.html>, and Dovecot's keywords.

use crate::record::SystemFlags;

/// What a file name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::transfer) struct FileName<'a> {
    /// What stays the same when flags change.
    pub(in crate::transfer) unique: &'a str,
    pub(in crate::transfer) flags: SystemFlags,
    /// `P`: passed, that is resent, forwarded or bounced.
    pub(in crate::transfer) passed: bool,
    /// `a` to `z`, one bit each: keywords by their number in `dovecot-keywords`.
    pub(in crate::transfer) keywords: u32,
}

impl<'a> FileName<'a> {
    /// Reads any file name; one without flags has none. Where a colon is not allowed, programs write `;` or `!`.
    pub(in crate::transfer) fn parse(name: &'a str) -> Self {
        let at = name
            .rfind([':', ';', '!'])
            .filter(|at| name.get(at + 1..).is_some_and(|info| info.starts_with("2,")));
        let (unique, info) = at.and_then(|at| name.split_at_checked(at)).unwrap_or((name, ""));
        let mut parsed = Self { unique, flags: SystemFlags::default(), passed: false, keywords: 0 };
        for letter in info.bytes().skip(":2,".len()) {
            match letter {
                b'P' => parsed.passed = true,
                b'a'..=b'z' => parsed.keywords |= 1 << (letter - b'a'),
                _ => {
                    let known = LETTERS.iter().find(|(known, _)| *known == letter);
                    parsed.flags = known.map_or(parsed.flags, |(_, flag)| parsed.flags.with(*flag));
                }
            }
        }
        parsed
    }

    /// The number in front, seconds since 1970 in what follows the rules: what files are sorted by. 0 if there is none.
    pub(in crate::transfer) fn time(&self) -> u64 {
        let digits = self.unique.find(|c: char| !c.is_ascii_digit()).unwrap_or(self.unique.len());
        self.unique.get(..digits).and_then(|digits| digits.parse().ok()).unwrap_or(0)
    }
}

/// The name of a message that has been seen by a mail client: always with flags, in the order of their letters.
pub(in crate::transfer) fn write(unique: &str, flags: SystemFlags, passed: bool, keywords: u32) -> String {
    let mut letters: Vec<u8> =
        LETTERS.iter().filter(|(_, flag)| flags.contains(*flag)).map(|(letter, _)| *letter).collect();
    if passed {
        letters.push(b'P');
    }
    letters.extend((b'a'..=b'z').filter(|letter| keywords & (1 << (letter - b'a')) != 0));
    letters.sort_unstable();
    format!("{unique}:2,{}", letters.into_iter().map(char::from).collect::<String>())
}

const LETTERS: [(u8, SystemFlags); 5] = [
    (b'D', SystemFlags::DRAFT),
    (b'F', SystemFlags::FLAGGED),
    (b'R', SystemFlags::ANSWERED),
    (b'S', SystemFlags::SEEN),
    (b'T', SystemFlags::DELETED),
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_as_programs_write_them() {
        let name = FileName::parse("1204680122.27c448.yargo,S=100,W=104:2,FRSab");
        assert_eq!(name.unique, "1204680122.27c448.yargo,S=100,W=104");
        assert_eq!(name.flags, SystemFlags::FLAGGED.with(SystemFlags::ANSWERED).with(SystemFlags::SEEN));
        assert_eq!((name.passed, name.keywords, name.time()), (false, 0b11, 1_204_680_122));
        for name in ["1.2.a", "1.2.a:1,x", "1.2.a:", "1.2.a:2"] {
            assert_eq!(FileName::parse(name).unique, name);
        }
        assert_eq!(FileName::parse("x;2,S").flags, SystemFlags::SEEN);
        assert_eq!(FileName::parse("x:2,?éS").flags, SystemFlags::SEEN);
        assert_eq!(FileName::parse("99999999999999999999999.x").time(), 0);
    }

    proptest! {
        #[test]
        fn flags_read_back_as_written(flags in 0u8..32, passed in any::<bool>(), keywords in 0u32..1 << 26) {
            let name = write("1.U2.essaim", SystemFlags(flags), passed, keywords);
            let expected = FileName { unique: "1.U2.essaim", flags: SystemFlags(flags), passed, keywords };
            prop_assert_eq!(FileName::parse(&name), expected);
        }

        #[test]
        fn any_name_is_read(name in any::<String>()) {
            FileName::parse(&name).time();
        }
    }
}
