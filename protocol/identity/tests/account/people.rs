//! Hosters, a member and witnesses, so that the tests read as stories.

use std::time::Duration;

use essaim_identity::account::{
    AccountDraft, AccountEntry, AccountLog, Epoch, Host, Kit, MoveAccept, MoveId, MoveIntent, Role,
    StateRoot, WitnessReceipt, Witnesses, first_entry,
};
use essaim_identity::{Cosigned, Cosigning, KeySet, RecordHash, Signed, SigningKey};
use essaim_types::{ListingId, Lsn, Timestamp};

/// 2026-03-01T12:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp(1_772_366_400_000);
pub(crate) const HOUR: Duration = Duration::from_hours(1);
pub(crate) const DAY: Duration = Duration::from_hours(24);

/// The key number `n`; always the same.
pub(crate) fn key(n: u8) -> SigningKey {
    SigningKey::from_seed(&[n; 32])
}

pub(crate) fn listing(n: u8) -> ListingId {
    ListingId::from_bytes([n; 32])
}

/// Hoster `n` with its key for the account, which is number `n` too.
pub(crate) fn host(n: u8) -> Host {
    Host { listing: listing(n), key: key(n).public() }
}

/// The words number `n`.
pub(crate) fn kit(n: u8) -> Kit {
    Kit::from_bytes(&[n; 32])
}

pub(crate) fn paper(n: u8) -> KeySet {
    [kit(n).member_key().public()].into()
}

/// Signed by these and checked.
pub(crate) fn signed(draft: &AccountDraft, by: &[SigningKey]) -> Cosigned<AccountEntry> {
    let mut proposal = draft.propose().unwrap();
    by.iter().for_each(|key| proposal.sign(key).unwrap());
    proposal.verify().unwrap()
}

/// An entry as somebody writes it who does not ask whether it would be accepted.
pub(crate) fn forced(entry: &AccountEntry, by: &[SigningKey]) -> Cosigned<AccountEntry> {
    let mut proposal = Cosigning::propose(entry).unwrap();
    by.iter().for_each(|key| proposal.sign(key).unwrap());
    proposal.verify().unwrap()
}

/// An account at hoster 1, without a kit.
pub(crate) fn founded() -> AccountLog {
    AccountLog::found(signed(&first_entry(host(1), &[], NOW), &[key(1)])).unwrap()
}

/// The same with the words 50.
pub(crate) fn with_kit() -> AccountLog {
    let mut log = founded();
    let draft =
        AccountDraft::update(head(&log), NOW).next_recovery(kit(50).next_recovery()).member_keys(paper(50));
    add(&mut log, signed(&draft, &[key(1), kit(50).member_key()]));
    log
}

/// What stands a minute after the last thing, by the word of nobody.
pub(crate) fn head(log: &AccountLog) -> &Cosigned<AccountEntry> {
    log.state(&Witnesses::default(), NOW.after(1000 * DAY)).head
}

/// Takes an entry in that must be good.
pub(crate) fn add(log: &mut AccountLog, entry: Cosigned<AccountEntry>) -> RecordHash {
    let hash = entry.hash();
    log.accept(entry).unwrap();
    hash
}

/// The account wants to go from where `log` stands to hoster `to`, as move `mid`, until a week after `at`.
pub(crate) fn intent(log: &AccountLog, mid: u8, to: u8, at: Timestamp) -> MoveIntent {
    MoveIntent {
        account: log.account(),
        mid: MoveId([mid; 16]),
        source: head(log).record().host.listing,
        target: listing(to),
        nonce: [mid; 16],
        expires: at.after(7 * DAY),
    }
}

pub(crate) fn consent(intent: &MoveIntent, by: &SigningKey) -> Cosigning<MoveIntent> {
    let mut consent = Cosigning::propose(intent).unwrap();
    consent.sign(by).unwrap();
    consent
}

/// Hoster `n` has everything: signed with its key for the account and its node's key, which is number `n + 100`.
pub(crate) fn accepted(intent: &MoveIntent, n: u8) -> Cosigning<MoveAccept> {
    let accept = MoveAccept {
        account: intent.account,
        mid: intent.mid,
        host: host(n),
        node: key(n + 100).public(),
        lsn: Lsn(1234),
        root: StateRoot([0xab; 32]),
    };
    let mut accept = Cosigning::propose(&accept).unwrap();
    accept.sign(&key(n)).unwrap();
    accept.sign(&key(n + 100)).unwrap();
    accept
}

/// The whole move of the member with these words, to hoster `to`, as number `mid`, not added yet.
pub(crate) fn moved(log: &AccountLog, words: u8, mid: u8, to: u8, at: Timestamp) -> Cosigned<AccountEntry> {
    let intent = intent(log, mid, to, at);
    let before = head(log);
    let source = *before.record().host.listing.as_bytes().first().unwrap();
    let draft = AccountDraft::hand_over(
        before,
        consent(&intent, &kit(words).member_key()),
        accepted(&intent, to),
        at,
    );
    signed(&draft, &[key(source)])
}

/// A recovery at hoster `to` by these words, with the next ones; by the new host and the recovery key.
pub(crate) fn recovered(
    before: &Cosigned<AccountEntry>,
    words: u8,
    next: u8,
    to: u8,
    at: Timestamp,
) -> Cosigned<AccountEntry> {
    let draft = AccountDraft::recover(before, host(to), kit(next).next_recovery(), paper(next), at);
    signed(&draft, &[kit(words).recovery_key(), key(to), kit(next).member_key()])
}

/// An entry of the host alone that says something new: another replica.
pub(crate) fn updated(
    before: &Cosigned<AccountEntry>,
    by: u8,
    replica: u8,
    at: Timestamp,
) -> Cosigned<AccountEntry> {
    signed(&AccountDraft::update(before, at).replicas(&[listing(replica)]), &[key(by)])
}

/// Hosters 1 to `n`.
pub(crate) fn witnesses(n: u8) -> Witnesses {
    (1..=n).map(listing).collect()
}

/// These hosters have seen the entry at this time, each as the first of its kind.
pub(crate) fn seen(log: &mut AccountLog, entry: &RecordHash, by: &[u8], at: Timestamp) {
    by.iter().for_each(|n| log.witness(receipt(log, entry, *n, at, false)).unwrap());
}

/// The receipt of hoster `n`, whether or not it gave another.
pub(crate) fn receipt(
    log: &AccountLog,
    entry: &RecordHash,
    n: u8,
    at: Timestamp,
    host_silent: bool,
) -> Signed<WitnessReceipt> {
    let mut alone = AccountLog::found(log.chain(entry).last().unwrap().clone()).unwrap();
    alone.accept_all(log.chain(entry).cloned());
    let ts = log.get(entry).unwrap().record().ts;
    let said = alone.testify(entry, listing(n), key(n + 100).public(), ts, host_silent).unwrap();
    Signed::sign(&WitnessReceipt { at, ..said }, &key(n + 100)).unwrap()
}

pub(crate) fn epoch(n: u32) -> Epoch {
    Epoch(n)
}

/// The roles in short.
pub(crate) const RECOVERY: Role = Role::Recovery;
pub(crate) const MEMBER: Role = Role::Member;
pub(crate) const HOST: Role = Role::Host;
