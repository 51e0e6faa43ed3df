//! Which time a text stands for. The rules are in [`read`](super).

use day03_windows::time::EventTime;
use jiff::SignedDuration;
use jiff::civil::{Date, DateTime, Time};

use super::Why;
use super::numbers::is_digits;

/// Reads a date, a time of day if there is one, and an offset from UTC if there is one.
pub(super) fn time(text: &str, may_have_offset: bool) -> Result<EventTime, Why> {
    let mut rest = Rest(text.as_bytes());
    let form = |part: Option<_>| part.ok_or(Why::Form);
    let year = match rest.number(4) {
        Some(year) if rest.skip(b"-") => year,
        _ if is_digits(text) => return Err(Why::Number),
        _ => return Err(Why::Form),
    };
    let month = form(rest.number(2).filter(|_| rest.skip(b"-")))?;
    let day = form(rest.number(2))?;
    let [mut hour, mut minute, mut second, mut nanosecond] = [0; 4];
    if rest.skip(b" Tt") {
        hour = form(rest.number(2).filter(|_| rest.skip(b":")))?;
        minute = form(rest.number(2))?;
        if rest.skip(b":") {
            second = form(rest.number(2))?;
            if rest.skip(b".") {
                nanosecond = form(rest.fraction())?;
            }
        }
    }
    let east = form(rest.offset())?;
    if !rest.0.is_empty() {
        return Err(Why::Form);
    }
    if east != 0 && !may_have_offset {
        return Err(Why::Offset);
    }
    let shown = date_time([year, month, day, hour, minute, second, nanosecond]).ok_or(Why::Range)?;
    let utc = shown.checked_sub(SignedDuration::from_secs(i64::from(east)));
    utc.ok().and_then(EventTime::of_date_time).ok_or(Why::Range)
}

fn date_time([year, month, day, hour, minute, second, nanosecond]: [i32; 7]) -> Option<DateTime> {
    let small = |number: i32| i8::try_from(number).ok();
    let date = Date::new(i16::try_from(year).ok()?, small(month)?, small(day)?).ok()?;
    let time = Time::new(small(hour)?, small(minute)?, small(second)?, nanosecond).ok()?;
    Some(date.to_datetime(time))
}

/// What is left of a text to be read.
struct Rest<'a>(&'a [u8]);

impl Rest<'_> {
    /// A number of exactly so many digits.
    fn number(&mut self, digits: usize) -> Option<i32> {
        let (number, rest) = self.0.split_at_checked(digits)?;
        if !number.iter().all(u8::is_ascii_digit) {
            return None;
        }
        self.0 = rest;
        Some(
            number
                .iter()
                .fold(0, |value, digit| value * 10 + i32::from(digit - b'0')),
        )
    }

    /// Whether one of these bytes comes next, which then is read.
    fn skip(&mut self, any: &[u8]) -> bool {
        match self.0.split_first() {
            Some((first, rest)) if any.contains(first) => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    /// Digits behind a point, as nanoseconds. There is at least one; those behind the ninth make no difference.
    fn fraction(&mut self) -> Option<i32> {
        let digits = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (fraction, rest) = self.0.split_at_checked(digits).filter(|_| digits > 0)?;
        self.0 = rest;
        let padded = fraction.iter().chain(std::iter::repeat(&b'0')).take(9);
        Some(padded.fold(0, |value, digit| value * 10 + i32::from(digit - b'0')))
    }

    /// An offset from UTC in seconds, to the east; 0 if there is none.
    fn offset(&mut self) -> Option<i32> {
        if self.skip(b"Zz") {
            return Some(0);
        }
        let sign = match self.0.first() {
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => return Some(0),
        };
        self.0 = &self.0[1..];
        let hours = self.number(2).filter(|hours| *hours <= 18)?;
        let has_colon = self.skip(b":");
        let minutes = match self.0.is_empty() && !has_colon {
            true => 0,
            false => self.number(2).filter(|minutes| *minutes < 60)?,
        };
        Some(sign * (hours * 3_600 + minutes * 60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_in_their_forms_and_lie_on_the_calendar() {
        const EIGHT: i64 = 1_586_937_900_000;
        #[rustfmt::skip]
        let table = [
            ("2020-04-15 08:05:00",          Ok(EIGHT),                  Ok(EIGHT)),
            ("2020-04-15T08:05",             Ok(EIGHT),                  Ok(EIGHT)),
            ("2020-04-15",                   Ok(EIGHT - 29_100_000),     Ok(EIGHT - 29_100_000)),
            ("2020-04-15 08:05:00.1",        Ok(EIGHT + 100),            Ok(EIGHT + 100)),
            ("2020-04-15 08:05:00.123999Z",  Ok(EIGHT + 123),            Ok(EIGHT + 123)),
            ("1969-12-31 23:59:59.9995",     Ok(-1),                     Ok(-1)),
            ("2020-04-15 10:05:00+02:00",    Err(Why::Offset),           Ok(EIGHT)),
            ("2020-04-15T10:05:00+02",       Err(Why::Offset),           Ok(EIGHT)),
            ("2020-04-15T03:35:00-0430",     Err(Why::Offset),           Ok(EIGHT)),
            ("2020-04-15 08:05:00+00",       Ok(EIGHT),                  Ok(EIGHT)),
            ("0001-01-01 00:00:00",          Ok(EventTime::FIRST.0),     Ok(EventTime::FIRST.0)),
            ("9999-12-31 23:59:59.999",      Ok(EventTime::LAST.0),      Ok(EventTime::LAST.0)),
            ("9999-12-31T23:59:59-01:00",    Err(Why::Offset),           Err(Why::Range)),
            ("0000-12-31 00:00:00",          Err(Why::Range),            Err(Why::Range)),
            ("2021-02-29",                   Err(Why::Range),            Err(Why::Range)),
            ("2016-12-31 23:59:60",          Err(Why::Range),            Err(Why::Range)),
            ("2020-04-15 24:00:00",          Err(Why::Range),            Err(Why::Range)),
            ("01/01/2026",                   Err(Why::Form),             Err(Why::Form)),
            ("2020-4-15",                    Err(Why::Form),             Err(Why::Form)),
            ("2020-04-15 08",                Err(Why::Form),             Err(Why::Form)),
            ("2020-04-15 08:05:00.",         Err(Why::Form),             Err(Why::Form)),
            ("2020-04-15 08:05:00+2",        Err(Why::Form),             Err(Why::Form)),
            ("2020-04-15 08:05:00+02:",      Err(Why::Form),             Err(Why::Form)),
            ("2020-04-15 08:05:00[UTC]",     Err(Why::Form),             Err(Why::Form)),
            ("1586937900000",                Err(Why::Number),           Err(Why::Number)),
            ("",                             Err(Why::Form),             Err(Why::Form)),
        ];
        for (text, local, point) in table {
            assert_eq!(time(text, false), local.map(EventTime), "{text:?} as TIMESTAMP");
            assert_eq!(time(text, true), point.map(EventTime), "{text:?} as TIMESTAMPTZ");
        }
    }
}
