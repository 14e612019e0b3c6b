//! The sentences of the pages in each language: `texts/*.ftl`, in Fluent.

use std::borrow::Cow;
use std::sync::LazyLock;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

use crate::language::Language;

/// The sentences of one language. What a translator writes is text: templates escape it like everything else.
pub(crate) struct Texts(FluentBundle<FluentResource>);

impl Texts {
    /// Those of a language.
    pub(crate) fn of(language: Language) -> &'static Self {
        match language {
            Language::English => &ENGLISH,
            Language::French => &FRENCH,
            Language::Dutch => &DUTCH,
        }
    }

    /// A sentence without variables.
    pub(crate) fn say(&self, key: &str) -> Cow<'_, str> {
        self.format(key, None)
    }

    /// A sentence with variables.
    pub(crate) fn with<'a>(&'a self, key: &str, values: &[(&'static str, FluentValue<'a>)]) -> Cow<'a, str> {
        let args: FluentArgs<'_> = values.iter().map(|(name, value)| (*name, value.clone())).collect();
        Cow::Owned(self.format(key, Some(&args)).into_owned())
    }

    /// A word of the directory's, such as `cooperative` of the family `legal-form`; as it is, if nobody has translated it.
    pub(crate) fn word<'a>(&'a self, family: &str, word: &'a str) -> Cow<'a, str> {
        let key = format!("{family}-{word}");
        match self.0.has_message(&key) {
            true => self.say(&key),
            false => Cow::Borrowed(word),
        }
    }

    fn format(&self, key: &str, args: Option<&FluentArgs<'_>>) -> Cow<'_, str> {
        let Some(pattern) = self.0.get_message(key).and_then(|message| message.value()) else {
            tracing::error!(key, "a page has a sentence that does not exist");
            return Cow::Owned(key.to_owned());
        };
        let mut errors = Vec::new();
        let said = self.0.format_pattern(pattern, args, &mut errors);
        if !errors.is_empty() {
            tracing::error!(key, ?errors, "a sentence of a page has a mistake");
        }
        Cow::Owned(said.into_owned())
    }
}

impl std::fmt::Debug for Texts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Texts")
    }
}

fn read(language: Language, sources: &[&str]) -> Texts {
    let id: LanguageIdentifier = language.code().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![id]);
    // Templates isolate what others wrote with <bdi>; marks inside of attributes and titles would only be in the way.
    bundle.set_use_isolating(false);
    for source in sources {
        // What can be read is used; a test finds every mistake before a reader does.
        let resource = FluentResource::try_new((*source).to_owned()).unwrap_or_else(|(partly, _)| partly);
        let _ = bundle.add_resource(resource);
    }
    Texts(bundle)
}

static ENGLISH: LazyLock<Texts> = LazyLock::new(|| read(Language::English, EN));
static FRENCH: LazyLock<Texts> = LazyLock::new(|| read(Language::French, FR));
static DUTCH: LazyLock<Texts> = LazyLock::new(|| read(Language::Dutch, NL));

const EN: &[&str] = &[
    include_str!("../texts/en/pages.ftl"),
    include_str!("../texts/en/words.ftl"),
    include_str!("../texts/en/countries.ftl"),
];
const FR: &[&str] = &[
    include_str!("../texts/fr/pages.ftl"),
    include_str!("../texts/fr/words.ftl"),
    include_str!("../texts/fr/countries.ftl"),
];
const NL: &[&str] = &[
    include_str!("../texts/nl/pages.ftl"),
    include_str!("../texts/nl/words.ftl"),
    include_str!("../texts/nl/countries.ftl"),
];
