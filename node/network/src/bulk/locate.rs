//! Where a peer's bulk endpoint is: asked over the swarm's connection, which proves who answers.

use bytes::Bytes;

use crate::label::Service;

/// The service that every node has.
pub(crate) fn locate_service() -> Service {
    "bulk/1".parse().expect("a name of six plain characters")
}

/// Two bytes, big-endian.
pub(crate) fn write_location(port: u16) -> Bytes {
    Bytes::copy_from_slice(&port.to_be_bytes())
}

/// `None`: the peer has no bulk endpoint. Bytes after the port are for later versions.
pub(crate) fn read_location(answer: &[u8]) -> Option<u16> {
    let (port, _) = answer.split_first_chunk()?;
    Some(u16::from_be_bytes(*port)).filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_read_as_it_was_written() {
        assert_eq!(read_location(&write_location(4002)), Some(4002));
        assert_eq!(read_location(&[0x0f, 0xa2, 1, 2, 3]), Some(4002));
        assert_eq!(read_location(&[0, 0]), None);
        assert_eq!(read_location(&[1]), None);
        assert_eq!(locate_service().as_str(), "bulk/1");
    }
}
