//! Small maps and sets of texts that never change once read: ten thousand listings hold seven of them each.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

/// Texts by a word, such as a language; ordered by it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Texts(Box<[(Box<str>, Box<str>)]>);

/// Words, each once, in order.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Words(Box<[Box<str>]>);

impl Texts {
    /// The text under a word.
    pub fn get(&self, word: &str) -> Option<&str> {
        let at = self.0.binary_search_by(|(known, _)| (**known).cmp(word)).ok()?;
        self.0.get(at).map(|(_, text)| &**text)
    }

    /// Words and texts, in the order of the words.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(word, text)| (&**word, &**text))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Words {
    /// Whether a word is among them.
    pub fn contains(&self, word: &str) -> bool {
        self.0.binary_search_by(|known| (**known).cmp(word)).is_ok()
    }

    /// The words in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|word| &**word)
    }

    /// There are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<(Box<str>, Box<str>)> for Texts {
    fn from_iter<I: IntoIterator<Item = (Box<str>, Box<str>)>>(items: I) -> Self {
        let mut texts: Vec<_> = items.into_iter().collect();
        texts.sort_unstable();
        texts.dedup_by(|later, earlier| later.0 == earlier.0);
        Self(texts.into())
    }
}

impl FromIterator<Box<str>> for Words {
    fn from_iter<I: IntoIterator<Item = Box<str>>>(items: I) -> Self {
        let mut words: Vec<_> = items.into_iter().collect();
        words.sort_unstable();
        words.dedup();
        Self(words.into())
    }
}

impl Serialize for Texts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (word, text) in self.iter() {
            map.serialize_entry(word, text)?;
        }
        map.end()
    }
}
