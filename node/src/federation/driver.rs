//! The one loop that owns the directory: what comes from the network, from operators and from time goes in, what the directory
//! answers is performed in order (`perform`). It runs on a thread of its own, because a change from a stranger may take
//! milliseconds to check. Whoever only reads gets a copy and reads it elsewhere.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use essaim_accounts::Journal;
use essaim_directory::{CommandError, Directory, DomainOutcome, Input, Origin, Output, Policy, View};
use essaim_identity::keyring::Role;
use essaim_identity::{PublicKey, RecordHash, SigningKey};
use essaim_network::{Address, Event, Handle, IncomingStream, Message, Network, Reply, Request, Ticket};
use essaim_types::{Domain, ListingId, Timestamp};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{MissedTickBehavior, interval, sleep};
use tracing::{error, info, warn};

use super::address::{Neighbours, is_loopback};
use super::arrivals::Arrivals;
use super::correspondents::{Correspondents, Known, Table};
use super::domain::{Checker, is_local};
use super::looks::Looks;
use super::moved::Sought;
use super::note::Note;
use super::numbers::Counts;
use super::peers::{Introduction, Peer, PeerRecord};
use super::rows::{Rows, Write, unwritten};
use super::{card, founding, join, keys, services};
use crate::failure::Failure;
use crate::outside::{Looker, Names, Sites};
use crate::shutdown::Stop;
use crate::vitals::now;

/// What others want of the loop.
pub(super) enum Command {
    /// The directory as it is now.
    Show(oneshot::Sender<Arc<View>>),
    /// To change something of ours.
    Change(Change, Box<Note>, oneshot::Sender<Result<(), Failure>>),
    /// A question of ours has an outcome.
    Outcome(Input),
    /// A domain was asked.
    DomainChecked(ListingId, Domain, DomainOutcome),
    /// A hoster and ours have chosen each other; these are its records.
    Befriend(Peer, Vec<Vec<u8>>, Box<Note>, oneshot::Sender<Result<(), Failure>>),
    /// A peer is none any more.
    Part(PublicKey),
}

pub(super) type Change =
    Box<dyn FnOnce(&mut Directory, Timestamp) -> Result<Vec<Output>, CommandError> + Send>;

/// Everything that the loop owns.
#[derive(Debug)]
pub(super) struct Driver {
    pub(super) directory: Directory,
    /// What readers were shown last, until something changes.
    shown: Option<Arc<View>>,
    pub(super) own: Own,
    pub(super) rows: Rows,
    pub(super) network: Option<Handle>,
    pub(super) names: Arc<dyn Names>,
    pub(super) checker: Checker,
    pub(super) looks: Looks,
    /// Of what the node does by itself.
    pub(super) journal: Journal,
    pub(super) counts: Counts,
    pub(super) card: card::Shown,
    pub(super) correspondents: Correspondence,
    /// Back to this loop, for tasks that it starts.
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) peers: BTreeMap<PublicKey, PeerRecord>,
    pub(super) connected: BTreeMap<PublicKey, Option<Address>>,
    /// Gossip that waits for its verdict, by the directory's name for it.
    pub(super) tickets: BTreeMap<u64, Ticket>,
    /// Questions of peers that wait for their answer.
    pub(super) questions: BTreeMap<u64, Reply>,
    /// Records that nobody has taken yet.
    pub(super) unsent: BTreeMap<RecordHash, (essaim_network::Topic, bytes::Bytes)>,
    /// What follows from what was done, to be handed in next.
    pub(super) pending: VecDeque<Input>,
    /// Domains that wait to be asked, and how many are being asked.
    pub(super) checks: VecDeque<(ListingId, Domain)>,
    pub(super) checking: usize,
    pub(super) dialled: BTreeMap<PublicKey, Timestamp>,
    pub(super) sought: Sought,
    next_ticket: u64,
    /// The store did not take something: the directory in memory is ahead of it and is read again.
    unwritten: Option<Failure>,
    /// When the log was told of it last.
    complained: Option<Timestamp>,
}

/// The table of those with whom mail is exchanged, and how old it is.
#[derive(Debug)]
pub(super) struct Correspondence {
    pub(super) table: Table,
    /// Who of them has become reachable.
    pub(super) arrivals: Arrivals,
    /// Domains that live here.
    pub(super) local: BTreeSet<Domain>,
    /// When the table was made; `None`: it must be made at once.
    pub(super) made: Option<Timestamp>,
    /// Something may have changed since.
    pub(super) behind: bool,
}

/// Who we are.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) listing: ListingId,
    pub(super) key: SigningKey,
    /// Everybody who can reach us is on this machine, because we listen on loopback or nowhere.
    pub(super) is_local: bool,
    /// What the listing says of where the node is.
    pub(super) addresses: Vec<String>,
}

/// What the loop begins with.
pub(super) struct Beginning {
    pub(super) directory: Directory,
    pub(super) own: Own,
    pub(super) rows: Rows,
    pub(super) network: Option<Handle>,
    pub(super) counts: Counts,
    pub(super) card: card::Shown,
    pub(super) names: Arc<dyn Names>,
    pub(super) correspondents: Correspondence,
    /// What we call ourselves where we look.
    pub(super) hostname: Domain,
    pub(super) journal: Journal,
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) peers: Vec<Peer>,
}

impl Driver {
    pub(super) fn new(beginning: Beginning) -> Self {
        let Beginning {
            directory,
            own,
            rows,
            network,
            counts,
            card,
            correspondents,
            names,
            hostname,
            journal,
            commands,
            peers,
        } = beginning;
        Self {
            directory,
            shown: None,
            own,
            rows,
            network,
            checker: Checker::new(Arc::clone(&names), Sites::open()),
            journal,
            looks: Looks::new(Looker::new(Arc::clone(&names), hostname), now()),
            names,
            counts,
            card,
            correspondents,
            commands,
            peers: peers.into_iter().map(|peer| (peer.key, peer.said)).collect(),
            connected: BTreeMap::new(),
            tickets: BTreeMap::new(),
            questions: BTreeMap::new(),
            unsent: BTreeMap::new(),
            pending: VecDeque::new(),
            checks: VecDeque::new(),
            checking: 0,
            dialled: BTreeMap::new(),
            sought: Sought::default(),
            next_ticket: 0,
            unwritten: None,
            complained: None,
        }
    }

    /// Runs until the node stops.
    pub(super) async fn run(
        mut self,
        mut events: mpsc::Receiver<Event>,
        mut commands: mpsc::Receiver<Command>,
        mut quiet: mpsc::Receiver<Never>,
        stop: Stop,
    ) {
        for (key, peer) in self.peers.clone() {
            self.keep(key, &peer).await;
        }
        self.look_around().await;
        self.note();
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Some(event) = events.recv() => self.event(event).await,
                Some(command) = commands.recv() => self.command(command).await,
                _ = tick.tick() => self.tick().await,
                () = sleep(TABLE_EVERY), if self.correspondents.behind => {}
                () = stop.requested() => break,
            }
            self.note();
        }
        // Mail that is on its way is not broken off; it has its own bound.
        while quiet.recv().await.is_some() {}
        if let Some(network) = &self.network {
            network.shutdown().await;
        }
    }

    /// What others read without asking the loop.
    fn note(&mut self) {
        let (now, own) = (now(), &self.own);
        self.counts.note(&self.directory, self.connected.len(), now);
        self.card.note(&self.directory, own.listing, &own.key, &own.addresses, now);
        self.note_correspondents();
    }

    /// Makes the table anew if it is old, or an operator has changed something. Also before the loop begins: mail that was waiting when the
    /// node stopped is tried at once, and must not take a hoster for a stranger.
    pub(super) fn note_correspondents(&mut self) {
        let now = now();
        if self.correspondents.made.is_some_and(|made| now.since(made) < TABLE_EVERY) {
            self.correspondents.behind = true;
            return;
        }
        let (peers, local) = (&self.peers, &self.correspondents.local);
        let known = Known { peers, local, neighbours: self.neighbours() };
        let table = Correspondents::of(&self.directory, known, now);
        let before = self.correspondents.table.read();
        for key in self.connected.keys() {
            let new = table.with_node(key).filter(|hoster| before.of_domain(&hoster.domain).is_none());
            new.for_each(|hoster| self.correspondents.arrivals.note(hoster.domain.clone()));
        }
        self.correspondents.table.write(table);
        self.correspondents.made = Some(now);
        self.correspondents.behind = false;
    }

    /// Hands something in, performs what comes out, and what follows from that.
    pub(super) async fn feed(&mut self, input: Input) {
        self.pending.push_back(input);
        self.settle().await;
    }

    /// Performs outputs that a command has made.
    async fn performed(&mut self, outputs: Vec<Output>, note: Option<Note>) -> Result<(), Failure> {
        self.perform(outputs, note).await.map_err(|error| {
            let failure = unwritten(&error);
            self.lost(&failure);
            failure
        })?;
        self.settle().await;
        Ok(())
    }

    pub(super) async fn settle(&mut self) {
        while let Some(input) = self.pending.pop_front() {
            if self.unwritten.is_some() {
                self.forget_waiting();
                return;
            }
            self.shown = None;
            let outputs = self.directory.handle(now(), input);
            if let Err(error) = self.perform(outputs, None).await {
                self.lost(&unwritten(&error));
            }
        }
    }

    /// Nothing that was not written may be relied on: the directory is read from the store again at the next tick.
    fn lost(&mut self, failure: &Failure) {
        let now = now();
        if self.complained.is_none_or(|at| now.since(at) >= COMPLAIN_EVERY) {
            error!(
                error = failure as &dyn std::error::Error,
                "the directory could not be written and is read again until it can"
            );
            self.complained = Some(now);
        }
        self.unwritten = Some(failure.clone());
        self.forget_waiting();
    }

    /// Whoever waits is told no by the network, and asks again.
    fn forget_waiting(&mut self) {
        self.pending.clear();
        self.tickets.clear();
        self.questions.clear();
    }

    async fn event(&mut self, event: Event) {
        match event {
            Event::Connected { peer, address, .. } => {
                let key = peer.public();
                info!(%peer, "connected with a node");
                self.connected.insert(key, address);
                for hoster in self.correspondents.table.read().with_node(&key) {
                    self.correspondents.arrivals.note(hoster.domain.clone());
                }
                if self.peers.contains_key(&key)
                    && let Some(network) = &self.network
                {
                    // An end of the network is noticed by whoever reads its events.
                    let _ = network.esteem(peer, ESTEEM_OF_PEERS).await;
                }
                self.feed(Input::Connected(key)).await;
            }
            Event::Disconnected { peer } => {
                self.connected.remove(&peer.public());
                self.feed(Input::Disconnected(peer.public())).await;
            }
            Event::Subscribed { topic, .. } => self.send_again(&topic).await,
            Event::Unsubscribed { .. } => {}
            Event::Listening { address } => info!(%address, "reachable for other nodes"),
            Event::Message(Message { from, bytes, ticket, .. }) => {
                let name = self.name();
                self.tickets.insert(name, ticket);
                let input = Input::Gossip { from: from.public(), ticket: name, bytes: bytes.to_vec() };
                self.feed(input).await;
                // What the directory did not judge is ignored, not kept.
                self.tickets.remove(&name);
            }
            Event::Request(request) => self.request(request).await,
        }
    }

    async fn request(&mut self, request: Request) {
        let Request { peer, service, body, reply } = request;
        match service.as_str() {
            services::SYNC => {
                let name = self.name();
                self.questions.insert(name, reply);
                self.feed(Input::Asked { from: peer.public(), ticket: name, request: body.to_vec() }).await;
                self.questions.remove(&name);
            }
            services::JOIN => self.join(peer.public(), body, reply).await,
            services::PROBE => self.probe(peer.public(), &body, reply),
            services::SEEN => self.tell_seen(&body, reply),
            _ => reply.refuse(),
        }
    }

    /// A node presents an invitation.
    async fn join(&mut self, from: PublicKey, body: bytes::Bytes, reply: Reply) {
        let Some(ours) = self.directory.hoster(self.own.listing).map(|hoster| hoster.keyring().clone())
        else {
            return reply.refuse();
        };
        let outcome =
            join::admit(&self.rows, self.own.key.public(), &ours, from, &body, self.journal.clone(), now())
                .await;
        let answer = join::answer(&outcome, &ours);
        match outcome {
            Ok(admitted) => {
                info!(listing = %admitted.peer.listing, "a hoster has taken our invitation");
                let records = super::records(&admitted.keyring);
                self.befriend(Peer { key: admitted.key, said: admitted.peer }, records).await;
            }
            Err(refusal) => warn!(?refusal, peer = from.to_peer_id(), "an invitation was refused"),
        }
        // The peer may be gone: it asks again with the same link.
        let _ = reply.send(answer.into());
    }

    async fn command(&mut self, command: Command) {
        match command {
            Command::Show(tell) => {
                let view = self.shown.get_or_insert_with(|| Arc::new(self.directory.view()));
                // Whoever asked may have gone.
                let _ = tell.send(Arc::clone(view));
            }
            Command::Change(change, note, answer) => {
                let _ = answer.send(self.change(change, Some(*note)).await);
            }
            Command::Outcome(input) => self.feed(input).await,
            Command::DomainChecked(listing, domain, outcome) => {
                self.checking = self.checking.saturating_sub(1);
                self.feed(Input::DomainChecked { listing, domain, outcome }).await;
                self.check_domains();
            }
            Command::Befriend(peer, records, note, answer) => {
                let writes = vec![Write::peer(&peer.key, &peer.said), Write::Note(*note)];
                let written = self.rows.commit(writes).await;
                match written {
                    Ok(()) => {
                        self.befriend(peer, records).await;
                        let _ = answer.send(Ok(()));
                    }
                    Err(error) => drop(answer.send(Err(unwritten(&error)))),
                }
            }
            Command::Part(key) => {
                self.peers.remove(&key);
                self.correspondents.made = None;
                if let Some(network) = &self.network {
                    let _ = network.release(key.into()).await;
                    let _ = network.disconnect(key.into()).await;
                }
            }
        }
    }

    async fn change(&mut self, change: Change, note: Option<Note>) -> Result<(), Failure> {
        if let Some(failure) = &self.unwritten {
            return Err(failure.clone());
        }
        self.shown = None;
        let outputs = change(&mut self.directory, now()).map_err(|error| super::refused(&error))?;
        self.correspondents.made = None;
        self.performed(outputs, note).await
    }

    /// A new peer: what it brought is taken in, and a connection is kept.
    async fn befriend(&mut self, peer: Peer, records: Vec<Vec<u8>>) {
        self.peers.insert(peer.key, peer.said.clone());
        self.correspondents.made = None;
        self.keep(peer.key, &peer.said).await;
        for bytes in records {
            let ticket = self.name();
            self.feed(Input::Gossip { from: peer.key, ticket, bytes }).await;
        }
        self.look_around().await;
    }

    async fn keep(&self, key: PublicKey, peer: &PeerRecord) {
        let Some(network) = &self.network else { return };
        // Somebody who came to us and is reached nowhere is waited for.
        let addresses = peer.addresses();
        if addresses.is_empty() {
            return;
        }
        let may_dial = peer.by == Introduction::WeJoined
            || addresses.iter().all(|address| !is_loopback(address))
            || self.own.is_local;
        if may_dial && network.keep(key.into(), addresses).await == Ok(essaim_network::Kept::Full) {
            warn!(
                peer = key.to_peer_id(),
                "no more connections are kept than there are; this peer is left out"
            );
        }
    }

    async fn tick(&mut self) {
        if self.unwritten.is_some() {
            self.read_again().await;
        }
        self.feed(Input::Tick).await;
        self.tell_addresses().await;
        self.reach_out();
        self.follow_peers();
        self.check_domains();
        self.look_in_turn();
    }

    /// The listing says where the node is now: after a restart on another port, or with another configuration.
    async fn tell_addresses(&mut self) {
        // Where an operator's own machine is, is nobody's business.
        let may = self.is_node() && !self.directory.is_restoring();
        let Some(hoster) = self.directory.hoster(self.own.listing).filter(|_| may) else { return };
        let said = hoster.listing().addresses.iter().collect::<BTreeSet<_>>();
        if self.network.is_none()
            || self.unwritten.is_some()
            || said == self.own.addresses.iter().map(String::as_str).collect()
        {
            return;
        }
        let edits = founding::address_edits(&self.own.addresses);
        if let Err(failure) =
            self.change(Box::new(move |directory, now| directory.edit(now, &edits)), None).await
        {
            warn!(
                error = &failure as &dyn std::error::Error,
                "the listing could not be told where the node is"
            );
        }
    }

    /// Whether our key is that of one of the hoster's nodes, and not of an operator's own machine.
    pub(super) fn is_node(&self) -> bool {
        let hoster = self.directory.hoster(self.own.listing);
        hoster.is_some_and(|hoster| hoster.keyring().head().has_role(&self.own.key.public(), Role::Node))
    }

    async fn read_again(&mut self) {
        let (rows, key) = (self.rows.clone(), SigningKey::from_seed(&self.own.key.to_seed()));
        match read(&rows, self.own.listing, key) {
            Ok(directory) => (self.directory, self.shown) = (directory, None),
            Err(failure) => {
                return error!(error = &failure as &dyn std::error::Error, "the directory cannot be read");
            }
        }
        self.unwritten = None;
        for key in self.connected.keys().copied().collect::<Vec<_>>() {
            self.feed(Input::Connected(key)).await;
        }
    }

    /// Local names that were not proven because nobody had been invited yet.
    async fn look_around(&mut self) {
        let now = now();
        let unproven = self.directory.hosters().filter(|hoster| !hoster.is_proven(now));
        let local = unproven.filter_map(|hoster| {
            let domain = hoster.keyring().domain().filter(|domain| is_local(domain))?;
            Some((hoster.id(), domain.clone()))
        });
        for (listing, domain) in local.collect::<Vec<_>>() {
            if self.proves_local(listing) {
                self.feed(Input::DomainChecked { listing, domain, outcome: DomainOutcome::Proven }).await;
            }
        }
    }

    /// Whether a name of this machine counts as proven for a listing: for our own, and for others if everybody is here.
    pub(super) fn proves_local(&self, listing: ListingId) -> bool {
        match listing == self.own.listing {
            true => self.own.is_local,
            false => self.neighbours() == Neighbours::OnThisMachine,
        }
    }

    pub(super) fn neighbours(&self) -> Neighbours {
        match self.own.is_local {
            true => Neighbours::of(self.peers.values(), self.connected.values().map(Option::as_ref)),
            false => Neighbours::Anywhere,
        }
    }

    fn name(&mut self) -> u64 {
        self.next_ticket += 1;
        self.next_ticket
    }
}

/// The directory as the store has it, with our key.
pub(super) fn read(rows: &Rows, listing: ListingId, key: SigningKey) -> Result<Directory, Failure> {
    let seed =
        *keys::random().map_err(|error| Failure::caused("the system gives no random bytes", &error))?;
    let now = now();
    let mut directory = Directory::load(Policy::default(), seed, rows.directory()?, now);
    directory.adopt(now, listing, key, Origin::Existing);
    Ok(directory)
}

/// What the network is told to bring.
pub(super) fn split(
    network: Option<Network>,
) -> (Option<Handle>, mpsc::Receiver<Event>, mpsc::Receiver<IncomingStream>) {
    match network {
        Some(Network { handle, events, streams, .. }) => (Some(handle), events, streams),
        // Nothing ever comes: the select arm is off.
        None => (None, mpsc::channel(1).1, mpsc::channel(1).1),
    }
}

impl std::fmt::Debug for Command {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Show(_) => "Show",
            Self::Change(..) => "Change",
            Self::Outcome(_) => "Outcome",
            Self::DomainChecked(..) => "DomainChecked",
            Self::Befriend(..) => "Befriend",
            Self::Part(_) => "Part",
        })
    }
}

/// Nothing of this is ever sent: when all senders are gone, mail has come to rest.
#[derive(Debug)]
pub(crate) enum Never {}

/// What strangers change in the directory is seen by mail this late; what an operator changes, at once.
const TABLE_EVERY: Duration = Duration::from_secs(1);
/// The directory wants it at least every ten seconds.
const TICK: Duration = Duration::from_secs(5);
/// A full disk is no news after a moment.
const COMPLAIN_EVERY: Duration = Duration::from_secs(600);
/// Added to gossip's opinion of a peer that was chosen.
const ESTEEM_OF_PEERS: f64 = 20.0;
