//! Requests, both ways. libp2p has no back-pressure here and has lost timeouts, so the counts and the clock are ours.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use libp2p::PeerId;
use libp2p::request_response::{
    Event as Exchange, Message as Exchanged, OutboundFailure, OutboundRequestId, ResponseChannel,
};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::Actor;
use crate::bulk;
use crate::command::Answer;
use crate::error::RequestError;
use crate::event::{Event, Reply, Request};
use crate::key::PeerKey;
use crate::label::Service;
use crate::request::{Charge, Frame, Response, Status};

/// Requests of ours without an answer. At most `Limits::requests_out`.
#[derive(Debug, Default)]
pub(super) struct Asked(HashMap<OutboundRequestId, Question>);

#[derive(Debug)]
struct Question {
    peer: PeerKey,
    service: Service,
    since: Instant,
    answer: Answer<Result<Bytes, RequestError>>,
}

/// Requests of others that the owner has. At most `Limits::requests_in`.
#[derive(Debug, Default)]
pub(super) struct Replying {
    answers: FuturesUnordered<BoxFuture<'static, Answered>>,
    /// Apart from the links: who disconnects while it waits, and comes back, has not been answered yet.
    of_peer: HashMap<PeerId, usize>,
}

/// What goes back on which channel.
#[derive(Debug)]
pub(super) struct Answered {
    peer: PeerId,
    channel: ResponseChannel<Response>,
    response: Response,
}

impl Replying {
    /// `None` while there is nothing to wait for.
    pub(super) async fn next(&mut self) -> Option<Answered> {
        self.answers.next().await
    }

    fn of(&self, peer: &PeerId) -> usize {
        self.of_peer.get(peer).copied().unwrap_or_default()
    }

    fn add(&mut self, peer: PeerId, answer: BoxFuture<'static, Answered>) {
        *self.of_peer.entry(peer).or_default() += 1;
        self.answers.push(answer);
    }

    fn done(&mut self, peer: &PeerId) {
        let left = self.of(peer).saturating_sub(1);
        match left {
            0 => self.of_peer.remove(peer),
            left => self.of_peer.insert(*peer, left),
        };
    }
}

impl Actor {
    pub(super) fn request(
        &mut self,
        peer: PeerKey,
        service: Service,
        body: Bytes,
        answer: Answer<Result<Bytes, RequestError>>,
    ) {
        let id = peer.peer_id();
        if !self.links.contains_key(&id) {
            let _ = answer.send(Err(RequestError::NotConnected { peer }));
            return;
        }
        let theirs = self.asked.0.values().filter(|question| question.peer == peer).count();
        if theirs >= self.limits.requests_out_per_peer || self.asked.0.len() >= self.limits.requests_out {
            let _ = answer.send(Err(RequestError::Busy { peer }));
            return;
        }
        let frame = Frame { service: service.clone(), body, charge: Charge::default() };
        let request = self.swarm.behaviour_mut().requests.send_request(&id, frame);
        self.asked.0.insert(request, Question { peer, service, since: Instant::now(), answer });
    }

    pub(super) fn note_request(&mut self, event: Exchange<Frame, Response>) {
        match event {
            Exchange::Message { peer, message: Exchanged::Request { request, channel, .. }, .. } => {
                self.take_request(peer, request, channel);
            }
            Exchange::Message { message: Exchanged::Response { request_id, response }, .. } => {
                self.settle(request_id, |question| question.read(response));
            }
            Exchange::OutboundFailure { request_id, error, .. } => {
                self.settle(request_id, |question| Err(question.explain(&error)));
            }
            // Our answer went, or the peer did not wait for it: `replying` has counted it already.
            Exchange::ResponseSent { .. } | Exchange::InboundFailure { .. } => {}
        }
    }

    /// What the owner answered, or that it did not.
    pub(super) fn reply(&mut self, answered: Answered) {
        self.replying.done(&answered.peer);
        self.respond(answered.channel, answered.response);
    }

    /// Requests whose callers no longer wait, and those for which libp2p never said how they ended.
    pub(super) fn forget_requests(&mut self, now: Instant) {
        let patience = self.limits.request_timeout + TIMEOUT_MARGIN;
        let late = |question: &Question| now.saturating_duration_since(question.since) > patience;
        let lost = self.asked.0.iter().filter(|(_, question)| question.answer.is_closed() || late(question));
        let lost: Vec<_> = lost.map(|(id, _)| *id).collect();
        for id in lost {
            self.settle(id, |question| Err(RequestError::TimedOut { peer: question.peer }));
        }
    }

    fn take_request(&mut self, peer: PeerId, frame: Frame, channel: ResponseChannel<Response>) {
        let Frame { service, body, charge } = frame;
        let Some(link) = self.links.get(&peer) else { return };
        if service == bulk::locate_service() {
            let body = bulk::write_location(self.bulk_port);
            return self.respond(channel, Response { status: Status::Ok, body });
        }
        if !self.services.contains(&service) {
            self.counters.requests_unknown.add();
            return self.respond(channel, Response::empty(Status::UnknownService));
        }
        let (answer, answered) = oneshot::channel();
        let reply = Reply { answer, limit: self.limits.response_bytes, charge };
        let request = Event::Request(Request { peer: link.key, service, body, reply });
        let full = self.replying.of(&peer) >= self.limits.requests_in_per_peer
            || self.replying.answers.len() >= self.limits.requests_in;
        if full || self.outlet.offer(request).is_err() {
            self.counters.requests_busy.add();
            return self.respond(channel, Response::empty(Status::Busy));
        }
        self.counters.requests_received.add();
        let patience = self.limits.request_timeout;
        let answer = async move {
            let response = timeout(patience, answered).await.ok().and_then(Result::ok);
            let response = response.unwrap_or(Response::empty(Status::Refused));
            Answered { peer, channel, response }
        };
        self.replying.add(peer, Box::pin(answer));
    }

    fn respond(&mut self, channel: ResponseChannel<Response>, response: Response) {
        // `Err` gives the answer back: the peer no longer waits.
        let _ = self.swarm.behaviour_mut().requests.send_response(channel, response);
    }

    fn settle(
        &mut self,
        id: OutboundRequestId,
        outcome: impl FnOnce(&Question) -> Result<Bytes, RequestError>,
    ) {
        let Some(question) = self.asked.0.remove(&id) else { return };
        let outcome = outcome(&question);
        let _ = question.answer.send(outcome);
    }
}

impl Question {
    fn read(&self, response: Response) -> Result<Bytes, RequestError> {
        let (peer, service) = (self.peer, self.service.clone());
        match response.status {
            Status::Ok => Ok(response.body),
            Status::UnknownService => Err(RequestError::UnknownService { peer, service }),
            Status::Busy => Err(RequestError::PeerBusy { peer }),
            Status::Refused => Err(RequestError::Refused { peer, service }),
        }
    }

    fn explain(&self, error: &OutboundFailure) -> RequestError {
        let (peer, service) = (self.peer, self.service.clone());
        match error {
            OutboundFailure::Timeout => RequestError::TimedOut { peer },
            OutboundFailure::UnsupportedProtocols => RequestError::UnknownService { peer, service },
            OutboundFailure::DialFailure => RequestError::NotConnected { peer },
            OutboundFailure::ConnectionClosed => {
                RequestError::Failed { peer, detail: "the connection was closed".to_owned() }
            }
            OutboundFailure::Io(error) => RequestError::Failed { peer, detail: error.to_string() },
        }
    }
}

/// What libp2p's own timeout may be late.
const TIMEOUT_MARGIN: Duration = Duration::from_secs(5);
