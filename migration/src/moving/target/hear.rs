//! What the source says.

use essaim_types::Lsn;
use minicbor::bytes::ByteVec;

use super::{Action, Adopted, Pending, Step, Target};
use crate::moving::batch::{Batch, Key, Part, Place};
use crate::moving::message::{Message, Offer, Reason};
use crate::moving::summary::{KeyRange, Summary};
use crate::object::Object;

impl Target {
    pub(super) fn hear(&mut self, message: Message, actions: &mut Vec<Action>) {
        match message {
            Message::Offer(offer) => self.offered(offer, actions),
            Message::Begin(base) => self.begin(base, actions),
            Message::Blobs(blobs) => self.blobs(blobs, actions),
            Message::Batch(batch) => self.batch(*batch, actions),
            Message::Check(theirs) => {
                if self.is_at(theirs.at) {
                    self.pending = Pending::Check(theirs);
                    actions.push(Action::Summarize);
                } else {
                    self.tell_standing(actions);
                }
            }
            Message::Pages(at, kind, coarse, pages) => {
                if self.is_at(at) {
                    self.pending = Pending::Pages(at, kind, pages);
                    actions.push(Action::ListPages(kind, coarse));
                }
            }
            Message::Repair(at, range, objects) => self.repair(at, range, objects, actions),
            Message::Prepare(round, theirs) => self.prepare(round, theirs, actions),
            Message::Unfenced(round) => self.unfenced(round, actions),
            Message::Moved(entry) => self.moved(entry, actions),
            Message::Aborted(reason) => self.aborted(reason, actions),
            // What only a target says.
            Message::Standing(_)
            | Message::Stored(_)
            | Message::Agreed(_)
            | Message::Differs(..)
            | Message::Wanted(..)
            | Message::Repaired(..)
            | Message::Prepared(..)
            | Message::Active(..)
            | Message::Ask
            | Message::Withdraw(_) => {}
        }
    }

    /// Whether it has all changes up to this one, and has promised nothing.
    fn is_at(&self, at: Lsn) -> bool {
        matches!(&self.record.step, Step::Adopting(adopted) if adopted.place.lsn() == Some(at))
    }

    fn offered(&mut self, offer: Offer, actions: &mut Vec<Action>) {
        if self.record.step == Step::Invited && !self.examined {
            self.pending = Pending::Examine(offer.clone());
            actions.push(Action::Examine(offer));
        } else {
            self.tell_standing(actions);
        }
    }

    fn begin(&mut self, base: Lsn, actions: &mut Vec<Action>) {
        if self.record.step == Step::Invited && self.examined && base > Lsn::ZERO {
            let adopted = Adopted { base, place: Place::START, staged: vec![] };
            self.record.step = Step::Adopting(adopted);
            actions.push(Action::Begin(base, self.record.clone()));
        }
        self.tell_standing(actions);
    }

    fn blobs(&mut self, blobs: Vec<ByteVec>, actions: &mut Vec<Action>) {
        if !matches!(self.record.step, Step::Adopting(_)) {
            return;
        }
        if self.takes_blobs(&blobs) {
            actions.push(Action::StoreBlobs(blobs));
        } else {
            self.abort(Reason::new("the old hoster sends blobs that no object names"), actions);
        }
    }

    fn batch(&mut self, batch: Batch, actions: &mut Vec<Action>) {
        let Step::Adopting(adopted) = &self.record.step else {
            return self.tell_standing(actions);
        };
        if batch.from != adopted.place {
            return self.tell_standing(actions);
        }
        if let Err(fault) = batch.check(adopted.base) {
            return self.abort(Reason::new(&fault.to_string()), actions);
        }
        let place = batch.to.clone();
        let staged = staged(adopted, &batch);
        self.loose = 0;
        self.record.step = Step::Adopting(Adopted { base: adopted.base, place: place.clone(), staged });
        actions.push(Action::Adopt(Box::new(batch), self.record.clone()));
        actions.push(Action::Send(Message::Stored(place)));
    }

    fn repair(&mut self, at: Lsn, range: KeyRange, objects: Vec<Object>, actions: &mut Vec<Action>) {
        if !self.is_at(at) {
            return self.tell_standing(actions);
        }
        let keys: Vec<Key> = objects.iter().map(Key::of).collect();
        let fits = keys.is_sorted_by(|one, next| one < next) && keys.iter().all(|key| range.contains(key));
        if !fits {
            return self.abort(Reason::new("a repair has objects out of order or place"), actions);
        }
        self.loose = 0;
        actions.push(Action::Repair(range.clone(), objects));
        actions.push(Action::Send(Message::Repaired(at, range)));
    }

    fn prepare(&mut self, round: u32, theirs: Summary, actions: &mut Vec<Action>) {
        match &self.record.step {
            Step::Prepared(adopted, ours) if *ours == round && adopted.place.lsn() == Some(theirs.at) => {
                // The promise was lost on its way: the same again.
                self.pending = Pending::Sign(round, theirs.at);
                actions.push(Action::Promise(round, theirs, self.record.clone()));
            }
            Step::Adopting(_) if self.is_at(theirs.at) => {
                self.pending = Pending::Prepare(round, theirs);
                actions.push(Action::Summarize);
            }
            _ => self.tell_standing(actions),
        }
    }

    fn unfenced(&mut self, round: u32, actions: &mut Vec<Action>) {
        if let Step::Prepared(adopted, ours) = &self.record.step
            && *ours <= round
        {
            self.record.step = Step::Adopting(adopted.clone());
            actions.push(Action::Save(self.record.clone()));
        }
        self.tell_standing(actions);
    }

    fn moved(&self, entry: Vec<u8>, actions: &mut Vec<Action>) {
        match &self.record.step {
            Step::Prepared(..) => actions.push(Action::Activate(entry)),
            Step::Active { .. } => self.tell_standing(actions),
            // No honest source commits without a promise that stands.
            Step::Invited | Step::Adopting(_) | Step::Aborted(_) => {}
        }
    }

    fn aborted(&mut self, reason: Reason, actions: &mut Vec<Action>) {
        match self.record.step {
            Step::Invited | Step::Adopting(_) | Step::Prepared(..) => self.give_up(reason, actions),
            // The source has committed: it cannot give up, and nobody believes it.
            Step::Active { .. } => return,
            Step::Aborted(_) => {}
        }
        self.tell_standing(actions);
    }
}

/// The blobs that the record names after a batch: none, unless it was a part.
fn staged(adopted: &Adopted, batch: &Batch) -> Vec<essaim_types::BlobId> {
    let Some(part) = &batch.to.part else { return vec![] };
    let goes_on = adopted.place.part.as_ref().is_some_and(|Part { list, .. }| *list == part.list);
    let mut staged = if goes_on { adopted.staged.clone() } else { vec![] };
    staged.extend(&batch.blobs);
    staged
}
