//! The line between two messages of an mbox: `From sender date`. RFC 4155 appendix A, and what programs really write.

use essaim_types::Timestamp;

/// The date of a `From ` line without its line end; `None` if it is no such line but text that begins with `From `.
///
/// After the sender stands a date as C's `asctime` writes it, `Sat Jan  3 01:05:34 1996`, with a zone before or after the year in
/// some programs, or as in a Date field.
pub(super) fn parse(line: &[u8]) -> Option<Timestamp> {
    let text = String::from_utf8_lossy(line.strip_prefix(b"From ")?);
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    // The sender may look like anything, so the date is looked for from the end.
    (0..words.len()).rev().find_map(|at| date(words.get(..at)?, words.get(at..)?))
}

/// The date around a month's name, which is the first word of `from`.
fn date(before: &[&str], from: &[&str]) -> Option<Timestamp> {
    let month = month(from.first()?)?;
    let rest = from.get(1..)?;
    let asctime = || {
        let (day, time) = (number(rest.first()?, 1..=31)?, time(rest.get(1)?)?);
        let (first, second) = (rest.get(2)?, rest.get(3));
        let (year, zone) = match number(first, YEARS) {
            Some(year) => (year, second),
            None => (number(second?, YEARS)?, Some(first)),
        };
        Some((year, day, time, zone))
    };
    let as_in_a_date_field = || {
        let day = number(before.last()?, 1..=31)?;
        Some((number(rest.first()?, YEARS)?, day, time(rest.get(1)?)?, rest.get(2)))
    };
    let (year, day, (hour, minute, second), zone) = asctime().or_else(as_in_a_date_field)?;
    let date = jiff::civil::Date::new(year, month, i8::try_from(day).ok()?).ok()?;
    // A leap second is the one before.
    let time = date.at(hour, minute, second.min(59), 0);
    let offset = zone.and_then(|zone| offset(zone)).unwrap_or(jiff::tz::Offset::UTC);
    Some(Timestamp(offset.to_timestamp(time).ok()?.as_millisecond()))
}

fn month(word: &str) -> Option<i8> {
    let at = MONTHS.iter().position(|month| month.eq_ignore_ascii_case(word))?;
    i8::try_from(at + 1).ok()
}

fn number(word: &str, within: std::ops::RangeInclusive<i16>) -> Option<i16> {
    let digits = word.bytes().all(|byte| byte.is_ascii_digit());
    word.parse().ok().filter(|number| digits && within.contains(number))
}

/// `01:05:34` or `01:05`.
fn time(word: &str) -> Option<(i8, i8, i8)> {
    let mut parts = word.split(':');
    let mut part = |max: i16| number(parts.next()?, 0..=max).and_then(|part| i8::try_from(part).ok());
    let (hour, minute) = (part(23)?, part(59)?);
    let second = part(60).unwrap_or(0);
    parts.next().is_none().then_some((hour, minute, second))
}

/// `+0130`; names of zones are ambiguous and read as UTC, which RFC 4155 prescribes.
fn offset(word: &str) -> Option<jiff::tz::Offset> {
    let (sign, digits) = match word.split_at_checked(1)? {
        ("+", digits) => (1, digits),
        ("-", digits) => (-1, digits),
        _ => return None,
    };
    let (hours, minutes) = digits.split_at_checked(2)?;
    let seconds = i32::from(number(hours, 0..=23)?) * 3600 + i32::from(number(minutes, 0..=59)?) * 60;
    jiff::tz::Offset::from_seconds(sign * seconds).ok()
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const YEARS: std::ops::RangeInclusive<i16> = 1970..=9999;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn separators_as_programs_write_them() {
        let seconds = 852_080_734; // 1997-01-01 01:05:34 UTC
        for (line, after) in [
            ("From a@b.test Wed Jan  1 01:05:34 1997", 0),
            ("From - Wed Jan 01 01:05:34 1997", 0),
            ("From a@b.test Wed Jan  1 01:05:34 1997 +0100", -3600),
            ("From 12345@xxx Wed Jan 01 01:05:34 -0130 1997", 5400),
            ("From a@b.test Wed Jan  1 01:05:34 GMT 1997", 0),
            ("From a@b.test Wed, 1 Jan 1997 01:05:34 +0000", 0),
            ("From \"a b\"@c.test  Wed Jan  1 01:05:34 1997", 0),
            ("From a@b.test Wed Jan  1 01:05 1997", -34),
            ("From Jan Jan  1 01:05:34 1997", 0),
        ] {
            assert_eq!(parse(line.as_bytes()), Some(Timestamp::from_seconds(seconds + after)), "{line}");
        }
    }

    #[test]
    fn text_that_begins_with_from() {
        for line in [
            "From here on, nothing is the same.",
            "From Jan to Dec",
            "From a@b.test Wed Jan 32 01:05:34 1997",
            "From a@b.test Sun Feb 30 01:05:34 1997",
            "From a@b.test Wed Jan  1 25:05:34 1997",
            "From: a@b.test",
            "From",
            "from a@b.test Wed Jan  1 01:05:34 1997",
        ] {
            assert_eq!(parse(line.as_bytes()), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_line_is_read(line in "From ([a-zA-Z]{3}|[0-9:+]{1,6}|Jan| ){0,12}") {
            parse(line.as_bytes());
        }
    }
}
