//! A connection in clear, under TLS, or a stream between two nodes, with bounds on how long a peer may be silent or not read.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use essaim_network::BulkStream;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, DuplexStream, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep, timeout, timeout_at};
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

/// The socket of one connection.
///
/// It holds no buffer of its own: bytes are read into the stack of whoever polls, so that an idle connection costs little.
#[derive(Debug)]
pub(crate) struct Stream {
    transport: Transport,
    write_timeout: Duration,
    /// Runs while the peer does not take what is written.
    stalled: Option<Pin<Box<Sleep>>>,
}

#[derive(Debug)]
enum Transport {
    Clear(TcpStream),
    Encrypted(Box<TlsStream<TcpStream>>),
    /// To a node that has proven its key.
    Node(Box<BulkStream>),
    /// To a client that such a node leads here.
    Led(Box<DuplexStream>),
}

/// What came of reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    /// Bytes were handed over.
    Some,
    /// The peer will send nothing more.
    Closed,
    /// The deadline passed.
    TimedOut,
}

impl Stream {
    /// Takes over a connected socket.
    pub(crate) fn new(socket: TcpStream, write_timeout: Duration) -> Self {
        // Answers are written whole: waiting for more would only delay them. Failing is harmless.
        let _ = socket.set_nodelay(true);
        Self { transport: Transport::Clear(socket), write_timeout, stalled: None }
    }

    /// Takes over a stream to another node.
    pub(crate) fn to_node(stream: BulkStream, write_timeout: Duration) -> Self {
        Self { transport: Transport::Node(Box::new(stream)), write_timeout, stalled: None }
    }

    /// Takes over a session that another node leads here.
    pub(crate) fn led(session: DuplexStream, write_timeout: Duration) -> Self {
        Self { transport: Transport::Led(Box::new(session)), write_timeout, stalled: None }
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        !matches!(self.transport, Transport::Clear(_))
    }

    /// TLS version and cipher suite, if it is encrypted.
    pub(crate) fn tls_name(&self) -> Option<String> {
        let socket = match &self.transport {
            Transport::Clear(_) | Transport::Led(_) => return None,
            Transport::Encrypted(socket) => socket,
            // RFC 9001 section 4.2: QUIC has no other.
            Transport::Node(_) => return Some("QUIC TLSv1.3".to_owned()),
        };
        let (_, session) = socket.get_ref();
        let version = format!("{:?}", session.protocol_version()?).replace('_', ".");
        Some(format!("{version} {:?}", session.negotiated_cipher_suite()?.suite()))
    }

    /// The TLS handshake, as the server, on what is a connection in clear until now.
    pub(crate) async fn encrypt(self, acceptor: &TlsAcceptor, within: Duration) -> io::Result<Self> {
        let (socket, write_timeout) = self.into_clear()?;
        let encrypted = timeout(within, acceptor.accept(socket)).await??;
        Ok(Self::encrypted(TlsStream::Server(encrypted), write_timeout))
    }

    /// The TLS handshake, as the client.
    pub(crate) async fn encrypt_to(
        self,
        connector: &TlsConnector,
        name: ServerName<'static>,
        within: Duration,
    ) -> io::Result<Self> {
        let (socket, write_timeout) = self.into_clear()?;
        let encrypted = timeout(within, connector.connect(name, socket)).await??;
        Ok(Self::encrypted(TlsStream::Client(encrypted), write_timeout))
    }

    /// Waits for bytes, at most until `deadline`, and hands them to `take` at once.
    pub(crate) async fn read_before(
        &mut self,
        deadline: Option<Instant>,
        take: impl FnMut(&[u8]),
    ) -> io::Result<Read> {
        let read = self.read(take);
        let length = match deadline {
            None => read.await?,
            Some(deadline) => match timeout_at(deadline.into(), read).await {
                Ok(length) => length?,
                Err(_) => return Ok(Read::TimedOut),
            },
        };
        Ok(if length == 0 { Read::Closed } else { Read::Some })
    }

    /// Says goodbye: TLS close_notify, then FIN. A peer that does not care is not waited for longer than a write.
    pub(crate) async fn close(mut self) -> io::Result<()> {
        self.shutdown().await
    }

    fn encrypted(socket: TlsStream<TcpStream>, write_timeout: Duration) -> Self {
        Self { transport: Transport::Encrypted(Box::new(socket)), write_timeout, stalled: None }
    }

    fn into_clear(self) -> io::Result<(TcpStream, Duration)> {
        match self.transport {
            Transport::Clear(socket) => Ok((socket, self.write_timeout)),
            Transport::Encrypted(_) | Transport::Node(_) | Transport::Led(_) => {
                Err(io::Error::other("the connection is encrypted already"))
            }
        }
    }

    fn read(&mut self, mut take: impl FnMut(&[u8])) -> impl Future<Output = io::Result<usize>> {
        poll_fn(move |context| {
            let mut space = [MaybeUninit::uninit(); READ_AT_ONCE];
            let mut buffer = ReadBuf::uninit(&mut space);
            ready!(Pin::new(&mut *self).poll_read(context, &mut buffer))?;
            if !buffer.filled().is_empty() {
                take(buffer.filled());
            }
            Poll::Ready(Ok(buffer.filled().len()))
        })
    }

    /// The outcome of a write, or an error if the peer has not taken anything for too long.
    fn bounded<T>(&mut self, context: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.stalled = None;
            return outcome;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(self.write_timeout)));
        ready!(stalled.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer does not take what is sent to it")))
    }

    fn transport(&mut self) -> Pin<&mut dyn Duplex> {
        match &mut self.transport {
            Transport::Clear(socket) => Pin::new(socket),
            Transport::Encrypted(socket) => Pin::new(socket.as_mut()),
            Transport::Node(stream) => Pin::new(stream.as_mut()),
            Transport::Led(session) => Pin::new(session.as_mut()),
        }
    }
}

trait Duplex: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Duplex for T {}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.transport().poll_read(context, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = self.transport().poll_write(context, bytes);
        self.bounded(context, outcome)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = self.transport().poll_flush(context);
        self.bounded(context, outcome)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let outcome = self.transport().poll_shutdown(context);
        self.bounded(context, outcome)
    }
}

/// One TLS record.
const READ_AT_ONCE: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;

    async fn pair(write_timeout: Duration) -> (TcpStream, Stream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (client, accepted) =
            tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        (client.unwrap(), Stream::new(accepted.unwrap().0, write_timeout))
    }

    #[tokio::test]
    async fn bytes_are_handed_over_as_they_come() {
        let (mut client, mut stream) = pair(Duration::from_secs(10)).await;
        client.write_all(b"hello").await.unwrap();
        let mut received = Vec::new();
        let read = stream.read_before(None, |bytes| received.extend_from_slice(bytes)).await.unwrap();
        assert_eq!((read, received.as_slice()), (Read::Some, b"hello".as_slice()));
        drop(client);
        assert_eq!(stream.read_before(None, |_| ()).await.unwrap(), Read::Closed);
    }

    #[tokio::test]
    async fn a_silent_peer_times_out() {
        let (_client, mut stream) = pair(Duration::from_secs(10)).await;
        assert_eq!(stream.read_before(Some(Instant::now()), |_| ()).await.unwrap(), Read::TimedOut);
    }

    #[tokio::test]
    async fn a_peer_that_does_not_read_is_given_up() {
        let (_client, mut stream) = pair(Duration::from_millis(20)).await;
        let error = stream.write_all(&vec![0; 64 << 20]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_slow_reader_gets_everything() {
        let (mut client, mut stream) = pair(Duration::from_secs(10)).await;
        let sent = tokio::spawn(async move {
            stream.write_all(&vec![7; 8 << 20]).await.unwrap();
            stream.close().await.unwrap();
        });
        let mut received = Vec::new();
        client.read_to_end(&mut received).await.unwrap();
        assert_eq!(received.len(), 8 << 20);
        sent.await.unwrap();
    }
}
