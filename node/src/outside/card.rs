//! Fetches the card at `https://<domain>/.well-known/essaim`, within bounds: a public address, a certificate for the name, one request,
//! no redirect, few bytes, few seconds.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use essaim_identity::domain::{CARD_BYTES_MAX, Card};
use essaim_types::Domain;
use essaim_web::{FetchError, Wanted, fetch};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::{Names, NoAnswer, Reachable, tls};

/// Fetches cards.
#[derive(Debug, Clone)]
pub(crate) struct Cards(Arc<ClientConfig>);

/// Why there is no card. None of these says anything against the domain: its TXT record may speak for it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CardError {
    /// The domain has no address in public.
    #[error("the domain has no address on the internet")]
    Nowhere,
    /// The DNS did not answer.
    #[error("the domain's addresses are not known")]
    Dns(#[source] NoAnswer),
    /// No connection, or no certificate for the name.
    #[error("the domain's web server was not reached, or is not the domain's")]
    Connection(#[source] io::Error),
    /// No card there.
    #[error("the domain's web server gives no card")]
    Http(#[source] FetchError),
    /// Not within [`FETCHED_WITHIN`].
    #[error("it took longer than {} s", FETCHED_WITHIN.as_secs())]
    TooSlow,
}

impl Cards {
    /// With the authorities that browsers trust.
    pub(crate) fn open() -> Self {
        Self(tls::demanded(tls::public_roots()))
    }

    /// The bytes that stand where the card of a domain stands. What they say is not looked at.
    pub(crate) async fn fetch(&self, domain: &Domain, names: &dyn Names) -> Result<Vec<u8>, CardError> {
        let fetch = async {
            let addresses = names.reachable(domain.as_str()).await.map_err(CardError::Dns)?;
            let mut outcome = Err(CardError::Nowhere);
            for address in addresses.into_iter().take(ADDRESSES_TRIED) {
                outcome = self.fetch_at(domain, address, HTTPS_PORT).await;
                if !matches!(outcome, Err(CardError::Connection(_))) {
                    break;
                }
            }
            outcome
        };
        timeout(FETCHED_WITHIN, fetch).await.unwrap_or(Err(CardError::TooSlow))
    }

    async fn fetch_at(&self, domain: &Domain, at: Reachable, port: u16) -> Result<Vec<u8>, CardError> {
        let Ok(name) = ServerName::try_from(domain.as_str().to_owned()) else {
            return Err(CardError::Nowhere);
        };
        let connect = async {
            let socket = at.connect(port, CONNECTED_WITHIN).await?;
            TlsConnector::from(Arc::clone(&self.0)).connect(name, socket).await
        };
        let stream = connect.await.map_err(CardError::Connection)?;
        let wanted = Wanted {
            host: domain.as_str(),
            path: Card::PATH,
            media_type: Card::MEDIA_TYPE,
            bytes_max: CARD_BYTES_MAX,
        };
        fetch(stream, wanted).await.map_err(CardError::Http)
    }
}

const HTTPS_PORT: u16 = 443;
const FETCHED_WITHIN: Duration = Duration::from_secs(5);
const CONNECTED_WITHIN: Duration = Duration::from_secs(2);
const ADDRESSES_TRIED: usize = 2;

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use rcgen::{CertificateParams, Issuer, KeyPair};
    use rustls::pki_types::PrivateKeyDer;
    use rustls::{RootCertStore, ServerConfig};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::super::names::table::Table;
    use super::*;

    /// A web server for `name` that answers every request the same, and cards that trust its authority.
    async fn served(name: &str, answer: Vec<u8>) -> (Cards, u16) {
        let (authority, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let root = params.self_signed(&authority).unwrap();
        let issuer = Issuer::from_params(&params, &authority);
        let leaf = CertificateParams::new([name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(root.der().clone()).unwrap();
        let config = ServerConfig::builder_with_provider(tls::provider())
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
            .unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let Ok(mut stream) = acceptor.accept(socket).await else { continue };
                let mut head = [0; 1024];
                let length = stream.read(&mut head).await.unwrap();
                assert!(
                    head[..length].starts_with(b"GET /.well-known/essaim HTTP/1.1\r\nhost: a.example\r\n")
                );
                stream.write_all(&answer).await.unwrap();
                let _ = stream.shutdown().await;
            }
        });
        (Cards(tls::demanded(roots)), port)
    }

    async fn got(name: &str, answer: &[u8]) -> Result<Vec<u8>, CardError> {
        let (cards, port) = served(name, answer.to_vec()).await;
        let here = Reachable::loopback(Ipv4Addr::LOCALHOST.into()).unwrap();
        cards.fetch_at(&"a.example".parse().unwrap(), here, port).await
    }

    fn ok(kind: &str, body: &str) -> Vec<u8> {
        let length = body.len();
        format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}").into()
    }

    #[tokio::test]
    async fn a_card_is_fetched_under_the_name_of_the_domain() {
        assert_eq!(got("a.example", &ok("application/cbor", "card")).await.unwrap(), b"card");
        let other = got("b.example", &ok("application/cbor", "card")).await;
        assert!(matches!(other, Err(CardError::Connection(_))), "a certificate of another name: {other:?}");
    }

    #[tokio::test]
    async fn r22_redirects_are_not_followed() {
        let inside = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n";
        assert!(
            matches!(got("a.example", inside).await, Err(CardError::Http(FetchError::Status(status))) if status.as_u16() == 302)
        );
    }

    #[tokio::test]
    async fn r22_a_name_inside_is_not_connected_to() {
        let (cards, table) = (Cards::open(), Table::default());
        table.address("a.example", &["127.0.0.1", "10.0.0.1", "::ffff:192.168.0.1", "64:ff9b::a00:1"]);
        let domain = "a.example".parse().unwrap();
        assert!(matches!(cards.fetch(&domain, &table).await, Err(CardError::Nowhere)));
    }

    #[tokio::test]
    async fn pages_and_what_is_too_large_are_no_cards() {
        assert!(matches!(
            got("a.example", &ok("text/html", "hello")).await,
            Err(CardError::Http(FetchError::Type))
        ));
        let large = ok("application/cbor", &"x".repeat(CARD_BYTES_MAX + 1));
        assert!(matches!(got("a.example", &large).await, Err(CardError::Http(FetchError::TooLarge))));
        // Without a length, and without an end.
        let endless =
            [b"HTTP/1.1 200 OK\r\nContent-Type: application/cbor\r\n\r\n".to_vec(), vec![b'x'; 1 << 20]];
        assert!(matches!(
            got("a.example", &endless.concat()).await,
            Err(CardError::Http(FetchError::TooLarge))
        ));
        let head = [b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; 1 << 16]].concat();
        assert!(matches!(got("a.example", &head).await, Err(CardError::Http(FetchError::Conversation(_)))));
    }
}
