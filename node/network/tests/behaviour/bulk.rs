//! Bulk streams between real nodes.

use std::time::Duration;

use bytes::Bytes;
use essaim_network::{BulkStream, IncomingStream, Limits, OpenError, Opening, Progress};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use crate::support::{Peer, description, key, quick, soon, start_again};

pub(crate) fn moving() -> Opening {
    Opening::new("move".parse().unwrap())
}

/// Recognisable everywhere: byte number n depends on n.
pub(crate) fn data(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|n| u8::try_from((n * 31 + n / 251) % 256).unwrap()).collect()
}

pub(crate) async fn two_with(limits: Limits) -> (Peer, Peer) {
    let (ann, bob) =
        (Peer::with(description(1, limits.clone())).await, Peer::with(description(2, limits)).await);
    ann.dial(&bob).await;
    (ann, bob)
}

pub(crate) async fn incoming(peer: &mut Peer) -> IncomingStream {
    soon(peer.streams.recv()).await.unwrap()
}

/// Opened by Ann, accepted by Bob at `offset`.
pub(crate) async fn stream(
    ann: &Peer,
    bob: &mut Peer,
    opening: Opening,
    offset: u64,
) -> (BulkStream, BulkStream) {
    let open = ann.handle.open_stream(bob.handle.me(), opening);
    let accept = async { soon(bob.streams.recv()).await.unwrap().accept(offset).await.unwrap() };
    let (opened, accepted) = soon(async { tokio::join!(open, accept) }).await;
    (opened.unwrap(), accepted)
}

#[tokio::test]
async fn a_stream_carries_bytes_both_ways_and_both_know_who_is_there() {
    let (ann, mut bob) = two_with(quick()).await;
    let opening = Opening { subject: Bytes::from_static(b"alice"), ..moving() };
    let open = ann.handle.open_stream(bob.handle.me(), opening.clone());
    let accept = async {
        let incoming = soon(bob.streams.recv()).await.unwrap();
        assert_eq!((incoming.peer(), incoming.opening()), (key(1), &opening));
        incoming.accept(0).await.unwrap()
    };
    let (opened, mut bobs) = soon(async { tokio::join!(open, accept) }).await;
    let mut anns = opened.unwrap();
    assert_eq!((anns.peer(), bobs.peer()), (key(2), key(1)));

    let sent = data(3 << 20);
    let send = async {
        anns.write_all(&sent).await.unwrap();
        anns.finish().await.unwrap();
        let mut answer = String::new();
        anns.read_to_string(&mut answer).await.unwrap();
        answer
    };
    let receive = async {
        let mut got = Vec::new();
        bobs.read_to_end(&mut got).await.unwrap();
        bobs.write_all(b"durable").await.unwrap();
        bobs.finish().await.unwrap();
        got
    };
    let (answer, got) = soon(async { tokio::join!(send, receive) }).await;
    assert_eq!(answer, "durable");
    assert!(got == sent);
    let length = sent.len() as u64;
    assert_eq!(*anns.progress().borrow(), Progress { sent: length, received: 7 });
    assert_eq!(*bobs.progress().borrow(), Progress { sent: 7, received: length });
}

#[tokio::test]
async fn a_broken_transfer_is_seen_as_broken_and_goes_on_where_it_stopped() {
    let (ann, mut bob) = two_with(quick()).await;
    let whole = data(2 << 20);
    let (mut anns, mut bobs) = stream(&ann, &mut bob, moving(), 0).await;
    // Ann is interrupted after 700,000 bytes.
    let send = async {
        anns.write_all(&whole[..700_000]).await.unwrap();
        // Bob has some of it when it breaks.
        let mut progress = bobs.progress();
        let read = async {
            let mut got = Vec::new();
            let ended = bobs.read_to_end(&mut got).await;
            (got, ended)
        };
        let interrupt = async {
            progress.wait_for(|progress| progress.received >= 300_000).await.unwrap();
            drop(anns);
        };
        tokio::join!(read, interrupt).0
    };
    let (mut got, ended) = soon(send).await;
    assert!(ended.is_err(), "a transfer that was broken off must not look complete");
    assert!(got.len() >= 300_000 && got == whole[..got.len()]);

    // Ann does not know what arrived. Bob does.
    let (mut anns, mut bobs) = stream(&ann, &mut bob, moving(), got.len() as u64).await;
    let offset = usize::try_from(anns.opening().offset).unwrap();
    assert_eq!(offset, got.len());
    let send = async {
        anns.write_all(&whole[offset..]).await.unwrap();
        anns.finish().await.unwrap();
    };
    let receive = async { bobs.read_to_end(&mut got).await.unwrap() };
    soon(async { tokio::join!(send, receive) }).await;
    assert!(got == whole);
}

#[tokio::test]
async fn whoever_reads_may_propose_the_offset_too() {
    let (ann, mut bob) = two_with(quick()).await;
    let open = ann.handle.open_stream(key(2), Opening { offset: 1 << 40, ..moving() });
    let accept = async {
        let incoming = soon(bob.streams.recv()).await.unwrap();
        let offset = incoming.opening().offset;
        incoming.accept(offset).await.unwrap()
    };
    let (opened, accepted) = soon(async { tokio::join!(open, accept) }).await;
    assert_eq!((opened.unwrap().opening().offset, accepted.opening().offset), (1 << 40, 1 << 40));
}

#[tokio::test]
async fn another_key_at_the_bulk_endpoint_is_refused() {
    let (ann, bob) = two_with(quick()).await;
    let refused = soon(ann.handle.open_stream_at(key(9), bob.handle.bulk_address(), moving())).await;
    assert!(matches!(refused, Err(OpenError::WrongPeer { peer }) if peer == key(9)), "{refused:?}");
    let opened = async {
        let right = ann.handle.open_stream_at(key(2), bob.handle.bulk_address(), moving());
        tokio::time::timeout(Duration::from_millis(50), right).await
    };
    assert!(opened.await.is_err(), "it waits for Bob's yes");
}

#[tokio::test]
async fn a_libp2p_endpoint_is_not_a_bulk_endpoint() {
    let (ann, bob) = two_with(quick()).await;
    let refused = soon(ann.handle.open_stream_at(key(2), bob.listening, moving())).await;
    assert!(matches!(refused, Err(OpenError::Failed { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_blocked_peer_gets_no_stream_and_loses_those_it_has() {
    let (ann, mut bob) = two_with(quick()).await;
    let (anns, mut bobs) = stream(&ann, &mut bob, moving(), 0).await;
    bob.handle.block(key(1)).await.unwrap();
    let mut byte = [0];
    assert!(soon(bobs.read(&mut byte)).await.is_err());
    drop(anns);
    let place = bob.handle.bulk_address();
    let refused = soon(ann.handle.open_stream_at(key(2), place, moving())).await;
    assert!(matches!(refused, Err(OpenError::Unwanted { .. })), "{refused:?}");
    assert_eq!(bob.handle.counts().bulk_connections_refused, 1);
    let refused = soon(bob.handle.open_stream_at(key(1), ann.handle.bulk_address(), moving())).await;
    assert!(matches!(refused, Err(OpenError::Blocked { .. })), "{refused:?}");
}

#[tokio::test]
async fn a_refused_stream_is_told_with_its_purpose() {
    let (ann, mut bob) = two_with(quick()).await;
    for dropped in [false, true] {
        let open = ann.handle.open_stream(key(2), moving());
        let refuse = async {
            let incoming = soon(bob.streams.recv()).await.unwrap();
            match dropped {
                true => drop(incoming),
                false => incoming.refuse(),
            }
        };
        let (opened, ()) = soon(async { tokio::join!(open, refuse) }).await;
        let error = opened.unwrap_err();
        assert!(
            matches!(&error, OpenError::Refused { purpose, .. } if purpose.as_str() == "move"),
            "{error}"
        );
        assert!(!error.is_temporary());
    }
}

#[tokio::test]
async fn a_stranger_to_the_swarm_must_be_dialled_first() {
    let ann = Peer::start(1).await;
    let error = ann.handle.open_stream(key(2), moving()).await.unwrap_err();
    assert!(matches!(error, OpenError::Locate { .. }) && error.is_temporary());
}

#[tokio::test]
async fn the_called_side_opens_streams_on_the_same_connection() {
    let (mut ann, mut bob) = two_with(quick()).await;
    let _first = stream(&ann, &mut bob, moving(), 0).await;
    let (anns, bobs) = {
        let open = bob.handle.open_stream(key(1), moving());
        let accept = async { incoming(&mut ann).await.accept(0).await.unwrap() };
        let (opened, accepted) = soon(async { tokio::join!(open, accept) }).await;
        (accepted, opened.unwrap())
    };
    assert_eq!((anns.peer(), bobs.peer()), (key(2), key(1)));
}

#[tokio::test]
async fn a_peer_that_crashed_gets_a_new_connection() {
    let mut ann = Peer::start(1).await;
    // Bob's runtime goes away under him: nothing of his says goodbye.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut bob = soon(runtime.spawn(Peer::start(2))).await.unwrap();
    ann.handle.keep(key(2), vec![bob.tcp()]).await.unwrap();
    ann.connected(key(2)).await;
    let (_anns, bobs) = stream(&ann, &mut bob, moving(), 0).await;
    let (listen, place) = (bob.listening, bob.handle.bulk_address());
    runtime.shutdown_background();
    // Only the socket is in them still; what would send is gone.
    drop((bob, bobs));
    ann.disconnected(key(2)).await;

    let mut again = description(2, quick());
    again.listen = listen;
    again.config.bulk_port = Some(place.port());
    let mut bob = Peer::from(start_again(&again).await);
    ann.connected(key(2)).await;
    let begin = Instant::now();
    let _second = stream(&ann, &mut bob, moving(), 0).await;
    assert!(begin.elapsed() < quick().bulk_setup, "{:?}", begin.elapsed());
}

#[tokio::test]
async fn the_last_handle_ends_bulk_too() {
    let (ann, mut bob) = two_with(quick()).await;
    let (mut anns, _bobs) = stream(&ann, &mut bob, moving(), 0).await;
    drop(bob.handle);
    let error = soon(anns.read_u8()).await.unwrap_err();
    assert_ne!(error.kind(), std::io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn shutdown_breaks_streams_off() {
    let (ann, mut bob) = two_with(quick()).await;
    let (_anns, mut bobs) = stream(&ann, &mut bob, moving(), 0).await;
    ann.handle.shutdown().await;
    assert!(soon(bobs.read_u8()).await.is_err());
}
