//! Which listing somebody means.

use essaim_types::{ListingId, Timestamp};

use crate::listing::to_ascii;
use crate::view::View;

/// Why no one listing is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NameFault {
    /// There is none.
    #[error("is not in the directory")]
    Unknown,
    /// There are several, none of them better proven than the others.
    #[error("is the domain of several listings")]
    Several,
}

impl View {
    /// The listing with this id or this domain. Of several with one domain the one that is proven.
    pub fn named(&self, now: Timestamp, name: &str) -> Result<ListingId, NameFault> {
        if let Some(id) = name.parse::<ListingId>().ok().filter(|id| self.hoster(*id).is_some()) {
            return Ok(id);
        }
        let domain = to_ascii(name);
        let wanted = domain.as_ref().map_or(name, |domain| domain.as_str());
        let with_domain = self.hosters().filter(|hoster| hoster.listing().domain.as_deref() == Some(wanted));
        let mut found: Vec<_> = with_domain.collect();
        found.sort_by_key(|hoster| !hoster.is_proven(now));
        match found.as_slice() {
            [] => Err(NameFault::Unknown),
            [one] => Ok(one.id()),
            [one, other, ..] if one.is_proven(now) && !other.is_proven(now) => Ok(one.id()),
            [..] => Err(NameFault::Several),
        }
    }
}
