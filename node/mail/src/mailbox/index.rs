//! What is kept in memory of a mailbox that somebody uses: which UIDs there are and which flags they have, as compressed
//! bitmaps. A million messages take some hundred kilobytes, once for all sessions. It follows the log; nothing of it is stored.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use essaim_imap::{Flag, Keyword};
use essaim_store::{Change, Changes, Op, ReadError, Snapshot, Store};
use essaim_types::{AccountId, Lsn, MailboxId, ModSeq, ObjectKind, Uid, UidValidity};
use roaring::RoaringBitmap;

use super::block::{Block, Some64};
use super::rules::{MailboxError, as_bytes, by_id};
use crate::record::{self, Mailbox, RecordError, SystemFlags};

/// The state of one mailbox at one LSN of its account.
#[derive(Debug, Clone)]
pub struct Index {
    id: MailboxId,
    at: Lsn,
    mailbox: Mailbox,
    highest_mod_seq: ModSeq,
    uids: RoaringBitmap,
    system: [RoaringBitmap; SystemFlags::ALL.len()],
    /// As first written (keywords compare without case), and which messages have it.
    keywords: BTreeMap<Keyword, (Flag, RoaringBitmap)>,
}

/// Why an index cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum IndexError {
    #[error(transparent)]
    Read(#[from] ReadError),
    #[error(transparent)]
    Mailbox(#[from] MailboxError),
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// What happened to messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// They came, or their flags changed.
    Upserted(Some64),
    /// One went.
    Removed(Uid),
}

/// The indexes in use, shared by all sessions.
#[derive(Debug)]
pub struct Catalog {
    store: Store,
    entries: Mutex<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    clock: u64,
    by_mailbox: HashMap<(AccountId, MailboxId), Entry>,
}

#[derive(Debug)]
struct Entry {
    /// When it was last asked for.
    used: u64,
    index: Arc<RwLock<Index>>,
}

impl Index {
    /// Reads a mailbox; `None` if there is none of that id.
    pub fn load(snapshot: &Snapshot, account: AccountId, id: MailboxId) -> Result<Option<Self>, IndexError> {
        let Some(at) = snapshot.account(account)?.map(|state| state.lsn) else { return Ok(None) };
        let Some(object) = snapshot.get(account, ObjectKind::MAILBOX, &record::mailbox_key(id))? else {
            return Ok(None);
        };
        let mut index = Self {
            id,
            at,
            mailbox: Mailbox::decode(&object.value)?,
            highest_mod_seq: object.lsn.into(),
            uids: RoaringBitmap::new(),
            system: Default::default(),
            keywords: BTreeMap::new(),
        };
        let (first, last) = record::message_range(id, 0, u32::MAX);
        for entry in snapshot.range(account, ObjectKind::FLAGS, as_bytes(&first), as_bytes(&last))? {
            let (key, object) = entry?;
            if let Some((_, number)) = record::split_pair_key(&key) {
                index.set_block(number, &Block::decode(&object.value)?);
                index.highest_mod_seq = index.highest_mod_seq.max(object.lsn.into());
            }
        }
        Ok(Some(index))
    }

    /// Reads it anew; says whether it still exists.
    fn reload(&mut self, snapshot: &Snapshot, account: AccountId) -> Result<bool, IndexError> {
        let Some(loaded) = Self::load(snapshot, account, self.id)? else { return Ok(false) };
        *self = loaded;
        Ok(true)
    }

    /// Which messages there are, by UID.
    pub fn uids(&self) -> &RoaringBitmap {
        &self.uids
    }

    /// The stored mailbox.
    pub fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// The LSN at which this is the truth.
    pub fn at(&self) -> Lsn {
        self.at
    }

    /// RFC 7162 section 3.1.2.1.
    pub fn highest_mod_seq(&self) -> ModSeq {
        self.highest_mod_seq
    }

    /// RFC 9051 section 2.3.1.1.
    pub fn uid_validity(&self) -> UidValidity {
        self.mailbox.uid_validity
    }

    /// The messages that have a system flag.
    pub fn with_flag(&self, flag: SystemFlags) -> &RoaringBitmap {
        let slot = SystemFlags::ALL.iter().position(|known| *known == flag).unwrap_or_default();
        self.system.get(slot).expect("one bitmap for each system flag")
    }

    /// The messages that have a keyword, whatever its case.
    pub fn with_keyword(&self, keyword: &Keyword) -> Option<&RoaringBitmap> {
        self.keywords.get(keyword).map(|(_, uids)| uids)
    }

    /// Every keyword in use.
    pub fn keywords(&self) -> impl Iterator<Item = &Flag> {
        self.keywords.values().filter(|(_, uids)| !uids.is_empty()).map(|(flag, _)| flag)
    }

    /// How many messages are not seen.
    pub fn unseen(&self) -> u64 {
        self.uids.len() - self.with_flag(SystemFlags::SEEN).len()
    }

    /// The flags of one message.
    pub fn flags(&self, uid: Uid) -> impl Iterator<Item = &Flag> {
        let system = SYSTEM_FLAGS.iter().zip(&self.system);
        let keywords = self.keywords.values().map(|(flag, uids)| (flag, uids));
        system.chain(keywords).filter(move |(_, uids)| uids.contains(uid.value())).map(|(flag, _)| flag)
    }

    /// Follows one change of the log.
    fn apply(&mut self, change: &Change) -> Result<(), RecordError> {
        for op in &change.ops {
            let (kind, key) = op.target();
            let block =
                record::split_pair_key(key).filter(|(of, _)| *of == self.id && kind == ObjectKind::FLAGS);
            match (op, block) {
                (Op::Upsert { object, .. }, Some((_, number))) => {
                    self.set_block(number, &Block::decode(&object.value)?);
                }
                (Op::Delete { .. }, Some((_, number))) => self.set_block(number, &Block::default()),
                (Op::Upsert { object, .. }, None)
                    if kind == ObjectKind::MAILBOX && is_mailbox(key, self.id) =>
                {
                    self.mailbox = Mailbox::decode(&object.value)?;
                }
                _ => continue,
            }
            self.highest_mod_seq = change.lsn.into();
        }
        self.at = change.lsn;
        Ok(())
    }

    /// A block is now this.
    fn set_block(&mut self, number: u32, block: &Block) {
        let first = Some64 { block: number, mask: 0 }.first_uid();
        set_window(&mut self.uids, first, block.present());
        for (uids, who) in self.system.iter_mut().zip(block.system()) {
            set_window(uids, first, *who);
        }
        for (_, uids) in self.keywords.values_mut() {
            set_window(uids, first, 0);
        }
        for (text, who) in block.keywords() {
            let Ok(keyword) = Keyword::try_from(text) else { continue };
            let (_, uids) = self
                .keywords
                .entry(keyword)
                .or_insert_with_key(|keyword| (Flag::Keyword(keyword.clone()), RoaringBitmap::new()));
            set_window(uids, first, who);
        }
    }
}

/// Makes 64 numbers from `first` on those of a mask.
fn set_window(numbers: &mut RoaringBitmap, first: u32, mask: u64) {
    let all = first..=first.saturating_add(u64::BITS - 1);
    if mask == u64::MAX {
        numbers.insert_range(all);
        return;
    }
    if numbers.max().is_some_and(|max| max >= first) {
        numbers.remove_range(all);
    }
    numbers.extend(Some64 { block: first / u64::BITS, mask }.uids().map(Uid::value));
}

impl Event {
    /// What an operation of the log means for a mailbox; `None` if nothing.
    pub fn of(op: &Op, at: Lsn, mailbox: MailboxId) -> Result<Option<Self>, RecordError> {
        let (kind, key) = op.target();
        let Some((of, number)) = record::split_pair_key(key) else { return Ok(None) };
        Ok(match op {
            _ if of != mailbox => None,
            Op::Upsert { object, .. } if kind == ObjectKind::FLAGS => {
                let mask = Block::decode(&object.value)?.changed_at(at.into());
                Some(Self::Upserted(Some64 { block: number, mask }))
            }
            _ => Self::removed(op, mailbox).map(Self::Removed),
        })
    }

    /// The message that an operation of the log removes from a mailbox.
    pub fn removed(op: &Op, mailbox: MailboxId) -> Option<Uid> {
        match op {
            Op::Delete { kind: ObjectKind::MESSAGE, key } => record::split_pair_key(key)
                .filter(|(of, _)| *of == mailbox)
                .and_then(|(_, uid)| Uid::new(uid)),
            _ => None,
        }
    }
}

impl Catalog {
    /// With nothing in memory yet.
    pub fn new(store: Store) -> Self {
        Self { store, entries: Mutex::default() }
    }

    /// The index of a mailbox, current as of now; `None` if there is no such mailbox.
    pub fn current(
        &self,
        account: AccountId,
        mailbox: MailboxId,
    ) -> Result<Option<Arc<RwLock<Index>>>, IndexError> {
        let known = self.entries.lock().unwrap_or_else(PoisonError::into_inner).touch((account, mailbox));
        let index = match known {
            Some(index) => index,
            None => {
                let Some(index) = Index::load(&self.store.read()?, account, mailbox)? else {
                    return Ok(None);
                };
                let index = Arc::new(RwLock::new(index));
                self.entries
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .insert((account, mailbox), Arc::clone(&index))
            }
        };
        let exists = self.catch_up(account, &mut index.write().unwrap_or_else(PoisonError::into_inner))?;
        Ok(exists.then_some(index))
    }

    /// Whether the mailbox still exists.
    fn catch_up(&self, account: AccountId, index: &mut Index) -> Result<bool, IndexError> {
        let snapshot = self.store.read()?;
        let Some(now) = snapshot.account(account)?.map(|state| state.lsn) else { return Ok(false) };
        if now == index.at {
            return Ok(true);
        }
        if now.0.saturating_sub(index.at.0) > RELOAD_AFTER {
            return index.reload(&snapshot, account);
        }
        while index.at < now {
            let Changes::Since(changes) = self.store.changes(account, index.at, CHANGES_AT_ONCE)? else {
                return index.reload(&snapshot, account);
            };
            if changes.is_empty() {
                break;
            }
            for change in &changes {
                index.apply(change)?;
            }
        }
        Ok(by_id(&snapshot, account, index.id)?.is_some())
    }
}

impl Entries {
    fn touch(&mut self, key: (AccountId, MailboxId)) -> Option<Arc<RwLock<Index>>> {
        self.clock += 1;
        let entry = self.by_mailbox.get_mut(&key)?;
        entry.used = self.clock;
        Some(Arc::clone(&entry.index))
    }

    /// Two may load at once; the first stays, so that all sessions share one.
    fn insert(&mut self, key: (AccountId, MailboxId), index: Arc<RwLock<Index>>) -> Arc<RwLock<Index>> {
        if self.by_mailbox.len() >= INDEXES_MAX {
            let oldest = self.by_mailbox.iter().min_by_key(|(_, entry)| entry.used).map(|(key, _)| *key);
            oldest.and_then(|key| self.by_mailbox.remove(&key));
        }
        self.clock += 1;
        let kept = self.by_mailbox.entry(key).or_insert(Entry { used: self.clock, index });
        Arc::clone(&kept.index)
    }
}

fn is_mailbox(key: &[u8], id: MailboxId) -> bool {
    key == record::mailbox_key(id).as_slice()
}

/// The flags of [`SystemFlags::ALL`], in that order.
static SYSTEM_FLAGS: [Flag; SystemFlags::ALL.len()] = Flag::SYSTEM;

/// Mailboxes kept in memory at the most.
const INDEXES_MAX: usize = 1024;
/// An index further behind than this is read anew, which is quicker than the log.
const RELOAD_AFTER: u64 = 20_000;
const CHANGES_AT_ONCE: usize = 256;
