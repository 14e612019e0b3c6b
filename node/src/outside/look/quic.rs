//! Whether something speaks QUIC at a UDP port, without beginning a connection: a packet of a version that nobody speaks is answered by
//! a list of those that are spoken (RFC 9000 section 6). One packet of 1,200 bytes out, repeated once, at most one small one back.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::timeout;

/// Whether a list of versions comes back within the time.
///
/// # Errors
/// The port is closed (as far as the host says so), or there is no way to the address.
pub(super) async fn speaks(at: SocketAddr, within: Duration) -> io::Result<bool> {
    let any: SocketAddr = match at {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(at).await?;
    let mut ids = [0; IDS];
    getrandom::fill(&mut ids).map_err(io::Error::other)?;
    let mut answer = [0; ANSWER_MAX];
    for _ in 0..TRIES {
        socket.send(&question(&ids)).await?;
        if let Ok(received) = timeout(within / TRIES, socket.recv(&mut answer)).await {
            let length = received?;
            return Ok(answer.get(..length).is_some_and(|answer| is_versions(answer, &ids)));
        }
    }
    Err(io::ErrorKind::TimedOut.into())
}

/// RFC 9000 section 17.2: long header, version, both connection ids with their lengths; the rest is padding. Section 14.1: 1,200 bytes, so
/// that the answer cannot be larger than the question.
fn question(ids: &[u8; IDS]) -> [u8; PACKET] {
    let mut packet = [0; PACKET];
    let (destination, source) = ids.split_at(ID);
    let head = [&[0xc0], GREASE.as_slice(), &[8], destination, &[8], source].concat();
    packet.iter_mut().zip(head).for_each(|(to, from)| *to = from);
    packet
}

/// RFC 9000 section 17.2.1: version 0, our ids the other way round, then versions of four bytes.
fn is_versions(answer: &[u8], ids: &[u8; IDS]) -> bool {
    let (destination, source) = ids.split_at(ID);
    let expected = [&[0, 0, 0, 0, 8], source, &[8], destination].concat();
    let Some((first, rest)) = answer.split_first() else { return false };
    let versions = rest.strip_prefix(expected.as_slice());
    first & 0x80 != 0 && versions.is_some_and(|list| !list.is_empty() && list.len() % 4 == 0)
}

/// RFC 9000 section 15: versions of this form are never spoken.
const GREASE: [u8; 4] = [0x1a, 0x2a, 0x3a, 0x4a];
/// Of one connection id.
const ID: usize = 8;
const IDS: usize = 2 * ID;
const PACKET: usize = 1200;
const ANSWER_MAX: usize = 1500;
const TRIES: u32 = 2;

#[cfg(test)]
mod tests {
    use super::*;

    const IDS_HERE: [u8; IDS] = *b"destinatsource!!";

    #[test]
    fn only_an_answer_to_our_question_counts() {
        let good = [b"\x80\0\0\0\0\x08source!!\x08destinat".as_slice(), &[0, 0, 0, 1]].concat();
        assert!(is_versions(&good, &IDS_HERE));
        for length in 0..good.len() {
            assert!(!is_versions(&good[..length], &IDS_HERE), "{length}");
        }
        let other = [b"\x80\0\0\0\0\x08destinat\x08source!!".as_slice(), &[0, 0, 0, 1]].concat();
        assert!(!is_versions(&other, &IDS_HERE), "a mirror");
        assert_eq!(question(&IDS_HERE)[..6], [0xc0, 0x1a, 0x2a, 0x3a, 0x4a, 8]);
    }

    #[tokio::test]
    async fn a_mirror_and_silence_are_no_nodes() {
        let mirror = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let at = mirror.local_addr().unwrap();
        let echo = tokio::spawn(async move {
            let mut packet = [0; 2000];
            let (length, from) = mirror.recv_from(&mut packet).await.unwrap();
            mirror.send_to(&packet[..length], from).await.unwrap();
            mirror
        });
        assert!(!speaks(at, Duration::from_secs(20)).await.unwrap());
        let _still_bound = echo.await.unwrap();
        let outcome = speaks(at, Duration::from_millis(20)).await;
        assert_eq!(outcome.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
