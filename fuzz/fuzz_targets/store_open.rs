//! A store that is opened on segments which somebody else wrote: it is refused, or it is a whole store that goes on.
//!
//! Each line of the input writes something: see `Author::line`. Numbers go on and hashes are right unless a line says otherwise.
#![no_main]

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use essaim_fuzz::Knobs;
use essaim_store::{
    Codec, Content, Disk, Finding, Group, Object, Op, OpenMode, Options, Put, RecordHeader, RecordKind,
    SimDisk, Store, Survival, Transaction, TxError,
};
use essaim_types::{AccountId, BlobId, ByteSize, Lsn, NodeSeq, ObjectKind, Timestamp};
use libfuzzer_sys::fuzz_target;
use twox_hash::XxHash3_64;

fuzz_target!(|data: &[u8]| {
    let disk = SimDisk::new();
    write(&disk, "FORMAT", format!("essaim store 2\nid {:032x}\n", u128::from_be_bytes(ID)).as_bytes());
    let mut author = Author::default();
    data.split(|&byte| byte == b'\n').take(64).for_each(|line| author.line(line));
    for (number, segment) in (1..).zip(author.finish()) {
        write(&disk, &format!("segments/{number:010}.seg"), &segment);
    }
    let Ok(store) = Store::open_on(Arc::new(disk.clone()), &options()) else { return };
    let found = read(&store);
    drop(store);

    // What was opened once is opened again, also after a loss of power, and is the same.
    let seed = data.len() as u64;
    let disk = if seed % 2 == 0 { disk } else { disk.after_crash(Survival::Some(seed)) };
    let store = Store::open_on(Arc::new(disk), &options()).expect("it was opened before");
    assert_eq!(read(&store), found, "something else after opening it again");
    go_on(&store);
    check(&store);
});

/// Writes a stream as a node would, or not quite.
#[derive(Default)]
struct Author {
    segments: Vec<Vec<u8>>,
    /// The transaction that is being written.
    groups: Option<Vec<Group>>,
    node_seq: u64,
    lsn: BTreeMap<AccountId, u64>,
    blobs: Vec<BlobId>,
}

impl Author {
    fn line(&mut self, line: &[u8]) {
        let Some((&command, rest)) = line.split_first() else { return };
        let mut knobs = Knobs::new(rest);
        match command {
            // s: the next segment; with a number, its header names another, or is cut off.
            b's' => self.segment(&mut knobs),
            // b, z, f, l: a blob as it is; as a frame; a frame or a block that is none.
            b'b' => self.blob(Codec::Raw, rest, rest),
            b'z' => self.blob(Codec::Zstd, rest, &zstd::bulk::compress(rest, 1).expect("memory suffices")),
            b'f' => self.blob(Codec::Zstd, &[rest, b"longer"].concat(), rest),
            b'l' => self.blob(Codec::Lz4Mail1, &[rest, b"longer"].concat(), rest),
            // r: the payload of a transaction, whatever it is. n: no record at all. h: a hole.
            b'r' => self.record(RecordKind::Transaction, Codec::Raw, rest, rest),
            b'n' => self.out().extend_from_slice(rest),
            b'h' => self.out().extend_from_slice(&[0; 100]),
            // t: a transaction, of the groups (g) and operations that follow; with a number, one that does not follow.
            b't' => {
                self.commit();
                self.node_seq += 1 + u64::from(knobs.turn() % 2);
                self.groups = Some(Vec::new());
            }
            b'g' => self.group(&mut knobs),
            b'c' | b'p' | b'a' | b'd' | b'x' => self.op(command, &mut knobs, rest),
            _ => {}
        }
    }

    fn finish(mut self) -> Vec<Vec<u8>> {
        self.commit();
        self.segments
    }

    fn segment(&mut self, knobs: &mut Knobs<'_>) {
        self.commit();
        let number = self.segments.len() as u32 + 1 + u32::from(knobs.turn() % 4);
        let mut header = header(number);
        header.truncate(header.len() - usize::from(knobs.turn() % 41));
        self.segments.push(header);
    }

    fn out(&mut self) -> &mut Vec<u8> {
        if self.segments.is_empty() {
            self.segments.push(header(1));
        }
        self.segments.last_mut().expect("one was made")
    }

    fn blob(&mut self, codec: Codec, plain: &[u8], stored: &[u8]) {
        self.blobs.push(BlobId::of(plain));
        self.record(RecordKind::Blob, codec, plain, stored);
    }

    fn record(&mut self, kind: RecordKind, codec: Codec, plain: &[u8], stored: &[u8]) {
        let length = |bytes: &[u8]| u32::try_from(bytes.len()).expect("inputs are small");
        let (sum, hash) = (XxHash3_64::oneshot(plain), *blake3::hash(plain).as_bytes());
        let (stored_len, plain_len) = (length(stored), length(plain));
        let header = RecordHeader { kind, codec, stored: stored_len, plain: plain_len, sum, hash }.encode();
        let out = self.out();
        out.extend_from_slice(&header);
        out.extend_from_slice(stored);
    }

    fn group(&mut self, knobs: &mut Knobs<'_>) {
        let account = account(knobs.turn());
        let lsn = self.lsn.entry(account).or_default();
        *lsn += knobs.pick(&[1, 2, 0]);
        let lsn = Lsn(*lsn);
        self.groups.get_or_insert_default().push(Group { account, lsn, ops: Vec::new() });
    }

    /// c: makes the account, with quota, base and status. p: puts an object. a: adopts one. d: deletes one. x: the account itself.
    fn op(&mut self, command: u8, knobs: &mut Knobs<'_>, rest: &[u8]) {
        let Some(group) = self.groups.as_mut().and_then(|groups| groups.last_mut()) else { return };
        let (lsn, account) = (group.lsn, group.account);
        let object = |charge, blobs, value: Vec<u8>| Object { lsn, charge, blobs, value: value.into() };
        group.ops.push(match command {
            b'c' => {
                let (quota, base, status) = (knobs.turn() % 128, knobs.turn() % 4, knobs.turn() % 4);
                let (kind, value) = (ObjectKind::ACCOUNT, vec![2, quota, base, status]);
                Op::Upsert { kind, key: Bytes::new(), object: object(ByteSize(0), Vec::new(), value) }
            }
            b'x' => {
                self.lsn.remove(&account);
                Op::Delete { kind: ObjectKind::ACCOUNT, key: Bytes::new() }
            }
            _ => {
                let kind = ObjectKind(1 + knobs.turn() % (KINDS - 1));
                let key = Bytes::from(vec![knobs.turn()]);
                let charge = knobs.pick(&[ByteSize(0), ByteSize(1), ByteSize::gib(1), ByteSize(u64::MAX)]);
                let blobs = (0..knobs.turn() % 4).map(|_| {
                    let at = knobs.turn();
                    self.blobs.get(usize::from(at)).copied().unwrap_or(BlobId::from_bytes([at; 32]))
                });
                let blobs = blobs.collect();
                match command {
                    b'p' => Op::Upsert { kind, key, object: object(charge, blobs, rest.to_vec()) },
                    b'a' => Op::Adopt { kind, key, object: object(charge, blobs, rest.to_vec()) },
                    _ => Op::Delete { kind, key },
                }
            }
        });
    }

    fn commit(&mut self) {
        let Some(groups) = self.groups.take() else { return };
        let node_seq = NodeSeq(self.node_seq);
        let mut payload = Vec::new();
        Transaction { node_seq, time: Timestamp(0), groups }.encode(&mut payload);
        self.record(RecordKind::Transaction, Codec::Raw, &payload, &payload);
    }
}

/// Everything that a reader can ask for, as text.
fn read(store: &Store) -> Vec<String> {
    let mut found = Vec::new();
    let snapshot = store.read().expect("an open store is read");
    for id in (0..3).map(account) {
        let Some(state) = snapshot.account(id).expect("an open store is read") else { continue };
        found.push(format!("{id} {state:?}"));
        for kind in (0..KINDS).map(ObjectKind) {
            let objects = snapshot.range(id, kind, Bound::Unbounded, Bound::Unbounded);
            for object in objects.expect("an open store is read") {
                let (key, object) = object.expect("an open store is read");
                found.push(format!("{kind:?} {key:?} {object:?}"));
                object.blobs.iter().for_each(|blob| drop(store.blob(blob)));
            }
        }
        let changes = store.changes(id, Lsn::ZERO, 100).expect("an open store has its log");
        found.push(format!("{changes:?}"));
    }
    found
}

/// The index is what the log says. That a blob is missing or damaged is not the index's fault.
fn check(store: &Store) {
    let report = store.verify(&mut |_| {}).expect("an open store is verified");
    for finding in &report.findings {
        let known = matches!(finding, Finding::BlobMissing { .. } | Finding::Blob { .. });
        assert!(known, "{finding}");
    }
}

/// The store takes more.
fn go_on(store: &Store) {
    let blob = store.put_blob(Content::Mail, b"a new blob").expect("there is space");
    let id = AccountId::from_bytes([9; 32]);
    store
        .commit_blocking(move |tx| {
            tx.create_account(id, None)?;
            tx.put(id, ObjectKind::MESSAGE, b"new", Put::new("value").blobs([blob]))?;
            Ok::<_, TxError>(())
        })
        .expect("there is space");
    let object = store.read().and_then(|snapshot| snapshot.get(id, ObjectKind::MESSAGE, b"new"));
    assert!(object.expect("an open store is read").is_some(), "committed, and not there");
    assert_eq!(store.blob(&blob).expect("it was committed").as_ref(), b"a new blob");
}

/// The header of a segment: specs/01-store.md.
fn header(number: u32) -> Vec<u8> {
    let mut out = b"ESSAIMSG".to_vec();
    for field in [1, number, 0] {
        out.extend_from_slice(&field.to_le_bytes());
    }
    out.extend_from_slice(&ID);
    let check = blake3::hash(&out);
    out.extend_from_slice(&check.as_bytes()[..4]);
    out
}

fn write(disk: &SimDisk, name: &str, bytes: &[u8]) {
    let write = || {
        let file = disk.open(name, OpenMode::New)?;
        file.write_all_at(bytes, 0)?;
        file.sync()?;
        disk.sync_folder(name.rsplit_once('/').map_or("", |(folder, _)| folder))
    };
    write().expect("a disk in memory has no faults");
}

fn account(number: u8) -> AccountId {
    AccountId::from_bytes([1 + number % 3; 32])
}

fn options() -> Options {
    Options {
        cache: ByteSize::mib(1),
        segment_size: ByteSize::kib(64),
        checkpoint_after: ByteSize::kib(16),
        checkpoint_idle: Duration::from_secs(3600),
        reserve: ByteSize(0),
        clock: || Timestamp(1_000_000),
        ..Options::default()
    }
}

/// As many kinds of object as are tried; which they are is all the same to the store, but for 0.
const KINDS: u8 = 8;
const ID: [u8; 16] = *b"a store of fuzz.";
