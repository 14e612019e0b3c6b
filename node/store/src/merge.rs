//! Rows of the index with the overlay's over them, in key order from both ends.

use std::cmp::Ordering;
use std::collections::{BTreeMap, btree_map};
use std::fmt;

use bytes::Bytes;

use crate::index::{IndexError, Row, Rows};
use crate::snapshot::KeyBounds;

/// A row of either side wins over the other's row of the same key: the overlay's, also where it says "deleted".
pub(crate) struct Merge<'a> {
    below: BothEnds<Rows>,
    above: BothEnds<btree_map::Range<'a, Vec<u8>, Option<Bytes>>>,
}

impl<'a> Merge<'a> {
    /// The bounds must not be empty: `BTreeMap::range` panics on those.
    pub(crate) fn new(below: Rows, above: &'a BTreeMap<Vec<u8>, Option<Bytes>>, bounds: &KeyBounds) -> Self {
        let above = above.range::<[u8], _>((bounds.from(), bounds.to()));
        Self { below: BothEnds::new(below), above: BothEnds::new(above) }
    }

    fn step(&mut self, end: End) -> Option<Result<(Bytes, Bytes), IndexError>> {
        loop {
            let order = match (self.below.peek(end), self.above.peek(end)) {
                (None, None) => return None,
                (Some(Err(_)), _) | (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (Some(Ok(below)), Some((above, _))) => end.order(below.key().cmp(above)),
            };
            if order == Ordering::Less {
                return self.below.take(end).map(|row| row.map(|row| copy(&row)));
            }
            if order == Ordering::Equal {
                self.below.take(end);
            }
            if let Some((key, Some(row))) = self.above.take(end) {
                return Some(Ok((Bytes::copy_from_slice(key), row.clone())));
            }
        }
    }
}

impl Iterator for Merge<'_> {
    type Item = Result<(Bytes, Bytes), IndexError>;
    fn next(&mut self) -> Option<Self::Item> {
        self.step(End::Front)
    }
}

impl DoubleEndedIterator for Merge<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.step(End::Back)
    }
}

impl fmt::Debug for Merge<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Merge").finish_non_exhaustive()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    Front,
    Back,
}

impl End {
    /// Which side comes first when going this way.
    fn order(self, order: Ordering) -> Ordering {
        if self == Self::Front { order } else { order.reverse() }
    }
}

/// An iterator whose next item can be looked at, at both ends.
struct BothEnds<I: Iterator> {
    iter: I,
    front: Option<I::Item>,
    back: Option<I::Item>,
}

impl<I: DoubleEndedIterator> BothEnds<I> {
    fn new(iter: I) -> Self {
        Self { iter, front: None, back: None }
    }

    fn peek(&mut self, end: End) -> Option<&I::Item> {
        // When the middle is used up, what the other end has looked at is the last item.
        match end {
            End::Front => {
                if self.front.is_none() {
                    self.front = self.iter.next().or_else(|| self.back.take());
                }
                self.front.as_ref()
            }
            End::Back => {
                if self.back.is_none() {
                    self.back = self.iter.next_back().or_else(|| self.front.take());
                }
                self.back.as_ref()
            }
        }
    }

    fn take(&mut self, end: End) -> Option<I::Item> {
        self.peek(end)?;
        if end == End::Front { self.front.take() } else { self.back.take() }
    }
}

fn copy(row: &Row) -> (Bytes, Bytes) {
    (Bytes::copy_from_slice(row.key()), Bytes::copy_from_slice(row.value()))
}
