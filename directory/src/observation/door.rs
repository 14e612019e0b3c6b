//! Which services are looked at, and where they are.

use minicbor::{Decode, Encode};
use serde::Serialize;

use super::Fault;

/// A service of a hoster that others can see from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
#[cbor(index_only)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// Mail from other servers: RFC 5321, STARTTLS.
    #[n(0)]
    Smtp,
    /// Members' mail: RFC 6409, STARTTLS.
    #[n(1)]
    Submission,
    /// Members' mail under TLS: RFC 8314.
    #[n(2)]
    Submissions,
    /// IMAP with STARTTLS.
    #[n(3)]
    Imap,
    /// IMAP under TLS.
    #[n(4)]
    Imaps,
    /// Pages.
    #[n(5)]
    Https,
    /// Other nodes, over TCP.
    #[n(6)]
    PeerTcp,
    /// Other nodes, over UDP.
    #[n(7)]
    PeerQuic,
}

/// A service and the port it is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, Decode, Serialize)]
#[cbor(array)]
pub struct Door {
    /// The service.
    #[n(0)]
    pub service: Service,
    /// Its port.
    #[n(1)]
    pub port: u16,
}

impl Service {
    /// All of them, in order.
    pub const ALL: [Self; 8] = [
        Self::Smtp,
        Self::Submission,
        Self::Submissions,
        Self::Imap,
        Self::Imaps,
        Self::Https,
        Self::PeerTcp,
        Self::PeerQuic,
    ];

    /// The port at which the world expects it; `None` for nodes, whose listing says it.
    pub const fn standard_port(self) -> Option<u16> {
        match self {
            Self::Smtp => Some(25),
            Self::Submission => Some(587),
            Self::Submissions => Some(465),
            Self::Imap => Some(143),
            Self::Imaps => Some(993),
            Self::Https => Some(443),
            Self::PeerTcp | Self::PeerQuic => None,
        }
    }

    /// In answers of commands.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Smtp => "smtp",
            Self::Submission => "submission",
            Self::Submissions => "submissions",
            Self::Imap => "imap",
            Self::Imaps => "imaps",
            Self::Https => "https",
            Self::PeerTcp => "peer-tcp",
            Self::PeerQuic => "peer-quic",
        }
    }
}

/// Each service once, in order, at a port.
pub(super) fn check(doors: &[Door]) -> Result<(), Fault> {
    let mut before = None;
    for door in doors {
        if before >= Some(door.service) || door.port == 0 {
            return Err(Fault::Inconsistent);
        }
        before = Some(door.service);
    }
    Ok(())
}

/// An IP address: 4 or 16 bytes. An IPv4 address has one spelling.
pub(super) mod ip {
    use std::net::IpAddr;

    use minicbor::decode::Error as Unread;
    use minicbor::encode::{Error as Unwritten, Write};
    use minicbor::{Decoder, Encoder};

    pub(in crate::observation) fn encode<C, W: Write>(
        ip: &IpAddr,
        to: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), Unwritten<W::Error>> {
        match ip.to_canonical() {
            IpAddr::V4(ip) => to.bytes(&ip.octets())?.ok(),
            IpAddr::V6(ip) => to.bytes(&ip.octets())?.ok(),
        }
    }

    pub(in crate::observation) fn decode<C>(from: &mut Decoder<'_>, _: &mut C) -> Result<IpAddr, Unread> {
        let at = from.position();
        let bytes = from.bytes()?;
        let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
        let ip = four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from)).ok();
        ip.filter(|ip| ip.to_canonical() == *ip).ok_or_else(|| Unread::message("not an address").at(at))
    }
}
