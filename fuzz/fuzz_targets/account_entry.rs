//! Entries of an account's log, made up: one spelling; and whatever a host signs by itself on an account with words, it does not take the account,
//! change the member's keys or the words, or end it.
#![no_main]

use std::sync::LazyLock;

use essaim_identity::account::{
    AccountDraft, AccountEntry, AccountLog, Host, Kind, Kit, Past, Role, Seq, first_entry,
};
use essaim_identity::{Cosigned, Cosigning, SigningKey, cbor};
use essaim_types::{ListingId, Timestamp};
use libfuzzer_sys::fuzz_target;

static ACCOUNT: LazyLock<AccountLog> = LazyLock::new(|| {
    let (at, kit) = (Timestamp::from_seconds(1_772_366_400), Kit::from_bytes(&[50; 32]));
    let host = Host { listing: ListingId::from_bytes([1; 32]), key: host_key().public() };
    let mut log = AccountLog::found(signed(&first_entry(host, &[], at), &[&host_key()])).expect("a first entry");
    let member = kit.member_key();
    let draft = AccountDraft::update(log.settled_head(), at)
        .next_recovery(kit.next_recovery())
        .member_keys([member.public()].into());
    log.accept(signed(&draft, &[&host_key(), &member])).expect("words");
    log
});

fuzz_target!(|data: &[u8]| {
    // As it comes from a stranger.
    if let Ok(entry) = Cosigning::<AccountEntry>::parse(data) {
        assert_eq!(entry.to_wire(), data, "two spellings");
        if let Ok(entry) = entry.verify() {
            let _ = AccountLog::found(entry.clone());
            let _ = ACCOUNT.clone().accept(entry);
        }
    }
    let Ok(mut entry) = cbor::decode::<AccountEntry>(data) else { return };
    assert_eq!(cbor::encode(&entry), data, "two spellings");
    // As the host would sign it, in its place, with a key of somebody else beside its own.
    let mut log = ACCOUNT.clone();
    let before = log.settled_head().clone();
    entry.past = Past::After { account: log.account(), prev: before.hash() };
    entry.seq = Seq(before.record().seq.0 + 1);
    let Ok(mut proposal) = Cosigning::propose(&entry) else { return };
    for key in [host_key(), SigningKey::from_seed(&[2; 32])].iter().take(1 + data.len() % 2) {
        proposal.sign(key).expect("two signatures");
    }
    let entry = proposal.verify().expect("just signed");
    if log.accept(entry.clone()).is_ok() {
        let (said, had) = (entry.record(), before.record());
        assert_eq!((said.host, said.epoch), (had.host, had.epoch), "the host gave the account away");
        assert_eq!((&said.member_keys, said.next_recovery), (&had.member_keys, had.next_recovery));
        assert!(matches!(said.kind, Kind::Update | Kind::Freeze) && !said.by.contains(Role::Recovery));
    }
});

fn host_key() -> SigningKey {
    SigningKey::from_seed(&[1; 32])
}

fn signed(draft: &AccountDraft, by: &[&SigningKey]) -> Cosigned<AccountEntry> {
    let mut proposal = draft.propose().expect("within the bounds");
    by.iter().for_each(|key| proposal.sign(key).expect("few signatures"));
    proposal.verify().expect("just signed")
}
