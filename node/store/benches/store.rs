//! How fast the store is, on real files: one table, no statistics. `cargo bench -p essaim-store --bench store
//! [-- OBJECTS commits permits adoption blobs messages objects]`.
//!
//! The folder is a temporary one; set `TMPDIR` to measure another disk. Every commit here is synced before it is answered.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement prints, and stops at the first error"
)]

use std::ops::{Bound, ControlFlow};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use essaim_store::{Content, Object, Op, Options, Put, Store, Tx, TxError};
use essaim_types::{AccountId, BlobId, ByteSize, Lsn, ObjectKind};

const ACCOUNT: AccountId = AccountId::from_bytes([7; 32]);
const KIND: ObjectKind = ObjectKind::MESSAGE;
const BODY: usize = 10_000;
const VALUE: usize = 300;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with('-')).collect();
    let run = |name: &str| {
        wanted.iter().all(|arg| arg.parse::<u32>().is_ok()) || wanted.iter().any(|arg| arg == name)
    };
    let objects = std::env::args().filter_map(|arg| arg.parse().ok()).next().unwrap_or(1_000_000u32);
    println!("{:<52}{:>14}", "what", "measured");
    let sections: [(&str, &dyn Fn()); 6] = [
        ("commits", &commits),
        ("permits", &permits),
        ("adoption", &|| adoption(objects / 10)),
        ("blobs", &blobs),
        ("messages", &|| messages(objects / 50)),
        ("objects", &|| many(objects)),
    ];
    sync();
    sections.iter().filter(|(name, _)| run(name)).for_each(|(_, section)| section());
}

fn line(what: &str, value: f64, unit: &str) {
    println!("{what:<52}{value:>14.1} {unit}");
}

fn per_second(what: &str, count: u32, elapsed: Duration) {
    line(what, f64::from(count) / elapsed.as_secs_f64(), "/s");
}

/// What the disk can do: an append of 4 KiB and its fdatasync.
fn sync() {
    let mut file = tempfile::tempfile().unwrap();
    let begun = Instant::now();
    for _ in 0..500 {
        std::io::Write::write_all(&mut file, &[1; 4096]).unwrap();
        file.sync_data().unwrap();
    }
    per_second("the disk alone: 4 KiB appended and synced", 500, begun.elapsed());
}

fn commits() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let begun = Instant::now();
    for n in 0..3000 {
        put(&store, n, None);
    }
    per_second("commits, one after the other", 3000, begun.elapsed());
    for waiting in [8, 64] {
        let (begun, next) = (Instant::now(), AtomicU64::new(10_000));
        let before = store.stats();
        std::thread::scope(|scope| {
            for _ in 0..waiting {
                scope.spawn(|| {
                    for _ in 0..20_000 / waiting {
                        put(&store, u32::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap(), None);
                    }
                });
            }
        });
        per_second(&format!("commits, {waiting} waiting"), 20_000, begun.elapsed());
        let after = store.stats();
        #[expect(clippy::cast_precision_loss, reason = "small numbers")]
        let batch = (after.commits - before.commits) as f64 / (after.batches - before.batches) as f64;
        line(&format!("  commits to one sync, {waiting} waiting"), batch, "");
    }
}

/// What a permit costs: the same commits on one store, with and without, in turns.
fn permits() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    store.commit_blocking(|tx| tx.create_account(ACCOUNT, None)).unwrap();
    let (next, mut elapsed) = (AtomicU64::new(0), [Duration::ZERO; 2]);
    for round in 0..6 {
        let begun = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..64 {
                scope.spawn(|| {
                    for _ in 0..100 {
                        let key = next.fetch_add(1, Ordering::Relaxed).to_be_bytes();
                        let work = move |tx: &mut Tx<'_>| tx.put(ACCOUNT, KIND, &key, Put::new([7; VALUE]));
                        match round % 2 {
                            0 => store.commit_blocking(work).unwrap(),
                            _ => store.commit_to_blocking([ACCOUNT], work).unwrap(),
                        }
                    }
                });
            }
        });
        elapsed[round % 2] += begun.elapsed();
    }
    per_second("commits, 64 waiting, without a permit", 3 * 6400, elapsed[0]);
    per_second("commits, 64 waiting, with one", 3 * 6400, elapsed[1]);
}

/// An account that comes: small objects in batches of 1000, then changes of one object each, 1000 to a commit.
fn adoption(objects: u32) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let moving = AccountId::from_bytes([8; 32]);
    store.commit_blocking(move |tx| tx.adopt_account(moving, None, Lsn(1_000_000))).unwrap();
    let object = |lsn| Object {
        lsn: Lsn(lsn),
        charge: ByteSize(1),
        blobs: Vec::new(),
        value: Bytes::from_static(&[7; VALUE]),
    };
    let begun = Instant::now();
    for batch in 0..objects / 1000 {
        let keys = batch * 1000..(batch + 1) * 1000;
        let adopt = move |tx: &mut Tx<'_>| {
            keys.into_iter()
                .try_for_each(|n| tx.adopt(moving, KIND, &n.to_be_bytes(), object(u64::from(n) + 1)))
        };
        store.commit_blocking(adopt).unwrap();
    }
    per_second("objects of 300 bytes adopted", objects / 1000 * 1000, begun.elapsed());
    let begun = Instant::now();
    for batch in 0..u64::from(objects / 1000) {
        let replay = move |tx: &mut Tx<'_>| {
            (1_000_001 + batch * 1000..).take(1000).try_for_each(|lsn| {
                let key = Bytes::copy_from_slice(&u32::try_from(lsn % 1000).unwrap_or(0).to_be_bytes());
                tx.replay(moving, Lsn(lsn), vec![Op::Upsert { kind: KIND, key, object: object(lsn) }])
            })
        };
        store.commit_blocking(replay).unwrap();
    }
    per_second("changes of one object replayed", objects / 1000 * 1000, begun.elapsed());
}

fn blobs() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    for (what, content) in [("mail-like", Content::Mail), ("noise", Content::Other)] {
        let bodies: Vec<_> =
            (0..5000).map(|n| if content == Content::Mail { mail(n) } else { noise(n) }).collect();
        let begun = Instant::now();
        for body in &bodies {
            store.put_blob(content, body).unwrap();
        }
        per_second(&format!("blobs of 10 KB appended, {what}"), 5000, begun.elapsed());
    }
    let big: Vec<u8> = (0..6400).flat_map(noise).collect();
    let begun = Instant::now();
    let mut writer = store.content_writer(Content::Other);
    writer.push(&big).unwrap();
    let content = writer.finish().unwrap();
    #[expect(clippy::cast_precision_loss, reason = "a measurement")]
    let rate = big.len() as f64 / begun.elapsed().as_secs_f64() / 1e6;
    line("content of 64 MB cut, hashed and appended", rate, "MB/s");
    let begun = Instant::now();
    for blob in &content.blobs {
        store.blob(blob).unwrap();
    }
    #[expect(clippy::cast_precision_loss, reason = "a measurement")]
    let rate = big.len() as f64 / begun.elapsed().as_secs_f64() / 1e6;
    line("and read back, checked", rate, "MB/s");
}

/// What a delivery does: a body and an object that names it, 64 at a time.
fn messages(total: u32) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let begun = Instant::now();
    let next = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                loop {
                    let n = u32::try_from(next.fetch_add(1, Ordering::Relaxed)).unwrap();
                    if n >= total {
                        break;
                    }
                    let blob = store.put_blob(Content::Mail, &mail(n)).unwrap();
                    put(&store, n, Some(blob));
                }
            });
        }
    });
    per_second("messages of 10 KB stored, 64 at a time", total, begun.elapsed());
    let before = store.stats().appended_bytes;
    store.close();
    #[expect(clippy::cast_precision_loss, reason = "a measurement")]
    line("  stream bytes to one message", before as f64 / f64::from(total), "B");
    size(folder.path(), "  index bytes to one message (300 B value)", total);
    // A crash: the index of before the last checkpoint, and 16 MiB to replay.
    let store = open(folder.path());
    let index = std::fs::read(folder.path().join("index.redb")).unwrap();
    let start = store.stats().appended_bytes;
    let mut n = total;
    while store.stats().appended_bytes - start < 15 << 20 {
        let blob = store.put_blob(Content::Mail, &mail(n)).unwrap();
        put(&store, n, Some(blob));
        n += 1;
    }
    store.close();
    std::fs::write(folder.path().join("index.redb"), index).unwrap();
    opening(folder.path(), "opening with 15 MiB of mail to replay");
}

fn many(objects: u32) {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let begun = Instant::now();
    for from in (0..objects).step_by(1000) {
        store
            .commit_blocking(move |tx| {
                if tx.account(ACCOUNT)?.is_none() {
                    tx.create_account(ACCOUNT, None)?;
                }
                (from..from + 1000).try_for_each(|n| tx.put(ACCOUNT, KIND, &n.to_be_bytes(), value(n)))
            })
            .unwrap();
    }
    per_second(&format!("{objects} objects put, 1,000 to a commit"), objects, begun.elapsed());
    line("  memory in use then", resident(), "MiB");
    let begun = Instant::now();
    let snapshot = store.read().unwrap();
    let all = snapshot.range(ACCOUNT, KIND, Bound::Unbounded, Bound::Unbounded).unwrap();
    let bytes: usize = all.map(|row| row.unwrap().1.value.len()).sum();
    assert_eq!(bytes, objects as usize * VALUE);
    line("listing them all, as owned objects", begun.elapsed().as_secs_f64() * 1e3, "ms");
    let (begun, mut count) = (Instant::now(), 0);
    snapshot
        .scan::<()>(ACCOUNT, KIND, Bound::Unbounded, Bound::Unbounded, |_, object| {
            count += object.value.len();
            ControlFlow::Continue(())
        })
        .unwrap();
    assert_eq!(count, bytes);
    line("listing them all, in place", begun.elapsed().as_secs_f64() * 1e3, "ms");
    let begun = Instant::now();
    for n in 0..100_000u32 {
        let key = n.wrapping_mul(2_654_435_761) % objects;
        snapshot.get(ACCOUNT, KIND, &key.to_be_bytes()).unwrap().unwrap();
    }
    per_second("single objects read, at random", 100_000, begun.elapsed());
    drop(snapshot);
    let begun = Instant::now();
    let report = store.verify(&mut |_| {}).unwrap();
    assert!(report.is_clean());
    line("verify of all", begun.elapsed().as_secs_f64() * 1e3, "ms");
    line("  memory in use then", resident(), "MiB");
    store.close();
    opening(folder.path(), "opening, closed before");
    size(folder.path(), "index bytes to one object (300 B value)", objects);
    let begun = Instant::now();
    essaim_store::rebuild_index(folder.path(), &Options::default(), &mut |_| {}).unwrap();
    line("index rebuilt from the log", begun.elapsed().as_secs_f64() * 1e3, "ms");
    size(folder.path(), "  index bytes to one object then", objects);
}

fn open(folder: &Path) -> Store {
    Store::open(folder, &Options { reserve: ByteSize(0), ..Options::default() }).unwrap()
}

fn opening(folder: &Path, what: &str) {
    let begun = Instant::now();
    let store = open(folder);
    line(what, begun.elapsed().as_secs_f64() * 1e3, "ms");
    drop(store);
}

fn put(store: &Store, n: u32, blob: Option<BlobId>) {
    store
        .commit_blocking(move |tx| {
            if tx.account(ACCOUNT)?.is_none() {
                tx.create_account(ACCOUNT, None)?;
            }
            tx.put(ACCOUNT, KIND, &n.to_be_bytes(), value(n).blobs(blob.into_iter().collect::<Vec<_>>()))?;
            Ok::<_, TxError>(())
        })
        .unwrap();
}

/// 300 bytes such as a message's flags, dates and envelope.
fn value(n: u32) -> Put {
    let mut value =
        format!("{n:010} Mon, 2 Nov 2026 10:00:00 +0100 Subject of message {n} alice@a.test bob@b.test ");
    while value.len() < VALUE {
        value.push_str("<reference.of.a.thread@a.test> ");
    }
    value.truncate(VALUE);
    Put::new(value).charge(ByteSize(10_000))
}

/// Headers, then text of random words.
fn mail(n: u32) -> Vec<u8> {
    let mut text = format!("From: Alice <alice@a.test>\r\nTo: Bob <bob@b.test>\r\nSubject: {n}\r\n\r\n");
    let words =
        ["meeting", "tomorrow", "the", "cooperative", "please", "garden", "and", "server", "about", "cheese"];
    for chunk in noise(n).chunks(2) {
        let word = words[usize::from(chunk[0]) % words.len()];
        text.push_str(word);
        text.push_str(if chunk[1] < 24 { "\r\n" } else { " " });
        if chunk[1] % 16 == 0 {
            text.push_str(&format!("{:x}", u32::from(chunk[0]) * 7919));
        }
        if text.len() >= BODY {
            break;
        }
    }
    text.truncate(BODY);
    text.into_bytes()
}

fn noise(n: u32) -> Vec<u8> {
    let mut bytes = vec![0; BODY];
    blake3::Hasher::new().update(&n.to_le_bytes()).finalize_xof().fill(&mut bytes);
    bytes
}

fn size(folder: &Path, what: &str, count: u32) {
    let bytes = std::fs::metadata(folder.join("index.redb")).unwrap().len();
    #[expect(clippy::cast_precision_loss, reason = "a measurement")]
    line(what, bytes as f64 / f64::from(count), "B");
}

/// Resident memory of this process.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let kib =
        status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse().ok());
    kib.unwrap_or(f64::NAN) / 1024.0
}
