//! One gibibyte over loopback, four ways in one run, so that the ratios hold whatever else the machine does:
//! a plain TCP copy (no encryption: the limit of loopback), a bulk stream, and libp2p-stream over both transports.
//!
//! `cargo bench -p essaim-network`; `ESSAIM_BENCH_MIB=256` for less, `ESSAIM_BENCH_ROUNDS=5` for more.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints, and stops where it is surprised"
)]

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use essaim_identity::SigningKey;
use essaim_network::{Address, Limits, Network, NetworkConfig, Node, NodeSecret, Opening};
use futures::{AsyncReadExt as _, AsyncWriteExt as _, StreamExt};
use libp2p::identity::Keypair;
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId, StreamProtocol, SwarmBuilder, noise, tcp, yamux};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const PIECE: usize = 256 << 10;
const PROTOCOL: StreamProtocol = StreamProtocol::new("/bench/1");

#[tokio::main(flavor = "multi_thread", worker_threads = 2)]
async fn main() {
    let mebibytes = setting("ESSAIM_BENCH_MIB", 1024);
    let rounds = setting("ESSAIM_BENCH_ROUNDS", 3);
    let bytes = mebibytes << 20;
    println!(
        "{mebibytes} MiB over loopback, median of {rounds} rounds in turn, 2 worker threads for both sides"
    );
    let mut times = [const { Vec::new() }; 4];
    for _ in 0..rounds {
        times[0].push(plain_tcp(bytes).await);
        times[1].push(bulk(bytes).await);
        times[2].push(libp2p_stream(bytes, "/ip4/127.0.0.1/udp/0/quic-v1").await);
        times[3].push(libp2p_stream(bytes, "/ip4/127.0.0.1/tcp/0").await);
    }
    let medians = times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    });
    report(bytes, medians);
}

fn report(bytes: u64, [tcp, bulk, quic, yamux]: [Duration; 4]) {
    let ratio = |than: Duration, of: Duration| than.as_secs_f64() / of.as_secs_f64();
    println!("{:<34}{:>10}{:>14}{:>18}", "", "MiB/s", "of plain TCP", "of libp2p-stream");
    let rows = [
        ("plain TCP copy, no encryption", tcp),
        ("bulk stream", bulk),
        ("libp2p-stream, QUIC", quic),
        ("libp2p-stream, TCP+noise+yamux", yamux),
    ];
    for (name, time) in rows {
        #[expect(clippy::cast_precision_loss, reason = "a rate to print")]
        let rate = bytes as f64 / f64::from(1 << 20) / time.as_secs_f64();
        println!("{name:<34}{rate:>10.0}{:>13.1}%{:>17.2}x", 100.0 * ratio(tcp, time), ratio(quic, time));
    }
}

async fn plain_tcp(bytes: u64) -> Duration {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let receive = tokio::spawn(async move { drain(listener.accept().await.unwrap().0, bytes).await });
    let begin = Instant::now();
    let mut stream = TcpStream::connect(address).await.unwrap();
    fill(&mut stream, bytes).await;
    receive.await.unwrap();
    begin.elapsed()
}

async fn bulk(bytes: u64) -> Duration {
    let (ann, mut bob) = (start(1).await, start(2).await);
    ann.handle.dial(bob.handle.me(), &[Address::quic(bob.listening)]).await.unwrap();
    let receive = tokio::spawn(async move {
        let mut stream = bob.streams.recv().await.unwrap().accept(0).await.unwrap();
        drain(&mut stream, bytes).await;
        stream.finish().await.unwrap();
        bob
    });
    let mut stream =
        ann.handle.open_stream(ann_to_bob(), Opening::new("move".parse().unwrap())).await.unwrap();
    let begin = Instant::now();
    fill(&mut stream, bytes).await;
    stream.finish().await.unwrap();
    let bob = receive.await.unwrap();
    let took = begin.elapsed();
    ann.handle.shutdown().await;
    bob.handle.shutdown().await;
    took
}

async fn libp2p_stream(bytes: u64, listen: &str) -> Duration {
    let (mut server, address) = listening(listen).await;
    let peer = *server.local_peer_id();
    let mut incoming = server.behaviour().new_control().accept(PROTOCOL).unwrap();
    let serving = tokio::spawn(async move { while server.next().await.is_some() {} });
    let receive = tokio::spawn(async move {
        let (_, mut stream) = incoming.next().await.unwrap();
        let mut piece = vec![0; PIECE];
        let mut left = bytes;
        while left > 0 {
            left -= stream.read(&mut piece).await.unwrap() as u64;
        }
        stream.write_all(b"!").await.unwrap();
        stream.close().await.unwrap();
    });
    let (client, mut control) = dialled(peer, address).await;
    let mut stream = control.open_stream(peer, PROTOCOL).await.unwrap();
    let piece = vec![7; PIECE];
    let begin = Instant::now();
    for _ in 0..bytes / PIECE as u64 {
        stream.write_all(&piece).await.unwrap();
    }
    stream.flush().await.unwrap();
    stream.read_exact(&mut [0]).await.unwrap();
    let took = begin.elapsed();
    receive.await.unwrap();
    client.abort();
    serving.abort();
    took
}

type StreamSwarm = libp2p::Swarm<libp2p_stream::Behaviour>;

fn swarm() -> StreamSwarm {
    SwarmBuilder::with_existing_identity(Keypair::generate_ed25519())
        .with_tokio()
        .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
        .unwrap()
        .with_quic()
        .with_behaviour(|_| libp2p_stream::Behaviour::new())
        .unwrap()
        .with_swarm_config(|config| config.with_idle_connection_timeout(Duration::from_secs(60)))
        .build()
}

async fn listening(on: &str) -> (StreamSwarm, Multiaddr) {
    let mut swarm = swarm();
    swarm.listen_on(on.parse().unwrap()).unwrap();
    loop {
        if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
            return (swarm, address);
        }
    }
}

async fn dialled(peer: PeerId, address: Multiaddr) -> (tokio::task::JoinHandle<()>, libp2p_stream::Control) {
    let mut swarm = swarm();
    swarm.add_peer_address(peer, address.clone());
    swarm.dial(address).unwrap();
    while !swarm.is_connected(&peer) {
        swarm.select_next_some().await;
    }
    let control = swarm.behaviour().new_control();
    (tokio::spawn(async move { while swarm.next().await.is_some() {} }), control)
}

async fn start(number: u8) -> Network {
    let node = Node {
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        config: NetworkConfig::default(),
        limits: Limits::default(),
        secret: secret(number),
        topics: Vec::new(),
        services: Vec::new(),
    };
    Network::start(node).await.unwrap()
}

fn secret(number: u8) -> NodeSecret {
    NodeSecret::from(&SigningKey::from_seed(&[number; 32]))
}

fn ann_to_bob() -> essaim_network::PeerKey {
    secret(2).public()
}

async fn fill(stream: &mut (impl AsyncWrite + Unpin), bytes: u64) {
    let piece = vec![7; PIECE];
    for _ in 0..bytes / PIECE as u64 {
        stream.write_all(&piece).await.unwrap();
    }
}

async fn drain(mut stream: impl AsyncRead + Unpin, bytes: u64) {
    let mut piece = vec![0; PIECE];
    let mut left = bytes;
    while left > 0 {
        let read = stream.read(&mut piece).await.unwrap();
        assert!(read > 0, "the stream ended {left} bytes early");
        left -= read as u64;
    }
}

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}
