//! Who is there: libp2p's TLS certificates, which prove a node's key, in QUIC settings of our own.

use std::error::Error;
use std::sync::Arc;

use libp2p_tls::{certificate, make_client_config, make_server_config};
use quinn::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use quinn::{ClientConfig, Connection, IdleTimeout, ServerConfig, TransportConfig, VarInt};
use rustls::NoKeyLog;
use rustls::client::Resumption;
use rustls::pki_types::CertificateDer;
use rustls::server::NoServerSessionStorage;

use crate::key::{NodeSecret, PeerKey};
use crate::limits::Limits;

/// The name of the protocol in the handshake: a libp2p endpoint that is called by mistake refuses at once.
pub(super) const ALPN: &[u8] = b"essaim-bulk/1";
/// libp2p's certificates name nobody; the name must be there and means nothing.
pub(super) const SERVER_NAME: &str = "l";

/// For calling exactly this peer. Made for each call: nothing of one peer is remembered for another.
pub(super) fn client_config(
    secret: &NodeSecret,
    peer: PeerKey,
    limits: &Limits,
) -> Result<ClientConfig, Box<dyn Error>> {
    let mut tls = make_client_config(secret.pair(), Some(peer.peer_id()))?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    // libp2p-tls listens to SSLKEYLOGFILE.
    tls.key_log = Arc::new(NoKeyLog);
    // A resumed session would skip the certificate; early data could be replayed.
    tls.resumption = Resumption::disabled();
    tls.enable_early_data = false;
    let mut config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls)?));
    config.transport_config(transport(limits)?);
    Ok(config)
}

/// For being called by anybody who proves a key.
pub(super) fn server_config(secret: &NodeSecret, limits: &Limits) -> Result<ServerConfig, Box<dyn Error>> {
    let mut tls = make_server_config(secret.pair())?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.key_log = Arc::new(NoKeyLog);
    tls.session_storage = Arc::new(NoServerSessionStorage {});
    tls.send_tls13_tickets = 0;
    tls.max_early_data_size = 0;
    let mut config = ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls)?));
    config.transport_config(transport(limits)?);
    // Those that wait to be looked at. Above this quinn drops them without a word; `accept` takes them at once, and
    // refuses.
    config.max_incoming(INCOMING_MAX);
    config.incoming_buffer_size(INCOMING_BUFFER);
    config.incoming_buffer_size_total(INCOMING_BUFFER * INCOMING_MAX as u64);
    Ok(config)
}

/// The key that the other side proved.
pub(super) fn peer_of(connection: &Connection) -> Option<PeerKey> {
    let certificates = connection.peer_identity()?.downcast::<Vec<CertificateDer<'static>>>().ok()?;
    let [certificate] = certificates.as_slice() else { return None };
    PeerKey::from_peer_id(&certificate::parse(certificate).ok()?.peer_id())
}

fn transport(limits: &Limits) -> Result<Arc<TransportConfig>, Box<dyn Error>> {
    let mut transport = TransportConfig::default();
    transport
        .max_concurrent_bidi_streams(VarInt::from_u32(limits.bulk_streams))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .datagram_receive_buffer_size(None)
        .max_idle_timeout(Some(IdleTimeout::try_from(limits.bulk_idle)?))
        .stream_receive_window(VarInt::try_from(limits.bulk_stream_window.0)?)
        .receive_window(VarInt::try_from(limits.bulk_connection_window.0)?)
        .send_window(limits.bulk_connection_window.0)
        .allow_spin(false);
    Ok(Arc::new(transport))
}

/// Handshakes that nobody has looked at.
const INCOMING_MAX: usize = 64;
/// Bytes kept of a handshake that has not been looked at.
const INCOMING_BUFFER: u64 = 64 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::tests::secret;

    #[test]
    fn both_sides_offer_hybrid_key_exchange_first() {
        // libp2p-tls names its provider (aws-lc-rs) itself; whatever the process has installed does not matter.
        let secret = secret(1);
        let client = make_client_config(secret.pair(), None).unwrap();
        let server = make_server_config(secret.pair()).unwrap();
        for provider in [client.crypto_provider(), server.crypto_provider()] {
            assert_eq!(provider.kx_groups[0].name(), rustls::NamedGroup::X25519MLKEM768);
        }
    }

    #[test]
    fn settings_are_accepted() {
        let secret = secret(1);
        let limits = Limits::default();
        assert!(server_config(&secret, &limits).is_ok());
        assert!(client_config(&secret, secret.public(), &limits).is_ok());
    }
}
