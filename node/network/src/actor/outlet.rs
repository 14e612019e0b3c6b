//! The way out to the owner: bounded, and nothing in it waits for the owner.

use std::collections::VecDeque;

use tokio::sync::mpsc;

use crate::event::Event;
use crate::key::PeerKey;
use crate::label::Topic;

/// News of peers wait here until there is a place; gossip and requests that find none are given back.
#[derive(Debug)]
pub(super) struct Outlet {
    events: mpsc::Sender<Event>,
    /// Bounded by the peers: what `Disconnected` makes pointless is taken out, so that each peer that is or was
    /// connected has at most one of each.
    news: VecDeque<Event>,
    reserve: usize,
}

impl Outlet {
    pub(super) fn new(events: mpsc::Sender<Event>, reserve: usize) -> Self {
        Self { events, news: VecDeque::new(), reserve }
    }

    /// For gossip and requests. `Err` gives the event back: the owner does not keep up.
    pub(super) fn offer(&self, event: Event) -> Result<(), Box<Event>> {
        if !self.news.is_empty() || self.events.capacity() <= self.reserve {
            return Err(Box::new(event));
        }
        self.events.try_send(event).map_err(|error| Box::new(error.into_inner()))
    }

    /// For news of peers.
    pub(super) fn tell(&mut self, event: Event) {
        if self.is_worth_telling(&event) {
            self.news.push_back(event);
        }
        self.flush();
    }

    /// Takes out what the new event makes pointless, which may be the event itself.
    fn is_worth_telling(&mut self, event: &Event) -> bool {
        match event {
            Event::Disconnected { peer } => {
                let came = |news: &Event| matches!(news, Event::Connected { .. }) && about(news, *peer);
                let connected = self.news.iter().any(came);
                self.news.retain(|news| !about(news, *peer) || (connected && is_end(news)));
                // The owner never heard that it came: then it need not hear that it went.
                !connected
            }
            Event::Subscribed { peer, topic } | Event::Unsubscribed { peer, topic } => {
                self.news.retain(|news| subscription(news) != Some((*peer, topic)));
                true
            }
            Event::Listening { address } => {
                let known =
                    |news: &Event| matches!(news, Event::Listening { address: known } if known == address);
                !self.news.iter().any(known)
            }
            Event::Connected { .. } | Event::Message(_) | Event::Request(_) => true,
        }
    }

    /// Sends what there are places for.
    pub(super) fn flush(&mut self) {
        while !self.news.is_empty() {
            let place = match self.events.try_reserve() {
                Ok(place) => place,
                Err(mpsc::error::TrySendError::Full(())) => return,
                Err(mpsc::error::TrySendError::Closed(())) => return self.news.clear(),
            };
            if let Some(event) = self.news.pop_front() {
                place.send(event);
            }
        }
    }

    /// Something waits for a place.
    pub(super) fn is_waiting(&self) -> bool {
        !self.news.is_empty()
    }

    /// The channel, to wait for a place in it.
    pub(super) fn channel(&self) -> mpsc::Sender<Event> {
        self.events.clone()
    }
}

fn is_end(event: &Event) -> bool {
    matches!(event, Event::Disconnected { .. })
}

fn subscription(event: &Event) -> Option<(PeerKey, &Topic)> {
    match event {
        Event::Subscribed { peer, topic } | Event::Unsubscribed { peer, topic } => Some((*peer, topic)),
        _ => None,
    }
}

fn about(event: &Event, who: PeerKey) -> bool {
    match event {
        Event::Connected { peer, .. }
        | Event::Disconnected { peer }
        | Event::Subscribed { peer, .. }
        | Event::Unsubscribed { peer, .. } => *peer == who,
        Event::Listening { .. } | Event::Message(_) | Event::Request(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Direction;
    use crate::key::tests::secret;

    fn connected(peer: PeerKey) -> Event {
        Event::Connected { peer, address: None, direction: Direction::Incoming }
    }

    #[test]
    fn a_peer_that_comes_and_goes_while_the_owner_sleeps_leaves_nothing() {
        let (send, mut receive) = mpsc::channel(1);
        let mut outlet = Outlet::new(send, 0);
        let peer = secret(1).public();
        outlet.tell(connected(peer));
        for _ in 0..1000 {
            outlet.tell(Event::Disconnected { peer });
            outlet.tell(connected(peer));
        }
        assert_eq!(outlet.news.len(), 2, "it went, and it is back");
        assert!(matches!(receive.try_recv(), Ok(Event::Connected { .. })));
        outlet.flush();
        assert!(matches!(receive.try_recv(), Ok(Event::Disconnected { .. })));
        outlet.flush();
        assert!(matches!(receive.try_recv(), Ok(Event::Connected { .. })));
        assert!(!outlet.is_waiting());
    }

    #[test]
    fn a_peer_that_changes_its_mind_leaves_one_entry_for_each_topic() {
        let (send, _receive) = mpsc::channel(1);
        let mut outlet = Outlet::new(send, 0);
        let peer = secret(1).public();
        outlet.tell(connected(peer));
        for _ in 0..1000 {
            for name in ["changes", "beats"] {
                let topic: Topic = name.parse().unwrap();
                outlet.tell(Event::Subscribed { peer, topic: topic.clone() });
                outlet.tell(Event::Unsubscribed { peer, topic });
            }
        }
        assert_eq!(outlet.news.len(), 2);
    }

    #[test]
    fn an_owner_that_is_gone_is_not_waited_for() {
        let (send, receive) = mpsc::channel(1);
        let mut outlet = Outlet::new(send, 0);
        drop(receive);
        outlet.tell(connected(secret(1).public()));
        assert!(!outlet.is_waiting());
    }

    #[test]
    fn events_reserve_keeps_places_for_news() {
        let (send, _receive) = mpsc::channel(4);
        let mut outlet = Outlet::new(send, 2);
        let peer = secret(1).public();
        let gossip = || connected(peer);
        assert!(outlet.offer(gossip()).is_ok());
        assert!(outlet.offer(gossip()).is_ok());
        assert!(outlet.offer(gossip()).is_err());
        outlet.tell(connected(peer));
        outlet.tell(Event::Disconnected { peer });
        assert!(!outlet.is_waiting());
    }
}
