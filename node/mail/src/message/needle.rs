//! A text that is sought: a substring, upper and lower case alike.
//!
//! Close to the comparator i;unicode-casemap (RFC 5051) but without its decomposition: `e` followed by a combining accent is
//! not `é`.

use memchr::memmem::Finder;

/// A text prepared for being sought in many messages.
#[derive(Debug, Clone)]
pub struct Needle {
    finder: Finder<'static>,
    /// The longest run of ASCII in it: where that is not, the rest need not be sought.
    hint: Finder<'static>,
    ascii: bool,
    blank: bool,
}

impl Needle {
    /// Prepares a text.
    pub fn new(text: &str) -> Self {
        let folded = folded(text);
        let runs = folded.split(|c: char| !c.is_ascii());
        Self {
            finder: Finder::new(&folded).into_owned(),
            hint: Finder::new(runs.max_by_key(|run| run.len()).unwrap_or_default()).into_owned(),
            ascii: folded.is_ascii(),
            blank: folded.bytes().any(|byte| byte.is_ascii_whitespace()),
        }
    }

    /// Is there nothing to seek? It is found everywhere.
    pub fn is_empty(&self) -> bool {
        self.finder.needle().is_empty()
    }

    /// Is it ASCII only? Then it can be sought in bytes that show ASCII.
    pub(super) fn is_ascii(&self) -> bool {
        self.ascii
    }

    /// Are there blanks in it? Then it may stand across a folded line.
    pub(super) fn has_blank(&self) -> bool {
        self.blank
    }

    /// Is it in this text?
    pub fn is_in(&self, text: &str) -> bool {
        let mut scratch = Vec::new();
        if self.ascii || text.is_ascii() {
            return self.is_in_bytes(text.as_bytes(), &mut scratch);
        }
        has_folded(&self.hint, text.as_bytes(), &mut scratch)
            && self.finder.find(folded(text).as_bytes()).is_some()
    }

    /// Is it in these bytes, folding only ASCII? `scratch` is overwritten.
    pub(super) fn is_in_bytes(&self, bytes: &[u8], scratch: &mut Vec<u8>) -> bool {
        has_folded(&self.finder, bytes, scratch)
    }
}

fn has_folded(finder: &Finder<'_>, bytes: &[u8], scratch: &mut Vec<u8>) -> bool {
    if finder.needle().len() > bytes.len() {
        return false;
    }
    scratch.clear();
    scratch.extend_from_slice(bytes);
    scratch.make_ascii_lowercase();
    finder.find(scratch).is_some()
}

/// Character by character, so that a substring stays one: a final sigma is a sigma.
fn folded(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let ascii = rest.bytes().position(|byte| !byte.is_ascii()).unwrap_or(rest.len());
        let (run, other) = rest.split_at(ascii);
        folded.push_str(run);
        let mut chars = other.chars();
        match chars.next() {
            Some('ς') => folded.push('σ'),
            Some(c) => folded.extend(c.to_lowercase()),
            None => {}
        }
        rest = chars.as_str();
    }
    folded.make_ascii_lowercase();
    folded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_makes_no_difference() {
        for (needle, text) in [
            ("", ""),
            ("HeLLo", "say hello"),
            ("É", "café"),
            ("caf", "CAFÉ"),
            ("ΟΔΟΣ", "οδος"),
            ("οδοσ", "ΟΔΟΣ"),
            ("日本", "東京、日本"),
        ] {
            assert!(Needle::new(needle).is_in(text), "{needle}");
        }
        for (needle, text) in [("a", ""), ("é", "e"), ("hello", "help")] {
            assert!(!Needle::new(needle).is_in(text), "{needle}");
        }
    }
}
