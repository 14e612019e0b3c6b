//! Requests and answers between real nodes.

use std::time::Duration;

use bytes::Bytes;
use essaim_network::{Limits, ReplyError, RequestError};

use crate::support::{Peer, description, key, quick, soon, sync};

async fn two(limits: Limits) -> (Peer, Peer) {
    let (mut ann, bob) =
        (Peer::with(description(1, limits.clone())).await, Peer::with(description(2, limits)).await);
    ann.dial(&bob).await;
    ann.connected(bob.key()).await;
    (ann, bob)
}

#[tokio::test]
async fn a_request_is_answered() {
    let (ann, mut bob) = two(quick()).await;
    let asked = ann.handle.request(bob.key(), sync(), Bytes::from_static(b"digest?"));
    let answer = async {
        let request = bob.request().await;
        assert_eq!((request.peer, request.service, &request.body[..]), (ann.key(), sync(), &b"digest?"[..]));
        request.reply.send(Bytes::from_static(b"digest!")).unwrap();
    };
    let (answer, ()) = soon(async { tokio::join!(asked, answer) }).await;
    assert_eq!(answer, Ok(Bytes::from_static(b"digest!")));
}

#[tokio::test]
async fn the_largest_request_and_answer_pass_and_a_larger_one_is_refused_here() {
    let (ann, mut bob) = two(quick()).await;
    let largest = Bytes::from(vec![1; quick().request_bytes]);
    let asked = ann.handle.request(bob.key(), sync(), largest.clone());
    let answer = async {
        let request = bob.request().await;
        request.reply.send(request.body).unwrap();
    };
    let (answer, ()) = soon(async { tokio::join!(asked, answer) }).await;
    assert_eq!(answer, Ok(largest.clone()));

    let limit = quick().request_bytes;
    let larger = Bytes::from(vec![1; limit + 1]);
    let refused = ann.handle.request(bob.key(), sync(), larger.clone()).await;
    assert_eq!(refused, Err(RequestError::TooLarge { size: limit + 1, limit }));

    let asked = ann.handle.request(bob.key(), sync(), Bytes::new());
    let answer = async {
        let refused = bob.request().await.reply.send(larger);
        assert_eq!(refused, Err(ReplyError::TooLarge { size: limit + 1, limit }));
    };
    let (answer, ()) = soon(async { tokio::join!(asked, answer) }).await;
    assert_eq!(answer, Err(RequestError::Refused { peer: bob.key(), service: sync() }));
}

#[tokio::test]
async fn a_request_that_is_not_answered_times_out() {
    let (ann, mut bob) = two(Limits { request_timeout: Duration::from_secs(1), ..quick() }).await;
    let asked = ann.handle.request(bob.key(), sync(), Bytes::new());
    let (answer, request) = soon(async { tokio::join!(asked, bob.request()) }).await;
    let error = answer.unwrap_err();
    // Bob's own timeout refuses at the same moment; either may be first.
    let refused = RequestError::Refused { peer: bob.key(), service: sync() };
    assert!(error == RequestError::TimedOut { peer: bob.key() } || error == refused, "{error}");
    drop(request);
    // The place is free again.
    let asked = ann.handle.request(bob.key(), sync(), Bytes::new());
    let answer = async { bob.request().await.reply.send(Bytes::new()).unwrap() };
    assert_eq!(soon(async { tokio::join!(asked, answer) }).await.0, Ok(Bytes::new()));
}

#[tokio::test]
async fn a_caller_may_wait_for_less() {
    let (ann, mut bob) = two(quick()).await;
    let wait = Duration::from_millis(50);
    let asked = ann.handle.request_within(bob.key(), sync(), Bytes::new(), wait);
    assert_eq!(soon(asked).await, Err(RequestError::TimedOut { peer: bob.key() }));
    drop(bob.request().await);
}

#[tokio::test]
async fn a_dropped_or_refused_request_is_told() {
    let (ann, mut bob) = two(quick()).await;
    let refused = Err(RequestError::Refused { peer: bob.key(), service: sync() });
    let asked = ann.handle.request(bob.key(), sync(), Bytes::new());
    let (answer, ()) = soon(async { tokio::join!(asked, async { drop(bob.request().await) }) }).await;
    assert_eq!(answer, refused);
    let asked = ann.handle.request(bob.key(), sync(), Bytes::new());
    let (answer, ()) =
        soon(async { tokio::join!(asked, async { bob.request().await.reply.refuse() }) }).await;
    assert_eq!(answer, refused);
}

#[tokio::test]
async fn an_unknown_service_and_a_stranger_are_told_apart() {
    let (ann, bob) = two(quick()).await;
    let service = "unknown/1".parse::<essaim_network::Service>().unwrap();
    let refused = ann.handle.request(bob.key(), service.clone(), Bytes::new()).await;
    assert_eq!(refused, Err(RequestError::UnknownService { peer: bob.key(), service }));
    assert_eq!(bob.handle.counts().requests_unknown, 1);
    let stranger = ann.handle.request(key(9), sync(), Bytes::new()).await.unwrap_err();
    assert_eq!(stranger, RequestError::NotConnected { peer: key(9) });
    assert!(stranger.is_temporary());
}

#[tokio::test]
async fn requests_out_per_peer_bounds_what_waits() {
    let (ann, mut bob) = two(Limits { requests_out_per_peer: 2, ..quick() }).await;
    let ask = || ann.handle.request(bob.handle.me(), sync(), Bytes::new());
    let asked = async { tokio::join!(ask(), ask(), ask()) };
    let mut asked = std::pin::pin!(asked);
    let mut requests = Vec::new();
    while requests.len() < 2 {
        tokio::select! {
            _ = &mut asked => panic!("nobody has answered"),
            event = bob.events.recv() => if let Some(essaim_network::Event::Request(request)) = event {
                requests.push(request);
            },
        }
    }
    for request in requests {
        request.reply.send(Bytes::new()).unwrap();
    }
    let (one, two, three) = soon(asked).await;
    let busy = [one, two, three].into_iter().filter_map(Result::err).collect::<Vec<_>>();
    assert_eq!(busy, [RequestError::Busy { peer: bob.key() }]);
}

#[tokio::test]
async fn requests_out_and_requests_in_bound_all_peers_together() {
    let (ann, bob) = two(Limits { requests_out: 0, ..quick() }).await;
    let refused = ann.handle.request(bob.key(), sync(), Bytes::new()).await;
    assert_eq!(refused, Err(RequestError::Busy { peer: bob.key() }));
    let (ann, bob) = two(Limits { requests_in: 0, ..quick() }).await;
    let refused = ann.handle.request(bob.key(), sync(), Bytes::new()).await;
    assert_eq!(refused, Err(RequestError::PeerBusy { peer: bob.key() }));
}

#[tokio::test]
async fn requests_in_per_peer_bounds_what_one_peer_may_ask() {
    let mut ann = Peer::start(1).await;
    let mut bob = Peer::with(description(2, Limits { requests_in_per_peer: 1, ..quick() })).await;
    ann.dial(&bob).await;
    ann.connected(bob.key()).await;
    let to = bob.key();
    let first = tokio::spawn({
        let handle = ann.handle.clone();
        async move { handle.request(to, sync(), Bytes::new()).await }
    });
    let held = bob.request().await;
    let second = ann.handle.request(to, sync(), Bytes::new()).await;
    assert_eq!(second, Err(RequestError::PeerBusy { peer: to }));
    assert_eq!(bob.handle.counts().requests_busy, 1);
    held.reply.send(Bytes::from_static(b"done")).unwrap();
    assert_eq!(soon(first).await.unwrap(), Ok(Bytes::from_static(b"done")));
}

#[tokio::test]
async fn a_peer_that_goes_away_fails_the_request() {
    let (ann, mut bob) = two(quick()).await;
    let to = bob.key();
    let asked = ann.handle.request(to, sync(), Bytes::new());
    let leave = async {
        let request = bob.request().await;
        bob.handle.shutdown().await;
        drop(request);
    };
    let (answer, ()) = soon(async { tokio::join!(asked, leave) }).await;
    assert!(matches!(answer, Err(RequestError::Failed { .. } | RequestError::TimedOut { .. })), "{answer:?}");
}
