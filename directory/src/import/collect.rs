//! Fields of a listing from texts of a file: only what a listing may say.

use std::collections::BTreeMap;

use essaim_types::Timestamp;

use super::{Found, ImportError, LeftOut};
use crate::document::Fields;
use crate::listing::{check, parse_edit, settle, to_ascii};

/// Fields as they come together.
#[derive(Debug, Default)]
pub(super) struct Collector {
    domain: Option<String>,
    updated: Option<Timestamp>,
    fields: Fields,
    texts: BTreeMap<String, String>,
    left_out: Vec<LeftOut>,
}

impl Collector {
    /// One field of a listing, if there is a text; `from` is its name in the file.
    pub(super) fn put(&mut self, key: &str, text: Option<&str>, from: &str) {
        let Some(text) = text.map(str::trim).filter(|text| !text.is_empty()) else { return };
        match parse_edit(key, text) {
            Ok(edit) => {
                self.fields.edit(edit);
                if let Err(fault) = check(&self.fields) {
                    self.leave_out(from, &fault.to_string());
                } else {
                    self.texts.insert(key.to_owned(), text.to_owned());
                }
                self.fields = settle(&self.fields);
            }
            Err(fault) => self.leave_out(from, &fault.to_string()),
        }
    }

    /// A text for people that may be longer than a listing's: what is too much is cut, and said to be.
    pub(super) fn put_description(&mut self, language: &str, text: Option<&str>, from: &str) {
        let Some(text) = text.map(|text| text.replace("\r\n", "\n")) else { return };
        let text = text.trim();
        let cut = shortened(text, DESCRIPTION_MAX);
        if cut.len() < text.len() {
            self.leave_out(from, "is longer than a description may be: its end was cut off");
        }
        self.put(&format!("description.{language}"), Some(&cut), from);
    }

    /// The home page, and by it the domain. A page without TLS still says whose it is.
    pub(super) fn put_home(&mut self, url: Option<&str>, from: &str) {
        let Some(url) = url.map(str::trim) else { return };
        self.domain = domain_of(url);
        self.put("website", Some(url), from);
        if let Some(domain) = self.domain.clone() {
            self.put("domain", Some(&domain), from);
            if !self.texts.contains_key("domain") {
                self.domain = None;
            }
        }
    }

    /// Where to write: a page or a mail address.
    pub(super) fn put_contact(&mut self, url: Option<&str>, from: &str) {
        match url.map(str::trim).and_then(|url| url.strip_prefix("mailto:")) {
            Some(address) => self.put("contact.email", Some(address), from),
            None => self.put("contact.url", url, from),
        }
    }

    pub(super) fn put_updated(&mut self, text: Option<&str>, from: &str) {
        let Some(text) = text else { return };
        self.updated = crate::times::parse(text);
        if self.updated.is_none() {
            self.leave_out(from, "is no date");
        }
    }

    pub(super) fn put_year(&mut self, text: Option<&str>, from: &str) {
        match text.map(crate::times::year) {
            Some(Some(year)) => self.put("legal.since", Some(&year.to_string()), from),
            Some(None) => self.leave_out(from, "has no year in it"),
            None => {}
        }
    }

    pub(super) fn leave_out(&mut self, field: &str, why: &str) {
        if self.left_out.len() < LEFT_OUT_MAX {
            let field = field.chars().take(FIELD_NAME_MAX).collect();
            self.left_out.push(LeftOut { field, why: why.to_owned() });
        }
    }

    pub(super) fn finish(mut self) -> Result<Found, ImportError> {
        // A later field may have made an earlier one impossible: a person's municipality.
        let fields = &self.fields;
        let gone: Vec<String> = self.texts.keys().filter(|key| fields.get(key).is_none()).cloned().collect();
        for key in gone {
            self.texts.remove(&key);
            self.leave_out(&key, "tells too closely where somebody lives");
        }
        if self.texts.is_empty() {
            return Err(ImportError::Nothing);
        }
        Ok(Found { domain: self.domain, updated: self.updated, fields: self.texts, left_out: self.left_out })
    }
}

/// Of the host of an address, in ASCII, without `www.`.
fn domain_of(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit('@').next()?.split(':').next()?;
    let domain = to_ascii(host)?.as_str().to_owned();
    Some(domain.strip_prefix("www.").unwrap_or(&domain).to_owned())
}

/// At most so many bytes, cut between words.
fn shortened(text: &str, max: usize) -> String {
    if text.len() <= max {
        return text.to_owned();
    }
    let mark = "…";
    let fits = |(at, _): &(usize, char)| at + mark.len() <= max;
    let end = text.char_indices().take_while(fits).filter(|(_, c)| c.is_whitespace()).last();
    let end = end.or_else(|| text.char_indices().take_while(fits).last()).map_or(0, |(at, _)| at);
    format!("{}{mark}", text.get(..end).unwrap_or_default().trim_end())
}

/// As `description.*` of a listing.
const DESCRIPTION_MAX: usize = 600;
/// Remarks on one hoster.
const LEFT_OUT_MAX: usize = 64;
/// Letters of a field's name in a remark.
const FIELD_NAME_MAX: usize = 80;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_is_that_of_the_home_page() {
        assert_eq!(domain_of("https://www.Abeilles.example:8443/x?y").as_deref(), Some("abeilles.example"));
        assert_eq!(domain_of("http://bücher.example").as_deref(), Some("xn--bcher-kva.example"));
        assert_eq!(domain_of("abeilles.example"), None);
    }

    #[test]
    fn long_texts_are_cut_between_words() {
        let cut = shortened(&"bees ".repeat(200), 600);
        assert!(cut.len() <= 600 && cut.ends_with("bees…"), "{cut}");
        assert!(shortened(&"é".repeat(400), 600).len() <= 600);
        assert_eq!(shortened("short", 600), "short");
    }
}
