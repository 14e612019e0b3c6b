//! The domains of the members' addresses.

use std::collections::BTreeMap;

use essaim_types::{Address, Domain};

/// The domains whose mail this node takes: that of the hoster, and others. Both spellings of an internationalized one are the same
/// domain (RFC 5890 section 2.3.2.1); addresses are kept with the one that the configuration has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalDomains {
    primary: Domain,
    others: Vec<Domain>,
    /// By A-labels.
    spelled: BTreeMap<Domain, Domain>,
}

impl LocalDomains {
    /// From `hoster.domain` and `hoster.domains`.
    pub fn new(primary: Domain, others: impl IntoIterator<Item = Domain>) -> Self {
        let mut others: Vec<Domain> = others.into_iter().filter(|other| *other != primary).collect();
        others.sort();
        others.dedup();
        // Of two spellings the first counts.
        let all = others.iter().rev().chain([&primary]);
        let spelled = all.filter_map(|domain| Some((domain.to_ascii()?, domain.clone()))).collect();
        Self { primary, others, spelled }
    }

    /// The hoster's own.
    pub fn primary(&self) -> &Domain {
        &self.primary
    }

    /// Whether mail for it is taken here.
    pub fn contains(&self, domain: &Domain) -> bool {
        self.spelled(domain).is_some()
    }

    /// The domain as the configuration spells it; `None` if its mail is not taken here.
    pub fn spelled(&self, domain: &Domain) -> Option<&Domain> {
        self.spelled.get(&domain.to_ascii()?)
    }

    /// The address as accounts here have it; `None` if its domain is not of this node.
    pub fn localize(&self, address: &Address) -> Option<Address> {
        Some(Address::new(address.local().clone(), self.spelled(address.domain())?.clone()))
    }

    /// All, the hoster's own first.
    pub fn iter(&self) -> impl Iterator<Item = &Domain> {
        std::iter::once(&self.primary).chain(&self.others)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_domain_stands_there_once_and_the_primary_first() {
        let domain = |text: &str| text.parse::<Domain>().unwrap();
        let domains =
            LocalDomains::new(domain("b.test"), ["c.test", "a.test", "b.test", "c.test"].map(domain));
        assert_eq!(domains.iter().map(Domain::as_str).collect::<Vec<_>>(), ["b.test", "a.test", "c.test"]);
        assert!(domains.contains(&domain("A.TEST")) && domains.contains(&domain("b.test")));
        assert!(!domains.contains(&domain("x.a.test")));
    }

    #[test]
    fn rfc5890_both_spellings_are_the_same_domain() {
        let domain = |text: &str| text.parse::<Domain>().unwrap();
        for configured in ["b\u{fc}cher.test", "xn--bcher-kva.test"] {
            let domains = LocalDomains::new(domain(configured), []);
            for written in ["bob@b\u{fc}cher.test", "bob@xn--bcher-kva.test", "bob@B\u{dc}CHER.test"] {
                let address = domains.localize(&written.parse().unwrap()).unwrap();
                assert_eq!(address.to_string(), format!("bob@{configured}"));
            }
            assert!(!domains.contains(&domain("bucher.test")));
        }
    }
}
