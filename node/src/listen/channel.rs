//! Mail from nodes of other hosters: streams of the federation's channel, each one SMTP conversation. Who may is decided by the
//! directory (`federation::Correspondents`), what is said by the same conversation as on port 25. See specs/11-federation.md.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use essaim_identity::PublicKey;
use essaim_network::IncomingStream;
use essaim_types::ListingId;
use tokio::io::AsyncWriteExt;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::{Instrument, debug, info_span};

use super::{Protocol, Smtp, Visitor, residence};
use crate::federation::{Correspondent, HOME, MAIL, MOVE, REPLICA, SESSION, Unfit};
use crate::leading::{Desks, take};
use crate::replica;
use crate::services::Services;
use crate::shutdown::Stop;
use crate::stream::Stream;

/// A node that has opened a stream.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    pub(crate) key: PublicKey,
    /// In whose name it speaks: before the first message one of those that name its key, then the one whose domain the sender is of.
    pub(crate) hoster: Arc<Correspondent>,
}

/// Why a node's mail was not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Refused {
    /// No mail is exchanged with its hoster.
    Unfit(Unfit),
    /// As many streams as there may be are open.
    Full,
    /// Its hoster has as many streams open as one may have.
    HosterFull,
    /// A sender of a domain that is not its hoster's.
    ForeignSender,
    /// More messages in a minute than one hoster may send.
    TooFast,
}

/// The open streams, and what was refused.
#[derive(Debug, Default)]
pub(crate) struct Channel {
    open: Mutex<HashMap<ListingId, usize>>,
    refused: Mutex<HashMap<Refused, u64>>,
    taken: AtomicU64,
}

/// The place of one stream; dropping it makes room.
#[derive(Debug)]
struct Place {
    node: Services,
    hoster: ListingId,
}

/// Serves streams until `stop`, then until those that are open have come to an end; each does soon.
pub(crate) async fn serve(
    node: Services,
    smtp: Arc<Smtp>,
    desks: Desks,
    mut streams: mpsc::Receiver<IncomingStream>,
    stop: Stop,
) {
    let mut open = JoinSet::new();
    loop {
        tokio::select! {
            incoming = streams.recv() => match incoming {
                Some(incoming) if incoming.opening().purpose.as_str() == MAIL => {
                    let (node, smtp, stop) = (node.clone(), Arc::clone(&smtp), stop.clone());
                    let span = info_span!("stream", protocol = "mail", peer = %incoming.peer());
                    open.spawn(mail(node, smtp, incoming, stop).instrument(span));
                }
                Some(incoming) if incoming.opening().purpose.as_str() == HOME => {
                    let (node, span) = (node.clone(), info_span!("stream", protocol = "home", peer = %incoming.peer()));
                    open.spawn(home(node, incoming).instrument(span));
                }
                Some(incoming) if incoming.opening().purpose.as_str() == MOVE => {
                    node.moves.take(incoming).await;
                }
                Some(incoming) if incoming.opening().purpose.as_str() == SESSION => {
                    let peer = incoming.peer();
                    let span = info_span!("stream", protocol = "session", %peer, account = tracing::field::Empty);
                    open.spawn(take(node.clone(), desks.clone(), incoming, stop.clone()).instrument(span));
                }
                Some(incoming) if incoming.opening().purpose.as_str() == REPLICA => {
                    let span = info_span!("stream", protocol = "replica", peer = %incoming.peer());
                    open.spawn(replica::serve(node.clone(), incoming, stop.clone()).instrument(span));
                }
                Some(unknown) => unknown.refuse(),
                None => break,
            },
            Some(_) = open.join_next() => {}
            () = stop.requested() => break,
        }
    }
    while open.join_next().await.is_some() {}
}

/// One stream. The queue of streams that wait for this is bounded by the network, what waits here by the places.
async fn mail(node: Services, smtp: Arc<Smtp>, incoming: IncomingStream, stop: Stop) {
    let key = incoming.peer().public();
    let table = node.federation.correspondents();
    let admitted = table.of_node(&key).map_err(Refused::from).and_then(|hosters| {
        let (hoster, place) = Place::take(&node, hosters)?;
        Ok((Caller { key, hoster: Arc::clone(hoster) }, place))
    });
    let Ok(stream) = incoming.accept(0).await else { return };
    let stream = Stream::to_node(stream, node.config.limits.write_timeout);
    let ended = match admitted {
        Ok((caller, _place)) => smtp.converse(stream, Visitor::Node(caller), &stop).await,
        Err(why) => {
            node.vitals.channel.refused(why);
            debug!(reason = why.name(), "a node's stream for mail is refused");
            turn_away(stream, smtp.answer(why)).await
        }
    };
    if let Err(error) = ended {
        debug!(error = &error as &dyn std::error::Error, "the stream ended early");
    }
}

/// One question. It counts as a stream for mail: it belongs to one.
async fn home(node: Services, incoming: IncomingStream) {
    let table = node.federation.correspondents();
    let hosters = table.of_node(&incoming.peer().public()).map_err(Refused::from);
    match hosters.and_then(|hosters| Place::take(&node, hosters)) {
        Ok((caller, _place)) => residence::answer(&node, caller, incoming).await,
        Err(why) => {
            node.vitals.channel.refused(why);
            incoming.refuse();
        }
    }
}

async fn turn_away(mut stream: Stream, words: Bytes) -> std::io::Result<()> {
    stream.write_all(&words).await?;
    stream.close().await
}

impl Smtp {
    fn answer(&self, why: Refused) -> Bytes {
        match why {
            Refused::Unfit(unfit) => self.unwelcome(unfit.words()),
            Refused::Full | Refused::HosterFull | Refused::ForeignSender | Refused::TooFast => self.busy(),
        }
    }
}

impl Channel {
    /// Messages taken from nodes since the start.
    pub(crate) fn messages(&self) -> u64 {
        self.taken.load(Ordering::Relaxed)
    }

    pub(crate) fn taken(&self) {
        self.taken.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self, why: Refused) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner).entry(why).or_default() += 1;
    }

    /// What was refused since the start, by name.
    pub(crate) fn refusals(&self) -> Vec<(&'static str, u64)> {
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let mut refused: Vec<_> = refused.iter().map(|(why, count)| (why.name(), *count)).collect();
        refused.sort_unstable();
        refused
    }

    /// Streams open now.
    pub(crate) fn open(&self) -> usize {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).values().sum()
    }
}

impl Place {
    /// The place of the first of a node's hosters that has one: who names another's node cannot fill the places of that other.
    fn take<'a>(
        node: &Services,
        hosters: &'a [Arc<Correspondent>],
    ) -> Result<(&'a Arc<Correspondent>, Self), Refused> {
        let limits = &node.config.limits;
        let mut open = node.vitals.channel.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.values().sum::<usize>() >= limits.mail_streams {
            return Err(Refused::Full);
        }
        let count = |listing| open.get(listing).copied().unwrap_or_default();
        let with_room = hosters.iter().find(|hoster| count(&hoster.listing) < limits.mail_streams_per_hoster);
        let hoster = with_room.ok_or(Refused::HosterFull)?;
        *open.entry(hoster.listing).or_default() += 1;
        Ok((hoster, Self { node: node.clone(), hoster: hoster.listing }))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.node.vitals.channel.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.hoster) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                open.remove(&self.hoster);
            }
        }
    }
}

impl Refused {
    /// In metrics.
    fn name(self) -> &'static str {
        match self {
            Self::Unfit(unfit) => unfit.name(),
            Self::Full => "full",
            Self::HosterFull => "hoster-full",
            Self::ForeignSender => "foreign-sender",
            Self::TooFast => "too-fast",
        }
    }
}

impl From<Unfit> for Refused {
    fn from(why: Unfit) -> Self {
        Self::Unfit(why)
    }
}
