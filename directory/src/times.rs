//! Points in time as text, in UTC.

use essaim_types::Timestamp;

/// RFC 3339, to the second. What lies beyond the calendar is its nearest end.
pub(crate) fn rfc3339(time: Timestamp) -> String {
    let seconds = time.seconds().clamp(EARLIEST, LATEST);
    jiff::Timestamp::from_second(seconds).map_or_else(|_| String::new(), |time| time.to_string())
}

/// RFC 3339 or the same without a zone, which is then UTC; also a date alone.
pub(crate) fn parse(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(time) = text.parse::<jiff::Timestamp>() {
        return Some(Timestamp(time.as_millisecond()));
    }
    let local: jiff::civil::DateTime = text.parse().ok()?;
    let time = jiff::tz::Offset::UTC.to_timestamp(local).ok()?;
    Some(Timestamp(time.as_millisecond()))
}

/// The year in a date, however it is written: `2018`, `2018-03-01`, `01/03/2018`.
pub(crate) fn year(text: &str) -> Option<i64> {
    let mut numbers = text.split(|c: char| !c.is_ascii_digit()).filter(|number| number.len() == 4);
    let year = numbers.next()?.parse().ok()?;
    (1800..=9999).contains(&year).then_some(year)
}

/// 0001-01-01 and the end of 9999, in seconds since 1970: what RFC 3339 can write.
const EARLIEST: i64 = -62_135_596_800;
const LATEST: i64 = 253_402_207_200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_four_digits_for_the_year_whatever_they_are() {
        assert_eq!(rfc3339(Timestamp(1_700_000_000_999)), "2023-11-14T22:13:20Z");
        assert_eq!(rfc3339(Timestamp(i64::MIN)), "0001-01-01T00:00:00Z");
        assert!(rfc3339(Timestamp(i64::MAX)).starts_with("9999-12-"));
    }

    #[test]
    fn times_are_read_with_and_without_a_zone() {
        let noon = Some(Timestamp(1_594_123_200_000));
        assert_eq!(parse("2020-07-07T12:00:00Z"), noon);
        assert_eq!(parse("2020-07-07T12:00:00"), noon);
        assert_eq!(parse("2020-07-07T14:00:00+02:00"), noon);
        assert!(parse("2020-07-07").is_some());
        assert_eq!(parse("yesterday"), None);
    }

    #[test]
    fn a_year_is_found_in_dates_of_many_spellings() {
        for text in ["2018", "2018-03-01", "01/03/2018", "2018-03-01T00:00:00"] {
            assert_eq!(year(text), Some(2018), "{text}");
        }
        assert_eq!(year("01/03/18"), None);
        assert_eq!(year("0000-01-01"), None);
    }
}
