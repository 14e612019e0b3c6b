//! `[network]` of `essaim.toml`.

use essaim_types::ByteSize;
use serde::{Deserialize, Serialize};

use crate::address::{Address, PeerAddress};
use crate::limits::Limits;

/// How this node is found, and whom it looks for first. Where it listens is `listen.peer`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NetworkConfig {
    /// Nodes that this one stays connected to.
    pub seeds: Vec<PeerAddress>,
    /// Addresses that this node tells others, if they are not those it listens on: behind a router with forwarded ports.
    pub announce: Vec<Address>,
    /// Connections that others make, at most. Absent: 96.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections_in: Option<u32>,
    /// Connections that this node makes, at most. Absent: 64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connections_out: Option<u32>,
    /// Memory of the whole program above which no connection is made; to be raised where mail alone needs as much.
    /// Absent: 1 GiB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub process_memory: Option<ByteSize>,
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

impl NetworkConfig {
    /// What the file says about limits, over the defaults.
    pub(crate) fn apply(&self, limits: Limits) -> Limits {
        Limits {
            connections_in: self.connections_in.unwrap_or(limits.connections_in),
            connections_out: self.connections_out.unwrap_or(limits.connections_out),
            process_memory: self.process_memory.unwrap_or(limits.process_memory),
            ..limits
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_defaults_are_those_of_the_limits() {
        let limits = Limits::default();
        let known = (limits.connections_in, limits.connections_out, limits.process_memory);
        assert_eq!(known, (96, 64, ByteSize::gib(1)));
        assert_eq!(NetworkConfig::default().apply(limits.clone()), limits);
        let config = NetworkConfig { connections_in: Some(7), ..NetworkConfig::default() };
        assert_eq!(config.apply(limits).connections_in, 7);
    }

    #[test]
    fn an_empty_section_is_the_default() {
        assert_eq!(toml::from_str::<NetworkConfig>("").unwrap(), NetworkConfig::default());
    }

    #[test]
    fn every_key_is_read_and_an_unknown_one_is_refused() {
        let text = r#"
            seeds = ["/dns/hoster.example/udp/4001/quic-v1/p2p/12D3KooWSCufgHzV4fCwRijfH2k3abrpAJxTKxEvN1FDuRXA2U9x"]
            announce = ["/ip4/192.0.2.7/udp/4001/quic-v1"]
            connections_in = 200
            connections_out = 100
            process_memory = "2 GiB"
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
