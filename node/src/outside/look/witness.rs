//! Looks at certificates without demanding anything: what would a careful program think of it?

use std::sync::{Arc, Mutex, PoisonError};

use essaim_directory::observation::{Text, Tls, TlsVerdict};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};

use crate::listen::tls::CertificateFacts;
use crate::outside::tls::{builder, provider, public_roots};

/// What certificates are held against. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct Witnesses(Arc<WebPkiServerVerifier>);

/// One handshake is looked at.
#[derive(Debug)]
pub(super) struct Witness {
    careful: Arc<WebPkiServerVerifier>,
    seen: Mutex<Option<Tls>>,
}

impl Witnesses {
    /// With the authorities that browsers trust.
    pub(super) fn public() -> Self {
        Self::with(public_roots())
    }

    pub(super) fn with(roots: RootCertStore) -> Self {
        let careful = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
        Self(careful.expect("there are roots, and no revocation lists that could be wrong"))
    }

    /// For one connection: settings that take every certificate, and who remembers it.
    pub(super) fn one(&self) -> (Arc<ClientConfig>, Arc<Witness>) {
        let witness = Arc::new(Witness { careful: Arc::clone(&self.0), seen: Mutex::default() });
        let verifier = Arc::clone(&witness) as Arc<dyn ServerCertVerifier>;
        let mut config =
            builder(provider()).dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth();
        // A session that is resumed shows no certificate.
        config.resumption = rustls::client::Resumption::disabled();
        (Arc::new(config), witness)
    }
}

impl Witness {
    /// What was seen; that the handshake failed, if it did not get so far.
    pub(super) fn tells(&self) -> Tls {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone();
        seen.unwrap_or(Tls { verdict: TlsVerdict::Failed, ends: None, issuer: None })
    }
}

/// The name is looked at first: a certificate of somebody else is the clearer news.
fn verdict(
    careful: &WebPkiServerVerifier,
    leaf: &CertificateDer<'_>,
    chain: &[CertificateDer<'_>],
    name: &ServerName<'_>,
    now: UnixTime,
) -> TlsVerdict {
    let Ok(parsed) = ParsedCertificate::try_from(leaf) else { return TlsVerdict::Unusable };
    if verify_server_name(&parsed, name).is_err() {
        return TlsVerdict::OtherName;
    }
    match careful.verify_server_cert(leaf, chain, name, &[], now) {
        Ok(_) => TlsVerdict::Trusted,
        Err(Error::InvalidCertificate(fault)) => match fault {
            CertificateError::Expired
            | CertificateError::ExpiredContext { .. }
            | CertificateError::NotValidYet
            | CertificateError::NotValidYetContext { .. } => TlsVerdict::OutOfDate,
            // An issuer of the same name with another key is another issuer.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => TlsVerdict::UnknownIssuer,
            // A self-signed certificate that says it is an authority's, for example.
            CertificateError::Other(_) => TlsVerdict::UnknownIssuer,
            _ => TlsVerdict::Unusable,
        },
        Err(_) => TlsVerdict::Unusable,
    }
}

impl ServerCertVerifier for Witness {
    fn verify_server_cert(
        &self,
        leaf: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let facts = CertificateFacts::of(leaf).ok();
        let seen = Tls {
            verdict: verdict(&self.careful, leaf, chain, name, now),
            ends: facts.as_ref().map(|facts| facts.not_after),
            issuer: facts.and_then(|facts| Text::of(&facts.issuer)),
        };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.careful.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.careful.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.careful.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, Issuer, KeyPair, date_time_ymd};

    use super::*;

    struct Authority {
        key: KeyPair,
        params: CertificateParams,
        witnesses: Witnesses,
    }

    fn authority() -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new([]).unwrap();
        params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let mut roots = RootCertStore::empty();
        roots.add(params.self_signed(&key).unwrap().der().clone()).unwrap();
        Authority { key, params, witnesses: Witnesses::with(roots) }
    }

    fn thinks(by: &Authority, leaf: CertificateParams, trusted: bool) -> TlsVerdict {
        let key = KeyPair::generate().unwrap();
        let leaf = match trusted {
            true => leaf.signed_by(&key, &Issuer::from_params(&by.params, &by.key)).unwrap(),
            false => leaf.self_signed(&key).unwrap(),
        };
        let (_, witness) = by.witnesses.one();
        let name = ServerName::try_from("mail.coop.example").unwrap();
        witness.verify_server_cert(leaf.der(), &[], &name, &[], UnixTime::now()).unwrap();
        let seen = witness.tells();
        assert!(seen.ends.is_some() && seen.issuer.is_some());
        seen.verdict
    }

    #[test]
    fn certificates_are_judged_as_a_careful_program_would() {
        let by = authority();
        let leaf = |name: &str| CertificateParams::new([name.to_owned()]).unwrap();
        assert_eq!(thinks(&by, leaf("mail.coop.example"), true), TlsVerdict::Trusted);
        assert_eq!(thinks(&by, leaf("mail.coop.example"), false), TlsVerdict::UnknownIssuer);
        assert_eq!(thinks(&by, leaf("other.example"), true), TlsVerdict::OtherName);
        assert_eq!(thinks(&by, leaf("other.example"), false), TlsVerdict::OtherName);
        let mut old = leaf("mail.coop.example");
        (old.not_before, old.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2020, 4, 1));
        assert_eq!(thinks(&by, old, true), TlsVerdict::OutOfDate);
        assert_eq!(by.witnesses.one().1.tells().verdict, TlsVerdict::Failed, "there was no handshake");
    }
}
