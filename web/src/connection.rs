//! One HTTP connection, with its bounds.

use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};

/// How long a client may be silent.
#[derive(Debug, Clone, Copy)]
pub struct Timeouts {
    /// For the head of a request, and between two requests.
    pub head: Duration,
}

/// Serves the requests of one connection until the client closes it, a bound is passed, or `stop` is ready and the request
/// under way is answered.
pub async fn serve<Io>(io: Io, router: Router, timeouts: Timeouts, stop: impl Future<Output = ()>)
where
    Io: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(timeouts.head)
        .max_buf_size(BUFFER_MAX)
        .max_headers(HEADERS_MAX)
        .serve_connection(TokioIo::new(io), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = stop => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = outcome {
        // Strangers break off and send nonsense all day long.
        tracing::trace!(error = &error as &dyn std::error::Error, "HTTP connection ended early");
    }
}

/// Bytes of a request's head, and of what is read ahead.
const BUFFER_MAX: usize = 16 << 10;
const HEADERS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::Arc;

    use essaim_directory::observation::Observation;
    use essaim_types::ListingId;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
    use tokio::sync::oneshot;

    use super::*;
    use crate::{Away, Host, Language, Look, LookSince, Metric, Node, Surface, router};
    use essaim_directory::import::Draft;

    /// A node whose store has failed and that has no directory.
    struct Broken;

    impl Node for Broken {
        fn host(&self) -> Host {
            let domain = "a.test".parse().unwrap();
            let (name, contact) = ("A".to_owned(), "human@a.test".to_owned());
            let base = "https://a.test".to_owned();
            Host { name, domain, base, version: "0", contact, language: Language::Dutch }
        }
        fn look_since(&self, _: LookSince) -> Pin<Box<dyn Future<Output = Result<(), Away>> + Send + '_>> {
            Box::pin(std::future::ready(Err(Away)))
        }
        fn mentioned(&self) -> Pin<Box<dyn Future<Output = Result<Vec<Draft>, Away>> + Send + '_>> {
            Box::pin(std::future::ready(Err(Away)))
        }
        fn look(&self, _: Look) -> Pin<Box<dyn Future<Output = Result<(), Away>> + Send + '_>> {
            Box::pin(std::future::ready(Err(Away)))
        }
        fn observations(&self, _: ListingId) -> Vec<Observation> {
            Vec::new()
        }
        fn card(&self) -> Option<Vec<u8>> {
            Some(b"card".to_vec())
        }
        fn ready(&self) -> Result<(), String> {
            Err("the store has failed: restart the node".to_owned())
        }
        fn metrics(&self) -> Vec<Metric> {
            vec![Metric::gauge("essaim_up", "Always 1.", 1)]
        }
    }

    fn start(surface: Surface, stop: impl Future<Output = ()> + Send + 'static) -> DuplexStream {
        let (client, server) = tokio::io::duplex(64 << 10);
        let timeouts = Timeouts { head: Duration::from_secs(30) };
        tokio::spawn(serve(server, router(Arc::new(Broken), surface), timeouts, stop));
        client
    }

    async fn get(surface: Surface, path: &str) -> String {
        let mut client = start(surface, std::future::pending());
        let request = format!("GET {path} HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        answer
    }

    #[tokio::test]
    async fn health_tells_living_from_ready() {
        assert!(get(Surface::Public, "/health/live").await.starts_with("HTTP/1.1 200 OK\r\n"));
        let ready = get(Surface::Public, "/health/ready").await;
        assert!(ready.starts_with("HTTP/1.1 503 "), "{ready}");
        assert!(ready.ends_with("\r\n\r\nthe store has failed: restart the node\n"), "{ready}");
        assert!(ready.contains("content-security-policy: default-src 'none'"), "{ready}");
    }

    #[tokio::test]
    async fn metrics_are_for_the_operator() {
        assert!(get(Surface::Internal, "/metrics").await.contains("\nessaim_up 1\n"));
        assert!(get(Surface::Public, "/metrics").await.starts_with("HTTP/1.1 404 "));
        assert!(get(Surface::Public, "/").await.contains("\r\nlocation: /nl/\r\n"));
    }

    #[tokio::test]
    async fn the_card_is_for_everybody() {
        for surface in [Surface::Public, Surface::Internal] {
            let answer = get(surface, "/.well-known/essaim").await;
            assert!(answer.contains("\r\ncontent-type: application/cbor\r\n"), "{answer}");
            assert!(answer.ends_with("\r\n\r\ncard"), "{answer}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_client_is_disconnected() {
        for sent in ["", "GET / HTTP/1.1\r\nHo"] {
            let mut client = start(Surface::Public, std::future::pending());
            client.write_all(sent.as_bytes()).await.unwrap();
            let mut rest = Vec::new();
            // Virtual time: without the bound this would wait for ever.
            let ended = tokio::time::timeout(Duration::from_secs(60), client.read_to_end(&mut rest)).await;
            assert!(ended.is_ok(), "{sent:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_idle_connection_ends_when_the_node_stops() {
        let (stop, stopped) = oneshot::channel::<()>();
        let mut client = start(Surface::Public, async {
            let _ = stopped.await;
        });
        client.write_all(b"GET /health/live HTTP/1.1\r\nHost: a\r\n\r\n").await.unwrap();
        let mut head = [0; 15];
        client.read_exact(&mut head).await.unwrap();
        stop.send(()).unwrap();
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(Duration::from_secs(5), client.read_to_end(&mut rest)).await;
        assert!(ended.is_ok());
    }

    #[tokio::test]
    async fn a_head_without_end_is_refused() {
        let mut client = start(Surface::Public, std::future::pending());
        let request = format!("GET / HTTP/1.1\r\nX: {}", "a".repeat(40_000));
        let _ = client.write_all(request.as_bytes()).await;
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
}
