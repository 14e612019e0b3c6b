//! Dates as IMAP writes them: `17-Jul-1996 02:44:25 -0700`.

use essaim_types::Timestamp;

/// RFC 9051 section 2.3.3: when a message arrived, with the zone it was told in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InternalDate {
    /// The moment, in whole seconds.
    pub at: Timestamp,
    /// Minutes east of UTC, between -1439 and 1439; only for showing.
    pub zone_minutes: i16,
}

/// A day of the calendar, without a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

impl InternalDate {
    /// This moment, told in UTC.
    pub fn utc(at: Timestamp) -> Self {
        Self { at, zone_minutes: 0 }
    }

    /// `None` if the zone or the time of day is not one, or the year is over 9999.
    pub fn new(date: Date, hour: u8, minute: u8, second: u8, zone_minutes: i16) -> Option<Self> {
        // A leap second (60) counts as the first second of the next minute.
        let fits = hour < 24 && minute < 60 && second <= 60 && zone_minutes.abs() < MINUTES_PER_DAY;
        let of_day = i64::from(hour) * 3600 + i64::from(minute) * 60 + i64::from(second);
        let local = date.days_since_1970() * SECONDS_PER_DAY + of_day;
        fits.then(|| Self { at: Timestamp::from_seconds(local - i64::from(zone_minutes) * 60), zone_minutes })
    }

    /// The day on which it arrived, as the zone it was told in has it: what SEARCH BEFORE, ON and SINCE compare.
    pub fn date(self) -> Date {
        Date::from_days(self.local_seconds().div_euclid(SECONDS_PER_DAY))
    }

    /// Hour, minute, second in its zone.
    pub fn time_of_day(self) -> (u8, u8, u8) {
        let seconds = self.local_seconds().rem_euclid(SECONDS_PER_DAY);
        let part = |value: i64| u8::try_from(value).unwrap_or(0);
        (part(seconds / 3600), part(seconds / 60 % 60), part(seconds % 60))
    }

    fn local_seconds(self) -> i64 {
        self.at.seconds().saturating_add(i64::from(self.zone_minutes) * 60)
    }
}

impl Date {
    /// `None` if the calendar has no such day.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let fits = year <= 9999 && day >= 1 && day <= days_in(year, month)?;
        fits.then_some(Self { year, month, day })
    }

    /// The day this moment falls on in UTC.
    pub fn of(at: Timestamp) -> Self {
        InternalDate::utc(at).date()
    }

    /// The year, 0 to 9999.
    pub fn year(self) -> u16 {
        self.year
    }

    /// The month, 1 to 12.
    pub fn month(self) -> u8 {
        self.month
    }

    /// The day of the month, 1 to 31.
    pub fn day(self) -> u8 {
        self.day
    }

    /// The first three letters of the month in English.
    pub fn month_name(self) -> &'static str {
        MONTHS.get(usize::from(self.month.saturating_sub(1))).copied().unwrap_or("Jan")
    }

    /// The month with this name, in any case: 1 to 12.
    pub fn month_named(name: &[u8]) -> Option<u8> {
        let at = MONTHS.iter().position(|month| month.as_bytes().eq_ignore_ascii_case(name))?;
        u8::try_from(at + 1).ok()
    }

    /// Days from 1970-01-01; negative before.
    pub fn days_since_1970(self) -> i64 {
        // Counted in years that begin in March, so that the leap day comes last.
        let (year, month) = (i64::from(self.year), i64::from(self.month));
        let year = if month <= 2 { year - 1 } else { year };
        let era = year.div_euclid(400);
        let of_era = year.rem_euclid(400);
        let of_year = (153 * ((month + 9) % 12) + 2) / 5 + i64::from(self.day) - 1;
        era * DAYS_PER_ERA + of_era * 365 + of_era / 4 - of_era / 100 + of_year - DAYS_TO_1970
    }

    /// Midnight at the start of the day in UTC.
    pub fn start(self) -> Timestamp {
        Timestamp::from_seconds(self.days_since_1970() * SECONDS_PER_DAY)
    }

    /// Inverse of [`days_since_1970`](Self::days_since_1970); the years end at 0 and 9999.
    fn from_days(days: i64) -> Self {
        let days = days.clamp(-DAYS_TO_1970 + 60, DAYS_TO_9999) + DAYS_TO_1970;
        let of_era = days.rem_euclid(DAYS_PER_ERA);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * month_from_march + 2) / 5 + 1;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
        let year = days.div_euclid(DAYS_PER_ERA) * 400 + year_of_era + i64::from(month <= 2);
        Self {
            year: u16::try_from(year).unwrap_or(0),
            month: u8::try_from(month).unwrap_or(1),
            day: u8::try_from(day).unwrap_or(1),
        }
    }
}

fn days_in(year: u16, month: u8) -> Option<u8> {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => Some(31),
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if leap { 29 } else { 28 }),
        _ => None,
    }
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const SECONDS_PER_DAY: i64 = 86_400;
const MINUTES_PER_DAY: i16 = 1440;
const DAYS_PER_ERA: i64 = 146_097;
/// From 0000-03-01 to 1970-01-01.
const DAYS_TO_1970: i64 = 719_468;
/// From 1970-01-01 to 9999-12-31.
const DAYS_TO_9999: i64 = 2_932_896;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_days() {
        for (year, month, day, days) in [
            (1970, 1, 1, 0),
            (2000, 2, 29, 11_016),
            (1969, 12, 31, -1),
            (2026, 11, 22, 20_779),
            (9999, 12, 31, DAYS_TO_9999),
        ] {
            assert_eq!(Date::new(year, month, day).unwrap().days_since_1970(), days);
        }
        for (year, month, day) in
            [(2025, 2, 29), (1900, 2, 29), (2026, 13, 1), (2026, 0, 1), (2026, 4, 31), (2026, 1, 0)]
        {
            assert_eq!(Date::new(year, month, day), None);
        }
    }

    #[test]
    fn every_day_comes_back() {
        for days in (-700_000..DAYS_TO_9999).step_by(13) {
            assert_eq!(Date::from_days(days).days_since_1970(), days);
        }
    }

    #[test]
    fn the_zone_moves_the_day_but_not_the_moment() {
        let date = InternalDate::new(Date::new(1996, 7, 17).unwrap(), 2, 44, 25, -420).unwrap();
        assert_eq!(date.at.seconds(), 837_596_665);
        assert_eq!((date.date(), date.time_of_day()), (Date::new(1996, 7, 17).unwrap(), (2, 44, 25)));
        assert_eq!(InternalDate::utc(date.at).time_of_day(), (9, 44, 25));
        for extreme in [i64::MIN, i64::MAX] {
            let date = InternalDate { at: Timestamp(extreme), zone_minutes: -1439 };
            assert!(Date::new(date.date().year(), date.date().month(), date.date().day()).is_some());
        }
    }
}
