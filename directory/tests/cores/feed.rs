//! A directory that is told records in a chosen order, by the way of a comparison: there is no pace on that.

use essaim_directory::message::{Answer, Request, Summary};
use essaim_directory::wire::{Topic, Wire, topic_of};
use essaim_directory::{Directory, Input, Output, Policy};
use essaim_identity::PublicKey;
use essaim_types::{ListingId, Timestamp};

use crate::net::key;

/// A new directory that has been told these records, the first entry of the keyring before all others: without it nothing can be
/// judged, and what comes for an unknown listing is not kept but asked for.
pub(crate) fn feed(now: Timestamp, listing: ListingId, records: &[Vec<u8>]) -> Directory {
    let mut core = Directory::new(Policy::default(), [3; 32]);
    let first = |record: &&Vec<u8>| match Wire::parse(record) {
        Ok(Wire::Keyring(_, entry)) => entry.claims().number.0 == 0,
        _ => false,
    };
    let genesis = records.iter().filter(first).cloned();
    page(&mut core, now, key("first").public(), listing, &genesis.collect::<Vec<_>>());
    page(&mut core, now, key("peer").public(), listing, records);
    core
}

/// Tells a directory these records in a peer's answer.
pub(crate) fn page(
    core: &mut Directory,
    now: Timestamp,
    peer: PublicKey,
    listing: ListingId,
    records: &[Vec<u8>],
) -> Vec<Output> {
    let mut kept = Vec::new();
    let mut outputs = core.handle(now, Input::Connected(peer));
    loop {
        let ask = outputs.iter().find_map(|output| match output {
            Output::Ask { ask, request, peer: to } if *to == peer => {
                Some((*ask, Request::parse(request).unwrap()))
            }
            _ => None,
        });
        kept.extend(outputs);
        let Some((ask, request)) = ask else { break };
        let answer = match request {
            Request::Root(_) => Answer::Buckets(vec![0xff; 2048].into()),
            Request::Summaries { .. } => {
                Answer::Summaries { summaries: vec![Summary { listing, digest: [0; 16] }], next: None }
            }
            Request::Records(names) => {
                let complete = u32::try_from(names.len()).unwrap();
                Answer::Records { records: records.iter().cloned().map(Into::into).collect(), complete }
            }
        };
        outputs = core.handle(now, Input::Answered { ask, answer: answer.to_bytes() });
    }
    kept.extend(core.handle(now, Input::Disconnected(peer)));
    kept.retain(|output| !matches!(output, Output::Ask { .. }));
    kept
}

/// The records that are gossiped in these outputs, without signs of life.
pub(crate) fn records_in(outputs: &[Output]) -> Vec<Vec<u8>> {
    let gossiped = outputs.iter().filter_map(|output| match output {
        Output::Gossip { bytes, .. } if topic_of(bytes) != Topic::Beats => Some(bytes.clone()),
        _ => None,
    });
    gossiped.collect()
}

/// Nothing waits.
pub(crate) fn settled(core: &Directory) -> bool {
    core.numbers(Timestamp(0)).parked == 0
}
