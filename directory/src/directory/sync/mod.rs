//! Finding out what others hold and we do not: root digest, bucket digests, summaries, records. The asker pulls.

mod bundle;
mod digest;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use essaim_identity::PublicKey;
use essaim_types::{ListingId, Timestamp};

use self::digest::{differing, has, root, short, shortened, summary};
use self::wanted::{Next, Rest, Wanted};
use super::{Directory, Output, take};
use crate::hoster::Hoster;
use crate::message::{Answer, Name, PAGE_BYTES_MAX, RECORDS_ASKED_MAX, Request, SUMMARIES_MAX, Summary};

/// The questions that are open, and when the next is due.
#[derive(Debug)]
pub(super) struct Sync {
    open: BTreeMap<u64, Open>,
    next_ask: u64,
    next_round: Timestamp,
    /// How often a comparison that broke off may still be begun again before the next round.
    again: u32,
    /// When a comparison with each connected peer was begun last.
    compared: BTreeMap<PublicKey, Timestamp>,
    wanted: Wanted,
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
        Self {
            open: BTreeMap::new(),
            next_ask: 1,
            next_round,
            again: 0,
            compared: BTreeMap::new(),
            wanted: Wanted::default(),
        }
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

    pub(super) fn disconnected(&mut self, now: Timestamp, peer: PublicKey) {
        self.peers.remove(&peer);
        self.sync.compared.remove(&peer);
        let before = self.sync.open.len();
        self.sync.open.retain(|_, open| open.peer != peer);
        if self.sync.open.len() < before {
            self.broke_off(now, peer);
        }
    }

    /// Asks a peer for the records of a listing, soon.
    pub(super) fn want(&mut self, now: Timestamp, peer: PublicKey, listing: ListingId) {
        if self.gone.contains_key(&listing) || !self.peers.contains(&peer) {
            return;
        }
        self.sync.wanted.add(peer, listing, None);
        self.ask_on(now);
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
        if matches!(answer, Answer::Buckets(_)) {
            self.compare_back(now, from);
        }
    }

    pub(super) fn answered(&mut self, now: Timestamp, ask: u64, answer: &[u8]) {
        let Some(Open { peer, question, .. }) = self.sync.open.remove(&ask) else { return };
        match (question, Answer::parse(answer)) {
            (Request::Root(_), Some(Answer::Same)) => {}
            (Request::Root(_), Some(Answer::Buckets(theirs))) => {
                let buckets = differing(&self.buckets(now), &theirs);
                let from = ListingId::from_bytes([0; 32]);
                self.sync.wanted.read_on(peer, Rest { buckets, from });
            }
            (Request::Summaries { buckets, from }, Some(Answer::Summaries { summaries, next })) => {
                self.read_summaries(peer, &summaries);
                if let Some(Name(next)) = next.filter(|next| next.0 > from) {
                    self.sync.wanted.read_on(peer, Rest { buckets, from: next });
                }
            }
            (Request::Records(names), Some(Answer::Records { records, complete })) => {
                self.read_records(now, peer, &names, &records, complete);
            }
            // Also how a peer says that it was asked too much.
            _ => self.broke_off(now, peer),
        }
        self.ask_on(now);
    }

    pub(super) fn unanswered(&mut self, now: Timestamp, ask: u64) {
        if let Some(open) = self.sync.open.remove(&ask) {
            self.broke_off(now, open.peer);
        }
    }

    /// Forgets questions that nobody answers, and begins the next comparison when it is time.
    pub(super) fn sync_tick(&mut self, now: Timestamp) {
        let late: Vec<u64> =
            self.sync.open.iter().filter(|(_, open)| open.until <= now).map(|(ask, _)| *ask).collect();
        late.into_iter().for_each(|ask| self.unanswered(now, ask));
        if now < self.sync.next_round {
            return;
        }
        self.sync.next_round = now.after(ROUND / 2 + Duration::from_millis(self.dice.below(ROUND_JITTER_MS)));
        self.sync.again = AGAIN_MAX;
        self.ask_for_own(now);
        self.compare_with_any(now, None);
    }

    /// Begins a comparison with a peer.
    fn compare(&mut self, now: Timestamp, peer: PublicKey) {
        let root = root(&self.buckets(now));
        self.ask(now, peer, Request::Root(root));
        self.sync.compared.insert(peer, now);
    }

    /// Who asks and holds something else may hold what we lack. Not more often than we would ask of ourselves, so that it can neither be
    /// used to make us work, nor go to and fro.
    fn compare_back(&mut self, now: Timestamp, peer: PublicKey) {
        let lately = self.sync.compared.get(&peer).is_some_and(|at| now.since(*at) < ROUND / 2);
        if self.peers.contains(&peer) && !lately {
            self.compare(now, peer);
        }
    }

    /// Begins a comparison with some peer but this one, and none that owes us an answer.
    fn compare_with_any(&mut self, now: Timestamp, but: Option<PublicKey>) {
        let owing: BTreeSet<PublicKey> = self.sync.open.values().map(|open| open.peer).chain(but).collect();
        let peers: Vec<PublicKey> = self.peers.difference(&owing).copied().collect();
        if let Some(peer) = self.dice.pick(&peers).copied() {
            self.compare(now, peer);
        }
    }

    /// A peer has left a question without an answer, or with one to another: nothing more is wanted of it, and what it may have known
    /// is looked for at another peer at once. Without this, one loss in four messages cost a whole round.
    fn broke_off(&mut self, now: Timestamp, peer: PublicKey) {
        self.sync.wanted.forget(&peer);
        if let Some(left) = self.sync.again.checked_sub(1) {
            self.sync.again = left;
            self.compare_with_any(now, Some(peer));
        }
        self.ask_on(now);
    }

    /// A node that was started again asks everybody who has not told yet: the first question may have been lost.
    fn ask_for_own(&mut self, now: Timestamp) {
        let Some(own) = self.own_listing().filter(|_| self.is_restoring()) else { return };
        let peers: Vec<PublicKey> = self.peers.iter().filter(|peer| !self.has_told(peer)).copied().collect();
        peers.into_iter().for_each(|peer| self.want(now, peer, own));
    }

    fn ask(&mut self, now: Timestamp, peer: PublicKey, question: Request) {
        if !self.may_ask(&peer) {
            return;
        }
        let ask = self.sync.next_ask;
        self.sync.next_ask += 1;
        let request = question.to_bytes();
        self.sync.open.insert(ask, Open { peer, question, until: now.after(ANSWER_WITHIN) });
        self.outputs.push(Output::Ask { peer, ask, request });
    }

    fn may_ask(&self, peer: &PublicKey) -> bool {
        let busy = self.sync.open.values().filter(|open| open.peer == *peer).count() >= OPEN_PER_PEER_MAX;
        !busy && self.sync.open.len() < OPEN_MAX
    }

    /// Asks for what is wanted: of each peer one question about listings at a time.
    fn ask_on(&mut self, now: Timestamp) {
        for peer in self.sync.wanted.peers() {
            let asking = |open: &Open| open.peer == peer && !matches!(open.question, Request::Root(_));
            if self.sync.open.values().any(asking) || !self.may_ask(&peer) {
                continue;
            }
            let open = self.sync.open.values().filter_map(|open| match &open.question {
                Request::Records(names) => Some(names),
                Request::Root(_) | Request::Summaries { .. } => None,
            });
            let asked: BTreeSet<ListingId> = open.flatten().map(|name| name.0).collect();
            let held = |listing| self.view.hoster(listing).map(short);
            match self.sync.wanted.next(&peer, &asked, held) {
                Some(Next::Records(names)) => self.ask(now, peer, Request::Records(names)),
                Some(Next::Summaries(Rest { buckets, from })) => {
                    self.ask(now, peer, Request::Summaries { buckets, from });
                }
                None => {}
            }
        }
    }

    fn answer_root(&self, now: Timestamp, theirs: [u8; 32]) -> Answer {
        let buckets = self.buckets(now);
        if root(&buckets) == theirs {
            return Answer::Same;
        }
        Answer::Buckets(shortened(&buckets).into())
    }

    fn answer_summaries(&self, now: Timestamp, buckets: &[u8; 32], from: ListingId) -> Answer {
        let asked = |hoster: &&Hoster| has(buckets, hoster.id()) && self.is_told(hoster, now);
        let mut found = self.hosters_from(from).filter(asked);
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

    fn read_summaries(&mut self, peer: PublicKey, summaries: &[Summary]) {
        let mut last = None;
        for theirs in summaries.iter().take(SUMMARIES_MAX) {
            // They are ascending: who repeats one wants to hear its farewell more than once.
            if last.replace(theirs.listing).is_some_and(|last| last >= theirs.listing) {
                return;
            }
            if let Some(gone) = self.gone.get(&theirs.listing) {
                let farewell = gone.wire.to_vec();
                self.gossip_out(farewell);
            } else if self.hoster(theirs.listing).map(short) != Some(theirs.digest) {
                self.sync.wanted.add(peer, theirs.listing, Some(theirs.digest));
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
        // What did not fit the page stays wanted; a page with nothing whole in it will not get better.
        let complete = usize::try_from(complete).unwrap_or(usize::MAX);
        let told = names.get(..complete).unwrap_or(names);
        self.sync.wanted.told(&peer, if told.is_empty() { names } else { told });
        if told.iter().any(|name| Some(name.0) == self.own_listing()) {
            self.told(now, peer);
        }
    }
}

/// Between two comparisons, give or take a half: an update that no gossip brought is missing for so long. A question with the answer "the
/// same" is 40 bytes, so there is nothing to gain by asking less often while nothing differs.
const ROUND: Duration = Duration::from_secs(60);
const ROUND_JITTER_MS: u64 = 60_000;
/// How often a comparison that breaks off is begun again with another peer before the next round.
const AGAIN_MAX: u32 = 3;
/// How long a question stays open.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);
/// Questions open to one peer.
const OPEN_PER_PEER_MAX: usize = 4;
/// Questions open in all.
const OPEN_MAX: usize = 128;
/// What a question costs its asker, in the kilobytes of [`super::PEER_PACE`].
const QUESTION_COST: u32 = 4;
/// Heads of an answer.
const PAGE_HEAD: usize = 32;
