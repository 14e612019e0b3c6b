//! Dates of mail: RFC 5322 section 3.3, always in UTC.

use std::fmt;

use essaim_types::Timestamp;

/// Prints as `Tue, 1 Sep 2026 08:05:09 +0000`. Times outside the years 1900 to 9999, which mail cannot name, print as the nearest
/// one that it can.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date(pub Timestamp);

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.seconds().clamp(FIRST, LAST);
        let (days, second) = (seconds.div_euclid(DAY), seconds.rem_euclid(DAY));
        let (year, month, day) = civil(days);
        // 1970-01-01 was a Thursday.
        let weekday = name(WEEKDAYS, (days + 4).rem_euclid(7));
        let month = name(MONTHS, month);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{weekday}, {day} {month} {year:04} {hour:02}:{minute:02}:{second:02} +0000")
    }
}

/// Prints as `2026-09-01 08:05 UTC`: a time for people of any language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Minute(pub(crate) Timestamp);

impl fmt::Display for Minute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.seconds().clamp(FIRST, LAST);
        let (year, month, day) = civil(seconds.div_euclid(DAY));
        let minutes = seconds.rem_euclid(DAY) / 60;
        write!(f, "{year:04}-{:02}-{day:02} {:02}:{:02} UTC", month + 1, minutes / 60, minutes % 60)
    }
}

/// Year, month (from 0) and day (from 1) of a day counted from 1970-01-01.
///
/// Years are counted from March, so that the leap day is the last one; 400 of them are always 146,097 days.
fn civil(days: i64) -> (i64, i64, i64) {
    let since_march_of_year_0 = days + 719_468;
    let (era, day_of_era) =
        (since_march_of_year_0.div_euclid(146_097), since_march_of_year_0.rem_euclid(146_097));
    let leap_days = day_of_era / 1_460 - day_of_era / 36_524 + day_of_era / 146_096;
    let year_of_era = (day_of_era - leap_days) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    // Five months from March, and from August, have 153 days.
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12;
    let year = era * 400 + year_of_era + i64::from(month < 2);
    (year, month, day)
}

fn name(names: &'static [&'static str], index: i64) -> &'static str {
    usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or("???")
}

const DAY: i64 = 86_400;
/// 1900-01-01T00:00:00Z: RFC 5322 section 3.3 knows no earlier year.
const FIRST: i64 = -2_208_988_800;
/// 9999-12-31T23:59:59Z.
const LAST: i64 = 253_402_300_799;
const WEEKDAYS: &[&str] = &["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS: &[&str] = &["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn print(seconds: i64) -> String {
        Date(Timestamp::from_seconds(seconds)).to_string()
    }

    #[test]
    fn days_that_calendars_get_wrong() {
        for (seconds, text) in [
            (0, "Thu, 1 Jan 1970 00:00:00 +0000"),
            (-1, "Wed, 31 Dec 1969 23:59:59 +0000"),
            (951_782_400, "Tue, 29 Feb 2000 00:00:00 +0000"),
            (4_107_542_399, "Sun, 28 Feb 2100 23:59:59 +0000"),
            (4_107_542_400, "Mon, 1 Mar 2100 00:00:00 +0000"),
            (i64::MIN, "Mon, 1 Jan 1900 00:00:00 +0000"),
            (i64::MAX, "Fri, 31 Dec 9999 23:59:59 +0000"),
        ] {
            assert_eq!(print(seconds), text);
        }
        assert_eq!(Date(Timestamp(-1)).to_string(), "Wed, 31 Dec 1969 23:59:59 +0000");
    }

    proptest! {
        #[test]
        fn another_calendar_agrees(seconds in FIRST..=LAST - 86_400) {
            let other = jiff::Timestamp::from_second(seconds).unwrap();
            prop_assert_eq!(print(seconds), other.strftime("%a, %-d %b %Y %H:%M:%S +0000").to_string());
        }
    }
}
