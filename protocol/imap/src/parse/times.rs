//! Dates: RFC 9051 section 9 `date` and `date-time`.

use super::{Cursor, Refusal};
use crate::{Date, InternalDate};

impl Cursor<'_> {
    /// `date`: `1-Feb-1994`, with or without quotes.
    pub(crate) fn date(&mut self) -> Result<Date, Refusal> {
        let quoted = self.eat(b'"');
        let date = self.date_text()?;
        if quoted {
            self.expect(b'"')?;
        }
        Ok(date)
    }

    /// `date-time`: `"17-Jul-1996 02:44:25 -0700"`.
    pub(crate) fn date_time(&mut self) -> Result<InternalDate, Refusal> {
        self.expect(b'"')?;
        // A day below 10 is padded with a space, or with 0; without either it is read as well.
        self.eat(b' ');
        let date = self.date_text()?;
        self.space()?;
        let hour = self.two_digits()?;
        self.expect(b':')?;
        let minute = self.two_digits()?;
        self.expect(b':')?;
        let second = self.two_digits()?;
        self.space()?;
        let sign = match self.peek() {
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => return Err(self.expected("a zone")),
        };
        self.skip(1);
        let zone = i16::from(self.two_digits()?) * 60 + i16::from(self.two_digits()?);
        self.expect(b'"')?;
        InternalDate::new(date, hour, minute, second, sign * zone)
            .ok_or_else(|| Refusal::bad("no such time of day or zone"))
    }

    fn date_text(&mut self) -> Result<Date, Refusal> {
        let day = self.digits(1, 2)?;
        self.expect(b'-')?;
        let month = Date::month_named(self.take_while(|byte| byte.is_ascii_alphabetic()));
        let month = month.ok_or_else(|| self.expected("a month such as Jan"))?;
        self.expect(b'-')?;
        let year = self.digits(4, 4)?;
        let day = u8::try_from(day).unwrap_or(0);
        Date::new(year, month, day).ok_or_else(|| Refusal::bad("the calendar has no such day"))
    }

    fn two_digits(&mut self) -> Result<u8, Refusal> {
        let value = self.digits(2, 2)?;
        u8::try_from(value).map_err(|_| self.expected("two digits"))
    }

    /// Between `min` and `max` (at most 4) digits.
    fn digits(&mut self, min: usize, max: usize) -> Result<u16, Refusal> {
        let digits = self.rest().iter().take(max).take_while(|byte| byte.is_ascii_digit());
        let (value, count) =
            digits.fold((0u16, 0), |(value, count), digit| (value * 10 + u16::from(digit - b'0'), count + 1));
        if count < min {
            return Err(self.expected(&format!("{min} digits")));
        }
        self.skip(count);
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Enabled;

    #[test]
    fn dates() {
        let date = |wire: &str| Cursor::new(wire.as_bytes(), Enabled::NONE).date().ok();
        assert_eq!(date("1-Feb-1994"), Date::new(1994, 2, 1));
        assert_eq!(date("\"01-fEB-1994\""), Date::new(1994, 2, 1));
        for bad in
            ["", "1-Feb-94", "31-Feb-1994", "\"1-Feb-1994", "1 Feb 1994", "001-Feb-1994", "1-Febr-1994"]
        {
            assert_eq!(date(bad), None, "{bad}");
        }
    }

    #[test]
    fn dates_with_times() {
        let moment = |wire: &str| {
            let mut cursor = Cursor::new(wire.as_bytes(), Enabled::NONE);
            cursor.date_time().ok().map(|date| date.at.seconds())
        };
        assert_eq!(moment("\"17-Jul-1996 02:44:25 -0700\""), Some(837_596_665));
        assert_eq!(moment("\" 1-Jan-1970 00:00:00 +0000\""), Some(0));
        assert_eq!(moment("\"1-Jan-1970 00:00:60 +0000\""), Some(60));
        for bad in [
            "\"17-Jul-1996 24:00:00 +0000\"",
            "\"17-Jul-1996 02:44:25\"",
            "17-Jul-1996 02:44:25 -0700",
            "\"17-Jul-1996 02:44:25 0700\"",
            "\"17-Jul-1996 02:44:25 +2400\"",
            "\"17-Jul-1996 02:44 +0000\"",
        ] {
            assert_eq!(moment(bad), None, "{bad}");
        }
    }
}
