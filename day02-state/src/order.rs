//! An order as day 2 reads it: who sold, and for how much, in exact cents.
//!
//! An amount is money, so it is never a float here: the digits of the JSON number are read as they stand. `0.1 + 0.2` is not
//! `0.3` in binary floating point, and worse for us, the sum of many floats depends on their *order*, which with two
//! workers is another one in each run.

use std::borrow::Cow;
use std::fmt;

use day01_consumer::decode::{self, Payload};
use day01_consumer::order::{BadRecord, Reason, json, required_string};
use rust_decimal::Decimal;

// ANCHOR: order
/// An order, borrowed from its record: `{"merchant_id":"m-7","amount":12.50, …}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order<'a> {
    /// Who sold.
    pub merchant_id: Cow<'a, str>,
    /// For how much.
    pub amount: Cents,
}

impl<'a> Order<'a> {
    /// Reads an order from a payload as [`decode::texts`] gives it.
    #[inline]
    pub fn decode(payload: Payload<'a>) -> Result<Self, BadRecord> {
        let json = json(payload)?;
        let [merchant_id, amount] = decode::project(json, &["merchant_id", "amount"])
            .map_err(|error| BadRecord::json(json, error))?;
        Ok(Order {
            merchant_id: required_string("merchant_id", merchant_id)?,
            amount: Cents::required("amount", amount)?,
        })
    }
}
// ANCHOR_END: order

/// An amount of money in hundredths. It prints as a number with two decimals.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cents(pub i64);

impl Cents {
    /// The value of a field that must be there and must be a number with at most two decimals; `raw` is its JSON text.
    #[inline]
    pub fn required(field: &'static str, raw: Option<&str>) -> Result<Self, BadRecord> {
        let raw = raw.ok_or(Reason::Missing(field))?;
        Cents::parse(raw).ok_or_else(|| match raw {
            "null" => Reason::Null(field).into(),
            _ => Reason::NotA("number with at most two decimals", field).into(),
        })
    }

    /// The amount that a JSON number stands for, if it is one of whole cents.
    ///
    /// ```
    /// # use day02_state::order::Cents;
    /// assert_eq!(Cents::parse("12.5"), Some(Cents(1250)));
    /// assert_eq!(Cents::parse("1.25e1"), Some(Cents(1250)));
    /// assert_eq!(Cents::parse("12.505"), None);
    /// ```
    #[inline]
    pub fn parse(number: &str) -> Option<Self> {
        plain(number).or_else(|| any(number))
    }
}

/// The usual case: digits, and perhaps a point with one or two more.
#[inline]
fn plain(number: &str) -> Option<Cents> {
    let (whole, decimals) = match number.as_bytes() {
        [whole @ .., b'.', tenths, hundredths] => (whole, [*tenths, *hundredths]),
        [whole @ .., b'.', tenths] => (whole, [*tenths, b'0']),
        whole => (whole, [b'0', b'0']),
    };
    // Sixteen digits of whole units leave room for the cents.
    if whole.is_empty() || whole.len() > 16 {
        return None;
    }
    let mut cents = 0_i64;
    for digit in whole.iter().chain(&decimals) {
        if !digit.is_ascii_digit() {
            return None;
        }
        cents = cents * 10 + i64::from(digit - b'0');
    }
    Some(Cents(cents))
}

/// Everything else that JSON allows: a sign, an exponent, zeros behind the second decimal.
#[cold]
fn any(number: &str) -> Option<Cents> {
    if !number.starts_with(|first: char| first == '-' || first.is_ascii_digit()) {
        return None;
    }
    let number = Decimal::from_str_exact(number)
        .or_else(|_| Decimal::from_scientific(number))
        .ok()?;
    let cents = number.checked_mul(Decimal::ONE_HUNDRED)?.normalize();
    match cents.scale() {
        0 => i64::try_from(cents.mantissa()).ok().map(Cents),
        _ => None,
    }
}

impl fmt::Display for Cents {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&money(i128::from(self.0)), f)
    }
}

/// Any number of cents, as a number with two decimals.
pub fn money(cents: i128) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    let cents = cents.unsigned_abs();
    format!("{sign}{}.{:02}", cents / 100, cents % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_read_exactly_or_not_at_all() {
        #[rustfmt::skip]
        let table = [
            ("12.50",               Some(1250)),
            ("12.5",                Some(1250)),
            ("12",                  Some(1200)),
            ("0",                   Some(0)),
            ("-0",                  Some(0)),
            ("0.01",                Some(1)),
            ("-12.50",              Some(-1250)),
            ("12.500",              Some(1250)),
            ("12.505",              None),
            ("1e2",                 Some(10_000)),
            ("1.25E+1",             Some(1250)),
            ("1e-2",                Some(1)),
            ("1e-3",                None),
            ("1e400",               None),
            ("9999999999999999.99", Some(999_999_999_999_999_999)),
            ("92233720368547758.07", Some(i64::MAX)),
            ("92233720368547758.08", None),
            ("-92233720368547758.08", Some(i64::MIN)),
            ("\"12.50\"",           None),
            ("true",                None),
            ("[1]",                 None),
            ("{}",                  None),
        ];
        for (json, cents) in table {
            assert_eq!(Cents::parse(json), cents.map(Cents), "{json}");
        }
    }

    #[test]
    fn the_quick_way_and_the_general_one_agree() {
        for cents in (0..200_000_i64).chain([999_999_999_999_999_999, 123_456_789_012]) {
            let written = Cents(cents).to_string();
            assert_eq!(plain(&written), Some(Cents(cents)));
            assert_eq!(any(&written), Some(Cents(cents)));
        }
    }

    #[test]
    fn money_has_two_decimals() {
        let printed: Vec<String> = [0, 5, -5, 1250, -123_456]
            .map(|cents| Cents(cents).to_string())
            .into();
        assert_eq!(printed, ["0.00", "0.05", "-0.05", "12.50", "-1234.56"]);
        assert_eq!(format!("{:>8}", Cents(1250)), "   12.50");
    }

    #[test]
    fn what_is_wrong_with_an_order_is_said() {
        let reason = |json| {
            Order::decode(Payload::Text(json))
                .expect_err("a bad order")
                .reason
        };
        assert_eq!(reason(r#"{"merchant_id":"m-1"}"#), Reason::Missing("amount"));
        assert_eq!(reason(r#"{"amount":1}"#), Reason::Missing("merchant_id"));
        assert_eq!(
            reason(r#"{"merchant_id":"m-1","amount":null}"#),
            Reason::Null("amount")
        );
        assert_eq!(
            reason(r#"{"merchant_id":"m-1","amount":"1"}"#).to_string(),
            "amount is not a number with at most two decimals"
        );
    }
}
