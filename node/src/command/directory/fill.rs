//! The own listing from a file that the hoster has for another directory: only what it does not say yet, and only if the operator agrees.

use std::collections::BTreeMap;
use std::io::{self, BufRead, IsTerminal};
use std::path::Path;

use essaim_directory::document::Fields;
use essaim_directory::import::Found;
use essaim_directory::listing::{parse_edit, settle};

use super::file::{self, FileFormat};
use crate::failure::Failure;
use crate::terminal::{Audience, remark};

/// Whether the operator has agreed already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Consent {
    Given,
    Asked,
}

/// The one hoster in a file.
pub(super) fn read(path: &Path, format: FileFormat, language: &str) -> Result<Found, Failure> {
    let mut found = file::read(path, Some(format), Some(language))?;
    match (found.pop(), found.is_empty()) {
        (Some(found), true) => Ok(found),
        _ => Err(Failure::new(format!("{} tells of several hosters", path.display()))
            .hint("take the file of your own hoster; others are taken in with essaim directory import")
            .usage()),
    }
}

/// The fields to set; none if there are none, or the operator says no.
pub(super) fn agreed(
    before: &BTreeMap<String, String>,
    found: &Found,
    consent: Consent,
    audience: Audience,
) -> Result<BTreeMap<String, String>, Failure> {
    let fields = missing(before, found);
    if audience == Audience::People {
        remark(&difference(before, found, &fields));
    }
    if fields.is_empty() || consent == Consent::Given {
        return Ok(fields);
    }
    if audience == Audience::Scripts || !io::stdin().is_terminal() {
        return Err(Failure::new("nothing was changed, because nobody can be asked whether this is right")
            .hint("add --yes")
            .usage());
    }
    remark("Publish this? [y/N]");
    let mut answer = String::new();
    let read = io::stdin().lock().read_line(&mut answer);
    read.map_err(|error| Failure::caused("the answer could not be read", &error))?;
    let is_yes = matches!(answer.trim().to_lowercase().as_str(), "y" | "yes" | "o" | "oui" | "j" | "ja");
    Ok(if is_yes { fields } else { BTreeMap::new() })
}

/// What the file says and the listing does not, as far as both together are possible. The domain is a matter of the keyring.
fn missing(before: &BTreeMap<String, String>, found: &Found) -> BTreeMap<String, String> {
    let new = |key: &str| key != "domain" && !before.contains_key(key);
    let new: BTreeMap<&String, &String> = found.fields.iter().filter(|(key, _)| new(key)).collect();
    let all = before.iter().chain(new.iter().map(|(key, text)| (*key, *text)));
    let all: Fields = all
        .filter_map(|(key, text)| parse_edit(key, text).ok())
        .filter_map(|edit| Some((edit.key, edit.value?)))
        .collect();
    let possible = settle(&all);
    let kept = new.into_iter().filter(|(key, _)| possible.get(key).is_some());
    kept.map(|(key, text)| (key.clone(), text.clone())).collect()
}

/// What changes, and what does not although the file says it.
fn difference(before: &BTreeMap<String, String>, found: &Found, fields: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    for (key, value) in fields {
        text.push_str(&format!("+ {key} = {value:?}\n"));
    }
    for (key, value) in found.fields.iter().filter(|(key, _)| !fields.contains_key(*key) && *key != "domain")
    {
        match before.get(key) {
            Some(said) if said == value => {}
            Some(said) => text.push_str(&format!("  {key} stays {said:?}; the file says {value:?}\n")),
            None => text.push_str(&format!(
                "  {key} is left out: it tells too closely where somebody lives, or is one too many\n"
            )),
        }
    }
    for left in &found.left_out {
        text.push_str(&format!("  {} is left out: {}\n", left.field, left.why));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn found(pairs: &[(&str, &str)]) -> Found {
        Found { domain: None, updated: None, fields: fields(pairs), left_out: Vec::new() }
    }

    #[test]
    fn only_what_is_empty_is_filled() {
        let before = fields(&[("name", "Les Abeilles"), ("service.mail", "yes")]);
        let file = found(&[("name", "Abeilles"), ("domain", "abeilles.example"), ("place.country", "BE")]);
        assert_eq!(missing(&before, &file), fields(&[("place.country", "BE")]));
        let shown = difference(&before, &file, &missing(&before, &file));
        assert_eq!(
            shown,
            "+ place.country = \"BE\"\n  name stays \"Les Abeilles\"; the file says \"Abeilles\"\n"
        );
    }

    #[test]
    fn a_file_does_not_tell_where_somebody_lives() {
        let before = fields(&[("provider", "home")]);
        let file = found(&[("place.cell", "50.4,4.8"), ("place.country", "BE")]);
        assert_eq!(missing(&before, &file), fields(&[("place.country", "BE")]));
    }

    #[test]
    fn nobody_to_ask_is_no_consent() {
        let file = found(&[("place.country", "BE")]);
        assert!(agreed(&fields(&[]), &file, Consent::Asked, Audience::Scripts).is_err());
        let given = agreed(&fields(&[]), &file, Consent::Given, Audience::Scripts).unwrap();
        assert_eq!(given, fields(&[("place.country", "BE")]));
        let nothing = agreed(&file.fields, &file, Consent::Asked, Audience::Scripts).unwrap();
        assert!(nothing.is_empty());
    }
}
