//! Two hosters, a member, and a network that loses, doubles, delays and reorders. Everything is a value, so that a search can branch.

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::hash::{Hash, Hasher};

use essaim_migration::moving::batch::{At, Batch, Change, Key, Op, Place};
use essaim_migration::moving::message::{Message, Offer, Reason};
use essaim_migration::moving::pack::{Packed, Packer};
use essaim_migration::moving::source::{self, Source, SourceRecord};
use essaim_migration::moving::summary::{KeyRange, Page, Pager, Summarizer, Summary};
use essaim_migration::moving::target::{self, Target, TargetRecord};
use essaim_migration::object::Object;
use essaim_types::{ByteSize, Lsn, ObjectKind, Timestamp};

/// What an account is to a store.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub(crate) struct Account {
    pub(crate) lsn: u64,
    pub(crate) objects: BTreeMap<Key, Object>,
    /// The changes after the base, oldest first; `true` is an upsert.
    pub(crate) log: Vec<(u64, Key, bool)>,
}

/// A crash of one side, after so many of the actions of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Crash {
    Never,
    After(usize),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    Source,
    Target,
}

#[derive(Debug, Clone, Hash)]
pub(crate) struct World {
    pub(crate) source: Option<Source>,
    pub(crate) source_record: SourceRecord,
    pub(crate) source_account: Account,
    pub(crate) sealed: bool,
    pub(crate) fenced: bool,
    pub(crate) target: Option<Target>,
    pub(crate) target_record: TargetRecord,
    pub(crate) target_account: Option<Account>,
    pub(crate) target_open: bool,
    pub(crate) connected: bool,
    /// On their way; every one may arrive, in any order, or never.
    pub(crate) to_target: VecDeque<Message>,
    pub(crate) to_source: VecDeque<Message>,
    pub(crate) now: Timestamp,
    /// How many messages wait in each direction before the oldest is lost.
    pub(crate) room: usize,
    /// Every write that the member was told is done.
    pub(crate) acknowledged: BTreeMap<Key, u64>,
    /// Objects in a batch.
    pub(crate) batch: usize,
    /// Something was damaged on purpose: comparisons may find a difference.
    pub(crate) damaged: bool,
}

impl World {
    pub(crate) fn new(objects: u8, room: usize, batch: usize) -> Self {
        let mut account = Account { lsn: 1, ..Account::default() };
        let mut acknowledged = BTreeMap::new();
        for number in 0..objects {
            account.write(key(number), true);
            acknowledged.insert(key(number), account.lsn);
        }
        let source_record = SourceRecord::new(Timestamp(0));
        let target_record = TargetRecord { step: target::Step::Invited, offer: None };
        let mut world = Self {
            source: None,
            source_record,
            source_account: account,
            sealed: false,
            fenced: false,
            target: None,
            target_record,
            target_account: None,
            target_open: false,
            connected: false,
            to_target: VecDeque::new(),
            to_source: VecDeque::new(),
            now: Timestamp(0),
            room,
            acknowledged,
            batch,
            damaged: false,
        };
        world.restart(Side::Source);
        world.restart(Side::Target);
        world
    }

    pub(crate) fn digest(&self) -> u128 {
        struct Blake(blake3::Hasher);
        impl Hasher for Blake {
            fn write(&mut self, bytes: &[u8]) {
                self.0.update(bytes);
            }
            fn finish(&self) -> u64 {
                0
            }
        }
        let mut hasher = Blake(blake3::Hasher::new());
        self.hash(&mut hasher);
        u128::from_le_bytes(*hasher.0.finalize().as_bytes().first_chunk().unwrap())
    }

    pub(crate) fn source_open(&self) -> bool {
        !self.sealed && !self.fenced
    }

    /// The member writes or deletes an object at the source, and is told that it is done.
    pub(crate) fn write(&mut self, number: u8, upsert: bool) {
        let key = key(number);
        let upsert = upsert || !self.source_account.objects.contains_key(&key);
        self.source_account.write(key.clone(), upsert);
        if upsert {
            self.acknowledged.insert(key, self.source_account.lsn);
        } else {
            self.acknowledged.remove(&key);
        }
        self.tell_source(source::Event::Grown(Lsn(self.source_account.lsn)), Crash::Never);
    }

    pub(crate) fn restart(&mut self, side: Side) {
        match side {
            Side::Source => {
                self.source = Some(Source::new(offer(), self.source_record.clone()));
                self.tell_source(source::Event::Started(Lsn(self.source_account.lsn)), Crash::Never);
            }
            Side::Target => {
                self.target = Some(Target::new(self.target_record.clone()));
                self.tell_target(target::Event::Started, Crash::Never);
            }
        }
    }

    pub(crate) fn crash(&mut self, side: Side) {
        self.disconnect();
        match side {
            // What holds writes is memory.
            Side::Source => (self.source, self.fenced) = (None, false),
            Side::Target => self.target = None,
        }
    }

    pub(crate) fn connect(&mut self) {
        self.connected = true;
        self.tell_target(target::Event::Connected, Crash::Never);
        self.tell_source(source::Event::Connected, Crash::Never);
    }

    /// What is on its way may still arrive: as a stream that was thought dead, or from a far network.
    pub(crate) fn disconnect(&mut self) {
        if std::mem::take(&mut self.connected) {
            self.tell_source(source::Event::Disconnected, Crash::Never);
            self.tell_target(target::Event::Disconnected, Crash::Never);
        }
    }

    /// Performs a step of the source; how many actions it had.
    pub(crate) fn tell_source(&mut self, event: source::Event, crash: Crash) -> usize {
        let mut events = VecDeque::from([event]);
        let mut actions = VecDeque::new();
        let mut done = 0;
        loop {
            if let Some(event) = events.pop_front() {
                let Some(machine) = &mut self.source else { return done };
                actions.extend(machine.handle(self.now, event));
            }
            let Some(action) = actions.pop_front() else { return done };
            if crash == Crash::After(done) {
                self.crash(Side::Source);
                return done;
            }
            done += 1;
            events.extend(self.perform_source(action));
        }
    }

    /// Performs a step of the target; how many actions it had.
    pub(crate) fn tell_target(&mut self, event: target::Event, crash: Crash) -> usize {
        let mut events = VecDeque::from([event]);
        let mut actions = VecDeque::new();
        let mut done = 0;
        loop {
            if let Some(event) = events.pop_front() {
                let Some(machine) = &mut self.target else { return done };
                actions.extend(machine.handle(self.now, event));
            }
            let Some(action) = actions.pop_front() else { return done };
            if crash == Crash::After(done) {
                self.crash(Side::Target);
                return done;
            }
            done += 1;
            events.extend(self.perform_target(action));
        }
    }

    fn perform_source(&mut self, action: source::Action) -> Option<source::Event> {
        use source::{Action, Event};
        match action {
            Action::Save(record) => self.source_record = record,
            Action::Send(message) => self.send(Side::Target, message),
            Action::SendBatch(batch) => self.send(Side::Target, Message::Batch(batch)),
            Action::SendRepair(at, range, objects) => {
                self.send(Side::Target, Message::Repair(at, range, objects));
            }
            Action::Read { from, until, base } => {
                return Some(Event::Read(Box::new(self.source_account.read(from, until, base, self.batch))));
            }
            Action::Summarize => return Some(Event::Summarized(self.source_account.summary())),
            Action::ListPages(kind) => {
                return Some(Event::Paged(kind, 0, self.source_account.pages(kind)));
            }
            Action::ReadRange(range) => {
                let objects = self.source_account.range(&range);
                return Some(Event::RangeRead(range, objects));
            }
            Action::Fence => {
                self.fenced = true;
                return Some(Event::Fenced(self.source_account.summary()));
            }
            Action::Unfence => self.fenced = false,
            Action::Commit { summary, promise, .. } => {
                if promise != summary.root() {
                    return Some(Event::Forged);
                }
                assert!(self.fenced, "committed while writes go on");
                assert_eq!(summary, self.source_account.summary(), "what was promised is not what there is");
                let step = source::Step::Activate { last: summary.at, entry: ENTRY.to_vec() };
                self.source_record = SourceRecord { step, ..self.source_record };
                (self.sealed, self.fenced) = (true, false);
                return Some(Event::Committed(self.source_record.clone()));
            }
            Action::Erase(record) => {
                self.source_record = record;
                self.source_account = Account::default();
            }
        }
        None
    }

    fn perform_target(&mut self, action: target::Action) -> Option<target::Event> {
        use target::{Action, Event};
        match action {
            Action::Save(record) => self.target_record = record,
            Action::Send(message) => {
                assert!(self.damaged || !matches!(message, Message::Differs(..)), "{message:?}");
                self.send(Side::Source, message);
            }
            Action::Examine(_) => return Some(Event::Checked(Ok(()))),
            Action::Begin(base, record) => {
                assert!(self.target_account.is_none(), "begun twice");
                self.target_account = Some(Account { lsn: base.0, ..Account::default() });
                self.target_record = record;
            }
            Action::StoreBlobs(_) => {}
            Action::Adopt(batch, record) => {
                self.target_account.as_mut().expect("there is an account to adopt into").adopt(&batch);
                self.target_record = record;
            }
            Action::Repair(range, objects) => {
                let account = self.target_account.as_mut().expect("there is an account to repair");
                account.objects.retain(|key, _| !range.contains(key));
                account.objects.extend(objects.into_iter().map(|object| (Key::of(&object), object)));
            }
            Action::Summarize => {
                let account = self.target_account.as_ref().expect("there is an account to compare");
                return Some(Event::Summarized(account.summary()));
            }
            Action::ListPages(kind, _) => {
                let account = self.target_account.as_ref().expect("there is an account to compare");
                return Some(Event::Paged(account.pages(kind)));
            }
            Action::Promise(_, summary, record) => {
                self.target_record = record;
                return Some(Event::Signed(summary.root().to_vec()));
            }
            Action::Activate(entry) => {
                if entry != ENTRY {
                    return Some(Event::Forged);
                }
                self.target_open = true;
                let step = target::Step::Active {
                    entry,
                    receipt: b"receipt".to_vec(),
                    address: "ann@b.test".to_owned(),
                };
                self.target_record = TargetRecord { step, ..self.target_record.clone() };
                return Some(Event::Activated(self.target_record.clone()));
            }
            Action::Discard(record) => {
                assert!(!self.target_open, "an account that is served was deleted");
                self.target_account = None;
                self.target_record = record;
            }
        }
        None
    }

    fn send(&mut self, to: Side, message: Message) {
        if !self.connected {
            return;
        }
        let wire = match to {
            Side::Source => &mut self.to_source,
            Side::Target => &mut self.to_target,
        };
        if !wire.contains(&message) {
            wire.push_back(message);
        }
        if wire.len() > self.room {
            wire.pop_front();
        }
    }

    /// The things that must never be otherwise.
    pub(crate) fn check(&self) {
        assert!(!(self.source_open() && self.target_open), "both sides take writes");
        assert_eq!(self.sealed, self.source_record.is_committed(), "the seal and the record are one commit");
        if self.target_open {
            assert!(self.sealed, "served by the new side before the old one had committed");
            let account = self.target_account.as_ref().expect("what is served is there");
            let has: BTreeMap<Key, u64> =
                account.objects.iter().map(|(key, object)| (key.clone(), object.lsn.0)).collect();
            assert_eq!(has, self.acknowledged, "an acknowledged write is missing");
        }
        if let Some(source) = &self.source {
            assert_eq!(source.record(), &self.source_record, "the machine and the disk say the same");
        } else {
            let decided = self.sealed || self.source_open();
            assert!(decided, "a source that was stopped is in doubt");
        }
        if let Some(target) = &self.target {
            assert_eq!(
                target.record().step,
                self.target_record.step,
                "the machine and the disk say the same"
            );
        }
    }

    /// Nothing more is to come.
    pub(crate) fn is_over(&self) -> bool {
        use source::Step;
        match self.source_record.step {
            Step::Drain { .. } | Step::Release => self.target_open,
            Step::Aborted(_) => {
                self.source_open() && matches!(self.target_record.step, target::Step::Aborted(_))
            }
            _ => false,
        }
    }
}

impl Account {
    fn write(&mut self, key: Key, upsert: bool) {
        self.lsn += 1;
        if upsert {
            self.objects.insert(key.clone(), object(&key, self.lsn));
        } else {
            self.objects.remove(&key);
        }
        self.log.push((self.lsn, key, upsert));
    }

    fn read(&self, from: Place, until: Lsn, base: Lsn, limit: usize) -> Batch {
        let at = from.at.clone();
        let mut packer = Packer::new(from);
        let in_room = |packed: Result<Packed, ()>| packed == Ok(Packed::In);
        match at {
            At::Copy(after) => {
                let mut left = self.objects.iter().filter(|(key, _)| after.as_ref().is_none_or(|a| *key > a));
                let took =
                    left.by_ref().take(limit).all(|(_, o)| in_room(packer.object(o.clone(), |_| Ok(0))));
                if took && left.next().is_none() {
                    packer.copied(base);
                }
            }
            At::Replay(after) => {
                let next = self.log.iter().filter(|(lsn, ..)| *lsn > after.0 && *lsn <= until.0).take(limit);
                for (lsn, key, upsert) in next {
                    let op = match self.objects.get(key) {
                        _ if !upsert => Op::Delete(key.clone()),
                        Some(now) if now.lsn.0 != *lsn && now.lsn <= until => Op::Superseded(key.clone()),
                        _ => Op::Upsert(object(key, *lsn)),
                    };
                    let change = Change { lsn: Lsn(*lsn), ops: vec![op] };
                    assert!(in_room(packer.change(change, |_| Ok(0))));
                }
            }
        }
        packer.finish()
    }

    fn adopt(&mut self, batch: &Batch) {
        for object in &batch.objects {
            self.objects.insert(Key::of(object), object.clone());
        }
        for change in &batch.changes {
            assert_eq!(change.lsn.0, self.lsn + 1, "the log has a gap, or a change twice");
            self.lsn = change.lsn.0;
            for op in &change.ops {
                match op {
                    Op::Upsert(object) => {
                        let there = self.objects.get(&Key::of(object)).map(|there| there.lsn);
                        if there.is_none_or(|there| there <= object.lsn) {
                            self.objects.insert(Key::of(object), object.clone());
                        }
                    }
                    Op::Superseded(_) => {}
                    Op::Delete(key) => {
                        // Deleted, and made again before the copy read it: the one that is there is the later.
                        if self.objects.get(key).is_some_and(|there| there.lsn < change.lsn) {
                            self.objects.remove(key);
                        }
                    }
                }
            }
        }
    }

    pub(crate) fn summary(&self) -> Summary {
        let mut summarizer = Summarizer::default();
        self.objects.values().for_each(|object| summarizer.push(object));
        summarizer.finish(Lsn(self.lsn))
    }

    fn pages(&self, kind: ObjectKind) -> Vec<Page> {
        let mut pager = Pager::new(0);
        let objects = self.objects.values().filter(|object| object.kind == kind);
        let mut pages: Vec<Page> = objects.filter_map(|object| pager.push(object)).collect();
        pages.extend(pager.finish());
        pages
    }

    fn range(&self, range: &KeyRange) -> Vec<Object> {
        self.objects.iter().filter(|(key, _)| range.contains(key)).map(|(_, object)| object.clone()).collect()
    }
}

fn object(key: &Key, lsn: u64) -> Object {
    let Key { kind, key } = key.clone();
    Object { kind, key, lsn: Lsn(lsn), charge: ByteSize(1), blobs: vec![], value: lsn.to_be_bytes().to_vec() }
}

pub(crate) fn key(number: u8) -> Key {
    Key { kind: ObjectKind(3 + number % 2), key: vec![number] }
}

pub(crate) fn reason() -> Reason {
    Reason::new("somebody gave up")
}

fn offer() -> Offer {
    Offer { consent: vec![], acceptance: vec![], log: vec![], bytes: 0, objects: 0 }
}

const ENTRY: &[u8] = b"moved";
