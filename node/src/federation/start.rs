//! The federation begins: keys, founding, the network, the loop.

use std::net::SocketAddr;
use std::sync::Arc;

use essaim_accounts::Journal;
use essaim_directory::{Directory, Origin, Output, Policy};
use essaim_identity::SigningKey;
use essaim_identity::domain::TxtRecord;
use essaim_network::{IncomingStream, Limits, Network, Node, NodeSecret, StartError};
use essaim_types::{Domain, ListingId};
use tokio::runtime::Handle as Runtime;
use tokio::sync::{mpsc, oneshot};
use tracing::{info, warn};

use super::driver::{self, Beginning, Correspondence, Driver, Never, Own};
use super::keys::Keys;
use super::rows::{Rows, Write, unwritten};
use super::{Federation, Running, address, founding, keys, services};
use crate::config::Config;
use crate::failure::{Failure, causes};
use crate::outside::{Names, SystemNames};
use crate::shutdown::Stop;
use crate::vitals::now;

/// A federation that runs until the node stops.
#[derive(Debug)]
pub(crate) struct Started {
    /// `listen.peer` with the port that was chosen.
    pub(crate) listening: Option<SocketAddr>,
    /// Ready when the last thing was written and all connections are closed.
    pub(crate) ended: oneshot::Receiver<()>,
    /// Streams that nodes of other hosters open.
    pub(crate) streams: mpsc::Receiver<IncomingStream>,
    /// Connections stay open after `stop` until all of these are dropped.
    pub(crate) busy: mpsc::Sender<Never>,
}

impl Federation {
    /// Makes the keys and the listing if there are none, and begins to talk to other nodes if the configuration says where.
    pub(crate) async fn start(
        &self,
        config: &Arc<Config>,
        journal: Journal,
        stop: Stop,
    ) -> Result<Started, Failure> {
        let rows = self.0.rows.clone();
        let (keys, listing, directory) = open(&rows, config).await?;
        note_record(config, &directory);
        let network = match config.listen.peer {
            Some(listen) => Some(listen_for_nodes(config, listen, &keys).await?),
            None => None,
        };
        let listening = network.as_ref().map(|network| network.listening);
        let told = listening.map(|at| address::told(config, at)).unwrap_or_default();
        let own = Own {
            listing,
            key: clone(&keys.node),
            is_local: config.listen.peer.is_none_or(|at| at.ip().is_loopback()),
            addresses: told.iter().map(ToString::to_string).collect(),
        };
        let (send, commands) = mpsc::channel(COMMANDS);
        let names: Arc<dyn Names> = Arc::new(SystemNames::open());
        let (network, events, streams) = driver::split(network);
        let (busy, quiet) = mpsc::channel(1);
        let mut driver = Driver::new(Beginning {
            directory,
            own,
            peers: rows.peers()?,
            rows,
            network: network.clone(),
            counts: self.0.counts.clone(),
            card: self.0.card.clone(),
            names: Arc::clone(&names),
            correspondents: Correspondence {
                table: self.0.correspondents.clone(),
                arrivals: self.0.arrivals.clone(),
                local: config.hoster.all_domains().filter_map(Domain::to_ascii).collect(),
                made: None,
                behind: false,
            },
            journal,
            hostname: config.hoster.hostname().clone(),
            commands: send.clone(),
        });
        driver.note_correspondents();
        let (end, ended) = oneshot::channel();
        let runtime = Runtime::current();
        let run = move || {
            runtime.block_on(driver.run(events, commands, quiet, stop));
            // Nobody waits any more if the node was told twice to stop.
            let _ = end.send(());
        };
        std::thread::Builder::new()
            .name("federation".to_owned())
            .spawn(run)
            .map_err(|error| Failure::caused("the system gives no threads to this program", &error))?;
        let running = Running {
            commands: send,
            network,
            listing,
            key: keys.node,
            addresses: told,
            names,
            config: Arc::clone(config),
        };
        let first = self.0.running.set(running).is_ok();
        assert!(first, "a node is started once");
        Ok(Started { listening, ended, streams, busy })
    }
}

/// For `essaim dns`. Without the note the command goes without the record; nothing else relies on it.
fn note_record(config: &Config, directory: &Directory) {
    let hoster = directory.own_listing().and_then(|own| directory.hoster(own));
    let root = hoster.and_then(|hoster| hoster.keyring().head().roots.iter().next().copied());
    let record = hoster.zip(root).map(|(hoster, root)| TxtRecord { listing: hoster.id(), root });
    if let Some(Err(error)) = record.map(|record| keys::note_record(&config.data_dir, &record)) {
        warn!(error = &error as &dyn std::error::Error, "the record for the DNS could not be written down");
    }
}

/// Keys and directory, made if this is the first start.
async fn open(rows: &Rows, config: &Config) -> Result<(Keys, ListingId, Directory), Failure> {
    let data_dir = &config.data_dir;
    match (Keys::read(data_dir)?, rows.identity()?) {
        (Some(keys), Some(listing)) => {
            let mut directory = driver::read(rows, listing, clone(&keys.node))?;
            follow_domain(rows, config, &keys, &mut directory).await?;
            Ok((keys, listing, directory))
        }
        (None, Some(_)) => Err(Failure::new(format!(
            "the node's secret key is missing: there is no keys/node.secret in {}",
            data_dir.display()
        ))
        .hint("restore the folder keys from a backup; without it nobody would believe that this is the same hoster")),
        (keys, None) => {
            let keys = match keys {
                Some(keys) => keys,
                None => Keys::make(data_dir)?,
            };
            let (listing, directory) = found(rows, config, &keys).await?;
            Ok((keys, listing, directory))
        }
    }
}

/// The hoster's keyring and listing, in one commit. They are gossiped from the outbox as soon as somebody is there.
async fn found(rows: &Rows, config: &Config, keys: &Keys) -> Result<(ListingId, Directory), Failure> {
    let (listing, entry) = founding::genesis(keys, &config.hoster.domain)?;
    let seed =
        *keys::random().map_err(|error| Failure::caused("the system gives no random bytes", &error))?;
    let now = now();
    let mut directory = Directory::new(Policy::default(), seed);
    directory.adopt(now, listing, clone(&keys.node), Origin::New);
    let failed = |error| super::refused(&error);
    let mut outputs = directory.publish_keyring(now, &entry).map_err(failed)?;
    outputs.extend(directory.edit(now, &founding::first_edits(config)).map_err(failed)?);
    let mut writes = rows_of(outputs);
    writes.push(Write::identity(listing));
    rows.commit(writes).await.map_err(|error| unwritten(&error))?;
    info!(%listing, domain = %config.hoster.domain, "the hoster's listing is founded");
    // As it will be read at every later start; what was just made needs no peers to confirm it.
    let mut directory = driver::read(rows, listing, clone(&keys.node))?;
    directory.trust_own_copy();
    Ok((listing, directory))
}

/// A hoster that has another domain now says so in its keyring, as long as the root key is here.
async fn follow_domain(
    rows: &Rows,
    config: &Config,
    keys: &Keys,
    directory: &mut Directory,
) -> Result<(), Failure> {
    let domain = &config.hoster.domain;
    let own = directory.own_listing().and_then(|own| directory.hoster(own));
    if own.is_none_or(|hoster| hoster.keyring().domain() == Some(domain)) {
        return Ok(());
    }
    let Some(root) = keys.root.as_ref() else {
        warn!(%domain, "the keyring names another domain, and the root key is not here to change it: put keys/root.secret back for one start");
        return Ok(());
    };
    let named = directory.change_keyring(now(), root, |draft| draft.domain(Some(domain.clone())));
    let outputs = named.map_err(|error| super::refused(&error))?;
    rows.commit(rows_of(outputs)).await.map_err(|error| unwritten(&error))?;
    info!(%domain, "the keyring names the new domain");
    Ok(())
}

async fn listen_for_nodes(config: &Config, listen: SocketAddr, keys: &Keys) -> Result<Network, Failure> {
    let started = Network::start(Node {
        listen,
        config: config.network.clone(),
        limits: Limits::default(),
        secret: NodeSecret::from(&keys.node),
        topics: services::topics(),
        services: services::all(),
    });
    started.await.map_err(|error| {
        let failure = Failure::new(causes(&error));
        match error {
            StartError::Listen { .. } => failure.hint("another node may run already; change listen.peer or network.bulk_port, or stop the other one"),
            _ => failure,
        }
    })
}

/// The rows among the outputs. The rest needs a network; what is ours is in the outbox among the rows.
fn rows_of(outputs: Vec<Output>) -> Vec<Write> {
    let rows = outputs.into_iter().filter_map(|output| match output {
        Output::Store(row) => Some(Write::row(row)),
        Output::Delete(key) => Some(Write::no_row(&key)),
        _ => None,
    });
    rows.collect()
}

fn clone(key: &SigningKey) -> SigningKey {
    SigningKey::from_seed(&key.to_seed())
}

/// Operators and tasks that wait for the loop.
const COMMANDS: usize = 256;
