//! What goes over the control socket: one JSON value a line. The caller sends one [`Call`]; the node answers with any number
//! of [`Reply::Progress`] and then one [`Reply::Done`] or [`Reply::Failed`].

use std::io;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncBufRead, AsyncBufReadExt, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::failure::Failure;
use crate::progress::Step;

/// What an operator asks of the node.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Call<R> {
    /// Of this protocol: an essaim that was upgraded while the node still runs is told so.
    pub(super) version: u32,
    /// Who asks, for the journal. Whoever can connect is believed.
    pub(super) operator: String,
    pub(super) request: R,
}

/// What the node answers.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Reply {
    Progress(Step),
    Done(serde_json::Value),
    Failed(Failure),
}

/// Why no value could be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    #[error("the other end is gone")]
    Closed,
    #[error("a line is longer than {0} bytes")]
    TooLong(u64),
    #[error("a line is not what was expected")]
    Malformed(#[source] serde_json::Error),
    #[error("the control socket could not be read")]
    Io(#[from] io::Error),
}

/// Writes one value as a line.
pub(super) async fn write<T: Serialize>(out: &mut (impl AsyncWrite + Unpin), value: &T) -> io::Result<()> {
    let mut line = serde_json::to_vec(value).map_err(io::Error::other)?;
    line.push(b'\n');
    out.write_all(&line).await?;
    out.flush().await
}

/// Reads one value from a line of at most `limit` bytes.
pub(super) async fn read<T: DeserializeOwned>(
    input: &mut (impl AsyncBufRead + Unpin),
    limit: u64,
) -> Result<T, ReadError> {
    let mut line = Vec::new();
    input.take(limit).read_until(b'\n', &mut line).await?;
    match line.last() {
        None => Err(ReadError::Closed),
        Some(b'\n') => serde_json::from_slice(&line).map_err(ReadError::Malformed),
        Some(_) if line.len() as u64 >= limit => Err(ReadError::TooLong(limit)),
        Some(_) => Err(ReadError::Closed),
    }
}

pub(super) const VERSION: u32 = 1;
/// The largest call: an account with its addresses, not a message.
pub(super) const CALL_MAX: u64 = 1 << 20;
/// The largest answer: a list of all accounts of a large hoster.
pub(super) const REPLY_MAX: u64 = 64 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::Unit;

    #[tokio::test]
    async fn values_read_back_as_written() {
        let replies = [
            Reply::Progress(Step { phase: "a\nb".to_owned(), done: 1, total: None, unit: Unit::Messages }),
            Reply::Done(serde_json::json!({ "accounts": [] })),
            Reply::Failed(Failure::new("no").hint("yes")),
        ];
        let mut wire = Vec::new();
        for reply in &replies {
            write(&mut wire, reply).await.unwrap();
        }
        let mut input = wire.as_slice();
        for reply in replies {
            assert_eq!(read::<Reply>(&mut input, REPLY_MAX).await.unwrap(), reply);
        }
        assert!(matches!(read::<Reply>(&mut input, REPLY_MAX).await, Err(ReadError::Closed)));
    }

    #[tokio::test]
    async fn a_line_has_a_bound_and_an_end() {
        assert!(matches!(
            read::<String>(&mut b"\"aaaaaaaaaa\"\n".as_slice(), 5).await,
            Err(ReadError::TooLong(5))
        ));
        assert!(matches!(read::<String>(&mut b"\"aaa".as_slice(), 50).await, Err(ReadError::Closed)));
        assert!(matches!(read::<String>(&mut b"{}\n".as_slice(), 50).await, Err(ReadError::Malformed(_))));
    }
}
