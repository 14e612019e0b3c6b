//! What became visible on this node, in order: which listing joined, changed or left, each with the number of its last change.
//!
//! The directory itself has no order that two nodes share, so the numbers are of this node alone. A reader that comes back with the
//! [`Mark`] of its last answer is told what changed since, and what is gone. Of what is gone nothing is kept but the id.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use essaim_identity::cbor::Bounded;
use essaim_types::{ListingId, Timestamp};
use minicbor::{Decode, Encode};

use crate::query::{Filter, Hit};
use crate::view::View;

/// What became visible on this node, in order.
#[derive(Debug, Clone)]
pub struct Journal {
    head: Head,
    entries: BTreeMap<ListingId, Entry>,
    order: BTreeMap<u64, ListingId>,
    /// The digest of a hoster's records, and the fingerprint of its listing that was computed then.
    known: BTreeMap<ListingId, ([u8; 32], [u8; 16])>,
}

/// The last change of one listing.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Entry {
    /// Counted over all listings, from 1.
    #[n(0)]
    pub number: u64,
    /// When it was first shown here; again, if it had left.
    #[cbor(n(1), with = "essaim_identity::cbor::with::timestamp")]
    pub joined: Timestamp,
    /// When what it says was last seen to be different.
    #[n(2)]
    pub changed: Option<i64>,
    /// When the maintenance that it announces now was first seen.
    #[n(3)]
    pub announced: Option<i64>,
    /// Since when it is not shown any more.
    #[n(4)]
    pub gone: Option<i64>,
    /// Of what it says; empty once it is gone.
    #[cbor(n(5), with = "minicbor::bytes")]
    said: Vec<u8>,
    /// Beginning of its announced maintenance, in seconds.
    #[n(6)]
    maintenance: Option<i64>,
    /// How it is shown: trust, freshness, whether it is disputed.
    #[n(7)]
    shown: [u8; 3],
}

/// What is true of the whole journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub struct Head {
    /// Drawn at random when the journal was begun: marks of another one mean nothing here.
    #[cbor(n(0), with = "minicbor::bytes")]
    id: [u8; 8],
    /// Of what was forgotten the highest number.
    #[n(1)]
    forgotten: u64,
}

/// One thing to be kept, and then to be [taken in](Journal::take_in).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// The last change of a listing.
    Put(ListingId, Entry),
    /// A listing that is gone for so long that nobody asks for it.
    Forget(ListingId),
    /// What is true of the whole journal.
    Head(Head),
}

/// A place in a journal. As text, `0123456789abcdef-42`, it is the reader's `since` and the `ETag`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mark {
    journal: [u8; 8],
    number: u64,
}

impl Journal {
    /// An empty one. `id` is random.
    pub fn new(id: [u8; 8]) -> Self {
        let head = Head { id, forgotten: 0 };
        Self { head, entries: BTreeMap::new(), order: BTreeMap::new(), known: BTreeMap::new() }
    }

    /// The journal as it was kept.
    pub fn load(head: Head, entries: impl IntoIterator<Item = (ListingId, Entry)>) -> Self {
        let mut journal = Self { head, ..Self::new(head.id) };
        journal.take_in(entries.into_iter().map(|(listing, entry)| Step::Put(listing, entry)));
        journal
    }

    /// What is true of the whole, to be kept when it is begun.
    pub fn head(&self) -> Head {
        self.head
    }

    /// How the directory differs from what was last taken in. Once the steps are kept they are to be taken in, before anybody is told.
    pub fn observe(&mut self, now: Timestamp, directory: &View) -> Vec<Step> {
        let filter = Filter::default();
        let finder = directory.finder(now, &filter);
        let mut steps = Vec::new();
        let mut number = self.last();
        let mut step = |listing, entry: Entry| {
            number += 1;
            steps.push(Step::Put(listing, Entry { number, ..entry }));
        };
        for hoster in directory.hosters() {
            let id = hoster.id();
            let Some(hit) = finder.find(id) else { continue };
            let said = self.fingerprint(id, *hoster.digest(), &hit);
            let before = self.entries.get(&id).filter(|entry| entry.gone.is_none());
            let entry = match before {
                Some(before) => before.followed_by(&hit, &said, now),
                None => Some(Entry::first(
                    &hit,
                    &said,
                    if self.entries.contains_key(&id) { now } else { hoster.first_seen },
                )),
            };
            if let Some(entry) = entry {
                step(id, entry);
            }
        }
        for (id, entry) in
            self.entries.iter().filter(|(id, entry)| entry.gone.is_none() && finder.find(**id).is_none())
        {
            step(*id, entry.ended(now));
        }
        self.known.retain(|id, _| directory.hoster(*id).is_some());
        steps.extend(self.forget(now));
        steps
    }

    /// Takes in what was observed and kept.
    pub fn take_in(&mut self, steps: impl IntoIterator<Item = Step>) {
        for step in steps {
            match step {
                Step::Put(listing, entry) => {
                    self.order.insert(entry.number, listing);
                    if let Some(before) = self.entries.insert(listing, entry) {
                        self.order.remove(&before.number);
                    }
                }
                Step::Forget(listing) => {
                    if let Some(before) = self.entries.remove(&listing) {
                        self.order.remove(&before.number);
                    }
                }
                Step::Head(head) => self.head = head,
            }
        }
    }

    /// Where it ends now.
    pub fn mark(&self) -> Mark {
        self.mark_at(self.last())
    }

    /// The place behind a number.
    pub fn mark_at(&self, number: u64) -> Mark {
        Mark { journal: self.head.id, number }
    }

    /// Whether everything that came after a mark is remembered. If not (it is of another journal, or too old) its reader begins anew.
    pub fn remembers(&self, mark: Mark) -> bool {
        mark.journal == self.head.id && (self.head.forgotten..=self.last()).contains(&mark.number)
    }

    /// What came after a mark, in order; everything, if that is not remembered.
    pub fn after(&self, mark: Option<Mark>) -> impl Iterator<Item = (ListingId, &Entry)> {
        let number = mark.filter(|mark| self.remembers(*mark)).map_or(0, |mark| mark.number);
        let later = self.order.range(number.saturating_add(1)..);
        later.filter_map(|(_, id)| Some((*id, self.entries.get(id)?)))
    }

    fn last(&self) -> u64 {
        let last = self.order.last_key_value().map_or(0, |(number, _)| *number);
        last.max(self.head.forgotten)
    }

    /// Serializing ten thousand listings takes a twentieth of a second, so it is done only for those whose records are others.
    fn fingerprint(&mut self, id: ListingId, digest: [u8; 32], hit: &Hit<'_>) -> [u8; 16] {
        if let Some((known, said)) = self.known.get(&id)
            && *known == digest
        {
            return *said;
        }
        let text = serde_json::to_vec(hit.listing).unwrap_or_default();
        let mut said = [0; 16];
        blake3::Hasher::new().update(&text).finalize_xof().fill(&mut said);
        self.known.insert(id, (digest, said));
        said
    }

    /// What is gone for long, and of many that are gone the oldest.
    fn forget(&self, now: Timestamp) -> Vec<Step> {
        let gone: Vec<_> = self.after(None).filter(|(_, entry)| entry.gone.is_some()).collect();
        let too_many = gone.len().saturating_sub(GONE_MAX);
        let is_old =
            |entry: &Entry| entry.gone.is_some_and(|since| now.since(Timestamp(since)) >= REMEMBERED);
        let old = gone.iter().enumerate().filter(|(at, (_, entry))| *at < too_many || is_old(entry));
        let (mut steps, mut forgotten) = (Vec::new(), self.head.forgotten);
        for (_, (id, entry)) in old {
            forgotten = forgotten.max(entry.number);
            steps.push(Step::Forget(*id));
        }
        if !steps.is_empty() {
            steps.push(Step::Head(Head { forgotten, ..self.head }));
        }
        steps
    }
}

impl Entry {
    fn first(hit: &Hit<'_>, said: &[u8; 16], joined: Timestamp) -> Self {
        let maintenance = hit.listing.maintenance.as_ref().map(|maintenance| maintenance.from);
        Self {
            number: 0,
            joined,
            changed: None,
            announced: maintenance.map(|_| joined.0),
            gone: None,
            said: said.to_vec(),
            maintenance,
            shown: shown(hit),
        }
    }

    /// `None` if nothing is different.
    fn followed_by(&self, hit: &Hit<'_>, said: &[u8; 16], now: Timestamp) -> Option<Self> {
        let maintenance = hit.listing.maintenance.as_ref().map(|maintenance| maintenance.from);
        let announced =
            if maintenance == self.maintenance { self.announced } else { maintenance.map(|_| now.0) };
        let changed = if self.said == said { self.changed } else { Some(now.0) };
        let shown = shown(hit);
        let same = self.said == said && self.shown == shown;
        (!same).then(|| Self { changed, announced, said: said.to_vec(), maintenance, shown, ..self.clone() })
    }

    /// Without anything that it said.
    fn ended(&self, now: Timestamp) -> Self {
        Self {
            number: 0,
            joined: self.joined,
            changed: None,
            announced: None,
            gone: Some(now.0),
            said: Vec::new(),
            maintenance: None,
            shown: [0; 3],
        }
    }
}

fn shown(hit: &Hit<'_>) -> [u8; 3] {
    [hit.tier as u8, hit.freshness as u8, u8::from(hit.disputed)]
}

impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}-{}", u64::from_be_bytes(self.journal), self.number)
    }
}

impl FromStr for Mark {
    type Err = NoMark;

    fn from_str(text: &str) -> Result<Self, NoMark> {
        let (journal, number) = text.split_once('-').ok_or(NoMark)?;
        let journal = u64::from_str_radix(journal, 16).map_err(|_| NoMark)?.to_be_bytes();
        let mark = Self { journal, number: number.parse().map_err(|_| NoMark)? };
        (mark.to_string() == text).then_some(mark).ok_or(NoMark)
    }
}

/// This text was never given out as a mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this is not the state of a directory")]
pub struct NoMark;

impl Bounded for Entry {
    const BYTES_MAX: usize = 128;
    const DEPTH_MAX: usize = 2;
}

impl Bounded for Head {
    const BYTES_MAX: usize = 32;
    const DEPTH_MAX: usize = 1;
}

/// Listings that are gone and of which the ids are remembered.
pub const GONE_MAX: usize = 20_000;
/// How long a listing that is gone is remembered.
pub const REMEMBERED: Duration = Duration::from_secs(400 * 86_400);
