//! Unknown sections and keys, each with its line and the name that was probably meant.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::document::document;
use super::problem::{Place, Problem, line_of};

/// Every section and key of `text` that the documentation does not list.
pub(super) fn unknown_keys(path: &Path, text: &str, table: &DeTable<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    look_through("", table, &mut |offset, section, name| {
        let place = Place::Line(path.to_owned(), line_of(text, offset));
        problems.push(unknown_key(place, section, name));
    });
    problems
}

/// Goes down into known sections only: no deeper than the documentation.
fn look_through(section: &str, table: &DeTable<'_>, unknown: &mut impl FnMut(usize, &str, &str)) {
    for (key, value) in table {
        let name = key.get_ref().as_ref();
        let path = if section.is_empty() { name.to_owned() } else { format!("{section}.{name}") };
        match value.get_ref() {
            DeValue::Table(inner) if document().has_section(&path) => look_through(&path, inner, unknown),
            _ if document().find(section, name).is_some() || document().has_section(&path) => {}
            _ => unknown(key.span().start, section, name),
        }
    }
}

/// The refusal of one key, with the nearest known one.
pub(super) fn unknown_key(place: Place, section: &str, name: &str) -> Problem {
    let (key, message) = match section {
        "" => (name.to_owned(), format!("there is no key or section {name}")),
        _ => (format!("{section}.{name}"), format!("there is no key {name} in [{section}]")),
    };
    Problem { place, key: Some(key), message, hint: Some(hint(section, name)) }
}

fn hint(section: &str, name: &str) -> String {
    let keys = &document().keys;
    let elsewhere = keys.iter().find(|key| key.name == name);
    let here = keys.iter().filter(|key| key.section == section).map(|key| key.name.as_str());
    let sections = document().sections.iter().filter(|_| section.is_empty()).map(|known| known.name.as_str());
    if let Some(key) = elsewhere {
        return format!("the key {name} belongs to [{}]", key.section);
    }
    match nearest(name, here.chain(sections)) {
        Some(known) => format!("did you mean {known}?"),
        None if keys.iter().all(|key| key.section != section) => {
            format!("[{section}] has no keys in this version of essaim")
        }
        None => "essaim config describe lists every key".to_owned(),
    }
}

/// The known name that is at most a third of its letters away.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase().replace('-', "_");
    let near = |known: &str| distance(&name, known) <= (known.len() / 3).max(1);
    known.filter(|known| near(known)).min_by_key(|known| distance(&name, known))
}

/// How many insertions, deletions, replacements and swaps of neighbours make one text the other (optimal string
/// alignment).
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) =
        (a.chars().take(NAME_MAX).collect(), b.chars().take(NAME_MAX).collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=b.len()).collect()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut best = (rows[i - 1][j] + 1).min(row[j - 1] + 1).min(rows[i - 1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

/// No name of ours is longer; what is longer is not near any.
const NAME_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(text: &str) -> Vec<String> {
        let table = DeTable::parse(text).unwrap();
        unknown_keys(Path::new("essaim.toml"), text, table.get_ref())
            .iter()
            .map(ToString::to_string)
            .collect()
    }

    #[test]
    fn an_unknown_key_names_its_line_and_the_nearest_known() {
        assert_eq!(
            problems("[hoster]\ndomain = \"a.test\"\nlanguge = \"fr\"\n"),
            ["essaim.toml:3: there is no key languge in [hoster]; did you mean language?"]
        );
        assert_eq!(
            problems("[lisen]\nsmtp = \"[::]:25\"\n"),
            ["essaim.toml:1: there is no key or section lisen; did you mean listen?"]
        );
        assert_eq!(
            problems("[hoster]\nmode = \"off\"\n"),
            ["essaim.toml:2: there is no key mode in [hoster]; the key mode belongs to [tls]"]
        );
        assert_eq!(
            problems("[backup]\ncopies = []\n"),
            [
                "essaim.toml:2: there is no key copies in [backup]; [backup] has no keys in this version of essaim"
            ]
        );
    }

    #[test]
    fn every_unknown_key_is_reported_and_known_ones_are_not() {
        assert_eq!(problems("zzz = 1\n[tls]\nyyy = 2\nmode = \"off\"\n[mail.xxx]\n").len(), 3);
        assert!(problems(super::super::document::DOCUMENT).is_empty());
    }

    #[test]
    fn distance_counts_edits() {
        for (a, b, edits) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("abc", "", 3),
            ("smpt", "smtp", 1),
            ("quota", "qoutas", 2),
            ("port", "ports", 1),
        ] {
            assert_eq!(distance(a, b), edits, "{a} {b}");
        }
    }
}
