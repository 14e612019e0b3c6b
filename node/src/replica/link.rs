//! Messages on a stream: a length, then that many bytes.

use std::io;

use essaim_migration::replica::message::{self, Message};
use essaim_network::BulkStream;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub(super) async fn write(to: &mut BulkStream, message: &impl Message) -> io::Result<()> {
    to.write_all(&message::write(message)).await?;
    to.flush().await
}

/// The next message; the stream itself ends what takes too long.
pub(super) async fn read<M: Message>(from: &mut BulkStream) -> io::Result<M> {
    let mut head = [0; 4];
    from.read_exact(&mut head).await?;
    let length = message::length(head).map_err(io::Error::other)?;
    // Memory is taken as bytes arrive.
    let mut body = Vec::new();
    from.take(length as u64).read_to_end(&mut body).await?;
    if body.len() < length {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    message::read(&body).map_err(io::Error::other)
}
