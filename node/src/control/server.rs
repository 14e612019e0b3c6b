//! The answering end. A request is an operation on the node; who may connect may do everything, so only the owner may.

use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::{debug, warn};

use super::protocol::{CALL_MAX, Call, Reply, VERSION, read, write};
use super::socket_path;
use super::upload::Upload;
use crate::failure::Failure;
use crate::progress::{self, Progress, Steps};

/// The socket, bound.
#[derive(Debug)]
pub(crate) struct Control {
    listener: UnixListener,
    path: PathBuf,
}

/// The socket could not be made.
#[derive(Debug, thiserror::Error)]
#[error("could not make the control socket {path}")]
pub(crate) struct BindError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// What the server does with a request.
pub(crate) trait Handler: Clone + Send + Sync + 'static {
    type Request: DeserializeOwned + Send;

    /// Whether the caller sends more after its call.
    fn uploads(request: &Self::Request) -> bool;

    fn handle(
        &self,
        received: Received<Self::Request>,
    ) -> impl Future<Output = Result<serde_json::Value, Failure>> + Send;
}

/// A call that arrived.
#[derive(Debug)]
pub(crate) struct Received<R> {
    /// Who asks, as they say.
    pub(crate) operator: String,
    pub(crate) request: R,
    pub(crate) progress: Progress,
    /// What the caller sends after it, if [`Handler::uploads`].
    pub(crate) upload: Option<Upload>,
}

impl Control {
    /// Binds in `data_dir/run`, which is closed to everybody else. Whoever holds the store's lock may replace a socket that is there.
    pub(crate) fn bind(data_dir: &Path) -> Result<Self, BindError> {
        let path = socket_path(data_dir);
        let bound = || {
            if let Some(run) = path.parent() {
                std::fs::create_dir_all(run)?;
                std::fs::set_permissions(run, std::fs::Permissions::from_mode(0o700))?;
            }
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let listener = UnixListener::bind(&path)?;
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600))?;
            Ok(listener)
        };
        match bound() {
            Ok(listener) => Ok(Self { listener, path }),
            Err(source) => Err(BindError { path, source }),
        }
    }

    /// Answers calls until dropped.
    pub(crate) async fn serve<H: Handler>(&self, handler: H) {
        let calls = Arc::new(Semaphore::new(CALLS_MAX));
        loop {
            let Ok(permit) = Arc::clone(&calls).acquire_owned().await else { return };
            match self.listener.accept().await {
                Ok((stream, _)) => {
                    let handler = handler.clone();
                    tokio::spawn(async move {
                        if let Err(error) = answer(stream, handler).await {
                            debug!(
                                error = &error as &dyn std::error::Error,
                                "a control connection ended early"
                            );
                        }
                        drop(permit);
                    });
                }
                Err(error) => {
                    warn!(error = &error as &dyn std::error::Error, "could not accept a control connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

async fn answer<H: Handler>(stream: UnixStream, handler: H) -> io::Result<()> {
    let (input, mut output) = stream.into_split();
    let mut input = BufReader::new(input);
    let call = match timeout(CALL_TIMEOUT, read::<Call<serde_json::Value>>(&mut input, CALL_MAX)).await {
        Ok(Ok(call)) => request_of::<H>(call),
        Ok(Err(error)) => Err(Failure::caused("the node did not understand the request", &error)),
        Err(_) => return Err(io::ErrorKind::TimedOut.into()),
    };
    let (operator, request) = match call {
        Ok(call) => call,
        Err(failure) => return write(&mut output, &Reply::Failed(failure)).await,
    };
    let (progress, steps) = progress::channel();
    let (upload, gone) = match H::uploads(&request) {
        // Who uploads is heard by the operation itself.
        true => (Some(Upload::new(input)), None),
        false => (None, Some(input)),
    };
    let work = handler.handle(Received { operator, request, progress, upload });
    let outcome = tokio::select! {
        outcome = tell_while(&mut output, steps, work) => outcome?,
        () = end_of(gone) => return Err(io::ErrorKind::ConnectionAborted.into()),
    };
    write(&mut output, &outcome.map_or_else(Reply::Failed, Reply::Done)).await
}

/// Tells of progress until the work is done.
async fn tell_while<T>(
    output: &mut OwnedWriteHalf,
    mut steps: Steps,
    work: impl Future<Output = T>,
) -> io::Result<T> {
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            outcome = &mut work => return Ok(outcome),
            Ok(()) = steps.changed() => {
                let step = steps.borrow_and_update().clone();
                if let Some(step) = step {
                    write(output, &Reply::Progress(step)).await?;
                }
                // More often than a person can see would only cost.
                tokio::select! {
                    outcome = &mut work => return Ok(outcome),
                    () = tokio::time::sleep(PROGRESS_PAUSE) => {}
                }
            }
        }
    }
}

/// A caller that has nothing more to send goes away when it stops waiting: what it asked for is dropped with it.
async fn end_of(input: Option<BufReader<OwnedReadHalf>>) {
    match input {
        Some(mut input) => drop(input.read(&mut [0; 1]).await),
        None => std::future::pending().await,
    }
}

fn request_of<H: Handler>(call: Call<serde_json::Value>) -> Result<(String, H::Request), Failure> {
    let other = "the node and this command are of different versions of essaim";
    let hint = "restart the node after an upgrade: systemctl restart essaim";
    if call.version != VERSION {
        return Err(Failure::new(other).hint(hint));
    }
    match serde_json::from_value(call.request) {
        Ok(request) => Ok((call.operator, request)),
        Err(error) => Err(Failure::caused(other, &error).hint(hint)),
    }
}

/// Operators at one time.
const CALLS_MAX: usize = 16;
const CALL_TIMEOUT: Duration = Duration::from_secs(10);
const PROGRESS_PAUSE: Duration = Duration::from_millis(100);
/// Accepting fails when the process is out of file descriptors; others need time to close theirs.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

#[cfg(test)]
mod tests {
    use tokio::io::AsyncWriteExt;

    use super::super::client::{Reached, connect};
    use super::*;
    use crate::progress::{Step, Unit};

    #[derive(Clone)]
    struct Doubler;

    impl Handler for Doubler {
        type Request = u32;

        fn uploads(_: &u32) -> bool {
            false
        }

        async fn handle(&self, received: Received<u32>) -> Result<serde_json::Value, Failure> {
            let Received { request, progress, .. } = received;
            for done in 0..u64::from(request) {
                progress.report(Step { phase: "doubling".to_owned(), done, total: None, unit: Unit::Bytes });
                tokio::task::yield_now().await;
            }
            if request == 0 {
                Err(Failure::new("nothing to double").hint("send more"))
            } else {
                Ok((2 * request).into())
            }
        }
    }

    async fn with_server<T>(test: impl AsyncFnOnce(&Path) -> T) -> T {
        let dir = tempfile::tempdir().unwrap();
        let control = Control::bind(dir.path()).unwrap();
        tokio::select! {
            () = control.serve(Doubler) => unreachable!(),
            outcome = test(dir.path()) => outcome,
        }
    }

    async fn call(dir: &Path, request: u32) -> Result<u32, Failure> {
        let Reached::Node(client) = connect(dir).await.unwrap() else { panic!("nobody listens") };
        client.call("test", request).await
    }

    #[tokio::test]
    async fn a_call_gets_its_answer_or_its_refusal() {
        with_server(async |dir| {
            assert_eq!(call(dir, 21).await, Ok(42));
            assert_eq!(call(dir, 0).await, Err(Failure::new("nothing to double").hint("send more")));
        })
        .await;
    }

    #[tokio::test]
    async fn nonsense_is_refused_in_words() {
        with_server(async |dir| {
            for sent in [
                "{}\n",
                "hello\n",
                "{\"version\":9,\"operator\":\"x\",\"request\":1}\n",
                "{\"version\":1,\"operator\":\"x\",\"request\":\"x\"}\n",
            ] {
                let mut stream = UnixStream::connect(socket_path(dir)).await.unwrap();
                stream.write_all(sent.as_bytes()).await.unwrap();
                let mut answer = String::new();
                stream.read_to_string(&mut answer).await.unwrap();
                assert!(answer.starts_with("{\"failed\":{\"message\":\"the node "), "{answer}");
            }
        })
        .await;
    }

    #[tokio::test]
    async fn the_socket_is_for_its_owner_only_and_goes_with_the_node() {
        let dir = tempfile::tempdir().unwrap();
        let control = Control::bind(dir.path()).unwrap();
        let mode = std::fs::metadata(socket_path(dir.path())).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        // A socket left by a node that was killed is replaced.
        let again = Control::bind(dir.path()).unwrap();
        drop(control);
        drop(again);
        assert!(matches!(connect(dir.path()).await, Ok(Reached::Nobody)));
    }
}
