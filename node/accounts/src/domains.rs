//! The domains of the members' addresses.

use essaim_types::Domain;

/// The domains whose mail this node takes: that of the hoster, and others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalDomains {
    primary: Domain,
    others: Vec<Domain>,
}

impl LocalDomains {
    /// From `hoster.domain` and `hoster.domains`.
    pub fn new(primary: Domain, others: impl IntoIterator<Item = Domain>) -> Self {
        let mut others: Vec<Domain> = others.into_iter().filter(|other| *other != primary).collect();
        others.sort();
        others.dedup();
        Self { primary, others }
    }

    /// The hoster's own.
    pub fn primary(&self) -> &Domain {
        &self.primary
    }

    /// Whether mail for it is taken here.
    pub fn contains(&self, domain: &Domain) -> bool {
        *domain == self.primary || self.others.binary_search(domain).is_ok()
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
}
