//! What the directory answers, done: rows in one commit first, then everything that relies on them, in order.

use std::collections::BTreeMap;
use std::sync::Arc;

use essaim_accounts::StorageError;
use essaim_directory::refusal::Verdict;
use essaim_directory::{Alert, DomainOutcome, Input, Output};
use essaim_identity::keyring::Role;
use essaim_identity::{PublicKey, RecordHash};
use essaim_network::{Judged, PublishError};
use essaim_store::CommitError;
use essaim_types::ListingId;
use tracing::{debug, error, warn};

use super::address::{dialled, in_numbers};
use super::calling::{Claim, callable};
use super::domain::is_local;
use super::driver::{Command, Driver};
use super::note::{DOMAIN_LOST, Note};
use super::rows::Write;
use super::services;
use crate::vitals::now;

impl Driver {
    /// Performs outputs. With an error nothing has left this node.
    pub(super) async fn perform(
        &mut self,
        outputs: Vec<Output>,
        note: Option<Note>,
    ) -> Result<(), CommitError<StorageError>> {
        let mut writes = Vec::new();
        let mut rest = Vec::new();
        for output in outputs {
            match output {
                Output::Store(row) => writes.push(Write::row(row)),
                Output::Delete(key) => writes.push(Write::no_row(&key)),
                other => rest.push(other),
            }
        }
        if !writes.is_empty() {
            // What changes nothing is no act.
            writes.extend(note.map(Write::Note));
            self.rows.commit(writes).await?;
        }
        for output in rest {
            self.send(output).await;
        }
        Ok(())
    }

    async fn send(&mut self, output: Output) {
        match output {
            Output::Store(_) | Output::Delete(_) => {}
            Output::Gossip { record, topic, bytes } => {
                self.publish(record, services::topic(topic), bytes.into()).await;
            }
            Output::Verdict { ticket, verdict } => self.judge(ticket, verdict).await,
            Output::Ask { peer, ask, request } => self.ask(peer, ask, request),
            Output::Answer { ticket, answer } => {
                if let Some(reply) = self.questions.remove(&ticket)
                    && let Err(why) = reply.send(answer.into())
                {
                    debug!(error = &why as &dyn std::error::Error, "an answer was not sent");
                }
            }
            Output::CheckDomain { listing, domain } if is_local(&domain) => {
                let proven = self.proves_local(listing);
                let outcome = if proven { DomainOutcome::Proven } else { DomainOutcome::Failed };
                self.pending.push_back(Input::DomainChecked { listing, domain, outcome });
            }
            Output::CheckDomain { listing, domain } => {
                // A question for each listing: bounded by the directory.
                self.checks.push_back((listing, domain));
                self.check_domains();
            }
            Output::Changed(listing) => debug!(%listing, "a listing has changed"),
            Output::Alert(alert) => {
                tell(&alert);
                if let Alert::DomainLost(listing) = alert {
                    self.note_lost(listing).await;
                }
            }
        }
    }

    /// Whoever vouches for a hoster finds it in the journal, too: the log may be gone when somebody looks.
    async fn note_lost(&self, listing: ListingId) {
        let domain = self.directory.hoster(listing).and_then(|hoster| hoster.keyring().domain());
        let detail = domain.map_or_else(|| listing.to_string(), ToString::to_string);
        let note = Note::new(self.journal.clone(), DOMAIN_LOST, detail);
        if let Err(error) = self.rows.commit(vec![Write::Note(note)]).await {
            warn!(error = &error as &dyn std::error::Error, "a lost domain was not written down");
        }
    }

    /// Hands a record to whoever wants it; keeps it if nobody is there.
    async fn publish(&mut self, record: RecordHash, topic: essaim_network::Topic, bytes: bytes::Bytes) {
        let Some(network) = &self.network else { return };
        match network.publish(topic.clone(), bytes.clone()).await {
            // A duplicate went out, or came in, a moment ago: others have it.
            Ok(()) | Err(PublishError::Duplicate) => self.pending.push_back(Input::Published { record }),
            Err(error) if error.is_temporary() => {
                if self.unsent.len() < UNSENT_MAX {
                    self.unsent.insert(record, (topic, bytes));
                }
            }
            Err(error) => error!(error = &error as &dyn std::error::Error, "a record cannot be published"),
        }
    }

    /// Somebody wants a topic now: what nobody took before goes out.
    pub(super) async fn send_again(&mut self, topic: &essaim_network::Topic) {
        let unsent = std::mem::take(&mut self.unsent);
        let (wanted, later): (BTreeMap<_, _>, _) = unsent.into_iter().partition(|(_, (of, _))| of == topic);
        self.unsent = later;
        for (record, (topic, bytes)) in wanted {
            self.publish(record, topic, bytes).await;
        }
        self.settle().await;
    }

    async fn judge(&mut self, ticket: u64, verdict: Verdict) {
        let (Some(ticket), Some(network)) = (self.tickets.remove(&ticket), &self.network) else { return };
        let verdict = match verdict {
            Verdict::Accept => essaim_network::Verdict::Accept,
            Verdict::Reject => essaim_network::Verdict::Reject,
            Verdict::Ignore => essaim_network::Verdict::Ignore,
        };
        if network.verdict(ticket, verdict).await == Ok(Judged::TooLate) {
            debug!("a message was judged too late to be passed on");
        }
    }

    /// Bounded by the directory (open questions) and by the network (requests).
    fn ask(&self, peer: PublicKey, ask: u64, request: Vec<u8>) {
        let commands = self.commands.clone();
        let network = self.network.clone();
        tokio::spawn(async move {
            let answer = match network {
                Some(network) => network.request(peer.into(), services::sync(), request.into()).await.ok(),
                None => None,
            };
            let input = match answer {
                Some(answer) => Input::Answered { ask, answer: answer.to_vec() },
                None => Input::Unanswered { ask },
            };
            // Nobody listens when the node stops.
            let _ = commands.send(Command::Outcome(input)).await;
        });
    }

    /// Asks domains, a few at one time.
    pub(super) fn check_domains(&mut self) {
        while self.checking < CHECKS_AT_ONCE {
            let Some((listing, domain)) = self.checks.pop_front() else { return };
            let Some(keyring) = self.directory.hoster(listing).map(|hoster| hoster.keyring().clone()) else {
                continue;
            };
            self.checking += 1;
            let (commands, checker) = (self.commands.clone(), self.checker.clone());
            tokio::spawn(async move {
                let outcome = checker.check(&domain, &keyring).await;
                let _ = commands.send(Command::DomainChecked(listing, domain, outcome)).await;
            });
        }
    }

    /// Looks for more nodes to be connected with, so that the federation does not fall apart when one is away: hosters of the
    /// directory, each at most every ten minutes.
    pub(super) fn reach_out(&mut self) {
        let Some(network) = self.network.clone() else { return };
        let (now, neighbours) = (now(), self.neighbours());
        self.dialled.retain(|_, at| now.since(*at) < DIAL_PAUSE);
        let wanted = CONNECTIONS_WANTED.saturating_sub(self.connected.len()).min(DIALS_AT_ONCE);
        let others = self.directory.hosters().filter(|hoster| hoster.id() != self.own.listing);
        let claims = others.filter(|hoster| hoster.is_proven(now)).flat_map(|hoster| {
            let told = hoster.listing().addresses.iter().filter_map(|text| text.parse().ok());
            let addresses = dialled(told, neighbours);
            let nodes = hoster.keyring().head().operators.iter();
            let nodes = nodes.filter(|(_, operator)| operator.roles.contains(Role::Node));
            nodes.map(move |(key, _)| Claim { key: *key, by: hoster.id(), addresses: addresses.clone() })
        });
        let free = claims.filter(|Claim { key, .. }| {
            !self.connected.contains_key(key)
                && !self.peers.contains_key(key)
                && !self.dialled.contains_key(key)
        });
        let found = callable(free, &self.own.key.public(), now);
        for (key, addresses) in found.into_iter().take(wanted) {
            self.dialled.insert(key, now);
            let (network, names) = (network.clone(), Arc::clone(&self.names));
            tokio::spawn(async move {
                let addresses = in_numbers(&addresses, &*names).await;
                if let Err(error) = network.dial(key.into(), &addresses).await {
                    debug!(error = &error as &dyn std::error::Error, "a hoster's node was not reached");
                }
            });
        }
    }
}

fn tell(alert: &Alert) {
    match alert {
        Alert::Fork(place) => {
            warn!(?place, "an operator key has signed two contradicting changes; what follows does not count")
        }
        Alert::KeyringFork(listing) => {
            warn!(%listing, "the root keys of a hoster contradict each other; its listing is frozen")
        }
        Alert::OwnListingBehind => warn!(
            "something of our own listing came from a peer that was not known here: is the data directory an old copy?"
        ),
        Alert::DomainLost(listing) => warn!(
            %listing,
            "a hoster that this one vouches for has lost its domain: ask them what happened; essaim directory withdraw takes the vouch back"
        ),
        Alert::ClockOff(milliseconds) => {
            warn!(milliseconds, "most peers have another time than this machine: correct its clock")
        }
    }
}

/// Records kept in memory until somebody wants them. Our own are in the outbox as well.
const UNSENT_MAX: usize = 256;
const CHECKS_AT_ONCE: usize = 8;
/// With fewer, others are looked for.
const CONNECTIONS_WANTED: usize = 8;
const DIALS_AT_ONCE: usize = 3;
const DIAL_PAUSE: std::time::Duration = std::time::Duration::from_secs(600);
