//! What each role can do who turns against the others, and what it cannot.

use essaim_identity::Cosigning;
use essaim_identity::account::{
    AccountDraft, AccountLog, Authority, HOST_ENTRIES_MAX, HandoverFault, Highest, IntentFault, MoveAccept,
    MoveIntent, PAPER_LIFETIME_MAX, Refusal, StateRoot,
};
use essaim_types::{ListingId, Timestamp};

use crate::people::{
    DAY, HOST, HOUR, MEMBER, NOW, accepted, add, consent, head, host, intent, key, kit, listing, moved,
    paper, recovered, seen, signed, updated, with_kit, witnesses,
};

#[test]
fn a_host_cannot_forge_a_move() {
    let log = with_kit();
    let wanted = intent(&log, 1, 2, NOW);
    let by = |signer| {
        let draft = AccountDraft::hand_over(head(&log), consent(&wanted, &signer), accepted(&wanted, 2), NOW);
        log.clone().accept(signed(&draft, &[key(1)]))
    };
    assert_eq!(by(key(1)), Err(Refusal::Intent(IntentFault::NotTheMember)));
    assert_eq!(by(kit(66).member_key()), Err(Refusal::Intent(IntentFault::NotTheMember)), "wrong words");
    let nobody = Cosigning::propose(&wanted).unwrap();
    let draft = AccountDraft::hand_over(head(&log), nobody, accepted(&wanted, 2), NOW);
    assert_eq!(
        log.clone().accept(signed(&draft, &[key(1)])),
        Err(Refusal::Intent(IntentFault::NotTheMember))
    );
    assert!(by(kit(50).member_key()).is_ok());
    assert!(by(kit(50).recovery_key()).is_ok());
}

#[test]
fn a_host_cannot_turn_a_consent_to_another_end() {
    let log = with_kit();
    let good = intent(&log, 1, 2, NOW);
    let with = |wanted: &MoveIntent, accept, at| {
        let consent = consent(wanted, &kit(50).member_key());
        let draft = AccountDraft::hand_over(head(&log), consent, accept, at);
        log.clone().accept(signed(&draft, &[key(1)])).map(|_| ())
    };
    let elsewhere = accepted(&intent(&log, 1, 3, NOW), 3);
    assert_eq!(with(&good, elsewhere, NOW), Err(Refusal::Accept(HandoverFault::OtherMove)));
    let other_move = accepted(&intent(&log, 9, 2, NOW), 2);
    assert_eq!(with(&good, other_move, NOW), Err(Refusal::Accept(HandoverFault::OtherMove)));
    let mut foreign = good.clone();
    foreign.account =
        AccountLog::found(signed(&essaim_identity::account::first_entry(host(3), &[], NOW), &[key(3)]))
            .unwrap()
            .account();
    let named = foreign.account;
    assert_eq!(
        with(&foreign, accepted(&foreign, 2), NOW),
        Err(Refusal::Intent(IntentFault::OtherAccount { named }))
    );
    let mut away = good.clone();
    away.source = listing(7);
    let fault = IntentFault::OtherSource { named: listing(7), host: listing(1) };
    assert_eq!(with(&away, accepted(&away, 2), NOW), Err(Refusal::Intent(fault)));
    let home = intent(&log, 1, 1, NOW);
    assert_eq!(with(&home, accepted(&home, 4), NOW), Err(Refusal::Intent(IntentFault::Nowhere)));
    assert_eq!(with(&good, accepted(&good, 2), NOW), Ok(()));
}

#[test]
fn a_consent_is_good_in_its_time_only() {
    let log = with_kit();
    let good = intent(&log, 1, 2, NOW);
    let at = |at| {
        let draft = AccountDraft::hand_over(
            head(&log),
            consent(&good, &kit(50).member_key()),
            accepted(&good, 2),
            at,
        );
        log.clone().accept(signed(&draft, &[key(1)])).map(|_| ())
    };
    assert_eq!(at(good.expires), Ok(()));
    assert_eq!(at(Timestamp(good.expires.0 + 1000)), Err(Refusal::Intent(IntentFault::Expired)));
    let until = |expires| {
        let far = MoveIntent { expires, ..good.clone() };
        let draft =
            AccountDraft::hand_over(head(&log), consent(&far, &kit(50).member_key()), accepted(&far, 2), NOW);
        log.clone().accept(signed(&draft, &[key(1)])).map(|_| ())
    };
    assert_eq!(until(NOW.after(PAPER_LIFETIME_MAX)), Ok(()));
    let later = Timestamp(NOW.after(PAPER_LIFETIME_MAX).0 + 1000);
    assert_eq!(until(later), Err(Refusal::Intent(IntentFault::TooFarAhead)));
}

#[test]
fn a_move_is_not_made_twice() {
    let mut log = with_kit();
    let there = moved(&log, 50, 1, 2, NOW);
    add(&mut log, there.clone());
    let back = moved(&log, 50, 2, 1, NOW);
    add(&mut log, back);
    assert_eq!(head(&log).record().host, host(1), "and the account is where it was");
    let mid = intent(&log, 1, 2, NOW).mid;
    assert_eq!(
        log.accept(moved(&log, 50, 1, 2, NOW)),
        Err(Refusal::MoveUsed { mid }),
        "the old consent again"
    );
    let replayed = log.accept(there).unwrap();
    assert_eq!(replayed, essaim_identity::account::Accepted::Known);
    assert_eq!(head(&log).record().host, host(1), "the old entry again");
}

#[test]
fn a_target_is_held_to_what_both_its_keys_have_signed() {
    let log = with_kit();
    let wanted = intent(&log, 1, 2, NOW);
    let good = accepted(&wanted, 2);
    let with = |accept: Cosigning<MoveAccept>| {
        let consent = consent(&wanted, &kit(50).member_key());
        log.clone()
            .accept(signed(&AccountDraft::hand_over(head(&log), consent, accept, NOW), &[key(1)]))
            .map(|_| ())
    };
    let refused = |fault| Err(Refusal::Accept(fault));
    let resigned = |accept: &MoveAccept, by: &[u8]| {
        let mut accept = Cosigning::propose(accept).unwrap();
        by.iter().for_each(|n| accept.sign(&key(*n)).unwrap());
        accept
    };
    assert_eq!(with(resigned(good.claims(), &[2])), refused(HandoverFault::Signers));
    assert_eq!(with(resigned(good.claims(), &[102])), refused(HandoverFault::Signers));
    assert_eq!(with(resigned(good.claims(), &[2, 102, 1])), refused(HandoverFault::Signers));
    let one_key = MoveAccept { node: key(2).public(), ..good.claims().clone() };
    assert_eq!(with(resigned(&one_key, &[2])), refused(HandoverFault::OneKey { key: key(2).public() }));
    let bent = with_root(&good, StateRoot([0; 32]));
    assert!(matches!(with(bent), Err(Refusal::Accept(HandoverFault::Signature(_)))));
    assert_eq!(with(good), Ok(()));
}

#[test]
fn a_stolen_host_key_freezes_for_days_and_takes_nothing() {
    let mut log = with_kit();
    let before = head(&log).clone();
    let thief = |draft: AccountDraft, by: &[essaim_identity::SigningKey]| signed(&draft, by);
    let take = AccountDraft::recover(&before, host(6), kit(66).next_recovery(), paper(66), NOW);
    let by = [key(1), key(6), kit(66).member_key()];
    assert_eq!(log.accept(thief(take, &by)), Err(Refusal::Unsigned { role: crate::people::RECOVERY }));
    let mut entry =
        AccountDraft::recover(&before, host(6), kit(66).next_recovery(), paper(66), NOW).entry().clone();
    entry.by = essaim_identity::account::Roles::of(&[HOST]).unwrap();
    let refused = log.accept(crate::people::forced(&entry, &by));
    assert_eq!(refused, Err(Refusal::Needs { role: crate::people::RECOVERY }));
    let keys = AccountDraft::update(&before, NOW).member_keys(paper(66));
    let needs_member = Err(Refusal::Needs { role: MEMBER });
    assert_eq!(log.accept(thief(keys, &[key(1), kit(66).member_key()])), needs_member);
    let freeze = thief(AccountDraft::freeze(&before, HOST, NOW.after(14 * DAY), NOW), &[key(1)]);
    add(&mut log, freeze);
    // The member and the real host change the stolen key; that frees the account too.
    let draft = AccountDraft::update(head(&log), NOW.after(HOUR)).host_key(key(9).public()).thaw();
    let entry = signed(&draft.signed_also_by(MEMBER), &[key(1), key(9), kit(50).member_key()]);
    add(&mut log, entry);
    let refused = log.accept(updated(head(&log), 1, 7, NOW.after(HOUR)));
    assert_eq!(refused, Err(Refusal::Stranger { key: key(1).public() }), "the stolen key is nobody's");
}

#[test]
fn a_stolen_host_key_cannot_crowd_out_the_words() {
    let mut log = with_kit();
    let before = head(&log).clone();
    let crowd = |n| {
        let draft = AccountDraft::update(&before, NOW).replicas(&[ListingId::from_bytes(numbered(n))]);
        signed(&draft, &[key(1)])
    };
    // The first entry and the one that brought the words are the host's too.
    for n in 2..HOST_ENTRIES_MAX {
        add(&mut log, crowd(n));
    }
    assert_eq!(log.accept(crowd(0)), Err(Refusal::Full { authority: Authority::Host }));
    let hash = add(&mut log, recovered(&before, 50, 51, 2, NOW));
    seen(&mut log, &hash, &[1, 2, 3], NOW);
    assert_eq!(log.state(&witnesses(4), NOW.after(3 * DAY)).head.hash(), hash);
}

#[test]
fn wrong_words_are_nobody() {
    let mut log = with_kit();
    let before = head(&log).clone();
    let wrong = kit(66).recovery_key().public();
    assert_eq!(log.accept(recovered(&before, 66, 67, 6, NOW)), Err(Refusal::Stranger { key: wrong }));
    let member_for_recovery =
        AccountDraft::recover(&before, host(6), kit(66).next_recovery(), paper(66), NOW);
    let by = [kit(50).member_key(), key(6), kit(66).member_key()];
    let refused = log.accept(signed(&member_for_recovery, &by));
    assert_eq!(
        refused,
        Err(Refusal::Unsigned { role: crate::people::RECOVERY }),
        "a stolen device is not the paper"
    );
}

#[test]
fn an_old_host_cannot_go_on_under_its_epoch() {
    let mut log = with_kit();
    let before = head(&log).clone();
    let entry = moved(&log, 50, 1, 2, NOW);
    let committed = add(&mut log, entry);
    let refused = log.accept(updated(head(&log), 1, 7, NOW));
    assert_eq!(refused, Err(Refusal::Stranger { key: key(1).public() }));
    // From the entry before its move it can write, which weighs less than the move.
    add(&mut log, updated(&before, 1, 7, NOW));
    assert_eq!(head(&log).hash(), committed);
}

#[test]
fn an_old_log_is_seen_to_be_old() {
    let old = with_kit();
    let mut log = old.clone();
    let entry = moved(&log, 50, 1, 2, NOW);
    add(&mut log, entry);
    let known = Highest::of(head(&old)).advance(&log, head(&log)).unwrap();
    assert_eq!(known.epoch, head(&log).record().epoch);
    let error = known.advance(&old, head(&old)).unwrap_err();
    assert_eq!((error.seen, error.shown), (known, Highest::of(head(&old))));
    assert_eq!(known.advance(&log, head(&log)), Ok(known));
}

/// The same signatures under another root.
fn with_root(accept: &Cosigning<MoveAccept>, root: StateRoot) -> Cosigning<MoveAccept> {
    let mut wire = accept.to_wire();
    let at = wire.windows(32).position(|window| window == accept.claims().root.0).unwrap();
    wire[at..at + 32].copy_from_slice(&root.0);
    Cosigning::parse(&wire).unwrap()
}

/// 32 bytes that differ for each number.
fn numbered(n: usize) -> [u8; 32] {
    let mut bytes = [0xee; 32];
    bytes[..8].copy_from_slice(&n.to_be_bytes());
    bytes
}
