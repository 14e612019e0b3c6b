//! Listeners on loopback.

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::shutdown;

/// Waits until the node stops, then says so.
struct Patient;

impl Protocol for Patient {
    fn busy(&self) -> Bytes {
        Bytes::from_static(b"busy")
    }
    async fn serve(&self, mut stream: Stream, _: IpAddr, stop: Stop) -> io::Result<()> {
        stream.write_all(b"hello ").await?;
        stop.requested().await;
        stream.write_all(b"bye").await
    }
}

/// Says what it hears.
struct Echo;

impl Protocol for Echo {
    fn busy(&self) -> Bytes {
        Bytes::new()
    }
    async fn serve(&self, mut stream: Stream, _: IpAddr, _: Stop) -> io::Result<()> {
        loop {
            let byte = stream.read_u8().await?;
            stream.write_u8(byte).await?;
        }
    }
}

fn any_port() -> SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

#[tokio::test]
async fn open_connections_are_told_when_the_node_stops_and_waited_for() {
    let listener = Listener::bind("imap", any_port()).unwrap();
    let address = listener.address();
    let limits = LimitsConfig::default();
    let bounds = Bounds::of(&limits, Crowd::new(1));
    let counters = Counters::new("imap", &bounds);
    let (shutdown, stop) = shutdown::channel();
    let linger = Duration::from_secs(10);
    let running = tokio::spawn(listener.run(
        Arc::new(Patient),
        Opening::Clear,
        bounds,
        Arc::clone(&counters),
        stop,
        linger,
    ));
    let mut client = TcpStream::connect(address).await.unwrap();
    let mut hello = [0; 6];
    client.read_exact(&mut hello).await.unwrap();
    assert_eq!((counters.accepted(), counters.open()), (1, 1));
    shutdown.request();
    running.await.unwrap();
    let mut rest = String::new();
    client.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest, "bye");
    assert!(TcpStream::connect(address).await.is_err());
}

#[tokio::test]
async fn who_finds_all_places_taken_waits_until_one_is_free() {
    let listener = Listener::bind("imap", any_port()).unwrap();
    let address = listener.address();
    let limits = LimitsConfig { connections_per_listener: 1, ..LimitsConfig::default() };
    let bounds = Bounds::of(&limits, Crowd::new(1));
    let counters = Counters::new("imap", &bounds);
    let (_shutdown, stop) = shutdown::channel();
    let accepted = Arc::clone(&counters);
    let run = listener.run(Arc::new(Echo), Opening::Clear, bounds, counters, stop, Duration::ZERO);
    let running = tokio::spawn(run);
    let mut first = TcpStream::connect(address).await.unwrap();
    first.write_all(b"1").await.unwrap();
    first.read_u8().await.unwrap();
    let mut second = TcpStream::connect(address).await.unwrap();
    second.write_all(b"2").await.unwrap();
    assert_eq!(accepted.accepted(), 1, "the second one is in the system's queue");
    drop(first);
    assert_eq!(second.read_u8().await.unwrap(), b'2');
    running.abort();
}

#[tokio::test]
async fn a_busy_port_is_named_with_a_way_out() {
    let listener = Listener::bind("smtp", any_port()).unwrap();
    let failure = Listener::bind("smtp", listener.address()).unwrap_err();
    let expected = format!("{} (listen.smtp) is in use by another program", listener.address());
    assert_eq!(failure.message, expected);
    assert!(failure.hint.unwrap().contains("ESSAIM_LISTEN__SMTP=127.0.0.1:0"));
}

#[tokio::test]
async fn who_comes_too_often_is_turned_away_with_a_word() {
    let listener = Listener::bind("smtp", any_port()).unwrap();
    let address = listener.address();
    // This machine is not exempt here.
    let limits = LimitsConfig { exempt_networks: Vec::new(), ..LimitsConfig::default() };
    let bounds = Bounds::of(&limits, Crowd::new(100)).paced(2);
    let counters = Counters::new("smtp", &bounds);
    let (_shutdown, stop) = shutdown::channel();
    let seen = Arc::clone(&counters);
    let run = listener.run(Arc::new(Patient), Opening::Clear, bounds, counters, stop, Duration::ZERO);
    let running = tokio::spawn(run);
    for _ in 0..2 {
        let mut hello = [0; 6];
        TcpStream::connect(address).await.unwrap().read_exact(&mut hello).await.unwrap();
        assert_eq!(&hello, b"hello ");
    }
    let mut said = String::new();
    TcpStream::connect(address).await.unwrap().read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "busy");
    assert_eq!((seen.accepted(), seen.too_fast(), seen.crowded()), (2, 1, 0));
    running.abort();
}

#[test]
fn the_exempt_are_neither_counted_nor_slowed() {
    let limits =
        LimitsConfig { exempt_networks: vec!["198.51.100.0/24".parse().unwrap()], ..LimitsConfig::default() };
    let bounds = Bounds::of(&limits, Crowd::new(1)).paced(2);
    let (now, ip) = (Instant::now(), |text: &str| text.parse::<IpAddr>().unwrap());
    for _ in 0..5 {
        assert!(bounds.admit(ip("198.51.100.7"), now).unwrap().is_none());
    }
    let _seat = bounds.admit(ip("192.0.2.1"), now).unwrap().unwrap();
    assert_eq!(bounds.admit(ip("192.0.2.1"), now).unwrap_err(), TurnedAway::Crowded);
    assert_eq!(bounds.admit(ip("192.0.2.1"), now).unwrap_err(), TurnedAway::TooFast);
}
