//! Hosters look at each other from outside: when one asks to be looked at, and a few times a day at some hoster of the directory.
//! `outside` looks, `essaim_directory::observation` says what an observation is; here is who may ask, and what becomes of it.

use std::time::Duration;

use bytes::Bytes;
use essaim_directory::View;
use essaim_directory::observation::{Door, Observation, Question, Service};
use essaim_identity::cbor::{self, Bounded};
use essaim_identity::keyring::Role;
use essaim_identity::{PublicKey, Signed, SigningKey};
use essaim_network::{Address, Reply, Transport};
use essaim_types::{Domain, ListingId, Timestamp};
use minicbor::bytes::ByteVec;
use minicbor::{Decode, Encode};
use tracing::{debug, warn};

use super::address::Neighbours;
use super::domain::is_local;
use super::driver::Driver;
use super::keys;
use super::rows::Write;
use crate::outside::{Looker, PeerPorts, Permit, Place, Plan, Rates, Refusal};
use crate::vitals::now;

/// The answer to a question: one of the two.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
#[cbor(map)]
pub(super) struct Answer {
    #[n(0)]
    pub(super) refusal: Option<Refusal>,
    /// A signed observation.
    #[n(1)]
    pub(super) observation: Option<ByteVec>,
}

/// What the loop needs to look.
#[derive(Debug)]
pub(super) struct Looks {
    looker: Looker,
    rates: Rates,
    /// When it is time to look at somebody unasked, and to forget what is old.
    next: Timestamp,
    next_sweep: Timestamp,
}

/// Somebody to be looked at.
struct Subject {
    listing: ListingId,
    plan: Plan,
    permit: Permit,
    /// The asker's clock, ahead of ours.
    clock_ahead: Option<i64>,
}

impl Looks {
    pub(super) fn new(looker: Looker, now: Timestamp) -> Self {
        Self { looker, rates: Rates::default(), next: now.after(pause()), next_sweep: now }
    }
}

impl Driver {
    /// A node asks to be looked at.
    pub(super) fn probe(&mut self, from: PublicKey, body: &[u8], reply: Reply) {
        match self.subject(from, body) {
            Ok(subject) => self.look(subject, Some(reply)),
            Err(refusal) => {
                debug!(peer = from.to_peer_id(), %refusal, "a hoster was not looked at");
                let _ = reply.send(answer(Some(refusal), None));
            }
        }
    }

    /// A node asks what we have seen of a hoster: only what we saw ourselves is told, the observer's signature would be anybody's to show.
    pub(super) fn tell_seen(&self, body: &[u8], reply: Reply) {
        let subject = <[u8; 32]>::try_from(body).map(ListingId::from_bytes);
        let (rows, own) = (self.rows.clone(), self.own.listing);
        let Ok(subject) = subject else { return reply.refuse() };
        tokio::task::spawn_blocking(move || {
            let found = rows.observation(subject, own, now()).ok().flatten();
            let _ = reply.send(answer(None, found.map(|found| found.to_wire())));
        });
    }

    fn subject(&mut self, from: PublicKey, body: &[u8]) -> Result<Subject, Refusal> {
        let now = now();
        let question = Question::read(body).map_err(|_| Refusal::Unreadable)?;
        let listing = question.listing;
        is_node_of(&self.directory, listing, &from).then_some(()).ok_or(Refusal::Unproven)?;
        let (domain, ports, place) = self.whereabouts(listing, now).ok_or(Refusal::Unproven)?;
        let plan = Plan::of(&question, domain, &ports, place)?;
        let permit = self.looks.rates.begin(listing, now).ok_or(Refusal::Later)?;
        Ok(Subject { listing, plan, permit, clock_ahead: Some(question.time.0.saturating_sub(now.0)) })
    }

    /// The proven domain of a hoster, the ports of its nodes, and where it is looked at.
    fn whereabouts(&self, listing: ListingId, now: Timestamp) -> Option<(Domain, PeerPorts, Place)> {
        let hoster = self.directory.hoster(listing).filter(|hoster| hoster.is_proven(now))?;
        let domain = hoster.keyring().domain()?.clone();
        let place = match is_local(&domain) {
            false => Place::Internet,
            true if self.neighbours() == Neighbours::OnThisMachine => Place::ThisMachine,
            true => return None,
        };
        let told = hoster.listing().addresses.iter().filter_map(|text| text.parse::<Address>().ok());
        let mut ports = PeerPorts::default();
        for address in told {
            match address.transport() {
                Transport::Tcp => ports.tcp.push(address.port()),
                Transport::Quic => ports.quic.push(address.port()),
            }
        }
        Some((domain, ports, place))
    }

    /// Looks, signs, keeps, and answers if somebody asked.
    fn look(&self, subject: Subject, reply: Option<Reply>) {
        let looker = self.looks.looker.clone();
        let (rows, observer) = (self.rows.clone(), self.own.listing);
        let key = SigningKey::from_seed(&self.own.key.to_seed());
        tokio::spawn(async move {
            let Subject { listing, plan, permit, clock_ahead } = subject;
            let seen = looker.look(plan.clone()).await;
            let observation = Observation {
                observer,
                key: key.public(),
                subject: listing,
                time: now(),
                domain: plan.domain,
                asked: plan.doors,
                mail: seen.mail,
                hosts: seen.hosts,
                sights: seen.sights,
                clock_ahead,
            };
            drop(permit);
            match Signed::sign(&observation, &key) {
                Ok(signed) => {
                    if let Err(error) = rows.commit(vec![Write::observation(&signed)]).await {
                        warn!(error = &error as &dyn std::error::Error, "an observation was not kept");
                    }
                    if let Some(reply) = reply {
                        let _ = reply.send(answer(None, Some(signed.to_wire())));
                    }
                }
                Err(error) => {
                    warn!(error = &error as &dyn std::error::Error, "an observation was not signed")
                }
            }
        });
    }

    /// Some hoster of the directory, now and then, so that what listings say does not rest on their word alone.
    pub(super) fn look_in_turn(&mut self) {
        let now = now();
        if self.looks.next_sweep <= now {
            self.looks.next_sweep = now.after(SWEEP_EVERY);
            let rows = self.rows.clone();
            tokio::spawn(async move {
                if let Err(failure) = rows.sweep_observations(now).await {
                    warn!(error = &failure as &dyn std::error::Error, "old observations were not forgotten");
                }
            });
        }
        // What an operator's own machine sees, nobody believes.
        if self.looks.next > now || !self.is_node() {
            return;
        }
        self.looks.next = now.after(pause());
        if let Some(subject) = self.somebody(now) {
            self.look(subject, None);
        }
    }

    fn somebody(&self, now: Timestamp) -> Option<Subject> {
        let others = self.directory.hosters().map(essaim_directory::Hoster::id);
        let others: Vec<ListingId> = others.filter(|id| *id != self.own.listing).collect();
        let listing =
            *others.get(usize::try_from(chance() % u64::try_from(others.len()).ok()?.max(1)).ok()?)?;
        let (domain, ports, place) = self.whereabouts(listing, now)?;
        let hoster = self.directory.hoster(listing)?.listing();
        let host =
            hoster.addresses.iter().find_map(|text| text.parse::<Address>().ok()?.name()?.parse().ok());
        let doors = doors_in_turn(&ports, place, hoster.services.iter().any(|service| service == "mail"));
        let question = Question { time: now, host, doors, listing };
        let plan = Plan::of(&question, domain, &ports, place).ok()?;
        let permit = self.looks.rates.begin(listing, now)?;
        Some(Subject { listing, plan, permit, clock_ahead: None })
    }
}

/// What is looked at unasked: where the world brings mail, and the node. Members' doors are for the hoster itself to ask for.
fn doors_in_turn(ports: &PeerPorts, place: Place, has_mail: bool) -> Vec<Door> {
    let smtp = (place == Place::Internet && has_mail).then_some((Service::Smtp, 25));
    let tcp = ports.tcp.first().map(|port| (Service::PeerTcp, *port));
    let quic = ports.quic.first().map(|port| (Service::PeerQuic, *port));
    [smtp, tcp, quic].into_iter().flatten().map(|(service, port)| Door { service, port }).collect()
}

/// Whether a hoster says that the key is its node's.
fn is_node_of(directory: &View, listing: ListingId, key: &PublicKey) -> bool {
    directory.hoster(listing).is_some_and(|hoster| hoster.keyring().head().has_role(key, Role::Node))
}

fn answer(refusal: Option<Refusal>, observation: Option<Vec<u8>>) -> Bytes {
    cbor::encode(&Answer { refusal, observation: observation.map(ByteVec::from) }).into()
}

/// Two to four hours: eight looks a day.
fn pause() -> Duration {
    Duration::from_secs(LOOK_EVERY_S * 2 / 3 + chance() % (LOOK_EVERY_S * 2 / 3))
}

/// Without a source of chance it is always the same one's turn: a little worse than none.
fn chance() -> u64 {
    keys::random().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

impl Bounded for Answer {
    const BYTES_MAX: usize = Observation::BYTES_MAX + 128;
    const DEPTH_MAX: usize = 1;
}

const LOOK_EVERY_S: u64 = 3 * 3600;
const SWEEP_EVERY: Duration = Duration::from_secs(86_400);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_few_and_at_different_times() {
        let pauses: std::collections::BTreeSet<Duration> = (0..50).map(|_| pause()).collect();
        assert!(pauses.len() > 10);
        assert!(pauses.iter().all(|pause| (7200..14_400).contains(&pause.as_secs())));
    }

    /// Who named the key of another's node was taken for the one who asks, and the other was never looked at again.
    #[test]
    fn who_names_the_node_of_another_keeps_nobody_from_asking() {
        use crate::federation::correspondents::tests::{directory, hoster};
        let node = SigningKey::from_seed(&[1; 32]);
        let honest = hoster("honest.test", &[&node]);
        let strangers = ["a.test", "b.test", "c.test", "d.test"].map(|domain| hoster(domain, &[&node]));
        let all: Vec<_> = strangers.iter().chain([&honest]).collect();
        let directory = directory(&all, now());
        assert!(is_node_of(&directory, honest.listing(), &node.public()));
        let other = SigningKey::from_seed(&[2; 32]).public();
        assert!(!is_node_of(&directory, honest.listing(), &other), "a key that it does not name");
        assert!(
            !is_node_of(&directory, ListingId::from_bytes([9; 32]), &node.public()),
            "a hoster not known"
        );
    }

    #[test]
    fn unasked_only_what_is_for_everybody_is_looked_at() {
        let ports = PeerPorts { tcp: vec![4001, 4002], quic: vec![4001] };
        let doors = doors_in_turn(&ports, Place::Internet, true);
        let services: Vec<Service> = doors.iter().map(|door| door.service).collect();
        assert_eq!(services, [Service::Smtp, Service::PeerTcp, Service::PeerQuic]);
        let without = doors_in_turn(&PeerPorts::default(), Place::Internet, false);
        assert_eq!(without, []);
        assert_eq!(
            doors_in_turn(&ports, Place::ThisMachine, true).len(),
            2,
            "nobody's port 25 on this machine"
        );
    }

    #[test]
    fn answers_read_back_as_written() {
        for (refusal, observation) in [(Some(Refusal::Later), None), (None, Some(vec![7; 300])), (None, None)]
        {
            let written = answer(refusal, observation.clone());
            let read: Answer = cbor::decode(&written).unwrap();
            assert_eq!((read.refusal, read.observation.map(Vec::from)), (refusal, observation));
        }
    }
}
