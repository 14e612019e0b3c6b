//! The node in its federation: the keys of its hoster, the shared directory, invitations and peers.
//!
//! `essaim-directory` decides, `essaim-network` carries, the store keeps; here they are brought together. Commands use
//! [`Federation`], whether the node runs or not. Not here: how anything is shown.

mod address;
mod arrivals;
mod calling;
mod card;
mod channel;
mod correspondents;
mod domain;
mod drafts;
mod driver;
mod founding;
mod handover;
mod invitation;
mod join;
mod journal;
mod keys;
mod looks;
mod moved;
pub(crate) mod note;
mod numbers;
mod observations;
mod operators;
mod outside;
mod peers;
mod perform;
mod rows;
mod services;
mod start;
mod witness;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use essaim_accounts::Journal;
use essaim_directory::{CommandError, Directory, Output, View};
use essaim_identity::invitation::InvitationLink;
use essaim_identity::keyring::Role;
use essaim_identity::node::NodeClaim;
use essaim_identity::{Keyring, PublicKey, SigningKey};
use essaim_network::{Address, DialError, Handle, PeerInfo, RequestError};
use essaim_store::Store;
use essaim_types::{AccountId, Domain, ListingId, Timestamp};
use tokio::sync::{mpsc, oneshot};

use self::arrivals::Arrivals;
use self::driver::Command;
use self::note::Note;
use self::rows::{Rows, Write};
use crate::config::Config;
use crate::failure::Failure;
use crate::outside::Names;
use crate::vitals::now;

pub(crate) use channel::CallError;
#[cfg(test)]
pub(crate) use correspondents::correspondents_for_tests;
pub(crate) use correspondents::{Correspondent, Correspondents, Unfit};
pub(crate) use domain::is_local;
pub(crate) use drafts::Mentioned;
pub(crate) use driver::Never;
pub(crate) use founding::domain_record;
pub(crate) use invitation::Invited;
pub(crate) use keys::{Keys, root_on_disk};
pub(crate) use numbers::FederationNumbers;
pub(crate) use operators::{OperatorKey, OwnCopy, operator_key, read_link};
pub(crate) use outside::Asked;
pub(crate) use peers::{Introduction, Peer};
pub(crate) use services::{HOME, MAIL, MOVE, REPLICA, SESSION, home, mail, moving, replica_purpose, session};
pub(crate) use start::Started;

/// The federation as commands see it. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Federation(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    rows: Rows,
    data_dir: PathBuf,
    counts: numbers::Counts,
    card: card::Shown,
    correspondents: correspondents::Table,
    arrivals: Arrivals,
    journal: journal::Kept,
    running: OnceLock<Running>,
}

/// What there is only while the node runs.
#[derive(Debug)]
struct Running {
    commands: mpsc::Sender<Command>,
    network: Option<Handle>,
    listing: ListingId,
    key: SigningKey,
    /// Where others find us.
    addresses: Vec<Address>,
    names: Arc<dyn Names>,
    config: Arc<Config>,
}

/// Somebody whose invitation we took.
#[derive(Debug)]
pub(crate) struct Joined {
    pub(crate) peer: PublicKey,
    pub(crate) listing: ListingId,
    pub(crate) domain: Option<Domain>,
}

impl Federation {
    /// Nothing is read and nobody is told anything before it is started.
    pub(crate) fn new(store: Store, hoster: AccountId, data_dir: PathBuf) -> Self {
        let rows = Rows { store, hoster };
        let (counts, card, correspondents, arrivals, journal) = Default::default();
        let running = OnceLock::new();
        Self(Arc::new(Inner { rows, data_dir, counts, card, correspondents, arrivals, journal, running }))
    }

    /// Looks at the directory: the running one as it is now, else as the store has it. On a thread of its own, however long it takes: gossip
    /// and other readers go on meanwhile.
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&View, Timestamp) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let Some(running) = self.0.running.get() else {
            return self.load(move |directory| look(directory, now())).await;
        };
        let (tell, told) = oneshot::channel();
        running.send(Command::Show(tell)).await?;
        let view = told.await.map_err(|_| stopping())?;
        Ok(on_a_thread(move || look(&view, now())).await)
    }

    /// Changes something of ours. When this returns it is durable, and on its way to whoever is connected.
    pub(crate) async fn change(
        &self,
        note: Note,
        change: impl FnOnce(&mut Directory, Timestamp) -> Result<Vec<Output>, CommandError> + Send + 'static,
    ) -> Result<(), Failure> {
        let (tell, told) = oneshot::channel();
        self.running()?.send(Command::Change(Box::new(change), Box::new(note), tell)).await?;
        told.await.map_err(|_| stopping())?
    }

    /// Changes something that concerns this node alone; works without it running, too.
    pub(crate) async fn change_here(
        &self,
        note: Note,
        change: impl FnOnce(&mut Directory, Timestamp) -> Vec<Output> + Send + 'static,
    ) -> Result<(), Failure> {
        if self.0.running.get().is_some() {
            return self.change(note, |directory, now| Ok(change(directory, now))).await;
        }
        let outputs = self.load(move |directory| change(directory, now())).await?;
        let writes = outputs.into_iter().filter_map(|output| match output {
            Output::Store(row) => Some(Write::row(row)),
            Output::Delete(key) => Some(Write::no_row(&key)),
            _ => None,
        });
        let writes = writes.chain([Write::Note(note)]).collect();
        self.0.rows.commit(writes).await.map_err(|error| rows::unwritten(&error))
    }

    /// An invitation for another hoster.
    pub(crate) async fn invite(&self, lifetime: Duration, journal: Journal) -> Result<Invited, Failure> {
        let running = self.running()?;
        if running.network.is_none() {
            return Err(no_network());
        }
        let claim = running.claim(&self.own_keyring().await?)?;
        invitation::give(&self.0.rows, &running.config, claim, &running.key, lifetime, journal).await
    }

    /// Takes the invitation of another hoster.
    pub(crate) async fn join(&self, link: &str, journal: Journal) -> Result<Joined, Failure> {
        let running = self.running()?;
        let network = running.network.as_ref().ok_or_else(no_network)?;
        let said = genuine(link)?;
        if said.node.key == running.key.public() {
            return Err(Failure::new("the invitation is of this node itself")
                .hint("send the link to another hoster, who takes it with essaim peer join"));
        }
        let addresses: Vec<Address> =
            said.node.addresses.iter().filter_map(Address::from_node_address).collect();
        let peer = said.node.key.into();
        network.dial(peer, &addresses).await.map_err(|error| not_reached(&error))?;
        let ours = self.own_keyring().await?;
        let join = join::Join { node: running.claim(&ours)?, nonce: said.nonce, to: said.node.key };
        let body = join::request(&join, &running.key, &ours)?;
        let answer = network.request(peer, services::join(), body.into()).await;
        let answer = answer.map_err(|error| not_answered(&error))?;
        let theirs = join::read_answer(&answer, &said.node)?;
        let record = peers::PeerRecord {
            listing: theirs.listing(),
            addresses: addresses.iter().map(ToString::to_string).collect(),
            since: now(),
            by: Introduction::WeJoined,
        };
        let joined =
            Joined { peer: said.node.key, listing: theirs.listing(), domain: theirs.domain().cloned() };
        let (tell, told) = oneshot::channel();
        let peer = Peer { key: said.node.key, said: record };
        let whom = joined.domain.as_ref().map_or_else(|| joined.listing.to_string(), ToString::to_string);
        let note = Note::new(journal, note::PEER_JOIN, whom);
        running.send(Command::Befriend(peer, records(&theirs), Box::new(note), tell)).await?;
        told.await.map_err(|_| stopping())??;
        Ok(joined)
    }

    /// The nodes that this one stays connected to.
    pub(crate) fn peers(&self) -> Result<Vec<Peer>, Failure> {
        self.0.rows.peers()
    }

    /// The nodes that are connected now; none if the node does not run.
    pub(crate) async fn connected(&self) -> Vec<PeerInfo> {
        match self.0.running.get().and_then(|running| running.network.as_ref()) {
            Some(network) => network.peers().await.unwrap_or_default(),
            None => Vec::new(),
        }
    }

    /// Is a peer no more. What its hoster says stays in the directory.
    pub(crate) async fn part(&self, key: PublicKey, note: Note) -> Result<(), Failure> {
        self.0
            .rows
            .commit(vec![Write::no_peer(&key), Write::Note(note)])
            .await
            .map_err(|error| rows::unwritten(&error))?;
        match self.0.running.get() {
            Some(running) => running.send(Command::Part(key)).await,
            None => Ok(()),
        }
    }

    /// The numbers of a moment ago; `None` if the node does not run.
    pub(crate) fn numbers(&self) -> Option<FederationNumbers> {
        self.0.counts.read()
    }

    /// What `/.well-known/essaim` answers; `None` as long as the hoster has no domain, or the node has just started.
    pub(crate) fn card(&self) -> Option<Vec<u8>> {
        self.0.card.read()
    }

    /// With whom mail is exchanged now; nobody if the node does not run.
    pub(crate) fn correspondents(&self) -> Arc<Correspondents> {
        self.0.correspondents.read()
    }

    /// Which of them can be reached again.
    pub(crate) fn arrivals(&self) -> &Arrivals {
        &self.0.arrivals
    }

    async fn own_keyring(&self) -> Result<Keyring, Failure> {
        let found = self.look(|directory, _| {
            let own = directory.own_listing().and_then(|own| directory.hoster(own));
            own.map(|hoster| hoster.keyring().clone())
        });
        found.await?.ok_or_else(|| refused(&CommandError::NoListing))
    }

    /// The directory as the store has it, on a thread that may block.
    async fn load<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Directory) -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let inner = Arc::clone(&self.0);
        let read = move || {
            let keys = Keys::read(&inner.data_dir)?;
            let founded = inner.rows.identity()?;
            let (Some(keys), Some(listing)) = (keys, founded) else {
                return Err(
                    Failure::new("this node has no directory yet").hint("start it once: essaim serve")
                );
            };
            Ok(work(&mut driver::read(&inner.rows, listing, keys.node)?))
        };
        on_a_thread(read).await
    }

    fn running(&self) -> Result<&Running, Failure> {
        self.0.running.get().ok_or_else(|| {
            Failure::new("the node is not running, and only a running node talks to others")
                .hint("start it: essaim serve, or systemctl start essaim")
        })
    }
}

/// Work that may take long, or read the disk.
async fn on_a_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

impl Running {
    async fn send(&self, command: Command) -> Result<(), Failure> {
        self.commands.send(command).await.map_err(|_| stopping())
    }

    /// What this node says of itself to other hosters; an operator's own machine is none of the hoster's nodes.
    fn claim(&self, keyring: &Keyring) -> Result<NodeClaim, Failure> {
        let key = self.key.public();
        if !keyring.head().has_role(&key, Role::Node) {
            return Err(Failure::new("this machine is an operator's, and no node of the hoster")
                .hint("give the command on the hoster's node"));
        }
        Ok(invitation::claim(self.listing, keyring.head_hash(), key, &self.addresses))
    }
}

/// A link that its node has signed and that is good now.
fn genuine(link: &str) -> Result<essaim_identity::invitation::Invitation, Failure> {
    let parsed = link.parse::<InvitationLink>().map_err(|error| {
        Failure::caused("this is not an invitation", &error)
            .hint("copy the whole link that essaim peer invite has shown, in quotes")
            .usage()
    })?;
    let signed = parsed.verify(now()).map_err(|error| {
        Failure::caused("the invitation cannot be taken", &error)
            .hint("ask the hoster that invited you for a new link: essaim peer invite")
    })?;
    Ok(signed.record().clone())
}

/// The entries of a keyring as records of the directory.
fn records(keyring: &Keyring) -> Vec<Vec<u8>> {
    let listing = keyring.listing();
    keyring.entries().map(|entry| essaim_directory::wire::keyring(listing, &entry.to_wire())).collect()
}

/// What the operator is told when the directory refuses a command.
fn refused(error: &CommandError) -> Failure {
    let failure = Failure::new(error.to_string());
    match error {
        CommandError::Restoring => failure.hint(
            "try again when more peers are connected (essaim peer list); if you know that this data directory is the latest, add --without-peers",
        ),
        CommandError::NoListing => failure.hint("start the node once: essaim serve"),
        CommandError::NotAllowed => failure.hint("another operator of this hoster must do it, or the root key must give this node its roles back"),
        CommandError::Keyring(_) => failure.hint("essaim operator list shows the keys as they are"),
        CommandError::Roots => failure.hint("put the root key of this hoster back: keys/root.secret in the data directory"),
        CommandError::Field(_) | CommandError::Edit(_) => failure.hint("essaim directory edit --help lists the fields").usage(),
        CommandError::Refused(_) | CommandError::Encode => failure.hint("essaim doctor tells what is wrong with the node"),
    }
}

fn not_reached(error: &DialError) -> Failure {
    let failure = Failure::caused("the node that invited was not reached", error);
    match error {
        DialError::WrongPeer { .. } => failure.hint("the invitation may be forged: ask the hoster, by another way than the one on which the link came"),
        _ => failure.hint("is it running, and does its firewall let port 4001 (UDP and TCP) in? Try again later with the same link"),
    }
}

fn not_answered(error: &RequestError) -> Failure {
    Failure::caused("the node that invited did not answer", error).hint("try again with the same link")
}

fn no_network() -> Failure {
    Failure::new("this node does not talk to other nodes: listen.peer is not set")
        .hint("set [listen] peer = \"[::]:4001\" in essaim.toml and restart the node")
}

fn stopping() -> Failure {
    Failure::new("the node is stopping").hint("start it again, then repeat the command")
}

#[cfg(test)]
mod tests;
