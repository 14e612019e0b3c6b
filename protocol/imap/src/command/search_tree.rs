//! Reading the tree of a SEARCH without recursion: what is open waits on a stack whose height is bounded.

use super::SearchKey;
use crate::parse::{Charset, Cursor, Refusal};

impl SearchKey {
    /// One or more keys to the end of the command; several mean all of them.
    pub(crate) fn read(charset: Charset, cursor: &mut Cursor<'_>) -> Result<Self, Refusal> {
        let mut stack = vec![Open::And { keys: Vec::new(), until: Until::End }];
        let mut leaves = 0;
        loop {
            if let Some(open) = Open::read(&mut stack, cursor)? {
                if stack.len() == STACK_MAX {
                    return Err(Refusal::too_many("levels of search keys", STACK_MAX));
                }
                stack.push(open);
                continue;
            }
            if leaves == Self::LEAVES_MAX {
                return Err(Refusal::too_many("search keys", Self::LEAVES_MAX));
            }
            leaves += 1;
            let leaf = Self::read_leaf(charset, cursor)?;
            if let Some(root) = close(leaf, &mut stack, cursor)? {
                return Ok(root);
            }
        }
    }

    fn and(mut keys: Vec<Self>) -> Option<Self> {
        if keys.len() <= 1 { keys.pop() } else { Some(Self::And(keys)) }
    }
}

/// A key that waits for what is inside it.
enum Open {
    And { keys: Vec<SearchKey>, until: Until },
    Or { keys: Vec<SearchKey>, missing: usize },
    Not,
}

/// What ends an `And`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Until {
    Parenthesis,
    End,
}

impl Open {
    /// The beginning of a key that has others inside, if that is what comes. One that can be folded into the one around it
    /// is: `OR a OR b c` is one `Or` of three, however long clients make such chains, and `NOT NOT a` is `a`.
    fn read(stack: &mut Vec<Self>, cursor: &mut Cursor<'_>) -> Result<Option<Self>, Refusal> {
        loop {
            match () {
                () if cursor.eat(b'(') => {
                    return Ok(Some(Self::And { keys: Vec::new(), until: Until::Parenthesis }));
                }
                () if cursor.eat_word("NOT") => {
                    cursor.space()?;
                    match stack.last() {
                        Some(Self::Not) => drop(stack.pop()),
                        _ => return Ok(Some(Self::Not)),
                    }
                }
                () if cursor.eat_word("OR") => {
                    cursor.space()?;
                    match stack.last_mut() {
                        Some(Self::Or { missing, .. }) => *missing += 1,
                        _ => return Ok(Some(Self::Or { keys: Vec::new(), missing: 2 })),
                    }
                }
                () => return Ok(None),
            }
        }
    }
}

/// Puts a whole key into what is open around it, and closes what is complete by that. The root, once all is.
fn close(
    mut done: SearchKey,
    stack: &mut Vec<Open>,
    cursor: &mut Cursor<'_>,
) -> Result<Option<SearchKey>, Refusal> {
    loop {
        done = match stack.pop() {
            None => return Ok(Some(done)),
            Some(Open::Not) => match done {
                SearchKey::Not(inner) => *inner,
                key => SearchKey::Not(Box::new(key)),
            },
            Some(Open::Or { mut keys, missing }) => {
                match done {
                    SearchKey::Or(inner) => keys.extend(inner),
                    key => keys.push(key),
                }
                if missing > 1 {
                    cursor.space()?;
                    stack.push(Open::Or { keys, missing: missing - 1 });
                    return Ok(None);
                }
                SearchKey::Or(keys)
            }
            Some(Open::And { mut keys, until }) => {
                match done {
                    SearchKey::And(inner) => keys.extend(inner),
                    key => keys.push(key),
                }
                if cursor.eat(b' ') {
                    stack.push(Open::And { keys, until });
                    return Ok(None);
                }
                match until {
                    Until::Parenthesis => cursor.expect(b')')?,
                    Until::End => cursor.end()?,
                }
                SearchKey::and(keys).ok_or_else(|| cursor.expected("a search key"))?
            }
        };
    }
}

/// A leaf adds two levels at most.
const STACK_MAX: usize = SearchKey::DEPTH_MAX - 2;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Enabled, Flag};

    fn read(wire: &str) -> Result<SearchKey, Refusal> {
        SearchKey::read(Charset::Utf8, &mut Cursor::new(wire.as_bytes(), Enabled::NONE))
    }

    fn depth(key: &SearchKey) -> usize {
        match key {
            SearchKey::And(keys) | SearchKey::Or(keys) => 1 + keys.iter().map(depth).max().unwrap_or(0),
            SearchKey::Not(key) => 1 + depth(key),
            _ => 0,
        }
    }

    fn seen() -> SearchKey {
        SearchKey::Flag(Flag::Seen)
    }

    #[test]
    fn what_can_be_flat_is_flat() {
        let draft = || SearchKey::Flag(Flag::Draft);
        for (wire, key) in [
            ("SEEN", seen()),
            ("(SEEN)", seen()),
            ("((SEEN))", seen()),
            ("SEEN (DRAFT ALL)", SearchKey::And(vec![seen(), draft(), SearchKey::All])),
            ("NOT NOT SEEN", seen()),
            ("NOT (NOT SEEN)", seen()),
            ("NOT UNSEEN", seen()),
            ("NOT (SEEN DRAFT)", SearchKey::Not(Box::new(SearchKey::And(vec![seen(), draft()])))),
            ("OR SEEN OR DRAFT ALL", SearchKey::Or(vec![seen(), draft(), SearchKey::All])),
            ("OR OR SEEN DRAFT ALL", SearchKey::Or(vec![seen(), draft(), SearchKey::All])),
            ("OR (OR SEEN DRAFT) ALL", SearchKey::Or(vec![seen(), draft(), SearchKey::All])),
            ("OR SEEN DRAFT ALL", SearchKey::And(vec![SearchKey::Or(vec![seen(), draft()]), SearchKey::All])),
        ] {
            assert_eq!(read(wire).as_ref(), Ok(&key), "{wire}");
        }
    }

    #[test]
    fn what_is_not_a_key() {
        for wire in [
            "",
            " ",
            "()",
            "(SEEN",
            "SEEN)",
            "SEEN ",
            " SEEN",
            "( SEEN)",
            "(SEEN )",
            "NOT",
            "NOT ",
            "OR SEEN",
            "OR SEEN ",
            "OR(SEEN DRAFT)",
            "NOT(SEEN)",
            "SEENX",
            "SEEN  DRAFT",
            "KEYWORD",
            "KEYWORD \\Seen",
            "UID 0",
            "0",
            "LARGER x",
            "HEADER",
            "HEADER a:b c",
            "SINCE 1-Feb-94",
            "MODSEQ \"/flags/\" all 1",
            "YOUNGER 0",
            "EMAILID a.b",
        ] {
            assert!(read(wire).is_err(), "{wire:?}");
        }
    }

    #[test]
    fn long_chains_are_flat_and_deep_nests_are_refused() {
        let chain = format!("{}SEEN", "OR SEEN ".repeat(1000));
        assert!(matches!(read(&chain), Ok(SearchKey::Or(keys)) if keys.len() == 1001));
        let nest = |levels: usize| format!("{}NEW{}", "NOT (ALL ".repeat(levels), ")".repeat(levels));
        let deepest = (1..40).filter_map(|levels| read(&nest(levels)).ok()).map(|key| depth(&key)).max();
        assert!(deepest.is_some_and(|depth| depth <= SearchKey::DEPTH_MAX && depth > 20), "{deepest:?}");
        for hostile in ["(", "NOT (", "OR (", "NOT NOT ", "OR "] {
            assert!(read(&hostile.repeat(100_000)).is_err(), "{hostile}");
        }
        assert!(read(&"SEEN ".repeat(SearchKey::LEAVES_MAX + 1)).is_err());
    }
}
