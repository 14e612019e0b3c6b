//! A newcomer learns everything from one peer; then it is asked.
#![expect(clippy::unwrap_used, reason = "what is made here is right")]
#![expect(unsafe_code, reason = "a counting allocator")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use essaim_directory::document::Edit;
use essaim_directory::query::{Filter, Near, PageRequest};
use essaim_directory::{Directory, DomainOutcome, Input, Origin, Output, Policy};
use essaim_identity::PublicKey;
use essaim_sim::hoster::{genesis, node_key};
use essaim_types::Timestamp;

struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        HELD.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: as our caller promised.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: as our caller promised.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Listings after which buffers and caches have found their size.
const WARM: usize = 300;
const NOW: Timestamp = Timestamp(1_800_000_000_000);

#[test]
fn a_newcomer_learns_all_listings_from_one_peer_and_answers_queries() {
    let listings = if std::env::var_os("ESSAIM_LONG").is_some() { 10_000 } else { 1_000 };
    let told: Vec<Vec<Vec<u8>>> = (0..listings).map(records_of).collect();
    let mut old = Directory::new(Policy::default(), [1; 32]);
    let (mut before, begin) = (0, Instant::now());
    for (at, records) in told.iter().enumerate() {
        if at == WARM {
            before = HELD.load(Ordering::Relaxed);
        }
        records.iter().for_each(|record| tell(&mut old, record));
    }
    println!("{}", rates(told.iter().map(Vec::len).sum(), begin.elapsed()));
    let held = old.numbers(NOW);
    assert_eq!((held.listings, held.quarantined), (listings, 0));
    let each = (HELD.load(Ordering::Relaxed) - before) / (listings - WARM);
    println!("a listing takes {each} bytes of memory, {} MiB for 10,000", each * 10_000 / 1_048_576);
    assert!(each * 10_000 <= 64 * 1_048_576, "{each}");

    let mut new = Directory::new(Policy::default(), [2; 32]);
    let (bytes, questions, spent) = learn(&mut new, &mut old);
    let held = new.numbers(NOW);
    assert_eq!((held.listings, held.quarantined), (listings, 0), "{:?}", held.refusals);
    println!("cold start: {questions} questions, {bytes} bytes, {spent:?} of CPU (this build) on both sides");
    assert!(bytes <= listings * 4_096);

    let mut times: Vec<Duration> = (0..20).map(|round| query(&new, round)).collect();
    times.sort_unstable();
    println!("query of {listings} listings: median {:?}, slowest {:?} (this build)", times[10], times[19]);
    let start = Instant::now();
    let copy = new.view();
    let took = start.elapsed();
    assert_eq!(copy.hosters().count(), listings);
    println!("copy for a reader of {listings} listings: {took:?} (this build)");
}

/// How many records a second one core checks and takes in, and how much of that is the signatures, of which each record has one.
fn rates(records: usize, took: Duration) -> String {
    const VERIFIED: u32 = 2_000;
    let (key, message) = (node_key(1), [7; 400]);
    let (public, signature) = (key.public(), key.sign(&message));
    let start = Instant::now();
    (0..VERIFIED).for_each(|_| public.verify(&message, &signature).unwrap());
    let signature = start.elapsed() / VERIFIED;
    let each = took / u32::try_from(records).unwrap();
    let (rate, share) = (1.0 / each.as_secs_f64(), 100.0 * signature.as_secs_f64() / each.as_secs_f64());
    format!(
        "{records} records checked and taken in: {rate:.0} a second on one core, {each:?} each, of which Ed25519 {signature:?}, \
         {share:.0} % (this build)"
    )
}

/// What hoster `at` would tell others: a keyring, a listing in four languages, one edit.
fn records_of(at: usize) -> Vec<Vec<u8>> {
    let (listing, entry) = genesis(at);
    let mut core = Directory::new(Policy::default(), [3; 32]);
    core.adopt(NOW, listing, node_key(at), Origin::New);
    core.publish_keyring(NOW, &entry).unwrap();
    let text = "Nous hébergeons le courrier, les fichiers et les agendas de nos membres, sans publicité, sur des machines que \
        nous connaissons; les sauvegardes sont chez nos voisins, chiffrées, et nous répondons au téléphone.";
    let name = format!("Coopérative {at}");
    let cell = format!("{}.{},{}.{}", 42 + at % 12, at % 10, at % 15, at / 7 % 10);
    let mut edits =
        vec![Edit::text("name", &name), Edit::text("place.cell", &cell), Edit::flag("service.mail", true)];
    edits.extend(
        ["fr", "nl", "en", "de"].map(|language| Edit::text(&format!("description.{language}"), text)),
    );
    edits.extend([Edit::flag("join.open", at.is_multiple_of(2)), Edit::text("legal.form", "cooperative")]);
    core.edit(NOW, &edits).unwrap();
    core.edit(NOW, &[Edit::text("energy", "renewable")]).unwrap();
    core.hoster(listing).unwrap().records()
}

/// As gossip, from a new peer each time: there is no pace on strangers who say one thing.
fn tell(core: &mut Directory, record: &[u8]) {
    let name = record.iter().rev().nth(20).copied().unwrap_or_default();
    let from = node_key(900_100 + usize::from(name)).public();
    let out = core.handle(NOW, Input::Gossip { from, ticket: 0, bytes: record.to_vec() });
    prove(core, out);
}

/// Every domain says yes.
fn prove(core: &mut Directory, outputs: Vec<Output>) {
    for output in outputs {
        if let Output::CheckDomain { listing, domain } = output {
            core.handle(NOW, Input::DomainChecked { listing, domain, outcome: DomainOutcome::Proven });
        }
    }
}

/// Carries questions and answers until there are no more: bytes, questions, time.
fn learn(new: &mut Directory, old: &mut Directory) -> (usize, usize, Duration) {
    let (peer, me): (PublicKey, PublicKey) = (node_key(900_000).public(), node_key(900_001).public());
    let (mut bytes, mut questions, start) = (0, 0, Instant::now());
    let mut now = NOW;
    let mut open: VecDeque<Output> = new.handle(now, Input::Connected(peer)).into();
    while let Some(output) = open.pop_front() {
        if let Output::CheckDomain { listing, domain } = &output {
            new.handle(
                now,
                Input::DomainChecked {
                    listing: *listing,
                    domain: domain.clone(),
                    outcome: DomainOutcome::Proven,
                },
            );
        }
        let Output::Ask { ask, request, .. } = output else { continue };
        (questions, bytes) = (questions + 1, bytes + request.len());
        // A question costs its asker a sixteenth of a second.
        now = now.after(Duration::from_millis(63));
        for answer in old.handle(now, Input::Asked { from: me, ticket: 0, request }) {
            if let Output::Answer { answer, .. } = answer {
                bytes += answer.len();
                open.extend(new.handle(now, Input::Answered { ask, answer }));
            }
        }
    }
    (bytes, questions, start.elapsed())
}

fn query(core: &Directory, round: u32) -> Duration {
    let near = Some(Near { latitude: 50.4 - f64::from(round) / 10.0, longitude: 4.8, within_km: 200.0 });
    let filter = Filter { near, text: Some("courrier".to_owned()), open: Some(true), ..Filter::default() };
    let start = Instant::now();
    let page = core.query(NOW, &filter, PageRequest { offset: 0, limit: 50 });
    assert!(page.hits.len() <= 50);
    start.elapsed()
}
