//! The limits of bulk streams and connections.

use std::time::Duration;

use essaim_network::{Limits, OpenError, Opening};
use essaim_types::ByteSize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

use crate::bulk::{data, incoming, moving, stream, two_with};
use crate::support::{Peer, description, key, quick, soon, start_again};

#[tokio::test]
async fn bulk_waiting_refuses_what_the_owner_does_not_take() {
    let (ann, mut bob) = two_with(Limits { bulk_waiting: 1, ..quick() }).await;
    let waiting = tokio::spawn({
        let handle = ann.handle.clone();
        async move { handle.open_stream(key(2), moving()).await }
    });
    // The first one waits: from now on the place is taken.
    soon(async {
        while bob.streams.is_empty() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    let busy = soon(ann.handle.open_stream(key(2), moving())).await.unwrap_err();
    assert!(matches!(busy, OpenError::Busy { .. }) && busy.is_temporary(), "{busy}");
    assert_eq!(bob.handle.counts().bulk_streams_busy, 1);
    let _bobs = incoming(&mut bob).await.accept(0).await.unwrap();
    assert!(soon(waiting).await.unwrap().is_ok());
}

#[tokio::test]
async fn bulk_subject_bounds_the_opening() {
    let (ann, bob) = two_with(quick()).await;
    let limit = quick().bulk_subject;
    let opening = Opening { subject: vec![0; limit + 1].into(), ..moving() };
    let error = ann.handle.open_stream_at(key(2), bob.handle.bulk_address(), opening).await.unwrap_err();
    assert!(matches!(error, OpenError::SubjectTooLarge { size, .. } if size == limit + 1), "{error}");
}

#[tokio::test]
async fn bulk_connections_and_bulk_connections_per_peer_bound_what_is_let_in() {
    for limits in [
        Limits { bulk_connections: 0, ..quick() },
        Limits { bulk_connections_per_peer: 0, ..quick() },
        Limits { bulk_handshakes: 0, ..quick() },
    ] {
        let ann = Peer::start(1).await;
        let bob = Peer::with(description(2, limits)).await;
        let error =
            soon(ann.handle.open_stream_at(key(2), bob.handle.bulk_address(), moving())).await.unwrap_err();
        assert!(matches!(error, OpenError::Busy { .. }), "{error:?}");
        soon(async {
            while bob.handle.counts().bulk_connections_refused == 0 {
                tokio::task::yield_now().await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn bulk_setup_and_bulk_decision_end_the_waiting() {
    let short = Duration::from_millis(100);
    let ann = Peer::with(description(1, Limits { bulk_setup: short, bulk_decision: short, ..quick() })).await;
    let bob = Peer::start(2).await;
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    for place in [silent.local_addr().unwrap(), bob.handle.bulk_address()] {
        let error = soon(ann.handle.open_stream_at(key(2), place, moving())).await.unwrap_err();
        let OpenError::Failed { source, .. } = error else { panic!("{error}") };
        assert_eq!(source.kind(), std::io::ErrorKind::TimedOut);
    }
}

#[tokio::test]
async fn streams_opened_at_once_share_one_connection() {
    let (ann, mut bob) = two_with(Limits { bulk_connections_per_peer: 1, ..quick() }).await;
    let open = || ann.handle.open_stream(key(2), moving());
    let opening = async { tokio::join!(open(), open(), open(), open()) };
    let accept = async {
        let mut accepted = Vec::new();
        for _ in 0..4 {
            accepted.push(incoming(&mut bob).await.accept(0).await.unwrap());
        }
        accepted
    };
    let ((one, two, three, four), _accepted) = soon(async { tokio::join!(opening, accept) }).await;
    for opened in [one, two, three, four] {
        opened.unwrap();
    }
}

#[tokio::test]
async fn bulk_streams_makes_the_opener_wait() {
    let (ann, mut bob) = two_with(Limits { bulk_streams: 1, ..quick() }).await;
    let (anns, bobs) = stream(&ann, &mut bob, moving(), 0).await;
    let second = ann.handle.open_stream(key(2), moving());
    let mut second = std::pin::pin!(second);
    assert!(tokio::time::timeout(Duration::from_millis(100), &mut second).await.is_err());
    assert!(bob.streams.is_empty());
    drop((anns, bobs));
    let accept = async { incoming(&mut bob).await.accept(0).await.unwrap() };
    assert!(soon(async { tokio::join!(second, accept) }).await.0.is_ok());
}

/// A peer that crashed: a stream is opened on a connection on which nothing will ever come.
#[tokio::test]
async fn bulk_silence_is_how_long_a_connection_without_a_sound_is_believed() {
    for (silence, is_given_up) in [(Duration::from_millis(100), true), (Duration::from_secs(3600), false)] {
        let limits = Limits { bulk_silence: silence, ..quick() };
        let mut ann = Peer::with(description(1, limits)).await;
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let mut bob = soon(runtime.spawn(Peer::start(2))).await.unwrap();
        ann.handle.keep(key(2), vec![bob.tcp()]).await.unwrap();
        ann.connected(key(2)).await;
        let (_anns, bobs) = stream(&ann, &mut bob, moving(), 0).await;
        let (listen, place) = (bob.listening, bob.handle.bulk_address());
        runtime.shutdown_background();
        drop((bob, bobs));
        ann.disconnected(key(2)).await;
        let mut again = description(2, quick());
        again.listen = listen;
        again.config.bulk_port = Some(place.port());
        let mut bob = Peer::from(start_again(&again).await);
        ann.connected(key(2)).await;
        let open = tokio::time::timeout(Duration::from_secs(2), ann.handle.open_stream(key(2), moving()));
        let accept = async { bob.streams.recv().await.unwrap().accept(0).await.unwrap() };
        tokio::select! {
            (opened, _bobs) = async { tokio::join!(ann.handle.open_stream(key(2), moving()), accept) }, if is_given_up => {
                opened.unwrap();
            }
            late = open, if !is_given_up => assert!(late.is_err(), "it waits on the old connection"),
            () = soon(std::future::pending()) => {}
        }
    }
}

/// Whoever thinks before it accepts sends acknowledgements: it is not dead, and is not asked twice.
#[tokio::test]
async fn bulk_silence_does_not_end_what_is_slow() {
    let (ann, mut bob) = two_with(Limits { bulk_silence: Duration::from_millis(50), ..quick() }).await;
    let (_anns, _bobs) = stream(&ann, &mut bob, moving(), 0).await;
    let second = ann.handle.open_stream(key(2), moving());
    let decide = async {
        let waiting = incoming(&mut bob).await;
        let thought = Duration::from_millis(500);
        assert!(tokio::time::timeout(thought, bob.streams.recv()).await.is_err(), "asked once");
        waiting.accept(0).await.unwrap()
    };
    let (opened, _accepted) = soon(async { tokio::join!(second, decide) }).await;
    opened.unwrap();
}

#[tokio::test]
async fn bulk_idle_ends_a_silent_stream() {
    // The connection has the same limit, so it must be long enough for a busy machine to open a stream.
    let idle = Duration::from_secs(1);
    let mut ann = Peer::with(description(1, Limits { bulk_idle: idle, ..quick() })).await;
    let mut bob = Peer::start(2).await;
    ann.befriend(&mut bob).await;
    let (mut anns, _bobs) = stream(&ann, &mut bob, moving(), 0).await;
    let error = soon(anns.read_u8()).await.unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn bulk_total_ends_a_busy_stream() {
    let total = Duration::from_millis(300);
    let mut ann = Peer::with(description(1, Limits { bulk_total: total, ..quick() })).await;
    let mut bob = Peer::start(2).await;
    ann.befriend(&mut bob).await;
    let (mut anns, mut bobs) = stream(&ann, &mut bob, moving(), 0).await;
    let send = async {
        let piece = vec![0; 1 << 10];
        loop {
            if let Err(error) = anns.write_all(&piece).await {
                drop(anns);
                return error;
            }
            tokio::task::yield_now().await;
        }
    };
    let receive = async {
        let mut piece = vec![0; 64 << 10];
        while bobs.read(&mut piece).await.is_ok_and(|read| read > 0) {}
    };
    let (error, ()) = soon(async { tokio::join!(send, receive) }).await;
    assert_eq!(error.kind(), std::io::ErrorKind::TimedOut);
}

#[tokio::test]
async fn a_reader_that_does_not_read_stops_the_writer_within_the_windows() {
    let window = ByteSize::kib(64);
    let limits = Limits { bulk_stream_window: window, bulk_connection_window: window, ..quick() };
    let (ann, mut bob) = two_with(limits).await;
    let (mut anns, mut bobs) = stream(&ann, &mut bob, moving(), 0).await;
    let progress = anns.progress();
    let whole = data(4 << 20);
    let mut send = std::pin::pin!(async {
        anns.write_all(&whole).await.unwrap();
        anns.finish().await.unwrap();
    });
    assert!(tokio::time::timeout(Duration::from_millis(500), &mut send).await.is_err());
    let stuck_at = progress.borrow().sent;
    assert!(stuck_at <= 3 * window.0, "{stuck_at} bytes were taken while nobody read");
    let mut got = Vec::new();
    soon(async { tokio::join!(send, bobs.read_to_end(&mut got)) }).await.1.unwrap();
    assert!(got == whole);
}

#[tokio::test]
async fn rate_caps_hold_over_all_streams_together() {
    let rate = ByteSize::kib(512);
    for upload in [true, false] {
        let (mut sender, mut receiver) = (description(1, quick()), description(2, quick()));
        match upload {
            true => sender.config.bulk_upload_per_second = Some(rate),
            false => receiver.config.bulk_download_per_second = Some(rate),
        }
        let (mut ann, mut bob) = (Peer::with(sender).await, Peer::with(receiver).await);
        ann.befriend(&mut bob).await;
        let (mut one, mut one_out) = stream(&ann, &mut bob, moving(), 0).await;
        let (mut two, mut two_out) = stream(&ann, &mut bob, moving(), 0).await;
        let half = data(256 << 10);
        let begin = Instant::now();
        let send = async {
            tokio::try_join!(one.write_all(&half), two.write_all(&half)).unwrap();
            tokio::try_join!(one.finish(), two.finish()).unwrap();
        };
        let (mut got_one, mut got_two) = (Vec::new(), Vec::new());
        let receive = async {
            tokio::try_join!(one_out.read_to_end(&mut got_one), two_out.read_to_end(&mut got_two)).unwrap();
        };
        soon(async { tokio::join!(send, receive) }).await;
        let took = begin.elapsed();
        assert!(got_one == half && got_two == half);
        assert!(took >= Duration::from_millis(850), "512 KiB at 512 KiB/s took {took:?}");
    }
}
