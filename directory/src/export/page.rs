//! A part of the directory for a reader who comes back: what matches a filter and changed since, in the order of the changes.

use essaim_types::{ListingId, Timestamp};

use crate::journal::{Journal, Mark};
use crate::query::{Filter, Hit};
use crate::view::View;

/// What a reader asks for.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which listings.
    pub filter: Filter,
    /// What it knows already.
    pub since: Option<Mark>,
    /// Most listings, together with those that are gone, of one page.
    pub limit: usize,
}

/// A part of the directory.
#[derive(Debug, Clone, PartialEq)]
pub struct Page<'a> {
    /// Where the reader is when it has read this.
    pub state: Mark,
    /// What the reader had before is void: this is the first page of all.
    pub complete: bool,
    /// There is more behind `state`.
    pub more: bool,
    /// Listings that match.
    pub hits: Vec<Hit<'a>>,
    /// Listings that match no more, and since when if they are not listed at all.
    pub gone: Vec<(ListingId, Option<Timestamp>)>,
}

/// The page that a reader asks for. Whoever knows nothing is not told what is gone.
pub fn page<'a>(directory: &'a View, journal: &Journal, now: Timestamp, request: &Request) -> Page<'a> {
    let since = request.since.filter(|since| journal.remembers(*since));
    let finder = directory.finder(now, &request.filter);
    let mut page = Page {
        state: journal.mark(),
        complete: since.is_none(),
        more: false,
        hits: Vec::new(),
        gone: Vec::new(),
    };
    let mut read = since.unwrap_or_else(|| journal.mark_at(0));
    for (id, entry) in journal.after(since) {
        let hit = finder.find(id).filter(|_| entry.gone.is_none());
        if hit.is_none() && page.complete {
            continue;
        }
        if page.hits.len() + page.gone.len() >= request.limit.max(1) {
            return Page { more: true, state: read, ..page };
        }
        read = journal.mark_at(entry.number);
        match hit {
            Some(hit) => page.hits.push(hit),
            None => page.gone.push((id, entry.gone.map(Timestamp))),
        }
    }
    page
}
