//! The loop that keeps the queue moving. It sleeps until something is due, the log tells of a new entry, or a connection is done.

use std::error::Error;
use std::ops::{Bound, ControlFlow};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use essaim_smtp::EntryName;
use essaim_store::{Changes, Op};
use essaim_types::{ByteSize, Lsn, ObjectKind, Timestamp};
use tokio::sync::Notify;
use tokio::task::{JoinError, JoinSet};
use tracing::{debug, error};

use super::entry::Entry;
use super::key::{Lane, QueueKey};
use super::scheduler::{Route, Scheduler};
use super::transport::{Body, Letter, Session, Transport};
use super::{Queue, QueueError, now};
use crate::record::RecordError;

/// What all connections of a running queue share.
#[derive(Debug)]
struct Running<T> {
    queue: Queue,
    transport: T,
    scheduler: Mutex<Scheduler>,
    /// A connection is done with a lane.
    freed: Notify,
    stopping: AtomicBool,
}

impl Queue {
    /// Sends what is in the queue, until `stop`; then finishes the messages that are on their way. Dropping this instead cuts
    /// them off: they are sent again after the next start.
    ///
    /// Fails only if the store does.
    pub async fn run<T: Transport>(
        &self,
        transport: T,
        stop: impl Future<Output = ()>,
    ) -> Result<(), QueueError> {
        let running = Arc::new(Running {
            queue: self.clone(),
            transport,
            scheduler: Mutex::new(Scheduler::new(&self.config)),
            freed: Notify::new(),
            stopping: AtomicBool::new(false),
        });
        let mut changes = self.store.watch(self.hoster);
        changes.mark_unchanged();
        let mut at = running.read_all().await?;
        let mut connections = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            let again = running.scheduler().must_read_again(now());
            if again {
                at = running.read_all().await?;
            }
            while let Some((route, lane)) = running.start() {
                connections.spawn(Arc::clone(&running).work(route, lane));
            }
            let pause = running.pause();
            tokio::select! {
                () = &mut stop => break,
                Ok(()) = changes.changed() => at = running.follow(at)?,
                () = running.freed.notified() => {}
                Some(done) = connections.join_next() => finished(done)?,
                () = tokio::time::sleep(pause) => {}
            }
        }
        running.stopping.store(true, Ordering::Relaxed);
        while let Some(done) = connections.join_next().await {
            finished(done)?;
        }
        running.follow(at)?;
        Ok(())
    }
}

impl<T: Transport> Running<T> {
    fn scheduler(&self) -> MutexGuard<'_, Scheduler> {
        self.scheduler.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(&self) -> Option<(Route, Lane)> {
        self.scheduler().start(now(), |domain| self.transport.route(domain))
    }

    /// How long there is nothing to do. Not longer than [`PAUSE_MAX`], because somebody may set the clock.
    fn pause(&self) -> Duration {
        let now = now();
        self.scheduler().wake_at(now).map_or(PAUSE_MAX, |wake| wake.since(now).min(PAUSE_MAX))
    }

    /// Notes the whole queue; up to which LSN that is.
    async fn read_all(self: &Arc<Self>) -> Result<Lsn, QueueError> {
        let running = Arc::clone(self);
        let read = tokio::task::spawn_blocking(move || {
            let snapshot = running.queue.store.read()?;
            let at = snapshot.account(running.queue.hoster)?.map_or(Lsn::ZERO, |state| state.lsn);
            let mut count = 0;
            let bad = snapshot.scan(
                running.queue.hoster,
                ObjectKind::QUEUED,
                Bound::Unbounded,
                Bound::Unbounded,
                |key, _| match QueueKey::decode(key) {
                    Ok(key) => {
                        running.scheduler().note(&key);
                        count += 1;
                        ControlFlow::Continue(())
                    }
                    Err(error) => ControlFlow::Break(error),
                },
            )?;
            running.queue.waiting.store(count, Ordering::Relaxed);
            bad.map_or(Ok(at), |error| Err(error.into()))
        });
        read.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
    }

    /// Notes what came into the queue after an LSN; how far it has read.
    fn follow(&self, mut at: Lsn) -> Result<Lsn, QueueError> {
        loop {
            // The hoster's own account begins here, and never moves.
            let changes = match self.queue.store.changes(self.queue.hoster, at, CHANGES_AT_ONCE)? {
                Changes::Since(changes) => changes,
                Changes::Trimmed { base } => return Err(QueueError::Moved { base }),
            };
            let Some(last) = changes.last() else { return Ok(at) };
            at = last.lsn;
            for op in changes.iter().flat_map(|change| &change.ops) {
                match op {
                    Op::Upsert { kind: ObjectKind::QUEUED, key, .. } => {
                        self.scheduler().note(&QueueKey::decode(key)?);
                        self.queue.waiting.fetch_add(1, Ordering::Relaxed);
                    }
                    Op::Delete { kind: ObjectKind::QUEUED, .. } => {
                        self.queue.waiting.fetch_sub(1, Ordering::Relaxed);
                    }
                    Op::Upsert { .. } | Op::Delete { .. } | Op::Adopt { .. } => {}
                }
            }
        }
    }

    /// One connection: lane after lane of its route.
    async fn work(self: Arc<Self>, route: Route, first: Lane) -> Result<(), QueueError> {
        let _connection = Connection { running: &self, route: &route };
        let mut session = self.transport.session(&route);
        let mut left = self.queue.config.messages_per_connection.max(1);
        let mut lane = Some(first);
        while let Some(current) = lane.take() {
            let mut turn =
                Turn { running: &self, lane: &current, next: Some(now().after(PAUSE_AFTER_PANIC)) };
            turn.next = self.work_lane(&mut session, &current, &mut left).await?;
            drop(turn);
            if left > 0 && !self.stopping.load(Ordering::Relaxed) {
                lane = self.scheduler().start_more(&route, now(), |domain| self.transport.route(domain));
            }
        }
        session.close().await;
        Ok(())
    }

    /// Sends what is due in a lane, but not too much at a time; when its next entry is due.
    async fn work_lane(
        &self,
        session: &mut T::Session,
        lane: &Lane,
        left: &mut u32,
    ) -> Result<Option<Timestamp>, QueueError> {
        for sent in 0.. {
            let Some((key, object)) = self.queue.head(lane)? else { return Ok(None) };
            let is_over = sent >= LANE_TURN || *left == 0 || self.stopping.load(Ordering::Relaxed);
            if key.due > now() || is_over {
                return Ok(Some(key.due));
            }
            *left -= 1;
            match Entry::decode(&object.value) {
                Ok(entry) => {
                    let attempt = session.deliver(self.letter(&key, &entry, object.blobs.clone())).await;
                    self.queue.settle(key, entry, object.blobs, attempt).await?;
                }
                Err(unreadable) => self.put_aside(key, unreadable).await?,
            }
        }
        Ok(None)
    }

    fn letter(&self, key: &QueueKey, entry: &Entry, blobs: Vec<essaim_types::BlobId>) -> Letter {
        debug!(entry = %key.id, message = entry.name(), attempts = entry.attempts, "entry {} is tried", key.id);
        let (moment, part) = (u128::from(entry.queued.0.unsigned_abs()), u128::from(key.id.part));
        Letter {
            id: key.id,
            name: EntryName(moment << 80 | u128::from(key.id.lsn.0) << 16 | part),
            course: entry.course,
            turns: entry.turns,
            domain: key.lane.domain.clone(),
            sender: entry.sender.clone(),
            recipients: entry.open().map(|recipient| recipient.address.clone()).collect(),
            size: ByteSize(entry.size.0.saturating_sub(u64::from(entry.skip))),
            queued: entry.queued,
            needs: entry.needs(),
            body: Body::new(self.queue.store.clone(), blobs, entry.skip),
        }
    }

    /// An entry that cannot be read must not hold up those behind it.
    async fn put_aside(&self, key: QueueKey, unreadable: RecordError) -> Result<(), QueueError> {
        error!(entry = %key.id, error = &unreadable as &dyn Error, "entry {} of the queue is put aside", key.id);
        self.queue.postpone(key, now().after(PUT_ASIDE_FOR)).await
    }
}

/// Gives a connection back, even if its task is cut off.
struct Connection<'a, T: Transport> {
    running: &'a Running<T>,
    route: &'a Route,
}

impl<T: Transport> Drop for Connection<'_, T> {
    fn drop(&mut self) {
        self.running.scheduler().finish_connection(self.route);
        self.running.freed.notify_one();
    }
}

/// Gives a lane back, even if the task is cut off.
struct Turn<'a, T: Transport> {
    running: &'a Running<T>,
    lane: &'a Lane,
    next: Option<Timestamp>,
}

impl<T: Transport> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        self.running.scheduler().finish_lane(self.lane, self.next);
        self.running.freed.notify_one();
    }
}

fn finished(done: Result<Result<(), QueueError>, JoinError>) -> Result<(), QueueError> {
    match done {
        Ok(result) => result,
        Err(panic) if panic.is_panic() => {
            error!("a connection of the queue panicked: this is a fault of essaim, please report it");
            Ok(())
        }
        Err(_) => Ok(()),
    }
}

const PAUSE_MAX: Duration = Duration::from_secs(600);
const PAUSE_AFTER_PANIC: Duration = Duration::from_secs(60);
const PUT_ASIDE_FOR: Duration = Duration::from_secs(3600);
const CHANGES_AT_ONCE: usize = 256;
/// Messages that a member sends in a row to one destination before others have their turn on the connection.
const LANE_TURN: u32 = 10;
