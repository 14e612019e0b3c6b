//! A few directories and the messages between them, delivered at once or when the test says so.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use essaim_directory::document::Edit;
use essaim_directory::listing::parse_edit;
use essaim_directory::query::{Filter, PageRequest};
use essaim_directory::refusal::Verdict;
use essaim_directory::{Alert, Directory, DomainOutcome, Input, Origin, Output, Policy, Row, RowKey};
use essaim_identity::keyring::{ActorId, Draft, KeyringEntry, Role, Roles};
use essaim_identity::{Cosigned, Keyring, PublicKey, SigningKey};
use essaim_types::{ListingId, Timestamp};

/// A hoster's keys, as its people keep them.
pub(crate) struct Keys {
    pub(crate) root: SigningKey,
    pub(crate) node: SigningKey,
    pub(crate) second: SigningKey,
    pub(crate) keyring: Keyring,
}

pub(crate) struct Node {
    pub(crate) core: Directory,
    pub(crate) keys: Keys,
    pub(crate) rows: BTreeMap<RowKey, Vec<u8>>,
    pub(crate) verdicts: Vec<Verdict>,
    pub(crate) alerts: Vec<Alert>,
    /// Whom it has a connection to.
    pub(crate) links: BTreeSet<usize>,
}

pub(crate) struct Net {
    pub(crate) now: Timestamp,
    pub(crate) nodes: Vec<Node>,
    queue: VecDeque<(usize, Input)>,
    asks: BTreeMap<u64, (usize, u64, usize)>,
    next_ticket: u64,
    /// Gossip is lost.
    pub(crate) gossip_lost: bool,
    pub(crate) bytes: usize,
}

pub(crate) fn key(seed: &str) -> SigningKey {
    SigningKey::from_seed(blake3::hash(seed.as_bytes()).as_bytes())
}

pub(crate) fn actor(seed: &str) -> ActorId {
    ActorId(*blake3::hash(seed.as_bytes()).as_bytes().first_chunk().unwrap())
}

impl Keys {
    pub(crate) fn new(name: &str) -> Self {
        let (root, node, second) = (key(&format!("{name} root")), key(name), key(&format!("{name} second")));
        let all = Roles::of(&Role::ALL).unwrap();
        let draft = Draft::genesis([root.public()].into(), 1)
            .domain(Some(format!("{name}.test").parse().unwrap()))
            .operator(node.public(), all, actor(name))
            .operator(second.public(), all, actor(&format!("{name} second")));
        let mut genesis = draft.propose_genesis().unwrap();
        genesis.sign(&root).unwrap();
        let keyring = Keyring::found(genesis.verify().unwrap()).unwrap();
        Self { root, node, second, keyring }
    }

    pub(crate) fn genesis(&self) -> &Cosigned<KeyringEntry> {
        self.keyring.entries().next().unwrap()
    }

    /// The next entry, signed by the root key.
    pub(crate) fn next(&self, change: impl FnOnce(Draft) -> Draft) -> Cosigned<KeyringEntry> {
        let mut proposal = change(self.keyring.draft().unwrap()).propose(&self.keyring).unwrap();
        proposal.sign(&self.root).unwrap();
        proposal.verify().unwrap()
    }

    pub(crate) fn id(&self) -> ListingId {
        self.keyring.listing()
    }
}

pub(crate) fn sets(pairs: &[(&str, &str)]) -> Vec<Edit> {
    pairs.iter().map(|(key, text)| parse_edit(key, text).unwrap()).collect()
}

impl Net {
    pub(crate) fn new(names: &[&str]) -> Self {
        let nodes = names.iter().map(|name| Node::new(name)).collect();
        let mut net = Self {
            now: Timestamp::from_seconds(1_800_000_000),
            nodes,
            queue: VecDeque::new(),
            asks: BTreeMap::new(),
            next_ticket: 0,
            gossip_lost: false,
            bytes: 0,
        };
        for (node, name) in net.nodes.iter_mut().zip(names) {
            node.core.adopt(net.now, node.keys.id(), key(name), Origin::New);
        }
        net
    }

    /// A listing for each node, and connections between all.
    pub(crate) fn started(names: &[&str]) -> Self {
        let mut net = Self::new(names);
        net.link_all();
        for (at, name) in names.iter().enumerate() {
            net.found(at);
            net.edit(at, &[("name", name), ("service.mail", "yes"), ("place.cell", "50.4,4.8")]);
        }
        net
    }

    /// Publishes the node's first keyring entry.
    pub(crate) fn found(&mut self, at: usize) {
        let entry = self.nodes[at].keys.genesis().clone();
        let out = self.nodes[at].core.publish_keyring(self.now, &entry).unwrap();
        self.work(at, out);
        self.run();
    }

    pub(crate) fn edit(&mut self, at: usize, pairs: &[(&str, &str)]) {
        let out = self.nodes[at].core.edit(self.now, &sets(pairs)).unwrap();
        self.work(at, out);
        self.run();
    }

    pub(crate) fn state(&mut self, at: usize, edits: &[Edit]) {
        let out = self.nodes[at].core.state(self.now, edits).unwrap();
        self.work(at, out);
        self.run();
    }

    pub(crate) fn link_all(&mut self) {
        for a in 0..self.nodes.len() {
            (0..a).for_each(|b| self.link(a, b));
        }
    }

    pub(crate) fn link(&mut self, a: usize, b: usize) {
        for (one, other) in [(a, b), (b, a)] {
            self.nodes[one].links.insert(other);
            let peer = self.nodes[other].keys.node.public();
            self.input(one, Input::Connected(peer));
        }
    }

    pub(crate) fn unlink(&mut self, a: usize, b: usize) {
        for (one, other) in [(a, b), (b, a)] {
            self.nodes[one].links.remove(&other);
            let peer = self.nodes[other].keys.node.public();
            self.input(one, Input::Disconnected(peer));
        }
    }

    /// Gives an input and carries everything that follows from it.
    pub(crate) fn input(&mut self, at: usize, input: Input) {
        self.queue.push_back((at, input));
        self.run();
    }

    /// Gossip from one node to another, whoever made it; the verdict.
    pub(crate) fn gossip(&mut self, from: usize, to: usize, bytes: &[u8]) -> Verdict {
        let from = self.nodes[from].keys.node.public();
        let before = self.nodes[to].verdicts.len();
        self.input(to, Input::Gossip { from, ticket: 0, bytes: bytes.to_vec() });
        self.nodes[to].verdicts[before]
    }

    pub(crate) fn pass(&mut self, time: Duration) {
        let end = self.now.after(time);
        while self.now < end {
            self.now = self.now.after(Duration::from_secs(10).min(time));
            (0..self.nodes.len()).for_each(|at| self.input(at, Input::Tick));
        }
    }

    pub(crate) fn run(&mut self) {
        while let Some((at, input)) = self.queue.pop_front() {
            let out = self.nodes[at].core.handle(self.now, input);
            self.work(at, out);
        }
    }

    pub(crate) fn peer(&self, key: PublicKey) -> usize {
        self.nodes.iter().position(|node| node.keys.node.public() == key).unwrap()
    }

    pub(crate) fn digests(&self, listing: ListingId) -> BTreeSet<Option<[u8; 32]>> {
        self.nodes.iter().map(|node| node.core.hoster(listing).map(|hoster| *hoster.digest())).collect()
    }

    /// The names that a node shows.
    pub(crate) fn shown(&self, at: usize) -> Vec<String> {
        let page =
            self.nodes[at].core.query(self.now, &Filter::default(), PageRequest { offset: 0, limit: 200 });
        page.hits.iter().map(|hit| hit.listing.name.as_deref().unwrap_or("?").to_owned()).collect()
    }

    pub(crate) fn work(&mut self, at: usize, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Store(Row { key, value }) => {
                    self.nodes[at].rows.insert(key, value);
                }
                Output::Delete(key) => {
                    self.nodes[at].rows.remove(&key);
                }
                Output::Gossip { record, bytes, .. } => self.spread(at, record, &bytes),
                Output::Verdict { verdict, .. } => self.nodes[at].verdicts.push(verdict),
                Output::Ask { peer, ask, request } => {
                    let (to, ticket) = (self.peer(peer), self.next_ticket);
                    self.next_ticket += 1;
                    self.bytes += request.len();
                    self.asks.insert(ticket, (at, ask, to));
                    let from = self.nodes[at].keys.node.public();
                    if self.nodes[at].links.contains(&to) {
                        self.queue.push_back((to, Input::Asked { from, ticket, request }));
                    } else {
                        self.queue.push_back((at, Input::Unanswered { ask }));
                    }
                }
                Output::Answer { ticket, answer } => {
                    let (to, ask, _) = self.asks.remove(&ticket).unwrap();
                    self.bytes += answer.len();
                    self.queue.push_back((to, Input::Answered { ask, answer }));
                }
                Output::CheckDomain { listing, domain } => {
                    let real = self
                        .nodes
                        .iter()
                        .any(|node| node.keys.id() == listing && node.keys.keyring.domain() == Some(&domain));
                    let outcome = if real { DomainOutcome::Proven } else { DomainOutcome::Failed };
                    self.queue.push_back((at, Input::DomainChecked { listing, domain, outcome }));
                }
                Output::Changed(_) => {}
                Output::Alert(alert) => self.nodes[at].alerts.push(alert),
            }
        }
    }

    /// To everybody who is linked, directly or over others, as a mesh would.
    fn spread(&mut self, at: usize, record: essaim_identity::RecordHash, bytes: &[u8]) {
        let mut seen = BTreeSet::from([at]);
        let mut open = vec![at];
        while let Some(via) = open.pop() {
            for to in self.nodes[via].links.clone() {
                if seen.insert(to) {
                    open.push(to);
                    let from = self.nodes[via].keys.node.public();
                    self.bytes += bytes.len();
                    if !self.gossip_lost {
                        self.queue.push_back((to, Input::Gossip { from, ticket: 0, bytes: bytes.to_vec() }));
                    }
                }
            }
        }
        if seen.len() > 1 {
            self.queue.push_back((at, Input::Published { record }));
        }
    }
}

impl Node {
    pub(crate) fn new(name: &str) -> Self {
        let seed = *blake3::hash(name.as_bytes()).as_bytes();
        Self {
            core: Directory::new(Policy::default(), seed),
            keys: Keys::new(name),
            rows: BTreeMap::new(),
            verdicts: Vec::new(),
            alerts: Vec::new(),
            links: BTreeSet::new(),
        }
    }

    /// The rows as they are on the disk now.
    pub(crate) fn disk(&self) -> Vec<Row> {
        self.rows.iter().map(|(key, value)| Row { key: key.clone(), value: value.clone() }).collect()
    }
}
