//! One TCP connection, in clear or under TLS, with a buffer for reading.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, SignatureScheme, StreamOwned};

/// A connection to the node under test. No answer within [`TIMEOUT`] is an error.
#[derive(Debug)]
pub struct Connection {
    reader: BufReader<Transport>,
}

#[derive(Debug)]
enum Transport {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Connection {
    /// Connects in clear.
    pub fn plain(address: SocketAddr) -> io::Result<Self> {
        let socket = TcpStream::connect_timeout(&address, TIMEOUT)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(TIMEOUT))?;
        socket.set_write_timeout(Some(TIMEOUT))?;
        Ok(Self::over(Transport::Plain(socket)))
    }

    /// Connects and begins TLS at once.
    pub fn tls(address: SocketAddr) -> io::Result<Self> {
        Self::plain(address)?.start_tls()
    }

    /// Begins TLS on a connection in clear.
    ///
    /// # Errors
    /// If the peer has sent anything that was not read yet: it would be taken for an answer under TLS.
    pub fn start_tls(self) -> io::Result<Self> {
        if !self.reader.buffer().is_empty() {
            return Err(io::Error::other("the server sent clear text after its answer to STARTTLS"));
        }
        let Transport::Plain(mut socket) = self.reader.into_inner() else {
            return Err(io::Error::other("TLS is active already"));
        };
        let name = ServerName::try_from("localhost").map_err(io::Error::other)?;
        let mut session = ClientConnection::new(tls_config(), name).map_err(io::Error::other)?;
        while session.is_handshaking() {
            session.complete_io(&mut socket)?;
        }
        Ok(Self::over(Transport::Tls(Box::new(StreamOwned::new(session, socket)))))
    }

    /// Sends all of it.
    pub fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let transport = self.reader.get_mut();
        match transport {
            Transport::Plain(socket) => socket.write_all(bytes),
            Transport::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        }
    }

    /// Appends one line, with its LF, to `line`.
    ///
    /// # Errors
    /// If the peer closes before the end of the line.
    pub fn read_line(&mut self, line: &mut Vec<u8>) -> io::Result<()> {
        self.reader.read_until(b'\n', line)?;
        if line.last() == Some(&b'\n') { Ok(()) } else { Err(closed()) }
    }

    /// Appends exactly `count` bytes to `into`.
    pub fn read_exactly(&mut self, count: usize, into: &mut Vec<u8>) -> io::Result<()> {
        let start = into.len();
        into.resize(start + count, 0);
        let place = into.get_mut(start..).unwrap_or_default();
        self.reader.read_exact(place)
    }

    /// Reads and forgets exactly `count` bytes.
    pub fn skip(&mut self, mut count: usize) -> io::Result<()> {
        while count > 0 {
            let available = self.reader.fill_buf()?.len().min(count);
            if available == 0 {
                return Err(closed());
            }
            self.reader.consume(available);
            count -= available;
        }
        Ok(())
    }

    /// Whatever comes until the peer closes; a reset counts as a close.
    pub fn read_to_close(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        let _ = self.reader.read_to_end(&mut rest);
        rest
    }

    /// How long to wait for an answer, where [`TIMEOUT`] does not fit.
    pub fn set_timeout(&self, timeout: Duration) -> io::Result<()> {
        let socket = match self.reader.get_ref() {
            Transport::Plain(socket) => socket,
            Transport::Tls(stream) => &stream.sock,
        };
        socket.set_read_timeout(Some(timeout))
    }

    fn over(transport: Transport) -> Self {
        Self { reader: BufReader::with_capacity(BUFFER, transport) }
    }
}

impl Read for Transport {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => socket.read(into),
            Self::Tls(stream) => stream.read(into),
        }
    }
}

fn closed() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the server closed the connection")
}

fn tls_config() -> Arc<ClientConfig> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    let config = CONFIG.get_or_init(|| {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("ring knows the default TLS versions")
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(AnyCertificate))
            .with_no_client_auth();
        Arc::new(config)
    });
    Arc::clone(config)
}

/// The node under test signed its own certificate: what is tested here is the encrypted conversation, not the authority.
#[derive(Debug)]
struct AnyCertificate;

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}

/// How long a test waits for an answer before it calls the server stuck.
pub const TIMEOUT: Duration = Duration::from_secs(120);

const BUFFER: usize = 64 * 1024;
