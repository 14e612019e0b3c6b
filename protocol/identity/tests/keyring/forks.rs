//! Two entries where one should be. What comes out does not depend on which was seen first.

use essaim_identity::keyring::{
    Accepted, BRANCHES_MAX, Draft, EntryNumber, KeyringEntry, Past, Refusal, Role, Status,
};
use essaim_identity::{Cosigned, Keyring, RecordHash};
use proptest::prelude::{Strategy, any, proptest};

use crate::people::{actor, coop, forced, keys, public, roles, signed};

#[test]
fn a_fork_freezes_until_an_entry_names_both_branches() {
    let start = coop();
    let mut coop = start.clone();
    coop.accept(adding(&start, 11)).unwrap();
    assert_eq!(coop.accept(adding(&start, 12)), Ok(Accepted::Forked));
    assert_eq!(coop.status(), Status::Forked { at: EntryNumber(1) });
    assert!(!coop.is_settled());
    assert_eq!(coop.head(), start.head());
    assert!(!coop.has_role(EntryNumber(1), &public(11), Role::Edit));

    let thaw = signed(coop.draft().unwrap().propose(&coop).unwrap(), &[1, 3]);
    assert_eq!(coop.accept(thaw.clone()), Ok(Accepted::Thawed));
    assert_eq!(coop.accept(thaw), Ok(Accepted::Known));
    assert_eq!(coop.status(), Status::Settled);
    assert_eq!(coop.head().number, EntryNumber(2));
    assert_eq!(coop.head().operators, start.head().operators);
    assert_eq!(coop.entry(EntryNumber(1)), None);

    // A third branch of what is settled changes nothing.
    assert_eq!(coop.accept(adding(&start, 13)), Ok(Accepted::AnotherBranch));
    assert_eq!(coop.head().number, EntryNumber(2));
    assert!(coop.is_settled());
}

#[test]
fn only_the_roots_before_the_fork_end_it() {
    let start = coop();
    // A thief with two root keys puts in his own; the hoster's own next entry makes it a fork.
    let theft = start.draft().unwrap().roots(keys(&[66, 67]), 2).propose(&start).unwrap();
    let mut coop = start.clone();
    coop.accept(signed(theft, &[1, 2, 66, 67])).unwrap();
    coop.accept(adding(&start, 11)).unwrap();

    let thaw = coop.draft().unwrap().entry().clone();
    assert_eq!(
        coop.accept(forced(&thaw, &[66, 67])),
        Err(Refusal::StrangerSigned { key: public(66).min(public(67)) })
    );
    assert_eq!(coop.accept(forced(&thaw, &[1, 3])), Ok(Accepted::Thawed));
    assert_eq!(coop.head().roots, keys(&[1, 2, 3]));
}

#[test]
fn nothing_goes_on_from_one_branch() {
    let start = coop();
    let (one, other) = (adding(&start, 11), adding(&start, 12));
    let mut alone = start.clone();
    alone.accept(one.clone()).unwrap();
    let child = adding(&alone, 20);
    let mut coop = start.clone();
    coop.accept(one.clone()).unwrap();
    coop.accept(child.clone()).unwrap();
    coop.accept(other.clone()).unwrap();
    assert_eq!(coop.status(), Status::Forked { at: EntryNumber(1) });
    let refusal = coop.accept(child).unwrap_err();
    assert_eq!(refusal, Refusal::OneBranch { number: EntryNumber(1) });
    assert!(!refusal.may_pass_later());

    // Seen before the branch that it names, the end of the fork has to wait.
    let thaw = forced(coop.draft().unwrap().entry(), &[1, 2]);
    let refusal = alone.accept(thaw.clone()).unwrap_err();
    assert_eq!(refusal, Refusal::UnknownPast { hash: other.hash() });
    assert!(refusal.may_pass_later());
    alone.accept(other).unwrap();
    assert_eq!(alone.accept(thaw), Ok(Accepted::Thawed));
}

#[test]
fn two_ends_of_a_fork_are_a_fork() {
    let start = coop();
    let mut coop = start.clone();
    coop.accept(adding(&start, 11)).unwrap();
    coop.accept(adding(&start, 12)).unwrap();
    let one = adding(&coop, 13);
    let other = adding(&coop, 14);
    coop.accept(one).unwrap();
    assert_eq!(coop.accept(other), Ok(Accepted::Forked));
    assert_eq!(coop.status(), Status::Forked { at: EntryNumber(2) });
    assert_eq!(coop.head(), start.head());
    let thaw = adding(&coop, 15);
    assert_eq!(coop.accept(thaw), Ok(Accepted::Thawed));
    assert_eq!(coop.head().number, EntryNumber(3));
}

#[test]
fn roots_that_sign_without_end_ruin_the_keyring() {
    let start = coop();
    let mut branches: Vec<_> = (11..17).map(|n| adding(&start, n)).collect();
    let mut coop = start.clone();
    for branch in &branches[..BRANCHES_MAX - 1] {
        coop.accept(branch.clone()).unwrap();
    }
    let thaw = adding(&coop, 20);
    coop.accept(thaw.clone()).unwrap();
    assert_eq!(coop.accept(branches[BRANCHES_MAX - 1].clone()), Ok(Accepted::Ruined));
    assert_eq!(coop.status(), Status::Ruined { at: EntryNumber(1) });
    assert_eq!(coop.draft(), None);
    assert_eq!(coop.accept(thaw), Err(Refusal::Ruined { number: EntryNumber(1) }));

    // Whoever has seen other four ends with the same ones.
    let mut other = start.clone();
    branches.reverse();
    for branch in branches.iter().cloned() {
        let _ = other.accept(branch);
    }
    branches.reverse();
    for branch in branches.iter().cloned() {
        let _ = coop.accept(branch);
    }
    assert_eq!(coop, other);
    branches.sort_by_key(Cosigned::hash);
    let last = branches.last().unwrap().clone();
    assert_eq!(coop.accept(last), Err(Refusal::Ruined { number: EntryNumber(1) }));
}

#[test]
fn the_same_entry_twice_is_no_past() {
    let hash = RecordHash::from_bytes([1; 32]);
    assert_eq!(Past::both(hash, hash), None);
}

proptest! {
    /// Random histories with forks of every kind, offered in two orders, again and again until nothing changes any more.
    #[test]
    fn every_order_ends_the_same(story in story(), one in any::<u64>(), other in any::<u64>()) {
        let entries = told(&story);
        let (one, other) = (offered(&entries, one), offered(&entries, other));
        assert_eq!(one, other);
        assert_eq!(one.status(), other.status());
        let again = offered(&one.entries().skip(1).cloned().collect::<Vec<_>>(), 0);
        assert_eq!(one, again, "what is held is enough to make it again, in the order it is given in");
    }
}

/// Who writes the next entry: by one of several copies of the keyring, which has seen what some other has.
type Step = (usize, usize, bool);

fn story() -> impl Strategy<Value = Vec<Step>> {
    proptest::collection::vec((0..COPIES, 0..COPIES, any::<bool>()), 1..18)
}

/// All entries that come about when several machines of one hoster write without always knowing of each other.
fn told(story: &[Step]) -> Vec<Cosigned<KeyringEntry>> {
    let mut copies = vec![coop(); COPIES];
    let mut all = Vec::new();
    for (n, (writer, reader, tells)) in (20..).zip(story) {
        let copy = &mut copies[*writer];
        if let Some(draft) = copy.draft() {
            let draft = draft.operator(public(n), roles(&[Role::Edit]), actor(n));
            if let Ok(proposal) = draft.propose(copy) {
                let entry = signed(proposal, &[1, 2]);
                copy.accept(entry.clone()).unwrap();
                all.push(entry);
            }
        }
        if *tells {
            let known: Vec<_> = copies[*writer].entries().cloned().collect();
            for entry in known {
                let _ = copies[*reader].accept(entry);
            }
        }
    }
    all
}

/// A keyring to which all of these were offered in an order of this seed, the refused ones again as long as it helps.
fn offered(entries: &[Cosigned<KeyringEntry>], seed: u64) -> Keyring {
    let mut keyring = coop();
    let mut waiting: Vec<_> = entries.to_vec();
    shuffle(&mut waiting, seed);
    loop {
        let before = keyring.clone();
        waiting.retain(|entry| {
            let untouched = keyring.clone();
            match keyring.accept(entry.clone()) {
                Ok(_) => false,
                Err(refusal) => {
                    assert_eq!(keyring, untouched, "{refusal}");
                    refusal.may_pass_later()
                }
            }
        });
        if keyring == before {
            return keyring;
        }
    }
}

fn shuffle<T>(list: &mut [T], mut seed: u64) {
    if seed == 0 {
        return;
    }
    for at in (1..list.len()).rev() {
        // SplitMix64: any spread will do.
        seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (seed ^ (seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let to = usize::try_from((mixed >> 32) % (at as u64 + 1)).unwrap();
        list.swap(at, to);
    }
}

/// The next entry, with one more operator, signed by two roots.
fn adding(keyring: &Keyring, n: u8) -> Cosigned<KeyringEntry> {
    let draft: Draft = keyring.draft().unwrap().operator(public(n), roles(&[Role::Edit]), actor(n));
    signed(draft.propose(keyring).unwrap(), &[1, 2])
}

const COPIES: usize = 5;
