//! Where responses go.

use bytes::BytesMut;

/// The client no longer reads, or is gone. The session ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the client is gone")]
pub struct Gone;

/// The way to one client. Responses are written into the buffer; a long answer flushes now and then, and waits there for a slow reader.
pub trait Sink: Send {
    /// Bytes not sent yet.
    fn buffer(&mut self) -> &mut BytesMut;

    /// Sends what the buffer holds.
    fn flush(&mut self) -> impl Future<Output = Result<(), Gone>> + Send;

    /// Sends if there is enough to be worth it.
    fn flush_if_full(&mut self) -> impl Future<Output = Result<(), Gone>> + Send {
        async { if self.buffer().len() >= FLUSH_AFTER { self.flush().await } else { Ok(()) } }
    }
}

/// Bytes of answer that are gathered before they are sent.
const FLUSH_AFTER: usize = 64 << 10;
