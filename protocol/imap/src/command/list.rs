//! LIST and LSUB: RFC 9051 section 6.3.9, RFC 5258, RFC 5819 (STATUS), RFC 6154 (SPECIAL-USE), RFC 3501 section 6.3.9.

use super::StatusItem;
use crate::mailbox::{HIERARCHY_SEPARATOR, fold};
use crate::parse::{Cursor, Refusal};

/// LIST.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum List {
    /// `LIST <reference> ""`: what is the separator? Answered `* LIST (\Noselect) "/" ""`.
    Separator,
    /// Which mailboxes are there?
    Mailboxes(ListQuery),
}

/// LIST with patterns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListQuery {
    /// A mailbox is listed if it matches any of these; there may be none.
    pub patterns: Vec<ListPattern>,
    /// Which of the matching ones.
    pub select: ListSelect,
    /// What to tell of each.
    pub tell: ListReturn,
}

/// LSUB: the subscribed names that match; of a name deeper than `%` reaches, its ancestor with `\Noselect`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lsub {
    /// The one pattern.
    pub pattern: ListPattern,
}

/// RFC 5258 section 3.1: the selection options.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListSelect {
    /// What the rest starts from.
    pub base: ListBase,
    /// REMOTE: mailboxes of other servers too. We have none.
    pub remote: bool,
    /// RECURSIVEMATCH: a name above a match is listed as well, with CHILDINFO. Only with `base` `Subscribed`.
    pub recursive: bool,
    /// SPECIAL-USE: only mailboxes with a special use.
    pub special_use: bool,
}

/// Which names LIST looks at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListBase {
    /// Mailboxes that exist.
    #[default]
    Existing,
    /// SUBSCRIBED: names that are subscribed, with `\Subscribed`, and `\NonExistent` where there is no mailbox.
    Subscribed,
}

/// RFC 5258 section 3.2: the return options.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ListReturn {
    /// SUBSCRIBED: say whether it is. Selecting by it implies it.
    pub subscribed: bool,
    /// CHILDREN: say whether it has any. (We always may.)
    pub children: bool,
    /// SPECIAL-USE: say what it is for. Selecting by it implies it.
    pub special_use: bool,
    /// RFC 5819: a STATUS response for each mailbox that can be selected; `None` if not asked.
    pub status: Option<Vec<StatusItem>>,
}

/// A name with wildcards: `*` stands for anything, `%` for anything within one level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPattern(Box<str>);

impl ListPattern {
    /// The pattern as seen from the reference name, both in UTF-8: they are joined as they stand, and a first level `inbox`
    /// becomes `INBOX`.
    pub fn new(reference: &str, pattern: &str) -> Self {
        let joined = match pattern.strip_prefix(HIERARCHY_SEPARATOR) {
            // A pattern from the root leaves the reference behind.
            Some(from_root) => from_root.to_owned(),
            None => format!("{reference}{pattern}"),
        };
        Self(without_runs(&fold(&joined)).into())
    }

    /// In UTF-8, with its wildcards; of several in a row there is one that says the same.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Does the name match, from end to end? Takes at most the product of the two lengths, whatever the pattern.
    pub fn matches(&self, name: &str) -> bool {
        // Every place in the pattern that can have been reached is followed at once, so nothing is tried twice.
        let pattern = self.0.as_bytes();
        let mut places = Vec::with_capacity(PLACES_TYPICAL);
        let mut next = Vec::with_capacity(PLACES_TYPICAL);
        reach(pattern, 0, &mut places);
        for &byte in name.as_bytes() {
            for &place in &places {
                match pattern.get(place) {
                    Some(b'*') => reach(pattern, place, &mut next),
                    Some(b'%') if !is_separator(byte) => reach(pattern, place, &mut next),
                    Some(&literal) if literal == byte && !is_wildcard(literal) => {
                        reach(pattern, place + 1, &mut next)
                    }
                    _ => {}
                }
            }
            std::mem::swap(&mut places, &mut next);
            next.clear();
        }
        places.last() == Some(&pattern.len())
    }
}

/// `*%%*` is `*`, and `%%` is `%`.
fn without_runs(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        match (out.chars().next_back(), c) {
            (Some('*'), '*' | '%') | (Some('%'), '%') => continue,
            (Some('%'), '*') => drop(out.pop()),
            _ => {}
        }
        out.push(c);
    }
    out
}

/// Adds a place, and the one behind it that a wildcard makes reachable for nothing. Places come in ascending order, and no
/// wildcard stands behind another.
fn reach(pattern: &[u8], place: usize, places: &mut Vec<usize>) {
    for place in place..=pattern.len() {
        if places.last().is_none_or(|&last| last < place) {
            places.push(place);
        }
        if !pattern.get(place).is_some_and(|&byte| is_wildcard(byte)) {
            return;
        }
    }
}

fn is_wildcard(byte: u8) -> bool {
    matches!(byte, b'*' | b'%')
}

impl List {
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        cursor.space()?;
        let extended = cursor.peek() == Some(b'(');
        let select = if extended { ListSelect::read(cursor)? } else { ListSelect::default() };
        if extended {
            cursor.space()?;
        }
        let reference = cursor.reference()?;
        cursor.space()?;
        let several = cursor.peek() == Some(b'(');
        let patterns = if several {
            cursor.list1("patterns", PATTERNS_MAX, Cursor::list_mailbox)?
        } else {
            vec![cursor.list_mailbox()?]
        };
        let returns = cursor.eat(b' ');
        let tell = if returns { ListReturn::read(cursor)? } else { ListReturn::default() };
        // RFC 9051 section 6.3.9: in the extended form, patterns that are empty are ignored.
        if !extended && !several && !returns && patterns.iter().all(String::is_empty) {
            return Ok(Self::Separator);
        }
        let patterns = patterns.iter().filter(|pattern| !pattern.is_empty());
        let patterns = patterns.map(|pattern| ListPattern::new(&reference, pattern)).collect();
        Ok(Self::Mailboxes(ListQuery { patterns, select, tell }))
    }
}

impl Lsub {
    pub(crate) fn read(cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        cursor.space()?;
        let reference = cursor.reference()?;
        cursor.space()?;
        Ok(Self { pattern: ListPattern::new(&reference, &cursor.list_mailbox()?) })
    }
}

impl ListSelect {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        let mut select = Self::default();
        cursor.list("selection options", OPTIONS_MAX, |cursor| {
            match () {
                () if cursor.eat_word("SUBSCRIBED") => select.base = ListBase::Subscribed,
                () if cursor.eat_word("REMOTE") => select.remote = true,
                () if cursor.eat_word("RECURSIVEMATCH") => select.recursive = true,
                () if cursor.eat_word("SPECIAL-USE") => select.special_use = true,
                () => return Err(cursor.expected("a selection option of LIST")),
            }
            Ok(())
        })?;
        // RFC 5258 section 3.1: RECURSIVEMATCH says something only about a base option; REMOTE and (RFC 6154 section 6)
        // SPECIAL-USE are none.
        if select.recursive && select.base == ListBase::Existing {
            return Err(Refusal::bad("RECURSIVEMATCH goes with SUBSCRIBED"));
        }
        Ok(select)
    }
}

impl ListReturn {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        if !cursor.eat_word("RETURN") {
            return Err(cursor.expected("RETURN"));
        }
        cursor.space()?;
        let mut tell = Self::default();
        cursor.list("return options", OPTIONS_MAX, |cursor| {
            match () {
                () if cursor.eat_word("SUBSCRIBED") => tell.subscribed = true,
                () if cursor.eat_word("CHILDREN") => tell.children = true,
                () if cursor.eat_word("SPECIAL-USE") => tell.special_use = true,
                () if cursor.eat_word("STATUS") => {
                    cursor.space()?;
                    tell.status = Some(StatusItem::read_list(cursor)?);
                }
                () => return Err(cursor.expected("a return option of LIST")),
            }
            Ok(())
        })?;
        Ok(tell)
    }
}

/// The most patterns in one LIST.
const PATTERNS_MAX: usize = 64;
const OPTIONS_MAX: usize = 16;
const PLACES_TYPICAL: usize = 8;

fn is_separator(byte: u8) -> bool {
    char::from(byte) == HIERARCHY_SEPARATOR
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        ListPattern::new("", pattern).matches(name)
    }

    #[test]
    fn percent_stops_at_the_separator_and_star_does_not() {
        for (pattern, name, expected) in [
            ("*", "a/b/c", true),
            ("%", "a", true),
            ("%", "a/b", false),
            ("a/%", "a/b", true),
            ("a/%", "a/b/c", false),
            ("a/%", "a", false),
            ("%/c", "a/b/c", false),
            ("%/%/c", "a/b/c", true),
            ("*c", "a/b/c", true),
            ("*/%", "a/b/c", true),
            ("%*c", "a/b/c", true),
            ("a%b*c", "axxb/y/c", true),
            ("a%b*c", "ax/b/y/c", false),
            ("*a%b", "a/ab", true),
            ("inbox", "INBOX", true),
            ("InBox/%", "INBOX/x", true),
            ("", "", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern, name), expected, "{pattern} {name}");
        }
    }

    #[test]
    fn no_pattern_takes_long() {
        let name = "a".repeat(1000);
        for pattern in
            ["*a".repeat(1000), "%a".repeat(1000), "*%".repeat(1000), "*%a".repeat(600), "**".repeat(900)]
        {
            assert!(!matches(&format!("{pattern}b"), &name), "{pattern}");
        }
    }

    #[test]
    fn the_reference_is_put_before() {
        assert_eq!(ListPattern::new("a/", "%").as_str(), "a/%");
        assert_eq!(ListPattern::new("a/", "/b").as_str(), "b");
        assert_eq!(ListPattern::new("inbox/", "%").as_str(), "INBOX/%");
        assert_eq!(ListPattern::new("", "a%*%b%%c**").as_str(), "a*b%c*");
    }

    /// The definition, in exponential time.
    fn by_definition(pattern: &[u8], name: &[u8]) -> bool {
        match pattern.split_first() {
            None => name.is_empty(),
            Some((b'*', rest)) => (0..=name.len()).any(|n| by_definition(rest, name.get(n..).unwrap())),
            Some((b'%', rest)) => (0..=name.len())
                .take_while(|&n| !name.get(..n).unwrap().contains(&b'/'))
                .any(|n| by_definition(rest, name.get(n..).unwrap())),
            Some((byte, rest)) => {
                name.split_first().is_some_and(|(first, name)| first == byte && by_definition(rest, name))
            }
        }
    }

    proptest! {
        #[test]
        fn matching_follows_the_definition(pattern in "[ab%*][ab%*/]{0,7}", name in "[ab/]{0,8}") {
            prop_assert_eq!(matches(&pattern, &name), by_definition(pattern.as_bytes(), name.as_bytes()));
        }
    }
}
