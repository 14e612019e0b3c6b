//! What a running node knows about itself: since when, and who is connected. For `status`, `/metrics` and `/health/ready`.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use essaim_types::Timestamp;

use crate::listen::Counters;
use crate::listen::channel::Channel;

/// One for each node; a command that works without a running node has an empty one.
#[derive(Debug)]
pub(crate) struct Vitals {
    started: Timestamp,
    listeners: OnceLock<Vec<Arc<Counters>>>,
    slowed_messages: AtomicU64,
    /// Mail from nodes of other hosters.
    pub(crate) channel: Channel,
}

impl Vitals {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            started: now(),
            listeners: OnceLock::new(),
            slowed_messages: AtomicU64::new(0),
            channel: Channel::default(),
        })
    }

    pub(crate) fn started(&self) -> Timestamp {
        self.started
    }

    /// From now on the node serves.
    pub(crate) fn is_ready(&self) -> bool {
        self.listeners.get().is_some()
    }

    /// All listeners are bound. To be called once.
    pub(crate) fn ready(&self, listeners: Vec<Arc<Counters>>) {
        let _ = self.listeners.set(listeners);
    }

    pub(crate) fn listeners(&self) -> &[Arc<Counters>] {
        self.listeners.get().map(Vec::as_slice).unwrap_or_default()
    }

    /// A message was refused for now, because too many came from its neighbourhood.
    pub(crate) fn message_slowed(&self) {
        self.slowed_messages.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn slowed_messages(&self) -> u64 {
        self.slowed_messages.load(Ordering::Relaxed)
    }

    /// Connections open on each listener.
    pub(crate) fn connections(&self) -> BTreeMap<String, u64> {
        self.listeners().iter().map(|listener| (listener.name.to_owned(), listener.open() as u64)).collect()
    }
}

/// The time by the system's clock.
pub(crate) fn now() -> Timestamp {
    Timestamp(jiff::Timestamp::now().as_millisecond())
}
