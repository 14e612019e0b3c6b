//! An account of hoster 1 that is recovered at hoster 2, hosters that witness it, and seals.

use essaim_identity::account::{AccountDraft, AccountEntry, AccountLog, Host, Kit, Witnesses, first_entry};
use essaim_identity::{Cosigned, RecordHash, Signed, SigningKey};
use essaim_migration::archive::Seal;
use essaim_migration::replica::{Form, Held};
use essaim_types::{ListingId, Timestamp};

/// 2026-03-01T12:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp(1_772_366_400_000);

pub(crate) fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32])
}

pub(crate) fn listing(n: u8) -> ListingId {
    ListingId::from_bytes([n; 32])
}

/// Hosters 1 to 3.
pub(crate) fn witnesses() -> Witnesses {
    (1..=3).map(listing).collect()
}

fn signed(draft: &AccountDraft, by: &[SigningKey]) -> Cosigned<AccountEntry> {
    let mut proposal = draft.propose().unwrap();
    by.iter().for_each(|key| proposal.sign(key).unwrap());
    proposal.verify().unwrap()
}

/// With the words 50; the hash of its head.
pub(crate) fn account() -> (AccountLog, RecordHash) {
    let (host, kit) = (Host { listing: listing(1), key: key(1).public() }, Kit::from_bytes(&[50; 32]));
    let mut log = AccountLog::found(signed(&first_entry(host, &[], NOW), &[key(1)])).unwrap();
    let draft = AccountDraft::update(log.settled_head(), NOW)
        .next_recovery(kit.next_recovery())
        .member_keys([kit.member_key().public()].into());
    let entry = signed(&draft, &[key(1), kit.member_key()]);
    let head = entry.hash();
    log.accept(entry).unwrap();
    (log, head)
}

/// At hoster 2; hosters 2 and 3 say so, and whether hoster 1 is silent.
pub(crate) fn recover(log: &mut AccountLog, host_silent: bool) -> RecordHash {
    let (words, next) = (Kit::from_bytes(&[50; 32]), Kit::from_bytes(&[51; 32]));
    let host = Host { listing: listing(2), key: key(2).public() };
    let keys = [next.member_key().public()].into();
    let draft = AccountDraft::recover(log.settled_head(), host, next.next_recovery(), keys, NOW);
    let entry = signed(&draft, &[words.recovery_key(), key(2), next.member_key()]);
    let hash = entry.hash();
    log.accept(entry).unwrap();
    for n in [2, 3] {
        let said = log.testify(&hash, listing(n), key(n + 100).public(), NOW, host_silent).unwrap();
        log.witness(Signed::sign(&said, &key(n + 100)).unwrap()).unwrap();
    }
    hash
}

/// A seal of hoster `by` over the state at an LSN, made on an entry.
pub(crate) fn seal(log: &AccountLog, made_on: &RecordHash, lsn: u64, by: u8) -> Seal {
    Seal {
        account: log.account(),
        epoch: log.get(made_on).unwrap().record().epoch.0,
        lsn_from: 0,
        lsn_to: lsn,
        root: [u8::try_from(lsn % 251).unwrap(); 32],
        segments: 1,
        files: 1,
        objects: 1,
        bytes: 1,
        key: key(by).public(),
        base_root: None,
        log_head: Some(*made_on.as_bytes()),
        frames: [0; 32],
    }
}

pub(crate) fn held(seal: &Seal, by: u8) -> Held {
    let seal = Signed::sign(seal, &key(by)).unwrap().to_wire();
    Held { form: Form::ArchiveInTheClear, seal, length: 1000, since: NOW }
}
