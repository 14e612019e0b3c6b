//! Lambert's azimuthal equal-area projection, as EPSG:3035 has it, on a sphere: where on the map a place is.
//!
//! `map/make` drew the outlines with the same numbers.

/// The width of the picture, in units.
pub(crate) const WIDTH: f64 = 600.0;
/// Its height.
pub(crate) const HEIGHT: f64 = 560.0;

/// Degrees north and east to units of the picture, y down. `None` if that is outside of it.
pub(crate) fn project(latitude: f64, longitude: f64) -> Option<(f64, f64)> {
    let (latitude, east) = (latitude.to_radians(), (longitude - LONGITUDE).to_radians());
    let middle = LATITUDE.to_radians();
    // Snyder, Map Projections (1987), equations 22-4 and 24-2.
    let near = 1.0 + middle.sin() * latitude.sin() + middle.cos() * latitude.cos() * east.cos();
    let k = (2.0 / near).sqrt();
    let x = RADIUS_KM * k * latitude.cos() * east.sin();
    let y = RADIUS_KM * k * (middle.cos() * latitude.sin() - middle.sin() * latitude.cos() * east.cos());
    let (x, y) = ((x - WEST_KM) / KM, (NORTH_KM - y) / KM);
    ((0.0..=WIDTH).contains(&x) && (0.0..=HEIGHT).contains(&y)).then_some((x, y))
}

/// Kilometres in one unit.
const KM: f64 = 7.5;
const LATITUDE: f64 = 52.0;
const LONGITUDE: f64 = 10.0;
const RADIUS_KM: f64 = 6371.0;
const WEST_KM: f64 = -2200.0;
const NORTH_KM: f64 = 2200.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outlines_were_drawn_with_the_same_numbers() {
        let map = include_str!("../../../assets/map.svg");
        assert!(map.contains(&format!("viewBox=\"0 0 {WIDTH} {HEIGHT}\"")));
        let marks = map.split_once("marks:").and_then(|(_, rest)| rest.split_once(" -->")).unwrap().0;
        let mut compared = 0;
        for mark in marks.split_whitespace() {
            let numbers: Vec<f64> = mark.split(',').map(|number| number.parse().unwrap()).collect();
            let (x, y) = project(numbers[0], numbers[1]).unwrap();
            assert!((x - numbers[2]).abs() < 0.06 && (y - numbers[3]).abs() < 0.06, "{mark}: {x}, {y}");
            compared += 1;
        }
        assert!(compared >= 4, "{marks}");
    }

    #[test]
    fn other_continents_are_not_on_it() {
        for (latitude, longitude) in
            [(45.5, -73.6), (-33.9, 151.2), (-52.0, -170.0), (90.0, 0.0), (48.0, 190.0)]
        {
            assert_eq!(project(latitude, longitude), None);
        }
    }
}
