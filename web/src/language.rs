//! The languages of the pages, and which one a reader gets.

/// A language in which there are pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Language {
    /// English.
    English,
    /// French.
    French,
    /// Dutch.
    Dutch,
}

impl Language {
    /// All, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::French, Self::Dutch, Self::English];

    /// ISO 639: the first part of its paths, and the value of `lang=`.
    pub fn code(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
            Self::Dutch => "nl",
        }
    }

    /// What it calls itself.
    pub fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::French => "Français",
            Self::Dutch => "Nederlands",
        }
    }

    /// The language of a path: its first part.
    pub(crate) fn of_path(path: &str) -> Option<Self> {
        let first = path.trim_start_matches('/').split('/').next()?;
        Self::of_code(first)
    }

    /// What a browser prefers of what there is (RFC 9110 section 12.5.4); of equals, the first that it names.
    pub(crate) fn preferred(accept: &str) -> Option<Self> {
        let mut best: Option<(Self, u16)> = None;
        for (language, weight) in ranges(accept) {
            let better = best.is_none_or(|(_, so_far)| weight > so_far);
            if let Some(known) = Self::of_code(&language).filter(|_| better && weight > 0) {
                best = Some((known, weight));
            }
        }
        best.map(|(language, _)| language)
    }

    fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.code() == code)
    }
}

/// In which order a reader would like to read what others have written: the page's language, then what the browser names, then
/// what most here understand.
pub(crate) fn reading_order(page: Language, accept: &str) -> Vec<String> {
    let mut named: Vec<(String, u16)> = ranges(accept).filter(|(_, weight)| *weight > 0).collect();
    named.sort_by_key(|(_, weight)| std::cmp::Reverse(*weight));
    let own = std::iter::once(page.code().to_owned());
    let rest = ["en", "fr", "nl", "de"].map(str::to_owned);
    let mut order: Vec<String> = Vec::new();
    for language in own.chain(named.into_iter().map(|(language, _)| language)).chain(rest) {
        if !order.contains(&language) {
            order.push(language);
        }
    }
    order
}

/// The primary subtags of an `Accept-Language`, each with its weight in thousandths.
fn ranges(accept: &str) -> impl Iterator<Item = (String, u16)> {
    accept.split(',').take(RANGES_MAX).filter_map(|range| {
        let (tag, parameters) = range.split_once(';').unwrap_or((range, ""));
        let primary = tag.trim().split('-').next()?.to_ascii_lowercase();
        let plain = (2..=3).contains(&primary.len()) && primary.bytes().all(|byte| byte.is_ascii_lowercase());
        plain.then(|| (primary, weight(parameters)))
    })
}

/// `q=0.8`. What is not a weight counts as none given.
fn weight(parameters: &str) -> u16 {
    let value = parameters.trim().strip_prefix("q=").and_then(|value| value.trim().parse::<f32>().ok());
    let value = value.filter(|value| (0.0..=1.0).contains(value)).unwrap_or(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
    let thousandths = (value * 1000.0).round() as u16;
    thousandths
}

/// Languages that are read of one `Accept-Language`.
const RANGES_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc9110_12_5_4_the_highest_weight_wins() {
        for (accept, wanted) in [
            ("nl", Some(Language::Dutch)),
            ("de, fr-BE;q=0.8, nl;q=0.9", Some(Language::Dutch)),
            ("FR-be,en", Some(Language::French)),
            ("en;q=0, fr;q=0.1", Some(Language::French)),
            ("*", None),
            ("", None),
            ("de", None),
            ("fr;q=NaN", Some(Language::French)),
            ("fr;q=9999999999999, ;;;,,,q=1", Some(Language::French)),
        ] {
            assert_eq!(Language::preferred(accept), wanted, "{accept}");
        }
    }

    #[test]
    fn others_texts_are_read_in_the_order_of_the_reader() {
        assert_eq!(reading_order(Language::French, "de;q=0.5, nl"), ["fr", "nl", "de", "en"]);
        assert_eq!(reading_order(Language::Dutch, "x-,<script>,es"), ["nl", "es", "en", "fr", "de"]);
        let flood = "aa,".repeat(10_000);
        assert_eq!(reading_order(Language::English, &flood).len(), 5);
    }
}
