//! The map of what was found: one dot for a place or for several that are close, each a link.
//!
//! The outlines are an asset that browsers keep. Places are as coarse as the directory: cells of 0.1 degree.

mod projection;

use std::collections::BTreeMap;

use essaim_directory::listing::Cell;
use essaim_directory::query::Hit;
use essaim_types::Timestamp;

use self::projection::{HEIGHT, WIDTH, project};
use super::shown::Shown;

/// Hosters that are close to each other on this map.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spot {
    /// Units of the picture, y down.
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) count: usize,
    /// The first of them in the order of the list: its name, its place, and where its page is.
    pub(crate) first: First,
    /// Where the first is, in degrees north and east, and how far around that the others are: what to look for to see them alone.
    pub(crate) middle: (f64, f64),
    pub(crate) within_km: u32,
}

/// The hoster that gives a spot its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct First {
    pub(crate) name: String,
    pub(crate) place: Option<String>,
    pub(crate) path: String,
}

/// What is drawn, and what cannot be.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Map {
    pub(crate) spots: Vec<Spot>,
    /// The part of the picture that is shown.
    pub(crate) view: View,
    /// How many are in other parts of the world, by country.
    pub(crate) elsewhere: BTreeMap<String, usize>,
    /// How many do not tell a cell.
    pub(crate) unplaced: usize,
}

/// A part of the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct View {
    pub(crate) x: f64,
    pub(crate) y: f64,
    pub(crate) width: f64,
    pub(crate) height: f64,
}

impl Default for View {
    fn default() -> Self {
        Self { x: 0.0, y: 0.0, width: WIDTH, height: HEIGHT }
    }
}

struct Placed<'a, 'b> {
    at: (f64, f64),
    cell: Cell,
    hit: &'a Hit<'b>,
}

impl Map {
    /// Draws what was found, in the order of the list.
    pub(crate) fn of(hits: &[Hit<'_>], directory: &essaim_directory::View, now: Timestamp) -> Self {
        let mut map = Self::default();
        let mut placed = Vec::new();
        for hit in hits {
            let Some(cell) = hit.listing.cell() else {
                map.unplaced += 1;
                continue;
            };
            let (north, east) = cell.centre();
            match project(north, east) {
                Some(at) => placed.push(Placed { at, cell, hit }),
                None => {
                    let country = hit.listing.place.country.as_deref().unwrap_or_default();
                    *map.elsewhere.entry(country.to_owned()).or_default() += 1;
                }
            }
        }
        map.view = View::around(placed.iter().map(|placed| placed.at));
        map.spots = spots(&placed, map.view, directory, now);
        map
    }
}

impl View {
    /// All points with some room around them, in the shape of the whole picture and inside of it.
    fn around(points: impl Iterator<Item = (f64, f64)>) -> Self {
        let mut bounds: Option<(f64, f64, f64, f64)> = None;
        for (x, y) in points {
            let (west, north, east, south) = bounds.unwrap_or((x, y, x, y));
            bounds = Some((west.min(x), north.min(y), east.max(x), south.max(y)));
        }
        let Some((west, north, east, south)) = bounds else { return Self::default() };
        let shape = WIDTH / HEIGHT;
        let width = (east - west).max((south - north) * shape) * (1.0 + 2.0 * MARGIN);
        let width = width.clamp(WIDTH_MIN, WIDTH);
        let height = width / shape;
        let centred = |low: f64, high: f64, size: f64, whole: f64| {
            ((low + high - size) / 2.0).clamp(0.0, (whole - size).max(0.0))
        };
        Self { x: centred(west, east, width, WIDTH), y: centred(north, south, height, HEIGHT), width, height }
    }

    /// How far spots are from each other at least: on the narrowest telephone as far as a fingertip is wide.
    pub(crate) fn finger(self) -> f64 {
        self.width / FINGERS
    }
}

impl First {
    fn of(hit: &Hit<'_>, directory: &essaim_directory::View, now: Timestamp) -> Self {
        let shown = Shown::of(hit, directory, now);
        let place = shown.listing.place.name.as_deref().map(str::to_owned);
        Self { name: shown.name().into_owned(), place, path: shown.path() }
    }
}

/// In the order of the list, each hoster joins the first spot that is near enough, or begins one where it is: so no two spots touch,
/// and whoever goes from spot to spot with a keyboard goes through them as through the list.
fn spots(
    placed: &[Placed<'_, '_>],
    view: View,
    directory: &essaim_directory::View,
    now: Timestamp,
) -> Vec<Spot> {
    let near = view.finger();
    let mut spots: Vec<Spot> = Vec::new();
    for one in placed {
        let (x, y) = one.at;
        let found = spots.iter_mut().find(|spot| (spot.x - x).hypot(spot.y - y) < near);
        match found {
            Some(spot) => {
                spot.count += 1;
                spot.within_km = spot.within_km.max(kilometres(one.cell, spot.middle));
            }
            None => {
                let middle = one.cell.centre();
                spots.push(Spot {
                    x,
                    y,
                    count: 1,
                    first: First::of(one.hit, directory, now),
                    middle,
                    within_km: WITHIN_MIN,
                });
            }
        }
    }
    spots
}

fn kilometres(cell: Cell, from: (f64, f64)) -> u32 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a distance on Earth")]
    let km = cell.distance_km(from.0, from.1).ceil() as u32;
    km + 1
}

/// Fingertips across the picture: a telephone of 320 pixels has room for so many of 24, without its margins.
const FINGERS: f64 = 12.0;
/// Room around what was found, as a share of it.
const MARGIN: f64 = 0.15;
/// The closest view: some 700 kilometres across.
const WIDTH_MIN: f64 = 90.0;
/// Kilometres around a spot of hosters that are all in one place.
const WITHIN_MIN: u32 = 10;
