//! One gibibyte over loopback, four ways in one run, so that the ratios hold whatever else the machine does:
//! a plain TCP copy (no encryption: the limit of loopback), a bulk stream, and libp2p-stream over both transports.
//!
//! `cargo bench -p essaim-network`; `ESSAIM_BENCH_MIB=256` for less, `ESSAIM_BENCH_ROUNDS=5` for more,
//! `ESSAIM_BENCH_WINDOW_MIB=16` for other windows than those of `Limits`.
#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a bench prints, and stops where it is surprised"
)]

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use essaim_identity::SigningKey;
use essaim_network::{Address, Limits, Network, NetworkConfig, Node, NodeSecret, Opening};
use essaim_types::ByteSize;
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
    let mut samples = [const { Vec::new() }; 4];
    for _ in 0..rounds {
        samples[0].push(sample(plain_tcp(bytes)).await);
        samples[1].push(sample(bulk(bytes)).await);
        samples[2].push(sample(libp2p_stream(bytes, "/ip4/127.0.0.1/udp/0/quic-v1")).await);
        samples[3].push(sample(libp2p_stream(bytes, "/ip4/127.0.0.1/tcp/0")).await);
    }
    report(bytes, &samples.map(|samples| Sample::median(&samples)));
}

/// How long it took, and what the process worked for it: the second holds on a busy machine too.
#[derive(Clone, Copy)]
struct Sample {
    wall: Duration,
    cpu: Duration,
}

impl Sample {
    fn median(samples: &[Self]) -> Self {
        let middle = |pick: fn(&Self) -> Duration| {
            let mut times: Vec<_> = samples.iter().map(pick).collect();
            times.sort();
            times[times.len() / 2]
        };
        Self { wall: middle(|sample| sample.wall), cpu: middle(|sample| sample.cpu) }
    }
}

async fn sample(transfer: impl Future<Output = Duration>) -> Sample {
    let before = cpu();
    let wall = transfer.await;
    Sample { wall, cpu: cpu().saturating_sub(before) }
}

/// User and system time of this process, by proc(5); a tick is 10 ms.
fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    let ticks = fields.split_whitespace().skip(11).take(2).map(|field| field.parse::<u64>().unwrap());
    Duration::from_millis(10 * ticks.sum::<u64>())
}

fn report(bytes: u64, samples: &[Sample; 4]) {
    #[expect(clippy::cast_precision_loss, reason = "a rate to print")]
    let mebibytes = bytes as f64 / f64::from(1 << 20);
    let names = [
        "plain TCP copy, no encryption",
        "bulk stream",
        "libp2p-stream, QUIC",
        "libp2p-stream, TCP+noise+yamux",
    ];
    let [tcp, _, quic, _] = samples.map(|sample| sample.wall.as_secs_f64());
    println!("{:<34}{:>9}{:>14}{:>18}{:>14}", "", "MiB/s", "of plain TCP", "of libp2p-stream", "CPU s/GiB");
    for (name, sample) in names.iter().zip(samples) {
        let wall = sample.wall.as_secs_f64();
        let work = sample.cpu.as_secs_f64() * 1024.0 / mebibytes;
        println!(
            "{name:<34}{:>9.0}{:>13.1}%{:>17.2}x{work:>14.2}",
            mebibytes / wall,
            100.0 * tcp / wall,
            quic / wall
        );
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
        limits: windows(Limits::default()),
        secret: secret(number),
        topics: Vec::new(),
        services: Vec::new(),
    };
    Network::start(node).await.unwrap()
}

/// What a connection may have under way; half of it one stream.
fn windows(limits: Limits) -> Limits {
    let mebibytes = setting("ESSAIM_BENCH_WINDOW_MIB", limits.bulk_connection_window.0 >> 20);
    Limits {
        bulk_connection_window: ByteSize::mib(mebibytes),
        bulk_stream_window: ByteSize::mib(mebibytes / 2),
        ..limits
    }
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
