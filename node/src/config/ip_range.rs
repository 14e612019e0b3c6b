//! A range of addresses, as people write it: `192.0.2.0/24`, `2001:db8::/32`, or one address.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// All addresses that share their first bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct IpRange {
    first: IpAddr,
    /// How many bits are shared.
    prefix: u32,
}

impl IpRange {
    /// Whether an address lies in it. An IPv4 address is the same in its IPv6 spelling (`::ffff:192.0.2.1`).
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                kept(first.to_bits().into(), self.prefix, 32)
                    == kept(address.to_bits().into(), self.prefix, 32)
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                kept(first.to_bits(), self.prefix, 128) == kept(address.to_bits(), self.prefix, 128)
            }
            _ => false,
        }
    }
}

/// The first `prefix` of `len` bits.
fn kept(bits: u128, prefix: u32, len: u32) -> u128 {
    bits.checked_shr(len - prefix).unwrap_or(0)
}

impl FromStr for IpRange {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("{text:?} is not a range of addresses; write for example \"192.0.2.0/24\" or \"::1\"");
        let (address, prefix) =
            text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let first: IpAddr = address.parse().map_err(|_| wrong())?;
        let len = if first.is_ipv4() { 32 } else { 128 };
        let prefix = prefix.map_or(Ok(len), str::parse).map_err(|_| wrong())?;
        if prefix > len {
            return Err(wrong());
        }
        Ok(Self { first, prefix })
    }
}

impl fmt::Display for IpRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix)
    }
}

impl Serialize for IpRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for IpRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contains(range: &str, address: &str) -> bool {
        range.parse::<IpRange>().unwrap().contains(address.parse().unwrap())
    }

    #[test]
    fn an_address_is_in_a_range_if_it_begins_like_it() {
        assert!(contains("127.0.0.0/8", "127.1.2.3") && !contains("127.0.0.0/8", "128.0.0.1"));
        assert!(contains("192.0.2.130/25", "192.0.2.255") && !contains("192.0.2.130/25", "192.0.2.127"));
        assert!(contains("::1", "::1") && !contains("::1", "::2"));
        assert!(contains("2001:db8::/32", "2001:db8:ffff::1") && !contains("2001:db8::/32", "2001:db9::1"));
        assert!(contains("0.0.0.0/0", "203.0.113.9") && contains("::/0", "2001:db8::1"));
        assert!(!contains("0.0.0.0/0", "::1"), "the families are apart");
        assert!(contains("127.0.0.0/8", "::ffff:127.0.0.1"), "one address, two spellings");
    }

    #[test]
    fn a_range_reads_back_as_printed_and_nonsense_is_none() {
        for text in ["192.0.2.0/24", "::1/128", "10.0.0.1/32"] {
            assert_eq!(text.parse::<IpRange>().unwrap().to_string(), text);
        }
        for text in ["", "localhost", "192.0.2.0/33", "::/129", "192.0.2.0/", "192.0.2/24", "10.0.0.0/-1"] {
            assert!(text.parse::<IpRange>().is_err(), "{text}");
        }
    }
}
