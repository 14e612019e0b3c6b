//! Random histories: whatever is offered in whatever order, the state is a function of the set.

use essaim_identity::account::{
    AcceptanceCode, AccountDraft, AccountEntry, AccountLog, ConsentText, Highest, WitnessReceipt, Witnesses,
};
use essaim_identity::{Cosigned, Cosigning, RecordHash, Signed, Unverified};
use essaim_types::Timestamp;
use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, proptest};
use proptest::prop_oneof;

use crate::people::{
    DAY, HOST, HOUR, NOW, RECOVERY, accepted, consent, head, host, key, kit, listing, moved, paper, receipt,
    recovered, signed, updated, with_kit, witnesses,
};

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn the_state_is_a_function_of_the_set(
        steps in vec(step(), 1..14),
        order in vec(any::<u64>(), 64),
        counted in 0u8..=5,
        hours in 0u32..(20 * 24),
    ) {
        let history = History::of(&steps);
        let now = NOW.after(HOUR * hours);
        let told = outcome(&history.log, &witnesses(counted), now);
        let again = history.in_order(&order);
        assert_eq!(outcome(&again, &witnesses(counted), now), told);
        // From the bytes alone, in yet another order.
        let reversed: Vec<u64> = order.iter().map(|rank| u64::MAX - rank).collect();
        assert_eq!(outcome(&history.in_order(&reversed), &witnesses(counted), now), told);
    }

    #[test]
    fn no_damage_goes_unseen(which in 0usize..3, at in any::<usize>(), flip in 1u8..) {
        let log = with_kit();
        let before = head(&log).clone();
        let entries = [updated(&before, 1, 9, NOW), moved(&log, 50, 1, 2, NOW), recovered(&before, 50, 51, 2, NOW)];
        let mut wire = entries[which].to_wire();
        let at = at % wire.len();
        wire[at] ^= flip;
        let accepted = Cosigning::<AccountEntry>::parse(&wire)
            .is_ok_and(|read| read.verify().is_ok_and(|entry| log.clone().accept(entry).is_ok()));
        assert!(!accepted, "byte {at} of entry {which}");
    }

    #[test]
    fn strangers_bytes_are_refused_calmly(data in vec(any::<u8>(), 0..400)) {
        let _ = Cosigning::<AccountEntry>::parse(&data);
        let _ = Unverified::<WitnessReceipt>::parse(&data);
        let text = String::from_utf8_lossy(&data);
        let _ = text.parse::<ConsentText>();
        let _ = format!("essaim-accept:{text}").parse::<AcceptanceCode>();
    }

    #[test]
    fn what_stands_is_a_chain_with_one_host_for_each_epoch(steps in vec(step(), 1..14), counted in 0u8..=5) {
        let history = History::of(&steps);
        let state = history.log.state(&witnesses(counted), NOW.after(30 * DAY));
        let chain: Vec<_> = history.log.chain(&state.head.hash()).map(Cosigned::record).collect();
        for pair in chain.windows(2) {
            let (entry, before) = (pair[0], pair[1]);
            assert_eq!(entry.seq.0, before.seq.0 + 1);
            assert!(entry.ts >= before.ts && entry.epoch >= before.epoch);
            assert!(entry.host.listing == before.host.listing || entry.epoch > before.epoch);
        }
    }

    #[test]
    fn a_log_that_only_grows_is_never_a_rollback(steps in vec(step(), 1..14), counted in 0u8..=5) {
        let history = History::of(&steps);
        let none = with_kit();
        let (now, count) = (NOW.after(30 * DAY), witnesses(counted));
        let mut seen = Highest::of(none.state(&count, now).head);
        let mut log = none;
        for entry in history.entries() {
            let _ = log.accept(entry);
            seen = seen.advance(&log, log.state(&count, now).head).expect("it has all that was there before");
        }
    }

    #[test]
    fn nobody_but_the_member_changes_the_host(steps in vec(step(), 1..14), counted in 0u8..=5) {
        // Without the steps that show words or consent, the account stays where it is.
        let by_hosts: Vec<_> = steps.into_iter().filter(|step| matches!(step.act, Act::Update | Act::Freeze)).collect();
        let history = History::of(&by_hosts);
        let state = history.log.state(&witnesses(counted), NOW.after(30 * DAY));
        assert_eq!(state.head.record().host, host(1));
        assert_eq!(state.head.record().next_recovery, Some(kit(50).next_recovery()));
    }
}

/// Somebody does something, on top of one of the entries that there are; some witnesses see it.
#[derive(Debug, Clone)]
struct Step {
    act: Act,
    on: usize,
    to: u8,
    hours: u32,
    seen_by: Vec<(u8, u32, bool)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Act {
    Update,
    Freeze,
    Move,
    Recover,
    NewWords,
}

fn step() -> impl Strategy<Value = Step> {
    let act = prop_oneof![
        3 => Just(Act::Update),
        1 => Just(Act::Freeze),
        3 => Just(Act::Move),
        2 => Just(Act::Recover),
        1 => Just(Act::NewWords),
    ];
    let seen_by = vec((1u8..=5, 0u32..(9 * 24), any::<bool>()), 0..6);
    (act, any::<usize>(), 1u8..=5, 0u32..(10 * 24), seen_by).prop_map(|(act, on, to, hours, seen_by)| Step {
        act,
        on,
        to,
        hours,
        seen_by,
    })
}

struct History {
    log: AccountLog,
    receipts: Vec<Signed<WitnessReceipt>>,
}

impl History {
    fn of(steps: &[Step]) -> Self {
        let mut history = Self { log: with_kit(), receipts: Vec::new() };
        for (number, step) in (51u8..).zip(steps) {
            let entries: Vec<_> = history.entries();
            let before = entries[step.on % entries.len()].clone();
            let Some(entry) = history.act(step, number, &before) else { continue };
            let hash = entry.hash();
            if history.log.accept(entry).is_ok() {
                step.seen_by.iter().for_each(|seen| history.see(&hash, *seen));
            }
        }
        history
    }

    fn act(
        &self,
        step: &Step,
        number: u8,
        before: &Cosigned<AccountEntry>,
    ) -> Option<Cosigned<AccountEntry>> {
        let entry = before.record();
        let by = *entry.host.listing.as_bytes().first()?;
        let words = (50..number).find(|words| Some(kit(*words).next_recovery()) == entry.next_recovery)?;
        let at = NOW.after(HOUR * step.hours).max(entry.ts);
        Some(match step.act {
            Act::Update => updated(before, by, number, at),
            Act::Freeze => signed(&AccountDraft::freeze(before, HOST, at.after(2 * DAY), at), &[key(by)]),
            Act::Move => {
                let intent = essaim_identity::account::MoveIntent {
                    account: self.log.account(),
                    mid: essaim_identity::account::MoveId([number; 16]),
                    source: entry.host.listing,
                    target: listing(step.to),
                    nonce: [number; 16],
                    expires: at.after(DAY),
                };
                let consent = consent(&intent, &kit(words).member_key());
                signed(&AccountDraft::hand_over(before, consent, accepted(&intent, step.to), at), &[key(by)])
            }
            Act::Recover => recovered(before, words, number, step.to, at),
            Act::NewWords => {
                let draft = AccountDraft::update(before, at)
                    .next_recovery(kit(number).next_recovery())
                    .member_keys(paper(number))
                    .signed_also_by(RECOVERY);
                signed(&draft, &[key(by), kit(words).recovery_key(), kit(number).member_key()])
            }
        })
    }

    /// Some of the witnesses give receipts for rivals too; their word must not count anywhere.
    fn see(&mut self, entry: &RecordHash, (by, hours, silent): (u8, u32, bool)) {
        let receipt = receipt(&self.log, entry, by, NOW.after(HOUR * hours), silent);
        self.log.witness(receipt.clone()).unwrap();
        self.receipts.push(receipt);
    }

    fn entries(&self) -> Vec<Cosigned<AccountEntry>> {
        let mut entries: Vec<_> = self.log.entries().cloned().collect();
        entries.sort_by_key(|entry| (entry.record().seq, entry.hash()));
        entries
    }

    /// The same set, read from bytes, in another order; what comes too early is offered again.
    fn in_order(&self, order: &[u64]) -> AccountLog {
        let mut entries = self.entries();
        let genesis = entries.remove(0);
        let mut ranked: Vec<_> = entries.into_iter().enumerate().collect();
        ranked.sort_by_key(|(at, _)| order[at % order.len()]);
        let mut log = AccountLog::found(reread(&genesis)).unwrap();
        let mut left: Vec<_> = ranked.into_iter().map(|(_, entry)| entry).collect();
        while !left.is_empty() {
            let before = left.len();
            left.retain(|entry| match log.accept(reread(entry)) {
                Ok(_) => false,
                Err(refused) => {
                    assert!(refused.may_pass_later(), "{refused}");
                    true
                }
            });
            assert!(left.len() < before, "something always fits");
        }
        let mut receipts: Vec<_> = self.receipts.iter().enumerate().collect();
        receipts.sort_by_key(|(at, _)| order[(at + 7) % order.len()]);
        for (_, receipt) in receipts {
            let node = receipt.record().node;
            let read = Unverified::<WitnessReceipt>::parse(&receipt.to_wire()).unwrap();
            log.witness(read.verify(&node).unwrap()).unwrap();
        }
        log
    }
}

fn reread(entry: &Cosigned<AccountEntry>) -> Cosigned<AccountEntry> {
    Cosigning::parse(&entry.to_wire()).unwrap().verify().unwrap()
}

/// What anybody can see of a log.
fn outcome(log: &AccountLog, witnesses: &Witnesses, now: Timestamp) -> String {
    let state = log.state(witnesses, now);
    format!(
        "{} final {} waiting {:?} disputed {:?} cheats {:?}",
        state.head.hash(),
        state.is_final,
        state.waiting,
        state.disputed,
        log.equivocations()
    )
}
