//! `essaim config describe`: every key, what it does, its default.

use serde::{Deserialize, Serialize};

use super::document::{Shown, document};

/// A key as `config describe --json` prints it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeyDescription {
    /// `section.name`.
    pub(crate) key: String,
    pub(crate) doc: String,
    /// In TOML; absent if the key is not set by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) default: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) example: Option<String>,
    pub(crate) environment: String,
}

/// All keys in the order of the documentation.
pub(crate) fn describe() -> Vec<KeyDescription> {
    let keys = document().keys.iter();
    keys.map(|key| {
        let (default, example) = match &key.value {
            Shown::Default(value) => (Some(value.clone()), None),
            Shown::Example(value) => (None, Some(value.clone())),
        };
        let environment = format!("ESSAIM_{}", key.path().to_uppercase().replace('.', "__"));
        KeyDescription { key: key.path(), doc: key.doc.clone(), default, example, environment }
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_carry_their_doc_default_and_variable() {
        let keys = describe();
        let smtp = keys.iter().find(|key| key.key == "listen.smtp").unwrap();
        assert_eq!(smtp.default.as_deref(), Some("\"127.0.0.1:2525\""));
        assert_eq!(smtp.environment, "ESSAIM_LISTEN__SMTP");
        assert_eq!(smtp.doc, "Mail from other servers. In production \":25\".");
        let cert = keys.iter().find(|key| key.key == "tls.cert").unwrap();
        assert_eq!(cert.default, None);
        assert_eq!(keys.first().unwrap().environment, "ESSAIM_DATA_DIR");
    }
}
