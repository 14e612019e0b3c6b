//! Fetches a file of a domain's web server, within bounds: a public address, a certificate for the name, one request, no redirect, few bytes,
//! few seconds.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use essaim_directory::bundle;
use essaim_identity::domain::{CARD_BYTES_MAX, Card};
use essaim_types::{Domain, ListingId};
use essaim_web::{FetchError, Wanted, fetch};
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::{Names, NoAnswer, Reachable, tls};

/// Asks web servers of domains.
#[derive(Debug, Clone)]
pub(crate) struct Sites(Arc<ClientConfig>);

/// Why there is no file. None of these says anything against the domain: its TXT record may speak for it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SiteError {
    /// The domain has no address in public.
    #[error("the domain has no address on the internet")]
    Nowhere,
    /// The DNS did not answer.
    #[error("the domain's addresses are not known")]
    Dns(#[source] NoAnswer),
    /// No connection, or no certificate for the name.
    #[error("the domain's web server was not reached, or is not the domain's")]
    Connection(#[source] io::Error),
    /// No such file there.
    #[error("the domain's web server does not give what is asked for")]
    Http(#[source] FetchError),
    /// Not in time.
    #[error("it took longer than {} s", .0.as_secs())]
    TooSlow(Duration),
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
struct File<'a> {
    path: &'a str,
    media_type: &'a str,
    bytes_max: usize,
}

impl Sites {
    /// With the authorities that browsers trust.
    pub(crate) fn open() -> Self {
        Self(tls::demanded(tls::public_roots()))
    }

    /// The bytes that stand where the card of a domain stands. What they say is not looked at.
    pub(crate) async fn card(&self, domain: &Domain, names: &dyn Names) -> Result<Vec<u8>, SiteError> {
        self.get(domain, names, CARD, CARD_WITHIN).await
    }

    /// The bytes of the page of a bundle that begins with a listing.
    pub(crate) async fn bundle_page(
        &self,
        domain: &Domain,
        names: &dyn Names,
        from: ListingId,
    ) -> Result<Vec<u8>, SiteError> {
        let path = format!("{}?from={from}", bundle::PATH);
        let bytes_max = bundle::PAGE_BYTES_MAX;
        let file = File { path: &path, media_type: bundle::MEDIA_TYPE, bytes_max };
        self.get(domain, names, file, PAGE_WITHIN).await
    }

    async fn get(
        &self,
        domain: &Domain,
        names: &dyn Names,
        file: File<'_>,
        within: Duration,
    ) -> Result<Vec<u8>, SiteError> {
        let get = async {
            let addresses = names.reachable(domain.as_str()).await.map_err(SiteError::Dns)?;
            let mut outcome = Err(SiteError::Nowhere);
            for address in addresses.into_iter().take(ADDRESSES_TRIED) {
                outcome = self.get_at(domain, address, HTTPS_PORT, file).await;
                if !matches!(outcome, Err(SiteError::Connection(_))) {
                    break;
                }
            }
            outcome
        };
        timeout(within, get).await.unwrap_or(Err(SiteError::TooSlow(within)))
    }

    async fn get_at(
        &self,
        domain: &Domain,
        at: Reachable,
        port: u16,
        file: File<'_>,
    ) -> Result<Vec<u8>, SiteError> {
        let Ok(name) = ServerName::try_from(domain.as_str().to_owned()) else {
            return Err(SiteError::Nowhere);
        };
        let connect = async {
            let socket = at.connect(port, CONNECTED_WITHIN).await?;
            TlsConnector::from(Arc::clone(&self.0)).connect(name, socket).await
        };
        let stream = connect.await.map_err(SiteError::Connection)?;
        let File { path, media_type, bytes_max } = file;
        fetch(stream, Wanted { host: domain.as_str(), path, media_type, bytes_max })
            .await
            .map_err(SiteError::Http)
    }
}

const CARD: File<'_> = File { path: Card::PATH, media_type: Card::MEDIA_TYPE, bytes_max: CARD_BYTES_MAX };
const HTTPS_PORT: u16 = 443;
const CARD_WITHIN: Duration = Duration::from_secs(5);
const PAGE_WITHIN: Duration = Duration::from_secs(20);
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

    /// A web server for `name` that answers every request the same, and a client that trusts its authority.
    async fn served(name: &str, answer: Vec<u8>) -> (Sites, u16) {
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
        (Sites(tls::demanded(roots)), port)
    }

    async fn got(name: &str, answer: &[u8]) -> Result<Vec<u8>, SiteError> {
        let (sites, port) = served(name, answer.to_vec()).await;
        let here = Reachable::loopback(Ipv4Addr::LOCALHOST.into()).unwrap();
        sites.get_at(&"a.example".parse().unwrap(), here, port, CARD).await
    }

    fn ok(kind: &str, body: &str) -> Vec<u8> {
        let length = body.len();
        format!("HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}").into()
    }

    #[tokio::test]
    async fn a_card_is_fetched_under_the_name_of_the_domain() {
        assert_eq!(got("a.example", &ok("application/cbor", "card")).await.unwrap(), b"card");
        let other = got("b.example", &ok("application/cbor", "card")).await;
        assert!(matches!(other, Err(SiteError::Connection(_))), "a certificate of another name: {other:?}");
    }

    #[tokio::test]
    async fn r22_redirects_are_not_followed() {
        let inside = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n";
        assert!(
            matches!(got("a.example", inside).await, Err(SiteError::Http(FetchError::Status(status))) if status.as_u16() == 302)
        );
    }

    #[tokio::test]
    async fn r22_a_name_inside_is_not_connected_to() {
        let (sites, table) = (Sites::open(), Table::default());
        table.address("a.example", &["127.0.0.1", "10.0.0.1", "::ffff:192.168.0.1", "64:ff9b::a00:1"]);
        let domain = "a.example".parse().unwrap();
        assert!(matches!(sites.card(&domain, &table).await, Err(SiteError::Nowhere)));
    }

    #[tokio::test]
    async fn pages_and_what_is_too_large_are_no_cards() {
        assert!(matches!(
            got("a.example", &ok("text/html", "hello")).await,
            Err(SiteError::Http(FetchError::Type))
        ));
        let large = ok("application/cbor", &"x".repeat(CARD_BYTES_MAX + 1));
        assert!(matches!(got("a.example", &large).await, Err(SiteError::Http(FetchError::TooLarge))));
        // Without a length, and without an end.
        let endless =
            [b"HTTP/1.1 200 OK\r\nContent-Type: application/cbor\r\n\r\n".to_vec(), vec![b'x'; 1 << 20]];
        assert!(matches!(
            got("a.example", &endless.concat()).await,
            Err(SiteError::Http(FetchError::TooLarge))
        ));
        let head = [b"HTTP/1.1 200 OK\r\nX: ".to_vec(), vec![b'x'; 1 << 16]].concat();
        assert!(matches!(got("a.example", &head).await, Err(SiteError::Http(FetchError::Conversation(_)))));
    }
}
