//! One small file of another hoster's web server: one request, one answer, bounded. Where the connection goes and what proves it, the
//! caller has seen to.

use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;

use axum::body::{Body, HttpBody};
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{Request, StatusCode};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::JoinSet;

/// What is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// The host, as the request names it.
    pub host: &'a str,
    /// The path.
    pub path: &'a str,
    /// The media type that the answer must have, without parameters.
    pub media_type: &'a str,
    /// The most bytes of it.
    pub bytes_max: usize,
}

/// Why it was not had.
#[derive(Debug)]
pub enum FetchError {
    /// The connection ended, or what came is no HTTP.
    Conversation(Box<dyn Error + Send + Sync>),
    /// Everything but 200. Redirects are not followed: they lead where nobody has looked.
    Status(StatusCode),
    /// A page, perhaps.
    Type,
    /// More than wanted.
    TooLarge,
}

/// Gets it. The caller bounds the time.
///
/// # Errors
/// See [`FetchError`].
pub async fn fetch<Io>(stream: Io, wanted: Wanted<'_>) -> Result<Vec<u8>, FetchError>
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut client = http1::Builder::new();
    client.max_buf_size(HEAD_BYTES_MAX).max_headers(HEADERS_MAX);
    let (mut requests, connection) = client.handshake(TokioIo::new(stream)).await.map_err(broken)?;
    // Ends with this function, however it ends.
    let mut tasks = JoinSet::new();
    tasks.spawn(connection);
    let request = Request::get(wanted.path).header(HOST, wanted.host).body(Body::empty()).map_err(broken)?;
    let answer = requests.send_request(request).await.map_err(broken)?;
    if answer.status() != StatusCode::OK {
        return Err(FetchError::Status(answer.status()));
    }
    if answer.headers().get(CONTENT_TYPE).is_none_or(|kind| kind.as_bytes() != wanted.media_type.as_bytes()) {
        return Err(FetchError::Type);
    }
    read(answer.into_body(), wanted.bytes_max).await
}

async fn read(body: Incoming, bytes_max: usize) -> Result<Vec<u8>, FetchError> {
    let (mut body, mut bytes) = (pin!(body), Vec::new());
    while let Some(frame) = poll_fn(|context| body.as_mut().poll_frame(context)).await {
        // Trailers say nothing here.
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        if bytes.len() + data.len() > bytes_max {
            return Err(FetchError::TooLarge);
        }
        bytes.extend(data);
    }
    Ok(bytes)
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conversation(_) => f.write_str("the web server does not answer as it should"),
            Self::Status(status) => write!(f, "the web server answers {status}"),
            Self::Type => f.write_str("what is there is of another type"),
            Self::TooLarge => f.write_str("what is there is too large"),
        }
    }
}

impl Error for FetchError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Conversation(cause) => Some(&**cause),
            _ => None,
        }
    }
}

fn broken(error: impl Error + Send + Sync + 'static) -> FetchError {
    FetchError::Conversation(error.into())
}

/// Bytes of the head of an answer, and of what is read ahead: the least that hyper takes.
const HEAD_BYTES_MAX: usize = 8 << 10;
const HEADERS_MAX: usize = 64;
