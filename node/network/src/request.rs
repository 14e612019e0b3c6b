//! Requests and answers on the wire: one libp2p protocol for all services, each frame bounded before it is read.
//!
//! ```text
//! request  = length of service (1 byte), service, length of body (4 bytes, big-endian), body
//! response = status (1 byte), length of body (4 bytes, big-endian), body
//! ```

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use libp2p::StreamProtocol;
use libp2p::request_response;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::label::{LABEL_MAX, Service};
use crate::limits::Limits;

/// The name of the protocol.
pub(crate) const PROTOCOL: StreamProtocol = StreamProtocol::new("/essaim/request/1");

/// A request as it travels.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) service: Service,
    pub(crate) body: Bytes,
    pub(crate) charge: Charge,
}

/// Room in `Limits::requests_in_bytes`, given back when dropped. Empty for our own requests.
#[derive(Debug, Default)]
pub(crate) struct Charge(Vec<OwnedSemaphorePermit>);

/// An answer as it travels.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: Status,
    pub(crate) body: Bytes,
}

/// How a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    Ok = 0,
    UnknownService = 1,
    Busy = 2,
    Refused = 3,
}

impl Response {
    pub(crate) const fn empty(status: Status) -> Self {
        Self { status, body: Bytes::new() }
    }
}

impl TryFrom<u8> for Status {
    type Error = io::Error;

    fn try_from(byte: u8) -> io::Result<Self> {
        match byte {
            0 => Ok(Self::Ok),
            1 => Ok(Self::UnknownService),
            2 => Ok(Self::Busy),
            3 => Ok(Self::Refused),
            _ => Err(invalid("a status that is not known")),
        }
    }
}

/// Reads and writes frames. Clones share the room for requests of all peers.
#[derive(Debug, Clone)]
pub(crate) struct Codec {
    request_bytes: usize,
    response_bytes: usize,
    room: Arc<Semaphore>,
}

impl Codec {
    pub(crate) fn new(limits: &Limits) -> Self {
        let pieces = limits.requests_in_bytes.as_usize() / PIECE;
        Self {
            request_bytes: limits.request_bytes,
            response_bytes: limits.response_bytes,
            room: Arc::new(Semaphore::new(pieces.clamp(1, Semaphore::MAX_PERMITS))),
        }
    }

    /// Room is taken as bytes arrive, not as they are announced: who says much and sends nothing takes nothing.
    fn charge(&self, charge: &mut Charge) -> io::Result<()> {
        let permit = Arc::clone(&self.room).try_acquire_owned();
        charge.0.push(permit.map_err(|_| io::Error::other("too many requests are being read"))?);
        Ok(())
    }
}

impl request_response::Codec for Codec {
    type Protocol = StreamProtocol;
    type Request = Frame;
    type Response = Response;

    async fn read_request<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Frame>
    where
        T: AsyncRead + Unpin + Send,
    {
        let service = read_service(io).await?;
        let length = read_length(io, self.request_bytes).await?;
        let mut charge = Charge::default();
        let body = read_body(io, length, || self.charge(&mut charge)).await?;
        Ok(Frame { service, body, charge })
    }

    async fn read_response<T>(&mut self, _: &StreamProtocol, io: &mut T) -> io::Result<Response>
    where
        T: AsyncRead + Unpin + Send,
    {
        let status = Status::try_from(read_byte(io).await?)?;
        let length = read_length(io, self.response_bytes).await?;
        let body = read_body(io, length, || Ok(())).await?;
        Ok(Response { status, body })
    }

    async fn write_request<T>(&mut self, _: &StreamProtocol, io: &mut T, frame: Frame) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        let name = frame.service.as_str().as_bytes();
        let length = u8::try_from(name.len()).map_err(|_| invalid("the name of a service is too long"))?;
        io.write_all(&[length]).await?;
        io.write_all(name).await?;
        write_body(io, &frame.body).await
    }

    async fn write_response<T>(
        &mut self,
        _: &StreamProtocol,
        io: &mut T,
        response: Response,
    ) -> io::Result<()>
    where
        T: AsyncWrite + Unpin + Send,
    {
        io.write_all(&[response.status as u8]).await?;
        write_body(io, &response.body).await
    }
}

async fn read_service<T: AsyncRead + Unpin>(io: &mut T) -> io::Result<Service> {
    let length = usize::from(read_byte(io).await?);
    let mut name = [0; LABEL_MAX];
    let name = name.get_mut(..length).ok_or_else(|| invalid("the name of a service is too long"))?;
    io.read_exact(name).await?;
    let name = str::from_utf8(name).ok().and_then(|name| name.parse().ok());
    name.ok_or_else(|| invalid("this is not the name of a service"))
}

async fn read_byte<T: AsyncRead + Unpin>(io: &mut T) -> io::Result<u8> {
    let mut byte = [0];
    io.read_exact(&mut byte).await?;
    Ok(byte[0])
}

async fn read_length<T: AsyncRead + Unpin>(io: &mut T, limit: usize) -> io::Result<usize> {
    let mut length = [0; 4];
    io.read_exact(&mut length).await?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > limit {
        return Err(invalid("a body over the limit"));
    }
    Ok(length)
}

/// Grows with what arrives; `before_piece` may refuse each step.
async fn read_body<T, F>(io: &mut T, length: usize, mut before_piece: F) -> io::Result<Bytes>
where
    T: AsyncRead + Unpin,
    F: FnMut() -> io::Result<()>,
{
    let mut body = Vec::new();
    let mut piece = vec![0; PIECE.min(length)];
    while body.len() < length {
        let wanted = PIECE.min(length - body.len());
        let piece = piece.get_mut(..wanted).expect("a piece is not larger than the first");
        io.read_exact(piece).await?;
        before_piece()?;
        body.extend_from_slice(piece);
    }
    Ok(body.into())
}

async fn write_body<T: AsyncWrite + Unpin>(io: &mut T, body: &[u8]) -> io::Result<()> {
    let length = u32::try_from(body.len()).map_err(|_| invalid("a body over 4 GiB"))?;
    io.write_all(&length.to_be_bytes()).await?;
    io.write_all(body).await
}

fn invalid(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Bytes that are read, and charged for, at once.
const PIECE: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use essaim_types::ByteSize;
    use futures::io::Cursor;
    use request_response::Codec as _;

    use super::*;

    fn codec() -> Codec {
        Codec::new(&Limits { request_bytes: 100, response_bytes: 50, ..Limits::default() })
    }

    async fn read(codec: &mut Codec, bytes: &[u8]) -> io::Result<Frame> {
        codec.read_request(&PROTOCOL, &mut Cursor::new(bytes)).await
    }

    #[tokio::test]
    async fn a_frame_is_read_as_it_was_written() {
        let mut wire = Cursor::new(Vec::new());
        let body = Bytes::from_static(b"what do you have");
        let frame =
            Frame { service: "sync/1".parse().unwrap(), body: body.clone(), charge: Charge::default() };
        codec().write_request(&PROTOCOL, &mut wire, frame).await.unwrap();
        let wire = wire.into_inner();
        assert_eq!(&wire[..11], b"\x06sync/1\0\0\0\x10");
        let frame = read(&mut codec(), &wire).await.unwrap();
        assert_eq!((frame.service.as_str(), frame.body), ("sync/1", body));
        for cut in 0..wire.len() {
            assert!(read(&mut codec(), &wire[..cut]).await.is_err(), "cut at {cut}");
        }
    }

    #[tokio::test]
    async fn request_bytes_bounds_what_is_read() {
        let error = read(&mut codec(), b"\x01s\0\0\0\x65").await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        assert!(read(&mut codec(), b"\x01s\xff\xff\xff\xff").await.is_err());
    }

    #[tokio::test]
    async fn response_bytes_bounds_what_is_read() {
        let response = |bytes: &'static [u8]| async move {
            codec().read_response(&PROTOCOL, &mut Cursor::new(bytes)).await
        };
        assert_eq!(response(b"\0\0\0\0\x02ok").await.unwrap().body, Bytes::from_static(b"ok"));
        assert!(response(b"\0\0\0\0\x33").await.is_err());
        assert!(response(b"\x09\0\0\0\0").await.is_err());
    }

    #[tokio::test]
    async fn names_of_services_are_checked() {
        for wire in [&b"\0\0\0\0\0"[..], b"\x02S\xff\0\0\0\0", b"\xffaaaa", b"\x01A\0\0\0\0"] {
            assert!(read(&mut codec(), wire).await.is_err());
        }
    }

    #[tokio::test]
    async fn nonsense_is_an_error_and_never_a_panic() {
        let mut codec = codec();
        let mut nonsense = blake3::Hasher::new().finalize_xof();
        let mut wire = [0; 80];
        for round in 0..20_000_usize {
            nonsense.fill(&mut wire);
            // Half of them begin as a request does, or nothing but the first byte would be tested.
            if round % 2 == 0 {
                wire[..7].copy_from_slice(b"\x02s1\0\0\0\x10");
            }
            let length = round % wire.len();
            if let Ok(frame) = read(&mut codec, &wire[..length]).await {
                assert!(frame.body.len() <= 100);
            }
            let response = codec.read_response(&PROTOCOL, &mut Cursor::new(&wire[..length])).await;
            assert!(response.is_err() || length >= 5);
        }
    }

    #[tokio::test]
    async fn requests_in_bytes_bounds_all_peers_together() {
        let limits = Limits { requests_in_bytes: ByteSize::kib(32), ..Limits::default() };
        let mut codec = Codec::new(&limits);
        let mut wire = b"\x01s\0\0\x40\0".to_vec();
        wire.resize(wire.len() + PIECE, 0);
        let first = read(&mut codec, &wire).await.unwrap();
        let second = read(&mut codec.clone(), &wire).await.unwrap();
        assert!(read(&mut codec, &wire).await.is_err());
        drop((first, second));
        assert!(read(&mut codec, &wire).await.is_ok());
    }
}
