//! A model of the store in a few maps, histories to run on both, and the comparison.
#![expect(clippy::unwrap_used, reason = "in tests a panic is the report")]
#![allow(dead_code, reason = "each test binary uses its part")]

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use essaim_store::{
    Change, Changes, CommitError, Content, Disk, GarbageError, Op, OpenMode, Options, Put, Store, Tx, TxError,
};
use essaim_types::{AccountId, BlobId, ByteSize, Lsn, ObjectKind, Timestamp};
use proptest::collection;
use proptest::prelude::{Just, Strategy, prop_oneof};

/// One commit, or blobs that nobody names yet.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    Commit(Vec<Action>),
    Blob(u8),
    /// Sweeps all that nothing names, however young.
    Collect,
}

/// What a commit does, to one of a few accounts.
#[derive(Debug, Clone)]
pub(crate) enum Action {
    Create {
        account: u8,
        quota: u64,
    },
    Quota {
        account: u8,
        quota: u64,
    },
    Put {
        account: u8,
        key: u8,
        value: u16,
        charge: u64,
        blobs: Vec<u8>,
    },
    Delete {
        account: u8,
        key: u8,
    },
    Derive {
        account: u8,
        key: u8,
    },
    /// Deletes everything in the account first.
    Close {
        account: u8,
    },
}

/// What should be in the store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Model {
    pub(crate) accounts: BTreeMap<AccountId, Account>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) lsn: u64,
    pub(crate) quota: u64,
    pub(crate) objects: BTreeMap<Vec<u8>, Object>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Object {
    pub(crate) lsn: u64,
    pub(crate) charge: u64,
    pub(crate) blobs: Vec<BlobId>,
    pub(crate) value: Vec<u8>,
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    Refused,
    NoSpace,
    Failed,
}

pub(crate) const KIND: ObjectKind = ObjectKind::MESSAGE;

pub(crate) fn options() -> Options {
    Options {
        cache: ByteSize::mib(1),
        segment_size: ByteSize::kib(8),
        checkpoint_after: ByteSize::kib(6),
        checkpoint_idle: Duration::from_secs(3600),
        reserve: ByteSize(0),
        ..Options::default()
    }
}

pub(crate) fn open(disk: impl Disk) -> Store {
    Store::open_on(Arc::new(disk), &options()).unwrap()
}

pub(crate) fn account(n: u8) -> AccountId {
    AccountId::from_bytes([n; 32])
}

/// Some blobs are large, some shrink, some are noise.
pub(crate) fn blob_bytes(n: u8) -> Vec<u8> {
    let mut bytes = vec![n; usize::from(n) * 37 % 3000];
    if n.is_multiple_of(2) {
        blake3::Hasher::new().update(&[n]).finalize_xof().fill(&mut bytes);
    }
    bytes
}

pub(crate) fn run(store: &Store, step: &Step) -> Outcome {
    let actions = match step {
        Step::Blob(n) => return put_blobs(store, &[*n]),
        Step::Collect => {
            return match store.collect_garbage(Timestamp(i64::MAX), Duration::ZERO) {
                Ok(_) => Outcome::Done,
                Err(GarbageError::NoSpace) => Outcome::NoSpace,
                Err(_) => Outcome::Failed,
            };
        }
        Step::Commit(actions) => actions.clone(),
    };
    for action in &actions {
        if let Action::Put { blobs, .. } = action {
            let put = put_blobs(store, blobs);
            if put != Outcome::Done {
                return put;
            }
        }
    }
    let done = store.commit_blocking(move |tx| actions.iter().try_for_each(|action| act(tx, action)));
    match done {
        Ok(()) => Outcome::Done,
        Err(CommitError::Refused(TxError::Index(_)) | CommitError::Failed(_)) => Outcome::Failed,
        Err(CommitError::Refused(_) | CommitError::OverQuota { .. }) => Outcome::Refused,
        Err(CommitError::NoSpace) => Outcome::NoSpace,
        Err(other) => panic!("{other}"),
    }
}

fn put_blobs(store: &Store, blobs: &[u8]) -> Outcome {
    for n in blobs {
        match store.put_blob(Content::Mail, &blob_bytes(*n)) {
            Ok(id) => assert_eq!(id, BlobId::of(&blob_bytes(*n))),
            Err(essaim_store::AppendError::NoSpace) => return Outcome::NoSpace,
            Err(_) => return Outcome::Failed,
        }
    }
    Outcome::Done
}

fn act(tx: &mut Tx<'_>, action: &Action) -> Result<(), TxError> {
    let quota = |quota: u64| (quota > 0).then_some(ByteSize(quota));
    match action {
        Action::Create { account: n, quota: q } => tx.create_account(account(*n), quota(*q)),
        Action::Quota { account: n, quota: q } => tx.set_quota(account(*n), quota(*q)),
        Action::Put { account: n, key, value, charge, blobs } => {
            let ids: Vec<_> = blobs.iter().map(|n| BlobId::of(&blob_bytes(*n))).collect();
            let put = Put::new(value_bytes(*value)).charge(ByteSize(*charge)).blobs(ids);
            tx.put(account(*n), KIND, &[*key], put)
        }
        Action::Delete { account: n, key } => tx.delete(account(*n), KIND, &[*key]).map(drop),
        Action::Derive { account: n, key } => tx.put_derived(account(*n), KIND, &[*key], "derived"),
        Action::Close { account: n } => {
            let keys: Vec<_> = tx
                .range(account(*n), KIND, Bound::Unbounded, Bound::Unbounded)?
                .map(|row| row.map(|(key, _)| key))
                .collect::<Result<_, _>>()?;
            for key in keys {
                assert!(tx.delete(account(*n), KIND, &key)?);
            }
            tx.delete_account(account(*n))
        }
    }
}

fn value_bytes(value: u16) -> Vec<u8> {
    value.to_le_bytes().repeat(usize::from(value % 50) + 1)
}

impl Model {
    /// What the store should say to a step when nothing fails; a refused step changes nothing.
    pub(crate) fn apply(&mut self, step: &Step) -> Outcome {
        let Step::Commit(actions) = step else { return Outcome::Done };
        let mut next = self.clone();
        let mut touched: Vec<u8> = Vec::new();
        for (at, action) in actions.iter().enumerate() {
            let Some(account) = next.act(action) else { return Outcome::Refused };
            // An account does not come back in the transaction that deletes it.
            if let Action::Create { account, .. } = action
                && actions[..at].iter().any(|a| matches!(a, Action::Close { account: n } if n == account))
            {
                return Outcome::Refused;
            }
            touched.extend(account);
        }
        touched.sort_unstable();
        touched.dedup();
        for n in touched {
            let id = account(n);
            let before = self.accounts.get(&id);
            let Some(after) = next.accounts.get_mut(&id) else { continue };
            // Written and deleted again is no change, and neither is a quota.
            let numbered = before.is_none_or(|before| before.objects != after.objects);
            let used_before = before.map_or(0, Account::used);
            if after.quota > 0 && after.used() > after.quota && after.used() > used_before {
                return Outcome::Refused;
            }
            after.lsn += u64::from(numbered);
        }
        *self = next;
        Outcome::Done
    }

    /// The account that it wrote to, if any; `None` is a refusal.
    fn act(&mut self, action: &Action) -> Option<Option<u8>> {
        match action {
            Action::Create { account: n, quota } => {
                let fresh = Account { quota: *quota, ..Account::default() };
                let free = !self.accounts.contains_key(&account(*n));
                free.then(|| self.accounts.insert(account(*n), fresh))?;
                Some(Some(*n))
            }
            Action::Quota { account: n, quota } => {
                self.accounts.get_mut(&account(*n))?.quota = *quota;
                Some(Some(*n))
            }
            Action::Put { account: n, key, value, charge, blobs } => {
                let to = self.accounts.get_mut(&account(*n))?;
                let object = Object {
                    lsn: to.lsn + 1,
                    charge: *charge,
                    blobs: blobs.iter().map(|n| BlobId::of(&blob_bytes(*n))).collect(),
                    value: value_bytes(*value),
                };
                to.objects.insert(vec![*key], object);
                Some(Some(*n))
            }
            Action::Delete { account: n, key } => {
                let from = self.accounts.get_mut(&account(*n))?;
                Some(from.objects.remove(&vec![*key]).map(|_| *n))
            }
            Action::Derive { account: n, .. } => self.accounts.get(&account(*n)).map(|_| None),
            Action::Close { account: n } => self.accounts.remove(&account(*n)).map(|_| None),
        }
    }
}

impl Account {
    pub(crate) fn used(&self) -> u64 {
        self.objects.values().map(|object| object.charge).sum()
    }
}

/// Reads all of a store, each named blob and each account's log included.
pub(crate) fn dump(store: &Store) -> Model {
    let snapshot = store.read().unwrap();
    let mut model = Model::default();
    for account in snapshot.accounts().unwrap() {
        let (id, state) = account.unwrap();
        let mut objects = BTreeMap::new();
        for row in snapshot.range(id, KIND, Bound::Unbounded, Bound::Unbounded).unwrap() {
            let (key, object) = row.unwrap();
            for blob in &object.blobs {
                assert_eq!(BlobId::of(&store.blob(blob).unwrap()), *blob);
            }
            objects.insert(key.to_vec(), own(&object));
        }
        let account = Account { lsn: state.lsn.0, quota: state.quota.map_or(0, |quota| quota.0), objects };
        assert_eq!((state.used.0, state.objects), (account.used(), account.objects.len() as u64 + 1));
        assert_eq!(fold(store, id, state.lsn), account.objects, "the log folds to the state");
        model.accounts.insert(id, account);
    }
    model
}

fn fold(store: &Store, id: AccountId, last: Lsn) -> BTreeMap<Vec<u8>, Object> {
    let changes = changes(store, id, Lsn::ZERO);
    assert!(changes.iter().map(|change| change.lsn.0).eq(1..=last.0), "no gap in the log");
    let mut objects = BTreeMap::new();
    for op in changes.into_iter().flat_map(|change| change.ops) {
        match op {
            Op::Upsert { kind: KIND, key, object } => drop(objects.insert(key.to_vec(), own(&object))),
            Op::Delete { kind: KIND, key } => drop(objects.remove(&key.to_vec())),
            _ => {}
        }
    }
    objects
}

/// All changes of an account after an LSN that its log reaches back to.
pub(crate) fn changes(store: &Store, id: AccountId, after: Lsn) -> Vec<Change> {
    match store.changes(id, after, usize::MAX).unwrap() {
        Changes::Since(changes) => changes,
        Changes::Trimmed { base } => panic!("the log of {id} begins after {base}, not after {after}"),
    }
}

fn own(object: &essaim_store::Object) -> Object {
    Object {
        lsn: object.lsn.0,
        charge: object.charge.0,
        blobs: object.blobs.clone(),
        value: object.value.to_vec(),
    }
}

/// Panics with what is wrong with the store, if anything is.
pub(crate) fn assert_clean(store: &Store) {
    let report = store.verify(&mut |_| {}).unwrap();
    assert!(report.is_clean(), "{:#?}", report.findings);
}

/// Histories in which most things happen to three accounts with a dozen objects each.
pub(crate) fn histories(steps: usize) -> impl Strategy<Value = Vec<Step>> {
    let account = 1..4u8;
    let key = 0..12u8;
    let quota = prop_oneof![Just(0u64), 20..200u64];
    let blobs = collection::vec(0..40u8, 0..4);
    let put = (account.clone(), key.clone(), 0..200u16, 0..40u64, blobs);
    let action = prop_oneof![
        2 => (account.clone(), quota.clone()).prop_map(|(account, quota)| Action::Create { account, quota }),
        1 => (account.clone(), quota).prop_map(|(account, quota)| Action::Quota { account, quota }),
        9 => put.prop_map(|(account, key, value, charge, blobs)| {
            Action::Put { account, key, value, charge, blobs }
        }),
        4 => (account.clone(), key.clone()).prop_map(|(account, key)| Action::Delete { account, key }),
        1 => (account.clone(), key).prop_map(|(account, key)| Action::Derive { account, key }),
        1 => account.prop_map(|account| Action::Close { account }),
    ];
    let step = prop_oneof![
        1 => (0..40u8).prop_map(Step::Blob),
        1 => Just(Step::Collect),
        9 => collection::vec(action, 1..5).prop_map(Step::Commit),
    ];
    collection::vec(step, 1..steps)
}

/// Copies a file from one disk to another, over the one there.
pub(crate) fn copy(from: &dyn Disk, to: &dyn Disk, name: &str) {
    let from = from.open(name, OpenMode::Existing).unwrap();
    let mut bytes = vec![0; usize::try_from(from.size().unwrap()).unwrap()];
    from.read_exact_at(&mut bytes, 0).unwrap();
    let to = to.open(name, OpenMode::Any).unwrap();
    to.set_len(0).unwrap();
    to.write_all_at(&bytes, 0).unwrap();
    to.sync().unwrap();
}
