//! What runs in this process: a plain TCP copy, bulk streams, libp2p-stream over both transports.

use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, Instant};

use essaim_identity::SigningKey;
use essaim_network::{Address, BulkStream, Limits, Network, NetworkConfig, Node, NodeSecret, Opening};
use essaim_types::ByteSize;
use futures::future::BoxFuture;
use futures::{AsyncReadExt as _, AsyncWriteExt as _, FutureExt as _, StreamExt};
use libp2p::identity::Keypair;
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId, StreamProtocol, SwarmBuilder, noise, tcp, yamux};
use tokio::fs::File;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::{PIECE, setting};

const PROTOCOL: StreamProtocol = StreamProtocol::new("/bench/1");

/// Nothing but the kernel: no encryption, the same pieces.
pub(crate) async fn plain_tcp(bytes: u64) -> Duration {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let receive = tokio::spawn(async move { drain(listener.accept().await.unwrap().0, bytes).await });
    let begin = Instant::now();
    let mut stream = TcpStream::connect(address).await.unwrap();
    fill(&mut stream, bytes).await;
    receive.await.unwrap();
    begin.elapsed()
}

/// From memory, to nowhere.
pub(crate) async fn bulk(bytes: u64) -> Duration {
    between_nodes(
        async move |mut stream| {
            fill(&mut stream, bytes).await;
            stream.finish().await.unwrap();
            stream
        },
        move |mut stream| {
            let receive = async move {
                drain(&mut stream, bytes).await;
                stream.finish().await.unwrap();
            };
            receive.boxed()
        },
    )
    .await
}

/// From a file to a file, as programs copy that are made for it.
pub(crate) async fn bulk_files(from: &Path, to: &Path) -> Duration {
    let (from, to) = (File::open(from).await.unwrap(), File::create(to).await.unwrap());
    between_nodes(
        async move |mut stream| {
            tokio::io::copy_buf(&mut BufReader::with_capacity(PIECE, from), &mut stream).await.unwrap();
            stream.finish().await.unwrap();
            stream
        },
        move |stream| {
            let receive = async move {
                let (mut stream, mut to) = (BufReader::with_capacity(PIECE, stream), to);
                tokio::io::copy_buf(&mut stream, &mut to).await.unwrap();
                to.flush().await.unwrap();
                stream.into_inner().finish().await.unwrap();
            };
            receive.boxed()
        },
    )
    .await
}

async fn between_nodes(
    send: impl AsyncFnOnce(BulkStream) -> BulkStream,
    receive: impl FnOnce(BulkStream) -> BoxFuture<'static, ()> + Send + 'static,
) -> Duration {
    let (ann, mut bob) = (start(1).await, start(2).await);
    ann.handle.dial(bob.handle.me(), &[Address::quic(bob.listening)]).await.unwrap();
    let receive = tokio::spawn(async move {
        receive(bob.streams.recv().await.unwrap().accept(0).await.unwrap()).await;
        bob
    });
    let stream = ann.handle.open_stream(ann_to_bob(), Opening::new("move".parse().unwrap())).await.unwrap();
    let begin = Instant::now();
    // To be held until the other side is done, or that would see it broken off.
    let _stream = send(stream).await;
    let bob = receive.await.unwrap();
    let took = begin.elapsed();
    ann.handle.shutdown().await;
    bob.handle.shutdown().await;
    took
}

/// libp2p's own streams, from memory, to nowhere.
pub(crate) async fn libp2p_stream(bytes: u64, listen: &str) -> Duration {
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
