//! `node/essaim.toml` read as documentation: which keys exist, what they do, their defaults.

use std::sync::LazyLock;

/// The documented configuration, as it is shipped.
pub(crate) const DOCUMENT: &str = include_str!("../../essaim.toml");

/// One key of the documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Key {
    /// Empty for the keys above the first section.
    pub(super) section: String,
    pub(super) name: String,
    /// The comment above it.
    pub(super) doc: String,
    pub(super) value: Shown,
}

/// What the documentation shows behind the `=`, in TOML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shown {
    Default(String),
    Example(String),
}

/// One section of the documentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Section {
    pub(super) name: String,
    pub(super) doc: String,
}

/// The documentation, taken apart.
#[derive(Debug, Default)]
pub(super) struct Document {
    pub(super) sections: Vec<Section>,
    pub(super) keys: Vec<Key>,
}

/// The shipped documentation.
pub(super) fn document() -> &'static Document {
    static PARSED: LazyLock<Document> = LazyLock::new(|| Document::parse(DOCUMENT));
    &PARSED
}

impl Key {
    /// `section.name`, or the name alone above the first section.
    pub(super) fn path(&self) -> String {
        match self.section.as_str() {
            "" => self.name.clone(),
            section => format!("{section}.{}", self.name),
        }
    }

    /// The shown value, whether it is the default or an example.
    pub(super) fn toml(&self) -> &str {
        match &self.value {
            Shown::Default(toml) | Shown::Example(toml) => toml,
        }
    }
}

impl Document {
    /// Line by line: the file is ours, written in the simple form that its head describes.
    fn parse(text: &str) -> Self {
        let mut document = Self::default();
        let (mut section, mut doc) = (String::new(), String::new());
        for line in text.lines() {
            if let Some(comment) = line.strip_prefix("# ").or_else(|| (line == "#").then_some("")) {
                push_sentence(&mut doc, comment);
                continue;
            }
            let doc = std::mem::take(&mut doc);
            if let Some(name) = line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                name.clone_into(&mut section);
                document.sections.push(Section { name: name.to_owned(), doc });
            } else if let Some(example) = line.strip_prefix('#') {
                document.push_key(&section, doc, example, Shown::Example);
            } else {
                document.push_key(&section, doc, line, Shown::Default);
            }
        }
        document
    }

    fn push_key(&mut self, section: &str, doc: String, line: &str, shown: fn(String) -> Shown) {
        if let Some((name, value)) = line.split_once(" = ") {
            self.keys.push(Key {
                section: section.to_owned(),
                name: name.to_owned(),
                doc,
                value: shown(value.to_owned()),
            });
        }
    }

    /// The key of that name in that section.
    pub(super) fn find(&self, section: &str, name: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.section == section && key.name == name)
    }

    pub(super) fn has_section(&self, name: &str) -> bool {
        self.sections.iter().any(|section| section.name == name)
    }
}

fn push_sentence(doc: &mut String, comment: &str) {
    if !doc.is_empty() {
        doc.push(' ');
    }
    doc.push_str(comment);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn the_document_is_the_default() {
        let parsed: Config = toml::from_str(DOCUMENT).unwrap();
        assert_eq!(parsed, Config::default());
    }

    #[test]
    fn every_example_is_accepted() {
        let mut sections = std::collections::BTreeMap::<&str, String>::new();
        for key in &document().keys {
            sections.entry(&key.section).or_default().push_str(&format!("{} = {}\n", key.name, key.toml()));
        }
        let text: String = sections
            .iter()
            .map(|(name, keys)| if name.is_empty() { keys.clone() } else { format!("[{name}]\n{keys}") })
            .collect();
        toml::from_str::<Config>(&text).unwrap_or_else(|error| panic!("{error}"));
    }

    #[test]
    fn every_key_is_in_the_document() {
        for section in document().sections.iter().map(|section| section.name.as_str()).chain([""]) {
            let head = if section.is_empty() { String::new() } else { format!("[{section}]\n") };
            let error = toml::from_str::<Config>(&format!("{head}zzz = 1\n")).unwrap_err();
            // "unknown field `zzz`, expected one of `mode`, `cert`, `key`": the odd pieces are what is between backticks.
            for name in error.message().split('`').skip(3).step_by(2) {
                let below = if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") };
                let known = document().find(section, name).is_some() || document().has_section(&below);
                assert!(known, "[{section}] {name} is not in essaim.toml");
            }
        }
    }

    #[test]
    fn every_key_is_explained() {
        for key in &document().keys {
            assert!(key.doc.len() > 15 && key.doc.ends_with('.'), "{}: {:?}", key.path(), key.doc);
        }
        for section in &document().sections {
            assert!(section.doc.len() > 10, "[{}]", section.name);
        }
    }
}
