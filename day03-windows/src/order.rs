//! An order as day 3 reads it: who sold, for how much, and when.

use std::borrow::Cow;

use day01_consumer::decode::{self, Payload};
use day01_consumer::order::{BadRecord, Reason, check_key, json, required_string};
use day02_state::job::Decode;
use day02_state::order::Cents;
use day02_state::rows::Rows;

use crate::time::{EventTime, Stamped};

/// An order, borrowed from its record: `{"merchant_id":"m-7","amount":12.50,"ts":1767225600000, …}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order<'a> {
    /// Who sold.
    pub merchant_id: Cow<'a, str>,
    /// For how much.
    pub amount: Cents,
    /// When.
    pub ts: EventTime,
}

impl<'a> Order<'a> {
    /// Reads an order from a payload as [`decode::texts`] gives it.
    #[inline]
    pub fn decode(payload: Payload<'a>) -> Result<Self, BadRecord> {
        let json = json(payload)?;
        let [merchant_id, amount, ts] = decode::project(json, &["merchant_id", "amount", "ts"])
            .map_err(|error| BadRecord::json(json, error))?;
        Ok(Order {
            merchant_id: required_string("merchant_id", merchant_id)?,
            amount: Cents::required("amount", amount)?,
            ts: required_time("ts", ts)?,
        })
    }
}

/// By merchant, the amount and when.
impl Decode for Stamped<Cents> {
    #[inline]
    fn decode(payload: Payload<'_>, max_key: usize, into: &mut Rows<Self>) -> Result<(), BadRecord> {
        let order = Order::decode(payload)?;
        check_key("merchant_id", &order.merchant_id, max_key)?;
        let (ts, value) = (order.ts, order.amount);
        into.push(order.merchant_id.as_bytes(), Stamped { ts, value });
        Ok(())
    }
}

/// What a time in a record has to be.
const TIME: &str = "time: a whole number of milliseconds since 1970, within the years 1 to 9999";

/// The value of a field that must be there and must be a time; `raw` is its JSON text.
///
/// A time that no calendar reaches is refused. It is nearly always microseconds or nanoseconds by mistake,
/// and one such row would carry the time of the whole job with it. Seconds by mistake cannot be told from
/// times of January 1970.
#[inline]
fn required_time(field: &'static str, raw: Option<&str>) -> Result<EventTime, BadRecord> {
    let raw = raw.ok_or(Reason::Missing(field))?;
    let millis = raw.parse().ok().or_else(|| any(raw));
    match millis.map(EventTime) {
        Some(time) if time.is_on_calendar() => Ok(time),
        None if raw == "null" => Err(Reason::Null(field).into()),
        _ => Err(Reason::NotA(TIME, field).into()),
    }
}

/// A whole number that JSON allows to be written in another way: `1.7672256e12`, or with zeros behind the
/// point.
#[cold]
fn any(raw: &str) -> Option<i64> {
    let cents = Cents::parse(raw)?;
    (cents.0 % 100 == 0).then_some(cents.0 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(ts: &str) -> Result<i64, Reason> {
        let json = format!(r#"{{"merchant_id":"m-1","amount":1,"ts":{ts}}}"#);
        let order = Order::decode(Payload::Text(&json));
        order.map(|order| order.ts.0).map_err(|bad| bad.reason)
    }

    #[test]
    fn a_time_is_whole_milliseconds_within_the_calendar() {
        let not = Err(Reason::NotA(TIME, "ts"));
        #[rustfmt::skip]
        let table = [
            ("1767225600000",        Ok(1_767_225_600_000)),
            ("0",                    Ok(0)),
            ("-1",                   Ok(-1)),
            ("1.7672256e12",         Ok(1_767_225_600_000)),
            ("1767225600000.0",      Ok(1_767_225_600_000)),
            ("253402300799999",      Ok(253_402_300_799_999)),
            ("-62135596800000",      Ok(-62_135_596_800_000)),
            ("253402300800000",      not),
            ("-62135596800001",      not),
            ("1767225600000000",     not),
            ("9223372036854775807",  not),
            ("-9223372036854775808", not),
            ("9223372036854775808",  not),
            ("1e400",                not),
            ("0.5",                  not),
            ("\"1767225600000\"",    not),
            ("true",                 not),
            ("{}",                   not),
            ("null",                 Err(Reason::Null("ts"))),
        ];
        for (ts, wanted) in table {
            assert_eq!(read(ts), wanted, "{ts}");
        }
    }

    #[test]
    fn what_is_wrong_with_an_order_is_said() {
        let said = |json| {
            Order::decode(Payload::Text(json))
                .expect_err("a bad order")
                .reason
                .to_string()
        };
        assert_eq!(said(r#"{"merchant_id":"m-1","amount":1}"#), "no ts");
        assert_eq!(said(r#"{"merchant_id":"m-1","ts":1}"#), "no amount");
        assert_eq!(
            said(r#"{"merchant_id":"m-1","amount":1,"ts":1767225600000000000}"#),
            "ts is not a time: a whole number of milliseconds since 1970, within the years 1 to 9999"
        );
    }
}
