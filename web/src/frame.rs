//! What every page has around its content: the language, the sentences, the way to a human, the same page in other languages.

mod numbers;

use std::borrow::{Borrow, Cow};

use fluent_bundle::FluentValue;

use crate::assets;
use crate::language::Language;
use crate::node::Host;
use crate::texts::Texts;

pub(crate) use numbers::machine_date;

/// The frame of one page.
#[derive(Debug)]
pub(crate) struct Frame {
    /// The language of the page.
    pub(crate) language: Language,
    /// Who runs the node.
    pub(crate) host: Host,
    /// The page without its language: what comes after `/fr`, with its query. `/` for pages that have no twin.
    pub(crate) rest: String,
    texts: &'static Texts,
}

impl Frame {
    /// The frame of the page at `rest` in a language.
    pub(crate) fn new(language: Language, host: Host, rest: String) -> Self {
        Self { language, host, rest, texts: Texts::of(language) }
    }

    /// A sentence.
    pub(crate) fn say(&self, key: &str) -> Cow<'static, str> {
        self.texts.say(key)
    }

    /// A sentence about a number of things.
    pub(crate) fn count(&self, key: &str, count: impl Borrow<usize>) -> Cow<'static, str> {
        self.texts.with(key, &[("count", FluentValue::from(*count.borrow()))])
    }

    /// A sentence in which one thing is named.
    pub(crate) fn name(&self, key: &str, name: &str) -> Cow<'static, str> {
        self.texts.with(key, &[("name", FluentValue::from(name.to_owned()))])
    }

    /// A sentence with several variables.
    fn with(&self, key: &str, values: &[(&'static str, FluentValue<'static>)]) -> Cow<'static, str> {
        self.texts.with(key, values)
    }

    /// A word of the directory's for people.
    pub(crate) fn word<'a>(&self, family: &str, word: &'a str) -> Cow<'a, str> {
        self.texts.word(family, word)
    }

    /// A path in the language of this page.
    pub(crate) fn to(&self, rest: &str) -> String {
        format!("/{}{rest}", self.language.code())
    }

    /// This page in each language.
    pub(crate) fn twins(&self) -> Vec<Twin> {
        let twin = |language: Language| Twin {
            code: language.code(),
            name: language.own_name(),
            path: format!("/{}{}", language.code(), self.rest),
            current: language == self.language,
        };
        Language::ALL.map(twin).into()
    }

    /// Where the style sheet is.
    pub(crate) fn style(&self) -> &'static str {
        &assets::STYLE.path
    }

    /// Where the sign in the tab is.
    pub(crate) fn icon(&self) -> &'static str {
        &assets::ICON.path
    }
}

/// The same page in a language.
#[derive(Debug)]
pub(crate) struct Twin {
    pub(crate) code: &'static str,
    pub(crate) name: &'static str,
    pub(crate) path: String,
    pub(crate) current: bool,
}
