//! Which messages a mailbox holds, so that an import that is run again adds nothing twice.
//!
//! Two messages are the same if their bytes are: neither date nor flags count, because copying files changes dates and reading mail
//! changes flags. A mailbox may hold a message several times; so each is counted.

use std::collections::HashMap;
use std::ops::{Bound, ControlFlow};

use essaim_store::{ReadError, Store};
use essaim_types::{AccountId, BlobId, MailboxId, ObjectKind};

use crate::record;

/// The contents of a mailbox, with how often each is there; about 40 bytes for each message.
#[derive(Debug, Default)]
pub(super) struct Known {
    times: HashMap<Fingerprint, u32>,
}

/// Stands for the bytes of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Fingerprint(u128);

impl Fingerprint {
    /// Content is its blobs: cut points depend on nothing but the bytes.
    pub(super) fn of(blobs: impl Iterator<Item = BlobId>) -> Self {
        let mut hasher = blake3::Hasher::new();
        for blob in blobs {
            hasher.update(blob.as_bytes());
        }
        let mut half = [0; 16];
        hasher.finalize_xof().fill(&mut half);
        Self(u128::from_le_bytes(half))
    }

    /// For a sum over messages that does not depend on their order.
    pub(super) fn add_to(self, sum: &mut u128) {
        *sum = sum.wrapping_add(self.0);
    }
}

impl Known {
    /// Reads a mailbox.
    pub(super) fn read(store: &Store, account: AccountId, mailbox: MailboxId) -> Result<Self, ReadError> {
        let mut known = Self::default();
        visit(store, account, mailbox, 0, u32::MAX, |fingerprint| {
            *known.times.entry(fingerprint).or_default() += 1;
        })?;
        Ok(known)
    }

    /// Whether the message is there already; each that is there answers for one.
    pub(super) fn take(&mut self, fingerprint: Fingerprint) -> bool {
        let Some(times) = self.times.get_mut(&fingerprint) else { return false };
        *times -= 1;
        if *times == 0 {
            self.times.remove(&fingerprint);
        }
        true
    }
}

/// Visits the messages with UIDs from `first` to `last`, a few thousand at a time, so that no snapshot is held for long.
pub(super) fn visit(
    store: &Store,
    account: AccountId,
    mailbox: MailboxId,
    first: u32,
    last: u32,
    mut visit: impl FnMut(Fingerprint),
) -> Result<(), ReadError> {
    let (from, to) = record::message_range(mailbox, first, last);
    let mut from = from.map(|key| key.to_vec());
    loop {
        let mut count = 0;
        let snapshot = store.read()?;
        let (start, end) = (from.as_ref().map(Vec::as_slice), to.as_ref().map(<[u8; 8]>::as_slice));
        let stopped = snapshot.scan(account, ObjectKind::MESSAGE, start, end, |key, object| {
            visit(Fingerprint::of(object.blobs()));
            count += 1;
            if count == AT_ONCE { ControlFlow::Break(key.to_vec()) } else { ControlFlow::Continue(()) }
        })?;
        match stopped {
            Some(last) => from = Bound::Excluded(last),
            None => return Ok(()),
        }
    }
}

const AT_ONCE: usize = 4096;
