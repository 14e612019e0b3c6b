//! A bulk stream that both sides have agreed to.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use quinn::{RecvStream, SendStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::{Instant, Sleep, sleep_until, timeout_at};

use super::{CODE_BROKEN_OFF, Opening};
use crate::key::PeerKey;
use crate::limits::Limits;
use crate::rate::Pipe;

/// Bytes in both directions. Ends in order only by `finish` (or `poll_shutdown`); dropped before, the reader on the
/// other side gets an error, never an end of file that looks complete.
#[derive(Debug)]
pub struct BulkStream {
    peer: PeerKey,
    opening: Opening,
    send: SendStream,
    receive: RecvStream,
    progress: watch::Sender<Progress>,
    reading: Turn,
    writing: Turn,
    clock: Clock,
    finished: bool,
}

/// Bytes that have gone through since the stream was opened; the offset is not counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// Taken by `write`.
    pub sent: u64,
    /// Given by `read`.
    pub received: u64,
}

impl BulkStream {
    pub(super) fn new(
        peer: PeerKey,
        opening: Opening,
        send: SendStream,
        receive: RecvStream,
        limits: &Limits,
        (upload, download): (Pipe, Pipe),
    ) -> Self {
        let now = Instant::now();
        let clock = Clock { moved: now, idle: limits.bulk_idle, end: now + limits.bulk_total };
        Self {
            peer,
            opening,
            send,
            receive,
            progress: watch::Sender::default(),
            reading: Turn::new(download, now),
            writing: Turn::new(upload, now),
            clock,
            finished: false,
        }
    }

    /// Who is on the other side; proven by the handshake.
    pub const fn peer(&self) -> PeerKey {
        self.peer
    }

    /// What was agreed. `offset` is where both sides go on.
    pub const fn opening(&self) -> &Opening {
        &self.opening
    }

    /// Follows the transfer, from any task.
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Ends the sending side and waits until the peer has everything that was written: on a slow line the windows take
    /// minutes. That it is durable there, is for the peer to say in what it sends.
    ///
    /// # Errors
    /// If the peer stopped reading, the connection broke (nothing came for `Limits::bulk_idle`), or `Limits::bulk_total`
    /// is over.
    pub async fn finish(&mut self) -> io::Result<()> {
        self.finished = true;
        // `Err` is: finished before.
        let _ = self.send.finish();
        let stopped = timeout_at(self.clock.end, self.send.stopped()).await;
        match stopped.map_err(|_| late(TOO_LONG))? {
            Ok(None) => Ok(()),
            Ok(Some(_)) => Err(io::Error::new(io::ErrorKind::BrokenPipe, "the peer stopped reading")),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsyncRead for BulkStream {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.clock.is_running()?;
        ready!(this.reading.poll_ready(cx));
        let before = buffer.filled().len();
        let polled = match this.reading.piece {
            Some(piece) => {
                let room = buffer.remaining().min(piece);
                let polled = this.receive.poll_read(cx, buffer.initialize_unfilled_to(room));
                polled.map(|read| read.map(|read| buffer.advance(read)).map_err(io::Error::from))
            }
            None => Pin::new(&mut this.receive).poll_read(cx, buffer),
        };
        ready!(this.clock.check(cx, &mut this.reading.alarm, polled))?;
        let read = buffer.filled().len() - before;
        this.reading.spend(read);
        this.progress.send_modify(|progress| progress.received += read as u64);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for BulkStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        this.clock.is_running()?;
        ready!(this.writing.poll_ready(cx));
        let piece = this.writing.piece.and_then(|piece| bytes.get(..piece)).unwrap_or(bytes);
        let polled = AsyncWrite::poll_write(Pin::new(&mut this.send), cx, piece);
        let written = ready!(this.clock.check(cx, &mut this.writing.alarm, polled))?;
        this.writing.spend(written);
        this.progress.send_modify(|progress| progress.sent += written as u64);
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        AsyncWrite::poll_flush(Pin::new(&mut self.get_mut().send), cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.finished = true;
        AsyncWrite::poll_shutdown(Pin::new(&mut this.send), cx)
    }
}

impl Drop for BulkStream {
    fn drop(&mut self) {
        if !self.finished {
            // Without this the transport would end the stream in order. `Err` is: ended already.
            let _ = self.send.reset(CODE_BROKEN_OFF);
        }
    }
}

/// Both limits of time.
#[derive(Debug)]
struct Clock {
    moved: Instant,
    idle: Duration,
    end: Instant,
}

impl Clock {
    fn is_running(&self) -> io::Result<()> {
        match Instant::now() < self.end {
            true => Ok(()),
            false => Err(late(TOO_LONG)),
        }
    }

    /// Lets through what moved; what did not is an error once it is too late.
    fn check<T>(
        &mut self,
        cx: &mut Context<'_>,
        alarm: &mut Pin<Box<Sleep>>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.moved = Instant::now();
            return polled;
        }
        loop {
            self.is_running()?;
            let due = (self.moved + self.idle).min(self.end);
            if Instant::now() >= due {
                return Poll::Ready(Err(late("nothing has moved for too long")));
            }
            if alarm.deadline() != due {
                alarm.as_mut().reset(due);
            }
            ready!(alarm.as_mut().poll(cx));
        }
    }
}

/// One direction's turn at the shared pipe, and its alarm.
#[derive(Debug)]
struct Turn {
    pipe: Pipe,
    next: Option<Instant>,
    /// Bytes to move at once, where there is a cap.
    piece: Option<usize>,
    alarm: Pin<Box<Sleep>>,
}

impl Turn {
    fn new(pipe: Pipe, now: Instant) -> Self {
        let piece = pipe.piece();
        Self { pipe, next: None, piece, alarm: Box::pin(sleep_until(now)) }
    }

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(next) = self.next else { return Poll::Ready(()) };
        if Instant::now() < next {
            if self.alarm.deadline() != next {
                self.alarm.as_mut().reset(next);
            }
            ready!(self.alarm.as_mut().poll(cx));
        }
        self.next = None;
        Poll::Ready(())
    }

    fn spend(&mut self, bytes: usize) {
        if self.piece.is_some() {
            self.next = self.pipe.spend(bytes, Instant::now().into_std()).map(Instant::from_std);
        }
    }
}

fn late(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, what)
}

const TOO_LONG: &str = "the stream has taken too long";
