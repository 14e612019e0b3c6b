//! Places, coarse on purpose: a cell of 0.1 degree, about 11 by 7 kilometres in Europe.

use std::fmt;

/// The south-west corner of a cell, in tenths of a degree (WGS 84).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell {
    latitude: i16,
    longitude: i16,
}

impl Cell {
    /// Reads `50.4,4.8`: one decimal each, no superfluous zeros or signs.
    pub fn parse(text: &str) -> Option<Self> {
        let (latitude, longitude) = text.split_once(',')?;
        let cell = Self { latitude: tenths(latitude)?, longitude: tenths(longitude)? };
        let on_earth = (-900..900).contains(&cell.latitude) && (-1800..1800).contains(&cell.longitude);
        (on_earth && cell.to_string() == text).then_some(cell)
    }

    /// The cell that a point is in, given in degrees.
    pub fn of(latitude: f64, longitude: f64) -> Option<Self> {
        let tenths = |degrees: f64| {
            let floor = (degrees * 10.0).floor();
            #[expect(clippy::cast_possible_truncation, reason = "inside the range of the next line")]
            (-1800.0..1800.0).contains(&floor).then_some(floor as i16)
        };
        let cell = Self { latitude: tenths(latitude)?, longitude: tenths(longitude)? };
        (-900..900).contains(&cell.latitude).then_some(cell)
    }

    /// The south-west corner: latitude and longitude in degrees.
    pub fn corner(self) -> (f64, f64) {
        (f64::from(self.latitude) / 10.0, f64::from(self.longitude) / 10.0)
    }

    /// The middle of the cell: latitude and longitude in degrees.
    pub fn centre(self) -> (f64, f64) {
        (f64::from(self.latitude) / 10.0 + 0.05, f64::from(self.longitude) / 10.0 + 0.05)
    }

    /// Great-circle distance from the middle of the cell to a point in degrees, in kilometres.
    pub fn distance_km(self, latitude: f64, longitude: f64) -> f64 {
        let (own_latitude, own_longitude) = self.centre();
        let (a, b) = (own_latitude.to_radians(), latitude.to_radians());
        let half = |difference: f64| (difference / 2.0).sin().powi(2);
        let chord = half(b - a) + a.cos() * b.cos() * half((longitude - own_longitude).to_radians());
        2.0 * EARTH_RADIUS_KM * chord.sqrt().min(1.0).asin()
    }
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let part = |tenths: i16| {
            let sign = if tenths < 0 { "-" } else { "" };
            format!("{sign}{}.{}", tenths.abs() / 10, tenths.abs() % 10)
        };
        write!(f, "{},{}", part(self.latitude), part(self.longitude))
    }
}

fn tenths(text: &str) -> Option<i16> {
    let (whole, tenth) = text.split_once('.')?;
    if tenth.len() != 1 {
        return None;
    }
    let value: i16 = format!("{whole}{tenth}").parse().ok()?;
    Some(value)
}

/// Mean radius (IUGG).
const EARTH_RADIUS_KM: f64 = 6371.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_has_one_spelling_and_knows_how_far_it_is() {
        let namur = Cell::parse("50.4,4.8").unwrap();
        assert_eq!(namur.to_string(), "50.4,4.8");
        assert_eq!(Cell::of(50.467, 4.871), Some(namur));
        assert_eq!(Cell::of(-0.05, -0.01).unwrap().to_string(), "-0.1,-0.1");
        let brussels = namur.distance_km(50.85, 4.35);
        assert!((50.0..60.0).contains(&brussels), "{brussels}");
        for bad in
            ["50.46,4.87", "050.4,4.8", "+50.4,4.8", "90.0,0.0", "50.4", "-0.0,0.0", "50.4, 4.8", "a.b,c.d"]
        {
            assert_eq!(Cell::parse(bad), None, "{bad}");
        }
    }
}
