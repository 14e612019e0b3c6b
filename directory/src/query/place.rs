//! Where a place is that somebody names: the directory is the only map that is needed.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use essaim_types::Timestamp;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::listing::Cell;
use crate::trust::Tier;
use crate::view::View;

impl View {
    /// Degrees north and east of `50.46,4.87`, or of a municipality that listings name, whatever case and accents: where most of
    /// those that are proven and not hidden say it is, else where any does.
    pub fn locate(&self, now: Timestamp, place: &str) -> Option<(f64, f64)> {
        degrees(place).or_else(|| self.municipality(now, &folded(place)))
    }

    fn municipality(&self, now: Timestamp, wanted: &str) -> Option<(f64, f64)> {
        let mut cells: BTreeMap<(Tier, Cell), usize> = BTreeMap::new();
        for hoster in self.hosters().filter(|hoster| !self.hidden.contains(&hoster.id())) {
            let listing = hoster.listing();
            let named = listing.place.name.as_deref().is_some_and(|name| folded(name) == wanted);
            if let Some(cell) = listing.cell().filter(|_| named) {
                let tier = if hoster.is_proven(now) { Tier::Proven } else { Tier::Unproven };
                *cells.entry((tier, cell)).or_default() += 1;
            }
        }
        let best = cells.into_iter().max_by_key(|((tier, cell), count)| (*tier, *count, Reverse(*cell)));
        best.map(|((_, cell), _)| cell.centre())
    }
}

fn degrees(place: &str) -> Option<(f64, f64)> {
    let (north, east) = place.split_once(',')?;
    let point: (f64, f64) = (north.trim().parse().ok()?, east.trim().parse().ok()?);
    (point.0.abs() <= 90.0 && point.1.abs() <= 180.0).then_some(point)
}

/// Without accents, case and space around it: `liege` is `Liège`.
fn folded(name: &str) -> String {
    name.trim().nfd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_degrees_or_names() {
        assert_eq!(degrees("50.46, 4.87"), Some((50.46, 4.87)));
        for bad in ["NaN,1", "inf,4", "91,0", "0,181", "50.4", "a,b"] {
            assert_eq!(degrees(bad), None, "{bad}");
        }
        assert_eq!(folded(" Liège"), folded("LIEGE "));
        assert_eq!(folded("Saint-Étienne"), "saint-etienne");
    }
}
