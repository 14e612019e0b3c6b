//! What there is to choose from: the words that the shown listings use, so that nobody has to guess one.

use std::collections::BTreeMap;

use crate::listing::Listing;

/// Words of the listings that are shown when nothing is looked for, with the number of listings that use each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Choices<'a> {
    /// `mail`, ...
    pub services: BTreeMap<&'a str, usize>,
    /// ISO 639.
    pub languages: BTreeMap<&'a str, usize>,
    /// ISO 3166-1.
    pub countries: BTreeMap<&'a str, usize>,
    /// `cooperative`, ...
    pub legal_forms: BTreeMap<&'a str, usize>,
    /// `chatons`, ...
    pub charters: BTreeMap<&'a str, usize>,
    /// Names of municipalities.
    pub places: BTreeMap<&'a str, usize>,
}

impl<'a> Choices<'a> {
    pub(super) fn note(&mut self, listing: &'a Listing) {
        let mut add = |family: fn(&mut Self) -> &mut BTreeMap<&'a str, usize>, word: &'a str| {
            *family(self).entry(word).or_default() += 1;
        };
        listing.services.iter().for_each(|word| add(|all| &mut all.services, word));
        listing.languages.iter().for_each(|word| add(|all| &mut all.languages, word));
        listing.charters.iter().for_each(|(word, _)| add(|all| &mut all.charters, word));
        listing.place.country.iter().for_each(|word| add(|all| &mut all.countries, word));
        listing.place.name.iter().for_each(|word| add(|all| &mut all.places, word));
        listing.legal_form.iter().for_each(|word| add(|all| &mut all.legal_forms, word));
    }
}

/// The words that most listings use, at most `max`, in order: strangers can make up any number of others.
pub fn most_used<'a>(words: &BTreeMap<&'a str, usize>, max: usize) -> Vec<(&'a str, usize)> {
    let mut all: Vec<(&str, usize)> = words.iter().map(|(word, count)| (*word, *count)).collect();
    all.sort_by_key(|(word, count)| (std::cmp::Reverse(*count), *word));
    all.truncate(max);
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_words_the_most_used_are_offered() {
        let words = [("a", 1), ("b", 3), ("c", 2), ("d", 3)].into_iter().collect();
        assert_eq!(most_used(&words, 3), [("b", 3), ("c", 2), ("d", 3)]);
        assert_eq!(most_used(&words, 9).len(), 4);
    }
}
