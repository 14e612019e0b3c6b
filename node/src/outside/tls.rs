//! Certificates of other hosts: demanded, or only looked at.

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, ring};
use rustls::{ClientConfig, RootCertStore};

/// A certificate of a public authority for the name is demanded.
pub(super) fn demanded(roots: RootCertStore) -> Arc<ClientConfig> {
    Arc::new(builder(provider()).with_root_certificates(roots).with_no_client_auth())
}

/// The roots that browsers trust.
pub(super) fn public_roots() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

pub(super) fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

pub(super) fn builder(
    provider: Arc<CryptoProvider>,
) -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring has the default versions")
}
