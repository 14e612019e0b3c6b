//! A text that is sought: a substring, upper and lower case alike.
//!
//! Close to the comparator i;unicode-casemap (RFC 5051) but without its decomposition: `e` followed by a combining accent is
//! not `é`.

use memchr::memmem::Finder;

/// A text prepared for being sought in many messages.
#[derive(Debug, Clone)]
pub struct Needle {
    finder: Finder<'static>,
    ascii: bool,
    blank: bool,
}

impl Needle {
    /// Prepares a text.
    pub fn new(text: &str) -> Self {
        let folded = folded(text);
        Self {
            finder: Finder::new(&folded).into_owned(),
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
        if self.ascii || text.is_ascii() {
            return self.is_in_bytes(text.as_bytes(), &mut Vec::new());
        }
        self.finder.find(folded(text).as_bytes()).is_some()
    }

    /// Is it in these bytes, folding only ASCII? `scratch` is overwritten.
    pub(super) fn is_in_bytes(&self, bytes: &[u8], scratch: &mut Vec<u8>) -> bool {
        bytes.len() >= self.finder.needle().len() && {
            scratch.clear();
            scratch.extend_from_slice(bytes);
            scratch.make_ascii_lowercase();
            self.finder.find(scratch).is_some()
        }
    }
}

/// Character by character, so that a substring stays one: a final sigma is a sigma.
fn folded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().flat_map(char::to_lowercase).map(|c| if c == 'ς' { 'σ' } else { c }).collect()
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
