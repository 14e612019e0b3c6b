//! What the node shows over HTTP.

use std::pin::Pin;
use std::time::Duration;

use essaim_directory::import::Draft;
use essaim_directory::observation::Observation;
use essaim_mail::queue::Way;
use essaim_types::ListingId;
use essaim_web::{Away, Host, Kind, Look, LookSince, Metric, Node, Sample};

use crate::services::Services;

impl Node for Services {
    fn host(&self) -> Host {
        let hoster = &self.config.hoster;
        Host {
            name: hoster.name.clone(),
            domain: hoster.domain.clone(),
            base: format!("https://{}", hoster.hostname()),
            version: env!("CARGO_PKG_VERSION"),
            contact: hoster
                .contact
                .as_ref()
                .map_or_else(|| format!("postmaster@{}", hoster.domain), ToString::to_string),
            language: hoster.language.into(),
        }
    }

    fn look(&self, look: Look) -> Pin<Box<dyn Future<Output = Result<(), Away>> + Send + '_>> {
        Box::pin(async move {
            // A node that starts has no directory in memory, and a page is no reason to read all of it.
            match self.vitals.is_ready() {
                true => self.federation.look(look).await.map_err(|_| Away),
                false => Err(Away),
            }
        })
    }

    fn observations(&self, of: ListingId) -> Vec<Observation> {
        // A page without them is right, only less certain.
        self.federation.kept_observations(of).unwrap_or_default()
    }

    fn look_since(&self, look: LookSince) -> Pin<Box<dyn Future<Output = Result<(), Away>> + Send + '_>> {
        Box::pin(async move {
            match self.vitals.is_ready() {
                true => self.federation.look_since(JOURNAL_AGE_MAX, look).await.map_err(|_| Away),
                false => Err(Away),
            }
        })
    }

    fn mentioned(&self) -> Pin<Box<dyn Future<Output = Result<Vec<Draft>, Away>> + Send + '_>> {
        Box::pin(async move { self.federation.drafts().await.map_err(|_| Away) })
    }

    fn card(&self) -> Option<Vec<u8>> {
        self.federation.card()
    }

    fn ready(&self) -> Result<(), String> {
        if self.store.stats().poisoned {
            return Err("the store has failed: restart the node".to_owned());
        }
        if self.vitals.is_ready() { Ok(()) } else { Err("the node is starting".to_owned()) }
    }

    fn metrics(&self) -> Vec<Metric> {
        let mut metrics = store(self);
        metrics.extend(logins(self));
        metrics.extend(listeners(self));
        metrics.push(Metric::counter(
            "essaim_messages_slowed_total",
            "Messages refused for now: too many from one neighbourhood in a minute.",
            self.vitals.slowed_messages(),
        ));
        metrics.push(Metric::gauge(
            "essaim_queue_entries",
            "Entries of outgoing mail.",
            self.queue.waiting(),
        ));
        metrics.extend(ways(self));
        metrics.extend(channel(self));
        metrics.extend(federation(self));
        let started = u64::try_from(self.vitals.started().seconds()).unwrap_or(0);
        metrics.push(Metric::gauge(
            "essaim_start_time_seconds",
            "When the node started, in seconds since 1970.",
            started,
        ));
        metrics
    }
}

fn store(node: &Services) -> Vec<Metric> {
    let stats = node.store.stats();
    vec![
        Metric::counter("essaim_store_commits_total", "Transactions made durable.", stats.commits),
        Metric::counter("essaim_store_batches_total", "Batches of transactions.", stats.batches),
        Metric::counter("essaim_store_syncs_total", "Syncs of segments.", stats.syncs),
        Metric::counter(
            "essaim_store_checkpoints_total",
            "Times that the index was made durable.",
            stats.checkpoints,
        ),
        Metric::counter(
            "essaim_store_appended_bytes_total",
            "Bytes appended to segments.",
            stats.appended_bytes,
        ),
        Metric::counter("essaim_store_blobs_total", "Blobs appended.", stats.blobs),
        Metric::counter(
            "essaim_store_blobs_known_total",
            "Blobs that were there already.",
            stats.blobs_known,
        ),
        Metric::counter(
            "essaim_store_no_space_total",
            "Commits and blobs refused because the disk was full.",
            stats.no_space,
        ),
        Metric::gauge("essaim_store_segments", "Segments there are.", stats.segments),
        Metric::gauge(
            "essaim_store_failed",
            "1 if the store has failed and the node must be restarted.",
            stats.poisoned.into(),
        ),
    ]
}

fn ways(node: &Services) -> [Metric; 2] {
    let each = |name, help, value: fn((u64, u64)) -> u64| Metric {
        name,
        help,
        kind: Kind::Counter,
        samples: Way::ALL
            .iter()
            .map(|way| Sample::labelled("way", way.name(), value(node.queue.sent(*way))))
            .collect(),
    };
    [
        each("essaim_mail_sent_total", "Recipients elsewhere that have got a message, by its way.", |sent| {
            sent.0
        }),
        each("essaim_mail_deferred_total", "Recipients elsewhere that were put off, by attempt.", |sent| {
            sent.1
        }),
    ]
}

/// Mail from nodes of other hosters.
fn channel(node: &Services) -> [Metric; 5] {
    let channel = &node.vitals.channel;
    [
        Metric::gauge(
            "essaim_correspondents",
            "Hosters with whom mail is exchanged over the federation's channel.",
            node.federation.correspondents().len() as u64,
        ),
        Metric::gauge(
            "essaim_mail_streams",
            "Streams on which hosters hand over mail.",
            channel.open() as u64,
        ),
        Metric::gauge(
            "essaim_led_sessions",
            "Sessions of mail programs that come by the old hoster of an account, or go on to the new one.",
            node.sessions.open() as u64,
        ),
        Metric::counter("essaim_mail_from_peers_total", "Messages taken from hosters.", channel.messages()),
        Metric {
            name: "essaim_mail_streams_refused_total",
            help: "Streams and messages of nodes that were refused, by reason.",
            kind: Kind::Counter,
            samples: channel
                .refusals()
                .into_iter()
                .map(|(reason, count)| Sample::labelled("reason", reason, count))
                .collect(),
        },
    ]
}

fn federation(node: &Services) -> Vec<Metric> {
    let Some(numbers) = node.federation.numbers() else { return Vec::new() };
    let directory = numbers.directory;
    let gauge = |name, help, value: usize| Metric::gauge(name, help, value as u64);
    vec![
        gauge("essaim_peers_connected", "Nodes of other hosters that are connected.", numbers.connected),
        gauge("essaim_listings", "Listings in the directory.", directory.listings),
        gauge("essaim_listings_quarantined", "Listings whose domain is not proven.", directory.quarantined),
        gauge("essaim_directory_parked", "Records that wait for their past.", directory.parked),
        gauge("essaim_directory_outbox", "Own records that no node has yet.", directory.outbox),
        Metric {
            name: "essaim_directory_refused_total",
            help: "Records that were not taken in, by reason.",
            kind: Kind::Counter,
            samples: directory
                .refusals
                .into_iter()
                .map(|(reason, count)| Sample::labelled("reason", reason, count))
                .collect(),
        },
    ]
}

fn logins(node: &Services) -> Vec<Metric> {
    let stats = node.accounts.login_stats();
    vec![
        Metric::counter("essaim_password_hashes_total", "Passwords hashed.", stats.hashes),
        Metric::counter("essaim_logins_remembered_total", "Logins answered from memory.", stats.remembered),
        Metric::counter(
            "essaim_logins_throttled_total",
            "Logins refused after too many wrong ones.",
            stats.throttled,
        ),
        Metric::counter("essaim_logins_busy_total", "Logins refused because too many waited.", stats.busy),
    ]
}

fn listeners(node: &Services) -> [Metric; 4] {
    let listeners = node.vitals.listeners();
    let each = |name, help, kind, value: &dyn Fn(&crate::listen::Counters) -> u64| Metric {
        name,
        help,
        kind,
        samples: listeners
            .iter()
            .map(|counters| Sample::labelled("listener", counters.name, value(counters)))
            .collect(),
    };
    [
        each("essaim_connections", "Open connections.", Kind::Gauge, &|counters| counters.open() as u64),
        each("essaim_connections_total", "Connections accepted.", Kind::Counter, &|counters| {
            counters.accepted()
        }),
        each(
            "essaim_connections_refused_total",
            "Connections refused: too many from one network at one time.",
            Kind::Counter,
            &|counters| counters.crowded(),
        ),
        each(
            "essaim_connections_slowed_total",
            "Connections refused: too many from one neighbourhood in a minute.",
            Kind::Counter,
            &|counters| counters.too_fast(),
        ),
    ]
}

/// A walk over all listings for each question would let strangers keep the directory busy.
const JOURNAL_AGE_MAX: Duration = Duration::from_secs(5);
