//! The way to one client: what is said is gathered, and leaves when there is nothing more to say or enough to be worth a packet.

use std::io;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use essaim_mail::imap::{Gone, Sink};
use tokio::io::AsyncWriteExt;
use tokio_rustls::TlsAcceptor;
use tracing::debug;

use crate::stream::{Read, Stream};

/// A stream and what is not yet written to it.
#[derive(Debug)]
pub(super) struct Wire {
    stream: Stream,
    out: BytesMut,
}

impl Wire {
    pub(super) fn new(stream: Stream) -> Self {
        Self { stream, out: BytesMut::new() }
    }

    pub(super) fn tls_name(&self) -> Option<String> {
        self.stream.tls_name()
    }

    /// Says this after what was said before.
    pub(super) async fn put(&mut self, bytes: Bytes) -> io::Result<()> {
        self.out.extend_from_slice(&bytes);
        if self.out.len() >= WRITE_AFTER { self.write_some().await } else { Ok(()) }
    }

    /// Everything is written; what the peer does with it is its own affair. It has the word now.
    pub(super) async fn write_out(&mut self) -> io::Result<()> {
        self.write_some().await?;
        if self.out.capacity() > KEPT_CAPACITY {
            // Hundreds of clients wait for hours: they hold no buffer.
            self.out = BytesMut::new();
        }
        Ok(())
    }

    /// The same in the middle of a long answer: the buffer is used again at once.
    async fn write_some(&mut self) -> io::Result<()> {
        if !self.out.is_empty() {
            self.stream.write_all(&self.out).await?;
            self.stream.flush().await?;
            self.out.clear();
        }
        Ok(())
    }

    /// STARTTLS: what was said in clear goes out first.
    pub(super) async fn encrypt(mut self, acceptor: &TlsAcceptor, within: Duration) -> io::Result<Self> {
        self.write_out().await?;
        Ok(Self { stream: self.stream.encrypt(acceptor, within).await?, out: self.out })
    }

    pub(super) async fn read_before(
        &mut self,
        deadline: Option<Instant>,
        take: impl FnMut(&[u8]),
    ) -> io::Result<Read> {
        self.stream.read_before(deadline, take).await
    }

    /// What was said is written, and somebody else goes on.
    pub(super) async fn into_stream(mut self) -> io::Result<Stream> {
        self.write_out().await?;
        Ok(self.stream)
    }

    /// The last words, and the end.
    pub(super) async fn close(mut self) -> io::Result<()> {
        self.write_out().await?;
        self.stream.close().await
    }
}

impl Sink for Wire {
    fn buffer(&mut self) -> &mut BytesMut {
        &mut self.out
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        self.write_some().await.map_err(|error| {
            debug!(error = &error as &dyn std::error::Error, "the client no longer reads");
            Gone
        })
    }
}

const WRITE_AFTER: usize = 64 << 10;
const KEPT_CAPACITY: usize = 1 << 10;
