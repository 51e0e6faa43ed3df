//! How a column of generated rows is drawn: a value is a function of seed, column and offset.
//!
//! Nothing random is kept from row to row. A draw hashes the three with xxh3, which gives the same
//! numbers on every machine and in every version, so that a row can be made without those before it.
//!
//! | described as | gives |
//! |---|---|
//! | a sequence | `first + offset`; for a time in milliseconds since 1970 |
//! | a range | any number of it, both ends included; with a declared scale, that many digits behind the point |
//! | a text | so many hexadecimal digits |
//! | nothing | any INT or BIGINT; a NUMERIC of its precision; a DOUBLE from 0 to 1; 100 characters; a coin |
//! | nothing, for a time | when the row is due, the first one at the beginning of 2026 |
//!
//! Left out: NULLs, and values of which some are more likely than others.

use std::io::Write;

use day01_consumer::Error;
use day03_windows::time::EventTime;
use rust_decimal::Decimal;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use crate::plan::{Field, Generated};
use crate::value::write::TimeForm;
use crate::value::{DataType, Value};

/// How long a text is that is not described.
const TEXT: usize = 100;
/// When the first row is due, if no column says otherwise: 2026-01-01T00:00:00Z.
const BEGINNING: i64 = 1_767_225_600_000;

/// A column: what is drawn, and how it is written.
#[derive(Debug)]
pub struct Drawn {
    /// Tells its draws from those of other columns, also when columns are added or moved.
    column: u64,
    draw: Draw,
    data_type: DataType,
}

#[derive(Debug, Clone, Copy)]
enum Draw {
    /// From this number on, one by one.
    From(i64),
    /// From the first to the second, both included.
    Between(i64, i64),
    /// The same, but the numbers count the last of so many digits behind the point.
    Units(i64, i64, u32),
    /// From the first to below the first and the second together.
    Fraction(f64, f64),
    /// So many characters.
    Text(usize),
    /// True or false.
    Coin,
    /// When the row is due, if so many are a second.
    Due(u64),
}

impl Drawn {
    /// The column as it is described, in rows of which so many come a second (none: 1,000, as far as
    /// times tell).
    ///
    /// An error says why it cannot be drawn.
    pub fn new(column: &Field, described: Option<&Generated>, rate: Option<u64>) -> Result<Self, Error> {
        let draw = draw(column.data_type, described, rate)
            .map_err(|why| Error::Usage(format!("datagen: column {}: {why}", column.name)))?;
        Ok(Drawn {
            column: xxh3_64(column.name.as_bytes()),
            draw,
            data_type: column.data_type,
        })
    }

    /// Appends the value of a row as JSON.
    pub fn write(&self, seed: u64, offset: i64, bytes: &mut Vec<u8>) {
        use DataType::{Timestamp, TimestampTz, Varchar};
        let quote: &[u8] = match self.data_type {
            Varchar | Timestamp | TimestampTz => b"\"",
            _ => b"",
        };
        bytes.extend_from_slice(quote);
        match (self.draw, self.data_type) {
            (Draw::From(first), _) => self.write_number(first.saturating_add(offset), bytes),
            (Draw::Between(low, high), _) => {
                let number = between(low, high, self.random(seed, offset, 0));
                self.write_number(number, bytes);
            }
            (Draw::Units(low, high, scale), _) => {
                let units = between(low, high, self.random(seed, offset, 0));
                write(bytes, format_args!("{}", Decimal::new(units, scale)));
            }
            (Draw::Fraction(low, width), _) => {
                let share = (self.random(seed, offset, 0) >> 11) as f64 / (1_u64 << 53) as f64;
                write(bytes, format_args!("{:?}", low + share * width));
            }
            (Draw::Text(length), _) => {
                for place in 0..length {
                    let digits = self.random(seed, offset, place as u64 / 16);
                    let digit = digits >> (place % 16 * 4) & 0xf;
                    bytes.push(b"0123456789abcdef"[digit as usize]);
                }
            }
            (Draw::Coin, _) => {
                let heads = self.random(seed, offset, 0) >> 63 == 1;
                write(bytes, format_args!("{heads}"));
            }
            (Draw::Due(rate), _) => {
                let since = i128::from(offset) * 1_000 / i128::from(rate);
                let since = i64::try_from(since).unwrap_or(i64::MAX);
                self.write_number(BEGINNING.saturating_add(since), bytes);
            }
        }
        bytes.extend_from_slice(quote);
    }

    /// A number in digits, or in a column of times as the time after so many milliseconds.
    fn write_number(&self, number: i64, bytes: &mut Vec<u8>) {
        match self.data_type {
            DataType::Timestamp | DataType::TimestampTz => {
                Value::TimestampTz(EventTime(number)).write(TimeForm::Utc, bytes);
            }
            _ => write(bytes, format_args!("{number}")),
        }
    }

    /// A number, each as likely as the others, for this column of a row; `which` tells several of them
    /// apart.
    fn random(&self, seed: u64, offset: i64, which: u64) -> u64 {
        let mut place = [0; 24];
        place[..8].copy_from_slice(&self.column.to_le_bytes());
        place[8..16].copy_from_slice(&offset.to_le_bytes());
        place[16..].copy_from_slice(&which.to_le_bytes());
        xxh3_64_with_seed(&place, seed)
    }
}

fn write(bytes: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    // Writing to memory does not fail.
    let _ = bytes.write_fmt(text);
}

/// A random number as one of the range, each as likely as the others (but for one part in 2⁶⁴ / their
/// number).
fn between(low: i64, high: i64, random: u64) -> i64 {
    let numbers = (i128::from(high) - i128::from(low) + 1) as u128;
    let chosen = (u128::from(random) * numbers) >> 64;
    (i128::from(low) + chosen as i128) as i64
}

fn draw(data_type: DataType, described: Option<&Generated>, rate: Option<u64>) -> Result<Draw, String> {
    use DataType::{BigInt, Boolean, Double, Int, Interval, Numeric, Timestamp, TimestampTz, Varchar};
    Ok(match (described, data_type) {
        (_, Interval) => return Err("there are no columns of type INTERVAL".to_string()),
        (_, Numeric(Some((precision, scale)))) if scale > precision.min(18) => {
            return Err(format!(
                "{data_type} cannot be generated: at most 18 digits behind the point"
            ));
        }
        (Some(Generated::Sequence(first, last)), _) if first > last => {
            return Err(format!("a sequence from {first} to {last} has no rows"));
        }
        (Some(Generated::Sequence(..)), Boolean) => return Err("BOOLEAN has no sequence".to_string()),
        (Some(Generated::Sequence(first, _)), _) => Draw::From(*first),
        (Some(Generated::Text(length)), Varchar) => Draw::Text(*length),
        (Some(Generated::Text(_)), _) => return Err(format!("a length is for VARCHAR, not for {data_type}")),
        (Some(Generated::Random(low, high)), _) if low > high => {
            return Err(format!("there is no number from {low} to {high}"));
        }
        (Some(Generated::Random(..)) | None, Boolean) => Draw::Coin,
        (Some(Generated::Random(low, high)), Double) => {
            Draw::Fraction(*low as f64, *high as f64 - *low as f64)
        }
        (Some(Generated::Random(low, high)), Numeric(Some((_, scale)))) => {
            let unit = 10_i64.pow(u32::from(scale));
            match (low.checked_mul(unit), high.checked_mul(unit)) {
                (Some(low), Some(high)) => Draw::Units(low, high, u32::from(scale)),
                _ => return Err(format!("from {low} to {high} is too far for {data_type}")),
            }
        }
        (Some(Generated::Random(low, high)), _) => Draw::Between(*low, *high),
        (None, Int) => Draw::Between(i32::MIN.into(), i32::MAX.into()),
        (None, BigInt | Numeric(None)) => Draw::Between(i64::MIN, i64::MAX),
        (None, Double) => Draw::Fraction(0.0, 1.0),
        (None, Numeric(Some((precision, scale)))) => {
            let end = 10_i64.pow(u32::from(precision.min(18)));
            Draw::Units(0, end - 1, u32::from(scale))
        }
        (None, Varchar) => Draw::Text(TEXT),
        (None, Timestamp | TimestampTz) => Draw::Due(rate.unwrap_or(1_000)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(data_type: DataType, described: Option<Generated>) -> Result<Drawn, Error> {
        let field = Field {
            name: "c".to_string(),
            data_type,
        };
        Drawn::new(&field, described.as_ref(), None)
    }

    fn written(data_type: DataType, described: Option<Generated>, offset: i64) -> String {
        let mut bytes = Vec::new();
        drawn(data_type, described).unwrap().write(1, offset, &mut bytes);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_sequence_counts_in_every_type_that_can_count() {
        let sequence = || Some(Generated::Sequence(-1, 9));
        #[rustfmt::skip]
        let table = [
            (DataType::Int,                   "2"),
            (DataType::BigInt,                "2"),
            (DataType::Double,                "2"),
            (DataType::Numeric(Some((9, 2))), "2"),
            (DataType::Varchar,               "\"2\""),
            (DataType::Timestamp,             "\"1970-01-01T00:00:00.002Z\""),
        ];
        for (data_type, expected) in table {
            assert_eq!(written(data_type, sequence(), 3), expected, "{data_type}");
        }
    }

    #[test]
    fn the_values_of_a_seed_never_change() {
        let values = [
            written(DataType::BigInt, None, 0),
            written(DataType::Double, None, 0),
            written(
                DataType::Numeric(Some((6, 2))),
                Some(Generated::Random(1, 500)),
                0,
            ),
            written(DataType::Varchar, Some(Generated::Text(20)), 0),
            written(DataType::Timestamp, None, 1_500),
        ];
        insta::assert_snapshot!(values.join(" "));
    }

    #[test]
    fn a_range_is_drawn_from_end_to_end_and_evenly() {
        let drawn = drawn(DataType::Int, Some(Generated::Random(-2, 2))).unwrap();
        let mut counts = [0; 5];
        for offset in 0..10_000 {
            let mut bytes = Vec::new();
            drawn.write(7, offset, &mut bytes);
            let number: i64 = std::str::from_utf8(&bytes).unwrap().parse().unwrap();
            counts[usize::try_from(number + 2).unwrap()] += 1;
        }
        assert!(
            counts.iter().all(|count| (1_800..2_200).contains(count)),
            "{counts:?}"
        );
        assert_eq!(between(i64::MIN, i64::MAX, 0), i64::MIN);
        assert_eq!(between(i64::MIN, i64::MAX, u64::MAX), i64::MAX);
        assert_eq!(between(3, 3, u64::MAX), 3);
    }

    #[test]
    fn decimals_have_the_digits_that_were_declared() {
        for offset in 0..100 {
            let text = written(
                DataType::Numeric(Some((5, 2))),
                Some(Generated::Random(1, 2)),
                offset,
            );
            let (_, fraction) = text.split_once('.').unwrap();
            assert_eq!(fraction.len(), 2, "{text}");
            assert!((1.0..=2.0).contains(&text.parse().unwrap()), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_drawn_is_said_at_once() {
        #[rustfmt::skip]
        let table = [
            (DataType::Int,                     Some(Generated::Sequence(2, 1)),          "a sequence from 2 to 1 has no rows"),
            (DataType::Int,                     Some(Generated::Random(2, 1)),            "there is no number from 2 to 1"),
            (DataType::Int,                     Some(Generated::Text(3)),                 "a length is for VARCHAR, not for INT"),
            (DataType::Boolean,                 Some(Generated::Sequence(0, 1)),          "BOOLEAN has no sequence"),
            (DataType::Numeric(Some((38, 19))), None,                                     "NUMERIC(38, 19) cannot be generated: at most 18 digits behind the point"),
            (DataType::Numeric(Some((38, 18))), Some(Generated::Random(0, 10)),           "from 0 to 10 is too far for NUMERIC(38, 18)"),
        ];
        for (data_type, described, why) in table {
            let error = drawn(data_type, described).unwrap_err();
            assert_eq!(error.to_string(), format!("datagen: column c: {why}"));
        }
    }
}
