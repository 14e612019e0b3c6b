//! The calling end.

use std::io;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::BufStream;
use tokio::net::UnixStream;

use super::protocol::{Call, REPLY_MAX, ReadError, Reply, VERSION, read, write};
use super::socket_path;
use crate::failure::Failure;
use crate::progress::Bar;

/// A connection to the node that runs on a data directory.
#[derive(Debug)]
pub(crate) struct Client(BufStream<UnixStream>);

/// What was found at the socket.
#[derive(Debug)]
pub(crate) enum Reached {
    Node(Client),
    /// No node runs here.
    Nobody,
}

/// Connects to the node of this data directory, if it runs.
pub(crate) async fn connect(data_dir: &Path) -> Result<Reached, Failure> {
    let path = socket_path(data_dir);
    match UnixStream::connect(&path).await {
        Ok(stream) => Ok(Reached::Node(Client(BufStream::new(stream)))),
        // A socket without a listener was left by a node that was killed.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) => {
            Ok(Reached::Nobody)
        }
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Err(Failure::new(format!("the node at {} belongs to another user", data_dir.display()))
                .hint("run this command as that user, or as root"))
        }
        Err(error) => {
            Err(Failure::caused(format_args!("could not reach the node at {}", path.display()), &error))
        }
    }
}

impl Client {
    /// Sends the request, shows progress, and gives back the answer.
    pub(crate) async fn call<A: DeserializeOwned>(
        mut self,
        operator: &str,
        request: impl Serialize,
    ) -> Result<A, Failure> {
        let lost = |error: ReadError| {
            Failure::caused("the node did not answer", &error)
                .hint("look at its log; the change may or may not have been made")
        };
        write(&mut self.0, &Call { version: VERSION, operator: operator.to_owned(), request })
            .await
            .map_err(|error| lost(error.into()))?;
        let mut bar = Bar::new();
        loop {
            match read::<Reply>(&mut self.0, REPLY_MAX).await.map_err(lost)? {
                Reply::Progress(step) => bar.show(&step),
                Reply::Failed(failure) => return Err(failure),
                Reply::Done(answer) => {
                    return serde_json::from_value(answer).map_err(|error| lost(ReadError::Malformed(error)));
                }
            }
        }
    }
}
