//! Finding out what others hold and we do not: root digest, bucket digests, summaries, records. The asker pulls.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use essaim_identity::PublicKey;
use essaim_types::{ListingId, Timestamp};

use super::{Directory, Output, take};
use crate::hoster::Hoster;
use crate::message::{
    Answer, BUCKETS, Name, PAGE_BYTES_MAX, RECORDS_ASKED_MAX, Request, SUMMARIES_MAX, Summary,
};

/// The questions that are open, and when the next is due.
#[derive(Debug)]
pub(super) struct Sync {
    open: BTreeMap<u64, Open>,
    next_ask: u64,
    pub(super) next_round: Timestamp,
    pub(super) pause: Duration,
    /// What is wanted from whom, one question at a time for each peer.
    wanted: BTreeMap<PublicKey, BTreeSet<ListingId>>,
}

#[derive(Debug)]
struct Open {
    peer: PublicKey,
    question: Request,
    until: Timestamp,
}

impl Default for Sync {
    fn default() -> Self {
        let next_round = Timestamp(i64::MIN);
        Self { open: BTreeMap::new(), next_ask: 1, next_round, pause: PAUSE_MIN, wanted: BTreeMap::new() }
    }
}

impl Directory {
    pub(super) fn connected(&mut self, now: Timestamp, peer: PublicKey) {
        self.peers.insert(peer);
        if let Some(own) = self.own_listing().filter(|_| self.is_restoring()) {
            self.want(now, peer, own);
        }
        self.compare(now, peer);
    }

    pub(super) fn disconnected(&mut self, peer: PublicKey) {
        self.peers.remove(&peer);
        self.sync.wanted.remove(&peer);
        self.sync.open.retain(|_, open| open.peer != peer);
    }

    /// Begins a comparison with a peer.
    pub(super) fn compare(&mut self, now: Timestamp, peer: PublicKey) {
        let root = root(&self.buckets(now));
        self.ask(now, peer, Request::Root(root));
    }

    /// Asks a peer for the records of a listing, soon.
    pub(super) fn want(&mut self, now: Timestamp, peer: PublicKey, listing: ListingId) {
        if self.gone.contains_key(&listing) || !self.peers.contains(&peer) {
            return;
        }
        let wanted = self.sync.wanted.entry(peer).or_default();
        if wanted.len() < WANTED_MAX {
            wanted.insert(listing);
        }
        self.ask_for_wanted(now, peer);
    }

    pub(super) fn asked(&mut self, now: Timestamp, from: PublicKey, ticket: u64, request: &[u8]) {
        let allowed = self.by_peer.allow(&from, QUESTION_COST, now);
        let answer = match Request::parse(request).filter(|_| allowed) {
            None => Answer::Same,
            Some(Request::Root(root)) => self.answer_root(now, root),
            Some(Request::Summaries { buckets, from }) => self.answer_summaries(now, &buckets, from),
            Some(Request::Records(names)) => self.answer_records(&names),
        };
        self.outputs.push(Output::Answer { ticket, answer: answer.to_bytes() });
    }

    pub(super) fn answered(&mut self, now: Timestamp, ask: u64, answer: &[u8]) {
        let Some(Open { peer, question, .. }) = self.sync.open.remove(&ask) else { return };
        match (question, Answer::parse(answer)) {
            (Request::Root(_), Some(Answer::Same)) => {
                self.sync.pause = (self.sync.pause * 2).min(PAUSE_MAX);
            }
            (Request::Root(_), Some(Answer::Buckets(theirs))) => {
                self.sync.pause = PAUSE_MIN;
                let buckets = self.differing(now, &theirs);
                let from = ListingId::from_bytes([0; 32]);
                self.ask(now, peer, Request::Summaries { buckets, from });
            }
            (Request::Summaries { buckets, from }, Some(Answer::Summaries { summaries, next })) => {
                self.read_summaries(now, peer, &summaries);
                if let Some(Name(next)) = next.filter(|next| next.0 > from) {
                    self.ask(now, peer, Request::Summaries { buckets, from: next });
                }
            }
            (Request::Records(names), Some(Answer::Records { records, complete })) => {
                self.read_records(now, peer, &names, &records, complete);
            }
            _ => {}
        }
        self.ask_for_wanted(now, peer);
    }

    pub(super) fn unanswered(&mut self, ask: u64) {
        if let Some(open) = self.sync.open.remove(&ask) {
            self.sync.wanted.remove(&open.peer);
        }
    }

    /// Forgets questions that nobody answers, and begins the next comparison when it is time.
    pub(super) fn sync_tick(&mut self, now: Timestamp) {
        let late: Vec<u64> =
            self.sync.open.iter().filter(|(_, open)| open.until <= now).map(|(ask, _)| *ask).collect();
        late.into_iter().for_each(|ask| self.unanswered(ask));
        if now < self.sync.next_round {
            return;
        }
        let half = u64::try_from(self.sync.pause.as_millis()).unwrap_or(u64::MAX) / 2;
        self.sync.next_round =
            now.after(Duration::from_millis(half + self.dice.below(half.saturating_mul(2))));
        let peers: Vec<PublicKey> = self.peers.iter().copied().collect();
        if let Some(peer) = self.dice.pick(&peers).copied() {
            self.compare(now, peer);
        }
    }

    fn ask(&mut self, now: Timestamp, peer: PublicKey, question: Request) {
        let busy = self.sync.open.values().filter(|open| open.peer == peer).count() >= OPEN_PER_PEER_MAX;
        if busy || self.sync.open.len() >= OPEN_MAX {
            return;
        }
        let ask = self.sync.next_ask;
        self.sync.next_ask += 1;
        let request = question.to_bytes();
        self.sync.open.insert(ask, Open { peer, question, until: now.after(ANSWER_WITHIN) });
        self.outputs.push(Output::Ask { peer, ask, request });
    }

    fn ask_for_wanted(&mut self, now: Timestamp, peer: PublicKey) {
        let asking = |open: &Open| open.peer == peer && matches!(open.question, Request::Records(_));
        let Some(wanted) = self.sync.wanted.get_mut(&peer) else { return };
        if wanted.is_empty() || self.sync.open.values().any(asking) {
            return;
        }
        let names = std::iter::from_fn(|| wanted.pop_first()).take(RECORDS_ASKED_MAX).map(Name).collect();
        self.ask(now, peer, Request::Records(names));
    }

    fn answer_root(&self, now: Timestamp, theirs: [u8; 32]) -> Answer {
        let buckets = self.buckets(now);
        if root(&buckets) == theirs {
            return Answer::Same;
        }
        let short = buckets.iter().flat_map(|bucket| bucket.iter().take(BUCKET_BYTES)).copied();
        Answer::Buckets(short.collect::<Vec<u8>>().into())
    }

    fn answer_summaries(&self, now: Timestamp, buckets: &[u8; 32], from: ListingId) -> Answer {
        let asked = |hoster: &&Hoster| has(buckets, bucket_of(hoster.id())) && self.is_told(hoster, now);
        let mut found = self.hosters.range(from..).map(|(_, hoster)| hoster).filter(asked);
        let summaries = found.by_ref().take(SUMMARIES_MAX).map(summary).collect();
        Answer::Summaries { summaries, next: found.next().map(|hoster| Name(hoster.id())) }
    }

    /// As many whole listings as fit a page.
    fn answer_records(&self, names: &[Name]) -> Answer {
        let (mut records, mut complete, mut bytes) = (Vec::new(), 0u32, PAGE_HEAD);
        for Name(listing) in names.iter().take(RECORDS_ASKED_MAX) {
            let more = self.records_of(*listing);
            let weight: usize = more.iter().map(|record| record.len() + 5).sum();
            if bytes + weight > PAGE_BYTES_MAX {
                break;
            }
            bytes += weight;
            complete += 1;
            records.extend(more.into_iter().map(Into::into));
        }
        Answer::Records { records, complete }
    }

    fn records_of(&self, listing: ListingId) -> Vec<Vec<u8>> {
        let gone = self.gone.get(&listing).map(|gone| gone.wire.to_vec());
        let held = self.hosters.get(&listing).map(Hoster::records);
        let mut records = held.unwrap_or_default();
        // More than a page only if its operators write on purpose without end: the oldest, on which the rest stands, then.
        let mut bytes = PAGE_HEAD;
        records.retain(|record| {
            bytes += record.len() + 5;
            bytes <= PAGE_BYTES_MAX
        });
        records.into_iter().chain(gone).collect()
    }

    fn read_summaries(&mut self, now: Timestamp, peer: PublicKey, summaries: &[Summary]) {
        for theirs in summaries.iter().take(SUMMARIES_MAX) {
            if let Some(gone) = self.gone.get(&theirs.listing) {
                let farewell = gone.wire.to_vec();
                self.gossip_out(farewell);
                continue;
            }
            let same = |hoster: &Hoster| summary(hoster).digest == theirs.digest;
            if !self.hosters.get(&theirs.listing).is_some_and(same) {
                self.want(now, peer, theirs.listing);
            }
        }
    }

    fn read_records(
        &mut self,
        now: Timestamp,
        peer: PublicKey,
        names: &[Name],
        records: &[minicbor::bytes::ByteVec],
        complete: u32,
    ) {
        for record in records {
            // A refusal is counted there; an honest peer may have what we refuse by policy.
            let _ = self.take(now, record, take::From::Page);
        }
        let complete = usize::try_from(complete).unwrap_or(usize::MAX).min(names.len());
        let (told, left) = names.split_at_checked(complete).unwrap_or((names, &[]));
        if complete > 0 {
            left.iter().for_each(|name| self.want(now, peer, name.0));
        }
        if told.iter().any(|name| Some(name.0) == self.own_listing()) {
            self.told(now, peer);
        }
    }

    /// Only what is proven is compared and told of: nobody passes on what nobody has checked.
    fn is_told(&self, hoster: &Hoster, now: Timestamp) -> bool {
        hoster.is_proven(now) || self.own_listing() == Some(hoster.id())
    }

    /// Ids are in order, so each bucket is one run of them; an empty one is zeros.
    fn buckets(&self, now: Timestamp) -> [[u8; 32]; BUCKETS] {
        let mut buckets = [[0; 32]; BUCKETS];
        let mut told = self.hosters.values().filter(|hoster| self.is_told(hoster, now)).peekable();
        let mut hasher = blake3::Hasher::new();
        while let Some(first) = told.peek().map(|hoster| bucket_of(hoster.id())) {
            hasher.reset();
            while let Some(hoster) = told.next_if(|hoster| bucket_of(hoster.id()) == first) {
                hasher.update(hoster.id().as_bytes()).update(hoster.digest());
            }
            if let Some(bucket) = buckets.get_mut(first) {
                *bucket = *hasher.finalize().as_bytes();
            }
        }
        buckets
    }

    fn differing(&self, now: Timestamp, theirs: &[u8]) -> [u8; 32] {
        let mut differing = [0u8; 32];
        let theirs = theirs.chunks_exact(BUCKET_BYTES).chain(std::iter::repeat([0; BUCKET_BYTES].as_slice()));
        for (index, (ours, theirs)) in self.buckets(now).iter().zip(theirs).enumerate() {
            if let Some(byte) = differing.get_mut(index / 8).filter(|_| !ours.starts_with(theirs)) {
                *byte |= 0x80 >> (index % 8);
            }
        }
        differing
    }
}

fn summary(hoster: &Hoster) -> Summary {
    let digest = hoster.digest().first_chunk::<16>().copied().unwrap_or_default();
    Summary { listing: hoster.id(), digest }
}

fn root(buckets: &[[u8; 32]; BUCKETS]) -> [u8; 32] {
    *blake3::hash(buckets.as_flattened()).as_bytes()
}

fn bucket_of(listing: ListingId) -> usize {
    let [first, ..] = listing.as_bytes();
    usize::from(*first)
}

fn has(buckets: &[u8; 32], bucket: usize) -> bool {
    buckets.get(bucket / 8).is_some_and(|byte| byte & (0x80 >> (bucket % 8)) != 0)
}

/// Between two comparisons, give or take a half, when the last one found a difference.
const PAUSE_MIN: Duration = Duration::from_secs(60);
/// The same when nothing has differed for long.
const PAUSE_MAX: Duration = Duration::from_secs(600);
/// How long a question stays open.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Questions open to one peer.
const OPEN_PER_PEER_MAX: usize = 4;
/// Questions open in all.
const OPEN_MAX: usize = 128;
/// Listings wanted from one peer.
const WANTED_MAX: usize = 20_000;
/// What a question costs its asker, in the kilobytes of [`super::PEER_PACE`].
const QUESTION_COST: u32 = 4;
/// Of a bucket's digest, how much is told.
const BUCKET_BYTES: usize = 8;
/// Heads of an answer.
const PAGE_HEAD: usize = 32;
