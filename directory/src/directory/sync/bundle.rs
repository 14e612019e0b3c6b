//! The whole directory page by page, for those who ask a web server; and what such a server told.

use essaim_types::{ListingId, Timestamp};

use super::PAGE_HEAD;
use crate::bundle::{Page, Told, VERSION};
use crate::directory::{Directory, Output, take};
use crate::hoster::Hoster;
use crate::message::{Name, PAGE_BYTES_MAX};
use crate::view::View;

impl View {
    /// The listings from this id on that fit a page: what a comparison tells, but not what this node hides, for everybody can read it.
    pub fn bundle(&self, now: Timestamp, from: ListingId) -> Page {
        let (mut records, mut bytes, mut next) = (Vec::new(), PAGE_HEAD + NEXT_BYTES, None);
        let told = self.hosters_from(from).filter(|hoster| self.is_told(hoster, now));
        for hoster in told.filter(|hoster| !self.is_hidden(hoster.id())) {
            let more = self.records_of(hoster.id());
            let weight: usize = more.iter().map(|record| record.len() + 5).sum();
            // One listing that fills a page alone is told as far as it fits.
            if bytes + weight > PAGE_BYTES_MAX && !records.is_empty() {
                next = Some(Name(hoster.id()));
                break;
            }
            let fits = |record: &Vec<u8>| {
                bytes += record.len() + 5;
                bytes <= PAGE_BYTES_MAX
            };
            records.extend(more.into_iter().take_while(fits).map(Into::into));
        }
        Page { version: VERSION, records, next }
    }

    /// All records of a listing, as far as they fit a page; of one that has left its farewell.
    pub(super) fn records_of(&self, listing: ListingId) -> Vec<Vec<u8>> {
        let gone = self.gone.get(&listing).map(|gone| gone.wire.to_vec());
        let held = self.hoster(listing).map(Hoster::records);
        let mut records = held.unwrap_or_default();
        // More than a page only if its operators write on purpose without end: the oldest, on which the rest stands, then.
        let mut bytes = PAGE_HEAD;
        records.retain(|record| {
            bytes += record.len() + 5;
            bytes <= PAGE_BYTES_MAX
        });
        records.into_iter().chain(gone).collect()
    }

    /// What we hold, as if we had been told.
    pub fn told_here(&self, now: Timestamp) -> Told {
        let mut told = Told::default();
        let held = self.hosters().filter(|hoster| self.is_told(hoster, now));
        for record in held.flat_map(|hoster| hoster.records()) {
            // As many listings as there may be here, there may be in a bundle.
            let _ = told.record(&record);
        }
        told
    }
}

impl Directory {
    /// Takes in what a page tells, with the rules for what a peer's answer tells.
    pub fn take_bundle(&mut self, now: Timestamp, page: &Page) -> Vec<Output> {
        for record in &page.records {
            // A refusal is counted there.
            let _ = self.take(now, record, take::From::Page);
        }
        std::mem::take(&mut self.outputs)
    }
}

/// Of a page, its version and the id of the next.
const NEXT_BYTES: usize = 48;
