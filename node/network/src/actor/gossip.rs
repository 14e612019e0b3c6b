//! Gossip: in by the rates, out by the verdicts.

use std::time::Instant;

use bytes::Bytes;
use libp2p::PeerId;
use libp2p::gossipsub::{self, MessageAcceptance, MessageId, PublishError as GossipError};

use super::Actor;
use crate::behaviour::ident_topic;
use crate::error::PublishError;
use crate::event::{Event, Judged, Message, Ticket, Verdict};
use crate::label::Topic;

impl Actor {
    pub(super) fn note_gossip(&mut self, event: gossipsub::Event) {
        match event {
            gossipsub::Event::Message { propagation_source, message_id, message } => {
                if let Err(verdict) = self.hand_over(propagation_source, &message_id, message) {
                    self.report(&message_id, &propagation_source, verdict);
                }
            }
            gossipsub::Event::Subscribed { peer_id, topic } => {
                let Some(topic) = self.topics.get(&topic).cloned() else { return };
                let Some(link) = self.links.get_mut(&peer_id) else { return };
                self.bounced.forgive(&peer_id);
                if link.topics.insert(topic.clone()) {
                    self.outlet.tell(Event::Subscribed { peer: link.key, topic });
                }
            }
            gossipsub::Event::Unsubscribed { peer_id, topic } => {
                let Some(topic) = self.topics.get(&topic).cloned() else { return };
                let Some(link) = self.links.get_mut(&peer_id) else { return };
                if link.topics.remove(&topic) {
                    self.outlet.tell(Event::Unsubscribed { peer: link.key, topic });
                }
            }
            gossipsub::Event::GossipsubNotSupported { peer_id } => {
                if let Some(link) = self.links.get_mut(&peer_id) {
                    link.gossips = false;
                }
            }
            // Its queue is bounded; what it misses it asks for.
            gossipsub::Event::SlowPeer { .. } => {}
        }
    }

    /// `Err` is the verdict at once.
    fn hand_over(
        &mut self,
        from: PeerId,
        id: &MessageId,
        message: gossipsub::Message,
    ) -> Result<(), Verdict> {
        let link = self.links.get_mut(&from).ok_or(Verdict::Ignore)?;
        let topic = self.topics.get(&message.topic).ok_or(Verdict::Ignore)?;
        let size = message.data.len();
        if size > self.limits.gossip_bytes {
            self.counters.gossip_oversize.add();
            return Err(Verdict::Reject);
        }
        if !link.allowance.allows(u32::try_from(size).unwrap_or(u32::MAX), Instant::now()) {
            self.counters.gossip_over_rate.add();
            return Err(Verdict::Ignore);
        }
        let ticket = Ticket { id: id.clone(), from };
        let message =
            Message { from: link.key, topic: topic.clone(), bytes: Bytes::from(message.data), ticket };
        if self.outlet.offer(Event::Message(message)).is_err() {
            self.counters.gossip_owner_full.add();
            return Err(Verdict::Ignore);
        }
        self.counters.gossip_received.add();
        Ok(())
    }

    pub(super) fn judge(&mut self, ticket: &Ticket, verdict: Verdict) -> Judged {
        let judged = self.report(&ticket.id, &ticket.from, verdict);
        let counter = match (judged, verdict) {
            (Judged::TooLate, _) => &self.counters.gossip_verdict_late,
            (Judged::Done, Verdict::Accept) => &self.counters.gossip_forwarded,
            (Judged::Done, Verdict::Reject) => &self.counters.gossip_rejected,
            (Judged::Done, Verdict::Ignore) => &self.counters.gossip_ignored,
        };
        counter.add();
        judged
    }

    fn report(&mut self, id: &MessageId, from: &PeerId, verdict: Verdict) -> Judged {
        let acceptance = match verdict {
            Verdict::Accept => MessageAcceptance::Accept,
            Verdict::Reject => MessageAcceptance::Reject,
            Verdict::Ignore => MessageAcceptance::Ignore,
        };
        let gossip = &mut self.swarm.behaviour_mut().gossip;
        match gossip.report_message_validation_result(id, from, acceptance) {
            true => Judged::Done,
            false => Judged::TooLate,
        }
    }

    pub(super) fn publish(&mut self, topic: Topic, bytes: &Bytes) -> Result<(), PublishError> {
        let wire = ident_topic(&topic);
        if !self.topics.contains_key(&wire.hash()) {
            return Err(PublishError::UnknownTopic { topic });
        }
        let (size, limit) = (bytes.len(), self.limits.gossip_bytes);
        if size > limit {
            return Err(PublishError::TooLarge { size, limit });
        }
        let published = self.swarm.behaviour_mut().gossip.publish(wire, bytes.to_vec());
        published.map_err(|error| match error {
            GossipError::Duplicate => PublishError::Duplicate,
            GossipError::NoPeersSubscribedToTopic => PublishError::NoPeers { topic },
            GossipError::AllQueuesFull(peers) => PublishError::QueuesFull { peers },
            // Neither signing nor a transformation happens here.
            GossipError::MessageTooLarge | GossipError::SigningError(_) | GossipError::TransformFailed(_) => {
                PublishError::TooLarge { size, limit }
            }
        })?;
        self.counters.gossip_published.add();
        Ok(())
    }
}
