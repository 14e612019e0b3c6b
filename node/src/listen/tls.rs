//! The certificate that listeners show, and its replacement while they run.

mod certificate;
mod self_signed;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_rustls::TlsAcceptor;
use tracing::{error, info};

pub(crate) use certificate::CertificateFacts;

use crate::config::{Config, TlsMode};
use crate::failure::Failure;

/// The node's certificate and key. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Tls {
    files: Files,
    shown: Arc<Shown>,
}

/// Where certificate and key are.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Files {
    cert: PathBuf,
    key: PathBuf,
}

/// What handshakes begin with now.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl Tls {
    /// Reads the certificate, makes one first if the configuration asks for that; `None` if nothing is encrypted here.
    pub(crate) fn open(config: &Config) -> Result<Option<Self>, Failure> {
        let Some(files) = Files::of(config)? else { return Ok(None) };
        if config.tls.mode == TlsMode::SelfSigned {
            self_signed::ensure(&files.cert, &files.key, &self_signed::names(config))?;
        }
        let shown = Arc::new(Shown(RwLock::new(files.read()?)));
        Ok(Some(Self { files, shown }))
    }

    /// For one listener. `alpn`: the protocol names of RFC 7301 that it speaks, if it has any.
    pub(crate) fn acceptor(&self, alpn: &[&str]) -> Result<TlsAcceptor, Failure> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| Failure::caused("could not set up TLS", &error))?;
        let resolver = Arc::clone(&self.shown) as Arc<dyn ResolvesServerCert>;
        let mut config = builder.with_no_client_auth().with_cert_resolver(resolver);
        config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
        Ok(TlsAcceptor::from(Arc::new(config)))
    }

    /// Reads the files again. If they cannot be used, handshakes go on with what there was.
    pub(crate) fn reload(&self) {
        match self.files.read() {
            Ok(key) => {
                *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = key;
                info!(cert = %self.files.cert.display(), "certificate read again");
            }
            Err(failure) => {
                error!(error = %failure, "the certificate in use stays: the new one cannot be used")
            }
        }
    }

    /// Reads the files again whenever they have changed. Runs until dropped.
    pub(crate) async fn follow_changes(&self) {
        let mut seen = self.files.modified();
        loop {
            tokio::time::sleep(LOOK_AGAIN).await;
            let now = self.files.modified();
            if now != seen {
                seen = now;
                self.reload();
            }
        }
    }

    /// What stands in the certificate in use.
    pub(crate) fn facts(&self) -> Result<CertificateFacts, Failure> {
        let key = self.shown.current();
        let cert =
            key.end_entity_cert().map_err(|error| Failure::caused("there is no certificate", &error))?;
        CertificateFacts::of(cert)
    }
}

impl Files {
    fn of(config: &Config) -> Result<Option<Self>, Failure> {
        let tls = &config.tls;
        match (tls.mode, &tls.cert, &tls.key) {
            (TlsMode::Off, ..) => Ok(None),
            (TlsMode::SelfSigned, ..) => {
                let dir = config.data_dir.join("tls");
                Ok(Some(Self { cert: dir.join("self-signed.crt.pem"), key: dir.join("self-signed.key.pem") }))
            }
            (TlsMode::Files, Some(cert), Some(key)) => {
                Ok(Some(Self { cert: cert.clone(), key: key.clone() }))
            }
            (TlsMode::Files, ..) => {
                Err(Failure::new("tls.mode is \"files\" but tls.cert or tls.key is not set")
                    .hint("name both PEM files"))
            }
        }
    }

    fn read(&self) -> Result<Arc<CertifiedKey>, Failure> {
        let chain = read_chain(&self.cert)?;
        let key = PrivateKeyDer::from_pem_file(&self.key)
            .map_err(|error| unreadable(&self.key, "tls.key", &error))?;
        let key = rustls::crypto::ring::sign::any_supported_type(&key)
            .map_err(|error| unreadable(&self.key, "tls.key", &error))?;
        let certified = CertifiedKey::new(chain, key);
        certified.keys_match().map_err(|_| {
            Failure::new(format!(
                "the key {} does not belong to the certificate {}",
                self.key.display(),
                self.cert.display()
            ))
            .hint(
                "tls.cert and tls.key must be made together; the certificate itself comes first in its file",
            )
        })?;
        Ok(Arc::new(certified))
    }

    fn modified(&self) -> [Option<SystemTime>; 2] {
        [&self.cert, &self.key].map(|path| fs::metadata(path).and_then(|meta| meta.modified()).ok())
    }
}

impl Shown {
    fn current(&self) -> Arc<CertifiedKey> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let chain: Vec<_> = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|error| unreadable(path, "tls.cert", &error))?;
    if chain.is_empty() {
        return Err(Failure::new(format!("{} holds no certificate", path.display()))
            .hint("tls.cert names a PEM file"));
    }
    Ok(chain)
}

fn unreadable(path: &Path, key: &str, error: &dyn std::error::Error) -> Failure {
    Failure::caused(format_args!("{} ({key}) cannot be used", path.display()), error)
        .hint("it must be a PEM file that the node's user can read")
}

/// Certificates are renewed weeks before they end: half a minute is soon.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

#[cfg(test)]
mod tests {
    use super::*;

    fn config(dir: &Path) -> Config {
        Config { data_dir: dir.to_owned(), ..Config::default() }
    }

    #[test]
    fn a_self_signed_certificate_is_made_once_and_names_the_hoster() {
        let dir = tempfile::tempdir().unwrap();
        let first = Tls::open(&config(dir.path())).unwrap().unwrap().facts().unwrap();
        assert!(first.names.contains(&"essaim.localhost".to_owned()), "{first:?}");
        assert!(first.names.contains(&"127.0.0.1".to_owned()), "{first:?}");
        assert!(first.days_left(first.not_before) > 3000);
        let second = Tls::open(&config(dir.path())).unwrap().unwrap().facts().unwrap();
        assert_eq!(first, second);
    }

    #[test]
    fn another_name_makes_another_certificate() {
        let dir = tempfile::tempdir().unwrap();
        let mut config = config(dir.path());
        let first = Tls::open(&config).unwrap().unwrap().facts().unwrap();
        config.hoster.hostname = Some("mail.a.test".parse().unwrap());
        let second = Tls::open(&config).unwrap().unwrap().facts().unwrap();
        assert_ne!(first.serial, second.serial);
        assert!(second.names.contains(&"mail.a.test".to_owned()));
    }

    #[test]
    fn the_key_is_for_its_owner_only() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        Tls::open(&config(dir.path())).unwrap();
        let mode = fs::metadata(dir.path().join("tls/self-signed.key.pem")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_key_of_another_certificate_is_refused_and_a_reload_keeps_the_old() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let tls = Tls::open(&config(one.path())).unwrap().unwrap();
        let before = tls.facts().unwrap();
        Tls::open(&config(other.path())).unwrap();
        fs::copy(other.path().join("tls/self-signed.key.pem"), one.path().join("tls/self-signed.key.pem"))
            .unwrap();
        assert!(tls.files.read().unwrap_err().message.contains("does not belong to the certificate"));
        tls.reload();
        assert_eq!(tls.facts().unwrap(), before);
        fs::copy(other.path().join("tls/self-signed.crt.pem"), one.path().join("tls/self-signed.crt.pem"))
            .unwrap();
        tls.reload();
        assert_ne!(tls.facts().unwrap(), before);
    }

    #[test]
    fn files_that_are_no_certificates_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("cert.pem");
        fs::write(&file, "hello").unwrap();
        let mut config = config(dir.path());
        config.tls.mode = TlsMode::Files;
        config.tls.cert = Some(file.clone());
        config.tls.key = Some(file.clone());
        assert_eq!(
            Tls::open(&config).unwrap_err().message,
            format!("{} holds no certificate", file.display())
        );
        config.tls.cert = Some("/nowhere.pem".into());
        assert!(
            Tls::open(&config).unwrap_err().message.starts_with("/nowhere.pem (tls.cert) cannot be used: ")
        );
    }
}
