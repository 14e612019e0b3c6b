//! Bundles: from web servers, or from files.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::time::Duration;

use essaim_directory::bundle::{PAGE_BYTES_MAX, PAGES_MAX, Page, PageError, Told};
use essaim_types::{Domain, ListingId};
use tokio::time::timeout;

use crate::federation::is_local;
use crate::outside::{SiteError, Sites, SystemNames};

/// Fetches them.
pub(super) struct Fetcher {
    sites: Sites,
    names: SystemNames,
}

/// Why there is none.
#[derive(Debug, thiserror::Error)]
pub(super) enum BundleError {
    #[error("it is a name of this machine, which no web server has: fetch the bundle and give the file")]
    Local,
    #[error("no page of its bundle was had")]
    Site(#[source] SiteError),
    #[error("what it tells cannot be read")]
    Page(#[source] PageError),
    #[error("it tells of it in more than {PAGES_MAX} pages")]
    Endless,
    #[error("it took longer than {} minutes", BUNDLE_WITHIN.as_secs() / 60)]
    TooSlow,
    #[error("the file cannot be read")]
    File(#[source] io::Error),
}

impl Fetcher {
    pub(super) fn open() -> Self {
        Self { sites: Sites::open(), names: SystemNames::open() }
    }

    /// All pages, each checked as it comes.
    pub(super) async fn fetch(&self, domain: &Domain) -> Result<Told, BundleError> {
        if is_local(domain) {
            return Err(BundleError::Local);
        }
        let domain = domain.to_ascii().unwrap_or_else(|| domain.clone());
        let page =
            async |from| self.sites.bundle_page(&domain, &self.names, from).await.map_err(BundleError::Site);
        timeout(BUNDLE_WITHIN, follow(page)).await.unwrap_or(Err(BundleError::TooSlow))
    }
}

/// From the first page to the one that names no next.
async fn follow(get: impl AsyncFn(ListingId) -> Result<Vec<u8>, BundleError>) -> Result<Told, BundleError> {
    let (mut told, mut from) = (Told::default(), FIRST);
    for _ in 0..PAGES_MAX {
        let page = Page::parse(&get(from).await?, from).map_err(BundleError::Page)?;
        told.add(&page).map_err(BundleError::Page)?;
        match page.next {
            Some(next) => from = next.0,
            None => return Ok(told),
        }
    }
    Err(BundleError::Endless)
}

/// One page that somebody has fetched. More of the same domain are other files.
pub(super) fn read(file: &Path) -> Result<Told, BundleError> {
    let mut bytes = Vec::new();
    let opened = File::open(file).map_err(BundleError::File)?;
    opened.take(PAGE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes).map_err(BundleError::File)?;
    let mut told = Told::default();
    let page = Page::parse(&bytes, FIRST).map_err(BundleError::Page)?;
    told.add(&page).map_err(BundleError::Page)?;
    Ok(told)
}

const FIRST: ListingId = ListingId::from_bytes([0; 32]);
const BUNDLE_WITHIN: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    use essaim_directory::bundle::VERSION;

    use super::*;

    fn page(next: Option<[u8; 32]>) -> Page {
        let next = next.map(|id| essaim_directory::message::Name(ListingId::from_bytes(id)));
        Page { version: VERSION, records: Vec::new(), next }
    }

    #[tokio::test]
    async fn pages_are_followed_to_the_last_and_not_backwards_or_without_end() {
        let two = async |from: ListingId| Ok(page((from == FIRST).then_some([7; 32])).to_bytes());
        assert_eq!(follow(two).await.unwrap(), Told::default());
        let circle = async |_| Ok(page(Some([7; 32])).to_bytes());
        assert!(matches!(follow(circle).await, Err(BundleError::Page(PageError::Backward))));
        let endless = async |from: ListingId| {
            let mut id = *from.as_bytes();
            let at = id.iter().rposition(|byte| *byte != u8::MAX).unwrap();
            id[at] += 1;
            id[at + 1..].fill(0);
            Ok(page(Some(id)).to_bytes())
        };
        assert!(matches!(follow(endless).await, Err(BundleError::Endless)));
        let noise = async |_| Ok(b"<html>".to_vec());
        assert!(matches!(follow(noise).await, Err(BundleError::Page(PageError::Unreadable))));
    }

    #[tokio::test]
    async fn names_of_this_machine_are_not_asked_for() {
        let outcome = Fetcher::open().fetch(&"b.test".parse().unwrap()).await;
        assert!(matches!(outcome, Err(BundleError::Local)));
    }

    #[test]
    fn a_file_is_a_page() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("b.cbor");
        assert!(matches!(read(&file), Err(BundleError::File(_))));
        std::fs::write(&file, page(Some([7; 32])).to_bytes()).unwrap();
        assert_eq!(read(&file).unwrap(), Told::default());
        std::fs::write(&file, vec![0; PAGE_BYTES_MAX + 10]).unwrap();
        assert!(matches!(read(&file), Err(BundleError::Page(PageError::Unreadable))));
    }
}
