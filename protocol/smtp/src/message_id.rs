//! Message identifiers: RFC 5322 section 3.6.4.

use std::fmt;

use essaim_types::Domain;

/// `<unique@domain>`, for a message that has none or is made here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageId {
    unique: String,
    domain: Domain,
}

impl MessageId {
    /// `unique` is random or a queue id: letters, digits and dashes of it are used, 64 at most.
    pub fn new(unique: &str, domain: Domain) -> Self {
        let unique = unique.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').take(64).collect();
        Self { unique, domain }
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}@{}>", self.unique, self.domain)
    }
}
