//! Asks other hosters' nodes how this one looks from outside, and what they have seen of another.

use std::collections::BTreeMap;
use std::time::Duration;

use essaim_directory::listing::to_ascii;
use essaim_directory::observation::{CLOCK_SKEW_MAX, Door, Observation, Question, Service};
use essaim_identity::cbor;
use essaim_identity::{Keyring, PublicKey, Signed};
use essaim_network::{Handle, RequestError, Transport};
use essaim_types::{Domain, ListingId};
use tokio::task::JoinSet;

use super::domain::is_local;
use super::looks::Answer;
use super::rows::{Write, unwritten};
use super::{Federation, Running, keys, no_network, services};
use crate::config::Config;
use crate::failure::{Failure, causes};
use crate::outside::LOOK_WITHIN;
use crate::ports;
use crate::vitals::now;

/// What became of asking one hoster.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) domain: Domain,
    /// What it saw, or why it says nothing.
    pub(crate) outcome: Result<Observation, String>,
}

/// A hoster's node that is connected.
#[derive(Debug, Clone)]
struct Neighbour {
    key: PublicKey,
    domain: Domain,
    keyring: Keyring,
}

impl Federation {
    /// Asks up to so many connected hosters to look at this one, all at one time. What they saw is kept. `told` hears of each answer.
    pub(crate) async fn seen_from_outside(
        &self,
        most: usize,
        mut told: impl FnMut(usize, usize),
    ) -> Result<Vec<Asked>, Failure> {
        let running = self.running()?;
        let network = running.network.as_ref().ok_or_else(no_network)?;
        let neighbours = self.neighbours(network, most).await?;
        let question = running.question()?;
        let mut asking = JoinSet::new();
        let all = neighbours.len();
        for neighbour in neighbours {
            let (network, question, subject) = (network.clone(), question.clone(), running.listing);
            asking.spawn(async move { ask(&network, neighbour, &question, subject).await });
        }
        let (mut asked, mut kept) = (Vec::new(), Vec::new());
        told(0, all);
        while let Some(answer) = asking.join_next().await {
            let (domain, outcome) =
                answer.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
            kept.extend(outcome.iter().map(Write::observation));
            asked.push(Asked { domain, outcome: outcome.map(Signed::into_record) });
            told(asked.len(), all);
        }
        asked.sort_by(|a, b| a.domain.as_str().cmp(b.domain.as_str()));
        self.0.rows.commit(kept).await.map_err(|error| unwritten(&error))?;
        Ok(asked)
    }

    /// The same as far as it is kept here: nobody is asked.
    pub(crate) fn kept_observations(&self, subject: ListingId) -> Result<Vec<Observation>, Failure> {
        let kept = self.0.rows.observations(subject, now())?;
        Ok(kept.into_iter().map(|kept| kept.into_record()).collect())
    }

    /// What is known of how a hoster looks from outside: what is kept here, and what connected nodes say they saw, if this node runs.
    pub(crate) async fn observations(&self, subject: ListingId) -> Result<Vec<Observation>, Failure> {
        let rows = self.0.rows.clone();
        let mut found: BTreeMap<ListingId, Observation> = BTreeMap::new();
        let kept = rows.observations(subject, now())?;
        found.extend(kept.into_iter().map(|kept| (kept.record().observer, kept.into_record())));
        if let Some(network) = self.0.running.get().and_then(|running| running.network.as_ref()) {
            let mut asking = JoinSet::new();
            for neighbour in self.neighbours(network, TOLD_BY_MAX).await? {
                let network = network.clone();
                asking.spawn(async move { ask_seen(&network, neighbour, subject).await });
            }
            for seen in asking.join_all().await.into_iter().flatten() {
                let newer = found.get(&seen.observer).is_none_or(|known| known.time < seen.time);
                if newer {
                    found.insert(seen.observer, seen);
                }
            }
        }
        let mut found: Vec<Observation> = found.into_values().collect();
        found.sort_by_key(|seen| std::cmp::Reverse(seen.time));
        Ok(found)
    }

    /// Connected nodes, one of each proven hoster, in an order of chance.
    async fn neighbours(&self, network: &Handle, most: usize) -> Result<Vec<Neighbour>, Failure> {
        let connected = network.peers().await.unwrap_or_default();
        let keys: Vec<PublicKey> = connected.into_iter().map(|info| info.peer.public()).collect();
        let found = self.look(move |directory, now| {
            let others = directory.hosters().filter(|hoster| Some(hoster.id()) != directory.own_listing());
            let node = |hoster: &essaim_directory::Hoster| {
                let head = hoster.keyring().head();
                let key = keys.iter().find(|key| head.has_role(key, essaim_identity::keyring::Role::Node))?;
                let domain = hoster.keyring().domain()?.clone();
                Some(Neighbour { key: *key, domain, keyring: hoster.keyring().clone() })
            };
            others.filter(|hoster| hoster.is_proven(now)).filter_map(node).collect::<Vec<_>>()
        });
        let mut found = found.await?;
        let salt = keys::random::<16>()
            .map_err(|error| Failure::caused("the system gives no random bytes", &error))?;
        found.sort_by_key(|node| *blake3::hash(&[salt.as_slice(), node.key.as_bytes()].concat()).as_bytes());
        found.truncate(most);
        Ok(found)
    }
}

impl Running {
    /// What this node offers to the world: at the usual ports, and on this machine at those that were chosen.
    fn question(&self) -> Result<Question, Failure> {
        let doors = doors(&self.config, &self.addresses);
        if doors.is_empty() {
            return Err(Failure::new("this node offers nothing that could be seen from outside")
                .hint("set [listen] smtp, imaps or peer in essaim.toml"));
        }
        let host = to_ascii(self.config.hoster.hostname().as_str());
        Ok(Question { time: now(), host, doors, listing: self.listing })
    }
}

fn doors(config: &Config, addresses: &[essaim_network::Address]) -> Vec<Door> {
    let here = is_local(&config.hoster.domain);
    let ports = if here { ports::read(&config.data_dir) } else { BTreeMap::new() };
    let configured = config.listen.by_name();
    let is_offered = |name: &str| configured.iter().any(|(known, at)| *known == name && at.is_some());
    let port = |service: Service| match service {
        Service::PeerTcp => port_of(addresses, Transport::Tcp),
        Service::PeerQuic => port_of(addresses, Transport::Quic),
        named if !is_offered(named.word()) => None,
        named if here => ports.get(named.word()).map(std::net::SocketAddr::port),
        named => named.standard_port(),
    };
    Service::ALL.into_iter().filter_map(|service| Some(Door { service, port: port(service)? })).collect()
}

fn port_of(addresses: &[essaim_network::Address], transport: Transport) -> Option<u16> {
    addresses.iter().find(|address| address.transport() == transport).map(essaim_network::Address::port)
}

async fn ask(
    network: &Handle,
    who: Neighbour,
    question: &Question,
    subject: ListingId,
) -> (Domain, Result<Signed<Observation>, String>) {
    let body = cbor::encode(question).into();
    let answer = network.request_within(who.key.into(), services::probe(), body, ANSWER_WITHIN).await;
    let outcome = match answer {
        Ok(answer) => read(&answer, &who, question, subject),
        Err(RequestError::UnknownService { .. }) => Err("its essaim is too old to look".to_owned()),
        Err(error) => Err(causes(&error)),
    };
    (who.domain, outcome)
}

/// An answer that is of this node, of this moment, of what was asked, and signed by a node of its hoster.
fn read(
    answer: &[u8],
    who: &Neighbour,
    question: &Question,
    subject: ListingId,
) -> Result<Signed<Observation>, String> {
    let answer: Answer = cbor::decode(answer).map_err(|_| "its answer cannot be read".to_owned())?;
    if let Some(refusal) = answer.refusal {
        return Err(refusal.to_string());
    }
    let bytes = answer.observation.ok_or_else(|| "it says nothing".to_owned())?;
    let now = now();
    let seen = Observation::read(&bytes, now).map_err(|fault| causes(&fault))?;
    let said = seen.record();
    said.vouched_by(&who.keyring).map_err(|fault| causes(&fault))?;
    let is_now = now.since(said.time) <= CLOCK_SKEW_MAX;
    if said.subject != subject || said.key != who.key || said.asked != question.doors || !is_now {
        return Err("its answer is to another question".to_owned());
    }
    Ok(seen)
}

/// What a node has seen of a hoster, if anything.
async fn ask_seen(network: &Handle, who: Neighbour, subject: ListingId) -> Option<Observation> {
    let body = subject.as_bytes().to_vec().into();
    let answer = network.request_within(who.key.into(), services::seen(), body, TOLD_WITHIN).await.ok()?;
    let answer: Answer = cbor::decode(&answer).ok()?;
    let seen = Observation::read(&answer.observation?, now()).ok()?;
    let said = seen.record();
    (said.subject == subject && said.vouched_by(&who.keyring).is_ok()).then(|| seen.into_record())
}

/// For an answer: the look itself, and a moment for the way.
const ANSWER_WITHIN: Duration = LOOK_WITHIN.saturating_add(Duration::from_secs(4));
/// For what was seen before: whoever waits is a person.
const TOLD_WITHIN: Duration = Duration::from_secs(3);
const TOLD_BY_MAX: usize = 8;
