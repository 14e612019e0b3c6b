//! Whether a domain says that a listing is its own.
//!
//! The TXT record at `_essaim.<domain>` is asked; `essaim_identity::domain` says what it means. Names that only exist on this
//! machine cannot be asked: see [`is_local`].

use std::time::Duration;

use essaim_directory::DomainOutcome;
use essaim_identity::Keyring;
use essaim_identity::domain::{TxtRecord, prove};
use essaim_types::Domain;
use hickory_resolver::TokioResolver;
use hickory_resolver::proto::rr::{Name, RData};
use tokio::time::timeout;
use tracing::debug;

/// RFC 6761: names that never leave the machine or the laboratory. Between nodes that are all on this machine they count as proven by
/// the invitation; never otherwise, and they are never asked of the DNS.
pub(crate) fn is_local(domain: &Domain) -> bool {
    let name = domain.as_str();
    ["localhost", "test"].iter().any(|top| name == *top || name.ends_with(&format!(".{top}")))
}

/// Asks the DNS.
#[derive(Clone)]
pub(super) struct Checker(Option<TokioResolver>);

impl Checker {
    /// With the system's resolver. A node without one proves no domain.
    pub(super) fn open() -> Self {
        let resolver = TokioResolver::builder_tokio().and_then(|builder| builder.build());
        if let Err(error) = &resolver {
            tracing::warn!(
                error = error as &dyn std::error::Error,
                "domains cannot be asked: the system's resolver cannot be used"
            );
        }
        Self(resolver.ok())
    }

    /// Whether the domain names the hoster. No answer within the time is a no; the directory forgives it for three days.
    pub(super) async fn check(&self, domain: &Domain, keyring: &Keyring) -> DomainOutcome {
        let records = timeout(ANSWER_WITHIN, self.texts(domain)).await.unwrap_or_default();
        let found = TxtRecord::find(records.iter().map(Vec::as_slice)).map_err(|error| error.to_string());
        let proof =
            found.and_then(|txt| prove(domain, keyring, Some(&txt), None).map_err(|fault| fault.to_string()));
        match proof {
            Ok(()) => DomainOutcome::Proven,
            Err(why) => {
                debug!(%domain, listing = %keyring.listing(), why, "the domain does not prove the listing");
                DomainOutcome::Failed
            }
        }
    }

    /// The TXT records, each with its strings joined.
    async fn texts(&self, domain: &Domain) -> Vec<Vec<u8>> {
        let Some(resolver) = &self.0 else { return Vec::new() };
        // From the root on, so that no search list of the machine is applied.
        let Ok(name) = Name::from_str_relaxed(format!("{}.", TxtRecord::name(domain))) else {
            return Vec::new();
        };
        let Ok(answer) = resolver.txt_lookup(name).await else { return Vec::new() };
        let texts = answer.answers().iter().filter_map(|record| match &record.data {
            RData::TXT(txt) => Some(txt.txt_data.iter().flat_map(|part| part.iter().copied()).collect()),
            _ => None,
        });
        texts.take(RECORDS_MAX).collect()
    }
}

impl std::fmt::Debug for Checker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Checker").field(&self.0.is_some()).finish()
    }
}

const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// TXT records of one name that are looked at.
const RECORDS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_this_machine_are_no_names_of_the_dns() {
        let local = |name: &str| is_local(&name.parse().unwrap());
        assert!(local("a.test") && local("essaim.localhost") && local("b.a.test"));
        assert!(!local("test.example") && !local("atest") && !local("a.test.example"));
    }

    #[tokio::test]
    async fn without_a_resolver_nothing_is_proven() {
        let dir = tempfile::tempdir().unwrap();
        let keys = crate::federation::keys::Keys::make(dir.path()).unwrap();
        let domain: Domain = "coop.example".parse().unwrap();
        let (_, entry) = crate::federation::founding::genesis(&keys, &domain).unwrap();
        let keyring = Keyring::found(entry).unwrap();
        assert_eq!(Checker(None).check(&domain, &keyring).await, DomainOutcome::Failed);
    }
}
