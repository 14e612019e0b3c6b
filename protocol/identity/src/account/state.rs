//! Which entries stand. A pure function of the set of entries and receipts, of the witnesses whose word counts, and of the time.

use std::cmp::Reverse;
use std::time::Duration;

use essaim_types::Timestamp;

use super::entry::{AccountEntry, Kind};
use super::log::{AccountLog, Place};
use super::values::{Authority, Role};
use super::witness::{Tally, Witnesses};
use crate::cosigned::Cosigned;
use crate::signed::RecordHash;

/// How an account stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountState<'l> {
    /// The last entry that stands: who serves the account, under which epoch.
    pub head: &'l Cosigned<AccountEntry>,
    /// Whether the witnesses have made it final; the first entry needs nobody.
    pub is_final: bool,
    /// Recoveries that wait, in ascending order of their hashes. Whoever serves the account alarms the member.
    pub waiting: Vec<Waiting>,
    /// The last place at which witnesses made two entries of the same weight final, which takes more than a third of them to
    /// break the rules. The answer is still the same everywhere; but mail is kept at both, and nothing is deleted.
    pub disputed: Option<RecordHash>,
}

/// A recovery that is not in force yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// The entry.
    pub entry: RecordHash,
    /// From when it is in force, unless something outweighs it. `None` as long as witnesses have not given it a time.
    pub until: Option<Timestamp>,
}

/// An entry that could come next.
struct Candidate<'l> {
    hash: RecordHash,
    place: &'l Place,
    tally: Tally,
}

impl AccountLog {
    /// How the account stands at this time, by the word of these witnesses. Entries that say they are of the future wait.
    pub fn state(&self, witnesses: &Witnesses, now: Timestamp) -> AccountState<'_> {
        let first = self.places.get(&self.genesis).expect("a log is founded by its first entry, which stays");
        let mut state =
            AccountState { head: &first.entry, is_final: true, waiting: Vec::new(), disputed: None };
        let mut at = first;
        while let Some(next) = self.next(at, witnesses, now, &mut state) {
            state.head = &next.place.entry;
            state.is_final = next.tally.at.is_some();
            at = next.place;
        }
        state.waiting.sort_unstable_by_key(|waiting| waiting.entry);
        state
    }

    /// The last entry of a log that holds only what was in force when it was written, such as that of an account which is served
    /// here: whoever kept it has asked the witnesses then.
    pub fn settled_head(&self) -> &Cosigned<AccountEntry> {
        let mut at =
            self.places.get(&self.genesis).expect("a log is founded by its first entry, which stays");
        let nobody = Witnesses::default();
        loop {
            let next = at.next.iter().filter_map(|hash| self.places.get(hash).map(|place| (*hash, place)));
            let candidates =
                next.map(|(hash, place)| Candidate { hash, place, tally: self.tally(&hash, place, &nobody) });
            match candidates.max_by_key(Candidate::weight) {
                Some(next) => at = next.place,
                None => return &at.entry,
            }
        }
    }

    /// Which of the entries that stand on this one counts.
    fn next<'l>(
        &'l self,
        at: &Place,
        witnesses: &Witnesses,
        now: Timestamp,
        state: &mut AccountState<'_>,
    ) -> Option<Candidate<'l>> {
        let mut candidates = Vec::with_capacity(at.next.len());
        for hash in &at.next {
            let Some(place) = self.places.get(hash) else { continue };
            if place.entry.record().ts > now.after(CLOCK_SKEW_MAX) {
                continue;
            }
            let candidate = Candidate { hash: *hash, place, tally: self.tally(hash, place, witnesses) };
            match candidate.waits(at.entry.record(), now) {
                Some(waiting) => state.waiting.push(waiting),
                None => candidates.push(candidate),
            }
        }
        keep_contenders(&mut candidates);
        let finals = |authority| {
            candidates
                .iter()
                .filter(move |one| one.tally.at.is_some() && one.place.authority == authority)
                .count()
        };
        let top = candidates.iter().map(|one| one.place.authority).max()?;
        if finals(top) > 1 {
            state.disputed = Some(at.entry.hash());
        }
        candidates.into_iter().max_by_key(Candidate::weight)
    }
}

/// The override window: once an entry is final, others outweigh it only if they were final-to-be within a week of it. Without
/// any final entry nobody can say what was when, and all of them contend.
fn keep_contenders(candidates: &mut Vec<Candidate<'_>>) {
    let first = candidates.iter().filter_map(|one| one.tally.at).min();
    if let Some(first) = first {
        let closes = first.after(OVERRIDE_WINDOW);
        candidates.retain(|one| one.tally.at.is_some_and(|at| at <= closes));
    }
}

impl Candidate<'_> {
    /// More is better: weight, then the earlier, then the lower hash. Those that contend are all final or none is.
    fn weight(&self) -> (Authority, Reverse<Option<Timestamp>>, Reverse<RecordHash>) {
        (self.place.authority, Reverse(self.tally.at), Reverse(self.hash))
    }

    /// Whether it is a recovery that is not in force yet: the host it replaces has not agreed, and has been seen.
    fn waits(&self, before: &AccountEntry, now: Timestamp) -> Option<Waiting> {
        let entry = self.place.entry.record();
        let at_once = entry.kind != Kind::Recover || entry.by.contains(Role::Host) || self.tally.silent;
        let until = self.tally.at.map(|at| at.after(before.policy.recovery_wait()));
        let in_force = at_once || until.is_some_and(|until| until <= now);
        (!in_force).then_some(Waiting { entry: self.hash, until })
    }
}

/// How long an entry of more weight may push out one that is final. Longer than people take to read their mail, shorter than
/// the 30 days for which the source of a move keeps its copy.
pub const OVERRIDE_WINDOW: Duration = Duration::from_hours(7 * 24);
/// How far the clocks of honest nodes may be apart.
pub const CLOCK_SKEW_MAX: Duration = Duration::from_mins(10);
