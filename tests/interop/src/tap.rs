//! A door beside that of a server: what goes through is counted.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

/// Connections to its address go to the server. It stays open as long as the test runs.
#[derive(Debug)]
pub struct Tap {
    address: SocketAddr,
    counts: Arc<[AtomicU64; 2]>,
}

impl Tap {
    /// Before this server.
    ///
    /// # Panics
    /// If no port can be had.
    pub fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("a bound socket has an address");
        let counts: Arc<[AtomicU64; 2]> = Arc::default();
        let counted = Arc::clone(&counts);
        thread::spawn(move || {
            for client in listener.incoming() {
                let _ = client.and_then(|client| join(&client, server, &counted));
            }
        });
        Self { address, counts }
    }

    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Bytes from clients and to them since the last time, TLS included.
    pub fn take(&self) -> (u64, u64) {
        let [up, down] = &*self.counts;
        (up.swap(0, Ordering::SeqCst), down.swap(0, Ordering::SeqCst))
    }
}

fn join(client: &TcpStream, server: SocketAddr, counts: &Arc<[AtomicU64; 2]>) -> io::Result<()> {
    let server = TcpStream::connect(server)?;
    for (from, to, way) in [(client.try_clone()?, server.try_clone()?, 0), (server, client.try_clone()?, 1)] {
        let counts = Arc::clone(counts);
        thread::spawn(move || pass(from, to, counts.get(way)));
    }
    Ok(())
}

fn pass(mut from: TcpStream, mut to: TcpStream, count: Option<&AtomicU64>) {
    let mut piece = vec![0; 16 << 10];
    while let Ok(length) = from.read(&mut piece) {
        let Some(bytes) = piece.get(..length).filter(|bytes| !bytes.is_empty()) else { break };
        if let Some(count) = count {
            count.fetch_add(length as u64, Ordering::SeqCst);
        }
        if to.write_all(bytes).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}
