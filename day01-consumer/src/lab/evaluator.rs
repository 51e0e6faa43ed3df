//! The batch evaluator: the right answer of a scenario, found without any streaming.
//!
//! It has all events at once, so it parses each of them in full, throws away those that are no orders, and groups the
//! rest. It shares no code with the days of the book, so that the same mistake cannot be made twice. Amounts are added
//! as whole cents: sums of binary fractions depend on their order.

use jiff::civil::Time;
use jiff::{SignedDuration, Timestamp, tz::Offset};
use serde_json::{Number, Value};

use super::scenario::{Answer, Scenario, WindowRow};

/// The length of a window, in seconds.
const WINDOW: i64 = 10;
/// How long after its end a window is due, where somebody asks while the input goes on.
const DUE: SignedDuration = SignedDuration::from_mins(1);

/// Everything in the scenario that is an order: its merchant, its amount in cents, and what it says besides.
fn orders(scenario: &Scenario) -> impl Iterator<Item = (String, Option<i64>, Value)> {
    let payloads = scenario
        .events
        .iter()
        .filter_map(|event| event.payload.as_deref());
    let parsed = payloads.filter_map(|payload| serde_json::from_str::<Value>(payload).ok());
    parsed.filter_map(|order| {
        let merchant = order.get("merchant_id")?.as_str()?.to_string();
        let amount = order.get("amount").and_then(Value::as_number).and_then(cents);
        Some((merchant, amount, order))
    })
}

/// Sort everything, then group. An order without an amount is counted and adds nothing.
pub fn evaluate(scenario: &Scenario) -> Answer {
    let each = orders(scenario).map(|(merchant, amount, _)| (merchant, amount));
    let mut orders: Vec<(String, Option<i64>)> = each.collect();
    orders.sort();

    let mut answer = Answer::default();
    for equal in orders.chunk_by(|(one, _), (next, _)| one == next) {
        let merchant = &equal[0].0;
        let amounts: Vec<i64> = equal.iter().filter_map(|(_, amount)| *amount).collect();
        answer.order_count.insert(merchant.clone(), equal.len() as u64);
        if let Some(largest) = amounts.last() {
            let sum = amounts.iter().sum();
            answer.amount_sum.insert(merchant.clone(), decimal(sum));
            answer.amount_max.insert(merchant.clone(), decimal(*largest));
        }
    }
    answer
}

/// The same by merchant and ten seconds of event time. Where somebody asks while the input goes on, only what is due then.
pub fn evaluate_windows(scenario: &Scenario) -> Vec<WindowRow> {
    let each = orders(scenario).filter_map(|(merchant, amount, order)| {
        let second = order.get("ts")?.as_i64()?.div_euclid(1_000);
        Some((start_of(second)?, merchant, amount.unwrap_or_default()))
    });
    let mut orders: Vec<(Time, String, i64)> = each.collect();
    orders.sort();
    let windows = orders.chunk_by(|one, next| (one.0, &one.1) == (next.0, &next.1));
    let rows = windows.map(|window| WindowRow {
        start: window[0].0,
        merchant_id: window[0].1.clone(),
        order_count: window.len() as u64,
        amount_sum: decimal(window.iter().map(|(_, _, amount)| amount).sum()),
    });
    rows.filter(|row| is_due(scenario, row.start)).collect()
}

/// Whether the window that begins then has to be there when somebody asks.
pub fn is_due(scenario: &Scenario, start: Time) -> bool {
    let due = start.saturating_add(SignedDuration::from_secs(WINDOW) + DUE);
    scenario.asked_at.is_none_or(|asked_at| due <= asked_at)
}

/// When the window that holds this second since 1970 begins.
fn start_of(second: i64) -> Option<Time> {
    let start = Timestamp::from_second(second - second.rem_euclid(WINDOW)).ok()?;
    Some(Offset::UTC.to_datetime(start).time())
}

/// The digits of `12.5` as 1250, if there are no fractions of a cent.
fn cents(amount: &Number) -> Option<i64> {
    let digits = amount.to_string();
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    match fraction.len() {
        0..=2 => format!("{whole}{fraction:0<2}").parse().ok(),
        _ => None,
    }
}

/// 1250 as `12.50`.
fn decimal(cents: i64) -> String {
    let sign = if cents < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_taken_digit_by_digit() {
        let cents = |json: &str| cents(&serde_json::from_str(json).expect("a number"));
        for (json, amount, written) in [
            ("12.5", 1_250, "12.50"),
            ("12.50", 1_250, "12.50"),
            ("12", 1_200, "12.00"),
            ("0.07", 7, "0.07"),
            ("-0.5", -50, "-0.50"),
            // As a binary fraction, this is less than 1.15.
            ("1.15", 115, "1.15"),
        ] {
            assert_eq!(cents(json), Some(amount), "{json}");
            assert_eq!(decimal(amount), written);
        }
        for json in ["0.125", "1e300"] {
            assert_eq!(cents(json), None, "{json}");
        }
    }
}
