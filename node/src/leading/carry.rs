//! Bytes of one session both ways, until one side ends it: between a client, or a conversation, and the other node.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use essaim_migration::leading::Flow;
use essaim_migration::leading::flow::{PIECE_MAX, Piece};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

/// Carries until an end, and ends the other side in order. `ahead` came from the client before; it goes first.
pub(super) async fn carry(
    client: impl AsyncRead + AsyncWrite + Unpin,
    node: impl AsyncRead + AsyncWrite + Unpin,
    ahead: Bytes,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let (from_client, mut to_client) = tokio::io::split(client);
    let (mut from_node, mut to_node) = tokio::io::split(node);
    let shared = Shared::default();
    let ended = tokio::select! {
        ended = outward(ahead.chain(from_client), &mut to_node, &shared) => ended,
        ended = inward(&mut from_node, &mut to_client, &shared) => ended,
        () = stop => Ok(()),
    };
    // Whichever is left hears that there is no more. What was said is on its way.
    let (_, _) = tokio::join!(to_node.shutdown(), to_client.shutdown());
    ended
}

/// Both directions know what both have moved.
#[derive(Default)]
struct Shared {
    flow: Mutex<Flow>,
    changed: Notify,
}

impl Shared {
    fn flow(&self) -> MutexGuard<'_, Flow> {
        self.flow.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The only writer to the node: what the client says, as far as there is room, and what was handed on to it.
async fn outward(
    mut from: impl AsyncRead + Unpin,
    to: &mut (impl AsyncWrite + Unpin),
    shared: &Shared,
) -> io::Result<()> {
    let mut piece = vec![0; PIECE_MAX];
    let mut spoken = Instant::now();
    loop {
        let owing = shared.flow().is_owing();
        if owing || spoken.elapsed() >= STILL_HERE {
            let head = shared.flow().tell();
            to.write_all(&head).await?;
            spoken = Instant::now();
            continue;
        }
        let room = shared.flow().room();
        let space = piece.get_mut(..room).unwrap_or_default();
        tokio::select! {
            read = from.read(space), if room > 0 => match read? {
                0 => return Ok(()),
                length => {
                    let head = shared.flow().send(length);
                    to.write_all(&head).await?;
                    to.write_all(piece.get(..length).unwrap_or_default()).await?;
                    spoken = Instant::now();
                }
            },
            () = shared.changed.notified() => {}
            () = sleep_until(spoken + STILL_HERE) => {}
        }
    }
}

/// What the node says: bytes for the client, and how much of ours was handed on there.
async fn inward(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    shared: &Shared,
) -> io::Result<()> {
    let mut buffer = vec![0; PIECE_MAX];
    loop {
        let mut head = [0; 4];
        if from.read(head.get_mut(..1).unwrap_or_default()).await? == 0 {
            return Ok(());
        }
        from.read_exact(head.get_mut(1..).unwrap_or_default()).await?;
        let heard = shared.flow().hear(head).map_err(io::Error::other)?;
        let Piece::Bytes(mut left) = heard else {
            shared.changed.notify_one();
            continue;
        };
        while left > 0 {
            let space = left.min(buffer.len());
            let length = from.read(buffer.get_mut(..space).unwrap_or_default()).await?;
            if length == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            to.write_all(buffer.get(..length).unwrap_or_default()).await?;
            left -= length;
            if shared.flow().taken(length) {
                shared.changed.notify_one();
            }
        }
        to.flush().await?;
    }
}

/// A session in which nobody says anything is kept open by this: the stream and the connection between the nodes end after a minute of silence.
const STILL_HERE: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use std::future::pending;

    use essaim_migration::leading::flow::WINDOW;
    use tokio::io::duplex;
    use tokio::task::JoinHandle;

    use super::*;

    struct Carried {
        client: tokio::io::DuplexStream,
        server: tokio::io::DuplexStream,
        ends: [JoinHandle<io::Result<()>>; 2],
    }

    /// A client, two nodes, a server.
    fn carried(ahead: &'static [u8]) -> Carried {
        let (client, old) = duplex(1024);
        let (server, new) = duplex(1024);
        // What lies between the nodes takes whatever it is given: the flow alone must bound it.
        let (one, other) = duplex(64 << 20);
        let ends = [
            tokio::spawn(carry(old, one, Bytes::from_static(ahead), pending())),
            tokio::spawn(carry(new, other, Bytes::new(), pending())),
        ];
        Carried { client, server, ends }
    }

    #[tokio::test]
    async fn what_was_sent_ahead_goes_first_and_an_end_ends_both() {
        let mut between = carried(b"a SELECT");
        between.client.write_all(b" INBOX\r\n").await.unwrap();
        let mut heard = [0; 16];
        between.server.read_exact(&mut heard).await.unwrap();
        assert_eq!(&heard, b"a SELECT INBOX\r\n");
        between.server.write_all(b"* BYE\r\n").await.unwrap();
        drop(between.server);
        let mut told = Vec::new();
        between.client.read_to_end(&mut told).await.unwrap();
        assert_eq!(told, b"* BYE\r\n");
        for end in between.ends {
            end.await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn megabytes_go_both_ways_at_once() {
        let Carried { client, server, .. } = carried(b"");
        let much: Vec<u8> = (0..3_000_000_u32).map(|n| n.to_le_bytes()[0] ^ n.to_le_bytes()[1]).collect();
        let both = [client, server].map(|side| {
            let much = much.clone();
            tokio::spawn(async move {
                let (mut read, mut write) = tokio::io::split(side);
                let expected = much.clone();
                let (sent, got) = tokio::join!(async move { write.write_all(&much).await }, async move {
                    let mut got = vec![0; expected.len()];
                    read.read_exact(&mut got).await.map(|_| got == expected)
                });
                sent.unwrap();
                got.unwrap()
            })
        });
        for side in both {
            assert!(side.await.unwrap());
        }
    }

    #[tokio::test]
    async fn a_client_that_does_not_read_holds_one_window_between_the_nodes() {
        let mut between = carried(b"");
        let mut taken = 0;
        let full = async {
            loop {
                taken += between.server.write(&[7; 1024]).await.unwrap();
            }
        };
        tokio::time::timeout(Duration::from_millis(300), full).await.unwrap_err();
        // The window, and the two pipes of 1 KiB with what is in hand.
        assert!((WINDOW..=WINDOW + 4 * PIECE_MAX).contains(&taken), "{taken}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_session_says_that_it_is_there() {
        let (_client, old) = duplex(1024);
        let (one, mut other) = duplex(1024);
        tokio::spawn(carry(old, one, Bytes::new(), pending()));
        let mut head = [0; 4];
        for _ in 0..3 {
            other.read_exact(&mut head).await.unwrap();
            assert_eq!(head, [0x80, 0, 0, 0]);
        }
    }

    #[tokio::test]
    async fn a_node_that_says_more_than_it_may_is_cut_off() {
        let (_client, old) = duplex(1024);
        let (one, mut other) = duplex(1024);
        let carried = tokio::spawn(carry(old, one, Bytes::new(), pending()));
        other.write_all(&u32::try_from(WINDOW + 1).unwrap().to_be_bytes()).await.unwrap();
        assert!(carried.await.unwrap().unwrap_err().to_string().contains("window"));
    }
}
