//! Which of several entries in one place stands, and when a recovery is in force.

use essaim_identity::account::{
    AccountDraft, CLOCK_SKEW_MAX, OVERRIDE_WINDOW, Waiting, WitnessRefusal, Witnesses,
};
use essaim_types::Timestamp;

use crate::people::{
    DAY, HOUR, NOW, RECOVERY, add, head, host, key, kit, listing, moved, paper, receipt, recovered, seen,
    signed, updated, with_kit, witnesses,
};

#[test]
fn of_two_entries_in_one_place_the_final_one_stands_then_the_earlier() {
    let mut log = with_kit();
    let before = head(&log).clone();
    let [low, high] = two_updates(&mut log);
    assert_eq!(head(&log).hash(), low, "nobody has seen anything: the lower hash");
    seen(&mut log, &high, &[1, 2, 3], NOW);
    let state = log.state(&witnesses(4), NOW);
    assert_eq!((state.head.hash(), state.is_final, state.disputed), (high, true, None));
    seen(&mut log, &low, &[4], Timestamp(NOW.0 - 1000));
    assert_eq!(
        log.state(&witnesses(4), NOW).head.hash(),
        high,
        "one witness is not enough, whatever time it says"
    );
    // Seven witnesses, of whom five make final. Three sign both and so say nothing: neither is final any more.
    seen(&mut log, &low, &[1, 2, 3], NOW);
    assert_eq!(log.equivocations().len(), 3);
    assert!(
        log.equivocations().iter().all(|proof| proof.prev == before.hash() && proof.entries == (low, high))
    );
    let state = log.state(&witnesses(4), NOW);
    assert_eq!((state.head.hash(), state.is_final), (low, false));
}

#[test]
fn two_final_entries_of_one_weight_are_a_dispute() {
    let mut log = with_kit();
    let before = head(&log).hash();
    let [low, high] = two_updates(&mut log);
    // Witnesses of whom one is enough: a federation of two, and each has seen another entry first.
    seen(&mut log, &low, &[1], NOW.after(HOUR));
    seen(&mut log, &high, &[2], NOW);
    let state = log.state(&witnesses(2), NOW.after(DAY));
    assert_eq!((state.head.hash(), state.disputed), (high, Some(before)), "the earlier, and it is said");
}

#[test]
fn more_weight_wins_within_the_window() {
    for (late, expected_host) in [(0, 2), (1, 1)] {
        let mut log = with_kit();
        let before = head(&log).clone();
        let update = add(&mut log, updated(&before, 1, 9, NOW));
        let at = NOW.after(OVERRIDE_WINDOW);
        let recovery = add(&mut log, recovered(&before, 50, 51, 2, at));
        seen(&mut log, &update, &[1, 2, 3], NOW);
        seen(&mut log, &recovery, &[1, 2, 3], Timestamp(at.0 + late * 1000));
        let state = log.state(&witnesses(4), at.after(30 * DAY));
        assert_eq!(state.head.record().host, host(expected_host), "{late} s after the window");
    }
}

#[test]
fn the_window_opens_with_the_first_final_entry_and_not_again() {
    let mut log = with_kit();
    let before = head(&log).clone();
    let [first, second] = two_updates(&mut log);
    let recovery = add(&mut log, recovered(&before, 50, 51, 2, NOW.after(10 * DAY)));
    seen(&mut log, &first, &[1], NOW);
    seen(&mut log, &second, &[2], NOW.after(6 * DAY));
    seen(&mut log, &recovery, &[1, 2], NOW.after(10 * DAY));
    let state = log.state(&witnesses(2), NOW.after(60 * DAY));
    assert_eq!(state.head.hash(), first);
}

#[test]
fn a_recovery_waits_while_the_host_is_seen() {
    let mut log = with_kit();
    let recovery = recovered(head(&log), 50, 51, 2, NOW);
    let hash = add(&mut log, recovery);
    let waiting = |until| vec![Waiting { entry: hash, until }];
    let state = log.state(&witnesses(4), NOW.after(400 * DAY));
    assert_eq!(
        (state.head.record().host, state.waiting),
        (host(1), waiting(None)),
        "nobody has given it a time"
    );
    seen(&mut log, &hash, &[1, 2, 3], NOW);
    let until = NOW.after(2 * DAY);
    let state = log.state(&witnesses(4), Timestamp(until.0 - 1));
    assert_eq!((state.head.record().host, state.waiting), (host(1), waiting(Some(until))));
    let state = log.state(&witnesses(4), until);
    assert_eq!((state.head.record().host, state.waiting), (host(2), vec![]));
}

#[test]
fn a_recovery_is_in_force_at_once_when_the_host_is_silent_or_agrees() {
    let mut log = with_kit();
    let before = head(&log).clone();
    let hash = add(&mut log, recovered(&before, 50, 51, 2, NOW));
    for n in [2, 3] {
        log.witness(receipt(&log, &hash, n, NOW, true)).unwrap();
    }
    log.witness(receipt(&log, &hash, 1, NOW, false)).unwrap();
    assert_eq!(log.state(&witnesses(4), NOW).head.record().host, host(1), "two of four do not hear the host");
    log.witness(receipt(&log, &hash, 4, NOW, true)).unwrap();
    assert_eq!(log.state(&witnesses(4), NOW).head.record().host, host(2));

    let mut log = with_kit();
    let draft = AccountDraft::recover(&before, host(2), kit(51).next_recovery(), paper(51), NOW);
    let by = [kit(50).recovery_key(), key(1), key(2), kit(51).member_key()];
    add(&mut log, signed(&draft.signed_also_by(crate::people::HOST), &by));
    assert_eq!(log.state(&witnesses(4), NOW).head.record().host, host(2));
}

#[test]
fn the_member_at_the_host_stops_a_thief_of_the_paper() {
    let mut log = with_kit();
    let before = head(&log).clone();
    let theft = add(&mut log, recovered(&before, 50, 66, 6, NOW));
    seen(&mut log, &theft, &[1, 2, 3], NOW);
    let words = AccountDraft::update(&before, NOW.after(DAY))
        .next_recovery(kit(51).next_recovery())
        .member_keys(paper(51))
        .signed_also_by(RECOVERY);
    let rescue = add(&mut log, signed(&words, &[kit(50).recovery_key(), key(1), kit(51).member_key()]));
    seen(&mut log, &rescue, &[1, 2, 3], NOW.after(DAY));
    let state = log.state(&witnesses(4), NOW.after(30 * DAY));
    assert_eq!((state.head.hash(), state.head.record().host), (rescue, host(1)));
    assert!(log.equivocations().is_empty(), "entries of two weights: an honest witness signs both");
}

#[test]
fn what_stood_on_an_entry_that_lost_falls_with_it() {
    let mut log = with_kit();
    let before = head(&log).clone();
    let mut top = before.clone();
    for step in 0..5 {
        top = updated(&top, 1, 60 + step, NOW);
        add(&mut log, top.clone());
    }
    let entry = moved(&log, 50, 1, 3, NOW);
    add(&mut log, entry);
    assert_eq!(head(&log).record().host, host(3));
    let hash = add(&mut log, recovered(&before, 50, 51, 2, NOW));
    seen(&mut log, &hash, &[1], NOW);
    let later = NOW.after(3 * DAY);
    assert_eq!(log.state(&witnesses(2), later).head.hash(), hash);
}

#[test]
fn an_entry_of_the_future_waits() {
    let mut log = with_kit();
    let ts = NOW.after(DAY);
    let entry = updated(head(&log), 1, 9, ts);
    let hash = add(&mut log, entry);
    let edge = Timestamp(ts.0 - i64::try_from(CLOCK_SKEW_MAX.as_millis()).unwrap());
    let none = Witnesses::default();
    assert_ne!(log.state(&none, Timestamp(edge.0 - 1)).head.hash(), hash);
    assert_eq!(log.state(&none, edge).head.hash(), hash);
}

#[test]
fn an_honest_witness_signs_the_first_of_each_weight_in_its_time() {
    let mut log = with_kit();
    let before = head(&log).clone();
    let [one, other] = two_updates(&mut log);
    let recovery = add(&mut log, recovered(&before, 50, 51, 2, NOW));
    seen(&mut log, &one, &[1], NOW);
    let testify = |entry, now| log.testify(entry, listing(1), key(101).public(), now, false);
    assert_eq!(testify(&other, NOW), Err(WitnessRefusal::Another { other: one }));
    assert!(testify(&one, NOW).is_ok() && testify(&recovery, NOW).is_ok());
    assert!(testify(&recovery, NOW.after(CLOCK_SKEW_MAX)).is_ok());
    let late = Timestamp(NOW.after(CLOCK_SKEW_MAX).0 + 1000);
    assert_eq!(testify(&recovery, late), Err(WitnessRefusal::Untimely));
    let first = log.chain(&before.hash()).last().unwrap().hash();
    assert_eq!(testify(&first, NOW), Err(WitnessRefusal::NothingToSign));
}

/// Two updates of the host in one place, lower hash first.
fn two_updates(log: &mut essaim_identity::account::AccountLog) -> [essaim_identity::RecordHash; 2] {
    let before = head(log).clone();
    let mut both = [8, 9].map(|replica| add(log, updated(&before, 1, replica, NOW)));
    both.sort();
    both
}

#[test]
fn a_log_that_holds_only_what_was_in_force_ends_at_its_last_entry() {
    let mut log = with_kit();
    let before = head(&log).clone();
    assert_eq!(log.settled_head(), &before);
    let recovery = add(&mut log, recovered(&before, 50, 51, 2, NOW));
    assert_eq!(head(&log), &before, "nobody has seen it");
    assert_eq!(log.settled_head().hash(), recovery, "whoever kept it has asked");
    let after = log.settled_head().clone();
    let update = add(&mut log, updated(&after, 2, 9, NOW));
    assert_eq!(log.settled_head().hash(), update);
}
