//! `[network]` of `essaim.toml`.

use essaim_types::ByteSize;
use serde::{Deserialize, Serialize};

use crate::address::{Address, PeerAddress};

/// How this node is found, and whom it looks for first. Where it listens is `listen.peer`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkConfig {
    /// Nodes that this one stays connected to.
    pub seeds: Vec<PeerAddress>,
    /// Addresses that this node tells others, if they are not those it listens on: behind a router with forwarded ports.
    pub announce: Vec<Address>,
    /// The UDP port for bulk data. Absent: the one after `listen.peer`'s, or a free one if that is 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bulk_port: Option<u16>,
    /// The same port as others see it, where a router changes it. Absent: the port that is listened on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bulk_announce_port: Option<u16>,
    /// Bulk bytes sent in a second, over all peers. Absent: no cap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bulk_upload_per_second: Option<ByteSize>,
    /// Bulk bytes received in a second, over all peers. Absent: no cap.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bulk_download_per_second: Option<ByteSize>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_section_is_the_default() {
        assert_eq!(toml::from_str::<NetworkConfig>("").unwrap(), NetworkConfig::default());
    }

    #[test]
    fn every_key_is_read_and_an_unknown_one_is_refused() {
        let text = r#"
            seeds = ["/dns/hoster.example/udp/4001/quic-v1/p2p/12D3KooWSCufgHzV4fCwRijfH2k3abrpAJxTKxEvN1FDuRXA2U9x"]
            announce = ["/ip4/192.0.2.7/udp/4001/quic-v1"]
            bulk_port = 4002
            bulk_announce_port = 14002
            bulk_upload_per_second = "2 MiB"
            bulk_download_per_second = "4 MiB"
        "#;
        let config: NetworkConfig = toml::from_str(text).unwrap();
        assert_eq!(config.bulk_upload_per_second, Some(ByteSize::mib(2)));
        assert_eq!(config.seeds.len(), 1);
        assert!(toml::from_str::<NetworkConfig>("seed = []").is_err());
        assert!(toml::from_str::<NetworkConfig>("seeds = [\"192.0.2.7\"]").is_err());
    }
}
