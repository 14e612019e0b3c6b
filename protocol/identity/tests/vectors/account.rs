//! `account.json`: the keys of a kit, and an account through new words, a move and a recovery, with the receipts that decide.

use essaim_identity::account::{
    AccountDraft, AccountEntry, AccountLog, AddressSalt, ConsentText, Host, Kit, MoveAccept, MoveId,
    MoveIntent, StateRoot, WitnessReceipt, Witnesses, first_entry,
};
use essaim_identity::{Cosigned, Cosigning, KeySet, Signed, SigningKey, Unverified};
use essaim_types::{ListingId, Lsn, Timestamp};
use serde_json::{Value, json};

use super::{NOW, bytes, check, hex, key, read};

#[test]
fn an_account_from_its_first_entry_to_a_recovery() {
    let kit = Kit::from_bytes(&[50; 32]);
    let salt = AddressSalt::from_bytes([60; 32]);
    let commit = salt.commit(&"Ann@coop.example".parse().unwrap());
    let first = signed(&first_entry(host(1), &[commit], NOW), &[key(1)]);
    let mut log = AccountLog::found(first.clone()).unwrap();
    let draft = AccountDraft::update(&first, NOW).next_recovery(kit.next_recovery()).member_keys(paper(&kit));
    let words = signed(&draft, &[key(1), kit.member_key()]);
    let (moved, consent) = moved(&log, &words, &kit);
    let next = Kit::from_bytes(&[51; 32]);
    let draft = AccountDraft::recover(&words, host(3), next.next_recovery(), paper(&next), NOW);
    let recovered = signed(&draft, &[kit.recovery_key(), key(3), next.member_key()]);
    let entries = [&first, &words, &moved, &recovered];
    assert!(log.accept_all([&words, &moved, &recovered].map(Clone::clone)).is_empty());
    let receipt = |n: u8| {
        let node = key(n + 100);
        let said = log.testify(&recovered.hash(), listing(n), node.public(), NOW, n > 1).unwrap();
        Signed::sign(&said, &node).unwrap()
    };
    let receipts = [1, 2, 3].map(receipt);
    let told = |entry: &&Cosigned<AccountEntry>| json!({ "wire": hex(&entry.to_wire()), "hash": entry.hash().to_string() });
    check(
        "account.json",
        &json!({
            "account": log.account().to_string(),
            "address": "ann@coop.example",
            "salt": hex(&[60; 32]),
            "commit": commit.to_string(),
            "kit": hex(&[50; 32]),
            "recovery_public": kit.recovery_key().public().to_string(),
            "member_public": kit.member_key().public().to_string(),
            "next_recovery": kit.next_recovery().to_string(),
            "consent": ConsentText(consent).to_string(),
            "entries": entries.iter().map(told).collect::<Vec<_>>(),
            "receipts": receipts.iter().map(|receipt| hex(&receipt.to_wire())).collect::<Vec<_>>(),
            "witnesses": (1..=4).map(|n| listing(n).to_string()).collect::<Vec<_>>(),
            "now": NOW.seconds(),
            "head": [
                { "receipts": 0, "after_seconds": 172_800, "hash": moved.hash().to_string() },
                { "receipts": 3, "after_seconds": 172_799, "hash": moved.hash().to_string() },
                { "receipts": 3, "after_seconds": 172_800, "hash": recovered.hash().to_string() },
            ],
        }),
    );
    replay(&read("account.json"));
}

/// As another implementation would use the file: from the bytes alone.
fn replay(vector: &Value) {
    let entries = vector["entries"].as_array().unwrap().iter();
    let mut entries: Vec<_> = entries
        .map(|entry| {
            let read = Cosigning::<AccountEntry>::parse(&bytes(&entry["wire"])).unwrap().verify().unwrap();
            assert_eq!(read.hash().to_string(), entry["hash"]);
            read
        })
        .collect();
    let fresh = AccountLog::found(entries.remove(0)).unwrap();
    assert_eq!(fresh.account().to_string(), vector["account"]);
    let witnesses: Witnesses = vector["witnesses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_str().unwrap().parse().unwrap())
        .collect();
    for case in vector["head"].as_array().unwrap() {
        let mut log = fresh.clone();
        assert!(log.accept_all(entries.clone()).is_empty());
        let count = usize::try_from(case["receipts"].as_u64().unwrap()).unwrap();
        for wire in vector["receipts"].as_array().unwrap().iter().take(count) {
            let receipt = Unverified::<WitnessReceipt>::parse(&bytes(wire)).unwrap();
            let node = receipt.claims().node;
            log.witness(receipt.verify(&node).unwrap()).unwrap();
        }
        let after = case["after_seconds"].as_i64().unwrap();
        let now = Timestamp::from_seconds(vector["now"].as_i64().unwrap() + after);
        assert_eq!(log.state(&witnesses, now).head.hash().to_string(), case["hash"], "{case}");
    }
}

fn moved(
    log: &AccountLog,
    before: &Cosigned<AccountEntry>,
    kit: &Kit,
) -> (Cosigned<AccountEntry>, Cosigning<MoveIntent>) {
    let (account, mid) = (log.account(), MoveId([70; 16]));
    let expires = Timestamp::from_seconds(NOW.seconds() + 7 * 86_400);
    let (source, target) = (listing(1), listing(2));
    let intent = MoveIntent { account, mid, source, target, nonce: [71; 16], expires };
    let mut consent = Cosigning::propose(&intent).unwrap();
    consent.sign(&kit.member_key()).unwrap();
    let accept = MoveAccept {
        account,
        mid,
        host: host(2),
        node: key(102).public(),
        lsn: Lsn(1234),
        root: StateRoot([72; 32]),
    };
    let mut accept = Cosigning::propose(&accept).unwrap();
    [2, 102].iter().for_each(|n| accept.sign(&key(*n)).unwrap());
    let draft = AccountDraft::hand_over(before, consent.clone(), accept, NOW);
    (signed(&draft, &[key(1)]), consent)
}

fn signed(draft: &AccountDraft, by: &[SigningKey]) -> Cosigned<AccountEntry> {
    let mut proposal = draft.propose().unwrap();
    by.iter().for_each(|key| proposal.sign(key).unwrap());
    proposal.verify().unwrap()
}

fn host(n: u8) -> Host {
    Host { listing: listing(n), key: key(n).public() }
}

fn listing(n: u8) -> ListingId {
    ListingId::from_bytes([n; 32])
}

fn paper(kit: &Kit) -> KeySet {
    [kit.member_key().public()].into()
}
