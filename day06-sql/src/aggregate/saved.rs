//! How accumulators are written into snapshots.
//!
//! ```text
//! group        rows, 8 bytes | how many accumulators, 4 bytes | accumulators
//! accumulator  0 count        | 1 values sum(16) scale(1) | 2 values sum(8) | 3 smallest | 4 largest
//! value        0 NULL | 1 BOOLEAN(1) | 2 INT(4) | 3 BIGINT | 4 DOUBLE | 5 NUMERIC: digits(16) scale(1)
//!              | 6 VARCHAR: length(4) bytes | 7 TIMESTAMP | 8 TIMESTAMPTZ | 9 INTERVAL
//! ```
//!
//! The first byte of an accumulator or a value says which it is; numbers are little-endian and have
//! eight bytes where nothing else is said. A NUMERIC keeps its scale, because results after a restore
//! are to have the same digits as without one. Accumulators do not say which aggregates they are of: a
//! [`signature`] beside the groups does, once.

use day02_state::operator::Outcome;
use day02_state::state::{Frozen, Owner, Part, Value};
use day03_windows::time::{EventTime, Span};
use rust_decimal::Decimal;

use super::acc::{Acc, Accs, Wide};
use crate::value::{self, Scalar};

/// The name of the part that says what the others are of.
const SIGNATURE: &str = "aggregates";

impl Value for Accs {
    fn encode(&self, to: &mut Vec<u8>) {
        to.extend(self.rows.to_le_bytes());
        to.extend((self.of.len() as u32).to_le_bytes());
        self.of.iter().for_each(|acc| acc.encode(to));
    }

    fn decode(from: &mut &[u8]) -> Option<Self> {
        let rows = u64::from_le_bytes(take(from)?);
        let accs = u32::from_le_bytes(take(from)?);
        let of: Option<_> = (0..accs).map(|_| Acc::decode(from)).collect();
        Some(Accs { rows, of: of? })
    }
}

impl Value for Acc {
    fn encode(&self, to: &mut Vec<u8>) {
        match self {
            Acc::Count(values) => {
                to.push(0);
                to.extend(values.to_le_bytes());
            }
            Acc::Exact { values, sum, scale } => {
                to.push(1);
                to.extend(values.to_le_bytes());
                to.extend({ sum.0 }.to_le_bytes());
                to.push(*scale);
            }
            Acc::Doubles { values, sum } => {
                to.push(2);
                to.extend(values.to_le_bytes());
                to.extend(sum.to_bits().to_le_bytes());
            }
            Acc::Min(value) => {
                to.push(3);
                encode_scalar(value, to);
            }
            Acc::Max(value) => {
                to.push(4);
                encode_scalar(value, to);
            }
        }
    }

    fn decode(from: &mut &[u8]) -> Option<Self> {
        let [kind] = take(from)?;
        Some(match kind {
            0 => Acc::Count(u64::from_le_bytes(take(from)?)),
            1 => Acc::Exact {
                values: u64::from_le_bytes(take(from)?),
                sum: Wide(i128::from_le_bytes(take(from)?)),
                scale: take(from).map(|[scale]| scale).filter(|scale| *scale <= 28)?,
            },
            2 => Acc::Doubles {
                values: u64::from_le_bytes(take(from)?),
                sum: f64::from_le_bytes(take(from)?),
            },
            3 => Acc::Min(decode_scalar(from)?),
            4 => Acc::Max(decode_scalar(from)?),
            _ => return None,
        })
    }
}

pub(crate) fn encode_scalar(value: &value::Value<'_>, to: &mut Vec<u8>) {
    let mut put = |kind: u8, bytes: &[u8]| {
        to.push(kind);
        to.extend_from_slice(bytes);
    };
    match value {
        value::Value::Null => put(0, &[]),
        value::Value::Boolean(value) => put(1, &[u8::from(*value)]),
        value::Value::Int(value) => put(2, &value.to_le_bytes()),
        value::Value::BigInt(value) => put(3, &value.to_le_bytes()),
        value::Value::Double(value) => put(4, &value.to_bits().to_le_bytes()),
        value::Value::Numeric(value) => {
            put(5, &value.mantissa().to_le_bytes());
            to.push(value.scale() as u8);
        }
        value::Value::Varchar(text) => {
            put(6, &(text.len() as u32).to_le_bytes());
            to.extend_from_slice(text.as_bytes());
        }
        value::Value::Timestamp(time) => put(7, &time.0.to_le_bytes()),
        value::Value::TimestampTz(time) => put(8, &time.0.to_le_bytes()),
        value::Value::Interval(span) => put(9, &span.0.to_le_bytes()),
    }
}

pub(crate) fn decode_scalar(from: &mut &[u8]) -> Option<Scalar> {
    let [kind] = take(from)?;
    Some(match kind {
        0 => Scalar::Null,
        1 => match take(from)? {
            [0] => Scalar::Boolean(false),
            [1] => Scalar::Boolean(true),
            _ => return None,
        },
        2 => Scalar::Int(i32::from_le_bytes(take(from)?)),
        3 => Scalar::BigInt(i64::from_le_bytes(take(from)?)),
        4 => Scalar::Double(f64::from_le_bytes(take(from)?)),
        5 => {
            let digits = i128::from_le_bytes(take(from)?);
            let [scale] = take(from)?;
            Scalar::Numeric(Decimal::try_from_i128_with_scale(digits, u32::from(scale)).ok()?)
        }
        6 => {
            let length = u32::from_le_bytes(take(from)?) as usize;
            let (text, rest) = from.split_at_checked(length)?;
            *from = rest;
            Scalar::Varchar(std::str::from_utf8(text).ok()?.to_string().into())
        }
        7 => Scalar::Timestamp(EventTime(i64::from_le_bytes(take(from)?))),
        8 => Scalar::TimestampTz(EventTime(i64::from_le_bytes(take(from)?))),
        9 => Scalar::Interval(Span(i64::from_le_bytes(take(from)?))),
        _ => return None,
    })
}

/// Takes so many bytes off the front of `from`.
fn take<const N: usize>(from: &mut &[u8]) -> Option<[u8; N]> {
    let (bytes, rest) = from.split_first_chunk()?;
    *from = rest;
    Some(*bytes)
}

/// What state is of, in words, as a part of it that every worker gets back.
pub(super) fn signature(words: &str) -> Frozen {
    let bytes = words.as_bytes().to_vec();
    Frozen::new(move || {
        vec![Part {
            name: SIGNATURE.to_string(),
            owner: Owner::Every,
            bytes,
        }]
    })
}

/// The parts without the signatures, which all must be these words.
///
/// # Errors
/// The state is of other aggregates, or grouped by something else.
pub(super) fn check_signature(parts: Vec<Part>, words: &str) -> Outcome<Vec<Part>> {
    let (signatures, parts): (Vec<Part>, Vec<Part>) =
        parts.into_iter().partition(|part| part.name == SIGNATURE);
    match signatures.iter().find(|part| part.bytes != words.as_bytes()) {
        Some(part) => {
            let saved = String::from_utf8_lossy(&part.bytes);
            Err(part
                .bad(format!("it is of {saved}, and this query has {words}"))
                .into())
        }
        None => Ok(parts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all() -> Vec<Accs> {
        let scalars = [
            Scalar::Null,
            Scalar::Boolean(true),
            Scalar::Int(-7),
            Scalar::BigInt(i64::MIN),
            Scalar::Double(-0.5),
            Scalar::Numeric("-12.340".parse().unwrap()),
            Scalar::Varchar("ä".into()),
            Scalar::Timestamp(EventTime(-1)),
            Scalar::TimestampTz(EventTime(1)),
            Scalar::Interval(Span(3)),
        ];
        let extremes = scalars
            .into_iter()
            .flat_map(|value| [Acc::Min(value.clone()), Acc::Max(value)]);
        let sums = [
            Acc::Count(9),
            Acc::Exact {
                values: 2,
                sum: Wide(-1 << 90),
                scale: 28,
            },
            Acc::Doubles { values: 1, sum: 0.1 },
        ];
        let one = |acc| Accs {
            rows: 3,
            of: [acc].into_iter().collect(),
        };
        let mut all: Vec<Accs> = sums.into_iter().chain(extremes).map(one).collect();
        all.push(Accs {
            rows: 1,
            of: all.iter().flat_map(|accs| accs.of.clone()).collect(),
        });
        all.push(Accs::default());
        all
    }

    #[test]
    fn accumulators_come_back_as_they_were() {
        for accs in all() {
            let mut bytes = Vec::new();
            accs.encode(&mut bytes);
            let mut rest = bytes.as_slice();
            let back = Accs::decode(&mut rest).unwrap();
            // By their text: equal decimals may have different scales.
            assert_eq!((format!("{back:?}"), rest.len()), (format!("{accs:?}"), 0));
        }
    }

    #[test]
    fn bytes_that_end_too_early_or_make_no_sense_are_refused() {
        for accs in all() {
            let mut bytes = Vec::new();
            accs.encode(&mut bytes);
            for end in 0..bytes.len() {
                assert_eq!(Accs::decode(&mut &bytes[..end]), None);
            }
        }
        let damaged: [&[u8]; 5] = [&[5], &[3, 10], &[3, 1, 2], &[3, 6, 1, 0, 0, 0, 0xFF], &[4, 5]];
        for bytes in damaged {
            assert_eq!(Acc::decode(&mut &bytes[..]), None);
        }
        let mut scale_of_29 = vec![1];
        scale_of_29.extend([0; 24]);
        scale_of_29.push(29);
        assert_eq!(Acc::decode(&mut scale_of_29.as_slice()), None);
    }

    #[test]
    fn state_of_other_aggregates_is_refused() {
        let parts = signature("COUNT(*) by VARCHAR").parts();
        assert_eq!(check_signature(parts.clone(), "COUNT(*) by VARCHAR").unwrap(), []);
        let refused = check_signature(parts, "MAX(INT) by VARCHAR")
            .unwrap_err()
            .to_string();
        assert!(
            refused.contains("it is of COUNT(*) by VARCHAR, and this query has MAX(INT) by VARCHAR"),
            "{refused}"
        );
    }
}
