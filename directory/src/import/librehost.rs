//! `librehost.json` 0.0.1: one hoster, an array of them, or an object of them by name.

use serde_json::{Map, Value};

use super::collect::Collector;
use super::{Found, HOSTERS_MAX, ImportError, UNDETERMINED, bounded, depth};

/// The hosters of a file. `language` is that of texts, where the file does not say.
pub fn read(bytes: &[u8], language: Option<&str>) -> Result<Vec<Found>, ImportError> {
    let bytes = bounded(bytes)?;
    depth::check(bytes)?;
    let value: Value = serde_json::from_slice(bytes).map_err(|error| not_json(&error))?;
    let nodes = nodes(value)?;
    if nodes.len() > HOSTERS_MAX {
        return Err(ImportError::TooMany);
    }
    nodes.into_iter().map(|node| Reader { node, collector: Collector::default() }.read(language)).collect()
}

/// A hoster, several, or several by their names.
fn nodes(value: Value) -> Result<Vec<Map<String, Value>>, ImportError> {
    let items = match value {
        Value::Object(node) if MARKS.iter().any(|mark| node.contains_key(*mark)) => return Ok(vec![node]),
        Value::Object(by_name) => by_name.into_iter().map(|(_, item)| item).collect(),
        Value::Array(items) => items,
        _ => Vec::new(),
    };
    let objects = items.into_iter().map(|item| match item {
        Value::Object(node) => Ok(node),
        _ => Err(ImportError::Nothing),
    });
    let nodes = objects.collect::<Result<Vec<_>, _>>()?;
    if nodes.is_empty() { Err(ImportError::Nothing) } else { Ok(nodes) }
}

struct Reader {
    node: Map<String, Value>,
    collector: Collector,
}

impl Reader {
    fn read(mut self, language: Option<&str>) -> Result<Found, ImportError> {
        let languages = self.languages();
        // Who speaks one language writes in it; of several it is not known in which.
        let written = match languages.as_slice() {
            [one] => one,
            _ => language.unwrap_or(UNDETERMINED),
        };
        let form = self.text("organizationType").map(|form| form.to_lowercase().replace("co-op", "coop"));
        self.collector.put("legal.form", form.as_deref(), "organizationType");
        self.put("name", "name");
        let home = self.text("homeUrl");
        self.collector.put_home(home.as_deref(), "homeUrl");
        let (slogan, description) = (self.text("tagLine"), self.text("description"));
        let whole: Vec<String> = slogan.into_iter().chain(description).collect();
        let whole = (!whole.is_empty()).then(|| whole.join("\n"));
        self.collector.put_description(written, whole.as_deref(), "description");
        let contact = self.text("contactUrl");
        self.collector.put_contact(contact.as_deref(), "contactUrl");
        self.put("terms.privacy", "privacyPolicyUrl");
        self.put("terms.url", "termsOfServiceUrl");
        let founded = self.text("foundingDate");
        self.collector.put_year(founded.as_deref(), "foundingDate");
        let modified = self.text("dateModified");
        self.collector.put_updated(modified.as_deref(), "dateModified");
        self.collector.finish()
    }

    fn put(&mut self, key: &str, from: &str) {
        let text = self.text(from);
        self.collector.put(key, text.as_deref(), from);
    }

    /// Each as a mark of the listing; those that were taken.
    fn languages(&mut self) -> Vec<String> {
        let codes = match self.node.get("communicationLanguages") {
            Some(Value::Array(codes)) => codes.clone(),
            Some(Value::Null) | None => Vec::new(),
            Some(_) => {
                self.collector.leave_out("communicationLanguages", "is no list");
                Vec::new()
            }
        };
        let codes = codes.iter().filter_map(Value::as_str).map(str::to_lowercase);
        // en-GB is English: a listing says no more.
        let codes: Vec<String> =
            codes.filter_map(|code| code.split(['-', '_']).next().map(str::to_owned)).collect();
        for code in &codes {
            self.collector.put(&format!("language.{code}"), Some("yes"), "communicationLanguages");
        }
        codes
    }

    fn text(&mut self, field: &str) -> Option<String> {
        match self.node.get(field) {
            Some(Value::String(text)) => Some(text.clone()).filter(|text| !text.trim().is_empty()),
            Some(Value::Null) | None => None,
            Some(_) => {
                self.collector.leave_out(field, "is no text");
                None
            }
        }
    }
}

fn not_json(error: &serde_json::Error) -> ImportError {
    let (line, column) = (error.line(), error.column());
    let reason = error.to_string();
    let reason = reason.split(" at line ").next().unwrap_or(&reason).to_owned();
    ImportError::Json { line, column, reason }
}

/// Any of these makes an object a hoster and no collection of hosters.
const MARKS: [&str; 5] = ["name", "homeUrl", "description", "@type", "organizationType"];

#[cfg(test)]
mod tests {
    use super::*;

    const FULL: &str = r#"{
        "@context": "http://schema.org", "@type": "Organization", "version": "0.0.1",
        "organizationType": "Co-operative", "name": "Les Abeilles", "tagLine": "Du miel",
        "homeUrl": "https://www.abeilles.example/", "logo": "https://abeilles.example/logo.png",
        "description": "Un hébergeur à Namur", "communicationLanguages": ["FR"],
        "contactUrl": "mailto:contact@abeilles.example", "privacyPolicyUrl": "http://abeilles.example/privacy",
        "termsOfServiceUrl": "https://abeilles.example/terms", "isServiceProvider": true,
        "foundingDate": "2018-03-01", "dateCreated": "2019-01-01", "dateModified": "2020-07-07T12:00:00Z"
    }"#;

    fn one(text: &str) -> Found {
        read(text.as_bytes(), None).unwrap().remove(0)
    }

    #[test]
    fn what_a_listing_can_say_is_taken_and_the_rest_is_named() {
        let found = one(FULL);
        let said: Vec<(&str, &str)> = found.fields.iter().map(|(key, text)| (&**key, &**text)).collect();
        assert_eq!(
            said,
            [
                ("contact.email", "contact@abeilles.example"),
                ("description.fr", "Du miel\nUn hébergeur à Namur"),
                ("domain", "abeilles.example"),
                ("language.fr", "yes"),
                ("legal.form", "cooperative"),
                ("legal.since", "2018"),
                ("name", "Les Abeilles"),
                ("terms.url", "https://abeilles.example/terms"),
                ("website", "https://www.abeilles.example/"),
            ]
        );
        assert_eq!(found.domain.as_deref(), Some("abeilles.example"));
        assert_eq!(found.left_out.len(), 1);
        assert_eq!(found.left_out[0].field, "privacyPolicyUrl");
        assert!(found.updated.is_some());
    }

    #[test]
    fn several_hosters_come_as_an_array_or_by_name() {
        for text in [format!("[{FULL}, {FULL}]"), format!("{{\"a\": {FULL}, \"b\": {FULL}}}")] {
            assert_eq!(read(text.as_bytes(), None).unwrap().len(), 2);
        }
        let many = vec!["{\"name\":\"x\"}"; HOSTERS_MAX + 1].join(",");
        assert_eq!(read(format!("[{many}]").as_bytes(), None), Err(ImportError::TooMany));
    }

    #[test]
    fn hostile_files_are_refused_with_their_place() {
        let error = read(b"{\n  \"name\": nonsense }", None).unwrap_err();
        assert!(matches!(error, ImportError::Json { line: 2, .. }), "{error}");
        assert_eq!(read("[".repeat(100).as_bytes(), None), Err(ImportError::TooDeep { line: 1 }));
        assert_eq!(read(&vec![b' '; super::super::FILE_MAX + 1], None), Err(ImportError::TooLarge));
        for nothing in ["null", "[]", "{}", "[1]", "{\"name\": 7}", "{\"name\": \"\u{202e}x\"}", "\"x\""] {
            assert_eq!(read(nothing.as_bytes(), None), Err(ImportError::Nothing), "{nothing}");
        }
    }

    #[test]
    fn r16_what_could_not_be_signed_is_not_mentioned_either() {
        let found =
            one(r#"{"name": "x", "homeUrl": "javascript://a.example/%0aalert(1)", "contactUrl": "data:x"}"#);
        assert_eq!(found.fields.keys().collect::<Vec<_>>(), ["domain", "name"]);
        assert!(one(r#"{"name": "x", "homeUrl": "https://127.0.0.1/"}"#).domain.is_none());
    }

    #[test]
    fn a_text_of_unknown_language_says_so() {
        let text = r#"{"description": "Bees", "communicationLanguages": ["en", "fr-BE"]}"#;
        assert!(one(text).fields.contains_key("description.und"));
        let found = read(text.as_bytes(), Some("en")).unwrap().remove(0);
        assert!(found.fields.contains_key("description.en") && found.fields.contains_key("language.fr"));
    }
}
