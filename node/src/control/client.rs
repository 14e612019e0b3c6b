//! The calling end.

use std::io;
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::BufReader;
use tokio::net::UnixStream;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::runtime::Handle;

use super::protocol::{Call, REPLY_MAX, ReadError, Reply, VERSION, read, write};
use super::socket_path;
use super::upload::Uploader;
use crate::failure::Failure;
use crate::progress::Bar;

/// A connection to the node that runs on a data directory.
#[derive(Debug)]
pub(crate) struct Client(UnixStream);

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
        Ok(stream) => Ok(Reached::Node(Client(stream))),
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
        self,
        operator: &str,
        request: impl Serialize,
    ) -> Result<A, Failure> {
        let (input, mut output) = self.0.into_split();
        send(&mut output, operator, request).await?;
        answer(input).await
    }

    /// The same for a request with an upload: `send_files` runs on a thread of its own while the node works. What it says went
    /// wrong comes before what the node then misses.
    pub(crate) async fn call_with<A: DeserializeOwned>(
        self,
        operator: &str,
        request: impl Serialize,
        send_files: impl FnOnce(Uploader) -> Result<(), Failure> + Send + 'static,
    ) -> Result<A, Failure> {
        let (input, mut output) = self.0.into_split();
        send(&mut output, operator, request).await?;
        let uploader = Uploader::new(output, Handle::current());
        let sending = tokio::task::spawn_blocking(move || send_files(uploader));
        let answer = answer(input).await;
        let sent = sending.await.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        match (answer, sent) {
            (Err(_), Err(failure)) => Err(failure),
            (answer, _) => answer,
        }
    }
}

async fn send(output: &mut OwnedWriteHalf, operator: &str, request: impl Serialize) -> Result<(), Failure> {
    let call = Call { version: VERSION, operator: operator.to_owned(), request };
    write(output, &call).await.map_err(|error| lost(error.into()))
}

async fn answer<A: DeserializeOwned>(input: OwnedReadHalf) -> Result<A, Failure> {
    let mut input = BufReader::new(input);
    let mut bar = Bar::new();
    loop {
        match read::<Reply>(&mut input, REPLY_MAX).await.map_err(lost)? {
            Reply::Progress(step) => bar.show(&step),
            Reply::Failed(failure) => return Err(failure),
            Reply::Done(answer) => {
                return serde_json::from_value(answer).map_err(|error| lost(ReadError::Malformed(error)));
            }
        }
    }
}

fn lost(error: ReadError) -> Failure {
    Failure::caused("the node did not answer", &error)
        .hint("look at its log; the change may or may not have been made")
}
