//! Whether a domain says that a listing is its own.
//!
//! The TXT record at `_essaim.<domain>` and the card at `https://<domain>/.well-known/essaim` are asked for at one time;
//! `essaim_identity::domain` says what they mean. Names that only exist on this machine cannot be asked: see [`is_local`].

use std::sync::Arc;

use essaim_directory::DomainOutcome;
use essaim_identity::domain::{Card, TxtError, TxtRecord, prove};
use essaim_identity::{Keyring, Signed};
use essaim_types::Domain;
use tracing::debug;

use crate::outside::{Names, Sites};
use crate::vitals::now;

/// RFC 6761: names that never leave the machine or the laboratory. Between nodes that are all on this machine they count as proven by
/// the invitation; never otherwise, and they are never asked of the DNS.
pub(crate) fn is_local(domain: &Domain) -> bool {
    let name = domain.as_str();
    ["localhost", "test"].iter().any(|top| name == *top || name.ends_with(&format!(".{top}")))
}

/// Asks domains.
#[derive(Debug, Clone)]
pub(super) struct Checker {
    names: Arc<dyn Names>,
    sites: Sites,
}

impl Checker {
    pub(super) fn new(names: Arc<dyn Names>, sites: Sites) -> Self {
        Self { names, sites }
    }

    /// Whether the domain names the hoster. No answer within the time is a no; the directory forgives it for three days.
    pub(super) async fn check(&self, domain: &Domain, keyring: &Keyring) -> DomainOutcome {
        let (txt, card) = tokio::join!(self.txt(domain), self.card(domain));
        match proof(domain, keyring, txt, card) {
            Ok(()) => DomainOutcome::Proven,
            Err(why) => {
                debug!(%domain, listing = %keyring.listing(), why, "the domain does not prove the listing");
                DomainOutcome::Failed
            }
        }
    }

    async fn txt(&self, domain: &Domain) -> Found<TxtRecord> {
        let records = self.names.texts(&TxtRecord::name(domain)).await.unwrap_or_default();
        match TxtRecord::find(records.iter().map(Vec::as_slice)) {
            Ok(record) => Found::Good(record),
            Err(TxtError::Missing) => Found::Nothing,
            Err(error) => Found::Damaged(error.to_string()),
        }
    }

    async fn card(&self, domain: &Domain) -> Found<Signed<Card>> {
        match self.sites.card(domain, &*self.names).await {
            Ok(bytes) => match Card::read(&bytes, now()) {
                Ok(card) => Found::Good(card),
                Err(error) => Found::Damaged(error.to_string()),
            },
            Err(error) => {
                debug!(%domain, error = &error as &dyn std::error::Error, "there is no card");
                Found::Nothing
            }
        }
    }
}

/// What stands in one of the two places.
enum Found<T> {
    Good(T),
    /// Something that is meant for us and cannot be read.
    Damaged(String),
    Nothing,
}

/// One of the two is enough; what is there must fit, and be whole.
fn proof(
    domain: &Domain,
    keyring: &Keyring,
    txt: Found<TxtRecord>,
    card: Found<Signed<Card>>,
) -> Result<(), String> {
    let (txt, card) = (txt.whole()?, card.whole()?);
    prove(domain, keyring, txt.as_ref(), card.as_ref()).map_err(|fault| fault.to_string())
}

impl<T> Found<T> {
    fn whole(self) -> Result<Option<T>, String> {
        match self {
            Self::Good(found) => Ok(Some(found)),
            Self::Nothing => Ok(None),
            Self::Damaged(why) => Err(why),
        }
    }
}

#[cfg(test)]
mod tests {
    use essaim_identity::SigningKey;
    use essaim_types::Timestamp;

    use super::*;
    use crate::federation::keys::Keys;
    use crate::federation::{founding, invitation};
    use crate::outside::Table;

    #[test]
    fn names_of_this_machine_are_no_names_of_the_dns() {
        let local = |name: &str| is_local(&name.parse().unwrap());
        assert!(local("a.test") && local("essaim.localhost") && local("b.a.test"));
        assert!(!local("test.example") && !local("atest") && !local("a.test.example"));
    }

    fn hoster(domain: &Domain) -> (Keys, Keyring) {
        let dir = tempfile::tempdir().unwrap();
        let keys = Keys::make(dir.path()).unwrap();
        let (_, entry) = founding::genesis(&keys, domain).unwrap();
        (keys, Keyring::found(entry).unwrap())
    }

    fn txt(keyring: &Keyring) -> TxtRecord {
        TxtRecord { listing: keyring.listing(), root: *keyring.head().roots.iter().next().unwrap() }
    }

    fn card(domain: &Domain, keyring: &Keyring, key: &SigningKey) -> Signed<Card> {
        let node = invitation::claim(keyring.listing(), keyring.head_hash(), key.public(), &[]);
        let card = Card { domain: domain.clone(), node, issued: Timestamp(1_700_000_000_000) };
        Card::read(&card.sign(key).unwrap(), card.issued).unwrap()
    }

    #[tokio::test]
    async fn a_txt_record_alone_is_enough_and_nothing_is_not() {
        let domain: Domain = "coop.example".parse().unwrap();
        let (_, keyring) = hoster(&domain);
        let table = Arc::new(Table::default());
        let checker = Checker::new(table.clone(), Sites::open());
        assert_eq!(checker.check(&domain, &keyring).await, DomainOutcome::Failed);
        table.text("_essaim.coop.example", &txt(&keyring).to_string());
        assert_eq!(checker.check(&domain, &keyring).await, DomainOutcome::Proven);
        table.text("_essaim.coop.example", "v=essaim1; id=nonsense");
        assert_eq!(checker.check(&domain, &keyring).await, DomainOutcome::Failed);
    }

    #[test]
    fn r17_record_and_card_must_both_fit_where_both_are_there() {
        let domain: Domain = "coop.example".parse().unwrap();
        let ((keys, ours), (other_keys, theirs)) = (hoster(&domain), hoster(&domain));
        let (record, good) = (|ring| Found::Good(txt(ring)), card(&domain, &ours, &keys.node));
        let bought = card(&domain, &theirs, &other_keys.node);
        let proves = |txt, card: Option<&Signed<Card>>| {
            let card = card.cloned().map_or(Found::Nothing, Found::Good);
            proof(&domain, &ours, txt, card).is_ok()
        };
        assert!(proves(record(&ours), None) && proves(record(&ours), Some(&good)));
        assert!(proves(Found::Nothing, Some(&good)), "a card alone is enough");
        assert!(!proves(record(&ours), Some(&bought)), "the web server has another owner");
        assert!(!proves(record(&theirs), Some(&good)), "the DNS has another owner");
        assert!(!proves(Found::Nothing, Some(&bought)) && !proves(Found::Nothing, None));
        assert!(!proves(Found::Damaged("two records".to_owned()), Some(&good)), "one half is damaged");
        let elsewhere = "other.example".parse().unwrap();
        assert!(
            proof(&elsewhere, &ours, record(&ours), Found::Nothing).is_err(),
            "the listing must name the domain too"
        );
    }
}
