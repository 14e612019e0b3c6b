//! Mail addresses: RFC 5321 section 4.1.2 with the UTF-8 of RFC 6531.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// `local-part@domain`. The local part is kept as written; compare accounts' addresses by [`Address::key`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    local: LocalPart,
    domain: Domain,
}

/// The part before the `@`, unquoted.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocalPart(String);

/// A host or mail domain, lower case, without a trailing dot; or an address literal in brackets.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Domain(String);

/// Why a text is not an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ParseAddressError {
    /// There is no `@` outside of quotes.
    #[error("the address has no @")]
    NoAt,
    /// RFC 5321 section 4.5.3.1.1: at most 64 octets.
    #[error("the part before the @ is empty, longer than 64 octets or has a forbidden character")]
    LocalPart,
    /// RFC 5321 section 4.5.3.1.2: at most 255 octets, labels of at most 63.
    #[error("the domain is empty, too long or has a forbidden character")]
    Domain,
}

impl Address {
    /// From its two parts.
    pub fn new(local: LocalPart, domain: Domain) -> Self {
        Self { local, domain }
    }

    /// The part before the `@`.
    pub fn local(&self) -> &LocalPart {
        &self.local
    }

    /// The part after the `@`.
    pub fn domain(&self) -> &Domain {
        &self.domain
    }

    /// What two spellings of one mailbox have in common: the whole address in lower case. Two members never share a key.
    pub fn key(&self) -> String {
        format!("{}@{}", self.local.0.to_lowercase(), self.domain.0)
    }

    /// The same address without a `+detail` (RFC 5233); `None` if it has none.
    pub fn without_detail(&self) -> Option<Self> {
        let (base, _) = self.local.0.split_once('+')?;
        (!base.is_empty()).then(|| Self { local: LocalPart(base.to_owned()), domain: self.domain.clone() })
    }

    /// Needs SMTPUTF8 (RFC 6531) to be named in an envelope.
    pub fn is_internationalized(&self) -> bool {
        !self.local.0.is_ascii() || !self.domain.0.is_ascii()
    }
}

impl LocalPart {
    /// Checks an unquoted local part.
    pub fn new(text: &str) -> Result<Self, ParseAddressError> {
        let fits = !text.is_empty() && text.len() <= LOCAL_PART_MAX && !text.chars().any(char::is_control);
        fits.then(|| Self(text.to_owned())).ok_or(ParseAddressError::LocalPart)
    }

    /// The unquoted text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn is_dot_string(&self) -> bool {
        self.0.split('.').all(|atom| !atom.is_empty() && atom.chars().all(is_atext))
    }
}

impl Domain {
    /// Checks and lower-cases a domain name or an address literal such as `[192.0.2.1]`.
    pub fn new(text: &str) -> Result<Self, ParseAddressError> {
        if let Some(literal) = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
            let ip = literal.strip_prefix("IPv6:").unwrap_or(literal);
            return ip
                .parse::<std::net::IpAddr>()
                .map(|_| Self(text.to_owned()))
                .map_err(|_| ParseAddressError::Domain);
        }
        let name = text.strip_suffix('.').unwrap_or(text).to_lowercase();
        let fits = !name.is_empty() && name.len() <= DOMAIN_MAX && name.split('.').all(is_label);
        fits.then_some(Self(name)).ok_or(ParseAddressError::Domain)
    }

    /// The text, lower case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// In A-labels, as the DNS and hosts without SMTPUTF8 know it (RFC 5890 section 2.3.2.1): two spellings of one domain have
    /// it in common. `None` if IDNA has no form for it. Address literals are as they are.
    pub fn to_ascii(&self) -> Option<Self> {
        if self.0.is_ascii() {
            return Some(self.clone());
        }
        Self::new(&idna::domain_to_ascii(&self.0).ok()?).ok()
    }
}

impl FromStr for Address {
    type Err = ParseAddressError;
    fn from_str(text: &str) -> Result<Self, ParseAddressError> {
        let (local, domain) = split(text)?;
        Ok(Self { local, domain: Domain::new(domain)? })
    }
}

impl FromStr for Domain {
    type Err = ParseAddressError;
    fn from_str(text: &str) -> Result<Self, ParseAddressError> {
        Self::new(text)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.local, self.domain)
    }
}

impl fmt::Display for LocalPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_dot_string() {
            return f.write_str(&self.0);
        }
        f.write_str("\"")?;
        for c in self.0.chars() {
            if matches!(c, '"' | '\\') {
                f.write_str("\\")?;
            }
            write!(f, "{c}")?;
        }
        f.write_str("\"")
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

macro_rules! as_text {
    ($name:ident) => {
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
as_text!(Address);
as_text!(Domain);

fn split(text: &str) -> Result<(LocalPart, &str), ParseAddressError> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (local, domain) = text.rsplit_once('@').ok_or(ParseAddressError::NoAt)?;
        let local = LocalPart::new(local)?;
        return if local.is_dot_string() { Ok((local, domain)) } else { Err(ParseAddressError::LocalPart) };
    };
    let mut local = String::new();
    let mut chars = quoted.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => local.push(chars.next().ok_or(ParseAddressError::LocalPart)?.1),
            '"' => {
                let rest = quoted.get(at + 1..).unwrap_or_default();
                let domain = rest.strip_prefix('@').ok_or(ParseAddressError::NoAt)?;
                return Ok((LocalPart::new(&local)?, domain));
            }
            _ => local.push(c),
        }
    }
    Err(ParseAddressError::LocalPart)
}

fn is_atext(c: char) -> bool {
    c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || (!c.is_ascii() && !c.is_control())
}

fn is_label(label: &str) -> bool {
    let ends = |c: Option<char>| c.is_some_and(|c| c != '-');
    // An underscore is no host name, but it is seen in the wild and harmless.
    label.len() <= LABEL_MAX
        && ends(label.chars().next())
        && ends(label.chars().next_back())
        && label.chars().all(|c| {
            c.is_ascii_alphanumeric() || matches!(c, '-' | '_') || (!c.is_ascii() && c.is_alphanumeric())
        })
}

const LOCAL_PART_MAX: usize = 64;
const DOMAIN_MAX: usize = 255;
const LABEL_MAX: usize = 63;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_read_back_as_printed() {
        for text in [
            "a@b.test",
            "a.b+c@b.test",
            "\"a b\"@b.test",
            "\"a\\\"b\"@b.test",
            "é@exemple.test",
            "x@[192.0.2.1]",
            "x@[IPv6:::1]",
        ] {
            let address: Address = text.parse().unwrap();
            assert_eq!(address.to_string(), text);
        }
        let address: Address = "A@B.Test.".parse().unwrap();
        assert_eq!((address.to_string().as_str(), address.key().as_str()), ("A@b.test", "a@b.test"));
    }

    #[test]
    fn what_is_not_an_address() {
        for text in [
            "",
            "a",
            "@b",
            "a@",
            "a b@c",
            "a..b@c",
            "a@-b",
            "a@b..c",
            "\"a@b",
            "\"a\"b@c",
            "a\0@b",
            "a@[1.2.3]",
            "a\r\n@b",
        ] {
            assert!(text.parse::<Address>().is_err(), "{text:?}");
        }
        assert!(format!("{}@b", "x".repeat(65)).parse::<Address>().is_err());
    }

    #[test]
    fn rfc5890_spellings_of_a_domain_have_their_a_labels_in_common() {
        let ascii = |text: &str| Domain::new(text).unwrap().to_ascii().map(|domain| domain.to_string());
        for text in ["b\u{fc}cher.test", "B\u{dc}CHER.test", "xn--bcher-kva.test"] {
            assert_eq!(ascii(text).as_deref(), Some("xn--bcher-kva.test"), "{text}");
        }
        assert_eq!(ascii("[192.0.2.1]").as_deref(), Some("[192.0.2.1]"));
    }

    #[test]
    fn detail_is_cut_at_the_first_plus() {
        let address: Address = "a+b+c@d.test".parse().unwrap();
        assert_eq!(address.without_detail().unwrap().to_string(), "a@d.test");
        assert!("+b@d.test".parse::<Address>().unwrap().without_detail().is_none());
    }
}
