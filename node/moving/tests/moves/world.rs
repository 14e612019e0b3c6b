//! Two stores on disks that can lose power, the two machines of a move, and the frames between them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use essaim_identity::account::MoveId;
use essaim_migration::moving::message::{Offer, Reason};
use essaim_migration::moving::source::{self, Source, SourceRecord};
use essaim_migration::moving::target::{self, Target, TargetRecord};
use essaim_migration::moving::{Message, frame};
use essaim_moving::{Adopting, Leaving, Loaded, Records};
use essaim_store::{Content, Options, Put, SimDisk, Store, Survival, TxError};
use essaim_types::{AccountId, BlobId, ByteSize, Lsn, ObjectKind, Timestamp};

pub(crate) const ACCOUNT: AccountId = AccountId::from_bytes([1; 32]);
const HOSTER: AccountId = AccountId::from_bytes([9; 32]);
const RECORDS: Records = Records { hoster: HOSTER, id: MoveId([7; 16]) };

/// A hoster's disk, with the store on it.
pub(crate) struct Disk {
    disk: Arc<SimDisk>,
    pub(crate) store: Store,
}

pub(crate) struct Site<M> {
    pub(crate) disk: Disk,
    pub(crate) machine: M,
    inbox: VecDeque<Vec<u8>>,
}

pub(crate) struct World {
    pub(crate) a: Site<Source>,
    pub(crate) b: Site<Target>,
    fenced: bool,
    now: Timestamp,
    /// Power goes before this action, counted over both sides.
    crash_before: Option<usize>,
    pub(crate) actions: usize,
    /// Bytes of batches.
    pub(crate) sent: u64,
    pub(crate) written: usize,
    /// Ranges that were sent again.
    pub(crate) repairs: usize,
    /// What the member was told is done: the LSN of each object, and its bytes.
    pub(crate) ledger: BTreeMap<Vec<u8>, (Lsn, Vec<u8>)>,
}

impl Disk {
    async fn new() -> Self {
        let disk = Arc::new(SimDisk::new());
        let store = Store::open_on(Arc::clone(&disk) as Arc<_>, &Options::default()).unwrap();
        store.commit(|tx| tx.create_account(HOSTER, None)).await.unwrap();
        Self { disk, store }
    }

    /// What was not synced is gone, or is there in part.
    fn lose_power(&mut self, seed: u64) {
        self.disk.cut_power();
        let disk = Arc::new(self.disk.after_crash(Survival::Some(seed)));
        self.store = Store::open_on(Arc::clone(&disk) as Arc<_>, &Options::default()).unwrap();
        self.disk = disk;
    }
}

impl World {
    /// With an object of so many blobs of 400 kB.
    pub(crate) async fn new(crash_before: Option<usize>, large: u8) -> Self {
        let (a, b) = (Disk::new().await, Disk::new().await);
        a.store.commit(|tx| tx.create_account(ACCOUNT, None)).await.unwrap();
        let mut world = Self {
            a: Site {
                disk: a,
                machine: Source::new(offer(), SourceRecord::new(Timestamp(0))),
                inbox: VecDeque::new(),
            },
            b: Site { disk: b, machine: Target::new(invited()), inbox: VecDeque::new() },
            fenced: false,
            now: Timestamp(0),
            crash_before,
            actions: 0,
            sent: 0,
            written: 0,
            repairs: 0,
            ledger: BTreeMap::new(),
        };
        for number in 0..40 {
            world.put(vec![number], 1, 700).await;
        }
        world.put(b"large".to_vec(), large, 400_000).await;
        let lsn = Lsn(42);
        world.tell_source(source::Event::Started(lsn)).await;
        world.tell_target(target::Event::Started).await;
        world.connect().await;
        world
    }

    /// Until both sides have nothing more to do with each other.
    pub(crate) async fn run(&mut self) {
        self.run_until(|world| world.a.machine.is_settled() && world.b.inbox.is_empty()).await;
    }

    pub(crate) async fn run_until(&mut self, mut done: impl FnMut(&Self) -> bool) {
        for step in 0..5000 {
            if done(self) {
                return;
            }
            if step % 3 == 0 {
                self.write().await;
            }
            if let Some(bytes) = self.b.inbox.pop_front() {
                self.tell_target(target::Event::Received(read(&bytes))).await;
            } else if let Some(bytes) = self.a.inbox.pop_front() {
                self.tell_source(source::Event::Received(read(&bytes))).await;
            } else {
                let due = [self.a.machine.deadline(), self.b.machine.deadline()];
                self.now = due.into_iter().flatten().min().expect("something is awaited").max(self.now);
                self.tell_source(source::Event::Tick).await;
                self.tell_target(target::Event::Tick).await;
            }
        }
        panic!("it does not end: {:?}, {:?}", self.a.machine, self.b.machine);
    }

    pub(crate) async fn abort(&mut self) {
        self.tell_source(source::Event::Abort(Reason::new("changed my mind"))).await;
    }

    /// The member does one thing, if writes are not held.
    pub(crate) async fn write(&mut self) {
        if self.written >= 40 || self.fenced || self.a.machine.record().is_committed() {
            return;
        }
        self.written += 1;
        let number = u8::try_from(self.written).unwrap();
        match number % 4 {
            0 => self.delete(vec![number]).await,
            1 => self.put(vec![number], 1, 300).await,
            2 => self.put(vec![200, number], 1, 900).await,
            _ => self.put(vec![7], 0, 0).await,
        }
        let lsn = self.lsn();
        self.tell_source(source::Event::Grown(lsn)).await;
    }

    fn lsn(&self) -> Lsn {
        self.a.disk.store.read().unwrap().account(ACCOUNT).unwrap().unwrap().lsn
    }

    /// The member writes an object with blobs of this size.
    pub(crate) async fn put(&mut self, key: Vec<u8>, blobs: u8, size: usize) {
        let store = &self.a.disk.store;
        let lsn = store.read().unwrap().account(ACCOUNT).unwrap().map_or(Lsn(1), |state| state.lsn.next());
        let (mut ids, mut content) = (Vec::new(), Vec::new());
        for number in 0..blobs {
            let bytes = noise(&[&key[..], &lsn.0.to_be_bytes(), &[number]].concat(), size);
            ids.push(store.put_blob(Content::Other, &bytes).unwrap());
            content.extend(bytes);
        }
        let name = key.clone();
        let put = Put::new(content.len().to_be_bytes()).blobs(ids).charge(ByteSize(content.len() as u64));
        store.commit(move |tx| tx.put(ACCOUNT, ObjectKind::MESSAGE, &name, put)).await.unwrap();
        self.ledger.insert(key, (self.lsn(), content));
    }

    async fn delete(&mut self, key: Vec<u8>) {
        let name = key.clone();
        let commit = move |tx: &mut essaim_store::Tx<'_>| tx.delete(ACCOUNT, ObjectKind::MESSAGE, &name);
        self.a.disk.store.commit::<_, TxError, _>(commit).await.unwrap();
        self.ledger.remove(&key);
    }

    async fn connect(&mut self) {
        Box::pin(self.tell_target(target::Event::Connected)).await;
        Box::pin(self.tell_source(source::Event::Connected)).await;
    }

    async fn disconnect(&mut self) {
        self.a.inbox.clear();
        self.b.inbox.clear();
        Box::pin(self.tell_source(source::Event::Disconnected)).await;
        Box::pin(self.tell_target(target::Event::Disconnected)).await;
    }

    /// Whether power goes now.
    fn crashes(&mut self) -> bool {
        self.actions += 1;
        self.crash_before == Some(self.actions - 1)
    }

    async fn tell_source(&mut self, event: source::Event) {
        let mut actions: VecDeque<_> = self.a.machine.handle(self.now, event).into();
        while let Some(action) = actions.pop_front() {
            if self.crashes() {
                self.a.disk.lose_power(self.actions as u64);
                self.fenced = false;
                let record = RECORDS.load(&self.a.disk.store).unwrap();
                let record = record.unwrap_or_else(|| SourceRecord::new(self.now));
                self.a.machine = Source::new(offer(), record);
                self.disconnect().await;
                let lsn = self.lsn();
                Box::pin(self.tell_source(source::Event::Started(lsn))).await;
                return self.connect().await;
            }
            if let Some(event) = self.perform_source(action).await {
                actions.extend(self.a.machine.handle(self.now, event));
            }
        }
    }

    async fn tell_target(&mut self, event: target::Event) {
        let mut actions: VecDeque<_> = self.b.machine.handle(self.now, event).into();
        while let Some(action) = actions.pop_front() {
            if self.crashes() {
                self.b.disk.lose_power(self.actions as u64);
                let record = RECORDS.load(&self.b.disk.store).unwrap().unwrap_or_else(invited);
                self.b.machine = Target::new(record);
                self.disconnect().await;
                Box::pin(self.tell_target(target::Event::Started)).await;
                return self.connect().await;
            }
            if let Some(event) = self.perform_target(action).await {
                actions.extend(self.b.machine.handle(self.now, event));
            }
        }
    }

    async fn perform_source(&mut self, action: source::Action) -> Option<source::Event> {
        use source::{Action, Event, Step};
        let hands = Leaving::new(self.a.disk.store.clone(), ACCOUNT, RECORDS);
        match action {
            Action::Save(record) => RECORDS.save(&self.a.disk.store, record).await.unwrap(),
            Action::Send(message) => self.b.inbox.push_back(write(message)),
            Action::Read { from, until, base } => {
                let Loaded { what, blobs } = hands.read(from, until, base).unwrap();
                // The blobs of a batch go out with it; here they wait in the inbox before it.
                if !blobs.is_empty() {
                    self.b.inbox.push_back(write(Message::Blobs(blobs)));
                }
                return Some(Event::Read(Box::new(what)));
            }
            Action::SendBatch(batch) => {
                self.sent += batch.bytes;
                self.b.inbox.push_back(write(Message::Batch(batch)));
            }
            Action::Summarize => return Some(Event::Summarized(hands.summarize().unwrap())),
            Action::ListPages(kind) => {
                let (coarse, pages) = hands.pages(kind).unwrap();
                return Some(Event::Paged(kind, coarse, pages));
            }
            Action::ReadRange(range) => {
                let Loaded { what: (range, objects), blobs } = hands.range(range).unwrap();
                self.b.inbox.push_back(write(Message::Blobs(blobs)));
                return Some(Event::RangeRead(range, objects));
            }
            Action::SendRepair(at, range, objects) => {
                self.repairs += 1;
                self.b.inbox.push_back(write(Message::Repair(at, range, objects)));
            }
            Action::Fence => {
                self.fenced = true;
                return Some(Event::Fenced(hands.summarize().unwrap()));
            }
            Action::Unfence => self.fenced = false,
            Action::Commit { summary, promise, round } => {
                assert_eq!(promise, summary.root());
                let step = Step::Activate { last: summary.at, entry: b"moved".to_vec() };
                let record = SourceRecord { step, round, since: self.now };
                hands.give_away(summary.at, record.clone(), |_| Ok::<(), TxError>(())).await.unwrap();
                self.fenced = false;
                return Some(Event::Committed(record));
            }
            Action::Erase(_) => panic!("nobody waits for 30 days"),
        }
        None
    }

    async fn perform_target(&mut self, action: target::Action) -> Option<target::Event> {
        use target::{Action, Event, Step};
        let hands = Adopting::new(self.b.disk.store.clone(), ACCOUNT, RECORDS);
        match action {
            Action::Save(record) => RECORDS.save(&self.b.disk.store, record).await.unwrap(),
            Action::Send(message) => self.a.inbox.push_back(write(message)),
            Action::Examine(_) => return Some(Event::Checked(Ok(()))),
            Action::Begin(base, record) => hands.begin(None, base, record).await.unwrap(),
            Action::StoreBlobs(blobs) => hands.keep(&blobs).unwrap(),
            Action::Adopt(batch, record) => hands.adopt(*batch, record).await.unwrap(),
            Action::Repair(range, objects) => hands.repair(range, objects).await.unwrap(),
            Action::Summarize => return Some(Event::Summarized(hands.summarize().unwrap())),
            Action::ListPages(kind, coarse) => return Some(Event::Paged(hands.pages(kind, coarse).unwrap())),
            Action::Promise(_, summary, record) => {
                RECORDS.save(&self.b.disk.store, record).await.unwrap();
                return Some(Event::Signed(summary.root().to_vec()));
            }
            Action::Activate(entry) => {
                let step = Step::Active { entry, receipt: b"receipt".to_vec(), address: String::new() };
                let record = TargetRecord { step, offer: None };
                let opened = hands.open(|_| Ok::<_, TxError>(record)).await.unwrap();
                return Some(Event::Activated(opened));
            }
            Action::Discard(record) => hands.discard(record).await.unwrap(),
        }
        None
    }

    /// Everything that the member was told is done is at the new hoster, with its numbers and its bytes; and both stores are whole.
    pub(crate) async fn check(&mut self) {
        let store = &self.b.disk.store;
        let mut there = BTreeMap::new();
        for row in store.read().unwrap().objects(ACCOUNT, None).unwrap() {
            let (_, key, object) = row.unwrap();
            let content = object.blobs.iter().flat_map(|id| store.blob(id).unwrap().to_vec()).collect();
            there.insert(key.to_vec(), (object.lsn, content));
        }
        assert!(there == self.ledger, "after a crash before {:?}", self.crash_before);
        for store in [&self.a.disk.store, store] {
            let report = store.verify(&mut |_| {}).unwrap();
            assert!(report.is_clean(), "{report:?}");
        }
        let put =
            |tx: &mut essaim_store::Tx<'_>| tx.put(ACCOUNT, ObjectKind::MESSAGE, b"new", Put::new(*b"1"));
        self.b.disk.store.commit(put).await.unwrap();
        self.a.disk.store.commit(put).await.unwrap_err();
    }
}

/// Bytes that nothing compresses.
fn noise(seed: &[u8], size: usize) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(size + 32);
    let mut block = BlobId::of(seed);
    while bytes.len() < size {
        bytes.extend(block.as_bytes());
        block = BlobId::of(block.as_bytes());
    }
    bytes.truncate(size);
    bytes
}

fn write(message: Message) -> Vec<u8> {
    frame::write(ACCOUNT, RECORDS.id, message)
}

fn read(bytes: &[u8]) -> Message {
    let (head, body) = bytes.split_at(4);
    assert_eq!(frame::length(head.try_into().unwrap()), Ok(body.len()));
    frame::read(ACCOUNT, RECORDS.id, body).unwrap()
}

fn offer() -> Offer {
    Offer { consent: vec![], acceptance: vec![], log: vec![], bytes: 0, objects: 0 }
}

fn invited() -> TargetRecord {
    TargetRecord { step: target::Step::Invited, offer: None }
}
