//! Internationalized domains for hosts that read ASCII only: RFC 5890 section 2.3.2.1.

use essaim_types::Address;

/// How addresses are written for a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Spelling {
    /// As they are (RFC 6531).
    Unicode,
    /// Domains in A-labels; a local part beyond ASCII cannot be written.
    Ascii,
}

impl Spelling {
    /// An address without its brackets; `None` if it cannot be written so.
    pub(super) fn write(self, address: &Address) -> Option<String> {
        match self {
            Self::Ascii if address.is_internationalized() => {
                let domain = address.domain().to_ascii().filter(|_| address.local().as_str().is_ascii())?;
                Some(format!("{}@{domain}", address.local()))
            }
            Self::Ascii | Self::Unicode => Some(address.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc5890_domains_have_a_form_in_ascii_and_local_parts_have_none() {
        for (address, expected) in [
            ("a@b.test", Some("a@b.test")),
            ("a@b\u{fc}cher.test", Some("a@xn--bcher-kva.test")),
            ("\"a b\"@b\u{fc}cher.test", Some("\"a b\"@xn--bcher-kva.test")),
            ("zo\u{eb}@b.test", None),
            ("zo\u{eb}@b\u{fc}cher.test", None),
            ("a@[192.0.2.1]", Some("a@[192.0.2.1]")),
        ] {
            let address: Address = address.parse().unwrap();
            assert_eq!(Spelling::Ascii.write(&address).as_deref(), expected, "{address}");
            assert_eq!(Spelling::Unicode.write(&address), Some(address.to_string()));
        }
    }
}
