//! Nodes, and events in the order of their time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashSet};
use std::rc::Rc;

use essaim_directory::document::Edit;
use essaim_directory::refusal::Verdict;
use essaim_directory::{Directory, DomainOutcome, Input, Origin, Output, Policy};
use essaim_identity::PublicKey;
use essaim_types::{Domain, ListingId, Timestamp};

use crate::dice::Dice;
use crate::hoster::{genesis, node_key};
use crate::mesh::{Faults, Mesh, Mutes, Weather};

/// All nodes and what is on its way between them.
#[derive(Debug)]
pub struct World {
    /// Milliseconds since 1970, as all clocks show.
    pub now_ms: i64,
    /// The nodes.
    pub nodes: Vec<Node>,
    /// Links.
    pub mesh: Mesh,
    /// The run's choices.
    pub dice: Dice,
    weather: Weather,
    faults: Faults,
    /// Links that cross from one side to the other carry nothing.
    split: bool,
    events: BinaryHeap<Reverse<(i64, u64, usize)>>,
    waiting: BTreeMap<u64, (usize, Event)>,
    next_event: u64,
    by_key: BTreeMap<PublicKey, usize>,
    watched: Vec<Watched>,
}

/// One node.
#[derive(Debug)]
pub struct Node {
    /// Its directory.
    pub core: Directory,
    /// Its own listing, if it has one.
    pub listing: Option<ListingId>,
    /// Bytes that came.
    pub received: u64,
    key: PublicKey,
    mute: bool,
    up: bool,
    seen: HashSet<[u8; 32]>,
}

/// An update that somebody waits for.
#[derive(Debug)]
pub struct Watched {
    listing: ListingId,
    digest: [u8; 32],
    from_ms: i64,
    seen_ms: BTreeMap<usize, i64>,
}

#[derive(Debug, Clone)]
enum Event {
    Message {
        from: usize,
        id: [u8; 32],
        bytes: Rc<[u8]>,
    },
    Handle(Handled),
    /// "I have this": asked for if it is not there, and then sent.
    Have {
        from: usize,
        id: [u8; 32],
        bytes: Rc<[u8]>,
    },
    Question {
        from: usize,
        ask: u64,
        request: Rc<[u8]>,
    },
    Answer {
        ask: u64,
        answer: Rc<[u8]>,
    },
    Unanswered {
        ask: u64,
    },
    Checked {
        listing: ListingId,
        domain: Domain,
    },
    Tick,
}

#[derive(Debug, Clone)]
struct Handled {
    from: usize,
    id: [u8; 32],
    bytes: Rc<[u8]>,
}

impl World {
    /// `nodes` nodes, the first `hosters` of them with a listing that nobody knows yet.
    pub fn new(
        nodes: usize,
        hosters: usize,
        mesh: (usize, usize),
        weather: Weather,
        faults: Faults,
        seed: u64,
    ) -> Self {
        let mut dice = Dice::new(seed);
        let mesh = Mesh::random(nodes, mesh.0, mesh.1, &mut dice);
        let made: Vec<Node> = (0..nodes).map(|at| Node::new(at, seed)).collect();
        let by_key = made.iter().enumerate().map(|(at, node)| (node.key, at)).collect();
        let mut world = Self {
            now_ms: 1_800_000_000_000,
            nodes: made,
            mesh,
            dice,
            weather,
            faults: Faults::NONE,
            split: false,
            events: BinaryHeap::new(),
            waiting: BTreeMap::new(),
            next_event: 0,
            by_key,
            watched: Vec::new(),
        };
        for at in 0..nodes {
            let first = world.dice.between(0, TICK_MS);
            world.at(first, at, Event::Tick);
            world.greet(at);
        }
        (0..hosters).for_each(|at| world.found(at));
        world.run_for(120_000);
        world.faults = faults;
        for at in hosters..nodes {
            world.nodes[at].mute = world.dice.percent(faults.mute_percent);
        }
        world
    }

    /// Whether all nodes that are up hold the same.
    pub fn is_equal(&self) -> bool {
        let digests =
            |node: &Node| -> Vec<[u8; 32]> { node.core.hosters().map(|hoster| *hoster.digest()).collect() };
        let all: BTreeSet<Vec<[u8; 32]>> = self.nodes.iter().filter(|node| node.up).map(digests).collect();
        all.len() == 1
    }

    /// Node `at` edits its listing; how long until the others see it is noted.
    ///
    /// # Panics
    /// The core refuses what its own node says.
    pub fn edit(&mut self, at: usize, edit: Edit) {
        let listing = self.nodes[at].listing.expect("only hosters edit");
        let now = self.now();
        let out = self.nodes[at].core.edit(now, &[edit]).expect("a hoster may edit its listing");
        let digest = *self.nodes[at].core.hoster(listing).expect("its own").digest();
        let seen_ms = BTreeMap::from([(at, self.now_ms)]);
        self.watched.push(Watched { listing, digest, from_ms: self.now_ms, seen_ms });
        self.work(at, out);
    }

    /// For each node that was up and saw each update: after how many milliseconds. And how many never did.
    pub fn times(&self) -> (Vec<i64>, usize) {
        let up = self.nodes.iter().filter(|node| node.up).count();
        let times: Vec<i64> = self
            .watched
            .iter()
            .flat_map(|seen| seen.seen_ms.values().map(|time| time - seen.from_ms))
            .collect();
        let missed = (up * self.watched.len()).saturating_sub(times.len());
        (times, missed)
    }

    /// Splits the nodes in two halves, or joins them again.
    pub fn split(&mut self, split: bool) {
        self.split = split;
        for at in 0..self.nodes.len() {
            for to in self.mesh.links[at].clone().into_iter().filter(|to| to % 2 != at % 2) {
                let peer = self.nodes[to].key;
                self.input(at, if split { Input::Disconnected(peer) } else { Input::Connected(peer) });
            }
        }
    }

    /// A node goes; what is sent to it is lost.
    pub fn stop(&mut self, at: usize) {
        self.nodes[at].up = false;
        for to in self.mesh.links[at].clone() {
            let peer = self.nodes[at].key;
            self.input(to, Input::Disconnected(peer));
            let peer = self.nodes[to].key;
            self.input(at, Input::Disconnected(peer));
        }
    }

    /// It comes back with what it knew.
    pub fn start(&mut self, at: usize) {
        self.nodes[at].up = true;
        let first = self.dice.between(0, TICK_MS);
        self.at(first, at, Event::Tick);
        self.greet(at);
        for to in self.mesh.links[at].clone() {
            let peer = self.nodes[at].key;
            self.input(to, Input::Connected(peer));
        }
    }

    /// Lets so much time pass.
    pub fn run_for(&mut self, ms: i64) {
        let end = self.now_ms + ms;
        while let Some(Reverse((time, _, _))) = self.events.peek() {
            if *time > end {
                break;
            }
            self.step();
        }
        self.now_ms = end;
    }

    /// Lets time pass until something holds, at most so long; how long it took.
    pub fn run_until(&mut self, ms: i64, mut holds: impl FnMut(&Self) -> bool) -> Option<i64> {
        let start = self.now_ms;
        while self.now_ms - start < ms {
            self.run_for(1_000);
            if holds(self) {
                return Some(self.now_ms - start);
            }
        }
        None
    }

    fn step(&mut self) {
        let Some(Reverse((time, number, to))) = self.events.pop() else { return };
        self.now_ms = time;
        let Some((_, event)) = self.waiting.remove(&number) else { return };
        if !self.nodes[to].up {
            return;
        }
        match event {
            Event::Message { from, id, bytes } => {
                self.nodes[to].received += bytes.len() as u64;
                if self.nodes[to].seen.insert(id) {
                    self.at(VERIFY_MS, to, Event::Handle(Handled { from, id, bytes }));
                }
            }
            Event::Handle(handled) => self.take_gossip(to, &handled),
            Event::Have { from, id, bytes } => {
                self.nodes[to].received += HAVE_BYTES;
                if !self.nodes[to].seen.contains(&id) && !self.nodes[from].mute {
                    // The question and the message, each a way.
                    let wait = self.weather.latency_ms(&mut self.dice);
                    self.send(from, to, wait, Event::Message { from, id, bytes });
                }
            }
            Event::Question { from, ask, request } => {
                self.nodes[to].received += request.len() as u64;
                self.answer(to, from, ask, &request);
            }
            Event::Answer { ask, answer } => {
                self.nodes[to].received += answer.len() as u64;
                self.input(to, Input::Answered { ask, answer: answer.to_vec() });
            }
            Event::Unanswered { ask } => self.input(to, Input::Unanswered { ask }),
            Event::Checked { listing, domain } => {
                self.input(to, Input::DomainChecked { listing, domain, outcome: DomainOutcome::Proven });
            }
            Event::Tick => {
                self.input(to, Input::Tick);
                self.at(TICK_MS, to, Event::Tick);
            }
        }
    }

    fn take_gossip(&mut self, at: usize, handled: &Handled) {
        let (from, now) = (self.nodes[handled.from].key, self.now());
        let bytes = handled.bytes.to_vec();
        let out = self.nodes[at].core.handle(now, Input::Gossip { from, ticket: 0, bytes });
        let accepted =
            out.iter().any(|output| matches!(output, Output::Verdict { verdict: Verdict::Accept, .. }));
        self.work(at, out);
        if accepted && !self.nodes[at].mute {
            self.forward(at, Some(handled.from), handled.id, &handled.bytes);
        }
    }

    /// At once to the mesh, by name to some others at the next heartbeat.
    fn forward(&mut self, at: usize, but: Option<usize>, id: [u8; 32], bytes: &Rc<[u8]>) {
        for to in self.mesh.mesh[at].clone() {
            if Some(to) != but {
                self.send(at, to, 0, Event::Message { from: at, id, bytes: Rc::clone(bytes) });
            }
        }
        let others: Vec<usize> = self.mesh.links[at].difference(&self.mesh.mesh[at]).copied().collect();
        for _ in 0..LAZY.min(others.len()) {
            let to = others[self.dice.below(others.len())];
            let heartbeat = self.dice.between(0, 1_000);
            self.send(at, to, heartbeat, Event::Have { from: at, id, bytes: Rc::clone(bytes) });
        }
    }

    fn answer(&mut self, at: usize, from: usize, ask: u64, request: &[u8]) {
        if self.nodes[at].mute && self.faults.mutes == Mutes::AnswerNothing {
            return;
        }
        let (peer, now) = (self.nodes[from].key, self.now());
        let asked = Input::Asked { from: peer, ticket: ask, request: request.to_vec() };
        let out = self.nodes[at].core.handle(now, asked);
        for output in out {
            if let Output::Answer { answer, .. } = output {
                self.send(at, from, 0, Event::Answer { ask, answer: answer.into() });
            } else {
                self.work(at, vec![output]);
            }
        }
    }

    fn input(&mut self, at: usize, input: Input) {
        let now = self.now();
        let out = self.nodes[at].core.handle(now, input);
        self.work(at, out);
    }

    fn work(&mut self, at: usize, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Gossip { record, bytes, .. } => {
                    let id = *blake3::hash(&bytes).as_bytes();
                    self.nodes[at].seen.insert(id);
                    self.forward(at, None, id, &bytes.into());
                    self.input(at, Input::Published { record });
                }
                Output::Ask { peer, ask, request } => {
                    let to = self.by_key[&peer];
                    self.at(UNANSWERED_MS, at, Event::Unanswered { ask });
                    self.send(at, to, 0, Event::Question { from: at, ask, request: request.into() });
                }
                Output::CheckDomain { listing, domain } => {
                    self.at(20, at, Event::Checked { listing, domain })
                }
                Output::Changed(listing) => self.note(at, listing),
                Output::Store(_)
                | Output::Delete(_)
                | Output::Verdict { .. }
                | Output::Answer { .. }
                | Output::Alert(_) => {}
            }
        }
    }

    fn note(&mut self, at: usize, listing: ListingId) {
        let Some(digest) = self.nodes[at].core.hoster(listing).map(|hoster| *hoster.digest()) else { return };
        for watched in
            self.watched.iter_mut().filter(|watched| watched.listing == listing && watched.digest == digest)
        {
            watched.seen_ms.entry(at).or_insert(self.now_ms);
        }
    }

    fn found(&mut self, at: usize) {
        let (listing, entry) = genesis(at);
        let now = self.now();
        let core = &mut self.nodes[at].core;
        core.adopt(now, listing, node_key(at), Origin::New);
        let mut out = core.publish_keyring(now, &entry).expect("its own keyring");
        let name = format!("Hoster {at}");
        let edits = [
            Edit::text("name", &name),
            Edit::flag("service.mail", true),
            Edit::text("place.cell", "50.4,4.8"),
        ];
        out.extend(core.edit(now, &edits).expect("its own listing"));
        self.nodes[at].listing = Some(listing);
        self.work(at, out);
    }

    fn greet(&mut self, at: usize) {
        for to in self.mesh.links[at].clone() {
            let peer = self.nodes[to].key;
            self.input(at, Input::Connected(peer));
        }
    }

    /// Sends something over a link, if nothing stands between.
    fn send(&mut self, from: usize, to: usize, wait_ms: i64, event: Event) {
        let cut = self.split && from % 2 != to % 2;
        let lost = self.dice.percent(self.faults.lost_percent);
        let latency = self.weather.latency_ms(&mut self.dice);
        if !cut && !lost {
            self.at(wait_ms + latency, to, event);
        }
    }

    fn at(&mut self, in_ms: i64, to: usize, event: Event) {
        self.next_event += 1;
        self.waiting.insert(self.next_event, (to, event));
        self.events.push(Reverse((self.now_ms + in_ms, self.next_event, to)));
    }

    fn now(&self) -> Timestamp {
        Timestamp(self.now_ms)
    }
}

impl Node {
    fn new(at: usize, seed: u64) -> Self {
        let seed = *blake3::hash(format!("{seed} {at}").as_bytes()).as_bytes();
        Self {
            core: Directory::new(Policy::default(), seed),
            listing: None,
            received: 0,
            key: node_key(at).public(),
            mute: false,
            up: true,
            seen: HashSet::new(),
        }
    }
}

const TICK_MS: i64 = 10_000;
/// What checking a message takes.
const VERIFY_MS: i64 = 2;
const UNANSWERED_MS: i64 = 20_000;
/// To how many a message is announced by name.
const LAZY: usize = 8;
const HAVE_BYTES: u64 = 40;
